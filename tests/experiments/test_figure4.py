"""Figure 4 from end to end on tiny networks, its power without training, and its trends."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Model
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.experiments import (
    clouds,
    configurations,
    figure4,
    figure4_grounds,
    figure4_plots,
    figure4_report,
    plots,
)
from dsmverify.experiments.figure4_settings import Figure4
from dsmverify.experiments.groups import WORK
from dsmverify.experiments.ordered_trends import _ways, ordered_trend
from dsmverify.instance import Batch
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Band
from dsmverify.truth import Truth

Floats = NDArray[np.float64]

pytest.importorskip("numba")
pytest.importorskip("matplotlib")

TINY = """
experiment = "figure4"
seed = 4
simulations = 2
points = 4
deviation = 2
dimensions = [2, 3, 4, 50, 600]
level = 0.05
shown = [3, 600]
rate = { rate = "0.5", steps = 30 }
model = { width = 20 }
batch = { size = 40, reduction = "mean", replacement = true }
times = { start = 0.01, end = 1, count = 10 }
generation = { seed = 1, sets = 2, count = 60, method = "exponential", steps = 20 }
metrics = { seed = 2, bandwidths = ["1"], repeats = 5, transport_points = 20, leave_out = ["w2"] }
mean_over_coordinates = true
options = [{ name = "summed", dimensions = [2, 3, 4, 50] }]

