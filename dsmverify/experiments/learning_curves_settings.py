"""What the experiment on learning curves is told: its configuration, checked when it is read.

| letter | here | meaning |
|---|---|---|
| psi_n, psi_p | `psi_n`, `psi_p` | training points and features, each per dimension |
| m | `noise_samples` | noise draws for each training point; `inf` in the file is infinity |
| t | `time` | diffusion time |
| lam | `ridge` | a number, or "0+" for the limit of vanishing ridge |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify.curves.activations import activation_named
from dsmverify.errors import InputError, show
from dsmverify.exact import WrittenFloat, parse_exact
from dsmverify.features.extrapolate import FEWEST_SIZES

Floats = NDArray[np.float64]

LIMIT: Final = "0+"
"""The ridge's name in the limit of vanishing ridge."""

LONGEST_LINE: Final = 2001
"""Places of a line, at most: finer ones do not show in a picture."""

LONGEST_SIDE: Final = 301
"""Places on a side of the diagram, at most."""

MOST_DRAWS: Final = 2**53
"""Up to here float64 has every integer."""

_LEAST, _LARGEST = Fraction(np.finfo(np.float64).tiny), Fraction(np.finfo(np.float64).max)

_NO_NAME = frozenset(",|/\n\r")


@dataclass(frozen=True)
class Axis:
    """Places of a picture, equally far apart on a logarithmic scale.

    Args:
        low: first one.
        high: last one.
        count: how many.
    """

    low: Fraction
    high: Fraction
    count: int

    def check(self, key: str, longest: int) -> None:
        """Refuse what is no axis.

        Args:
            key: the table's.
            longest: places at most.

        Raises:
            InputError: `0 < low < high` does not hold, or fewer than two places or too many.
        """
        _positive(f"{key}.low", self.low)
        if self.high <= self.low:
            raise InputError(
                f"{key}.high",
                show(str(self.high)),
                f"it must be above low = {self.low}",
                "give a larger one",
            )
        _check_size(f"{key}.high", self.high)
        if not 2 <= self.count <= longest:
            raise InputError(
                f"{key}.count",
                show(self.count),
                f"there can be 2 to {longest} places",
                "give a number between",
            )

    def places(self) -> Floats:
        """The places, ends included; `[count]`, rounded to 12 digits so that they can be typed."""
        values = np.geomspace(float(self.low), float(self.high), self.count)
        return np.array([float(f"{value:.12g}") for value in values])


@dataclass(frozen=True)
class Panel:
    """One setting: a row of the picture.

    Args:
        name: for tables and titles.
        activation: a name that `dsmverify.curves` knows.
        psi_n: n/d.
        time: t.
        ridge: lam, or "0+".
    """

    name: str
    activation: str
    psi_n: Fraction
    time: Fraction
    ridge: Any

    def check(self, key: str) -> None:
        """Refuse what is no setting.

        Raises:
            InputError: a bad name, an unknown activation, or a number that is not positive.
        """
        if not self.name.strip() or _NO_NAME & set(self.name):
            raise InputError(
                f"{key}.name",
                show(self.name),
                "it stands in tables",
                "give a name without commas, slashes, bars and line breaks",
            )
        _check_activation(f"{key}.activation", self.activation)
        _positive(f"{key}.psi_n", self.psi_n)
        _positive(f"{key}.time", self.time)
        ridge_of(self.ridge, f"{key}.ridge")

    @property
    def lam(self) -> Fraction | str:
        """The ridge: exact, or "0+"."""
        return ridge_of(self.ridge, "ridge")


@dataclass(frozen=True)
class Size:
    """One size of the simulated models.

    Args:
        dimension: d.
        repeats: independent draws of weights and data.
    """

    dimension: int
    repeats: int


@dataclass(frozen=True)
class Simulated:
    """Which points of the curves are simulated.

    Args:
        psi_p: p/d.
        sizes: dimensions with their repeats, rising; the largest one gives the dots of the picture.
    """

    psi_p: tuple[Fraction, ...]
    sizes: tuple[Size, ...]

    def check(self, key: str, panels: tuple[Panel, ...]) -> None:
        """Refuse what cannot be simulated.

        Raises:
            InputError: no places or sizes, sizes that do not rise, fewer than two repeats, or
                numbers of points or features that are no integers.
        """
        if not self.psi_p:
            raise InputError(f"{key}.psi_p", "", "it is empty", "give a place, or use no table")
        for place, psi_p in enumerate(self.psi_p):
            _positive(f"{key}.psi_p[{place}]", psi_p)
        _distinct(f"{key}.psi_p", self.psi_p)
        if not self.sizes:
            raise InputError(f"{key}.sizes", "", "it is empty", "give a size, or use no table")
        before = 1
        for place, size in enumerate(self.sizes):
            if size.dimension <= before:
                raise InputError(
                    f"{key}.sizes[{place}].dimension",
                    show(size.dimension),
                    f"dimensions rise, and are at least 2; before it is {before}",
                    "put them in order",
                )
            before = size.dimension
            if size.repeats < 2:
                raise InputError(
                    f"{key}.sizes[{place}].repeats",
                    show(size.repeats),
                    "a standard error needs two",
                    "give 2 or more",
                )
        ratios = [("psi_n", panel.psi_n) for panel in panels]
        ratios += [("psi_p", psi_p) for psi_p in self.psi_p]
        for name, ratio in ratios:
            for size in self.sizes:
                if (ratio * size.dimension).denominator != 1:
                    raise InputError(
                        f"{key}.sizes",
                        show(size.dimension),
                        f"{name} = {ratio} times it must be an integer",
                        f"give multiples of {ratio.denominator}",
                    )

    @property
    def is_tested(self) -> bool:
        """Whether there are sizes enough to carry the results to infinite dimension."""
        return len(self.sizes) >= FEWEST_SIZES


