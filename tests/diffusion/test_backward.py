"""Integrators, exact generation and their draws, against closed forms and other integrators."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from dsmverify.diffusion import backward, bridge
from dsmverify.diffusion.backward import Generation, backward_times, generate
from dsmverify.diffusion.bridge import Bridge, cluster_moments, draw_choices, generate_exactly
from dsmverify.diffusion.scores import GaussianScore, checked
from dsmverify.ensembles import philox
from dsmverify.errors import InputError

Floats = NDArray[np.float64]

START, END = 0.01, 1.0
THREE = np.array([[1.5, 0.5], [-1.0, 1.2], [0.2, -1.6]])
"""More than 15 sigma(0.01) apart: every generated point shows which of them it began at."""
REACH = 4.5
"""Standard errors: 7e-6 in both tails, for some 40 numbers at fixed seeds."""


def law(time: float, variance: float) -> tuple[float, float, float]:
    """mu, sigma^2 and the variance of a noised N(0, variance)."""
    mu = math.exp(-time)
    return mu, 1 - mu * mu, mu * mu * variance + 1 - mu * mu


class Normal:
    """Score of N(0, variance I), one operation after the other on each number."""

    def __init__(self, variance: float, dimension: int = 1) -> None:
        self.variance, self.dimension = variance, dimension

    def __call__(self, y: Floats, time: float) -> Floats:
        return -y / law(time, self.variance)[2]


class Mixture:
    """Score of noised points, a loop over them, without the package's softmax."""

    def __init__(self, points: Floats) -> None:
        self.points, self.dimension = points, points.shape[1]

    def __call__(self, y: Floats, time: float) -> Floats:
        mu, square, _ = law(time, 0)
        distances = [((y - mu * x) ** 2).sum(axis=1) for x in self.points]
        least = np.minimum.reduce(distances)
        loads = [np.exp((least - distance) / (2 * square)) for distance in distances]
        pulls = [load[:, None] * (mu * x - y) for load, x in zip(loads, self.points, strict=True)]
        result: Floats = sum(pulls) / (sum(loads)[:, None] * square)
        return result


class Given:
    """Noise that is given, in place of one drawn."""

    def __init__(self, noise: list[list[float]]) -> None:
        self.noise = np.array(noise)

    def draw(self) -> Floats:
        return self.noise


def push(score: Any, method: Any, times: Floats, mean: float, variance: float) -> tuple[float, ...]:
    """Mean and variance after all steps of a linear scheme in d = 1, without any sampling."""
    for time, following in itertools.pairwise(times.tolist()):
        begin = np.array([[0.0], [1.0], [0.0]])
        noise: Any = Given([[0.0], [0.0], [1.0]])
        constant, place, noisy = backward._STEPS[method](score, begin, time, following, noise)[:, 0]
        mean = constant + (place - constant) * mean
        variance = (place - constant) ** 2 * variance + (noisy - constant) ** 2
    return mean, variance


def exact_variance(variance: float, method: str) -> float:
    """Variance at START from variance 1 at END: Gaussian conditioning, or the flow's scaling."""
    _, _, late = law(END, variance)
    _, _, early = law(START, variance)
    if method == "ode":
        return early / late
    slope = math.exp(START - END) * early / late
    return early - slope**2 * late + slope**2


@pytest.mark.parametrize("spacing", ["uniform", "geometric", "signal"])
@pytest.mark.parametrize(
    ("method", "order"), [("euler", 1), ("exponential", 1), ("heun", 2), ("ode", 2)]
)
def test_weak_order(method: str, order: int, spacing: Any) -> None:
    errors = [
        push(Normal(0.6), method, backward_times(steps, START, END, spacing), 0, 1)[1]
        - exact_variance(0.6, method)
        for steps in (800, 1600)
    ]
    # The next term of the expansion is about (stiffness x step)^1 ~ 2 * 50 / 800 of the first at
    # equal steps, and smaller otherwise.
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.12)
    assert abs(errors[1]) < 0.02 * exact_variance(0.6, method)


@pytest.mark.parametrize("steps", [1, 3, 20])
@pytest.mark.parametrize("method", ["exponential", "heun", "ode"])
def test_one_point_is_exact_at_any_number_of_steps(method: str, steps: int) -> None:
    point = np.array([[1.7]])
    mean, variance = push(Mixture(point), method, backward_times(steps, START, END), 0.4, 1)
    early, early_square, _ = law(START, 0)
    late, late_square, _ = law(END, 0)
    if method == "ode":
        slope, rest = math.sqrt(early_square / late_square), 0.0
    else:
        # X_START given X_END in the process that begins at the point: Gaussian conditioning.
        slope = math.exp(START - END) * early_square / late_square
        rest = early_square - slope**2 * late_square
    # Each step rounds quantities of size 1 / sigma^2 ~ 50, and D divides by mu ~ 1.
    assert mean == pytest.approx(1.7 * early + slope * (0.4 - 1.7 * late), abs=1e-12)
    assert variance == pytest.approx(rest + slope**2, rel=1e-12)