[quick]
dimensions = [2, 3, 4, 50]
simulations = 2
steps = 15
sets = 2
generation_steps = 10
repeats = 5
options = ["summed"]
"""


def document(text: str = TINY) -> configurations.Document:
    return configurations.parse(text, "tiny.toml")


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def drawn_numbers(figure: Any) -> dict[str, bytes]:
    """What a drawing shows, in the place of its files: rendering takes longer than all the rest."""
    shown = [line.get_xydata().tolist() for axis in figure.axes for line in axis.lines]
    shown += [dots.get_offsets().tolist() for axis in figure.axes for dots in axis.collections]
    return dict.fromkeys(("svg", "pdf"), repr(shown).encode())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[figure4.Summary, Path]:
    """The tiny configuration, quick, without interruption; and its folder."""
    out = tmp_path_factory.mktemp("four")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "vector", drawn_numbers)
        return figure4.run(document(), out=out, quick=True, threads=1), out


def test_the_tables(tiny: tuple[figure4.Summary, Path]) -> None:
    found, out = tiny
    table = rows(out / "quick_fig4_mmd.csv")
    assert ",".join(table[0]) == (
        "dimension,metric,bandwidth,versus,value,low,high,page_value,null_value,extreme_value,"
        "informative"
    )
    assert {row["dimension"] for row in table} == {"2", "3", "4", "50", "600"}
    for row in table:
        # A number stands where networks have been trained, and words nowhere else.
        if row["dimension"] == "600":
            assert (row["value"], row["low"], row["high"]) == ("not trained", "", "")
        else:
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
        assert row["informative"] in ("yes", "no")
    others = rows(out / "quick_fig4_options.csv")
    assert {(row["option"], row["steps"], row["share_of_steps"]) for row in others} == {
        ("summed", "15", "0.5")
    }
    states = {row["dimension"]: row["state"] for row in others}
    assert (states["2"], states["50"]) == ("trained", "diverged")
    for row in others:
        assert (row["value"] == "diverged") == (row["state"] == "diverged")
        assert row["state"] == "diverged" or math.isfinite(float(row["value"]))
    rates = {e.dimension: e.rate for e in found.entries if e.option == "base"}
    assert rates == {d: pytest.approx(0.5 / d) for d in (2, 3, 4, 50, 600)}
    assert {e.rate for e in found.entries if e.option == "summed"} == {0.5}
    assert found.exit_status == 0
    assert all(file.is_file() for file in found.files)
    names = {file.name for file in found.files}
    for stem in ("mmd", "clouds"):
        assert {f"quick_fig4_{stem}.svg", f"quick_fig4_{stem}.pdf"} <= names


def test_power_needs_no_training(tiny: tuple[figure4.Summary, Path]) -> None:
    _, out = tiny
    table = rows(out / "quick_fig4_power.csv")
    assert tuple(table[0]) == figure4.POWER_COLUMNS
    by_dimension = Counter(row["dimension"] for row in table)
    assert set(by_dimension) == {"2", "3", "4", "50", "600"}
    assert len(set(by_dimension.values())) == 1
    trained = {row["dimension"]: row["trained"] for row in table}
    assert trained["600"] == "not trained" and trained["50"] == "trained"
    kernel = {
        row["dimension"]: row
        for row in table
        if (row["metric"], row["bandwidth"]) == ("mmd2_biased", "1")
    }
    assert kernel["2"]["informative"] == "yes"
    # In d = 600 every kernel value of two different points is below exp(-2 sigma^2 600/4) = 1e-4
    # but for a point's own, 1: what is left of each sum is 1/N, twice, N = 60.
    for name in ("null", "extreme", "blurred"):
        assert float(kernel["600"][name]) == pytest.approx(2 / 60, rel=1e-3)
    assert kernel["600"]["informative"] == "no"


def mean_kernel(difference: Floats, spread: Floats) -> float:
    """E exp(-|z|^2/2) for z from N(difference, spread)."""
    wide = np.eye(len(difference)) + spread
    _, logarithm = np.linalg.slogdet(wide)
    return math.exp(-(difference @ np.linalg.solve(wide, difference) + logarithm) / 2)


def squared_distances(points: Floats) -> dict[str, float]:
    """Squared MMDs of `fig4_population.csv` at time 0.01 in float64, and a cluster's mean kernel.

    s* with variance v about each point, the Gaussian with the points' covariance, both noised.
    """
    d = points.shape[1]
    centres, noise = math.exp(-0.01) * points, -math.expm1(-0.02)
    covariance = np.cov(centres.T, bias=True) + noise * np.eye(d)
    apart = centres - centres.mean(axis=0)

    def clusters(variance: float) -> float:
        every = [mean_kernel(x - y, variance * np.eye(d)) for x in centres for y in centres]
        return math.fsum(every) / len(every)

    def mixed(variance: float) -> float:
        spread = variance * np.eye(d) + covariance
        return math.fsum(mean_kernel(x, spread) for x in apart) / len(points)

    own = mean_kernel(np.zeros(d), 2 * covariance)
    return {
        "inside": clusters(2 * noise),
        "extreme": clusters(2 * noise) + own - 2 * mixed(noise),
        "blurred": clusters(2 * noise) + clusters(8 * noise) - 2 * clusters(5 * noise),
        "blurred_gaussian": clusters(8 * noise) + own - 2 * mixed(4 * noise),
    }


def test_what_is_certified(tiny: tuple[figure4.Summary, Path]) -> None:
    """A row for every dimension, whose enclosures agree with float64 where it has digits."""
    found, out = tiny
    table = rows(out / "quick_fig4_population.csv")
    assert ",".join(table[0]) == (
        "dimension,bandwidth,size,extreme,null_deviation,gaussian_deviation,extreme_deviation,"
        "blurred,blurred_gaussian,biased_null,biased_extreme,separates,orders"
    )
    assert [row["dimension"] for row in table] == ["2", "3", "4", "50", "600"]
    assert {(row["bandwidth"], row["size"]) for row in table} == {("1", "60")}
    orders = {row["dimension"]: row["orders"] for row in table}
    assert (orders["2"], orders["50"], orders["600"]) == ("TRUE", "FALSE", "FALSE")
    for row in table[:4]:
        d = int(row["dimension"])
        expected = squared_distances(found.settings.sample(d, 0))
        for name in ("extreme", "blurred", "blurred_gaussian"):
            middle, radius = enclosure(row[name])
            # A kernel is the exponential of a logarithm with an error of 1e-16 for each of d
            # coordinates and about as much for its value, at most 10 here.
            error = 1e-15 * (d + 10) * expected["inside"]
            assert abs(middle - expected[name]) <= radius + error
        # Between two sets of one law: 1/N of a point's kernel with itself, twice.
        middle, _ = enclosure(row["biased_null"])
        assert middle == pytest.approx(2 * (1 - expected["inside"]) / 60, rel=1e-10)


def enclosure(text: str) -> tuple[float, float]:
    """Midpoint and radius as they are spelled."""
    found = re.fullmatch(r"\[(\S+) \+/- (\S+)\]", text)
    assert found is not None
    return float(found[1]), float(found[2])


def test_losses_of_the_extremes(tiny: tuple[figure4.Summary, Path]) -> None:
    """The least loss of all and the least affine one, by sums and by solving least squares."""
    found, _ = tiny
    settings = found.settings
    (sample, *_) = found.grounds[1].samples
    ensemble = settings.ensemble(settings.model, settings.batch, 3, [1.0, 1.0], 0)
    inputs, noise = ensemble.examples(0, 0)
    times, y = inputs[:, :1], inputs[:, 1:]
    mu, sigma = np.exp(-times), np.sqrt(-np.expm1(-2 * times))
    points = settings.sample(3, 0)
    apart = y[:, None] - mu[:, None] * points
    odds = np.exp(-(apart**2).sum(axis=2) / (2 * sigma**2))
    odds /= odds.sum(axis=1, keepdims=True)
    best = (odds[:, :, None] * apart).sum(axis=1) / sigma
    assert sample.loss_best == pytest.approx(float(((best + noise) ** 2).mean()), rel=1e-9)
    covariance = np.cov(points.T, bias=True)
    affine = np.array(
        [
            s * np.linalg.solve(m**2 * covariance + s**2 * np.eye(3), at - m * points.mean(axis=0))
            for at, m, s in zip(y, mu[:, 0], sigma[:, 0], strict=True)
        ]
    )
    assert sample.loss_gaussian == pytest.approx(float(((affine + noise) ** 2).mean()), rel=1e-9)
    assert sample.loss_best < sample.loss_gaussian < 1
    entry = next(e for e in found.entries if e.dimension == 3)
    for part in (0.0, 0.25, 1.0):
        losses = [
            s.loss_gaussian + part * (s.loss_best - s.loss_gaussian)
            for s in found.grounds[1].samples
        ]
        learnt = figure4_report._learnt(replace(entry, losses=tuple(losses)), found.grounds[1])
        assert learnt == pytest.approx(part, abs=1e-12)


def test_near_neither(tiny: tuple[figure4.Summary, Path]) -> None:
    """Said of a dimension where every set is beyond both extremes, by an informative metric."""
    found, _ = tiny
    own = [
        r for r in found.ratios
        if (r.entry.dimension, r.row.metric.label, r.entry.option)
        == (2, "mmd_biased (1)", "base")
    ]  # fmt: skip
    assert [r.row.versus for r in own] == ["s_star", "gaussian"]

    def said(*low: float, informative: bool = True) -> list[str]:
        made = [
            replace(
                r, ratio=Band(2, x, 3),
                row=replace(r.row, power=replace(r.row.power, informative=informative)),
            )
            for r, x in zip(own, low, strict=True)
        ]  # fmt: skip
        return figure4_report._neither(replace(found, ratios=tuple(made)))

    line, *also = said(1.1, 1.2)
    assert line.endswith("by mmd_biased (1) in d = 2.")
    ratios = {
        ground.dimension: [
            c.ratio for c in ground.controls
            if c.name.startswith("the Gaussian's score") and c.metric.label == "mmd_biased (1)"
        ]
        for ground in found.grounds
    }  # fmt: skip
    near_neither = [str(d) for d, both in ratios.items() if min(both) > 1]
    assert len(also) == bool(near_neither)
    assert all(f"in d = {', '.join(near_neither)}:" in text for text in also)
    assert said(1.1, 0.9) == said(0.9, 1.1) == said(1.1, 1.2, informative=False) == []


@pytest.mark.parametrize(
    ("certified", "sampled", "agrees"),
    [
        ((Truth.TRUE, Truth.FALSE), (True, False), True),
        ((Truth.TRUE, Truth.FALSE), (True, True), False),
        ((Truth.TRUE, Truth.TRUE), (True, False), False),
        ((Truth.TRUE, Truth.TRUE), (False, True), False),
        # That one inequality does not show it says nothing against samples that do.
        ((Truth.FALSE, Truth.TRUE), (True, True), True),
    ],
)
def test_certified_and_sampled(
    tiny: tuple[figure4.Summary, Path],
    certified: tuple[Truth, Truth],
    sampled: tuple[bool, bool],
    agrees: bool,
) -> None:
    found, _ = tiny
    made = []
    for ground in found.grounds:
        population = replace(ground.population, separates=certified[0], orders=certified[1])
        powers = [replace(p, separates=sampled[0], orders=sampled[1]) for p in ground.powers]
        made.append(replace(ground, population=population, powers=tuple(powers)))
    line = figure4_report._certified_line(replace(found, grounds=tuple(made)))
    every = "in d = 2, 3, 4, 50, 600"
    assert ("say the same in every d" in line) is agrees
    assert (f"say otherwise {every}." in line) is not agrees
    nearer = {Truth.TRUE: "nearer to s*", Truth.FALSE: "nearer to the Gaussian"}[certified[1]]
    assert f"a memoriser with twice the noise is {nearer} {every}" in line
    assert (f"tells s* from the Gaussian {every}" in line) is (certified[0] is Truth.TRUE)


def test_forms_of_one_number_are_one_name() -> None:
    three = {f"{form} (1)": [2, 5] for form in ("mmd2_unbiased", "mmd2_biased", "mmd_biased")}
    places = figure4_report._places(three | {"sliced_w2": [2, 5], "w2": [10]})
    assert places == "MMD (1) in its three forms, sliced_w2 in d = 2, 5; w2 in d = 10"
    del three["mmd_biased (1)"]
    assert figure4_report._places(three) == "mmd2_unbiased (1), mmd2_biased (1) in d = 2, 5"


def test_the_drawings(tiny: tuple[figure4.Summary, Path]) -> None:
    """Hollow where nothing is shown, hatched where nothing is trained; and they can be rendered."""
    found, _ = tiny
    figure = figure4_plots.curves(found)
    panels = {axis.get_title(): axis for axis in figure.axes if axis.get_title()}
    assert "mmd2_biased (1)" in panels and "sliced_w2" in panels
    axis = panels["mmd2_unbiased (1)"]
    informative = {
        (r.entry.dimension, r.row.versus): r.row.is_informative
        for r in found.ratios
        if r.row.metric.label == "mmd2_unbiased (1)" and r.entry.option == "base"
    }
    seen = {}
    for line in axis.lines:
        if line.get_marker() == "o":
            for x in line.get_xdata():
                versus = "gaussian" if line.get_color() == plots.PAGE else "s_star"
                seen[int(x), versus] = line.get_markerfacecolor() != "white"
    assert seen == {key: value for key, value in informative.items() if key[0] != 600}
    assert {True, False} == set(seen.values())
    assert any(patch.get_hatch() for patch in axis.patches)
    crosses = [line for line in axis.lines if line.get_marker() == "x"]
    assert [list(line.get_xdata()) for line in crosses] == [[2, 3, 4, 50, 600]]
    pictures = figure4_plots.pictures(found)
    assert len(pictures.axes) == 2 * 4
    data = io.BytesIO()
    pictures.savefig(data, format="svg")
    assert data.getvalue()


def test_a_cloud_of_nothing_is_not_the_gaussian(tiny: tuple[figure4.Summary, Path]) -> None:
    """What score 0 generates is N(0, v I): the kernel takes it for the Gaussian, W_2 does not."""
    found, out = tiny
    # dX = X dtau + sqrt 2 dB from variance 1 for a time of 0.99.
    settings = found.settings.generation
    cloud = clouds.network_cloud(figure4_grounds._NoScore(600), settings, "any")
    exact = 2 * math.exp(2 * 0.99) - 1
    # Ten steps of the integrator: a few per cent; 36 000 coordinates: a per cent.
    assert cloud.var() == pytest.approx(exact, rel=0.25)
    table = rows(out / "quick_fig4_power.csv")
    fooled = {(r["dimension"], r["metric"]): r["fooled"] for r in table}
    assert fooled["50", "mmd2_unbiased"] == fooled["50", "mmd2_biased"] == "yes"
    assert fooled["50", "sliced_w2"] == "no"
    values = rows(out / "quick_fig4_mmd.csv")
    for row in values:
        if row["versus"] == "gaussian" and fooled[row["dimension"], row["metric"]] == "yes":
            assert row["informative"] == "no"
    for trend in found.trends:
        if trend.versus == "gaussian":
            assert "yes" not in {fooled[str(d), trend.metric.name] for d in trend.dimensions}


def test_the_report_says_what_was_not_done(tiny: tuple[figure4.Summary, Path]) -> None:
    _, out = tiny
    text = (out / "quick_fig4.md").read_text(encoding="utf-8")
    for heading in (
        "Supported by informative metrics, or not",
        "Depends on a choice that the page does not state",
        "Could not have been shown by its metric",
    ):
        assert f"## {heading}\n" in text
    assert "trained for 50 % of the page's steps: our choice" in text
    assert "summed: runs diverged in d = 50" in text
    assert "600 | base | all |  | not trained" in text
    # Cut short, nothing is decided about networks.
    first = text.split("## Depends")[0]
    assert "Growing d" not in first or "not tested" in first
    last = text.split("## Could not have been shown by its metric")[1].split("\n## ")[0]
    assert "600" in last and "for anything as wide as the noise" in last


def test_what_was_interrupted_goes_on(
    tiny: tuple[figure4.Summary, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its last dimension, and with measurements lost: the same bytes."""
    _, out = tiny

    def stop(made: int, total: int, _: str) -> None:
        if made > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        figure4.run(document(), out=tmp_path, quick=True, threads=2, progress=stop)
    assert not contents(tmp_path)
    kept = sorted((tmp_path / WORK).iterdir())
    assert kept

    def refused(*_: object) -> None:
        raise AssertionError("it was measured already")

    monkeypatch.setattr(figure4_grounds, "_measured_ground", refused)
    monkeypatch.setattr(figure4_grounds, "certified_record", refused)
    monkeypatch.setattr(plots, "vector", drawn_numbers)
    figure4.run(document(), out=tmp_path, quick=True, threads=2)
    assert contents(tmp_path) == contents(out)


