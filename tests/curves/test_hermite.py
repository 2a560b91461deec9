"""Certified moments: against closed forms, quadrature over the plane, and each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import acb, arb
from mpmath import mp

from dsmverify.certify import precision
from dsmverify.curves import hermite, kinks, panels
from dsmverify.curves.hermite import hermite_series
from dsmverify.curves.kinks import kinked_moments
from dsmverify.curves.panels import (
    Growth,
    PiecewiseAnalytic,
    expectations,
    gaussian_tail,
    hermite_bound,
    legendre,
    rule_constant,
)
from dsmverify.errors import InputError
from dsmverify.formulas.activations import Moments, moments
from dsmverify.systems import load
from dsmverify.systems.balls import ball

TIMES = tuple(map(Fraction, ("1/1000000", "1/100", "1/10", "1", "5")))
FIELDS = tuple(Moments.__dataclass_fields__)
LINE = Growth(1, 1)

ERF = PiecewiseAnalytic("erf", (lambda z: z.erf(),))
SIN = PiecewiseAnalytic("sin", (lambda z: z.sin(),))
TANH = PiecewiseAnalytic("tanh", (lambda z: z.tanh(),), odd=True)
SILU = PiecewiseAnalytic("silu", (lambda z: z / (1 + (-z).exp()),), (), LINE)
RELU = PiecewiseAnalytic("relu", (lambda z: acb(0), lambda z: z), (Fraction(0),), LINE)
SIGN = PiecewiseAnalytic("sign", (lambda z: acb(-1), lambda z: acb(1)), (Fraction(0),))
HARD = PiecewiseAnalytic(
    "hard tanh",
    (lambda z: acb(-1), lambda z: z, lambda z: acb(1)),
    (Fraction(-1), Fraction(1)),
)
SHIFTED = PiecewiseAnalytic(
    "shifted",
    (lambda z: -z, lambda z: acb(0) + 1, lambda z: z.exp()),
    (Fraction(-1, 2), Fraction(1, 3)),
    Growth(1, 1),
)


def at(time: Fraction) -> tuple[arb, arb]:
    t = ball(time)
    return (-t).exp(), -(-2 * t).expm1()


def digits(ball_: arb, count: int = 50) -> Any:
    return mp.mpf(ball_.mid().str(count, radius=False))


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("function", [ERF, SIN], ids=lambda function: str(function.name))
def test_series_agree_with_closed_forms(function: PiecewiseAnalytic, time: Fraction) -> None:
    with precision(110):
        a, h = at(time)
        found = hermite_series(function, 100).moments(a, h)
        closed = moments(load("arb"), function.name, a, h)
        for field in FIELDS:
            mine, theirs = getattr(found, field), getattr(closed, field)
            assert mine.overlaps(theirs), field
            # The tail, 2^-100 of the whole, is relative to h at small times and to c at large.
            assert float(mine.rad()) <= 1e-28, field
        assert float(found.fresh.rad()) <= 1e-20 * float(found.fresh.mid())
        assert float(found.shared.rad()) <= 1e-20 * float(found.shared.mid())


@pytest.mark.parametrize("time", TIMES)
def test_the_plane_agrees_with_the_closed_form(time: Fraction) -> None:
    with precision(80):
        a, h = at(time)
        found, closed = kinked_moments(RELU, a, h), moments(load("arb"), "relu", a, h)
        for field in FIELDS:
            assert getattr(found, field).overlaps(getattr(closed, field)), field
        assert float(found.fresh.rad()) <= 1e-20 * float(found.fresh.mid())
        assert float(found.shared.rad()) <= 1e-22


def price(jumps: dict[Fraction, int], time: Fraction) -> tuple[Any, Any]:
    """`v0^2` and `s^2` of a continuous piecewise linear function with these jumps of the slope.

    `Kap''(x) = E rho''(g) rho''(g')` is a sum over pairs of kinks of the bivariate density, and
    `v0^2 = int_0^c (c - x) Kap''`, `s^2 = int_0^1 min(h, 1 - x) Kap''`, with `x = sin(angle)`.
    """

    def curvature(angle: Any) -> Any:
        total, cosine = mp.mpf(0), mp.cos(angle)
        for one, first in jumps.items():
            for two, second in jumps.items():
                k, l = (mp.mpf(x.numerator) / x.denominator for x in (one, two))
                # exp(-(k^2 - 2 x k l + l^2)/(2 (1 - x^2))) by the sum and the difference of k, l.
                even = (k + l) ** 2 / (4 * (1 + mp.sin(angle)))
                odd = (k - l) ** 2 * (1 + mp.sin(angle)) / (4 * cosine**2) if k != l else 0
                total += first * second * mp.exp(-even - odd)
        return total / (2 * mp.pi)

    c = mp.exp(-2 * mp.mpf(time.numerator) / time.denominator)
    turn, end = mp.asin(c), mp.pi / 2
    cuts = [turn + (end - turn) * mp.mpf(k) / 4 for k in range(5)]
    shared = mp.quad(lambda t: (c - mp.sin(t)) * curvature(t), [0, turn / 2, turn])
    lower = mp.quad(curvature, [0, turn / 2, turn]) * (1 - c)
    upper = mp.quad(lambda t: 2 * mp.sin((end - t) / 2) ** 2 * curvature(t), cuts)
    return shared, lower + upper


@pytest.mark.parametrize("time", TIMES[1:])
def test_two_kinks_against_price(time: Fraction) -> None:
    """Hard tanh: the slope jumps by 1 at -1 and by -1 at 1."""
    with precision(70):
        found = kinked_moments(HARD, *at(time))
    with mp.workdps(30):
        shared, fresh = price({Fraction(-1): 1, Fraction(1): -1}, time)
        # mpmath's error here is about 1e-25 where an exponential of 1/cos^2 is cut off.
        assert abs(digits(found.shared) - shared) <= 1e-19
        assert abs(digits(found.fresh) - fresh) <= 1e-19
    assert float(found.shared.rad()) <= 1e-18
    assert float(found.fresh.rad()) <= 1e-18


def test_a_jump_of_the_value() -> None:
    """Sign: `Kap(c) = (2/pi) arcsin c` and `mu_1^2 = 2/pi`."""
    for time in TIMES[1:]:
        with precision(70):
            a, h = at(time)
            found = kinked_moments(SIGN, a, h)
            kernel = 2 / arb.pi() * (a * a).asin()
            assert found.shared.overlaps(kernel - a * a * 2 / arb.pi())
            assert found.fresh.overlaps(1 - kernel - 2 * h / arb.pi())
            assert found.linear.overlaps(2 / arb.pi())
            assert float(found.fresh.rad()) <= 1e-18


def test_the_series_of_a_kinked_function_holds_the_plane() -> None:
    """Three pieces, one of them exponential, with jumps: two routes, the first one wide."""
    time = Fraction(1, 10)
    with precision(60):
        a, h = at(time)
        wide, narrow = hermite_series(SHIFTED, 60).moments(a, h), kinked_moments(SHIFTED, a, h)
        for field in FIELDS:
            assert getattr(wide, field).overlaps(getattr(narrow, field)), field
        assert 1e-10 < float(wide.fresh.rad()) < 1e-2
        assert float(narrow.fresh.rad()) < 1e-16


@pytest.mark.parametrize(
    ("function", "places", "time"),
    [
        (SILU, "-2 -21/11 3", "1/10"),
        (TANH, "0 7/3", "1/1000"),
        (TANH, "-3 -8/3 -14/11", "3"),
    ],
)
def test_kinks_where_there_are_none(function: PiecewiseAnalytic, places: str, time: str) -> None:
    """A smooth function, cut where it need not be: the series and the plane agree to 60 bits."""
    cuts = tuple(map(Fraction, places.split()))
    pieces = function.pieces * (len(cuts) + 1)
    cut = dataclasses.replace(function, pieces=pieces, kinks=cuts, odd=False)
    with precision(70):
        a, h = at(Fraction(time))
        series, plane = hermite_series(function, 64).moments(a, h), kinked_moments(cut, a, h)
        for field in FIELDS:
            assert getattr(series, field).overlaps(getattr(plane, field)), field
        for found in (series, plane):
            assert float(found.fresh.rad()) <= 1e-16 * float(found.fresh.mid())


def plane_sum(rho: Any, time: Fraction, step: Any, reach: int, arrays: Any) -> tuple[Any, Any]:
    """`E rho(U) rho(V)` and `E (rho(U) - rho(V))^2 / 2` by the trapezoidal rule in the plane."""
    t = mp.mpf(time.numerator) / time.denominator
    alpha = mp.sqrt((1 + mp.exp(-2 * t)) / 2)
    beta = mp.sqrt(-mp.expm1(-2 * t) / 2)
    count = int(reach / step)
    if arrays is np:
        p = np.arange(-count, count + 1)[:, None] * float(step)
        q = p.T
        weight = np.exp(-(p * p + q * q) / 2) / (2 * np.pi) * float(step) ** 2
        one = rho(float(alpha) * p + float(beta) * q)
        two = rho(float(alpha) * p - float(beta) * q)
        return (weight * one * two).sum(), (weight * (one - two) ** 2).sum() / 2
    kernel = half = mp.mpf(0)
    for j in range(-count, count + 1):
        for k in range(count + 1):
            p, q = j * step, k * step
            weight = mp.exp(-(p * p + q * q) / 2) * (1 if k == 0 else 2)
            one, two = rho(alpha * p + beta * q), rho(alpha * p - beta * q)
            kernel += weight * one * two
            half += weight * (one - two) ** 2 / 2
    return kernel * step**2 / (2 * mp.pi), half * step**2 / (2 * mp.pi)


def test_silu_against_mpmath_in_the_plane() -> None:
    """Step 1/5 leaves exp(-2 pi 5 pi) = 1e-43 for poles pi from the line, times the Gaussian's
    growth exp(pi^2/2) and a double pole's slope; 13 deviations leave 1e-37.
    """
    time = Fraction(1, 10)
    with precision(130):
        a, h = at(time)
        series = hermite_series(SILU, 120)
        kernel, found = series.kernel(a * a), series.moments(a, h)
        half = found.fresh + h * found.linear
    with mp.workdps(40):
        expected = plane_sum(lambda x: x / (1 + mp.exp(-x)), time, mp.mpf(1) / 5, 13, mp)
        for value, oracle in zip((kernel, half), expected, strict=True):
            assert abs(digits(value) - oracle) <= mp.mpf(10) ** -34
            assert float(value.rad()) <= 1e-34


@pytest.mark.parametrize("time", TIMES)
def test_tanh_against_sums_in_the_plane(time: Fraction) -> None:
    """Step 1/5 leaves exp(-2 pi 5 pi/2) = 4e-22 for poles pi/2 from the line."""
    with precision(80):
        a, h = at(time)
        series = hermite_series(TANH, 70)
        kernel, found = series.kernel(a * a), series.moments(a, h)
        half = found.fresh + h * found.linear
        expected = plane_sum(np.tanh, time, Fraction(1, 5), 9, np)
        # Sums of 10^4 terms in float64.
        assert float(kernel.mid()) == pytest.approx(expected[0], abs=1e-14)
        assert float(half.mid()) == pytest.approx(expected[1], rel=1e-10)
        assert float(found.fresh.rad()) <= 1e-12 * float(found.fresh.mid())


def test_an_even_degree_gives_the_bound_of_the_rule() -> None:
    """`1/(x - b)` on [-1, 1]: the true error of the rule lies below the bound, not far."""
    with precision(200):
        for pole, size in ((Fraction(5, 4), Fraction(19, 10)), (Fraction(2), Fraction(7, 2))):
            nearest = (size + 1 / size) / 2
            largest = 1 / ball(pole - nearest)
            for nodes in (2, 5, 10):
                pairs = zip(*legendre(nodes), strict=True)
                found = sum((w / (x - ball(pole)) for x, w in pairs), arb(0))
                exact = (ball(pole) - 1).log() - (ball(pole) + 1).log()
                bound = rule_constant(size) * largest / ball(size) ** (2 * nodes)
                assert abs(found - exact) < bound
                assert abs(found - exact) > bound / 10**6


def test_the_bound_of_the_rule_holds_for_chebyshev_polynomials_and_is_not_far() -> None:
    """`T_2n` is the first one that n nodes miss, and nearly all of what they can miss."""
    with precision(200):
        for nodes in (2, 4, 10):
            found = arb(0)
            for x, w in zip(*legendre(nodes), strict=True):
                found += w * (2 * nodes * x.acos()).cos()
            error = abs(found - arb(2) / (1 - 4 * nodes * nodes))
            for size in (Fraction(2), Fraction(8)):
                power = ball(size) ** (2 * nodes)
                bound = rule_constant(size) * (power + 1 / power) / 2 / power
                assert error < bound
                assert error > bound / 4


def test_tails_of_growing_functions_against_mpmath() -> None:
    for decay, rate, start in ((0.5, 0.0, 3), (0.25, 2.0, 5), (0.3, 1.0, 0)):
        wanted = 2 * mp.quad(
            lambda x, a=decay, b=rate: mp.exp(b * x - a * x * x), [start, 8, 20, 60]
        )
        with precision(80):
            found = gaussian_tail(arb(decay), arb(rate), start)
        assert float(found) == pytest.approx(float(wanted), rel=1e-12)


def test_mehler_bounds_hermite_functions() -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        x, y = rng.uniform(-12, 12), rng.uniform(-3, 3)
        count = int(rng.integers(2, 80))
        z = complex(x, y)
        before, value = 0j, np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        largest = abs(value)
        for k in range(1, count):
            before, value = value, (z * value - np.sqrt(k - 1) * before) / np.sqrt(k)
            largest = max(largest, abs(value))
        bound = hermite_bound(count, Fraction(abs(x)), Fraction(abs(y)))
        assert largest <= float(bound.upper()) * (1 + 1e-9)


def test_expectations_of_known_functions() -> None:
    with precision(140):
        mean, linear, square = expectations(RELU, 120)
        assert mean.overlaps(1 / (2 * arb.pi()).sqrt())
        assert linear.overlaps(arb(1) / 2)
        assert square.overlaps(arb(1) / 2)
        assert max(float(value.rad()) for value in (mean, linear, square)) < 1e-35


def test_a_function_without_symmetry() -> None:
    """`exp(2 x)`: `c_k = 2^k e^2/sqrt(k!)`, growing faster than its tails on one side."""
    function = PiecewiseAnalytic("exp", (lambda z: (2 * z).exp(),), (), Growth(1, 2))
    series = hermite_series(function, 80)
    with precision(120):
        factorial = arb(1)
        for k, coefficient in enumerate(series.coefficients[:30]):
            factorial *= max(k, 1)
            assert coefficient.overlaps(arb(2) ** k * arb(2).exp() / factorial.sqrt())
        assert series.square.overlaps(arb(8).exp())
        assert float(series.tail.upper()) < 1e-20


def test_a_function_that_is_said_to_be_odd() -> None:
    plain = dataclasses.replace(TANH, odd=False)
    with precision(80):
        both, one = hermite_series(plain, 50), hermite_series(TANH, 50)
        for k, (left, right) in enumerate(
            zip(both.coefficients[:40], one.coefficients[:40], strict=True)
        ):
            assert left.overlaps(right)
            assert k % 2 == 1 or right == 0
        assert both.square.overlaps(one.square)
        a, h = at(Fraction(1, 10))
        for field in FIELDS:
            assert getattr(both.moments(a, h), field).overlaps(getattr(one.moments(a, h), field))


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    hermite.hermite_series.cache_clear()
    yield monkeypatch
    hermite.hermite_series.cache_clear()


def test_a_bound_that_is_too_small_is_seen(planted: pytest.MonkeyPatch) -> None:
    """Without the rule's error the coefficients of erf contradict its second moment."""
    true_error = panels._panel_error

    def small(*arguments: Any) -> Any:
        bound = true_error(*arguments)
        return None if bound is None else bound * arb(2) ** -90

    planted.setattr(panels, "_panel_error", small)
    with pytest.raises(InputError, match="more than its second moment"):
        hermite_series(ERF, 100)


