"""Paired measurements: ours and the baseline alternate in one run; medians and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """One row of `reports/benchmarks.json`.

    Attributes:
        name: what was measured.
        ours_seconds: median.
        baseline_seconds: median, or the limit.
        ratio: baseline over ours.
        target: the ratio asked for.
        note: sizes, accuracy, what the baseline is.
    """

    name: str
    ours_seconds: float
    baseline_seconds: float
    ratio: float
    target: float
    note: str

    def as_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)

    def line(self) -> str:
        """The row as a line of text."""
        verdict = "met" if self.ratio >= self.target else "MISSED"
        return (
            f"{self.name:28} ours {self.ours_seconds:10.5f}  baseline {self.baseline_seconds:10.5f}"
            f"  ratio {self.ratio:7.1f}  target {self.target:5.1f}  {verdict}  {self.note}"
        )


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = perf_counter()
    function()
    return perf_counter() - started


def paired(
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    rounds: int,
    target: float,
    note: str,
) -> Measurement:
    """Alternate the two, after one warm-up of each."""
    ours(), baseline()
    mine, plain = [], []
    for _ in range(rounds):
        mine.append(seconds(ours))
        plain.append(seconds(baseline))
    fast, slow = statistics.median(mine), statistics.median(plain)
    return Measurement(name, fast, slow, slow / fast, target, note)


def limited(
    name: str, ours: Callable[[], object], limit: float, *, rounds: int, note: str
) -> Measurement:
    """Our median beside an absolute limit."""
    fast = statistics.median(seconds(ours) for _ in range(rounds))
    return Measurement(name, fast, limit, limit / fast, 1, note)
