"""Bounds on networks and on theorem 8: what is proved, that planted errors are refused, and numbers
that were computed another way.
"""

from __future__ import annotations

import importlib
import itertools
import math
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy

from dsmverify import derivation
from dsmverify.derivation import Chain, Derivation, verify
from dsmverify.errors import DerivationError

STEPS = {
    "tangent_kernel_bound": {"prop10.a", "prop10.c", "prop10.d", "prop10.e", "prop10.f"},
    "kink_term": {f"prop06.{letter}" for letter in "acdefgij"},
    "network_slopes": {
        "prop07.a2",
        "prop07.a3",
        "prop07.b",
        "prop07.c",
        "prop07.d",
        "prop07.a.r1",
        "prop07.h.r1",
    },
    "weighted_count": {"prop07.e.r1", "prop07.f.r1", "prop07.g.r1"},
    "threshold_arithmetic": {"thm08.a", "thm08.a2", "thm08.b.r1", "thm08.c", "thm08.e", "thm08.e2"}
    | {"thm08.f", "thm08.g", "thm08.h", "prose.d"},
    "uniform_spacing": {"prose.c"},
    "stable_threshold": set(),
    "score_overlap": set(),
}
"""Steps that each derivation is relied on for; it may prove more."""


@pytest.mark.parametrize("name", STEPS)
def test_the_steps_are_proved_for_every_size(name: str) -> None:
    result = derivation.run(name)
    assert STEPS[name] <= set(result.proves_steps)
    assert "every n" in result.scope
    assert result.bounds


@pytest.mark.parametrize("name", STEPS)
def test_no_false_step_is_listed(name: str) -> None:
    """Steps that fail at some instance; nothing can prove them."""
    result = _derive(name)
    false = {"prop10.b", "prop06.a2", "prop06.b", "prop06.d2", "prop06.h", "prop06.h2"}
    false |= {"prop07.a", "prop07.e", "prop07.f", "prop07.g", "prop07.h", "thm08.b"}
    assert not false & {*result.proves, *result.proves_steps}


@pytest.mark.parametrize("name", STEPS)
def test_a_bound_turned_round_is_refused(name: str) -> None:
    result = _derive(name)
    for number, bound in enumerate(result.bounds):
        if derivation.residual_form(bound.gap) == 0:
            continue
        chain = Chain()
        chain.at_most(bound.text, bound.larger, bound.smaller, -bound.gap)
        turned = chain.derivation(name, "Turned", "nowhere", f"bound {number}")
        with pytest.raises(DerivationError, match="no evident sign"):
            verify(turned)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("weighted_count", "FIRST", {3: 2}),  # three points: no weight
        ("weighted_count", "NEXT", {4: 2}),  # four points are not enough for 2^10
        ("weighted_count", "GAP", sympy.Rational(1, 2)),
        ("weighted_count", "PRINTED", sympy.Rational(1, 4)),
    ],
)
def test_a_constant_that_is_not_enough_is_refused(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str, value: Any
) -> None:
    monkeypatch.setattr(importlib.import_module(f"derivations.{module}"), name, value)
    with pytest.raises(DerivationError):
        verify(_derive(module))


def test_the_printed_constant_of_prop07_h_is_not_below_its_product() -> None:
    product = (sympy.Rational(1, 2) - sympy.exp(-32)) * (1 - 1 / (2 * sympy.sqrt(2))) / 1024
    chain = Chain()
    chain.at_most("prop07.h as printed", sympy.Rational(1, 2**11), product)
    with pytest.raises(DerivationError, match="no evident sign"):
        verify(chain.derivation("planted", "Planted", "nowhere", "nothing"))


@pytest.mark.parametrize("centre", [0.0, 0.3, 1.0, 2.5, 7.0, 30.0])
@pytest.mark.parametrize("share", [1e-6, 0.2, 0.7, 1.0])
def test_prop06_i_by_the_error_function(centre: float, share: float) -> None:
    """Intervals about c >= 0 whose lower end is at least -1, as long as they may be and shorter."""
    radius = share * (centre + 1)
    with mp.workdps(260):  # exp(-30^2/2) is 1e-195
        c, r = mp.mpf(centre), mp.mpf(radius)
        root = mp.sqrt(2)
        mass = mp.sqrt(mp.pi / 2) * (mp.erf((c + r) / root) - mp.erf((c - r) / root))
        assert mass >= 2 * r * mp.exp(mp.mpf(-1) / 2) * mp.exp(-(c**2) / 2)


