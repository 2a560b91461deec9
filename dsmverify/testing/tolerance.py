"""How far a right implementation may be from the certified value, entry by entry.

`tolerance = r + C u (K + S) + tiny`, every part of which is printed when a test fails:

| letter | here | meaning |
|---|---|---|
| r | | radius of the certified enclosure |
| u | `Format.unit` | unit roundoff of the dtype |
| K | `moved` | what a relative change u of every input moves, over u; certified, to first order |
| S | `terms` | sum of the absolute values of the terms that the quantity is made of |
| C | `operations` | length of the longest chain of rounded operations, in any order of the sums |
| tiny | `tiny` | what underflow to 0 may cost |

S is what an implementation may add up without looking for a better way: every neuron counts as
active (an erf written as 1 + erf), logits are not shifted, sums run over points and neurons as they
come. A sum of N terms in any order has a relative error of at most about N u of the sum of their
absolute values, sums inside one another N_1 + N_2 + ... (Higham's gamma); C counts those lengths
and `ELEMENTARY` roundings for the operations within a term.

Letters of the terms, for point i and neuron l:

| letter | meaning |
|---|---|
| Y | mu x_i + sigma Z |
| V_i | mu abs(x_i) + sigma, bounds the root mean square of Y |
| H_il | abs(w1_l) V_i + abs(b_l), bounds that of the pre-activation, and so of relu |
| T_i | (1/m) sum_l abs(w2_l) H_il, bounds that of s(Y) |
| D_i | T_i + 1/sigma, bounds that of the residual s(Y) + Z/sigma |
| t_l | the kink -b_l/w1_l |
| E_il | abs(t_l) + mu abs(x_i), what is subtracted to find the kink as seen from the mean |
| F_il | bounds the residual at t_l: mean_k abs(w2_k) (abs(w1_k t_l) + abs(b_k)) + E_il/sigma^2 |
| p_il | density of N(mu x_i, sigma^2) at t_l |

By Cauchy and Schwarz products of bounds on root mean squares bound the mean of the product, on any
set of neurons' pieces. A kink is found with an error of at most `e = C u E_il/sigma` noise levels,
and an integral whose integrand is g up to the kink moves by at most `abs(g)` times the mass that
it passes: `abs(g) q_il`, with `q = min(1, e phi(max(0, abs(z) - e)))` for a kink at z. That is what
the subtraction `t_l - mu x_i` costs far from the origin, the second kind of term below; it is
written as `Q_il = q_il / (C u)`, near `E_il p_il` where e is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, Final

import numpy as np
from flint import arb

from dsmverify.errors import InputError
from dsmverify.exact import lower_decimal, nearest_decimal, upper_decimal
from dsmverify.formulas import curvature
from dsmverify.formulas import risk as risks
from dsmverify.formulas.network import pieces
from dsmverify.formulas.risk import Parameter
from dsmverify.instance import Instance
from dsmverify.numbers import inverse_order
from dsmverify.systems import balls
from dsmverify.testing import jets, reference
from dsmverify.testing.arrays import Floats, Format
from dsmverify.testing.comparison import Entry
from dsmverify.testing.reference import Balls, Cloud, Step
from dsmverify.truth import Truth, compare

ELEMENTARY: Final = 32
"""Roundings within one term: a dozen products and quotients, an exp or erf of a few ulps each."""

FINE_BITS: Final = 20
"""An enclosure is narrow enough when it is 2^-20 of the dtype's rounding of the terms."""

TELLING: Final = 8
"""A tolerance of 1/8 of the largest value tells it from 0, from its negative, from its half and its
double, with room to spare; a wider one tells hardly a digit, and what passes it has shown nothing.
"""

DIGITS: Final = 20
"""Significant digits of printed enclosures."""

SIDES: Final = 4
"""Roundings between a residual found from the piece on its left and from that on its right."""

MOST_MOVED: Final = 16
"""Factors of a term of the Hessian, each of which an input may change by u, with room to spare."""

_exp = balls.SYSTEM.exp


