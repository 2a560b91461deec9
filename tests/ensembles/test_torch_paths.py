"""One step of every path against the definition, and what runs of the torch paths promise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from dsmverify import express
from dsmverify.ensembles import batched, philox, reference
from dsmverify.ensembles.settings import (
    ARRAYS,
    EXPERIMENTS,
    THEORY,
    Ensemble,
    Group,
    Model,
    Networks,
    Problem,
)
from dsmverify.errors import InputError
from dsmverify.formulas import risk as risks
from dsmverify.instance import Batch, Instance
from dsmverify.systems.float64 import SYSTEM

Floats = NDArray[np.float64]
Advance = Callable[[Ensemble, Networks, int], None]

MODELS = {
    "theory": Model(width=17, inner="signs", train_inner=False, bias_deviation=1.0),
    "experiments": Model(width=17),
    "frozen": Model(width=17, train_inner=False, offset=True),
    "root": Model(width=17, output="root", rate_times_width=False, offset=True, bias_deviation=0.5),
    "plane": Model(width=11, dimension=2, bias_deviation=0.3, offset=True),
    "ten": Model(width=11, dimension=10, output="root", rate_times_width=False),
    "ten frozen": Model(width=11, dimension=10, train_inner=False),
}
BATCHES = {
    "mean": Batch(12, "mean", replacement=True),
    "sum": Batch(5, "sum", replacement=False),
    "subset mean": Batch(4, "mean", replacement=False),
    "odd sum": Batch(7, "sum", replacement=True),
}
PATHS = ("reference", "batched", "sorted_batch", "dense")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products gain nothing from threads, which only wait for busy cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def path(name: str, model: Model) -> Advance:
    """A path's `advance`; skips where it does not apply or is not there."""
    if name == "sorted_batch" and model.dimension > 1:
        pytest.skip("the sorted batch is for one dimension")
    if find_spec(f"dsmverify.ensembles.{name}") is None:
        pytest.skip(f"there is no path {name}")
    advance: Advance = import_module(f"dsmverify.ensembles.{name}").advance
    return advance


def ensemble_of(model: Model, batch: Batch, steps: Sequence[int], rate: float = 0.02) -> Ensemble:
    """Networks with samples of 5, 6, ... points, unsorted and with a tie, and own noise."""
    draw = np.random.default_rng(7)
    problems, rates = [], []
    for e in range(len(steps)):
        points = draw.standard_normal((5 + e, model.dimension))
        points[-1] = points[0]
        problems.append(Problem(points, 0.5 + 0.1 * e, 0.9 - 0.15 * (e % 5)))
        rates.append(rate * (1 + e % 5))
    seeds = [3, 2**63 + 5, 77, 2**40, 1, 6, 8, 9][: len(steps)]
    return Ensemble.of(model, batch, problems, rates, seeds, list(steps))


def defined_step(
    ensemble: Ensemble, networks: Networks, e: int, step: int
) -> dict[Group, tuple[Floats, Floats]]:
    """New parameters of one network by the definition in float64, and what rounding may do to them.

    Every computed parameter is a polynomial in the inputs, whose monomials pass through at most
    N = m + 2 B + 3 d + 64 roundings (sums over neurons, over the batch, over coordinates; products;
    64 for the draws). So it errs by at most gamma_N = N u / (1 - N u) times the polynomial of
    absolute values `..._size`; twice that with the definition's own rounding. The normals err
    by a few u absolutely, which 7 in place of a smaller |Z| covers. Where a neuron's input lies
    within its rounding of 0, its gradient may be there or not: the whole term is added.
    """
    model, batch, problem = ensemble.model, ensemble.batch, ensemble.problems[e]
    chosen, z = philox.training_draws(
        ensemble.seeds[e],
        step,
        batch.size,
        model.dimension,
        problem.size,
        replacement=batch.replacement,
    )
    v, b, w, c = (getattr(networks, name)[e].astype(np.float64) for name in ARRAYS)
    k, mu, sigma = model.output_scale, problem.mu, problem.sigma
    factor = 2 / batch.size if batch.reduction == "mean" else 2.0
    unit = np.finfo(networks.outer.dtype).eps / 2
    count = model.width + 2 * batch.size + 3 * model.dimension + 64
    gamma = 2 * count * unit / (1 - count * unit)

    x = problem.points[chosen]
    y, z_size = mu * x + sigma * z, np.maximum(np.abs(z), 7)
    y_size = mu * np.abs(x) + sigma * z_size
    pre, pre_size = y @ w.T + b, y_size @ np.abs(w).T + np.abs(b)
    out, out_size = k * np.maximum(pre, 0) @ v + c, k * pre_size @ np.abs(v) + np.abs(c)
    slope = factor * (out + z / sigma)
    slope_size = factor * (out_size + z_size / sigma)
    through = k * (slope @ v.T) * (pre > 0)
    through_size = k * (slope_size @ np.abs(v).T)
    doubtful = through_size * (np.abs(pre) <= gamma * pre_size)

    gradients: dict[Group, tuple[Floats, Floats, Any]] = {
        "outer": (k * np.maximum(pre, 0).T @ slope, k * pre_size.T @ slope_size, 0.0),
        "bias": (through.sum(axis=0), through_size.sum(axis=0), doubtful.sum(axis=0)),
        "inner": (through.T @ y, through_size.T @ y_size, doubtful.T @ y_size),
        "offset": (slope.sum(axis=0), slope_size.sum(axis=0), 0.0),
    }
    found = {}
    for name, old in zip(ARRAYS, (v, b, w, c), strict=True):
        if name not in model.trained:
            found[name] = (old, np.zeros_like(old))
            continue
        gradient, size, doubt = gradients[name]
        rate = ensemble.learning_rates[e] * (1 if name == "offset" else model.rate_factor)
        found[name] = (
            old - rate * gradient,
            gamma * (np.abs(old) + rate * size) + rate * doubt,
        )
    return found


