"""Sweep files: grids of settings in TOML, read strictly.

    name = "quick"

    [[check]]                       # a grid: every sample at every noise level, rate, entry
    claims = ["thm08", ["prop02a", "prop02b"]]   # an entry is a claim, or claims of one cell
    sigma = [0.05, "1/10"]          # also: time = [...], noise = [{ mu = 0.9, sigma = 0.3 }]
    learning_rates = [0.01]
    seeds = [0]                     # of the networks generated for samples without one
    [[check.samples]]
    family = "normal"
    size = [4, 8]
    seed = [0, 1]

    [[train]]
    rates = [0.01, 0.02]
    steps = [1000]                  # or duration = 10: steps are duration/rate
    parametrisations = ["experiments", "theory"]
    widths = [100]
    runs = 8
    sigma = [0.1]
    [[train.samples]]
    points = [-1, 0, 1]

    [[experiments]]                 # the groups of a packaged experiment
    configuration = "critical"
    quick = true

Each table is a grid; several tables are a list. A configuration of a packaged experiment
(`experiment = "critical"` at its top, or its name in place of a path) is a sweep of its groups.

There are no silent defaults for misspelt keys. Every message names file, line and key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from dsmverify import catalogue
from dsmverify.claims import ReadOff
from dsmverify.ensembles.settings import check_batch
from dsmverify.errors import InputError, UnknownClaimError, show
from dsmverify.exact import WrittenFloat, spell
from dsmverify.experiments import configurations
from dsmverify.experiments.critical import Parametrisation
from dsmverify.instance import Batch, NoiseLevel
from dsmverify.sweeps import samples
from dsmverify.sweeps.lines import line_of
from dsmverify.sweeps.packaged import Packaged
from dsmverify.sweeps.samples import Sample, SampleTable

ARGUMENT = "CONFIG"
ALL = "all"
"""The entry of `claims` that stands for every claim, in one cell."""

_MAX_RUNS = 10**6
_MAX_STEPS = 10**12


@dataclass(frozen=True)
class Check:
    """A grid of claims: a cell decides an entry of claims at one sample, noise level and rate.

    Attributes:
        claims: entries: ids of one cell, sorted, with those that informal claims are read off.
        samples: in the order of the file.
        noise: noise levels for samples without one, as instance files spell them.
        learning_rates: eta for samples without one; empty where claims need none.
        seeds: of generated networks.
        proofs: whether derivations are run, each as a cell of its own, so that identities that
            they prove are TRUE.
    """

    claims: tuple[tuple[str, ...], ...]
    samples: tuple[Sample, ...]
    noise: tuple[Mapping[str, str], ...]
    learning_rates: tuple[Fraction, ...]
    seeds: tuple[int, ...]
    proofs: bool


@dataclass(frozen=True)
class Train:
    """A grid of training runs: a cell trains networks of some seeds at one setting, and measures.

    Attributes:
        samples: in the order of the file, d = 1.
        noise: noise levels for samples without one.
        parametrisations: as `experiments.critical.MODELS` names them.
        widths: m.
        rates: eta, exact.
        steps: SGD steps; empty where `duration` is given.
        duration: eta x steps; None where steps are given.
        runs: seeds at each setting.
        runs_per_cell: seeds that are trained together.
        seed: what the runs' seeds are derived from.
        batch: how mini-batches are drawn.
    """

    samples: tuple[Sample, ...]
    noise: tuple[Mapping[str, str], ...]
    parametrisations: tuple[Parametrisation, ...]
    widths: tuple[int, ...]
    rates: tuple[Fraction, ...]
    steps: tuple[int, ...]
    duration: Fraction | None
    runs: int
    runs_per_cell: int
    seed: int
    batch: Batch


@dataclass(frozen=True)
class Sweep:
    """A sweep file as it was read and checked.

    Attributes:
        name: what the file calls itself; nothing depends on it.
        source: the file, or the packaged experiment.
        checks: grids of claims.
        trains: grids of training runs.
        experiments: packaged experiments.
    """

    name: str
    source: str
    checks: tuple[Check, ...] = ()
    trains: tuple[Train, ...] = ()
    experiments: tuple[Packaged, ...] = ()


@dataclass(frozen=True)
class _Noise:
    sigma: Fraction | None = None
    mu: Fraction | None = None
    time: Fraction | None = None


@dataclass(frozen=True)
class _CheckTable:
    claims: tuple[Any, ...]
    samples: tuple[SampleTable, ...]
    sigma: tuple[Fraction, ...] = ()
    time: tuple[Fraction, ...] = ()
    noise: tuple[_Noise, ...] = ()
    learning_rates: tuple[Fraction, ...] = ()
    seeds: tuple[int, ...] = (0,)
    proofs: bool = True


@dataclass(frozen=True)
class _TrainTable:
    samples: tuple[SampleTable, ...]
    rates: tuple[Fraction, ...]
    runs: int
    steps: tuple[int, ...] = ()
    duration: Fraction | None = None
    sigma: tuple[Fraction, ...] = ()
    time: tuple[Fraction, ...] = ()
    noise: tuple[_Noise, ...] = ()
    parametrisations: tuple[Parametrisation, ...] = ("experiments",)
    widths: tuple[int, ...] = (1000,)
    runs_per_cell: int | None = None
    seed: int = 0
    batch: Batch = field(default_factory=Batch)


@dataclass(frozen=True)
class _ExperimentTable:
    configuration: str
    quick: bool = False


@dataclass(frozen=True)
class _File:
    name: str = ""
    check: tuple[_CheckTable, ...] = ()
    train: tuple[_TrainTable, ...] = ()
    experiments: tuple[_ExperimentTable, ...] = ()


def load(path: str | Path, *, quick: bool = False) -> Sweep:
    """A sweep from a file, or from the name of a packaged experiment.

    Args:
        path: a sweep file, the configuration of an experiment, or a name of
            `experiments.configurations.packaged()`.
        quick: the smaller version of an experiment; a sweep file says so itself.

    Raises:
        InputError: there is no such file, it cannot be read, or what it says is wrong; with the
            file, the line and the key.
    """
    name = str(path)
    if name in configurations.packaged():
        return Sweep(name, name, experiments=(Packaged.of(name, quick=quick),))
    file = Path(name)
    if not file.is_file():
        known = ", ".join(configurations.packaged())
        raise InputError(
            ARGUMENT,
            show(name),
            "there is no such file",
            f"name a sweep file, or a packaged experiment: {known}",
        )
    text = configurations.text_of(name, ARGUMENT)
    return parse(text, name, folder=file.parent, quick=quick)


def parse(text: str, source: str, *, folder: Path = Path(), quick: bool = False) -> Sweep:
    """A sweep from a TOML text.

    Args:
        text: the file's content.
        source: its name, for messages.
        folder: what names of data files in it are relative to.
        quick: as in `load`.

    Raises:
        InputError: as in `load`.
    """
    try:
        table = tomllib.loads(text, parse_float=WrittenFloat)
    except tomllib.TOMLDecodeError:
        configurations.parse(text, source)  # words the error
        raise
    if isinstance(table.get("experiment"), str):
        return Sweep(source, source, experiments=(Packaged.parse(text, source, quick=quick),))
    try:
        return _built(table, source, folder, quick)
    except InputError as error:
        if error.file not in (None, source):
            raise  # a data file, with its own line
        raise error.located(source, line_of(text, error.argument)) from None


def _built(table: Mapping[str, Any], source: str, folder: Path, quick: bool) -> Sweep:
    for name in ("check", "train", "experiments"):
        found = table.get(name)
        if isinstance(found, Mapping):
            raise InputError(name, "", "there may be several such tables", f"write [[{name}]]")
        for number, one in enumerate(found if isinstance(found, list) else ()):
            if isinstance(one, Mapping) and isinstance(one.get("samples"), Mapping):
                raise InputError(
                    f"{name}[{number}].samples",
                    "",
                    "there may be several such tables",
                    f"write [[{name}.samples]]",
                )
    file = configurations.build(_File, table, source)
    if quick:
        raise InputError(
            "--quick", "", "a sweep file has one size", "write quick = true under [[experiments]]"
        )
    checks = [
        _check(one, table["check"][k], f"check[{k}]", folder) for k, one in enumerate(file.check)
    ]
    trains = [
        _train(one, table["train"][k], f"train[{k}]", folder) for k, one in enumerate(file.train)
    ]
    experiments = []
    for k, one in enumerate(file.experiments):
        key = f"experiments[{k}].configuration"
        name = one.configuration
        place = name if name in configurations.packaged() else str(folder / name)
        try:
            experiments.append(Packaged.of(place, quick=one.quick))
        except InputError as error:
            if error.file is not None:
                raise
            _refuse(key, name, error)
    if not (checks or trains or experiments):
        raise InputError(
            ARGUMENT, "", "there is nothing to do", "write [[check]], [[train]] or [[experiments]]"
        )
    return Sweep(
        file.name or Path(source).stem, source, tuple(checks), tuple(trains), tuple(experiments)
    )


def _check(table: _CheckTable, given: Mapping[str, Any], key: str, folder: Path) -> Check:
    found = samples.read(table.samples, given["samples"], f"{key}.samples", folder)
    for number, rate in enumerate(table.learning_rates):
        _check_positive(f"{key}.learning_rates[{number}]", rate)
    for number, seed in enumerate(table.seeds):
        if seed < 0:
            raise InputError(
                f"{key}.seeds[{number}]", str(seed), "it must be at least 0", "give 0 or more"
            )
    _check_any(f"{key}.seeds", table.seeds)
    return Check(
        claims=_entries(table.claims, f"{key}.claims"),
        samples=found,
        noise=_noise(table, found, key),
        learning_rates=table.learning_rates,
        seeds=table.seeds,
        proofs=table.proofs,
    )


def _entries(given: Sequence[Any], key: str) -> tuple[tuple[str, ...], ...]:
    """Ids of every entry of `claims`."""
    _check_any(key, given)
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for number, entry in enumerate(given):
        place = f"{key}[{number}]"
        names = [entry] if isinstance(entry, str) else entry
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(
                place, show(entry), "it is a claim or a list of claims", 'write "thm08", say'
            )
        _check_any(place, names)
        try:
            chosen = catalogue.select(None if names == [ALL] else names)
        except UnknownClaimError as error:
            _refuse(place, error.claim, error)
        curves = [claim.id for claim in chosen if claim.instance_kind != "sample"]
        if curves and names != [ALL]:
            rule = "it is about points of learning curves, and a sweep takes samples"
            raise InputError(place, show(curves[0]), rule, "leave it out")
        chosen = tuple(claim for claim in chosen if claim.id not in curves)
        sources = [
            claim.conclusion.claim for claim in chosen if isinstance(claim.conclusion, ReadOff)
        ]
        ids = sorted({claim.id for claim in (*chosen, *catalogue.select(sources))})
        for name in ids:
            if name in seen:
                raise InputError(
                    place,
                    show(name),
                    "another entry of claims has it too (a claim comes with its readings and with "
                    "those that it is read off)",
                    "leave it out of one, or put both into one entry",
                )
        seen.update(ids)
        found.append(tuple(ids))
    return tuple(found)


def _train(table: _TrainTable, given: Mapping[str, Any], key: str, folder: Path) -> Train:
    found = samples.read(table.samples, given["samples"], f"{key}.samples", folder)
    for sample in found:
        if sample.has_network:
            raise InputError(
                f"{key}.samples",
                show(sample.name),
                "it brings its own network, and these are trained from their seeds",
                "give the points alone",
            )
        try:
            check_batch(table.batch, f"sample {sample.name!r}", sample.size)
        except InputError as error:
            name = f"{key}.{error.argument}"
            raise InputError(name, error.value, error.rule, error.way_out) from None
    for name in ("rates", "parametrisations", "widths"):
        _check_any(f"{key}.{name}", getattr(table, name))
    if bool(table.steps) == (table.duration is not None):
        raise InputError(
            f"{key}.steps" if table.steps else key,
            "",
            "a run has either steps or a duration",
            "write steps = [1000], or duration = 10 for steps = duration/rate",
        )
    for number, rate in enumerate(table.rates):
        _check_positive(f"{key}.rates[{number}]", rate)
    if table.duration is not None:
        _check_positive(f"{key}.duration", table.duration)
    per_cell = table.runs if table.runs_per_cell is None else table.runs_per_cell
    for name, values in (
        ("steps", table.steps),
        ("widths", table.widths),
        ("runs", (table.runs,)),
        ("runs_per_cell", (per_cell,)),
    ):
        for value in values:
            if value < 1:
                raise InputError(f"{key}.{name}", str(value), "it is at least 1", "give 1 or more")
    for name, steps in (
        ("steps", max(table.steps, default=0)),
        ("duration", (table.duration or 0) / min(table.rates)),
    ):
        if steps > _MAX_STEPS:
            raise InputError(
                f"{key}.{name}", spell(Fraction(steps)), f"at most {_MAX_STEPS} steps", "give fewer"
            )
    if table.runs > _MAX_RUNS:
        raise InputError(
            f"{key}.runs", str(table.runs), f"at most {_MAX_RUNS} runs", "write several tables"
        )
    return Train(
        samples=found,
        noise=_noise(table, found, key),
        parametrisations=table.parametrisations,
        widths=table.widths,
        rates=table.rates,
        steps=table.steps,
        duration=table.duration,
        runs=table.runs,
        runs_per_cell=per_cell,
        seed=table.seed,
        batch=table.batch,
    )


def _noise(
    table: _CheckTable | _TrainTable, found: Sequence[Sample], key: str
) -> tuple[Mapping[str, str], ...]:
    """Noise levels in the order sigma, time, noise, as instance files spell them."""
    given: list[tuple[str, dict[str, Fraction | None]]] = []
    given += [(f"{key}.sigma[{k}]", {"sigma": one}) for k, one in enumerate(table.sigma)]
    given += [(f"{key}.time[{k}]", {"time": one}) for k, one in enumerate(table.time)]
    given += [(f"{key}.noise[{k}]", vars(one)) for k, one in enumerate(table.noise)]
    levels = []
    for place, values in given:
        try:
            levels.append(NoiseLevel(**values).to_json())
        except InputError as error:
            raise InputError(place, error.value, error.rule, error.way_out) from None
    if not levels and any(sample.noise is None for sample in found):
        raise InputError(
            key,
            "",
            "its samples have no noise level",
            "write sigma = [0.1, 0.2], or time, or noise",
        )
    return tuple(levels)


def _check_positive(key: str, value: Fraction) -> None:
    if value <= 0:
        raise InputError(key, spell(value), "it must be positive", "give a number above 0")


def _check_any(key: str, values: Sequence[Any]) -> None:
    if not values:
        raise InputError(key, "", "it is empty", "give at least one, or leave the key out")


def _refuse(key: str, value: str, error: InputError) -> NoReturn:
    raise InputError(key, show(value), error.rule, error.way_out) from None
