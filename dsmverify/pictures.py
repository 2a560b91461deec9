"""What the pictures of a report show, worked out with balls at low precision.

A sample's picture is a grid of places with `s*`, `s_theta` and `pi` there; a regime map is the
hypotheses of theorem 8 as powers of ten. Every number is the middle of an enclosure, rounded to 6
digits; the enclosures are far narrower than that, but a rounded middle is certified no more.
Learning curves are float64 values, rounded likewise.

Conventions of a regime map: mu is the instance's and stays fixed while sigma varies, as in the
definition of `sigma_0` (`dsmverify.formulas.constants`), although mu and sigma move together where
an instance gives a time, or sigma alone. So a map is right at its own instances, whose mu it has,
and an instance with another mu has a map of its own. `A = C_n/sigma^6` at every sigma.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import inf, isfinite, isinf, log
from typing import Any

import numpy as np
from flint import arb

from dsmverify.bisection import exact_fraction
from dsmverify.certify import LEVELS, precision
from dsmverify.curves.points import CurvePoint
from dsmverify.exact import spell
from dsmverify.facts import Facts
from dsmverify.formulas import constants
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.regime import experiments, has_theorem, regime
from dsmverify.report.pictures import (
    ERRORS,
    LIMITS,
    CurveLine,
    CurvesPicture,
    Pictures,
    RegimePicture,
    SamplePicture,
    Setting,
    SettingKind,
)
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import certainly_below

SHOWN = 12
"""Pictures of each kind, at most."""

BATTERY_SAMPLES = (
    "sample-pair-touching",
    "sample-triple-outlier",
    "sample-four-clusters",
    "sample-five-far-apart",
    "real-iris-setosa-petal-length",
    "random-five-pairs",
    "fitted-five-time",
    "fitted-twenty-ten",
    "ends-pair-50",
    "shape-structured",
    "minimum-overlap-three",
    "large-rate-four-two",
)
"""Samples of the battery that are drawn: some with networks, spacing ratios from 0.01 to 5e5."""

BATTERY_MAPS = (
    "large-rate-pair-one",
    "large-rate-four-brink",
    "large-rate-ten-two",
    "sample-five-far-apart",
    "fitted-twenty-ten",
    "real-iris-setosa-petal-length",
    "ends-pair-50",
    "minimum-pair-ends",
)
"""Samples of the battery that get a regime map, after the two of the experiments."""

CURVES = CurvePoint(
    name="the bundled setting",
    activation="relu",
    psi_n=Fraction(2),
    psi_p=Fraction(2),
    time=Fraction(1, 10),
    ridge=Fraction(1, 1000),
    noise_samples=1,
)
"""Setting of the battery's learning curves: a ridge small enough to show the peaks at p = n m."""

DRAWS = (1, 2, 10, inf)
"""Numbers of noise draws that get a line, beside those of the points themselves."""

SHOWN_CURVES = 4
"""Settings of learning curves, at most."""

OCTAVES = (-4, 7)
"""How far p/n goes, in powers of two; a line has 8 places for each."""

LARGEST_SAMPLE = 1000
"""Samples of more points are not drawn: their teeth are finer than a screen's dots."""

DIGITS = 6
"""Significant digits of every number of a picture."""

BEYOND = 4
"""Noise levels that the window reaches beyond the outermost means."""

_STEPS = 120
"""Places of the even part of a grid."""

_INSIDE = 40
"""Places between the outermost means, where pi lives, however narrow that is in the window."""

_DETAILED_GAPS = 30
"""The widest gaps get ten places each, the next ones three: the middle and the turning points."""

_BROKEN_GAPS = 150
"""Gaps beyond these many get no places of their own."""

_BUDGET = 150_000
"""Places times training points, about at most: the widest gaps come first."""

_BROKEN_KINKS = 150
"""Kinks that get a place of their own, at most."""

_AROUND_MIDPOINT = (Fraction(1), Fraction(5, 2), Fraction(5))
"""Distances from a midpoint in units of `sigma^2/(mu gap)`, the width of the rise of `s*` there."""

_BITS = 128
_RELATIVE_BITS = 30
"""Every value is enclosed to so many bits, or to that many below the largest of its curve."""

_MAGNITUDES = (1e-200, 1e200)
"""Samples and curves with values outside of these are not drawn."""


