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
from dsmverify.experiments import (
    clouds,
    configurations,
    figure3,
    figure3_plots,
    figure3_report,
    page,
)
from dsmverify.experiments.clouds import Row
from dsmverify.experiments.figure3 import Change, Entry, Evidence, Figure3, conclude
from dsmverify.experiments.plots import vector
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Band, Power

# The second bandwidth sees nothing: no two points are so close.
THREE = """
experiment = "figure3"
seed = 3
trainings = 2
level = 0.2
target_deviation = 2
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
leave_out = ["w2", "sliced_w2", "mmd2_biased", "mmd_biased"]
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


def lines_drawn(figure: Any) -> dict[str, bytes]:
    """What is drawn, without the time that drawing it takes."""
    return {"lines": b"".join(l.get_xydata().tobytes() for a in figure.axes for l in a.lines)}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure3_report, "vector", lambda f: vector(f) | lines_drawn(f))
        assert train(folder, "--quick") == 0
    return folder


def rows(quick: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(quick)[name].decode())))


def test_what_a_quick_run_writes(quick: Path) -> None:
    assert {name for name in written(quick) if not name.endswith(".lines")} == {
        "quick_fig3.md", "quick_fig3_mmd.csv", "quick_fig3_power.csv", "quick_fig3_options.csv",
        "quick_fig3_clouds.svg", "quick_fig3_clouds.pdf", "quick_fig3_mmd.svg",
        "quick_fig3_mmd.pdf",
    }  # fmt: skip


def test_the_table_of_distances(quick: Path) -> None:
    found = rows(quick, "quick_fig3_mmd.csv")
    assert tuple(found[0]) == clouds.columns("learning_rate")
    # Two rates; per rate two bandwidths with three references, and two statistics.
    assert len(found) == 2 * (2 * 3 + 2)
    assert [row["versus"] for row in found].count("target") == 2 * 2
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


def test_the_report_says_what_is_not_known_of_the_target(quick: Path) -> None:
    report = written(quick)["quick_fig3.md"].decode()
    assert f"Nothing is concluded versus the target from {BLIND}" in report
    assert "rate 1 generates nearer to the target N(0, 4 I) than rate 0.1 does" in report
    powers = rows(quick, "quick_fig3_power.csv")
    # Two bandwidths with two others, and two statistics with the Gaussian only.
    assert [row["other"] for row in powers] == ["fitted Gaussian"] * 4 + ["target"] * 2


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
    monkeypatch.setattr(figure3_report, "vector", lines_drawn)
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
    other = {name: data for name, data in other.items() if name[-3:] not in ("svg", "pdf")}
    assert sum(name.endswith(".lines") and len(mine[name]) > 100 for name in mine) == 2
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
    yes, no = Evidence("a", 1.0, 1.0, 0.01, 1.0, 5), Evidence("b", 1.0, 0.9, 0.2, 0.9, 5)
    assert figure3._answer([yes], 0.05) == "supported"
    assert figure3._answer([yes, no], 0.05) == "seen, not shown"


def test_an_option_with_fewer_steps_is_compared_with_fewer_steps() -> None:
    found = settings()
    assert figure3.plain_of(found, "half of the steps; inner weights frozen") == "half of the steps"
    assert figure3.plain_of(found, "half of the steps") == "half of the steps"
    assert figure3.plain_of(found, "Euler-Maruyama") == "base"


def answers_to_target(small: list[float], large: list[float], *, able: bool = True) -> list[str]:
    """With metric a; a metric b that is blind to the Gaussian, and to the target if not `able`."""
    near = pair(True, NEAR, FAR)
    found = []
    for rows, values in zip(near, (small, large), strict=True):
        to = {"a/target": (planted(able, metric("a")), values)}
        found.append(rows | to)
    entries = [entry(k, rows) for k, rows in enumerate(found, 1)]
    assert len(conclude(entries, 0.1)) == 5  # no target is named: nothing is said of it
    conclusions = conclude(entries, 0.1, target="N(0, 9 I)")
    assert conclusions[5].words == (
        "rate 2 generates nearer to the target N(0, 9 I) than rate 1 does"
    )
    return [c.answer for c in conclusions]


def test_the_large_rate_and_the_target() -> None:
    others = ["supported", "supported", "cannot be shown", "supported", "supported"]
    assert answers_to_target(FAR, NEAR) == [*others, "supported"]
    assert answers_to_target(NEAR, FAR) == [*others, "contradicted"]
    # Its own power decides, not that between s* and the Gaussian.
    assert answers_to_target(FAR, NEAR, able=False) == [*others, "cannot be shown"]


def test_one_training_shows_nothing_at_any_level() -> None:
    # One of two divisions is as good, p = 0.5: below this level.
    found = conclude(
        [entry(k, rows) for k, rows in enumerate(pair(True, NEAR[:1], FAR[:1]), 1)], 0.6
    )
    seen = ["seen in one training"] * 2
    assert [c.answer for c in found] == [*seen, "cannot be shown", *seen]
    assert all(c.chances == "" for c in found)  # no part of pairs, no p
    tables = "\n".join(line for c in found for line in figure3_report._conclusion(c))
    assert "| metric | difference of means |\n" in tables
    assert " p " not in tables
    assert " % " not in tables
    opposite = answers(*pair(True, FAR[:1], NEAR[:1]), level=0.6)
    assert opposite[0] == "opposite seen in one training"
    # One training of the one and several of the other rate: a test can be made.
    small, _ = pair(True, NEAR, FAR)
    _, large = pair(True, NEAR[:1], FAR[:1])
    assert answers(small, large, level=0.2)[0] == "supported"  # p is 1/5


# ---- the lists at the top of the report ---------------------------------------------------------

NOTHING: Any = None
EULER, HALF = "Euler-Maruyama", "half of the steps"
FROZEN = "half of the steps; inner weights frozen"


def summary_of(
    found: dict[str, Any], *, share: float = 1.0, powers: tuple[Power, ...] = (),
    target_powers: tuple[Power, ...] = (), printed: figure3.PrintedClouds | None = None,
) -> figure3.Summary:  # fmt: skip
    """One conclusion, "it is so", with an answer in the base and in each option."""
    conclusions = {
        option: (figure3.Conclusion("it is so", (), (), answer),)
        for option, answer in {"base": "supported", **found}.items()
    }
    rows = pair(True, NEAR, FAR)
    entries = tuple(replace(entry(k, one), share=share) for k, one in enumerate(rows, 1))
    return figure3.Summary(
        settings().sample, entries, powers, target_powers, conclusions, {}, NOTHING, printed,
        is_quick=False,
    )  # fmt: skip


def lists(summary: figure3.Summary, found: Figure3 | None = None) -> dict[str, str]:
    """Lines below each heading; what stands above the first under the empty name."""
    said, name = {"": ""}, ""
    for line in figure3_report.plain_words(summary, found or settings()):
        if line.startswith("## "):
            name = line[3:]
            said[name] = ""
        else:
            said[name] += line + "\n"
    return said


def place(found: dict[str, Any], *, share: float = 1.0) -> tuple[str, str]:
    """The list that the conclusion is in, and what is said there."""
    said = lists(summary_of(found, share=share))
    (name,) = [name for name, text in said.items() if "It is so:" in text]
    return name, said[name]


@pytest.mark.parametrize(
    ("base", "option", "wanted"),
    [
        ("supported", "supported", "Supported by the reproduction"),
        ("supported", "seen, not shown", "Supported by the reproduction"),
        ("supported", "seen in one training", "Supported by the reproduction"),
        ("contradicted", "contradicted", "Contradicted by the reproduction"),
        ("contradicted", "opposite seen, not shown", "Contradicted by the reproduction"),
        ("supported", "contradicted", "Depends on an unstated choice"),
        ("supported", "opposite seen, not shown", "Depends on an unstated choice"),
        ("supported", "metrics disagree", "Depends on an unstated choice"),
        ("supported", "no data", "Depends on an unstated choice"),
        ("contradicted", "supported", "Depends on an unstated choice"),
        ("seen, not shown", "contradicted", "Depends on an unstated choice"),
        ("seen, not shown", "opposite seen, not shown", "Not decided"),
        ("seen, not shown", "supported", "Not decided"),
        ("seen in one training", "opposite seen in one training", "Not decided"),
        ("seen in one training", "seen in one training", "Not decided"),
        ("opposite seen, not shown", "opposite seen, not shown", "Not decided"),
        ("metrics disagree", "metrics disagree", "Not decided"),
        ("cannot be shown", "cannot be shown", "Not decided"),
        ("no data", "no data", "Not decided"),
    ],
)
def test_the_list_that_a_conclusion_belongs_to(base: str, option: str, wanted: str) -> None:
    name, text = place({"base": base, EULER: option})
    assert name == wanted
    is_named = f"with {EULER}: {figure3_report._WORDS[option]}" in text  # type: ignore[index]
    opposite = base.startswith("seen") and option.startswith("opposite")
    assert is_named == (opposite or wanted.startswith("Depends"))


def test_how_long_is_trained_is_no_unstated_choice() -> None:
    name, text = place({HALF: "contradicted"})
    assert name == "Supported by the reproduction"
    assert "How long is trained, which the page states, matters" in text
    # With steps of its own the run cannot say what those of the page give.
    name, text = place({HALF: "contradicted"}, share=0.1)
    assert name == "Not decided"
    assert "It is so: at the steps made here supported" in text
    assert "How long is trained, which is not the page's here, matters" in text
    assert place({HALF: "seen, not shown"}, share=0.1)[0] == "Supported by the reproduction"
    assert place({HALF: "contradicted", EULER: "contradicted"})[0].startswith("Depends")


def test_an_option_is_compared_with_as_few_steps() -> None:
    # Both turn it round: the steps do, and not the frozen weights.
    name, text = place({HALF: "contradicted", FROZEN: "contradicted"})
    assert name == "Supported by the reproduction"
    assert "frozen" not in text
    name, text = place({HALF: "contradicted", FROZEN: "supported"})
    assert name == "Depends on an unstated choice"
    assert f"with {FROZEN}: supported (while with {HALF}: the opposite is shown)" in text


def test_empty_lists_say_so() -> None:
    said = lists(summary_of({}))
    assert said["Not decided"] == "\n- Nothing.\n\n"
    # Nothing was contradicted, and for other points there is no page.
    assert set(said) == {
        "", "Supported by the reproduction", "Depends on an unstated choice", "Not decided",
    }  # fmt: skip


def test_what_every_report_says_of_the_scope() -> None:
    summary = summary_of({})
    assert lists(summary)[""] == ""
    one = lists(summary, replace(settings(), trainings=1))[""]
    assert "One training at each rate" in one
    assert "Nothing can be supported" in one
    cut = lists(summary_of({}, share=0.01))[""]
    assert "The steps were cut: rate x steps is 1 % at rate 1 and 1 % at rate 2" in cut


@pytest.mark.parametrize(
    ("trainings", "level", "named"),
    [
        # Least p: one of all 2, 20, 252 divisions; one of 2^T signs.
        (1, 0.05, ()),
        (3, 0.05, ("sign",)),  # 1/20 and 1/8
        (3, 0.04, ("permutation", "sign")),
        (5, 0.05, ()),  # 1/252 and 1/32
        (5, 0.01, ("sign",)),
    ],
)
def test_too_few_trainings_are_named(trainings: int, level: float, named: tuple[str, ...]) -> None:
    lines = figure3_report._smallest(replace(settings(), trainings=trainings, level=level))
    assert len(lines) == len(named)
    assert all(f"the {word} test" in line for word, line in zip(named, lines, strict=True))


def test_what_the_page_s_metric_could_not_have_shown() -> None:
    printed = figure3.PrintedClouds((), ("a finding",), ("none of its readings gives it",))

    def of(bandwidth: str, able: bool) -> Power:
        one = replace(metric("mmd2_unbiased"), bandwidth=bandwidth)
        return replace(planted(able, one), reason=f"because of {bandwidth}")

    powers = (of("1", True), of("0.1", False), of("median", False))
    summary = summary_of({}, powers=powers, target_powers=(of("1", False),), printed=printed)
    said = lists(summary)
    text = said["The page's metric could not have shown"]
    assert "mmd2_unbiased (0.1), the reading that its own clouds come nearest to" in text
    assert "because of 0.1" in text
    assert "as mmd2_unbiased (1) it can tell them apart" in text
    assert "median" not in text  # no reading of the page's
    assert "rate 2 generates nearer to the target N(0, 4 I): it prints no distance to it" in text
    assert "Nor could mmd2_unbiased (1) have shown that: because of 1" in text
    choice = said["Depends on an unstated choice"]
    assert choice == "\n- The page's own clouds: none of its readings gives it.\n\n"
    end = said["Not decided"]
    assert "from mmd2_unbiased (0.1), mmd2_unbiased (median): uninformative" in end
    assert "versus the target from mmd2_unbiased (1): uninformative" in end
    assert "target" not in lists(summary, replace(settings(), target_deviation=None))[
        "The page's metric could not have shown"
    ].replace("Nor could mmd2_unbiased (1) have shown that: because of 1", "")


# ---- drawings -----------------------------------------------------------------------------------


def drawn(axis: Any) -> tuple[str, np.ndarray]:
    return axis.get_title(), axis.lines[0].get_xydata()


def test_every_cloud_has_its_panel() -> None:
    names = ("s_star", "gaussian", "target", "1", "2", figure3.EQUAL_STEPS)
    shown = {name: np.full((3, 2), k / 10) for k, name in enumerate(names)}
    summary = summary_of({}, share=0.02)
    longer = replace(summary.entries[1], option=figure3.EQUAL_STEPS, steps=77)
    summary = replace(summary, clouds=shown, entries=(*summary.entries, longer))
    figure = figure3_plots.clouds(summary, with_page=False)
    panels = dict(drawn(axis) for axis in figure.axes if axis.get_visible())
    assert {title: float(x[0, 0]) for title, x in panels.items()} == {
        "generated with s*": 0.0,
        "fitted Gaussian": 0.1,
        "target": 0.2,
        "rate 1\n1 steps, 2 % of the full": 0.3,
        "rate 2\n1 steps, 2 % of the full": 0.4,
        "rate 2\n77 steps, as at rate 1": 0.5,
    }


# ---- bad configurations -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "argument"),
    [
        ("trainings = 2\nlevel", "trainings = 0\nlevel", "trainings"),
        ("level = 0.2", "level = 1.2", "level"),
        ('{ rate = "1", steps = 6 }', '{ rate = "0.1", steps = 6 }', "rates"),
        ("width = 50", "dimension = 2", "model.dimension"),
        ("[2.0, 0.5]", "[2.0]", "points"),
        ("[0.0, 2.0]", "[-2.0, 0.0]", "points[2]"),
        ("target_deviation = 2", "target_deviation = 0", "target_deviation"),
        ("target_deviation = 2", "target_deviation = -2", "target_deviation"),
        ("target_deviation = 2", "target_deviation = inf", "target_deviation"),
        ('"1", "0.001"', '"1", "0"', "metrics.bandwidths"),
        (
            '"w2", "sliced_w2"',
            '"w2", "sliced_w2", "mmd2_unbiased", "memorised", "nearest_distance"',
            "metrics.leave_out",
        ),
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


@pytest.mark.parametrize("deviation", [0.0, -1.0, math.inf, math.nan])
def test_a_target_has_a_width(deviation: float) -> None:
    with pytest.raises(InputError, match="target_deviation"):
        replace(settings(), target_deviation=deviation)


def test_steps_and_share_of_an_option() -> None:
    rate = settings().rates[0]
    assert Change("a", share=Fraction(1, 3)).made(rate) == 10
    assert Change("a", steps=7).made(rate) == 7
    with pytest.raises(InputError):
        Change("a", steps=-1)
