"""`python -m benchmarks [--quick] [NAME...]`: measure, print, write `reports/benchmarks.json`."""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks import baselines, conditioned, curves, measures, posterior, reports, training
from benchmarks.pairs import Measurement, limited, paired, seconds
from benchmarks.samples import spaced, wide
from dsmverify.approximations import Approximations, bounded_risk_of_arrays
from dsmverify.certify import precision
from dsmverify.checking import check
from dsmverify.facts import Facts
from dsmverify.formulas import curvature
from dsmverify.integrals import Accuracy
from dsmverify.systems import float64

RATIOS = (1, 10, 100, 300)
MEMORY_LIMIT = 2.0
"""GiB."""


def risk(rounds: int) -> Iterator[Measurement]:
    data = wide()
    plain = [baselines.monte_carlo_numpy(data), baselines.monte_carlo_torch(data)]
    best = min((run for run in plain if run is not None), key=seconds)

    def ours() -> object:
        return bounded_risk_of_arrays(
            data.points, data.mu, data.sigma, data.inner, data.bias, data.outer
        )

    note = (
        f"n=20 m=1000, value, gradient and error bound; baseline {best.__qualname__.split('.')[0]}"
    )
    yield paired("risk", ours, best, rounds=rounds, target=50, note=note)


def kernel(rounds: int) -> Iterator[Measurement]:
    instance = wide().instance()
    known = Approximations(instance)
    sample, network = known.sample, known.network

    def ours() -> float:
        fresh = Approximations(instance)
        fresh.sample, fresh.network = sample, network
        return fresh.kernel_leading[0]

    def plain() -> float:
        return baselines.assembled_leading(
            lambda: curvature.tangent_kernel(float64.SYSTEM, sample, network)
        )

    apart = abs(ours() / plain() - 1)
    note = f"n=20 m=1000; relative difference {apart:.1e}; baseline: closed-form matrix, eigsh"
    yield paired("kernel", ours, plain, rounds=rounds, target=20, note=note)


def certified_risk(rounds: int) -> Iterator[Measurement]:
    instance = wide().instance()

    def ours() -> Any:
        with precision(128):
            return Facts(instance, Accuracy()).risk

    note = f"n=20 m=1000, 128 bits, {ours().rel_accuracy_bits()} right"
    yield limited("certified_risk", ours, 1.0, rounds=rounds, note=note)


def certified_score_risk(rounds: int) -> Iterator[Measurement]:
    for ratio in RATIOS:
        instance = spaced(ratio)

        def ours(instance: Any = instance) -> Any:
            with precision(96):
                return Facts(instance, Accuracy(42)).risk_empirical_score

        note = f"n=20 sigma=0.31 ratio {ratio}, {ours().rel_accuracy_bits()} bits right"
        yield limited(f"certified_score_risk@{ratio}", ours, 1.0, rounds=rounds, note=note)


def battery(rounds: int) -> Iterator[Measurement]:
    yield limited("battery", lambda: check(jobs=2), 180.0, rounds=1, note="every claim, two jobs")
    peak = sum(
        resource.getrusage(who).ru_maxrss * (1 if who == resource.RUSAGE_SELF else 2)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    gibibytes = peak / 2**20
    note = "GiB, not seconds: this process and twice its largest worker"
    yield Measurement("memory", gibibytes, MEMORY_LIMIT, MEMORY_LIMIT / gibibytes, 1, note)


BENCHMARKS: dict[str, Callable[[int], Iterator[Measurement]]] = {
    "risk": risk,
    "kernel": kernel,
    "certified_risk": certified_risk,
    "certified_score_risk": certified_score_risk,
    "sharpness": measures.sharpness,
    "excess": measures.excess,
    "training_step": training.training_step,
    "training_threads": training.training_threads,
    "figure_2": training.figure_2,
    "conditioned": conditioned.conditioned_step,
    "empirical_scores": posterior.empirical_scores,
    "learning_curve": curves.curve_points,
    "certified_point": curves.certified_points,
    "report": reports.writing,
    "battery": battery,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="few rounds, no battery")
    parser.add_argument("--out", type=Path, default=Path("reports/benchmarks.json"))
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"NAME: {sorted(unknown)}, but it must be one of {sorted(BENCHMARKS)}")
    names = options.names or [
        name for name in BENCHMARKS if not (options.quick and name == "battery")
    ]
    found: list[Measurement] = []
    np.seterr(all="ignore")
    for name in names:
        rounds = 2 if options.quick else 7
        if name == "battery":
            found += _printed(BENCHMARKS[name](rounds))
            continue
        with threadpool_limits(1):
            found += _printed(BENCHMARKS[name](rounds))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [row.as_json() for row in found]
    if options.names and options.out.exists():
        # Some names only: the other rows stay as they were measured.
        new = {row["name"] for row in rows}
        kept = json.loads(options.out.read_text(encoding="utf-8"))
        rows = [row for row in kept if row["name"] not in new] + rows
    options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(f"written to {options.out}")


def _printed(rows: Iterator[Measurement]) -> list[Measurement]:
    kept = []
    for row in rows:
        print(row.line(), flush=True)
        kept.append(row)
    return kept


if __name__ == "__main__":
    main()
