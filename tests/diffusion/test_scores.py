"""Scores against sums at 40 digits, dense solves and loops that share no code with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsmverify.diffusion.scores import EmpiricalScore, GaussianScore, NetworkScore, checked
from dsmverify.ensembles import memory, optimum
from dsmverify.ensembles.memory import machine_memory, require_memory
from dsmverify.ensembles.posterior import empirical_score
from dsmverify.ensembles.settings import Model, Networks, Problem
from dsmverify.errors import InputError

Floats = NDArray[np.float64]
Case = tuple[Floats, Floats, float, float]

UNIT = 2.0**-53


# --- The exact score of a sample


def plain_score(case: Case) -> tuple[list[list[Any]], list[Any]]:
    """s* by its definition at 40 digits, and for each place the error allowed for it.

    Letters: a = |y - mu x|, x the mean point, m_i = mu (x_i - x), R = max |m_i|, u = 2^-53, and
    L = (a R + R^2) / sigma^2, which no posterior log-odds exceeds. An inner product of d + 1 terms
    whose factors are right to 4 and 4 units is wrong by at most (d + 10) u L (Cauchy-Schwarz), and
    taking off the largest adds 2 u L. So a weight is wrong by a factor of at most e^(2 delta),
    delta = (d + 12) u L, against another, and the mean by expm1(2 delta) sum_i alpha_i |m_i - m|:
    nothing unless the posterior is spread. Sums over points, exp, quotient and difference add at
    most (2 n + d + 20) u (a + R). Rounding x itself by n u |x| shifts a and R by as much.
    """
    points, y, mu_, sigma_ = case
    n, d = points.shape
    with mpmath.workdps(40 if sigma_ > 1e-3 else 80):  # log-odds of up to 1e24 lose digits
        mu, variance = mpmath.mpf(mu_), mpmath.mpf(sigma_) ** 2
        x = [[mu * mpmath.mpf(v) for v in row] for row in points.tolist()]
        middle = [mpmath.fsum(column) / n for column in zip(*x, strict=True)]

        def apart(a: list[Any], b: list[Any]) -> Any:
            return mpmath.sqrt(mpmath.fsum((s - t) ** 2 for s, t in zip(a, b, strict=True)))

        shift = n * UNIT * float(np.abs(points).max()) * math.sqrt(d)
        reach = max(apart(row, middle) for row in x) + shift
        scores, allowed = [], []
        for row in y.tolist():
            at = [mpmath.mpf(v) for v in row]
            logs = [-(apart(at, point) ** 2) / (2 * variance) for point in x]
            odds = [mpmath.exp(value - max(logs)) for value in logs]
            alpha = [value / mpmath.fsum(odds) for value in odds]
            mean = [mpmath.fdot(alpha, column) for column in zip(*x, strict=True)]
            scores.append([(m - v) / variance for m, v in zip(mean, at, strict=True)])
            far = apart(at, middle) + shift
            delta = (d + 12) * UNIT * (far * reach + reach**2) / variance
            spread = mpmath.fdot(alpha, [apart(point, mean) for point in x])
            moved = min(mpmath.expm1(2 * delta) * spread, 2 * reach)
            allowed.append((moved + (2 * n + d + 20) * UNIT * (far + reach)) / variance)
        return scores, allowed


def worst(found: Floats, case: Case) -> float:
    """Largest error in units of what is allowed; at most 1."""
    scores, allowed = plain_score(case)
    with mpmath.workdps(40):
        errors = [
            mpmath.norm([mpmath.mpf(f) - s for f, s in zip(ours, score, strict=True)])
            for ours, score in zip(found.tolist(), scores, strict=True)
        ]
        return max(float(e / most) for e, most in zip(errors, allowed, strict=True))


def noised(d: int, sigma: float, *, n: int = 6, origin: float = 0.0, seed: int = 1) -> Case:
    """Points of deviation 2 about (origin, ..., origin), places from the noised law."""
    generator = np.random.default_rng([seed, d])
    mu = float(np.sqrt((1 - sigma) * (1 + sigma)))
    points = origin + 2 * generator.standard_normal((n, d))
    y = mu * points[[0, -1, 0, n // 2]] + sigma * generator.standard_normal((4, d))
    return points, y, mu, sigma


def tails(d: int) -> Case:
    points, y, mu, sigma = noised(d, 0.5)
    return points, 1e6 * y / np.linalg.norm(y, axis=1, keepdims=True), mu, sigma


def midway(d: int) -> Case:
    """Between two points of many, where the posterior switches."""
    points, _, mu, sigma = noised(d, 0.14)
    points[1] = points[0] + 0.3 / math.sqrt(d)
    middle = mu * (points[0] + points[1]) / 2
    along = mu * (points[1] - points[0])
    return points, middle + np.array([[-0.1], [0.0], [0.02], [0.1]]) * along, mu, sigma


def tied(d: int) -> Case:
    """Two points at one place, one at another: weights 2 to 1."""
    points, y, mu, sigma = noised(d, 0.93, n=3)
    points[1] = points[0]
    return points, y, mu, sigma


def equal(d: int) -> Case:
    points, y, mu, sigma = noised(d, 0.5, n=3)
    points[:] = points[0]
    return points, y, mu, sigma


CASES: dict[str, Callable[[int], Case]] = {
    "small noise": lambda d: noised(d, 0.14),
    "middle": lambda d: noised(d, 0.5),
    "much noise": lambda d: noised(d, 0.93),
    "tiny noise": lambda d: noised(d, 1e-8),
    "far": lambda d: noised(d, 0.5, origin=1e8),
    "far, small noise": lambda d: noised(d, 0.05, origin=-1e8),
    "tails": tails,
    "midway": midway,
    "tied": tied,
    "equal": equal,
    "one": lambda d: noised(d, 0.5, n=1),
}


@pytest.mark.parametrize("d", [1, 2, 64, 1000])
@pytest.mark.parametrize("name", CASES)
def test_exact_score_is_the_sum_at_40_digits(name: str, d: int) -> None:
    case = CASES[name](d)
    assert worst(empirical_score(*case), case) <= 1


def test_allowed_errors_are_small() -> None:
    # The bound above decides nothing where it is loose. At data far from the origin it is the same
    # as near it: 1e8 u alone would be 1e-8.
    for name in ("middle", "much noise", "tied", "far"):
        for d in (1, 2, 64):
            scores, allowed = plain_score(CASES[name](d))
            sizes = [mpmath.norm(row) for row in scores]
            assert max(a / s for a, s in zip(allowed, sizes, strict=True)) < 1e-10, (name, d)


def test_posterior_between_two_points_is_a_logistic_function() -> None:
    # Points -1 and 1: sum_i alpha_i x_i = tanh(mu y / sigma^2).
    y, mu, sigma = np.linspace(-2, 2, 41)[:, None], 0.8, 0.6
    expected = (mu * np.tanh(mu * y / sigma**2) - y) / sigma**2
    found = empirical_score(np.array([[-1.0], [1.0]]), y, mu, sigma)
    # Log-odds of up to 10 to a few units each: 1e-14.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_score_of_one_point_is_linear() -> None:
    point, y = np.array([[0.3, -1.2, 4.0]]), np.random.default_rng(2).standard_normal((7, 3))
    time = 0.2
    expected = (math.exp(-time) * point - y) / (1 - math.exp(-2 * time))
    # A difference, a product and a quotient of numbers of at most 10 over 0.33: 1e-14.
    np.testing.assert_allclose(EmpiricalScore(point)(y, time), expected, rtol=0, atol=1e-14)


def test_threads_change_no_byte_and_chunks_no_digit() -> None:
    generator = np.random.default_rng(3)
    points, y = generator.standard_normal((3000, 3)), generator.standard_normal((501, 3))
    one = empirical_score(points, y, 0.8, 0.6, threads=1)
    for threads in (2, 3, 500):
        assert empirical_score(points, y, 0.8, 0.6, threads=threads).tobytes() == one.tobytes()
    for chunk in (7, 501, 10_000):
        found = empirical_score(points, y, 0.8, 0.6, chunk=chunk)
        # Sums of 3000 terms in another order: 3000 u (a + R) / sigma^2 < 1e-11.
        np.testing.assert_allclose(found, one, rtol=0, atol=1e-11)
    assert empirical_score(points, y[:0], 0.8, 0.6).shape == (0, 3)


def test_arguments_stay_as_they_are() -> None:
    points, y, mu, sigma = noised(4, 0.5)
    kept = points.copy(), y.copy()
    empirical_score(points, y, mu, sigma)
    assert (points == kept[0]).all() and (y == kept[1]).all()


def test_ensembles_use_the_same_score() -> None:
    points, y, mu, sigma = noised(3, 0.5)
    assert (optimum.score(Problem(points, mu, sigma), y) == empirical_score(*noised(3, 0.5))).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 8),
    d=st.integers(1, 6),
    sigma=st.floats(0.1, 0.95),
    shift=st.integers(-(2**30), 2**30),
)
def test_score_turns_and_moves_with_the_points(
    seed: int, n: int, d: int, sigma: float, shift: int
) -> None:
    generator = np.random.default_rng(seed)
    mu = 0.75
    # Multiples of 2^-20: moving by multiples of 4 is exact, and so is mu times that.
    points = np.round(generator.standard_normal((n, d)) * 2**20) / 2**20
    y = np.round(generator.standard_normal((5, d)) * 2**20) / 2**20
    turn = np.linalg.qr(generator.standard_normal((d, d)))[0]
    plain = empirical_score(points, y, mu, sigma)
    # As in plain_score, with a + R for a and R, and 2 R for the spread; twice, since both sides
    # err, and d more units for a turn that is orthogonal to about d u only.
    size = float(np.linalg.norm(y, axis=1).max() + 2 * np.linalg.norm(points, axis=1).max())
    delta = (3 * d + 30) * UNIT * size**2 / sigma**2
    most = 2 * (np.expm1(2 * delta) * 2 * size + (2 * n + 3 * d + 30) * UNIT * size) / sigma**2
    turned = empirical_score(points @ turn.T, y @ turn.T, mu, sigma)
    assert np.abs(turned - plain @ turn.T).max() <= most
    moved = empirical_score(points + 4 * shift, y + 3 * shift, mu, sigma)
    assert np.abs(moved - plain).max() <= most


BAD_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "no points": ({"points": np.empty((0, 2))}, "points"),
    "flat points": ({"points": np.zeros(2)}, "points"),
    "NaN point": ({"points": np.array([[0.0, 1.0], [0.0, np.nan]])}, "points[1]"),
    "other dimension": ({"y": np.zeros((3, 5))}, "y"),
    "infinite place": ({"y": np.array([[0.0, 1.0], [0.0, np.inf]])}, "y[1]"),
    "negative mu": ({"mu": -0.1}, "mu"),
    "no noise": ({"sigma": 0.0}, "sigma"),
    "NaN noise": ({"sigma": math.nan}, "sigma"),
    "variance of 0": ({"sigma": 1e-170}, "sigma"),
    "no threads": ({"threads": 0}, "threads"),
    "half a place": ({"chunk": 0.5}, "chunk"),
    "far place": ({"y": np.full((1, 2), 1e200), "sigma": 1e-100}, "y"),
    "far points": ({"points": np.array([[0.0, 1e200], [0.0, 0.0]])}, "y"),
    "points at the end": ({"points": np.array([[0.0, 1.7e308], [0.0, -1.7e308]])}, "y"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls_are_refused(name: str) -> None:
    changed, argument = BAD_CALLS[name]
    good: dict[str, Any] = {"points": np.eye(2), "y": np.zeros((3, 2)), "mu": 0.8, "sigma": 0.6}
    with pytest.raises(InputError) as error:
        empirical_score(**(good | changed))
    assert error.value.argument == argument


@pytest.mark.parametrize("time", [0.0, -1.0, math.nan, math.inf])
def test_times_without_a_score_are_refused(time: float) -> None:
    for score in (EmpiricalScore(np.eye(2)), GaussianScore(np.zeros(2), np.eye(2))):
        with pytest.raises(InputError, match="time"):
            score(np.zeros((1, 2)), time)


def test_points_of_a_score_are_checked() -> None:
    for points in (np.empty((0, 2)), [[1.0, math.inf]], np.zeros((2, 2, 2)), [[1.0], [1.0, 2.0]]):
        with pytest.raises(InputError, match="points"):
            EmpiricalScore(points)
    with pytest.raises(InputError, match=r"y: nan in row 2, .* y\[2\] = \[nan, 0.0\]"):
        EmpiricalScore(np.eye(2))(np.array([[0, 0], [0, 0], [math.nan, 0]]), 0.5)


# --- A Gaussian's score


def covariance(d: int, rank: int, seed: int = 4) -> Floats:
    factor = np.random.default_rng([seed, d, rank]).standard_normal((d, rank))
    return factor @ factor.T


def dense_score(mean: Floats, matrix: Floats, y: Floats, time: float) -> Any:
    """-(mu^2 C + sigma^2 I)^-1 (y - mu m) by a solve of the whole matrix."""
    law = math.exp(-2 * time) * matrix + (1 - math.exp(-2 * time)) * np.eye(len(mean))
    return -np.linalg.solve(law, (y - math.exp(-time) * mean).T).T


@pytest.mark.parametrize(("d", "rank"), [(1, 1), (1, 0), (5, 5), (5, 2), (40, 60), (40, 7)])
@pytest.mark.parametrize("time", [0.01, 0.3, 1.0])
def test_gaussian_score_is_the_dense_solve(d: int, rank: int, time: float) -> None:
    generator = np.random.default_rng(5)
    mean, y = generator.standard_normal(d), generator.standard_normal((6, d))
    matrix = covariance(d, rank)
    expected = dense_score(mean, matrix, y, time)
    found = GaussianScore(mean, matrix)(y, time)
    # The solve errs by d u times the condition number, at most (300 + 0.02) / 0.02 = 2e4: 1e-10.
    assert np.abs(found - expected).max() <= 1e-10 * np.abs(expected).max()


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (10, 3), (10, 400)])
def test_fitted_gaussian_has_the_moments_of_the_sample(n: int, d: int, unbiased: bool) -> None:
    generator = np.random.default_rng(6)
    points, y = 2 * generator.standard_normal((n, d)) + 1, generator.standard_normal((4, d))
    mean = points.sum(axis=0) / n
    matrix = np.einsum("ij,ik->jk", points - mean, points - mean) / (n - unbiased)
    for time in (0.01, 1.0):
        expected = dense_score(mean, matrix, y, time)
        found = GaussianScore.fitted(points, unbiased=unbiased)(y, time)
        # As above, the condition number at most (2000 + 0.02) / 0.02 = 1e5, d = 400: 1e-8.
        assert np.abs(found - expected).max() <= 1e-8 * np.abs(expected).max()


def test_fitted_gaussian_in_many_dimensions_is_thin() -> None:
    score = GaussianScore.fitted(np.random.default_rng(7).standard_normal((10, 1000)))
    assert score.directions.shape == (1000, 10)
    assert score.dimension == 1000


def test_exact_score_of_many_points_tends_to_their_gaussian() -> None:
    generator = np.random.default_rng(8)
    mean, matrix = np.array([0.5, -1.0, 0.2]), covariance(3, 3) / 4
    points = generator.multivariate_normal(mean, matrix, size=100_000)
    time, y = 0.7, generator.standard_normal((12, 3))
    mu, variance = math.exp(-time), 1 - math.exp(-2 * time)
    found, expected = EmpiricalScore(points)(y, time), GaussianScore(mean, matrix)(y, time)
    for at, ours, limit in zip(y, found, expected, strict=True):
        # A quotient of sums over independent points: its standard error by the delta method.
        weight = np.exp(-((at - mu * points) ** 2).sum(axis=1) / (2 * variance))
        apart = weight[:, None] * ((mu * points - at) / variance - limit)
        error = apart.std(axis=0) / (math.sqrt(len(points)) * weight.mean())
        assert (np.abs(ours - limit) <= 5 * error).all()
        assert (error < 0.05 * np.abs(expected).max()).all()


@pytest.mark.parametrize("time", [0.0, 0.3])
@pytest.mark.parametrize("rank", [2, 3])
def test_draws_of_a_gaussian_have_its_law(rank: int, time: float) -> None:
    count, mean, matrix = 40_000, np.array([1.0, -2.0, 0.5]), covariance(3, rank)
    score = GaussianScore(mean, matrix)
    drawn = score.sample(count, 11, time)
    law = math.exp(-2 * time) * matrix + (1 - math.exp(-2 * time)) * np.eye(3)
    scale = np.diag(law)
    # Five standard errors of a mean and of a covariance of normals.
    apart = np.abs(drawn.mean(axis=0) - math.exp(-time) * mean)
    assert (apart <= 5 * np.sqrt(scale / count)).all()
    found = np.cov(drawn.T)
    assert (np.abs(found - law) <= 5 * np.sqrt((np.outer(scale, scale) + law**2) / count)).all()
    # Normal, not only of these moments: the fourth moment is 3, its standard error sqrt(96/N).
    fourth = (((drawn - drawn.mean(axis=0)) / drawn.std(axis=0)) ** 4).mean(axis=0)
    assert (np.abs(fourth - 3) <= 5 * math.sqrt(96 / count)).all()
    assert (score.sample(5, 11, time) == score.sample(5, 11, time)).all()
    assert (score.sample(5, 11, time) != score.sample(5, 12, time)).all()


def test_draws_of_a_singular_gaussian_stay_in_its_plane() -> None:
    points = np.random.default_rng(9).standard_normal((3, 50))
    drawn = GaussianScore.fitted(points).sample(200, 1)
    basis = np.linalg.qr((points[1:] - points[0]).T)[0]
    apart = drawn - points[0]
    # Coordinates of about 10 off a plane known to 50 u: 1e-12.
    assert np.abs(apart - apart @ basis @ basis.T).max() < 1e-12


BAD_GAUSSIANS: dict[str, tuple[Any, Any]] = {
    "shapes": (np.zeros(3), np.eye(2)),
    "flat": (np.zeros(3), np.ones(3)),
    "NaN": (np.array([0.0, math.nan]), np.eye(2)),
    "infinite": (np.zeros(2), np.diag([1.0, math.inf])),
    "asymmetric": (np.zeros(2), np.array([[1.0, 0.1], [0.2, 1.0]])),
    "indefinite": (np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]])),
}


@pytest.mark.parametrize("name", BAD_GAUSSIANS)
def test_gaussians_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="covariance"):
        GaussianScore(*BAD_GAUSSIANS[name])


def test_a_gaussian_is_fitted_to_two_points_or_more() -> None:
    with pytest.raises(InputError, match="points: 1 point, but a covariance needs at least two"):
        GaussianScore.fitted(np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, 1, 0.0), "count"),
        ((2.5, 1, 0.0), "count"),
        ((True, 1, 0.0), "count"),
        ((5, -1, 0.0), "seed"),
        ((5, 2**64, 0.0), "seed"),
        ((5, 1, -0.1), "time"),
        ((5, 1, math.nan), "time"),
    ],
)
def test_draws_out_of_range_are_refused(arguments: tuple[Any, ...], name: str) -> None:
    with pytest.raises(InputError) as error:
        GaussianScore(np.zeros(2), np.eye(2)).sample(*arguments)
    assert error.value.argument == name


# --- A network's score


def small_networks(model: Model, dtype: Any) -> Networks:
    generator = np.random.default_rng(10)
    m, d = model.width, model.dimension
    shapes = {"outer": (2, m, d), "bias": (2, m), "inner": (2, m, d + 1), "offset": (2, d)}
    arrays: dict[str, Any] = {
        name: generator.standard_normal(shape).astype(dtype) for name, shape in shapes.items()
    }
    return Networks(**arrays, diverged=np.array([-1, 7]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", ["mean", "root"])
def test_network_score_is_its_definition(output: Any, dtype: Any) -> None:
    model = Model(width=13, dimension=3, output=output, offset=True)
    networks = small_networks(model, dtype)
    y, time = np.random.default_rng(12).standard_normal((5, 3)), 0.4
    scale = {"mean": 13, "root": math.sqrt(13)}[output]
    expected = np.empty_like(y)
    for row, place in enumerate(y):
        inputs = [time, *place]
        for c in range(3):
            total = 0.0
            for l in range(13):
                active = sum(
                    float(w) * v for w, v in zip(networks.inner[0, l], inputs, strict=True)
                )
                total += float(networks.outer[0, l, c]) * max(
                    active + float(networks.bias[0, l]), 0
                )
            predicted = total / scale + float(networks.offset[0, c])
            expected[row, c] = -predicted / math.sqrt(1 - math.exp(-2 * time))
    # Some 20 sums of products of about 10 over 0.7: 1e-13.
    score = NetworkScore(model, networks, 0)
    np.testing.assert_allclose(score(y, time), expected, rtol=0, atol=1e-13)
    assert score.dimension == 3


def test_networks_without_a_score_are_refused() -> None:
    model = Model(width=4, dimension=3)
    networks = small_networks(model, np.float32)
    with pytest.raises(InputError, match=r"networks\[1\]: diverged at step 7"):
        NetworkScore(model, networks, 1)
    for e in (2, -1, True):
        with pytest.raises(InputError, match="below 2"):
            NetworkScore(model, networks, e)
    with pytest.raises(InputError, match="4 inputs"):
        NetworkScore(Model(width=4, dimension=4), networks, 0)
    with pytest.raises(InputError, match="shape"):
        NetworkScore(model, networks, 0)(np.zeros((2, 4)), 0.5)


# --- The user's own


def bad_row(y: Floats, time: float) -> Floats:
    found = -y
    found[3, 1] = -math.inf
    found[4, 0] = math.nan
    return found


BAD_FUNCTIONS: dict[str, tuple[Callable[[Floats, float], Any], str]] = {
    "one row": (lambda y, time: y[:1], r"shape \(1, 2\)"),
    "transposed": (lambda y, time: y.T, r"shape \(2, 6\)"),
    "flat": (lambda y, time: y[:, 0], r"shape \(6,\)"),
    "infinite": (bad_row, r"-inf in row 3, .* y\[3\] = \[6.0, 7.0\]"),
    "integers": (lambda y, time: y.astype(int), "type int64"),
    "booleans": (lambda y, time: y > 0, "type bool"),
    "complex": (lambda y, time: y + 0j, "type complex128, .* `.real`"),
    "objects": (lambda y, time: y.astype(object), "type object"),
    "list": (lambda y, time: y.tolist(), "builtins.list, .* NumPy arrays; .* `np.asarray`"),
    "nothing": (lambda y, time: None, "NoneType"),
}


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_what_is_no_score_is_refused_with_the_time(name: str) -> None:
    function, message = BAD_FUNCTIONS[name]
    with pytest.raises(InputError, match=f"score at time 0.25: .*{message}"):
        checked(function, 2)(np.arange(12.0).reshape(6, 2), 0.25)


def test_torch_tensors_are_refused_with_the_way_out() -> None:
    torch = pytest.importorskip("torch")
    score = checked(lambda y, time: torch.from_numpy(y), 2)
    with pytest.raises(InputError, match=r"torch.Tensor, .* `.detach\(\).cpu\(\).numpy\(\)`"):
        score(np.zeros((6, 2)), 0.25)


def test_checked_scores_pass_on_what_is_right() -> None:
    y = np.arange(6.0).reshape(3, 2)

    def in_place(places: Floats, time: float) -> NDArray[np.float32]:
        places *= -time
        return places.astype(np.float32)

    score = checked(in_place, 2)
    found = score(y, 0.5)
    assert found.dtype == np.float64
    assert (found == -0.5 * y).all()
    assert (y == np.arange(6.0).reshape(3, 2)).all()
    assert score.dimension == 2
    for dimension in (0, -1, 2.0, True):
        with pytest.raises(InputError, match="dimension"):
            checked(in_place, dimension)  # type: ignore[arg-type]


# --- Memory


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    require_memory("points", 1000, limit_bytes=1000)
    with pytest.raises(InputError, match=r"points: 1001 bytes needed, but there are 1000 bytes"):
        require_memory("points", 1001, limit_bytes=1000)
    with pytest.raises(InputError, match=r"2 KiB \(2048 bytes\) needed, .* 1 KiB \(1024 bytes\)"):
        require_memory("points", 2048, limit_bytes=1024)
    gaussian = GaussianScore(np.zeros(2), np.eye(2))
    with pytest.raises(InputError, match="TiB"):
        gaussian.sample(10**12, 1)
    monkeypatch.setattr(memory, "machine_memory", lambda: 1000)
    with pytest.raises(InputError, match="the score of 5 points at 9 places in d = 10"):
        EmpiricalScore(np.zeros((5, 10)))(np.zeros((9, 10)), 0.5)
    with pytest.raises(InputError, match="the Gaussian fitted to 5 points in d = 10"):
        GaussianScore.fitted(np.zeros((5, 10)))
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    require_memory("points", 10**30)  # a system that does not tell


def test_memory_of_a_container_is_what_it_may_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CONTROL_GROUP", limit)
    physical = machine_memory()
    assert physical is None or physical > 2**20
    limit.write_text("max\n")
    assert machine_memory() == physical
    limit.write_text("4096\n")
    assert machine_memory() in {None, 4096}
