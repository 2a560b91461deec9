"""The command line. It calls the public API only, and decides nothing.

Exit status: 0 everything is as recorded; 1 a verdict or an answer is not, or a derivation fails;
2 bad input or usage; 3 not completed. For `conform`: 0 every planned check passed or failed as
expected; 1 one failed or was lost; 3 nothing worse than undecided ones. For `curves`: 1 a
simulation deviates from its curve; 0 otherwise. For `diff`: 1 a verdict got worse; 0 otherwise.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Literal

import click

from dsmverify.arguments import (
    claim_ids,
    column_key,
    entries,
    refuse_with_data,
    refuse_without_data,
)
from dsmverify.curves_command import curves
from dsmverify.errors import (
    DsmverifyError,
    InputError,
    NotCompletedError,
    PrecisionError,
    UnknownClaimError,
    show,
)
from dsmverify.sweeps_command import sweep
from dsmverify.terminal import echo, opened_streams, progress_bar

NOT_COMPLETED = NotCompletedError.exit_status
USAGE = InputError.exit_status
_DEFAULT_FOLDER = "dsmverify-report"
_DEFAULT_FIGURES = "dsmverify-figures"
_DEFAULT_CONFORMANCE = "dsmverify-conformance"
_DEFAULT_TABLES = "dsmverify-tables"
_SMALL_BUDGET = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    with opened_streams():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = cli.main(args=arguments, prog_name="dsmverify", standalone_mode=False)
    except click.UsageError as error:
        known = "dsmverify" if error.ctx is None else error.ctx.command_path
        return _fail(f"{error.format_message().rstrip('.')}; see `{known} --help`", USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted before it was finished", NOT_COMPLETED)
    except PrecisionError as error:
        return _fail(str(error), NOT_COMPLETED)
    except DsmverifyError as error:
        return _fail(str(error), error.exit_status)
    except SystemExit as error:
        if error.code != 1:
            raise
        return NOT_COMPLETED  # `| head`: click and rich end like this where a pipe's reader is gone
    except OSError as error:  # files are checked when they are read or written: this is printing
        return _fail(f"cannot print: {error.strerror or error}", NOT_COMPLETED)
    except MemoryError:
        return _fail("out of memory; try fewer points, claims or --jobs", NOT_COMPLETED)
    return result if isinstance(result, int) else 0


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from dsmverify.report import library_versions

    versions = library_versions()
    echo(f"dsmverify {versions.pop('dsmverify')}")
    for name, version in versions.items():
        echo(f"{name} {version}")
    context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the versions of dsmverify, Arb, SymPy, torch and the rest.",
)
@click.option(
    "--content",
    "folder",
    metavar="DIR",
    help="Claims of another paper: a folder with checks/ and derivations/.",
)
def cli(folder: str | None) -> None:
    """Check every claim of one paper on denoising score matching, with certified arithmetic."""
    if folder is not None:
        from dsmverify import content

        content.use(folder, argument="--content")


cli.add_command(sweep)
cli.add_command(curves)


@cli.command()
@click.argument("file", metavar="INSTANCE.json")
@click.option(
    "--system",
    type=click.Choice(["float64", "torch", "mpmath", "arb"]),
    default="arb",
    show_default=True,
    help="Number system.",
)
@click.option(
    "--digits",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Significant digits (mpmath and arb).",
)
@click.option("--hessian", is_flag=True, help="Give the Hessian of wide networks as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(file: str, system: str, digits: int, hessian: bool, as_json: bool) -> None:
    """Evaluate every formula at one instance."""
    from pathlib import Path

    from dsmverify.data import read_instances

    if Path(file).suffix.lower() != ".json":
        rule = "an instance is read from a .json file"
        raise InputError(
            "INSTANCE.json", show(file), rule, 'write {"x": [...], "sigma": ...} to one'
        )
    try:
        instances = read_instances([file])
    except InputError as error:
        if error.argument == "DATA":
            error.argument = "INSTANCE.json"
        raise
    if len(instances) != 1:
        raise InputError(
            "INSTANCE.json",
            f"{file} with {len(instances)} instances",
            "evaluate takes one",
            "write it to a file of its own",
        )
    from dsmverify.evaluation import evaluate as evaluate_instance
    from dsmverify.instance import Instance

    instance = instances[0]
    if not isinstance(instance, Instance):
        rule = "it is a point of a learning curve, and the formulas evaluated are those of samples"
        way_out = "take dsmverify.curves.learning_curve, or the command curves"
        raise InputError("INSTANCE.json", file, rule, way_out)
    result = evaluate_instance(instance, system=system, digits=digits, hessian=hessian)
    if as_json:
        echo(json.dumps(result, indent=1, allow_nan=False))
    else:
        from dsmverify.printing import print_values

        print_values(result)


@cli.command(short_help="Check the claims, on data of yours or on the bundled battery.")
@click.argument("data", nargs=-1, metavar="[DATA]...")
@click.option("--mu", metavar="M", help="Signal factor, together with --sigma.")
@click.option("--sigma", metavar="S", help="Noise level; alone it means mu = sqrt(1 - sigma^2).")
@click.option("--time", metavar="T", help="Diffusion time, instead of --mu and --sigma.")
@click.option("--learning-rate", metavar="ETA", help="Learning rate.")
@click.option("--column", metavar="NAME", help="Column of a CSV file, by name or from 1.")
@click.option("--network", metavar="FILE", help="Network of yours, .npz or .pt.")
@click.option("--drop-ties", is_flag=True, help="Keep one of each group of equal points.")
@click.option("--claims", "ids", metavar="ID,...", help="Check these claims only.")
@click.option(
    "--out",
    metavar="DIR",
    default=_DEFAULT_FOLDER,
    show_default=True,
    help="Folder for report.html and the files beside it.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option(
    "--budget",
    type=click.IntRange(min=0),
    metavar="EVALUATIONS",
    help="Battery: search so long for a counterexample to each open claim.  [default: 300]",
)
@click.option("--no-boxes", is_flag=True, help="Battery: leave out the proofs by boxes.")
@click.option("-q", "--quiet", is_flag=True, help="Print the counts, not the table of claims.")
def check(
    data: tuple[str, ...],
    mu: str | None,
    sigma: str | None,
    time: str | None,
    learning_rate: str | None,
    column: str | None,
    network: str | None,
    drop_ties: bool,
    ids: str | None,
    out: str,
    jobs: int,
    budget: int | None,
    no_boxes: bool,
    quiet: bool,
) -> int:
    """Check the claims on DATA (CSV, .npy or instance .json), or on the bundled battery."""
    from dsmverify import catalogue
    from dsmverify.data import read_instances
    from dsmverify.report import prepare_folder

    chosen = None if ids is None else claim_ids(ids)
    catalogue.select(chosen)  # a bad id fails before anything is read
    instances = None
    if data:
        refuse_with_data({"--budget": budget, "--no-boxes": no_boxes or None})
        instances = read_instances(
            data,
            column=column_key(column),
            mu=mu,
            sigma=sigma,
            time=time,
            learning_rate=learning_rate,
            network=network,
            drop_ties=drop_ties,
        )
    else:
        refuse_without_data(
            {
                "--mu": mu,
                "--sigma": sigma,
                "--time": time,
                "--learning-rate": learning_rate,
                "--column": column,
                "--network": network,
                "--drop-ties": drop_ties or None,
            }
        )
    folder = prepare_folder(out)

    from dsmverify.checking import check as check_instances

    with progress_bar() as progress:
        report = check_instances(
            instances,
            claims=chosen,
            jobs=jobs,
            budget=_SMALL_BUDGET if budget is None else budget,
            proofs_by_boxes=not no_boxes,
            progress=progress,
        )
    from dsmverify.printing import add_step_summary, print_files, print_summary

    paths = report.write(folder)
    add_step_summary(report)
    print_summary(report, quiet=quiet)
    print_files(paths, folder)
    return report.exit_status


@cli.command(short_help="Train ensembles: figures 1 to 4, digits, critical, theorem.")
@click.argument("configuration", metavar="NAME|FILE.toml")
@click.option("--quick", is_flag=True, help="A smaller version, within minutes; it says so.")
@click.option(
    "--out",
    metavar="DIR",
    default=_DEFAULT_FIGURES,
    show_default=True,
    help="Folder for tables and pictures; an interrupted run goes on there.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Of the CPU; by default all.")
@click.option("--device", default="cpu", show_default=True, help="torch's name of a device.")
@click.option("--store", metavar="PATH", help="Train nothing: read a sweep's store (on the CPU).")
def train(
    configuration: str,
    quick: bool,
    out: str,
    threads: int | None,
    device: str,
    store: str | None,
) -> int:
    """Train ensembles: figures/1 to figures/4, digits, critical, theorem, or a file of yours."""
    from dsmverify import content
    from dsmverify.experiments import configurations, running
    from dsmverify.report import prepare_folder

    if (other := content.chosen()) is not None:
        rule, way_out = "training runs are about this package's own paper", "leave the content out"
        raise InputError("--content", show(str(other)), rule, way_out)
    chosen = configurations.load(configuration)
    folder = prepare_folder(out)
    with contextlib.ExitStack() as stack:
        kept = None
        if store is not None:
            from dsmverify.sweeps import packaged, reading

            if device != packaged.DEVICE:
                rule = f"a sweep trains on {packaged.DEVICE!r}: two devices agree to rounding only"
                raise InputError("--device", show(device), rule, "leave --device or --store out")
            kept = stack.enter_context(reading.measurements(configuration, store, quick=quick))
        summary = running.run(
            chosen,
            out=folder,
            quick=quick,
            threads=threads,
            device=device,
            progress=stack.enter_context(progress_bar(running.UNITS[chosen.kind])),
            kept=kept,
        )
    for line in summary.lines():
        echo(line)
    return summary.exit_status


@cli.command(short_help="Check your own implementation against certified values.")
@click.argument("target", metavar="TARGET")
@click.option(
    "--out",
    metavar="DIR",
    default=_DEFAULT_CONFORMANCE,
    show_default=True,
    help="Folder for report.json, junit.xml and report.html.",
)
@click.option("--expected", metavar="FILE.toml", help="Failures expected, with a reason each.")
@click.option("--parts", metavar="PART,...", help="Check these parts only: score, risk, ...")
@click.option("--dtype", metavar="DTYPE,...", help="Instead of the adapter's own: float32, ...")
@click.option("--deep", is_flag=True, help="With the long cases.")
def conform(
    target: str, out: str, expected: str | None, parts: str | None, dtype: str | None, deep: bool
) -> int:
    """Check your own implementation: the adapter TARGET, written pkg.mod:Name."""
    from dsmverify.report import prepare_folder
    from dsmverify.testing import adapter, conform_report, conformance, isolated
    from dsmverify.testing import expected as expectations

    scope = conformance.Scope(
        parts=None if parts is None else tuple(entries(parts, "--parts", "score,risk")),
        dtypes=None
        if dtype is None
        else adapter.check_dtypes(entries(dtype, "--dtype", "float32,float64"), "--dtype"),
        deep=deep,
    )
    recorded = None if expected is None else expectations.read(expected)
    folder = prepare_folder(out)
    with progress_bar() as progress:
        results = isolated.run(target, recorded, scope=scope, progress=progress)
    paths = conform_report.write(results, folder)
    echo(conform_report.render_text(results))
    echo(f"report: {paths[-1]} (with {', '.join(path.name for path in paths[:-1])})")
    return results.exit_status


@cli.command(short_help="Print the steps of a derivation, or list the derivations.")
@click.argument("name", required=False)
@click.option("--latex", is_flag=True, help="Print LaTeX.")
def derive(name: str | None, latex: bool) -> None:
    """Print the chain of steps of the derivation NAME; without NAME, list the derivations."""
    from dsmverify import derivation

    if name is None:
        for known in derivation.names():
            echo(known)
        return
    found = derivation.run(name)
    render = derivation.render_latex if latex else derivation.render_text
    echo(render(found), end="")


@cli.command()
def claims() -> None:
    """List the claims: id, source, statement."""
    from dsmverify.printing import print_claims

    print_claims()


@cli.command(short_help="Search for a counterexample to a claim, and certify it.")
@click.argument("claim", metavar="CLAIM")
@click.option(
    "--n",
    "size",
    type=click.IntRange(min=2),
    help="Number of points; by default 2 to 12, one by one.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="EVALUATIONS",
    help="Evaluations of the slack.  [default: 50000]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the search."
)
@click.option("--out", metavar="FILE", help="Write the witness, an instance file, to FILE.")
def refute(claim: str, size: int | None, budget: int | None, seed: int, out: str | None) -> int:
    """Search for a counterexample to CLAIM; a witness is certified with balls and made small."""
    from dsmverify import catalogue, tracing
    from dsmverify import search as searching

    sizes = None if size is None else (size,)
    evaluations = searching.DEFAULT_BUDGET if budget is None else budget
    found: searching.Refutation | None = None
    try:
        wanted = catalogue.select([claim])
    except UnknownClaimError as error:
        error.argument = "CLAIM"
        raise
    if out is not None:
        _check_file(out)  # a search takes minutes
    tracing.vet(wanted)
    for selected in wanted:
        result = searching.refute(selected, budget=evaluations, seed=seed, sizes=sizes)
        echo(result.statement)
        if isinstance(result, searching.Refutation) and found is None:
            found = result
    if found is None:
        return 0
    text = json.dumps(found.instance, indent=1)
    if out is None:
        echo(text)
    else:
        _write(out, text)
        echo(f"witness: {out}")
    return 0


@cli.command(short_help="Recompute every certificate of a report along a second path.")
@click.argument("path", metavar="REPORT")
@click.option("--claims", "ids", metavar="ID,...", help="Recheck the certificates of these only.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
def recheck(path: str, ids: str | None, jobs: int) -> int:
    """Recompute every certificate of REPORT (a report.json or its folder) along a second path."""
    from dsmverify.replay import recheck as recheck_report
    from dsmverify.report import json as report_json

    chosen = None if ids is None else claim_ids(ids)
    report_json.locate(path)
    with progress_bar() as progress:
        result = recheck_report(path, chosen, jobs=jobs, progress=progress)
    for line in (*result.failures, *result.left_out):
        echo(line)
    echo(result.summary())
    return result.exit_status


@cli.command(short_help="Say what changed between two reports, and why.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--slack",
    "part",
    metavar="PART",
    default="0.01",
    show_default=True,
    help="List slacks that change by more than this part of the old one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every change.")
def diff(old: str, new: str, part: str, as_json: bool) -> int:
    """Say what changed from report OLD to report NEW (a report.json or its folder), and why."""
    from dsmverify.report import json as report_json
    from dsmverify.report.diff import compare
    from dsmverify.verdicts import decimal_value

    threshold = decimal_value(part)
    if threshold is None or threshold < 0:
        rule, way_out = "it must be a decimal that is not negative", "write --slack 0.01"
        raise InputError("--slack", show(part), rule, way_out)
    before = report_json.read(old, argument="OLD")
    difference = compare(before, report_json.read(new, argument="NEW"), threshold=threshold)
    if as_json:
        sys.stdout.writelines(f"{line}\n" for line in difference.render())
    else:
        from dsmverify.printing import print_difference

        print_difference(difference)
    return difference.exit_status


@cli.command(short_help="Print a short form of a report in GitHub's Markdown.")
@click.argument("path", metavar="REPORT")
def summary(path: str) -> None:
    """Print a short form of REPORT (a report.json or its folder) in GitHub's Markdown."""
    from dsmverify.report import github
    from dsmverify.report import json as report_json

    echo(github.render(report_json.read(path)), end="")


