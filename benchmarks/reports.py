"""How long a report of 10^5 rows takes to be written, and how much memory.

The rows are those of `reports/referee`, under as many names as are needed. The work is done in a
process of its own, whose memory is then the report's: `python -m benchmarks.reports FOLDER`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.pairs import Measurement
from dsmverify.report import Report
from dsmverify.report import json as report_json
from dsmverify.verdicts import tally

SOURCE = "reports/referee"
ROWS = 10**5
SECONDS_LIMIT = 30.0
MEMORY_LIMIT = 1.0
"""GiB."""


def writing(_: int) -> Iterator[Measurement]:
    """Every file of a report, from rows in memory to the disk."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.reports", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, processor, gibibytes, rows = (float(part) for part in done.stdout.split())
    note = f"all files of a report of {int(rows)} rows; {processor:.1f} s of the processor"
    ratio = SECONDS_LIMIT / seconds
    yield Measurement("report_writing", seconds, SECONDS_LIMIT, ratio, 1, note)
    note = "GiB, not seconds: peak of that process, the report itself included"
    ratio = MEMORY_LIMIT / gibibytes
    yield Measurement("report_memory", gibibytes, MEMORY_LIMIT, ratio, 1, note)


def grown(report: Report, rows: int) -> Report:
    """A report of at least so many rows: those of the given one, under other names.

    Args:
        report: with at least one row.
        rows: how many.
    """
    copies = range(-(-rows // len(report.rows)))
    many = [
        replace(row, instance=f"{row.instance} #{copy}") for row in report.rows for copy in copies
    ]
    inputs = [
        replace(entry, name=f"{entry.name} #{copy}") for entry in report.inputs for copy in copies
    ]
    claims = []
    for outcome in report.claims:
        counts: dict[str, Any] = tally([*report.rows_of(outcome.claim.id)] * len(copies))
        claims.append(replace(outcome, **counts))
    return replace(report, claims=tuple(claims), rows=tuple(many), inputs=tuple(inputs))


def _main(folder: str) -> None:
    report = grown(report_json.read(SOURCE), ROWS)
    started, before = time.perf_counter(), time.process_time()
    report.write(folder)
    seconds = time.perf_counter() - started
    processor = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(seconds, processor, peak / 2**20, len(report.rows))


if __name__ == "__main__":
    _main(sys.argv[1])
