"""Measurements of trained networks against quadratures and sums that share no code with them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special

from dsmverify.ensembles import dimensions, hinges, measures, philox
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch

Floats = NDArray[np.float64]

TIED = Problem(np.array([0.4, -1.2, 0.4, 0.1, 1.5]), 0.9, 0.35)
"""Out of order, with a tie."""

MODELS = {
    "theory": Model(width=8, inner="signs", train_inner=False),
    "trained": Model(width=8),
    "root": Model(width=8, output="root", rate_times_width=False),
    "offset": Model(width=8, offset=True),
}


def hand_made(model: Model, seed: int = 3, dtype: Any = np.float64) -> Networks:
    """A network with what is awkward: far kinks, weights of 0, a dead neuron, merged kinks."""
    generator = np.random.default_rng(seed)
    m = model.width
    inner = generator.standard_normal(m)
    bias, outer = 0.7 * generator.standard_normal(m), 4 * generator.standard_normal(m)
    if model.inner == "signs":
        inner = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    else:
        inner[0] = 0.0  # a constant
        bias[0] = 0.8
        inner[1], bias[1] = 1e-9, 0.6  # active everywhere, kink at -6e8
        inner[2], bias[2] = 1e-9, -0.6  # dead
    bias[5] = -0.25 * inner[5]
    inner[3], bias[3], inner[4], bias[4] = inner[5], bias[5], -inner[5], -bias[5]
    outer[3:6] = [3.0, 2.0, -4.0]
    bias[6:8] = -inner[6:8] * [1.6, -1.3]  # kinks right and left of the data
    offset = [[0.3]] if model.offset else [[0.0]]
    return Networks(
        outer.reshape(1, m, 1).astype(dtype),
        bias.reshape(1, m).astype(dtype),
        inner.reshape(1, m, 1).astype(dtype),
        np.array(offset).astype(dtype),
        np.array([-1]),
    )


def plain_score(problem: Problem, y: Floats) -> Floats:
    """s* by its definition, in d = 1."""
    apart = problem.mu * problem.points[:, 0] - y[:, None]
    share = special.softmax(-(apart**2) / (2 * problem.sigma**2), axis=1)
    result: Floats = (share * apart).sum(axis=1) / problem.sigma**2
    return result


def mean_over_y(problem: Problem, cuts: Floats, function: Any, part: tuple[float, float]) -> float:
    """`E[function(Y, x); Y in part]`, Gauss-Legendre with 60 nodes between cuts 0.2 sigma apart."""
    low, high = max(part[0], -30.0), min(part[1], 30.0)
    grid = np.arange(low, high, problem.sigma / 5)
    ends = np.unique(np.concatenate((grid, [high], cuts[(cuts > low) & (cuts < high)])))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    width = np.diff(ends)[:, None]
    y = (ends[:-1, None] + width * (nodes + 1) / 2).ravel()
    w = (width * weights / 2).ravel()
    total = 0.0
    for x in problem.points[:, 0]:
        z = (y - problem.mu * x) / problem.sigma
        density = np.exp(-z * z / 2) / (problem.sigma * np.sqrt(2 * np.pi))
        total += float((w * density * function(y, x)).sum())
    return total / problem.size


def kinks_of(networks: Networks) -> Floats:
    inner = networks.inner[0, :, 0].astype(float)
    chosen = inner != 0
    kinks: Floats = -networks.bias[0].astype(float)[chosen] / inner[chosen]
    return kinks


def parts_of(problem: Problem) -> list[tuple[float, float]]:
    low, high = problem.mu * problem.points.min(), problem.mu * problem.points.max()
    return [(-np.inf, low), (low, high), (high, np.inf)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_risk_and_excess_by_side_are_their_definitions(name: str, dtype: Any) -> None:
    model = MODELS[name]
    networks = hand_made(model, dtype=dtype)
    found = measures.measure(TIED, model, networks, 0)

    def residual(y: Floats, x: float) -> Floats:
        values = networks.scores(model, y)[0, :, 0]
        result: Floats = (values + (y - TIED.mu * x) / TIED.sigma**2) ** 2
        return result

    def apart(y: Floats, _: float) -> Floats:
        result: Floats = (networks.scores(model, y)[0, :, 0] - plain_score(TIED, y)) ** 2
        return result

    kinks = kinks_of(networks)
    parts = parts_of(TIED)
    risk = [mean_over_y(TIED, kinks, residual, part) for part in parts]
    excess = [mean_over_y(TIED, kinks, apart, part) for part in parts]
    by_side = found.risk_by_side, found.excess_by_side
    ours = [[side.left, side.inside, side.right] for side in by_side]
    # Both sides carry some hundred roundings of the risk, which is about 10.
    assert ours[0] == pytest.approx(risk, rel=1e-12, abs=1e-12)
    assert ours[1] == pytest.approx(excess, rel=1e-11, abs=1e-11)
    assert found.risk == pytest.approx(sum(risk), rel=1e-12)
    assert found.excess_risk == pytest.approx(sum(excess), rel=1e-11)
    assert min(excess) > 1e-3  # none of the three is trivial


def test_risk_of_the_best_score_counts_ties_and_switches() -> None:
    """Against adaptive quadrature of the posterior variance, at overlapping and separate points."""
    for problem in (
        TIED,
        Problem(np.array([0.0, 1.0]), 0.9, 0.08),
        Problem(np.array([-1.0, 0.0, 0.0, 2.5]), 0.8, 0.12),
        Problem(np.array([100.0, 100.7]), 0.9, 0.2),
        Problem(np.array([0.0, 1.0, 50.0]), 0.9, 0.35),
    ):
        means = problem.mu * problem.points[:, 0]

        def variance(y: float, problem: Problem = problem, means: Floats = means) -> float:
            z = (y - means) / problem.sigma
            density = np.exp(-z * z / 2).mean() / (problem.sigma * np.sqrt(2 * np.pi))
            share = special.softmax(-z * z / 2)
            spread = (share * (means - share @ means) ** 2).sum()
            return float(density * spread / problem.sigma**4)

        grid = np.linspace(means.min() - 9 * problem.sigma, means.max() + 9 * problem.sigma, 90)
        exact = sum(
            integrate.quad(variance, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(grid)
        )
        # 9 sigma leave 1e-18 of the mass; means are kept at relative distance 1e-14 of 100.
        assert measures.optimal_risk(problem) == pytest.approx(exact, rel=2e-11)
    double = Problem(np.array([0.0, 1.0, 0.0, 1.0]), 0.9, 0.3)
    single = Problem(np.array([1.0, 0.0]), 0.9, 0.3)
    assert measures.optimal_risk(double) == pytest.approx(measures.optimal_risk(single), rel=1e-13)
    assert measures.optimal_risk(Problem(np.array([2.0]), 0.9, 0.3)) == 0.0


def test_score_is_the_definition_and_never_overflows() -> None:
    generator = np.random.default_rng(0)
    for d in (1, 3):
        problem = Problem(generator.standard_normal((6, d)), 0.9, 0.4)
        y = 2 * generator.standard_normal((50, d))
        apart = problem.mu * problem.points - y[:, None, :]
        share = special.softmax(-(apart**2).sum(axis=2) / (2 * problem.sigma**2), axis=1)
        plain = (share[:, :, None] * apart).sum(axis=1) / problem.sigma**2
        assert measures.score(problem, y) == pytest.approx(plain, rel=1e-12, abs=1e-12)
        far = np.full((2, d), 1e150)
        far[1] *= -1
        assert np.isfinite(measures.score(problem, far)).all()
        tiny = Problem(problem.points, 0.9, 1e-6)
        # On a training point the posterior is a point mass and s* is 0 there.
        assert measures.score(tiny, 0.9 * problem.points) == pytest.approx(0.0, abs=1e-3)
    with pytest.raises(InputError, match="dimension 3"):
        measures.score(problem, np.zeros((4, 2)))


def test_excess_of_the_line_is_the_least_of_all_lines() -> None:
    least = measures.measure(TIED, MODELS["trained"], hand_made(MODELS["trained"]), 0).linear_excess
    x = TIED.points[:, 0]
    slope = -1 / (TIED.mu**2 * x.var() + TIED.sigma**2)

    def excess(a: float, b: float) -> float:
        knots = np.array([-1.0, 2.0])
        return measures.piecewise_linear_excess(TIED, knots, a * (knots - TIED.mu * x.mean()) + b)

    assert excess(slope, 0.0) == pytest.approx(least, rel=1e-11)
    for a, b in ((slope + 0.01, 0.0), (slope - 0.01, 0.0), (slope, 0.01), (slope, -0.01)):
        assert excess(a, b) > least
    zero = measures.piecewise_linear_excess(TIED, [0.0], [0.0], outside="constant")
    found = measures.measure(TIED, MODELS["trained"], hand_made(MODELS["trained"]), 0)
    assert zero == pytest.approx(found.zero_excess, rel=1e-12)


def test_piecewise_linear_functions_are_measured_by_their_vertices() -> None:
    model = MODELS["trained"]
    networks = hand_made(model)
    # The hand-made kinks near the data, and two knots beyond them for the outermost slopes.
    kinks = kinks_of(networks)
    knots = np.unique(np.concatenate((kinks[np.abs(kinks) < 1e3], [-60.0, 60.0])))
    values = networks.scores(model, knots)[0, :, 0]
    ours = measures.piecewise_linear_excess(TIED, knots, values)
    direct = measures.measure(TIED, model, networks, 0).excess_risk
    # At 60 a value is about 50 times those on the data, and so are its roundings.
    assert ours == pytest.approx(direct, rel=1e-11)

    def apart(y: Floats, _: float) -> Floats:
        result: Floats = (np.interp(y, *vertices) - plain_score(TIED, y)) ** 2
        return result

    vertices = np.array([-0.8, 0.1, 0.9]), np.array([2.0, -1.0, 0.5])
    found = measures.piecewise_linear_excess(TIED, *vertices, outside="constant")
    assert found == pytest.approx(
        sum(mean_over_y(TIED, vertices[0], apart, part) for part in parts_of(TIED)), rel=1e-11
    )

    def extended(y: Floats, _: float) -> Floats:
        slopes = np.diff(vertices[1]) / np.diff(vertices[0])
        values = np.interp(y, *vertices) + slopes[0] * np.minimum(y - vertices[0][0], 0)
        values = values + slopes[-1] * np.maximum(y - vertices[0][-1], 0)
        result: Floats = (values - plain_score(TIED, y)) ** 2
        return result

    found = measures.piecewise_linear_excess(TIED, *vertices)
    assert found == pytest.approx(
        sum(mean_over_y(TIED, vertices[0], extended, part) for part in parts_of(TIED)), rel=1e-11
    )
    line = measures.piecewise_linear_excess(TIED, [-1.0, 1.0], [3.0, -3.0])
    for shifted in ([-99.0, -98.0], [98.0, 99.0], [-99.0, 99.0]):  # knots off the data
        assert measures.piecewise_linear_excess(
            TIED, shifted, -3 * np.array(shifted)
        ) == pytest.approx(line, rel=1e-11)
    bent_far_away = measures.piecewise_linear_excess(TIED, [-99, -20, 99], [-5, 60, -297])
    assert bent_far_away == pytest.approx(line, rel=1e-11)
    for knots_, values_, rule in (
        ([0.0, 0.0], [1.0, 2.0], "left to right"),
        ([0.0], [1.0], "at least 2"),
        ([0.0, 1.0], [1.0, np.nan], "left to right"),
    ):
        with pytest.raises(InputError, match=rule):
            measures.piecewise_linear_excess(TIED, knots_, values_)


def plain_weight(problem: Problem, y: float) -> float:
    """pi(y) by its definition, with the cuts of the integrand at the training points."""
    x = problem.mu * problem.points[:, 0]

    def least(u: float) -> float:
        below = (x < u).mean() * np.maximum(u - x, 0).mean()
        above = (x > u).mean() * np.maximum(x - u, 0).mean()
        return float(min(below, above) * np.exp(-((y - u) ** 2) / (2 * problem.sigma**2)))

    cuts = np.unique(np.concatenate((x, np.linspace(x.min(), x.max(), 400))))
    parts = [integrate.quad(least, a, b, epsabs=1e-15)[0] for a, b in pairwise(cuts)]
    return float(sum(parts) / (problem.sigma * np.sqrt(2 * np.pi)))


def test_variation_merges_kinks_and_counts_ties() -> None:
    model = MODELS["trained"]
    networks = hand_made(model)
    inner, outer = networks.inner[0, :, 0], networks.outer[0, :, 0]
    low, high = parts_of(TIED)[1]
    jumps: dict[float, float] = {}
    for neuron in range(1, model.width):
        kink = -networks.bias[0, neuron] / inner[neuron]
        if low <= kink <= high:
            jumps[kink] = jumps.get(kink, 0.0) + abs(inner[neuron]) * outer[neuron] / model.width
    kinks = kinks_of(networks)
    assert len(jumps) + 2 == ((kinks >= low) & (kinks <= high)).sum()  # three merge into one
    exact = sum(abs(jump) * plain_weight(TIED, kink) for kink, jump in jumps.items())
    found = measures.measure(TIED, model, networks, 0)
    # The oracle's crossing of pi^- and pi^+ lies inside a panel of a 400th: error about 1e-9.
    assert found.variation == pytest.approx(exact, rel=1e-7)
    assert exact > 1e-3


def network_of(neurons: list[tuple[float, float, float]]) -> tuple[Model, Networks]:
    """(inner, bias, outer) for each neuron."""
    inner, bias, outer = (np.array(column) for column in zip(*neurons, strict=True))
    m = len(neurons)
    return Model(width=m), Networks(
        outer.reshape(1, m, 1),
        bias.reshape(1, m),
        inner.reshape(1, m, 1),
        np.zeros((1, 1)),
        np.array([-1]),
    )


PAIR = Problem(np.array([-1.0, 1.0]), 0.9, 0.1)
"""Parts end at -0.9 and 0.9; draws reach 0.676 further, to about 1.576."""


@pytest.mark.parametrize(
    ("neurons", "dead", "kinks", "far", "silent", "side"),
    [
        ([(1.0, 0.5, 1.0)], 0, (0, 1, 0), 0, (True, False, False), "left"),
        ([(-1.0, 0.5, 1.0)], 0, (0, 1, 0), 0, (False, False, True), "right"),
        ([(1.0, 1.2, 1.0)], 0, (1, 0, 0), 0, (False, False, False), "none"),
        ([(1.0, -1.2, 1.0), (-1.0, -1.2, 1.0)], 0, (1, 0, 1), 0, (False, True, False), "none"),
        ([(1.0, -1.57, 1.0)], 0, (0, 0, 1), 0, (True, True, False), "left"),
        ([(1.0, -1.58, 1.0)], 1, (0, 0, 0), 1, (True, True, True), "both"),
        ([(1.0, 1.58, 1.0)], 0, (0, 0, 0), 1, (False, False, False), "none"),
        ([(0.0, 1.0, 1.0), (1.0, 0.0, 0.0)], 0, (0, 0, 0), 0, (True, True, True), "both"),
        ([(0.0, -1.0, 1.0), (0.0, 0.0, 1.0)], 2, (0, 0, 0), 0, (True, True, True), "both"),
    ],
)
def test_dead_neurons_and_sides(
    neurons: list[tuple[float, float, float]],
    dead: int,
    kinks: tuple[int, int, int],
    far: int,
    silent: tuple[bool, bool, bool],
    side: str,
) -> None:
    model, networks = network_of(neurons)
    found = measures.measure(PAIR, model, networks, 0)
    assert found.dead == dead
    assert (found.kinks.left, found.kinks.inside, found.kinks.right) == kinks
    assert found.far == far
    assert (found.silent.left, found.silent.inside, found.silent.right) == silent
    assert found.dead_side == side
    assert [found.unbent.left, found.unbent.inside, found.unbent.right] == [k == 0 for k in kinks]
    # A silent side has a constant score there, and the definition says the same of the values.
    edges = [(-1.576, -0.901), (-0.9, 0.9), (0.901, 1.576)]
    for flag, (low, high) in zip(silent, edges, strict=True):
        values = networks.scores(model, np.linspace(low, high, 50))[0, :, 0]
        assert (np.ptp(values) == 0) == flag


def test_the_largest_draw_is_that_of_the_least_word() -> None:
    word = np.zeros(1, dtype=np.uint64)
    assert abs(philox._box_muller(word, word)[0]) == pytest.approx(measures.LARGEST_DRAW, rel=1e-9)


def ensemble_of(model: Model, problems: list[Problem]) -> Ensemble:
    count = len(problems)
    batch = Batch(4, "mean", True)
    return Ensemble.of(model, batch, problems, [0.1] * count, range(count), [0] * count)


def test_excess_risks_say_what_diverged() -> None:
    model = Model(width=50, bias_deviation=1.0)
    ensemble = ensemble_of(model, [TIED, PAIR, TIED, TIED, TIED])
    networks = ensemble.start(np.float32)
    networks.diverged[2] = 17
    networks.bias[3, 7] = np.nan
    networks.inner[4, 7, 0] = np.inf
    found = measures.excess_risks(ensemble, networks)
    assert np.isfinite(found[:2]).all()
    assert np.isposinf(found[2:]).all()
    for e in range(2):
        one = measures.measure(ensemble.problems[e], model, networks, e)
        assert found[e] == pytest.approx(one.excess_risk, rel=1e-12)
    broken = measures.measure(TIED, model, networks, 3)
    assert broken.risk == broken.excess_risk == np.inf
    assert np.isnan([broken.gradient_norm, broken.hessian_largest, broken.variation]).all()
    huge = ensemble.start(np.float64)
    huge.outer[0] = 1e200
    assert measures.excess_risks(ensemble, huge)[0] == np.inf
    silent = measures.silent_parts(ensemble, networks)
    assert silent.shape == (5, 3)
    assert not silent.any()


def test_measures_refuse_more_dimensions() -> None:
    problem = Problem(np.zeros((3, 2)), 0.9, 0.3)
    ensemble = ensemble_of(Model(width=4, dimension=2), [problem])
    with pytest.raises(InputError, match="d = 1"):
        measures.measure(problem, ensemble.model, ensemble.start(), 0)
    with pytest.raises(InputError, match="d = 1"):
        measures.optimal_risk(problem)
    with pytest.raises(InputError, match="there are 1 networks"):
        measures.measure(TIED, Model(width=4), hand_made(Model(width=4 * 2)), 1)


def test_a_function_seen_on_the_data_is_the_function() -> None:
    for name, model in MODELS.items():
        networks = hand_made(model)
        seen = hinges.seen(TIED, hinges.parameters_of(model, networks, 0), marks=[0.0])
        net = seen.network
        y = np.linspace(*hinges.ends(seen.sample), 400)
        hidden = np.maximum(net.inner * y[:, None] + net.bias, 0)
        # 40 sigma out a hinge is 40 times its size on the data.
        assert hidden @ net.outer / net.width == pytest.approx(
            networks.scores(model, y)[0, :, 0], rel=1e-12, abs=1e-12
        ), name


# Several dimensions.


def quadrature_of_product(h: float, g: float, rho: float) -> float:
    """`E[(h + Z1)_+ (g + Z2)_+]`, Z2 given Z1 in closed form and Z1 by quadrature."""
    width = np.sqrt(1 - rho * rho)

    def inner(z: float) -> float:
        mean = g + rho * z
        if width == 0:
            part = max(mean, 0.0)
        else:
            tail = np.exp(-((mean / width) ** 2) / 2) / np.sqrt(2 * np.pi)
            part = mean * special.ndtr(mean / width) + width * tail
        return float((h + z) * part * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    cuts = np.unique(np.concatenate((np.arange(-h, 13.0, 0.25), [-h, 13.0])))
    if rho != 0:
        bend = -g / rho + width * np.arange(-8, 9)  # the part of Z2 bends over this width
        cuts = np.union1d(cuts, bend[(bend > -h) & (bend < 13)])
    parts = [integrate.quad(inner, a, b, epsabs=1e-16, epsrel=1e-13)[0] for a, b in pairwise(cuts)]
    return float(sum(parts))


@pytest.mark.parametrize("rho", [-1.0, -0.9999, -0.4, 0.0, 0.7, 0.999999, 1.0])
@pytest.mark.parametrize(
    ("h", "g"), [(0, 0), (1.0, -0.5), (-1, -2), (0, 1.3), (-0.7, 0), (0.4, 0.4), (2, -2), (3, 2.5)]
)
def test_the_mean_of_two_hinges(h: float, g: float, rho: float) -> None:
    exact = quadrature_of_product(h, g, rho)
    assert float(dimensions.rectified_mean(h, g, rho)) == pytest.approx(exact, abs=2e-14, rel=1e-12)


@pytest.mark.parametrize("angle", [1e-9, 1e-7, 1e-5])
@pytest.mark.parametrize("h", [0.8, -0.3, 2.1])
def test_nearly_parallel_neurons_lose_no_digits(angle: float, h: float) -> None:
    """`d/d rho E = P(both active)`: to first order in 1 - rho the value is in closed form."""
    pair = dimensions._Pair.of(np.array([[1.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle)]]))
    tail = h * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
    exact = (h * h + 1) * special.ndtr(h) + tail - angle**2 / 2 * special.ndtr(h)
    # The next term is of order angle^3, 1e-15 at most.
    assert float(pair.rectified(h, h)[0, 0]) == pytest.approx(exact, rel=2e-15, abs=2e-15)
    # Opposite ones with a common kink are active together on a set of order angle only.
    opposite = dimensions._Pair.of(
        np.array([[-1.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle)]])
    )
    assert float(opposite.rectified(-h, h)[0, 0]) == pytest.approx(0.0, abs=2e-15)


def test_exact_risk_in_one_dimension_is_the_risk() -> None:
    for model in MODELS.values():
        networks = hand_made(model)
        ours = dimensions.exact_risk(TIED, model, networks, 0)
        assert ours == pytest.approx(measures.measure(TIED, model, networks, 0).risk, rel=1e-12)


@pytest.mark.parametrize("d", [2, 5])
def test_exact_risk_of_a_line_is_least_at_the_fitted_gaussian(d: int) -> None:
    """A linear score is a network of 2 d neurons: `A y = sum_c A e_c (relu(y_c) - relu(-y_c))`."""
    generator = np.random.default_rng(d)
    problem = Problem(generator.standard_normal((4, d)) + 3, 0.9, 0.5)
    points = problem.points
    apart = points - points.mean(axis=0)
    covariance = problem.mu**2 * apart.T @ apart / len(points) + problem.sigma**2 * np.eye(d)
    best = -np.linalg.inv(covariance)
    model = Model(width=2 * d, dimension=d, offset=True)

    def risk(matrix: Floats, shift: Floats) -> float:
        eye = np.eye(d)
        networks = Networks(
            2 * d * np.concatenate((matrix.T, -matrix.T))[None],
            np.zeros((1, 2 * d)),
            np.concatenate((eye, -eye))[None],
            (shift - problem.mu * matrix @ points.mean(axis=0))[None],
            np.array([-1]),
        )
        return dimensions.exact_risk(problem, model, networks, 0)

    least = measures.linear_risk(problem)
    none = np.zeros(d)
    assert risk(best, none) == pytest.approx(least, rel=1e-11)
    for _ in range(5):
        change = 0.01 * generator.standard_normal((d, d))
        assert risk(best + change, none) > least
    assert risk(best, np.full(d, 0.01)) > least
    assert risk(0 * best, none) == pytest.approx(measures.zero_risk(problem), rel=1e-12)


def test_monte_carlo_agrees_with_the_exact_excess_risk() -> None:
    """Four standard errors, fixed with the seed in advance: one in 16 000 by chance."""
    model = Model(width=30, bias_deviation=1.0)
    ensemble = ensemble_of(model, [TIED, PAIR, TIED])
    networks = ensemble.start()
    networks.outer *= 5
    exact = measures.excess_risks(ensemble, networks)
    for estimator in ("distance", "difference"):
        found = dimensions.estimate_excess_risks(
            ensemble, networks, seed=11, draws=4000, estimator=estimator
        )
        assert (np.abs(found.mean - exact) <= 4 * found.error).all(), (estimator, found, exact)
        assert (found.error < 0.05 * exact).all()
    mean, error = dimensions.estimate_optimal_risk(TIED, seed=11, draws=4000)
    assert abs(mean - measures.optimal_risk(TIED)) <= 4 * error
    assert error < 0.05 * mean


def test_monte_carlo_agrees_with_the_exact_risk_in_three_dimensions() -> None:
    """`R_n(theta) - R_n(s*)`, the first exact and the second estimated, within four errors."""
    model = Model(width=12, dimension=3, bias_deviation=1.0, offset=True)
    problem = Problem(np.random.default_rng(5).standard_normal((4, 3)), 0.8, 0.6)
    ensemble = ensemble_of(model, [problem, problem])
    networks = ensemble.start()
    networks.outer *= 6
    networks.offset[:] = [0.4, -0.2, 0.1]
    networks.inner[1, 4] = 0
    networks.bias[1, 4] = 1.0
    networks.inner[1, 5], networks.bias[1, 5] = networks.inner[1, 6], networks.bias[1, 6]
    found = dimensions.estimate_excess_risks(ensemble, networks, seed=2, draws=20000)
    best, error = dimensions.estimate_optimal_risk(problem, seed=2, draws=20000)
    for e in range(2):
        exact = dimensions.exact_risk(problem, model, networks, e)
        room = 4 * (found.error[e] + error)
        assert abs(found.mean[e] - (exact - best)) <= room
        assert room < 0.08 * exact


def test_the_difference_is_the_distance_plus_a_term_of_mean_zero() -> None:
    """The page's estimator, from its definition, on the draws of the module."""
    model = Model(width=9, dimension=2)
    problem = Problem(np.random.default_rng(6).standard_normal((2, 2)), 0.8, 0.6)
    ensemble = ensemble_of(model, [problem])
    networks = ensemble.start()
    found = dimensions.estimate_excess_risks(
        ensemble, networks, seed=3, draws=50, estimator="difference"
    )
    key = dimensions._key(problem, 3)
    means = []
    for i, x in enumerate(problem.points):
        z = philox.normals(key, philox.Stream.EVALUATION, i, 100).reshape(50, 2)
        y = problem.mu * x + problem.sigma * z
        ours = networks.scores(model, y)[0] + z / problem.sigma
        best = measures.score(problem, y) + z / problem.sigma
        means.append((ours**2).sum(axis=1) - (best**2).sum(axis=1))
    assert found.mean[0] == pytest.approx(np.mean(means), rel=1e-12)
    error = np.sqrt(sum(terms.var(ddof=1) / 50 for terms in means)) / 2
    assert found.error[0] == pytest.approx(error, rel=1e-12)


