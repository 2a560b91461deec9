"""Steps about networks and theorem 8: predicted answers, and sides against the definitions.

The instances are small and made by hand; what a step says about them is worked out on paper beside
each. Sides are compared with mpmath quadrature and with torch's automatic differentiation, both
written from the paper's definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from mpmath import mp

from dsmverify import catalogue
from dsmverify.certify import Session, precision
from dsmverify.checking import prove
from dsmverify.claims import Row
from dsmverify.facts import Facts
from dsmverify.formulas import bounds, network_steps, threshold_steps
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from tests.formulas.definitions import (
    mpf,
    network,
    neurons,
    noise,
    pi_minus,
    pi_plus,
    quadrature,
    torch_parameters,
)

F = Fraction
BITS = 160


def instance(
    points: tuple[Fraction, ...],
    mu: Fraction,
    sigma: Fraction,
    net: NetworkData | None = None,
    **more: Any,
) -> Instance:
    return Instance("by-hand", points, NoiseLevel(sigma=sigma, mu=mu), net, **more)


def answer(case: Instance, claim: str) -> Row:
    (found,) = catalogue.select([claim])
    return Session(case).decide(found)


def side(
    case: Instance, formula: Callable[..., Any], l: int = 0, i: int = 0, y: Fraction | None = None
) -> Any:
    """A side as a float, or an array of them."""
    with precision(BITS):
        facts = Facts(case, Accuracy(40))
        free = replace(facts.case(i), l=l, y=None if y is None else network_ball(y))
        value = formula(free)
        if isinstance(value, np.ndarray):
            entries: Any = np.frompyfunc(float, 1, 1)(value)
            return entries.astype(float)
        return float(value)


def network_ball(y: Fraction) -> Any:
    from dsmverify.systems.balls import ball

    return ball(y)


MIXED = instance(
    (F(-1), F(1, 2), F(2)),
    F(3, 5),
    F(2, 5),
    NetworkData(
        (F(1), F(-1), F(1), F(-1)),
        (F(1, 3), F(1, 4), F(-1, 2), F(-2, 5)),
        (F(3), F(-2), F(5, 2), F(4)),
    ),
)
"""Two neurons of either sign with four distinct kinks: -1/3, 1/4, 1/2 and -2/5."""

ORDER = (3, 0, 1, 2)
"""Its neurons in the order of kinks."""


def staircase(
    means: list[Fraction], sigma: Fraction, rises: list[tuple[Fraction, Fraction]]
) -> NetworkData:
    """A network of slope `-1/sigma^2` through 0 at every mean, which rises once in each gap.

    The line of that slope is made of a pair of neurons at the first mean, every rise of two more.
    """
    fall = -1 / sigma**2
    jumps: list[tuple[Fraction, Fraction]] = []
    for (left, right), (low, high) in zip(pairwise(means), rises, strict=True):
        slope = fall * ((high - right) - (low - left)) / (high - low)
        jumps += [(low, slope - fall), (high, fall - slope)]
    m = len(jumps) + 2
    return NetworkData(
        (F(1), F(-1), *(F(1) for _ in jumps)),
        (-means[0], means[0], *(-kink for kink, _ in jumps)),
        (m * fall, -m * fall, *(m * jump for _, jump in jumps)),
    )


def three_points(shift: int) -> Instance:
    """n = 3, kappa = 25: a gentle rise in the first gap, a steep one just left of `mu x_3`."""
    mu, sigma = F(1, 2), F(1, 50)
    points = (F(1 + shift), F(2 + shift), F(10 + shift))
    away = mu * shift
    rises = [(F(13, 20) + away, F(17, 20) + away), (F(97, 20) + away, F(49, 10) + away)]
    return instance(points, mu, sigma, staircase([mu * x for x in points], sigma, rises))


# Data.

FAMILIES = ("prop10", "hess15", "prop06", "prop07", "thm08", "prose", "eq08", "unbiased")
CLAIMS = [claim for claim in catalogue.claims() if claim.id.startswith(FAMILIES)]


def test_steps_serve_claims_and_repairs_say_what_changed() -> None:
    known = {claim.id for claim in catalogue.claims()}
    for claim in CLAIMS:
        assert claim.kind == "claim" or claim.serves in known or claim.id.startswith("prose")
        if claim.form == "repaired":
            assert claim.repairs in known and claim.change.endswith(".")
        assert set(claim.leans_on) <= known, claim.id


def test_every_named_derivation_lists_the_claim() -> None:
    named = [claim for claim in CLAIMS if claim.derivation not in {None, "unbiased_batch"}]
    proved = prove([*named, *catalogue.select(["unbiased.r1"])])
    assert {claim.id for claim in named} < set(proved)
    assert all(proved.values())


# The Hessian.


def kink_diagonal_by_autograd(case: Instance) -> Any:
    """What `hess R_n` has beyond its first two terms, on the diagonal of the biases."""
    start = torch_parameters(case)
    m = len(start) // 3
    differentiate: Any = torch.autograd.functional.hessian
    whole = differentiate(lambda p: quadrature(case, p).risk, start)
    there = quadrature(case, start)
    rest = whole - 2 * there.tangent_kernel() - 2 * there.pointwise_curvature()
    return torch.diagonal(rest)[m : 2 * m].detach().numpy()


def test_kink_entries_are_what_automatic_differentiation_leaves() -> None:
    expected = kink_diagonal_by_autograd(MIXED)
    n, m = MIXED.size, len(expected)
    for place, neuron in enumerate(ORDER, start=1):
        derived = [side(MIXED, network_steps.kink_entry, place, i) for i in range(1, n + 1)]
        # quadrature and autograd in float64: about 1e-13 of entries of size 10
        assert 2 / n * sum(derived) == pytest.approx(expected[neuron], rel=1e-9, abs=1e-10)
        for i, entry in enumerate(derived, start=1):
            minus = side(MIXED, network_steps.printed_rising_entry, place, i)
            plus = side(MIXED, network_steps.printed_falling_entry, place, i)
            by_sign = side(MIXED, network_steps.printed_entry, place, i)
            assert (minus, plus) == pytest.approx((-entry, entry))
            rises = neurons(MIXED)[neuron][0] > 0
            assert by_sign == pytest.approx(-entry if rises else entry)
    assert m == len(ORDER)


def test_the_printed_gradient_is_the_derivative_of_the_risk() -> None:
    start = torch_parameters(MIXED).requires_grad_()
    quadrature(MIXED, start).risk.backward()
    expected = start.grad.numpy()[:8]
    assert side(MIXED, network_steps.printed_gradient) == pytest.approx(expected, rel=1e-9)
    assert side(MIXED, network_steps.gradient) == pytest.approx(expected, rel=1e-9)


def test_the_rest_of_the_hessian() -> None:
    there = quadrature(MIXED, torch_parameters(MIXED))
    expected = (2 * there.tangent_kernel() + 2 * there.pointwise_curvature())[:8, :8].numpy()
    expected = expected.copy()
    for place in range(4, 8):
        expected[place, place] = 0
    for formula in (network_steps.hessian_without_kinks, network_steps.kernel_and_cross):
        assert side(MIXED, formula) == pytest.approx(expected, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("hess15.a", "UNKNOWN"),
        ("hess15.b", "UNKNOWN"),
        ("hess15.c", "FALSE"),
        ("hess15.c.r1", "UNKNOWN"),
        ("hess15.d", "UNKNOWN"),
        ("hess15.e", "FALSE"),
        ("hess15.e.r1", "UNKNOWN"),
        ("hess15.f", "FALSE"),
        ("hess15.f.r1", "UNKNOWN"),
        ("hess15.r1", "UNKNOWN"),
    ],
)
def test_identities_about_the_hessian(claim: str, expected: str) -> None:
    assert answer(MIXED, claim).answer == expected
    if expected == "UNKNOWN":
        (found,) = catalogue.select([claim])
        assert Session(MIXED, frozenset([claim])).decide(found).answer == "TRUE"


# Proposition 10.


def gradient_at(case: Instance, y: Any) -> list[Any]:
    """`grad s_theta(y)`, outer weights, then biases, in mpmath."""
    m = len(neurons(case))
    active = [(mpf(w) * y + mpf(b), mpf(v)) for w, b, v in neurons(case)]
    hinge = [max(z, mp.zero) / m for z, _ in active]
    return hinge + [(v if z > 0 else mp.zero) / m for z, v in active]


def over_noise(case: Instance, function: Callable[[Any], Any]) -> Any:
    """Mean over xi, cut where a noised point meets a kink."""
    mu, sigma = noise(case)
    cuts = {mpf(-b / w) - mu * mpf(x) for w, b, _ in neurons(case) for x in case.points}
    ends = sorted(cut for cut in {*cuts, -12 * sigma, 12 * sigma} if abs(cut) <= 12 * sigma)
    return mp.quad(lambda xi: function(xi) * mp.npdf(xi, 0, sigma), ends)


def test_means_of_columns_by_quadrature() -> None:
    mu, _ = noise(MIXED)
    n = MIXED.size

    def column_square(xi: Any) -> Any:
        columns = [gradient_at(MIXED, xi + mu * mpf(x)) for x in MIXED.points]
        return mp.fsum(mp.fsum(entries) ** 2 for entries in zip(*columns, strict=True)) / n**2

    expected = float(over_noise(MIXED, column_square))
    assert side(MIXED, network_steps.mean_column_square) == pytest.approx(expected, rel=1e-10)

    def mean_entry(place: int) -> Any:
        return over_noise(
            MIXED,
            lambda xi: mp.fsum(gradient_at(MIXED, xi + mu * mpf(x))[place] for x in MIXED.points),
        )

    squares = mp.fsum((mean_entry(place) / n) ** 2 for place in range(8))
    value = side(MIXED, network_steps.mean_gradient_square)
    assert value == pytest.approx(float(squares), rel=1e-10)


@pytest.mark.parametrize("xi", [F(1, 7), F(-3, 5), F(3, 2)])
def test_sides_at_a_fixed_noise(xi: Fraction) -> None:
    mu, _ = noise(MIXED)
    n, m = MIXED.size, 4
    columns = [gradient_at(MIXED, mpf(xi) + mu * mpf(x)) for x in MIXED.points]
    sums = [mp.fsum(entries) for entries in zip(*columns, strict=True)]
    square = mp.fsum(entry**2 for entry in sums) / n**2
    product = 2 * mp.fsum(sums[l] * abs(sums[m + l]) for l in range(m)) / n**2
    for formula in (network_steps.column_sum_square, network_steps.column_sum_squares_by_neuron):
        assert side(MIXED, formula, y=xi) == pytest.approx(float(square), rel=1e-12)
    for formula in (network_steps.column_products, network_steps.conditional_products):
        assert side(MIXED, formula, y=xi) == pytest.approx(float(product), rel=1e-12)
    kinks = [(mpf(-b / w), w, v) for w, b, v in (neurons(MIXED)[place] for place in ORDER)]
    wanted = [
        float((pi_plus if w > 0 else pi_minus)(MIXED, kink - mpf(xi))) for kink, w, _ in kinks
    ]
    for formula in (network_steps.conditional_distances, network_steps.weight_side_by_sign):
        assert side(MIXED, formula, y=xi) == pytest.approx(wanted, rel=1e-12, abs=1e-30)
    smaller = [
        min(pi_plus(MIXED, kink - mpf(xi)), pi_minus(MIXED, kink - mpf(xi))) for kink, _, _ in kinks
    ]
    total = 2 * mp.fsum(abs(mpf(v)) * s for (_, _, v), s in zip(kinks, smaller, strict=True)) / 16
    for formula in (network_steps.smaller_sides_by_neuron, network_steps.smaller_sides_by_kink):
        assert side(MIXED, formula, y=xi) == pytest.approx(float(total), rel=1e-12, abs=1e-30)


def test_opposite_weights_at_one_kink_cancel() -> None:
    """Weights 3 and -1 of two neurons at one kink: |w| sums to 4, the bend to 2, the rest is 2."""
    net = NetworkData((F(1), F(-1)), (F(0), F(0)), (F(3), F(-1)))
    case = instance((F(-1), F(1)), F(1, 2), F(1, 5), net)
    xi = F(1, 30)
    left = side(case, network_steps.smaller_sides_by_neuron, y=xi)
    right = side(case, network_steps.smaller_sides_by_kink, y=xi)
    assert right == pytest.approx(left / 2)
    margin = side(case, network_steps.smaller_sides_margin, y=xi)
    assert margin == pytest.approx(left - right)
    assert side(case, network_steps.kink_masses) == pytest.approx([1, 0])
    # printed: (1 * 3 + (-1) * (-1))/2 = 2, and the bend is (3 - 1)/2 = 1
    assert side(case, network_steps.printed_kink_masses) == pytest.approx([2, 0])
    assert answer(case, "prop10.f@since").answer == "FALSE"


def test_the_two_maxima_differ_for_one_neuron() -> None:
    """m = 1, w2 = 0: T has the entry E[relu^2], the columns lambda_max((1/n) E[relu_i relu_j]).

    For a kink far left relu is nearly linear: T is about `E (Y - tau)^2 = 17 + 1/16 + 1/25` at
    mu x = -+1/4, tau = -4.1231.., and the columns give the same up to variances between points.
    """
    net = NetworkData((F(1),), (F(4),), (F(0),))
    case = instance((F(-1), F(1)), F(1, 4), F(1, 5), net)
    rows, columns = (
        side(case, network_steps.kernel_form_maximum),
        side(case, network_steps.column_form_maximum),
    )
    # rows: E (4 + Y)^2 = 16 + 1/16 + 1/25; columns: a 2 by 2 matrix of the products of
    # 4 - 1/4 + xi and 4 + 1/4 + xi
    first, second, noise_square = 3.75, 4.25, 1 / 25
    entries = [
        [first**2 + noise_square, first * second + noise_square],
        [first * second + noise_square, second**2 + noise_square],
    ]
    assert rows == pytest.approx(16 + 1 / 16 + 1 / 25, rel=1e-12)
    assert columns == pytest.approx(max(np.linalg.eigvalsh(entries)) / 2, rel=1e-12)
    assert answer(case, "prop10.b").answer == "FALSE"
    assert answer(case, "prop10.b.r1").answer == "TRUE"


def test_the_repaired_bound_on_a_small_network() -> None:
    for claim in ("prop10.c", "prop10.g", "prop10.b.r1", "prop10.r1"):
        assert answer(MIXED, claim).answer == "TRUE"


# Proposition 6.


def test_the_quadratic_form_and_its_two_decompositions() -> None:
    there = quadrature(MIXED, torch_parameters(MIXED))
    kernel = there.tangent_kernel()[:8, :8].numpy()
    cross = there.pointwise_curvature()[:8, :8].numpy()
    values, vectors = np.linalg.eigh(kernel)
    v = vectors[:, -1]
    kink = kink_diagonal_by_autograd(MIXED)
    signs = np.array([float(w) for w, _, _ in neurons(MIXED)])
    form = 2 * v @ kernel @ v + 2 * v @ cross @ v + v[4:] ** 2 @ kink
    printed = 2 * values[-1] / 4 + 2 * v @ cross @ v - v[4:] ** 2 @ (signs * kink)
    assert side(MIXED, network_steps.hessian_form_on_top) == pytest.approx(form, rel=1e-8)
    assert side(MIXED, network_steps.corrected_decomposition) == pytest.approx(form, rel=1e-8)
    assert side(MIXED, network_steps.printed_decomposition) == pytest.approx(printed, rel=1e-8)
    assert answer(MIXED, "prop06.a2").answer == "FALSE"
    for claim in ("prop06.a", "prop06.b", "prop06.b.r1", "prop06.c", "prop06.d", "prop06.d2"):
        assert answer(MIXED, claim).answer == "TRUE"
    assert answer(MIXED, "prop06.d2.r1").answer == "TRUE"


def test_a_double_eigenvalue_leaves_the_vector_open() -> None:
    """Two mirrored neurons that never meet: the kernel's top eigenvalue is double."""
    net = NetworkData((F(1), F(-1)), (F(0), F(0)), (F(1), F(1)))
    case = instance((F(-1), F(1)), F(1, 2), F(1, 5), net)
    with precision(BITS):
        vector = Facts(case, Accuracy(40)).network_facts.kernel_eigenvector
        assert all(entry.contains(0) and entry.contains(1) for entry in vector)


