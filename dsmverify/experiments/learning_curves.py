"""Learning curves of score matching with random features, beside simulations of finite models.

A configuration names settings (activation, n/d, time, ridge) and values of m, the number of noise
draws for each training point. Lines are float64 solutions of the reduced system for many p/d
(`dsmverify.curves`). Dots are finite models that are drawn and minimised exactly, with the standard
errors of their repeats (`dsmverify.features`).

The test of agreement was fixed before the first draw. For each setting, m, p/d and error the means
over at least four sizes are fitted by `intercept + slope/d`; the intercept agrees where it lies
within four standard errors of the line. A fit whose chi squared has a smaller probability than
`LEAST_PROBABILITY` shows that 1/d alone does not describe these sizes: it is `no fit`, which is
neither an agreement nor a deviation.

Approximate throughout and evidence only. The lines rest on Gaussian equivalence, which nothing here
proves, and simulations that agree with a line do not prove it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.curves import learning_curve
from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.errors import InputError, show
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import WORK, Progress, seed_of
from dsmverify.experiments.learning_curves_settings import (
    LIMIT,
    Curves,
    Panel,
    Phase,
    Simulated,
    Size,
    spelled_draws,
)
from dsmverify.experiments.parts import Parts
from dsmverify.features.extrapolate import FEWEST_SIZES, Fit, fit
from dsmverify.features.simulate import Estimate, simulate

Floats = NDArray[np.float64]
Verdict = Literal["agrees", "deviates", "no fit", "not tested"]

KIND: Final = "curves"
ERRORS: Final = ("test_error", "train_error", "memorisation_error")
"""What is drawn and tested."""

LEAST_PROBABILITY: Final = 1e-3
"""A fit in 1/d with a smaller probability of its chi squared is none."""


@dataclass(frozen=True)
class Line:
    """A learning curve: float64, approximate; the condition numbers are those of the solver.

    Attributes:
        panel: the setting.
        draws: m, or infinity.
        psi_p: `[k]`.
        values: `[k]` for each of `ERRORS` and for `new_data_loss`; infinite where the limit of
            vanishing ridge diverges.
        condition: largest condition number of the errors, `[k]`.
    """

    panel: Panel
    draws: float
    psi_p: Floats
    values: Mapping[str, Floats]
    condition: Floats


@dataclass(frozen=True)
class Run:
    """Repeats of one finite model.

    Attributes:
        panel: the setting.
        draws: m, or infinity.
        psi_p: p/d.
        size: d and the number of repeats.
        seed: seed.
        estimates: means with standard errors of `ERRORS` and `new_data_loss`.
        truncation: bound on what truncated series did to any of them, to first order.
    """

    panel: Panel
    draws: float
    psi_p: Fraction
    size: Size
    seed: int
    estimates: Mapping[str, Estimate]
    truncation: float


@dataclass(frozen=True)
class Comparison:
    """One error at one point: the line, and what simulations say.

    Attributes:
        panel: the setting.
        draws: m, or infinity.
        psi_p: p/d.
        quantity: one of `ERRORS`.
        curve: value of the line.
        largest: the run of the largest size.
        fit: in 1/d; None with fewer than four sizes.
    """

    panel: Panel
    draws: float
    psi_p: Fraction
    quantity: str
    curve: float
    largest: Run
    fit: Fit | None

    @property
    def verdict(self) -> Verdict:
        """`agrees` is the only pass."""
        if self.fit is None:
            return "not tested"
        if self.fit.p_value < LEAST_PROBABILITY:
            return "no fit"
        return "agrees" if self.fit.agrees(self.curve) else "deviates"


@dataclass(frozen=True)
class Diagram:
    """Errors over (psi_n, psi_p).

    Attributes:
        phase: the setting.
        axis: places of psi_n and of psi_p, `[k]`.
        values: `[psi_p, psi_n]` by m and error.
    """

    phase: Phase
    axis: Floats
    values: Mapping[float, Mapping[str, Floats]]


@dataclass(frozen=True)
class Summary:
    """What the experiment came to.

    Attributes:
        curves: the configuration.
        lines: learning curves, panel by panel.
        runs: finite models; empty without a simulation.
        comparisons: tests of agreement, in the order of the runs.
        diagram: over (psi_n, psi_p), or None.
        files: what was written.
    """

    curves: Curves
    lines: tuple[Line, ...]
    runs: tuple[Run, ...]
    comparisons: tuple[Comparison, ...]
    diagram: Diagram | None
    files: tuple[Path, ...] = ()

    @property
    def exit_status(self) -> int:
        """1 if an intercept deviates from its line, else 0."""
        return 1 if any(one.verdict == "deviates" for one in self.comparisons) else 0

    def count(self, verdict: Verdict) -> int:
        """Number of tests with a verdict."""
        return sum(one.verdict == verdict for one in self.comparisons)

    def text(self) -> list[str]:
        """Lines for the terminal."""
        points = sum(len(line.psi_p) for line in self.lines)
        found = [f"curves: {len(self.lines)} lines, {points} points, float64, not certified"]
        if self.runs:
            repeats = sum(run.size.repeats for run in self.runs)
            found.append(f"simulation: {len(self.runs)} finite models, {repeats} repeats")
            counted: tuple[Verdict, ...] = ("agrees", "deviates", "no fit", "not tested")
            counts = ", ".join(f"{self.count(verdict)} {verdict}" for verdict in counted)
            found.append(f"intercepts against lines: {counts}; evidence, no proof")
        else:
            found.append("simulation: none")
        return [*found, *(f"wrote {file}" for file in self.files)]


def run(
    document: Document,
    *,
    out: Path,
    simulated: bool = True,
    progress: Progress | None = None,
) -> Summary:
    """Work out lines, simulate, compare, and write tables and pictures.

    Writes `curves.csv`, `curves.md`, `curves.svg`, `curves.pdf`; with a simulation also
    `curves_simulation.csv` and `curves_tests.csv`; with a diagram `phase.svg` and `phase.pdf`.
    Finished simulations are kept in `out/.work`.

    Args:
        document: of the kind `curves`.
        out: folder of the results.
        simulated: whether finite models are simulated.
        progress: told how many simulations are done, and which one is at work.

    Raises:
        InputError: a bad configuration, one of another kind, or a folder that cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    from dsmverify.experiments import learning_curves_plots, learning_curves_report

    summary = worked_out(document, out=out, simulated=simulated, progress=progress)
    contents: dict[str, str | bytes] = {}
    contents |= learning_curves_report.texts(summary)
    contents |= learning_curves_plots.draw(summary)
    files = []
    for name, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode()
        write_atomically(out / name, data)
        files.append(out / name)
    return replace(summary, files=tuple(files))


