"""The clouds printed in figure 3: readings of its distances, and what the clouds say themselves."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chi2, multivariate_normal

from dsmverify.errors import InputError
from dsmverify.experiments import page, page_clouds, page_readings
from dsmverify.experiments.page_clouds import PageClouds, PageSettings
from dsmverify.experiments.page_readings import Family, Measured, Normal
from dsmverify.metrics.mmd import mmd_squared

Floats = np.ndarray
FEW = (0.03, 0.1, 0.3, 1.0, 3.0)


@pytest.fixture(scope="module")
def measured() -> Measured:
    return Measured(page.clouds())


@pytest.fixture(scope="module")
def analysed() -> PageClouds:
    return page_clouds.analyse(PageSettings(resamples=19, bandwidths=FEW))


def small(count: int, seed: int) -> page.Clouds:
    rng = np.random.default_rng(seed)
    trained = {rate: rng.standard_normal((count, 2)) for rate in page_readings.RATES}
    return page.Clouds(rng.standard_normal((4, 2)), rng.standard_normal((count, 2)), trained)


def test_page_files() -> None:
    found = page.clouds()
    assert found.training.shape == (10, 2)
    assert found.s_star.shape == (1000, 2)
    # Copied by eye from the files' first rows.
    assert found.training[0].tolist() == [-2.92582344, -0.70345694]
    assert found.s_theta[Fraction(1, 20)][0].tolist() == [-1.68384122, -1.24316931]
    assert found.s_theta[Fraction(2)][0].tolist() == [-2.05320263, -1.22069288]
    assert np.array_equal(page.generation_training_points(), found.training)
    distances = page.generated_distances()
    assert len(distances) == 10
    assert distances[Fraction(2), "s_star"].value == 0.01676954
    assert distances[Fraction(2), "gaussian"].low == 0.00262885


@pytest.mark.parametrize("kernel", ["gaussian", "five"])
@pytest.mark.parametrize("estimator", page_readings.ESTIMATORS)
def test_distances_to_the_memoriser(
    measured: Measured, kernel: str, estimator: page_readings.Estimator
) -> None:
    h = 0.4
    of = {"gaussian": page_readings.GAUSSIAN, "five": page_readings.FIVE}[kernel]
    bandwidths = [h] if kernel == "gaussian" else [h * 2.0**k for k in (-2, -1, 0, 1, 2)]
    values = {family: v for family, v, _ in measured.numbers(of, h)}[Family(of, estimator)]
    found = page.clouds()
    for k, rate in enumerate(page_readings.RATES):
        expected = mmd_squared(
            found.s_theta[rate], found.s_star, bandwidths, biased=estimator != "unbiased"
        )
        if estimator == "root of biased":
            expected = math.sqrt(expected)
        # Sums of 10^6 kernels of size 1: rounding about 1e-13.
        assert values[k] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("biased", [False, True])
def test_distances_to_the_training_points(measured: Measured, biased: bool) -> None:
    estimator: page_readings.Estimator = "biased" if biased else "unbiased"
    family = Family(page_readings.GAUSSIAN, estimator, page_readings.TRAINING)
    values = {f: v for f, v, _ in measured.numbers(page_readings.GAUSSIAN, 0.7)}[family]
    found = page.clouds()
    expected = mmd_squared(found.s_theta[Fraction(2)], found.training, 0.7, biased=biased)
    assert values[1] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kernel", page_readings.KERNELS)
def test_distances_to_the_gaussian(measured: Measured, kernel: page_readings.Kernel) -> None:
    # A large sample of the Gaussian stands for its law. The kernel's mean over 4e5 points has a
    # standard error below 0.5/sqrt(4e5) = 8e-4 of the kernel's deviation (below 0.5 for bounded
    # kernels and about 1 for -r); inside the sample as many pairs; -r has 512 nodes, error 2e-4.
    h = 0.8
    family, values, _ = next(measured.numbers(kernel, h))
    assert family.estimator == "unbiased"
    normal = measured.normals[page_readings.FITTED]
    rng = np.random.default_rng(5)
    draws = rng.multivariate_normal(normal.mean, normal.covariance, 400_000)
    cloud = page.clouds().s_theta[Fraction(2)]

    def mean(x: Floats, y: Floats) -> float:
        return float(kernel.of(np.square(x - y).sum(axis=1), h).mean())

    across = mean(np.resize(cloud, draws.shape), draws)
    within = mean(draws[:200_000], draws[200_000:])
    rows, columns = np.triu_indices(1000, 1)
    inside = mean(cloud[rows], cloud[columns])
    factor = {page_readings.ENERGY: 2.0, page_readings.FIVE: 5.0}.get(kernel, 1.0)
    # Three standard errors of `within` and twice `across`, 0.3/sqrt(2e5) and 0.3/sqrt(4e5) each.
    assert values[3] == pytest.approx(inside + within - 2 * across, abs=3.5e-3 * factor)


@pytest.mark.parametrize("name", ["LAPLACE", "RATIONAL"])
def test_mixtures_are_their_kernels(name: str) -> None:
    kernel: page_readings.Kernel = getattr(page_readings, name)
    squares = np.array([1e-4, 0.01, 0.5, 2.0, 30.0])
    mixed = sum(
        weight * page_readings.GAUSSIAN.of(squares, 0.3 * scale) for scale, weight in kernel.mixture
    )
    # The rule leaves out a mass of about 2e-9 and its step an error below 1e-7.
    assert np.allclose(mixed, kernel.of(squares, 0.3), atol=2e-7)


def test_kernel_mean_by_quadrature() -> None:
    normal = Normal(np.array([0.2, -0.4]), np.array([[0.9, 0.3], [0.3, 0.5]]))
    x, h = np.array([0.7, 0.1]), 0.6

    axis = np.linspace(-6, 6, 601)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    density = multivariate_normal.pdf(grid, normal.mean, normal.covariance)
    kernel = np.exp(-np.square(grid - x).sum(axis=-1) / (2 * h**2))
    expected = float((density * kernel).sum()) * 0.02**2
    # A sum over a grid of a smooth function that is below 1e-16 at the edge: rounding.
    assert page_readings.kernel_means(normal, x[None], h)[0] == pytest.approx(expected, rel=1e-10)
    assert page_readings.kernel_mean_within(normal, h) == pytest.approx(
        h**2 / math.sqrt(np.linalg.det(2 * normal.covariance + h**2 * np.eye(2))), rel=1e-12
    )


def test_fitted_gaussians() -> None:
    points = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]])
    found = page_readings.gaussians(points)
    assert np.allclose(found["fitted, n"].covariance, np.cov(points.T, bias=True))
    assert np.allclose(found["fitted, n - 1"].covariance, np.cov(points.T))
    noised = found["fitted, noised to time 0.01"]
    assert np.allclose(noised.mean, math.exp(-0.01) * points.mean(axis=0))
    assert np.allclose(
        noised.covariance,
        math.exp(-0.02) * np.cov(points.T, bias=True) + (1 - math.exp(-0.02)) * np.eye(2),
    )


def test_jackknife_leaves_pairs_out() -> None:
    clouds = small(7, 0)
    h = 0.9
    _, _, covariance = next(Measured(clouds).numbers(page_readings.GAUSSIAN, h))
    normal = page_readings.gaussians(clouds.training)[page_readings.FITTED]

    def four(keep_trained: list[int], keep_star: list[int]) -> list[float]:
        star = clouds.s_star[keep_star]
        trained = [clouds.s_theta[rate][keep_trained] for rate in page_readings.RATES]
        return [mmd_squared(x, star, h) for x in trained] + [
            page_clouds.distance_to(normal, x, h) for x in trained
        ]

    everything = list(range(7))
    expected = np.zeros((4, 4))
    for source in (0, 1):
        rows = []
        for k in everything:
            kept = [i for i in everything if i != k]
            rows.append(four(kept if source == 0 else everything, kept if source else everything))
        expected += np.cov(np.array(rows).T, bias=True) * 6
    # Both add 49 kernels: rounding.
    assert np.allclose(covariance, expected, rtol=1e-8, atol=1e-14)


def test_standard_error_of_repeated_clouds() -> None:
    # Clouds of one law, drawn afresh: the deviation of the estimate over 150 repeats has itself a
    # relative error of 1/sqrt(300) = 6 %, and a jackknife variance is biased upwards; 0.8 to 1.6
    # is three of the former below and above plus a tenth.
    found = [next(Measured(small(60, k)).numbers(page_readings.GAUSSIAN, 1.0)) for k in range(150)]
    values = np.array([v[0] for _, v, _ in found])
    errors = np.sqrt(np.mean([c[0, 0] for _, _, c in found]))
    assert 0.8 < errors / values.std() < 1.6


def test_misfit() -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4))
    z, b = rng.standard_normal(4), np.array([0.1, 0.2, 0.3, 0.4])
    total = root @ root.T + np.diag(b * b)
    found = page_readings.misfits(z, root @ root.T, b)
    assert float(found) == pytest.approx(float(z @ np.linalg.inv(total) @ z), rel=1e-9)


def test_planted_bandwidth_is_found(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    # Printed values that are this reading's own at h = 0.2: it must come back with no misfit, up to
    # the spline between five bandwidths, a few per cent.
    _, planted, _ = next(measured.numbers(page_readings.GAUSSIAN, 0.2))
    band = np.array([planted * 0.97, planted * 1.03])
    monkeypatch.setattr(page_readings, "printed_values", lambda: (planted, planted * 0.015, band))
    bandwidths = (0.05, 0.1, 0.15, 0.3, 0.6)
    readings = page_readings.read_page(page.clouds(), bandwidths, [page_readings.GAUSSIAN])
    best = next(r for r in readings if r.chosen == "best" and r.family == page_readings.MAIN)
    assert best.bandwidth == pytest.approx(0.2, rel=0.05)
    assert best.p_value > 0.5
    low, high = page_readings.compatible_bandwidths(readings, 0.05) or (0.0, 0.0)
    assert low < 0.2 < high
    stated = next(r for r in readings if r.chosen == "stated" and r.family == page_readings.MAIN)
    assert stated.p_value < 1e-6


def test_clusters_are_recovered() -> None:
    rng = np.random.default_rng(2)
    points = np.array([[-2.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    which = rng.choice(3, 4000, p=[0.5, 0.3, 0.2])
    cloud = 0.97 * points[which] + 0.2 * rng.standard_normal((4000, 2))
    found = page_clouds.fit_clusters(cloud, points, 0.001)
    # Four standard errors: sqrt(p (1 - p)/4000) <= 0.008; membership is certain at ten deviations.
    assert np.allclose(found.weights, [0.5, 0.3, 0.2], atol=0.032)
    assert abs(found.scale - 0.97) < 4 * found.scale_error
    assert found.scale_error == pytest.approx(0.2 / np.linalg.norm(points[which]), rel=0.05)
    assert found.variance_low < 0.04 < found.variance_high
    # Relative half width: 3.29 sqrt(2/8000) = 5.2 %.
    half = (found.variance_high - found.variance_low) / 2 / found.variance
    assert half == pytest.approx(0.052, rel=0.05)


def test_fewest_steps() -> None:
    def variance(steps: int) -> float:
        v, h = 1.0, 0.99 / steps
        for k in range(steps):
            t = 1 - k * h
            v = (1 + h * (1 - 2 / (1 - math.exp(-2 * t)))) ** 2 * v + 2 * h
        return v

    for planted in (57, 100, 613):
        # Just wide enough: one step fewer is wider, relative difference above 1e-5 everywhere here.
        assert page_clouds.least_steps(variance(planted) * (1 + 1e-9)) == planted
    # An exact cluster: sigma^2 = 1 - e^-0.02 is the limit, never reached from above.
    assert page_clouds.least_steps(0.0198) is None


def test_gaussian_tests_are_likelihood_ratios() -> None:
    normal = Normal(np.array([0.3, -0.2]), np.array([[1.0, 0.4], [0.4, 2.0]]))
    rng = np.random.default_rng(3)
    cloud = rng.multivariate_normal(normal.mean, normal.covariance, 200)
    distance, p_mean, _, p_spread = page_clouds.gaussian_tests(cloud, normal)
    free = multivariate_normal.logpdf(cloud, cloud.mean(axis=0), np.cov(cloud.T, bias=True)).sum()
    null = multivariate_normal.logpdf(cloud, normal.mean, normal.covariance).sum()
    # The two statistics add up to the whole likelihood ratio, exactly.
    total = chi2.isf(p_mean, 2) + chi2.isf(p_spread, 3)
    assert total == pytest.approx(2 * (free - null), rel=1e-8)
    assert chi2.isf(p_mean, 2) == pytest.approx(200 * distance**2, rel=1e-8)


def test_null_distances_are_centred() -> None:
    normal = Normal(np.zeros(2), np.diag([2.0, 0.5]))
    found = page_clouds.null_distances(normal, 100, (0.3, 1.0), 200, 4)
    assert found.shape == (200, 2)
    # Unbiased: four standard errors.
    assert np.all(np.abs(found.mean(axis=0)) < 4 * found.std(axis=0) / math.sqrt(200))


def test_what_the_page_says(analysed: PageClouds) -> None:
    facts = {(one.what, one.cloud): one for one in analysed.facts}
    weights = facts["chi-square of cluster counts, exact generation from p_T", "s*"]
    counts = np.array([63, 86, 101, 148, 124, 91, 109, 90, 123, 65])
    assert weights.value == pytest.approx(((counts - 100) ** 2 / 100).sum())
    assert facts["memorisation ratio", "s*"].value == pytest.approx(0.733)
    assert facts["memorisation ratio", "rate 2"].value == pytest.approx(0.224)
    assert facts["distance of mean, fitted, n", "rate 2"].p_value < 1e-20
    main = [r for r in analysed.readings if r.family == page_readings.MAIN]
    stated = next(r for r in main if r.chosen == "stated" and r.bandwidth == 1)
    assert stated.p_any_scale < 1e-10
    assert abs(stated.nearer()) < 2
    tenth = next(r for r in main if r.bandwidth == 0.1)
    assert tenth.p_value > 0.05
    assert tenth.nearer() > 5


def test_rows_and_findings(analysed: PageClouds) -> None:
    rows = analysed.rows()
    assert len(rows) == len(analysed.readings)
    assert {len(row) for row in rows} == {len(page_clouds.COLUMNS)}
    first = dict(zip(page_clouds.COLUMNS, rows[0], strict=True))
    assert first["gaussian_2_page"] == 0.00285048
    assert first["gaussian_2_in_band"] == "no"
    assert any("lead, not a finding" in words for words in analysed.findings)
    assert all(not re.search(r"\bnan\b", words) for words in analysed.findings)


@pytest.mark.parametrize(
    "change",
    [
        {"level": 0.0},
        {"resamples": 5},
        {"seed": -1},
        {"bandwidths": (0.1, 1.0, 2.0)},
        {"bandwidths": (0.0, 0.1, 1.0, 2.0)},
        {"bandwidths": (0.1, 1.0, 0.5, 2.0)},
        {"bandwidths": (0.1, 1.0, 2.0, math.inf)},
    ],
)
def test_refused_settings(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        PageSettings(**change)  # type: ignore[arg-type]
