"""The proof steps of theorem 8 and the prose about samples, exactly as printed.

| letter | here | meaning |
|---|---|---|
| R | | a risk: where a step needs a number only, the largest one that its hypothesis allows |
| A | `c.bound` | bound on outer weights |
| sigma_k | `noise_limit` | the four conditions on the noise level, `sigma_0` their minimum |

Eq. 19 is `R_n(theta*) <= pi n^5 mu^3 Delta^3/(2^35 e^(1/2) A^4 sigma^4)`, eq. 20 is
`R_n(theta*) <= 1/(16 n sigma^2)`.
"""

from __future__ import annotations

from dsmverify.formulas import bounds
from dsmverify.formulas.bounds import power
from dsmverify.formulas.case import Case
from dsmverify.numbers import N


def noise_limit(c: Case[N], number: int) -> N:
    """`sigma_k`, k = 0..4.

    Source: thm08, pp. 31-32.
    """
    return c.quantity(f"sigma_{number}")


def noise_limit_0(c: Case[N]) -> N:
    """`sigma_0`."""
    return noise_limit(c, 0)


def noise_limit_1(c: Case[N]) -> N:
    """`sigma_1 = mu Delta/8`."""
    return noise_limit(c, 1)


def noise_limit_2(c: Case[N]) -> N:
    """`sigma_2`, end of the first interval on which the condition of thm08.b holds."""
    return noise_limit(c, 2)


def noise_limit_3(c: Case[N]) -> N:
    """`sigma_3 = 1/n`."""
    return noise_limit(c, 3)


def noise_limit_4(c: Case[N]) -> N:
    """`sigma_4`, from eq. 20."""
    return noise_limit(c, 4)


def allowed_risk(c: Case[N]) -> N:
    """`R_n(s*) + pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)`.

    The largest `R_n(theta*)` under the assumption of the proof.

    Source: thm08.a2, p. 31.
    """
    return bounds.risk_empirical_score(c) + bounds.excess_risk_bound(c)


def allowed_risk_bound(c: Case[N]) -> N:
    """`pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4) + (4 mu^2 (x_n - x_1)^2/sigma^4) exp(..)`.

    The exponent is `-mu^2 Delta^2/(32 sigma^2)`.

    Source: thm08.a2, p. 31.
    """
    return bounds.excess_risk_bound(c) + bounds.empirical_risk_bound(c)


def eq_19(c: Case[N]) -> N:
    """`pi n^5 mu^3 Delta^3/(2^35 e^(1/2) A^4 sigma^4)`.

    Source: eq. 19, p. 31.
    """
    return 2 * bounds.excess_risk_bound(c)


def eq_20(c: Case[N]) -> N:
    """`1/(16 n sigma^2)`.

    Source: eq. 20, p. 31.
    """
    return bounds.small_risk(c)


def score_risk_decay(c: Case[N]) -> N:
    """`exp(-mu^2 Delta^2/(32 sigma^2))`.

    Source: thm08.b, p. 31.
    """
    return bounds.spacing_decay(c, 32)


def decay_limit(c: Case[N]) -> N:
    """`pi n^5 mu/(2^38 e^(1/2) (x_n - x_1)^2 A^4)`.

    Source: thm08.b, p. 31.
    """
    ns = c.ns
    scale = 2**38 * ns.exp(bounds.one(c) / 2) * power(bounds.spread(c), 2) * power(c.bound, 4)
    return ns.pi * c.n**5 * c.mu / scale


def corrected_decay_limit(c: Case[N]) -> N:
    """`pi n^5 mu Delta^3/(2^38 e^(1/2) (x_n - x_1)^2 A^4)`.

    Source: thm08.b, p. 31, repaired.
    """
    return decay_limit(c) * power(c.spacing, 3)


def _square_term(c: Case[N], risk: N) -> N:
    """`sqrt(2 n R)`."""
    return c.ns.root(2 * c.n * risk, 2)


def _cube_term(c: Case[N], risk: N) -> N:
    """`(sqrt(2 pi e) A sigma n R)^(1/3)`."""
    ns = c.ns
    scale = ns.root(2 * ns.pi * ns.exp(bounds.one(c)), 2)
    return ns.root(scale * c.bound * c.sigma * (c.n * risk), 3)


