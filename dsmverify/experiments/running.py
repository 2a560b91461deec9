"""Run a configuration: which module runs which kind of experiment."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from dsmverify.ensembles.training import Progress
from dsmverify.errors import InputError, show
from dsmverify.experiments.configurations import Document
from dsmverify.experiments.groups import Kept

MODULES = {
    "figure1": "dsmverify.experiments.figure1",
    "figure2": "dsmverify.experiments.figure2",
    "figure3": "dsmverify.experiments.figure3",
    "figure4": "dsmverify.experiments.figure4",
    "digits": "dsmverify.experiments.digits",
    "critical": "dsmverify.experiments.critical",
    "theorem": "dsmverify.experiments.theorem",
}
"""Module of each kind of experiment that trains; it has a function `run`, called as below."""

UNITS: dict[str, str | None] = {
    "figure1": "steps",
    "figure2": "steps",
    "figure3": "steps",
    "figure4": "steps",
    "digits": "steps",
    "critical": "steps",
    "theorem": None,
    "curves": None,
}
"""What the progress of each kind counts: network steps, whose pace says something, or parts of very
different length, whose pace does not (None)."""


class Summary(Protocol):
    """What a run says at its end."""

    @property
    def exit_status(self) -> int:
        """1 if there is evidence against a PROVED claim, else 0."""

    def lines(self) -> list[str]:
        """Lines for the terminal."""


class Experiment(Protocol):
    """Module of a kind of experiment."""

    def run(
        self,
        document: Document,
        *,
        out: Path,
        quick: bool,
        threads: int | None,
        device: str,
        progress: Progress | None,
        **known: Kept,
    ) -> Summary:
        """Run it, resume what `out` holds, write tables and pictures there."""


def run(
    document: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> Summary:
    """Run an experiment; what was interrupted goes on.

    Args:
        document: of `configurations.load`.
        out: folder for tables and pictures, and for the work in progress.
        quick: the smaller version.
        threads: of the CPU; None takes all. It changes no byte.
        device: torch's name of a device.
        progress: called with what is done, what there is in all (see `UNITS`), and a text.
        kept: what is known of its groups already, from a sweep (`sweeps.packaged.kept`); for
            experiments that run as sweeps.

    Raises:
        InputError: a bad configuration, an unknown device, or work of another configuration.
    """
    if document.kind not in MODULES:
        raise InputError(
            "experiment",
            show(document.kind),
            "it trains nothing",
            f"run `dsmverify {document.kind}` on it",
            file=document.source,
        )
    module = cast(Experiment, import_module(MODULES[document.kind]))
    # Only experiments that run as sweeps take it.
    known = {} if kept is None else {"kept": kept}
    return module.run(
        document, out=out, quick=quick, threads=threads, device=device, progress=progress, **known
    )
