"""Figure 3: a tiny run through the command line, and what may be concluded from it."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsmverify import cli
from dsmverify.errors import InputError
from dsmverify.experiments import clouds, configurations, figure3, figure3_report, page
from dsmverify.experiments.clouds import Row
from dsmverify.experiments.figure3 import Change, Entry, Evidence, Figure3, conclude
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Band, Power

# The second bandwidth sees nothing: no two points are so close.
THREE = """
experiment = "figure3"
seed = 3
trainings = 2
level = 0.2
integrator_points = 600
points = [[-2.0, 0.0], [2.0, 0.5], [0.0, 2.0]]
rates = [{ rate = "0.1", steps = 30 }, { rate = "1", steps = 6 }]
[model]
width = 50
[batch]
size = 64
reduction = "mean"
replacement = true
[times]
[generation]
seed = 31
sets = 2
count = 60
steps = 5
spacing = "signal"
[metrics]
seed = 32
bandwidths = ["1", "0.001"]
repeats = 4
level = 0.4
transport_points = 40
leave_out = ["w2", "sliced_w2", "mmd2_biased"]
[[options]]
name = "Euler-Maruyama"
generation = { method = "euler", steps = 20, spacing = "uniform" }
[[options]]
name = "half of the steps"
share = "1/2"
[[options]]
name = "half of the steps; inner weights frozen"
share = "1/2"
model = { train_inner = false }
[quick]
rates = ["0.1", "1"]
product = 2
trainings = 2
sets = 2
repeats = 4
options = ["Euler-Maruyama"]
equal_steps = true
"""

BLIND = "mmd2_unbiased (0.001)"


def settings(text: str = THREE) -> Figure3:
    document = configurations.parse(text, "three.toml")
    return configurations.build(Figure3, document.table, document.source)


def train(folder: Path, *arguments: str) -> int:
    file = folder / "three.toml"
    file.write_text(THREE, encoding="utf-8")
    out = str(folder / "out")
    return cli.main(["train", str(file), "--out", out, "--threads", "1", *arguments])


def written(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "out").glob("*fig3*"))}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    assert train(folder, "--quick") == 0
    return folder


def rows(quick: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(quick)[name].decode())))


def test_what_a_quick_run_writes(quick: Path) -> None:
    assert set(written(quick)) == {
        "quick_fig3.md", "quick_fig3_mmd.csv", "quick_fig3_power.csv", "quick_fig3_options.csv",
        "quick_fig3_clouds.svg", "quick_fig3_clouds.pdf", "quick_fig3_mmd.svg",
        "quick_fig3_mmd.pdf",
    }  # fmt: skip


def test_the_table_of_distances(quick: Path) -> None:
    found = rows(quick, "quick_fig3_mmd.csv")
    assert tuple(found[0]) == clouds.columns("learning_rate")
    # Two rates; per rate two bandwidths of two metrics with two extremes, and two statistics.
    assert len(found) == 2 * (2 * 2 * 2 + 2)
    assert {row["learning_rate"] for row in found} == {"0.1", "1"}
    assert not any(row["page_value"] for row in found)  # the points are not the page's
    for row in found:
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
    blind = [row for row in found if row["bandwidth"] == "0.001"]
    assert {row["informative"] for row in blind} == {"no"}
    assert all(row["value"] for row in blind)


def test_uninformative_metrics_decide_nothing(quick: Path) -> None:
    report = written(quick)["quick_fig3.md"].decode()
    words, _, rest = report.partition("## Conclusions")
    conclusions, _, values = rest.partition("## Values")
    assert f"Nothing is concluded from {BLIND}" in words
    tables = [line for line in conclusions.splitlines() if line.startswith("|")]
    assert any("(1)" in line for line in tables)
    assert not any("0.001" in line for line in tables)
    table = [line for line in values.splitlines() if line.startswith(f"| {BLIND}")]
    assert clouds.UNINFORMATIVE in table[0]


def test_options_that_train_nothing_use_the_networks_of_the_base(quick: Path) -> None:
    networks = sorted(file.name for file in (quick / "out" / ".work").glob("*.npz"))
    assert [name.rpartition("-")[0] for name in networks] == [
        "figure3-as-many-steps-as-the-smallest-rate",
        "figure3-base",
    ]
    found = rows(quick, "quick_fig3_options.csv")
    assert {(row["option"], row["learning_rate"], row["steps"]) for row in found} == {
        ("Euler-Maruyama", "0.1", "20"),
        ("Euler-Maruyama", "1", "2"),
        (figure3.EQUAL_STEPS, "1", "20"),
    }


def test_an_interrupted_run_ends_in_the_same_bytes(
    quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def stop(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(figure3, "integrator_error", stop)
        assert train(tmp_path, "--quick") != 0
    assert not written(tmp_path)
    for file in (tmp_path / "out" / ".work").glob("figure3-base-*.json"):
        file.unlink()
    assert train(tmp_path, "--quick") == 0
    # The name of the configuration's file is in the report, nothing else of the folder.
    mine, other = written(tmp_path), written(quick)
    swap = (str(tmp_path).encode(), str(quick).encode())
    assert {name: data.replace(*swap) for name, data in mine.items()} == other


def test_quick_has_the_same_rate_times_steps_at_both_rates() -> None:
    found = figure3.quick_version(settings())
    assert [(rate.rate, rate.steps) for rate in found.rates] == [
        (Fraction(1, 10), 20), (Fraction(1), 2),
    ]  # fmt: skip
    assert [c.name for c in found.options] == ["Euler-Maruyama", figure3.EQUAL_STEPS]


def test_the_packaged_configuration_is_the_page_s() -> None:
    document = configurations.load("figures/3")
    found = configurations.build(Figure3, document.table, document.source)
    assert np.array_equal(found.sample, page.generation_training_points())
    printed = {rate.rate: rate.steps for rate in found.rates}
    assert (printed[Fraction(2)], printed[Fraction(1, 20)]) == (20_000, 1_000_000)
    # 40 000 at the other rates, as at rate 2.
    others = set(printed) - {Fraction(1, 20)}
    assert {rate * printed[rate] for rate in others} == {40_000}
    assert others == {rate for rate, _ in page.generated_distances()} - {Fraction(1, 20)}
    assert (found.model.width, found.batch.size, found.times.count) == (1000, 5000, 100)
    figure3.quick_version(found)


def test_a_mean_over_coordinates_is_a_smaller_rate() -> None:
    def rates(mean: bool) -> list[float]:
        (job, *_) = figure3._jobs(replace(settings(), mean_over_coordinates=mean), "", 1)
        return list(job.group.ensemble.learning_rates)

    assert rates(False) == [0.1, 0.1, 1.0, 1.0]
    assert rates(True) == [0.05, 0.05, 0.5, 0.5]


def test_options_share_seeds_with_the_base() -> None:
    base, *others = figure3._jobs(settings(), "", 1)
    for job in others:
        assert np.array_equal(job.group.ensemble.seeds, base.group.ensemble.seeds)


# ---- conclusions --------------------------------------------------------------------------------


def metric(name: str, kind: Any = "distance", larger_is: Any = "away") -> Metric:
    return Metric(name, "", kind, lambda x, y: 0.0, larger_is)


def planted(able: bool, one: Metric) -> Power:
    band = Band(0.1, 0.0, 0.2)
    return Power(one, band, band, Band(1.0, 0.9, 1.1), band, band, 39, 0.05, able, able, able, "")


def entry(rate: int, values: dict[str, tuple[Power, list[float]]]) -> Entry:
    found = []
    for name, (power, numbers) in values.items():
        versus: Any = name.partition("/")[2]
        found.append(Row(str(rate), power.metric, versus, np.array(numbers)[:, None], power))
    return Entry("base", Fraction(rate), 1, 1.0, tuple(found))


def pair(
    able: bool, near: list[float], far: list[float], name: str = "a"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of a small and a large rate; the small one has `near` to s* and `far` to the other."""
    power = planted(able, metric(name))
    small = {f"{name}/s_star": (power, near), f"{name}/gaussian": (power, far)}
    large = {f"{name}/s_star": (power, far), f"{name}/gaussian": (power, near)}
    return small, large


