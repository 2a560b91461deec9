"""Both sides of the claims about learning curves of random features: functions of a `CurveCase`.

| letter | here | meaning |
|---|---|---|
| u = (K, H) | `kernel`, `resolvent` | what the features see of signal and of nothing, H = psi_p g |
| p_k = (P_k, N_k) | `levels` | loads of a sample's mean and of its differences |
| R_N, T_C | | error without signal, and what the signal adds: new data cost R_N + T_C |

Everything here is about the reduced system; what it rests on is told in `random_features`.
Source: random-features.md, sections 4 and 5; derivations/rf_*.py.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from dsmverify.formulas.curve_case import CurveCase
from dsmverify.formulas.random_features import damping
from dsmverify.numbers import N

Case = CurveCase[Any]

# Numbers, and the parameters themselves.


def zero(c: CurveCase[N]) -> N:
    """0."""
    return c.ns.constant(0)


def one(c: CurveCase[N]) -> N:
    """1."""
    return c.ns.constant(1)


def inverse_copies(c: CurveCase[N]) -> N:
    """`1/m`; 0 for infinitely many noise samples."""
    return c.parameters.inverse_copies


def unit(c: CurveCase[N]) -> N:
    """1, and 0 in the limit of vanishing ridge where training interpolates."""
    return c.parameters.unit


def psi_n(c: CurveCase[N]) -> N:
    """`n/d`."""
    return c.parameters.psi_n


def psi_p(c: CurveCase[N]) -> N:
    """`p/d`."""
    return c.parameters.psi_p


def psi_p_per_copy(c: CurveCase[N]) -> N:
    """`p/(m d)`."""
    return c.parameters.psi_p * c.parameters.inverse_copies


def ridge(c: CurveCase[N]) -> N:
    """Lam."""
    return c.parameters.ridge


def vanishing(c: CurveCase[N]) -> N:
    """lam, and 0 in the limit of vanishing ridge."""
    return c.parameters.ridge * c.parameters.unit


def shared(c: CurveCase[N]) -> N:
    """`v0^2`."""
    return c.parameters.shared


def fresh(c: CurveCase[N]) -> N:
    """`s^2`."""
    return c.parameters.fresh


def nonlinear(c: CurveCase[N]) -> N:
    """`mu_*^2 = v0^2 + s^2`."""
    return c.parameters.shared + c.parameters.fresh


def linear(c: CurveCase[N]) -> N:
    """`mu_1^2`."""
    return c.parameters.linear


def signal(c: CurveCase[N]) -> N:
    """`a^2`."""
    return c.parameters.signal


def half_signal(c: CurveCase[N]) -> N:
    """`a^2/2`, halfway between the scores of the sample and of the population."""
    return c.parameters.signal / 2


# Observables.


def test_error(c: CurveCase[N]) -> N:
    """`E_test`."""
    return c.observables.test_error


def train_error(c: CurveCase[N]) -> N:
    """`E_train`; 0 where training interpolates."""
    return c.parameters.unit * c.observables.train_error


def minimum(c: CurveCase[N]) -> N:
    """`F`, the least value of the loss with its ridge term; 0 where training interpolates."""
    return c.parameters.unit * c.observables.minimum


def memorisation_error(c: CurveCase[N]) -> N:
    """`E_mem`."""
    return c.observables.memorisation_error


def new_data_loss(c: CurveCase[N]) -> N:
    """`a^2 + h E_test`, from the test error."""
    p = c.parameters
    return p.signal + p.noise * c.observables.test_error


def residual_share(c: CurveCase[N]) -> N:
    """`dbar`; 0 where training interpolates."""
    return c.parameters.unit * c.state.dbar


def explained_share(c: CurveCase[N]) -> N:
    """`dbar k0 = dbar - F`."""
    p, s = c.parameters, c.state
    return p.unit * p.noise * p.linear * s.dbar * s.dbar * s.kernel


def fitted_share(c: CurveCase[N]) -> N:
    """`1 - dbar = psi_p (1 - lam g)/(n m)`, and 0 for m = inf; a sum of positive terms."""
    p = c.parameters
    return p.inverse_copies * c.observables.degrees_of_freedom / p.psi_n


# The invariants.


def spent(c: CurveCase[N]) -> N:
    """`A K + S psi_p g`."""
    s = c.state
    return s.linear * s.kernel + s.shift * s.resolvent


def fitted_copies(c: CurveCase[N]) -> N:
    """`psi_n (1 - dbar)`."""
    return c.parameters.psi_n * (1 - residual_share(c))


def used_features(c: CurveCase[N]) -> N:
    """`psi_p (1 - lam g)/m`."""
    p = c.parameters
    return (p.psi_p - p.ridge * c.state.resolvent) * p.inverse_copies


def fitted_samples(c: CurveCase[N]) -> N:
    """`psi_n (1 - delta_1)`."""
    return c.parameters.psi_n * (1 - c.parameters.unit * c.state.delta[0])


def used_by_samples(c: CurveCase[N]) -> N:
    """`psi_p - h mu_1^2 K - (s^2 + lam) psi_p g`."""
    p, s = c.parameters, c.state
    return p.psi_p - p.noise * p.linear * s.kernel - (p.fresh + p.ridge) * s.resolvent


def first_equation(c: CurveCase[N]) -> N:
    """`delta_1 (1 + kap_1 (P_1 K + N_1 psi_p g))`."""
    return c.state.delta[0] * damping(c.state, 0)


def second_equation(c: CurveCase[N]) -> N:
    """`delta_2 (1 + kap_2 (P_2 K + N_2 psi_p g))`."""
    return c.state.delta[1] * damping(c.state, 1)


# The fixed point.


def spectral_radius_bound(c: CurveCase[N]) -> N:
    """`max_k (J delta)_k/delta_k`, J the Jacobian of T: it bounds the spectral radius of J."""
    s, (row_1, row_2) = c.state, c.quantities("linearised").jacobian
    ratios = [
        (row[0] * s.delta[0] + row[1] * s.delta[1]) / own
        for row, own in zip((row_1, row_2), s.delta, strict=True)
    ]
    return c.ns.maximum(ratios[0], ratios[1])


def largest_fitted_share(c: CurveCase[N]) -> N:
    """`max_k (1 - delta_k)`."""
    first, second = c.state.delta
    return c.ns.maximum(1 - c.parameters.unit * first, 1 - c.parameters.unit * second)


# The two expressions of the training error, and of others.


def train_error_from_minimum(c: CurveCase[N]) -> N:
    """`F - lam T_I`."""
    return c.printed("train_error_from_minimum")


def train_error_from_residuals(c: CurveCase[N]) -> N:
    """`(1/m) delta_1^2 (1 - 2 k0 + m T_C + T_N) + (1 - 1/m) delta_2^2 (1 - 2 k0 + T_N)`."""
    return c.printed("train_error")


def damped_new_data_loss(c: CurveCase[N]) -> N:
    """`delta_1^2 (h E_test + a^2)`."""
    first = c.parameters.unit * c.state.delta[0]
    return first * first * new_data_loss(c)


# Limits.


def label_noise_test_error(c: CurveCase[N]) -> N:
    """The theorem of ridge regression on random features, read for m = 1.

    With `zeta^2 = mu_1^2/mu_*^2`, `psi_1 = psi_p`, `psi_2 = psi_n`, `tau^2 = a^2/h` and chi the
    product of its two Stieltjes transforms, which is `-mu_*^2 delta_1 psi_p g` here:
    `E_1/E_0 + tau^2 E_2/E_0`.

    Source: Mei and Montanari, arXiv 1908.05355, theorem 2 (F_1 = 1, F_* = 0).
    """
    p, s = c.parameters, c.state
    strength = p.shared + p.fresh
    z2 = p.linear / strength
    x = -strength * s.delta[0] * s.resolvent
    one_, two = p.psi_p, p.psi_n
    x2, x3, z4, z6 = x * x, x * x * x, z2 * z2, z2 * z2 * z2
    tail = x2 * x3 * z6 - 3 * x2 * x2 * z4 + 2 * x3 * z4 + 3 * x3 * z2 - 2 * x2 * z2 - x2
    bottom = (
        (one_ * two - two - one_ + 1) * x3 * z6
        + (one_ + two - 3 * one_ * two + 1) * x2 * z4
        + 3 * one_ * two * x * z2
        - one_ * two
        - tail
    )
    bias = two * x3 * z4 - two * x2 * z2 + one_ * two * x * z2 - one_ * two
    variance = tail + (one_ - 1) * x3 * z6 - (one_ + 1) * x2 * z4
    return (bias + p.signal / p.noise * variance) / bottom


def population_of_linear(c: CurveCase[N]) -> N:
    """`int (1 - 1/(a^2 x + h))^2`, x by the Marchenko-Pastur law of ratio 1/psi_n."""
    return 1 - 2 * c.quantity("signal_resolvent") + c.quantity("signal_resolvent_square")


def training_of_linear(c: CurveCase[N]) -> N:
    """`1 - h int 1/(a^2 x + h)`, x by the Marchenko-Pastur law of ratio 1/psi_n."""
    return 1 - c.parameters.noise * c.quantity("signal_resolvent")


def memorised_share(c: CurveCase[N]) -> N:
    """`a^2 delta_1/(a^2 delta_1 + h)`."""
    p = c.parameters
    own = p.signal * c.state.delta[0]
    return own / (own + p.noise)


def linear_noise_only(c: CurveCase[N]) -> N:
    """`tau^2/(psi_n - 1)`, `tau^2 = a^2/h`."""
    p = c.parameters
    return p.signal / (p.noise * (p.psi_n - 1))


def linear_few_features(c: CurveCase[N]) -> N:
    """`(1 - psi_p + tau^2)/(1 - psi_p/psi_n) - tau^2`, `tau^2 = a^2/h`."""
    p = c.parameters
    tau = p.signal / p.noise
    return (1 - p.psi_p + tau) / (1 - p.psi_p / p.psi_n) - tau


def memorised_loss_bound(c: CurveCase[N]) -> N:
    """`(1 + psi_n a^2 mu_1^2/v0^2)/(1 + h mu_1^2 (psi_p - 1)/(lam + s^2 + v0^2))`."""
    p = c.parameters
    shift = p.ridge + p.fresh + p.shared
    top = 1 + p.psi_n * p.signal * p.linear / p.shared
    return top / (1 + p.noise * p.linear * (p.psi_p - 1) / shift)


def generalisation_gap(c: CurveCase[N]) -> N:
    """`a^2 + h E_test - E_train`."""
    return new_data_loss(c) - train_error(c)


def generalisation_gap_bound(c: CurveCase[N]) -> N:
    """`(1 + (P_1 + N_1) psi_p/(lam psi_n))^2 - 1`."""
    p = c.parameters
    first, _ = p.levels
    load = (first.linear + first.shift) * p.psi_p / (p.ridge * p.psi_n)
    return 2 * load + load * load


def population_test_error(c: CurveCase[N]) -> N:
    """`(E_pop + tau^2)/(1 - psi_p/psi_n) - tau^2`, with `E_pop` of as many samples as one likes.

    `E_pop = 1 - mu_1^2 K_pop`, where `mu_1^2 K_pop = 1 - x S(x)`, `x = mu_*^2/(mu_1^2 psi_p)` and S
    the Stieltjes transform at -x of the Marchenko-Pastur law of ratio 1/psi_p, the positive root
    of `(x/psi_p) S^2 + (1 - 1/psi_p + x) S - 1`.

    Source: random-features.md, section 5.6.
    """
    p = c.parameters
    x = (p.shared + p.fresh) / (p.linear * p.psi_p)
    middle = 1 - 1 / p.psi_p + x
    root = c.ns.root(middle * middle + 4 * x / p.psi_p, 2)
    population = (root - middle) * p.psi_p / 2
    tau = p.signal / p.noise
    return (population + tau) / (1 - p.psi_p / p.psi_n) - tau


def first_order_test_error(c: CurveCase[N]) -> N:
    """`1 - 2 mu_1^2 psi_p/lam`."""
    p = c.parameters
    return 1 - 2 * p.linear * p.psi_p / p.ridge


def first_order_error(c: CurveCase[N]) -> N:
    """`E_test - (1 - 2 mu_1^2 psi_p/lam)`."""
    return test_error(c) - first_order_test_error(c)


def second_order_bound(c: CurveCase[N]) -> N:
    """The constant of the second order in 1/lam, explicit, over `lam^2`.

    With `b = sum_k w_k (P_k + N_k)`, `B = (psi_p/m)/psi_n`: `2 mu_1^2 psi_p b (1 + psi_p + B)/lam^2
    + (psi_p/h) (1 + psi_p) (mu_1^2 + mu_*^2) (h mu_1^2 + sum_k kap_k (P_k + N_k))/lam^2`.
    """
    p = c.parameters
    first, second = p.levels
    whole = first.linear + first.shift + second.weight * (second.linear + second.shift)
    loads = first.load * (first.linear + first.shift) + second.load * (second.linear + second.shift)
    copies = p.psi_p * p.inverse_copies / p.psi_n
    bias = 2 * p.linear * p.psi_p * whole * (1 + p.psi_p + copies)
    strength = p.linear + p.shared + p.fresh
    variance = p.psi_p * (1 + p.psi_p) * strength * (p.noise * p.linear + loads) / p.noise
    return (bias + variance) / (p.ridge * p.ridge)


# Regimes of generalisation and memorisation.


def kept_new_data_loss(c: CurveCase[N]) -> N:
    """`(1 - psi_p/psi_n)^2 (a^2 + h E_test)`."""
    p = c.parameters
    rest = 1 - p.psi_p / p.psi_n
    return rest * rest * new_data_loss(c)


def with_one_more(c: CurveCase[N]) -> CurveCase[N]:
    """The same point with one more noise sample."""
    return c.elsewhere(copies=1)


def with_all(c: CurveCase[N]) -> CurveCase[N]:
    """The same point with infinitely many noise samples."""
    return c.elsewhere(copies=None)


def test_error_with_more(c: CurveCase[N]) -> N:
    """`E_test` with one more noise sample."""
    return test_error(with_one_more(c))


def test_error_with_all(c: CurveCase[N]) -> N:
    """`E_test` with infinitely many noise samples."""
    return test_error(with_all(c))


def memorisation_error_with_more(c: CurveCase[N]) -> N:
    """`E_mem` with one more noise sample."""
    return memorisation_error(with_one_more(c))


def memorisation_error_with_all(c: CurveCase[N]) -> N:
    """`E_mem` with infinitely many noise samples."""
    return memorisation_error(with_all(c))


def train_error_with_more(c: CurveCase[N]) -> N:
    """`E_train` with one more noise sample."""
    return train_error(with_one_more(c))


def train_error_with_all(c: CurveCase[N]) -> N:
    """`E_train` with infinitely many noise samples."""
    return train_error(with_all(c))


# The peak at p = n m.


def peak_growth(c: CurveCase[N]) -> N:
    """`E_test` at a hundredth of the ridge, over `E_test`."""
    return test_error(c.elsewhere(ridge=Fraction(1, 100))) / test_error(c)


def eight(c: CurveCase[N]) -> N:
    """8."""
    return c.ns.constant(8)


def twelve(c: CurveCase[N]) -> N:
    """12."""
    return c.ns.constant(12)


def delta_ratio(c: CurveCase[N]) -> N:
    """`R = 1 + m max(a^2/h, v0^2/s^2)`, at least `delta_2/delta_1`."""
    p = c.parameters
    return 1 + c.ns.maximum(p.signal / p.noise, p.shared / p.fresh) / p.inverse_copies


def peak_ceiling(c: CurveCase[N]) -> N:
    """`R^2 (1 + sqrt(b/lam))`, `b = m max_k (P_k + N_k)`, R of `delta_ratio`."""
    p = c.parameters
    first, second = p.levels
    largest = c.ns.maximum(first.linear + first.shift, second.linear + second.shift)
    ratio = delta_ratio(c)
    return ratio * ratio * (1 + c.ns.root(largest / (p.inverse_copies * p.ridge), 2))


def peak_floor(c: CurveCase[N]) -> N:
    """`s/((1 + psi_p rho)^2 (1 + q) R^2 sqrt lam)`, R of `delta_ratio`.

    `rho = max_k P_k/N_k`, `q = max_k kap_k psi_p (P_k + N_k)/s^2`.
    """
    p = c.parameters
    first, second = p.levels
    slope = 1 + p.psi_p * c.ns.maximum(first.linear / first.shift, second.linear / second.shift)
    load = c.ns.maximum(
        first.load * (first.linear + first.shift), second.load * (second.linear + second.shift)
    )
    ratio = delta_ratio(c)
    bottom = slope * slope * (1 + load * p.psi_p / p.fresh) * ratio * ratio
    return c.ns.root(p.fresh / p.ridge, 2) / bottom


def uniform_loss_bound(c: CurveCase[N]) -> N:
    """`(1 + (a^2 mu_1^2 + v0^2) psi_p/(s^2 psi_n))^2`, whatever the ridge."""
    p = c.parameters
    load = (p.signal * p.linear + p.shared) * p.psi_p / (p.fresh * p.psi_n)
    return (1 + load) * (1 + load)
