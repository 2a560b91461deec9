"""Readings of figure 3's distances, worked out on the page's own clouds, beside the printed values.

The page states "MMD, Gaussian kernel, bandwidth 1". Left open are the square, the estimator, what
bandwidth means, and which Gaussian was fitted; its text and its caption name different partners of
the first comparison. A reading takes a side in each, and gives four numbers: two rates, each
compared with the memoriser and with the Gaussian. Nothing but the page's files enters.

| letter | here | meaning |
|---|---|---|
| h | `bandwidth` | of the kernel k, `exp(-r^2/(2 h^2))` for `gaussian` |
| N | | points of a cloud |
| J | `covariance` | of the four numbers, by the jackknife over points |
| b | `deviations` | half widths of the printed bands over 1.96 |
| M | `misfit` | `z^T (J + diag b^2)^-1 z`, z: value minus printed value |

A printed value is a mean over an unprinted number of repeats, a cloud is one draw. M is therefore
compared with chi-square, four degrees of freedom (three where h was chosen to make M least): what
varies between trainings is not in J, and a p-value that is not small shows compatibility only.
Rows k of the two trained clouds share their noise and are left out together.

The Gaussian enters by its expectations, as every kernel but `-r` is a mixture of Gaussian ones:

    exp(-r/h) = E exp(-r^2/(2 (h Z)^2)), Z ~ N(0, 1)
    1/(1 + r^2/(2 h^2)) = E exp(-r^2 W/(2 h^2)), W exponential with mean 1.

For `-r` it is `NODES` quasi-random points. Biased readings take it as N points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.distance import cdist
from scipy.stats import chi2, norm, qmc

from dsmverify.ensembles.times import noise_deviation, signal_factor
from dsmverify.experiments import page

Floats = NDArray[np.float64]
Estimator = Literal["unbiased", "biased", "root of biased"]
Chosen = Literal["stated", "median", "range", "best"]

ESTIMATORS: tuple[Estimator, ...] = ("unbiased", "biased", "root of biased")
RATES = (Fraction(1, 20), Fraction(2))
QUANTITIES: tuple[tuple[Fraction, page.Versus], ...] = (
    (RATES[0], "s_star"), (RATES[1], "s_star"), (RATES[0], "gaussian"), (RATES[1], "gaussian"),
)  # fmt: skip
"""Order of the four numbers everywhere."""

STATED = 1.0
START = 0.01
"""Time at which generation ends."""

TARGET_VARIANCE = 4.0
NODES = 512
"""Quasi-random points for `-r`: with 4096 the numbers move by less than a tenth of their errors."""

FINE = 1000
"""Bandwidths between the smallest and the largest at which interpolated misfits are compared."""

SCALES = (1e-3, 1e3, 800)
"""Common factors that are tried: from, to, how many; 1.7 % apart, less than the errors of any."""

BAND_QUANTILE = float(norm.isf(0.025))
"""The printed bands are taken as 95 % ones; the page does not say."""

FITTED = "fitted, n"
S_STAR = "s_star cloud"
TRAINING = "training points"
TARGET_NAME = "N(0, 4 I)"


@dataclass(frozen=True)
class Kernel:
    """A kernel as a function of squared distances and a bandwidth.

    Attributes:
        name: formula.
        of: squared distances, bandwidth -> values.
        mixture: `(scale, weight)` of Gaussian kernels of bandwidth `scale h` that make up this one;
            empty where none do.
        scaled: whether the bandwidth matters.
    """

    name: str
    of: Callable[[Floats, float], Floats]
    mixture: tuple[tuple[float, float], ...] = ()
    scaled: bool = True


def _gaussian(squares: Floats, h: float) -> Floats:
    return np.exp(squares * (-0.5 / h**2))


def _five(squares: Floats, h: float) -> Floats:
    # Each bandwidth is half the one before: the fourth power, by squaring twice.
    last = _gaussian(squares, 4 * h)
    total = last.copy()
    for _ in range(4):
        last = np.square(np.square(last))
        total += last
    return total


def _laplace_mixture() -> tuple[tuple[float, float], ...]:
    """Scales |Z|, by the trapezoidal rule in log |Z|."""
    density = math.sqrt(2 / math.pi)
    return tuple((math.exp(t), STEP * density * math.exp(t - math.exp(2 * t) / 2)) for t in LOGS)


def _rational_mixture() -> tuple[tuple[float, float], ...]:
    """Scales W^(-1/2), by the trapezoidal rule in log W."""
    return tuple((math.exp(-t / 2), STEP * math.exp(t - math.exp(t))) for t in LOGS)


STEP = 0.25
LOGS = tuple(STEP * k for k in range(-80, 17))
"""Nodes of the trapezoidal rule in a logarithm: the weights fall like exp(t) to the left, to 2e-9,
and faster than exp(-exp(t)) to the right; the step leaves an error below 1e-7."""

GAUSSIAN = Kernel("exp(-r^2/(2 h^2))", _gaussian, ((1.0, 1.0),))
FIVE = Kernel(
    "sum of exp(-r^2/(2 g^2)), g = h/4 .. 4 h",
    _five,
    tuple((scale, 1.0) for scale in (0.25, 0.5, 1.0, 2.0, 4.0)),
)
LAPLACE = Kernel("exp(-r/h)", lambda squares, h: np.exp(-np.sqrt(squares) / h), _laplace_mixture())
RATIONAL = Kernel(
    "1/(1 + r^2/(2 h^2))", lambda squares, h: 1 / (1 + squares / (2 * h**2)), _rational_mixture()
)
ENERGY = Kernel("-r", lambda squares, h: -np.sqrt(squares), scaled=False)
KERNELS = (GAUSSIAN, FIVE, LAPLACE, RATIONAL, ENERGY)


@dataclass(frozen=True)
class Normal:
    """A Gaussian: mean `[d]`, covariance `[d, d]`."""

    mean: Floats
    covariance: Floats


def gaussians(points: Floats) -> dict[str, Normal]:
    """What "the fitted Gaussian" may be, by name; with it the target and N(0, I).

    Args:
        points: `[n, d]`, training points.
    """
    n, d = points.shape
    mean = points.mean(axis=0)
    fitted = (points - mean).T @ (points - mean) / n
    mu, sigma = signal_factor(START), noise_deviation(START)
    eye, zero = np.eye(d), np.zeros(d)
    return {
        FITTED: Normal(mean, fitted),
        "fitted, n - 1": Normal(mean, fitted * (n / (n - 1))),
        "fitted, noised to time 0.01": Normal(mu * mean, mu**2 * fitted + sigma**2 * eye),
        "fitted, diagonal": Normal(mean, np.diag(np.diag(fitted))),
        "fitted, isotropic": Normal(mean, float(np.trace(fitted)) / d * eye),
        TARGET_NAME: Normal(zero, TARGET_VARIANCE * eye),
        "N(0, I)": Normal(zero, eye),
    }


def kernel_means(normal: Normal, x: Floats, h: float) -> Floats:
    """E exp(-|x - G|^2/(2 h^2)) at each row of x. `[k]`.

    Result: exact up to rounding.
    """
    d = x.shape[1]
    spread = normal.covariance + h**2 * np.eye(d)
    away = x - normal.mean
    exponent = np.einsum("ij,ij->i", away @ np.linalg.inv(spread), away)
    factor = h**d / math.sqrt(float(np.linalg.det(spread)))
    return np.asarray(factor * np.exp(-exponent / 2))


def kernel_mean_within(normal: Normal, h: float) -> float:
    """E exp(-|G - G'|^2/(2 h^2)), G and G' independent. Result: exact up to rounding."""
    twice = Normal(normal.mean, 2 * normal.covariance)
    return float(kernel_means(twice, normal.mean[None, :], h)[0])


@dataclass(frozen=True)
class Family:
    """A reading but for its bandwidth.

    Attributes:
        kernel: one of `KERNELS`.
        estimator: of the squared MMD, or of its root.
        first: what the memoriser is, the cloud of s* or the training points themselves.
        second: what the Gaussian is, a name of `gaussians`.
    """

    kernel: Kernel
    estimator: Estimator
    first: str = S_STAR
    second: str = FITTED


MAIN = Family(GAUSSIAN, "unbiased")
TARGET = Family(GAUSSIAN, "unbiased", second=TARGET_NAME)


def families(points: Floats) -> tuple[Family, ...]:
    """All readings that are tried: one choice at a time beside the estimators."""
    others = [name for name in gaussians(points) if name != FITTED]
    return (
        *(Family(kernel, estimator) for kernel in KERNELS for estimator in ESTIMATORS),
        *(Family(GAUSSIAN, estimator, TRAINING) for estimator in ESTIMATORS),
        *(Family(GAUSSIAN, "unbiased", S_STAR, name) for name in others),
    )


@dataclass(frozen=True)
class Reading:
    """The four numbers of one reading at one bandwidth, in the order of `QUANTITIES`.

    Attributes:
        family: the reading.
        bandwidth: h.
        chosen: how h came about; "best" makes the misfit least.
        values: `[4]`.
        covariance: `[4, 4]`, J.
        inside: `[4]`, whether a value lies in the printed band.
        misfit: M.
        p_value: of M.
        p_any_scale: of the least M over a common factor on the values; no unit can then be blamed.
    """

    family: Family
    bandwidth: float
    chosen: Chosen
    values: Floats
    covariance: Floats
    inside: tuple[bool, ...]
    misfit: float
    p_value: float
    p_any_scale: float

    @property
    def errors(self) -> Floats:
        """Standard errors by the jackknife over points. `[4]`."""
        return np.sqrt(np.diag(self.covariance))

    def nearer(self) -> float:
        """How much nearer to the Gaussian the cloud of rate 2 is than that of 0.05, in errors."""
        variance = self.covariance[2, 2] + self.covariance[3, 3] - 2 * self.covariance[2, 3]
        return float((self.values[2] - self.values[3]) / math.sqrt(variance))


class Measured:
    """The four numbers of every family, with covariances, on given clouds.

    A quantity is `[2, 1 + N]`: column 0 its value, in row 0 further its values without row k of
    the two trained clouds, in row 1 those without row k of the cloud of s*.

    Args:
        clouds: the page's; three clouds of N points.
    """

    def __init__(self, clouds: page.Clouds) -> None:
        self.clouds = clouds
        self.trained = [clouds.s_theta[rate] for rate in RATES]
        self.normals = gaussians(clouds.training)
        self.families = families(clouds.training)
        self._squares = {
            "star": cdist(clouds.s_star, clouds.s_star, "sqeuclidean"),
            "training": cdist(clouds.training, clouds.training, "sqeuclidean"),
        }
        for k, cloud in enumerate(self.trained):
            self._squares[f"{k}"] = cdist(cloud, cloud, "sqeuclidean")
            self._squares[f"{k} star"] = cdist(cloud, clouds.s_star, "sqeuclidean")
            self._squares[f"{k} training"] = cdist(cloud, clouds.training, "sqeuclidean")

    @cached_property
    def nodes(self) -> Floats:
        """Quasi-random points of the fitted Gaussian. `[NODES, d]`."""
        fitted = self.normals[FITTED]
        uniform = qmc.Sobol(fitted.mean.size, seed=0).random(NODES)
        root = np.linalg.cholesky(fitted.covariance)
        return np.asarray(fitted.mean + norm.ppf(uniform) @ root.T)

    def numbers(self, kernel: Kernel, h: float) -> Iterator[tuple[Family, Floats, Floats]]:
        """Each family of a kernel, its four numbers `[4]` and their covariance `[4, 4]`."""
        at_zero = float(kernel.of(np.zeros(1), h)[0])
        values = {name: kernel.of(squares, h) for name, squares in self._squares.items()}
        star = _within(values["star"], 1)
        inside = [_within(values[f"{k}"], 0) for k in range(2)]
        seconds = {family.second for family in self.families if family.kernel == kernel}
        gaussian = {(name, k): self._to(kernel, name, h, k) for name in seconds for k in range(2)}
        for family in self.families:
            if family.kernel != kernel:
                continue
            four = []
            for versus in ("first", "second"):
                for k in range(2):
                    if versus == "second":
                        other, across = gaussian[family.second, k]
                        count = len(self.trained[k])
                    elif family.first == S_STAR:
                        other, across = star, _across(values[f"{k} star"])
                        count = len(self.clouds.s_star)
                    else:
                        count = len(self.clouds.training)
                        total = float(values["training"].sum()) - count * at_zero
                        other = np.full_like(star, total / (count * (count - 1)))
                        across = _over_trained(values[f"{k} training"].mean(axis=1))
                    squared = inside[k] + other - 2 * across
                    if family.estimator != "unbiased":
                        squared = squared + (at_zero - inside[k]) / len(self.trained[k])
                        squared = squared + (at_zero - other) / count
                    if family.estimator == "root of biased":
                        squared = np.sqrt(np.maximum(squared, 0))
                    four.append(squared)
            yield family, np.array([one[0, 0] for one in four]), _covariance(np.array(four))

    def _to(self, kernel: Kernel, second: str, h: float, k: int) -> tuple[Floats, Floats]:
        """Mean kernel inside a Gaussian, and between it and a trained cloud."""
        cloud = self.trained[k]
        if kernel.mixture:
            normal = self.normals[second]
            parts = [(h * scale, weight) for scale, weight in kernel.mixture]
            within = sum(weight * kernel_mean_within(normal, width) for width, weight in parts)
            means = sum(
                (weight * kernel_means(normal, cloud, width) for width, weight in parts),
                np.zeros(len(cloud)),
            )
        else:
            inner = kernel.of(cdist(self.nodes, self.nodes, "sqeuclidean"), h)
            within = float(inner.mean())  # Quasi-random: the diagonal belongs to the rule.
            means = kernel.of(cdist(cloud, self.nodes, "sqeuclidean"), h).mean(axis=1)
        return np.full((2, len(cloud) + 1), within), _over_trained(means)


def read_page(
    clouds: page.Clouds, bandwidths: Sequence[float], kernels: Sequence[Kernel] = KERNELS
) -> tuple[Reading, ...]:
    """All readings: as stated, at the median distance, and where the misfit is least.

    `MAIN` and `TARGET`, unbiased squares with a Gaussian kernel, come at every bandwidth.

    Args:
        clouds: the page's.
        bandwidths: ascending, four or more; the range searched for the least misfit.
        kernels: those tried, `GAUSSIAN` among them.
    """
    measured = Measured(clouds)
    printed, deviations, band = printed_values()

    def reading(
        family: Family, h: float, chosen: Chosen, values: Floats, covariance: Floats
    ) -> Reading:
        misfit = float(misfits(values - printed, covariance, deviations))
        freedom = 3 if chosen == "best" else 4
        scale = np.geomspace(*SCALES)[:, None]
        least = misfits(
            scale * values - printed, scale[:, :, None] ** 2 * covariance, deviations
        ).min()
        return Reading(
            family,
            h,
            chosen,
            values,
            covariance,
            tuple(bool(x) for x in (band[0] <= values) & (values <= band[1])),
            misfit,
            float(chi2.sf(misfit, freedom)),
            float(chi2.sf(least, freedom - 1)),
        )

    median = float(np.median(cdist(clouds.s_star, measured.trained[0])))
    stated: list[Reading] = []
    searched: dict[Family, list[tuple[Floats, Floats]]] = {}
    for kernel in kernels:
        # The other widespread convention for the same kernel, exp(-r^2/h^2), is h over root two.
        chosen: list[tuple[float, Chosen]] = [(STATED, "stated")]
        if kernel == GAUSSIAN:
            chosen += [(STATED / math.sqrt(2), "stated"), (median, "median")]
        for h, why in chosen:
            stated += [reading(f, h, why, v, c) for f, v, c in measured.numbers(kernel, h)]
        if kernel.scaled:
            for h in bandwidths:
                for family, values, covariance in measured.numbers(kernel, h):
                    searched.setdefault(family, []).append((values, covariance))
    over = [
        reading(family, h, "range", *pair)
        for family in (MAIN, TARGET)
        for h, pair in zip(bandwidths, searched[family], strict=True)
    ]
    best = []
    for family, pairs in searched.items():
        fine, values, covariances = _interpolated(bandwidths, pairs)
        at = int(np.argmin(misfits(values - printed, covariances, deviations)))
        best.append(reading(family, float(fine[at]), "best", values[at], covariances[at]))
    return (*stated, *best, *over)


def compatible_bandwidths(readings: Sequence[Reading], level: float) -> tuple[float, float] | None:
    """Bandwidths between which the misfit of `MAIN` is not rejected; None: there are none.

    Args:
        readings: of `read_page`.
        level: of the test at each bandwidth.
    """
    over = [one for one in readings if one.family == MAIN and one.chosen == "range"]
    printed, deviations, _ = printed_values()
    fine, values, covariances = _interpolated(
        [one.bandwidth for one in over], [(one.values, one.covariance) for one in over]
    )
    kept = fine[misfits(values - printed, covariances, deviations) <= chi2.isf(level, 4)]
    return (float(kept[0]), float(kept[-1])) if kept.size else None


def printed_values() -> tuple[Floats, Floats, Floats]:
    """Printed values `[4]`, their deviations b `[4]`, and the bands `[2, 4]`."""
    table = page.generated_distances()
    found = [table[key] for key in QUANTITIES]
    band = np.array([[one.low for one in found], [one.high for one in found]])
    return np.array([one.value for one in found]), (band[1] - band[0]) / 2 / BAND_QUANTILE, band


def misfits(differences: Floats, covariances: Floats, deviations: Floats) -> Floats:
    """M of differences `[..., 4]` with covariances `[..., 4, 4]`. `[...]`."""
    total = covariances + np.diag(deviations**2)
    solved = np.linalg.solve(total, differences[..., None])[..., 0]
    return np.asarray((differences * solved).sum(axis=-1))


def _interpolated(
    bandwidths: Sequence[float], pairs: Sequence[tuple[Floats, Floats]]
) -> tuple[Floats, Floats, Floats]:
    """Fine bandwidths, values and covariances: splines of the deviations over log h."""
    logs = np.log(bandwidths)
    fine = np.linspace(logs[0], logs[-1], FINE)
    values = CubicSpline(logs, np.array([v for v, _ in pairs]))(fine)
    # Linear: a mixture of two covariances is a covariance.
    place = np.clip(np.searchsorted(logs, fine) - 1, 0, len(logs) - 2)
    share = ((fine - logs[place]) / (logs[place + 1] - logs[place]))[:, None, None]
    covariances = np.array([c for _, c in pairs])
    mixed = (1 - share) * covariances[place] + share * covariances[place + 1]
    return np.exp(fine), values, mixed


def _within(kernel: Floats, source: int) -> Floats:
    """Mean over pairs of different points of a cloud, and without each point."""
    count = len(kernel)
    rows = kernel.sum(axis=1) - np.diag(kernel)
    total = float(rows.sum())
    found = np.full((2, count + 1), total / (count * (count - 1)))
    found[source, 1:] = (total - 2 * rows) / ((count - 1) * (count - 2))
    return found


def _across(kernel: Floats) -> Floats:
    """Mean between a trained cloud (rows) and that of s*, and without each point of either."""
    found = _over_trained(kernel.mean(axis=1))
    found[1] = _over_trained(kernel.mean(axis=0))[0]
    return found


def _over_trained(means: Floats) -> Floats:
    count = len(means)
    found = np.full((2, count + 1), means.mean())
    found[0, 1:] = (means.sum() - means) / (count - 1)
    return found


def _covariance(four: Floats) -> Floats:
    """Jackknife covariance of `[4, 2, 1 + N]`, sources independent."""
    left_out = four[:, :, 1:]
    count = left_out.shape[2]
    apart = left_out - left_out.mean(axis=2, keepdims=True)
    return np.asarray((count - 1) / count * np.einsum("aij,bij->ab", apart, apart))
