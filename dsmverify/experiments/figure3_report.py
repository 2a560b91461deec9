"""Tables, report and drawings of figure 3: what `figure3.run` writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsmverify.ensembles.checkpoints import write_atomically
from dsmverify.experiments import clouds, figure3_plots, page_clouds
from dsmverify.experiments.configurations import Document
from dsmverify.experiments.figure3 import (
    EQUAL_STEPS,
    LEAD,
    Answer,
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
    from dsmverify.metrics.power import Power

POWER_COLUMNS = ("other", *clouds.POWER_COLUMNS)
"""`other`: what s* is to be told from; for `target` it stands where a column says Gaussian."""

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
            POWER_COLUMNS,
            (
                (name, *clouds.power_cells(power))
                for name, powers in powers_of(summary)
                for power in powers
            ),
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
        *plain_words(summary, settings),
        "## What was run",
        "",
        *_runs(summary, settings),
        "## Conclusions",
        "",
        "`part`: of all pairs of trainings, one of each rate (or of all trainings), that speak for",
        "the conclusion. `p`: one-sided, by an exact permutation test over trainings (or a sign",
        f"test). `supported` needs p <= {settings.level:g} from every informative metric. All is",
        "conditional on the training points, and on the sets that those of all networks are",
        "compared with.",
        *_smallest(settings),
        "",
        *(text for c in summary.conclusions[BASE] for text in _conclusion(c)),
        "## Values",
        "",
        "Mean over all sets of all trainings, in brackets the least and the largest set: a range,",
        "no confidence interval. `uninformative`: the metric cannot tell s* from the fitted",
        "Gaussian (versus target: from the target) here; its values are in the CSV.",
        *(
            []
            if summary.page is None
            else [
                "The page's numbers stand beside every reading of its metric; they cannot be those",
                "of all, and it prints none to the target.",
            ]
        ),
        "",
        _values(summary.base),
        "## What the metrics can tell",
        "",
        "Median over repeats, between two sets: of one law (null: s*, and the other), of the",
        "extremes (s* against the other), and of a memoriser with twice the noise against both.",
        "The other is the fitted Gaussian"
        + (" or the target." if summary.target_powers else ".")
        + " `separates`: the bands of null and",
        "extreme are disjoint. `orders`: so are those of the memoriser with twice the noise, which",
        "is nearer to s*. Informative is what does both; bands and reasons are in the CSV.",
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


Lists = dict[str, list[str]]

SUPPORTED = "Supported by the reproduction"
CONTRADICTED = "Contradicted by the reproduction"
CHOICE = "Depends on an unstated choice"
UNABLE = "The page's metric could not have shown"
OPEN = "Not decided"

_WORDS: dict[Answer, str] = {
    "supported": "supported",
    "contradicted": "the opposite is shown",
    "seen, not shown": "seen in the means, not shown at the level",
    "opposite seen, not shown": "the opposite is seen in the means, not shown at the level",
    "seen in one training": "seen in one training",
    "opposite seen in one training": "the opposite is seen in one training",
    "metrics disagree": "informative metrics disagree",
    "cannot be shown": "no metric used here is informative about it",
    "no data": "no data, a rate diverged",
}
_DECIDED = ("supported", "contradicted")


def plain_words(summary: Summary, settings: Figure3) -> list[str]:
    """The lists that the report begins with: lines of Markdown.

    A conclusion of the page's is in one of `SUPPORTED`, `CONTRADICTED`, `CHOICE` and `OPEN`:

    - `CHOICE` where an option turns it round, and the base or the option decides it;
    - `SUPPORTED` and `CONTRADICTED` where the base decides it and no option turns it round;
    - `OPEN` otherwise.

    How long is trained is no unstated choice: the page states it. An option that changes nothing
    else is named; where it turns a conclusion round and the base's own steps were cut, that one is
    `OPEN`. `UNABLE` is about the page's metric and may name any of them.

    Args:
        summary: what was found.
        settings: as run.
    """
    found: Lists = {name: [] for name in (SUPPORTED, CONTRADICTED, CHOICE, UNABLE, OPEN)}
    for k, conclusion in enumerate(summary.conclusions[BASE]):
        name, words = _placed(summary, settings, k, conclusion)
        found[name].append(f"{conclusion.words}: {words}")
    if summary.page is not None:
        found[CHOICE] += [
            f"the page's own clouds: {words[:1].lower()}{words[1:]}"
            for words in summary.page.on_choices
        ]
        found[UNABLE] += _unable(summary, settings)
    lines = [*_scope(summary, settings)]
    for name, items in found.items():
        if items or not (name == CONTRADICTED or (name == UNABLE and summary.page is None)):
            lines += [f"## {name}", "", *(f"- {_sentence(x)}" for x in items or ["Nothing"]), ""]
    for name, powers in powers_of(summary):
        blind = [p.metric.label for p in powers if not p.informative]
        if blind:
            against = "" if name == GAUSSIAN else f" versus the {name}"
            lines += [f"Nothing is concluded{against} from {', '.join(blind)}: uninformative.", ""]
    return lines


def _scope(summary: Summary, settings: Figure3) -> list[str]:
    """What all of it is about: how many trainings, and how long."""
    small, large = summary.base[0], summary.base[-1]
    lines = []
    if settings.trainings == 1:
        lines += [
            "One training at each rate: a second may show the opposite, and no test says how",
            "likely that is. Nothing can be supported; bands are over generated sets only.",
            "",
        ]
    if any(entry.share < 1 for entry in summary.base):
        shares = " and ".join(
            f"{100 * e.share:.2g} % at rate {text_of(e.rate)}" for e in (small, large)
        )
        lines += [
            f"The steps were cut: rate x steps is {shares} of the full configuration's"
            + (" (the page's, where it prints one)." if summary.page is not None else "."),
            "What follows is about networks trained so long, and not about the page's.",
            "",
        ]
    return lines


def _placed(summary: Summary, settings: Figure3, k: int, base: Conclusion) -> tuple[str, str]:
    """The list that conclusion k belongs to, and what is said of it there."""
    lengths = {c.name for c in settings.options if c.changes_length}
    is_cut = any(entry.share < 1 for entry in summary.base)
    said: dict[bool, list[str]] = {False: [], True: []}
    turned = {False: False, True: False}
    for option, found in summary.conclusions.items():
        is_length = option in lengths
        plain = BASE if is_length else plain_of(settings, option)
        before = summary.conclusions[plain][k]
        if _direction(found[k]) == _direction(before):
            continue
        turned[is_length] |= bool({found[k].answer, before.answer} & {*_DECIDED})
        against = "" if plain == BASE else f" (while with {plain}: {_WORDS[before.answer]})"
        said[is_length].append(
            f"with {option}: {_WORDS[found[k].answer]}{found[k].chances}{against}"
        )
    is_open = is_cut and turned[True]
    words = f"{'at the steps made here ' if is_open else ''}{_WORDS[base.answer]}{base.chances}"
    words = "; ".join([words, *said[False]])
    if said[True]:
        whose = "is not the page's here" if is_cut else "the page states"
        words += f". How long is trained, which {whose}, matters: {'; '.join(said[True])}"
    if turned[False]:
        return CHOICE, words
    if is_open:
        return OPEN, words
    lists = {"supported": SUPPORTED, "contradicted": CONTRADICTED}
    return lists.get(base.answer, OPEN), words


def _unable(summary: Summary, settings: Figure3) -> list[str]:
    """What the page's metric, in the readings that there are of it, is blind to at its points."""
    large = text_of(summary.base[-1].rate)
    lines = []
    readings = [p for p in summary.powers if is_of_the_page(p)]
    able = ", ".join(p.metric.label for p in readings if p.informative)
    for power in readings:
        if not power.informative:
            nearest = (power.metric.name, power.metric.bandwidth) == LEAD
            lines.append(
                "whether generated points are memorised or Gaussian, if its metric is "
                f"{power.metric.label}"
                + (", the reading that its own clouds come nearest to" if nearest else "")
                + f": {power.reason}. What its figure shows about s* and the fitted Gaussian is "
                "then no evidence" + (f"; as {able} it can tell them apart" if able else "")
            )
    lines.append(
        "how many of its points lie at training points: an MMD is one number for two whole laws "
        "and counts none, whichever two it compares (generated and training points by the page's "
        "text, points generated with the two scores by its caption)"
    )
    if settings.target:
        lines.append(
            f"that rate {large} generates nearer to the target {settings.target}: it prints no "
            "distance to it"
        )
    for power in summary.target_powers:
        if is_of_the_page(power) and not power.informative:
            lines.append(f"nor could {power.metric.label} have shown that: {power.reason}")
    return lines


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}".rstrip(".") + "."


