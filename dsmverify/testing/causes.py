"""Known mistakes: each predicts the wrong values that it would give at the same input.

A cause is named only where its prediction, worked out from certified values, matches every entry
that came back as closely as a right implementation would match the right values. Even so it is only
likely: another mistake may give the same numbers.

Rounding in a narrower dtype has no values to predict. Its errors are erratic: they are drawn anew
when inputs change by about a unit of that dtype, and changes far below it are swallowed or
overdone, where the error of an approximation hardly changes and the result follows the inputs. The
callable is therefore asked again beside the sample (`Nudge`) before either is named.

| letter | here | meaning |
|---|---|---|
| k | | factor between what came back and what is right |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations, permutations
from typing import Any, Final, Literal, cast

import numpy as np
from flint import arb

from dsmverify.formulas.risk import Parameter
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.systems import balls
from dsmverify.testing import reference
from dsmverify.testing.arrays import Floats, Format
from dsmverify.testing.comparison import Cause
from dsmverify.testing.reference import Balls, Cloud, Step
from dsmverify.testing.tolerance import Allowance
from dsmverify.truth import Truth, compare

NEARER: Final = 4
"""A wrong entry must be so many times nearer to the prediction than to the right value."""

TYPICAL: Final = 2
"""Rounding errors rarely reach this part of their worst case."""

MOST: Final = 3
"""Causes that a message names."""

NARROWER: Final = {
    "float64": (("float32", Fraction(1, 2**24), 16, 8),),
    "float32": (
        ("float16 or TF32", Fraction(1, 2**11), 6, 2),
        ("bfloat16", Fraction(1, 2**8), 6, 2),
    ),
}
"""Dtypes that a result may have been cast to on the way: names, unit roundoffs, by how many bits
the largest error may be below their rounding of the terms, and how many bits below their unit a
change of the inputs is that they swallow and the dtype itself does not."""

COARSE: Final = 1
"""Units of the narrower dtype by which inputs change to draw its roundings anew; many more would
move an approximation's error as well, where the sample is ill-conditioned."""

ERRATIC: Final = 0.25
"""Errors that differ by this part of the largest of them are drawn anew."""

ASTRAY: Final = 0.5
"""A result whose change is off by this part of the right change does not follow its inputs."""

STILL: Final = 1 / 256
"""A value that changes by at most this part of itself has hardly changed: an error that then
changes by `ASTRAY` of itself is erratic however large the right change is beside it."""

FOLLOWS: Final = 0.125
"""One whose change is off by at most this part does."""

SMOOTH: Final = 0.0625
"""Errors that differ by at most this part of themselves are the same."""

SEEN: Final = 8
"""Units of the dtype, times its terms, above which a change is not its own rounding."""

Nature = Literal["rounding", "approximation"]


@dataclass(frozen=True)
class Nudge:
    """A tiny relative change of inputs, the same in every run.

    Every number x becomes x (1 + r size), rounded to the dtype, with `1/2 <= |r| <= 1` of its own;
    training points have r in common and keep their order.

    Attributes:
        size: how large.
        form: the dtype.
        seed: chooses the r.
        level: whether the noise level changes.
        rest: whether everything else does.
    """

    size: Fraction
    form: Format
    seed: int
    level: bool = True
    rest: bool = True

    def instance(self, given: Instance) -> Instance:
        """An instance beside the given one."""
        rng, data = self._rng(0), given.network
        points, noise = given.points, given.noise
        if self.level:
            noise = self._noise(noise, rng)
        if self.rest:
            points = self._together(points, self._factor(rng))
        if self.rest and data is not None:
            inner, bias, outer = (
                self._each(values, rng)
                for values in (data.inner_weights, data.biases, data.outer_weights)
            )
            data = NetworkData(inner, bias, outer)
        return replace(given, points=points, noise=noise, network=data)

    def cloud(self, given: Cloud) -> Cloud:
        """A cloud beside the given one."""
        rng = self._rng(0)
        noise = self._noise(given.noise, rng) if self.level else given.noise
        if not self.rest:
            return replace(given, noise=noise)
        factor = self._factor(rng)
        points = tuple(self._together(row, factor) for row in given.points)
        return Cloud(points, noise, tuple(self._each(row, rng) for row in given.at))

    def step(self, given: Step) -> Step:
        """A step beside the given one."""
        if not self.rest:
            return given
        rng = self._rng(1)
        rate = self.form.round(given.learning_rate * self._factor(rng))
        return replace(given, learning_rate=rate, draws=self._each(given.draws, rng))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])

    def _factor(self, rng: np.random.Generator) -> Fraction:
        part = Fraction(int(rng.integers(512, 1025)), 1024)
        return 1 + self.size * part * (1 if rng.integers(2) else -1)

    def _each(self, values: Sequence[Fraction], rng: np.random.Generator) -> tuple[Fraction, ...]:
        return tuple(self.form.round(x * self._factor(rng)) for x in values)

    def _together(self, values: Sequence[Fraction], factor: Fraction) -> tuple[Fraction, ...]:
        return tuple(self.form.round(x * factor) for x in values)

    def _noise(self, level: NoiseLevel, rng: np.random.Generator) -> NoiseLevel:
        """Both below what they were, so that they stay in (0, 1)."""

        def lower(value: Fraction | None) -> Fraction | None:
            part = 2 - self._factor(rng)
            return None if value is None else self.form.round(value * min(part, 2 - part))

        return NoiseLevel(sigma=lower(level.sigma), mu=lower(level.mu), time=lower(level.time))


