"""Certified eigenvalue bounds against NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from flint import arb

from dsmverify.certify import precision
from dsmverify.spectra import (
    collatz_wielandt,
    is_positive_definite,
    largest_eigenvalue,
    spectral_floor,
)
from dsmverify.truth import Truth


@pytest.fixture(autouse=True)
def bits() -> Iterator[None]:
    with precision(128):
        yield


def exactly(matrix: Any) -> Any:
    return np.array([[arb(float(x)) for x in row] for row in np.asarray(matrix)], dtype=object)


def with_eigenvalues(values: list[float], seed: int) -> Any:
    """A float matrix with about these eigenvalues (the matrix is exact, the values are not)."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
    matrix = basis @ np.diag(values) @ basis.T
    return (matrix + matrix.T) / 2


SPECTRA = {
    "separated": [5.0, 2.0, 1.0, -3.0],
    "double top": [4.0, 4.0, 1.0, 0.5],
    "all equal": [2.0, 2.0, 2.0],
    "zeros": [3.0, 0.0, 0.0, 0.0, 0.0],
    "top is 0": [0.0, -1.0, -2.0],
    "negative": [-1.0, -1.0, -7.0],
    "nearly double": [1.0, 1.0 - 1e-12, 0.1],
    "one": [3.0],
    "wide range": [1e12, 1.0, 1e-12],
    "random": list(np.random.default_rng(5).standard_normal(9)),
}


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA.keys())
@pytest.mark.parametrize("seed", [1, 2])
def test_largest_eigenvalue(values: list[float], seed: int) -> None:
    matrix = with_eigenvalues(values, seed)
    expected = float(np.linalg.eigvalsh(matrix)[-1])
    # LAPACK is right to a small multiple of 2^-53 |M|; 1e-14 |M| allows 90 of them.
    error = 1e-14 * np.abs(values).max()
    found = largest_eigenvalue(exactly(matrix))
    assert found.is_finite()
    assert abs(found - expected).abs_lower() <= error
    assert float(found.rad()) <= 1e-12 * np.abs(values).max()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_largest_eigenvalue_known_exactly(size: int) -> None:
    """The matrix of ones has size and 0s; the 0 matrix has 0."""
    ones = np.array([[arb(1)] * size for _ in range(size)], dtype=object)
    assert largest_eigenvalue(ones).contains(size)
    assert largest_eigenvalue(0 * ones).contains(0)
    assert largest_eigenvalue(-ones).contains(0 if size > 1 else -1)


def test_largest_eigenvalue_of_wide_entries_encloses_all() -> None:
    matrix = np.array([[arb(2, "0.1"), arb(1)], [arb(1), arb(2, "0.1")]], dtype=object)
    found = largest_eigenvalue(matrix)
    assert found.contains(arb("2.9").union(arb("3.1")))


def test_positive_definite() -> None:
    assert is_positive_definite(exactly([[2, 1], [1, 2]])) is Truth.TRUE
    assert is_positive_definite(exactly([[1, 2], [2, 1]])) is Truth.FALSE
    assert is_positive_definite(exactly([[1, 1], [1, 1]])) is Truth.FALSE  # exactly singular
    assert is_positive_definite(exactly([[-1]])) is Truth.FALSE
    assert is_positive_definite(exactly([[0, 1], [1, 0]])) is Truth.FALSE


def test_positive_definite_undecided() -> None:
    for pivot in (arb(0, 1), arb("nan"), arb(1, 2), arb(0, "inf")):
        matrix = np.array([[pivot, arb(0)], [arb(0), arb(1)]], dtype=object)
        assert is_positive_definite(matrix) is Truth.UNKNOWN
    third = arb(1) / 3
    singular = np.array([[third, third], [third, third]], dtype=object)
    assert is_positive_definite(singular) is Truth.UNKNOWN


@pytest.mark.parametrize("seed", range(4))
def test_collatz_wielandt_bounds_the_spectral_radius(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.random((6, 6))
    matrix = matrix + matrix.T
    values, vectors = np.linalg.eigh(matrix)
    balls = exactly(matrix)

    def product(v: Any) -> Any:
        return balls @ v

    start = np.array([arb(abs(float(x))) for x in vectors[:, -1]], dtype=object)
    above = float(collatz_wielandt(product, start).upper())
    below = float(spectral_floor(product, start).lower())
    # The vector is right to about 1e-15; the largest quotient of entries loses some digits.
    assert below <= values[-1] * (1 + 1e-14)
    assert values[-1] * (1 - 1e-14) <= above <= values[-1] * (1 + 1e-12)
    flat = np.array([arb(1)] * 6, dtype=object)
    assert float(collatz_wielandt(product, flat).upper()) >= values[-1] * (1 - 1e-14)


def test_collatz_wielandt_with_a_zero_row() -> None:
    balls = exactly([[2, 0], [0, 0]])
    assert collatz_wielandt(lambda v: balls @ v, np.array([arb(1), arb(1)])).contains(2)