def test_the_lowest_residual_near_a_kink_by_sampling() -> None:
    bounded = replace(
        MIXED,
        network=replace(MIXED.network, bound=F(7)),  # type: ignore[type-var]
    )
    variance = F(4, 25)
    for place, neuron in enumerate(ORDER, start=1):
        w, b, _ = neurons(MIXED)[neuron]
        kink = -b / w
        for i, x in enumerate(MIXED.points, start=1):

            def residual(y: Fraction, x: Fraction = x) -> Fraction:
                return network(MIXED, y) + (y - F(3, 5) * x) / variance

            reach = abs(residual(kink)) / 28
            places = [kink + reach * F(k, 200) for k in range(-200, 201)]
            least = float(min(abs(residual(y)) for y in places))
            floor = side(bounded, network_steps.residual_floor, place, i)
            # sampled every 1/200 of the reach, slopes below 2A = 14
            assert floor <= least + 1e-12
            assert floor == pytest.approx(least, abs=14 * float(reach) / 200)


def test_the_interval_of_a_kink() -> None:
    """A neuron of no weight at tau = 0, mu x_1 = 1/2, sigma = 1/2: f(tau) = -2, r = 2/(4 * 64)."""
    net = NetworkData((F(1),), (F(0),), (F(0),), F(64))
    case = instance((F(1), F(2)), F(1, 2), F(1, 2), net)
    assert side(case, network_steps.kink_residual, 1, 1) == pytest.approx(-2)
    assert side(case, network_steps.lower_end, 1, 1) == pytest.approx(0.5 - 1 / 128)
    assert side(case, network_steps.upper_end, 1, 1) == pytest.approx(0.5 + 1 / 128)
    low, high = mp.mpf(1) / 2 - mp.mpf(1) / 128, mp.mpf(1) / 2 + mp.mpf(1) / 128
    mass = mp.quad(lambda y: mp.exp(-2 * y * y), [low, high])
    assert side(case, network_steps.kernel_over_reach, 1, 1) == pytest.approx(float(mass))


