"""What the clouds printed in figure 3 say themselves: distances, weights, widths, Gaussianity.

Nothing is trained here. The readings of the printed distances are those of `page_readings`. Beside
them, four questions:

1. *Weights.* Is the number of points near each training point what exact generation with s* gives,
   from N(0, I) at T = 1, or from p_T (equal weights)? Chi-square.
2. *Width.* Around each training point the cloud of s* should be `N(mu x_i, sigma^2 I)` at time
   0.01. Centres `c x_i`, common variance v and free weights are fitted by maximum likelihood. Few
   uniform Euler-Maruyama steps make v larger: which numbers of steps K are left?
3. *Gaussian.* Are mean and covariance of the rate-2 cloud those of the Gaussian fitted on the
   training points, and is its MMD to that Gaussian that of a sample of it?
4. *Memorisation.* Share of points near one training point and median nearest distance.

| letter | here | meaning |
|---|---|---|
| c | `Clusters.scale` | centres over training points; exact: mu, up to 0.0002 |
| v | `Clusters.variance` | of a cluster, per coordinate; exact: sigma^2, up to 0.0001 |
| K | `least_steps` | number of uniform steps from 1 to 0.01 |

A cloud is one draw. Tests take its points as independent, at the level of the settings, one at a
time; the findings name every test behind them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist
from scipy.stats import chi2, chisquare, norm

from dsmverify.diffusion.bridge import cluster_moments
from dsmverify.diffusion.convergence import euler_cluster_variance
from dsmverify.ensembles.times import noise_deviation, signal_factor
from dsmverify.errors import InputError, show
from dsmverify.experiments import page
from dsmverify.experiments.page_readings import (
    FITTED,
    MAIN,
    RATES,
    START,
    STATED,
    TARGET,
    Normal,
    Reading,
    compatible_bandwidths,
    gaussians,
    kernel_mean_within,
    kernel_means,
    printed_values,
    read_page,
)
from dsmverify.metrics.nearest import median_nearest_distance, memorisation_ratio

Floats = NDArray[np.float64]

NAMES = ("s_star_0.05", "s_star_2", "gaussian_0.05", "gaussian_2")
COLUMNS = (
    "kernel", "bandwidth", "chosen", "estimator", "memoriser", "gaussian",
    *(name for one in NAMES for name in (one, f"{one}_error", f"{one}_page", f"{one}_in_band")),
    "misfit", "p_value", "p_any_scale",
)  # fmt: skip

BANDWIDTHS = tuple(10 ** (k / 4) for k in range(-8, 9))
"""0.01 to 100, four to a decade."""

MOST_STEPS = 20_000
"""Beyond, a cluster's variance is within 0.0001 of its limit."""

FEWEST_STEPS = 20
"""Of fewer steps nothing is said: the recursion for one cluster is not monotone there."""

EM_STEPS = 300
"""Of expectation maximisation; clusters hardly overlap, and 30 reach ten digits."""


@dataclass(frozen=True)
class PageSettings:
    """How the page's clouds are tested.

    Args:
        level: of each test, between 0 and 1.
        resamples: Gaussian clouds drawn for the null law of an MMD; 19 or more.
        seed: of these draws, 0 or more.
        bandwidths: ascending, four or more, positive.
    """

    level: float = 0.05
    resamples: int = 199
    seed: int = 33
    bandwidths: tuple[float, ...] = BANDWIDTHS

    def __post_init__(self) -> None:
        """Check all fields."""
        ascending = all(x < y for x, y in zip(self.bandwidths, self.bandwidths[1:], strict=False))
        positive = all(0 < x < math.inf for x in self.bandwidths)
        for name, value, fits, rule in (
            ("level", self.level, 0 < self.level < 1, "a level is between 0 and 1"),
            ("resamples", self.resamples, self.resamples >= 19, "a p-value of 0.05 needs 19"),
            ("seed", self.seed, self.seed >= 0, "a seed is not negative"),
            (
                "bandwidths",
                self.bandwidths,
                len(self.bandwidths) >= 4 and positive and ascending,
                "there must be four or more, positive and ascending",
            ),
        ):
            if not fits:
                raise InputError(name, show(value), rule, "change it")


@dataclass(frozen=True)
class Fact:
    """A number from a cloud beside what was expected.

    Attributes:
        what: name of the number.
        cloud: whose.
        value: the number.
        error: its standard error; NaN where it has none.
        expected: by what it is compared with; NaN: nothing.
        p_value: of the comparison; NaN: none.
    """

    what: str
    cloud: str
    value: float
    error: float = math.nan
    expected: float = math.nan
    p_value: float = math.nan