@dataclass(frozen=True)
class Allowance:
    """Parts of the tolerance of a quantity. Object arrays of exact balls in the result's shape.

    Attributes:
        moved: K.
        terms: S.
        operations: C.
        scale: powers of 1/sigma that a number that underflowed may be multiplied by.
    """

    moved: Balls
    terms: Balls
    operations: int
    scale: Any

    def tiny(self, form: Format) -> Balls:
        """Every term may lose a number below the smallest normal one, then scaled up."""
        return balls.ball(form.smallest) * self.operations * self.scale * (1 + self.terms)

    def total(self, form: Format, unit: Fraction | None = None) -> Balls:
        """`C u (K + S) + tiny`, with u of the dtype or another one."""
        scale = self.operations * balls.ball(form.unit if unit is None else unit)
        return scale * (self.moved + self.terms) + self.tiny(form)


def is_fine(value: Balls, allowance: Allowance, form: Format) -> bool:
    """Whether every enclosure is far narrower than the dtype's rounding of its terms."""
    wanted = balls.ball(form.unit) * (allowance.terms + balls.ball(form.smallest)) / 2**FINE_BITS
    return all(
        compare(arb(ball.rad()), "<=", arb(limit.lower())) is Truth.TRUE
        for ball, limit in zip(np.ravel(value), np.ravel(wanted), strict=True)
    )


def check_range(allowance: Allowance, form: Format, name: str) -> None:
    """Refuse a sample whose terms the dtype cannot hold.

    Raises:
        InputError: a right implementation could overflow there.
    """
    limit = balls.ball(form.largest) / 16
    for terms in np.ravel(allowance.terms):
        if compare(terms, "<", limit) is not Truth.TRUE:
            raise InputError(
                "sample",
                f"terms of the {name} reach {terms.str(3, radius=False)}",
                f"{form.name} ends at {nearest_decimal(form.largest, 3)}",
                "use a wider dtype, or a less extreme sample",
            )


def untold(
    value: Balls, allowance: Allowance, form: Format, part: slice = slice(None)
) -> int | None:
    """The largest entry, where the tolerance there is not below 1/`TELLING` of it; None otherwise.

    None as well where every value is certainly within `u^2` of its terms of 0 (it is 0, or neurons
    are dead): 0 is the right answer then, and the tolerance says how near to it one must come, if
    it is below 1/`TELLING` of the terms.

    Args:
        value: `[...]`, enclosures.
        allowance: parts of the tolerance.
        form: the dtype.
        part: entries that are seen as one, of all entries in C order.

    Returns:
        Its place in the part.
    """
    shape = np.shape(value)
    entries, total, terms = (
        np.ravel(np.broadcast_to(np.asarray(each, dtype=object), shape))[part]
        for each in (value, allowance.total(form), allowance.terms)
    )
    largest, widest = (_largest_place(each) for each in (entries, terms))
    if _is_below(total[largest] + arb(entries[largest].rad()), entries[largest]):
        return None
    smallest, unit = balls.ball(form.smallest), balls.ball(form.unit)
    is_zero = all(
        compare(abs(entry), "<=", smallest + unit * unit * size) is Truth.TRUE
        for entry, size in zip(entries, terms, strict=True)
    )
    is_near = bool(terms[widest] == 0) or _is_below(total[widest], terms[widest])
    return None if is_zero and is_near else largest


def _is_below(tolerance: arb, size: arb) -> bool:
    return compare(TELLING * tolerance, "<", abs(size)) is Truth.TRUE


def _largest_place(values: Balls) -> int:
    middles = [abs(arb(ball).mid()) for ball in values]
    return middles.index(max(middles))


