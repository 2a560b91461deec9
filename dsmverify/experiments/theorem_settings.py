"""Configuration of the theorem experiment: what is in it, and in which range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import InputError, show
from dsmverify.exact import spell
from dsmverify.experiments import page
from dsmverify.instance import Batch, Instance, NoiseLevel
from dsmverify.minima import MAX_WIDTH


@dataclass(frozen=True)
class SampleSettings:
    """A sample, its noise level, and what is done with it.

    Args:
        name: how tables call it.
        mu: signal factor.
        sigma: noise level.
        widths: m of the networks whose minima are sought.
        factors: rates, as multiples: of theorem 8's threshold in its regime, of the largest rate
            that is stable in mean square elsewhere.
        count: n of an equispaced sample from 0.
        spacing: its Delta.
        points: instead, the points themselves.
    """

    name: str
    mu: Fraction
    sigma: Fraction
    widths: tuple[int, ...]
    factors: tuple[Fraction, ...]
    count: int = 0
    spacing: Fraction = Fraction(1)
    points: tuple[Fraction, ...] = ()

    @property
    def instance(self) -> Instance:
        """The sample without a network."""
        points = self.points or tuple(self.spacing * place for place in range(self.count))
        return Instance(self.name, points, NoiseLevel(sigma=self.sigma, mu=self.mu))

    def check(self, key: str) -> None:
        """Check ranges.

        Args:
            key: the sample's own, `regime[0]` say.

        Raises:
            InputError: fewer than two points, a bad sample or noise level, or a width or factor out
                of range.
        """
        if len(self.points) < 2 and (self.points or self.count < 2):
            name, size = ("points", len(self.points)) if self.points else ("count", self.count)
            raise InputError(
                f"{key}.{name}",
                show(size),
                "a sample has at least 2 points",
                "give count or points",
            )
        if not self.points:
            _check_positive(f"{key}.spacing", self.spacing)
        try:
            _ = self.instance
        except InputError as error:
            error.argument = f"{key}.{error.argument}"
            raise
        _check_widths(f"{key}.widths", self.widths)
        _check_factors(f"{key}.factors", self.factors)


@dataclass(frozen=True)
class RegimeRuns:
    """Runs inside the regime.

    Args:
        width: m of those from random parameters.
        steps: SGD steps of every run.
        factors: rates, as multiples of the threshold.
        seeds: how many runs of each.
    """

    width: int
    steps: int
    factors: tuple[Fraction, ...]
    seeds: int


@dataclass(frozen=True)
class StableMinimaSearch:
    """The search for linearly stable minima that break eq. 8.

    Args:
        samples: random ones, besides the two of the prediction.
        widths: of the networks.
        starts: random starts for each sample and width, besides the structured ones.
    """

    samples: int
    widths: tuple[int, ...]
    starts: int


@dataclass(frozen=True)
class WideRun:
    """One setting of wide networks on the page's distinct training points.

    Args:
        name: how tables call it.
        mu: signal factor.
        sigma: noise level.
        rate: eta.
        steps: SGD steps.
        inner: `"signs"`, frozen, or `"gaussian"`, trained.
    """

    name: str
    mu: Fraction
    sigma: Fraction
    rate: Fraction
    steps: int
    inner: Literal["signs", "gaussian"] = "signs"


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes: widths at most, of small and wide networks, and how much is tried.

    The search for minima that break eq. 8 keeps the two samples of its prediction and its smallest
    width.
    """

    small_width: int
    wide_width: int
    random_starts: int
    samples: int
    wide_runs: int
    steps: int
    polish_budget: int


