"""What a comparison of runs with a printed value may claim, by a rule fixed before the first draw.

The rule (`Rule`) is part of the configuration, and its digest goes with every result. Nothing here
is a proof or a verdict on a claim. A comparison has one of five answers:

`differs`
    The two-sided bootstrap test of "our law has the page's value" rejects, after Holm's correction
    over every comparison of the family, options included.
`agrees`
    More than "not rejected": the test does not reject, and the ratio of our value to the page's is
    shown to lie in [1/a, a], a = `Rule.agreement`, simultaneously over the family.
`compatible`
    Neither: what was measured excludes neither equality nor a ratio beyond a.
`not measured`
    No runs, fewer than `Rule.least_runs`, or runs that are not what the page describes (fewer
    steps, say). Too few runs keep their place in the family, with p = 1 there.
`no page value`
    Nothing printed to compare with.

Failing to reject is not agreement. So every comparison also gives two factors: ours is `within` a
factor of the page's value, and at least a factor `apart` from it (1 where equality is not
excluded), both at the level divided by the size of the family (Bonferroni).

**The test.** x_1..x_n are our runs, one draw per simulation, and T their mean (or median); P is the
page's value with a printed band [L, H]. P is itself the mean of N runs: its standard error is taken
to be (H - L)/(2 z), z the normal quantile of the band's nominal confidence, and its error normal.
Under "same law" T - P is then distributed as (T* - T) - eps, with T* the statistic of a resample
with replacement and eps the page's error; p is twice the smaller tail. The ratio's draws are
(T + (T* - T))/(P + eps), infinite where P + eps <= 0: where the page's band contains 0 no factor
is excluded from above, and the answer is at most `compatible`.

**Widening.** The bootstrap's T* - T has the plug-in variance s_n^2/n and nearly a normal's tails,
where a mean over its estimated error has Student's. In a family of 80 the smallest tail asked for
is a = 0.05/160, at z = 3.42; beyond it Student's law of 29 degrees of freedom has 3.0 times as
much. So deviations of means are multiplied by sqrt(n/(n-1)) t_{n-1}(a)/z(a), and the page's error
by t_{N-1}(a)/z(a), a half the level over the size of the family (1.12 each for n = N = 30 and 80).
For normal laws the level is then kept, up to the resampling's own error: against a page's value
without error it is met; against one with error n = N means a comparison of the difference with
t_{n-1}, which never exceeds the level (for equal variances the tail at a is half the one asked
for), and n != N one with sqrt(t^2 u + t'^2 u'), u and u' the two estimated variances, no less than
Cochran's (t u + t' u')/sqrt(u + u'). t/z falls towards the middle: the factor of the smallest tail
is enough at every step of Holm's, and makes large p-values larger than they are.

**What it cannot do.** The widening is Student's, right for normal runs; for skewed laws, such as
excess risks with rare failures, the level is not guaranteed: n runs show nothing of what happens
once in 2 n. Medians are not widened, their bootstrap is rougher. Below `Rule.least_runs` there is
no test: a single run has no spread at all, and would differ from everything. Bands of `Summary`
are plain percentiles: for n = 30 normal draws the nominal 95 % cover 93.6 %. Runs of one simulation
share their data; resampling whole simulations, the same ones for every comparison, keeps that. A
small value of p says that the descriptions differ, not where.

**Runs that diverged** have the value infinity. If k of n diverged the means are not compared; all N
of the page's runs are taken to have converged, as its value is finite, and p is twice the
probability that, of n + N runs of one law with k divergent among them, all k are ours:
C(n,k)/C(n+N,k). Without that rejecting, the answer is `compatible`. A median is compared as long as
it is finite. Beyond that, a finite median of the page's leaves it j = (N-1)/2 divergent runs at
most, and p is twice the probability of k or more of ours among k + j.

**One curve against many runs.** A printed curve is one draw. With S runs of ours its two-sided rank
p-value is 2 min(r, S + 2 - r)/(S + 1), r its rank among all S + 1: exact when all are exchangeable,
and never below 2/(S + 1). Independent curves are combined by Fisher's method, which is conservative
for such discrete p-values.

Resampling indices come from `philox` under the rule's seed: the same numbers on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dsmverify.ensembles import philox
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]
Statistic = Literal["mean", "median"]
Answer = Literal["agrees", "compatible", "differs", "not measured", "no page value"]

PAGE_ERROR_STEP = 2**32
"""Steps of the resampling stream below it draw runs, those from it on the page's error."""