def judge(
    got: Floats, value: Balls, allowance: Allowance, form: Format, places: Sequence[str]
) -> tuple[Entry, ...]:
    """Every entry of a result beside its enclosure.

    An entry passes only where `|got - middle| <= radius + C u (K + S) + tiny` is certain.

    Args:
        got: `[...]`, the user's numbers.
        value: `[...]`, enclosures.
        allowance: parts of the tolerance.
        form: the dtype.
        places: names of the entries, in C order.
    """
    value = np.asarray(value, dtype=object)
    parts: tuple[Balls, ...] = tuple(
        np.broadcast_to(np.asarray(part, dtype=object), value.shape)
        for part in (allowance.moved, allowance.terms, allowance.tiny(form), allowance.total(form))
    )
    moved, terms, tiny, total = parts
    entries = []
    for where, index in zip(places, np.ndindex(value.shape), strict=True):
        ball, number = value[index], float(got[index])
        radius = arb(ball.rad())
        tolerance = radius + total[index]
        error = abs(arb(number) - ball.mid())
        passed = bool(np.isfinite(number)) and compare(error, "<=", tolerance) is Truth.TRUE
        size = (moved[index] + terms[index]) / abs(ball)
        entries.append(
            Entry(
                index=index,
                where=where,
                got=number,
                lower=lower_decimal(ball, DIGITS),
                upper=upper_decimal(ball, DIGITS),
                error=_float(error) if np.isfinite(number) else float("inf"),
                tolerance=_float(tolerance),
                ulps=_float(error / _ulp(ball, form)) if np.isfinite(number) else float("inf"),
                condition=_float(size) if size.is_finite() else float("inf"),
                radius=_float(radius),
                moved=_float(moved[index]),
                terms=_float(terms[index]),
                tiny=_float(tiny[index]),
                passed=passed,
            )
        )
    return tuple(entries)


def score(given: Cloud, form: Format) -> Allowance:
    """Allowance of `s*_c(y) = (mu E[W_c] - y_c)/sigma^2`, at every place and coordinate. `[k, d]`.

    With `L_j = |y - mu x_j|^2/(2 sigma^2)`, `m = E[W]` and `dx_j = x_j - m`:

    - derivatives: `ds_c/dy_e = (mu^2 Cov(W_c, W_e)/sigma^2 - [c = e])/sigma^2`,
      `ds_c/dx_je = mu alpha_j ([c = e] + dx_jc mu (y - mu x_j)_e/sigma^2)/sigma^2`,
      `ds_c/dmu = (m_c + mu E[dW_c W.(y - mu W)]/sigma^2)/sigma^2`,
      `ds_c/dsigma = -2 s_c/sigma + 2 mu E[dW_c L]/sigma^3`; a time moves mu by `t mu` and sigma by
      `t mu^2/sigma`;
    - terms: `mu E|W_c|/sigma^2 + |y_c|/sigma^2`, and `mu E[|dW_c| L]/sigma^2`, since logits that
      are not shifted carry a relative rounding each, which moves the weights by
      `alpha_j u L_j`. Where the dtype cannot tell which of several points is nearest the change is
      not linear any more: `_jump` then bounds what the weights do, in K and in S, and the rest of K
      is at most four times the other terms.
    """
    mu, sigma = given.noise.values(balls.SYSTEM)
    points, at = reference.grid(given.points), reference.grid(given.at)
    weights, apart, offset = reference.posterior(given, points, at, (mu, sigma))
    variance = sigma * sigma
    shift = np.add.reduce(weights[:, :, None] * apart, axis=1)  # [k, d], m - x_a
    deviation = apart - shift[:, None, :]  # [k, n, d]
    residual = offset[:, None, :] - mu * apart  # [k, n, d], y - mu x_j
    mean = (at - offset) / mu + shift  # [k, d], m
    logits = np.add.reduce(residual * residual, axis=-1) / (2 * variance)
    value = (mu * shift - offset) / variance
    by_weight = weights[:, :, None] * deviation  # [k, n, d], alpha_j dx_j

    covariance = np.add.reduce(by_weight[:, :, :, None] * deviation[:, :, None, :], axis=1)
    same = balls.SYSTEM.constant(np.eye(given.dimension, dtype=int))
    by_y = (mu * mu * covariance / variance - same) / variance
    moved = np.add.reduce(abs(by_y * at[:, None, :]), axis=-1)
    pulls = weights[:, :, None, None] * same
    by_x = mu / variance * (pulls + mu / variance * by_weight[..., None] * residual[:, :, None, :])
    moved = moved + np.add.reduce(np.add.reduce(abs(by_x * points[None, :, None, :]), -1), 1)
    towards = np.add.reduce(points[None, :, :] * residual, axis=-1)  # [k, n], x_j . (y - mu x_j)
    by_mu = (mean + mu / variance * np.add.reduce(by_weight * towards[..., None], 1)) / variance
    tilt = np.add.reduce(by_weight * logits[..., None], 1)
    by_sigma = (-2 * value + 2 * mu * tilt / variance) / sigma
    if given.noise.time is None:
        moved = moved + abs(mu * by_mu) + abs(sigma * by_sigma)
    else:
        time = balls.ball(given.noise.time)
        moved = moved + abs(time * (mu * mu / sigma * by_sigma - mu * by_mu))

    plain = (mu * np.add.reduce(weights[:, :, None] * abs(points), 1) + abs(at)) / variance
    tilted = mu / variance * np.add.reduce(abs(by_weight) * logits[..., None], 1)
    operations = len(given.points) + given.dimension + ELEMENTARY
    blur = abs(residual) * (abs(at)[:, None, :] + 2 * mu * abs(points))
    blur = np.add.reduce(blur, -1) / variance + 3 * logits
    jump, is_linear = _jump(weights, deviation, blur, operations * form.unit)
    jump = mu / variance * jump
    moved = np.where(is_linear, moved, 4 * plain + jump)
    terms = plain + np.where(is_linear, tilted, jump)
    return Allowance(_upper(moved), _upper(terms), operations, _scale(sigma))


