"""Tables and words of the experiment on learning curves: CSV and Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.experiments.groups import csv_text, decimal, markdown_table
from dsmverify.experiments.learning_curves import (
    LEAST_PROBABILITY,
    Comparison,
    Line,
    Run,
    Summary,
)
from dsmverify.experiments.learning_curves_settings import Panel, spelled_draws
from dsmverify.features.extrapolate import STANDARD_ERRORS

Floats = NDArray[np.float64]

SYMBOLS: Final = {
    "test_error": "E_test",
    "train_error": "E_train",
    "memorisation_error": "E_mem",
    "new_data_loss": "loss",
}
CURVE_COLUMNS: Final = (
    "panel", "activation", "m", "psi_n", "psi_p", "t", "lam", "E_test", "E_train", "E_mem", "loss",
    "condition",
)  # fmt: skip
SIMULATION_COLUMNS: Final = (
    "panel", "activation", "m", "psi_n", "psi_p", "t", "lam", "d", "repeats", "seed",
    *(f"{symbol}{end}" for symbol in SYMBOLS.values() for end in ("", "_se")), "truncation",
)  # fmt: skip
TEST_COLUMNS: Final = (
    "panel", "m", "psi_p", "quantity", "curve", "largest_d", "mean", "mean_se", "intercept",
    "intercept_se", "slope", "slope_se", "distance_in_se", "chi_squared", "probability",
    "verdict",
)  # fmt: skip
DIGITS: Final = 10
"""Of a curve's values: what is beyond may differ between machines."""

SIMULATED_DIGITS: Final = 8


def texts(summary: Summary) -> dict[str, str]:
    """Every table by file name."""
    found = {
        "curves.csv": csv_text(CURVE_COLUMNS, _curve_rows(summary)),
        "curves.md": markdown(summary),
    }
    if summary.runs:
        found["curves_simulation.csv"] = csv_text(SIMULATION_COLUMNS, _run_rows(summary.runs))
        found["curves_tests.csv"] = csv_text(TEST_COLUMNS, _test_rows(summary.comparisons))
    return found


def _setting(panel: Panel, draws: float, psi_p: float) -> list[str]:
    lam = panel.lam
    return [
        panel.name,
        panel.activation,
        spelled_draws(draws),
        decimal(float(panel.psi_n), 12),
        decimal(psi_p, 12),
        decimal(float(panel.time), 12),
        lam if isinstance(lam, str) else decimal(float(lam), 12),
    ]


def _curve_rows(summary: Summary) -> Iterator[list[str]]:
    for line in summary.lines:
        for place, psi_p in enumerate(line.psi_p):
            values = [decimal(line.values[name][place], DIGITS) for name in SYMBOLS]
            condition = decimal(line.condition[place], 3)
            yield [*_setting(line.panel, line.draws, psi_p), *values, condition]


def _run_rows(runs: Sequence[Run]) -> Iterator[list[str]]:
    for run in runs:
        values = [
            decimal(number, SIMULATED_DIGITS)
            for name in SYMBOLS
            for number in (run.estimates[name].mean, run.estimates[name].standard_error)
        ]
        size = [str(run.size.dimension), str(run.size.repeats), str(run.seed)]
        setting = _setting(run.panel, run.draws, float(run.psi_p))
        yield [*setting, *size, *values, decimal(run.truncation, 3)]


def _test_rows(comparisons: Sequence[Comparison]) -> Iterator[list[str]]:
    for one in comparisons:
        estimate, found = one.largest.estimates[one.quantity], one.fit
        numbers = [math.nan] * 7
        if found is not None:
            numbers = [
                found.intercept,
                found.standard_error,
                found.slope,
                found.slope_error,
                found.deviation(one.curve),
                found.chi_squared,
                found.p_value,
            ]
        yield [
            one.panel.name,
            spelled_draws(one.draws),
            decimal(float(one.psi_p), 12),
            SYMBOLS[one.quantity],
            decimal(one.curve, DIGITS),
            str(one.largest.size.dimension),
            decimal(estimate.mean, SIMULATED_DIGITS),
            decimal(estimate.standard_error, 3),
            *(decimal(number, 6) for number in numbers),
            one.verdict,
        ]