Nearby = Callable[[Nudge], tuple[Floats, Balls] | None]
"""What the callable gives at inputs beside the sample, and enclosures of what is right there; None
where one of them has no answer."""


@dataclass(frozen=True)
class Evidence:
    """What came back, what is right, and the input.

    Attributes:
        quantity: which one.
        got: `[...]`, the user's numbers.
        value: `[...]`, enclosures of the right ones.
        allowance: parts of the tolerance.
        form: the dtype.
        instance: sample and network; None for a score.
        cloud: sample and places of a score; None otherwise.
        parameters: groups of a gradient, Hessian or step.
        step: the step; None otherwise.
        nearby: asks the callable beside the sample; None where that cannot be done.
    """

    quantity: str
    got: Floats
    value: Balls
    allowance: Allowance
    form: Format
    instance: Instance | None = None
    cloud: Cloud | None = None
    parameters: tuple[Parameter, ...] = ()
    step: Step | None = None
    nearby: Nearby | None = None

    @cached_property
    def narrowed(self) -> tuple[str, Nature] | None:
        """A narrower dtype whose rounding errors have this size, and what errors these are.

        None where no narrower dtype has such errors, or where it is not clear.
        """
        found = _narrower(self)
        if found is None or self.nearby is None:
            return None
        name, unit, below = found
        nature = _nature(self, self.nearby, unit, below)
        return None if nature is None else (name, nature)

    @property
    def noise(self) -> NoiseLevel:
        """The noise level."""
        given = self.cloud if self.instance is None else self.instance
        assert given is not None
        return given.noise

    @property
    def size(self) -> int:
        """N."""
        given = self.cloud if self.instance is None else self.instance
        assert given is not None
        return len(given.points)

    @property
    def network(self) -> NetworkData:
        """The network."""
        assert self.instance is not None and self.instance.network is not None
        return self.instance.network

    @property
    def start(self) -> Balls:
        """Parameters before a step, by groups."""
        lists = {
            "outer": self.network.outer_weights,
            "bias": self.network.biases,
            "inner": self.network.inner_weights,
        }
        return np.array(
            [balls.ball(x) for name in self.parameters for x in lists[name]], dtype=object
        )

    def blocks(self) -> list[tuple[str, Any]]:
        """The whole result, then its blocks by groups of parameters: names and index masks."""
        shape = np.shape(self.value)
        result: list[tuple[str, Any]] = [("", np.ones(shape, dtype=bool))]
        if len(self.parameters) < 2 or not shape:
            return result
        width = shape[0] // len(self.parameters)
        group = np.arange(shape[0]) // width
        for i, first in enumerate(self.parameters):
            if len(shape) == 1:
                result.append((f" in the group {first}", group == i))
                continue
            for j, second in enumerate(self.parameters[: i + 1]):
                mask = (group[:, None] == i) & (group[None, :] == j)
                result.append((f" in the block {second}, {first}", mask | mask.T))
        return result


