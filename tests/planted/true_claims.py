"""Variants of the paper's claims that are true, each argued in one line.

`kappa = mu Delta/sigma`, `L = x_n - x_1`. "Printed" stands for the claim of the catalogue that the
variant starts from, which is true itself unless the argument says why it need not be.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dsmverify.claims import Hypothesis, Identity, Inequality, Places, Range, Stated
from dsmverify.formulas import bounds
from tests.planted.mutate import (
    Planted,
    as_theorem,
    assuming,
    at_least,
    both,
    concluding,
    instead,
    left,
    number,
    over,
    right,
    times,
    times_mu,
    times_n,
    times_sigma,
    turned,
)


def _mean_terms_bound(c: Any) -> Any:
    return (c.n - 1) * c.spacing * bounds.spacing_decay(c, 4)


def _variance_terms_bound(c: Any) -> Any:
    return c.n * c.spacing * c.spacing * bounds.spacing_decay(c, 4)


def _four_squares_bound(c: Any) -> Any:
    return 4 * c.spacing * c.spacing * bounds.spacing_decay(c, 4)


def _slower_mean_bound(c: Any) -> Any:
    return c.n * c.spacing * bounds.spacing_decay(c, 8)


def _slower_variance_bound(c: Any) -> Any:
    return 4 * c.n * c.n * c.spacing * c.spacing * bounds.spacing_decay(c, 8)


def _slower_risk_bound(c: Any) -> Any:
    spread = bounds.spread(c)
    return 4 * bounds.score_scale(c) * spread * spread * bounds.spacing_decay(c, 64)


def _rounding_risk_bound(c: Any) -> Any:
    spread = bounds.spread(c)
    return bounds.score_scale(c) * spread * spread * bounds.spacing_decay(c, 8)


def _gaps_less_one(c: Any) -> Any:
    return (c.n - 1) * c.spacing


def _share_of_one_more(c: Any) -> Any:
    return c.ns.constant(1) / (c.n + 1)


def _least_factor(c: Any) -> Any:
    """The floor of the weight with the second factor of the repaired form, n-i-1 for n-i+1."""
    i, j = c.i, c.n - c.i
    halved = min(i * i * (i - 1), j * j * (j - 1))
    return c.mu * c.spacing * halved * (1 - 2 * bounds.spacing_decay(c, 2)) / (4 * c.n * c.n)


def _risk_times_batch(c: Any) -> Any:
    return c.batch_size * bounds.risk(c)


def _doubled_kernel_eigenvalue(c: Any) -> Any:
    return 2 * c.quantity("ntk_lambda_max")


def _learning_rate_term(c: Any) -> Any:
    return c.ns.constant(1) / c.learning_rate


def _lemma_12_with_n(c: Any) -> Any:
    extra = 8 * bounds.power(c.mu, 2) * bounds.power(bounds.spread(c), 3) / c.spacing
    return bounds.curvature_mass_bound(c) + extra / bounds.power(c.sigma, 4)


AT_1_4, AT_2_4, AT_4_4, AT_8_4 = (
    partial(bounds.gaussian_power, quarters=quarters) for quarters in (1, 2, 4, 8)
)
FOUR_NOISE_LEVELS = Hypothesis(
    "Delta >= 4 sigma/mu", bounds.spacing, ">=", times(2)(bounds.two_noise_levels)
)
SIXTEEN_NOISE_LEVELS = Hypothesis(
    "Delta >= 16 sigma/mu", bounds.spacing, ">=", times(2)(bounds.eight_noise_levels)
)
SMALL_NOISE = Hypothesis("sigma <= 1/4", bounds.sigma, "<=", number("1/4"))
NO_NOISE_LEVEL = Hypothesis("sigma >= 1", bounds.sigma, ">=", number(1))
SMALLER_DECAY = Hypothesis(
    "32 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1",
    times(2)(bounds.scaled_spacing_decay),
    "<=",
    number(1),
)
NEAR_BETA = Hypothesis("gamma >= beta/2", bounds.gamma, ">=", times("1/2")(bounds.beta))
SAME = "Both sides of a true relation times one positive number."

TRUE: tuple[Planted, ...] = (
    # Section 2: the posterior.
    Planted(
        "prop02a-halved", "prop02a", "weaker constant", (right(times("1/2")),),
        "Half of a non-negative lower bound.",
    ),
    Planted(
        "prop02a-n-squared", "prop02a", "weaker constant", (right(times_n(-1)),),
        "A lower bound that is non-negative, divided by n.",
    ),
    Planted(
        "prop02a-n-three", "prop02a", "restricted hypothesis", (assuming(at_least(3)),),
        "Fewer samples than printed.",
    ),
    Planted("prop02a-scaled", "prop02a", "equivalent form", (both(times_sigma(2)),), SAME),
    Planted(
        "prop02b-doubled", "prop02b", "weaker constant", (right(times(2)),),
        "Twice a positive upper bound.",
    ),
    Planted(
        "prop02b-terms", "prop02b", "equivalent form", (right(instead(_mean_terms_bound)),),
        "At most n-1 terms on one side, each at most Delta exp(-kappa^2/4) for kappa >= 2.",
    ),
    Planted(
        "prop02b-slower", "prop02b", "weaker constant", (right(instead(_slower_mean_bound)),),
        "exp(-kappa^2/8) >= exp(-kappa^2/4).",
    ),
    Planted(
        "prop02b-wide", "prop02b", "restricted hypothesis", (assuming(FOUR_NOISE_LEVELS),),
        "Fewer samples than printed.",
    ),
    Planted(
        "prop02b-at-means", "prop02b", "restricted range",
        (over(Range("points", Places((bounds.left_mean,)))),),
        "mu x_i is one of the points of the printed range.",
    ),
    Planted(
        "prop02c-doubled", "prop02c", "weaker constant", (right(times(2)),),
        "Twice a positive upper bound.",
    ),
    Planted(
        "prop02c-terms", "prop02c", "equivalent form", (right(instead(_variance_terms_bound)),),
        "V <= E (W-x_i)^2, n-1 terms t^2 exp(-t^2 kappa^2/(4 Delta^2)) that fall for kappa >= 2.",
    ),
    Planted(
        "prop02c-four", "prop02c", "equivalent form", (right(instead(_four_squares_bound)),),
        "The k-th neighbours add 2 k^2 exp(-(k^2-1)) Delta^2 exp(-kappa^2/4) at most: below 4.",
    ),
    Planted(
        "prop02c-slower", "prop02c", "weaker constant", (right(instead(_slower_variance_bound)),),
        "exp(-kappa^2/8) >= exp(-kappa^2/4).",
    ),
    Planted(
        "prop02c-at-means", "prop02c", "restricted range",
        (over(Range("points", Places((bounds.left_mean,)))),),
        "mu x_i is one of the points of the printed range.",
    ),
    Planted(
        "prop02.c-one-more", "prop02.c", "weaker constant",
        (right(instead(_share_of_one_more), 0),),
        "1/(n+1) <= 1/n.",
    ),
    Planted(
        "prop02.b-scaled", "prop02.b", "equivalent form", (both(times_mu),), SAME,
    ),
    # Corollary 3.
    Planted(
        "cor03a-halved", "cor03a@mu", "weaker constant", (right(times("1/2")),),
        "Half of the bound where it is positive; where it is negative the left side is not.",
    ),
    Planted(
        "cor03a-wide", "cor03a@mu", "restricted hypothesis", (assuming(FOUR_NOISE_LEVELS),),
        "Fewer samples than printed.",
    ),
    Planted(
        "cor03a-noised", "cor03a", "restricted range",
        (over(Range("gaps", Places((bounds.left_mean,)))), right(times("1/2"))),
        "Read at the noised mean mu x_i it follows from prop02a and prop02c.",
    ),
    Planted(
        "cor03a-nonnegative", "cor03a", "weaker conclusion", (right(instead(bounds.zero)),),
        "An absolute value is not negative.",
    ),
    Planted(
        "cor03b-doubled", "cor03b", "weaker constant", (right(times(2)),),
        "Twice a positive upper bound.",
    ),
    Planted(
        "cor03b-slower", "cor03b", "weaker constant", (right(instead(_slower_risk_bound)),),
        "exp(-kappa^2/64) >= exp(-kappa^2/32).",
    ),
    Planted(
        "cor03b-rounding", "cor03b", "equivalent form", (right(instead(_rounding_risk_bound)),),
        "V[W] is below the mean square error of rounding: L^2 P(|z| >= kappa/2).",
    ),
    Planted(
        "cor03.d-spread", "cor03.d", "equivalent form",
        (left(instead(_gaps_less_one)), right(instead(bounds.spread))),
        "L is a sum of n-1 gaps of at least Delta.",
    ),
    Planted(
        "cor03.d-looser", "cor03.d", "weaker constant", (right(times("3/2")),),
        "More than a positive upper bound.",
    ),
    # Theorem 4 and proposition 9.
    Planted(
        "thm04-halved", "thm04", "weaker constant", (right(times("1/2")),),
        "Half of a positive lower bound.",
    ),
    Planted(
        "thm04-smaller-decay", "thm04", "restricted hypothesis", (assuming(SMALLER_DECAY),),
        "Fewer samples than printed.",
    ),
    Planted(
        "thm04-nonnegative", "thm04", "weaker conclusion", (right(instead(bounds.zero)),),
        "The integral of a non-negative function.",
    ),
    Planted(
        "thm04.c-halved", "thm04.c", "weaker constant", (right(times("1/2")),),
        "Half of a positive lower bound.",
    ),
    Planted(
        "prop09a-repaired", "prop09a", "equivalent form", (right(instead(_least_factor)),),
        "By symmetry i -> n-i of the printed proof; this is the repaired form.",
    ),
    Planted(
        "prop09a-nonnegative", "prop09a", "weaker conclusion", (right(instead(bounds.zero)),),
        "The mean of a minimum of two non-negative functions.",
    ),
    Planted(
        "prop09a-r1-halved", "prop09a.r1", "weaker constant", (right(times("1/2")),),
        "Half of the repaired floor, which is non-negative or trivial.",
    ),
    Planted(
        "prop09b-doubled", "prop09b", "weaker constant", (right(times(2)),),
        "Twice a positive upper bound.",
    ),
    Planted(
        "prop09b-quarter", "prop09b", "equivalent form", (right(times("1/4")),),
        "min(p^2, (1-p)^2) L <= L/4, with p = P(mu U < u).",
    ),
    Planted(
        "prop09b-at-means", "prop09b", "restricted range",
        (over(Range(y=Places((bounds.lowest_mean, bounds.highest_mean)))),),
        "Two points of the printed range.",
    ),
    Planted(
        "prop09.e-halved", "prop09.e", "weaker constant", (right(times("1/2"), 0),),
        "Half of a non-negative lower bound.",
    ),
    # Lemmas.
    Planted(
        "lem12-doubled", "lem12", "weaker constant", (right(times(2)),),
        "Twice a positive upper bound.",
    ),
    Planted(
        "lem12-n", "lem12", "weaker constant", (right(instead(_lemma_12_with_n)),),
        "n in the place of n-1 in the second term, which is positive.",
    ),
    Planted(
        "lem12-small-noise", "lem12", "restricted hypothesis", (assuming(SMALL_NOISE),),
        "Fewer noise levels than printed.",
    ),
    Planted(
        "lem13-peak", "lem13", "weaker conclusion",
        (
            concluding(
                Stated(
                    "monotonicity",
                    (Inequality(AT_2_4, "<=", AT_4_4), Inequality(AT_8_4, "<=", AT_4_4)),
                )
            ),
        ),
        "The largest value is at sqrt(k/A).",
    ),
    Planted(
        "lem13-scaled", "lem13", "equivalent form",
        (
            concluding(
                Stated("monotonicity", (Inequality(times(3)(AT_1_4), "<", times(3)(AT_2_4)),))
            ),
        ),
        SAME,
    ),
    Planted(
        "lem14a-halved", "lem14a", "weaker constant", (right(times("1/2")),),
        "Half of a non-negative lower bound.",
    ),
    Planted(
        "lem14a-near-beta", "lem14a", "restricted hypothesis", (assuming(NEAR_BETA),),
        "Fewer functions than printed.",
    ),
    Planted(
        "lem14a-chained", "lem14a", "weaker conclusion",
        (right(instead(bounds.truncated_square_floor)),),
        "lem14a and lem14b, one after the other.",
    ),
    Planted(
        "lem14b-halved", "lem14b", "weaker constant", (left(times(2)),),
        "Twice a non-negative left side.",
    ),
    Planted("lem14b-scaled", "lem14b", "equivalent form", (both(times_sigma(2)),), SAME),
    Planted("lem14.c-scaled", "lem14.c", "equivalent form", (both(times(7)),), SAME),
    Planted("lem11a-scaled", "lem11a", "equivalent form", (both(times_sigma(4)),), SAME),
    Planted("lem11b-scaled", "lem11b", "equivalent form", (both(times_sigma(6)),), SAME),
    # The score.
    Planted(
        "eq06-zero", "eq06", "weaker constant",
        (
            concluding(
                Stated(
                    "minimiser",
                    (Inequality(times(2)(bounds.risk_of_zero), ">=", bounds.risk_empirical_score),),
                )
            ),
        ),
        "Twice the risk of the zero function, which is at least the minimum.",
    ),
    Planted("tweedie-scaled", "tweedie", "equivalent form", (both(times_mu),), SAME),
    Planted(
        "eq09-scaled", "eq09", "equivalent form", (both(times_sigma(2), 0),), SAME,
    ),
    # Networks.
    Planted("excess-scaled", "excess", "equivalent form", (both(times_n(1)),), SAME),
    Planted(
        "unbiased-mean-scaled", "unbiased@mean", "equivalent form", (both(times_n(1)),), SAME,
    ),
    Planted(
        "unbiased-sum-batch", "unbiased@sum", "equivalent form",
        (right(instead(_risk_times_batch)),),
        "Each index is in the batch with probability |B|/n, so the sum has mean |B| R_n.",
    ),
    Planted(
        "hess15-repaired", "hess15.r1", "equivalent form", (both(times_n(1)),), SAME,
    ),
    Planted(
        "hess15-itself", "hess15", "equivalent form", (right(instead(bounds.hessian)),),
        "Both sides are the Hessian.",
    ),
    Planted(
        "lem05-itself", "lem05", "equivalent form",
        (concluding(Stated("regularity", (Identity(bounds.hessian, bounds.hessian),))),),
        "As printed, with a check that compares the Hessian with itself.",
    ),
    Planted(
        "prop10-nonnegative", "prop10", "weaker conclusion", (right(instead(bounds.zero)),),
        "The tangent kernel is a mean of positive semidefinite matrices.",
    ),
    Planted(
        "prop10-r1-halved", "prop10.r1", "weaker constant", (right(times("1/2")),),
        "Test vector (E relu_l, |w_l| P(active)) and the arithmetic-geometric mean prove twice it.",
    ),
    Planted(
        "prop10.c-halved", "prop10.c", "weaker constant", (right(times("1/2")),),
        "The all-ones vector over sqrt n is one of the vectors u.",
    ),
    Planted(
        "prop06a-r1-doubled", "prop06a.r1", "weaker constant", (right(times(2)),),
        "Twice an upper bound of a non-negative number.",
    ),
    Planted(
        "prop06a-noise", "prop06a.r1", "restricted hypothesis", (assuming(SMALL_NOISE),),
        "Fewer noise levels than the repaired form.",
    ),
    Planted(
        "prop06a-vacuous", "prop06a", "restricted hypothesis", (assuming(NO_NOISE_LEVEL),),
        "No instance has sigma >= 1.",
    ),
    Planted(
        "prop06b-kernel", "prop06b.r1@sum", "weaker constant", (right(times(2)),),
        "Twice an upper bound of a non-negative number.",
    ),
    Planted(
        "prop06b-sum-vacuous", "prop06b@sum", "restricted hypothesis", (assuming(NO_NOISE_LEVEL),),
        "No instance has sigma >= 1.",
    ),
    Planted(
        "prop06b-mean-noised", "prop06b.r1@mean", "weaker constant",
        (right(instead(_learning_rate_term)),),
        "1/eta is twice the repaired bound.",
    ),
    Planted(
        "prop06b-mean-vacuous", "prop06b@mean", "restricted hypothesis",
        (assuming(NO_NOISE_LEVEL),),
        "No instance has sigma >= 1.",
    ),
    Planted(
        "eq08-sum-kernel", "eq08@sum", "weaker conclusion",
        (left(instead(_doubled_kernel_eigenvalue)),),
        "At an interior minimum the mean pointwise Hessian is twice the tangent kernel.",
    ),
    Planted(
        "eq08-mean-kernel", "eq08@mean", "weaker conclusion",
        (left(instead(_doubled_kernel_eigenvalue)),),
        "At an interior minimum the mean pointwise Hessian is twice the tangent kernel.",
    ),
    Planted(
        "prop07-nonnegative", "prop07", "weaker conclusion", (right(instead(bounds.zero)),),
        "The integral of a non-negative measure.",
    ),
    Planted(
        "prop07-r1-halved", "prop07.r1", "weaker constant", (right(times("1/2")),),
        "Half of the repaired lower bound.",
    ),
    Planted(
        "prop07-wide", "prop07.r1", "restricted hypothesis", (assuming(SIXTEEN_NOISE_LEVELS),),
        "Fewer samples than the repaired form.",
    ),
    Planted(
        "thm08-sum-nonnegative", "thm08@sum", "weaker conclusion",
        (right(instead(bounds.zero)), turned(">=")),
        "s* minimises the risk.",
    ),
    Planted(
        "thm08-mean-vacuous", "thm08@mean", "restricted hypothesis", (assuming(NO_NOISE_LEVEL),),
        "No instance has sigma >= 1.",
    ),
    Planted(
        "thm01-nonnegative", "thm01", "weaker conclusion",
        (as_theorem, concluding(Inequality(bounds.excess_risk, ">=", bounds.zero))),
        "s* minimises the risk.",
    ),
)  # fmt: skip