def test_far_kinks_break_the_pointwise_bound_only() -> None:
    """c = 200, f(tau) = c/sigma^2 = 800, A = 1/sigma^6 = 64: r = 3.1, 2 c r far above sigma^2."""
    net = NetworkData((F(1),), (F(200),), (F(0),))
    case = instance((F(0), F(1, 10)), F(1, 2), F(1, 2), net)
    assert answer(case, "prop06.h2").answer == "FALSE"
    assert answer(case, "prop06.h").answer == "FALSE"
    for claim in ("prop06.h.r1", "prop06.h2.r1", "prop06.e", "prop06.f", "prop06.i", "prop06.j"):
        assert answer(case, claim).answer == "TRUE", claim


def test_a_small_bound_is_not_what_the_steps_are_about() -> None:
    net = NetworkData((F(1),), (F(1),), (F(1),), F(1))
    case = instance((F(0), F(1)), F(1, 2), F(1, 2), net)
    row = answer(case, "prop06.e")
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis is not None and "A >= C_n/sigma^6" in row.failed_hypothesis
    assert answer(case, "prop06a.r1").answer == "NOT_APPLICABLE"


# Proposition 7.


def test_the_half_gap_integral_and_its_printed_sign() -> None:
    case = instance((F(0), F(1)), F(1, 2), F(1, 10))
    with mp.workdps(30):
        s = mp.mpf(1) / 10
        scale = mp.sqrt(2 * mp.pi * s**2)
        square = mp.quad(lambda y: y**2 * mp.exp(-(y**2) / (2 * s**2)), [-0.25, -0.1, 0])
        mass = mp.quad(lambda y: mp.exp(-(y**2) / (2 * s**2)), [-0.25, -0.1, 0])
        edge = mp.exp(-mp.mpf(25) / 8) / 4
        expected = square / (s**4 * scale)
        printed = (edge + mass) / (s**2 * scale)
    assert side(case, network_steps.half_gap_square) == pytest.approx(float(expected))
    assert side(case, network_steps.corrected_half_gap_square) == pytest.approx(float(expected))
    assert side(case, network_steps.printed_half_gap_square) == pytest.approx(float(printed))
    assert float(printed) > 1.1 * float(expected)


