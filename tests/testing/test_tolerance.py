"""The tolerance: right implementations pass on a wide grid, small mistakes fail, K is K."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import arb

from dsmverify import Instance
from dsmverify.errors import InputError
from dsmverify.formulas import curvature
from dsmverify.formulas import risk as risks
from dsmverify.formulas.risk import Parameter
from dsmverify.instance import NetworkData, NoiseLevel
from dsmverify.systems import balls
from dsmverify.testing import (
    Comparison,
    ConformanceError,
    Network,
    Undecided,
    assert_gradient,
    assert_hessian,
    assert_largest_eigenvalue,
    assert_risk,
    assert_score,
    assert_sgd_step,
    jets,
    reference,
    tolerance,
)
from dsmverify.testing.arrays import FORMATS
from tests.testing import plain

F = Fraction
GROUPS: tuple[Parameter, ...] = ("outer", "bias", "inner")
STEP = {"learning_rate": F(1, 16), "indices": [0, 1, 0], "noise_draws": [0.25, -1.5, 2.0]}


@dataclass(frozen=True)
class Case:
    """A sample and network, dyadic, and by how many digits its conditions are bad."""

    name: str
    points: list[float]
    mu: float
    sigma: float
    network: Network


def _network(kinks: list[float], inner: list[float], outer: list[float]) -> Network:
    return Network(inner, [-w * t for w, t in zip(inner, kinks, strict=True)], outer)


CASES = [
    Case("small", [-1, 0.25, 2], 0.75, 0.5, _network([0, 0.5, -1], [1, -0.5, 2], [1, -2, 3])),
    Case("one neuron", [0, 1], 0.5, 0.25, _network([0.25], [-1], [4])),
    Case("two points", [-3, 5], 0.875, 2**-6, _network([-2.5, 4], [1, -1], [-64, 64])),
    Case("wide gaps", [-300, -1, 400], 0.5, 0.5, _network([-150, 100], [1, 1], [2, 5])),
    Case("tiny sigma", [-1, 0, 2], 1 - 2**-12, 2**-14, _network([0.5, 0], [1, -1], [8, 1])),
    Case("large sigma", [-1, 1], 2**-6, 1 - 2**-12, _network([0, 4], [1, 2], [1, 1])),
    Case("tied kinks", [-1, 1], 0.5, 0.5, _network([0.5] * 4, [1, -1, 2, -0.5], [1, 2, -3, 4])),
    Case("kinks on means", [-1, 3], 0.5, 2**-8, _network([-0.5, 1.5], [1, -1], [1, 2])),
    Case("dead neuron", [-1, 1], 0.5, 2**-5, _network([9, -9], [1, -1], [1, 2])),
    Case("offset", [1000, 1001, 1003], 0.5, 0.125, _network([500.25, 501], [1, -1], [3, 2])),
    Case(
        "many",
        [k / 8 - 1 + (k % 3) / 32 for k in range(16)],
        0.9375,
        0.125,
        _network([k / 4 - 1 for k in range(6)], [1, -1] * 3, [2, -1, 3, 1, -2, 4]),
    ),
]
DTYPES = ["float64", "float32"]

BLURRED: dict[str, set[str]] = {
    "tiny sigma": {"largest_eigenvalue"},
    "kinks on means": {"gradient", "hessian", "largest_eigenvalue"},
    "offset": {"risk", "gradient", "hessian", "largest_eigenvalue", "sgd_step"},
}
"""What float32 cannot tell, by case."""


def _check(quantity: str, case: Case, dtype: str, change: Callable[[Any], Any]) -> Comparison:
    """One assert on the plain implementation, with its result changed."""
    options: dict[str, Any] = {"mu": case.mu, "sigma": case.sigma, "dtype": dtype}

    def changed(*given: Any) -> Any:
        # Overflow of squares of infinite ends and the like is the plain implementation's own.
        with np.errstate(all="ignore"):
            return change(getattr(plain, quantity)(*given))

    if quantity == "score":
        return assert_score(changed, case.points, **options)
    if quantity == "risk":
        return assert_risk(changed, case.points, case.network, **options)
    if quantity == "gradient":
        return assert_gradient(changed, case.points, case.network, parameters=GROUPS, **options)
    if quantity == "hessian":
        return assert_hessian(changed, case.points, case.network, parameters=GROUPS, **options)
    if quantity == "largest_eigenvalue":
        return assert_largest_eigenvalue(changed, case.points, case.network, **options)
    return assert_sgd_step(changed, case.points, case.network, **STEP, **options)  # type: ignore[arg-type]


QUANTITIES = ["score", "risk", "gradient", "hessian", "largest_eigenvalue", "sgd_step"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_right_implementations_pass_everywhere(case: Case, dtype: str) -> None:
    for quantity in QUANTITIES:
        if dtype == "float32" and quantity in BLURRED.get(case.name, ()):
            with pytest.raises(Undecided, match="float32 cannot tell right from wrong"):
                _check(quantity, case, dtype, lambda value: value)
            continue
        result = _check(quantity, case, dtype, lambda value: value)
        assert result.passed and result.worst.ratio <= 1
        assert all(entry.radius < entry.tolerance / 1000 for entry in result.entries)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_zeros_and_a_step_that_changes_nothing_never_pass(case: Case, dtype: str) -> None:
    """Whatever the tolerance is: where it is wider than the value nothing is decided.

    Neurons that are dead by 270 noise levels have derivatives below exp(-30000), and no step.
    """

    def nothing(value: Any) -> Any:
        return Network(*(0 * part for part in value)) if isinstance(value, tuple) else 0 * value

    is_dead = case.name == "dead neuron"
    for quantity in QUANTITIES[: 2 if is_dead else -1]:
        with pytest.raises((ConformanceError, Undecided)):
            _check(quantity, case, dtype, nothing)
    options: dict[str, Any] = STEP | {"mu": case.mu, "sigma": case.sigma, "dtype": dtype}
    if is_dead:
        return
    with pytest.raises((ConformanceError, Undecided)):
        assert_sgd_step(lambda network, *_: network, case.points, case.network, **options)


def _scaled(value: Any, factor: float = 1.001, *, frozen: bool) -> Any:
    if isinstance(value, tuple):
        made = Network(*(part * part.dtype.type(factor) for part in value))
        return made._replace(inner=value[0]) if frozen else made
    return value * value.dtype.type(factor)


def _leaves(entry: Any, relative: float) -> bool:
    """Whether the tolerance leaves room to see a relative mistake."""
    size = min(abs(float(entry.lower)), abs(float(entry.upper)))
    return bool(relative * size > 2 * entry.tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mistakes_of_a_thousandth_fail_where_the_condition_allows(case: Case, dtype: str) -> None:
    seen = 0
    for quantity in QUANTITIES:
        if dtype == "float32" and quantity in BLURRED.get(case.name, ()):
            continue
        right = _check(quantity, case, dtype, lambda value: value)
        visible = [entry.index for entry in right.entries if _leaves(entry, 1e-3)]
        seen += bool(visible)
        if not visible:
            continue
        with pytest.raises(ConformanceError) as caught:
            _check(quantity, case, dtype, partial(_scaled, frozen=quantity == "sgd_step"))
        assert caught.value.comparison is not None
        failed = {entry.index for entry in caught.value.comparison.failed}
        assert set(visible) <= failed
    # What dead neurons give is tiny beside its terms, which count every neuron as active; in
    # float32 the offset of 8000 noise levels costs four of the seven digits before any formula.
    if dtype == "float64":
        assert seen == (3 if case.name == "dead neuron" else len(QUANTITIES))
    elif case.name in {"small", "one neuron", "two points", "large sigma", "tied kinks"}:
        assert seen == len(QUANTITIES)


def test_float64_keeps_most_of_its_digits() -> None:
    """Digits that the tolerance leaves: stated in the documentation."""

    def digits(case: Case, quantity: str) -> float:
        entries = _check(quantity, case, "float64", lambda value: value).entries
        sizes = [abs(float(entry.lower)) for entry in entries]
        left = [s / entry.tolerance for entry, s in zip(entries, sizes, strict=True) if s]
        return float(np.log10(np.median(left)))

    for quantity in QUANTITIES:
        assert digits(CASES[0], quantity) > 12
    offset = next(case for case in CASES if case.name == "offset")
    assert digits(offset, "risk") > 9 and digits(offset, "gradient") > 7


def _instance(case: Case, noise: NoiseLevel | None = None) -> Instance:
    inner, bias, outer = (tuple(map(F, part)) for part in case.network)
    level = noise or NoiseLevel(mu=F(case.mu), sigma=F(case.sigma))
    return Instance("case", tuple(map(F, case.points)), level, NetworkData(inner, bias, outer))


FORMULAS: dict[str, Callable[[Instance], Any]] = {
    "risk": lambda instance: np.array([reference.risk(instance)], dtype=object),
    "gradient": lambda instance: reference.gradient(instance, GROUPS),
    "hessian": lambda instance: np.ravel(reference.hessian(instance, GROUPS)),
}
SENSITIVE: dict[str, Any] = {
    "risk": lambda *given: np.array([risks.risk(*given)], dtype=object),
    "gradient": partial(risks.gradient, parameters=GROUPS),
    "hessian": lambda *given: np.ravel(partial(curvature.hessian, parameters=GROUPS)(*given)),
}
SHIFT = F(1, 2**100)


def _neighbours(instance: Instance) -> list[Instance]:
    """The instance with one input after the other larger by a relative SHIFT."""
    data, noise = instance.network, instance.noise
    assert data is not None
    made = []

    def moved(values: tuple[Fraction, ...], place: int) -> tuple[Fraction, ...]:
        return (*values[:place], values[place] * (1 + SHIFT), *values[place + 1 :])

    for place in range(instance.size):
        made.append(replace(instance, points=moved(instance.points, place)))
    for name in ("mu", "sigma", "time"):
        value = getattr(noise, name)
        if value is not None:
            made.append(replace(instance, noise=replace(noise, **{name: value * (1 + SHIFT)})))
    for name in ("inner_weights", "biases", "outer_weights"):
        for place in range(data.width):
            changed = NetworkData(
                **{key: getattr(data, key) for key in ("inner_weights", "biases", "outer_weights")}
                | {name: moved(getattr(data, name), place)}
            )
            made.append(replace(instance, network=changed))
    return made


@pytest.mark.parametrize("quantity", FORMULAS)
@pytest.mark.parametrize("time", [None, F(1, 4)])
@pytest.mark.parametrize("name", ["small", "wide gaps", "offset"])
def test_the_condition_is_the_sum_of_what_each_input_moves(
    quantity: str, time: Fraction | None, name: str
) -> None:
    case = next(case for case in CASES if case.name == name)
    instance = _instance(case, None if time is None else NoiseLevel(time=time))
    with reference.precision(1024):
        start = FORMULAS[quantity](instance)
        total = 0 * start
        for near in _neighbours(instance):
            total = total + abs(FORMULAS[quantity](near) - start) / balls.ball(SHIFT)
        condition = jets.condition(SENSITIVE[quantity](jets.SYSTEM, *jets.setting(instance)))
        for moved, bound, value in zip(total, condition, start, strict=True):
            # Second order: SHIFT = 2^-100 times curvatures of up to about 1e12.
            slack = 1e-15 * (abs(float(value)) + float(bound))
            assert abs(float(moved) - float(bound)) <= slack


@pytest.mark.parametrize("inner", [[1, -1], [-1, 1]])
def test_conditions_at_tied_kinks_hold_for_both_orders(inner: list[float]) -> None:
    """Two neurons facing each other at one kink: moved apart, their overlap has positive mass."""
    case = Case("tie", [-1, 1], 0.5, 0.5, _network([0.5, 0.5], inner, [1, 2]))
    instance = _instance(case)
    data = instance.network
    assert data is not None
    with reference.precision(512):
        allowance = tolerance.hessian(instance, ("bias",), FORMATS["float64"])
        start = reference.hessian(instance, ("bias",))
        for sign in (1, -1):
            biases = (data.biases[0] * (1 + sign * SHIFT), data.biases[1])
            near = replace(instance, network=replace(data, biases=biases))
            moved = abs(reference.hessian(near, ("bias",)) - start) / balls.ball(SHIFT)
            for index in np.ndindex(2, 2):
                assert float(moved[index]) <= float(allowance.moved[index]) * (1 + 1e-9)
        assert float(allowance.moved[0, 1]) > 0.01


@pytest.mark.parametrize("time", [None, F(1, 4)])
def test_the_condition_of_the_score_is_the_sum_of_what_each_input_moves(
    time: Fraction | None,
) -> None:
    points = ((F(-1), F(1, 2)), (F(1, 4), F(3)), (F(2), F(1)))
    level = NoiseLevel(mu=F(3, 4), sigma=F(1, 2)) if time is None else NoiseLevel(time=time)
    cloud = reference.Cloud(points, level, ((F(1, 4), F(1)), (F(-5), F(9))))
    with reference.precision(1024):
        start = reference.score(cloud)
        total = 0 * start

        def larger(rows: Any, i: int, c: int) -> Any:
            row = [x * (1 + SHIFT) if place == c else x for place, x in enumerate(rows[i])]
            return (*rows[:i], tuple(row), *rows[i + 1 :])

        near = [replace(cloud, points=larger(points, i, c)) for i in range(3) for c in range(2)]
        for name in ("mu", "sigma", "time"):
            if (value := getattr(level, name)) is not None:
                changed = replace(level, **{name: value * (1 + SHIFT)})
                near.append(replace(cloud, noise=changed))
        for one in near:
            total = total + abs(reference.score(one) - start) / balls.ball(SHIFT)
        for k in range(2):
            for c in range(2):
                one = replace(cloud, at=larger(cloud.at, k, c))
                change = abs(reference.score(one) - start) / balls.ball(SHIFT)
                total[k] = total[k] + change[k]
        bound = tolerance.score(cloud, FORMATS["float64"]).moved
        for index in np.ndindex(total.shape):
            assert float(total[index]) == pytest.approx(float(bound[index]), rel=1e-12)


@pytest.mark.parametrize("quantity", ["gradient", "hessian"])
@pytest.mark.parametrize("name", ["offset", "kinks on means", "small"])
def test_terms_cover_a_kink_that_is_found_badly(quantity: str, name: str) -> None:
    """A rounding of one bias alone, in one place of the formula: what an implementation may do.

    Far from the origin that is most of the error; the terms must cover it without K, which takes
    every occurrence of a bias together. It moves an entry by at most the relative change of the
    products that it enters (two of them) and of the masses behind the kink.
    """
    instance = _instance(next(case for case in CASES if case.name == name))
    data = instance.network
    assert data is not None
    with reference.precision(1024):
        start = FORMULAS[quantity](instance)
        rule = getattr(tolerance, quantity)
        terms = np.ravel(rule(instance, GROUPS, FORMATS["float64"]).terms)
        for near in _neighbours(instance)[-2 * data.width : -data.width]:
            moved = abs(FORMULAS[quantity](near) - start) / balls.ball(SHIFT)
            for change, bound in zip(moved, terms, strict=True):
                assert float(change) <= 2 * float(bound)


def test_who_differentiates_pieces_may_leave_a_rounding_where_the_gradient_is_0() -> None:
    """At an outer weight of 0 both sides of a kink give f^2 p/w1, which cancels to a rounding."""
    network = Network([1.0, -1.0], [0.25, 0.5], [2.0, 0.0])
    with np.errstate(all="ignore"):
        right = plain.gradient(Network(*map(np.array, network)), np.array([-1.0, 0.5]), 0.75, 0.5)
    assert right.bias[1] == 0
    for left, passes in ((2.0**-53, True), (1e-10, False)):
        moved = right._replace(bias=np.array([right.bias[0], left]))
        given: Any = ([-1.0, 0.5], network)
        if passes:
            assert assert_gradient(lambda *_, value=moved: value, *given, mu=0.75, sigma=0.5).passed
        else:
            with pytest.raises(ConformanceError):
                assert_gradient(lambda *_, value=moved: value, *given, mu=0.75, sigma=0.5)


def test_terms_of_a_kink_are_those_of_their_table() -> None:
    """One neuron and two points, in plain floats; in float16 the kink is lost in the rounding."""
    case = Case("one", [1.0, 3.0], 0.5, 0.25, _network([0.75], [2.0], [3.0]))
    instance = _instance(case)
    kink, sigma, means = 0.75, 0.25, np.array([0.5, 1.5])
    z = (kink - means) / sigma
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    found = kink + means
    residual = 3.0 * (2 * kink + 1.5) + found / sigma**2
    with reference.precision(128):
        its = tolerance._Terms(instance, FORMATS["float64"])
        slip = [float(x) for x in its.slip[:, 0]]
        kinks = [float(x) for x in its.kink_terms[:, 0]]
        lost = tolerance._Terms(instance, FORMATS["bfloat16"])
        lost_slip = [float(x) for x in lost.slip[:, 0]]
    assert slip == pytest.approx(found * density / sigma, rel=1e-10)
    exact = residual * density * (1 + z * z + np.abs(z) * found / sigma) / sigma
    assert kinks == pytest.approx(exact, rel=1e-10)
    # n + 2 m + 32 roundings of u = 2^-8 are 0.14, and E/sigma is 5 and 9 noise levels.
    blur = 36 / 256 * found / sigma
    nearest = np.maximum(np.abs(z) - blur, 0)
    mass = np.minimum(1, blur * np.exp(-nearest * nearest / 2) / np.sqrt(2 * np.pi))
    assert lost_slip == pytest.approx(mass * 256 / 36, rel=1e-10)


def test_the_terms_of_a_score_are_those_of_its_sums() -> None:
    """In plain floats, from the definition."""
    x, y, mu, sigma = np.array([-1.0, 0.25, 2.0]), 0.875, 0.75, 0.5
    logits = (y - mu * x) ** 2 / (2 * sigma**2)
    weights = np.exp(-logits) / np.exp(-logits).sum()
    apart = np.abs(x - (weights * x).sum())
    expected = (mu * (weights * np.abs(x)).sum() + y + mu * (weights * apart * logits).sum()) / (
        sigma**2
    )
    entry = assert_score(plain.score, list(x), at=[y], mu=mu, sigma=sigma).worst
    assert entry.terms == pytest.approx(expected, rel=1e-13)


def test_logits_without_a_shift_pass() -> None:
    """Normalised by a log-sum-exp, with logits of some 800."""
    for dtype in DTYPES:
        assert_score(plain.score_unshifted_logs, [-1.0, 0.5, 2.0], sigma=0.25, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_of_vectors_pass_and_their_mistakes_fail(dtype: str) -> None:
    points = [[0.0, 1.0, -2.0], [1.5, 0.25, 0.0], [3.0, -1.0, 4.0], [0.5, 0.5, 0.5]]
    result = assert_score(plain.vector_score, points, mu=0.5, sigma=0.25, dtype=dtype)
    assert len(result.entries) % 3 == 0
    with pytest.raises(ConformanceError):
        assert_score(
            lambda *given: plain.vector_score(*given) * np.float32(1.001),
            points,
            mu=0.5,
            sigma=0.25,
            dtype=dtype,
        )


def test_a_place_between_two_points_that_the_dtype_cannot_tell_apart_is_allowed_either() -> None:
    """Logits of 1e11 in float32: the posterior mean there is a toss-up, and nothing else is."""
    options: dict[str, Any] = {"mu": 1 - 2**-12, "sigma": 2**-19, "dtype": "float32"}
    points = [0.0, 1.0, 3.0]
    middle = [float(np.float32((1 - 2**-12) / 2)), 0.25]

    def towards(which: int) -> Callable[..., Any]:
        def score(y: Any, x: Any, mu: float, sigma: float) -> Any:
            right = plain.score(y, x, mu, sigma)
            right[0] = (np.float32(mu) * x[which] - y[0]) / np.float32(sigma) ** 2
            return right

        return score

    for which in (0, 1):
        result = assert_score(towards(which), points, at=middle, **options)
        assert result.entries[0].tolerance > 1e10 > result.entries[1].tolerance
    with pytest.raises(ConformanceError):
        assert_score(towards(2), points, at=middle, **options)


def test_a_pre_activation_at_rounding_distance_from_0_may_fall_on_either_side() -> None:
    """The kink is 1/3 to float32, and mu x + sigma z is near it but not computed exactly."""
    third = F(float(np.float32(1 / 3)))
    network = Network([1.0, 1.0], [-third, F(1)], [5.0, 1.0])
    options: dict[str, Any] = {
        "mu": F(float(np.float32(0.7))),
        "sigma": F(float(np.float32(0.3))),
        "dtype": "float32",
        "learning_rate": 0.5,
        "indices": [0],
        "noise_draws": [F(float(np.float32(1 / 9)))],
    }
    points = [F(float(np.float32(0.42857142))), F(2)]

    def side(on: bool) -> Callable[..., Any]:
        def step(net: Any, x: Any, mu: float, sigma: float, eta: float, i: Any, z: Any) -> Any:
            kind = np.float32
            y = kind(mu) * x[i] + kind(sigma) * z
            before = y[:, None] * net.inner + net.bias
            active = np.where(np.abs(before) < 1e-5, kind(on), kind(1))
            residual = np.maximum(before, 0) @ net.outer / kind(2) + z / kind(sigma)
            bias = (residual[:, None] * active * net.outer).sum(0)
            outer = (residual[:, None] * np.maximum(before, 0)).sum(0)
            return Network(
                net.inner, net.bias - kind(2 * eta) * bias, net.outer - kind(2 * eta) * outer
            )

        return step

    for on in (True, False):
        assert assert_sgd_step(side(on), points, network, **options).passed


def test_samples_whose_terms_overflow_are_refused() -> None:
    with pytest.raises(InputError, match="float32 ends at"):
        assert_score(plain.score, [0.0, 2.0**100], mu=0.5, sigma=2**-40, dtype="float32")


def test_terms_are_no_smaller_than_values() -> None:
    """By the triangle inequality: a term left out of S would show here."""
    for case in CASES:
        for quantity in QUANTITIES:
            for entry in _check(quantity, case, "float64", lambda value: value).entries:
                assert abs(float(entry.lower)) <= entry.terms * (1 + 1e-12)


def test_a_matrix_that_may_be_0_has_an_allowance() -> None:
    """Dead neurons: every entry is a ball around 0, and so is the square of each."""
    with reference.precision(128):
        matrix = np.full((2, 2), None, dtype=object)
        for index in np.ndindex(2, 2):
            matrix[index] = arb(0, arb(2) ** -900)
        parts = np.array([[arb(1), arb(2)], [arb(2), arb(3)]], dtype=object)
        allowance = tolerance.Allowance(parts, parts, 7, arb(1))
        found = tolerance.largest_eigenvalue(matrix, allowance)
        value = reference.largest_eigenvalue(matrix)
        assert float(np.asarray(found.terms).item()) == pytest.approx(5)
        assert float(found.moved) == pytest.approx(5) and found.operations == 9
        assert tolerance.is_fine(np.asarray(value, dtype=object), found, FORMATS["float64"])


def test_judging_needs_certainty() -> None:
    """An error that the enclosure's radius leaves open is none that passed."""
    value = np.array([arb(1, 0.5)], dtype=object)
    allowance = tolerance.Allowance(
        np.array([arb(0)], dtype=object), np.array([arb(0)], dtype=object), 1, arb(1)
    )
    with reference.precision(128):
        entries = [
            tolerance.judge(np.array([got]), value, allowance, FORMATS["float64"], ["x"])[0]
            for got in (1.0, 1.25, 1.75, float("nan"), float("inf"))
        ]
    assert [entry.passed for entry in entries] == [True, True, False, False, False]
    assert entries[3].error == entries[4].ulps == float("inf")
    assert entries[2].ulps == 0.75 * 2**52