def prepared(ensemble: Ensemble, dtype: Any, step: int) -> Networks:
    """Networks a few steps on, with an offset where there is one."""
    networks = ensemble.start(dtype)
    reference.advance(ensemble, networks, step)
    return networks


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", PATHS)
def test_one_step_is_the_definition(name: str, model: str, batch: str, dtype: Any) -> None:
    advance = path(name, MODELS[model])
    # The third network has made all of its steps.
    ensemble = ensemble_of(MODELS[model], BATCHES[batch], [9, 9, 4, 9])
    before = prepared(ensemble, dtype, 5)
    after = before.copy()
    advance(ensemble, after, 6)
    assert after.step == 6
    assert (after.diverged == -1).all()
    moved = 0
    for e in range(ensemble.count):
        expected = defined_step(ensemble, before, e, 5)
        for array in ARRAYS:
            found, old = (getattr(one, array)[e] for one in (after, before))
            assert found.dtype == dtype
            if e == 2 or array not in ensemble.model.trained:
                assert np.array_equal(found, old)
                continue
            value, bound = expected[array]
            assert (np.abs(found - value) <= bound).all(), (array, e)
            moved += int((np.abs(old - value) > 10 * bound).any())
    # The step is far longer than the bound: leaving it out would be seen.
    assert moved >= 2 * len(ensemble.model.trained)


@pytest.mark.parametrize("name", PATHS)
def test_one_step_does_not_depend_on_company_or_order(name: str) -> None:
    ensemble = ensemble_of(MODELS["experiments"], BATCHES["mean"], [9] * 6)
    advance = path(name, ensemble.model)
    before = ensemble.start(np.float64)
    for order in ([5, 0, 3], [2], [4, 2, 1, 0, 3, 5]):
        part = ensemble.part(order)
        networks = part.start(np.float64)
        advance(part, networks, 1)
        for place, e in enumerate(order):
            for array, (value, bound) in defined_step(ensemble, before, e, 0).items():
                assert (np.abs(getattr(networks, array)[place] - value) <= bound).all()


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("model", MODELS)
def test_autograd_gradient_is_the_step(model: str, batch: str) -> None:
    ensemble = ensemble_of(MODELS[model], BATCHES[batch], [9, 9])
    networks = prepared(ensemble, np.float64, 3)
    for e in range(2):
        gradients = reference.gradient(ensemble, networks, e, 3)
        assert set(gradients) == set(ensemble.model.trained)
        expected = defined_step(ensemble, networks, e, 3)
        for name, gradient in gradients.items():
            factor = 1 if name == "offset" else ensemble.model.rate_factor
            value, bound = expected[name]
            step = getattr(networks, name)[e] - ensemble.learning_rates[e] * factor * gradient
            assert (np.abs(step - value) <= bound).all()


