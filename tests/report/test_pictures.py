"""The numbers of pictures, against the definitions in mpmath, and their form in `report.json`."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import pytest

from dsmverify.battery import battery
from dsmverify.facts import Facts
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.pictures import (
    BATTERY_MAPS,
    BATTERY_SAMPLES,
    LARGEST_SAMPLE,
    SHOWN,
    pictures,
    regime_picture,
    sample_picture,
)
from dsmverify.regime import experiments
from dsmverify.report.pictures import LIMITS, Pictures, RegimePicture, SamplePicture, Setting

NETWORK = {
    "inner_weights": ["1", "-1", "1/2"],
    "biases": ["-0.5", "1", "0"],
    "outer_weights": ["2", "-1", "-3"],
}


def instance(name: str = "a", **document: Any) -> Instance:
    document = {"x": ["0", "1", "3"], "mu": "4/5", "sigma": "1/10", **document}
    return Instance.from_json(document, name=name)


CASES = [
    instance("overlapping", sigma="3/5", network=NETWORK),
    instance("separated", network=NETWORK),
    instance("saw", x=["-2", "5", "6", "40"], sigma="1/100", mu="9/10"),
    instance("far", x=["1000000", "1000000.5", "1000001.25"], sigma="1/10", mu="9/10"),
    instance("negative", x=["-7", "-6.5"], sigma="1/4"),
]


def picture(given: Instance) -> SamplePicture:
    found = sample_picture(given)
    assert found is not None
    return found


def exact(text: Any) -> mpmath.mpf:
    number = Fraction(text)
    return mpmath.mpf(number.numerator) / number.denominator


def score(given: Instance, y: mpmath.mpf) -> mpmath.mpf:
    """(mu E[X | Y = y] - y)/sigma^2, with the posterior as exponentials over their sum."""
    assert given.noise.mu is not None and given.noise.sigma is not None
    mu, sigma = exact(given.noise.mu), exact(given.noise.sigma)
    points = [exact(x) for x in given.points]
    logs = [-((y - mu * x) ** 2) / (2 * sigma**2) for x in points]
    terms = [mpmath.exp(value - max(logs)) for value in logs]
    mean = mpmath.fsum(t * x for t, x in zip(terms, points, strict=True)) / mpmath.fsum(terms)
    return (mu * mean - y) / sigma**2


def weight(given: Instance, y: mpmath.mpf) -> mpmath.mpf:
    """E min(pi^+, pi^-)(y - xi) as an integral over the noise."""
    assert given.noise.mu is not None and given.noise.sigma is not None
    mu, sigma = exact(given.noise.mu), exact(given.noise.sigma)
    means = [mu * exact(x) for x in given.points]
    n = len(means)

    def least(u: mpmath.mpf) -> mpmath.mpf:
        below = [u - mean for mean in means if mean < u]
        above = [mean - u for mean in means if mean > u]
        left = mpmath.mpf(len(below)) / n * mpmath.fsum(below) / n
        right = mpmath.mpf(len(above)) / n * mpmath.fsum(above) / n
        return min(left, right)

    def integrand(u: mpmath.mpf) -> mpmath.mpf:
        return least(u) * mpmath.npdf(u, y, sigma)

    # Cuts at the means, and often enough in between for the crossing's corner and the bell's width.
    ends = [mean + (other - mean) * k / 6 for mean, other in pairwise(means) for k in range(6)]
    cuts = sorted({*ends, means[-1], *(y + k * sigma / 2 for k in range(-16, 17))})
    return mpmath.quad(integrand, [cut for cut in cuts if means[0] <= cut <= means[-1]])


@pytest.mark.parametrize("given", CASES, ids=lambda case: str(case.name))
def test_the_score_is_the_definitions_at_every_place(given: Instance) -> None:
    found = picture(given)
    with mpmath.workdps(60):
        origin = exact(found.origin)
        # A place is a decimal of 6 digits: its text is the number that the value belongs to.
        values = [score(given, origin + exact(repr(y))) for y in found.y]
        largest = max(abs(value) for value in values)
        for y, drawn, value in zip(found.y, found.score, values, strict=True):
            # Six digits: half a unit in the last one is 5e-6 of the value at most; a value next to
            # a zero is only enclosed to 2^-60 of the largest.
            assert abs(drawn - value) <= 5.001e-6 * abs(value) + 1e-17 * largest, y


@pytest.mark.parametrize("given", CASES[:2], ids=lambda case: str(case.name))
def test_the_network_is_the_sum_over_its_neurons(given: Instance) -> None:
    found, data = picture(given), given.network
    assert data is not None and found.network is not None
    for y, drawn in zip(found.y, found.network, strict=True):
        neurons = zip(data.inner_weights, data.biases, data.outer_weights, strict=True)
        value = sum(v * max(Fraction(0), w * Fraction(repr(y)) + b) for w, b, v in neurons)
        assert drawn == pytest.approx(float(value / data.width), rel=5.001e-6, abs=1e-12)


@pytest.mark.parametrize("given", [CASES[0], CASES[1], CASES[4]], ids=lambda case: str(case.name))
def test_the_weight_is_the_integral_of_its_definition(given: Instance) -> None:
    found = picture(given)
    assert given.noise.mu is not None
    low, high = given.noise.mu * given.points[0], given.noise.mu * given.points[-1]
    for y, drawn in list(zip(found.y, found.weight, strict=True))[::25]:
        if not low <= Fraction(repr(y)) <= high:
            assert drawn == 0
            continue
        # 1e-5: six digits, and the quadrature's own error at the corner of the integrand.
        assert drawn == pytest.approx(float(weight(given, exact(repr(y)))), rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("given", CASES, ids=lambda case: str(case.name))
def test_the_window_reaches_four_noise_levels_beyond_the_data(given: Instance) -> None:
    found = picture(given)
    assert found.means[0] - found.y[0] == pytest.approx(4 * found.sigma, rel=1e-3)
    assert found.y[-1] - found.means[-1] == pytest.approx(4 * found.sigma, rel=1e-3)
    assert 100 <= len(found.y) <= 420


def test_the_teeth_of_a_narrow_saw_are_drawn_to_their_tips() -> None:
    given = CASES[2]
    found = picture(given)
    # Without the rise itself a tooth would reach mu gap/(2 sigma^2); its widest gap is 34.
    tip = 0.9 * 34 / (2 * 0.01**2)
    assert 0.99 * tip < max(found.score) < tip
    assert -tip < min(found.score) < -0.99 * tip
    for left, right in pairwise(found.means):
        inside = [s for y, s in zip(found.y, found.score, strict=True) if left < y < right]
        gap = right - left
        assert max(inside) > 0.98 * gap / (2 * 0.01**2)


def test_data_far_from_zero_keep_their_digits() -> None:
    found = picture(CASES[3])
    assert found.origin != "0"
    assert len(set(found.means)) == 3
    assert found.means[1] - found.means[0] == pytest.approx(0.45, abs=1e-4)
    assert Fraction(found.origin) + Fraction(repr(found.means[0])) == pytest.approx(900000)


@pytest.mark.parametrize(
    "document",
    [
        {"sigma": "1e-250"},
        {"x": ["0", "1e300"]},
        {"x": ["0", "1e-320"], "mu": "1e-200"},
        {"x": ["1e400", "2e400"]},
        {"sigma": "1e-90", "mu": "1e-30"},
        {"x": ["0", "1e-50"]},
        {"x": ["0", "1e50"], "mu": "1e-30"},
    ],
)
def test_extreme_samples_are_drawn_in_floats_or_not_at_all(document: dict[str, Any]) -> None:
    given = instance(**document, learning_rate="1e-300")
    found = sample_picture(given)
    if found is not None:
        numbers = (*found.y, *found.score, *found.weight)
        assert all(abs(value) < 1e201 for value in numbers)
    limits = regime_picture([given]).limits
    assert all(limit is not None and math.isfinite(limit) for limit in limits)


def test_a_sample_too_large_for_a_picture_has_a_map_all_the_same() -> None:
    large = instance(x=[str(k) for k in range(LARGEST_SAMPLE + 1)])
    found = pictures([large], battery=False)
    assert found.samples == ()
    assert [entry.size for entry in found.regime_maps] == [LARGEST_SAMPLE + 1]


# The regime map.


@pytest.mark.parametrize(
    "given", [*CASES[:3], *experiments()[::4]], ids=lambda case: str(case.name)
)
def test_limits_are_those_of_the_facts(given: Instance) -> None:
    found = regime_picture([given])
    facts = Facts(replace(given, network=None), Accuracy(30))
    for name, limit in zip(LIMITS, found.limits, strict=True):
        assert limit == pytest.approx(math.log10(float(getattr(facts, name).mid())), abs=2e-6)
    threshold = math.log10(float(facts.learning_rate_threshold.mid()))
    sigma = math.log10(float(facts.sample.sigma.mid()))
    assert found.threshold + 2 * sigma == pytest.approx(threshold, abs=2e-6)


@pytest.mark.parametrize(
    "given", [*CASES[:3], *experiments()[::4]], ids=lambda case: str(case.name)
)
def test_limits_are_those_of_the_page(given: Instance) -> None:
    """Each condition of theorem 8, written out again, turns at its limit with mu held fixed."""
    found = regime_picture([given])
    with mpmath.workdps(40):
        time = given.noise.time
        mu = exact(given.noise.mu) if given.noise.mu else mpmath.exp(-exact(time))
        x = [exact(point) for point in given.points]
        n, gap, width = len(x), min(b - a for a, b in pairwise(x)), x[-1] - x[0]
        reach = max(x[-1], 0) + max(-x[0], 0)
        c = max(8 * mu**2 * width**3 * (mu**2 * reach + 2 * (n - 1) / gap), 1)
        half = mpmath.exp(mpmath.mpf(1) / 2)

        def decays(exponent: float) -> bool:
            sigma = mpmath.mpf(10) ** exponent
            a = c / sigma**6
            limit = mpmath.pi * n**5 * mu / (2**38 * half * width**2 * a**4)
            return bool(mpmath.exp(-(mu**2) * gap**2 / (32 * sigma**2)) <= limit)

        one, two, three, four = found.limits
        assert one is not None and two is not None and three is not None and four is not None
        assert one == pytest.approx(float(mpmath.log10(mu * gap / 8)), abs=1e-6)
        assert three == pytest.approx(-math.log10(n), abs=1e-6)
        assert four == pytest.approx(float(mpmath.log10(mu * n**2.5 * gap / 1024)), abs=1e-6)
        assert decays(two - 1e-5)
        assert two == 0 or not decays(two + 1e-5)
        rate = float(mpmath.log10(4096 / (mu * n**2 * gap)))
        assert found.threshold == pytest.approx(rate, abs=1e-6)
        sigma = mpmath.mpf(10) ** min(one, two, three, four)
        a = c / sigma**6
        excess = mpmath.pi * n**5 * mu**3 * gap**3 / (2**36 * half * a**4 * sigma**4)
        # The bound goes with sigma^22: an exponent known to 5e-7 moves it by 1.1e-5.
        assert found.excess == pytest.approx(float(mpmath.log10(excess * sigma**2)), abs=2e-5)


def test_settings_say_what_fails_and_by_how_much() -> None:
    first = [entry for entry in experiments() if entry.noise == experiments()[0].noise]
    found = regime_picture(first)
    assert [entry.rate for entry in found.settings] == [
        pytest.approx(math.log10(rate), abs=1e-6) for rate in (0.5, 0.1, 0.05, 0.01)
    ]
    sigma = math.sqrt(1 - math.exp(-0.4))
    assert found.settings[0].sigma == pytest.approx(math.log10(sigma), abs=1e-6)
    assert "sigma <= sigma_1: too large by a factor 801" in found.settings[0].failing
    by = 10 ** (found.settings[0].sigma - (found.limits[0] or 0))
    assert by == pytest.approx(801, abs=0.5)


def test_users_maps_carry_the_experiments_as_other_data() -> None:
    rates = [instance("a", learning_rate="1/10"), instance("b", learning_rate="1/5")]
    other = instance("c", sigma="1/5")
    found = pictures([*rates, other], battery=False)
    assert [entry.name for entry in found.regime_maps] == ["a", "c"]
    own = [entry.name for entry in found.regime_maps[0].settings if entry.own_sample]
    assert own == ["a", "b"]
    others = [entry for entry in found.regime_maps[0].settings if not entry.own_sample]
    assert len(others) == len(experiments()) and all(not entry.failing for entry in others)
    assert found.regime_maps[1].settings[0].rate is None


def test_at_most_so_many_pictures() -> None:
    many = [instance(f"i{k}", sigma=f"1/{k + 10}") for k in range(SHOWN + 3)]
    found = pictures(many, battery=False)
    assert [entry.name for entry in found.samples] == [f"i{k}" for k in range(SHOWN)]
    assert len(found.regime_maps) == SHOWN
    assert pictures([], battery=False) == Pictures()


def test_the_battery_shows_a_choice() -> None:
    instances = battery()
    found = pictures(instances, battery=True)
    assert [entry.name for entry in found.samples] == list(BATTERY_SAMPLES)
    assert sum(entry.network is not None for entry in found.samples) >= 4
    maps = [entry.name for entry in found.regime_maps]
    assert maps == ["figures 1 and 2, mu = 0.81", "figures 1 and 2, mu = 0.95", *BATTERY_MAPS]
    assert {entry.kind for entry in found.regime_maps[0].settings} == {"experiment"}
    assert len(json.dumps(found.as_document())) < 150_000
    again = next(entry for entry in instances if entry.name == BATTERY_SAMPLES[-1])
    assert sample_picture(again) == found.samples[-1]


# The form in a report.


def example() -> Pictures:
    return pictures([instance("a", learning_rate="1/10", network=NETWORK)], battery=False)


def test_a_document_is_read_back_as_it_was() -> None:
    found = example()
    text = json.dumps(found.as_document(), allow_nan=False)
    assert Pictures.from_document(json.loads(text)) == found


def _sample(**changes: Any) -> dict[str, Any]:
    return {**example().samples[0].as_document(), **changes}


def _map(**changes: Any) -> dict[str, Any]:
    return {**example().regime_maps[0].as_document(), **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": [1.0, 1.0], "score": [0, 0], "weight": [0, 0], "network": None}, "rise strictly"),
        ({"score": [1.0]}, "1 values of score"),
        ({"score": "text"}, "is no list"),
        ({"y": [1.0], "score": [1.0], "weight": [0], "network": None}, "two places"),
        ({"means": []}, "at least one mean"),
        ({"means": [3, 2]}, "means must rise"),
        ({"means": [math.nan]}, "no finite number"),
        ({"sigma": True}, "no finite number"),
        ({"mu": math.inf}, "no finite number"),
        ({"mu": 10**400}, "no finite number"),
        ({"size": 0}, "no positive whole number"),
        ({"name": 3}, "is no text"),
        ({"origin": None}, "is no text"),
        ({"extra": 1}, "'extra' is not known"),
    ],
)
def test_a_bad_sample_is_refused_with_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SamplePicture.from_document(_sample(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limits": [0, 0, 0]}, "3 limits"),
        ({"limits": [0, 0, 0, "1"]}, "no finite number"),
        ({"threshold": None}, "no finite number"),
        ({"excess": "x"}, "no finite number"),
        ({"settings": [{}]}, "'failing' is missing"),
        ({"settings": 4}, "is no list"),
    ],
)
def test_a_bad_map_is_refused_with_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RegimePicture.from_document(_map(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"kind": "x"}, {"sigma": "1"}, {"rate": math.nan}, {"own_sample": 1}, {"failing": [1]}],
)
def test_a_bad_setting_is_refused(changes: dict[str, Any]) -> None:
    document = {**example().regime_maps[0].settings[0].as_document(), **changes}
    with pytest.raises(ValueError, match="settings"):
        Setting.from_document(document)


@pytest.mark.parametrize("document", [None, [], {}, {"samples": []}, {"samples": 1}, "text"])
def test_bad_pictures_are_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="pictures"):
        Pictures.from_document(document)
