"""Every formula of an instance, in one of the number systems, as decimal strings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
from mpmath import mpf

from dsmverify import express, order, systems
from dsmverify.approximations import Approximations
from dsmverify.certify import LEVELS, points_of, precision
from dsmverify.errors import InputError, MissingExtraError, nearest
from dsmverify.exact import lower_decimal, nearest_decimal, spell, upper_decimal
from dsmverify.formulas import constants, curvature, posterior, risk
from dsmverify.formulas import network as networks
from dsmverify.formulas import weight as weights
from dsmverify.instance import Instance
from dsmverify.numbers import Numbers

SYSTEMS = ("float64", "torch", "mpmath", "arb")
"""Number systems that give numbers; the fifth, SymPy, gives proofs."""

HESSIAN_WIDTH = 50
"""Wider networks show their Hessian only on request."""

MPMATH_EIGEN_WIDTH = 12
"""Wider networks get no eigenvalues in mpmath: its solver takes minutes."""

MAX_DIGITS = 1000

FARTHEST_DIGITS = 300
"""mpmath spells out huge exponents in passing; points beyond this power of ten are refused."""

LONGEST_EXPONENT = 4096
"""mpmath numbers whose binary exponent needs more bits than this are not spelled."""

INTEGRAL_BITS = 60
"""Certified integrals aim at this relative accuracy at most, whatever digits are asked for."""

_POSTERIOR = {
    "density": posterior.density,
    "posterior_mean": posterior.posterior_mean,
    "posterior_variance": posterior.posterior_variance,
    "posterior_third_moment": posterior.posterior_third_moment,
    "empirical_score": posterior.empirical_score,
    "empirical_score_slope": posterior.empirical_score_slope,
    "empirical_score_curvature": posterior.empirical_score_curvature,
}

_EIGENVALUES = ("hessian_lambda_max", "hessian_lambda_min", "ntk_lambda_max")


def evaluate(
    instance: Instance, system: str = "arb", digits: int = 30, *, hessian: bool = False
) -> dict[str, Any]:
    """Values of every formula at an instance.

    Args:
        instance: the exact instance; its `at` are the points y of functions.
        system: `float64`, `torch`, `mpmath` or `arb`.
        digits: significant digits; float64 and torch give shortest round-trip decimals.
        hessian: give the Hessian also of a network wider than `HESSIAN_WIDTH`.

    Returns:
        `{"system", "digits", "at", "values", "unavailable", "notes"}`. Values are decimal strings,
        for `arb` pairs `{"lower", "upper"}` rounded outward, in lists for functions, vectors and
        matrices.
        `unavailable` says why a value cannot be had in this system.

    Raises:
        InputError: unknown system, or digits out of range.
        MissingExtraError: torch is asked for and not installed.
    """
    if system not in SYSTEMS:
        guess = nearest(system, SYSTEMS)
        hint = f"did you mean {guess!r}? " if guess else ""
        raise InputError(
            "system", repr(system), f"it must be one of {', '.join(SYSTEMS)}", f"{hint}choose one"
        )
    if not 1 <= digits <= MAX_DIGITS:
        raise InputError(
            "digits", str(digits), f"it must lie in 1..{MAX_DIGITS}", "choose fewer or more digits"
        )
    if system == "arb":
        out = _certified(instance, digits, hessian)
    elif system == "mpmath":
        out = _multiprecision(instance, digits, hessian)
    else:
        out = _floating(instance, system, hessian)
    return {
        "system": system,
        "digits": digits,
        "at": [spell(y) for y in points_of(instance)],
        "values": out.values,
        "unavailable": out.missing,
        "notes": out.notes,
    }


class _Values:
    """Values under way: spelled as they come in, with reasons for those that cannot be had."""

    def __init__(self, spell: Callable[[Any], Any]) -> None:
        self.values: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self._spell = spell

    def put(self, name: str, value: Any) -> None:
        self.values[name] = self.spell(value)

    def spell(self, value: Any) -> Any:
        if hasattr(value, "detach"):
            value = value.detach().numpy()
        if isinstance(value, np.ndarray) and value.ndim:
            return [self.spell(entry) for entry in value]
        if isinstance(value, np.ndarray):
            value = value.item()
        return self._spell(value)


def _shared(out: _Values, ns: Numbers[Any], instance: Instance, *, hessian: bool) -> None:
    """The formulas, the same lines in every system."""
    points = points_of(instance)
    places = express.places(instance)
    sample = express.sample(ns, instance)
    y = ns.constant(_objects(points))
    anchor = np.array([places.nearest(point) for point in points])
    for name, formula in _POSTERIOR.items():
        out.put(name, formula(ns, y, sample, anchor))
    out.put("weight", _weights(ns, instance, sample, y, places))
    spacing = ns.constant(instance.spacing)
    bound = constants.default_bound(ns, sample, spacing)
    data = instance.network
    if data is not None and data.bound is not None:
        bound = ns.constant(data.bound)
    out.values["constants"] = {
        "C_n": out.spell(constants.curvature_constant(ns, sample, spacing)),
        "bound": out.spell(bound),
        "learning_rate_threshold": out.spell(constants.learning_rate_threshold(sample, spacing)),
        "excess_risk_bound": out.spell(constants.excess_risk_bound(ns, sample, spacing, bound)),
    }
    if data is None:
        return
    network = express.network(ns, instance)
    kinks = order.kink_order(data.inner_weights, data.biases).kinks
    position = np.array([order.exact_position(kinks, point) for point in points])
    out.put("network", networks.value(ns, y, network, position))
    out.put("risk", risk.risk(ns, sample, network))
    out.put("gradient", risk.gradient(ns, sample, network))
    if data.width <= HESSIAN_WIDTH or hessian:
        out.put("hessian", curvature.hessian(ns, sample, network))
    else:
        out.missing["hessian"] = f"{data.width} neurons > {HESSIAN_WIDTH}: ask with --hessian"


def _weights(ns: Numbers[Any], instance: Instance, sample: Any, y: Any, places: Any) -> Any:
    """Pi at points given exactly, 0 outside the closed range of the data."""
    pieces = express.weight_pieces(ns, instance.points)
    points = points_of(instance)
    position = np.array([places.among_weight_cuts(point) for point in points])
    value = weights.weight(ns, y, sample, pieces, position)
    inside = ns.constant(np.array([_is_in_range(instance, point) for point in points]))
    return inside * value


def _is_in_range(instance: Instance, point: Any) -> bool:
    """Whether `mu x_1 <= y <= mu x_n`, decided exactly or with balls at rising precision."""
    mu = instance.noise.rational_mu
    low, high = instance.points[0], instance.points[-1]
    if mu is not None:
        return bool(mu * low <= point <= mu * high)
    from dsmverify.systems import balls
    from dsmverify.truth import Truth, compare

    for bits in (128, 512, 2048):
        with precision(bits):
            scale = instance.noise.values(balls.SYSTEM)[0]
            y = balls.ball(point)
            above = compare(y, ">=", scale * balls.ball(low))
            below = compare(y, "<=", scale * balls.ball(high))
        if Truth.FALSE in {above, below}:
            return False
        if above is Truth.TRUE and below is Truth.TRUE:
            return True
    return False  # an irrational mu x_1 is never equal to a rational y, except at x_1 = 0


def _floating(instance: Instance, system: str, hessian: bool) -> _Values:
    try:
        ns = systems.load(system)
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "evaluation in torch") from error
    out = _Values(lambda value: repr(float(value)))
    approximate = Approximations(instance)
    with np.errstate(all="ignore"):
        _shared(out, ns, instance, hessian=hessian)
        _put_integrals(
            out,
            instance,
            approximate,
            {
                "risk_empirical_score": lambda: approximate.risk_empirical_score.value,
                "tv_empirical_score": lambda: approximate.tv_empirical_score.value,
                "excess_risk": lambda: approximate.squared_distance.value,
            },
        )
        out.values["constants"]["sigma_0"] = repr(approximate.sigma_0)
        if instance.network is not None:
            out.put("tv_network", _float_variation(approximate))
            top, bottom = approximate.hessian_extremes
            out.put("hessian_lambda_max", top)
            out.put("hessian_lambda_min", bottom)
            out.put("ntk_lambda_max", approximate.kernel_leading[0])
    for name in [name for name, value in out.values.items() if not _is_finite(value)]:
        del out.values[name]
        out.missing[name] = (
            "not finite in float64: the noise level or a point is out of its range; use arb"
        )
    return out


def _put_integrals(
    out: _Values,
    instance: Instance,
    approximate: Approximations,
    integrals: Mapping[str, Callable[[], Any]],
) -> None:
    """Integrals on panels that float64 places, where it can."""
    for name, compute in integrals.items():
        if name == "excess_risk" and instance.network is None:
            continue
        if approximate.is_resolved:
            out.put(name, compute())
        else:
            out.missing[name] = "float64 cannot place the panels of this integral; use arb"


def _is_finite(value: Any) -> bool:
    """Whether every number of a spelled value is finite."""
    if isinstance(value, dict):
        return all(_is_finite(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_is_finite(entry) for entry in value)
    return isfinite(float(value))


def _float_variation(approximate: Approximations) -> float:
    network = approximate.network
    kink_weights = approximate.weight(network.kinks)
    from dsmverify.systems import float64

    return float(networks.total_variation(float64.SYSTEM, network, kink_weights))


def _multiprecision(instance: Instance, digits: int, hessian: bool) -> _Values:
    from mpmath import mp

    from dsmverify.multiprecision import Integrals

    for point in points_of(instance):
        if abs(point) > 10**FARTHEST_DIGITS:
            raise InputError(
                "at",
                spell(point),
                f"mpmath evaluates points up to 10^{FARTHEST_DIGITS}",
                "use --system arb, or a nearer point",
            )

    with mp.workdps(digits + 25):
        out = _Values(partial(_spell_if_short, digits=digits))
        ns = systems.load("mpmath")
        _shared(out, ns, instance, hessian=hessian)
        integrals = Integrals(instance)
        _put_integrals(
            out,
            instance,
            integrals.approximate,
            {
                "risk_empirical_score": integrals.risk_empirical_score,
                "tv_empirical_score": integrals.tv_empirical_score,
                "excess_risk": integrals.squared_distance,
            },
        )
        out.values["constants"]["sigma_0"] = out.spell(integrals.sigma_0())
        if instance.network is not None:
            out.put("tv_network", integrals.tv_network())
            if instance.network.width <= MPMATH_EIGEN_WIDTH:
                for name, value in integrals.eigenvalues().items():
                    out.put(name, value)
            else:
                for name in _EIGENVALUES:
                    out.missing[name] = (
                        f"{instance.network.width} neurons > {MPMATH_EIGEN_WIDTH}: "
                        "too slow in mpmath; use arb or float64"
                    )
    for name in [name for name, value in out.values.items() if _has_gap(value)]:
        del out.values[name]
        out.missing[name] = "its exponent has over a thousand digits"
    return out


def _spell_if_short(value: Any, digits: int) -> str | None:
    """A decimal, or None where the exponent alone would fill the screen."""
    exponent = int(mpf(value)._mpf_[2])
    return nearest_decimal(value, digits) if exponent.bit_length() < LONGEST_EXPONENT else None


def _has_gap(value: Any) -> bool:
    """Whether something in a spelled value could not be spelled."""
    if isinstance(value, dict):
        return any(_has_gap(entry) for entry in value.values())
    if isinstance(value, list):
        return any(_has_gap(entry) for entry in value)
    return value is None


def _certified(instance: Instance, digits: int, hessian: bool) -> _Values:
    """Enclosures; precision rises until every closed form has the digits asked for."""
    from dsmverify.facts import Facts
    from dsmverify.integrals import Accuracy
    from dsmverify.systems import balls

    wanted = int(3.33 * digits) + 8
    out = _Values(lambda value: value)
    for extra in (64, *LEVELS, 4 * LEVELS[-1]):
        with precision(wanted + extra):
            out = _Values(
                lambda value: {
                    "lower": lower_decimal(value, digits),
                    "upper": upper_decimal(value, digits),
                }
            )
            accurate = _Accuracy(wanted)
            probe = _Values(accurate)
            _shared(probe, balls.SYSTEM, instance, hessian=False)
            if accurate.is_reached or extra == 4 * LEVELS[-1]:
                _shared(out, balls.SYSTEM, instance, hessian=hessian)
                bits = min(wanted, INTEGRAL_BITS)
                _put_facts(out, Facts(instance, Accuracy(bits)), bits)
                break
    return out


def _put_facts(out: _Values, facts: Any, accuracy_bits: int) -> None:
    out.put("risk_empirical_score", facts.risk_empirical_score)
    out.put("tv_empirical_score", facts.tv_empirical_score)
    out.values["constants"]["sigma_0"] = out.spell(facts.sigma_0)
    if accuracy_bits == INTEGRAL_BITS:
        for name in ("risk_empirical_score", "tv_empirical_score", "excess_risk"):
            out.notes[name] = f"an integral, enclosed to about {INTEGRAL_BITS} bits"
    if facts.integrals.is_extreme:
        out.notes["excess_risk"] = "enclosed as a difference: the spacing ratio is too large"
        out.notes["tv_empirical_score"] = "not integrated: the spacing ratio is too large"
    if facts.integrals.is_separated:
        out.notes["risk_empirical_score"] = (
            "enclosed within a factor 2 only: the spacing ratio is beyond 300"
        )
    if facts.instance.network is None:
        return
    out.put("excess_risk", facts.squared_distance)
    out.put("tv_network", facts.tv_network)
    for name in _EIGENVALUES:
        try:
            out.put(name, facts(name))
        except KeyError:
            out.missing[name] = "the network is too wide for a certified bound"


class _Accuracy:
    """Watches whether every value reaches a relative accuracy; values near 0 are let off."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.is_reached = True

    def __call__(self, value: Any) -> Any:
        is_short = value.rel_accuracy_bits() < self.bits and not value.contains(0)
        if is_short or not value.is_finite():
            self.is_reached = False
        return value


def _objects(values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
