"""Implementations as people write them, right and wrong: the kit must tell them apart, and why.

Each module here is one implementation with a class `Adapter`; none shares code with the package or
with another. `MODULES` says what is right and what is wrong, and what the kit must give as cause.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from dsmverify import testing
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.testing import conformance
from dsmverify.testing.arrays import Arrays
from tests.bait import definition

# torch.func.hessian loads torch's decompositions, which still script a few functions.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")

FOLDER = Path(__file__).parent
NOT_BAIT = {"definition", "test_bait"}


@dataclass(frozen=True)
class Bait:
    """One implementation: the parts that it gets wrong, if any, and the cause to be named."""

    module: str
    wrong: tuple[str, ...] = ()
    cause: str = ""

    @property
    def adapter(self) -> Any:
        if self.module.startswith("jax"):
            pytest.importorskip("jax", reason="JAX is not installed")
        return import_module(f"tests.bait.{self.module}").Adapter()


MODULES = (
    Bait("numpy_loops"),
    Bait("torch_float32"),
    Bait("torch_func64"),
    Bait("batched_temporary"),
    Bait("scipy_logsumexp"),
    Bait("complex_logarithm"),
    Bait("quadrature"),
    Bait("sorted_kinks"),
    Bait("jax_float32"),
    Bait("process_time"),
    Bait("half_gradient", ("gradient",), "factor 2"),
    Bait("summed_over_points", ("risk", "gradient"), "factor n"),
    Bait("unnormalised_output", ("risk", "sgd_step"), "output factor"),
    Bait("gradient_without_width", ("gradient",), "factor m"),
    Bait("tangent_without_width", ("hessian",), "factor m"),
    Bait("summed_batch", ("sgd_step",), "batch size"),
    Bait("pointwise_hessian", ("hessian", "largest_eigenvalue"), "boundary term"),
    Bait("boundary_sign", ("hessian",), "boundary term"),
    Bait("no_max_shift", ("score",), "no max shift"),
    Bait("cancelled_variance", ("score",), "1 - exp(-2t)"),
    Bait("single_accumulator", ("score",), "float32 accumulation"),
    Bait("step_at_kink", ("sgd_step",), "kink at 0"),
    Bait("sigma_not_squared", ("score",), "mu or sigma"),
    Bait("mu_forgotten", ("score",), "mu or sigma"),
    Bait("posterior_at_data", ("score",), "mu or sigma"),
    Bait("target_sign", ("sgd_step",), "target sign"),
)
RIGHT = [bait for bait in MODULES if not bait.wrong]
WRONG = [bait for bait in MODULES if bait.wrong]

ESTIMATORS = (
    Bait("monte_carlo"),
    Bait("reused_noise", ("draw_risk",)),
    Bait("unaveraged_estimator", ("draw_risk",), "batch size"),
)

POINTS = tuple(Fraction(x) for x in ("-1", "1/4", "1/2", "2", "3", "9/2"))
INNER = tuple(Fraction(w) for w in ("1", "-1", "3/2", "-1/2", "1"))
BIAS = tuple(Fraction(b) for b in ("1/4", "-1/2", "3/4", "1/8", "1/4"))
OUTER = tuple(Fraction(a) for a in ("2", "-1", "1/2", "3", "-4"))
AT = tuple(Fraction(y) for y in ("-100", "-1", "-1/4", "0", "5/16", "2", "25"))
TIME, TINY_TIME = Fraction(1, 4), Fraction(1, 2**20)
MU, SIGMA = Fraction(3, 4), Fraction(1, 4)
NETWORK = NetworkData(INNER, BIAS, OUTER)
THETA: definition.Parameters = (
    [definition.number(x) for x in INNER],
    [definition.number(x) for x in BIAS],
    [definition.number(x) for x in OUTER],
)

# One batch; its last point falls on the kink of the first and the last neuron: 3/4 (-1) + 2/4.
INDICES = (2, 5, 0)
DRAWS = tuple(Fraction(z) for z in ("1/2", "-5/4", "2"))
RATE = Fraction(1, 8)


def instance(adapter: Any, time: Fraction = TIME) -> Instance:
    level = NoiseLevel(mu=MU, sigma=SIGMA)
    if getattr(adapter, "noise", "") == "time":
        level = NoiseLevel(time=time)
    return Instance("bait", POINTS, level, network=NETWORK, at=AT)


def compare(adapter: Any, part: str, case: Instance) -> testing.Comparison:
    """The assert for one part, as a user writes it."""
    function = getattr(adapter, part)
    options: dict[str, Any] = {"arrays": adapter.arrays, "dtype": adapter.dtype}
    options["noise"] = getattr(adapter, "noise", "mu_sigma")
    parameters: Any = getattr(adapter, "parameters", ("outer", "bias"))
    if part == "score":
        return testing.assert_score(function, case, **options)
    if part == "risk":
        return testing.assert_risk(function, case, **options)
    if part == "gradient":
        return testing.assert_gradient(function, case, parameters=parameters, **options)
    if part == "hessian":
        return testing.assert_hessian(function, case, parameters=parameters, **options)
    if part == "largest_eigenvalue":
        return testing.assert_largest_eigenvalue(function, case, parameters=parameters, **options)
    return testing.assert_sgd_step(
        function,
        case,
        learning_rate=RATE,
        indices=INDICES,
        noise_draws=DRAWS,
        reduction=getattr(adapter, "reduction", "mean"),
        step_factor="m" if getattr(adapter, "step_factor", "m") == "m" else "1",
        parameters=parameters,
        **options,
    )


def parts(adapter: Any) -> list[str]:
    offered = ("score", "risk", "gradient", "hessian", "largest_eigenvalue", "sgd_step")
    return [part for part in offered if hasattr(adapter, part)]


def named(found: list[Bait]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bait", found, ids=lambda bait: bait.module)


def test_the_bait_is_what_it_says() -> None:
    """As many as asked for, all in the table, without a line in common with what they test."""
    there = {path.stem for path in FOLDER.glob("[!_]*.py")} - NOT_BAIT
    assert there == {bait.module for bait in (*MODULES, *ESTIMATORS)}
    assert len(RIGHT) >= 8
    assert len(WRONG) >= 12
    for module in there:
        for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & {"dsmverify", "tests"}


def test_the_definition_is_the_integral() -> None:
    setting = ([definition.number(x) for x in POINTS[1:3]], mp.mpf("0.75"), mp.mpf("0.25"))
    with mp.workdps(30):
        risk = definition.risk(THETA, *setting)
        with mp.workdps(20):
            integral = definition.integrated_risk(THETA, *setting)
        # At 20 digits; the tails beyond 14 sigma weigh 1e-44.
        assert abs(integral - risk) < 1e-17 * risk


@cache
def exact(part: str, noise: str) -> Any:
    """Score, risk, gradient in all groups or Hessian from the definitions, as floats."""
    with mp.workdps(30):
        mu, sigma = definition.number(MU), definition.number(SIGMA)
        if noise == "time":
            mu = mp.exp(-definition.number(TIME))
            sigma = mp.sqrt(1 - mu**2)
        points = [definition.number(x) for x in POINTS]
        if part == "score":
            values = [definition.score(definition.number(y), points, mu, sigma) for y in AT]
        else:
            values = getattr(definition, part)(THETA, points, mu, sigma)
        return np.array(values, dtype=float)


@named(RIGHT)
def test_right_ones_are_right(bait: Bait) -> None:
    """By the definition in mpmath, so that an accusation by the kit is the kit's mistake."""
    adapter = bait.adapter
    spelling = getattr(adapter, "noise", "mu_sigma")
    kind = Arrays.of(adapter.arrays, adapter.dtype)
    network = testing.Network(*(kind.array(part) for part in (INNER, BIAS, OUTER)))
    noise = [float(TIME)] if spelling == "time" else [float(MU), float(SIGMA)]
    got = {}
    if hasattr(adapter, "score"):
        got["score"] = np.asarray(adapter.score(kind.array(AT), kind.array(POINTS), *noise))
    for part in ("risk", "gradient", "hessian"):
        if hasattr(adapter, part):
            value = getattr(adapter, part)(network, kind.array(POINTS), *noise)
            if part == "gradient":
                groups = (value.outer, value.bias, value.inner)
                value = np.concatenate([np.asarray(x) for x in groups if x is not None])
            got[part] = np.asarray(value)
    # A few hundred roundings of numbers of the size of the largest one.
    allowed = 1000 * np.finfo(adapter.dtype).eps
    for part, value in got.items():
        wanted = exact(part, spelling)[tuple(slice(0, size) for size in value.shape)]
        shown = value[tuple(slice(0, size) for size in wanted.shape)]
        assert np.abs(shown - wanted).max() <= allowed * np.abs(wanted).max(), part