def test_controls_have_their_known_answers(tiny: tuple[figure4.Summary, Path]) -> None:
    found, _ = tiny
    settings = found.settings
    for ground in found.grounds[:3]:
        d = ground.dimension
        value = {(c.name, c.metric.name, c.versus): c.ratio for c in ground.controls}
        # An unbiased squared MMD of 60 points has a standard deviation of about
        # sqrt(2 (1/4) (1 - 1/4))/60 = 0.01 for four clusters; the extremes are 0.2 apart and more.
        assert abs(value["s* exactly", "mmd2_unbiased", "s_star"]) < 0.2
        assert abs(value["the Gaussian", "mmd2_unbiased", "gaussian"]) < 0.2
        assert value["the Gaussian", "mmd2_unbiased", "s_star"] > 0.5
        assert value["s* exactly", "mmd2_unbiased", "gaussian"] > 0.5
        assert ground.samples[0].rank == min(d, settings.points - 1)


def test_positions_of_the_extremes(tiny: tuple[figure4.Summary, Path]) -> None:
    """A network that generates as s* does is at 0 from it and at 1 from the Gaussian."""
    found, _ = tiny
    entry = next(e for e in found.entries if e.state == "trained")
    ground = next(g for g in found.grounds if g.dimension == entry.dimension)
    for row in entry.rows:
        metric, scales = row.metric, [s.scales[row.metric.label] for s in ground.samples]
        null = "null_gaussian" if row.versus == "gaussian" else "null"
        for case, place in ((null, 0.0), ("extreme", 1.0)):
            values = np.array([[scale[case]] * 2 for scale in scales])
            (one,) = figure4._ratios(replace(entry, rows=(replace(row, values=values),)), ground)
            assert one.positions == pytest.approx(place, abs=1e-12)
            if metric.kind == "distance" and case == "extreme":
                assert one.ratio == Band(1, 1, 1)
            if metric.kind == "statistic":
                assert math.isnan(one.ratio.value)


