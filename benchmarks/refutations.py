"""How long `refute` takes for every claim that is on record as REFUTED, with several seeds.

    python -m benchmarks.refutations --seeds 0 1 2 --out reports/refutations.json

Each search starts from nothing: kept counterexamples are not looked at. Seconds are those of this
process on this machine, one search after the other; evaluations do not depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from dsmverify import catalogue
from dsmverify.claims import ReadOff
from dsmverify.search import DEFAULT_BUDGET, Refutation, refute


def refuted() -> list[str]:
    """Ids on record as REFUTED, but for those that are read off another claim."""
    known = {claim.id: claim for claim in catalogue.claims()}
    return [
        name
        for name, record in catalogue.recorded().items()
        if record.verdict == "REFUTED" and not isinstance(known[name].conclusion, ReadOff)
    ]


def measure(name: str, seed: int, budget: int) -> dict[str, Any]:
    """One search."""
    (claim,) = catalogue.select([name])
    wall, cpu = perf_counter(), process_time()
    found = refute(claim, seed=seed, budget=budget)
    row: dict[str, Any] = {
        "claim": name,
        "seed": seed,
        "found": isinstance(found, Refutation),
        "seconds": round(perf_counter() - wall, 2),
        "cpu_seconds": round(process_time() - cpu, 2),
        "evaluations": found.evaluations,
    }
    if isinstance(found, Refutation):
        network = found.instance.get("network")
        row["points"] = len(found.instance["x"])
        row["neurons"] = len(network["biases"]) if network else 0
        row["stage"] = found.stage
    return row


def main() -> None:
    """Run all searches; the file is written after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", type=int, default=DEFAULT_BUDGET)
    parser.add_argument("--claims", nargs="+", default=None)
    parser.add_argument("--out", type=Path, default=Path("reports/refutations.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in options.seeds:
        for name in options.claims or refuted():
            rows.append(measure(name, seed, options.budget))
            print(json.dumps(rows[-1]), flush=True)
            seconds = [row["seconds"] for row in rows if row["found"]]
            document = {
                "searches": len(rows),
                "found": len(seconds),
                "median_seconds": round(statistics.median(seconds), 2) if seconds else None,
                "longest_seconds": max(seconds, default=None),
                "rows": rows,
            }
            options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    missed = [f"{row['claim']} (seed {row['seed']})" for row in rows if not row["found"]]
    if missed:
        sys.exit(f"not found: {', '.join(missed)}")


if __name__ == "__main__":
    main()