@named(RIGHT)
def test_asserts_pass_right_ones(bait: Bait) -> None:
    adapter = bait.adapter
    for part in parts(adapter):
        assert compare(adapter, part, instance(adapter)).passed


@named(WRONG)
def test_asserts_fail_wrong_ones_with_their_cause(bait: Bait) -> None:
    adapter = bait.adapter
    # The cancellation shows at small times only; the message must say so there.
    case = instance(adapter, TINY_TIME if "exp" in bait.cause else TIME)
    for part in parts(adapter):
        if part not in bait.wrong:
            assert compare(adapter, part, case).passed
            continue
        with pytest.raises(testing.ConformanceError) as caught:
            compare(adapter, part, case)
        assert [cause.name for cause in caught.value.causes][:1] == [bait.cause]
        assert f"likely cause {bait.cause}" in str(caught.value)


def with_slow(found: list[Bait]) -> list[Any]:
    """Parameters, the long ones marked; the asserts try these too, at one instance."""
    long = {"boundary_sign", "pointwise_hessian", "tangent_without_width"}
    long |= {"jax_float32", "torch_func64"}
    marks: dict[bool, Any] = {True: pytest.mark.slow, False: ()}
    return [pytest.param(each, marks=marks[each.module in long], id=each.module) for each in found]