def pictures(
    instances: Sequence[Instance], *, battery: bool, points: Sequence[CurvePoint] = ()
) -> Pictures:
    """The pictures of a report.

    Args:
        instances: that claims were checked on, in the order in which the user gave them.
        points: of learning curves that claims were checked on. The curves through them are drawn;
            for the battery's points one bundled setting, and none without points.
        battery: whether they are the bundled battery; a choice of it is then shown, and maps of the
            experiments' sample instead of the experiments' settings on each map.
    """
    if battery:
        drawn = _named(instances, BATTERY_SAMPLES)
        maps = [_experiment(group) for group in _groups(experiments())]
        maps += [regime_picture(group) for group in _groups(_named(instances, BATTERY_MAPS))]
    else:
        drawn = list(instances[:SHOWN])
        others = experiments()
        maps = [regime_picture(group, others) for group in _groups(instances)[:SHOWN]]
    if not has_theorem():  # another paper has no regime of this theorem
        maps = []
    samples = (sample_picture(instance) for instance in drawn)
    curves = (
        curves_picture(group) for group in _curve_groups([CURVES] if battery and points else points)
    )
    return Pictures(
        tuple(found for found in samples if found is not None),
        tuple(maps),
        tuple(found for found in curves if found is not None)[:SHOWN_CURVES],
    )


def sample_picture(instance: Instance) -> SamplePicture | None:
    """One sample, its score and its network; None if it cannot be drawn.

    Approximate: middles of enclosures, rounded to 6 digits. Places are exact as given.
    """
    if len(instance.points) > LARGEST_SAMPLE:
        return None
    with precision(_BITS):
        facts = Facts(instance, Accuracy(30))
        noise = (facts.sample.mu, facts.sample.sigma)
        mu, sigma = (exact_fraction(part.mid()) for part in noise)
    window = mu * (instance.points[-1] - instance.points[0]) + 2 * BEYOND * sigma
    low, high = map(Fraction, _MAGNITUDES)
    if not (low < sigma and window < high and abs(instance.points[0]) < high):
        return None
    unit = _unit(window)
    origin = _origin([mu * x for x in (instance.points[0], instance.points[-1])], window, unit)
    places = _places(instance, mu, sigma, origin, unit)
    exact = [origin + place * unit for place in places]
    curves = _curves(instance, exact)
    if curves is None:
        return None
    score, weight, network = curves
    means = [round((mu * x - origin) / unit) for x in instance.points]
    return SamplePicture(
        name=instance.name,
        size=len(instance.points),
        mu=rounded(mu),
        sigma=rounded(sigma),
        origin=spell(origin),
        means=tuple(float(mean * unit) for mean in means),
        y=tuple(float(place * unit) for place in places),
        score=score,
        weight=weight,
        network=network,
    )


def regime_picture(instances: Sequence[Instance], others: Sequence[Instance] = ()) -> RegimePicture:
    """The hypotheses of theorem 8 on sigma and the rate, for one sample and one mu.

    Args:
        instances: settings of this sample, all with the same points and the same noise level.
        others: settings of another sample, shown where they would lie.
    """
    first = instances[0]
    with precision(_BITS):
        facts = Facts(replace(first, network=None), Accuracy(30))
        limits = tuple(_logarithm(getattr(facts, name)) for name in LIMITS)
        at_one = replace(facts.sample, sigma=arb(1))
        threshold = _logarithm(constants.learning_rate_threshold(at_one, facts.spacing))
        at_limit = replace(facts.sample, sigma=facts.sigma_0)
        bound = constants.default_bound(SYSTEM, at_limit, facts.spacing)
        excess = constants.excess_risk_bound(SYSTEM, at_limit, facts.spacing, bound)
        excess_exponent = _logarithm(excess * facts.sigma_0 * facts.sigma_0)
        mu = float(facts.sample.mu.mid())
    assert threshold is not None  # a positive number
    own = [_setting(instance, "instance", own_sample=True) for instance in instances]
    shown = [_setting(instance, "experiment", own_sample=False) for instance in others]
    return RegimePicture(
        name=first.name,
        size=len(first.points),
        mu=rounded(mu),
        limits=limits,
        threshold=threshold,
        excess=excess_exponent,
        settings=(*own, *shown),
    )