@cli.command(short_help="Write a stand-alone script for every REFUTED claim of a report.")
@click.argument("path", metavar="REPORT")
@click.option("--out", metavar="DIR", required=True, help="Folder for the scripts.")
def scripts(path: str, out: str) -> None:
    """Write a stand-alone script for every REFUTED claim of REPORT, with its data beside it."""
    from dsmverify.replay import write_scripts
    from dsmverify.report import json as report_json
    from dsmverify.report import prepare_folder

    report_json.locate(path)
    prepare_folder(out)
    try:
        written = write_scripts(path, out)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "REPORT",
            show(path),
            f"scripts cannot be made of it ({type(error).__name__}: {error})",
            "name a report.json that `dsmverify check` wrote, or its folder",
        ) from error
    echo(f"{len(written)} scripts in {out}")


@cli.command(short_help="Write tables for a paper's appendix from a report.")
@click.argument("path", metavar="REPORT")
@click.option(
    "--format",
    "form",
    type=click.Choice(["latex", "markdown", "csv", "html"]),
    required=True,
    help="Of the tables.",
)
@click.option(
    "--out",
    metavar="DIR",
    default=_DEFAULT_TABLES,
    show_default=True,
    help="Folder for the tables.",
)
@click.option(
    "--figures",
    metavar="DIR",
    help="Folder with fig2.csv; by default `figures` beside the report's folder.",
)
def tables(
    path: str, form: Literal["latex", "markdown", "csv", "html"], out: str, figures: str | None
) -> None:
    """Write tables for a paper's appendix from REPORT (a report.json or its folder)."""
    from dsmverify.report import paper, prepare_folder

    folder = prepare_folder(out)
    appendix = paper.read(path, figures)
    for sentence in appendix.left_out:
        echo(f"left out: {sentence}")
    written = paper.write(appendix, form, folder)
    echo(f"tables: {', '.join(str(name) for name in written)}")