def worked_out(
    document: Document,
    *,
    out: Path,
    simulated: bool = True,
    progress: Progress | None = None,
) -> Summary:
    """Lines, simulations and their comparison; nothing is written but the work in progress.

    Args:
        document: of the kind `curves`.
        out: folder of the work in progress.
        simulated: whether finite models are simulated.
        progress: as for `run`.

    Raises:
        InputError: as for `run`.
    """
    curves = read(document)
    lines = tuple(
        line_of(panel, draws, places_of(curves, panel))
        for panel in curves.panels
        for draws in curves.draws
    )
    runs: tuple[Run, ...] = ()
    if simulated and curves.simulation is not None:
        runs = tuple(_simulated(curves, curves.simulation, out, progress))
    comparisons = tuple(_comparisons(runs))
    diagram = None if curves.phase is None else diagram_of(curves.phase)
    return Summary(curves, lines, runs, comparisons, diagram)


def read(document: Document) -> Curves:
    """The configuration that a file holds.

    Raises:
        InputError: it is of another kind, or a field is wrong; with the file and the field.
    """
    if document.kind != KIND:
        raise InputError(
            "experiment",
            show(document.kind),
            f"this command draws {KIND!r}",
            f'write experiment = "{KIND}", or run `dsmverify train` on it',
            file=document.source,
        )
    return build(Curves, document.table, document.source)


def places_of(curves: Curves, panel: Panel) -> Floats:
    """Places of a panel's lines: those of the axis, and p = n m where the peaks are.

    In the limit of vanishing ridge the peaks are infinite, and are left out.
    """
    peaks = [float(panel.psi_n) * draws for draws in curves.draws if not math.isinf(draws)]
    low, high = float(curves.psi_p.low), float(curves.psi_p.high)
    inside = [place for place in peaks if low <= place <= high]
    places = curves.psi_p.places()
    if panel.lam == LIMIT:
        return np.setdiff1d(places, inside)
    return np.union1d(places, inside)


def line_of(panel: Panel, draws: float, psi_p: Floats) -> Line:
    """A learning curve.

    Args:
        panel: the setting.
        draws: m, or infinity.
        psi_p: places, `[k]`.
    """
    found = learning_curve(
        activation=panel.activation,
        psi_n=float(panel.psi_n),
        psi_p=psi_p,
        time=float(panel.time),
        ridge=_number(panel.lam),
        noise_samples=draws,
    )
    values = {name: np.asarray(getattr(found, name)) for name in (*ERRORS, "new_data_loss")}
    condition = np.max([np.asarray(found.condition[name]) for name in ERRORS], axis=0)
    return Line(panel, draws, psi_p, values, condition)


