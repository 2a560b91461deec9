"""Certified values at the exact numbers that a user's function was given.

A sample is first rounded to the dtype; what comes after is exact: the values here are those of the
formulas at the rounded numbers, enclosed in balls. Precision rises until the enclosure is far
narrower than the dtype's rounding; where it does not get there the answer is `Undecided`.

| letter | here | meaning |
|---|---|---|
| B | | points in a batch |
| y_j | | noised points of a batch, mu x_{i_j} + sigma z_j |
| r_j | | residual s(y_j) + z_j / sigma |
| a_jl | | pre-activation w1_l y_j + b_l |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, Literal, TypeVar, cast, get_args

import numpy as np

from dsmverify import express
from dsmverify.errors import InputError, show
from dsmverify.exact import nearest_decimal, parse_exact, spell
from dsmverify.formulas import curvature
from dsmverify.formulas import risk as risks
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.formulas.setting import Network, Sample
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.numbers import Integers
from dsmverify.spectra import largest_eigenvalue as enclosed_largest_eigenvalue
from dsmverify.systems import balls
from dsmverify.testing.arrays import Format
from dsmverify.testing.comparison import Undecided
from dsmverify.truth import sign

__tracebackhide__ = True  # a failure shows the line of the test, not those of the kit

Balls = Any
"""NumPy object arrays of balls, or one ball."""

T = TypeVar("T")

Noise = Literal["mu_sigma", "time"]
"""How a callable is told the noise level."""

StepFactor = Literal["m", "1"]

LEVELS: Final = (128, 256, 512, 1024, 2048, 4096, 8192)
"""Working precisions, in bits, tried one after the other."""

BUDGET: Final = LEVELS[-1]
"""Precision at which an enclosure is given up."""


@dataclass(frozen=True)
class Cloud:
    """A sample in any dimension, and the points where a score is asked for.

    Attributes:
        points: `[n][d]`.
        noise: noise level.
        at: `[k][d]`.
    """

    points: tuple[tuple[Fraction, ...], ...]
    noise: NoiseLevel
    at: tuple[tuple[Fraction, ...], ...]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.points[0])


@dataclass(frozen=True)
class Step:
    """One step of stochastic gradient descent on a batch, all exact.

    Attributes:
        learning_rate: eta.
        indices: `[B]`, which training point each noised point comes from.
        draws: `[B]`, standard normal draws z_j.
        reduction: the loss is the `"mean"` or `"sum"` over the batch.
        step_factor: the gradient is multiplied by eta `"m"` (the paper's) or eta `"1"`.
        parameters: groups that the step moves.
    """

    learning_rate: Fraction
    indices: tuple[int, ...]
    draws: tuple[Fraction, ...]
    reduction: Literal["mean", "sum"] = "mean"
    step_factor: StepFactor = "m"
    parameters: tuple[Parameter, ...] = PAPER_PARAMETERS


def rounded(instance: Instance, form: Format, noise: Noise = "mu_sigma") -> Instance:
    """The instance whose numbers are the dtype's nearest ones, spelled as the callable gets them.

    `mu` and `sigma` are rounded to the nearest number of the dtype strictly between 0 and 1. The
    learning rate is rounded; a bound on outer weights is dropped.

    Raises:
        InputError: numbers beyond the dtype's range, points that the dtype cannot tell apart, a
            noise level whose square underflows, or `noise="time"` for a sample that no time fits.
    """
    network = instance.network
    if network is not None:
        inner, bias, outer = (
            _rounded_all(values, form, f"network.{name}")
            for name, values in (
                ("inner_weights", network.inner_weights),
                ("biases", network.biases),
                ("outer_weights", network.outer_weights),
            )
        )
        network = NetworkData(inner, bias, outer)
    points = _rounded_all(instance.points, form, "points")
    for index, (left, right) in enumerate(pairwise(points)):
        if left == right:
            raise InputError(
                "sample",
                f"x[{index}] and x[{index + 1}] are both {spell(left)} in {form.name}",
                "points must differ after rounding to the dtype",
                "use a wider dtype, or points farther apart",
            )
    eta = instance.learning_rate
    return replace(
        instance,
        points=points,
        noise=rounded_noise(instance.noise, form, noise),
        network=network,
        at=_rounded_all(instance.at, form, "at"),
        learning_rate=None if eta is None else round_one(eta, form, "learning_rate"),
        notes=(),
    )


def rounded_noise(level: NoiseLevel, form: Format, noise: Noise) -> NoiseLevel:
    """A noise level in the spelling that the callable gets, in numbers of the dtype.

    Raises:
        InputError: as in `rounded`.
    """
    if noise not in get_args(Noise):
        raise InputError(
            "noise",
            show(noise),
            "the noise level is given as mu and sigma or as a time",
            "give 'mu_sigma' or 'time'",
        )
    if noise == "time":
        time = level.time
        if time is None:
            time = _time_of(level, form)
        made = NoiseLevel(time=round_one(time, form, "time"))
    else:
        with precision(max(256, 4 * form.digits)):
            mu, sigma = (_middle(value) for value in level.values(balls.SYSTEM))
        made = NoiseLevel(
            mu=_inside(level.rational_mu or mu, form, "mu"),
            sigma=_inside(level.sigma or sigma, form, "sigma"),
        )
    with precision(256):
        square = _middle(made.values(balls.SYSTEM)[1]) ** 2
    if square < form.smallest:
        raise InputError(
            "sigma",
            f"sigma^2 is about {nearest_decimal(square, 3)}",
            f"{form.name} cannot hold sigma^2 without underflow",
            "use a wider dtype, or a larger noise level",
        )
    return made


def round_one(value: Fraction, form: Format, name: str) -> Fraction:
    """Nearest number of the dtype.

    Raises:
        InputError: beyond its range.
    """
    result = form.round(value)
    if abs(result) > form.largest:
        raise InputError(
            name,
            f"about {nearest_decimal(value, 6)}",
            f"{form.name} ends at {nearest_decimal(form.largest, 6)}",
            "use a wider dtype, or smaller numbers",
        )
    return result


def cloud(
    points: Any,
    at: Any,
    noise: NoiseLevel,
    form: Format,
    spelling: Noise = "mu_sigma",
) -> Cloud:
    """A sample `[n]` or `[n, d]` and points `[k]` or `[k, d]`, rounded to the dtype.

    Raises:
        InputError: ragged rows, other shapes, or numbers out of the dtype's range.
    """
    rows, places = table(points, "points"), table(at, "at")
    if len({len(row) for row in (*rows, *places)}) > 1:
        raise InputError(
            "at",
            f"points of {len(rows[0])} coordinates and places of {len(places[0])}",
            "all must have the same dimension",
            "give at with as many columns as points",
        )
    return Cloud(
        tuple(_rounded_all(row, form, f"points[{i}]") for i, row in enumerate(rows)),
        rounded_noise(noise, form, spelling),
        tuple(_rounded_all(row, form, f"at[{i}]") for i, row in enumerate(places)),
    )


def table(values: Any, name: str) -> tuple[tuple[Fraction, ...], ...]:
    """Exact rows of numbers given as `[n]` (rows of one) or `[n, d]`.

    Raises:
        InputError: no numbers, no rows, or rows of different lengths.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, list | tuple):
        raise InputError(name, show(values), "it must be an array or a list of numbers", "give one")
    rows = [
        tuple(parse_exact(v, field=f"{name}[{i}]") for v in (row if _is_row(row) else (row,)))
        for i, row in enumerate(values)
    ]
    if not rows or len({len(row) for row in rows}) > 1 or not rows[0]:
        raise InputError(
            name,
            f"{len(rows)} rows of {sorted({len(row) for row in rows})} numbers",
            "there must be at least one row, and all must have the same length",
            "give [n] or [n, d] numbers",
        )
    return tuple(rows)