@dataclass(frozen=True)
class Rule:
    """How a comparison is decided; read from the configuration before the first draw.

    Args:
        seed: of the resampling.
        statistic: what the page is taken to plot, `"mean"` or `"median"` over simulations.
        level: probability aimed at of one or more false `differs` in the family, in (0, 1); kept
            for normal laws, not guaranteed for others; see the module.
        confidence: of our bands, and the nominal one of the page's; in (0, 1).
        resamples: number of bootstrap resamples.
        agreement: the factor a above 1 within which values agree.
        page_simulations: N, runs behind one value of the page's, at least 2.
        least_runs: fewer runs of ours are not compared; at least 2.
    """

    seed: int
    statistic: Statistic = "mean"
    level: float = 0.05
    confidence: float = 0.95
    resamples: int = 20_000
    agreement: float = 1.5
    page_simulations: int = 30
    least_runs: int = 10

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            InputError: a field is out of range.
        """
        for name in ("level", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(
                    f"rule.{name}",
                    show(getattr(self, name)),
                    "it must lie strictly between 0 and 1",
                    "give a probability such as 0.05 or 0.95",
                )
        if self.statistic not in get_args(Statistic):
            raise InputError(
                "rule.statistic", show(self.statistic), "unknown choice", "give 'mean' or 'median'"
            )
        if self.resamples < 1:
            raise InputError(
                "rule.resamples", show(self.resamples), "it must be positive", "give 20000, say"
            )
        if not self.agreement > 1:
            raise InputError(
                "rule.agreement",
                show(self.agreement),
                "a factor of agreement is above 1",
                "give 1.5, say",
            )
        for name in ("page_simulations", "least_runs"):
            if getattr(self, name) < 2:
                raise InputError(
                    f"rule.{name}",
                    show(getattr(self, name)),
                    "one run has no spread",
                    "give 2 or more",
                )
        if not 0 <= self.seed < 2**64:
            raise InputError(
                "rule.seed", show(self.seed), "it must lie in 0..2^64 - 1", "give another seed"
            )

    @property
    def quantile(self) -> float:
        """z, the normal quantile of the bands' confidence: 1.96 for 0.95."""
        return float(special.ndtri((1 + self.confidence) / 2))