def test_every_panel_and_its_mirror_image_count_in_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true_panels, seen = panels._panels, []

    def watched(*arguments: Any) -> Iterator[Any]:
        for panel in true_panels(*arguments):
            seen.append(panel.error)
            yield panel

    monkeypatch.setattr(panels, "_panels", watched)
    with precision(100):
        rule = panels.gaussian_rule(SILU, 40, 8)
        both = 2 * sum(seen, arb(0))
        assert len(seen) > 2
        assert both > 0
        assert rule.error > both * (1 - arb(2) ** -50)
        assert rule.square.rad() > both * (1 - arb(2) ** -20)


def test_what_contradicts_itself_is_refused(planted: pytest.MonkeyPatch) -> None:
    """Coefficients with more than the second moment: a negative tail is no tail."""
    true_rule = panels.gaussian_rule

    def halved(*arguments: Any) -> Any:
        rule = true_rule(*arguments)
        return dataclasses.replace(rule, square=rule.square / 2)

    planted.setattr(hermite, "gaussian_rule", halved)
    with pytest.raises(InputError, match="more than its second moment"):
        hermite_series(ERF, 40)


def test_a_wrong_factor_in_the_plane_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    true_difference = kinks.half_square_difference

    def planted_difference(*arguments: Any) -> arb:
        return true_difference(*arguments) * (1 + arb(2) ** -60)

    monkeypatch.setattr(kinks, "half_square_difference", planted_difference)
    with precision(80):
        a, h = at(Fraction(1, 10))
        found, closed = kinked_moments(RELU, a, h), moments(load("arb"), "relu", a, h)
        assert not found.fresh.overlaps(closed.fresh)