def test_draws_belong_to_the_problem_and_not_to_the_ensemble() -> None:
    model = Model(width=40, dimension=2)
    generator = np.random.default_rng(8)
    problems = [Problem(generator.standard_normal((3, 2)), 0.8, 0.6) for _ in range(2)]
    ensemble = ensemble_of(model, [problems[0], problems[1], problems[0]])
    networks = ensemble.start()
    networks.diverged[2] = 4

    def found(chosen: list[int], seed: int, dtype: Any = np.float64) -> dimensions.Estimates:
        part = networks.copy()
        for name in ("outer", "bias", "inner", "offset", "diverged"):
            setattr(part, name, getattr(part, name)[chosen])
        return dimensions.estimate_excess_risks(
            ensemble.part(chosen), part, seed=seed, draws=500, dtype=dtype
        )

    every = found([0, 1, 2], 1)
    assert every.mean[2] == np.inf
    assert np.isnan(every.error[2])
    assert found([1, 0], 1).mean.tolist() == every.mean[[1, 0]].tolist()
    assert found([0], 2).mean[0] != every.mean[0]
    # Half a unit of float32 in each of 40 terms; excess risks are squares.
    assert found([0, 1], 1, np.float32).mean == pytest.approx(every.mean[:2], rel=1e-5)
    for name, bad in (("seed", {"seed": -1}), ("draws", {"draws": 1}), ("estimator", {})):
        options = {"seed": 1, "draws": 5, **bad}
        if not bad:
            options["estimator"] = "plain"  # type: ignore[assignment]
        with pytest.raises(InputError, match=name):
            dimensions.estimate_excess_risks(ensemble, networks, **options)  # type: ignore[arg-type]