@cli.command(short_help="Write the pages of a report again, with training runs if any.")
@click.argument("path", metavar="REPORT")
@click.option("--out", metavar="DIR", help="Folder for the pages; by default the report's own.")
@click.option(
    "--figures",
    metavar="DIR",
    help="Folder with fig2.csv; by default `figures` beside the report's folder.",
)
def html(path: str, out: str | None, figures: str | None) -> None:
    """Write the pages of REPORT (a report.json or its folder) again, with training runs if any."""
    from dsmverify.printing import print_files
    from dsmverify.report import html as report_html
    from dsmverify.report import prepare_folder

    folder = None if out is None else prepare_folder(out)
    paths = report_html.write(path, figures=figures, folder=folder)
    print_files(paths, paths[0].parent)


@cli.command(short_help="Write the bound explorer, a page with sliders.")
@click.option(
    "--out",
    metavar="FILE|DIR",
    default=".",
    show_default=True,
    help="An .html file, or a folder for explorer.html.",
)
def explorer(out: str) -> None:
    """Write the bound explorer, a page with sliders that needs no report and no network."""
    from pathlib import Path

    from dsmverify import explorer as page
    from dsmverify.report.files import write_files

    path = Path(out)
    is_file = path.suffix == ".html" and not path.is_dir()
    folder, name = (path.parent, path.name) if is_file else (path, page.FILE_NAME)
    for written in write_files(folder, {name: page.render()}):
        echo(f"explorer: {written}")