def test_a_planted_uninformative_metric_concludes_nothing(
    tiny: tuple[figure4.Summary, Path],
) -> None:
    """Values that grow with d in perfect order: a trend, unless the metric has no power."""
    found, _ = tiny
    entries = [e for e in found.entries if e.option == "base"]
    metric = Metric("planted", "", "statistic", lambda x, _: float(len(x)))

    def planted(is_informative: bool) -> list[figure4.Ratio]:
        made = []
        for entry in entries:
            (row, *_) = entry.rows
            power = replace(row.power, metric=metric, informative=is_informative)
            own = replace(row, metric=metric, versus=clouds.TRAINING, power=power)
            positions = entry.dimension + np.arange(3) / 10
            made.append(figure4.Ratio(entry, own, Band(1, 1, 1), positions))
        return made

    (trend,) = figure4.judge(planted(True), 0.05)
    assert (trend.tau, trend.answer) == (1, "as the page says")
    assert figure4_report.finding([trend], "base", "away from s*") == "as the page says"
    nothing = figure4.judge(planted(False), 0.05)
    assert nothing == []
    assert figure4_report.finding(nothing, "base", "away from s*") == "not tested"
    # Where a run diverged the others are no sample of all: that dimension is not tested.
    some = planted(True)
    some[1] = replace(some[1], entry=replace(some[1].entry, state="1 of 3 diverged"))
    (less,) = figure4.judge(some, 0.05)
    assert less.dimensions == (2, 4, 50)
    assert figure4._cells(some[1].entry, some[1].row)[4:7] == ("1 of 3 diverged", "", "")
    # Two dimensions are no trend, either.
    assert figure4.judge(planted(True)[:2], 0.05) == []
    # The page says that the distance to the Gaussian falls: growing, it is the opposite.
    turned = [replace(r, row=replace(r.row, versus="gaussian")) for r in planted(True)]
    (trend,) = figure4.judge(turned, 0.05)
    assert trend.answer == "the opposite"
    half = figure4_report.HALVES[1]
    assert figure4_report.finding([trend], "base", half) == "the opposite"
    agreeing = replace(trend, answer="as the page says")
    assert figure4_report.finding([trend, agreeing], "base", half) == "metrics disagree"