def _direction(conclusion: Conclusion) -> str:
    """An answer without its strength."""
    return {
        "seen, not shown": "supported",
        "seen in one training": "supported",
        "opposite seen, not shown": "contradicted",
        "opposite seen in one training": "contradicted",
    }.get(conclusion.answer, conclusion.answer)


GAUSSIAN = "fitted Gaussian"


def powers_of(summary: Summary) -> list[tuple[str, tuple[Power, ...]]]:
    """What s* is to be told from, and the metrics' powers to do so."""
    found = [(GAUSSIAN, summary.powers)]
    return [*found, (clouds.TARGET, summary.target_powers)] if summary.target_powers else found


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
        "the same for s*.",
        *(
            [
                "Full steps: as printed at rates 2 and 0.05 (rate x steps 40 000 and 50 000); the",
                "other rates have none printed, 40 000 is assumed.",
            ]
            if summary.page is not None
            else []
        ),
        *(
            [
                "Both rates have the same rate x steps here: the same time, as the gradient flow",
                "counts it"
                + (f"; `{EQUAL_STEPS}` has them otherwise." if settings.quick.equal_steps else "."),
            ]
            if summary.is_quick
            else []
        ),
        "",
        markdown_table(columns, rows),
    ]


def _smallest(settings: Figure3) -> list[str]:
    """That the tests have too few trainings for the level, if so."""
    count = settings.trainings
    if count == 1:
        return []
    least = {
        "the permutation test of two rates": 1 / math.comb(2 * count, count),
        "the sign test within one rate": 0.5**count,
    }
    return [
        f"With {count} trainings {name} has no p below {decimal(p, 3)}: what it is asked can be "
        "seen in the means, and not be shown."
        for name, p in least.items()
        if p > settings.level
    ]


def _conclusion(conclusion: Conclusion) -> list[str]:
    left_out = ", ".join(conclusion.left_out)
    found = [f"### {conclusion.words}: {conclusion.answer}", ""]
    if conclusion.evidence:
        columns = ("metric", "difference of means", "part", "p", "p of the opposite")
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
        # One training each has no part and no p to speak of.
        shown = 2 if all(e.trainings == 1 for e in conclusion.evidence) else len(columns)
        found += [markdown_table(columns[:shown], [row[:shown] for row in rows])]
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
    for name, p in ((name, p) for name, powers in powers_of(summary) for p in powers):
        bands = (p.null, p.null_gaussian, p.extreme, p.blurred, p.blurred_gaussian)
        rows.append(
            (
                p.metric.label,
                name,
                *("" if b is None else decimal(b.value, 3) for b in bands),
                clouds.yes(p.separates),
                clouds.yes(p.orders),
                clouds.yes(p.informative),
            )
        )
    columns = (
        "metric", "other", "null", "null, other", "extreme", "blurred", "blurred, other",
        "separates", "orders", "informative",
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