def risk(instance: Instance, form: Format) -> Allowance:
    """Allowance of `R_n = (1/n) sum_i E[(s(Y) + Z/sigma)^2]`. A scalar.

    Terms: `(1/n) sum_i D_i^2`, the square multiplied out over neurons with absolute values.
    """
    its = _Terms(instance, form)
    moved = _moved(instance, risks.risk)
    total = np.add.reduce(its.residual * its.residual) / its.n
    return Allowance(moved, _upper(total), its.operations, its.scale)


def gradient(instance: Instance, parameters: Sequence[Parameter], form: Format) -> Allowance:
    """Allowance of the gradient, by groups. `[groups * m]`.

    `dR/dw2_l = (2/m) mean_i E[f relu(a_l)]`, terms `(2/m) mean_i D_i H_il`;
    `dR/db_l = (2/m) w2_l mean_i E[f 1_l]`, terms `(2/m) |w2_l| mean_i (D_i + F_il Q_il)`;
    `dR/dw1_l = (2/m) w2_l mean_i E[f Y 1_l]`, terms
    `(2/m) |w2_l| mean_i (D_i V_i + F_il |t_l| Q_il)`.

    Who differentiates the integrals of f^2 over the pieces between kinks adds `f(t_l)^2 p_il
    dt_l/dtheta` for the piece on one side and takes it away for the other, with f(t_l) found in two
    ways: terms `2 mean_i |f_i(t_l)| A_il p_il`, times `1/|w1_l|` for a bias and `|t_l/w1_l|` for an
    inner weight. `A_il` is F_il with |z_il|/sigma in place of E_il/sigma^2, since both sides
    subtract in the same way; and these terms get `SIDES` roundings in place of C.
    """
    its = _Terms(instance, form)
    moved = _moved(instance, partial(risks.gradient, parameters=parameters))
    means = {
        "outer": its.mean(its.residual[:, None] * its.hidden),
        "bias": its.outer * its.active + its.m * its.ends / its.inner,
        "inner": its.outer * its.active_far + its.m * its.ends * its.kink / its.inner,
    }
    terms = np.concatenate([2 * means[name] / its.m for name in parameters])
    return Allowance(_capped(moved, terms), _upper(terms), its.operations, its.scale)