def curves_picture(points: Sequence[CurvePoint]) -> CurvesPicture | None:
    """Learning curves through points of one setting; None where floats cannot show them.

    Approximate: float64 values of the reduced system, rounded to 6 digits. Nothing is drawn for a
    vanishing ridge, whose curves are infinite at `p = n m`.

    Args:
        points: that differ in p/d and in the number of noise draws only.
    """
    from dsmverify.curves import CurveWarning, learning_curve

    first = points[0]
    if first.ridge == 0:
        return None
    draws = sorted({*DRAWS, *(point.noise_samples for point in points)})
    low, high = OCTAVES
    ratios = {2 ** (k / 8) for k in range(8 * low, 8 * high + 1)}
    ratios |= {float(m) for m in draws if m <= 2**high}
    psi_n = float(first.psi_n)
    places = [rounded(psi_n * ratio) for ratio in sorted(ratios)]
    lines = []
    for m in draws:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CurveWarning)  # told by leaving the picture out
            found = learning_curve(
                first.activation,
                psi_n=psi_n,
                psi_p=np.array(places),
                time=float(first.time),
                ridge=float(first.ridge),
                noise_samples=m,
            )
        errors = [tuple(map(rounded, getattr(found, name))) for name in ERRORS]
        if not all(isfinite(value) and value > 0 for values in errors for value in values):
            return None
        lines.append(CurveLine(None if isinf(m) else int(m), *errors))
    return CurvesPicture(
        activation=first.activation,
        psi_n=rounded(first.psi_n),
        time=rounded(first.time),
        ridge=rounded(first.ridge),
        psi_p=tuple(places),
        lines=tuple(lines),
    )


def _curve_groups(points: Iterable[CurvePoint]) -> list[list[CurvePoint]]:
    """Points by setting, in the order of the first of each."""
    groups: dict[tuple[str, Fraction, Fraction, Fraction], list[CurvePoint]] = {}
    for point in points:
        key = (point.activation, point.psi_n, point.time, point.ridge)
        groups.setdefault(key, []).append(point)
    return list(groups.values())


def _experiment(instances: Sequence[Instance]) -> RegimePicture:
    """The map of one noise level of the paper's experiments; its settings differ in the rate."""
    found = regime_picture(instances)
    settings = tuple(replace(setting, kind="experiment") for setting in found.settings)
    return replace(found, name=found.name.partition(", eta = ")[0], settings=settings)


def rounded(value: Fraction | float) -> float:
    """The float nearest a number's rounding to 6 digits."""
    return float(f"{float(value):.{DIGITS - 1}e}")


def _named(instances: Iterable[Instance], names: Sequence[str]) -> list[Instance]:
    by_name = {instance.name: instance for instance in instances}
    return [by_name[name] for name in names if name in by_name]


def _groups(instances: Iterable[Instance]) -> list[list[Instance]]:
    """Instances by sample and noise level, in the order of the first of each."""
    groups: dict[tuple[tuple[Fraction, ...], NoiseLevel], list[Instance]] = {}
    for instance in instances:
        groups.setdefault((instance.points, instance.noise), []).append(instance)
    return list(groups.values())


def _setting(instance: Instance, kind: SettingKind, *, own_sample: bool) -> Setting:
    with precision(_BITS):
        sigma = _logarithm(Facts(instance, Accuracy(30)).sample.sigma)
        rate = instance.learning_rate
        exponent = None if rate is None else _logarithm(ball(rate))
    assert sigma is not None  # a positive number
    return Setting(
        name=instance.name,
        kind=kind,
        sigma=sigma,
        rate=exponent,
        own_sample=own_sample,
        failing=regime(instance).failing if own_sample else (),
    )


def _logarithm(value: arb) -> float | None:
    """Decimal exponent of a positive ball; None where it is not known to be positive."""
    exponent = value.log() / arb(10).log()
    if not exponent.is_finite():
        return None
    return round(float(exponent.mid()), DIGITS)


def _unit(window: Fraction) -> Fraction:
    """The power of ten that goes into a length 10^5 to 10^6 times."""
    exponent = len(str(int(window))) - 6 if window >= 1 else -len(str(int(1 / window))) - 5
    unit = Fraction(10) ** exponent
    while window / unit >= 10**DIGITS:
        unit *= 10
    while window / unit < 10 ** (DIGITS - 1):
        unit /= 10
    return unit


def _origin(ends: Sequence[Fraction], window: Fraction, unit: Fraction) -> Fraction:
    """What is taken off every place, so that six digits tell places apart: 0 for data near 0."""
    if max(abs(end) for end in ends) <= 10 * window:
        return Fraction(0)
    return round(ends[0] / (1000 * unit)) * 1000 * unit


