"""Cells: the units of a sweep, each with the hash of everything that decides its result.

The order of the cells of a sweep is that of its file: tables `check` first, then `train`, then
`experiments`, each kind in the order of its tables. Before them come the derivations that the
tables `check` need, by name, each once. Within a table the last of these runs fastest:

| table | order |
|---|---|
| `check` | samples, noise levels, learning rates, seeds, entries of `claims` |
| `train` | samples, noise levels, parametrisations, widths, rates, steps, parts of the seeds |
| `experiments` | the order of the experiment's own groups |

A key is the SHA-256 of the canonical JSON (sorted keys, no spaces, ASCII) of the list
`[FORM, kind, code digest, library versions, digest of the data, settings]`. Names of samples are
labels: they are in no key, and two cells of one key are one result.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any, Final, Self

from dsmverify import catalogue
from dsmverify.ensembles import checkpoints
from dsmverify.exact import spell
from dsmverify.experiments.groups import MEASUREMENTS_FORMAT, seed_of
from dsmverify.sweeps import origins, packaged
from dsmverify.sweeps.configuration import Check, Sweep, Train
from dsmverify.sweeps.origins import Origin
from dsmverify.sweeps.samples import Data, Sample

FORM: Final = 1
"""Changes whenever settings of a kind come to mean something else."""

_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """One unit of work.

    Attributes:
        kind: what is done; see `kinds`.
        settings: how, in JSON's types; exact numbers are text.
        data: on what; shared by all cells on the same data.
        origin: code and libraries, as of the process that expanded the sweep.
        key: 64 hexadecimal digits.
        labels: what tables call it; not in the key.
        work: how much it is, in units that are comparable within its kind.
        needs: keys of cells whose records it is given; the settings say which, so that they are in
            the key already.
    """

    kind: str
    settings: Mapping[str, Any]
    data: Data
    origin: Origin
    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    work: float = 1.0
    needs: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        kind: str,
        settings: Mapping[str, Any],
        data: Data,
        *,
        origin: Origin | None = None,
        labels: Mapping[str, str] | None = None,
        work: float = 1.0,
        needs: tuple[str, ...] = (),
        spelled: str | None = None,
    ) -> Self:
        """The cell with its key.

        Args:
            kind: see `kinds`.
            settings: in JSON's types.
            data: what the cell is about.
            origin: None for that of this process.
            labels: for tables.
            work: comparable within the kind.
            needs: keys of other cells.
            spelled: the canonical JSON of the settings, where it is known.
        """
        made = origins.of(kind) if origin is None else origin
        found = _start(kind, made.code, made.versions, data.digest).copy()
        written = _encoder.encode(settings) if spelled is None else spelled
        found.update(f"{written}]".encode("ascii"))
        return cls(kind, settings, data, made, found.hexdigest(), labels or {}, work, needs)


@functools.lru_cache(maxsize=64)
def _start(kind: str, code: str, libraries: tuple[tuple[str, str], ...], data: str) -> Any:
    """What cells of a kind on the same data share, hashed: a sweep has 10^5 of them."""
    text = _encoder.encode([FORM, kind, code, dict(libraries), data]).removesuffix("]")
    return hashlib.sha256(f"{text},".encode("ascii"))


def expand(sweep: Sweep) -> list[Cell]:
    """All cells of a sweep, in the order that the module describes; the same at every call.

    Args:
        sweep: of `configuration.load`.

    Raises:
        InputError: the configuration of a packaged experiment is bad.
    """
    found: list[Cell] = []
    # All that is made here stays: looking for garbage in it would take as long as making it.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        proofs = _proof_cells(sweep.checks)
        found += proofs.values()
        for check in sweep.checks:
            found += _check_cells(check, proofs)
        for train in sweep.trains:
            found += _train_cells(train)
        for experiment in sweep.experiments:
            found += _experiment_cells(experiment)
    finally:
        if was_enabled:
            gc.enable()
    return found


def _settings_of(sample: Sample, noise: tuple[Mapping[str, str], ...]) -> Iterator[dict[str, str]]:
    """Noise levels of a sample: its own if it has one, else those of the table."""
    yield from ([dict(sample.noise)] if sample.noise else map(dict, noise))


def _proof_cells(checks: Sequence[Check]) -> dict[str, Cell]:
    """A cell for every derivation that a claim of the tables has, by name, sorted."""
    wanted = {name for check in checks if check.proofs for ids in check.claims for name in ids}
    if not wanted:
        return {}
    origin, data = origins.of("prove"), Data.of({})
    names = {claim.derivation for claim in catalogue.select(sorted(wanted))}
    return {
        name: Cell.of(
            "prove", {"derivation": name}, data, origin=origin, labels={"derivation": name}
        )
        for name in sorted(filter(None, names))
    }


def _needs(claims: Sequence[str], proofs: Mapping[str, Cell]) -> tuple[str, ...]:
    """Keys of the derivations of some claims."""
    names = {claim.derivation for claim in catalogue.select(claims)}
    return tuple(cell.key for name, cell in proofs.items() if name in names)


def _check_cells(check: Check, proofs: Mapping[str, Cell]) -> Iterator[Cell]:
    origin = origins.of("check")
    rates: list[str | None] = [spell(rate) for rate in check.learning_rates] or [None]
    entries = [
        (claims, _encoder.encode(claims), _needs(claims, proofs) if check.proofs else ())
        for claims in check.claims
    ]
    for sample in check.samples:
        own = [sample.learning_rate] if sample.learning_rate else rates
        for noise in _settings_of(sample, check.noise):
            common = _labels(sample, noise)
            for rate, seed in product(own, check.seeds):
                labels = common | {"learning_rate": rate or "", "seed": str(seed)}
                rest: dict[str, Any] = {
                    "learning_rate": rate,
                    "noise": noise,
                    "proofs": check.proofs,
                    "seed": seed,
                }
                # `claims` comes first in the order of the keys.
                tail = _encoder.encode(rest)[1:]
                for claims, text, needs in entries:
                    yield Cell.of(
                        "check",
                        {"claims": claims, **rest},
                        sample.data,
                        origin=origin,
                        labels=labels,
                        work=float(len(claims) * sample.size),
                        needs=needs,
                        spelled=f'{{"claims":{text},{tail}',
                    )


def _train_cells(train: Train) -> Iterator[Cell]:
    origin = origins.of("train")
    forms = {"measurements": MEASUREMENTS_FORMAT, "training": checkpoints.FORMAT}
    seeds = [seed_of(train.seed, "sweep", k) for k in range(train.runs)]
    parts = [seeds[k : k + train.runs_per_cell] for k in range(0, len(seeds), train.runs_per_cell)]
    for sample in train.samples:
        for noise, parametrisation, width, rate in product(
            _settings_of(sample, train.noise), train.parametrisations, train.widths, train.rates
        ):
            for steps, part in product(_steps(train, rate), parts):
                settings: dict[str, Any] = {
                    "batch": train.batch.to_json(),
                    "forms": forms,
                    "noise": noise,
                    "parametrisation": parametrisation,
                    "rate": spell(rate),
                    "seeds": part,
                    "steps": steps,
                    "width": width,
                }
                labels = _labels(sample, noise) | {
                    "learning_rate": spell(rate),
                    "parametrisation": parametrisation,
                    "width": str(width),
                    "steps": str(steps),
                }
                work = float(len(part) * steps * width)
                yield Cell.of(
                    "train", settings, sample.data, origin=origin, labels=labels, work=work
                )


def _steps(train: Train, rate: Fraction) -> tuple[int, ...]:
    if train.duration is None:
        return train.steps
    return (max(1, math.ceil(train.duration / rate)),)


def _labels(sample: Sample, noise: Mapping[str, str]) -> dict[str, str]:
    return {"sample": sample.name, "points": str(sample.size), **noise}


def _experiment_cells(experiment: packaged.Packaged) -> Iterator[Cell]:
    origin = origins.of("experiment")
    data = experiment.data()
    for entry in packaged.entries(experiment):
        yield Cell.of(
            "experiment",
            entry.settings,
            data,
            origin=origin,
            labels={"experiment": experiment.kind, "group": entry.name},
            work=float(entry.work),
        )