def hessian(instance: Instance, parameters: Sequence[Parameter], form: Format) -> Allowance:
    """Allowance of the Hessian, `2 E[grad s grad s^T] + 2 E[f hess s]`. `[groups * m] * 2`.

    With g the derivative of `m s` by a parameter of neuron l, bounded in root mean square by
    `G_il = H_il, |w2_l|, |w2_l| V_i` (outer, bias, inner) and at a kink t by
    `g(t) = |w1_l t| + |b_l|` (0 at its own kink), `|w2_l|`, `|w2_l t|`:

    - first part, neurons l and k: `(2/m^2) mean_i (G_il G_ik + Q_il g_l(t_l) g_k(t_l)
      + Q_ik g_l(t_k) g_k(t_k))`;
    - second part, one neuron: outer with bias and outer with inner as in `gradient`, without w2;
    - kinks: `(2/m) |w2_l/w1_l| mean_i F_il (p_il (1 + z_il^2) + r_il)` for two biases, times
      `|t_l|` for each inner weight in place of a bias: an exponential of `-z^2/2` has the relative
      rounding of its exponent, and z is found with an error of e, which moves the density by at
      most `C u r = min(1, e (|z| + e)) phi(max(0, |z| - e))/sigma`;
    - ends of pieces as in `gradient`, differentiated once more, with f(t_l), its slope (at most
      `B = mean_k |w2_k w1_k| + 1/sigma^2`) and g_k(t_l) found in two ways: neuron l's bias or inner
      weight with any parameter of neuron k, `4 mean_i A_il p_il |t_l'| g_k(t_l)/m`; both of neuron
      l, `mean_i (4 A_il B + 2 |f_i(t_l)| A_il |z_il|/sigma) p_il |t_l'|^2`, and
      `2 mean_i |f_i(t_l)| A_il p_il |t_l''|`; with `t' = 1/w1, t/w1` (bias, inner),
      `t'' = 1/w1^2` (bias and inner), `2 t/w1^2` (inner twice).
    """
    its = _Terms(instance, form)
    moved = _moved(instance, partial(curvature.hessian, parameters=parameters))
    rows = [
        np.concatenate([_hessian_block(its, first, second) for second in parameters], axis=1)
        for first in parameters
    ]
    terms = np.concatenate(rows)
    return Allowance(_capped(moved, terms), _upper(terms), its.operations, its.scale)


def largest_eigenvalue(matrix: Balls, allowance: Allowance) -> Allowance:
    """Allowance of the largest eigenvalue of a Hessian with this allowance. A scalar.

    An error matrix E moves it by at most the spectral norm of |E|, which its largest row sum
    bounds; and an eigenvalue solver that is backward stable adds a small multiple of
    `rows u |H|_F`.
    """
    norm = arb(np.add.reduce(np.ravel(matrix * matrix)).abs_upper()).sqrt()
    moved, terms = (
        _largest(np.add.reduce(part, axis=1)) for part in (allowance.moved, allowance.terms)
    )
    return Allowance(
        _upper(moved),
        _upper(terms + norm),
        allowance.operations + len(matrix),
        allowance.scale,
    )


def sgd_step(instance: Instance, step: Step, form: Format) -> Allowance:
    """Allowance of the parameters after a step. `[groups * m]`.

    K is the radius that the formula gives where every number is a ball of relative radius 2^-64,
    times 2^64: no less than the first-order condition. The terms are those of the formula with
    absolute values everywhere, relu counted as the identity. Where a pre-activation is so near 0
    that its rounding may turn the neuron on or off (and it is not computed without any rounding),
    the whole jump is allowed.
    """
    level = instance.noise.values(balls.SYSTEM)
    active = reference.activity(reference.batch(instance, step).before)
    wide = 1 + arb(0, arb(2) ** -64)

    def widened(value: Fraction) -> Any:
        return balls.ball(value) * wide

    if instance.noise.time is None:
        widened_level = (level[0] * wide, level[1] * wide)
    else:
        time = widened(instance.noise.time)
        widened_level = (balls.ball_exp(-time), (-((-2 * time).expm1())).sqrt())
    batch = reference.batch(instance, step, widened, widened_level)
    moved = np.frompyfunc(lambda x: arb(x.rad()) * arb(2) ** 64, 1, 1)(
        reference.moved_parameters(batch, step, active)
    )

    width, count = len(batch.outer), len(step.draws)
    batch = reference.batch(instance, step, lambda x: balls.ball(abs(x)), level)
    place, hidden = batch.noised, batch.before
    residual = np.add.reduce(hidden * batch.outer, -1) / width + batch.target
    factor = 2 * batch.learning_rate / (1 if step.step_factor == "m" else width)
    if step.reduction == "mean":
        factor = factor / count
    loose = _undecided_in_dtype(instance, step, form, hidden)
    derivative = {
        "outer": hidden,
        "bias": batch.outer * np.ones((count, 1), dtype=int).astype(object),
        "inner": batch.outer * place[:, None],
    }
    start = {"outer": batch.outer, "bias": batch.bias, "inner": batch.inner}
    operations = width + count + ELEMENTARY
    rows = []
    for name in step.parameters:
        pushes = factor * residual[:, None] * derivative[name]
        row = start[name] + np.add.reduce(pushes, axis=0)
        if name != "outer" and loose.any():
            jump = np.add.reduce(pushes * loose.astype(int).astype(object), axis=0)
            row = row + jump / (operations * balls.ball(form.unit))
        rows.append(row)
    return Allowance(moved, _upper(np.concatenate(rows)), operations, arb(1))


