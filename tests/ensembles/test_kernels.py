"""The compiled kernels against the definition, written here in NumPy, in float64.

One step is compared with a bound that counts roundings; results that must not change are compared
byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from dsmverify.ensembles import dense, philox, philox_compiled, runs, sorted_batch
from dsmverify.ensembles.settings import ARRAYS, Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.instance import Batch

Advance = Callable[..., None]
DTYPES = (np.float32, np.float64)
KERNELS = (
    pytest.param(sorted_batch.advance, 1, id="sorted"),
    pytest.param(dense.advance, 1, id="dense1"),
    pytest.param(dense.advance, 3, id="dense3"),
    pytest.param(dense.advance, 7, id="dense7"),
)
BOTH = (
    pytest.param(sorted_batch.advance, id="sorted"),
    pytest.param(dense.advance, id="dense1"),
)

# ---------------------------------------------------------------------------- the definition


def draws(ensemble: Ensemble, e: int, step: int) -> tuple[Any, Any]:
    """Compiled draws of one step, `[B]` and `[B, d]`: to the last bit those that a kernel sees.

    A test below ties them to `philox`, whose normals may differ in the last bit.
    """
    size, d = ensemble.batch.size, ensemble.model.dimension
    picks, noise = np.empty((1, size), dtype=np.int64), np.empty((1, size * d))
    philox_compiled.fill_draws(
        ensemble.seeds[e],
        step,
        ensemble.problems[e].size,
        ensemble.batch.replacement,
        picks,
        noise,
    )
    return picks[0], noise.reshape(size, d)


@dataclass
class Expected:
    """Parameters after a step, and how far rounding may take a kernel from them."""

    value: dict[str, Any]
    bound: dict[str, Any]


def definition(ensemble: Ensemble, networks: Networks, e: int, *, exact_sums: bool) -> Expected:
    """One step of network e from the definition, every neuron at every point, float64.

    With u the parameters' unit roundoff and v that of sums (2^-53 where sums are in float64),
    P_lj = |w1_l| . |y_j| + |b_l|, T_jc = k sum_l |w2_lc| P_lj + |c|: an output errs by
    (m + 2 B + 8) v T_j; a residual's slope g by that and 8 v (T_j + |Z_j| / sigma), times the
    weight of a term; a sum over the batch by (B + d + 8) v, and the update itself by 6 u, relative
    to the sum of absolute values; the new parameter by u. Everything is doubled, for the roundings
    of this function.

    In one dimension a neuron is active where w1 y + b, rounded twice, is positive, and a kernel
    must decide the same. Else, where it is smaller than its rounding, 4 (d + 1) u P, a kernel may
    decide otherwise, and the gradient of b and w1 may lack or have that term.
    """
    model, batch, dtype = ensemble.model, ensemble.batch, networks.outer.dtype
    u = float(np.finfo(dtype).eps) / 2
    v = 2.0**-53 if exact_sums else u
    problem = ensemble.problems[e]
    size, m, d = batch.size, model.width, model.dimension
    picks, noise = draws(ensemble, e, networks.step)
    y = (problem.mu * problem.points[picks] + problem.sigma * noise).astype(dtype).astype(float)
    w2, b, w1, c = (getattr(networks, name)[e].astype(float) for name in ARRAYS)
    k = 1 / m if model.output == "mean" else 1 / m**0.5
    eta = float(ensemble.learning_rates[e])
    r = eta * k * (m if model.rate_times_width else 1)
    term = 2 / size if batch.reduction == "mean" else 2.0
    before = w1 @ y.T + b[:, None]
    if d == 1:
        rounded = w1.astype(dtype) * y.T.astype(dtype) + b.astype(dtype)[:, None]
        active = (rounded > 0).astype(float)
    else:
        active = (before > 0).astype(float)
    hidden = before * active
    magnitude = abs(w1) @ abs(y).T + abs(b)[:, None]
    target = noise / problem.sigma
    g = term * (k * hidden.T @ w2 + c + target)
    at_most = k * magnitude.T @ abs(w2) + abs(c)
    slip = term * ((m + 2 * size + 16) * v * at_most + 8 * v * abs(target))
    total = slip + ((size + d + 8) * v + 6 * u) * abs(g)
    open_ = (abs(before) <= 4 * (d + 1) * u * magnitude) & (d > 1)
    reach = np.maximum(active, open_)
    back, back_total = (g @ w2.T).T, (total @ abs(w2).T).T
    open_back = open_ * (abs(g) @ abs(w2).T).T
    change = {
        "outer": r * hidden @ g,
        "bias": r * (active * back).sum(axis=1),
        "inner": r * (active * back) @ y,
        "offset": eta * g.sum(axis=0),
    }
    bound = {
        "outer": r * (reach * magnitude) @ total,
        "bias": r * (reach * back_total + open_back).sum(axis=1),
        "inner": r * (reach * back_total + open_back) @ abs(y),
        "offset": eta * total.sum(axis=0),
    }
    old = dict(zip(ARRAYS, (w2, b, w1, c), strict=True))
    for name in ARRAYS:
        if name not in model.trained:
            change[name] = bound[name] = np.zeros_like(old[name])
        else:
            bound[name] = 2 * (bound[name] + u * (abs(old[name]) + abs(change[name])))
    return Expected({name: old[name] - change[name] for name in ARRAYS}, bound)


def agrees(advance: Advance, ensemble: Ensemble, networks: Networks) -> None:
    """One step of every network equals the definition to its bound."""
    exact_sums = advance is sorted_batch.advance
    wanted = [
        definition(ensemble, networks, e, exact_sums=exact_sums) for e in range(ensemble.count)
    ]
    step = networks.step
    advance(ensemble, networks, step + 1, threads=1)
    assert networks.step == step + 1
    assert (networks.diverged == -1).all()
    for e, one in enumerate(wanted):
        for name in ARRAYS:
            apart = abs(getattr(networks, name)[e] - one.value[name])
            assert (apart <= one.bound[name]).all(), (e, name, apart.max())


def random_ensemble(seed: int, dimension: int, dtype: Any) -> tuple[Ensemble, Networks]:
    """Four networks on samples of different sizes; every option drawn."""
    chance = np.random.default_rng([seed, dimension])
    signs = dimension == 1 and chance.random() < 0.25
    model = Model(
        width=int(chance.choice((1, 3, 32, 45, 70))),
        dimension=dimension,
        inner="signs" if signs else "gaussian",
        train_inner=not signs and chance.random() < 0.7,
        bias_deviation=float(chance.choice((0.0, 1.0))),
        output="mean" if chance.random() < 0.5 else "root",
        rate_times_width=chance.random() < 0.5,
        offset=chance.random() < 0.5,
    )
    replacement = chance.random() < 0.5
    size = int(chance.choice((1, 2, 9, 10, 31, 50, 300)))
    sizes = [
        int(chance.integers(1, 30)) if replacement else size + int(chance.integers(0, 20))
        for _ in range(4)
    ]
    ensemble = Ensemble.of(
        model,
        Batch(size, "mean" if chance.random() < 0.5 else "sum", replacement),
        [
            Problem(chance.standard_normal((n, dimension)), 0.8, float(chance.uniform(0.2, 1)))
            for n in sizes
        ],
        list(chance.uniform(0.001, 0.1, 4)),
        [int(x) for x in chance.integers(0, 2**63, 4)],
        [2**40] * 4,
    )
    networks = ensemble.start(dtype)
    networks.offset[:] = chance.standard_normal(networks.offset.shape)
    networks.step = int(chance.choice((0, 1, 2**20, 2**33 + 5)))
    return ensemble, networks


# ------------------------------------------------------------------------------------ draws


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**64 - 1])
def test_compiled_words_are_the_definition(seed: int) -> None:
    for step in (0, 7, 2**32 + 3):
        found = np.empty((9, 4), dtype=np.uint64)
        philox_compiled.fill_words(np.uint64(seed), np.uint64(5), np.uint64(step), found)
        wanted = np.stack(philox.words(seed, 5, step, np.arange(9)), axis=-1)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("size", "dimension"), [(1, 1), (5, 1), (6, 3), (3, 7), (20, 2)])
def test_compiled_draws_are_the_definition(size: int, dimension: int, replacement: bool) -> None:
    first, steps, points = 2**32 - 4, 40, 23
    picks = np.empty((steps, size), dtype=np.int64)
    noise = np.empty((steps, size * dimension))
    seed = 0xFEDCBA9876543210
    philox_compiled.fill_draws(np.uint64(seed), first, points, replacement, picks, noise)
    numbers, normals = philox.training_draws(
        seed, first + np.arange(steps), size, dimension, points, replacement=replacement
    )
    np.testing.assert_array_equal(picks, numbers)
    # radius and angle: a few roundings each; a cosine's error is absolute, 2 pi times 2^-53 or so
    radius = np.hypot(noise, 1)
    assert (abs(noise - normals.reshape(noise.shape)) <= 2.0**-49 * (1 + radius)).all()


# --------------------------------------------------------------------------------- one step


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("advance", "dimension"), KERNELS)
def test_one_step_is_the_definition(advance: Advance, dimension: int, dtype: Any) -> None:
    for seed in range(60 if dimension == 1 else 25):
        agrees(advance, *random_ensemble(seed, dimension, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("advance", BOTH)
def test_a_point_on_a_kink_does_not_activate_it(advance: Advance, dtype: Any) -> None:
    """relu'(0) = 0. Inner weights are signed powers of two, so every kink is exactly on a point.

    One point is moved so that it is noised to exactly 0, where kinks of zero biases are.
    """
    size, points = 50, np.linspace(-2, 2, 7)
    model, batch = Model(width=2 * size, offset=True), Batch(size, "mean", True)

    def runs_on(points: Any) -> Ensemble:
        return Ensemble.of(model, batch, [Problem(points, 1.0, 0.5)], [0.3], [11], [10])

    picks, noise = draws(runs_on(points), 0, 0)
    points[picks[0]] = -0.5 * noise[0, 0]
    ensemble = runs_on(points)
    y = (points[picks] + 0.5 * noise[:, 0]).astype(dtype)
    assert y[0] == 0
    networks = ensemble.start(dtype)
    weights = np.where(np.arange(2 * size) < size, 2.0, -0.5).astype(dtype)
    networks.inner[0, :, 0] = weights
    networks.bias[0] = -weights * np.concatenate((y, y))
    agrees(advance, ensemble, networks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("advance", BOTH)
def test_points_within_a_rounding_of_a_kink(advance: Advance, dtype: Any) -> None:
    """Biases within three floats of -w1 y, rounded, for inner weights of many sizes."""
    size, copies = 50, 20
    problem = Problem(np.linspace(-2, 2, 7), 0.9, 0.5)
    ensemble = Ensemble.of(
        Model(width=copies * size), Batch(size, "mean", True), [problem], [0.3], [11], [10]
    )
    picks, noise = draws(ensemble, 0, 0)
    y = (0.9 * problem.points[picks, 0] + 0.5 * noise[:, 0]).astype(dtype)
    chance = np.random.default_rng(1)
    networks = ensemble.start(dtype)
    weights = (chance.standard_normal(copies * size) * 4.0 ** chance.integers(-9, 9)).astype(dtype)
    networks.inner[0, :, 0] = weights
    bias = -weights * np.tile(y, copies)
    for moves, target in ((1, np.inf), (2, np.inf), (1, -np.inf), (2, -np.inf), (3, np.inf)):
        chosen = chance.random(len(bias)) < 0.4
        for _ in range(moves):
            bias = np.where(chosen, np.nextafter(bias, dtype(target)), bias)
    networks.bias[0] = bias
    agrees(advance, ensemble, networks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [50, 300])
@pytest.mark.parametrize("advance", BOTH)
def test_equal_points_and_equal_kinks(advance: Advance, size: int, dtype: Any) -> None:
    """With sigma far below a rounding of mu x the batch has only three places, 0 among them."""
    problem = Problem(np.array([-1.0, 0.0, 0.5]), 1.0, 2.0**-60)
    model = Model(width=40, bias_deviation=1.0)
    ensemble = Ensemble.of(model, Batch(size, "mean", True), [problem], [1e-3], [3], [10])
    networks = ensemble.start(dtype)
    networks.inner[0, :, 0] = np.tile([1.0, -1.0, 2.0, 0.25], 10)
    networks.bias[0] = np.repeat([0.5, -0.5, 0.0, 1.0, -1.0], 8)
    agrees(advance, ensemble, networks)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("advance", BOTH)
def test_zero_inner_weights(advance: Advance, dtype: Any) -> None:
    """Such a neuron is active everywhere or nowhere, and its inner weight still learns."""
    problem = Problem(np.array([-1.0, 0.3, 0.5]), 0.9, 0.4)
    ensemble = Ensemble.of(Model(width=6), Batch(50, "mean", True), [problem], [0.1], [3], [10])
    networks = ensemble.start(dtype)
    networks.inner[0, :, 0] = [0.0, -0.0, 0.0, 1.0, -1.0, 0.0]
    networks.bias[0] = [1.0, 2.0, -1.0, 0.1, 0.1, 0.0]
    agrees(advance, ensemble, networks)
    assert networks.inner[0, 0, 0] != 0
    assert networks.inner[0, 1, 0] != 0
    assert networks.inner[0, 2, 0] == 0
    assert networks.inner[0, 5, 0] == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_both_kernels_stay_together(dtype: Any) -> None:
    """A hundred steps at a small rate, where a rounding grows little: about 1e-6 in float32."""
    ensemble = Ensemble.of(
        Model(), Batch(50, "mean", True), [Problem(np.linspace(-2, 2, 20), 0.81, 0.57)],
        [0.05], [5], [100],
    )  # fmt: skip
    one, other = ensemble.start(dtype), ensemble.start(dtype)
    sorted_batch.advance(ensemble, one, 100, threads=1)
    dense.advance(ensemble, other, 100, threads=1)
    for name in ARRAYS:
        # 100 steps of errors like one rounding of a parameter below 8, grown at most tenfold
        apart = abs(getattr(one, name) - getattr(other, name)).max()
        assert apart <= 100 * 10 * 8 * np.finfo(dtype).eps


# ------------------------------------------------------------------- what must not matter


def mixed(dimension: int, dtype: Any) -> tuple[Ensemble, Networks]:
    """Five networks: their own samples, rates, seeds and numbers of steps."""
    chance = np.random.default_rng(dimension)
    ensemble = Ensemble.of(
        Model(width=50, dimension=dimension, offset=True),
        Batch(8, "mean", True),
        [Problem(chance.standard_normal((n, dimension)), 0.8, 0.6) for n in (4, 9, 20, 1, 7)],
        [0.01, 0.02, 0.03, 0.04, 0.05],
        [9, 8, 7, 6, 5],
        [100, 60, 0, 37, 300],
    )
    return ensemble, ensemble.start(dtype)


def same(one: Networks, other: Networks) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in (*ARRAYS, "diverged")
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("advance", "dimension"), KERNELS)
def test_threads_company_and_pauses_change_no_byte(
    advance: Advance, dimension: int, dtype: Any
) -> None:
    ensemble, start = mixed(dimension, dtype)
    whole = start.copy()
    advance(ensemble, whole, 100, threads=1)
    assert not same(whole, start)

    threaded = start.copy()
    advance(ensemble, threaded, 100, threads=2)
    assert same(whole, threaded)

    paused = start.copy()
    advance(ensemble, paused, 37, threads=2)
    advance(ensemble, paused, 100, threads=1)
    assert same(whole, paused)
    assert paused.step == whole.step == 100

    for e in range(ensemble.count):
        part = ensemble.part([e])
        alone = part.start(dtype)
        advance(part, alone, int(min(100, ensemble.steps[e])), threads=2)
        for name in ARRAYS:
            assert getattr(alone, name)[0].tobytes() == getattr(whole, name)[e].tobytes()


def test_a_network_stops_at_its_own_last_step() -> None:
    ensemble, start = mixed(1, np.float64)
    at_37, at_60 = start.copy(), start.copy()
    sorted_batch.advance(ensemble, at_37, 37)
    sorted_batch.advance(ensemble, at_60, 60)
    assert (at_37.outer[2] == start.outer[2]).all()
    assert (at_37.outer[3] == at_60.outer[3]).all()
    assert (at_37.outer[3] != start.outer[3]).any()
    assert (at_37.outer[4] != at_60.outer[4]).any()


def test_nothing_happens_when_nothing_is_left() -> None:
    ensemble, start = mixed(1, np.float64)
    again = start.copy()
    sorted_batch.advance(ensemble, again, 0)
    assert same(start, again)
    assert again.step == 0


# -------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("advance", "dimension"), KERNELS)
def test_divergence_is_recorded_at_its_step_and_stops_no_other(
    advance: Advance, dimension: int, dtype: Any
) -> None:
    chance = np.random.default_rng(0)
    size = 8
    problems = [Problem(chance.standard_normal((5, dimension)), 0.8, 0.5) for _ in range(3)]
    ensemble = Ensemble.of(
        Model(width=20, dimension=dimension), Batch(size, "mean", True), problems,
        [0.01, 1e3, 0.01], [1, 2, 3], [200] * 3,
    )  # fmt: skip
    networks = ensemble.start(dtype)
    wanted, before = -1, networks.copy()
    for step in range(200):
        picks, noise = philox.training_draws(2, step, size, dimension, 5, replacement=True)
        y = 0.8 * problems[1].points[picks] + 0.5 * noise
        with np.errstate(over="ignore", invalid="ignore"):
            out = networks.scores(ensemble.model, y)[1].astype(dtype)
        if not np.isfinite(out).all():
            wanted = step
            break
        before = networks.copy()
        advance(ensemble, networks, step + 1, threads=1)
    assert 2 <= wanted < 100
    before = networks.copy()
    advance(ensemble, networks, 200, threads=2)
    assert networks.diverged.tolist() == [-1, wanted, -1]
    for name in ARRAYS:
        assert getattr(networks, name)[1].tobytes() == getattr(before, name)[1].tobytes()
    calm = ensemble.part([0, 2])
    others = calm.start(dtype)
    advance(calm, others, 200, threads=1)
    assert others.outer.tobytes() == networks.outer[[0, 2]].tobytes()


@pytest.mark.parametrize("size", [5, 300])
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(("advance", "dimension"), KERNELS)
def test_a_parameter_that_is_no_number_is_seen(
    advance: Advance, dimension: int, name: str, size: int
) -> None:
    problem = Problem(np.ones((3, dimension)), 0.8, 0.5)
    ensemble = Ensemble.of(
        Model(width=20, dimension=dimension), Batch(size, "mean", True), [problem] * 2,
        [0.01, 0.01], [1, 2], [10] * 2,
    )  # fmt: skip
    networks = ensemble.start(np.float32)
    networks.step = 4
    networks.bias[:] = 100.0  # active everywhere: also a weight of the outer layer is seen at once
    getattr(networks, name)[1].flat[-1] = np.nan
    advance(ensemble, networks, 10)
    assert networks.diverged.tolist() == [-1, 4]


# ---------------------------------------------------------------------------------- bad input


def test_a_batch_cannot_be_sorted_in_two_dimensions() -> None:
    ensemble, networks = mixed(2, np.float64)
    with pytest.raises(InputError, match=r"model\.dimension: 2, but .*dense"):
        sorted_batch.advance(ensemble, networks, 1)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_positive(threads: int) -> None:
    ensemble, networks = mixed(1, np.float64)
    for advance in (sorted_batch.advance, dense.advance):
        with pytest.raises(InputError, match="threads"):
            advance(ensemble, networks, 1, threads=threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failing_run_stops_the_others_and_is_reported(threads: int) -> None:
    ensemble, networks = mixed(1, np.float64)
    made: list[int] = []

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        if e == 4:  # the longest, so the first
            raise MemoryError("planted")
        assert stopped.wait(60)
        made.append(e)
        return -1

    with pytest.raises(MemoryError, match="planted"):
        runs.over_networks(run, ensemble, networks, 300, threads=threads)
    assert networks.step == 0
    assert len(made) <= 2


def test_the_longest_run_comes_first() -> None:
    ensemble, networks = mixed(1, np.float64)
    order: list[tuple[int, int, int]] = []

    def run(e: int, first: int, end: int, stopped: Event) -> int:
        order.append((e, first, end))
        return 7 if e == 1 else -1

    networks.step = 10
    networks.diverged[3] = 2
    runs.over_networks(run, ensemble, networks, 80, threads=1)
    assert order == [(0, 10, 80), (4, 10, 80), (1, 10, 60)]
    assert networks.diverged.tolist() == [-1, 7, -1, 2, -1]
    assert networks.step == 80