@dataclass(frozen=True)
class PageClouds:
    """What the page's clouds say.

    Attributes:
        readings: of the printed distances.
        facts: all else.
        findings: in plain words.
        on_choices: those of them that say what depends on a choice that the page does not state.
    """

    readings: tuple[Reading, ...]
    facts: tuple[Fact, ...]
    findings: tuple[str, ...]
    on_choices: tuple[str, ...]

    def rows(self) -> list[tuple[str | float | int, ...]]:
        """The readings as rows of `COLUMNS`."""
        printed, _, _ = printed_values()
        return [
            (
                one.family.kernel.name,
                one.bandwidth if one.family.kernel.scaled else "",
                one.chosen,
                one.family.estimator,
                one.family.first,
                one.family.second,
                *(
                    cell
                    for k in range(len(NAMES))
                    for cell in (
                        float(one.values[k]),
                        float(one.errors[k]),
                        float(printed[k]),
                        "yes" if one.inside[k] else "no",
                    )
                ),
                one.misfit,
                one.p_value,
                one.p_any_scale,
            )
            for one in self.readings
        ]


@dataclass(frozen=True)
class Clusters:
    """Maximum-likelihood fit of `sum_i w_i N(c x_i, v I)` to a cloud.

    Attributes:
        weights: `[n]`.
        scale: c.
        scale_error: standard error of c, cluster membership taken as known.
        variance: v.
        variance_low, variance_high: chi-square interval of v, membership taken as known.
    """

    weights: Floats
    scale: float
    scale_error: float
    variance: float
    variance_low: float
    variance_high: float


def fit_clusters(cloud: Floats, points: Floats, level: float) -> Clusters:
    """The mixture that fits a cloud best.

    Args:
        cloud: `[N, d]`.
        points: `[n, d]`, training points.
        level: one minus the confidence of the interval.

    Result: approximate, the maximum to about ten digits.
    """
    count, d = cloud.shape
    weights, scale = np.full(len(points), 1 / len(points)), signal_factor(START)
    variance = noise_deviation(START) ** 2
    lengths = np.square(points).sum(axis=1)
    for _ in range(EM_STEPS):
        exponent = np.log(weights) - cdist(cloud, scale * points, "sqeuclidean") / (2 * variance)
        belong = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        belong /= belong.sum(axis=1, keepdims=True)
        weights = belong.mean(axis=0)
        scale = float((belong * (cloud @ points.T)).sum() / (belong @ lengths).sum())
        squares = cdist(cloud, scale * points, "sqeuclidean")
        variance = float((belong * squares).sum()) / (count * d)
    freedom = count * d - 1
    return Clusters(
        weights,
        scale,
        math.sqrt(variance / float((belong @ lengths).sum())),
        variance,
        variance * count * d / float(chi2.isf(level / 2, freedom)),
        variance * count * d / float(chi2.isf(1 - level / 2, freedom)),
    )


def least_steps(variance: float) -> int | None:
    """Fewest uniform Euler-Maruyama steps whose clusters are no wider.

    Args:
        variance: per coordinate.

    Returns:
        A number between `FEWEST_STEPS` and about `MOST_STEPS`; None: it takes more.

    Result: exact for an isolated cluster.
    """
    low, high = FEWEST_STEPS, 2 * FEWEST_STEPS
    if euler_cluster_variance(low) <= variance:
        return low
    while euler_cluster_variance(high) > variance:
        low, high = high, 2 * high
        if high > MOST_STEPS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if euler_cluster_variance(middle) > variance:
            low = middle
        else:
            high = middle
    return high


def gaussian_tests(cloud: Floats, normal: Normal) -> tuple[float, float, float, float]:
    """Is a cloud a sample of a Gaussian, by its mean and by its covariance?

    Args:
        cloud: `[N, d]`.
        normal: the Gaussian, known.

    Returns:
        Distance of the means in the Gaussian's units and its p-value (chi-square, d degrees);
        `log det` of the covariance's ratio, and the p-value of the likelihood ratio for the
        covariance (chi-square, d (d + 1)/2 degrees, asymptotic).
    """
    count, d = cloud.shape
    away = cloud.mean(axis=0) - normal.mean
    squared = float(away @ np.linalg.solve(normal.covariance, away))
    centred = cloud - cloud.mean(axis=0)
    ratio = np.linalg.solve(normal.covariance, centred.T @ centred / count)
    log_det = float(np.linalg.slogdet(ratio)[1])
    statistic = count * (float(np.trace(ratio)) - log_det - d)
    return (
        math.sqrt(squared),
        float(chi2.sf(count * squared, d)),
        log_det,
        float(chi2.sf(statistic, d * (d + 1) / 2)),
    )