def test_ordered_trend_against_all_orders() -> None:
    """The exact law, by going through every order of the values."""
    sizes = (2, 1, 3)
    groups = np.repeat(range(3), sizes)

    def rises(values: tuple[int, ...]) -> int:
        return sum(
            values[i] < values[j]
            for i, j in itertools.combinations(range(6), 2)
            if groups[i] < groups[j]
        )

    law = Counter(rises(order) for order in itertools.permutations(range(6)))
    expected = [law[j] for j in range(max(law) + 1)]
    ways = _ways(list(sizes))
    share = sum(expected) // sum(ways)
    assert [share * way for way in ways] == expected
    values = (3.0, 0.0, 1.0, 5.0, 2.0, 4.0)
    samples = np.split(np.array(values), np.cumsum(sizes)[:-1])
    tau, p = ordered_trend(samples)
    seen = rises(tuple(int(v) for v in values))
    pairs = 2 * 1 + 2 * 3 + 1 * 3
    assert tau == pytest.approx((2 * seen - pairs) / pairs)
    above = sum(n for j, n in law.items() if j >= seen) / 720
    below = sum(n for j, n in law.items() if j <= seen) / 720
    assert p == pytest.approx(min(1, 2 * min(above, below)))


def test_ordered_trend_in_plain_cases() -> None:
    ordered = [np.arange(3.0) + 10 * k for k in range(4)]
    tau, p = ordered_trend(ordered)
    # One order of 12!/(3!)^4 is as extreme, at either end.
    assert tau == 1
    assert p == pytest.approx(2 * math.factorial(3) ** 4 / math.factorial(12))
    assert ordered_trend(ordered[::-1]) == (-1, p)
    # Without a value that differs nothing is shown: ties count against both directions.
    assert ordered_trend([np.ones(3)] * 4) == (0, 1)
    # One value in each group: Kendall's tau.
    values = np.array([0.3, 0.1, 0.4, 0.9, 0.2, 0.8, 0.7])
    tau, p = ordered_trend([np.array([v]) for v in values])
    kendall = stats.kendalltau(np.arange(7), values, method="exact")
    assert tau == pytest.approx(kendall.statistic)
    assert p == pytest.approx(kendall.pvalue)