@pytest.mark.parametrize("kappa", [8, 9, 20])
def test_the_pair_pays_for_what_prop07_a3_lacks(kappa: int) -> None:
    """The best score under the constraint, by quadrature at two points, against prop07.a3."""
    with mp.workdps(40):
        u = mp.mpf(kappa) / 2

        def density(z: Any) -> Any:
            return mp.exp(-(z**2) / 2) / mp.sqrt(2 * mp.pi)

        def least(z: Any, most: Any) -> Any:
            """Least cost of both points at z from the left one, the score at most `most`."""
            p, q = density(z), density(z - 2 * u)
            best = min(-(p * z + q * (z - 2 * u)) / (p + q), most)
            return (best + z) ** 2 * p + (best + z - 2 * u) ** 2 * q

        for low, high in ((-u, mp.mpf(0)), (u, 2 * u)):
            cuts = [-4 * u, -u, -1, 0, 1, u, 2 * u - 1, 2 * u, 2 * u + 1, 6 * u]
            total = mp.mpf(0)
            for a, b in itertools.pairwise(cuts):
                inside = low <= a and b <= high
                total += mp.quad(lambda z, c=inside: least(z, 0 if c else mp.inf), [a, b])
            assert total >= mp.mpf(1) / 2 - mp.exp(-(u**2) / 2)


@pytest.mark.parametrize("size", [4, 5, 8])
def test_the_weight_of_an_index_is_a_lower_bound(size: int) -> None:
    """Both weights on `J_i` for equispaced points, by sums that share nothing with the engine."""
    gap, grid = 8.0, 41  # mu = sigma = 1
    points = gap * np.arange(size)
    noise = np.linspace(-9, 9, 3601)
    mass = np.exp(-(noise**2) / 2)
    mass /= mass.sum()
    for i in range(2, size):
        share = min((i - 1) ** 3, (size - i) ** 2 * (size - i - 1)) / 2
        for y in np.linspace(points[i - 1] - gap / 2, points[i], grid):
            u = (y - noise)[:, None]
            left = (points < u).mean(axis=1) * np.maximum(u - points, 0).mean(axis=1)
            right = (points > u).mean(axis=1) * np.maximum(points - u, 0).mean(axis=1)
            smoothed = float(mass @ np.minimum(left, right))
            away = y - points
            below = np.array([math.erfc(-z / math.sqrt(2)) / 2 for z in away])
            bell = np.exp(-(away**2) / 2) / math.sqrt(2 * math.pi)
            up, down = away * below + bell, bell - away * (1 - below)
            inside = min(below.mean() * up.mean(), (1 - below).mean() * down.mean())
            # 1e-3: the sum over the noise is a Riemann sum of mesh 1/200 with jumps.
            assert smoothed >= (0.5 - 1e-3) * gap / size**2 * share
            assert inside >= (0.5 - 1e-12) * gap / size**2 * share


def test_the_sum_over_one_parity_is_enough_at_every_size() -> None:
    """By enumeration; the product of prop07.h is above 1/3169, times 1024."""
    product = Fraction(1024, 3169)
    for size in range(4, 400):
        shares = [
            Fraction(min((i - 1) ** 3, (size - i) ** 2 * (size - i - 1)), 2) for i in range(2, size)
        ]
        best = max(sum(shares[0::2]), sum(shares[1::2]))
        assert best >= Fraction(((size - 1) * (size - 3)) ** 2, 128)
        assert product * best >= Fraction(size**4, 2**11)
        assert size == 4 or product * best >= Fraction(size**4, 2**10)


def test_the_mean_smallest_gap_of_three_uniform_points() -> None:
    """a = 1, n = 3: the mean by integrating over the ordered simplex, 6 du dv dw."""
    u, v, w = sympy.symbols("u v w", positive=True)
    # Smallest gap t has the density d/dt of 1 - (1 - 2 t)^3; here from the simplex itself, by the
    # volume of the part where both gaps exceed t.
    t = sympy.Symbol("t", positive=True)
    inner = sympy.integrate(1, (w, v + t, 1))
    middle = sympy.integrate(inner, (v, u + t, 1 - t))
    volume = 6 * sympy.integrate(middle, (u, 0, 1 - 2 * t))
    assert sympy.integrate(sympy.expand(volume), (t, 0, sympy.Rational(1, 2))) == sympy.Rational(
        1, 8
    )


def _derive(name: str) -> Derivation:
    module: Any = importlib.import_module(f"derivations.{name}")
    result: Derivation = module.derive()
    return result