# Words -------------------------------------------------------------------------------------------

_INTRODUCTION = """\
# Learning curves of score matching with random features

The score is `s(y) = (A/sqrt p) rho(W y/sqrt d)` with frozen Gaussian W; A minimises the loss of \
denoising score matching with ridge lam, on n points of N(0, I_d) with m noise draws each. Limits \
d -> infinity at fixed n/d and p/d:

- E_test: mean squared distance to the true score, over d. The zero score has 1.
- E_train: loss over d on the training points and the noise draws that were used.
- E_mem: the same with fresh noise. 0 is the score of the training points (full memorisation); \
a^2 = exp(-2t) is what the true score has.
- loss: on new points, `a^2 + h E_test`, h = 1 - a^2.

"""

_GROUNDS = """\
## What rests on what

- The finite problem and its minimiser are exact algebra. Simulations solve it exactly for each \
draw; their errors are those of the repeats, as printed.
- The lines assume Gaussian equivalence of the features and come from a leave-one-out or \
matrix-Dyson argument. Both are heuristics here, not theorems. E_mem at finite m has one \
derivation only.
- Values of the lines are float64. `curves.csv` has their condition numbers; nothing on this page \
is certified (`learning_curve(...).enclose()` certifies a point of the reduced system).
- Simulations that agree are evidence. They are no proof, and say nothing beyond the points tried.

"""


def markdown(summary: Summary) -> str:
    """Text of `curves.md`."""
    parts = [
        _INTRODUCTION,
        _settings(summary),
        _GROUNDS,
        _memorisation(summary),
        _orders(summary),
        _agreement(summary),
    ]
    return "".join(parts)


def _settings(summary: Summary) -> str:
    rows = [
        [
            panel.name,
            panel.activation,
            decimal(float(panel.psi_n)),
            decimal(float(panel.time)),
            decimal(math.exp(-2 * float(panel.time)), 4),
            _setting(panel, 1, 1)[-1],
        ]
        for panel in summary.curves.panels
    ]
    axis = summary.curves.psi_p
    draws = ", ".join(spelled_draws(m) for m in summary.curves.draws)
    return (
        "## Settings\n\n"
        + markdown_table(["name", "activation", "n/d", "t", "a^2", "lam"], rows)
        + f"\nm = {draws}; {axis.count} values of p/d from {decimal(float(axis.low))} to "
        f"{decimal(float(axis.high))}.\n\n"
    )


def _memorisation(summary: Summary) -> str:
    """Where each line has its least test error, its peak, and where it memorises."""
    rows = []
    for line in summary.lines:
        share = line.values["memorisation_error"] / math.exp(-2 * float(line.panel.time))
        test = line.values["test_error"]
        least, peak = int(np.argmin(test)), int(np.argmax(test))
        rows.append(
            [
                line.panel.name,
                spelled_draws(line.draws),
                f"{decimal(test[least], 4)} at {decimal(line.psi_p[least], 3)}",
                f"{decimal(test[peak], 4)} at {decimal(line.psi_p[peak], 3)}",
                decimal(test[-1], 4),
                _from(line, share < 0.5),
                decimal(share[-1], 4),
            ]
        )
    columns = [
        "name", "m", "least E_test at p/d", "largest E_test at p/d", "E_test at the last p/d",
        "p/d from which E_mem < a^2/2", "E_mem/a^2 at the last p/d",
    ]  # fmt: skip
    return (
        "## Memorisation along the lines\n\nOn the grid of p/d, not between. `never` is about "
        "this grid.\n\n" + markdown_table(columns, rows) + "\n"
    )