def diagram_of(phase: Phase) -> Diagram:
    """Errors over (psi_n, psi_p), for each m."""
    axis = phase.axis.places()
    values = {}
    for draws in phase.draws:
        found = learning_curve(
            activation=phase.activation,
            psi_n=axis[None, :],
            psi_p=axis[:, None],
            time=float(phase.time),
            ridge=_number(phase.lam),
            noise_samples=draws,
        )
        values[draws] = {name: np.asarray(getattr(found, name)) for name in ERRORS}
    return Diagram(phase, axis, values)


def _number(ridge: Fraction | str) -> float | str:
    return ridge if isinstance(ridge, str) else float(ridge)


# Simulation --------------------------------------------------------------------------------------


def _simulated(
    curves: Curves, plan: Simulated, out: Path, progress: Progress | None
) -> Iterator[Run]:
    """The runs, each computed now or taken from the disk."""
    parts = Parts(out / WORK, KIND, {"seed": curves.seed})
    jobs = [
        (panel, draws, psi_p, size)
        for panel in curves.panels
        for draws in curves.draws
        for psi_p in plan.psi_p
        for size in plan.sizes
    ]
    for done, (panel, draws, psi_p, size) in enumerate(jobs):
        if progress is not None:
            name = f"{panel.name}, m = {spelled_draws(draws)}, p/d = {psi_p}, d = {size.dimension}"
            progress(done, len(jobs), name)
        yield _run(parts, curves.seed, panel, draws, psi_p, size)
    if progress is not None:
        progress(len(jobs), len(jobs), "done")


def _run(parts: Parts, seed: int, panel: Panel, draws: float, psi_p: Fraction, size: Size) -> Run:
    # All m share points and weights: their difference is the noise draws' doing.
    own = seed_of(seed, "curves", panel.name, psi_p, size.dimension)
    names = (*ERRORS, "new_data_loss")
    settings = {
        "activation": panel.activation,
        "psi_n": panel.psi_n,
        "psi_p": psi_p,
        "time": panel.time,
        "ridge": panel.lam,
        "noise_samples": spelled_draws(draws),
    }

    def work() -> dict[str, Any]:
        found = simulate(
            panel.activation,
            float(panel.psi_n),
            float(psi_p),
            float(panel.time),
            _number(panel.lam),
            draws,
            dimension=size.dimension,
            repeats=size.repeats,
            seed=own,
        )
        estimates = {name: found.estimate(name) for name in names}
        return {
            "means": {name: estimates[name].mean for name in names},
            "errors": {name: estimates[name].standard_error for name in names},
            "truncation": float(found.truncation.max()),
        }

    key = settings | {"dimension": size.dimension, "repeats": size.repeats, "seed": own}
    kept = parts.result(key, work)
    estimates = {
        name: Estimate(_finite(kept["means"][name]), _finite(kept["errors"][name]), size.repeats)
        for name in names
    }
    return Run(panel, draws, psi_p, size, own, estimates, _finite(kept["truncation"]))


def _finite(value: float | None) -> float:
    """What JSON has no words for is null there."""
    return math.nan if value is None else value


def _comparisons(runs: Sequence[Run]) -> Iterator[Comparison]:
    groups: dict[tuple[str, float, Fraction], list[Run]] = {}
    for one in runs:
        groups.setdefault((one.panel.name, one.draws, one.psi_p), []).append(one)
    for group in groups.values():
        yield from _comparisons_of(group)


def _comparisons_of(group: Sequence[Run]) -> Iterator[Comparison]:
    """The errors of one point, tested where there are sizes enough."""
    last = group[-1]
    line = line_of(last.panel, last.draws, np.array([float(last.psi_p)]))
    for quantity in ERRORS:
        if quantity == "memorisation_error" and math.isinf(last.draws):
            continue  # it is the training error
        found = [one.estimates[quantity] for one in group]
        is_tested = len(group) >= FEWEST_SIZES and all(
            math.isfinite(one.mean) and one.standard_error > 0 for one in found
        )
        fitted = None
        if is_tested:
            fitted = fit(
                [one.size.dimension for one in group],
                [one.mean for one in found],
                [one.standard_error for one in found],
                quantity=quantity,
            )
        curve = float(line.values[quantity][0])
        yield Comparison(last.panel, last.draws, last.psi_p, quantity, curve, last, fitted)