@dataclass(frozen=True)
class PageValue:
    """A printed value and its printed band."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Measurement:
    """One point of a family of comparisons.

    Attributes:
        label: what it is, for reports.
        values: `[simulations]`, our runs; infinity for one that diverged; empty: not measured.
        page: what the page shows; None: nothing.
        statistic: of ours that is compared; None: the rule's.
    """

    label: str
    values: Floats
    page: PageValue | None
    statistic: Statistic | None = None


@dataclass(frozen=True)
class Summary:
    """Runs in a few numbers; approximate: `low` and `high` are bootstrap percentiles.

    Attributes:
        simulations: number of runs, those that diverged included.
        mean: of the runs; infinite when one diverged.
        median: of the runs.
        low: lower end of the percentile bootstrap band of the rule's statistic.
        high: upper end.
        diverged: number of runs that diverged.
    """

    simulations: int
    mean: float
    median: float
    low: float
    high: float
    diverged: int


@dataclass(frozen=True)
class Comparison:
    """One answer, with the numbers behind it.

    Attributes:
        answer: see the module.
        p: two-sided p-value, uncorrected; NaN where nothing was compared.
        adjusted: Holm's over the family.
        ratio: our value over the page's.
        within: the ratio lies within [1/within, within], simultaneously over the family; infinite
            where nothing was shown.
        apart: the ratio lies outside (1/apart, apart), simultaneously; 1 where nothing was shown.
        reason: why runs were not compared, "" where they were or where there were none.
    """

    answer: Answer
    p: float = math.nan
    adjusted: float = math.nan
    ratio: float = math.nan
    within: float = math.inf
    apart: float = 1.0
    reason: str = ""


def summarise(values: Floats, rule: Rule) -> Summary:
    """Mean, median and the bootstrap band of runs.

    Args:
        values: `[simulations]`, at least one; infinity for a run that diverged.
        rule: its statistic, confidence, resamples and seed.

    Raises:
        InputError: no values, or a NaN among them.
    """
    values = _checked(values)
    if not len(values):
        raise InputError("values", "no runs", "there is nothing to summarise", "measure first")
    tail = (1 - rule.confidence) / 2
    # Ranks, not interpolation: between a finite resample and an infinite one there is no number.
    low, high = np.quantile(
        _resampled(values, rule), (tail, 1 - tail), method="inverted_cdf"
    ).tolist()
    return Summary(
        simulations=len(values),
        mean=float(values.mean()),
        median=_median(values),
        low=low,
        high=high,
        diverged=int(np.isinf(values).sum()),
    )


def compare(family: Sequence[Measurement], rule: Rule) -> list[Comparison]:
    """One answer for each measurement, corrected for all of them together.

    Args:
        family: every comparison that is made: all points, and all options that were tried.
        rule: fixed before the runs.

    Raises:
        InputError: a NaN among the values, a page's band upside down, or too few resamples for a
            family of this size.
    """
    open_ = [k for k, one in enumerate(family) if one.page is not None and len(one.values)]
    size = len(open_)
    # Below this no resample can reach the level: the smallest p-value is 2/(resamples + 1).
    needed = math.ceil(2 * size / rule.level)
    if size and rule.resamples < needed:
        raise InputError(
            "rule.resamples",
            str(rule.resamples),
            f"{size} comparisons at level {rule.level:g} need at least {needed}",
            f"give resamples = {needed} or more",
        )
    found: dict[int, Comparison] = {}
    for number, k in enumerate(open_):
        one = family[k]
        assert one.page is not None  # open_ holds no other
        own = rule if one.statistic is None else replace(rule, statistic=one.statistic)
        found[k] = _compare_one(one.label, _checked(one.values), one.page, own, number, size)
    # What was not compared for want of runs counts all the same: how many runs are left over is
    # chance, and the size of a family must not be.
    adjusted = holm([1.0 if found[k].reason else found[k].p for k in open_])
    for k, p in zip(open_, adjusted, strict=True):
        if not found[k].reason:
            found[k] = _answer(found[k], float(p), rule)
    empty: Answer
    for k, one in enumerate(family):
        if k not in found:
            empty = "no page value" if one.page is None else "not measured"
            found[k] = Comparison(empty)
    return [found[k] for k in range(len(family))]


def holm(p_values: Sequence[float]) -> Floats:
    """Holm's adjusted p-values: the i-th smallest of k times k - i + 1, made monotone, at most 1.

    Rejecting those at most `level` has a family-wise error of at most `level`, whatever the
    dependence between the tests.

    Args:
        p_values: `[k]`.

    Returns:
        `[k]`, in the order given; exact.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def rank_p_value(low: float, high: float, draws: Floats) -> float:
    """Two-sided rank p-value of one further draw that is known to lie in an interval.

    Args:
        low: lower end.
        high: upper end; equal to `low` for a known value.
        draws: `[S]`, runs of the law in question.

    Returns:
        The largest p-value of any value in the interval, so never too small; exact given
        exchangeability.

    Raises:
        InputError: the interval is upside down, or a draw is NaN.
    """
    draws = _checked(draws)
    if not low <= high:
        raise InputError("interval", f"[{low}, {high}]", "it is upside down", "swap its ends")
    size = len(draws)
    # The p-value rises towards the middle: an end decides on each side, the middle is worth 1.
    left = 1 + int((draws <= high).sum())
    right = 1 + int((draws >= low).sum())
    return min(1.0, 2 * min(left, right) / (size + 1))


def combined_p_value(p_values: Sequence[float]) -> float:
    """Fisher's combination of independent p-values: the chi-square tail of -2 sum log p.

    Args:
        p_values: `[k]`, in (0, 1]; discrete ones make the result conservative.

    Returns:
        Approximate, relative error about 1e-12; 1 for none.
    """
    total = -sum(math.log(p) for p in p_values)
    return float(special.gammaincc(len(p_values), total)) if len(p_values) else 1.0


def divergence_p_value(diverged: int, ours: int, theirs: int, among_theirs: int = 0) -> float:
    """p-value of k of our n runs diverging where at most j of the page's N did; see the module.

    Twice the hypergeometric probability that k or more of k + j divergent runs among n + N are
    ours; exact. It grows with j: the largest possible j covers all smaller ones.

    Args:
        diverged: k, at most n.
        ours: n.
        theirs: N.
        among_theirs: j, at most N.
    """
    total = diverged + among_theirs
    ways = sum(
        math.comb(ours, k) * math.comb(theirs, total - k)
        for k in range(diverged, min(ours, total) + 1)
    )
    return min(1.0, 2 * ways / math.comb(ours + theirs, total))


def widening(runs: int, tail: float) -> float:
    """t_{n-1}(a)/z(a): a mean's upper quantile in estimated standard errors over a normal's.

    Args:
        runs: n, at least 2.
        tail: a, in (0, 1/2).

    Returns:
        Approximate, relative error about 1e-12; above 1, falling to 1 as n grows.

    Example:
        >>> round(widening(30, 0.025), 4)
        1.0435
    """
    return float(special.stdtrit(runs - 1, 1 - tail) / special.ndtri(1 - tail))


