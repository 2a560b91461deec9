"""Proof steps of prop02, cor03, prop09, thm04 and lemmas 11, 12, 14: certified, and by hand.

Numbers in comments were worked out on paper from the printed formulas; `Definitions` spells the
formulas once more in mpmath, from section 0 of the list of claims and nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from flint import arb
from mpmath import mp

from dsmverify import catalogue
from dsmverify.certify import Session, precision
from dsmverify.claims import Claim, Identity, Inequality, Interval, Places, Row
from dsmverify.facts import Facts
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as posterior
from dsmverify.formulas import weight_steps as weight
from dsmverify.instance import Instance, NoiseLevel
from dsmverify.integrals import Accuracy

FAMILIES = ("prop02", "cor03", "lem11", "lem12", "lem14", "prop09", "thm04", "pi-smooth")


def instance(name: str, points: str, mu: str, sigma: str, **more: Any) -> Instance:
    noise = NoiseLevel(mu=Fraction(mu), sigma=Fraction(sigma))
    return Instance(name, tuple(Fraction(word) for word in points.split()), noise, **more)


TILTED = {
    "f": [Fraction(-2), Fraction(0), Fraction(1)],
    "beta": Fraction(2),
    "gamma": Fraction(1),
    "delta": Fraction(2, 5),
    "t": Fraction(1, 5),
}
INSTANCES = {
    case.name: case
    for case in (
        instance("pair", "0 1", "1/2", "1/8", at=(Fraction(1, 4),), parameters=TILTED),
        instance("triple", "-1 1 4", "3/5", "1/10", parameters={**TILTED, "t": Fraction(1, 50)}),
        instance("outlier", "0 1 100", "1/2", "1/100"),
        instance("four", "0 1/3 2/3 1", "4/5", "1/40"),
        instance("six", "-3 -2 -1 0 1 5/2", "9/10", "1/8"),
        instance("ten", "0 1 2 3 4 5 6 7 8 9", "19/20", "1/10"),
        instance("touching", "-2 -1.9 3", "4/5", "9/10"),
    )
}

FALSE = {
    "prop02.c2": {"triple", "outlier", "four", "six", "ten", "touching"},
    "lem11.c": set(INSTANCES),
    "lem14.a": {"pair", "triple"},
    "prop09.0": set(INSTANCES),
    "prop09.a": set(INSTANCES) - {"pair"},
    "prop09.b": set(INSTANCES) - {"pair"},
    "prop09.f": set(INSTANCES),
    "pi-smooth": set(INSTANCES),
    "thm04.b": {"triple", "outlier"},
    "thm04.d@every-n": {"pair", "triple", "outlier", "six", "touching"},
    "thm04.e": {"pair", "triple", "outlier", "six"},
}
"""Where a claim fails; everywhere else it is TRUE, or says nothing, or is one of these:"""

EQUAL = {
    ("prop02.c2", "pair"),  # alpha_1(m_1) = 1/2 = 1/n, and the data lie right of 0
    ("prop09.a", "pair"),  # both sides 0 at the left end
    ("prop09.b", "pair"),
    ("prop02.d", "four"),  # by symmetry E W(m_2) is the middle: only the proof decides
    ("prop02.d", "ten"),
}

NOT_APPLICABLE = {
    "Delta >= 2 sigma/mu": {"touching"},
    "16 n^3 exp": {"touching"},  # kappa = 4 of the pair: 128 exp(-4) > 1, so it is out too
    "n >= 10": set(INSTANCES) - {"ten"},
    "i >= ceil(n/4)+1": {"pair"},
    "i <= floor(3n/4)-1": {"triple", "outlier", "touching"},
    "parameters": set(INSTANCES) - {"pair", "triple"},
}


def steps() -> list[Claim]:
    return [
        claim
        for claim in catalogue.claims()
        if claim.id.startswith(FAMILIES) and (claim.kind == "step" or claim.form == "repaired")
    ]


@functools.cache
def decided(name: str) -> dict[str, Row]:
    """Rows of one instance, with the claims that a derivation is named for taken as proved."""
    proved = frozenset(claim.id for claim in steps() if claim.derivation is not None)
    session = Session(INSTANCES[name], proved)
    return {claim.id: session.decide(claim) for claim in steps()}


def answer(claim: str, name: str, **changes: Any) -> Row:
    return Session(replace(INSTANCES[name], **changes)).decide(catalogue.select([claim])[0])


def sides(claim: str, part: int = 0) -> Inequality | Identity:
    conclusion = catalogue.select([claim])[0].conclusion
    parts = conclusion if isinstance(conclusion, tuple) else (conclusion,)
    found = parts[part]
    assert isinstance(found, Inequality | Identity)
    return found


def near(enclosure: Any, expected: Any) -> bool:
    """Whether an enclosure of a row holds a value known to ten digits."""
    value = mp.mpf(expected)
    low, high = mp.mpf(enclosure.lower), mp.mpf(enclosure.upper)
    room = abs(value) * mp.mpf(10) ** -10
    return bool(low - room <= value <= high + room)


def test_every_printed_step_of_these_families_is_a_claim() -> None:
    printed = {
        "thm04.0 thm04.a thm04.b thm04.c thm04.d thm04.d2 thm04.e thm04.f",
        "prop02.a0 prop02.a prop02.b prop02.c prop02.c2 prop02.d prop02.e",
        "cor03.a cor03.b cor03.c cor03.d",
        "prop09.0 prop09.a prop09.b prop09.c prop09.d prop09.e prop09.f pi-smooth",
        "lem11.a lem11.b lem11.c lem11.d lem11.e lem12.a lem12.b lem12.b2 lem12.c lem12.d",
        "lem14.a lem14.b lem14.c lem14.d",
    }
    known = {claim.id for claim in steps() if claim.form == "printed" and claim.literal}
    assert known == {name for line in printed for name in line.split()}


def test_what_fails_has_a_severity_and_a_repair() -> None:
    repaired = {claim.repairs for claim in steps()}
    for claim in steps():
        if claim.id in FALSE:
            assert claim.severity is not None, claim.id
            assert claim.derivation is None, claim.id
            assert claim.id in repaired or claim.id == "thm04.d@every-n"
        elif claim.form == "printed":
            assert claim.derivation is not None, claim.id
        else:
            assert claim.change and claim.derivation is not None, claim.id


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize("claim", [claim.id for claim in steps()])
def test_certified_answers(claim: str, name: str) -> None:
    row = decided(name)[claim]
    if row.answer == "NOT_APPLICABLE":
        said = row.failed_hypothesis or ""
        listed = [places for start, places in NOT_APPLICABLE.items() if said.startswith(start)]
        allowed = listed[0] | ({"pair"} if said.startswith("16") else set())
        assert name in allowed, said
        return
    if (claim, name) in EQUAL:
        assert row.answer == "UNKNOWN" and (row.reason or "").startswith("equality")
        return
    assert row.answer == ("FALSE" if name in FALSE.get(claim, ()) else "TRUE"), row.reason


# Failures, with numbers from paper.


def test_prop02_c2_fails_left_of_zero_and_with_three_points() -> None:
    # mu = 1/2, x = (-3, -1): m_1 = -1 = x_2, so the kernels are 1 and exp(-mu^2 4/(2 sigma^2)).
    row = answer("prop02.c2", "pair", points=(Fraction(-3), Fraction(-1)))
    assert (row.answer, row.where) == ("FALSE", {"i": "1", "j": "2", "part": "2"})
    assert near(row.lhs, 1) and near(row.rhs, mp.exp(-32))
    row = decided("triple")["prop02.c2"]
    assert row.where["part"] == "1" and near(row.rhs, mp.mpf(1) / 3)
    assert near(row.lhs, mp.mpf(1) / 2)  # kappa of the gaps is 12 and 18: x_3 weighs exp(-270)


def test_lem11_c_is_off_by_sigma_squared() -> None:
    # At m_1 of a pair (x_j - E W)^2 = V = 1/4, alpha = 1/2: alpha'' = 0, and as printed it is
    # (mu^2/8)(1/sigma^2 - 1/sigma^4) = (1/32)(64 - 4096) = -126.
    row = decided("pair")["lem11.c"]
    assert row.where["y"] == "0.25"
    assert near(row.rhs, -126)
    assert row.lhs is not None and abs(mp.mpf(row.lhs.upper)) < 1e-20


def test_lem14_a_fails_by_the_moments() -> None:
    # (f + beta y)^2 - (y - 2)^2 = (y^2 + 2 y - 2)^2 - (y - 2)^2 = y^4 - y^2 + odd powers.
    row = decided("pair")["lem14.a"]
    assert row.answer == "FALSE" and row.lhs is not None and row.rhs is not None
    with mp.workdps(30):
        sigma, delta = mp.mpf(1) / 8, mp.mpf(2) / 5

        def moment(k: int) -> Any:
            ends = [-delta, 0, delta]
            return mp.quad(lambda y: y**k * mp.exp(-(y**2) / (2 * sigma**2)), ends)

        difference = mp.mpf(row.lhs.lower) - mp.mpf(row.rhs.lower)
        assert mp.almosteq(difference, moment(4) - moment(2), 1e-9)
        assert mp.almosteq(mp.mpf(row.rhs.lower), moment(2) + 4 * moment(0), 1e-10)


def test_prop09_at_the_exact_ends() -> None:
    row = decided("pair")["prop09.0"]
    assert near(row.lhs, 0) and near(row.rhs, mp.mpf(1) / 4) and row.where["i"] == "1"
    # x = (-1, 1, 4), mu = 3/5: pi^-(mu x_2) = (mu/9) 2 = 2/15, printed twice that;
    # pi^+(mu x_2) = (mu/9) 3 = 1/5, printed twice that.
    row = decided("triple")["prop09.a"]
    assert (row.where["i"], row.where["part"]) == ("2", "1")
    assert near(row.lhs, mp.mpf(2) / 15) and near(row.rhs, mp.mpf(4) / 15)
    row = decided("triple")["prop09.b"]
    assert (row.where["i"], row.where["part"]) == ("1", "1")
    assert near(row.lhs, mp.mpf(1) / 5) and near(row.rhs, mp.mpf(2) / 5)


def test_prop09_f_has_the_sign_of_its_right_side_wrong() -> None:
    row = decided("pair")["prop09.f"]
    assert near(row.lhs, row.where["y"]) and near(row.rhs, -mp.mpf(1) / 2)  # y - mu x_1, mu (0 - 1)


def test_pi_jumps_at_the_last_mean() -> None:
    row = decided("outlier")["pi-smooth"]
    # 50 noise levels inside: pi^+(u) = (mu x_3 - u)/9 is the smaller, E max(0, sigma z)/9.
    assert near(row.lhs, mp.mpf(1) / 900 / mp.sqrt(2 * mp.pi)) and near(row.rhs, 0)


def test_thm04_b_fails_with_an_outlier() -> None:
    row = decided("outlier")["thm04.b"]
    scale = mp.mpf("0.25") / mp.mpf("1e-8")
    # Printed: i = 1 gives 0, i = 2 gives (mu/9)(1/2) 1 Delta 2 (mu^2/sigma^4) 99^2/6.
    assert near(row.rhs, scale / 18 * mp.mpf(99) ** 2 / 6)
    # True: min pi = sigma/(9 sqrt(2 pi)) at both ends, variances 1/4 and 99^2/4 at midpoints.
    assert near(row.lhs, scale / 900 / mp.sqrt(2 * mp.pi) * (mp.mpf(99) ** 2 + 1) / 2)
    assert near(decided("outlier")["thm04.b.r1"].rhs or row.lhs, row.lhs.lower if row.lhs else 0)


@pytest.mark.parametrize(
    ("size", "count"),
    [(2, 0), (3, 0), (4, 1), (5, 0), (6, 1), (7, 2), (8, 3), (9, 2), (10, 3), (13, 4), (17, 6)],
)
def test_inner_indices_are_counted(size: int, count: int) -> None:
    points = tuple(Fraction(k) for k in range(size))
    row = answer("thm04.d@every-n", "ten", points=points)
    assert near(row.lhs, count) and near(row.rhs, mp.mpf(size) / 4)
    assert row.answer == ("TRUE" if 4 * count >= size else "FALSE")
    assert (row.answer == "FALSE") == (size in {2, 3, 5, 6, 9})


def test_thm04_f_at_its_times() -> None:
    for time in (Fraction(1, 100), Fraction(1, 5)):
        row = answer("thm04.f", "pair", parameters={"t": time})
        t = mp.mpf(time.numerator) / time.denominator
        assert row.answer == "TRUE" and near(row.rhs, 1 / (8 * t * t))
        assert near(row.lhs, mp.exp(-3 * t) / (1 - mp.exp(-2 * t)) ** 2)
    late = answer("thm04.f", "pair", parameters={"t": Fraction(1, 4)})
    assert late.answer == "NOT_APPLICABLE"


def test_lem14_d_says_nothing_and_its_repair_is_lem14b() -> None:
    assert decided("pair")["lem14.d"].trivial
    assert sides("lem14.d.r1").right is sides("lem14b").right


# Sides from the definitions.


class Definitions:
    """Section 0 of the list of claims, in mpmath."""

    def __init__(self, name: str) -> None:
        found = INSTANCES[name]
        self.x = [self.number(value) for value in found.points]
        assert found.noise.mu is not None and found.noise.sigma is not None
        self.mu, self.sigma = self.number(found.noise.mu), self.number(found.noise.sigma)
        self.n = len(self.x)
        self.spacing = min(b - a for a, b in pairwise(self.x))

    @staticmethod
    def number(value: Fraction) -> Any:
        return mp.mpf(value.numerator) / value.denominator

    def alphas(self, y: Any) -> list[Any]:
        e = [mp.exp(-((y - self.mu * x) ** 2) / (2 * self.sigma**2)) for x in self.x]
        return [value / mp.fsum(e) for value in e]

    def moment(self, y: Any, order: int, centre: Any = 0) -> Any:
        pairs = zip(self.alphas(y), self.x, strict=True)
        return mp.fsum(a * (x - centre) ** order for a, x in pairs)

    def score(self, y: Any) -> Any:
        return (self.mu * self.moment(y, 1) - y) / self.sigma**2

    def weight(self, y: Any) -> Any:
        def smaller(u: Any) -> Any:
            below = [u - self.mu * x for x in self.x if self.mu * x < u]
            above = [self.mu * x - u for x in self.x if self.mu * x > u]
            return min(
                len(below) * mp.fsum(below) / self.n**2, len(above) * mp.fsum(above) / self.n**2
            )

        means = [self.mu * x for x in self.x]
        cuts = sorted({*means, y, *((a + b) / 2 for a, b in pairwise(means))})
        cuts += [self.mu * self.x[0] - 1, self.mu * self.x[-1] + 1]
        # The kernel is narrow: integrate noise level by noise level around y.
        near_y = [y + k * self.sigma for k in range(-9, 10)]
        inside = sorted({*near_y, *(c for c in cuts if near_y[0] < c < near_y[-1])})
        return mp.quad(lambda u: smaller(u) * mp.npdf(u, y, self.sigma), inside)

    def decay(self, divisor: int) -> Any:
        return mp.exp(-((self.mu * self.spacing / self.sigma) ** 2) / divisor)


def value(side: Any, name: str, i: int = 0, k: int = 0, y: Fraction | None = None) -> Any:
    """A side at an instance, as the middle of a tight ball."""
    with precision(192):
        facts = Facts(INSTANCES[name], Accuracy(40))
        place = None if y is None else arb(y.numerator) / y.denominator
        ball = side(replace(facts.case(i, place), k=k))
        assert float(ball.rad()) <= 1e-9 * abs(float(ball.mid())) + 1e-300
        return mp.mpf(ball.mid().str(30, radius=False))


def same(found: Any, expected: Any, digits: int = 20) -> bool:
    return bool(mp.almosteq(found, expected, mp.mpf(10) ** -digits, mp.mpf(10) ** -200))


@pytest.mark.parametrize("name", ["triple", "touching", "six"])
@pytest.mark.parametrize("i", [1, 2])
def test_sides_of_prop02_from_the_definitions(name: str, i: int) -> None:
    with mp.workdps(150):  # E W - x_i is as small as 10^-60 here
        d = Definitions(name)
        y = Fraction(-1, 7)
        at, x, own = d.number(y), d.number(y) / d.mu, d.x[i - 1]
        later = [p for p in d.x if p > own]
        terms = [
            (p - own) * mp.exp(-(d.mu**2) * (p - own) * (p + own - 2 * x) / (2 * d.sigma**2))
            for p in later
        ]
        assert same(value(posterior.later_ratio_sum, name, i, y=y), mp.fsum(terms))
        assert same(value(posterior.anchored_offset, name, i, y=y), d.moment(at, 1) - own)
        half = [(p - own) * mp.exp(-(d.mu**2) * (p - own) ** 2 / (4 * d.sigma**2)) for p in later]
        assert same(value(posterior.later_half_kernel_sum, name, i), mp.fsum(half))
        worst = d.mu * (own + d.spacing / 4)
        assert same(value(posterior.offset_at_worst_place, name, i), d.moment(worst, 1) - own)
        middle = d.mu * (own + d.x[i]) / 2
        assert same(value(posterior.weight_at_midpoint, name, i), d.alphas(middle)[i - 1])
        assert same(value(posterior.midpoint_share, name, i), d.alphas(middle)[i - 1])
        mean = d.moment(middle, 1)
        pair = ((own - mean) ** 2 + (d.x[i] - mean) ** 2) / d.n
        assert same(value(posterior.neighbour_deviations, name, i), pair)
        mean = d.moment(at, 1)
        excess = max((p - mean) ** 2 - 2 * (p - own) ** 2 for p in d.x)
        assert same(value(posterior.excess_deviation, name, i, y=y), excess)
        squares = [
            (p - own) ** 2 * mp.exp(-(d.mu**2) * (p - own) ** 2 / (4 * d.sigma**2)) for p in d.x
        ]
        first = 2 * d.n**2 * d.spacing**2 * d.decay(2)
        expected = first + 2 * mp.fsum(squares)
        assert same(value(posterior.variance_by_half_kernels, name, i), expected)
        expected = first + 2 * d.n * d.spacing**2 * d.decay(4)
        assert same(value(posterior.variance_by_spacing, name, i), expected)
        expected = abs(d.score(at) + (at - d.mu * own) / d.sigma**2)
        assert same(value(posterior.score_residual, name, i, y=y), expected)
        assert same(value(posterior.distance_from_mean, name, i, y=y), expected)


@pytest.mark.parametrize("name", ["pair", "touching"])
def test_sides_of_lem11_by_differences(name: str) -> None:
    with mp.workdps(60):
        d = Definitions(name)
        y = Fraction(1, 3)
        for j in (1, 2):
            # Central differences at 60 digits with a step of about 10^-20: errors below 10^-15.
            slope = mp.diff(lambda t, j=j: d.alphas(t)[j - 1], d.number(y))
            curvature = mp.diff(lambda t, j=j: d.alphas(t)[j - 1], d.number(y), 2)
            for side in (posterior.weight_slope, posterior.printed_weight_slope):
                assert same(value(side, name, j, y=y), slope, 12)
            for side in (
                posterior.weight_curvature,
                posterior.weight_curvature_by_sum,
                posterior.weight_curvature_by_variance,
                posterior.weight_curvature_by_moments,
            ):
                assert same(value(side, name, j, y=y), curvature, 12)
            own = d.x[j - 1] - d.moment(d.number(y), 1)
            variance = d.moment(d.number(y), 2, d.moment(d.number(y), 1))
            scale = d.mu**2 * d.alphas(d.number(y))[j - 1]
            printed = scale * (own**2 / d.sigma**2 - variance / d.sigma**4)
            assert same(value(posterior.printed_weight_curvature, name, j, y=y), printed)
        second = mp.diff(d.score, d.number(y), 2)
        for side in (posterior.curvature_by_weights, posterior.curvature_by_raw_moments):
            assert same(value(side, name, y=y), second, 12)


@pytest.mark.parametrize("name", ["touching", "pair"])
def test_sides_of_lem12_by_quadrature(name: str) -> None:
    with mp.workdps(20):
        d = Definitions(name)

        def size(t: Any) -> Any:
            third = d.moment(t, 3, d.moment(t, 1))
            return abs(third) * (d.mu / d.sigma**2) ** 3

        low, high = 2 * d.mu * min(d.x[0], 0), 2 * d.mu * max(d.x[-1], 0)
        # Panels as narrow as the posterior's switch; signs change at a few points only.
        grid = [low + (high - low) * k / 200 for k in range(201)]
        far = [high + k * d.sigma / 4 for k in range(120)]
        behind = [low - k * d.sigma / 4 for k in range(120)][::-1]
        with precision(96):
            case = Facts(INSTANCES[name], Accuracy(20)).case()
            total = float(bounds.curvature_mass(case).mid())
            for side, cuts in (
                (posterior.inner_curvature_mass, grid),
                (posterior.right_curvature_mass, far),
                (posterior.left_curvature_mass, behind),
            ):
                expected, found = mp.quad(size, cuts, maxdegree=3), side(case)
                assert float(found.lower()) <= float(expected) * (1 + 1e-4)
                assert float(found.upper()) >= float(expected) * (1 - 1e-4)
                # Accurate relative to the whole line, not to each part.
                assert float(found.upper()) <= float(expected) + total / 10


def test_parts_of_the_curvature_mass_add_up_where_the_data_are_far_from_zero() -> None:
    # x = (50, 51): 2 mu x_n lies far beyond the panels and the lower part is all of y <= 0.
    far = replace(INSTANCES["pair"], points=(Fraction(50), Fraction(51)))
    with precision(96):
        there, here = Facts(far, Accuracy(20)), Facts(INSTANCES["pair"], Accuracy(20))
        assert there.curvature_mass.overlaps(here.curvature_mass)
        assert float(there.curvature_mass_above.upper()) < 1e-6
        assert float(there.curvature_mass_below.upper()) < 1e-6
        assert there.curvature_mass_between.overlaps(there.curvature_mass)


def test_sides_of_lem14_by_quadrature() -> None:
    with mp.workdps(30):
        sigma, delta, beta, gamma = mp.mpf(1) / 8, mp.mpf(2) / 5, 2, 1

        def mass(f: Any) -> Any:
            return mp.quad(lambda y: f(y) * mp.exp(-(y**2) / (2 * sigma**2)), [-delta, 0, delta])

        def f(y: Any) -> Any:
            return y * y - 2

        line = mass(lambda y: (-gamma * y + f(0) + beta * y) ** 2)
        assert same(value(posterior.truncated_tilt, "pair"), mass(lambda y: (f(y) + beta * y) ** 2))
        assert same(value(posterior.truncated_line, "pair"), line)
        assert same(value(posterior.expanded_line, "pair"), line)
        assert same(value(posterior.line_without_cross_term, "pair"), line)
        centred = mass(lambda y: (beta - gamma) ** 2 * y * y)
        assert same(value(posterior.truncated_centred_line, "pair"), centred)
        scaled = centred / mp.sqrt(2 * mp.pi * sigma**2)
        assert same(value(posterior.normalised_square, "pair"), scaled)
        assert same(value(posterior.square_by_probability, "pair"), scaled)
        edge = 2 * delta / mp.sqrt(2 * mp.pi * sigma**2) * mp.exp(-(delta**2) / (2 * sigma**2))
        printed = sigma**2 * (1 - edge - 2 * mp.exp(delta**2 / (2 * sigma**2)))
        assert same(value(posterior.printed_square_floor, "pair"), printed)


@pytest.mark.parametrize("name", ["triple", "six", "touching"])
def test_sides_of_prop09_from_the_definitions(name: str) -> None:
    with mp.workdps(25):
        d = Definitions(name)
        for i in range(1, d.n):
            x, mu = INSTANCES[name].points, INSTANCES[name].noise.rational_mu
            assert mu is not None
            y = mu * (2 * x[i - 1] + x[i]) / 3
            at = d.number(y)
            below = [at - d.mu * x for x in d.x if d.mu * x < at]
            above = [d.mu * x - at for x in d.x if d.mu * x > at]
            assert len(below) == i
            minus, plus = (len(s) * mp.fsum(s) / d.n**2 for s in (below, above))
            for side in (weight.below_weight, weight.printed_below_weight):
                assert same(value(side, name, i, y=y), minus)
            for side in (weight.above_weight, weight.printed_above_weight):
                assert same(value(side, name, i, y=y), plus)
            for side in (weight.mean_below, weight.printed_mean_below, weight.scaled_mean_below):
                assert same(value(side, name, i, y=y), mp.fsum(below) / i)
            inside = mp.ncdf((d.mu * d.x[i] - at) / d.sigma) - mp.ncdf(
                (d.mu * d.x[i - 1] - at) / d.sigma
            )
            left = i * mp.fsum(d.x[i - 1] - x for x in d.x[:i])
            right = (d.n - i) * mp.fsum(x - d.x[i] for x in d.x[i:])
            expected = d.mu / d.n**2 * min(left, right) * inside
            assert same(value(weight.weight_floor_by_sums, name, i, y=y), expected, 15)
            assert same(value(weight.gap_probability, name, i, y=y), inside, 15)
            floor = d.mu / d.n**2 * (mp.mpf(1) / 2 - d.decay(2)) * d.spacing / 2
            floor *= min(i * i * (i - 1), (d.n - i) ** 2 * (d.n - i - 1))
            assert same(value(weight.repaired_weight_floor, name, i), floor)
            # The quadrature is not cut where pi^- crosses pi^+, which costs up to 10^-6.
            assert same(value(bounds.weight, name, y=y), d.weight(at), 6)


@pytest.mark.parametrize("name", ["triple", "six"])
def test_sides_of_thm04_from_the_definitions(name: str) -> None:
    with mp.workdps(25):
        d = Definitions(name)

        def variance(y: Any) -> Any:
            return d.moment(y, 2, d.moment(y, 1))

        printed, repaired, changes = mp.mpf(0), mp.mpf(0), mp.mpf(0)
        for i in range(1, d.n):
            gap, rest = d.x[i] - d.x[i - 1], d.n - i
            common = d.mu / d.n**2 * (mp.mpf(1) / 2 - d.decay(2)) * d.spacing / 2
            common *= 2 * (d.mu**2 / d.sigma**4)
            common *= gap**2 / (2 * d.n) - 4 * d.n**2 * d.spacing**2 * d.decay(4)
            printed += common * min(i * i * (i - 1), rest**2 * (rest + 1))
            repaired += common * min(i * i * (i - 1), rest**2 * (rest - 1))
            low, high = d.mu * d.x[i - 1], d.mu * d.x[i]
            least = min(d.weight(low), d.weight((low + high) / 2), d.weight(high))
            middle = variance((low + high) / 2)
            changes += least * (abs(middle - variance(low)) + abs(middle - variance(high)))
        assert same(value(weight.printed_gap_sum, name), printed)
        assert same(value(weight.repaired_gap_sum, name), repaired)
        with precision(96):
            found = weight.slope_changes_by_least_weight(
                Facts(INSTANCES[name], Accuracy(20)).case()
            )
        expected = d.mu**2 / d.sigma**4 * changes
        # The least of three values is an upper bound of the minimum, here attained at an end.
        assert float(found.lower()) <= float(expected) * (1 + 1e-6)
        assert float(found.upper()) >= float(expected) * (1 - 1e-2)
        inner = [i for i in range(1, d.n) if -(-d.n // 4) + 1 <= i <= 3 * d.n // 4 - 1]
        each = d.mu**3 * d.n * d.spacing / (64 * d.sigma**4) * (mp.mpf(1) / 2 - d.decay(2))
        each *= d.spacing**2 / (2 * d.n) - 4 * d.n**2 * d.spacing**2 * d.decay(4)
        assert same(value(weight.inner_sum, name), len(inner) * each)


# Margins.


def with_margins() -> Iterator[tuple[str, Claim, Inequality]]:
    for claim in steps():
        conclusion = claim.conclusion
        for part in conclusion if isinstance(conclusion, tuple) else (conclusion,):
            if isinstance(part, Inequality) and part.margin is not None:
                yield f"{claim.id} {getattr(part.margin, '__name__', '')}", claim, part


@pytest.mark.parametrize("name", ["pair", "triple", "four", "six", "touching"])
@pytest.mark.parametrize(
    ("claim", "part"), [pair[1:] for pair in with_margins()], ids=[p[0] for p in with_margins()]
)
def test_margins_are_left_minus_right(claim: Claim, part: Inequality, name: str) -> None:
    if claim.parameters and name not in {"pair", "triple"}:
        return
    assert part.margin is not None
    with precision(600):
        facts = Facts(INSTANCES[name], Accuracy(40))
        size = INSTANCES[name].size
        pairs = [(i, k) for i in range(1, size) for k in range(1, size + 1)]
        for i, k in pairs:
            if claim.range.index == "pairs" and k <= i:
                continue
            case = replace(facts.case(i), k=k)
            span = claim.range.y
            assert not isinstance(span, Interval)
            places = [s(case) for s in span.sides] if isinstance(span, Places) else [None]
            for y in places:
                at = replace(facts.case(i, y), k=k)
                gap = part.left(at) - part.right(at)
                gap = gap if part.relation == ">=" else -gap
                margin = part.margin(at)
                if "lower bound" in (part.margin.__doc__ or ""):
                    assert (gap - margin).overlaps(arb(0)) or bool(gap > margin)
                else:
                    assert margin.overlaps(gap), (i, k)
                # 600 bits against cancellation of at most some hundred: a tight comparison.
                assert float(abs(margin - gap).rad()) < 1e-60