def test_a_negative_network_is_about_the_first_step() -> None:
    net = NetworkData((F(1),), (F(0),), (F(-1),))
    case = instance((F(0), F(1)), F(1, 2), F(1, 20), net)  # kappa = 10
    assert answer(case, "prop07.a").answer == "FALSE"
    assert answer(case, "prop07.a").where["part"] == "2"
    assert answer(case, "prop07.a3").answer == "TRUE"
    assert answer(case, "prop07.b").answer == "NOT_APPLICABLE"  # its risk is not small


def test_a_steep_rise_at_the_end_outweighs_the_variation() -> None:
    """The slope turns by about 2e5 between y_2 and c_2; pi is 1/60 there and 1/12 on [x_1, x_2]."""
    case = three_points(0)
    for claim in ("prop07", "prop07.b", "prop07.c", "prop07.e.r1", "prop07.f"):
        assert answer(case, claim).answer == "TRUE", claim
    row = answer(case, "prop07.e")
    assert row.answer == "FALSE"
    assert row.lhs is not None and row.rhs is not None
    # turns: 7700 in 1/20, that is 197500 + 2500; times pi(x_1) about (1/18 + 1/9)/2 - small
    assert 5000 < float(row.lhs.lower) < 7000
    assert 14000 < float(row.rhs.lower) < 18000


