"""`assert_unbiased`: its error rates by exact laws and by simulation, its answers and messages."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from scipy import stats

from dsmverify.errors import InputError
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.testing.arrays import Network
from dsmverify.testing.comparison import ConformanceError, ResultError, Undecided
from dsmverify.testing.rarity import rarest
from dsmverify.testing.sequential import (
    BLOCKS,
    VARIANCE_ERROR,
    Design,
    MeanTest,
    influence,
    pilot,
)
from dsmverify.testing.unbiased import BiasError, assert_unbiased

Generator = np.random.Generator

SAMPLE = Instance.from_numpy(
    ["-2", "0", "1", "3", "7/2"],
    mu="4/5",
    sigma="3/5",
    network={
        "inner_weights": ["1", "-1", "1"],
        "biases": ["-1/2", "1", "2"],
        "outer_weights": ["2", "-1", "3"],
    },
)
POINTS = np.array([float(x) for x in SAMPLE.points])
INNER, BIAS, OUTER = np.array([[1.0, -1, 1], [-0.5, 1, 2], [2, -1, 3]])
BATCH = 8


def losses(rng: Generator, count: int, batch: int) -> tuple[Any, Any, Any]:
    """Residuals `[count, batch]`, and what multiplies them in the gradient: `[count, batch, m]`."""
    x = POINTS[rng.integers(len(POINTS), size=(count, batch))]
    z = rng.standard_normal((count, batch))
    before = (0.8 * x + 0.6 * z)[..., None] * INNER + BIAS
    hidden = np.maximum(before, 0)
    return hidden @ OUTER / 3 + z / 0.6, hidden, OUTER * (before > 0)


def risks(factor: float = 1.0, batch: int = BATCH) -> Callable[[Generator, int], Any]:
    return lambda rng, count: factor * (losses(rng, count, batch)[0] ** 2).mean(axis=1)


def gradients(
    factor: float = 1.0, bias_factor: float = 1.0, batch: int = BATCH
) -> Callable[[Generator, int], Any]:
    def draw(rng: Generator, count: int) -> Any:
        residual, outer, bias = losses(rng, count, batch)
        parts = (outer, bias_factor * bias)
        rows = [(2 / 3 * residual[..., None] * part).mean(axis=1) for part in parts]
        return factor * np.concatenate(rows, axis=1)

    return draw


def assert_risk_unbiased(draw: Any, **options: Any) -> Any:
    return assert_unbiased(draw, "risk", SAMPLE, batch_size=BATCH, batched=True, **options)


def assert_gradient_unbiased(draw: Any, **options: Any) -> Any:
    return assert_unbiased(draw, "gradient", SAMPLE, batch_size=BATCH, batched=True, **options)


def squares(rng: Generator, count: int) -> Any:
    """Kurtosis 15, mean 1."""
    return rng.standard_normal(count) ** 2


def rare(rng: Generator, count: int) -> Any:
    """Kurtosis 98, mean 1: 0, but for 100 once in a hundred draws."""
    return 100.0 * (rng.random(count) < 0.01)


# The inequalities behind the error rates


def test_influence_lies_between_the_two_logarithms() -> None:
    z = np.concatenate([np.linspace(-60, 60, 4801), [-1e200, -1e8, 1e8, 1e200]])
    assert (np.diff(influence(np.sort(z))) >= 0).all()
    near = z[np.abs(z) < 1e9]
    # Roundings of the two sides, 2^-52 each, of numbers up to 40.
    assert (influence(near) <= np.log1p(near + near**2 / 2) + 1e-14).all()
    assert (influence(near) >= -np.log1p(-near + near**2 / 2) - 1e-14).all()
    assert influence(np.array([1.0]))[0] == pytest.approx(np.log(2.5), rel=1e-15)


@pytest.mark.parametrize("rarity", [0.5, 0.1, 0.01, 1e-4])
@pytest.mark.parametrize("side", [1, -1])
def test_wealth_is_expected_not_to_grow(rarity: float, side: int) -> None:
    """Two-point laws, exactly: E exp(gain) <= 1 for every slope when the mean is right."""
    values = side * np.array([0.0, 1 / rarity])
    chances = np.array([1 - rarity, rarity])
    variance = (1 - rarity) / rarity
    design = Design(1, 1e-6, 0.999, 100)
    for block in (1, 10, 1000):
        right = np.full(1, float(side))
        wealth = []
        for value in values:
            test = MeanTest(design, right, right, np.array([variance * block]), block)
            test.add(np.full((1, 1), value))
            wealth.append(np.exp(test._wealth[:, 0]))
        assert (chances @ np.array(wealth) <= 1).all()


def test_values_within_the_enclosure_are_no_evidence() -> None:
    design = Design(1, 1e-6, 0.999, 100)
    low, high = np.zeros(1), np.full(1, 2.0)
    for value in (0.0, 1.0, 2.0):
        test = MeanTest(design, low, high, np.ones(1), 1)
        assert not test.add(np.full((BLOCKS, 1), value))
        assert test.evidence == 0
    for value in (-1.0, 3.0):
        test = MeanTest(design, low, high, np.ones(1), 1)
        assert test.add(np.full((BLOCKS, 1), value))
        lower, upper = test.interval()
        assert lower[0] < value < upper[0]
        assert lower[0] > 2 or upper[0] < 0


def test_pilot_bounds_the_variance_of_the_draws() -> None:
    design = Design(2, 1e-2, 0.9, 3)
    draws = np.random.default_rng(0).normal(size=(2 * design.pairs, 2)) * [3, 1e-6]
    seen = pilot(design, draws, np.full(2, 0.01))
    # The standard error of a variance from 200 pairs is 10 % of it.
    assert seen.variance[0] == pytest.approx(9 / (1 - VARIANCE_ERROR), rel=0.4)
    assert seen.variance[1] == design.found_ratio(design.least_block) * 0.01**2
    assert seen.kurtosis[0] == pytest.approx(3, rel=0.4)
    assert seen.kurtosis[1] == 0


@pytest.mark.parametrize("rarity", [0.5, 0.1, 0.01, 0.003])
def test_pilot_underestimates_as_rarely_as_stated(rarity: float) -> None:
    """Half squared differences of 0-1 draws are 1/2 or 0: their sum is binomial, exactly."""
    variance = rarity * (1 - rarity)
    for false_alarm in (1e-2, 1e-6):
        design = Design(1, false_alarm, 0.9, kurtosis=1 / variance - 3)
        most = (1 - VARIANCE_ERROR) * variance * 2 * design.pairs
        chance = stats.binom.cdf(np.floor(most), design.pairs, 2 * variance)
        assert 0 < chance <= false_alarm / 2


@pytest.mark.parametrize("law", [squares, rare])
def test_right_estimators_are_rejected_less_often_than_stated(
    law: Callable[[Generator, int], Any],
) -> None:
    """At a rate that can be seen: 40 tests, each rejecting with probability 0.2 at most.

    More than 20 of 40 have probability 1e-5 at most (binomial tail).
    """
    rejected = sum(
        is_rejected(law, seed=seed, false_alarm=0.2, power=0.8, detect=0.2, kurtosis=100)
        for seed in range(40)
    )
    assert rejected <= 20
    assert stats.binom.sf(20, 40, 0.2) < 1e-5


@pytest.mark.parametrize("law", [squares, rare])
def test_a_bias_of_the_stated_size_is_found_as_often_as_stated(
    law: Callable[[Generator, int], Any],
) -> None:
    """30 tests that find it with probability 0.9 at least; fewer than 19 have 3e-5 at most."""
    found = sum(
        is_rejected(
            lambda rng, count: 1.2 * law(rng, count),
            seed=seed, false_alarm=1e-3, power=0.9, detect=0.2, kurtosis=100,
        )
        for seed in range(30)
    )  # fmt: skip
    assert found >= 19
    assert stats.binom.cdf(18, 30, 0.9) < 3e-5


@pytest.mark.slow
@pytest.mark.parametrize("law", [squares, rare])
def test_error_rates_in_many_tests(law: Callable[[Generator, int], Any]) -> None:
    """200 right ones at the default rate: one alarm has probability 2e-4 at most.

    100 misses of probability 0.001 at most: more than 3 have probability 4e-6.
    """
    options = {"kurtosis": 100, "detect": 0.1}
    assert not any(is_rejected(law, seed=seed, **options) for seed in range(200))
    missed = sum(
        not is_rejected(lambda rng, count: 1.1 * law(rng, count), seed=seed, **options)
        for seed in range(100)
    )
    assert missed <= 3
    often = sum(
        is_rejected(law, seed=seed, false_alarm=0.05, power=0.9, **options) for seed in range(200)
    )
    # 10 expected at most; 28 or more have probability 2e-6.
    assert often < 28


def is_rejected(law: Any, **options: Any) -> bool:
    options.setdefault("budget", 20_000_000)
    try:
        assert_unbiased(law, 1, batched=True, **options)
    except BiasError:
        return True
    return False


# Right and wrong estimators


def test_right_estimators_pass() -> None:
    mean = assert_risk_unbiased(risks())
    for result in (
        mean,
        assert_gradient_unbiased(gradients()),
        assert_gradient_unbiased(gradients(), seed=1),
        assert_unbiased(risks(batch=1), "risk", SAMPLE, batched=True),
    ):
        assert result.passed
        assert result.draws == result.planned
        for component in result.components:
            assert component.reach <= 0.05
            assert component.lower <= component.expected_lower
            assert component.upper >= component.expected_upper
    summed = assert_risk_unbiased(risks(BATCH), reduction="sum")
    assert summed.worst.expected_lower == pytest.approx(BATCH * mean.worst.expected_lower)


@pytest.mark.parametrize(
    ("factor", "name", "words"),
    [
        (BATCH, "batch size", "|B| = 8 times"),
        (1 / BATCH, "batch size", "1/|B| = 1/8 times"),
        (5, "factor n", "n = 5 times"),
        (1 / 5, "factor n", "1/n = 1/5 times"),
        (BATCH / 5, "batch size", "|B|/n = 8/5 times"),
        (3, "factor m", "m = 3 times"),
        (1 / 3, "factor m", "1/m = 1/3 times"),
        (2, "factor 2", "is 2 times"),
        (0.5, "factor 2", "is 1/2 times"),
        (-1, "sign", "-1 times"),
    ],
)
def test_known_factors_are_found_and_named(factor: float, name: str, words: str) -> None:
    for run, draw in (
        (assert_risk_unbiased, risks(factor)),
        (assert_gradient_unbiased, gradients(factor)),
    ):
        with pytest.raises(BiasError) as caught:
            run(draw)
        assert [cause.name for cause in caught.value.causes] == [name]
        assert words in caught.value.causes[0].words
        assert f"likely cause {name}" in str(caught.value)


def test_a_factor_in_one_group_is_named_with_it() -> None:
    with pytest.raises(BiasError) as caught:
        assert_gradient_unbiased(gradients(bias_factor=2))
    (cause,) = caught.value.causes
    assert cause.words == "the mean is 2 times what it should be in the group bias"
    rejected = [c.label for c in caught.value.estimation.components if not c.passed]
    assert rejected
    assert all(label.startswith("bias") for label in rejected)


@pytest.mark.parametrize("factor", [1.05, 0.95])
def test_five_percent_are_found(factor: float) -> None:
    for run, draw in (
        (assert_risk_unbiased, risks(factor)),
        (assert_gradient_unbiased, gradients(factor)),
    ):
        with pytest.raises(BiasError) as caught:
            run(draw)
        assert caught.value.causes == ()
        assert "none of the known factors" in str(caught.value)
        worst = caught.value.estimation.worst
        assert worst.lower > worst.expected_upper or worst.upper < worst.expected_lower


def test_a_large_bias_stops_early() -> None:
    with pytest.raises(BiasError) as caught:
        assert_risk_unbiased(risks(BATCH))
    estimation = caught.value.estimation
    pilot = 2 * Design(1, 1e-6, 0.999, estimation.kurtosis).pairs
    assert estimation.draws - pilot < (estimation.planned - pilot) / 10
    assert isinstance(caught.value, ConformanceError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_seed_decides_everything() -> None:
    first, again, other = (assert_risk_unbiased(risks(), seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.worst.estimate != other.worst.estimate


def test_draws_come_as_networks_tensors_and_numbers() -> None:
    def as_network(rng: Generator) -> Network:
        row = gradients()(rng, 1)[0]
        return Network(None, torch.tensor(row[3:]), torch.tensor(row[:3], dtype=torch.float32))

    loose = {"false_alarm": 1e-3, "power": 0.9, "detect": 0.2, "kurtosis": 5}
    result = assert_unbiased(as_network, "gradient", SAMPLE, batch_size=BATCH, **loose)  # type: ignore[arg-type]
    assert [c.label for c in result.components[:4]] == [
        "outer[0]",
        "outer[1]",
        "outer[2]",
        "bias[0]",
    ]
    assert assert_unbiased(lambda rng: float(rng.random()), Fraction(1, 2), kurtosis=3).passed
    points = ["-2", "0", "1", "3", "3.5"]
    assert assert_unbiased(
        risks(), "risk", points, SAMPLE.network, mu="0.8", sigma="0.6",
        batch_size=BATCH, batched=True, dtype="float32",
    ).passed  # fmt: skip


def test_values_are_given_as_numbers_and_enclosures() -> None:
    right = assert_gradient_unbiased(gradients())
    numbers = [component.expected_lower for component in right.components]
    enclosures = [{"lower": repr(x - 1e-9), "upper": repr(x + 1e-9)} for x in numbers]
    for expected in (numbers, np.array(numbers), enclosures):
        found = assert_unbiased(gradients(), expected, batched=True)
        assert (found.quantity, found.passed) == ("value", True)
    assert found.components[0].expected_upper - numbers[0] == pytest.approx(1e-9, rel=1e-3)
    assert assert_unbiased(squares, arb("1 +/- 1e-9"), batched=True, kurtosis=15).passed
    wide = {"lower": "0.9", "upper": "1.1"}
    with pytest.raises(Undecided, match="only known to lie"):
        assert_unbiased(squares, wide, batched=True)


# What is not decided, and what is no estimator


def test_an_exhausted_budget_is_no_pass() -> None:
    with pytest.raises(Undecided, match="raise budget") as caught:
        assert_unbiased(risks(batch=1), "risk", SAMPLE, batched=True, budget=50_000)
    assert "draws, but the budget is 50000" in str(caught.value)
    assert "(estimator): undecided, 0 of 1 components" in str(caught.value)
    with pytest.raises(Undecided, match="pilot alone"):
        assert_unbiased(risks(batch=1), "risk", SAMPLE, batched=True, budget=1000)
    # Within the same budget a large bias is found all the same.
    with pytest.raises(BiasError):
        assert_unbiased(risks(2, batch=1), "risk", SAMPLE, batched=True, budget=50_000)


def test_draws_that_contradict_the_assumed_kurtosis_decide_nothing() -> None:
    def rarer(rng: Generator, count: int) -> Any:
        return 1000.0 * (rng.random(count) < 0.001)

    with pytest.raises(Undecided, match="kurtosis"):
        assert_unbiased(rarer, 1, batched=True)
    with pytest.raises(Undecided, match="kurtosis"):
        assert_unbiased(lambda rng, count: 2 * rarer(rng, count), 1, batched=True)


def test_values_that_only_the_test_sees_decide_nothing() -> None:
    """One draw in 20000, after a pilot of zeros, or of noise too small to matter."""
    pairs = Design(1, 1e-6, 0.999, 100).pairs

    def late(value: float, noise: float) -> Callable[[Generator, int], Any]:
        made = 0

        def draw(rng: Generator, count: int) -> Any:
            nonlocal made
            places = made + np.arange(count)
            made += count
            rows = noise * rng.standard_normal(count)
            return rows + value * (places % 20_000 == 2 * pairs + 500)

        return draw

    assert 2 * pairs + 500 < 20_000
    for value, noise in ((1e6, 0.0), (-1e6, 0.0), (1e6, 1e-3), (0.5, 0.0)):
        with pytest.raises(Undecided, match="rare values"):
            assert_unbiased(late(value, noise), 1, batched=True)


def test_a_wrong_constant_beside_random_components_is_a_bias() -> None:
    def draw(rng: Generator, count: int) -> Any:
        return np.stack([rng.random(count), np.full(count, 3.15)], axis=1)

    with pytest.raises(BiasError) as caught:
        assert_unbiased(draw, [0.5, 3], batched=True, kurtosis=3)
    assert [c.passed for c in caught.value.estimation.components] == [True, False]


def sparse(bias: Fraction) -> tuple[Instance, Callable[[Generator, int], Any]]:
    """One neuron that is on where `3/4 x + z/2 > -bias`, and its gradient draw by draw."""
    network = {"inner_weights": [1], "biases": [bias], "outer_weights": [4]}
    case = Instance.from_numpy([-1, 1], mu="3/4", sigma="1/2", network=network)

    def draw(rng: Generator, count: int) -> Any:
        z = rng.standard_normal(count)
        before = 0.75 * rng.choice([-1.0, 1.0], size=count) + z / 2 + float(bias)
        hidden = np.maximum(before, 0)
        residual = 4 * hidden + 2 * z
        return np.stack([2 * residual * hidden, 8 * residual * (before > 0)], axis=1)

    return case, draw


@pytest.mark.parametrize("bias", ["-2", "-11/4", "-3", "-7/2"])
def test_a_neuron_that_is_rarely_on_is_no_bias(bias: str) -> None:
    case, draw = sparse(Fraction(bias))
    # P(on) = half of the upper tail of a normal law; that of the other point is far below.
    draws = 2 / stats.norm.sf((-float(Fraction(bias)) - 0.75) / 0.5)
    for seed in (0, 1):
        with pytest.raises(Undecided, match="neuron 0 is active in about one of") as caught:
            assert_unbiased(draw, "gradient", case, batched=True, seed=seed)
        assert f"one of {draws:.3g} draws" in str(caught.value)
    with pytest.raises(Undecided, match=r"one of .* draws, and gives bias"):
        assert_unbiased(draw, "gradient", case, parameters=("bias",), batch_size=2)


@pytest.mark.parametrize("bias", ["-3/4", "-3/2", "-2"])
def test_the_kurtosis_by_a_rare_neuron_is_a_lower_bound(bias: str) -> None:
    """Against draws: 4 million of them have the fourth moment within a few percent."""
    case, draw = sparse(Fraction(bias))
    found = rarest(case, ("outer", "bias"), 1, 1.0, np.zeros(2))
    assert found is not None
    rows = draw(np.random.default_rng(0), 4_000_000)
    chance = (rows[:, 1] != 0).mean()
    assert found.chance == pytest.approx(chance, rel=0.05)
    kurtosis = stats.kurtosis(rows, axis=0, fisher=False)
    assert found.kurtosis < 1.1 * kurtosis[found.component]
    # By the same formula from the draws.
    centred = rows[:, found.component] - rows[:, found.component].mean()
    carried = (centred**2 * (rows[:, 1] != 0)).mean()
    assert found.kurtosis == pytest.approx((carried / centred.var()) ** 2 / chance, rel=0.05)
    batch = rarest(case, ("outer", "bias"), 10, 1.0, np.zeros(2))
    if batch is not None:
        assert batch.kurtosis == pytest.approx(3 + (found.kurtosis - 3) / 10, rel=1e-9)
    assert rarest(case, ("outer", "bias"), 1, 2 * found.kurtosis, np.zeros(2)) is None
    assert rarest(case, ("outer", "bias"), 1, 1.0, np.full(2, 1e9)) is None


def test_a_rare_neuron_beside_others_does_not_matter() -> None:
    """Its gradient is small beside that of its group: its variance needs no bound."""
    network = {"inner_weights": [1, -1], "biases": [-6, 1], "outer_weights": [1, 2]}
    case = Instance.from_numpy([-1, 1], mu="3/4", sigma="1/2", network=network)

    def draw(rng: Generator, count: int) -> Any:
        z = rng.standard_normal((count, BATCH))
        y = (0.75 * rng.choice([-1.0, 1.0], size=z.shape) + z / 2)[..., None]
        before = y * [1, -1] + [-6, 1]
        hidden = np.maximum(before, 0)
        residual = (hidden @ [1, 2] / 2 + 2 * z)[..., None]
        parts = (residual * hidden, residual * [1, 2] * (before > 0))
        return np.concatenate([part.mean(axis=1) for part in parts], axis=1)

    assert assert_unbiased(draw, "gradient", case, batch_size=BATCH, batched=True).passed


def test_estimators_that_seed_themselves() -> None:
    def fixed(rng: Generator, count: int) -> Any:
        return np.random.default_rng(0).standard_normal(count) + 1

    with pytest.raises(Undecided, match="does not draw from rng"):
        assert_unbiased(fixed, 1, batched=True)
    # Fewer draws than one full call in the pilot.
    with pytest.raises(Undecided, match="does not draw from rng"):
        assert_unbiased(fixed, 1, batched=True, kurtosis=3, false_alarm=1e-3)
    own = np.random.default_rng(5)
    result = assert_unbiased(lambda rng, count: own.random(count), 0.5, batched=True, kurtosis=3)
    assert result.passed
    assert "nothing was drawn from rng" in result.notes[0]
    spawning = assert_unbiased(
        lambda rng, count: rng.spawn(1)[0].random(count), 0.5, batched=True, kurtosis=3
    )
    assert spawning.notes == ()
    # Rare values: most batches are zeros, and some are equal.
    rarely = assert_unbiased(
        lambda rng, count: 1 + (rng.random(count) < 1e-4), 1.0001, batched=True
    )
    assert rarely.passed


def test_estimators_without_variance() -> None:
    exact = assert_unbiased(lambda rng: 3.0, 3)
    assert exact.notes == ("every draw of the pilot is the same: nothing here is random",)
    pair = assert_unbiased(lambda rng, count: np.full((count, 2), [0, 3]), [0, 3], batched=True)
    assert [component.estimate for component in pair.components] == [0, 3]
    for value in (3.15, 2.85, 6.0, -3.0):
        with pytest.raises(BiasError):
            assert_unbiased(lambda rng, count, value=value: np.full(count, value), 3, batched=True)


def test_a_scale_is_needed_where_nothing_is_expected() -> None:
    def noise(rng: Generator, count: int) -> Any:
        return rng.standard_normal(count)

    with pytest.raises(InputError, match="scale"):
        assert_unbiased(noise, 0, batched=True)
    assert assert_unbiased(noise, 0, batched=True, scale=1).passed
    with pytest.raises(BiasError):
        assert_unbiased(lambda rng, count: noise(rng, count) + 0.05, 0, batched=True, scale=1)


def test_a_group_without_gradient_is_measured_by_the_others() -> None:
    network = {"inner_weights": [1], "biases": [0], "outer_weights": [0]}
    flat = Instance.from_numpy([-1, 2], mu="1/2", sigma="1/2", network=network)

    def draw(rng: Generator, count: int) -> Any:
        z = rng.standard_normal((count, BATCH))
        y = np.array([-0.5, 1.0])[rng.integers(2, size=z.shape)] + z / 2
        outer = (2 * z / 0.5 * np.maximum(y, 0)).mean(axis=1)
        return np.stack([outer, 0 * outer], axis=1)

    result = assert_unbiased(draw, "gradient", flat, batch_size=BATCH, batched=True)
    assert result.components[1].expected_upper == 0
    assert result.components[1].scale == result.components[0].scale > 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "nan in draw 1"),
        (np.inf, "inf in draw 1"),
        (-1e200, "beyond 1e\\+90"),
        (np.zeros(2), "shape"),
        ("three", "expected real numbers"),
        (None, "expected real numbers"),
        (1j, "expected real numbers"),
    ],
)
def test_what_is_no_number_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ResultError, match=words):
        assert_unbiased(lambda rng: value, 3)


def test_a_single_nan_is_found_and_placed() -> None:
    calls = iter(range(10**6))

    with pytest.raises(ResultError, match=r"\[1\] is nan in draw 700"):
        assert_unbiased(lambda rng: [1.0, np.nan if next(calls) == 699 else 1.0], [1, 1])
    with pytest.raises(ResultError, match="shape"):
        assert_unbiased(lambda rng, count: np.zeros(count - 1), 1, batched=True)


@pytest.mark.parametrize(
    "options",
    [
        {"false_alarm": 0.0},
        {"false_alarm": 1e-120},
        {"false_alarm": 1e-300},
        {"power": 1.0},
        {"power": 1 - 1e-8},
        {"detect": 0.0},
        {"detect": np.inf},
        {"detect": np.nan},
        {"detect": 1e300},
        {"detect": 1e-300},
        {"budget": 0},
        {"batch_size": 0},
        {"scale": 0.0},
        {"scale": [1.0, 1.0]},
        {"scale": 1e200},
        {"scale": 1e-200},
        {"reduction": "both"},
        {"parameters": ("outer", "slope")},
        {"kurtosis": 0.5},
        {"kurtosis": np.inf},
        {"kurtosis": np.nan},
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        assert_unbiased(squares, 1, batched=True, **options)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ([], "empty"),
        (np.zeros((0, 2)), "empty"),
        ({"lower": "2", "upper": "1"}, "may not be above"),
        ([1, {"lower": "1"}], r"expected\[1\].*keys"),
        (1e200, "rescale"),
        (1e-200, "rescale"),
        ([1e60, 1.0], "rescale"),
    ],
)
def test_bad_expected_values_are_named(expected: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        assert_unbiased(squares, expected, batched=True)


def test_no_accepted_error_rate_passes_a_wrong_estimator() -> None:
    """Beyond `2 effort = BLOCKS` the distance found would be the root of a negative number."""

    def off(rng: Generator, count: int) -> Any:
        return 2 + 0.01 * rng.standard_normal(count)

    for false_alarm in (1e-90, 1e-150, 1e-230, 1e-300):
        with pytest.raises((BiasError, InputError)) as caught:
            assert_unbiased(off, 1, batched=True, kurtosis=3, false_alarm=false_alarm)
        assert caught.type is (BiasError if false_alarm == 1e-90 else InputError)
    assert 4 * Design(1, 1e-105, 0.999, 3).effort < BLOCKS
    with pytest.raises(InputError):
        Design(1000, 1e-109, 0.999, 3)


def test_a_quantity_needs_a_sample_and_a_network() -> None:
    bare = Instance("bare", SAMPLE.points, NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 2)))
    for sample in (None, bare):
        with pytest.raises(InputError, match="sample"):
            assert_unbiased(risks(), "risk", sample)


def test_the_design_meets_its_own_bounds() -> None:
    """The number of draws from the inequality itself, at its root."""
    design = Design(10, 1e-6, 0.999, 50.0)
    block = design.needed_block(800.0)
    assert design.found_ratio(block) >= 800 > design.found_ratio(block - 1)
    variance = np.full(10, 800 * 0.05**2)
    test = MeanTest(design, np.zeros(10), np.zeros(10), variance, block)
    assert (test.reach <= 0.05).all()
    slope, spread, apart = test._slope[0], variance[0] / block, test.reach[0]
    growth = slope * apart - slope**2 * (2 * spread + apart**2) / 2
    assert BLOCKS * growth == pytest.approx(design.effort, rel=1e-12)
    assert design.effort - design.threshold == pytest.approx(-np.log(0.001 - 5e-7), rel=1e-12)
    assert design.threshold == pytest.approx(np.log(4e7), rel=1e-12)