@pytest.mark.parametrize("changes", [{}, {"train_inner": False}, {"rate_times_width": False}])
@pytest.mark.parametrize(("reduction", "times"), [("mean", 1), ("sum", 5)])
def test_sharpness_by_automatic_differentiation(
    changes: dict[str, Any],
    reduction: Literal["mean", "sum"],
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The largest eigenvalue of g/B J J^T with torch's J, eigenvalues by LAPACK."""
    monkeypatch.setattr(figure4_grounds, "KERNEL_POINTS", 12)
    monkeypatch.setattr(figure4_grounds, "ROUNDS", 400)
    model = Model(width=6, dimension=2, bias_deviation=0.5, **changes)
    points = np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, -2.0]])
    batch = Batch(size=5, reduction=reduction, replacement=True)
    ensemble = ConditionedEnsemble.of(model, batch, Times(count=10), [points], [0.1], [3], [7])
    drawn = replace(ensemble, batch=replace(batch, size=12))
    inputs = torch.tensor(drawn.examples(0, 0)[0])
    start = ensemble.start()
    parameters = [torch.tensor(getattr(start, name)[0]) for name in ("outer", "bias", "inner")]

    def outputs(outer: torch.Tensor, bias: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
        return (torch.relu(inputs @ inner.T + bias) @ outer / 6).reshape(-1)

    jacobians = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
        outputs, tuple(parameters)
    )
    kept = jacobians if model.train_inner else jacobians[:2]
    j = torch.cat([block.reshape(24, -1) for block in kept], dim=1)
    g = times * (6 if model.rate_times_width else 1)
    expected = float(torch.linalg.eigvalsh(g / 12 * j @ j.T)[-1])
    # The power iteration's error after 400 rounds is (second/first)^400, nothing unless they
    # agree to a per cent.
    assert figure4_grounds.sharpness(ensemble) == pytest.approx(expected, rel=1e-3)


