"""`dsmverify curves`: what it writes, says and refuses, and its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmverify import cli

pytest.importorskip("matplotlib")

SMALL = """
experiment = "curves"
seed = 1
noise_samples = [1]
psi_p = { low = 0.5, high = 8, count = 5 }
[[panels]]
name = "one"
activation = "relu"
psi_n = 2
time = 0.1
ridge = 0.01
[simulation]
psi_p = [1]
sizes = [
  { dimension = 4, repeats = 8 },
  { dimension = 5, repeats = 8 },
  { dimension = 6, repeats = 8 },
  { dimension = 8, repeats = 8 },
]
"""


DIMENSIONS = (2, 3, 4, 5)
REPEATS = 1000


def _own(folder: Path, text: str = SMALL) -> str:
    file = folder / "own.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_tables_and_pictures_are_written_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    status = cli.main(["curves", _own(tmp_path), "--out", str(out)])
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    names = ["curves.csv", "curves.md", "curves_simulation.csv", "curves_tests.csv"]
    names += ["curves.svg", "curves.pdf"]
    assert said.out.splitlines() == [
        "curves: 1 lines, 5 points, float64, not certified",
        "simulation: 4 finite models, 32 repeats",
        "intercepts against lines: 3 agrees, 0 deviates, 0 no fit, 0 not tested; "
        "evidence, no proof",
        *(f"wrote {out / name}" for name in names),
    ]
    assert {file.name for file in out.iterdir()} == {*names, ".work"}


def test_a_deviation_has_its_own_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At these sizes, and with so many repeats, 1/d describes the means and misses the line."""
    sizes = "".join(f"{{ dimension = {d}, repeats = {REPEATS} }}, " for d in DIMENSIONS)
    text = SMALL[: SMALL.index("[simulation]")] + f"[simulation]\npsi_p = [1]\nsizes = [{sizes}]\n"
    assert cli.main(["curves", _own(tmp_path, text), "--out", str(tmp_path / "out")]) == 1
    assert " 0 deviates" not in capsys.readouterr().out


def test_lines_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["curves", _own(tmp_path), "--no-simulation", "--out", str(out)]
    assert cli.main(arguments) == 0
    assert "simulation: none" in capsys.readouterr().out
    assert sorted(file.suffix for file in out.iterdir()) == [".csv", ".md", ".pdf", ".svg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["curves", "nope"], ("there is no file and no packaged configuration", "curves")),
        (["curves", "critical"], ("critical: experiment: 'critical'", "`dsmverify train`")),
        (["curves", "own.toml", "--out", "/dev/null/x"], ("is not a folder",)),
        (["curves", "bad.toml"], ("bad.toml: panels[0].ridge: '-1'", '"0+" is the limit')),
        (["train", "curves"], ("curves: experiment: 'curves'", "run `dsmverify curves` on it")),
        (
            ["sweep", "curves", "--store", "s.db"],
            ("it does not run as a sweep", "dsmverify curves"),
        ),
    ],
)
def test_bad_input(
    arguments: list[str],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    _own(tmp_path)
    (tmp_path / "bad.toml").write_text(SMALL.replace("ridge = 0.01", "ridge = -1"))
    before = sorted(tmp_path.iterdir())
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said
    assert sorted(tmp_path.iterdir()) == before