class _Terms:
    """The letters of the module's table for an instance, as balls."""

    def __init__(self, instance: Instance, form: Format) -> None:
        sample, network = reference.setting(instance)
        data = instance.network
        assert data is not None
        self.n, self.m = sample.size, network.width
        sigma, variance = sample.sigma, sample.sigma * sample.sigma
        self.inner, self.bias, self.outer = map(abs, (network.inner, network.bias, network.outer))
        neuron = inverse_order(network.order)
        means = sample.mu * sample.points
        kink = network.kinks[neuron]
        z = (kink - means[:, None]) / sigma
        self.kink = abs(kink)
        self.reach = abs(means) + sigma  # V [n]
        self.hidden = self.inner * self.reach[:, None] + self.bias  # H [n, m]
        self.residual = np.add.reduce(self.outer * self.hidden, -1) / self.m + 1 / sigma  # D [n]
        self.found = self.kink + abs(means)[:, None]  # E [n, m]
        # Row l, column k: |w1_k t_l| + |b_k|, relu of neuron k at the kink of neuron l.
        self.at_kinks = self.inner[None, :] * self.kink[:, None] + self.bias[None, :]
        value = np.add.reduce(self.outer * self.at_kinks, -1) / self.m
        self.residual_at = value + self.found / variance  # F [n, m]
        self.operations = self.n + 2 * self.m + ELEMENTARY
        loss = self.operations * balls.ball(form.unit)  # C u
        blur = loss * self.found / sigma  # e [n, m]
        zero, one = 0 * z, 1 + 0 * z
        nearest = balls.SYSTEM.maximum(abs(z) - blur, zero)
        normal = balls.SYSTEM.root(2 * arb.pi(), 2)
        density = _exp(-(z * z) / 2) / normal
        highest = _exp(-(nearest * nearest) / 2) / normal
        self.slip = _smaller(one, blur * highest) / loss  # Q [n, m]
        change = _smaller(one, blur * (abs(z) + blur)) * highest / loss
        self.kink_terms = self.residual_at * (density * (1 + z * z) + change) / sigma
        at_kink = abs(pieces(balls.SYSTEM, network).values[neuron] + z / sigma)  # |f(t)| [n, m]
        # Ends of pieces: a few roundings each, not as many as the sums over everything.
        density = density * SIDES / self.operations
        found = value[None, :] + abs(z) / sigma  # A [n, m]
        slope = np.add.reduce(self.outer * self.inner) / self.m + 1 / variance  # B
        self.ends = self.mean(at_kink * found * density) / sigma
        self.ends_once = self.mean(found * density) / sigma
        bent = at_kink * found * density * abs(z)
        self.ends_twice = 2 * slope * self.ends_once + self.mean(bent) / variance
        slipped = self.residual_at * self.slip
        self.active = self.mean(self.residual[:, None] + slipped)
        self.active_far = self.mean((self.residual * self.reach)[:, None] + slipped * self.kink)
        self.scale = _scale(sigma)

    def mean(self, table: Balls) -> Balls:
        """Mean over training points."""
        return np.add.reduce(table, axis=0) / self.n

    def kink_moves(self, name: Parameter) -> Balls:
        """|dt_l/dtheta_l| by a parameter of its neuron. `[m]`."""
        if name == "outer":
            return 0 * self.kink
        return (1 if name == "bias" else self.kink) / self.inner

    def features(self, name: Parameter) -> tuple[Balls, Balls]:
        """G `[n, m]`, and g at every kink (row) of every neuron (column) `[m, m]`."""
        ones = np.ones((self.n, 1), dtype=int).astype(object)
        others = (1 - np.eye(self.m, dtype=int)).astype(object)
        if name == "outer":
            return self.hidden, self.at_kinks * others
        if name == "bias":
            return self.outer * ones, self.outer * np.ones((self.m, 1), dtype=int).astype(object)
        return self.outer * self.reach[:, None], self.outer * self.kink[:, None]