def test_a_small_residual_grows_from_the_critical_rate_on() -> None:
    """A residual too small to bend anything is multiplied by 1 - 2 eta lambda in a step."""
    model = Model(width=50, dimension=3)
    points = 2 * np.random.default_rng(0).standard_normal((4, 3))
    batch = Batch(size=5, reduction="mean", replacement=True)
    ensemble = ConditionedEnsemble.of(model, batch, Times(), [points], [0.1], [3], [7])
    critical = 1 / figure4_grounds.sharpness(ensemble)
    size = figure4_grounds.KERNEL_POINTS
    inputs, target = replace(ensemble, batch=replace(batch, size=size)).examples(0, 0)
    for factor, growth in ((1.5, 2.0), (1.0, 1.0)):
        start = ensemble.start()
        inner, outer, bias = start.inner[0], start.outer[0], start.bias[0]
        aim = np.maximum(inputs @ inner.T + bias, 0) @ outer / 50 + 1e-10 * target
        norms = []
        for _ in range(20):
            before = inputs @ inner.T + bias
            hidden = np.maximum(before, 0)
            residual = hidden @ outer / 50 - aim
            norms.append(np.linalg.norm(residual))
            rate = 2 / size * factor * critical
            back = rate * np.where(before > 0, residual @ outer.T, 0)
            outer = outer - rate * hidden.T @ residual
            inner, bias = inner - back.T @ inputs, bias - back.sum(axis=0)
        # What is left of other directions, and of the power iteration's error.
        assert norms[-1] / norms[-2] == pytest.approx(growth, rel=0.03)