NEAR, FAR = [0.1, 0.2, 0.3, 0.15], [1.0, 1.1, 0.9, 1.2]


def answers(small: dict[str, Any], large: dict[str, Any], level: float = 0.1) -> list[str]:
    return [c.answer for c in conclude([entry(1, small), entry(2, large)], level)]


def test_planted_orders_are_found() -> None:
    # p is 1/70 by permutation and 1/16 by signs.
    assert answers(*pair(True, NEAR, FAR)) == [
        "supported", "supported", "cannot be shown", "supported", "supported",
    ]  # fmt: skip
    assert answers(*pair(True, FAR, NEAR)) == [
        "contradicted", "contradicted", "cannot be shown", "contradicted", "contradicted",
    ]  # fmt: skip


def test_a_level_below_the_smallest_p_shows_nothing() -> None:
    found = answers(*pair(True, NEAR, FAR), level=0.05)
    assert found[0] == "supported"
    assert found[3] == "seen, not shown"  # 1/16 > 0.05
    assert answers(*pair(True, FAR, NEAR), level=0.01)[0] == "opposite seen, not shown"


def test_a_planted_uninformative_metric_is_never_heard() -> None:
    small, large = pair(False, FAR, NEAR, "blind")
    assert set(answers(small, large)) == {"cannot be shown"}
    good_small, good_large = pair(True, NEAR, FAR)
    found = conclude([entry(1, good_small | small), entry(2, good_large | large)], 0.1)
    assert found[0].answer == "supported"
    assert found[0].left_out == ("blind",)
    assert [e.metric for e in found[0].evidence] == ["a"]