def test_euler_is_the_printed_scheme() -> None:
    score = Normal(0.6, 2)
    generation = Generation("euler", 2, 3, 0.2, 0.8, "uniform")
    numbers = np.arange(3, dtype=np.uint64)
    x = philox.normals(11, philox.Stream.START, numbers, 2)
    for k, time in enumerate((0.8, 0.5)):
        noise = philox.normals(11, philox.Stream.GENERATION, (numbers << 32) + np.uint64(k), 2)
        x = x + 0.3 * (x + 2 * score(x, time)) + math.sqrt(0.6) * noise
    np.testing.assert_allclose(generate(score, generation, 11), x, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("method", ["euler", "exponential", "heun", "ode"])
def test_points_do_not_depend_on_count_or_chunks(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Normal(0.6, 3)
    many = generate(score, Generation(method, 7, 1000), 5)
    assert np.array_equal(many, generate(score, Generation(method, 7, 1000), 5))
    assert np.array_equal(many[:100], generate(score, Generation(method, 7, 100), 5))
    assert not np.isclose(many, generate(score, Generation(method, 7, 1000), 6)).any()
    points = np.eye(3)
    exact = draw_choices(points, 1000, 5)
    monkeypatch.setattr(bridge, "CHUNK", 100)
    assert np.array_equal(many, generate(score, Generation(method, 7, 1000), 5))
    again = draw_choices(points, 1000, 5)
    # The products of `choice_probabilities` may round differently; they decide, and enter nothing.
    assert np.array_equal(exact[1], again[1])
    np.testing.assert_allclose(exact[0], again[0], rtol=1e-14, atol=1e-14)


def test_noise_is_new_at_every_step_and_point() -> None:
    """A score that undoes the drift leaves the sum of the noise: its law shows shared draws."""

    def still(y: Floats, time: float) -> Floats:
        return -y / 2

    score = checked(still, 1)
    x = generate(score, Generation("euler", 50, 20_000, START, END, "uniform"), 4)
    deviation = math.sqrt(1 + 2 * (END - START))
    assert stats.kstest(x[:, 0] / deviation, "norm").pvalue > 1e-4
    # Exact generation shares nothing: uncorrelated although the seed is the same.
    exact = generate_exactly(np.array([[0.3]]), 20_000, 4)
    assert abs(np.corrcoef(x[:, 0], exact[:, 0])[0, 1]) < REACH / math.sqrt(20_000)


@pytest.mark.parametrize("method", ["exponential", "heun", "ode"])
def test_a_gaussian_is_generated(method: Any) -> None:
    mean, root = np.array([0.5, -1.0]), np.array([[1.2, 0.0], [-0.5, 0.4]])
    score = GaussianScore(mean, root @ root.T)
    count = 20_000
    x = generate(score, Generation(method, 60, count), 8)
    # The start N(0, I) is not the noised Gaussian's law: moments by the linear map of each case.
    mu, square, _ = law(START, 0)
    early = mu * mu * root @ root.T + square * np.eye(2)
    mu_late, square, _ = law(END, 0)
    late = mu_late**2 * root @ root.T + square * np.eye(2)
    if method == "ode":
        values, axes = np.linalg.eigh(root @ root.T)
        scale = np.sqrt((mu * mu * values + 1 - mu * mu) / (mu_late**2 * values + square))
        slope = axes @ np.diag(scale) @ axes.T
        rest = np.zeros((2, 2))
    else:
        slope = math.exp(START - END) * early @ np.linalg.inv(late)
        rest = early - slope @ late @ slope.T
    covariance = rest + slope @ slope.T
    errors = np.sqrt(covariance.diagonal() / count)
    # Discretisation: below 0.2 % of a variance at 60 geometric steps of order 2, 1.5 % at order 1.
    slack = 0.015 if method == "exponential" else 0.002
    apart = x.mean(axis=0) - (mu * mean - mu_late * slope @ mean)
    assert (np.abs(apart) < REACH * errors + slack).all()
    own = covariance.diagonal()
    spread = np.sqrt((np.outer(own, own) + covariance**2) / count)
    assert (np.abs(np.cov(x.T) - covariance) < REACH * spread + slack * own.max()).all()


def test_flow_follows_the_paths_of_another_integrator() -> None:
    score = Mixture(THREE)
    starts = backward.starting_points(3, slice(0, 40), 2)
    solution = integrate.solve_ivp(
        lambda t, x: -(x.reshape(-1, 2) + score(x.reshape(-1, 2), t)).ravel(),
        (END, START),
        starts.ravel(),
        method="RK45",
        rtol=1e-9,
        atol=1e-10,
    )
    true = solution.y[:, -1].reshape(-1, 2)
    errors = [
        np.abs(generate(score, Generation("ode", steps, 40), 3) - true).max()
        for steps in (100, 200, 400)
    ]
    # Order 2: a fourth each time, the largest path's next term being some tenths at 100 steps.
    assert 3 < errors[0] / errors[1] < 5
    assert 3.5 < errors[1] / errors[2] < 4.5
    assert errors[2] < 1e-3


def test_bridge_is_gaussian_conditioning() -> None:
    for early, late in ((0.01, 1.0), (0.3, 0.31), (1e-5, 2.0)):
        found = Bridge.between(early, late)
        # Covariance of (X_early, X_late) given X_0 = 0, by integrals of the kernel.
        squares = [integrate.quad(lambda s: 2 * math.exp(-2 * s), 0, t)[0] for t in (early, late)]
        cross = math.exp(early - late) * squares[0]
        slope = cross / squares[1]
        assert found.place == pytest.approx(slope, rel=1e-12)
        # 1 - exp(-2 h) loses eps / h.
        assert found.variance == pytest.approx(squares[0] - slope * cross, rel=1e-11)
        assert found.origin == pytest.approx(math.exp(-early) - slope * math.exp(-late), rel=1e-11)


def test_cluster_moments_are_integrals() -> None:
    points = np.array([[-0.7], [0.4], [2.5]])
    found = cluster_moments(points)
    mu, square, _ = law(END, 0)
    slope = Bridge.between(START, END)

    def mass(y: float, i: int) -> float:
        loads = [math.exp(-((y - mu * x) ** 2) / (2 * square)) for x in points[:, 0].tolist()]
        return math.exp(-y * y / 2) / math.sqrt(2 * math.pi) * loads[i] / sum(loads)

    for i in range(3):
        weight, first, second = (
            integrate.quad(lambda y, i=i, k=k: y**k * mass(y, i), -12, 12, epsabs=1e-13)[0]
            for k in range(3)
        )
        mean = first / weight
        assert found.weights[i] == pytest.approx(weight, abs=1e-10)
        expected = slope.origin * points[i, 0] + slope.place * mean
        assert found.means[i, 0] == pytest.approx(expected, abs=1e-10)
        expected = slope.variance + slope.place**2 * (second / weight - mean**2)
        assert found.covariances[i, 0, 0] == pytest.approx(expected, abs=1e-10)
    assert found.by_quadrature
    assert max(found.weight_errors.max(), found.mean_errors.max()) < 1e-10


def test_sampled_cluster_moments_agree_with_quadrature() -> None:
    """A third coordinate that is 0 at all points changes nothing in the first two."""
    flat = cluster_moments(THREE)
    found = cluster_moments(np.c_[THREE, np.zeros(3)], draws=20_000, seed=2)
    assert not found.by_quadrature
    assert (np.abs(found.weights - flat.weights) < REACH * found.weight_errors).all()
    apart = np.abs(found.means[:, :2] - flat.means)
    assert (apart < REACH * found.mean_errors[:, :2]).all()
    assert (np.abs(found.means[:, 2]) < REACH * found.mean_errors[:, 2]).all()
    apart = np.abs(found.covariances[:, :2, :2] - flat.covariances)
    assert (apart < REACH * found.covariance_errors[:, :2, :2]).all()


def test_sampled_cluster_errors_of_one_point() -> None:
    """Always chosen: means and covariances of 20 000 standard normals."""
    found = cluster_moments(np.zeros((1, 3)), draws=20_000, seed=2)
    place = Bridge.between(START, END).place
    # The errors are themselves from fourth moments of 20 000 draws: known to a few percent.
    np.testing.assert_allclose(found.mean_errors, place / math.sqrt(20_000), rtol=0.1)
    expected = place**2 * np.sqrt((np.ones((3, 3)) + np.eye(3)) / 20_000)
    np.testing.assert_allclose(found.covariance_errors[0], expected, rtol=0.1)
    assert found.weight_errors[0] == pytest.approx(0, abs=1e-12)


def _exactly(count: int) -> Floats:
    return generate_exactly(THREE, count, 21)


def _by_heun(count: int) -> Floats:
    return generate(Mixture(THREE), Generation("heun", 80, count), 22)


def _by_euler(count: int) -> Floats:
    return generate(Mixture(THREE), Generation("euler", 160, count), 23)


@pytest.mark.parametrize(
    ("sample", "slack"), [(_exactly, 0.0), (_by_heun, 0.002), (_by_euler, 0.03)]
)
def test_bridges_and_integrators_have_the_same_clusters(
    sample: Callable[[int], Floats], slack: float
) -> None:
    """`slack`: of the noise's variance; 160 geometric steps of `euler` are 2.9 % off."""
    count = 10_000
    x = sample(count)
    true = cluster_moments(THREE)
    nearest = np.argmin([((x - p) ** 2).sum(axis=1) for p in THREE], axis=0)
    square = law(START, 0)[1]
    for i in range(3):
        inside = x[nearest == i]
        weight = true.weights[i]
        error = math.sqrt(weight * (1 - weight) / count)
        assert abs(len(inside) / count - weight) < REACH * error + slack
        own = true.covariances[i].diagonal()
        apart = np.abs(inside.mean(axis=0) - true.means[i])
        assert (apart < REACH * np.sqrt(own / len(inside)) + slack * math.sqrt(square)).all()
        spread = np.sqrt((np.outer(own, own) + true.covariances[i] ** 2) / len(inside))
        apart = np.abs(np.cov(inside.T) - true.covariances[i])
        assert (apart < REACH * spread + slack * square).all()


def test_exact_generation_has_the_law_of_a_fine_integrator() -> None:
    """Two points on a line, overlapping, and a start far off p_T: whole laws, not moments."""
    points = np.array([[0.2], [0.9]])
    exact = generate_exactly(points, 20_000, 31, start=0.02, end=0.3)
    fine = generate(Mixture(points), Generation("heun", 100, 20_000, 0.02, 0.3), 32)
    assert stats.ks_2samp(exact[:, 0], fine[:, 0]).pvalue > 1e-3
    # The same with the other start, p_T, is told apart: the test above can fail.
    late = math.exp(-0.3) * points[np.arange(20_000) % 2]
    generator = np.random.default_rng(1)
    late = late + math.sqrt(1 - math.exp(-0.6)) * generator.standard_normal((20_000, 1))
    early = Bridge.between(0.02, 0.3)
    other = early.origin * points[np.arange(20_000) % 2] + early.place * late
    other = other + math.sqrt(early.variance) * generator.standard_normal((20_000, 1))
    assert stats.ks_2samp(other[:, 0], fine[:, 0]).pvalue < 1e-6


def test_grids() -> None:
    grids: dict[Any, Callable[[Floats], Floats]] = {
        "uniform": lambda t: t,
        "geometric": np.log,
        "signal": lambda t: np.log(np.exp(-t) / np.sqrt(1 - np.exp(-2 * t))),
    }
    for spacing, even in grids.items():
        times = backward_times(30, 0.01, 1.0, spacing)
        assert len(times) == 31
        assert (times[0], times[-1]) == (1.0, 0.01)
        steps = np.diff(even(times))
        np.testing.assert_allclose(steps, steps.mean(), rtol=1e-11)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "milstein"}, "the methods are euler"),
        ({"steps": 0}, "generation.steps: 0"),
        ({"count": 0}, "count: 0"),
        ({"start": 0.0}, "0 < start < end"),
        ({"start": 1.0}, "0 < start < end"),
        ({"end": math.inf}, "0 < start < end"),
        ({"spacing": "even"}, "the grids are uniform"),
        ({"steps": 10**6, "start": 1 - 1e-12}, "give fewer steps"),
    ],
)
def test_settings_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Generation(**fields)


