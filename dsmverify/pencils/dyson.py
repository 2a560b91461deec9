r"""The matrix Dyson equation of a linear pencil: written from its data, solved, differentiated.

With `g_ij = (1/N_i) tr (L^-1)_ij` for blocks i, j of one dimension, in the limit of large sizes,

`G = (L0 - eta(G))^-1`, `eta(G) = sum_k var_k [N_b C_k G C_k^T + N_a C_k^T G C_k]`,

where `C_k` holds the coefficients of a Gaussian with rows of dimension a and columns of dimension
b; places that share a matrix share the sum, so their cross terms are in it. Along a change of `L0`,
`dG = G (eta(dG) - dL0) G`.

The equation has several solutions. The one that is meant is followed from a large multiple of the
ramp, an entry of `L0` that is added and taken away again, and its signs are checked at the end.

Level of rigour: that `g` tends to a solution of this equation is taken from the literature on
matrix Dyson equations, not proved here. Numbers are approximate, with the residual reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dsmverify.errors import InputError, PrecisionError, show
from dsmverify.pencils.pencil import Gaussian, Number, Pencil, Place

Array = Any
"""A NumPy array of the pencil's numbers."""

RAMP = 10**4
"""The ramp starts here: `G` is then close to what `L0` alone gives."""

LONGEST_STEP, SHORTEST_STEP = 0.1, 0.99
"""Factors by which the ramp falls in one step: at first, and when it is given up."""

LAST_STEP = 0.1
"""The ramp ends when `G` would change by less than this part of itself."""

STEEPEST = 2.0
"""Largest power of the ramp that an entry of `G` is extrapolated with."""

LOWEST = 1e-40
"""Below this ramp the solution is taken to grow without limit."""

NEWTON_STEPS = 30

NEAR = 1e-6
"""Newton's relative step from which it converges quadratically, or not at all."""

GUARD = 20
"""Digits of the working precision beyond those asked for; Newton's equations lose some."""


class DysonEquation:
    """The Dyson equation of one pencil, in the number system of its coefficients.

    Attributes:
        pencil: the pencil.
        names: its blocks, in the order of `G`.
        pairs: the entries of `G` that are unknown, as index pairs i <= j; the others are 0 or equal
            to one of them.
    """

    def __init__(self, pencil: Pencil) -> None:
        self.pencil = pencil
        self.names = tuple(pencil.blocks)
        self.index = {name: number for number, name in enumerate(self.names)}
        dimensions = tuple(pencil.blocks.values())
        count = len(self.names)
        self.pairs = tuple(
            (i, j) for i in range(count) for j in range(i, count) if dimensions[i] == dimensions[j]
        )

    @cached_property
    def terms(self) -> tuple[tuple[int, int, int, int, Number], ...]:
        """`(i, j, k, l, c)`: `eta(G)_ij` is the sum of `c g_kl`."""
        found: dict[tuple[int, int, int, int], Number] = {}
        for gaussian in self.pencil.gaussians:
            for key, value in self._terms(gaussian):
                found[key] = found[key] + value if key in found else value
        return tuple((*key, value) for key, value in found.items())

    def _terms(self, gaussian: Gaussian) -> list[tuple[tuple[int, int, int, int], Number]]:
        rows, columns = self.pencil.shape(gaussian)
        many_rows = gaussian.variance * self.pencil.sizes[rows]
        many_columns = gaussian.variance * self.pencil.sizes[columns]
        result = []
        for (row, column), one in gaussian.places.items():
            for (other_row, other_column), two in gaussian.places.items():
                i, j = self.index[row], self.index[other_row]
                k, l = self.index[column], self.index[other_column]
                result.append(((i, j, k, l), many_columns * (one * two)))
                result.append(((k, l, i, j), many_rows * (one * two)))
        return result

    def fixed(self, changes: Mapping[Place, Number] | None = None) -> Array:
        """`L0`, or a change of it, as a matrix. `[blocks, blocks]`, object."""
        result = np.zeros((len(self.names), len(self.names)), dtype=object)
        for (row, column), value in (self.pencil.fixed if changes is None else changes).items():
            i, j = self._place(row), self._place(column)
            result[i, j] = result[i, j] + value
            if i != j:
                result[j, i] = result[j, i] + value
        return result

    def self_energy(self, green: Array) -> Array:
        """`eta(G)`. `[blocks, blocks]`, object."""
        result = np.zeros((len(self.names), len(self.names)), dtype=object)
        for i, j, k, l, value in self.terms:
            result[i, j] = result[i, j] + value * green[k, l]
        return result

    def residual(self, green: Array) -> Array:
        """`(L0 - eta(G)) G - 1`, which vanishes for a solution. `[blocks, blocks]`, object."""
        return (self.fixed() - self.self_energy(green)) @ green - np.eye(len(self.names), dtype=int)

    def linearised(self, green: Array, change: Array, direction: Mapping[Place, Number]) -> Array:
        """`(L0 - eta(G)) dG - (eta(dG) - dL0) G`: vanishes for the derivative of a solution."""
        energy = self.self_energy(change) - self.fixed(direction)
        return (self.fixed() - self.self_energy(green)) @ change - energy @ green

    def _place(self, block: str) -> int:
        if block not in self.index:
            known = ", ".join(map(repr, self.names))
            argument = f"pencil {self.pencil.name}: block"
            raise InputError(argument, show(block), f"the blocks are {known}", "name one of them")
        return self.index[block]