def test_a_kink_that_is_not_given_is_refused() -> None:
    """`sqrt(z^2)` is |z| on the line; its branch points sit at the kink."""

    def branch(z: acb) -> acb:
        square = z * z
        return square.sqrt() if bool(square.real > 0) else acb("nan")

    function = PiecewiseAnalytic("hidden", (branch,), (), LINE)
    with pytest.raises(InputError, match=r"hidden.*analytic around"):
        hermite_series(function, 40)


def test_a_growth_bound_that_does_not_hold_is_refused() -> None:
    function = dataclasses.replace(SILU, growth=Growth(1))
    with pytest.raises(InputError, match=r"\|rho\| is larger at"):
        hermite_series(function, 40)


def test_growth_with_an_infinite_second_moment_is_refused() -> None:
    with pytest.raises(InputError, match=r"E rho.g.*2 is infinite"):
        Growth(1, 0, Fraction(1, 4))
    with pytest.raises(InputError, match="non-negative integers or fractions"):
        Growth(1, 0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="non-negative"):
        Growth(-1)


def test_a_square_of_growth() -> None:
    """`exp(x^2/8)`: its mean is sqrt(4/3), its second moment sqrt 2."""
    function = PiecewiseAnalytic(
        "bowl", (lambda z: (z * z / 8).exp(),), (), Growth(1, 0, Fraction(1, 8))
    )
    mean, linear, square = expectations(function, 60)
    with precision(100):
        assert mean.overlaps((arb(4) / 3).sqrt())
        assert linear.contains(0)
        assert square.overlaps(arb(2).sqrt())
        assert float(square.rad()) < 1e-15