def enclose(compute: Callable[[], T], is_fine: Callable[[T], bool], name: str, budget: int) -> T:
    """A result at the first precision at which it is narrow enough.

    Args:
        compute: gives the result at the working precision.
        is_fine: whether it is narrow enough.
        name: what to call it.
        budget: precision, in bits, beyond which nothing is tried.

    Raises:
        Undecided: none was.
    """
    for bits in LEVELS:
        if bits > budget:
            break
        with precision(bits):
            result = compute()
            if is_fine(result):
                return result
    raise Undecided(
        f"{name}: the certified value could not be enclosed far below the dtype's rounding with "
        f"{budget} bits; nothing was compared. Raise budget=, or choose a less extreme sample"
    )


def score(given: Cloud, *, mu: Balls = None, sigma: Balls = None) -> Balls:
    """`s*(y)` at every place of a cloud. `[k, d]`, enclosures.

    With a the training point nearest y and `L_j = mu (x_j - x_a) . (2 (y - mu x_a) - mu (x_j -
    x_a)) / (2 sigma^2)`, which is `(|y - mu x_a|^2 - |y - mu x_j|^2) / (2 sigma^2)`,
    `s* = (mu sum_j softmax(L)_j (x_j - x_a) - (y - mu x_a)) / sigma^2`. Any anchor gives the same
    value; the nearest one bounds every exponential by about 1.

    Args:
        given: the exact sample and places.
        mu: another signal factor, for the values that a mistake would give.
        sigma: another noise level.

    Source: eqs. 6 and 9, pp. 4 and 7, in d dimensions.
    """
    level = given.noise.values(balls.SYSTEM)
    mu, sigma = (level[0] if mu is None else mu), (level[1] if sigma is None else sigma)
    points, at = grid(given.points), grid(given.at)
    weights, apart, offset = posterior(given, points, at, (mu, sigma))
    pull = np.add.reduce(weights[:, :, None] * apart, axis=1)
    return (mu * pull - offset) / (sigma * sigma)


