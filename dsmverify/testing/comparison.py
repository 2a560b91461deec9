"""What a comparison of a user's values with certified ones gives, and how it fails.

| letter | here | meaning |
|---|---|---|
| u | `unit` | unit roundoff of the dtype |
| C | `operations` | roundings that one chain of operations may add up |
| K_i | `Entry.moved` | how far rounded inputs alone move entry i, over u |
| S_i | `Entry.terms` | sum of the absolute values of the terms of entry i |
| r_i | `Entry.radius` | radius of the ball that encloses entry i |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Answer = Literal["passed", "failed"]


@dataclass(frozen=True)
class Entry:
    """One number of a result beside its certified value.

    Attributes:
        index: place in the result; () for a scalar.
        where: the same in words, with the input that it belongs to.
        got: the user's number.
        lower: decimal below the certified value.
        upper: decimal above it.
        error: distance of `got` from the enclosure's middle; infinite where `got` is no number.
        tolerance: largest error that passes, `r + C u (K + S) + tiny`.
        ulps: the error in units in the last place of the dtype, at the certified value.
        condition: `(K + S) / |value|`, infinite at 0.
        radius: r.
        moved: K.
        terms: S.
        tiny: what underflow may cost.
        passed: whether the error is certainly within the tolerance.
    """

    index: tuple[int, ...]
    where: str
    got: float
    lower: str
    upper: str
    error: float
    tolerance: float
    ulps: float
    condition: float
    radius: float
    moved: float
    terms: float
    tiny: float
    passed: bool

    @property
    def ratio(self) -> float:
        """Error over tolerance; above 1 where the entry fails."""
        if self.error == 0:
            return 0.0
        return self.error / self.tolerance if self.tolerance > 0 else float("inf")


@dataclass(frozen=True)
class Cause:
    """A known mistake whose predicted values match what came back.

    Attributes:
        name: short name of the mistake, the same in every report.
        words: what probably happened and where to look, one sentence.
    """

    name: str
    words: str


@dataclass(frozen=True)
class Comparison:
    """A user's result beside its certified values, entry by entry.

    Attributes:
        quantity: `score`, `risk`, `gradient`, `hessian`, `largest_eigenvalue` or `sgd_step`.
        dtype: dtype at which the result is judged.
        arrays: kind of arrays that the callable was given.
        unit: u of the dtype.
        operations: C.
        worst: entry with the largest error over tolerance.
        entries: every entry.
        causes: known mistakes that explain the failure, the likeliest first; () when it passed.
        passed: whether every entry is certainly within its tolerance.
        sample: the exact inputs, in words.
        notes: what else the reader must know (a result in a wider dtype, say).
    """

    quantity: str
    dtype: str
    arrays: str
    unit: float
    operations: int
    worst: Entry
    entries: tuple[Entry, ...]
    causes: tuple[Cause, ...]
    passed: bool
    sample: str = ""
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Entry, ...]:
        """Entries out of tolerance."""
        return tuple(entry for entry in self.entries if not entry.passed)

    def __str__(self) -> str:
        """The worst entry, its tolerance with its parts, and the likely cause."""
        worst = self.worst
        count = len(self.entries)
        if self.passed:
            verdict = f"{self.quantity} ({self.arrays}, {self.dtype}): passed, {count} entries"
        else:
            verdict = (
                f"{self.quantity} ({self.arrays}, {self.dtype}): "
                f"{len(self.failed)} of {count} entries are out of tolerance"
            )
        lines = [
            verdict,
            f"  worst input  {worst.where}",
            f"  expected     [{worst.lower}, {worst.upper}]",
            f"  got          {worst.got!r}",
            f"  error        {_short(worst.error)} = {_short(worst.ulps)} ulps of {self.dtype}",
            f"  tolerance    {_short(worst.tolerance)} = radius {_short(worst.radius)}"
            f" + {self.operations} u (K + S) + underflow {_short(worst.tiny)},"
            f" u = {_short(self.unit)}",
            f"               K = {_short(worst.moved)} (rounded inputs),"
            f" S = {_short(worst.terms)} (terms), (K + S)/|value| = {_short(worst.condition)}",
        ]
        lines += [f"  likely cause {cause.name}: {cause.words}" for cause in self.causes]
        if not self.passed and not self.causes:
            lines.append("  likely cause none of the known mistakes gives these values")
        if self.sample:
            lines.append(f"  sample       {self.sample}")
        lines += [f"  note         {note}" for note in self.notes]
        return "\n".join(lines)


class ConformanceError(AssertionError):
    """A user's result is out of tolerance, or is no result at all.

    Args:
        message: what to print.
        comparison: the comparison that failed; None where the result could not be compared.
    """

    def __init__(self, message: str, comparison: Comparison | None = None) -> None:
        super().__init__(message)
        self.comparison = comparison

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled with its comparison."""
        return type(self), (self.args[0], self.comparison)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Likely causes; () where nothing was compared."""
        return self.comparison.causes if self.comparison is not None else ()


class ResultError(ConformanceError):
    """The callable gave something that cannot be compared: another shape, dtype or type."""


class Undecided(AssertionError):
    """Neither passed nor failed: the reference or the test did not get sharp enough."""


def _short(value: float) -> str:
    return f"{value:.3g}"
