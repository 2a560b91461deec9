"""`dsmverify train`: every kind of experiment through the command line, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmverify import cli
from tests.experiments.test_critical import TINY
from tests.experiments.test_figure3 import THREE
from tests.experiments.test_figures import ONE, TWO
from tests.experiments.test_theorem import SMALL

KINDS = {
    "figure1": (ONE, "fig1.csv"),
    "figure2": (TWO, "fig2.csv"),
    "figure3": (THREE, "fig3.md"),
    "critical": (TINY, "critical_rate.csv"),
    "theorem": (SMALL, "theorem.md"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_experiment(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, file = KINDS[kind]
    configuration, out = tmp_path / "own.toml", tmp_path / "out"
    configuration.write_text(text, encoding="utf-8")
    status = cli.main(["train", str(configuration), "--out", str(out), "--threads", "1"])
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert f"wrote {out / file}" in said.out
    assert (out / file).stat().st_size


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "there is no file and no packaged configuration"),
        (["figures/9"], "did you mean 'figures/"),
        (["figures/1", "--quick", "--device", "toaster"], "device: 'toaster'"),
        (["figures/1", "--out", "/dev/null/x"], "is not a folder"),
    ],
)
def test_bad_input(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