def _compare_one(
    label: str, values: Floats, page: PageValue, rule: Rule, number: int, size: int
) -> Comparison:
    if not page.low <= page.high:
        raise InputError(
            label, f"[{page.low}, {page.high}]", "the page's band is upside down", "swap its ends"
        )
    count, diverged = len(values), int(np.isinf(values).sum())
    ours = _statistic(values, rule.statistic)
    ratio_of_values = ours / page.value if page.value > 0 else math.inf
    if math.isinf(ours):
        theirs = rule.page_simulations
        among_theirs = 0 if rule.statistic == "mean" else (theirs - 1) // 2
        p = divergence_p_value(diverged, count, theirs, among_theirs)
        return Comparison("compatible", p=p, ratio=ratio_of_values)
    if count < rule.least_runs:
        reason = f"{count} {'run' if count == 1 else 'runs'}, fewer than {rule.least_runs}"
        return Comparison("not measured", ratio=ratio_of_values, reason=reason)
    tail = rule.level / size / 2
    deviation = _resampled(values, rule) - ours
    if rule.statistic == "mean":
        deviation *= math.sqrt(count / (count - 1)) * widening(count, tail)
    # One column of normals serves one comparison: independent errors of the page's points.
    step = PAGE_ERROR_STEP + number
    normal = philox.normals(rule.seed, philox.Stream.RESAMPLING, step, rule.resamples)
    error = (page.high - page.low) / (2 * rule.quantile) * normal
    error *= widening(rule.page_simulations, tail)
    null, gap = deviation - error, ours - page.value
    above, below = int((null >= gap).sum()), int((null <= gap).sum())
    p = min(1.0, 2 * (1 + min(above, below)) / (rule.resamples + 1))
    printed = page.value + error
    ratio = np.full(rule.resamples, np.inf)
    np.divide(ours + deviation, printed, out=ratio, where=printed > 0)
    within = _reach(ratio, rule.level / size)
    return Comparison(
        "compatible",
        p=p,
        ratio=ratio_of_values,
        within=within,
        apart=_apart(ratio, tail),
    )


def _reach(ratio: Floats, tail: float) -> float:
    """Smallest factor f at which both one-sided tests, of > f and of < 1/f, reject."""
    low, high = _outer_quantiles(ratio, tail)
    return max(1.0, high, 1 / low if low > 0 else math.inf)


def _apart(ratio: Floats, tail: float) -> float:
    low, high = _outer_quantiles(ratio, tail)
    if low > 1:
        return low
    return 1 / high if 0 < high < 1 else 1.0


def _outer_quantiles(ratio: Floats, tail: float) -> tuple[float, float]:
    """Order statistics with at most `tail` of the resamples, and one more, beyond each."""
    ordered = np.sort(ratio)
    beyond = max(math.floor(tail * (len(ordered) + 1)) - 1, 0)
    return float(ordered[beyond]), float(ordered[-1 - beyond])


def _answer(found: Comparison, adjusted: float, rule: Rule) -> Comparison:
    answer: Answer = "compatible"
    if adjusted <= rule.level:
        answer = "differs"
    elif found.within <= rule.agreement:
        answer = "agrees"
    return Comparison(answer, found.p, adjusted, found.ratio, found.within, found.apart)


def _resampled(values: Floats, rule: Rule) -> Floats:
    """The statistic of every resample; the same simulations in all, whatever the values. `[R]`."""
    size = len(values)
    blocks = np.arange((size + 1) // 2)
    steps = np.arange(rule.resamples, dtype=np.uint64)[:, None]
    _, _, w2, w3 = philox.words(rule.seed, philox.Stream.RESAMPLING, steps, blocks)
    picks = np.stack((w2, w3), axis=-1).reshape(rule.resamples, -1)[:, :size]
    chosen = values[philox.indices(picks, size, replacement=True)]
    if rule.statistic == "mean":
        return np.asarray(chosen.mean(axis=1))
    return (
        np.array([_median(row) for row in chosen])
        if np.isinf(values).any()
        else np.asarray(np.median(chosen, axis=1))
    )


def _statistic(values: Floats, statistic: Statistic) -> float:
    return float(values.mean()) if statistic == "mean" else _median(values)


def _median(values: Floats) -> float:
    """Median; infinite where half or more are infinite, without the NaN of inf - inf."""
    ordered = np.sort(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(high if np.isinf(high) else (low + high) / 2)


def _checked(values: Any) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or np.isnan(array).any():
        raise InputError(
            "values",
            f"shape {array.shape}" if array.ndim != 1 else "a NaN",
            "there is one number for each run, infinity for one that diverged",
            "give a list of numbers",
        )
    return array
