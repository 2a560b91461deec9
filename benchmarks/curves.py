"""Learning curves: time of a point in float64 and certified, and float64 held against certified.

`python -m benchmarks.curves --points 10000 --jobs 2` is the check that float64 lies within 1e-14
times the reported condition of the certified value, at many points; it ends with 1 if it does not.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from benchmarks.pairs import Measurement, limited, seconds
from dsmverify.curves import LearningCurve, learning_curve
from dsmverify.curves.certified import OBSERVABLES

Floats = NDArray[np.float64]

POINT_LIMIT = 20e-6
"""Seconds a point of a grid may take in float64."""

MORE_LIMIT = 60e-6
"""The same with condition numbers and derivatives."""

CERTIFIED_LIMIT = 0.02
"""Seconds a certified point may take, the moments of its activation known."""

GRID = 100_000
CERTIFIED = 200
ALLOWED = 1e-14
ACTIVATIONS = ("relu", "erf", "sin", "abs", "linear")
RIDGES = (None, None, 1e-10, 1e-14, "0+")
CHUNK = 200


@dataclass(frozen=True)
class Points:
    """Arguments of `learning_curve`: arrays, one activation, one kind of ridge."""

    activation: str
    psi_n: Floats
    psi_p: Floats
    time: Floats
    ridge: Any
    noise_samples: Floats

    def curve(self) -> LearningCurve:
        """The curve through these points."""
        return learning_curve(
            self.activation, self.psi_n, self.psi_p, self.time, self.ridge, self.noise_samples
        )


def random_points(
    count: int, seed: int, activation: str = "relu", ridge: Any = None, *, near: bool = False
) -> Points:
    """Points over the whole range: sizes 1e-3..1e4, times 1e-3..5, m of 1..1000 and infinity.

    Args:
        count: how many.
        seed: of the generator.
        activation: name.
        ridge: a number or "0+" for all of them; None draws from 1e-14..1e6.
        near: whether p lies within 1e-10..1e-1 of n m, relatively, on either side.
    """
    draw = np.random.default_rng(seed)
    psi_n = 10 ** draw.uniform(-3, 4, count)
    copies = np.round(10 ** draw.uniform(0, 3, count))
    copies[draw.random(count) < 0.2] = np.inf
    psi_p = 10 ** draw.uniform(-3, 4, count)
    if near:
        side = draw.choice([-1.0, 1.0], count) * 10 ** draw.uniform(-10, -1, count)
        # Linear features have rank d at most: their threshold is there in n m = d too.
        if activation == "linear":
            psi_n = np.where(np.isinf(copies), psi_n, 1 / copies)
            psi_p = np.where(np.isinf(copies), psi_p, np.maximum(psi_p, 1.0))
            psi_n = psi_n * (1 + side)
        else:
            psi_p = np.where(np.isinf(copies), psi_p, psi_n * copies * (1 + side))
    times = 10 ** draw.uniform(-3, math.log10(5), count)
    ridges = 10 ** draw.uniform(-14, 6, count) if ridge is None else ridge
    return Points(activation, psi_n, psi_p, times, ridges, copies)


def worst_ratio(points: Points) -> float:
    """Largest distance of float64 from certified, in units of `1e-14 condition`; NaN: inf."""
    curve = points.curve()
    condition = curve.condition
    worst = 0.0
    for index in range(points.psi_n.size):
        balls = curve.enclose(18, index=index)
        for name in OBSERVABLES:
            value = float(getattr(curve, name)[index])
            gap = float(abs(getattr(balls, name) - arb(value)).upper())
            allowed = ALLOWED * float(condition[name][index])
            ratio = 0.0 if gap == 0 else math.inf if not allowed > 0 else gap / allowed
            worst = max(worst, ratio if math.isfinite(value) else math.inf)
    return worst


def families(count: int) -> list[Points]:
    """About `count` points: every activation with closed moments, every kind of ridge."""
    kinds = list(itertools.product(ACTIVATIONS, RIDGES, (False, True)))
    each = max(1, count // len(kinds))
    found = []
    for number, (activation, ridge, near) in enumerate(kinds):
        for start in range(0, each, CHUNK):
            size = min(CHUNK, each - start)
            seed = 1000 * number + start // CHUNK
            found.append(random_points(size, seed, activation, ridge, near=near))
    return found


def curve_points(rounds: int) -> Iterator[Measurement]:
    """A grid of 10^5 points in float64, over the whole range and near `p = n m`."""
    for near in (False, True):
        points = random_points(GRID, 1, near=near)
        name = f"learning_curve@{'near' if near else 'anywhere'}"
        spent = time.process_time()
        seconds(points.curve)
        spent = time.process_time() - spent
        note = f"{GRID} points, all errors; {1e6 * spent / GRID:.1f} us of processor a point"
        yield limited(name, points.curve, POINT_LIMIT * GRID, rounds=rounds, note=note)
        curve = points.curve()

        def more(curve: LearningCurve = curve) -> None:
            fresh = LearningCurve(curve.activation, curve.setting)
            assert fresh.condition and fresh.derivatives

        note = f"{GRID} points, with condition numbers and all derivatives"
        yield limited(f"{name}+", more, MORE_LIMIT * GRID, rounds=min(rounds, 3), note=note)


def certified_points(rounds: int) -> Iterator[Measurement]:
    """Certified points, 15 digits, one by one."""
    points = random_points(CERTIFIED, 2, near=True)
    curve = points.curve()

    def ours() -> None:
        for index in range(CERTIFIED):
            curve.enclose(15, index=index)

    spent = time.process_time()
    ours()
    spent = (time.process_time() - spent) / CERTIFIED
    note = f"{CERTIFIED} points near p = n m, 15 digits; {1e3 * spent:.1f} ms of processor each"
    limit = CERTIFIED_LIMIT * CERTIFIED
    yield limited("certified_point", ours, limit, rounds=min(rounds, 3), note=note)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.curves", description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    parts = families(options.points)
    with ProcessPoolExecutor(options.jobs) as pool:
        ratios = list(pool.map(worst_ratio, parts))
    total = sum(part.psi_n.size for part in parts)
    worst = max(range(len(parts)), key=lambda k: ratios[k])
    print(
        f"{total} points: float64 within {max(ratios):.3f} of 1e-14 times its condition, "
        f"worst for {parts[worst].activation}"
    )
    sys.exit(max(ratios) > 1)


if __name__ == "__main__":
    main()
