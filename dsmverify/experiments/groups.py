"""Runs of an experiment: options, seeds, and groups of networks whose results are kept on disk.

A group is an ensemble that is trained and measured together. Its networks and its measurements are
kept in the folder `.work` beside the results, under names that carry the digest of everything that
decides them: an interrupted run goes on where it was, a changed configuration starts anew what the
change concerns and nothing else.

An option is one change to the base description. All options share data, initial parameters and
training noise with the base, network by network, so that a difference is the option's doing.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles import checkpoints, philox
from dsmverify.ensembles.conditioned import ConditionedEnsemble
from dsmverify.ensembles.settings import Ensemble, Model, Networks
from dsmverify.ensembles.training import train
from dsmverify.errors import InputError, show
from dsmverify.experiments.configurations import build
from dsmverify.instance import Batch, NoiseLevel
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]
"""Called with network steps made, network steps in all, and the group at work."""

Kept = Callable[[str], dict[str, Floats] | None]
"""What was measured on a group, by its `digest`; None where it is not known: a store, say."""

E = TypeVar("E", Ensemble, ConditionedEnsemble)

BASE = "base"
WORK = ".work"
MEASUREMENTS_FORMAT = 1
"""Changes whenever what is measured on a network changes."""


@dataclass(frozen=True)
class Rate:
    """A learning rate and its number of SGD steps (the page's epochs, one batch each)."""

    rate: Fraction
    steps: int

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: the rate is not positive, or the steps are negative.
        """
        if self.rate <= 0:
            raise InputError("rates.rate", str(self.rate), "it must be positive", "give eta > 0")
        if self.steps < 0:
            raise InputError(
                "rates.steps", str(self.steps), "it must be at least 0", "give a number of steps"
            )


@dataclass(frozen=True)
class Option:
    """One change to the base description.

    Args:
        name: how tables call it; not "base".
        model: fields of `Model` that it changes.
        batch: fields of `Batch` that it changes.
        steps: at most so many steps for every rate; None: as many as the base. Rows that this cuts
            short say so and are compared with nothing.
        dimensions: where it is tried.
        mean_over_coordinates: whether the loss averages over the d coordinates instead of summing
            them, as a library's mean squared error does: the same as a rate d times smaller.
        simulations: at most so many; None: as many as the base.
    """

    name: str
    model: dict[str, Any] = field(default_factory=dict)
    batch: dict[str, Any] = field(default_factory=dict)
    steps: int | None = None
    dimensions: tuple[int, ...] = (1,)
    mean_over_coordinates: bool = False
    simulations: int | None = None

    def __post_init__(self) -> None:
        """Check the name and the caps.

        Raises:
            InputError: no name or the base's, a comma or line break in it, negative steps, or no
                simulations.
        """
        if not self.name or self.name == BASE or any(c in self.name for c in ",|\n"):
            raise InputError(
                "options.name",
                show(self.name),
                f"it names an option other than {BASE!r}, without commas, bars or line breaks",
                "give another name",
            )
        if self.steps is not None and self.steps < 0:
            raise InputError(
                "options.steps", str(self.steps), "it must be at least 0", "give a number of steps"
            )

        if self.simulations is not None and self.simulations < 1:
            raise InputError(
                "options.simulations", str(self.simulations), "it must be at least 1", "make a run"
            )

    def applied(self, model: Model, batch: Batch, where: str) -> tuple[Model, Batch]:
        """The changed model and batch rule.

        Args:
            model: the base's.
            batch: the base's.
            where: the configuration's name, for messages.

        Raises:
            InputError: an unknown field, a wrong value, or a combination the model refuses.
        """
        inside = f"options[{self.name}]"
        return (
            build(Model, dataclasses.asdict(model) | self.model, where, f"{inside}.model"),
            build(Batch, batch.to_json() | self.batch, where, f"{inside}.batch"),
        )

    def capped(self, steps: int) -> int:
        """Steps that are made of so many."""
        return steps if self.steps is None else min(steps, self.steps)

    def rate_divisor(self, dimension: int) -> int:
        """What learning rates are divided by: d where the loss averages over coordinates."""
        return dimension if self.mean_over_coordinates else 1


def check_names(options: Sequence[Option]) -> None:
    """Refuse two options of one name.

    Raises:
        InputError: a name is given twice.
    """
    names = [option.name for option in options]
    for name in names:
        if names.count(name) > 1:
            raise InputError("options.name", show(name), "two options have it", "rename one")


def seed_of(seed: int, *what: Any) -> int:
    """Seed of one run: the first 64 bits of the SHA-256 of the experiment's seed and its labels.

    Args:
        seed: the configuration's.
        what: labels, told apart by their text; exact numbers, so that 0.2 is `1/5` everywhere.
    """
    text = "/".join(map(str, (seed, *what)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def noise_level(time: Fraction) -> tuple[float, float]:
    """`(mu, sigma) = (exp(-t), sqrt(1 - exp(-2 t)))`, in float64.

    Raises:
        InputError: the time is not positive.
    """
    mu, sigma = NoiseLevel(time=time).values(SYSTEM)
    return float(mu), float(sigma)


def gaussian_points(seed: int, count: int, dimension: int) -> Floats:
    """Training points from N(0, I_d). `[count, dimension]`.

    Args:
        seed: of this sample alone.
        count: n.
        dimension: d.
    """
    draws = philox.normals(seed, philox.Stream.DATA, 0, count * dimension)
    return draws.reshape(count, dimension)


@dataclass(frozen=True)
class Group(Generic[E]):
    """Networks that are trained and measured together.

    Attributes:
        name: for files and progress: letters, digits, dashes.
        ensemble: what is trained.
        measure: what is measured at the end: named arrays.
        measured: text that decides the measurement (draws, seeds, ...), for the digest.
    """

    name: str
    ensemble: E
    measure: Callable[[E, Networks], dict[str, Floats]]
    measured: str = ""

    @property
    def total(self) -> int:
        """Network steps in all."""
        return int(self.ensemble.steps.sum())


def results(
    groups: Sequence[Group[E]],
    *,
    out: Path,
    threads: int | None,
    device: str,
    progress: Progress | None,
    kept: Kept | None = None,
) -> list[dict[str, Floats]]:
    """What was measured on every group, trained now or taken from the disk or a store.

    Args:
        groups: in the order of training.
        out: folder of the results; `out/.work` keeps networks and measurements.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told the network steps of all groups.
        kept: asked first, by the digest of a group; what it has is neither trained nor written.

    Raises:
        InputError: the folder cannot be written, or a file in it is damaged.
        MissingExtraError: the training path's library is not installed.
    """
    total = sum(group.total for group in groups)
    before, found = 0, []
    for group in groups:
        content = digest(group, device)
        trained = checkpoints.digest(group.ensemble, np.float32, device)
        file = out / WORK / f"{group.name}-{content[:16]}.json"
        measured = None if kept is None else kept(content)
        if measured is None:
            measured = _read(file, content)
        if measured is None:
            networks = train(
                group.ensemble,
                device=device,
                threads=threads,
                # What is measured may change, the networks stay.
                checkpoint=out / WORK / f"{group.name}-{trained[:16]}.npz",
                progress=_shifted(progress, before, total, group.name),
            )
            measured = group.measure(group.ensemble, networks)
            _write(file, measured, content)
        before += group.total
        if progress:
            progress(before, total, group.name)
        found.append(measured)
    return found


def _shifted(progress: Progress | None, before: int, total: int, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda made, _, __: progress(before + made, total, name)


def digest(group: Group[Any], device: str) -> str:
    """SHA-256 of everything that decides what is measured on a group, as hexadecimal digits.

    Args:
        group: networks and measurement.
        device: torch's name of the device that trains them.
    """
    content = checkpoints.digest(group.ensemble, np.float32, device)
    text = f"{MEASUREMENTS_FORMAT}/{checkpoints.FORMAT}/{content}/{group.measured}"
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path, content: str) -> dict[str, Floats] | None:
    if not file.exists():
        return None
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["digest"] != content:
            raise ValueError("it belongs to another configuration")
        return {
            name: np.array([float.fromhex(x) for x in row])
            for name, row in stored["measured"].items()
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            "measurements",
            str(file),
            f"it cannot be read ({error})",
            "delete it: the networks beside it are measured again",
        ) from None


def _write(file: Path, measured: Mapping[str, Floats], content: str) -> None:
    # Hexadecimal floats come back to the bit.
    rows = {name: [float(x).hex() for x in row] for name, row in sorted(measured.items())}
    text = json.dumps({"digest": content, "measured": rows}, indent=0)
    checkpoints.write_atomically(file, text.encode())


def decimal(value: float, digits: int = 6) -> str:
    """Spelling of a number in a table: so many significant digits, `inf` or empty for NaN."""
    return "" if math.isnan(value) else f"{value:.{digits}g}"


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV file's text: a header and rows, quoted where needed, lines ended by a line feed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table's text."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