def posterior(
    given: Cloud, points: Balls, at: Balls, level: tuple[Balls, Balls]
) -> tuple[Balls, Balls, Balls]:
    """`alpha_j(y)` `[k, n]`, `x_j - x_a` `[k, n, d]` and `y - mu x_a` `[k, d]`."""
    mu, sigma = level
    anchor = nearest_points(given)
    apart = points[None, :, :] - points[anchor][:, None, :]
    offset = at - mu * points[anchor]
    towards = 2 * offset[:, None, :] - mu * apart
    logits = mu * np.add.reduce(apart * towards, axis=-1) / (2 * sigma * sigma)
    ratios = balls.SYSTEM.exp(logits)
    return ratios / np.add.reduce(ratios, axis=-1)[:, None], apart, offset


def nearest_points(given: Cloud) -> Integers:
    """Index of the training point whose mean is nearest each place, exactly up to mu's rounding."""
    mu = given.noise.rational_mu
    if mu is None:
        mu = Fraction(float(np.exp(-float(cast(Fraction, given.noise.time)))))

    def distance(y: tuple[Fraction, ...], x: tuple[Fraction, ...]) -> Fraction:
        return sum(((p - mu * q) ** 2 for p, q in zip(y, x, strict=True)), Fraction(0))

    count = range(len(given.points))
    return np.array([min(count, key=lambda j: distance(y, given.points[j])) for y in given.at])


def setting(instance: Instance) -> tuple[Sample[Any], Network[Any]]:
    """Sample and network of an instance in balls."""
    return express.sample(balls.SYSTEM, instance), express.network(balls.SYSTEM, instance)


def risk(instance: Instance) -> Balls:
    """`R_n(theta)`, an enclosure."""
    return risks.risk(balls.SYSTEM, *setting(instance))


def gradient(
    instance: Instance, parameters: Sequence[Parameter] = ("outer", "bias", "inner")
) -> Balls:
    """`grad R_n(theta)`, the groups one after the other. `[groups * m]`, enclosures."""
    return risks.gradient(balls.SYSTEM, *setting(instance), parameters)


def hessian(
    instance: Instance,
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    *,
    boundary: bool = True,
) -> Balls:
    """`hess R_n(theta)`. `[groups * m, groups * m]`, enclosures.

    Args:
        instance: with a network.
        parameters: groups, in the order of rows and columns.
        boundary: with the terms of the kinks; without them it is the mean of the pointwise Hessian.
    """
    return curvature.hessian(balls.SYSTEM, *setting(instance), parameters, boundary=boundary)