def crossing_risk(c: Case[N]) -> N:
    """`(pi e/4) A^2 sigma^2/n`.

    Source: thm08.e, p. 32.
    """
    return c.ns.pi * c.ns.exp(bounds.one(c)) / 4 * power(c.bound * c.sigma, 2) / c.n


def square_term_at_crossing(c: Case[N]) -> N:
    """`sqrt(2 n R)` at `R = (pi e/4) A^2 sigma^2/n`."""
    return _square_term(c, crossing_risk(c))


def cube_term_at_crossing(c: Case[N]) -> N:
    """`(sqrt(2 pi e) A sigma n R)^(1/3)` at `R = (pi e/4) A^2 sigma^2/n`."""
    return _cube_term(c, crossing_risk(c))


def square_term_at_eq_20(c: Case[N]) -> N:
    """`sqrt(2 n R)` at the largest risk of eq. 20."""
    return _square_term(c, eq_20(c))


def cube_term_at_eq_20(c: Case[N]) -> N:
    """`(sqrt(2 pi e) A sigma n R)^(1/3)` at the largest risk of eq. 20."""
    return _cube_term(c, eq_20(c))


def third_term_at_eq_19(c: Case[N]) -> N:
    """`(A/(sqrt(2 pi) sigma)) (sqrt(2 pi e) A sigma n R)^(1/3)` at the largest risk of eq. 19.

    Source: thm08.e2, p. 32.
    """
    scale = c.bound / (c.ns.root(2 * c.ns.pi, 2) * c.sigma)
    return scale * _cube_term(c, eq_19(c))


def printed_third_term_at_eq_19(c: Case[N]) -> N:
    """`e^(1/6) A^(4/3) n^(1/3) R^(1/3)/((2 pi)^(1/3) sigma^(2/3))` at the largest risk of eq. 19.

    Source: thm08.e2, p. 32.
    """
    ns = c.ns
    inside = ns.exp(bounds.one(c) / 2) * power(c.bound, 4) * c.n * eq_19(c)
    return ns.root(inside / (2 * ns.pi * power(c.sigma, 2)), 3)


def third_term_limit(c: Case[N]) -> N:
    """`mu n^2 Delta/(2^12 sigma^2)`.

    Source: thm08.e2, p. 32.
    """
    return bounds.tv_network_bound(c) / 2


def second_term_at_eq_20(c: Case[N]) -> N:
    """`sqrt(R)/2` at the largest risk of eq. 20.

    Source: thm08.f, p. 32.
    """
    return c.ns.root(eq_20(c), 2) / 2


def second_term_limit(c: Case[N]) -> N:
    """`mu n^2 Delta/(2^13 sigma^2)`.

    Source: thm08.f, p. 32.
    """
    return bounds.tv_network_bound(c) / 4


def rate_and_limits(c: Case[N]) -> N:
    """`1/(2 eta) + mu n^2 Delta/(2^13 sigma^2) + mu n^2 Delta/(2^12 sigma^2)`.

    Source: thm08.g, p. 32.
    """
    return 1 / (2 * c.learning_rate) + second_term_limit(c) + third_term_limit(c)


def corrected_rate_threshold(c: Case[N]) -> N:
    """`2^10 sigma^2/(mu n^2 Delta)`: `1/(2 eta) >= mu n^2 Delta/(2^11 sigma^2)`, solved for eta.

    Source: thm08, p. 10, as the repaired steps give it.
    """
    return bounds.learning_rate_threshold(c) / 4


def expected_spacing(c: Case[N]) -> N:
    """`E Delta = a/(n^2 - 1)` for n uniform points on an interval of length a; a = x_n - x_1 here.

    Source: prose.c, p. 6.
    """
    return bounds.spread(c) / (c.n * c.n - 1)


def expected_spacing_order(c: Case[N]) -> N:
    """`a/n^2`.

    Source: prose.c, p. 6.
    """
    return bounds.spread(c) / (c.n * c.n)


def doubled_spacing_order(c: Case[N]) -> N:
    """`2 a/n^2`."""
    return 2 * expected_spacing_order(c)


def threshold_at_small_noise(c: Case[N]) -> N:
    """`2^12 sigma^2/(mu n^2 Delta)` at `sigma^2 = eta mu n^2 Delta/2^13`: some noise level below.

    Source: prose.d, p. 10.
    """
    variance = c.learning_rate * c.mu * c.n**2 * c.spacing / 2**13
    return 2**12 * variance / (c.mu * c.n**2 * c.spacing)