def test_the_kink_itself_has_slope_zero() -> None:
    """All inputs are exactly 0: the output is the offset, and no weight may move."""
    model = Model(width=4, offset=True)
    ensemble = ensemble_of(model, BATCHES["mean"], [1])
    for name in PATHS:
        if find_spec(f"dsmverify.ensembles.{name}") is None:
            continue
        networks = ensemble.start(np.float64)
        networks.inner[:] = 0.0
        before = networks.copy()
        path(name, model)(ensemble, networks, 1)
        for array in ("outer", "bias", "inner"):
            assert np.array_equal(getattr(networks, array), getattr(before, array))
        assert (networks.offset != before.offset).all()


def equal(left: Networks, right: Networks) -> bool:
    """The same bytes."""
    names = (*ARRAYS, "diverged")
    same = all(getattr(left, n).tobytes() == getattr(right, n).tobytes() for n in names)
    return same and left.step == right.step


@pytest.mark.parametrize("model", ["root", "plane"])
@pytest.mark.parametrize("name", PATHS)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_slices_end_in_the_same_bytes(name: str, model: str) -> None:
    """Wherever a run is cut; networks have different numbers of steps and one diverges."""
    advance = path(name, MODELS[model])
    ensemble = ensemble_of(MODELS[model], BATCHES["sum"], [130, 20, 21, 130, 60, 0])
    ensemble.learning_rates[3] = 1e6
    whole, cut = ensemble.start(np.float32), ensemble.start(np.float32)
    advance(ensemble, whole, 130)
    stopped = {}
    for last in (1, 20, 21, 23, 60, 99, 99, 130):
        advance(ensemble, cut, last)
        stopped[last] = cut.copy()
    assert equal(whole, cut)
    # A network stands still after its last step, and made each one before it.
    for e, last in ((1, 20), (2, 21), (4, 60)):
        for array in ARRAYS:
            assert np.array_equal(getattr(stopped[last], array)[e], getattr(whole, array)[e])
        assert not np.array_equal(stopped[1].outer[e], whole.outer[e])
    assert np.array_equal(whole.outer[5], ensemble.start(np.float32).outer[5])
    assert whole.diverged[3] >= 0
    assert (np.delete(whole.diverged, 3) == -1).all()


def test_steps_beyond_the_last_change_nothing() -> None:
    ensemble = ensemble_of(MODELS["plane"], BATCHES["mean"], [3, 5])
    for advance in (reference.advance, batched.advance):
        networks = ensemble.start(np.float64)
        advance(ensemble, networks, 5)
        end = networks.copy()
        advance(ensemble, networks, 500)
        end.step = 500
        assert equal(networks, end)
        with pytest.raises(InputError, match=r"^last: 499, but the networks have made 500 steps"):
            advance(ensemble, networks, 499)


def test_chunks_agree_to_rounding() -> None:
    """Ten steps of a contraction (small rates): errors add up, ten bounds of one step at most."""
    ensemble = ensemble_of(MODELS["experiments"], BATCHES["mean"], [10] * 5, rate=0.001)
    whole = ensemble.start(np.float64)
    batched.advance(ensemble, whole, 10, chunk=5)
    for chunk in (1, 2, 3):
        networks = ensemble.start(np.float64)
        batched.advance(ensemble, networks, 10, chunk=chunk)
        for e in range(5):
            for array, (_, bound) in defined_step(ensemble, whole, e, 10).items():
                difference = np.abs(getattr(networks, array)[e] - getattr(whole, array)[e])
                assert (difference <= 20 * bound).all()
    with pytest.raises(InputError, match=r"^chunk: 0, but at least one network is trained; give"):
        batched.advance(ensemble, whole, 11, chunk=0)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_is_recorded_at_its_step(name: str, dtype: Any) -> None:
    """Network 1 explodes after more than a block of steps; the others do not notice.

    Its neurons are dead, so that its offset alone moves, by c <- (1 - 2 eta) c - ...: with
    |1 - 2 eta| = 2^(range / 80) it overflows after 80 steps, give or take a few bits of the
    draws.
    """
    model = Model(width=6, offset=True)
    advance = path(name, model)
    ensemble = ensemble_of(model, Batch(8, "mean", replacement=True), [150, 150, 150])
    ensemble.learning_rates[1] = (1 + 2 ** (np.finfo(dtype).maxexp / 80)) / 2
    start = ensemble.start(dtype)
    start.bias[1] = -1000
    networks = start.copy()
    with np.errstate(all="ignore"):
        advance(ensemble, networks, 150)
    step = int(networks.diverged[1])
    assert networks.diverged.tolist() == [-1, step, -1]
    assert 75 <= step <= 85

    def output(at: Networks, number: int) -> torch.Tensor:
        score = reference.module(at, 1, model)
        y, _ = reference.batch(ensemble, 1, number, score.outer.dtype)
        return score(y).detach()  # type: ignore[no-any-return]

    # Parameters are those before the step; a step earlier the output was finite.
    assert not torch.isfinite(output(networks, step)).all()
    earlier = start.copy()
    with np.errstate(all="ignore"):
        advance(ensemble, earlier, step - 1)
        assert (earlier.diverged == -1).all()
        assert torch.isfinite(output(earlier, step - 1)).all()
        advance(ensemble, earlier, step)
    assert (earlier.diverged == -1).all()
    for array in ARRAYS:
        assert np.array_equal(
            getattr(earlier, array)[1], getattr(networks, array)[1], equal_nan=True
        )
    alone = ensemble.part([0, 2])
    others = alone.start(dtype)
    advance(alone, others, 150)
    for array in ARRAYS:
        kept = getattr(networks, array)[[0, 2]]
        assert np.isfinite(kept).all()
        # Company changes how products are scheduled at most: half of the digits, where a leak
        # from the diverged network would leave none.
        assert np.allclose(kept, getattr(others, array), rtol=0, atol=np.finfo(dtype).eps ** 0.5)


