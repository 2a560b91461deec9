"""Named spectra, and the system with several atoms against finite models of the same spectrum."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from dsmverify.curves import learning_curve, power_law, two_atoms
from dsmverify.errors import InputError
from dsmverify.features.extrapolate import extrapolate
from dsmverify.features.simulate import QUANTITIES, simulate

POINT: dict[str, Any] = {
    "activation": "relu",
    "psi_n": 2,
    "psi_p": "3/2",
    "time": "0.5",
    "ridge": "0.05",
}
SPECTRA = {"two": two_atoms(1, 7, "1/4"), "power": power_law("1/2", 8)}
SIZES = (24, 32, 48, 64)
"""Multiples of 8, so that every atom has its exact share of the dimensions."""

SEED = 9


def test_two_atoms_have_their_ratio_and_share() -> None:
    (low, high), weights = two_atoms("0.5", 2, "1/3")
    assert high / low == 4
    assert weights == (Fraction(2, 3), Fraction(1, 3))
    assert low * weights[0] + high * weights[1] == 1


@pytest.mark.parametrize(("exponent", "atoms"), [("1/2", 2), (0.9, 64), ("0.01", 5)])
def test_cells_of_a_power_law_are_its_means(exponent: Any, atoms: int) -> None:
    values, weights = power_law(exponent, atoms)
    assert sum(x * w for x, w in zip(values, weights, strict=True)) == 1
    assert weights == (Fraction(1, atoms),) * atoms
    assert sorted(values, reverse=True) == list(values)
    alpha = float(Fraction(exponent))
    # The integral of (1 - alpha) u^-alpha up to u is u^(1 - alpha).
    reached = 0.0
    for j, value in enumerate(values, 1):
        reached += float(value) / atoms
        assert reached == pytest.approx((j / atoms) ** (1 - alpha), rel=1e-13)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: two_atoms(0, 1, "1/2"), "small"),
        (lambda: two_atoms(2, 2, "1/2"), "large"),
        (lambda: two_atoms(1, 2, 1), "share"),
        (lambda: two_atoms(1, 2, 0), "share"),
        (lambda: power_law(1, 8), "exponent"),
        (lambda: power_law(0, 8), "exponent"),
        (lambda: power_law("1/2", 1), "atoms"),
        (lambda: power_law("1/2", 4.0), "atoms"),
        (lambda: power_law("1/2", True), "atoms"),
    ],
)
def test_bad_spectra_are_refused(make: Any, argument: str) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert refused.value.argument == argument


def test_a_spectrum_can_be_certified() -> None:
    curve = learning_curve(**POINT, noise_samples=2, spectrum=SPECTRA["two"])
    error = abs(float(curve.enclose(15).test_error.mid()) - curve.test_error)
    assert error <= 1e-14 * curve.condition["test_error"]


def _deviations(name: str, m: float, effort: int) -> dict[str, float]:
    """Intercepts less curve in standard errors; and how far the isotropic curve would be."""
    spectrum = SPECTRA[name]
    models = [
        simulate(
            **POINT,
            noise_samples=m,
            dimension=d,
            repeats=max(4, effort // d),
            seed=SEED,
            spectrum=spectrum,
        )
        for d in SIZES
    ]
    fits = extrapolate(models)
    assert set(fits) == set(QUANTITIES)
    curve = learning_curve(**POINT, noise_samples=m, spectrum=spectrum)
    isotropic = learning_curve(**POINT, noise_samples=m)
    found = {q: fit.deviation(getattr(curve, q)) for q, fit in fits.items()}
    found["isotropic"] = max(abs(fit.deviation(getattr(isotropic, q))) for q, fit in fits.items())
    return found


@pytest.mark.parametrize("name", SPECTRA)
def test_intercepts_of_finite_models_agree(name: str) -> None:
    found = _deviations(name, 2, 600)
    isotropic = found.pop("isotropic")
    assert max(map(abs, found.values())) <= 4, found
    # The test could have failed: data of the other covariance would not have passed.
    assert name == "power" or isotropic > 4


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("m", [2, math.inf])
def test_intercepts_of_many_finite_models_agree(name: str, m: float) -> None:
    found = _deviations(name, m, 6400)
    assert found.pop("isotropic") > 4
    assert max(map(abs, found.values())) <= 4, found