def test_far_from_zero_the_printed_interval_holds_no_weight() -> None:
    case = three_points(10)
    assert answer(case, "prop07.e").trivial
    assert answer(case, "prop07.f").answer == "FALSE"
    assert answer(case, "prop07.f.r1").answer == "TRUE"


def test_no_index_is_counted_at_two_points() -> None:
    points, mu, sigma = (F(0), F(1)), F(1, 2), F(1, 20)
    net = staircase([F(0), F(1, 2)], sigma, [(F(1, 5), F(3, 10))])
    case = instance(points, mu, sigma, net)
    row = answer(case, "prop07.g")
    assert row.answer == "FALSE"
    assert row.lhs is not None and float(row.lhs.upper) == 0
    assert answer(case, "prop07.h").answer == "FALSE"
    assert answer(case, "prop07.h.r1").answer == "TRUE"


def test_the_product_of_three_numbers_is_below_one_in_3168() -> None:
    case = instance((F(0), F(1)), F(1, 2), F(1, 20))
    scale = 4 * 0.5 * 400  # n^2 mu Delta / sigma^2
    share = side(case, network_steps.printed_total_at_eight) / scale
    assert 1 / 3169 < share < 1 / 3168
    assert side(case, bounds.tv_network_bound) / scale == pytest.approx(1 / 2048)
    assert side(case, network_steps.halved_total) / scale == pytest.approx(1 / 4096)


