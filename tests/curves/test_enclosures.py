"""Certified points: Krawczyk's test, reference values, and float64 within its condition of them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from benchmarks.curves import families, random_points, worst_ratio
from dsmverify.certify import precision
from dsmverify.curves import CertifiedCurve, CurveWarning, enclosures, learning_curve
from dsmverify.curves.activations import activation_named
from dsmverify.curves.certified import OBSERVABLES, certify, point_in_balls
from dsmverify.curves.settings import read_setting
from dsmverify.errors import InputError, PrecisionError
from dsmverify.formulas.random_features import (
    Linearised,
    Parameters,
    damping,
    linearise,
    residuals,
    state,
)

REFERENCE = [
    (("relu", 4, 2, "0.1", "0.01", 1), "3.4345255386867304", "0.439560183244971629"),
    (("relu", 4, 2, "0.1", "0.01", math.inf), "0.567760536641530235", "0.815954500852997322"),
    (("tanh", 3, 3, "0.1", "0.001", 2), "5.01659504493428366", "0.38157476213143768"),
]
"""The lines of random-features.md."""


def parameters(
    psi_n: Any, psi_p: Any, ridge: Any, copies: Any, activation: str = "relu"
) -> Parameters[Any]:
    rho = activation_named(activation)
    setting = read_setting(
        psi_n, psi_p, "0.1", ridge, copies, None, is_linear=activation == "linear"
    )
    return point_in_balls(rho, setting, setting.exact_at(()), bool(setting.interpolates))


@pytest.mark.parametrize(("arguments", "test", "train"), REFERENCE)
def test_reference_values_by_two_routes(arguments: tuple[Any, ...], test: str, train: str) -> None:
    rho, n, p, t, lam, m = arguments
    curve = learning_curve(rho, n, p, t, lam, m)
    balls = curve.enclose(15)
    with precision(128):
        for ball, text in (
            (balls.test_error, test),
            (balls.train_error, train),
            (balls.train_error_from_minimum, train),
        ):
            # The last digit given is rounded.
            unit = arb(10) ** -(len(text) - 2)
            assert bool(abs(ball - arb(text)) <= unit)
            assert ball.rel_accuracy_bits() >= 49
    assert abs(curve.test_error - float(test)) <= 1e-14 * curve.condition["test_error"]
    assert abs(curve.train_error - float(train)) <= 1e-14 * curve.condition["train_error"]
    assert abs(curve.test_error / float(test) - 1) < 3e-15
    assert abs(curve.train_error / float(train) - 1) < 1e-15


def test_the_two_sides_of_a_box_vary_on_their_own() -> None:
    # G(x) = M (x - (1, -1)), whose root lies outside |x_k| <= 0.6. With Y = I the rows of I - Y M
    # are (3/4, -3/4) and (-3/4, 3/4): taken as one factor of X they would cancel, and Newton's
    # step (-1/2, 1/2) alone would seem to show a root inside.
    one, none = arb(1), arb(0)
    slope = ((one / 4, 3 * one / 4), (3 * one / 4, one / 4))
    spread = arb(0, "0.6")
    image = enclosures.krawczyk_image(
        ((one, none), (none, one)), (-one / 2, one / 2), slope, spread
    )
    for value in image:
        assert not spread.contains(value)
        assert bool(abs(abs(value).upper() - arb("1.4")) < arb("1e-6"))


@pytest.mark.parametrize("outside", [0, 1])
def test_an_image_that_leaves_the_box_on_one_side_shows_nothing(
    outside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = [arb(0), arb(0)]
    image[outside] = arb(1)
    with precision(128):
        given = parameters(4, 2, "0.01", 3)
        assert enclosures.enclosed_state(given) is not None
        monkeypatch.setattr(enclosures, "krawczyk_image", lambda *_: tuple(image))
        assert enclosures.enclosed_state(given) is None


@pytest.mark.parametrize("copies", [1, 3, math.inf])
@pytest.mark.parametrize(("psi_p", "ridge"), [(2, "0.01"), (4, "1e-10"), (30, "0+"), (2, "0+")])
def test_the_box_holds_the_fixed_point(copies: Any, psi_p: int, ridge: str) -> None:
    if (psi_p, ridge) == (4, "0+") and copies == 1:
        return
    with precision(160):
        given = parameters(4, psi_p, ridge, copies)
        at = enclosures.enclosed_state(given)
        assert at is not None
        assert all(residual.contains(0) for residual in residuals(at))
        widths = [float(value.rad() / value.mid()) for value in at.delta]
        assert max(widths) < 2.0**-100
        # An independent proof that a fixed point is there: T maps the ends of a box inwards.
        for factor, sign in ((1 - arb(2) ** -60, 1), (1 + arb(2) ** -60, -1)):
            ends = (at.delta[0].mid() * factor, at.delta[1].mid() * factor)
            over = state(given, ends)
            for k in range(2 if copies == 3 else 1):
                assert (1 / damping(over, k) - ends[k]) * sign > 0


def test_no_box_is_accepted_around_a_wrong_centre() -> None:
    with precision(128):
        given = parameters(4, 2, "0.01", 3)
        at = enclosures.enclosed_state(given)
        assert at is not None
        for factor in (Fraction(3, 2), Fraction(1, 2)):
            wrong = (at.delta[0].mid() * factor.numerator / factor.denominator, at.delta[1].mid())
            found = enclosures._krawczyk(given, wrong, saturated=False)
            # A wide box may still hold the fixed point; one that does not is never returned.
            assert found is None or (found[0].overlaps(at.delta[0]))
        # Parameters as wide as this have no proof, and no enclosure.
        wide = replace(given, linear=given.linear + arb(0, 1))
        assert enclosures.enclosed_state(wide) is None


def test_a_box_for_a_map_that_is_mutated_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong Jacobian does not contract; a wrong T moves the fixed point out of the old box."""
    with precision(128):
        given = parameters(4, 2, "0.01", 3)
        at = enclosures.enclosed_state(given)
        assert at is not None
        moved = replace(given, fresh=given.fresh * (1 + arb(2) ** -40))
        there = enclosures.enclosed_state(moved)
        assert there is not None and not there.delta[0].overlaps(at.delta[0])

        def steeper(*args: Any) -> Linearised[Any]:
            found = linearise(*args)
            (a, b), (c, d) = found.jacobian
            return replace(found, jacobian=((30 * a, 30 * b), (30 * c, 30 * d)))

        monkeypatch.setattr(enclosures, "linearise", steeper)
        assert enclosures.enclosed_state(given) is None