def _from(line: Line, holds: NDArray[np.bool_]) -> str:
    """The first place from which on something holds up to the end."""
    fails = np.flatnonzero(~holds)
    first = int(fails[-1]) + 1 if len(fails) else 0
    return decimal(line.psi_p[first], 3) if first < len(holds) else "never"


def _orders(summary: Summary) -> str:
    """Where more noise draws give the larger error."""
    rows = []
    for panel in summary.curves.panels:
        lines = [line for line in summary.lines if line.panel == panel]
        for fewer, more in pairwise(lines):
            cells = [
                _ranges(fewer.psi_p, more.values[name] > fewer.values[name])
                for name in ("test_error", "memorisation_error")
            ]
            pair = f"{spelled_draws(fewer.draws)} to {spelled_draws(more.draws)}"
            rows.append([panel.name, pair, *cells])
    if not rows:
        return ""
    columns = ["name", "m", "E_test grows at p/d", "E_mem grows at p/d"]
    return (
        "## The order in m\n\nWhere, from one m to the next, the error grows. If more noise draws "
        "always strengthened memorisation the last column would be empty.\n\n"
        + markdown_table(columns, rows)
        + "\n"
    )


def _ranges(places: Floats, holds: NDArray[np.bool_]) -> str:
    """Runs of places where something holds: `0.25 to 4; 9.5 to 400`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(int)))
    found = []
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        ends = [decimal(places[first], 3), decimal(places[after - 1], 3)]
        found.append(ends[0] if ends[0] == ends[1] else " to ".join(ends))
    return "; ".join(found) or "nowhere"


def _agreement(summary: Summary) -> str:
    head = "## Agreement with finite models\n\n"
    if not summary.runs:
        return head + "No simulation was run: the lines are not held against anything here.\n"
    sizes = sorted({(run.size.dimension, run.size.repeats) for run in summary.runs})
    spelled = ", ".join(f"{dimension} ({repeats})" for dimension, repeats in sizes)
    truncation = max(run.truncation for run in summary.runs)
    rule = (
        f"Sizes d, with the number of repeats: {spelled}. The test was fixed before the first "
        f"draw: a fit `intercept + slope/d` over the sizes, and the intercept agrees where it is "
        f"within {STANDARD_ERRORS:g} standard errors of the line. `no fit`: chi squared of that "
        f"fit has a probability below {LEAST_PROBABILITY:g}, so 1/d alone does not describe these "
        "sizes; that is no agreement. E_mem at m = inf is E_train and is not counted twice. All m "
        "share points and weights. Series cut off in the simulation change no number by more than "
        f"{truncation:.1g}, to first order.\n\n"
    )
    verdicts = [one.verdict for one in summary.comparisons]
    counts = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    rows = [_agreement_row(one) for one in summary.comparisons]
    columns = [
        "name", "m", "p/d", "error", "line", "mean at the largest d", "intercept",
        "distance in standard errors", "probability of chi squared", "verdict",
    ]  # fmt: skip
    return f"{head}{rule}**{counts}.**\n\n{markdown_table(columns, rows)}"


def _agreement_row(one: Comparison) -> list[str]:
    estimate, found = one.largest.estimates[one.quantity], one.fit
    fitted = ["", "", ""]
    if found is not None:
        fitted = [
            _measured(found.intercept, found.standard_error),
            f"{found.deviation(one.curve):.1f}",
            f"{found.p_value:.2g}",
        ]
    return [
        one.panel.name,
        spelled_draws(one.draws),
        decimal(float(one.psi_p)),
        SYMBOLS[one.quantity],
        decimal(one.curve, 5),
        _measured(estimate.mean, estimate.standard_error),
        *fitted,
        one.verdict,
    ]


def _measured(mean: float, error: float) -> str:
    return f"{decimal(mean, 5)} ± {decimal(error, 2)}"
