"""Groups of networks of the packaged experiments, as cells of a sweep.

An experiment trains groups (`experiments.groups.Group`) and then writes tables of what was
measured. Here its groups become cells: the cell carries the experiment's configuration and the
group's name, and the process that runs it builds the group again and takes it by its digest, so
that a cell stays small however many networks it has.

That is also how tables are read from a store: `kept(cells, read)` answers by the digest of a group,
and an experiment's `run(..., kept=...)` trains only what it does not know:

    sweep = configuration.load("critical", quick=True)
    ask = packaged.kept(cells.expand(sweep), store.read)
    running.run(configurations.load("critical"), out=folder, quick=True, kept=ask)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from dsmverify.errors import InputError, show
from dsmverify.experiments import configurations, critical, figure2, groups
from dsmverify.experiments.configurations import Document, Kind
from dsmverify.experiments.groups import Floats, Group, Kept
from dsmverify.sweeps.samples import Data

if TYPE_CHECKING:
    from dsmverify.sweeps.cells import Cell
    from dsmverify.sweeps.rows import Stored

DEVICE: Final = "cpu"
"""Where cells are trained: two devices agree to rounding only."""

GROUPS: Final[dict[Kind, Callable[[Document, bool], list[Group[Any]]]]] = {
    "critical": lambda document, quick: list(critical.groups_of(document, quick=quick)),
    "figure2": lambda document, quick: list(figure2.groups_of(document, quick=quick)),
}
"""Groups of each kind of experiment that runs as a sweep."""


@dataclass(frozen=True)
class Packaged:
    """An experiment as a sweep.

    Attributes:
        kind: of the experiment.
        text: its configuration, TOML.
        source: packaged name or file, for messages.
        digest: SHA-256 of the configuration's values.
        quick: whether it is the smaller version.
    """

    kind: Kind
    text: str
    source: str
    digest: str
    quick: bool = False

    @classmethod
    def of(cls, name_or_path: str, *, quick: bool = False) -> Self:
        """The experiment of a packaged name or a file.

        Raises:
            InputError: as in `configurations.load`, or the experiment is not made of groups.
        """
        document = configurations.load(name_or_path)
        return cls.parse(configurations.text_of(name_or_path), document.source, quick=quick)

    @classmethod
    def parse(cls, text: str, source: str, *, quick: bool = False) -> Self:
        """The experiment of a TOML text.

        Raises:
            InputError: as in `configurations.parse`, or the experiment is not made of groups.
        """
        document = configurations.parse(text, source)
        if document.kind not in GROUPS:
            command = "curves" if document.kind == "curves" else "train"
            raise InputError(
                "experiment",
                show(document.kind),
                "it does not run as a sweep",
                f"give one of {', '.join(GROUPS)}, or run `dsmverify {command}` on it",
                file=source,
            )
        found = cls(document.kind, text, source, document.digest, quick)
        found.groups()  # what the experiment itself refuses is refused when the file is read
        return found

    def data(self) -> Data:
        """What every cell carries; the digest is of the values, not of comments and layout."""
        document = {"source": self.source, "toml": self.text, "quick": self.quick}
        return Data(document, self.digest)

    def groups(self) -> list[Group[Any]]:
        """The experiment's groups, in its own order."""
        return _groups(self.text, self.source, self.quick)


@dataclass(frozen=True)
class Entry:
    """A group as a cell: its name, its settings and its network steps."""

    name: str
    settings: dict[str, Any]
    work: int


def entries(experiment: Packaged) -> list[Entry]:
    """The groups of an experiment, each once."""
    found: dict[str, Entry] = {}
    for group in experiment.groups():
        digest = groups.digest(group, DEVICE)
        settings = {"experiment": experiment.kind, "group": group.name, "measured": digest}
        found.setdefault(digest, Entry(group.name, settings, group.total))
    return list(found.values())


def group(data: Data, digest: str) -> Group[Any]:
    """The group that a cell is about.

    Args:
        data: the cell's.
        digest: of the group, as the cell's settings say.

    Raises:
        InputError: the configuration has no such group here: other code reads it differently.
    """
    document = data.document
    for found in _groups(document["toml"], document["source"], document["quick"]):
        if groups.digest(found, DEVICE) == digest:
            return found
    raise InputError(
        "cell",
        show(digest),
        "this process finds no such group in the configuration",
        "run the sweep where it was expanded, or with the same version",
        file=document["source"],
    )


def kept(cells: Iterable[Cell], read: Callable[[str], Stored | None]) -> Kept:
    """What a store knows of the groups of experiments, for their `run`.

    Args:
        cells: of the sweep, expanded by this process: results of other code are not taken.
        read: a store's.
    """
    keys = {cell.settings["measured"]: cell.key for cell in cells if cell.kind == "experiment"}

    def find(digest: str) -> dict[str, Floats] | None:
        found = read(keys[digest]) if digest in keys else None
        return None if found is None else dict(found.arrays)

    return find


@functools.lru_cache(maxsize=4)
def _groups(text: str, source: str, quick: bool) -> list[Group[Any]]:
    document = configurations.parse(text, source)
    return GROUPS[document.kind](document, quick)