def test_float64_lies_within_its_condition_of_the_enclosure() -> None:
    """200 points of five activations, both limits, ridge 1e-10 and 1e-14, also near p = n m."""
    parts = families(200)
    assert sum(part.psi_n.size for part in parts) == 200
    worst = max(worst_ratio(part) for part in parts)
    assert worst <= 1
    # The condition number is of use: rounding alone makes up some hundredth of what it allows.
    assert worst > 1e-3


@pytest.mark.slow
def test_float64_lies_within_its_condition_of_the_enclosure_at_many_points() -> None:
    assert max(worst_ratio(part) for part in families(5000)) <= 1


def test_a_condition_number_that_forgets_something_is_found_out() -> None:
    """Near the threshold the sensitivity to psi_p is all there is: without it the test fails."""
    points = random_points(40, 5, ridge="0+", near=True)
    curve = points.curve()
    bare = np.abs(curve.test_error)
    gaps = [
        float(abs(curve.enclose(18, index=k).test_error - arb(float(curve.test_error[k]))).upper())
        for k in range(40)
    ]
    assert (np.array(gaps) > 1e-14 * bare).sum() > 10
    assert (np.array(gaps) <= 1e-14 * curve.condition["test_error"]).all()


@pytest.mark.parametrize(
    "arguments",
    [
        ("relu", "1e-3", "1e4", "1e-3", "1e-14", 1000),
        ("relu", "1e4", "1e-3", 5, "1e6", 1),
        ("erf", 2, 4, "0.1", "1e-14", 2),
        ("abs", 2, "4.0000000000001", "0.1", "0+", 2),
        ("linear", 2, 1, "0.1", "0+", math.inf),
        ("linear", 2, "1/2", "0.1", "0+", 2),
        ("linear", "1/4", 3, "0.1", "0+", 2),
    ],
)
def test_corners_of_the_range(arguments: tuple[Any, ...]) -> None:
    rho, n, p, t, lam, m = arguments
    curve = learning_curve(rho, n, p, t, lam, m)
    balls = curve.enclose(20)
    for name in OBSERVABLES:
        gap = float(abs(getattr(balls, name) - arb(float(getattr(curve, name)))).upper())
        assert gap <= 1e-14 * curve.condition[name], name
        assert getattr(balls, name).rel_accuracy_bits() >= 66
    both = balls.train_error_from_minimum, balls.train_error
    assert both[0].overlaps(both[1])


def test_precision_rises_as_far_as_it_takes() -> None:
    psi_p = Fraction(4) + Fraction(1, 10**30)
    with pytest.warns(CurveWarning, match="1 of 1 points"):
        near = learning_curve("relu", 4, psi_p, "0.1", "1e-60", 1)
    assert math.isnan(near.test_error)
    few = learning_curve().enclose(15)
    many = near.enclose(15)
    assert many.bits > few.bits
    assert many.test_error.rel_accuracy_bits() >= 49
    # Above the threshold by 1e-30 the error is about as large as its inverse.
    assert many.test_error > 10**25