def equations(pencil: Pencil) -> list[tuple[str, Any]]:
    """The Dyson equation of a symbolic pencil, entry by entry, as SymPy equations.

    Returns:
        A name and an equation for each entry of `(L0 - eta(G)) G = 1` between blocks of one
        dimension; the unknowns are symbols `g[i,j]`. Entries that vanish identically are left out.
    """
    import sympy

    equation = DysonEquation(pencil)
    green = symbols(equation)
    left = equation.residual(green)
    result = []
    for i, one in enumerate(equation.names):
        for j, two in enumerate(equation.names):
            entry = sympy.expand(left[i, j])
            if entry != 0:
                number = sympy.Integer(int(i == j))
                result.append((f"{one},{two}", sympy.Eq(entry + number, number, evaluate=False)))
    return result


def symbols(equation: DysonEquation) -> Array:
    """A symbol for each unknown entry of `G`, 0 elsewhere. `[blocks, blocks]`, object."""
    import sympy

    count = len(equation.names)
    green = np.zeros((count, count), dtype=object)
    for i, j in equation.pairs:
        name = f"g[{equation.names[i]},{equation.names[j]}]"
        green[i, j] = green[j, i] = sympy.Symbol(name, real=True)
    return green


@dataclass(frozen=True)
class Solution:
    """A solution of a Dyson equation. Approximate; `residual` says how well it solves it.

    Attributes:
        equation: the equation.
        green: `G`, `[blocks, blocks]`, float64 or object.
        residual: largest entry of `(L0 - eta(G)) G - 1`, with rows and columns in units in which
            the largest entry of each row of G is 1.
        ramps: values of the ramp at which the solution was followed.
        newton_steps: Newton steps, in all.
        digits: digits that it was asked for, None for float64.
    """

    equation: DysonEquation
    green: Array
    residual: float
    ramps: tuple[float, ...]
    newton_steps: int
    digits: int | None

    def __getitem__(self, place: Place) -> Number:
        """`g_ij` of two blocks."""
        return self.green[self.equation.index[place[0]], self.equation.index[place[1]]]

    def derivative(self, direction: Mapping[Place, Number]) -> dict[Place, Number]:
        """Derivatives of all `g_ij` along a change of `L0`, by the linearised equation.

        Approximate: as `G`, up to the condition of the linear system.
        """
        solver = _Solver(self.equation, self.digits)
        with solver.precision():
            change = solver.derivative(self.green, solver.matrix(self.equation.fixed(direction)))
        names = self.equation.names
        return {
            (one, two): change[i, j] for i, one in enumerate(names) for j, two in enumerate(names)
        }


def solve(pencil: Pencil, ramp: Mapping[Place, int], digits: int | None = None) -> Solution:
    """Solve the Dyson equation of a pencil of numbers, by Newton with continuation.

    Args:
        pencil: coefficients are floats, or mpmath numbers of more than `digits` digits.
        ramp: change of `L0`, a large multiple of which makes `G` easy: the entry of the ridge.
        digits: decimal digits, worked out in mpmath; None for float64.

    Returns:
        The solution that is connected with the one at a large ramp. Approximate: in float64 to
        about the unit roundoff times the condition of Newton's equations; in mpmath Newton's last
        step is below `10^-digits`.

    Raises:
        InputError: the ramp names no block.
        PrecisionError: `L0` is singular at a large ramp, Newton does not converge however short
            the steps, the solution grows without limit, or it has the wrong signs.
    """
    equation = DysonEquation(pencil)
    if digits is not None:
        try:
            near = _Solver(equation, None).follow(ramp)
        except PrecisionError:
            near = None  # float64 is too coarse here; mpmath then follows the whole path
        return _Solver(equation, digits).follow(ramp, near)
    return _Solver(equation, None).follow(ramp)