def _hessian_block(its: _Terms, first: Parameter, second: Parameter) -> Balls:
    """Terms of one block. `[m, m]`."""
    (left, left_at), (right, right_at) = its.features(first), its.features(second)
    block = np.add.reduce(left[:, :, None] * right[:, None, :], axis=0) / its.n
    slip = its.mean(its.slip)
    # At the kink of the row's neuron, and at that of the column's.
    block = block + (slip * np.diagonal(left_at))[:, None] * right_at
    block = block + (slip * np.diagonal(right_at))[None, :] * left_at.T
    block = 2 * block / (its.m * its.m)
    by_first, by_second = its.kink_moves(first), its.kink_moves(second)
    block = block + 4 * (its.ends_once * by_first)[:, None] * right_at / its.m
    block = block + 4 * (its.ends_once * by_second)[None, :] * left_at.T / its.m
    place = np.arange(its.m)
    block[place, place] = block[place, place] + 2 * its.ends_twice * by_first * by_second
    pair = {first, second}
    if "outer" not in pair and "inner" in pair:
        bend = (1 if "bias" in pair else 2 * its.kink) / (its.inner * its.inner)
        block[place, place] = block[place, place] + 2 * its.ends * bend
    kinks = its.outer / its.inner * its.mean(its.kink_terms)
    if pair == {"outer", "bias"}:
        diagonal = its.active
    elif pair == {"outer", "inner"}:
        diagonal = its.active_far
    elif pair == {"bias"}:
        diagonal = kinks
    elif pair == {"bias", "inner"}:
        diagonal = kinks * its.kink
    elif pair == {"inner"}:
        diagonal = kinks * its.kink * its.kink
    else:
        return block
    block[place, place] = block[place, place] + 2 * diagonal / its.m
    return block


def _moved(instance: Instance, formula: Any) -> Balls:
    """K of a formula of the package, from its derivatives; the larger one where kinks are tied."""
    first = jets.condition(formula(jets.SYSTEM, *jets.setting(instance)))
    data = instance.network
    assert data is not None
    kinks = {-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)}
    if len(kinks) == data.width:
        return first
    second = jets.condition(formula(jets.SYSTEM, *jets.setting(instance, reverse_ties=True)))
    return np.frompyfunc(lambda x, y: x.max(y), 2, 1)(first, second)