def largest_eigenvalue(matrix: Balls) -> Balls:
    """Enclosure of the largest eigenvalue of a symmetric ball matrix.

    Where the verified one is not finite (a matrix that is 0 but for entries like exp(-10^9), which
    floats do not see) that of Gershgorin, from the largest diagonal entry.
    """
    found = enclosed_largest_eigenvalue(matrix)
    if found.is_finite():
        return found
    diagonal = np.diagonal(matrix)
    off = np.add.reduce(abs(matrix), axis=1) - abs(diagonal)
    low, high = diagonal[0], diagonal[0] + off[0]
    for place in range(1, len(matrix)):
        low, high = low.max(diagonal[place]), high.max(diagonal[place] + off[place])
    return low.union(high)


def sgd_step(instance: Instance, step: Step, *, at_zero: Fraction = Fraction(0)) -> Balls:
    """Parameters after one step, the groups of `step.parameters` one after the other.

    `theta - f eta (1/B or 1) sum_j 2 r_j ds(y_j)/dtheta` with f = m or 1, `ds/dw2_l =
    relu(a_jl)/m`, `ds/db_l = w2_l relu'(a_jl)/m`, `ds/dw1_l = w2_l y_j relu'(a_jl)/m`. Signs of
    pre-activations are decided exactly for rational mu and sigma.

    Args:
        instance: with a network.
        step: the batch and the step.
        at_zero: relu'(0), 0 by convention; another value gives what a mistake would.

    Returns:
        `[groups * m]`: enclosures, of a rational number for rational mu and sigma.

    Raises:
        Undecided: for an irrational noise level, a pre-activation whose sign is not certain.
    """
    return stepped(batch(instance, step), step, at_zero)


@dataclass(frozen=True)
class Batch:
    """Numbers of one step in any number system. Object arrays `[B]`, `[B]`, `[B]`, and `[m]`.

    Attributes:
        points: training point of each noised point.
        draws: z_j.
        target: z_j / sigma.
        mu: signal factor.
        sigma: noise level.
        learning_rate: eta.
        inner: w1.
        bias: b.
        outer: w2.
    """

    points: Any
    draws: Any
    target: Any
    mu: Any
    sigma: Any
    learning_rate: Any
    inner: Any
    bias: Any
    outer: Any

    @property
    def noised(self) -> Any:
        """`y_j = mu x_j + sigma z_j`. `[B]`."""
        return self.mu * self.points + self.sigma * self.draws

    @property
    def before(self) -> Any:
        """Pre-activations. `[B, m]`."""
        return self.inner[None, :] * self.noised[:, None] + self.bias[None, :]


def batch(
    instance: Instance,
    step: Step,
    convert: Callable[[Fraction], Any] | None = None,
    level: tuple[Any, Any] | None = None,
) -> Batch:
    """Numbers of a step, each converted; exact for rational mu and sigma by default, else balls.

    Args:
        instance: with a network.
        step: the batch and the step.
        convert: from an exact number to the number system.
        level: mu and sigma there.
    """
    data, noise = instance.network, instance.noise
    assert data is not None
    if level is None:
        if noise.mu is not None and noise.sigma is not None:
            level = noise.mu, noise.sigma
        else:
            level = noise.values(balls.SYSTEM)
    if convert is None:
        convert = Fraction if isinstance(level[0], Fraction) else balls.ball

    def vector(values: Sequence[Fraction]) -> Any:
        result = np.empty(len(values), dtype=object)
        result[:] = [convert(value) for value in values]
        return result

    draws = vector(step.draws)
    return Batch(
        vector([instance.points[i] for i in step.indices]),
        draws,
        draws / level[1],
        level[0],
        level[1],
        convert(step.learning_rate),
        vector(data.inner_weights),
        vector(data.biases),
        vector(data.outer_weights),
    )


def stepped(given: Batch, step: Step, at_zero: Fraction = Fraction(0)) -> Balls:
    """The formula of `sgd_step` on given numbers, in balls. `[groups * m]`.

    Raises:
        Undecided: as there.
    """
    moved = moved_parameters(given, step, activity(given.before, at_zero))
    return np.frompyfunc(lambda x: balls.ball(x) if isinstance(x, Fraction) else x, 1, 1)(moved)