Prediction = tuple[str, Balls]
"""What to add to the words, and the values that the mistake would give."""


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    Attributes:
        name: short name.
        words: what probably happened.
        quantities: where it can happen.
        predict: the values that it would give.
        by_blocks: whether it may have been made in one block only.
    """

    name: str
    words: str
    quantities: frozenset[str]
    predict: Callable[[Evidence], Iterator[Prediction]]
    by_blocks: bool = False


@dataclass(frozen=True)
class Symptom:
    """A mistake that is known by the look of its errors rather than by exact values.

    Attributes:
        name: short name.
        quantities: where it can happen.
        words: what probably happened; None where the symptoms are not there.
    """

    name: str
    quantities: frozenset[str]
    words: Callable[[Evidence], str | None]


SCORE: Final = frozenset({"score"})
VALUES: Final = frozenset({"risk", "gradient", "hessian", "largest_eigenvalue"})
CURVATURES: Final = frozenset({"hessian", "largest_eigenvalue"})
STEP: Final = frozenset({"sgd_step"})
ALL: Final = SCORE | VALUES | STEP


def likely(evidence: Evidence) -> tuple[Cause, ...]:
    """Known mistakes that match, in the order of `MISTAKES`, at the working precision.

    Where nothing but 0 came back many mistakes would predict it, and none is shown.
    """
    if not evidence.got.any():
        return (Cause("only zeros", "nothing but 0 came back: nothing was computed, or stored"),)
    if evidence.step is not None and np.array_equal(evidence.got, _floats(evidence.start)):
        return (Cause("only zeros", "the parameters came back as they were: no step was made"),)
    found: list[Cause] = []
    for mistake in MISTAKES:
        if evidence.quantity not in mistake.quantities:
            continue
        if found and isinstance(mistake, Symptom):
            continue  # values say more than the look of errors
        words = _explains(mistake, evidence)
        if words is not None and mistake.name not in {cause.name for cause in found}:
            found.append(Cause(mistake.name, words))
    if not found and evidence.quantity == "score":
        found = _beside_underflow(evidence)
    return tuple(found[:MOST])


def _beside_underflow(evidence: Evidence) -> list[Cause]:
    """No max shift together with a second mistake, which explains the rows that it leaves.

    Every entry that is no finite number must lie in a row where the exponentials of the second
    mistake underflow, and every other row must match that mistake.
    """
    cloud = evidence.cloud
    assert cloud is not None
    if np.isfinite(evidence.got).all():
        return []
    mu, sigma = cloud.noise.values(balls.SYSTEM)
    for name, words, predicted, logits in _second_mistakes(evidence, (mu, sigma * sigma)):
        seen = ~np.broadcast_to(_lost(evidence, logits)[:, None], evidence.got.shape)
        if _matches(evidence, np.asarray(predicted, dtype=object), seen):
            return [
                Cause("no max shift", _underflow_words(evidence)),
                Cause(name, f"{words} (this is what the finite values show)"),
            ]
    return []


Level = tuple[arb, arb]
"""mu and sigma^2 as they enter somewhere."""


def _second_mistakes(evidence: Evidence, right: Level) -> Iterator[tuple[str, str, Balls, Level]]:
    """Names, words and values of mistakes in a score, and the level in their logits."""
    cloud = evidence.cloud
    assert cloud is not None
    for mistake in MISTAKES:
        if isinstance(mistake, Symptom) or "score" not in mistake.quantities:
            continue
        if mistake.predict is _variants:
            for detail, logits, front in _wrong_levels(cloud):
                values = _variant(cloud, logits, front)
                yield mistake.name, f"{mistake.words}{detail}", values, logits
        else:
            for detail, values in mistake.predict(evidence):
                yield mistake.name, f"{mistake.words}{detail}", values, right


def _explains(mistake: Mistake | Symptom, evidence: Evidence) -> str | None:
    if isinstance(mistake, Symptom):
        return mistake.words(evidence)
    if not np.isfinite(evidence.got).all():
        return None
    for detail, predicted in mistake.predict(evidence):
        blocks = evidence.blocks() if mistake.by_blocks else evidence.blocks()[:1]
        for place, mask in blocks:
            if _is_nothing(evidence, predicted, mask):
                continue
            values = np.where(mask, np.asarray(predicted, dtype=object), evidence.value)
            if _matches(evidence, values):
                return f"{mistake.words}{detail}{place}"
    return None


def _is_nothing(evidence: Evidence, predicted: Balls, mask: Any) -> bool:
    """Whether a prediction is 0 within the tolerance, so that whatever is lost matches it.

    Of a step, whether it is the parameters before it.
    """
    shape = np.shape(evidence.value)
    if evidence.step is not None:
        predicted = predicted - evidence.start
    values, total = (
        np.broadcast_to(np.asarray(each, dtype=object), shape)[mask]
        for each in (predicted, evidence.allowance.total(evidence.form))
    )
    return all(
        compare(abs(number), ">", limit) is not Truth.TRUE
        for number, limit in zip(values, total, strict=True)
    )


def _matches(evidence: Evidence, predicted: Balls, seen: Any = True) -> bool:
    """Whether every entry is as near the prediction as a right one is to the right value.

    Where it is out of tolerance of the right value it must also be much nearer to the prediction,
    and one entry at least must be out of it.

    Args:
        evidence: what came back.
        predicted: `[...]`, what the mistake would give.
        seen: `[...]`, the entries that are compared.
    """
    value = np.asarray(evidence.value, dtype=object)
    right: Balls = np.asarray(evidence.allowance.total(evidence.form), dtype=object)
    right = np.broadcast_to(right, value.shape)
    stretch = _stretch(value, np.asarray(predicted, dtype=object))
    # A wrong value has a rounding of its own, where the right one happens to be small.
    own = evidence.allowance.operations * balls.ball(evidence.form.unit) * abs(predicted)
    total: Balls = np.asarray(right * stretch + own, dtype=object)
    chosen = np.broadcast_to(seen, value.shape)
    any_wrong = False
    for index in np.ndindex(value.shape):
        if not chosen[index]:
            continue
        number = arb(float(evidence.got[index]))
        near, error = abs(number - predicted[index]), abs(number - value[index])
        if compare(near, "<=", total[index]) is not Truth.TRUE:
            return False
        is_wrong = compare(error, "<=", right[index]) is not Truth.TRUE
        if is_wrong and compare(NEARER * near, "<=", error) is not Truth.TRUE:
            return False
        any_wrong = any_wrong or is_wrong
    return any_wrong


def _stretch(value: Balls, predicted: Balls) -> arb:
    """How much larger the predicted values are than the right ones, at least 1."""
    sizes = [sum((abs(x) for x in np.ravel(values)), arb(0)) for values in (value, predicted)]
    ratio = sizes[1] / sizes[0]
    return arb(1).max(ratio) if ratio.is_finite() else arb(1)


def _factors(*named: tuple[str, Callable[[Evidence], Any]]) -> Callable[..., Iterator[Prediction]]:
    """Predictions `k * value`, or for a step the update times k."""

    def predict(evidence: Evidence) -> Iterator[Prediction]:
        for label, factor in named:
            k = factor(evidence)
            if evidence.quantity == "sgd_step":
                yield (
                    f": the update is {label} times the right one",
                    evidence.start + k * (evidence.value - evidence.start),
                )
            else:
                words = f": values are {label} times the right ones"
                yield words, k * np.asarray(evidence.value, dtype=object)

    return predict


def _sigma(evidence: Evidence) -> Any:
    return evidence.noise.values(balls.SYSTEM)[1]


def _mu(evidence: Evidence) -> Any:
    return evidence.noise.values(balls.SYSTEM)[0]


def _width(evidence: Evidence) -> arb:
    return arb(evidence.network.width)


def _count(evidence: Evidence) -> arb:
    assert evidence.step is not None
    return arb(len(evidence.step.draws))


def _evaluate(
    evidence: Evidence,
    *,
    outer: Fraction = Fraction(1),
    noise: NoiseLevel | None = None,
    boundary: bool = True,
) -> Balls:
    """The quantity at other outer weights or noise level, derivatives by the given weights.

    With `w2' = k w2` the derivative by w2 is k times that by w2'.
    """
    instance = evidence.instance
    assert instance is not None
    data = evidence.network
    scaled = replace(data, outer_weights=tuple(outer * w for w in data.outer_weights))
    changed = replace(instance, network=scaled, noise=noise or instance.noise)
    if evidence.quantity == "risk":
        return np.asarray(reference.risk(changed), dtype=object)
    factors = np.repeat(
        np.array([balls.ball(outer if p == "outer" else 1) for p in evidence.parameters], object),
        data.width,
    )
    if evidence.quantity == "gradient":
        return factors * reference.gradient(changed, evidence.parameters)
    if evidence.quantity == "sgd_step":
        assert evidence.step is not None
        moved = reference.sgd_step(changed, evidence.step)
        is_outer = np.repeat([p == "outer" for p in evidence.parameters], data.width)
        before = np.where(is_outer, balls.ball(outer) * evidence.start, evidence.start)
        return evidence.start + factors * (moved - before)
    matrix = reference.hessian(changed, evidence.parameters, boundary=boundary)
    matrix = matrix * factors[:, None] * factors[None, :]
    return _of_matrix(evidence, matrix)


def _of_matrix(evidence: Evidence, matrix: Balls) -> Balls:
    if evidence.quantity == "hessian":
        return matrix
    return np.asarray(reference.largest_eigenvalue(matrix), dtype=object)


def _target_sign(evidence: Evidence) -> Iterator[Prediction]:
    """`(s - Z/sigma)^2` is `(s' + Z/sigma)^2` of the network with outer weights -w2."""
    yield "", _evaluate(evidence, outer=Fraction(-1))


def _unscaled_network(evidence: Evidence) -> Iterator[Prediction]:
    """The network sums over neurons in place of the mean, or divides by m twice."""
    m = evidence.network.width
    yield " (it sums over neurons, without 1/m)", _evaluate(evidence, outer=Fraction(m))
    yield " (it divides by m twice)", _evaluate(evidence, outer=Fraction(1, m))


def _target_scale(evidence: Evidence) -> Iterator[Prediction]:
    """`R = A + B + 1/sigma^2` with A even and B odd in w2; another target `k Z/sigma` has kB."""
    at, flipped = np.asarray(evidence.value, dtype=object), _evaluate(evidence, outer=Fraction(-1))
    sigma = _sigma(evidence)
    constant = 1 / (sigma * sigma) if evidence.quantity == "risk" else arb(0)
    even, odd = (at + flipped) / 2 - constant, (at - flipped) / 2
    for words, k in ((" (Z in place of Z/sigma)", sigma), (" (Z/sigma^2)", 1 / sigma)):
        yield words, even + k * odd + k * k * constant
    if evidence.quantity == "risk":
        yield " (its mean square 1/sigma^2 is left out)", even + odd


def _boundary(evidence: Evidence) -> Iterator[Prediction]:
    smooth = _evaluate(replace(evidence, quantity="hessian"), boundary=False)
    whole = _evaluate(replace(evidence, quantity="hessian"))
    yield " is left out: this is the mean of the pointwise Hessian", _of_matrix(evidence, smooth)
    yield " has the wrong sign", _of_matrix(evidence, 2 * smooth - whole)


def _gauss_newton(evidence: Evidence) -> Iterator[Prediction]:
    from dsmverify.formulas import curvature

    assert evidence.instance is not None
    kernel = curvature.tangent_kernel(
        balls.SYSTEM, *reference.setting(evidence.instance), evidence.parameters
    )
    yield "", _of_matrix(evidence, 2 * kernel)


def _gram_factor(evidence: Evidence) -> Iterator[Prediction]:
    """A factor in 2 E[grad s grad s^T] alone."""
    from dsmverify.formulas import curvature

    assert evidence.instance is not None
    setting = reference.setting(evidence.instance)
    kernel = 2 * curvature.tangent_kernel(balls.SYSTEM, *setting, evidence.parameters)
    rest = curvature.hessian(balls.SYSTEM, *setting, evidence.parameters) - kernel
    m = _width(evidence)
    for words, k in (("m^2", m * m), ("m", m), ("1/m", 1 / m), ("1/m^2", 1 / (m * m))):
        yield (
            f": in the term 2 E[grad s grad s^T], which is {words} times the right one",
            _of_matrix(evidence, k * kernel + rest),
        )


def _other_groups(evidence: Evidence) -> Iterator[Prediction]:
    everything: tuple[Parameter, ...] = ("outer", "bias", "inner")
    for count in (2, 3, 1):
        for groups in combinations(everything, count):
            if set(groups) == set(evidence.parameters):
                continue
            matrix = _evaluate(replace(evidence, quantity="hessian", parameters=groups))
            yield (
                f" {', '.join(groups)}, not over {', '.join(evidence.parameters)} (parameters=)",
                np.asarray(reference.largest_eigenvalue(matrix), dtype=object),
            )


def _group_order(evidence: Evidence) -> Iterator[Prediction]:
    count = len(evidence.parameters)
    if count < 2:
        return
    m = evidence.network.width
    natural = np.arange(count * m).reshape(count, m)
    swapped: list[tuple[str, Any]] = [("interleaved, neuron by neuron", natural.T.ravel())]
    for order in list(permutations(range(count)))[1:]:
        names = ", ".join(evidence.parameters[i] for i in order)
        swapped.append((f"{names}", natural[list(order)].ravel()))
    for words, index in swapped:
        yield (
            f": they came {words} in place of {', '.join(evidence.parameters)}",
            np.asarray(evidence.value)[index][:, index],
        )


def _cancelled(evidence: Evidence) -> Iterator[Prediction]:
    """`sigma^2 = 1 - exp(-2t)` as the dtype gives it, the exponential within one unit."""
    for level in _cancelled_levels(evidence):
        if evidence.cloud is not None:
            mu, sigma = (balls.ball(x) for x in (level.mu, level.sigma) if x is not None)
            yield "", reference.score(evidence.cloud, mu=mu, sigma=sigma)
        else:
            yield "", _evaluate(evidence, noise=level)


def _cancelled_levels(evidence: Evidence) -> Iterator[NoiseLevel]:
    time, form = evidence.noise.time, evidence.form
    if time is None:
        return
    exact_mu, exact_sigma = evidence.noise.values(balls.SYSTEM)
    exponential = form.round(_middle(balls.ball_exp(balls.ball(-2 * time))))
    for shift in (0, 1, -1):
        square = 1 - (exponential + shift * form.unit)
        # Within the tolerance of expm1's own value this is no mistake, and not a cause either.
        if square <= 0 or square >= 1:
            continue
        with_bits = balls.ball(square).sqrt()
        if abs(with_bits - exact_sigma) < exact_sigma * balls.ball(form.unit):
            continue
        yield NoiseLevel(mu=_middle(exact_mu), sigma=_middle(with_bits))


def _vanished(evidence: Evidence) -> str | None:
    """Nothing finite came back, and `1 - exp(-2t)` rounds to 0."""
    time, form = evidence.noise.time, evidence.form
    if time is None or np.isfinite(evidence.got).any():
        return None
    if form.round(_middle(balls.ball_exp(balls.ball(-2 * time)))) < 1:
        return None
    return f"1 - exp(-2t) is 0 in {form.name} at this t: write -expm1(-2t)"


def _variants(evidence: Evidence) -> Iterator[Prediction]:
    """The score with mu or sigma^2 wrong in the logits, in front, or in both."""
    cloud = evidence.cloud
    assert cloud is not None
    for words, logits, front in _wrong_levels(cloud):
        yield words, _variant(cloud, logits, front)


def _wrong_levels(cloud: Cloud) -> Iterator[tuple[str, Level, Level]]:
    """What is wrong in words, and mu and sigma^2 in the logits and in front."""
    mu, sigma = cloud.noise.values(balls.SYSTEM)
    right = sigma * sigma
    one = arb(1)
    wrong_mu = [("mu is missing", one), ("mu is squared", mu * mu)]
    wrong_variance = [
        ("sigma in place of sigma^2", sigma),
        ("sigma^4 in place of sigma^2", right * right),
        ("sigma^2 is missing", one),
    ]
    for words, other in wrong_mu:
        yield f": {words}", (other, right), (other, right)
        yield f": {words} in the logits", (other, right), (mu, right)
        yield f": {words} in front of the mean", (mu, right), (other, right)
    for words, other in wrong_variance:
        yield f": {words}", (mu, other), (mu, other)
        yield f": {words} in the logits", (mu, other), (mu, right)
        yield f": {words} in the denominator", (mu, right), (mu, other)
    yield ": no 1/2 in the logits", (mu, right / 2), (mu, right)


def _variant(cloud: Cloud, logits: Level, front: Level) -> Balls:
    """`(mu_2 E[W] - y)/v_2` with weights of `-(y - mu_1 x)^2/(2 v_1)`."""
    points, at = reference.grid(cloud.points), reference.grid(cloud.at)
    mu, variance = logits
    apart = at[:, None, :] - mu * points[None, :, :]
    exponent = -np.add.reduce(apart * apart, -1) / (2 * variance)
    top = [max(row, key=lambda ball: ball.mid()) for row in exponent]
    weights = balls.SYSTEM.exp(exponent - np.array([arb(t.mid()) for t in top])[:, None])
    mean = np.add.reduce(weights[:, :, None] * points, 1) / np.add.reduce(weights, 1)[:, None]
    return (front[0] * mean - at) / front[1]


def _denoiser(evidence: Evidence) -> Iterator[Prediction]:
    assert evidence.cloud is not None
    mu, sigma = evidence.cloud.noise.values(balls.SYSTEM)
    at = reference.grid(evidence.cloud.at)
    yield ", the posterior mean E[W(y)]", (sigma * sigma * evidence.value + at) / mu
    yield ", the noise prediction -sigma s*(y)", -sigma * evidence.value


def _no_shift(evidence: Evidence) -> str | None:
    """NaN, infinity or -y/sigma^2 where every unshifted exponential underflows."""
    cloud = evidence.cloud
    assert cloud is not None
    mu, sigma = cloud.noise.values(balls.SYSTEM)
    is_lost = _lost(evidence, (mu, sigma * sigma))
    total = evidence.allowance.total(evidence.form)
    bare = -reference.grid(cloud.at) / (sigma * sigma)
    wrong = False
    for index in np.ndindex(evidence.value.shape):
        number = float(evidence.got[index])
        near = (
            np.isfinite(number)
            and compare(abs(arb(number) - evidence.value[index]), "<=", total[index]) is Truth.TRUE
        )
        if near:
            continue
        lost = bool(is_lost[index[0]])
        is_bare = np.isfinite(number) and (
            compare(abs(arb(number) - bare[index]), "<=", total[index]) is Truth.TRUE
        )
        if not lost or (np.isfinite(number) and not is_bare and number != 0):
            return None
        wrong = True
    return _underflow_words(evidence) if wrong else None


def _underflow_words(evidence: Evidence) -> str:
    return (
        f"far from the data every exp(-|y - mu x|^2/(2 sigma^2)) underflows in "
        f"{evidence.form.name}: subtract the largest logit before the exponential"
    )


def _lost(evidence: Evidence, level: Level) -> Any:
    """Whether every unshifted exponential of a row underflows. Boolean `[k]`."""
    cloud = evidence.cloud
    assert cloud is not None
    mu, variance = level
    points, at = reference.grid(cloud.points), reference.grid(cloud.at)
    apart = at[:, None, :] - mu * points[None, :, :]
    logits = np.add.reduce(apart * apart, -1) / (2 * variance)
    # Results below the smallest normal number are already inexact.
    end = -balls.ball(evidence.form.smallest).log()
    return np.array([all(compare(x, ">", end) is Truth.TRUE for x in row) for row in logits])


def _cast(evidence: Evidence) -> str | None:
    """Errors of the size of a narrower dtype's rounding everywhere, and erratic like them."""
    if evidence.narrowed is None or evidence.narrowed[1] != "rounding":
        return None
    name, own = evidence.narrowed[0], evidence.form.name
    return (
        f"errors have the size of {name} rounding in a {own} function and are drawn anew when the "
        "input changes a little: something on the way is cast down (a constant, an accumulator, a "
        "parameter)"
    )


