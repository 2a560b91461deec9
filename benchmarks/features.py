"""`python -m benchmarks.features [--threads N] [--out FILE]`: what a simulation at d = 200 costs.

One parameter point of random features, 10 repeats, beside the 60 s that two cores may take. Seconds
of processors stand beside those of the clock: on a busy machine only they say anything.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import time
from pathlib import Path
from typing import Any, Final

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dsmverify.features.simulate import simulate

LIMIT: Final = 60.0
DIMENSION: Final = 200
REPEATS: Final = 10
POINTS: Final[tuple[dict[str, Any], ...]] = (
    {"activation": "relu", "noise_samples": 1},
    {"activation": "relu", "noise_samples": 10},
    {"activation": "relu", "noise_samples": math.inf},
    {"activation": "relu", "noise_samples": 10, "ridge": "0+"},
    {"activation": "tanh", "noise_samples": 10},
    {"activation": "tanh", "noise_samples": math.inf},
    {"activation": "relu", "noise_samples": 10, "model": "equivalent"},
    {"activation": "relu", "noise_samples": 10, "backend": "torch"},
)
"""All at psi_n = 4, psi_p = 2, t = 0.1, and ridge 0.01 where nothing else is said."""


def measured(point: dict[str, Any]) -> dict[str, Any]:
    """Seconds, peak memory and deviations of one point."""
    before, began = time.process_time(), time.perf_counter()
    found = simulate(**point, dimension=DIMENSION, repeats=REPEATS, seed=1)
    wall = time.perf_counter() - began
    processor = time.process_time() - before
    return {
        **{name: str(value) for name, value in point.items()},
        "dimension": DIMENSION,
        "repeats": REPEATS,
        "wall_s": wall,
        "processor_s": processor,
        "limit_s": LIMIT,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "test_error": found.test_error.mean,
        "truncation": float(found.truncation.max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.features", description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with threadpool_limits(options.threads):
        for point in POINTS:
            row = measured(point)
            verdict = "met" if row["wall_s"] <= LIMIT else "MISSED"
            print(
                f"{' '.join(map(str, point.values())):28} wall {row['wall_s']:7.2f} s"
                f"  processor {row['processor_s']:7.2f} s  peak {row['peak_gib']:.2f} GiB"
                f"  limit {LIMIT:.0f} s  {verdict}  load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            rows.append({**row, "threads": options.threads, "load": os.getloadavg()[0]})
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        print(f"written to {options.out}")


if __name__ == "__main__":
    main()