@pytest.mark.parametrize("bait", with_slow(RIGHT))
def test_conformance_passes_right_ones(bait: Bait) -> None:
    results = conformance.run(bait.adapter)
    wrong = [each for each in results.results if each.verdict != "passed"]
    assert not wrong, "\n\n".join(each.message for each in wrong)
    assert results.exit_status == 0


@pytest.mark.parametrize("bait", with_slow(WRONG))
def test_conformance_fails_wrong_ones_with_their_cause(bait: Bait) -> None:
    results = conformance.run(bait.adapter)
    assert results.exit_status == 1
    failed = results.of("failed")
    assert {each.part for each in failed} == set(bait.wrong)
    assert len(results.of("passed")) + len(failed) == len(results.results)
    for each in failed:
        # With two points, two neurons or two in a batch a factor 2 has several names.
        assert bait.cause in [cause.partition(": ")[0] for cause in each.causes], each.message


def estimation(bait: Bait, part: str, detect: float = 0.2) -> Any:
    adapter = bait.adapter
    case = instance(adapter)
    network = testing.Network(*(np.array(part, dtype=float) for part in (INNER, BIAS, OUTER)))
    points = np.array(POINTS, dtype=float)

    def draw(rng: np.random.Generator) -> Any:
        return getattr(adapter, part)(rng, network, points, float(MU), float(SIGMA))

    expected = part.removeprefix("draw_")
    return testing.assert_unbiased(draw, expected, case, batch_size=adapter.batch, detect=detect)


def test_an_unbiased_estimator_passes() -> None:
    assert estimation(ESTIMATORS[0], "draw_risk").passed
    assert estimation(ESTIMATORS[0], "draw_gradient", detect=0.5).passed


@named([bait for bait in ESTIMATORS if bait.wrong])
def test_biased_estimators_fail_with_their_cause(bait: Bait) -> None:
    for part in bait.wrong:
        with pytest.raises(testing.ConformanceError) as caught:
            estimation(bait, part)
        names = [cause.name for cause in caught.value.causes]
        assert names == ([bait.cause] if bait.cause else [])