def test_memory_that_does_not_suffice_halves_the_chunk() -> None:
    ensemble = ensemble_of(Model(width=23), BATCHES["mean"], [60] * 8)
    said: list[str] = []

    def train(memory: int | None, last: int = 60) -> Networks:
        networks = ensemble.start(np.float64)
        batched.advance(ensemble, networks, last, chunk=8, memory=memory, notice=said.append)
        return networks

    free = train(None)
    assert not said
    # The least power of two in which a single network fits: less than twice what it takes.
    room = 2**10
    while True:
        try:
            trained = train(room)
            break
        except InputError as error:
            assert "does not fit into its memory within" in str(error)
            said.clear()
            room *= 2
    assert room > 2**15
    assert len(said) == 1
    assert said[0].startswith("cpu is out of memory with 8 networks at once: chunks are halved")
    assert np.allclose(trained.outer, free.outer, rtol=0, atol=1e-8)  # half of the digits
    train(room)
    assert len(said) == 1
    # Room for half of the networks: one halving; a warning where nobody listens.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        networks = ensemble.start(np.float64)
        batched.advance(ensemble, networks, 60, chunk=8, memory=7 * room)
    assert len(caught) <= 1
    assert np.allclose(networks.outer, free.outer, rtol=0, atol=1e-8)


def test_a_chunk_that_does_not_fit_changes_nothing() -> None:
    ensemble = ensemble_of(Model(width=23), BATCHES["mean"], [60] * 2)
    networks = ensemble.start(np.float64)
    with (
        warnings.catch_warnings(),
        pytest.raises(InputError, match=r"^device: 'cpu', but one network of width 23 with batche"),
    ):
        warnings.simplefilter("ignore")
        batched.advance(ensemble, networks, 60, memory=100)
    assert equal(networks, ensemble.start(np.float64))


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "meta", "no such thing", "mps"])
def test_unknown_devices_are_refused(device: str) -> None:
    ensemble = ensemble_of(MODELS["experiments"], BATCHES["mean"], [1])
    expected = ", ".join(batched.available_devices())
    with pytest.raises(InputError) as caught:
        batched.advance(ensemble, ensemble.start(), 1, device=device)
    assert str(caught.value) == (
        f"device: {device!r}, but the devices available here are {expected}; give one of them"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_cuda_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^device: 'cuda', but the devices available here are cpu"
    ):
        batched.find_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("model", ["experiments", "ten"])
def test_one_step_and_a_graph_on_cuda(model: str) -> None:
    ensemble = ensemble_of(MODELS[model], BATCHES["mean"], [260, 260, 30])
    before = ensemble.start(np.float64)
    after = before.copy()
    batched.advance(ensemble, after, 1, device="cuda")
    for e in range(3):
        for array, (value, bound) in defined_step(ensemble, before, e, 0).items():
            assert (np.abs(getattr(after, array)[e] - value) <= bound).all()
    whole, cut = before.copy(), before.copy()
    batched.advance(ensemble, whole, 260, device="cuda")
    for last in (7, 130, 131, 260):
        batched.advance(ensemble, cut, last, device="cuda")
    assert equal(whole, cut)