def _approximated(evidence: Evidence) -> str | None:
    """Errors of that size which do not change."""
    if evidence.narrowed is None or evidence.narrowed[1] != "approximation":
        return None
    return (
        f"errors have the size of {evidence.narrowed[0]} rounding, but the error does not change "
        "under tiny changes of the input: an approximation (quadrature, series, table, a constant "
        "with few digits) rather than rounding"
    )


def _narrower(evidence: Evidence) -> tuple[str, Fraction, int] | None:
    """The widest narrower dtype whose rounding explains the errors' sizes: name, unit, bits."""
    if not np.isfinite(evidence.got).all():
        return None
    value = np.asarray(evidence.value, dtype=object)
    error = [abs(arb(float(evidence.got[i])) - value[i]) for i in np.ndindex(value.shape)]
    sizes = np.ravel(np.asarray(evidence.allowance.moved + evidence.allowance.terms, dtype=object))
    for name, unit, bits, below in NARROWER.get(evidence.form.name, ()):
        # One error at least is seen as that of a cast: beside the terms, or beside the value.
        least = balls.ball(unit)
        if not any(
            compare(e, ">", (least * size / 2**bits).min(least * abs(v) / 2**4)) is Truth.TRUE
            for e, size, v in zip(error, sizes, np.ravel(value), strict=True)
        ):
            continue
        total = np.ravel(np.asarray(evidence.allowance.total(evidence.form, unit), dtype=object))
        # All rounding errors of one sign and largest size do not happen.
        if all(
            compare(TYPICAL * e, "<=", cast(arb, limit)) is Truth.TRUE
            for e, limit in zip(error, total, strict=True)
        ):
            return name, unit, below
    return None


