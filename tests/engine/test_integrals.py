"""Rigorous integrals with known values, and what exhausted budgets leave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flint import acb, arb

from dsmverify.certify import precision
from dsmverify.integrals import Accuracy, absolute_integral, integral


@pytest.fixture(autouse=True)
def bits() -> Iterator[None]:
    with precision(128):
        yield


def edges(*values: str | int) -> list[arb]:
    return [arb(value) for value in values]


def test_integral_of_exp() -> None:
    found = integral(lambda z: z.exp(), edges(0, 1, 2), arb(6), Accuracy(bits=60))
    assert found.contains(arb(2).exp() - 1)
    assert found.rad() < 6 * arb(2) ** -60


def test_integral_of_abs_sin() -> None:
    """`int_0^10 |sin| = 3 * 2 + 1 + cos(10) cos-wise`: 3 full arches and the part up to 10."""
    found = absolute_integral(lambda y: y.sin(), lambda z: z.sin(), edges(0, 10), Accuracy(bits=24))
    exact = 6 + (arb(3) * arb.pi()).cos() * -1 * (1 - (arb(10) - 3 * arb.pi()).cos())
    assert found.overlaps(exact)
    assert found.contains(exact)
    assert found.rad() < exact * arb(2) ** -22


def test_integral_of_abs_cubic() -> None:
    """`int_{-1}^{2} |x^3 - x| = 1/4 + 1/4 + 9/4`."""
    found = absolute_integral(
        lambda y: y * (y * y - 1), lambda z: z * (z * z - 1), edges(-1, 2), Accuracy(bits=30)
    )
    assert found.contains(arb(11) / 4)
    assert found.rad() < arb(2) ** -27


def test_a_factor_replaced_by_its_supremum() -> None:
    """`int_{-1}^{1} |x| exp(-x^2)`, with `|x|` as the real bound on the integrand."""
    found = absolute_integral(
        lambda y: y, lambda z: z * (-z * z).exp(), edges(-1, 1), Accuracy(bits=20)
    )
    assert found.contains(1 - arb(-1).exp())
    assert found.rad() < arb(2) ** -17


@pytest.mark.parametrize("cells", [1, 3, 10, 100])
@pytest.mark.parametrize("evaluations", [1, 30])
def test_exhausted_budgets_still_enclose(cells: int, evaluations: int) -> None:
    accuracy = Accuracy(bits=50, cells=cells, evaluations=evaluations)
    exact = 6 + (arb(3) * arb.pi()).cos() * -1 * (1 - (arb(10) - 3 * arb.pi()).cos())
    found = absolute_integral(lambda y: y.sin(), lambda z: z.sin(), edges(0, 10), accuracy)
    assert found.contains(exact) or not found.is_finite()
    smooth = integral(lambda z: z.sin(), edges(0, 10), arb(1), accuracy)
    assert smooth.contains(1 - arb(10).cos()) or not smooth.is_finite()


def test_a_function_that_vanishes() -> None:
    found = absolute_integral(lambda y: 0 * y, lambda z: acb(0), edges(0, 1), Accuracy(cells=50))
    assert found.contains(0)
    assert found.rad() < arb(2) ** -40


def test_an_integrand_without_a_number_is_no_number() -> None:
    """NaN in a cell stays visible: nothing finite comes out."""
    found = absolute_integral(
        lambda y: y.log(),
        lambda z: z.log(),
        edges(-1, 1),
        Accuracy(bits=10, cells=50, evaluations=50),
    )
    assert not found.is_finite()