def test_one_cluster_leaves_its_kernel() -> None:
    settings = clouds.GenerationSettings(seed=1)
    sigma = math.sqrt(1 - math.exp(-0.02))
    draws = sigma * np.random.default_rng(1).standard_normal((2, 40_000, 3))
    values = np.exp(-((draws[0] - draws[1]) ** 2).sum(axis=1) / 2)
    # Five standard errors.
    error = 5 * values.std() / 200
    assert figure4_grounds.cluster_kernel(3, settings) == pytest.approx(values.mean(), abs=error)


@pytest.mark.parametrize(
    ("old", "new", "argument"),
    [
        ("dimensions = [2, 3, 4, 50, 600]", "dimensions = [3, 2, 4, 50, 600]", "dimensions"),
        ("shown = [3, 600]", "shown = [7]", "shown"),
        ("simulations = 2\npoints", "simulations = 0\npoints", "simulations"),
        ("points = 4", "points = 1", "points"),
        ("deviation = 2", "deviation = 0", "deviation"),
        ("level = 0.05\nshown", "level = 1\nshown", "level"),
        ("{ width = 20 }", "{ width = 20, dimension = 2 }", "model.dimension"),
        ("count = 60,", "count = 60, start = 0.001,", "generation.start"),
        ('options = ["summed"]', 'options = ["other"]', "quick.options"),
        ("generation_steps = 10", "generation_steps = 0", "quick.generation_steps"),
        ("steps = 15", "steps = -1", "quick.steps"),
        ("dimensions = [2, 3, 4, 50]\nsimulations", "dimensions = [5]\nsimulations", "quick.dim"),
    ],
)
def test_bad_configurations_are_refused(old: str, new: str, argument: str) -> None:
    assert old in TINY
    table = document(TINY.replace(old, new)).table
    with pytest.raises(InputError) as caught:
        configurations.build(Figure4, table, "tiny.toml")
    assert argument in str(caught.value)


def test_the_packaged_configuration() -> None:
    found = configurations.load("figures/4")
    settings = configurations.build(Figure4, found.table, found.source)
    assert settings.dimensions == (2, 5, 10, 50, 80, 100, 200, 400, 1000)
    assert (settings.simulations, settings.generation.sets) == (3, 5)
    assert (float(settings.rate.rate), settings.rate.steps) == (0.5, 50_000)
    assert (settings.points, settings.deviation, settings.batch.size) == (10, 2.0, 5000)
    assert settings.quick.dimensions == settings.dimensions[:6]
    # The reading of figure 3; the printed one is an option, in every dimension.
    assert settings.mean_over_coordinates
    (summed,) = (o for o in settings.options if o.name in settings.quick.options)
    assert not summed.mean_over_coordinates
    assert summed.dimensions == settings.dimensions
    # 39 repeats give bands of the level.
    assert 2 / (settings.metrics.repeats + 1) == settings.metrics.level
