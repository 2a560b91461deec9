"""Plain asserts: a user's function beside the certified values of the same formula.

Every function here rounds the sample to the dtype, encloses the true values at those numbers,
calls the user's function with exactly them (once more if it fails, and at four inputs beside them
if it fails by errors like those of rounding), and compares entry by entry with a tolerance that
follows from the dtype and the formula's condition
(`dsmverify.testing.tolerance`). It returns the `Comparison`, or raises `ConformanceError` with it;
`Undecided` where nothing could be compared, or where the tolerance is so wide that passing it would
say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, cast, get_args

import numpy as np

from dsmverify.errors import InputError, nearest, show
from dsmverify.exact import ExactInput, nearest_decimal, parse_exact, spell
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.instance import Instance, NetworkData, NoiseLevel, network_from_module
from dsmverify.testing import causes, reference, tolerance
from dsmverify.testing.arrays import FORMATS, Arrays, Floats, Format, require_callable
from dsmverify.testing.comparison import (
    Cause,
    Comparison,
    ConformanceError,
    Entry,
    ResultError,
    Undecided,
)
from dsmverify.testing.reference import BUDGET, Balls, Cloud, Noise, Step, StepFactor
from dsmverify.testing.tolerance import Allowance

__tracebackhide__ = True  # a failure shows the line of the test, not those of the kit

ALL_PARAMETERS: tuple[Parameter, ...] = ("outer", "bias", "inner")

FAR = 40
"""Noise levels that the farthest default place lies out: exp(-800) is 0 in every dtype."""

JUDGE_BITS = 320
"""Precision of comparisons; far beyond any dtype and any printed digit."""

CAUSE_BITS = 1024
"""Precision at which the values that mistakes would give are worked out."""

LONGEST_SAMPLE = 600


def assert_score(
    score: Callable[..., Any],
    sample: Any,
    *,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    at: Any = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function is the empirical optimal score, `s*(y) = grad log p(y)`.

    Args:
        score: `score(y, points, mu, sigma) -> s*(y)` in the shape of y, or with `noise="time"`
            `score(y, points, time)`.
        sample: an `Instance`, or points `[n]` or `[n, d]` with mu and sigma, sigma, or time.
        mu: signal factor, with sigma.
        sigma: noise level; alone it means `mu = sqrt(1 - sigma^2)`.
        time: diffusion time, `mu = exp(-t)`, `sigma^2 = 1 - exp(-2t)`.
        at: places y, `[k]` or `[k, d]`; by default those of the instance, or means, midpoints and
            tails.
        arrays: `"numpy"`, `"torch"`, `"jax"`, `"cupy"`, or an array to imitate.
        dtype: dtype of every array; by default float64, or that of the array to imitate.
        noise: `"mu_sigma"`, or `"time"`.
        device: where arrays live, in the library's spelling.
        budget: bits of precision at most for the certified values.

    Raises:
        ConformanceError: a value is out of tolerance; `ResultError` where it is no such array.
        Undecided: the values could not be enclosed, or the dtype cannot tell them from wrong ones.
        InputError: bad usage, or a sample that the dtype cannot hold.
    """
    require_callable("score", score)
    kind = Arrays.of(arrays, dtype, device)
    form = kind.format
    if isinstance(sample, Instance):
        _refuse_level(mu, sigma, time)
        points: Any = list(sample.points)
        level = sample.noise
        at = list(sample.at) if at is None and sample.at else at
    else:
        points, level = sample, NoiseLevel.of(mu=mu, sigma=sigma, time=time)
    rows = reference.table(points, "points")
    flat = not reference.is_nested(points)
    if at is None:
        at = _places(rows, reference.rounded_noise(level, form, noise))
    cloud = reference.cloud(rows, at, level, form, noise)
    shape: tuple[int, ...] = (len(cloud.at), cloud.dimension)
    shape = shape[:1] if flat else shape

    def read(given: Cloud = cloud) -> tuple[Floats, tuple[str, ...]]:
        arrays = [kind.array(given.at), kind.array(given.points)]
        if flat:
            arrays = [array.reshape(-1) for array in arrays]
        return kind.back(score(*arrays, *_level(given.noise)), shape, "score")

    def nearby(nudge: causes.Nudge) -> tuple[Floats, Balls]:
        other = nudge.cloud(cloud)
        right = _certified_score(other, form.name, budget)[0]
        return read(other)[0].reshape(right.shape), right

    value, allowance = _certified_score(cloud, form.name, budget)
    got, notes = read()
    places = [
        f"y[{k}] = {_row(cloud.at[k])}" + ("" if flat else f", coordinate {c}")
        for k in range(len(cloud.at))
        for c in range(cloud.dimension)
    ]
    evidence = causes.Evidence(
        "score",
        got.reshape(value.shape),
        value,
        allowance,
        form,
        cloud=cloud,
        nearby=_quietly(nearby),
    )
    told = {"x": [_row(row) for row in cloud.points], **cloud.noise.to_json()}
    return _conclude(evidence, kind, places, told, notes, read)