def distance_to(normal: Normal, cloud: Floats, h: float) -> float:
    """Unbiased squared MMD between a cloud and a Gaussian, kernel `exp(-r^2/(2 h^2))`.

    Result: exact up to rounding.
    """
    inside = float(np.exp(pdist(cloud, "sqeuclidean") * (-0.5 / h**2)).mean())
    return inside + kernel_mean_within(normal, h) - 2 * float(kernel_means(normal, cloud, h).mean())


def null_distances(
    normal: Normal, count: int, bandwidths: Sequence[float], resamples: int, seed: int
) -> Floats:
    """`distance_to` for samples of the Gaussian itself. `[resamples, bandwidths]`."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(normal.covariance)
    samples = (
        normal.mean + rng.standard_normal((count, normal.mean.size)) @ root.T
        for _ in range(resamples)
    )
    return np.array([[distance_to(normal, one, h) for h in bandwidths] for one in samples])


def analyse(settings: PageSettings) -> PageClouds:
    """The page's own clouds: readings of the printed distances, facts and findings.

    Args:
        settings: levels, resamples and bandwidths.
    """
    clouds = page.clouds()
    readings = read_page(clouds, settings.bandwidths)
    on_bandwidth = tuple(_about_bandwidths(readings, settings.level))
    facts, findings = [], [*_about_readings(readings, settings.level), *on_bandwidth]
    for part in (_pairing, _memoriser, _normality):
        found, words = part(clouds, readings, settings)
        facts += found
        findings += words
    # The first: none of the readings at the stated bandwidth gives the printed distances.
    return PageClouds(readings, tuple(facts), tuple(findings), (findings[0], *on_bandwidth))


Part = tuple[list[Fact], list[str]]


def _about_readings(readings: Sequence[Reading], level: float) -> Iterator[str]:
    printed, deviations, _ = printed_values()
    families = {one.family for one in readings}
    stated = [one for one in readings if one.chosen in ("stated", "median")]
    kept = [one for one in stated if one.p_any_scale >= level]
    yield (
        "At bandwidth 1, as exp(-r^2/(2 h^2)) or exp(-r^2/h^2) has it, and at the median "
        f"distance, {len(kept)} of "
        f"{len(stated)} readings are compatible with the four printed distances that have clouds, "
        "whatever common factor is put on the values "
        f"(largest p-value {max(one.p_any_scale for one in stated):.1g})."
        + (
            ""
            if kept
            else " Either another metric was printed, or these are not the clouds behind it."
        )
    )
    best = [one for one in readings if one.chosen == "best"]
    fits = [one for one in best if one.p_value >= level]
    main = next(one for one in best if one.family == MAIN)
    between = compatible_bandwidths(readings, level)
    names = sorted({f"{one.family.kernel.name} with {one.family.second}" for one in fits})
    yield (
        f"Of {len(families)} readings, {len(best)} were searched for the bandwidth that fits best, "
        f"and {len(fits)} are then not rejected ({'; '.join(names)}), all of them "
        f"{' or '.join(sorted({one.family.estimator for one in fits}))} squares (a biased one of "
        "many more points than are shown would do as well). With so many tried this is a lead, "
        "not a finding."
    )
    if between is not None:
        values = ", ".join(f"{x:.5f}" for x in main.values)
        prints = ", ".join(f"{x:.5f}" for x in printed)
        yield (
            "The lead: the unbiased squared MMD with exp(-r^2/(2 h^2)) is compatible for h from "
            f"{between[0]:.3f} to {between[1]:.3f}, a tenth of the stated bandwidth; at "
            f"h = {main.bandwidth:.3f} it gives {values} beside the printed {prints} (to s* at "
            "rates 0.05 and 2, to the Gaussian at 0.05 and 2), with one number fitted to four."
        )
    repeats = (main.errors / deviations) ** 2
    yield (
        "There, if the printed bands were 95 % intervals of a mean of independent sets of this "
        "size, they would be those of "
        + ", ".join(f"{x:.0f}" for x in repeats)
        + " sets: not one number."
    )


def _about_bandwidths(readings: Sequence[Reading], level: float) -> Iterator[str]:
    """Which of the two trained clouds is nearer, over bandwidths."""
    for family, name, longer in (
        (MAIN, "the fitted Gaussian", "that a large rate generates a cloud close to it"),
        (TARGET, "the target N(0, 4 I)", "that a large rate generates closer to the target"),
    ):
        over = [one for one in readings if one.family == family and one.chosen == "range"]
        at = next(
            one
            for one in readings
            if one.family == family and one.chosen == "stated" and one.bandwidth == STATED
        )
        away = float(norm.isf(level / 2))
        nearer = [one.bandwidth for one in over if one.nearer() > away]
        farther = [one.bandwidth for one in over if one.nearer() < -away]
        words = (
            "not shown to be nearer or farther"
            if abs(at.nearer()) <= away
            else ("nearer" if at.nearer() > 0 else "farther")
        )
        yield (
            f"At the stated bandwidth 1 the cloud of rate 2 is {words} than that of rate 0.05, "
            f"seen from {name} ({at.values[3]:.4f} and {at.values[2]:.4f}, {abs(at.nearer()):.1f} "
            f"standard errors apart, unbiased squares). It is nearer at {_span(nearer)} and "
            f"farther at {_span(farther)}, each at level {level:g}. So the page's conclusion "
            f"{longer} depends, for these clouds, on the bandwidth."
        )


def _span(bandwidths: Sequence[float]) -> str:
    if not bandwidths:
        return "none of those tried"
    return f"h = {min(bandwidths):.3g} to {max(bandwidths):.3g}"


def _pairing(clouds: page.Clouds, readings: Sequence[Reading], settings: PageSettings) -> Part:
    """Do rows k of two clouds belong together?"""
    low, high = (clouds.s_theta[rate] for rate in RATES)
    facts = [
        Fact(
            "least correlation of row k over coordinates",
            name,
            min(abs(float(np.corrcoef(x[:, j], y[:, j])[0, 1])) for j in range(x.shape[1])),
            1 / math.sqrt(len(x)),
            0.0,
        )
        for name, x, y in (
            ("rates 0.05 and 2", low, high),
            ("s* and rate 0.05", clouds.s_star, low),
        )
    ]
    return facts, [
        "The clouds of the two rates share their random numbers: rows correlate by at least "
        f"{facts[0].value:.2f}; those of s* and rate 0.05 do not ({facts[1].value:.2f}, standard "
        f"error {facts[1].error:.2f}). Differences between rates are therefore tested in pairs."
    ]


def _memoriser(clouds: page.Clouds, readings: Sequence[Reading], settings: PageSettings) -> Part:
    """Weights, centres and widths of the cloud generated with s*."""
    cloud, points = clouds.s_star, clouds.training
    counts = np.bincount(cdist(cloud, points).argmin(axis=1), minlength=len(points))
    exact = cluster_moments(points).weights
    fitted = fit_clusters(cloud, points, settings.level)
    facts = []
    p_values = []
    for name, weights in (("N(0, I)", exact), ("p_T", np.full(len(points), 1 / len(points)))):
        statistic, p_value = chisquare(counts, len(cloud) * weights)
        p_values.append(float(p_value))
        facts.append(
            Fact(
                f"chi-square of cluster counts, exact generation from {name}",
                "s*",
                float(statistic),
                expected=float(len(points) - 1),
                p_value=float(p_value),
            )
        )
    mu, variance = float(signal_factor(START)), float(noise_deviation(START) ** 2)
    half = (fitted.variance_high - fitted.variance_low) / 2 / float(norm.isf(settings.level / 2))
    facts += [
        Fact(
            f"{name} of clusters",
            "s*",
            value,
            error,
            expected,
            float(2 * norm.sf(abs(value - expected) / error)),
        )
        for name, value, error, expected in (
            ("scale of centres", fitted.scale, fitted.scale_error, mu),
            ("variance", fitted.variance, half, variance),
        )
    ]
    steps = least_steps(fitted.variance_high)
    facts.append(Fact("fewest uniform Euler-Maruyama steps", "s*", float(steps or math.inf)))
    departs = max(p_values) < settings.level
    far = int(np.argmax(np.abs(counts / len(cloud) - exact)))
    findings = [
        f"The clusters of the s* cloud have variance {fitted.variance:.5f} "
        f"({fitted.variance_low:.5f} to {fitted.variance_high:.5f}) and centres "
        f"{fitted.scale:.4f} +- {fitted.scale_error:.4f} times the training points, beside "
        f"{variance:.5f} and {mu:.4f} exactly at time 0.01. With uniform Euler-Maruyama steps and "
        "the stated noise, "
        + (
            f"fewer than {steps} would have made them wider than that interval; no upper limit."
            if steps is not None
            else f"no number of steps up to {MOST_STEPS} makes them so narrow."
        ),
        "The numbers of points near each training point "
        + ("are not" if departs else "are not shown to differ from")
        + " those of exact generation with s*, neither from N(0, I) at T = 1 "
        f"(p = {p_values[0]:.1g}) nor from p_T (p = {p_values[1]:.1g}), if the points are "
        f"independent: training point {far + 1} has {counts[far]} of {len(cloud)} where "
        f"{len(cloud) * exact[far]:.0f} are expected. "
        + (
            "Something in the start, the times or the steps is not as described; which, the cloud "
            "does not tell."
            if departs
            else ""
        ),
    ]
    return facts, [one.rstrip() for one in findings]


def _normality(clouds: page.Clouds, readings: Sequence[Reading], settings: PageSettings) -> Part:
    """Memorisation of all clouds; means, covariances and MMD beside the Gaussian."""
    points = clouds.training
    named = {"s*": clouds.s_star} | {
        f"rate {float(rate):g}": clouds.s_theta[rate] for rate in RATES
    }
    facts = []
    for name, cloud in named.items():
        facts.append(Fact("memorisation ratio", name, memorisation_ratio(cloud, points)))
        facts.append(Fact("median nearest distance", name, median_nearest_distance(cloud, points)))
    large = named[f"rate {float(RATES[1]):g}"]
    normals = gaussians(points)
    means, spreads, sizes = [], [], []
    for second in (FITTED, "fitted, n - 1", "fitted, noised to time 0.01"):
        distance, p_mean, log_det, p_spread = gaussian_tests(large, normals[second])
        sizes.append((distance, log_det))
        means.append(p_mean)
        spreads.append(p_spread)
        facts += [
            Fact(f"distance of mean, {second}", "rate 2", distance, expected=0.0, p_value=p_mean),
            Fact(
                f"log det of covariance ratio, {second}", "rate 2", log_det, math.nan, 0.0, p_spread
            ),
        ]
    best = next(one for one in readings if one.family == MAIN and one.chosen == "best").bandwidth
    null = null_distances(
        normals[FITTED], len(large), (STATED, best), settings.resamples, settings.seed
    )
    words = []
    p_values = []
    for k, h in enumerate((STATED, best)):
        value, extreme = (distance_to(normals[FITTED], x, h) for x in (large, named["s*"]))
        small = distance_to(normals[FITTED], named["rate 0.05"], h)
        p_value = float(1 + (null[:, k] >= value).sum()) / (settings.resamples + 1)
        p_values.append(p_value)
        facts.append(
            Fact(
                f"unbiased squared MMD to the fitted Gaussian, h = {h:.3g}",
                "rate 2",
                value,
                float(null[:, k].std(ddof=1)),
                0.0,
                p_value,
            )
        )
        words.append(
            f"at h = {h:.3g} it is {value:.4f}, {value / extreme:.0%} of what the s* cloud has "
            f"(rate 0.05: {small / extreme:.0%}), where samples of the Gaussian reach "
            f"{np.quantile(null[:, k], 1 - settings.level):.4f}"
        )
    rejected = max(means + spreads + p_values) < settings.level
    ratios = {one.cloud: one.value for one in facts if one.what == "memorisation ratio"}
    return facts, [
        "The cloud of rate 2 "
        + ("is not" if rejected else "is not in every test shown not to be")
        + " a sample of the Gaussian fitted on the training points: its mean lies "
        f"{sizes[0][0]:.2f} standard deviations away (p = {means[0]:.1g}), its covariance has "
        f"{math.exp(sizes[0][1]):.0%} of the determinant (p = {spreads[0]:.1g}), and its squared "
        f"MMD differs from a sample's (p = {p_values[0]:.2g} and {p_values[1]:.2g} with "
        f"{settings.resamples} resamples): " + "; ".join(words) + ".",
        "The memorisation ratio falls with the rate: "
        + ", ".join(f"{value:.2f} ({name})" for name, value in ratios.items())
        + ". One training and one cloud each.",
    ]