def test_bad_scores_and_seeds_are_refused() -> None:
    score = Normal(1.0)
    with pytest.raises(InputError, match="seed: -1"):
        generate(score, Generation(count=3), -1)
    with pytest.raises(InputError, match="shape"):
        generate(checked(lambda y, t: y[0], 2), Generation(count=3), 1)
    with pytest.raises(InputError, match="points: shape"):
        generate_exactly(np.zeros((0, 2)), 3, 1)
    with pytest.raises(InputError, match=r"\[n, d\]|NaN"):
        generate_exactly([[0.0], [math.nan]], 3, 1)


def test_what_does_not_fit_into_memory_is_refused() -> None:
    with pytest.raises(InputError, match=r"2147483648 points in d = 100000.* needed"):
        generate(Normal(1.0, 100_000), Generation(count=2**31), 1)
    with pytest.raises(InputError, match=r"2147483648 points in d = 1000.* needed"):
        generate_exactly(np.zeros((1, 1000)), 2**31, 1)


def test_divergence_names_the_step() -> None:
    pushed = checked(lambda y, t: 1e30 * y, 1)
    # Every step multiplies by 1e30 and a little: 1e90 after three, beyond 1e100 after four.
    with pytest.raises(
        InputError, match=r"diverged at step 4 of method 'euler', from time 0\.[67]"
    ):
        generate(pushed, Generation("euler", 10, 5, spacing="uniform"), 1)
