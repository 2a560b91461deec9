"""Rigorous integrals over the real line: Arb's integration on panels, signs decided by bisection.

Integrands are the package's own formulas on complex balls. `|f|` is not analytic, so its integral
is split into cells on which the sign of f is certain; what stays undecided after the budget is
enclosed by width times supremum, and cells are refined where that costs most. No roots are
isolated.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import acb, arb

from dsmverify.truth import is_number, sign

ComplexFunction = Callable[[acb], acb]
RealFunction = Callable[[arb], arb]

_LN2 = 0.69


@dataclass(frozen=True)
class Accuracy:
    """What an integral is asked for, in counts, never in seconds.

    Attributes:
        bits: relative accuracy aimed at.
        cells: bisections that signs may cost.
        evaluations: evaluations that one panel may cost.
    """

    bits: int = 20
    cells: int = 4000
    evaluations: int = 20000


def integral(
    function: ComplexFunction, panels: Sequence[arb], scale: arb, accuracy: Accuracy
) -> arb:
    """`int f` over consecutive panels, f analytic near each.

    Args:
        function: the integrand on complex balls; it may return NaN where it is not analytic.
        panels: cuts, ascending.
        scale: rough size of the integral, in which the accuracy is absolute.
        accuracy: bits relative to `scale`.
    """
    total = arb(0)
    tolerance = arb(scale.upper()) * arb(2) ** (-accuracy.bits - len(panels).bit_length())
    for low, high in pairwise(panels):
        total += _panel(function, low, high, tolerance, accuracy)
    return total


@dataclass(frozen=True)
class _Cell:
    """A cell of the line: its ends, the certain sign of f (or 0), and a bound on `int |f|`."""

    low: arb
    high: arb
    sign: int
    worst: arb


def absolute_integral(
    real: RealFunction,
    function: ComplexFunction,
    panels: Sequence[arb],
    accuracy: Accuracy,
) -> arb:
    """`int |f|` over consecutive panels.

    Args:
        real: on real balls, a function with f's sign and at least f's size (f itself, or f with a
            non-negative factor replaced by its supremum).
        function: f on complex balls, for integration where the sign is certain.
        panels: cuts, ascending and exact.
        accuracy: bits relative to the result, and the budget of bisections.
    """
    decided: list[_Cell] = []
    undecided: list[tuple[float, int, _Cell]] = []
    count, size, rest = 0, arb(0), arb(0)

    def place(low: arb, high: arb) -> None:
        nonlocal count, size, rest
        count += 1
        value = real(low.union(high))
        worst = (high - low) * value.abs_upper()
        cell = _Cell(low, high, sign(value), worst if is_number(worst) else arb.pos_inf())
        if cell.sign:
            decided.append(cell)
            size += abs(real(((low + high) / 2).mid())) * (high - low)
        else:
            heapq.heappush(undecided, (-_log(cell.worst), count, cell))

    for low, high in pairwise(panels):
        place(low, high)
    while undecided and count < accuracy.cells:
        rest = sum((entry[-1].worst for entry in undecided), arb(0))
        if decided and _log(rest) < _log(size) - accuracy.bits * _LN2:
            break
        for _ in range(max(4, len(undecided) // 3)):
            if undecided:
                cell = heapq.heappop(undecided)[-1]
                middle = ((cell.low + cell.high) / 2).mid()
                place(cell.low, middle)
                place(middle, cell.high)
    tolerance = arb(size.upper()) * arb(2) ** (-accuracy.bits - len(panels).bit_length())
    total = arb(0)
    for run in _runs(decided):
        total += run.sign * _panel(function, run.low, run.high, tolerance, accuracy)
    rest = sum((entry[-1].worst for entry in undecided), arb(0))
    return total + arb(0).union(arb(rest.upper()))


def _runs(cells: Sequence[_Cell]) -> list[_Cell]:
    """Neighbouring cells of one sign, joined."""
    runs: list[_Cell] = []
    for cell in sorted(cells, key=lambda cell: _exact(cell.low)):
        last = runs[-1] if runs else None
        if last is not None and last.sign == cell.sign and last.high == cell.low:
            runs[-1] = _Cell(last.low, cell.high, cell.sign, last.worst + cell.worst)
        else:
            runs.append(cell)
    return runs


def _panel(
    function: ComplexFunction, low: arb, high: arb, tolerance: arb, accuracy: Accuracy
) -> arb:
    value = acb.integral(
        lambda z, _: function(z),
        acb(low),
        acb(high),
        rel_tol=arb(2) ** (-accuracy.bits),
        abs_tol=arb(tolerance.upper()),
        eval_limit=accuracy.evaluations,
    )
    return value.real


def _exact(cut: arb) -> Fraction:
    """A cut as the dyadic number it is: next to a root cells are narrower than floats tell."""
    mantissa, exponent = (int(part) for part in cut.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _log(ball: arb) -> float:
    """Natural log of a ball's upper end as a float; -inf for 0, +inf for an unbounded one."""
    upper = ball.abs_upper()
    if not is_number(upper):
        return float("inf")
    if upper == 0:
        return float("-inf")
    return float(upper.log())
