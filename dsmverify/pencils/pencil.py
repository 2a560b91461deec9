"""Linear pencils as data: blocks, fixed coefficients, Gaussian matrices that blocks may share.

A pencil is a symmetric block matrix `L = L0 (x) I + sum_k (C_k (x) X_k + transpose)`. Each block
has a dimension (a name, such as `p`), each dimension a size. `L0` couples blocks of one dimension
by multiples of the identity. `X_k` is a Gaussian matrix with independent entries; it may stand at
several places of the pencil, each with its coefficient.

Coefficients are numbers of any one system: SymPy expressions, floats, mpmath numbers, fractions.

| letter | meaning |
|---|---|
| L0 | fixed coefficients, symmetric |
| C_k, X_k | coefficients and matrix of the k-th Gaussian |
| N_a | size of dimension a, in units of a reference size N |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from dsmverify.errors import InputError, show

Number = Any
"""A number of the pencil's system."""

Matrix = Any
"""A matrix of exact rationals, `flint.fmpq_mat` (which has no types)."""

Place = tuple[str, str]
"""Names of two blocks: row and column."""


@dataclass(frozen=True)
class Gaussian:
    """A matrix with independent centred Gaussian entries, and where it stands.

    Attributes:
        name: its name.
        variance: variance of an entry, times the reference size.
        places: coefficient at each (row block, column block); the transpose is implied.
    """

    name: str
    variance: Number
    places: Mapping[Place, Number]