def moved_parameters(given: Batch, step: Step, active: Any) -> Any:
    """The formula of `sgd_step`, given relu' of every pre-activation, `[B, m]`."""
    width, count = len(given.outer), len(given.draws)
    hidden = given.before * (active != 0).astype(int).astype(object)
    residual = np.add.reduce(hidden * given.outer, axis=-1) / width + given.target
    slope = np.frompyfunc(balls.ball, 1, 1)(active)
    if isinstance(given.sigma, Fraction):
        slope = active
    groups = {
        "outer": lambda: hidden,
        "bias": lambda: given.outer[None, :] * slope,
        "inner": lambda: given.outer[None, :] * slope * given.noised[:, None],
    }
    factor = 2 * given.learning_rate / (1 if step.step_factor == "m" else width)
    if step.reduction == "mean":
        factor = factor / count
    start = {"outer": given.outer, "bias": given.bias, "inner": given.inner}
    return np.concatenate(
        [
            start[name] - factor * np.add.reduce(residual[:, None] * groups[name](), axis=0)
            for name in step.parameters
        ]
    )


def activity(before: Any, at_zero: Fraction = Fraction(0)) -> Any:
    """Relu' of pre-activations, decided exactly: 0, 1 or `at_zero`, `Fraction`. Same shape.

    Raises:
        Undecided: a sign is not certain.
    """

    def one(value: Any) -> Fraction:
        if isinstance(value, Fraction):
            side = (value > 0) - (value < 0)
        else:
            side = sign(value)
            if side == 0 and not value.is_zero():
                raise Undecided(
                    "sgd_step: a pre-activation may be 0 or not, which decides whether its neuron "
                    "is active; give mu and sigma in place of a time, or other draws"
                )
        return Fraction(1) if side > 0 else Fraction(0) if side < 0 else at_zero

    return np.frompyfunc(one, 1, 1)(before)


def grid(rows: Sequence[Sequence[Fraction]]) -> Balls:
    """Balls around the entries of a table."""
    return balls.SYSTEM.constant(np.array(rows, dtype=object))


def precision(bits: int) -> Any:
    """Run a block of ball arithmetic at a working precision."""
    # certify imports the whole engine; only a test that runs needs it.
    from dsmverify.certify import precision as block

    return block(bits)


def _rounded_all(values: Sequence[Fraction], form: Format, name: str) -> tuple[Fraction, ...]:
    return tuple(round_one(value, form, f"{name}[{i}]") for i, value in enumerate(values))


def _inside(value: Fraction, form: Format, name: str) -> Fraction:
    """Nearest number of the dtype strictly between 0 and 1."""
    result = round_one(value, form, name)
    if result >= 1:
        return 1 - form.unit
    if result <= 0:
        raise InputError(
            name,
            f"about {nearest_decimal(value, 3)}",
            f"it is 0 in {form.name}",
            "use a wider dtype, or a larger noise level",
        )
    return result


def _middle(ball: Any) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _time_of(level: NoiseLevel, form: Format) -> Fraction:
    """`t = -ln(1 - sigma^2)/2`, for a level whose mu is sqrt(1 - sigma^2)."""
    assert level.sigma is not None
    if level.mu is not None and level.mu**2 + level.sigma**2 != 1:
        raise InputError(
            "noise",
            f"'time' with mu = {spell(level.mu)} and sigma = {spell(level.sigma)}",
            "no time has this mu and this sigma",
            "give the sample by its time, or by sigma alone",
        )
    with precision(max(256, 4 * form.digits)):
        return -_middle((-(balls.ball(level.sigma) ** 2)).log1p()) / 2


def is_nested(values: Any) -> bool:
    """Whether numbers are given as `[n, d]` rather than `[n]`."""
    if hasattr(values, "shape"):
        return len(values.shape) > 1
    return bool(values) and _is_row(values[0])


def _is_row(value: object) -> bool:
    return isinstance(value, list | tuple)
