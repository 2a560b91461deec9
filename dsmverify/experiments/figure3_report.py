"""Tables, report and drawings of figure 3: what `figure3.run` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.experiments import clouds, figure3_plots, page_clouds
from dsmverify.experiments.configurations import Document
from dsmverify.experiments.figure3 import (
    Conclusion,
    Entry,
    Figure3,
    Summary,
    is_of_the_page,
    plain_of,
    text_of,
    value_of,
)
from dsmverify.experiments.groups import BASE, csv_text, decimal, markdown_table
from dsmverify.experiments.plots import vector

if TYPE_CHECKING:
    from dsmverify.diffusion.convergence import WeakError

OPTION_COLUMNS = ("option", "steps", "share_of_steps", *clouds.columns("learning_rate"))


def write(
    summary: Summary, settings: Figure3, out: Path, configuration: Document
) -> tuple[Path, ...]:
    """Write every file; the same bytes for the same numbers.

    Args:
        summary: what was found.
        settings: as run, `--quick` applied.
        out: folder.
        configuration: for its name and digest.

    Raises:
        InputError: a file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    stem = "quick_fig3" if summary.is_quick else "fig3"
    base = [row for entry in summary.base for row in entry.rows]
    others = [
        (entry.option, str(entry.steps), decimal(entry.share), *clouds.cells(row))
        for entry in summary.entries
        if entry.option != BASE
        for row in entry.rows
    ]
    files = {
        f"{stem}_mmd.csv": csv_text(clouds.columns("learning_rate"), map(clouds.cells, base)),
        f"{stem}_power.csv": csv_text(
            clouds.POWER_COLUMNS, map(clouds.power_cells, summary.powers)
        ),
        f"{stem}_options.csv": csv_text(OPTION_COLUMNS, others),
        f"{stem}_page.csv": ""
        if summary.page is None
        else csv_text(page_clouds.COLUMNS, summary.page.rows),
        f"{stem}.md": report(summary, settings, configuration),
    }
    data = {name: text.encode() for name, text in files.items() if text}
    drawings = {"mmd": figure3_plots.distances(summary)}
    if summary.sample.shape[1] == 2:
        drawings["clouds"] = figure3_plots.clouds(summary, with_page=not settings.points)
    for name, drawing in drawings.items():
        for suffix, content in vector(drawing).items():
            data[f"{stem}_{name}.{suffix}"] = content
    for name, content in data.items():
        write_atomically(out / name, content)
    return tuple(out / name for name in data)


def report(summary: Summary, settings: Figure3, configuration: Document) -> str:
    """The report, in Markdown."""
    parts = [
        "# Figure 3" + (", quick version" if summary.is_quick else ""),
        "",
        f"Configuration `{configuration.source}`, digest {configuration.digest}.",
        "",
        "## In plain words",
        "",
        *plain_words(summary, settings),
        "",
        "## What was run",
        "",
        *_runs(summary, settings),
        "## Conclusions",
        "",
        "`part`: of all pairs of trainings, one of each rate (or of all trainings), that speak for",
        "the conclusion. `p`: one-sided, by an exact permutation test over trainings (or a sign",
        f"test). `supported` needs p <= {settings.level:g} from every informative metric.",
        "",
        *(text for c in summary.conclusions[BASE] for text in _conclusion(c)),
        "## Values",
        "",
        "Mean over all sets of all trainings, in brackets the least and the largest set: a range,",
        "no confidence interval. `uninformative`: the metric cannot tell the extremes apart here;",
        "its values are in the CSV. The page's numbers stand beside every reading of its metric;",
        "they cannot be those of all.",
        "",
        _values(summary.base),
        "## What the metrics can tell",
        "",
        "Median over repeats, between two sets: of one law (null: s*, and Gaussian), of the",
        "extremes (s* against Gaussian), and of a memoriser with twice the noise against both.",
        "",
        _power(summary),
    ]
    if len(summary.conclusions) > 1:
        parts += ["## Options, one at a time", "", *_options(summary)]
    parts += ["## The integrator", "", *_integrator(summary.integrator), ""]
    if summary.page is not None:
        parts += [
            "## The page's own clouds",
            "",
            "Measured again on the digitised points, nothing trained; `fig3_page.csv` has every",
            "reading of the page's MMD.",
            "",
            *(f"- {finding}" for finding in summary.page.findings),
        ]
    return "\n".join(parts).rstrip() + "\n"


