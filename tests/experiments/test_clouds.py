"""From scores to rows: clouds, their distances, powers, rows, and which of two is nearer."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dsmverify.diffusion.scores import NetworkScore
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Model
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError
from dsmverify.experiments import clouds
from dsmverify.experiments.clouds import GenerationSettings, Measurement, MetricSettings, Row
from dsmverify.instance import Batch
from dsmverify.metrics.metric import Metric
from dsmverify.metrics.power import Band, Power

POINTS = np.array([[-3.0, 0.0], [3.0, 1.0], [0.5, 4.0]])
GENERATION = GenerationSettings(seed=1, sets=2, count=400, steps=40, spacing="signal")
METRICS = MetricSettings(seed=2, bandwidths=("1",), repeats=3, level=0.5, transport_points=50)
DISTANCE = Metric("distance", "1", "distance", lambda x, y: float(np.abs(x.mean() - y.mean())))


def power(*, informative: bool, metric: Metric = DISTANCE) -> Power:
    band = Band(0.1, 0.0, 0.2)
    return Power(
        metric, band, band, Band(1.0, 0.9, 1.1), band, band, 39, 0.05, informative, informative,
        informative, "planted",
    )  # fmt: skip


def row(values: list[list[float]], *, informative: bool = True) -> Row:
    return Row("0.1", DISTANCE, "s_star", np.array(values), power(informative=informative))


def ensemble(seeds: tuple[int, ...] = (5, 6)) -> ConditionedEnsemble:
    count = len(seeds)
    return ConditionedEnsemble.of(
        Model(width=20, dimension=2), Batch(8, "mean", True), Times(), [POINTS] * count,
        [0.1] * count, seeds, [0] * count,
    )  # fmt: skip


def test_the_columns_are_those_asked_for() -> None:
    wanted = (
        "metric,bandwidth,versus,value,low,high,page_value,null_value,extreme_value,informative"
    )
    assert clouds.columns("learning_rate") == ("learning_rate", *wanted.split(","))
    assert clouds.columns("dimension")[0] == "dimension"


def test_a_row_is_the_mean_and_the_range_of_all_its_sets() -> None:
    cells = clouds.cells(row([[1.0, 2.0], [4.0, 5.0]]))
    assert cells == ("0.1", "distance", "1", "s_star", "3", "1", "5", "", "0.1", "1", "yes")


def test_an_uninformative_row_keeps_its_value_and_says_so() -> None:
    cells = clouds.cells(row([[1.0], [4.0]], informative=False))
    assert (cells[4], cells[-1]) == ("2.5", "no")


def test_a_diverged_training_has_no_value() -> None:
    found = row([[1.0, 3.0], [math.nan, math.nan]])
    assert (found.failed, found.band) == (2, Band(2.0, 1.0, 3.0))
    assert clouds.cells(row([[math.nan]]))[4:7] == ("", "", "")


def test_nothing_is_concluded_from_an_uninformative_row() -> None:
    able, blind = row([[1.0]]), row([[2.0]], informative=False)
    for first, second in ((able, blind), (blind, able)):
        with pytest.raises(ValueError, match="uninformative"):
            clouds.compare(first, second)


@pytest.mark.parametrize("shift", [-3.0, 0.0, 0.7, 3.0])
def test_the_permutation_test_is_exact(shift: float) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 2)), rng.normal(size=(4, 2)) + shift
    found = clouds.compare(row(a.tolist()), row(b.tolist()))
    # Oracle: all orders of the seven trainings, the first three taken.
    x, y = a.mean(axis=1), b.mean(axis=1)
    orders = list(itertools.permutations(np.concatenate([x, y])))
    part = np.mean([sum(order[:3]) <= x.sum() + 1e-12 for order in orders])
    assert found.p == pytest.approx(part, abs=1e-12)  # 35 divisions, each 144 times
    assert found.least == pytest.approx(1 / 35)
    wins = sum(p < q for p in x for q in y)
    assert (found.pairs, found.smaller) == (12, wins)


def test_a_comparison_without_trainings_has_no_answer() -> None:
    found = clouds.compare(row([[math.nan]]), row([[1.0]]))
    assert (found.pairs, math.isnan(found.p), math.isnan(found.probability)) == (0, True, True)


def test_blurred_clusters_are_twice_as_wide_and_lie_where_the_others_do() -> None:
    settings = replace(GENERATION, count=4000, steps=100, method="heun")
    mu, sigma = math.exp(-0.01), math.sqrt(1 - math.exp(-0.02))

    def widths(cloud: np.ndarray) -> tuple[float, np.ndarray]:
        centred = cloud[:, None] - mu * POINTS
        nearest = np.square(centred).sum(axis=2).argmin(axis=1)
        return float(centred[np.arange(len(cloud)), nearest].std()), np.bincount(nearest)

    sharp, shares = widths(clouds.memorised_cloud(POINTS, settings, 0))
    blurred, others = widths(clouds.blurred_cloud(POINTS, settings, 0))
    # 8000 coordinates: a relative standard error of 0.8 %, four of them.
    assert sharp == pytest.approx(sigma, rel=0.032)
    assert blurred == pytest.approx(2 * sigma, rel=0.032)
    # Two independent multinomials of 4000: standard deviation at most sqrt(4000/4 * 2) = 45.
    assert np.abs(shares - others).max() < 4 * 45


@pytest.mark.parametrize(("unbiased", "divisor"), [(False, 3), (True, 2)])
def test_the_fitted_covariance_is_divided_by_what_is_said(unbiased: bool, divisor: int) -> None:
    settings = replace(GENERATION, count=40_000, unbiased_covariance=unbiased)
    cloud = clouds.gaussian_cloud(POINTS, settings, 0)
    centred = POINTS - POINTS.mean(axis=0)
    expected = centred.T @ centred / divisor
    # Entries have standard deviation at most sqrt(2/40000) = 0.7 % of the largest variance.
    assert np.abs(np.cov(cloud.T) - expected).max() < 0.03 * expected.max()


def test_sets_differ_by_role_number_and_sample() -> None:
    a = clouds.memorised_cloud(POINTS, GENERATION, 0)
    assert np.array_equal(a, clouds.memorised_cloud(POINTS, GENERATION, 0))
    for other in (
        clouds.memorised_cloud(POINTS, GENERATION, 1),
        clouds.memorised_cloud(POINTS + 1e-12, GENERATION, 0),
        clouds.memorised_cloud(POINTS, replace(GENERATION, seed=2), 0),
    ):
        assert np.abs(a - other).max() > 0.1


def test_the_target_is_its_law_whatever_the_sample() -> None:
    settings = replace(GENERATION, count=40_000)
    cloud = clouds.target_cloud(POINTS, settings, 3.0, 0)
    # Standard errors: 3/sqrt(4e4) = 0.015 of a mean, 9 sqrt(2/4e4) = 0.064 of a variance and less
    # of the covariance; four of each.
    assert np.abs(cloud.mean(axis=0)).max() < 0.06
    assert np.abs(np.cov(cloud.T) - 9 * np.eye(2)).max() < 0.26
    for other in (
        clouds.target_cloud(POINTS, settings, 3.0, 1),
        clouds.target_cloud(POINTS + 1, settings, 3.0, 0),
        clouds.target_cloud(POINTS, replace(settings, seed=2), 3.0, 0),
        # The same normals would make them an affine map of each other: its residual would be 0.
        clouds.gaussian_cloud(POINTS, settings, 0),
    ):
        together = np.corrcoef(cloud.T, other.T)[:2, 2:]
        assert np.abs(together).max() < 0.025  # four times 1/sqrt(4e4) is 0.02


def test_measured_values_are_those_of_the_clouds_themselves() -> None:
    runs = ensemble()
    networks = runs.start(np.float32)
    found = Measurement(GENERATION, METRICS, keep=7, threads=2, target=3.0)(runs, networks)
    score = NetworkScore(runs.model, networks, 1)
    second = clouds.network_cloud(score, GENERATION, 6, 1)
    # Network 1, set 1 is the last of four values.
    names = {metric.name: metric for metric in METRICS.metrics}
    for name, versus, other in (
        ("mmd2_unbiased", "s_star", clouds.memorised_cloud(POINTS, GENERATION, 1)),
        ("mmd2_unbiased", "gaussian", clouds.gaussian_cloud(POINTS, GENERATION, 1)),
        ("w2", "s_star", clouds.memorised_cloud(POINTS, GENERATION, 1)),
        ("mmd2_unbiased", "target", clouds.target_cloud(POINTS, GENERATION, 3.0, 1)),
        ("w2", "target", clouds.target_cloud(POINTS, GENERATION, 3.0, 1)),
        ("memorised", "training points", POINTS),
    ):
        values = found[clouds.key(names[name], versus)]  # type: ignore[arg-type]
        assert values.shape == (4,)
        assert values[3] == pytest.approx(names[name].value(second, other), rel=1e-12)
    first = clouds.network_cloud(NetworkScore(runs.model, networks, 0), GENERATION, 5, 0)
    assert np.array_equal(found[clouds.cloud_key(0)], first[:7].ravel())
    again = Measurement(GENERATION, METRICS, keep=7, threads=1)(runs, networks)
    # Without a target all else is the same, and nothing is compared with it.
    assert set(found) - set(again) == {
        clouds.key(metric, "target") for metric in METRICS.metrics if metric.kind == "distance"
    }
    assert all(np.array_equal(found[name], again[name]) for name in again)


def test_another_target_is_measured_again() -> None:
    texts = [Measurement(GENERATION, METRICS, target=s).text for s in (None, 2.0, 3.0)]
    assert len(set(texts)) == 3


def test_a_diverged_network_is_not_generated_with() -> None:
    runs = ensemble()
    networks = runs.start(np.float32)
    networks.diverged[0] = 3
    networks.outer[0] = np.nan
    found = Measurement(GENERATION, METRICS)(runs, networks)
    for values in found.values():
        assert np.isnan(values).tolist() == [True, True, False, False]


def test_values_of_chosen_networks() -> None:
    measured = {"a|1|s_star": np.arange(6.0), clouds.cloud_key(0): np.arange(4.0)}
    found = clouds.chosen(measured, [2, 0], 3)
    assert {name: values.tolist() for name, values in found.items()} == {
        "a|1|s_star": [4.0, 5.0, 0.0, 1.0]
    }


def test_powers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(GENERATION, count=60, steps=5)
    first = clouds.kept_powers(POINTS, settings, METRICS, tmp_path, 2)
    assert [p.metric.name for p in first] == [m.name for m in METRICS.metrics]
    assert first[0].informative  # three far points against a wide Gaussian

    def refused(*_: object) -> tuple[Power, ...]:
        raise AssertionError("measured again")

    monkeypatch.setattr(clouds, "powers", refused)
    again = clouds.kept_powers(POINTS, settings, METRICS, tmp_path)
    assert [clouds.power_cells(p) for p in again] == [clouds.power_cells(p) for p in first]
    with pytest.raises(AssertionError, match="measured again"):
        clouds.kept_powers(POINTS, replace(settings, steps=6), METRICS, tmp_path)


WIDE, COUNT = 50.0, 60


@pytest.fixture(scope="module")
def both() -> tuple[tuple[Power, ...], tuple[Power, ...]]:
    return clouds.powers(POINTS, replace(GENERATION, count=COUNT, steps=5), METRICS, 1, WIDE)


def test_the_power_to_the_target_is_between_s_star_and_the_target(
    both: tuple[tuple[Power, ...], tuple[Power, ...]],
) -> None:
    assert [p.metric.name for p in both[1]] == [
        m.name for m in METRICS.metrics if m.kind == "distance"
    ]
    to_gaussian, to_target = ({p.metric.name: p for p in powers} for powers in both)
    # W_2 is at least the difference of root mean squares: those of s* are below 5, the points' own
    # lengths and noise; the target's 50 sqrt(2) = 70.7 to 1/sqrt(2 60) = 9 % each, three of them.
    assert to_target["w2"].extreme.low > 70.7 * (1 - 0.28) - 5
    # Between two sets of the target, and of s*: W_2 is at most the sum of root mean squares.
    null = to_target["w2"].null_gaussian
    assert null is not None
    assert 5 < null.value < to_target["w2"].extreme.low
    assert to_gaussian["w2"].extreme.high < 10
    # A memoriser with twice the noise is as far from the target, and near s*.
    blurred, far = to_target["w2"].blurred, to_target["w2"].blurred_gaussian
    assert blurred is not None
    assert far is not None
    assert blurred.high < 5
    assert far.low > 45
    # Both have the same sets of s*.
    assert to_target["w2"].null == to_gaussian["w2"].null


def test_a_row_has_the_power_to_what_it_compares_with(
    both: tuple[tuple[Power, ...], tuple[Power, ...]],
) -> None:
    first, second = both
    found = clouds.rows_of("1", None, 0, first, target=second)
    own = {power.metric.label: power for power in first}
    apart = {power.metric.label: power for power in second}
    for row in found:
        label = row.metric.label
        assert row.power is (apart if row.versus == "target" else own)[label]
        if row.versus == "s_star":
            assert row.null is row.power.null
        elif row.versus != "training points":
            assert row.null is row.power.null_gaussian
    kinds = [row.versus for row in found if row.metric.name == "w2"]
    assert kinds == ["s_star", "gaussian", "target"]
    assert [r.versus for r in found if r.metric.kind == "statistic"] == ["training points"] * 2
    assert all(row.versus != "target" for row in clouds.rows_of("1", None, 0, first))


def test_powers_to_a_target_are_kept(
    tmp_path: Path,
    both: tuple[tuple[Power, ...], tuple[Power, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = replace(GENERATION, count=COUNT, steps=5)
    measured = []

    def once(*_: object) -> object:
        measured.append(1)
        return both

    monkeypatch.setattr(clouds, "powers", once)
    for _ in range(2):
        found = clouds.kept_powers_of_both(POINTS, settings, METRICS, tmp_path, 1, WIDE)
        for one, other in zip(found, both, strict=True):
            assert [*map(clouds.power_cells, one)] == [*map(clouds.power_cells, other)]
    assert len(measured) == 1
    clouds.kept_powers_of_both(POINTS, settings, METRICS, tmp_path, 1, WIDE + 1)
    assert len(measured) == 2  # another target, another power


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"sets": 0}, "generation.sets"),
        ({"seed": -1}, "generation.seed"),
        ({"steps": 0}, "generation.steps"),
        ({"method": "guess"}, "generation.method"),
    ],
)
def test_bad_generation(change: dict[str, object], argument: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(GENERATION, **change)  # type: ignore[arg-type]
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"bandwidths": ("wide",)}, "metrics.bandwidths"),
        ({"bandwidths": ("0",)}, "metrics.bandwidths"),
        ({"repeats": 1}, "metrics.repeats"),
        ({"level": 1.0}, "metrics.level"),
        ({"leave_out": ("w3",)}, "metrics.leave_out"),
        ({"leave_out": tuple({m.name for m in METRICS.metrics})}, "metrics.leave_out"),
    ],
)
def test_bad_metrics(change: dict[str, object], argument: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(METRICS, **change)  # type: ignore[arg-type]
    assert caught.value.argument == argument