def test_informative_metrics_may_disagree() -> None:
    (s, l), (t, m) = pair(True, NEAR, FAR), pair(True, FAR, NEAR, "b")
    assert answers(s | t, l | m)[0] == "metrics disagree"


def test_a_statistic_that_grows_with_memorisation_is_read_the_other_way() -> None:
    for larger_is, (small, large) in (("towards", (FAR, NEAR)), ("away", (NEAR, FAR))):
        power = planted(True, metric("m", "statistic", larger_is))
        one = {"m/training points": (power, small)}
        two = {"m/training points": (power, large)}
        one, two = ({**pair(True, NEAR, FAR)[k], **rows} for k, rows in enumerate((one, two)))
        assert answers(one, two)[2] == "supported"


def test_a_rate_that_diverged_has_no_data() -> None:
    small, large = pair(True, NEAR, FAR)
    power = planted(True, metric("a"))
    gone = {name: (power, [math.nan] * 4) for name in large}
    assert answers(small, gone)[:2] == ["no data", "no data"]


def test_a_conclusion_needs_every_metric() -> None:
    yes, no = Evidence("a", 1.0, 1.0, 0.01, 1.0), Evidence("b", 1.0, 0.9, 0.2, 0.9)
    assert figure3._answer([yes], 0.05) == "supported"
    assert figure3._answer([yes, no], 0.05) == "seen, not shown"


def test_an_option_with_fewer_steps_is_compared_with_fewer_steps() -> None:
    found = settings()
    assert figure3.plain_of(found, "half of the steps; inner weights frozen") == "half of the steps"
    assert figure3.plain_of(found, "half of the steps") == "half of the steps"
    assert figure3.plain_of(found, "Euler-Maruyama") == "base"


def test_a_choice_that_matters_is_named() -> None:
    found = settings()
    for_it = conclude([entry(1, pair(True, NEAR, FAR)[0]), entry(2, pair(True, NEAR, FAR)[1])], 0.1)
    other = conclude([entry(1, pair(True, FAR, NEAR)[0]), entry(2, pair(True, FAR, NEAR)[1])], 0.1)
    entries = (entry(1, pair(True, NEAR, FAR)[0]), entry(2, pair(True, NEAR, FAR)[1]))
    conclusions = {"base": for_it, "Euler-Maruyama": other}
    nothing: Any = None
    summary = figure3.Summary(
        found.sample, entries, (), conclusions, {}, nothing, nothing, is_quick=False
    )
    words = "\n".join(figure3_report.plain_words(summary, found))
    assert "Supported: rate 1 generates nearer to s* than rate 2 does" in words
    assert "a choice that the page does not state: rate 1 generates nearer to s*" in words
    assert "Euler-Maruyama (contradicted)" in words
    assert "how long is trained" not in words


# ---- bad configurations -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "argument"),
    [
        ("trainings = 2\nlevel", "trainings = 0\nlevel", "trainings"),
        ("level = 0.2", "level = 1.2", "level"),
        ('{ rate = "1", steps = 6 }', '{ rate = "0.1", steps = 6 }', "rates"),
        ("width = 50", "dimension = 2", "model.dimension"),
        ("[2.0, 0.5]", "[2.0]", "points"),
        ("count = 60", "count = 60\nstart = 0.001", "generation.start"),
        ("count = 60", "counts = 60", "generation.counts"),
        ('method = "euler"', 'method = "eulers"', "options[Euler-Maruyama].generation.method"),
        ('name = "half of the steps"', 'name = "base"', "options.name"),
        ('name = "half of the steps"', 'name = "Euler-Maruyama"', "options.name"),
        ('share = "1/2"', 'share = "3/2"', "options.share"),
        ('share = "1/2"', 'share = "1/2"\nsteps = 3', "options.steps"),
        ('share = "1/2"', 'share = "1/2"\nrates = ["0.3"]', "options.rates"),
        ('options = ["Euler-Maruyama"]', 'options = ["Euler"]', "quick.options"),
        ("product = 2", "product = 0", "quick.product"),
        ('rates = ["0.1", "1"]', 'rates = ["0.1"]', "quick.rates"),
        ('rates = ["0.1", "1"]', 'rates = ["0.1", "3"]', "quick.rates"),
        ("sets = 2\nrepeats", "sets = 0\nrepeats", "quick.sets"),
    ],
)
def test_bad_configurations_are_refused(
    old: str, new: str, argument: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in THREE
    file = tmp_path / "bad.toml"
    file.write_text(THREE.replace(old, new, 1), encoding="utf-8")
    out = tmp_path / "out"
    assert cli.main(["train", str(file), "--out", str(out), "--threads", "1"]) == 2
    said = capsys.readouterr().err
    assert f"{file}: {argument}:" in said
    assert not list(out.rglob("*.npz"))


def test_steps_and_share_of_an_option() -> None:
    rate = settings().rates[0]
    assert Change("a", share=Fraction(1, 3)).made(rate) == 10
    assert Change("a", steps=7).made(rate) == 7
    with pytest.raises(InputError):
        Change("a", steps=-1)