def plain_words(summary: Summary, settings: Figure3) -> list[str]:
    """Which conclusions are supported, which depend on a choice, which could not be shown."""
    base = summary.conclusions[BASE]
    small, large = summary.base[0], summary.base[-1]
    lines = []
    if any(entry.share < 1 for entry in summary.base):
        shares = " and ".join(
            f"{100 * e.share:.2g} % at rate {text_of(e.rate)}" for e in (small, large)
        )
        lines.append(
            f"- The steps were cut: rate x steps is {shares} of the full configuration's (the "
            "page's, where it prints one). What follows is about networks trained so long."
        )
    for words, answers in _GROUPS:
        own = [c for c in base if c.answer in answers]
        lines += [f"- {words}: {c.words}{c.chances}." for c in own]
    lengths = {c.name for c in settings.options if c.changes_length}
    for k, conclusion in enumerate(base):
        changed: dict[bool, list[str]] = {True: [], False: []}
        for option, found in summary.conclusions.items():
            plain = BASE if option in lengths else plain_of(settings, option)
            before = summary.conclusions[plain][k]
            if _direction(found[k]) != _direction(before):
                against = "" if plain == BASE else f", while `{plain}`: {before.answer}"
                changed[option in lengths].append(f"{option} ({found[k].answer}{against})")
        for is_length, words in (
            (False, "Depends on a choice that the page does not state"),
            (True, "Depends on how long is trained"),
        ):
            if changed[is_length]:
                lines.append(
                    f"- {words}: {conclusion.words}, {conclusion.answer} in the base; "
                    f"{'; '.join(changed[is_length])}."
                )
    blind = [p.metric.label for p in summary.powers if not p.informative]
    if blind:
        lines.append(f"- Nothing is concluded from {', '.join(blind)}: uninformative here.")
    page = [p for p in summary.powers if is_of_the_page(p)]
    if page:
        able, unable = (
            ", ".join(p.metric.label for p in page if p.informative == wanted) or "no reading"
            for wanted in (True, False)
        )
        lines.append(
            "- The page's metric, an MMD at bandwidth 1, or 0.1 as its own clouds suggest, can "
            f"tell memorised from Gaussian at these points in: {able}; it cannot in: {unable}. "
            "What it shows in the latter is no evidence."
        )
    lines.append(
        "- Not examined: whether the large rate's points are nearer to the law that the training "
        "points were drawn from."
    )
    return lines


_GROUPS = (
    ("Supported", ("supported",)),
    ("Seen in the means, not shown at the level", ("seen, not shown",)),
    ("Contradicted", ("contradicted",)),
    ("The opposite seen in the means, not shown at the level", ("opposite seen, not shown",)),
    ("Undecided, informative metrics disagree", ("metrics disagree",)),
    ("Cannot be shown by any metric used", ("cannot be shown",)),
    ("No data, a rate diverged", ("no data",)),
)


def _direction(conclusion: Conclusion) -> str:
    """An answer without its strength."""
    return {"seen, not shown": "supported", "opposite seen, not shown": "contradicted"}.get(
        conclusion.answer, conclusion.answer
    )