def _nature(evidence: Evidence, nearby: Nearby, unit: Fraction, below: int) -> Nature | None:
    """What errors these are, from the result at four inputs beside the sample.

    Two differ from it by a change that the narrower dtype swallows, once in the noise level and
    once in the rest; there the change of the error is seen beside the right change of the value and
    beside the error (where the sample is ill-conditioned, roundings may be drawn anew already). Two
    differ by about a unit of the narrower dtype; there errors are compared.
    Medians over entries out of tolerance.
    """
    form = evidence.form
    start = _distances(evidence.got, evidence.value)
    total = np.broadcast_to(
        np.asarray(evidence.allowance.total(form), dtype=object), start.shape
    ).ravel()
    size = evidence.allowance.moved + evidence.allowance.terms
    own = _floats(np.broadcast_to(np.asarray(size, dtype=object), start.shape)) * float(form.unit)
    wrong = np.abs(start).ravel() > _floats(total)
    start, own = start.ravel()[wrong], own.ravel()[wrong]
    value = np.abs(_floats(evidence.value)).ravel()[wrong]

    def look(nudge: Nudge) -> tuple[Floats, Floats] | None:
        """Errors, and right changes of the value."""
        found = nearby(nudge)
        if found is None or not np.isfinite(found[0]).all():
            return None
        right = np.asarray(found[1], dtype=object)
        change = _floats(right - np.asarray(evidence.value, dtype=object))
        return _distances(*found).ravel()[wrong], change.ravel()[wrong]

    off: list[float] = []
    varied: list[float] = []
    is_erratic = False
    for seed, level in enumerate((True, False)):
        seen = look(Nudge(unit / 2**below, form, seed, level=level, rest=not level))
        if seen is None:
            return None
        moved, change = np.abs(seen[0] - start), np.abs(seen[1])
        varied.append(float(np.median(moved / np.abs(start))))
        is_still = bool(np.median(change - STILL * value) <= 0)
        is_erratic = is_erratic or (is_still and varied[-1] >= ASTRAY)
        clear = change > SEEN * own
        if clear.any():
            off.append(float(np.median(moved[clear] / change[clear])))
    errors = [start]
    for seed in (2, 3):
        seen = look(Nudge(COARSE * unit, form, seed))
        if seen is None:
            return None
        errors.append(seen[0])
    spread = np.max(errors, axis=0) - np.min(errors, axis=0)
    again = float(np.median(spread / np.max(np.abs(errors), axis=0)))
    is_erratic = is_erratic or max(off, default=0.0) >= ASTRAY
    if is_erratic and again >= ERRATIC:
        return "rounding"
    follows = max(off) <= FOLLOWS if off else again <= SMOOTH
    return "approximation" if follows and max(varied) <= SMOOTH else None