@cli.command(short_help="Write a report.json in its newest form.")
@click.argument("path", metavar="REPORT")
@click.option("--out", metavar="DIR", required=True, help="Folder for the new report.json.")
def upgrade(path: str, out: str) -> None:
    """Write REPORT (a report.json or its folder) in the newest form of report.json."""
    from dsmverify.report import SCHEMA_VERSION, prepare_folder
    from dsmverify.report import json as report_json
    from dsmverify.report.files import write_files

    folder = prepare_folder(out)
    text = report_json.render(report_json.read(path))
    (written,) = write_files(folder, {"report.json": text})
    echo(f"report.json, schema version {SCHEMA_VERSION}: {written}")


def _check_file(path: str) -> None:
    """Refuse a file that cannot be written, before the work; creates and leaves nothing."""
    from pathlib import Path

    from dsmverify.report import prepare_folder

    file, reason = Path(path), None
    if file.is_dir():
        reason = "it is a folder"
    elif not file.parent.is_dir():
        reason = f"there is no folder {file.parent}"
    if reason is not None:
        raise InputError("--out", show(path), reason, "name a file in a folder that is there")
    prepare_folder(file.parent)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise InputError(
            "--out", show(path), f"cannot be written: {error.strerror}", "name another file"
        ) from error


def _fail(message: str, status: int) -> int:
    from dsmverify.report.text import plain

    echo(f"error: {plain(message)}", error=True)
    return status