def _runs(summary: Summary, settings: Figure3) -> list[str]:
    g = settings.generation
    rows = [
        (
            e.option,
            text_of(e.rate),
            str(e.steps),
            f"{float(e.rate * e.steps):g}",
            f"{100 * e.share:.3g} %",
            f"{settings.trainings}",
            f"{e.failed[0]} of {e.failed[1]}",
        )
        for e in summary.entries
    ]
    columns = (
        "option", "rate", "steps", "rate x steps", "of the full steps", "trainings",
        "sets without a value (diverged)",
    )  # fmt: skip
    loss = "averaged over coordinates" if settings.mean_over_coordinates else "summed"
    return [
        f"The base's loss is {loss}. {g.sets} sets of {g.count} points with each network, by "
        f"{g.steps} steps of `{g.method}` with `{g.spacing}` spacing from N(0, I) at {g.end:g} to "
        f"{g.start:g};",
        "the same for s*. Full steps: as printed at rates 2 and 0.05 (rate x steps 40 000 and",
        "50 000); the other rates have none printed, 40 000 is assumed.",
        *(
            [
                "Both rates have the same rate x steps here, so that rates are compared and not",
                "lengths of training; an option has the same number of steps instead.",
            ]
            if summary.is_quick
            else []
        ),
        "",
        markdown_table(columns, rows),
    ]


def _conclusion(conclusion: Conclusion) -> list[str]:
    left_out = ", ".join(conclusion.left_out)
    found = [f"### {conclusion.words}: {conclusion.answer}", ""]
    if conclusion.evidence:
        rows = [
            (
                e.metric,
                decimal(e.mean, 3),
                f"{100 * e.part:.0f} %",
                decimal(e.p, 2),
                decimal(e.opposite, 2),
            )
            for e in conclusion.evidence
        ]
        columns = ("metric", "difference of means", "part", "p", "p of the opposite")
        found += [markdown_table(columns, rows)]
    if left_out:
        found += [f"Left out as uninformative: {left_out}.", ""]
    return found


def _values(entries: Sequence[Entry]) -> str:
    rows = []
    for k, first in enumerate(entries[0].rows):
        page = [e.rows[k].printed for e in entries]
        rows.append(
            (
                first.metric.label,
                first.versus,
                *(value_of(e.rows[k]) for e in entries),
                "; ".join("" if p is None else decimal(p.value, 3) for p in page)
                if any(page)
                else "",
            )
        )
    columns = ("metric", "versus", *(f"rate {text_of(e.rate)}" for e in entries), "page, by rate")
    return markdown_table(columns, rows)


def _power(summary: Summary) -> str:
    rows = []
    for p in summary.powers:
        bands = (p.null, p.null_gaussian, p.extreme, p.blurred, p.blurred_gaussian)
        rows.append(
            (
                p.metric.label,
                *("" if b is None else decimal(b.value, 3) for b in bands),
                clouds.yes(p.separates),
                clouds.yes(p.orders),
                clouds.yes(p.informative),
                p.reason,
            )
        )
    columns = (
        "metric", "null", "null, Gaussian", "extreme", "blurred", "blurred, Gaussian", "separates",
        "orders", "informative", "reason",
    )  # fmt: skip
    return markdown_table(columns, rows)


def _options(summary: Summary) -> list[str]:
    base = summary.conclusions[BASE]
    rows = [(option, *(c.answer for c in found)) for option, found in summary.conclusions.items()]
    columns = ("option", *map(str, range(1, len(base) + 1)))
    return [
        *(f"{k}. {c.words}" for k, c in enumerate(base, 1)),
        "",
        "Rates that an option does not train are the base's. An option with fewer steps is",
        "compared with the one that has fewer steps and no other change.",
        "",
        markdown_table(columns, rows),
    ]


def _integrator(error: WeakError) -> list[str]:
    g = error.generation
    answer = {True: "yes", False: "no", None: "not decided"}[error.resolved]
    share, mean = error.largest("share"), error.largest("mean")
    return [
        f"{g.count} points by s* with {g.steps} steps of `{g.method}`, `{g.spacing}` spacing,",
        f"beside as many of the reference `{error.reference}`, by cluster (`bridge`: without any",
        "such error).",
        f"Every share, mean and covariance within {error.tolerance:g} of a cluster's: {answer}.",
        f"Variance within clusters over the reference's: {decimal(error.spread, 4)} "
        f"(standard error {decimal(error.spread_deviation, 2)}); largest error of a share "
        f"{decimal(share[0], 2)} ({decimal(share[1], 2)}), of a mean, in standard deviations, "
        f"{decimal(mean[0], 2)} ({decimal(mean[1], 2)}).",
        "s* and networks go through the same integrator.",
    ]