def test_derivatives_are_enclosed() -> None:
    """Against difference quotients of enclosures, whose error is the step squared."""
    step = Fraction(1, 10**12)
    base: dict[str, Any] = {
        "psi_n": Fraction(4),
        "psi_p": Fraction(2),
        "time": Fraction(1, 10),
        "ridge": Fraction(1, 100),
    }
    for rho, copies in (("relu", 3), ("relu", math.inf), ("sin", 1)):
        curve = learning_curve(rho, noise_samples=copies, **base)
        balls = curve.enclose(30, derivatives=True)
        for by, value in base.items():
            ends = [
                learning_curve(
                    rho, noise_samples=copies, **(base | {by: value + side * step})
                ).enclose(40)
                for side in (-1, 1)
            ]
            with precision(200):
                for name in OBSERVABLES:
                    rise = getattr(ends[1], name) - getattr(ends[0], name)
                    quotient = rise / (2 * arb(step.numerator) / step.denominator)
                    slope = balls.derivatives[name][by]
                    # Third derivatives are below 1e8 here.
                    assert float(abs(quotient - slope).upper()) < 1e-15, (name, by)
                    own = float(curve.derivatives[name][by])
                    assert own == pytest.approx(float(slope.mid()), rel=1e-11, abs=1e-13)


def test_an_exact_zero_is_zero_to_all_digits() -> None:
    curve = learning_curve("relu", 2, 9, "0.1", "0+", 2)
    balls = curve.enclose(30, derivatives=True)
    for name in ("test_error", "memorisation_error", "new_data_loss"):
        for by, slope in balls.derivatives[name].items():
            assert curve.derivatives[name][by] == pytest.approx(float(slope.mid()), rel=1e-11)
    assert balls.train_error == 0
    assert set(balls.derivatives["train_error"].values()) == {arb(0)}
    assert bool(balls.degrees_of_freedom.overlaps(arb(4)))


def test_the_spectrum_of_one_atom_is_isotropic() -> None:
    plain = learning_curve("erf", 2, 3, "0.5", "1e-3", 2).enclose(25)
    atom = learning_curve("erf", 2, 3, "0.5", "1e-3", 2, ([1], [1])).enclose(25)
    split = learning_curve(
        "erf", 2, 3, "0.5", "1e-3", 2, ([1, 1], [Fraction(1, 3), Fraction(2, 3)])
    ).enclose(25)
    with precision(128):
        for name in OBSERVABLES:
            for other in (atom, split):
                assert getattr(plain, name).overlaps(getattr(other, name))


@pytest.mark.parametrize("ridge", ["1e-8", "0+"])
def test_several_atoms_in_balls_and_floats(ridge: str) -> None:
    law = (["1/10", "1/2", "5/2"], ["2/5", "3/10", "3/10"])
    exact = ([Fraction(x) for x in law[0]], [Fraction(w) for w in law[1]])
    mean = sum((x * w for x, w in zip(*exact, strict=True)), Fraction(0))
    atoms = [x / mean for x in exact[0]]
    for n, p, m in ((2, 1, 1), (1, 7, 3), (2, 5, math.inf)):
        curve = learning_curve("relu", n, p, "0.3", ridge, m, (atoms, exact[1]))
        balls = curve.enclose(20)
        for name in OBSERVABLES:
            gap = float(abs(getattr(balls, name) - arb(float(getattr(curve, name)))).upper())
            assert gap <= 1e-14 * curve.condition[name] + 1e-15 * abs(getattr(curve, name)), name


def test_the_resolvent_of_wide_balls_holds_the_roots_of_all_numbers_in_them() -> None:
    with precision(128):
        rho = activation_named("relu")
        law = (["1/2", "3/2"], ["1/2", "1/2"])
        for ridge, psi_p in (("1e-8", 3), ("0.1", "1/3")):
            setting = read_setting(2, psi_p, "0.3", ridge, 2, law, is_linear=False)
            given = point_in_balls(rho, setting, setting.exact_at(()), False)
            for width in (Fraction(1, 10**6), Fraction(3, 10)):
                half = arb(width.numerator) / width.denominator
                wide = (arb("0.2") * arb(1, half), arb("0.5") * arb(1, half))
                found = enclosures.enclosed_resolvent(given, wide)
                assert found is not None
                for ends in ((d.lower() for d in wide), (d.upper() for d in wide)):
                    low, high = (end.mid() for end in ends)
                    root = enclosures.enclosed_resolvent(given, (low, high))
                    assert root is not None
                    assert root.rel_accuracy_bits() > 100
                    assert found.contains(root)


def test_working_precision_is_put_back() -> None:
    before = int(ctx.prec)
    learning_curve().enclose(40)
    assert int(ctx.prec) == before


@pytest.mark.parametrize("digits", [0, 1001, 1.5, "15", None, True, math.nan])
def test_digits_out_of_range(digits: Any) -> None:
    with pytest.raises(InputError, match="digits"):
        learning_curve().enclose(digits)


def test_an_index_must_name_one_point() -> None:
    curve = learning_curve(psi_p=[1.0, 2.0])
    for index in ((), 2, (0, 0)):
        with pytest.raises(InputError, match="index"):
            curve.enclose(index=index)
    assert isinstance(curve.enclose(index=1), CertifiedCurve)


def test_digits_that_are_out_of_reach_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsmverify.curves.certified.MOST_BITS", 120)
    curve = learning_curve()
    with pytest.raises(PrecisionError, match="40 digits"):
        certify(curve.activation, curve.setting, 40)