@dataclass(frozen=True)
class Phase:
    """The diagram over (psi_n, psi_p).

    Args:
        activation: a name that `dsmverify.curves` knows.
        time: t.
        ridge: lam, or "0+".
        noise_samples: one column each.
        axis: of psi_n and of psi_p.
    """

    activation: str
    time: Fraction
    ridge: Any
    noise_samples: tuple[Any, ...]
    axis: Axis

    def check(self, key: str) -> None:
        """Refuse what is no diagram.

        Raises:
            InputError: as for a panel.
        """
        _check_activation(f"{key}.activation", self.activation)
        _positive(f"{key}.time", self.time)
        if ridge_of(self.ridge, f"{key}.ridge") == LIMIT:
            raise InputError(
                f"{key}.ridge",
                show(LIMIT),
                "the errors diverge at p = n m, which the diagram crosses",
                "give a small number",
            )
        _check_draws(f"{key}.noise_samples", self.noise_samples)
        self.axis.check(f"{key}.axis", LONGEST_SIDE)

    @property
    def lam(self) -> Fraction | str:
        """The ridge: exact, or "0+"."""
        return ridge_of(self.ridge, "ridge")

    @property
    def draws(self) -> tuple[float, ...]:
        """Values of m."""
        return tuple(draws_of(value, "noise_samples") for value in self.noise_samples)


@dataclass(frozen=True)
class Curves:
    """The whole configuration.

    Args:
        seed: of the simulations.
        noise_samples: one line each, in every panel.
        psi_p: places of the lines.
        panels: the settings.
        simulation: what is simulated; None for nothing.
        phase: the diagram; None for none.
    """

    seed: int
    noise_samples: tuple[Any, ...]
    psi_p: Axis
    panels: tuple[Panel, ...]
    simulation: Simulated | None = None
    phase: Phase | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a field that does not fit, named with its table.
        """
        if self.seed < 0:
            raise InputError("seed", show(self.seed), "it must not be negative", "give 0 or more")
        _check_draws("noise_samples", self.noise_samples)
        self.psi_p.check("psi_p", LONGEST_LINE)
        if not self.panels:
            raise InputError("panels", "", "there is none", "write [[panels]] and its keys")
        for place, panel in enumerate(self.panels):
            panel.check(f"panels[{place}]")
        _distinct("panels", tuple(panel.name for panel in self.panels))
        if self.simulation is not None:
            self.simulation.check("simulation", self.panels)
            self._check_peaks(self.simulation)
        if self.phase is not None:
            self.phase.check("phase")

    def _check_peaks(self, simulated: Simulated) -> None:
        for panel in self.panels:
            for place, psi_p in enumerate(simulated.psi_p):
                is_peak = any(psi_p == panel.psi_n * m for m in self.draws if not math.isinf(m))
                if panel.lam == LIMIT and is_peak:
                    raise InputError(
                        f"simulation.psi_p[{place}]",
                        show(str(psi_p)),
                        f"without a ridge the errors of {panel.name!r} diverge at p = n m",
                        "leave this place out, or give a ridge",
                    )

    @property
    def draws(self) -> tuple[float, ...]:
        """Values of m."""
        return tuple(draws_of(value, "noise_samples") for value in self.noise_samples)


def ridge_of(value: Any, key: str) -> Fraction | str:
    """The ridge that a file names: positive and exact, or "0+".

    Raises:
        InputError: anything else.
    """
    if value == LIMIT:
        return LIMIT
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
        raise InputError(key, show(value), "it must be a number", f'write 0.01, or "{LIMIT}"')
    written = value.written.replace("_", "") if isinstance(value, WrittenFloat) else value
    ridge = parse_exact(written, field=key)
    if ridge <= 0:
        raise InputError(
            key,
            show(str(value)),
            "it must be positive",
            f'"{LIMIT}" is the limit of vanishing ridge',
        )
    _check_size(key, ridge)
    return ridge


def draws_of(value: Any, key: str) -> float:
    """The number of noise draws that a file names: a positive integer, or infinity.

    Raises:
        InputError: anything else, or more than float64 counts.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        if value > MOST_DRAWS:
            raise InputError(key, show(value), f"{MOST_DRAWS} are the most", "write inf")
        return value
    if value == "inf" or (isinstance(value, float) and value == math.inf):
        return math.inf
    raise InputError(key, show(value), "it must be a positive integer, or inf", "correct the entry")


def spelled_draws(draws: float) -> str:
    """M as text: `10`, `inf`."""
    return "inf" if math.isinf(draws) else str(int(draws))


def _check_draws(key: str, values: tuple[Any, ...]) -> None:
    if not values:
        raise InputError(key, "", "it is empty", "write [1, 2, 10, inf], say")
    found = [draws_of(value, f"{key}[{place}]") for place, value in enumerate(values)]
    _distinct(key, tuple(found))
    if found != sorted(found):
        raise InputError(key, show(list(values)), "the numbers must rise", "put them in order")


def _check_activation(key: str, name: str) -> None:
    try:
        activation_named(name)
    except InputError as error:
        raise InputError(key, error.value, error.rule, error.way_out) from None


def _positive(key: str, value: Fraction) -> None:
    if value <= 0:
        raise InputError(key, show(str(value)), "it must be positive", "give a positive number")
    _check_size(key, value)


def _check_size(key: str, value: Fraction) -> None:
    if not _LEAST <= value <= _LARGEST:
        shown = str(value)
        raise InputError(key, show(shown), "it is no normal float64", "choose another scale")


def _distinct(key: str, values: tuple[Any, ...]) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise InputError(
                f"{key}[{place}]", show(str(value)), "it is there before", "leave one of them out"
            )