def test_modules_go_out_and_come_back() -> None:
    for model in MODELS.values():
        ensemble = ensemble_of(model, BATCHES["mean"], [2, 2, 2])
        networks = prepared(ensemble, np.float64, 2)
        modules = [reference.module(networks, e, model) for e in range(3)]
        back = reference.networks_of(*modules)
        back.step = 2
        assert equal(networks, back)
        y = np.linspace(-2, 2, 4 * model.dimension).reshape(4, model.dimension)
        scores = networks.scores(model, y)
        for e, score in enumerate(modules):
            found = score(torch.from_numpy(y)).detach().numpy()
            assert np.allclose(found, scores[e], rtol=1e-12, atol=1e-12)  # 17 terms of size 10
            for name in ARRAYS:
                assert getattr(score, name).requires_grad == (name in model.trained)
            with torch.no_grad():
                score.outer.add_(1)
        assert equal(networks, back)  # modules have parameters of their own
    plane = reference.module(
        ensemble_of(MODELS["plane"], BATCHES["mean"], [1]).start(), 0, EXPERIMENTS
    )
    with pytest.raises(InputError, match=r"^modules: float64 of shape .* have one shape and one"):
        reference.networks_of(plane, modules[0])
    with pytest.raises(InputError, match=r"^modules: none, but networks of one ensemble"):
        reference.networks_of()


def test_modules_that_are_no_theory_network_are_refused() -> None:
    start = ensemble_of(MODELS["plane"], BATCHES["mean"], [1]).start()
    with pytest.raises(InputError, match=r"^module: a network in 2 dimensions, but the theory's"):
        Instance.from_torch(reference.module(start, 0, MODELS["plane"]), [0, 1], sigma="0.5")
    ensemble = ensemble_of(MODELS["root"], BATCHES["mean"], [3])
    networks = prepared(ensemble, np.float64, 3)
    with pytest.raises(InputError, match=r"^offset: .* the theory's networks have no output bias"):
        Instance.from_torch(reference.module(networks, 0, MODELS["root"]), [0, 1], sigma="0.5")


def exact_risk(networks: Networks, e: int, model: Model, problem: Problem) -> float:
    """`R_n` of a network by the closed form."""
    instance = Instance.from_torch(
        reference.module(networks, e, model),
        problem.points[:, 0],
        mu=problem.mu,
        sigma=problem.sigma,
    )
    return float(
        risks.risk(SYSTEM, express.sample(SYSTEM, instance), express.network(SYSTEM, instance))
    )


def test_root_output_has_the_risk_of_its_scores() -> None:
    """The module handed to `Instance` is the same function, also with output factor 1/sqrt m."""
    model = Model(width=9, output="root", bias_deviation=0.5)
    problem = Problem(np.array([-1.0, 0.3, 1.2]), 0.8, 0.6)
    ensemble = Ensemble.of(model, Batch(2), [problem], [0.1], [4], [1])
    networks = ensemble.start()
    # Gauss-Hermite of a piecewise quadratic: 400 nodes leave a kink's error of about 1e-3 at most.
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    weights = weights / weights.sum()
    y = problem.mu * problem.points + problem.sigma * nodes
    scores = networks.scores(model, y.reshape(-1))[0, :, 0].reshape(y.shape)
    expected = float((weights * (scores + nodes / problem.sigma) ** 2).sum(axis=1).mean())
    assert abs(exact_risk(networks, 0, model, problem) - expected) <= 1e-2 * expected


UNBIASED_DRAWS = 20_000
STANDARD_ERRORS = 5.0
"""Both fixed before the first draw: a false alarm in 36 components has probability 2e-5."""