def _places(
    instance: Instance, mu: Fraction, sigma: Fraction, origin: Fraction, unit: Fraction
) -> list[int]:
    """Places of a grid, in units: even ones, and those where a curve turns or jumps."""
    means = [mu * x - origin for x in instance.points]
    low, high = means[0] - BEYOND * sigma, means[-1] + BEYOND * sigma
    found = [low + (high - low) * Fraction(k, _STEPS) for k in range(_STEPS + 1)]
    found += [means[0] + (means[-1] - means[0]) * Fraction(k, _INSIDE) for k in range(_INSIDE)]
    # pi jumps at the outermost means: one place on either side of each.
    found += [end + side * unit for end in (means[0], means[-1]) for side in (-1, 0, 1)]
    allowed = max(_BUDGET // len(means) - len(found), 30) // 3
    found += _around_midpoints(means, sigma, unit, min(allowed, _BROKEN_GAPS))
    data = instance.network
    if data is not None:
        kinks = [-b / w - origin for w, b in zip(data.inner_weights, data.biases, strict=True)]
        inside = sorted({kink for kink in kinks if low < kink < high})
        found += inside[:: 1 + len(inside) // _BROKEN_KINKS]
    return sorted({round(place / unit) for place in found})


def _around_midpoints(
    means: Sequence[Fraction], sigma: Fraction, unit: Fraction, allowed: int
) -> list[Fraction]:
    """The middle of each gap, the rise of `s*` about it, and its turning points on both sides.

    Between two means a distance d apart `s*` rises over about `sigma^2/d`: with `u` the distance
    from the middle in this unit, `sigma^2 s*` is `d/(1 + e^-u) - ..`, which turns about
    `u = 2 ln(d/sigma)`.
    """
    widest = sorted(pairwise(means), key=lambda pair: pair[0] - pair[1])[:allowed]
    detailed = min(_DETAILED_GAPS, allowed // 4)
    found = []
    for count, (left, right) in enumerate(widest):
        middle, gap = (left + right) / 2, right - left
        width = sigma * sigma / gap
        turn = Fraction(2 * log(gap / sigma)) if gap > 2 * sigma else Fraction(2)
        steps = (*_AROUND_MIDPOINT, turn) if count < detailed else (turn,)
        found += [left, middle] if count < detailed else [middle]
        for step in steps:
            away = min(max(step * width, unit), gap / 2)  # a rise narrower than a unit stays steep
            found += [middle - away, middle + away]
    return found


_Curves = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...] | None]


def _curves(instance: Instance, places: Sequence[Fraction]) -> _Curves | None:
    """`s*`, `pi` and `s_theta` at places given exactly; None where floats cannot hold them."""
    for bits in LEVELS:
        with precision(bits):
            facts = Facts(instance, Accuracy(30))
            case = facts.case()
            points = [ball(place) for place in places]
            curves = [
                [case.score(y) for y in points],
                [_weight(facts, y) for y in points],
            ]
            if instance.network is not None:
                curves.append([facts.score_value(y) for y in points])
            if all(_is_accurate(curve) for curve in curves):
                break
    else:
        return None
    drawn = [_middles(curve) for curve in curves]
    if any(curve is None for curve in drawn):
        return None
    score, weight, *network = drawn
    assert score is not None and weight is not None
    return score, weight, network[0] if network else None


def _weight(facts: Facts, y: arb) -> arb:
    """Pi; 0 outside the closed range of the data, whose ends count as inside."""
    mu, points = facts.sample.mu, facts.sample.points
    if certainly_below(y, mu * points[0]) or certainly_below(mu * points[-1], y):
        return arb(0)
    value: arb = facts.case().weight(y)
    return value


def _is_accurate(curve: Sequence[arb]) -> bool:
    if not all(value.is_finite() for value in curve):
        return False
    largest = _largest(curve)
    return all(
        value.rel_accuracy_bits() >= _RELATIVE_BITS or _is_small(value.rad(), largest)
        for value in curve
    )


def _largest(curve: Sequence[arb]) -> arb:
    largest = arb(0)
    for value in curve:
        largest = largest.max(abs(value).upper())
    return largest


def _is_small(radius: arb, largest: arb) -> bool:
    return certainly_below(radius, largest / 2 ** (2 * _RELATIVE_BITS)) or radius == 0


def _middles(curve: Sequence[arb]) -> tuple[float, ...] | None:
    largest = float(_largest(curve))
    low, high = _MAGNITUDES
    if largest != 0 and not low < largest < high:
        return None
    values: list[Any] = [float(value.mid()) for value in curve]
    assert all(map(isfinite, values))
    return tuple(rounded(value) if abs(value) > low * largest else 0.0 for value in values)