def _distances(got: Floats, value: Balls) -> Floats:
    """Signed errors, rounded to floats once."""
    value = np.asarray(value, dtype=object)
    exact = [arb(float(got[index])) - value[index] for index in np.ndindex(value.shape)]
    return _floats(np.array(exact, dtype=object)).reshape(value.shape)


def _floats(values: Balls) -> Floats:
    """Middles of balls."""
    values = np.asarray(values, dtype=object)
    flat = [float(arb(ball).mid()) for ball in values.ravel()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)


def _relu_at_zero(evidence: Evidence) -> Iterator[Prediction]:
    assert evidence.instance is not None and evidence.step is not None
    for words, slope in (("1", Fraction(1)), ("1/2", Fraction(1, 2))):
        yield f" = {words}", reference.sgd_step(evidence.instance, evidence.step, at_zero=slope)


def _step_variants(evidence: Evidence) -> Iterator[Prediction]:
    """A step with mu or sigma wrong in the noised point, or in the target."""
    instance, step = evidence.instance, evidence.step
    assert instance is not None and step is not None
    batch = reference.batch(instance, step)
    right = (batch.mu, batch.sigma)
    one = batch.sigma / batch.sigma
    for words, level in (
        (": mu is missing in the noised point", (one, right[1])),
        (": sigma is missing in the noised point", (right[0], one)),
        (": sigma^2 in place of sigma in the noised point", (right[0], right[1] * right[1])),
    ):
        yield words, _step_of(evidence, replace(batch, mu=level[0], sigma=level[1]))
    yield (
        ": the target is Z in place of Z/sigma",
        _step_of(evidence, replace(batch, target=batch.draws)),
    )
    yield (
        ": the target is Z/sigma^2",
        _step_of(evidence, replace(batch, target=batch.target / batch.sigma)),
    )