@pytest.mark.parametrize(
    ("batch", "factor"),
    [
        (Batch(4, "mean", replacement=True), 1),
        (Batch(9, "mean", replacement=True), 1),
        (Batch(3, "mean", replacement=False), 1),
        (Batch(3, "sum", replacement=False), 3),
        (Batch(4, "sum", replacement=True), 4),
    ],
)
def test_mean_batch_gradient_is_unbiased_and_the_printed_sum_is_not(
    batch: Batch, factor: int
) -> None:
    """The mean over draws of a step's gradient is grad R_n, or |B| times that for the sum.

    The learning rate is 1/m, so that one step subtracts the gradient itself.
    """
    model = Model(width=6, bias_deviation=0.7)
    problem = Problem(np.array([-1.2, -0.3, 0.1, 0.9, 1.5]), 0.8, 0.5)
    one = Ensemble.of(model, batch, [problem], [1 / model.width], [21], [1])
    many = Ensemble.of(
        model,
        batch,
        [problem] * UNBIASED_DRAWS,
        [1 / model.width] * UNBIASED_DRAWS,
        range(UNBIASED_DRAWS),
        [1] * UNBIASED_DRAWS,
    )
    start = one.start()
    outer, bias, inner, offset = (
        np.repeat(getattr(start, name), UNBIASED_DRAWS, axis=0) for name in ARRAYS
    )
    networks = Networks(outer, bias, inner, offset, diverged=np.full(UNBIASED_DRAWS, -1))
    batched.advance(many, networks, 1)
    instance = Instance.from_torch(
        reference.module(start, 0, model), problem.points[:, 0], mu=problem.mu, sigma=problem.sigma
    )
    arguments = SYSTEM, express.sample(SYSTEM, instance), express.network(SYSTEM, instance)
    names: tuple[risks.Parameter, ...] = ("outer", "bias", "inner")
    expected = risks.gradient(*arguments, names).reshape(3, model.width)
    for name, gradient in zip(names, expected, strict=True):
        draws = (getattr(start, name) - getattr(networks, name)).reshape(UNBIASED_DRAWS, -1)
        error = draws.std(axis=0, ddof=1) / np.sqrt(UNBIASED_DRAWS)
        # A neuron that no draw activates has gradient 0 to rounding in both.
        error = np.maximum(error, 1e-12)
        assert (np.abs(draws.mean(axis=0) - factor * gradient) <= STANDARD_ERRORS * error).all()
        # The test has the power to tell factors apart.
        assert (np.abs(gradient) > 2 * STANDARD_ERRORS * error).any()


SEEDS = 32
KS_LEVEL = 1e-3
"""Two-sample level: risks that share their noise are closer than independent ones."""


def shared_runs() -> tuple[Ensemble, Callable[[Networks], Floats]]:
    """One problem, many seeds, and the exact risks of networks."""
    model = Model(width=20, bias_deviation=0.5)
    problem = Problem(np.array([-1.0, -0.2, 0.4, 1.3]), 0.8, 0.6)
    batch = Batch(6, "mean", replacement=True)
    ensemble = Ensemble.of(
        model, batch, [problem] * SEEDS, [0.05] * SEEDS, range(SEEDS), [120] * SEEDS
    )
    return ensemble, lambda networks: np.array(
        [exact_risk(networks, e, model, problem) for e in range(SEEDS)]
    )


@cache
def reference_risks() -> tuple[Floats, Floats, Floats]:
    """Of the reference in float64, after 0, 5 and 120 steps."""
    ensemble, risks_of = shared_runs()
    networks = ensemble.start(np.float64)
    found = [risks_of(networks)]
    for last in (5, 120):
        reference.advance(ensemble, networks, last)
        found.append(risks_of(networks))
    return found[0], found[1], found[2]


@pytest.mark.parametrize("name", [one for one in PATHS if one != "reference"])
def test_paths_agree_in_distribution(name: str) -> None:
    """Exact risks over seeds: the reference in float64 against a path in float32."""
    ensemble, risks_of = shared_runs()
    advance = path(name, ensemble.model)
    before, early, late = reference_risks()
    networks = ensemble.start(np.float32)
    advance(ensemble, networks, 5)
    # Half of float32's digits: rounding grows in five steps, but an error of the rule would be
    # seen in the first digit.
    assert (np.abs(risks_of(networks) - early) <= np.finfo(np.float32).eps ** 0.5 * early).all()
    advance(ensemble, networks, 120)
    assert stats.ks_2samp(late, risks_of(networks), method="asymp").pvalue > KS_LEVEL
    # Training trains, so that agreement is not that of networks left alone.
    assert stats.ks_2samp(late, before, method="asymp").pvalue < KS_LEVEL


def test_theory_and_experiments_differ_where_they_should() -> None:
    """Signs stay; Gaussian inner weights move."""
    for model, moves in ((THEORY, False), (EXPERIMENTS, True)):
        ensemble = ensemble_of(model, Batch(5, "mean", replacement=True), [1])
        before = ensemble.start(np.float32)
        after = before.copy()
        batched.advance(ensemble, after, 1)
        assert np.array_equal(before.inner, after.inner) != moves
        assert not np.array_equal(before.bias, after.bias)
