"""Values inside their balls: `python -m benchmarks.containment --instances 10000`.

Random instances, seeded one by one. Every quantity is evaluated in balls at a working precision
and at twice that precision; the middle of the sharper ball must lie inside the first ball, and
float64's running error bound must hold the risk and the gradient.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from dsmverify.approximations import bounded_risk
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import posterior
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import SYSTEM, ball

BITS = 96
FACTS = (
    "risk", "gradient", "hessian", "tangent_kernel", "tv_network", "curvature_constant", "bound",
    "learning_rate_threshold", "excess_risk_bound", "sigma_1", "sigma_3", "sigma_4",
)  # fmt: skip
LOCAL = (
    "density", "posterior_mean", "posterior_variance", "posterior_third_moment",
    "empirical_score", "empirical_score_slope", "empirical_score_curvature",
)  # fmt: skip


def random_instance(seed: int) -> Instance:
    """A small instance: ties of kinks, dead neurons, tails, every spelling of the noise level."""
    chance = random.Random(f"containment {seed}")
    size, width = chance.randint(2, 6), chance.randint(1, 5)
    scale = Fraction(10) ** chance.randint(-2, 2)
    points = [scale * chance.randint(-50, 50) / 10]
    for _ in range(size - 1):
        points.append(points[-1] + scale * Fraction(chance.randint(1, 60), 20))
    level = Fraction(chance.randint(1, 99), 100) / chance.choice((1, 1, 10))
    spellings = (
        NoiseLevel(sigma=level),
        NoiseLevel(sigma=level, mu=Fraction(chance.randint(1, 99), 100)),
        NoiseLevel(time=level),
    )
    signs = chance.random() < 0.5
    inner = [
        Fraction(
            chance.choice((-1, 1)) * (1 if signs else chance.randint(1, 30)), 1 if signs else 10
        )
        for _ in range(width)
    ]
    kinks = [points[0] + (points[-1] - points[0]) * Fraction(chance.randint(-4, 14), 10)]
    for _ in range(width - 1):
        tie = chance.random() < 0.3
        far = chance.randint(-40, 140) if chance.random() < 0.2 else chance.randint(-4, 14)
        kinks.append(kinks[-1] if tie else points[0] + (points[-1] - points[0]) * Fraction(far, 10))
    outer = [Fraction(chance.randint(-40, 40), 8) for _ in range(width)]
    biases = [-w * kink for w, kink in zip(inner, kinks, strict=True)]
    network = NetworkData(tuple(inner), tuple(biases), tuple(outer))
    noise = chance.choice(spellings)
    return Instance(f"containment {seed}", tuple(points), noise, network)


def quantities(instance: Instance, bits: int) -> dict[str, list[arb]]:
    """Every quantity of an instance as balls at a working precision."""
    with precision(bits):
        facts = Facts(instance, Accuracy())
        found = {name: _flat(getattr(facts, name)) for name in FACTS}
        low, high = instance.points[0], instance.points[-1]
        places = [low + (high - low) * Fraction(k, 5) for k in range(-2, 8, 3)]
        y = np.array([ball(place) for place in places], dtype=object)
        anchor = np.array([facts.places.nearest(point) for point in y])
        for name in LOCAL:
            found[name] = _flat(getattr(posterior, name)(SYSTEM, y, facts.sample, anchor))
        case = facts.case()
        found["weight"] = [case.weight(facts.sample.mu * ball(x)) for x in instance.points[1:-1]]
    return found


def failures(instance: Instance) -> list[str]:
    """What of an instance is not inside its ball."""
    coarse, sharp = quantities(instance, BITS), quantities(instance, 2 * BITS)
    missed = [
        f"{instance.name}: {name}[{place}]"
        for name, balls in coarse.items()
        for place, (wide, narrow) in enumerate(zip(balls, sharp[name], strict=True))
        if not is_inside(wide, narrow)
    ]
    return missed + running_failures(instance, sharp["risk"][0], sharp["gradient"])


def is_inside(wide: arb, narrow: arb) -> bool:
    """Whether the sharper value, the middle of its ball, lies inside the first ball."""
    return bool(wide.is_finite() and narrow.is_finite() and wide.contains(narrow.mid()))


def running_failures(instance: Instance, risk: arb, gradient: Sequence[arb]) -> list[str]:
    """Where float64's running error bound does not hold the certified value."""
    found = bounded_risk(instance)
    pairs = [("risk", found.risk, found.risk_error, risk)]
    pairs += [
        (f"gradient[{k}]", float(value), float(error), gradient[k])
        for k, (value, error) in enumerate(zip(found.gradient, found.gradient_error, strict=True))
    ]
    missed = [
        f"{instance.name}: running {name}"
        for name, value, error, exact in pairs
        if not np.isinf(error) and not _holds(value, error, exact)
    ]
    return missed + ([f"{instance.name}: negative risk"] if found.risk < 0 else [])


def lost_bits(instance: Instance, bits: int, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Bits that each quantity lacks of the working precision: radius beside the value.

    An entry of an array is measured beside the largest entry of its array.
    """
    with precision(bits):
        facts = Facts(instance, Accuracy())
        for name in names:
            balls = _flat(getattr(facts, name))
            size = max((abs(entry).abs_upper() for entry in balls), key=float)
            radius = max((arb(entry.rad()) for entry in balls), key=float)
            if size > 0 and radius > 0:
                right = float((arb(size) / radius).log() / arb(2).log())
                yield round(bits - right), name


def _holds(value: float, error: float, exact: arb) -> bool:
    return bool(arb(value, error).contains(exact.mid()))


def _flat(value: Any) -> list[arb]:
    return [value] if isinstance(value, arb) else list(np.asarray(value, dtype=object).ravel())


def _batch(seeds: range) -> list[str]:
    return [line for seed in seeds for line in failures(random_instance(seed))]


def _batches(first: int, count: int) -> Iterator[range]:
    step = 100
    for start in range(first, first + count, step):
        yield range(start, min(start + step, first + count))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.containment", description=__doc__)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="number of the first instance")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    missed: list[str] = []
    done = 0
    batches = list(_batches(options.seed * 10**7, options.instances))
    with ProcessPoolExecutor(options.jobs) as pool:
        for batch, found in zip(batches, pool.map(_batch, batches), strict=True):
            done += len(batch)
            missed += found
            if sys.stderr.isatty() or done % 1000 == 0:
                print(f"{done}/{options.instances}, {len(missed)} outside", file=sys.stderr)
    for line in missed[:20]:
        print(line)
    print(f"{done} instances, {len(missed)} values outside their balls")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