def _step_of(evidence: Evidence, batch: reference.Batch) -> Balls:
    assert evidence.step is not None
    return reference.stepped(batch, evidence.step)


def _middle(ball: arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


MISTAKES: Final[Sequence[Mistake | Symptom]] = (
    Symptom("no max shift", SCORE, _no_shift),
    Symptom("1 - exp(-2t)", ALL, _vanished),
    Mistake(
        "1 - exp(-2t)",
        "sigma^2 was computed as 1 - exp(-2t), which cancels at small t: write -expm1(-2t)",
        ALL,
        _cancelled,
    ),
    Mistake(
        "kink at 0",
        "a pre-activation is exactly 0 there, where the convention is relu'(0) = 0; it was taken as"
        " relu'(0)",
        STEP,
        _relu_at_zero,
    ),
    Mistake("boundary term", "the term of the kinks (Dirac)", CURVATURES, _boundary),
    Mistake(
        "Gauss-Newton",
        "only 2 E[grad s grad s^T] came back: the term 2 E[f hess s] is missing",
        CURVATURES,
        _gauss_newton,
    ),
    Mistake(
        "order of groups",
        "the groups of parameters are in another order than asked for",
        frozenset({"hessian"}),
        _group_order,
    ),
    Mistake(
        "factor 2",
        "a factor 2 is missing or one too many (the derivative of a square, a loss with 1/2)",
        ALL,
        _factors(("2", lambda _: arb(2)), ("1/2", lambda _: arb(1) / 2)),
        by_blocks=True,
    ),
    Mistake(
        "sign",
        "the sign is wrong",
        ALL,
        _factors(("-1", lambda _: arb(-1))),
        by_blocks=True,
    ),
    Mistake(
        "batch size",
        "sum and mean over the batch (1/|B|) are mixed up",
        STEP,
        _factors(("|B|", _count), ("1/|B|", lambda e: 1 / _count(e))),
        by_blocks=True,
    ),
    Mistake(
        "factor m",
        "a factor m (the width) is missing or one too many",
        VALUES | STEP,
        _factors(
            ("m", _width),
            ("1/m", lambda e: 1 / _width(e)),
            ("m^2", lambda e: _width(e) ** 2),
            ("1/m^2", lambda e: 1 / _width(e) ** 2),
        ),
        by_blocks=True,
    ),
    Mistake(
        "factor m", "a factor m (the width) is missing or one too many", CURVATURES, _gram_factor
    ),
    Mistake(
        "other groups",
        "it is the largest eigenvalue of the Hessian over",
        frozenset({"largest_eigenvalue"}),
        _other_groups,
    ),
    Mistake("output factor", "the network's factor 1/m is wrong", VALUES | STEP, _unscaled_network),
    Mistake(
        "factor n",
        "sum and mean over the sample (1/n) are mixed up",
        SCORE | VALUES | STEP,
        _factors(("n", lambda e: arb(e.size)), ("1/n", lambda e: 1 / arb(e.size))),
        by_blocks=True,
    ),
    Mistake(
        "target sign",
        "the residual was taken as s - Z/sigma; the target of s is -Z/sigma, so it is s + Z/sigma",
        VALUES | STEP,
        _target_sign,
    ),
    Mistake(
        "target scale",
        "the target -Z/sigma is scaled wrongly",
        VALUES - {"largest_eigenvalue"},
        _target_scale,
    ),
    Mistake("not the score", "another function of the posterior came back", SCORE, _denoiser),
    Mistake("mu or sigma", "the noise level enters wrongly", SCORE, _variants),
    Mistake("mu or sigma", "the noise level enters wrongly", STEP, _step_variants),
    Mistake(
        "power of sigma",
        "a power of sigma is missing or one too many",
        ALL,
        _factors(
            ("sigma", _sigma),
            ("sigma^2", lambda e: _sigma(e) ** 2),
            ("1/sigma", lambda e: 1 / _sigma(e)),
            ("1/sigma^2", lambda e: 1 / _sigma(e) ** 2),
        ),
        by_blocks=True,
    ),
    Mistake(
        "power of mu",
        "a factor mu is missing or one too many",
        SCORE | VALUES | STEP,
        _factors(("mu", _mu), ("1/mu", lambda e: 1 / _mu(e))),
        by_blocks=True,
    ),
    Symptom("float32 accumulation", ALL, _cast),
    Symptom("approximation", ALL, _approximated),
)
"""Known mistakes, the most specific first."""