@dataclass(frozen=True)
class Pencil:
    """A symmetric linear pencil.

    Attributes:
        name: what messages call it.
        sizes: size of each dimension, in units of the reference size.
        blocks: dimension of each block, in the order of the matrix.
        fixed: `L0`, one entry for each pair of blocks that it couples; the mirror image is implied.
        gaussians: the random part.
        signs: sign of `g_bb` on the branch that is meant, for the blocks where it is known.

    Raises:
        InputError: a name is unknown or stands twice, blocks of different dimensions are coupled by
            a number, a Gaussian stands at places of different shapes, or a size, a variance or a
            sign is impossible.
    """

    name: str
    sizes: Mapping[str, Number]
    blocks: Mapping[str, str]
    fixed: Mapping[Place, Number]
    gaussians: tuple[Gaussian, ...] = ()
    signs: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_fixed()
        self._check_gaussians()
        for block, sign in self.signs.items():
            self._known(block, f"signs[{block!r}]")
            if sign not in {-1, 1}:
                raise self._wrong(f"signs[{block!r}]", sign, "a sign must be 1 or -1", "correct it")

    def shape(self, gaussian: Gaussian) -> Place:
        """Dimensions of a Gaussian's rows and columns."""
        row, column = next(iter(gaussian.places))
        return self.blocks[row], self.blocks[column]

    def shifted(self, direction: Mapping[Place, Number]) -> Pencil:
        """The same pencil with numbers added to `L0`."""
        fixed = dict(self.fixed)
        for (row, column), value in direction.items():
            place = (column, row) if (column, row) in fixed else (row, column)
            fixed[place] = fixed[place] + value if place in fixed else value
        return replace(self, fixed=fixed)

    def assemble(self, counts: Mapping[str, int], draws: Mapping[str, Matrix]) -> Matrix:
        """The matrix of the pencil for given Gaussian matrices. Exact.

        Args:
            counts: rows of each dimension.
            draws: `[rows, columns]` for each Gaussian, rational.

        Raises:
            InputError: a count or a draw is missing or of the wrong shape, or a coefficient is not
                rational.
        """
        from flint import fmpq_mat

        self._check_counts(counts)
        start = self.offsets(counts)
        size = sum(counts[dimension] for dimension in self.blocks.values())
        result = fmpq_mat(size, size)
        for (row, column), value in self.fixed.items():
            number = self._rational(value, f"fixed[{row!r}, {column!r}]")
            for k in range(counts[self.blocks[row]]):
                result[start[row] + k, start[column] + k] = number
                result[start[column] + k, start[row] + k] = number
        for gaussian in self.gaussians:
            matrix = self._draw(gaussian, counts, draws)
            for (row, column), value in gaussian.places.items():
                number = self._rational(value, f"{gaussian.name} at {row!r}, {column!r}")
                for i in range(matrix.nrows()):
                    for j in range(matrix.ncols()):
                        one, two = start[row] + i, start[column] + j
                        result[one, two] += number * matrix[i, j]
                        result[two, one] += number * matrix[i, j]
        return result

    def offsets(self, counts: Mapping[str, int]) -> dict[str, int]:
        """First row of each block."""
        result, total = {}, 0
        for block, dimension in self.blocks.items():
            result[block] = total
            total += counts[dimension]
        return result

    def columns(self, matrix: Matrix, counts: Mapping[str, int], block: str) -> dict[str, Matrix]:
        """Blocks of the inverse of an assembled matrix that stand in one column of blocks. Exact.

        Raises:
            InputError: there is no such block.
            ZeroDivisionError: the matrix is singular.
        """
        from flint import fmpq_mat

        self._known(block, "block")
        start = self.offsets(counts)
        width = counts[self.blocks[block]]
        unit = fmpq_mat(matrix.nrows(), width)
        for k in range(width):
            unit[start[block] + k, k] = 1
        solved = matrix.solve(unit)
        return {
            name: cut(solved, start[name], counts[dimension])
            for name, dimension in self.blocks.items()
        }

    def _check_sizes(self) -> None:
        for dimension, size in self.sizes.items():
            self._positive(f"sizes[{dimension!r}]", size)
        if not self.blocks:
            raise self._wrong("blocks", {}, "a pencil has at least one block", "name one")
        for block, dimension in self.blocks.items():
            if dimension not in self.sizes:
                known = ", ".join(map(repr, self.sizes))
                rule = f"the dimensions are {known}"
                raise self._wrong(
                    f"blocks[{block!r}]", dimension, rule, "give the dimension a size"
                )

    def _check_fixed(self) -> None:
        for row, column in self.fixed:
            argument = f"fixed[{row!r}, {column!r}]"
            self._known(row, argument)
            self._known(column, argument)
            one, two = self.blocks[row], self.blocks[column]
            if one != two:
                rule = "a number couples blocks of one dimension only"
                raise self._wrong(argument, (one, two), rule, "couple them by a Gaussian")
            if row != column and (column, row) in self.fixed:
                rule = "it stands there twice: L0 is symmetric, and the mirror image is implied"
                raise self._wrong(argument, (row, column), rule, "leave one of the two out")

    def _check_gaussians(self) -> None:
        seen: set[str] = set()
        for gaussian in self.gaussians:
            if gaussian.name in seen:
                rule = "another Gaussian has this name, and different ones are independent"
                way_out = "give one matrix all its places, or another name"
                raise self._wrong("gaussians", gaussian.name, rule, way_out)
            seen.add(gaussian.name)
            self._positive(f"variance of {gaussian.name}", gaussian.variance)
            if not gaussian.places:
                raise self._wrong(gaussian.name, {}, "it stands nowhere", "leave it out")
            self._check_places(gaussian)

    def _check_places(self, gaussian: Gaussian) -> None:
        shapes = set()
        for row, column in gaussian.places:
            argument = f"{gaussian.name} at {row!r}, {column!r}"
            self._known(row, argument)
            self._known(column, argument)
            shapes.add((self.blocks[row], self.blocks[column]))
        if len(shapes) > 1:
            rule = "one matrix has one shape"
            way_out = "correct the places, or use two independent matrices"
            raise self._wrong(f"places of {gaussian.name}", sorted(shapes), rule, way_out)

    def _check_counts(self, counts: Mapping[str, int]) -> None:
        for dimension in set(self.blocks.values()):
            count = counts.get(dimension)
            if not isinstance(count, int) or count < 1:
                rule = "an instance has a whole number of rows, at least 1, in each dimension"
                raise self._wrong(f"counts[{dimension!r}]", count, rule, "give one")

    def _draw(
        self, gaussian: Gaussian, counts: Mapping[str, int], draws: Mapping[str, Matrix]
    ) -> Matrix:
        rows, columns = (counts[dimension] for dimension in self.shape(gaussian))
        matrix = draws.get(gaussian.name)
        found = None if matrix is None else (matrix.nrows(), matrix.ncols())
        if found != (rows, columns):
            rule = f"a matrix of {rows} rows and {columns} columns stands there"
            raise self._wrong(f"draws[{gaussian.name!r}]", found, rule, "give one")
        return matrix

    def _rational(self, value: Number, argument: str) -> Any:
        from flint import fmpq

        if not isinstance(value, int | Fraction):
            rule = "an exact instance has rational coefficients"
            raise self._wrong(argument, value, rule, "choose parameters with rational roots")
        fraction = Fraction(value)
        return fmpq(fraction.numerator, fraction.denominator)

    def _positive(self, argument: str, value: Number) -> None:
        try:
            positive = bool(value > 0)
        except TypeError:  # a symbol of unknown sign has no truth value
            positive = False
        if not positive:
            rule = "it must be positive, and a symbol declared so"
            raise self._wrong(argument, value, rule, "leave out what has no rows or no entries")

    def _known(self, block: str, argument: str) -> None:
        if block not in self.blocks:
            rule = f"the blocks are {', '.join(map(repr, self.blocks))}"
            raise self._wrong(argument, block, rule, "name one of them")

    def _wrong(self, argument: str, value: object, rule: str, way_out: str) -> InputError:
        return InputError(f"pencil {self.name}: {argument}", show(value), rule, way_out)


def blocks(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Dimension of each block, from a list in which no name may stand twice.

    Raises:
        InputError: a name stands twice.
    """
    result: dict[str, str] = {}
    for name, dimension in pairs:
        if name in result:
            raise InputError("blocks", show(name), "a block has one dimension", "rename one")
        result[name] = dimension
    return result


def cut(matrix: Matrix, start: int, count: int) -> Matrix:
    """Some successive rows of a matrix."""
    from flint import fmpq_mat

    rows = range(start, start + count)
    entries = [matrix[i, j] for i in rows for j in range(matrix.ncols())]
    return fmpq_mat(count, matrix.ncols(), entries)
