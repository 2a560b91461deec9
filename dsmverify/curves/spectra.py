"""Named spectra of the data's covariance, for `learning_curve(spectrum=...)` and `simulate`.

A spectrum is a pair (atoms, weights), exact: its mean is 1 as a rational number, not to rounding.

    >>> from dsmverify.curves.spectra import power_law, two_atoms
    >>> two_atoms(1, 3, "1/4")
    ((Fraction(2, 3), Fraction(2, 1)), (Fraction(3, 4), Fraction(1, 4)))
    >>> [round(float(atom), 3) for atom in power_law("1/2", 4)[0]]
    [2.0, 0.828, 0.636, 0.536]
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

from dsmverify.errors import InputError, show
from dsmverify.exact import parse_exact

Spectrum: TypeAlias = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
"""Eigenvalues, and their weights."""

MOST_ATOMS = 1024


def two_atoms(small: Any, large: Any, share: Any) -> Spectrum:
    """Two eigenvalues, scaled to mean 1: only their ratio matters.

    Result: exact.

    Args:
        small: one eigenvalue, positive.
        large: the other, larger.
        share: fraction of the dimensions that has the larger one, in (0, 1).

    Raises:
        InputError: a number out of range.
    """
    low, high, part = (
        parse_exact(value, field=name)
        for name, value in (("small", small), ("large", large), ("share", share))
    )
    if low <= 0:
        raise InputError("small", show(small), "it must be positive", "give small > 0")
    if high <= low:
        raise InputError(
            "large", show(large), f"it must exceed small={show(small)}", "leave spectrum out if not"
        )
    if not 0 < part < 1:
        raise InputError("share", show(share), "it must lie between 0 and 1", "give 0 < share < 1")
    mean = (1 - part) * low + part * high
    return (low / mean, high / mean), (1 - part, part)


def power_law(exponent: Any, atoms: Any) -> Spectrum:
    """The law `xi(u) = (1 - alpha) u^-alpha` on (0, 1), in cells of equal mass.

    Like eigenvalues `(i/d)^-alpha` scaled to mean 1. Cell j of J, `u` from (j - 1)/J to j/J, is
    replaced by its mean `J^alpha (j^(1 - alpha) - (j - 1)^(1 - alpha))`. The means add up to 1
    exactly. This is a law of its own, with its own curve: how far that is from the curve of the
    continuous law is not bounded here; compare two numbers of atoms.

    Result: each atom but the first is the mean in float64, relative error about 1e-15 J; the first
    is what makes the mean of all exactly 1.

    Args:
        exponent: alpha, in (0, 1), so that the law has a mean.
        atoms: J, from 2 to 1024.

    Raises:
        InputError: a number out of range.
    """
    alpha = parse_exact(exponent, field="exponent")
    if not 0 < alpha < 1:
        raise InputError(
            "exponent",
            show(exponent),
            "it must lie between 0 and 1, for the law has no mean from 1 on",
            "give 0 < exponent < 1; at 0 data are isotropic: spectrum=None",
        )
    if isinstance(atoms, bool) or not isinstance(atoms, int) or not 2 <= atoms <= MOST_ATOMS:
        raise InputError(
            "atoms", show(atoms), f"it must be an integer from 2 to {MOST_ATOMS}", "give 8, say"
        )
    power = 1 - float(alpha)
    tail = [
        Fraction(float(atoms) ** float(alpha) * (float(j) ** power - float(j - 1) ** power))
        for j in range(2, atoms + 1)
    ]
    values = (atoms - sum(tail, Fraction(0)), *tail)
    if min(values) <= 0:
        raise InputError(
            "exponent", show(exponent), "an atom vanishes in float64", "take it further from 1"
        )
    return values, (Fraction(1, atoms),) * atoms