@pytest.mark.parametrize(
    ("n", "chosen", "doubled"),
    [
        (2, (), 0),
        (3, (2,), 0),  # min(1, 1 * 0)
        (4, (2,), 1),  # min(1, 4)
        (5, (3,), 4),  # min(8, 4); j = 2, 4 give 1 + 0
        (6, (3, 5), 8),  # min(8, 18) + 0; j = 2, 4 give 1 + 4
        (7, (2, 4, 6), 19),  # 1 + min(27, 18) + 0
    ],
)
def test_indices_and_floors_of_the_repaired_count(
    n: int, chosen: tuple[int, ...], doubled: int
) -> None:
    assert network_steps.spaced_indices(n) == chosen
    assert network_steps.doubled_floor(n, chosen) == doubled


@pytest.mark.parametrize(
    ("n", "chosen"), [(2, ()), (3, (2,)), (4, (2,)), (5, (2,)), (10, (4, 6)), (16, (6, 8, 10))]
)
def test_indices_of_the_printed_count(n: int, chosen: tuple[int, ...]) -> None:
    assert network_steps.middle_indices(n) == chosen


def test_the_repaired_count_is_enough_for_its_constant() -> None:
    share = 0.5 * (1 - 2 * np.exp(-32)) * (1 - 0.5**1.5)
    for n in range(4, 400):
        total = network_steps.doubled_floor(n, network_steps.spaced_indices(n)) / 2
        assert share * total / n**4 >= 1 / 2 ** (11 if n == 4 else 10)


# Theorem 8 and prose.