def _undecided_in_dtype(instance: Instance, step: Step, form: Format, hidden: Balls) -> Any:
    """Pre-activations whose sign the dtype's rounding may change. Boolean `[B, m]`.

    Those within `(ELEMENTARY) u` of the sum of their terms, unless `w1 (mu x + sigma z) + b` is
    computed without any rounding.
    """
    data, noise = instance.network, instance.noise
    assert data is not None
    result = np.zeros(hidden.shape, dtype=bool)
    mu, sigma = noise.values(balls.SYSTEM)
    limit = ELEMENTARY * balls.ball(form.unit)
    for j, (index, draw) in enumerate(zip(step.indices, step.draws, strict=True)):
        point = instance.points[index]
        place = mu * balls.ball(point) + sigma * balls.ball(draw)
        for l, (weight, bias) in enumerate(zip(data.inner_weights, data.biases, strict=True)):
            value = abs(balls.ball(weight) * place + balls.ball(bias))
            if compare(value, ">", limit * hidden[j, l] + balls.ball(form.smallest)) is Truth.TRUE:
                continue
            steps: tuple[Fraction, ...] = ()
            if noise.mu is not None and noise.sigma is not None:
                signal, shift = noise.mu * point, noise.sigma * draw
                y = signal + shift
                steps = (signal, shift, y, weight * y, weight * y + bias)
            result[j, l] = not steps or not all(map(form.holds, steps))
    return result


def _jump(weights: Balls, deviation: Balls, blur: Balls, loss: Fraction) -> tuple[Balls, Any]:
    """What badly blurred logits may move the posterior mean by, over C u.

    With every logit known to `e_j = C u blur_j` the weights may become `alpha_j exp(+-e_j)` up to a
    common factor, and the mean moves by at most `sum_j alpha_j |dx_j| expm1(e_j)/D`, `D = sum_j
    alpha_j exp(-e_j)`; points that can get no weight above u^2 apart, by no more than the largest
    `|dx_j|`. Where all the e_j that matter are below 1/16 the change is linear enough.

    Args:
        weights: `[k, n]`, alpha.
        deviation: `[k, n, d]`, dx.
        blur: `[k, n]`, bounds on what logits move by, over u.
        loss: C u.

    Returns:
        The bounds `[k, d]`, 0 where the change is linear; and whether it is, boolean `[k, 1]`.
    """
    error = balls.ball(loss) * blur
    least = np.add.reduce(weights * _exp(-error), -1)  # D [k]
    highest = weights * _exp(error) / least[:, None]
    floor = balls.ball(loss * loss)
    result = 0 * deviation[:, 0, :]
    is_linear = np.ones((len(result), 1), dtype=bool)
    for k, row in enumerate(highest):
        near = [j for j, weight in enumerate(row) if compare(weight, "<", floor) is not Truth.TRUE]
        if all(compare(error[k, j], "<", arb(1) / 16) is Truth.TRUE for j in near):
            continue
        is_linear[k] = False
        far = [j for j in range(len(row)) if j not in near]
        for c in range(deviation.shape[-1]):
            size = abs(deviation[k, :, c])
            change = sum((row[j] * size[j] for j in far), arb(0))
            linear = sum((weights[k, j] * error[k, j].expm1() * size[j] for j in near), arb(0))
            change = change + (linear / least[k]).min(_largest(size[near]))
            result[k, c] = change / balls.ball(loss)
    return result, is_linear


def _capped(moved: Balls, terms: Balls) -> Balls:
    """K, but no more than `MOST_MOVED` S: where it is larger the first order says nothing.

    Each term has at most so many factors; only a kink that rounding moves by more than the width of
    the noise makes the first-order K larger, and what it then does is in S.
    """
    return _upper(_smaller(moved, MOST_MOVED * terms))


def _smaller(left: Balls, right: Balls) -> Balls:
    return np.frompyfunc(lambda x, y: x.min(y), 2, 1)(left, right)


def _scale(sigma: arb) -> Any:
    return arb(1).max(1 / (sigma * sigma * sigma))


def _upper(values: Balls) -> Balls:
    return np.frompyfunc(lambda x: arb(x.abs_upper()), 1, 1)(values)


def _largest(values: Balls) -> arb:
    total = arb(0)
    for value in values:
        total = total.max(value)
    return total


def _ulp(ball: arb, form: Format) -> arb:
    if ball.mid() == 0:
        return balls.ball(form.spacing(Fraction(0)))
    mantissa, exponent = ball.mid().man_exp()
    top = int(exponent) + abs(int(mantissa)).bit_length() - 1
    return arb(2) ** (max(top, form.lowest) - form.digits + 1)


def _float(ball: arb) -> float:
    """Upper end as a float; infinite where it overflows."""
    return float(ball.upper())
