"""Activations: one function in every kind of number, moments by name, and a user's own."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import acb, arb

from dsmverify.certify import precision
from dsmverify.curves import activations
from dsmverify.curves.activations import ACTIVATIONS, Activation, activation_named
from dsmverify.curves.moments import enclosed_shared_slope
from dsmverify.curves.panels import Growth, PiecewiseAnalytic
from dsmverify.errors import InputError
from dsmverify.formulas.activations import CLOSED, Moments
from dsmverify.systems.balls import ball

TIMES = tuple(map(Fraction, ("1/1000000", "1/100", "1/10", "1", "5")))
FIELDS = tuple(Moments.__dataclass_fields__)
PLACES = np.array([-30.0, -3.25, -1.0, -0.5, -1e-3, 0.0, 1e-3, 0.25, 1.0, 2.5, 30.0])

PLAIN: dict[str, Any] = {
    "relu": lambda x: max(x, 0.0),
    "erf": math.erf,
    "sin": math.sin,
    "linear": lambda x: x,
    "abs": abs,
    "tanh": math.tanh,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
}
every_name = pytest.mark.parametrize("name", ACTIVATIONS)


def user_silu() -> Activation:
    return Activation.piecewise(
        "my silu", [lambda ns, x: x / (1 + ns.exp(-x))], growth=Growth(1, 1)
    )


def leaky() -> Activation:
    return Activation.piecewise(
        "leaky", [lambda ns, x: x / 10, lambda ns, x: x], kinks=[0], growth=Growth(1, 1)
    )


@every_name
def test_every_kind_of_number(name: str) -> None:
    known = activation_named(name)
    expected = np.array([PLAIN[name](float(x)) for x in PLACES])
    # Library functions to a few roundings; tails of gelu may underflow to 0.
    assert known.float64(PLACES) == pytest.approx(expected, rel=4e-15, abs=1e-99)
    tensor = known.torch(torch.from_numpy(PLACES))
    assert tensor.numpy() == pytest.approx(expected, rel=4e-15, abs=1e-15)
    with precision(80):
        for x, value in zip(PLACES, expected, strict=True):
            enclosed = known.function.on(arb(float(x)))
            assert float(enclosed.rad()) <= 1e-18 * (1 + abs(value))
            assert float(enclosed.mid()) == pytest.approx(value, rel=4e-15, abs=1e-22)


@every_name
def test_growth_holds(name: str) -> None:
    function = ACTIVATIONS[name].function
    with precision(60):
        for k in range(-400, 400):
            x = arb(k) / 8
            assert abs(function.on(x)).lower() <= function.growth.at(x)


@pytest.mark.parametrize("time", TIMES)
@every_name
def test_floats_are_the_middles_of_the_balls(name: str, time: Fraction) -> None:
    known = activation_named(name)
    found = known.moments(float(time))
    with precision(90):
        enclosed = known.enclose_moments(Fraction(float(time)))
        for field in FIELDS:
            value, exact = getattr(found, field), getattr(enclosed, field)
            assert isinstance(value, float)
            # Series of positive terms in float64 with at most 300 that count: 4e-15 at worst; the
            # ball itself has its tail.
            gap = abs(arb(value) - exact)
            assert float(gap.upper()) <= 1e-14 * abs(float(exact.mid())) + 1e-26, field


@every_name
def test_arrays_of_times(name: str) -> None:
    known = activation_named(name)
    times = np.array([[float(t)] for t in TIMES])
    together = known.moments(times)
    for row, time in enumerate(times[:, 0]):
        alone = known.moments(float(time))
        for field in FIELDS:
            value = np.broadcast_to(getattr(together, field), times.shape)[row, 0]
            # NumPy's vector exponentials may differ from its scalar ones in the last place.
            assert value == pytest.approx(getattr(alone, field), rel=4e-15, abs=1e-34)


def test_moments_are_kept() -> None:
    known = activation_named("gelu")
    assert known.moments(0.1) is known.moments(0.1)
    with precision(90):
        first = known.enclose_moments(Fraction(1, 10))
        assert known.enclose_moments(Fraction(1, 10)) is first
    with precision(110):
        finer = known.enclose_moments(Fraction(1, 10))
    assert float(finer.fresh.rad()) < float(first.fresh.rad())


def test_a_time_in_a_ball() -> None:
    with precision(90):
        wide = activation_named("silu").enclose_moments(ball(Fraction(1, 10)) + arb(0, 0.001))
        narrow = activation_named("silu").enclose_moments(Fraction(1, 10))
        for field in FIELDS:
            assert getattr(wide, field).contains(getattr(narrow, field)) or field == "linear"


def test_gelu_by_derivatives() -> None:
    """`E rho = E Phi' = 1/sqrt(4 pi)`, `mu_1 = E rho' = 1/2`, by parts."""
    found = activation_named("gelu").moments(0.1)
    assert found.mean == pytest.approx(1 / math.sqrt(4 * math.pi), rel=1e-14)
    assert found.linear == pytest.approx(0.25, rel=1e-14)


def test_only_linear_is_linear() -> None:
    assert {name for name in ACTIVATIONS if ACTIVATIONS[name].is_linear} == {"linear"}
    assert not leaky().is_linear
    assert not user_silu().is_linear


def test_linearity_that_nobody_knows_is_refused() -> None:
    plain = Activation.piecewise("mine", [lambda ns, x: 3 * x - 1], growth=Growth(4, 1))
    with pytest.raises(InputError, match=r"whether it is linear is not certain.*linear=True"):
        assert plain.is_linear
    said = Activation.piecewise("mine", [lambda ns, x: 3 * x - 1], growth=Growth(4, 1), linear=True)
    assert said.is_linear


def test_a_user_s_analytic_activation() -> None:
    mine, known = user_silu(), activation_named("silu")
    assert mine.float64(PLACES) == pytest.approx(known.float64(PLACES), rel=4e-15)
    tensor = torch.from_numpy(PLACES)
    assert mine.torch(tensor).numpy() == pytest.approx(known.torch(tensor).numpy(), rel=4e-15)
    for field in FIELDS:
        assert getattr(mine.moments(0.3), field) == getattr(known.moments(0.3), field)


def test_a_user_s_activation_with_a_kink() -> None:
    """Leaky ReLU is `0.55 x + 0.45 |x|`."""
    mine, even = leaky(), activation_named("abs")
    assert mine.kinks == (0.0,)
    expected = np.where(PLACES < 0, PLACES / 10, PLACES)
    assert mine.float64(PLACES) == pytest.approx(expected, rel=1e-15)
    assert mine.torch(torch.from_numpy(PLACES)).numpy() == pytest.approx(expected, rel=1e-15)
    for time in (1e-4, 2.0):
        found, other = mine.moments(time), even.moments(time)
        assert found.mean == pytest.approx(0.45 * other.mean, rel=1e-14)
        assert found.linear == pytest.approx(0.55**2, rel=1e-14)
        for field in ("nonlinear", "shared", "fresh"):
            assert getattr(found, field) == pytest.approx(
                0.45**2 * getattr(other, field), rel=1e-13
            ), field


def test_an_activation_from_given_functions() -> None:
    """On arrays and on complex balls, each by its own."""
    bell = Activation(
        "bell",
        PiecewiseAnalytic("bell", (lambda z: (-z * z / 2).exp(),)),
        lambda x: np.exp(-x * x / 2),
        lambda x: torch.exp(-x * x / 2),
    )
    found = bell.moments(0.5)
    c = math.exp(-1)
    # E exp(-(g^2 + g'^2)/2) = 1/sqrt(det(1 + Sigma)) = 1/sqrt(4 - c^2).
    assert found.mean == pytest.approx(math.sqrt(0.5), rel=1e-14)
    assert found.shared == pytest.approx(1 / math.sqrt(4 - c * c) - 0.5, rel=1e-13)
    assert found.fresh == pytest.approx(1 / math.sqrt(3) - 1 / math.sqrt(4 - c * c), rel=1e-13)
    assert not bell.is_linear


def test_an_unknown_name_suggests_one() -> None:
    with pytest.raises(InputError, match="no activation of this name; did you mean 'tanh'"):
        activation_named("tahn")
    with pytest.raises(InputError, match="take one of relu, erf, sin"):
        activation_named(3)


def test_an_infinite_second_moment_is_refused() -> None:
    with pytest.raises(InputError, match=r"E rho.g.*2 is infinite by all appearances"):
        Activation.piecewise("steep", [lambda ns, x: ns.exp(x * x)])
    with pytest.raises(InputError, match=r"E rho.g.*2 is infinite"):
        Activation.piecewise(
            "steep", [lambda ns, x: ns.exp(x * x)], growth=Growth(1, 0, Fraction(1))
        )


@pytest.mark.parametrize(
    "rule", [lambda ns, x: 0.1 * x, lambda ns, x: x if x > 0 else 0 * x, lambda ns, x: x**2]
)
def test_a_rule_beside_the_number_system_is_refused(rule: Any) -> None:
    with pytest.raises(InputError, match="pieces: mine, but a rule takes a number system"):
        Activation.piecewise("mine", [rule], growth=Growth(1, 2))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda ns, x: 1 / x, "at x = 0 one raised ZeroDivisionError"),
        (lambda x: x, "one raised TypeError"),
        (lambda ns, x: np.sin(x), "one raised TypeError"),
        (lambda ns, x: None, "one returned None"),
        (lambda ns, x: 0.5, "one returned 0.5"),
        (lambda ns, x: True, "one returned True"),
        (lambda ns, x: x * ns.constant([1, 2]), "one returned array"),
    ],
)
def test_a_rule_that_fails_is_refused(rule: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"pieces: mine, but a rule takes .*{message}"):
        Activation.piecewise("mine", [rule], growth=Growth(1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name: 3, but it must be text"),
        ({"pieces": [3]}, r"pieces: \[3\], but they must be functions"),
        ({"pieces": lambda ns, x: x}, "pieces: .* in a list"),
        ({"pieces": []}, "pieces"),
        ({"kinks": 1}, "kinks: 1, but they must be a list"),
        ({"growth": (1, 1)}, r"growth: \(1, 1\), but it must be a Growth"),
        ({"linear": "yes"}, "linear: 'yes', but it must be True, False or None"),
    ],
)
def test_arguments_of_another_kind_are_refused(changes: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"name": "mine", "pieces": [lambda ns, x: x], "growth": Growth(1, 1)}
    with pytest.raises(InputError, match=message):
        Activation.piecewise(**(good | changes))


def test_what_is_said_of_linearity_is_looked_at() -> None:
    bent = Activation.piecewise(
        "bent", [lambda ns, x: 0, lambda ns, x: x], [0], Growth(1, 1), linear=True
    )
    with pytest.raises(InputError, match="linear: True, but bent certainly bends"):
        _ = bent.is_linear
    straight = Activation.piecewise("straight", [lambda ns, x: x], (), Growth(1, 1), linear=False)
    with pytest.raises(InputError, match=r"straight, but .* linear=True if it is linear"):
        straight.moments(0.1)
    # Nearly linear: what is left of the square is small, but not beside what bends.
    slightly = Activation.piecewise(
        "slightly",
        [lambda ns, x: x + ns.exp(-x * x / 2) / 10**14],
        (),
        Growth(2, 1),
        linear=False,
    )
    with pytest.raises(InputError, match="certified to less than 14 digits"):
        slightly.moments(0.1)


def test_a_rule_is_tried_on_its_own_interval() -> None:
    """A middle piece that divides by what vanishes outside, and outer ones that are constant."""
    mine = Activation.piecewise(
        "mine",
        [lambda ns, x: 0, lambda ns, x: 1 / (3 + x), lambda ns, x: 1 - ns.arctan_defect(x) * 0],
        kinks=[-1, 2],
        growth=Growth(2),
    )
    expected = np.where(PLACES < -1, 0, np.where(PLACES < 2, 1 / (3 + np.clip(PLACES, -1, 2)), 1))
    assert mine.float64(PLACES) == pytest.approx(expected, rel=1e-15)
    assert mine.torch(torch.from_numpy(PLACES)).numpy() == pytest.approx(expected, rel=1e-15)
    assert not mine.is_linear


@pytest.mark.parametrize("time", [0.0, -1.0, math.nan, np.array([0.1, 0.0])])
def test_a_time_that_is_not_positive_is_refused(time: Any) -> None:
    with pytest.raises(InputError, match=r"time: .*must be positive"):
        activation_named("relu").moments(time)


@pytest.mark.parametrize("time", ["0.1", None, True, 1j, [0.1], np.array(["0.1"])])
def test_a_time_that_is_no_number_is_refused(time: Any) -> None:
    with pytest.raises(InputError, match=r"time: .* it must be a number, or an array"):
        activation_named("relu").moments(time)


def test_a_time_to_enclose_is_exact_and_positive() -> None:
    rho = activation_named("relu")
    with precision(64):
        assert rho.enclose_moments(1).shared.overlaps(rho.enclose_moments(Fraction(1)).shared)
        for time, message in ((0.1, "exact, or a ball"), (0, "positive"), (arb(0, 1), "positive")):
            with pytest.raises(InputError, match=f"time: .*it must be {message}"):
                rho.enclose_moments(time)
    for bits in (0, True, "64"):
        with pytest.raises(InputError, match=r"bits: .* positive integer"):
            rho.series(bits)


@pytest.mark.parametrize("time", [Fraction(1, 100), Fraction(1, 10)])
def test_the_slope_of_a_series_holds_what_its_tail_may_add(time: Fraction) -> None:
    """The first 64 coefficients of relu leave much open; its closed form tells the slope."""
    known = activation_named("relu")
    cut = Activation("cut", known.function, known.float64, known.torch, False)
    with precision(100):
        exact, found = enclosed_shared_slope(known, time), enclosed_shared_slope(cut, time)
        series = cut.series()
        assert found.contains(exact)
        assert bool(found.rad() < series.tail.upper() / ball(time))
        for factor in (0, -1):  # the sum alone, and with its tail on the other side
            alone = found.upper() - factor * (found.upper() - found.lower())
            assert not arb(alone).overlaps(exact)


def test_a_growth_that_hides_an_infinite_moment_is_refused() -> None:
    steep = Activation.piecewise("steep", [lambda ns, x: ns.exp(x * x)], growth=Growth(3, 1))
    with pytest.raises(InputError, match=r"\|rho\| is larger at"):
        steep.moments(0.1)


def test_a_missing_growth_is_asked_for() -> None:
    with pytest.raises(InputError, match="tails of mine need a bound; give growth=Growth"):
        Activation.piecewise("mine", [lambda ns, x: x * x])


def test_a_hidden_kink_is_refused() -> None:
    with pytest.raises(InputError, match="a piece must be analytic; give the kinks"):
        Activation.piecewise("mine", [lambda ns, x: ns.absolute(x)], growth=Growth(1, 1)).moments(1)
    rooted = Activation.piecewise("mine", [lambda ns, x: ns.root(x * x, 2)], growth=Growth(1, 1))
    with pytest.raises(InputError, match="analytic around"):
        rooted.moments(1)


@pytest.mark.parametrize(
    ("kinks", "pieces", "message"),
    [
        ([0.5], 2, "a kink is exact"),
        ([1, 0], 3, "they must ascend"),
        ([0], 1, "one less than the 1 pieces"),
    ],
)
def test_wrong_kinks_are_refused(kinks: Any, pieces: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Activation.piecewise("mine", [lambda ns, x: x] * pieces, kinks, Growth(1, 1))


def test_digits_that_cannot_be_certified_are_refused() -> None:
    """`sin(40 x)` has its variance at k near 1600, beyond what a series takes."""
    fast = Activation(
        "fast",
        PiecewiseAnalytic("fast", (lambda z: (60 * z).sin(),)),
        lambda x: np.sin(60 * x),
        lambda x: torch.sin(60 * x),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dsmverify.curves.hermite.MOST", 100)
        with pytest.raises(InputError, match="certified to less than 14 digits"):
            fast.moments(0.1)


def test_the_registry_is_whole() -> None:
    assert set(CLOSED) == {name for name in ACTIVATIONS if ACTIVATIONS[name].closed}
    assert repr(activation_named("relu")) == "Activation('relu')"
    assert activations.activation_named("relu").kinks == (0.0,)
    assert activation_named("gelu").series(40).tail.upper() <= 1e-12
    value = activation_named("tanh").function.pieces[0](acb(0, arb.pi() / 2))
    assert not value.is_finite()
