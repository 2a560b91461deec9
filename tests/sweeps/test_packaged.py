"""Packaged experiments as sweeps: their own groups, and reports that read them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmverify.cli import main
from dsmverify.errors import InputError
from dsmverify.experiments import configurations, critical, running
from dsmverify.experiments.groups import WORK
from dsmverify.sweeps import cells, configuration, kinds, packaged
from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.store import Store

# A small version of the packaged configuration: two settings, two rates, two seeds.
SMALL = """
experiment = "critical"
seed = 1
seeds = 2
sigma = 0.3
width = 10
time = 1
minimum_steps = 5
batch = { size = 1, reduction = "sum", replacement = false }
rates = [1, 4]
rules = [{ name = "noise", level = 0.1, unit = "noise" }]
draws = 4
resamples = 50
resampling_seed = 2
quick = { seeds = 2, time = 1, rates = [1, 4], levels = 2, dimension = 1 }
[[series]]
name = "sigma"
factor = "sigma"
levels = [0.3, 0.5]
sample = { shape = "equispaced", size = 3, spacing = 1 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def expand(file: Path) -> list[Cell]:
    return cells.expand(configuration.load(file))


def test_cells_are_the_experiment_s_own_groups(file: Path) -> None:
    todo = expand(file)
    document = configurations.load(str(file))
    groups = critical.groups_of(document, quick=False)
    assert [cell.labels["group"] for cell in todo] == [group.name for group in groups]
    assert [cell.work for cell in todo] == [group.total for group in groups]


def test_comments_do_not_change_the_keys_and_values_do(file: Path) -> None:
    keys = [cell.key for cell in expand(file)]
    file.write_text(f"# A comment.\n{SMALL}")
    assert [cell.key for cell in expand(file)] == keys
    file.write_text(SMALL.replace("draws = 4", "draws = 5"))
    assert not {cell.key for cell in expand(file)} & set(keys)


def test_a_report_reads_the_store_and_trains_nothing(file: Path, tmp_path: Path) -> None:
    document, todo = configurations.load(str(file)), expand(file)
    plain, swept = tmp_path / "plain", tmp_path / "swept"
    running.run(document, out=plain)
    with Store.open(tmp_path / "a.db", write=True) as store:
        store.put_many([kinds.run(cell) for cell in todo])
        running.run(document, out=swept, kept=packaged.kept(todo, store.read))
    assert not (swept / WORK).exists()
    for name in ("critical_rate.csv", "critical_runs.csv", "critical.md"):
        assert (swept / name).read_bytes() == (plain / name).read_bytes()


def test_a_report_trains_what_the_store_lacks(file: Path, tmp_path: Path) -> None:
    document, todo = configurations.load(str(file)), expand(file)
    with Store.open(tmp_path / "a.db", write=True) as store:
        store.put(kinds.run(todo[0]))
        running.run(document, out=tmp_path / "out", kept=packaged.kept(todo, store.read))
    names = {path.name.rpartition("-")[0] for path in (tmp_path / "out" / WORK).iterdir()}
    assert names == {todo[1].labels["group"]}


def test_train_reads_a_store_that_has_everything(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, swept = tmp_path / "plain", tmp_path / "swept"
    todo = expand(file)
    with Store.open(tmp_path / "a.db", write=True) as store:
        store.put(kinds.run(todo[0]))
    read = ["train", str(file), "--out", str(swept), "--store", str(tmp_path / "a.db")]
    assert main(read) == 2
    assert f"it lacks {len(todo) - 1} of the {len(todo)} groups" in capsys.readouterr().err
    assert not swept.exists()
    assert main([*read, "--device", "cuda"]) == 2
    assert "a sweep trains on 'cpu'" in capsys.readouterr().err
    with Store.open(tmp_path / "a.db", write=True) as store:
        store.put_many([kinds.run(cell) for cell in todo])
    assert main(read) == 0
    assert main(["train", str(file), "--out", str(plain)]) == 0
    assert not (swept / WORK).exists()
    tables = [path.name for path in plain.iterdir() if path.suffix in {".csv", ".md"}]
    assert len(tables) == 3
    for name in tables:
        assert (swept / name).read_bytes() == (plain / name).read_bytes()


def test_a_group_that_is_not_in_the_configuration_is_refused(file: Path) -> None:
    todo = expand(file)
    with pytest.raises(InputError, match="no such group in the configuration"):
        packaged.group(todo[0].data, "0" * 64)


def test_figure_2_is_a_sweep_too() -> None:
    todo = cells.expand(configuration.load("figures/2", quick=True))
    assert todo
    assert {cell.labels["experiment"] for cell in todo} == {"figure2"}