@dataclass(frozen=True)
class Theorem:
    """Configuration.

    Args:
        seed: of everything.
        random_starts: of each search for minima.
        batch: of runs and of stability.
        regime: samples inside the theorem's regime.
        regime_runs: runs there.
        minima: ordinary samples.
        stable_minima: the search for minima that break eq. 8.
        sgd_starts: short runs whose ends are starts of the search, for each sample and width.
        sgd_steps: their steps.
        wide_width: m of wide networks.
        wide: their settings.
        polish_budget: evaluations for each.
        products: products of the second-moment operator spent on each wide network; 0 for none.
        quick: what `--quick` changes.
    """

    seed: int
    random_starts: int
    batch: Batch
    regime: tuple[SampleSettings, ...]
    regime_runs: RegimeRuns
    minima: tuple[SampleSettings, ...]
    stable_minima: StableMinimaSearch
    sgd_starts: int
    sgd_steps: int
    wide_width: int
    wide: tuple[WideRun, ...]
    polish_budget: int
    products: int
    quick: Quick

    def __post_init__(self) -> None:
        """Check ranges, so that nothing is computed before all of it is known to be possible.

        Raises:
            InputError: a number out of range, a name given twice, or a batch without replacement
                that is larger than a sample.
        """
        quick, runs, search = self.quick, self.regime_runs, self.stable_minima
        for key, value, least in (
            ("random_starts", self.random_starts, 0),
            ("sgd_starts", self.sgd_starts, 0),
            ("sgd_steps", self.sgd_steps, 0),
            ("wide_width", self.wide_width, 1),
            ("polish_budget", self.polish_budget, 1),
            ("products", self.products, 0),
            ("regime_runs.width", runs.width, 1),
            ("regime_runs.steps", runs.steps, 0),
            ("regime_runs.seeds", runs.seeds, 0),
            ("stable_minima.samples", search.samples, 0),
            ("stable_minima.starts", search.starts, 0),
            ("quick.small_width", quick.small_width, 1),
            ("quick.wide_width", quick.wide_width, 1),
            ("quick.random_starts", quick.random_starts, 0),
            ("quick.samples", quick.samples, 0),
            ("quick.wide_runs", quick.wide_runs, 0),
            ("quick.steps", quick.steps, 0),
            ("quick.polish_budget", quick.polish_budget, 1),
        ):
            _check_least(key, value, least)
        _check_factors("regime_runs.factors", runs.factors)
        _check_widths("stable_minima.widths", search.widths)
        for part, samples in (("regime", self.regime), ("minima", self.minima)):
            for place, one in enumerate(samples):
                one.check(f"{part}[{place}]")
                self._check_batch(f"{part}[{place}]", one.instance.size)
            _check_names(part, samples)
        for place, wide in enumerate(self.wide):
            key = f"wide[{place}]"
            _check_positive(f"{key}.rate", wide.rate)
            _check_least(f"{key}.steps", wide.steps, 0)
            for name in ("mu", "sigma"):
                if not 0 < getattr(wide, name) < 1:
                    raise InputError(
                        f"{key}.{name}",
                        spell(getattr(wide, name)),
                        "it must lie strictly between 0 and 1",
                        f"give {name} in (0, 1)",
                    )
        _check_names("wide", self.wide)
        if self.wide:
            self._check_batch("the page's sample", len(page_points()))

    def _check_batch(self, key: str, size: int) -> None:
        if not self.batch.replacement and self.batch.size > size:
            raise InputError(
                "batch.size",
                show(self.batch.size),
                f"a batch without replacement has at most the {size} points of {key}",
                "give a smaller size, or replacement = true",
            )

    def shortened(self) -> Theorem:
        """The quick version."""
        q = self.quick

        def few(samples: Sequence[SampleSettings]) -> tuple[SampleSettings, ...]:
            return tuple(
                replace(one, widths=chosen)
                for one in samples[: q.samples]
                if (chosen := tuple(w for w in one.widths if w <= q.small_width))
            )

        return replace(
            self,
            random_starts=q.random_starts,
            regime=few(self.regime),
            regime_runs=replace(
                self.regime_runs, seeds=min(self.regime_runs.seeds, 1), steps=q.steps
            ),
            minima=few(self.minima),
            stable_minima=StableMinimaSearch(0, (min(self.stable_minima.widths),), 0),
            sgd_starts=min(self.sgd_starts, 1),
            wide_width=q.wide_width,
            wide=tuple(
                replace(one, steps=min(one.steps, q.steps)) for one in self.wide[: q.wide_runs]
            ),
            polish_budget=q.polish_budget,
        )


def page_points() -> NDArray[np.float64]:
    """The page's training points without repetition, sorted: claims are about distinct ones.

    The page has 20, two of them equal. `[19]`, as digitised.

    Source: figure 1, p. 11.
    """
    return np.unique(page.training_points().best)


def _check_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(key, show(value), f"it must be at least {least}", f"give {least} or more")


def _check_positive(key: str, value: Fraction) -> None:
    if value <= 0:
        raise InputError(key, spell(value), "it must be positive", "give a number above 0")


def _check_widths(key: str, widths: Sequence[int]) -> None:
    if not widths or not all(1 <= width <= MAX_WIDTH for width in widths):
        raise InputError(
            key,
            show(list(widths)),
            f"minima are proved for 1 to {MAX_WIDTH} neurons",
            "give widths in this range",
        )


def _check_factors(key: str, factors: Sequence[Fraction]) -> None:
    if not factors:
        raise InputError(key, "[]", "there is at least one rate", "give factors above 0")
    for place, factor in enumerate(factors):
        _check_positive(f"{key}[{place}]", factor)


def _check_names(key: str, entries: Sequence[Any]) -> None:
    names = [entry.name for entry in entries]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(f"{key}[{place}].name", show(name), "another has it", "rename one")
