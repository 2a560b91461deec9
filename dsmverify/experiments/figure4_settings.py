"""Configuration of figure 4: which samples, which networks, how much of it quickly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Model
from dsmverify.ensembles.times import Times
from dsmverify.errors import InputError, show
from dsmverify.experiments.clouds import GenerationSettings, MetricSettings
from dsmverify.experiments.groups import Option, Rate, check_names, gaussian_points, seed_of
from dsmverify.instance import Batch

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes.

    Args:
        dimensions: that are trained; the others have their power measured only.
        simulations: in each.
        steps: of SGD, at most, the same in each dimension.
        sets: generated with each network.
        generation_steps: of the integrator.
        repeats: behind a band of the power.
        options: that are run.
    """

    dimensions: tuple[int, ...]
    simulations: int
    steps: int
    sets: int
    generation_steps: int
    repeats: int
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a number below 1, or negative steps.
        """
        for name in ("simulations", "sets", "generation_steps", "repeats"):
            if getattr(self, name) < 1:
                raise InputError(
                    f"quick.{name}",
                    str(getattr(self, name)),
                    "it must be at least 1",
                    "give 1 or more",
                )
        if self.steps < 0:
            raise InputError(
                "quick.steps", str(self.steps), "it must be at least 0", "give a number of steps"
            )


@dataclass(frozen=True)
class Figure4:
    """Configuration of figure 4.

    Args:
        seed: of samples, initial parameters and training noise.
        simulations: in each dimension, each with a sample of its own.
        points: n.
        deviation: of each coordinate of a training point (the page: N(0, 4 I)).
        dimensions: d, ascending.
        rate: eta and the steps.
        level: of all trends together, two-sided.
        model: the base's; its dimension is taken from `dimensions`.
        batch: the base's.
        times: at which the score is trained.
        generation: how sets are generated.
        metrics: what they are compared by.
        shown: dimensions of the pictures of clouds; where one is not trained, the largest trained
            one takes its place.
        quick: what `--quick` changes.
        mean_over_coordinates: whether the base's loss averages over the d coordinates, the same as
            a rate d times smaller.
        options: changes to the base, each by itself, in the dimensions each names; each says for
            itself whether its loss averages over coordinates.
    """

    seed: int
    simulations: int
    points: int
    deviation: float
    dimensions: tuple[int, ...]
    rate: Rate
    level: float
    model: Model
    batch: Batch
    times: Times
    generation: GenerationSettings
    metrics: MetricSettings
    shown: tuple[int, ...]
    quick: Quick
    mean_over_coordinates: bool = True
    options: tuple[Option, ...] = ()

    def __post_init__(self) -> None:
        """Check ranges and names.

        Raises:
            InputError: no simulations, fewer than two points, a deviation or level out of range,
                dimensions below 2 or not ascending, a model with a dimension of its own, times of
                generation that the score is not trained at, two options of one name, or an option
                or a dimension that does not exist.
        """
        if self.simulations < 1:
            raise InputError("simulations", str(self.simulations), "at least one", "give 1 or more")
        if self.points < 2:
            raise InputError("points", str(self.points), "two have a spacing", "give 2 or more")
        if not (self.deviation > 0 and math.isfinite(self.deviation)):
            raise InputError("deviation", str(self.deviation), "it is positive", "give 2, say")
        if not 0 < self.level < 1:
            raise InputError("level", str(self.level), "it lies between 0 and 1", "give 0.05, say")
        known = list(self.dimensions)
        if not known or known[0] < 2 or known != sorted(set(known)):
            raise InputError(
                "dimensions",
                ", ".join(map(str, known)),
                "there is one at least, from 2 on, in ascending order",
                "give each once",
            )
        if self.model.dimension != 1:
            raise InputError(
                "model.dimension",
                str(self.model.dimension),
                "the key `dimensions` says which dimensions are run",
                "leave it out of the model",
            )
        g, t = self.generation, self.times
        if not t.start <= g.start < g.end <= t.end:
            raise InputError(
                "generation.start",
                f"{g.start:g} to {g.end:g}",
                f"scores are trained at times from {t.start:g} to {t.end:g} only",
                "generate between these",
            )
        check_names(self.options)
        names = [option.name for option in self.options]
        for name in self.quick.options:
            if name not in names:
                raise InputError(
                    "quick.options", show(name), "there is no such option", f"known: {names}"
                )
        lists = [("quick.dimensions", self.quick.dimensions), ("shown", self.shown)]
        lists += [(f"options[{o.name}].dimensions", o.dimensions) for o in self.options]
        for where, dimensions in lists:
            for d in dimensions:
                if d not in known:
                    raise InputError(
                        where, str(d), "it is one of `dimensions`", f"these are {known}"
                    )

    def divisor(self, dimension: int) -> int:
        """What the base's rate is divided by: d where its loss averages over coordinates."""
        return dimension if self.mean_over_coordinates else 1

    def sample(self, dimension: int, simulation: int) -> Floats:
        """Training points of a simulation. `[n, d]`."""
        seed = seed_of(self.seed, "figure4", "data", dimension, simulation)
        return self.deviation * gaussian_points(seed, self.points, dimension)

    def ensemble(
        self, model: Model, batch: Batch, dimension: int, rates: Sequence[float], steps: int
    ) -> ConditionedEnsemble:
        """The simulations of a dimension, each on its own sample; all options share their seeds.

        Args:
            model: its dimension is left open.
            batch: the rule.
            dimension: d.
            rates: of each simulation, from the first on.
            steps: of SGD.
        """
        numbers = range(len(rates))
        return ConditionedEnsemble.of(
            replace(model, dimension=dimension),
            batch,
            self.times,
            [self.sample(dimension, s) for s in numbers],
            rates,
            [seed_of(self.seed, "figure4", "training", dimension, s) for s in numbers],
            [steps] * len(rates),
        )

    def made_quick(self) -> Figure4:
        """The configuration that `--quick` runs; options that are not run are left out."""
        q = self.quick
        return replace(
            self,
            simulations=q.simulations,
            generation=replace(self.generation, sets=q.sets, steps=q.generation_steps),
            metrics=replace(self.metrics, repeats=q.repeats),
            options=tuple(o for o in self.options if o.name in q.options),
        )
