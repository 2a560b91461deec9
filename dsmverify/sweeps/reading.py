"""An experiment's measurements read from a store, for its tables and figures: nothing is trained.

with reading.measurements("figures/2", "sweep.db") as kept:
    running.run(configurations.load("figures/2"), out=folder, kept=kept)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dsmverify.errors import InputError, show
from dsmverify.experiments.groups import Kept
from dsmverify.sweeps import cells, configuration, packaged
from dsmverify.sweeps.store import Store


@contextlib.contextmanager
def measurements(
    name_or_path: str, path: str | Path, *, quick: bool = False, argument: str = "--store"
) -> Iterator[Kept]:
    """What a store has of all groups of an experiment, while it is open for reading.

    Args:
        name_or_path: of the experiment's configuration.
        path: of the store.
        quick: whether the smaller version is meant.
        argument: what the path was given as, for messages.

    Raises:
        InputError: the experiment is not made of groups, or some of them are not in the store:
            they were not run, or by other code or libraries.
        StoreError: the store cannot be read.
    """
    experiment = packaged.Packaged.of(name_or_path, quick=quick)
    todo = cells.expand(
        configuration.Sweep(name_or_path, experiment.source, experiments=(experiment,))
    )
    with Store.open(path, write=False) as store:
        missing = len(todo) - len(store.has([cell.key for cell in todo]))
        if missing:
            smaller = " --quick" if quick else ""
            raise InputError(
                argument,
                show(str(path)),
                f"it lacks {missing} of the {len(todo)} groups of {name_or_path}, as this version "
                "of the code and of the libraries trains them",
                f"run `dsmverify sweep {name_or_path}{smaller} --store {path}` first",
            )
        yield packaged.kept(todo, store.read)
