"""Sides of the claims on limits of learning curves whose bounds vanish in the limit.

| letter | here | meaning |
|---|---|---|
| M | `memorised_loss_bound` | bound of F for m = inf that vanishes as psi_p grows |
| e | `_spare` | `1/(psi_p - 1)` |
| tau^2 | | `a^2/h` |
| R | `delta_ratio` | `1 + m max(a^2/h, v0^2/s^2)` |

Everything here is about the reduced system; what it rests on is told in `random_features`.
Source: random-features.md, section 5; derivations/rf_memorised.py, rf_copies.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.formulas.curve_bounds import (
    delta_ratio,
    memorisation_error,
    memorisation_error_with_all,
    memorised_loss_bound,
    memorised_share,
    minimum,
    test_error,
    test_error_with_all,
    train_error,
    train_error_with_all,
    with_all,
    with_one_more,
)
from dsmverify.formulas.curve_case import CurveCase
from dsmverify.numbers import N

# Many features, m = inf.


def _spare(c: CurveCase[N]) -> N:
    """`e = 1/(psi_p - 1)`."""
    return 1 / (c.parameters.psi_p - 1)


def _shift_ceiling(c: CurveCase[N]) -> N:
    """`lam + s^2 + v0^2`, at least S."""
    p = c.parameters
    return p.ridge + p.fresh + p.shared


def excess_test_error(c: CurveCase[N]) -> N:
    """`E_test - tau^4`: what memorising every training point costs is taken off."""
    p = c.parameters
    tau = p.signal / p.noise
    return test_error(c) - tau * tau


def excess_floor(c: CurveCase[N]) -> N:
    """`-2 tau^2 M/h`."""
    p = c.parameters
    return -2 * p.signal * memorised_loss_bound(c) / (p.noise * p.noise)


def _excess_share(c: CurveCase[N]) -> N:
    """`X = (3 + e) M + psi_n e`."""
    spare = _spare(c)
    return (3 + spare) * memorised_loss_bound(c) + c.parameters.psi_n * spare


def damped_excess(c: CurveCase[N]) -> N:
    """`(1 - X)(E_test - tau^4)`."""
    return (1 - _excess_share(c)) * excess_test_error(c)


def damped_excess_bound(c: CurveCase[N]) -> N:
    """`(tau^2 (X + e) + v0^2 e/(h mu_1^2) + M)/h`."""
    p, spare = c.parameters, _spare(c)
    first = p.signal / p.noise * (_excess_share(c) + spare)
    second = p.shared * spare / (p.noise * p.linear)
    return (first + second + memorised_loss_bound(c)) / p.noise


# Many features and many samples, m = inf.


def limit_share(c: CurveCase[N]) -> N:
    """`D > 0` with `v0^2 D^2 + (s^2 + (r - 1) v0^2) D - s^2 = 0`, `r = psi_p/psi_n`.

    Source: random-features.md, section 5.7.
    """
    p = c.parameters
    middle = p.fresh + (p.psi_p / p.psi_n - 1) * p.shared
    return 2 * p.fresh / (middle + c.ns.root(middle * middle + 4 * p.shared * p.fresh, 2))


def share_error(c: CurveCase[N]) -> N:
    """`s^2 (delta_1 - D)`."""
    return c.parameters.fresh * (c.state.delta[0] - limit_share(c))


def share_error_floor(c: CurveCase[N]) -> N:
    """`-(lam + s^2 + v0^2)/psi_n`."""
    return -_shift_ceiling(c) / c.parameters.psi_n


def share_error_ceiling(c: CurveCase[N]) -> N:
    """`lam + v0^2/psi_n`."""
    p = c.parameters
    return p.ridge + p.shared / p.psi_n


def memorised_share_ceiling(c: CurveCase[N]) -> N:
    """`a^2 delta_1/(a^2 delta_1 + h) + 1/(1 + h mu_1^2 (psi_p - 1)/(lam + s^2 + v0^2))`."""
    p = c.parameters
    return memorised_share(c) + 1 / (1 + p.noise * p.linear * (p.psi_p - 1) / _shift_ceiling(c))


def ridge_cost(c: CurveCase[N]) -> N:
    """`F - E_train`."""
    return minimum(c) - train_error(c)


def ridge_cost_ceiling(c: CurveCase[N]) -> N:
    """`lam/(s^2 delta_1)`."""
    p = c.parameters
    return p.ridge / (p.fresh * c.state.delta[0])


# More noise samples.


def minimum_with_more(c: CurveCase[N]) -> N:
    """`F` with one more noise sample."""
    return minimum(with_one_more(c))


def minimum_with_all(c: CurveCase[N]) -> N:
    """`F` with infinitely many noise samples."""
    return minimum(with_all(c))


@dataclass(frozen=True)
class Rates(Generic[N]):
    """Bounds of derivatives along 1/m, the same for every m; b = mu_1^2 + mu_*^2.

    Attributes:
        inverse: U = `1 + b psi_p/(lam psi_n)`, at least `1/delta_k`.
        delta: kappa = `U (b/psi_n)(psi_p/lam + b rho)`, at least `|delta_k'|/delta_k`, with
            `rho = psi_p (1 + psi_p)/lam^2`.
        strength: l = `kappa + U`, at least `|A'|/A`, `|S'|/S` and `|dbar'|/dbar`.
        losses: Phi = `2 + 4 l + 2 h mu_1^2 rho b (1 + 4 l) + 4 (rho b^2/psi_n)(1 + l + kappa)`,
            at least `sum_k delta_k^2 |Lam_k'|`.
        slopes: V = `4 l h mu_1^2 rho b + (rho b^2/psi_n)(1 + 2 l + 2 kappa + Phi)`, at least
            `|T_C'|` and `|T_N'|`.

    Source: derivations/rf_copies.py.
    """

    inverse: N
    delta: N
    strength: N
    losses: N
    slopes: N


def rates(c: CurveCase[N]) -> Rates[N]:
    """Bounds of derivatives along 1/m at the parameters of the case."""
    p = c.parameters
    b = p.linear + p.shared + p.fresh
    per_ridge = p.psi_p / p.ridge
    rho = per_ridge * (1 + p.psi_p) / p.ridge
    inverse = 1 + b * per_ridge / p.psi_n
    delta = inverse * b * (per_ridge + b * rho) / p.psi_n
    strength = delta + inverse
    signal, square = p.noise * p.linear * rho * b, rho * b * b / p.psi_n
    losses = 2 + 4 * strength + 2 * signal * (1 + 4 * strength)
    losses = losses + 4 * square * (1 + strength + delta)
    slopes = 4 * strength * signal + square * (1 + 2 * strength + 2 * delta + losses)
    return Rates(inverse, delta, strength, losses, slopes)


def test_error_change(c: CurveCase[N]) -> N:
    """`|E_test(m) - E_test(inf)|`."""
    return c.ns.absolute(test_error(c) - test_error_with_all(c))


def test_error_change_bound(c: CurveCase[N]) -> N:
    """`U^2 Phi/(h m)`."""
    p, rate = c.parameters, rates(c)
    return rate.inverse * rate.inverse * rate.losses * p.inverse_copies / p.noise


def train_error_change(c: CurveCase[N]) -> N:
    """`|E_train(m) - E_train(inf)|`."""
    return c.ns.absolute(train_error(c) - train_error_with_all(c))


def train_error_change_bound(c: CurveCase[N]) -> N:
    """`(Phi + 2 kappa)/m`."""
    rate = rates(c)
    return (rate.losses + 2 * rate.delta) * c.parameters.inverse_copies


def memorisation_error_change(c: CurveCase[N]) -> N:
    """`|E_mem(m) - E_mem(inf)|`."""
    return c.ns.absolute(memorisation_error(c) - memorisation_error_with_all(c))


def memorisation_error_change_bound(c: CurveCase[N]) -> N:
    """`(8 l + 3 V + (1 + 4 kappa + 4 l) U^2)/m`."""
    rate = rates(c)
    own = 1 + 4 * rate.delta + 4 * rate.strength
    whole = 8 * rate.strength + 3 * rate.slopes + own * rate.inverse * rate.inverse
    return whole * c.parameters.inverse_copies


# The peak at p = n m.


def small_ridge(c: CurveCase[N]) -> N:
    """`s^2/(100 R^2)`: where the peak's asymptotic form has set in."""
    ratio = delta_ratio(c)
    return c.parameters.fresh / (100 * ratio * ratio)
