"""What a cell does: one function for each kind, found by name in any process.

| kind | result |
|---|---|
| `prove` | the claims that a derivation proves, or why it proves none; no arrays |
| `check` | rows of claims at one instance, as in report.json; no arrays |
| `train` | what is measured on networks trained at one setting, one entry for each seed |
| `experiment` | what a packaged experiment measures on one of its groups |
| `module:function` | what `function(cell)` returns, a pair of a record and arrays |

The function of a cell that needs others takes their records too, by key.

A result is decided by the cell and by nothing else: no time, no host, no number of threads.
`check` decides the same rows as `checking.check` does for that one instance. An identity that a
derivation proves is TRUE only where the derivation was run (`proofs = false` leaves them out): it
is a cell of its own, which the cells of its claims need, and its record is handed to them. Its code
and libraries are theirs, by its key. A process that is not handed it runs the derivation itself,
once.
"""

from __future__ import annotations

import functools
import importlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from dsmverify import catalogue, checking, derivation
from dsmverify.claims import Claim, ReadOff, Row
from dsmverify.ensembles.settings import Ensemble, Problem
from dsmverify.ensembles.training import train
from dsmverify.errors import DerivationError, VersionError
from dsmverify.exact import parse_exact
from dsmverify.experiments.critical import MODELS, Measured
from dsmverify.instance import Batch, Instance, NoiseLevel
from dsmverify.sweeps import origins, packaged
from dsmverify.systems.float64 import SYSTEM
from dsmverify.verdicts import sound_row

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell

Floats = NDArray[np.float64]
Made = tuple[dict[str, Any], dict[str, Floats]]
"""A record in JSON's types, and arrays by name."""

Given = Mapping[str, Mapping[str, Any]]
"""Records of other cells, by key."""


@dataclass(frozen=True)
class Result:
    """What a cell came to.

    Attributes:
        key: the cell's.
        kind: the cell's.
        record: in JSON's types.
        arrays: float64, by name.
        seconds: how long it took; provenance, not a part of the result.
        provenance: code and libraries that made it, and the keys of results that it was given.
    """

    key: str
    kind: str
    record: Mapping[str, Any]
    arrays: Mapping[str, Floats] = field(default_factory=dict)
    seconds: float = 0.0
    provenance: Mapping[str, Any] = field(default_factory=dict)


def run(cell: Cell, given: Given | None = None) -> Result:
    """Work a cell out, in this process, on one thread.

    Args:
        cell: of `cells.expand`, maybe of another process.
        given: records of cells that it needs; what is missing is worked out here.

    Raises:
        VersionError: this process has other code or other libraries than the cell was expanded
            with.
        Exception: whatever the work raises; the cell has then failed.
    """
    require_same_origin(cell)
    needed = {key: given[key] for key in cell.needs if given is not None and key in given}
    started = perf_counter()
    work = find(cell.kind)
    record, arrays = work(cell, needed) if cell.needs else work(cell)
    seconds = perf_counter() - started
    kept = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    provenance: dict[str, Any] = {
        "code": cell.origin.code,
        "libraries": dict(cell.origin.libraries),
    }
    if needed:
        provenance["given"] = sorted(needed)
    return Result(cell.key, cell.kind, record, kept, seconds, provenance)


def require_same_origin(cell: Cell) -> None:
    """Refuse a cell whose result this process would label wrongly.

    Raises:
        VersionError: see `run`.
    """
    ours, where = origins.of(cell.kind), f"process {os.getpid()} on {platform.node()}"
    for name in sorted({*ours.libraries, *cell.origin.libraries}):
        wanted, found = (o.libraries.get(name, "none") for o in (cell.origin, ours))
        if wanted != found:
            raise VersionError(name, wanted, found, where)
    if ours.code != cell.origin.code:
        raise VersionError("source code", cell.origin.code[:16], ours.code[:16], where)


def find(kind: str) -> Callable[..., Made]:
    """The function of a kind.

    Args:
        kind: of the module's table.

    Raises:
        KeyError: there is no such kind.
        ImportError: its module cannot be imported.
    """
    if ":" in kind:
        module, _, name = kind.partition(":")
        found: Callable[..., Made] = getattr(importlib.import_module(module), name)
        return found
    return KINDS[kind]