class _Solver:
    """Newton's method and linear algebra for one equation, in float64 or in mpmath."""

    def __init__(self, equation: DysonEquation, digits: int | None) -> None:
        self.equation = equation
        self.digits = digits
        self.steps = 0
        with self.precision():
            self.fixed = self.matrix(equation.fixed())
            self.energies = self._energies()

    def precision(self) -> Any:
        """Working precision, as a context."""
        import contextlib

        from mpmath import mp

        if self.digits is None:
            return contextlib.nullcontext()
        return mp.workdps(self.digits + GUARD)

    def matrix(self, values: Array) -> Array:
        """An object matrix in the solver's numbers."""
        from mpmath import mp

        if self.digits is None:
            return values.astype(np.float64)
        return np.frompyfunc(mp.mpf, 1, 1)(values)

    def follow(self, ramp: Mapping[Place, int], near: Solution | None = None) -> Solution:
        """The solution without ramp, from a nearby one or from a large ramp."""
        with self.precision(), np.errstate(all="ignore"):
            if near is None:
                green, ramps = self._follow(self.matrix(self.equation.fixed(ramp)))
            else:
                found = self._newton(self.fixed, self.matrix(near.green))
                if found is None:
                    raise self._failed("Newton does not converge from the solution in float64")
                green, ramps = found, near.ramps
            self._check_signs(green)
            residual = self._residual(green)
        return Solution(self.equation, green, residual, ramps, self.steps, self.digits)

    def derivative(self, green: Array, direction: Array) -> Array:
        """`dG` along a change of `L0`: `(1 - J) dG = -G dL0 G`."""
        right = -(green @ direction @ green)
        return self._unpack(self._solve(self._jacobian(green), self._pack(right), green))

    # Continuation -------------------------------------------------------------------------------

    def _follow(self, direction: Array) -> tuple[Array, tuple[float, ...]]:
        value: Any = self.matrix(np.array([RAMP], dtype=object))[0]
        green = self._inverse(self.fixed + direction * value)
        found = None if green is None else self._newton(self.fixed + direction * value, green)
        if found is None:
            raise self._failed(f"Newton does not converge at the start, with a ramp of {RAMP}")
        green, ramps, factor = found, [float(value)], LONGEST_STEP
        while True:
            change = self.derivative(green, direction) * value
            last = bool(self._relative(change, green) < LAST_STEP)
            smaller = value * 0 if last else value * factor
            if not last and smaller < LOWEST:
                raise self._failed("the solution grows without limit as the ramp goes to 0")
            guess = green - change if last else self._extrapolated(green, change, factor)
            found = self._newton(self.fixed + direction * smaller, guess)
            if found is not None and self._signs_hold(found):
                green, value = found, smaller
                ramps.append(float(value))
                if last:
                    return green, tuple(ramps)
                factor = max(factor**2, LONGEST_STEP)
            else:
                factor = factor**0.5
                if last or factor > SHORTEST_STEP:
                    raise self._failed(f"Newton does not converge below a ramp of {float(value)}")

    def _extrapolated(self, green: Array, change: Array, factor: float) -> Array:
        """`G` at a smaller ramp, each entry followed as a power of the ramp."""
        result = green.copy()
        for i, j in self.equation.pairs:
            if green[i, j] != 0:
                exponent = min(max(float(change[i, j] / green[i, j]), -STEEPEST), STEEPEST)
                result[i, j] = result[j, i] = green[i, j] * factor**exponent
        return result

    def _newton(self, fixed: Array, green: Array) -> Array | None:
        """Newton from a nearby `G`; None where it does not converge."""
        small = 1e-14 if self.digits is None else 10.0 ** -(self.digits + 3)
        before = float("inf")
        for _ in range(NEWTON_STEPS):
            image = self._inverse(fixed - self._energy(green))
            if image is None:
                return None
            step = self._solve(self._jacobian(image), self._pack(image - green), green)
            if step is None:
                return None
            change = self._unpack(step)
            green = green + change
            self.steps += 1
            size = self._relative(change, green)
            if not size < float("inf"):
                return None
            if size < small:
                return green
            if size < NEAR and size > before / 2:
                return green if self.digits is None else None
            before = size
        return None

    def _failed(self, reason: str) -> PrecisionError:
        from mpmath import mp

        bits = 53 if self.digits is None else int(mp.prec)
        return PrecisionError(f"Dyson equation of pencil {self.equation.pencil.name}", bits, reason)

    def _check_signs(self, green: Array) -> None:
        for block, sign in self.equation.pencil.signs.items():
            value = self._diagonal(green, block)
            if not sign * value > 0:
                raise self._failed(f"g of block {block} is {float(value)}, on the wrong branch")

    def _signs_hold(self, green: Array) -> bool:
        signs = self.equation.pencil.signs.items()
        return all(sign * self._diagonal(green, block) > 0 for block, sign in signs)

    def _diagonal(self, green: Array, block: str) -> Number:
        index = self.equation.index[block]
        return green[index, index]

    # Linear algebra -----------------------------------------------------------------------------

    def _energies(self) -> Array:
        """`eta` of each unknown entry alone. `[pairs, blocks, blocks]`."""
        count = len(self.equation.names)
        result = np.zeros((len(self.equation.pairs), count, count), dtype=object)
        for number, (i, j) in enumerate(self.equation.pairs):
            unit = np.zeros((count, count), dtype=int)
            unit[i, j] = unit[j, i] = 1
            result[number] = self.equation.self_energy(unit)
        return self.matrix(result)

    def _energy(self, green: Array) -> Array:
        return np.tensordot(self._pack(green), self.energies, axes=1)

    def _jacobian(self, green: Array) -> Array:
        """`1 - J`, with `J dG = G eta(dG) G`. `[pairs, pairs]`."""
        columns = [self._pack(green @ energy @ green) for energy in self.energies]
        return np.eye(len(columns), dtype=int) - np.stack(columns, axis=1)

    def _pack(self, matrix: Array) -> Array:
        return np.array([matrix[i, j] for i, j in self.equation.pairs], dtype=matrix.dtype)

    def _unpack(self, entries: Array) -> Array:
        count = len(self.equation.names)
        result = self.matrix(np.zeros((count, count), dtype=object))
        for (i, j), value in zip(self.equation.pairs, entries, strict=True):
            result[i, j] = result[j, i] = value
        return result

    def _scale(self, green: Array) -> Array:
        """A size for each unknown entry: entries may vanish, rows of `G` do not."""
        rows = abs(green).max(axis=1)
        return np.array([float(rows[i] * rows[j]) ** 0.5 for i, j in self.equation.pairs])

    def _relative(self, change: Array, green: Array) -> float:
        sizes = [float(abs(value)) for value in self._pack(change)]
        return float(np.max(np.array(sizes) / self._scale(green)))

    def _residual(self, green: Array) -> float:
        operator = self.fixed - self._energy(green)
        gap = abs(operator @ green - np.eye(len(green), dtype=int))
        rows = [float(value) ** 0.5 for value in abs(green).max(axis=1)]
        largest = 0.0
        for (i, j), value in np.ndenumerate(gap):
            largest = max(largest, float(value) * rows[i] / rows[j])
        return largest

    def _solve(self, matrix: Array, right: Array, green: Array) -> Any:
        """Solution of a linear system in the unknown entries, in units of their sizes."""
        scale = self._scale(green)
        if not np.all(np.isfinite(scale)) or not np.all(scale > 0):
            return None
        if self.digits is not None:
            scale = self.matrix(scale)
        scaled = matrix * scale[None, :] / scale[:, None]
        return _linear(scaled, right / scale, self.digits is None, scale)

    def _inverse(self, matrix: Array) -> Any:
        from mpmath import mp

        try:
            if self.digits is None:
                return np.linalg.inv(matrix)
            inverse = mp.inverse(mp.matrix(matrix.tolist()))
        except (ZeroDivisionError, np.linalg.LinAlgError):
            return None
        return np.array(inverse.tolist(), dtype=object)


def _linear(matrix: Array, right: Array, in_float64: bool, scale: Array) -> Any:
    from mpmath import mp

    try:
        if in_float64:
            return np.linalg.solve(matrix, right) * scale
        solved = mp.lu_solve(mp.matrix(matrix.tolist()), mp.matrix(right.tolist()))
    except (ZeroDivisionError, np.linalg.LinAlgError):
        return None
    return np.array(list(solved), dtype=object) * scale