def assert_risk(
    risk: Callable[..., Any],
    sample: Any,
    network: Any = None,
    *,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function is the risk `R_n(theta)`, exact in the noise.

    `R_n = (1/n) sum_i E[(s(mu x_i + sigma Z) + Z/sigma)^2]`, a number: an estimate by Monte Carlo
    is for `assert_unbiased`.

    Args:
        risk: `risk(network, points, mu, sigma) -> one number`; network is a `Network` of arrays.
        sample: an `Instance`, or points `[n]`.
        network: a `Network` or triple like it, a mapping or a torch module, where the instance has
            none.
        mu: as in `assert_score`, like the rest.
        sigma: noise level.
        time: diffusion time.
        arrays: kind of arrays.
        dtype: their dtype.
        noise: how the callable is told the noise level.
        device: where arrays live.
        budget: bits of precision.

    Raises:
        ConformanceError, Undecided, InputError: as in `assert_score`.
    """
    require_callable("risk", risk)
    problem = _Problem.of(sample, network, (mu, sigma, time), (arrays, dtype, device), noise)
    return problem.scalar("risk", risk, PAPER_PARAMETERS, budget)


def assert_gradient(
    gradient: Callable[..., Any],
    sample: Any,
    network: Any = None,
    *,
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function is the gradient of the risk.

    Args:
        gradient: `gradient(network, points, mu, sigma) -> Network` of arrays `[m]`, or any triple
            or object with `inner`, `bias` and `outer`.
        sample: as in `assert_risk`, like the rest.
        network: the network.
        parameters: groups that are compared, of `"outer"`, `"bias"` and `"inner"`.
        mu: signal factor.
        sigma: noise level.
        time: diffusion time.
        arrays: kind of arrays.
        dtype: their dtype.
        noise: how the callable is told the noise level.
        device: where arrays live.
        budget: bits of precision.

    Raises:
        ConformanceError, Undecided, InputError: as in `assert_score`.
    """
    require_callable("gradient", gradient)
    groups = _groups(parameters)
    problem = _Problem.of(sample, network, (mu, sigma, time), (arrays, dtype, device), noise)

    def read(given: _Problem = problem) -> tuple[Floats, tuple[str, ...]]:
        return given.vector(given.call(gradient), groups, "gradient")

    value, allowance = problem.certified("gradient", groups, budget)
    got, notes = read()
    nearby = problem.nearby("gradient", read, groups, budget)
    evidence = problem.evidence("gradient", got, value, allowance, groups, nearby)
    return _conclude(evidence, problem.kind, problem.places(groups), problem.told, notes, read)


def assert_hessian(
    hessian: Callable[..., Any],
    sample: Any,
    network: Any = None,
    *,
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function is the Hessian of the risk, with the terms of the kinks.

    Args:
        hessian: `hessian(network, points, mu, sigma) -> [groups * m, groups * m]`.
        sample: as in `assert_risk`, like the rest.
        network: the network.
        parameters: groups of its rows and columns, in this order.
        mu: signal factor.
        sigma: noise level.
        time: diffusion time.
        arrays: kind of arrays.
        dtype: their dtype.
        noise: how the callable is told the noise level.
        device: where arrays live.
        budget: bits of precision.

    Raises:
        ConformanceError, Undecided, InputError: as in `assert_score`.
    """
    require_callable("hessian", hessian)
    groups = _groups(parameters)
    problem = _Problem.of(sample, network, (mu, sigma, time), (arrays, dtype, device), noise)
    size = len(groups) * problem.network.width

    def read(given: _Problem = problem) -> tuple[Floats, tuple[str, ...]]:
        return given.kind.back(given.call(hessian), (size, size), "hessian")

    value, allowance = problem.certified("hessian", groups, budget)
    got, notes = read()
    names = problem.places(groups)
    places = [f"({row}, {column})" for row in names for column in names]
    nearby = problem.nearby("hessian", read, groups, budget)
    evidence = problem.evidence("hessian", got, value, allowance, groups, nearby)
    return _conclude(evidence, problem.kind, places, problem.told, notes, read)


def assert_largest_eigenvalue(
    largest_eigenvalue: Callable[..., Any],
    sample: Any,
    network: Any = None,
    *,
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function is the largest eigenvalue of the Hessian of the risk.

    Args:
        largest_eigenvalue: `largest_eigenvalue(network, points, mu, sigma) -> one number`.
        sample: as in `assert_risk`, like the rest.
        network: the network.
        parameters: groups that the Hessian runs over.
        mu: signal factor.
        sigma: noise level.
        time: diffusion time.
        arrays: kind of arrays.
        dtype: their dtype.
        noise: how the callable is told the noise level.
        device: where arrays live.
        budget: bits of precision.

    Raises:
        ConformanceError, Undecided, InputError: as in `assert_score`.
    """
    require_callable("largest_eigenvalue", largest_eigenvalue)
    groups = _groups(parameters)
    problem = _Problem.of(sample, network, (mu, sigma, time), (arrays, dtype, device), noise)
    return problem.scalar("largest_eigenvalue", largest_eigenvalue, groups, budget)


def assert_sgd_step(
    step: Callable[..., Any],
    sample: Any,
    network: Any = None,
    *,
    learning_rate: ExactInput | None = None,
    indices: Sequence[int],
    noise_draws: Sequence[ExactInput],
    reduction: Literal["mean", "sum"] = "mean",
    step_factor: StepFactor | Literal[1] = "m",
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    arrays: Any = "numpy",
    dtype: Any = None,
    noise: Noise = "mu_sigma",
    device: Any = None,
    budget: int = BUDGET,
) -> Comparison:
    """Assert that a function makes one step of stochastic gradient descent on a given batch.

    With `y_j = mu x_{i_j} + sigma z_j` the loss is the mean (or sum) over the batch of
    `(s(y_j) + z_j/sigma)^2`, the step `theta - f eta grad` with f = m (the paper's) or 1, and
    relu'(0) = 0.

    Args:
        step: `step(network, points, mu, sigma, learning_rate, indices, noise) -> Network`; groups
            that are not trained come back as they were, or as None.
        sample: as in `assert_risk`.
        network: the network.
        learning_rate: eta; by default that of the instance.
        indices: `[B]`, training point of each noised point, from 0.
        noise_draws: `[B]`, the standard normal draws z_j.
        reduction: `"mean"` or `"sum"` over the batch.
        step_factor: `"m"`, or `"1"` or 1.
        parameters: groups that are trained.
        mu: as in `assert_score`, like the rest.
        sigma: noise level.
        time: diffusion time.
        arrays: kind of arrays.
        dtype: their dtype.
        noise: how the callable is told the noise level.
        device: where arrays live.
        budget: bits of precision.

    Raises:
        ConformanceError, Undecided, InputError: as in `assert_score`.
    """
    require_callable("step", step)
    groups = _groups(parameters)
    problem = _Problem.of(sample, network, (mu, sigma, time), (arrays, dtype, device), noise)
    form, kind = problem.kind.format, problem.kind
    factor: StepFactor = "1" if step_factor == 1 else step_factor
    spelling = (reduction, factor, groups)
    made = _step(problem.instance, form, learning_rate, indices, noise_draws, spelling)

    def read(given: _Problem = problem, its: Step = made) -> tuple[Floats, tuple[str, ...]]:
        batch = (float(its.learning_rate), kind.integers(its.indices), kind.array(its.draws))
        return given.vector(given.call(step, batch), groups, "sgd_step", given.frozen(groups))

    def nearby(nudge: causes.Nudge) -> tuple[Floats, Balls]:
        other, its = problem.nudged(nudge), nudge.step(made)
        return read(other, its)[0], _certified_step(other.key, its, form.name, budget)[0]

    value, allowance = _certified_step(problem.key, made, form.name, budget)
    got, notes = read()
    evidence = problem.evidence("sgd_step", got, value, allowance, groups, _quietly(nearby), made)
    told = problem.told | {
        "learning_rate": spell(made.learning_rate),
        "indices": list(made.indices),
        "noise": [spell(z) for z in made.draws],
    }
    return _conclude(evidence, kind, problem.places(groups), told, notes, read)


class _Problem:
    """A sample and network rounded to the dtype, and the arrays that a callable is given."""

    def __init__(self, instance: Instance, kind: Arrays) -> None:
        data = instance.network
        if data is None:
            raise InputError(
                "network", "", "there is none", "give network=, or an instance that has one"
            )
        self.instance = instance
        self.network = data
        self.kind = kind
        self.key = (instance.points, instance.noise, data)

    @classmethod
    def of(
        cls,
        sample: Any,
        network: Any,
        level: tuple[ExactInput | None, ExactInput | None, ExactInput | None],
        arrays: tuple[Any, Any, Any],
        noise: Noise,
    ) -> _Problem:
        kind = Arrays.of(*arrays)
        if isinstance(sample, Instance):
            _refuse_level(*level)
            instance = sample
        else:
            mu, sigma, time = level
            instance = Instance.from_numpy(sample, mu=mu, sigma=sigma, time=time)
        if network is not None:
            instance = replace(instance, network=network_data(network))
        return cls(reference.rounded(instance, kind.format, noise), kind)

    @property
    def told(self) -> dict[str, Any]:
        """The exact inputs, for messages."""
        return {
            key: value
            for key, value in self.instance.to_json().items()
            if key in {"x", "mu", "sigma", "time", "network"}
        }

    def call(self, function: Callable[..., Any], more: tuple[Any, ...] = ()) -> Any:
        """What the user's function gives, with fresh arrays each time."""
        network = self.kind.network(
            self.network.inner_weights, self.network.biases, self.network.outer_weights
        )
        points = self.kind.array(self.instance.points)
        return function(network, points, *_level(self.instance.noise), *more)

    def nudged(self, nudge: causes.Nudge) -> _Problem:
        """The problem at inputs beside these."""
        return _Problem(nudge.instance(self.instance), self.kind)

    def nearby(
        self,
        quantity: str,
        read: Callable[[_Problem], tuple[Floats, tuple[str, ...]]],
        groups: tuple[Parameter, ...],
        budget: int,
    ) -> causes.Nearby:
        """Asks the user's function beside these inputs."""

        def look(nudge: causes.Nudge) -> tuple[Floats, Balls]:
            other = self.nudged(nudge)
            return read(other)[0], other.certified(quantity, groups, budget)[0]

        return _quietly(look)

    def certified(
        self, quantity: str, groups: tuple[Parameter, ...], budget: int
    ) -> tuple[Balls, Allowance]:
        """Enclosures and allowance."""
        return _certified(quantity, self.key, groups, self.kind.format.name, budget)

    def evidence(
        self,
        quantity: str,
        got: Floats,
        value: Balls,
        allowance: Allowance,
        groups: tuple[Parameter, ...],
        nearby: causes.Nearby,
        step: Step | None = None,
    ) -> causes.Evidence:
        """What causes are looked for in."""
        return causes.Evidence(
            quantity,
            got,
            value,
            allowance,
            self.kind.format,
            instance=self.instance,
            parameters=groups,
            step=step,
            nearby=nearby,
        )

    def scalar(
        self,
        quantity: str,
        function: Callable[..., Any],
        groups: tuple[Parameter, ...],
        budget: int,
    ) -> Comparison:
        """Call, enclose and compare one number."""

        def read(given: _Problem = self) -> tuple[Floats, tuple[str, ...]]:
            return given.kind.back(given.call(function), (), quantity)

        value, allowance = self.certified(quantity, groups, budget)
        got, notes = read()
        nearby = self.nearby(quantity, read, groups, budget)
        evidence = self.evidence(quantity, got, value, allowance, groups, nearby)
        return _conclude(evidence, self.kind, [f"the {quantity}"], self.told, notes, read)

    def places(self, groups: Sequence[Parameter]) -> list[str]:
        """Names of the entries of a gradient."""
        return [f"{name}[{l}]" for name in groups for l in range(self.network.width)]

    def frozen(self, groups: Sequence[Parameter]) -> dict[Parameter, tuple[Fraction, ...]]:
        """Values of the groups that are not trained."""
        values: dict[Parameter, tuple[Fraction, ...]] = {
            "outer": self.network.outer_weights,
            "bias": self.network.biases,
            "inner": self.network.inner_weights,
        }
        return {name: values[name] for name in ALL_PARAMETERS if name not in groups}

    def vector(
        self,
        result: Any,
        groups: Sequence[Parameter],
        name: str,
        frozen: Mapping[Parameter, tuple[Fraction, ...]] | None = None,
    ) -> tuple[Floats, tuple[str, ...]]:
        """The groups of a result that is a network, one after the other.

        Raises:
            ResultError: no such groups, or a frozen one that moved.
        """
        parts = _parts(result, name)
        shape = (self.network.width,)
        rows: list[Floats] = []
        notes: list[str] = []
        for group in groups:
            if parts[group] is None:
                raise ResultError(
                    f"{name}: {group} is None, but parameters={list(groups)} asks for it; "
                    f"leave it out of parameters="
                )
            row, said = self.kind.back(parts[group], shape, f"{name}.{group}")
            rows.append(row)
            notes += said
        for group, before in (frozen or {}).items():
            if parts[group] is None:
                continue
            row, _ = self.kind.back(parts[group], shape, f"{name}.{group}")
            moved = [l for l, x in enumerate(before) if row[l] != float(x)]
            if moved:
                l = moved[0]
                raise ConformanceError(
                    f"{name}: {group}[{l}] moved from {float(before[l])!r} to {float(row[l])!r}, "
                    f"but only {', '.join(groups)} are trained (parameters=)"
                )
        return np.concatenate(rows), tuple(notes)


def network_data(network: Any) -> NetworkData:
    """Exact parameters of a network given as a `Network` or triple, a mapping or a torch module.

    Raises:
        InputError: something else.
    """
    if isinstance(network, NetworkData):
        return network
    if isinstance(network, tuple | list):
        parts = [getattr(network, name, None) for name in ("inner", "bias", "outer")]
        if len(network) == 3 and not hasattr(network, "inner"):
            parts = list(network)
        try:
            inner, bias, outer = map(_listed, parts)
        except TypeError:
            raise InputError(
                "network",
                show(network),
                "it must be a Network of arrays, or a triple like it",
                "give Network(inner, bias, outer), each of length m",
            ) from None
        return NetworkData.from_mapping(
            {"inner_weights": inner, "biases": bias, "outer_weights": outer}
        )
    if isinstance(network, Mapping):
        return NetworkData.from_mapping(network)
    return network_from_module(network)


Key = tuple[tuple[Fraction, ...], NoiseLevel, NetworkData]


def _instance(key: Key) -> Instance:
    points, level, network = key
    return Instance("sample", points, level, network)


@lru_cache(maxsize=256)
def _certified(
    quantity: str, key: Key, groups: tuple[Parameter, ...], dtype: str, budget: int
) -> tuple[Balls, Allowance]:
    """Enclosures and allowance of a quantity; kept, since a suite asks for the same ones again."""
    form, instance = FORMATS[dtype], _instance(key)

    def compute() -> tuple[Balls, Allowance]:
        if quantity == "risk":
            return np.asarray(reference.risk(instance), dtype=object), tolerance.risk(
                instance, form
            )
        if quantity == "gradient":
            return reference.gradient(instance, groups), tolerance.gradient(instance, groups, form)
        matrix = reference.hessian(instance, groups)
        allowance = tolerance.hessian(instance, groups, form)
        if quantity == "hessian":
            return matrix, allowance
        value = np.asarray(reference.largest_eigenvalue(matrix), dtype=object)
        return value, tolerance.largest_eigenvalue(matrix, allowance)

    return _enclosed(compute, form, quantity, budget)


@lru_cache(maxsize=256)
def _certified_score(cloud: Cloud, dtype: str, budget: int) -> tuple[Balls, Allowance]:
    form = FORMATS[dtype]
    return _enclosed(
        lambda: (reference.score(cloud), tolerance.score(cloud, form)), form, "score", budget
    )


@lru_cache(maxsize=256)
def _certified_step(key: Key, step: Step, dtype: str, budget: int) -> tuple[Balls, Allowance]:
    form, instance = FORMATS[dtype], _instance(key)
    return _enclosed(
        lambda: (
            reference.sgd_step(instance, step),
            tolerance.sgd_step(instance, step, form),
        ),
        form,
        "sgd_step",
        budget,
    )


def _enclosed(
    compute: Callable[[], tuple[Balls, Allowance]], form: Format, name: str, budget: int
) -> tuple[Balls, Allowance]:
    value, allowance = reference.enclose(
        compute, lambda found: tolerance.is_fine(*found, form), name, budget
    )
    tolerance.check_range(allowance, form, name)
    return value, allowance


def _quietly(look: Callable[[causes.Nudge], tuple[Floats, Balls]]) -> causes.Nearby:
    """No answer where the user's function or the certified values fail beside the sample.

    What failed there is not what the test asked for, so it must not hide the failure at hand.
    """

    def answer(nudge: causes.Nudge) -> tuple[Floats, Balls] | None:
        try:
            return look(nudge)
        except Exception:
            return None

    return answer


def _conclude(
    evidence: causes.Evidence,
    kind: Arrays,
    places: Sequence[str],
    told: Mapping[str, Any],
    notes: tuple[str, ...],
    again: Callable[[], tuple[Floats, tuple[str, ...]]],
) -> Comparison:
    """The comparison of what came back with what is right.

    Raises:
        ConformanceError: an entry is out of tolerance.
        Undecided: none is, but the tolerance says nothing.
    """
    form = evidence.form
    with reference.precision(JUDGE_BITS):
        entries = tolerance.judge(evidence.got, evidence.value, evidence.allowance, form, places)
        unclear = untold(evidence)
    passed = all(entry.passed for entry in entries)
    found: tuple[Cause, ...] = ()
    if not passed:
        second = again()[0].reshape(evidence.got.shape)
        if not np.array_equal(second, evidence.got, equal_nan=True):
            found = (
                Cause(
                    "random",
                    "two calls give two values: a stochastic estimate is for assert_unbiased",
                ),
            )
        else:
            with reference.precision(CAUSE_BITS):
                found = causes.likely(evidence)
    comparison = Comparison(
        quantity=evidence.quantity,
        dtype=form.name,
        arrays=kind.library,
        unit=float(form.unit),
        operations=evidence.allowance.operations,
        worst=_worst(entries),
        entries=entries,
        causes=found,
        passed=passed,
        sample=_told(told),
        notes=notes,
    )
    if not passed:
        raise ConformanceError(str(comparison), comparison)
    if unclear is not None:
        shown = str(replace(comparison, worst=entries[unclear])).partition("\n")[2]
        what = "the change by the step" if evidence.step is not None else "the value"
        raise Undecided(
            f"{comparison.quantity} ({kind.library}, {form.name}): {form.name} cannot tell right "
            f"from wrong at this input: the tolerance is more than 1/{tolerance.TELLING} of {what} "
            "where it is largest. Nothing was found wrong, but nothing was shown: use a wider "
            f"dtype, or an input nearer the origin\n{shown.replace('worst input', 'largest    ')}"
        )
    return comparison


def untold(evidence: causes.Evidence) -> int | None:
    """The first entry where what passes the tolerance has shown nothing; None where there is none.

    Of the largest score, of the risk, of the Hessian as a whole, of each group of a gradient; and
    of the change of each group by a step, since a step that changes nothing is to fail.

    Returns:
        Its place among all entries in C order: the largest of those that are seen as one.
    """
    value, count = evidence.value, 1
    if evidence.quantity in {"gradient", "sgd_step"}:
        count = len(evidence.parameters)
    if evidence.step is not None:
        value = value - evidence.start
    width = np.size(value) // count
    for group in range(count):
        part = slice(group * width, (group + 1) * width)
        place = tolerance.untold(value, evidence.allowance, evidence.form, part)
        if place is not None:
            return part.start + place
    return None


def _worst(entries: Sequence[Entry]) -> Entry:
    return max(entries, key=lambda entry: entry.ratio)


def _told(told: Mapping[str, Any]) -> str:
    text = json.dumps(told)
    if len(text) <= LONGEST_SAMPLE:
        return text
    return f"{text[:LONGEST_SAMPLE]}... ({len(text)} characters)"


def _step(
    instance: Instance,
    form: Format,
    learning_rate: ExactInput | None,
    indices: Sequence[int],
    draws: Sequence[ExactInput],
    spelling: tuple[Literal["mean", "sum"], StepFactor, tuple[Parameter, ...]],
) -> Step:
    """A step in numbers of the dtype.

    Raises:
        InputError: no learning rate, indices out of range, lengths that differ, unknown words.
    """
    reduction, step_factor, groups = spelling
    eta = instance.learning_rate
    if learning_rate is not None:
        eta = reference.round_one(
            parse_exact(learning_rate, field="learning_rate"), form, "learning_rate"
        )
    if eta is None or eta <= 0:
        raise InputError(
            "learning_rate",
            "" if eta is None else spell(eta),
            "a step needs a positive learning rate",
            "give learning_rate=",
        )
    chosen = [int(i) for i in np.asarray(_listed(indices)).ravel()]
    values = [parse_exact(z, field=f"noise_draws[{j}]") for j, z in enumerate(_listed(draws))]
    if len(chosen) != len(values) or not chosen:
        raise InputError(
            "noise_draws",
            f"{len(values)} draws for {len(chosen)} indices",
            "each noised point has one index and one draw",
            "give lists of the same length, at least 1",
        )
    for place, index in enumerate(chosen):
        if not 0 <= index < instance.size:
            raise InputError(
                f"indices[{place}]",
                str(index),
                f"the sample has points 0 to {instance.size - 1}",
                "give indices from 0",
            )
    for name, word, known in (
        ("reduction", reduction, ("mean", "sum")),
        ("step_factor", step_factor, get_args(StepFactor)),
    ):
        if word not in known:
            raise InputError(
                name, show(word), f"it must be {' or '.join(map(repr, known))}", "choose one"
            )
    rounded = tuple(reference.round_one(z, form, f"noise_draws[{j}]") for j, z in enumerate(values))
    return Step(eta, tuple(chosen), rounded, reduction, step_factor, groups)


def _groups(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Groups of parameters, checked.

    Raises:
        InputError: unknown or repeated names, or none.
    """
    groups = (parameters,) if isinstance(parameters, str) else tuple(parameters)
    for name in groups:
        if name not in ALL_PARAMETERS:
            guess = nearest(str(name), ALL_PARAMETERS)
            raise InputError(
                "parameters",
                show(name),
                f"groups are {', '.join(ALL_PARAMETERS)}",
                f"did you mean {guess!r}?" if guess else "choose among them",
            )
    if not groups or len(set(groups)) < len(groups):
        raise InputError(
            "parameters", show(groups), "each group is named once", "give ('outer', 'bias')"
        )
    return cast(tuple[Parameter, ...], groups)


def _parts(result: Any, name: str) -> dict[Parameter, Any]:
    """Groups of a result.

    Raises:
        ResultError: no network.
    """
    if isinstance(result, Mapping):
        return {group: result.get(group) for group in ALL_PARAMETERS}
    if any(hasattr(result, group) for group in ALL_PARAMETERS):
        return {group: getattr(result, group, None) for group in ALL_PARAMETERS}
    if isinstance(result, tuple | list) and len(result) == 3:
        inner, bias, outer = result
        return {"inner": inner, "bias": bias, "outer": outer}
    raise ResultError(
        f"{name}: got {type(result).__name__}, expected a Network(inner, bias, outer) of arrays, "
        "or any triple or object with these names"
    )


def _level(level: NoiseLevel) -> tuple[float, ...]:
    """Python floats that the callable is told, exactly those of the certified values."""
    if level.time is not None:
        return (float(level.time),)
    assert level.mu is not None and level.sigma is not None
    return float(level.mu), float(level.sigma)


def _refuse_level(*given: ExactInput | None) -> None:
    if any(value is not None for value in given):
        raise InputError(
            "mu, sigma, time",
            "",
            "the instance already has its noise level",
            "leave them out, or give points in place of an instance",
        )


def _places(rows: Sequence[Sequence[Fraction]], level: NoiseLevel) -> list[list[Fraction]]:
    """Default places of a score: means, midpoints, near and far tails. `[k][d]`."""
    mu, sigma = (Fraction(float(x)) for x in _float_level(level))
    chosen = sorted({round(k * (len(rows) - 1) / 7) for k in range(8)})
    means = [[mu * x for x in rows[k]] for k in chosen]
    middles = [
        [mu * (p + q) / 2 for p, q in zip(rows[k], rows[k + 1], strict=True)]
        for k in chosen
        if k + 1 < len(rows)
    ]
    tails = []
    for reach in (3, FAR):
        low = [mu * min(row[c] for row in rows) - reach * sigma for c in range(len(rows[0]))]
        high = [mu * max(row[c] for row in rows) + reach * sigma for c in range(len(rows[0]))]
        tails += [low, high]
    return means + middles + tails


def _float_level(level: NoiseLevel) -> tuple[float, float]:
    if level.time is not None:
        time = float(level.time)
        return float(np.exp(-time)), float(np.sqrt(-np.expm1(-2 * time)))
    assert level.mu is not None and level.sigma is not None
    return float(level.mu), float(level.sigma)


def _row(row: Sequence[Fraction]) -> str:
    texts = [spell(x) if len(spell(x)) <= 24 else nearest_decimal(x, 17) for x in row]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _listed(values: Any) -> Any:
    """A list of the entries of any array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return values.tolist() if hasattr(values, "tolist") else list(values)
