"""The fixed point in balls: existence and uniqueness in a box, by Krawczyk's test.

Newton's method finds an approximate fixed point c. In relative coordinates
`delta_k = c_k (1 + x_k)` the equation is `G(x) = 1 + x - T(c (1 + x))/c = 0`. With Y an approximate
inverse of `G'(0)` and X the box `|x_k| <= rho`, Krawczyk's operator is
`-Y G(0) + (I - Y G'(X)) X`. If it lies inside X, then X contains exactly one fixed point, and the
operator's value encloses it.

That there is no other positive fixed point anywhere is not shown here: it follows from T being
increasing and strictly subhomogeneous (a standard interference function).
Source: random-features.md, section 4; derivations/rf_uniqueness.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flint import arb, ctx

from dsmverify.formulas.random_features import (
    Parameters,
    State,
    damping,
    isotropic_resolvent,
    isotropic_share,
    linear_strength,
    linearise,
    saturated_state,
    state,
    total_shift,
)
from dsmverify.systems.balls import SYSTEM
from dsmverify.truth import Truth, certainly_below, compare, is_positive, sign

STEPS = 5000
"""Newton steps at most: one for each halving of delta, and ten more."""

Pair = tuple[arb, arb]
Matrix = tuple[Pair, Pair]


def enclosed_state(parameters: Parameters[Any], *, saturated: bool = False) -> State[Any] | None:
    """The solution of the reduced system, enclosed; None if this working precision is too low.

    Result: enclosure. The box of delta_1 and delta_2 is proved to hold exactly one fixed point.

    Args:
        parameters: a point, its numbers balls; several atoms as arrays of balls.
        saturated: whether the point is that of `saturated_state`.
    """
    approximate = _approximate(parameters, saturated)
    if approximate is None:
        return None
    delta = _krawczyk(parameters, approximate, saturated)
    return None if delta is None else _state(parameters, delta, saturated)


def _state(parameters: Parameters[Any], delta: Pair, saturated: bool) -> State[Any] | None:
    if saturated:
        return saturated_state(parameters, delta)
    if parameters.spectrum.weights is None:
        linear, shift = linear_strength(parameters, delta), total_shift(parameters, delta)
        return state(parameters, delta, _isotropic(parameters, linear, shift))
    resolvent = enclosed_resolvent(parameters, delta)
    return None if resolvent is None else state(parameters, delta, resolvent)


def _isotropic(parameters: Parameters[Any], linear: arb, shift: arb) -> arb:
    """H of a single atom; where psi_p is at most 1, without the division by S, which may be 0."""
    psi_p = parameters.psi_p
    if compare(psi_p, "<=", arb(1)) is Truth.TRUE:
        value: arb = psi_p * isotropic_share(SYSTEM, psi_p, linear, shift)
        return value
    value = isotropic_resolvent(SYSTEM, psi_p, linear, shift)
    return value


def _approximate(parameters: Parameters[Any], saturated: bool) -> Pair | None:
    """A number close to the fixed point: Newton's method from above, see `curves.solver`.

    In the limit above the interpolation threshold delta has no upper bound to start from; there
    the equations at a tiny ridge give the start.
    """
    if compare(parameters.unit, "<=", arb(0)) is not Truth.TRUE:
        return _descend(parameters, (arb(1), arb(1)), saturated)
    tiny = arb(2) ** (-2 * int(ctx.prec))
    start = _descend(_with_ridge(parameters, tiny), (arb(1), arb(1)), saturated)
    if start is None:
        return None
    return _descend(parameters, (start[0] / tiny, start[1] / tiny), saturated)


def _with_ridge(parameters: Parameters[Any], ridge: arb) -> Parameters[Any]:
    return replace(parameters, ridge=ridge, unit=arb(1))


def _descend(parameters: Parameters[Any], start: Pair, saturated: bool) -> Pair | None:
    here = (start[0].mid(), start[1].mid())
    settled = arb(2) ** (-(int(ctx.prec) * 2 // 5))
    for _ in range(STEPS):
        at = _state(parameters, here, saturated)
        if at is None:
            return None
        images = (1 / damping(at, 0), 1 / damping(at, 1))
        (b11, b12), (b21, b22) = linearise(at, images).inverse
        gap = (here[0] - images[0], here[1] - images[1])
        moved = (
            (here[0] - b11 * gap[0] - b12 * gap[1]).mid(),
            (here[1] - b21 * gap[0] - b22 * gap[1]).mid(),
        )
        if not all(sign(value) > 0 for value in moved):
            return None
        is_settled = all(
            certainly_below(abs(old - new), settled * new)
            for old, new in zip(here, moved, strict=True)
        )
        here = moved
        if is_settled:
            return here
    return None


def _krawczyk(parameters: Parameters[Any], centre: Pair, saturated: bool) -> Pair | None:
    at = _state(parameters, centre, saturated)
    if at is None:
        return None
    scale = centre[1] / centre[0]
    images = (1 / damping(at, 0), 1 / damping(at, 1))
    (b11, b12), (b21, b22) = linearise(at, images).inverse
    inverse = ((b11.mid(), (b12 * scale).mid()), ((b21 / scale).mid(), b22.mid()))
    residual = [1 - images[k] / centre[k] for k in range(2)]
    first, second = (-(row[0] * residual[0] + row[1] * residual[1]) for row in inverse)
    newton = first, second
    # Newton's step, and room for what the width of the parameters adds.
    radius = 4 * abs(newton[0]).max(abs(newton[1])).upper() + arb(2) ** (-(int(ctx.prec) // 2))
    spread = arb(0, radius)
    box = (centre[0] * (1 + spread), centre[1] * (1 + spread))
    if is_positive(box[0]) is not Truth.TRUE or is_positive(box[1]) is not Truth.TRUE:
        return None
    over = _state(parameters, box, saturated)
    if over is None:
        return None
    ((j11, j12), (j21, j22)) = linearise(
        over, (1 / damping(over, 0), 1 / damping(over, 1))
    ).jacobian
    slope = ((1 - j11, -j12 * scale), (-j21 / scale, 1 - j22))
    image = krawczyk_image(inverse, newton, slope, spread)
    if not all(certainly_below(abs(value), radius) for value in image):
        return None
    return centre[0] * (1 + image[0]), centre[1] * (1 + image[1])


def krawczyk_image(inverse: Matrix, newton: Pair, slope: Matrix, spread: arb) -> Pair:
    """`-Y G(0) + (I - Y G'(X)) X`; enclosure.

    Args:
        inverse: Y, any matrix.
        newton: `-Y G(0)`.
        slope: `G'(X)`, enclosed over the box.
        spread: either side of the box X, a ball around 0.
    """
    image = []
    for k, row in enumerate(inverse):
        left = [
            (1 if k == l else 0) - row[0] * slope[0][l] - row[1] * slope[1][l] for l in range(2)
        ]
        # The sides of X vary on their own: a common factor would let their terms cancel.
        image.append(newton[k] + left[0] * spread + left[1] * spread)
    return image[0], image[1]


def enclosed_resolvent(parameters: Parameters[Any], delta: Pair) -> arb | None:
    """H with several atoms: the root of `S H + int A H/(1 + A H) = psi_p`, or None.

    The left side increases with H from 0, so the root lies between a number where it certainly
    is too small and one where it certainly is too large.

    Result: enclosure, for every delta in the given balls.

    Args:
        parameters: a point.
        delta: delta_1 and delta_2, positive balls.
    """
    mean = parameters.spectrum.mean
    linear, shift = linear_strength(parameters, delta), total_shift(parameters, delta)

    def excess(value: arb) -> arb:
        left = shift * value + mean(linear * value / (1 + linear * value))
        result: arb = left - parameters.psi_p
        return result

    here = _isotropic(parameters, mean(linear), shift).mid()
    width = arb(2) ** (-int(ctx.prec))
    for _ in range(STEPS):
        gap = excess(here)
        ratio = 1 / (1 + linear * here)
        step = gap / (shift + mean(linear * ratio * ratio))
        moved = (here - step).mid()
        if not sign(moved) > 0:
            return None
        close = certainly_below(abs(step), abs(here) * arb(2) ** (-(int(ctx.prec) * 2 // 5)))
        here = moved
        if close:
            break
    # The balls of delta move the root by about the step's radius; widen until signs are certain.
    reach = (abs(step.rad()) / here / 4).upper() + width
    for _ in range(int(ctx.prec)):
        low, high = (here * (1 - reach)).mid(), (here * (1 + reach)).mid()
        if sign(low) > 0 and sign(excess(low)) < 0 and sign(excess(high)) > 0:
            enclosure: arb = low.union(high)
            return enclosure
        reach = 2 * reach
    return None
