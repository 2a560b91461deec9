"""`dsmverify curves`: learning curves of random-features score matching, beside simulations.

Exit status: 0 no simulated intercept deviates from its line; 1 one does; 2 bad input; 3 stopped
before the end: the same command goes on from there.
"""

from __future__ import annotations

import click

from dsmverify.errors import InputError, show
from dsmverify.terminal import echo, progress_bar

_DEFAULT_FOLDER = "dsmverify-curves"


@click.command(short_help="Draw learning curves with random features, and simulations.")
@click.argument("configuration", metavar="NAME|FILE.toml")
@click.option(
    "--out",
    metavar="DIR",
    default=_DEFAULT_FOLDER,
    show_default=True,
    help="Folder for tables and pictures; an interrupted run goes on there.",
)
@click.option("--no-simulation", is_flag=True, help="Draw the lines alone.")
def curves(configuration: str, out: str, no_simulation: bool) -> int:
    """Draw learning curves with random features: curves, or a configuration of yours."""
    from dsmverify import content
    from dsmverify.experiments import configurations, learning_curves
    from dsmverify.report import prepare_folder

    if (other := content.chosen()) is not None:
        rule, way_out = "curves are of this package's own theory", "leave the content out"
        raise InputError("--content", show(str(other)), rule, way_out)
    document = configurations.load(configuration)
    learning_curves.read(document)  # a bad file fails before a folder is made
    folder = prepare_folder(out)
    with progress_bar() as progress:
        summary = learning_curves.run(
            document, out=folder, simulated=not no_simulation, progress=progress
        )
    for line in summary.text():
        echo(line)
    return summary.exit_status