def prove(cell: Cell) -> Made:
    """Ids of the claims that the cell's derivation proves; one that fails proves none."""
    name = cell.settings["derivation"]
    proved, failed = _run_derivation(name)
    return {"derivation": name, "proves": sorted(proved), "failed": failed}, {}


def check(cell: Cell, given: Given | None = None) -> Made:
    """Rows of the cell's claims at its instance; `instance` in a row is "" or `[network]`.

    Args:
        cell: of the kind `check`.
        given: records of derivations.
    """
    settings = cell.settings
    document = {**cell.data.document, **settings["noise"]}
    if settings["learning_rate"] is not None:
        document["learning_rate"] = settings["learning_rate"]
    instance = Instance.from_json(document, name="")
    chosen = catalogue.select(settings["claims"])
    proved = _proved(chosen, given or {}) if settings["proofs"] else frozenset()
    by_id = {claim.id: claim for claim in chosen}
    found: dict[str, list[Row]] = {name: [] for name in by_id}
    notes: tuple[str, ...] = ()
    for trial in checking.trials_of([instance], chosen, settings["seed"]):
        rows, _ = checking.run_trial(trial, proved)
        for row in rows:
            found[row.claim].append(sound_row(row, by_id[row.claim]))
        notes = (*notes, *trial.instance.notes)
    for claim in chosen:
        if isinstance(claim.conclusion, ReadOff):
            source = found[claim.conclusion.claim]
            found[claim.id] = [replace(r, claim=claim.id, hypothesis_slack=()) for r in source]
    rows_of = [asdict(row) for name in sorted(found) for row in found[name]]
    return {"rows": rows_of, "notes": list(dict.fromkeys(notes))}, {}


def _proved(claims: Sequence[Claim], given: Given) -> frozenset[str]:
    """Ids of those claims that their own derivations prove."""
    known = {record["derivation"]: record["proves"] for record in given.values()}
    found = set()
    for claim in claims:
        name = claim.derivation
        if name is not None:
            proves = known[name] if name in known else _run_derivation(name)[0]
            found |= {claim.id} & {*proves}
    return frozenset(found)


@functools.cache
def _run_derivation(name: str) -> tuple[frozenset[str], str | None]:
    """What a derivation proves, or why nothing: run once in a process, and some take a minute."""
    try:
        found = derivation.run(name)
    except DerivationError as error:
        return frozenset(), error.reason
    return frozenset((*found.proves, *found.proves_steps)), None


def trained(cell: Cell) -> Made:
    """Measurements of `critical.Measured` on the networks of the cell's seeds."""
    settings = cell.settings
    mu, sigma = NoiseLevel.of(**settings["noise"]).values(SYSTEM)
    points = [float(Fraction(x)) for x in cell.data.document["x"]]
    problem = Problem(np.array(points), float(mu), float(sigma))
    seeds = settings["seeds"]
    ensemble = Ensemble.of(
        replace(MODELS[settings["parametrisation"]], width=settings["width"]),
        Batch(**settings["batch"]),
        [problem] * len(seeds),
        [float(parse_exact(settings["rate"], field="rate"))] * len(seeds),
        seeds,
        [settings["steps"]] * len(seeds),
    )
    networks = train(ensemble, threads=1)
    # In d = 1 nothing is drawn: seed and draws have no part in it.
    measured = Measured(seed=0, draws=2)(ensemble, networks)
    return {"networks": len(seeds)}, measured


def grouped(cell: Cell) -> Made:
    """What a packaged experiment measures on the cell's group."""
    digest = cell.settings["measured"]
    group = packaged.group(cell.data, digest)
    networks = train(group.ensemble, device=packaged.DEVICE, threads=1)
    measured = group.measure(group.ensemble, networks)
    return {"networks": group.ensemble.count, "measured": digest}, measured


KINDS: Final[Mapping[str, Callable[..., Made]]] = {
    "prove": prove,
    "check": check,
    "train": trained,
    "experiment": grouped,
}
"""Function of each kind that a sweep file can ask for."""