def test_the_condition_of_the_second_noise_limit_lacks_a_cube() -> None:
    """kappa = 80 and Delta = 1/10: the exponential is between Delta^3 times its limit and it."""
    case = instance((F(0), F(1, 10)), F(1, 2), F(1, 1600))
    decay = side(case, threshold_steps.score_risk_decay)
    limit = side(case, threshold_steps.decay_limit)
    assert decay == pytest.approx(float(mp.exp(-200)))
    assert limit / 1000 < decay < limit
    assert side(case, threshold_steps.corrected_decay_limit) == pytest.approx(limit / 1000)
    assert answer(case, "thm08.b").answer == "FALSE"
    assert answer(case, "thm08.b.r1").answer == "NOT_APPLICABLE"
    smaller = instance((F(0), F(1, 10)), F(1, 2), F(1, 1800))
    assert answer(smaller, "thm08.b.r1").answer == "TRUE"


def test_arithmetic_of_the_main_theorem() -> None:
    case = instance((F(0), F(2), F(5)), F(1, 2), F(1, 10), learning_rate=F(1, 10**6))
    with mp.workdps(30):
        s, a = mp.mpf(1) / 10, mp.mpf(side(case, network_steps.bound))
        crossing = mp.pi * mp.e / 4 * (a * s) ** 2 / 3
        terms = (
            mp.sqrt(6 * crossing),
            mp.cbrt(mp.sqrt(2 * mp.pi * mp.e) * a * s * 3 * crossing),
        )
        eq_19 = mp.pi * 3**5 / (mp.mpf(2) ** 35 * mp.exp(0.5) * (a * s) ** 4)  # mu Delta = 1
    assert side(case, threshold_steps.square_term_at_crossing) == pytest.approx(float(terms[0]))
    assert side(case, threshold_steps.cube_term_at_crossing) == pytest.approx(float(terms[1]))
    assert float(terms[0]) == pytest.approx(float(terms[1]))
    assert side(case, threshold_steps.eq_19) == pytest.approx(float(eq_19))
    expected = 9 / (4096 * 0.01)
    assert side(case, threshold_steps.third_term_at_eq_19) == pytest.approx(expected)
    assert side(case, threshold_steps.third_term_limit) == pytest.approx(expected)
    assert side(case, threshold_steps.second_term_limit) == pytest.approx(expected / 2)
    assert side(case, threshold_steps.corrected_rate_threshold) == pytest.approx(1024 * 0.01 / 9)
    for claim in ("thm08.a", "thm08.a2", "thm08.c", "thm08.g", "prose.d", "prose.c"):
        assert answer(case, claim).answer == "TRUE", claim
    # sigma_4 = 3^(5/2)/2^10, about 1/66
    assert answer(case, "thm08.f").answer == "NOT_APPLICABLE"
    assert answer(
        replace(case, noise=NoiseLevel(mu=F(1, 2), sigma=F(1, 67))), "thm08.f"
    ).answer == ("TRUE")
    faster = replace(case, learning_rate=F(10))
    assert answer(faster, "thm08.g").answer == "NOT_APPLICABLE"


def test_a_stable_minimum_of_small_risk() -> None:
    """n = 2, kappa = 8: four neurons, a minimum found by descent and polished."""
    from dsmverify.families import polished

    case = instance((F(-1), F(1)), F(1, 2), F(1, 8), learning_rate=F(1, 10**8), batch=Batch(1))
    kinks = [F("-0.02195754"), F("0.05227829"), F("-0.05227829"), F("0.02195754")]
    outer = [F("1904.2427"), F("-1648.277"), F("1648.277"), F("-1904.2427")]
    found = polished(case, [-1, -1, 1, 1], kinks, outer)
    assert found is not None
    session = Session(replace(case, network=found))
    wanted = ("thm08.d", "prop06b", "prop06b.r1", "eq08.r1")
    for claim in catalogue.select(wanted):
        assert session.decide(claim).answer == "TRUE", claim.id


def test_steep_inner_weights_leave_the_class() -> None:
    net = NetworkData((F(2),), (F(0),), (F(3),), F(3))
    case = instance((F(0), F(1)), F(1, 2), F(1, 10), net)
    row = answer(case, "prose.a")
    assert row.answer == "FALSE"
    assert row.lhs is not None and float(row.lhs.lower) == pytest.approx(6)
    assert answer(case, "prose.a.r1").answer == "NOT_APPLICABLE"
    roomy = replace(case, network=replace(net, bound=F(6)))
    assert answer(roomy, "prose.a").answer == "TRUE"
