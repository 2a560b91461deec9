"""Hermite coefficients at many means and scales against mpmath's quadrature."""

from __future__ import annotations

from itertools import islice

import mpmath as mp
import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.features.arrays import NumpyArrays, arrays_named
from dsmverify.features.expansions import Expansion, Quadrature, expansion
from tests.features.plain import PLAIN, gaussian_mean, hermite

SHIFTS = np.array([-2.3, 0.0, 0.7])
SCALES = np.array([0.2, 0.9, 1.4])
TERMS = 4


def of(name: str, backend: str = "numpy", kinks: tuple[float, ...] = ()) -> Expansion:
    return expansion(name, PLAIN[name], kinks, 1.5, 8, arrays_named(backend))


@pytest.mark.parametrize("name", PLAIN)
def test_terms_and_square_are_the_integrals(name: str) -> None:
    plain, found = PLAIN[name], of(name)
    # A few roundings of values of order 5; quadrature promises 13 digits.
    allowed = 1e-13 if name == "tanh" else 5e-15
    square, coefficients = found.expand(SHIFTS, SCALES)
    terms = list(islice(coefficients, TERMS))
    with mp.workdps(20):
        for i, (y, s) in enumerate(zip(SHIFTS, SCALES, strict=True)):
            breaks = tuple((kink - y) / s for kink in plain.kinks)
            exact = gaussian_mean(lambda g: plain.mpmath(y + s * g) ** 2, breaks)  # noqa: B023
            # A few roundings of values of order 5.
            assert abs(square[i] - float(exact)) < allowed
            for j in range(TERMS):
                wanted = gaussian_mean(
                    lambda g: plain.mpmath(y + s * g) * hermite(j, g),  # noqa: B023
                    breaks,
                )
                made = terms[j][i] if j < len(terms) else 0.0
                assert abs(made - float(wanted)) < allowed, (name, j, y, s)


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "linear"])
def test_squares_of_terms_add_up(name: str) -> None:
    # Coefficients of kinks fall as j^(-5/4), so 400 of them leave about 0.1 * 400^(-3/2) = 1e-5;
    # quadrature ends at half its nodes, and tanh at s = 1.4 has a pole at a distance of 1.1.
    found = of(name)
    square, terms = found.expand(SHIFTS, SCALES)
    left = square - sum(term**2 for term in islice(terms, 400))
    assert (left > -1e-14).all()
    assert (left < (1e-4 if PLAIN[name].kinks else 1e-6)).all()


@pytest.mark.parametrize("name", PLAIN)
def test_torch_and_numpy_agree(name: str) -> None:
    arrays = arrays_named("torch")
    shift, scale = arrays.array(SHIFTS), arrays.array(SCALES)
    square, mine = of(name, "torch").expand(shift, scale)
    wanted, theirs = of(name).expand(SHIFTS, SCALES)
    assert np.allclose(arrays.numpy(square), wanted, rtol=2e-15, atol=2e-15)
    for ours, term in islice(zip(mine, theirs, strict=True), 20):
        assert np.allclose(arrays.numpy(ours), term, rtol=0, atol=2e-15)


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_quadrature_equals_the_closed_form(name: str) -> None:
    # Under a name that has no closed form.
    plain = PLAIN[name]
    rule = expansion("theirs", plain, plain.kinks, 1.5, 8, NumpyArrays())
    assert isinstance(rule, Quadrature)
    assert rule.error < 1e-13
    square, terms = rule.expand(SHIFTS, SCALES)
    wanted, closed = of(name).expand(SHIFTS, SCALES)
    assert np.allclose(square, wanted, rtol=1e-13)
    for mine, theirs in islice(zip(terms, closed, strict=False), 12):
        assert np.allclose(mine, theirs, rtol=0, atol=1e-13)


def test_a_kink_that_is_not_named_is_refused() -> None:
    with pytest.raises(InputError, match="kinks"):
        expansion("theirs", PLAIN["abs"], (), 1.0, 8, NumpyArrays())


def test_far_from_the_kink_nothing_overflows() -> None:
    shift, scale = np.array([-50.0, 50.0]), np.array([1e-3, 1e-3])
    terms = list(islice(of("relu").expand(shift, scale)[1], 300))
    assert all(np.isfinite(term).all() for term in terms)
    assert terms[0].tolist() == [0.0, 50.0]
