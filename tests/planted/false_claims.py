"""Variants of the paper's claims that are false, each with the reason in one line.

`kappa = mu Delta/sigma`, `L = x_n - x_1`. Where the printed claim is itself false, the variant
changes its repaired form or makes it worse.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dsmverify.claims import Identity, Inequality, Interval, Range, Stated
from dsmverify.formulas import bounds
from tests.planted.mutate import (
    Planted,
    as_theorem,
    at_next_index,
    concluding,
    instead,
    left,
    negated,
    number,
    over,
    right,
    times,
    times_m,
    times_mu,
    times_n,
    times_sigma,
    turned,
    without,
)


def _variance_at_mean(c: Any) -> Any:
    return c.posterior_variance(c.mu * c.x(c.i))


def _half_gap_below(c: Any) -> Any:
    return c.mu * c.x(c.i) - c.mu * c.spacing / 2


def _half_gap_above(c: Any) -> Any:
    return c.mu * c.x(c.i) + c.mu * c.spacing / 2


def _faster_mean_bound(c: Any) -> Any:
    return c.n * c.spacing * bounds.spacing_decay(c, 2)


def _faster_variance_bound(c: Any) -> Any:
    return 4 * c.n * c.n * c.spacing * c.spacing * bounds.spacing_decay(c, 2)


def _jump_bound_with_plus(c: Any) -> Any:
    return bounds.score_scale(c) * (bounds.squared_gap_share(c) + bounds.variance_bound(c))


def _faster_risk_bound(c: Any) -> Any:
    spread = bounds.spread(c)
    return 4 * bounds.score_scale(c) * spread * spread * bounds.spacing_decay(c, 4)


def _half_spacing(c: Any) -> Any:
    return c.mu * c.spacing / 2


def _curvature_mass_without_tails(c: Any) -> Any:
    ns, spread = c.ns, bounds.spread(c)
    reach = ns.maximum(c.x(c.n), ns.constant(0)) + ns.maximum(-c.x(1), ns.constant(0))
    return 4 * bounds.power(c.mu, 4) * bounds.power(spread, 3) * reach / bounds.power(c.sigma, 6)


def _square_with_sum(c: Any) -> Any:
    ratio = (bounds.beta(c) + bounds.gamma(c)) / (bounds.beta(c) - bounds.gamma(c))
    return bounds.truncated_square(c) * ratio * ratio


def _floor_with_plus(c: Any) -> Any:
    gap = bounds.beta(c) - bounds.gamma(c)
    return 2 * bounds.power(c.sigma * gap, 2) - bounds.truncated_square_floor(c)


def _score_from_mean_without_mu(c: Any) -> Any:
    return (c.posterior_mean(c.point) - c.point) / bounds.power(c.sigma, 2)


def _slope_with_one_mu(c: Any) -> Any:
    variance = bounds.power(c.sigma, 2)
    return (c.mu / variance * c.posterior_variance(c.point) - 1) / variance


def _slope_with_plus(c: Any) -> Any:
    variance = bounds.power(c.sigma, 2)
    return (bounds.power(c.mu, 2) / variance * c.posterior_variance(c.point) + 1) / variance


def _tweedie_without_variance(c: Any) -> Any:
    return (c.point + (c.mu * bounds.tweedie_mean(c) - c.point) / bounds.power(c.sigma, 2)) / c.mu


def _sum_of_risks(c: Any) -> Any:
    return bounds.risk(c) + bounds.risk_empirical_score(c)


def _risk_times_size(c: Any) -> Any:
    return c.n * bounds.risk(c)


def _share_of_one_less(c: Any) -> Any:
    return c.ns.constant(1) / (c.n - 1) if c.n > 1 else c.ns.constant(1)


def _one_spacing_more(c: Any) -> Any:
    return (c.n + 1) * c.spacing


def _larger_floor(c: Any) -> Any:
    """Repaired floor of the weight with the larger of the two cubic factors."""
    i, j = c.i, c.n - c.i
    halved = max(i * i * (i - 1), j * j * (j - 1))
    return c.mu * c.spacing * halved * (1 - 2 * bounds.spacing_decay(c, 2)) / (4 * c.n * c.n)


AT_1_4, AT_2_4, AT_5_4, AT_6_4 = (
    partial(bounds.gaussian_power, quarters=quarters) for quarters in (1, 2, 5, 6)
)
_HALF_GAP = Range("points", Interval(_half_gap_below, _half_gap_above))

FALSE: tuple[Planted, ...] = (
    # Section 2: the posterior.
    Planted(
        "prop02a-doubled", "prop02a", "constant", (right(times(2)),),
        "At n = 2 the printed bound is attained.",
    ),
    Planted(
        "prop02a-tight", "prop02a", "tight constant", (right(times("101/100")),),
        "At n = 2 the printed bound is attained; 1 % more is too much.",
    ),
    Planted(
        "prop02a-without-n", "prop02a", "power of n", (right(times_n(1)),),
        "gap^2/2 is twice the variance of two equal weights.",
    ),
    Planted(
        "prop02a-turned", "prop02a", "relation", (turned("<="),),
        "At n = 3 and wide gaps the variance is gap^2/4 and the right side gap^2/6.",
    ),
    Planted(
        "prop02a-at-mean", "prop02a", "place", (left(instead(_variance_at_mean)),),
        "At a noised mean the variance is exponentially small in kappa^2.",
    ),
    Planted(
        "prop02b-halved", "prop02b", "tight constant", (right(times("49/100")),),
        "At n = 2 and large kappa the offset at mu x_i + mu Delta/4 is half the printed bound.",
    ),
    Planted(
        "prop02b-any-spacing", "prop02b", "dropped hypothesis", (without("2 sigma/mu"),),
        "An outlier at distance 1 from two close points pulls the mean by about 1/4.",
    ),
    Planted(
        "prop02b-half-gap", "prop02b", "place", (over(_HALF_GAP),),
        "At the midpoint the offset is Delta/2, whatever kappa is.",
    ),
    Planted(
        "prop02b-faster", "prop02b", "exponent", (right(instead(_faster_mean_bound)),),
        "The offset at mu x_i + mu Delta/4 decays with kappa^2/4, not kappa^2/2.",
    ),
    Planted(
        "prop02c-twentieth", "prop02c", "constant", (right(times("1/20")),),
        "At n = 2 and large kappa the variance is 1/16 of the printed bound.", held_out=True,
    ),
    Planted(
        "prop02c-any-spacing", "prop02c", "dropped hypothesis", (without("2 sigma/mu"),),
        "An outlier at distance 1 from two close points gives a variance of about 1/5.",
    ),
    Planted(
        "prop02c-faster", "prop02c", "exponent", (right(instead(_faster_variance_bound)),),
        "The variance at mu x_i + mu Delta/4 decays with kappa^2/4, not kappa^2/2.",
    ),
    Planted(
        "prop02.c-tight", "prop02.c", "tight constant", (right(times("101/100"), 0),),
        "At n = 2 both weights at the midpoint are 1/2 exactly.",
    ),
    Planted(
        "prop02.c-one-less", "prop02.c", "index", (right(instead(_share_of_one_less), 1),),
        "At n = 2 the weight at the midpoint is 1/2, below 1/(n-1).",
    ),
    Planted(
        "prop02.b-halved", "prop02.b", "tight constant", (right(times("49/100")),),
        "At n = 2 the sum has one term, half the right side.",
    ),
    # Corollary 3.
    Planted(
        "cor03a-mu-doubled", "cor03a@mu", "constant", (right(times(2)),),
        "At n = 2 and large kappa the sides agree to a relative exp(-kappa^2/4).",
    ),
    Planted(
        "cor03a-mu-tight", "cor03a@mu", "tight constant", (right(times("101/100")),),
        "At n = 2 and large kappa the sides agree to a relative exp(-kappa^2/4).",
    ),
    Planted(
        "cor03a-mu-plus", "cor03a@mu", "sign", (right(instead(_jump_bound_with_plus)),),
        "At n = 2 the left side is below gap^2/4 alone, to which something is added.",
    ),
    Planted(
        "cor03a-doubled", "cor03a", "constant", (right(times(2)),),
        "At n = 2 and points -2, 2 the left side is at most half of it.",
    ),
    Planted(
        "cor03b-faster", "cor03b", "exponent", (right(instead(_faster_risk_bound)),),
        "R_n(s*) decays with kappa^2/8, not kappa^2/4.",
    ),
    Planted(
        "cor03b-sigma-squared", "cor03b", "power of sigma", (right(times_sigma(2)),),
        "At kappa = 2 the risk is of order 1/sigma^2 and the right side of order 1.",
    ),
    Planted(
        "cor03b-turned", "cor03b", "relation", (turned(">="),),
        "The printed bound decays more slowly than the risk.",
    ),
    Planted(
        "cor03.d-tight", "cor03.d", "tight constant", (right(times("99/100")),),
        "At n = 2 both sides are 2 Delta.",
    ),
    Planted(
        "cor03.d-one-more", "cor03.d", "index", (left(instead(_one_spacing_more)),),
        "At n = 2, 3 Delta is more than 2 (x_2 - x_1).",
    ),
    # Theorem 4 and proposition 9.
    Planted(
        "thm04-two-to-five", "thm04", "constant", (right(times(2**7)),),
        "To leading order in kappa the printed bound is 64 times too small at n = 2.",
    ),
    Planted(
        "thm04-without-constant", "thm04", "constant", (right(times(2**12)),),
        "To leading order in kappa the printed bound is 64 times too small at n = 2.",
    ),
    Planted(
        "thm04-turned", "thm04", "relation", (turned("<="),),
        "The printed bound is 64 times too small at n = 2 and large kappa.",
    ),
    Planted(
        "thm04.c-doubled", "thm04.c", "constant", (right(times(2)),),
        "n = 12, i = 4: 24 is less than 12^3/64 = 27.",
    ),
    Planted(
        "thm04.c-turned", "thm04.c", "relation", (turned("<="),),
        "n = 12, i = 4: 24 is more than 12^3/128 = 13.5.",
    ),
    Planted(
        "prop09a-doubled", "prop09a", "constant", (right(times(2)),),
        "Worse than printed: at i = n-1 and y = mu x_n the weight is of order sigma.",
    ),
    Planted(
        "prop09a-r1-tenfold", "prop09a.r1", "power of n", (right(times_n(1)),),
        "n = 12, i = 6: the weight is near mu Delta/2, n times the floor is above mu Delta.",
    ),
    Planted(
        "prop09a-r1-larger-factor", "prop09a.r1", "min and max", (right(instead(_larger_floor)),),
        "Near mu x_1 the weight is of order sigma, whatever n is.",
    ),
    Planted(
        "prop09a-r1-index", "prop09a.r1", "index", (right(at_next_index),),
        "At i = n-2 and y = mu x_1 with n = 3 the floor is positive and the weight near 0.",
    ),
    Planted(
        "prop09b-ninth", "prop09b", "tight constant", (right(times("1/9")),),
        "At n = 2 and large kappa the largest value is mu L/8.",
    ),
    Planted(
        "prop09b-spacing", "prop09b", "power of n", (right(instead(_half_spacing)),),
        "For 12 equispaced points the largest value is near 11 mu Delta/16.",
    ),
    Planted(
        "prop09b-turned", "prop09b", "relation", (turned(">="),),
        "The weight never exceeds a quarter of mu L.",
    ),
    Planted(
        "prop09.e-tight", "prop09.e", "tight constant", (right(times("101/100"), 0),),
        "Equality for equispaced points.",
    ),
    Planted(
        "prop09.e-index", "prop09.e", "index", (right(at_next_index, 0),),
        "Equality for equispaced points at i; i(i+1)/2 is more.",
    ),
    # Lemmas.
    Planted(
        "lem12-twenty-fifth", "lem12", "constant", (right(times("1/25")),),
        "Two points around 0: the sides differ by a factor 16 + 8 kappa^2.", held_out=True,
    ),
    Planted(
        "lem12-without-tails", "lem12", "dropped term",
        (right(instead(_curvature_mass_without_tails)),),
        "With kappa -> 0 the first term is of higher order than the integral.",
    ),
    Planted(
        "lem12-sigma-squared", "lem12", "power of sigma", (right(times_sigma(4)),),
        "For kappa >= 1 the integral is mu^2 Delta^2/(2 sigma^4) or more.",
    ),
    Planted(
        "lem13-turned", "lem13", "relation",
        (concluding(Stated("monotonicity", (Inequality(AT_2_4, "<", AT_1_4),))),),
        "The function rises on (0, sqrt(k/A)).",
    ),
    Planted(
        "lem13-later-peak", "lem13", "place",
        (concluding(Stated("monotonicity", (Inequality(AT_5_4, "<", AT_6_4),))),),
        "The function falls beyond sqrt(k/A).",
    ),
    Planted(
        "lem14a-tight", "lem14a", "tight constant", (right(times("101/100")),),
        "f = -gamma x and delta ten noise levels: both sides are sigma^2 (beta-gamma)^2.",
    ),
    Planted(
        "lem14a-any-slope", "lem14a", "dropped hypothesis", (without("f' >= -gamma"),),
        "f = -beta x makes the left side 0.",
    ),
    Planted(
        "lem14a-plus", "lem14a", "sign", (right(instead(_square_with_sum)),),
        "f = -gamma x gives (beta-gamma)^2, less than (beta+gamma)^2.",
    ),
    Planted(
        "lem14a-any-beta", "lem14a", "dropped hypothesis", (without("beta > gamma"),),
        "f = -beta x with gamma > beta: the left side is 0.",
    ),
    Planted(
        "lem14b-tight", "lem14b", "tight constant", (right(times("101/100")),),
        "As delta grows both sides tend to sigma^2 (beta-gamma)^2.",
    ),
    Planted(
        "lem14b-plus", "lem14b", "sign", (right(instead(_floor_with_plus)),),
        "The left side never exceeds sigma^2 (beta-gamma)^2.",
    ),
    Planted(
        "lem14b-turned", "lem14b", "relation", (turned("<="),),
        "The two sides differ by a positive term.",
    ),
    Planted(
        "lem14.c-tight", "lem14.c", "tight constant", (right(times("101/100")),),
        "The printed sides are equal and positive.",
    ),
    Planted(
        "lem11a-one-mu", "lem11a", "power of mu", (right(instead(_slope_with_one_mu)),),
        "The posterior variance is positive and mu < 1.",
    ),
    Planted(
        "lem11a-plus", "lem11a", "sign", (right(instead(_slope_with_plus)),),
        "The sides differ by 2/sigma^2.",
    ),
    Planted(
        "lem11b-minus", "lem11b", "sign", (right(negated),),
        "The third moment does not vanish off the centre of symmetry.",
    ),
    Planted(
        "lem11b-sigma", "lem11b", "power of sigma", (right(times_sigma(2)),),
        "The third moment does not vanish off the centre of symmetry and sigma < 1.",
    ),
    # The score.
    Planted(
        "eq06-minus", "eq06", "sign",
        (
            concluding(
                Stated(
                    "minimiser",
                    (Identity(bounds.printed_score, negated(bounds.empirical_score)),),
                )
            ),
        ),
        "The score is not 0 at the noised mean of an outlier.",
    ),
    Planted(
        "eq06-risk", "eq06", "power of sigma",
        (
            concluding(
                Stated(
                    "minimiser",
                    (
                        Inequality(
                            times_sigma(4)(bounds.risk_of_zero), ">=", bounds.risk_empirical_score
                        ),
                    ),
                )
            ),
        ),
        "At kappa = 2 the risk of s* is of order 1/sigma^2, above sigma^2.",
    ),
    Planted(
        "tweedie-without-sigma", "tweedie", "power of sigma",
        (right(instead(_tweedie_without_variance)),),
        "The logarithmic derivative must be scaled by sigma^2.",
    ),
    Planted(
        "tweedie-without-mu", "tweedie", "power of mu", (right(times_mu),),
        "The mean of X is not the mean of mu X.",
    ),
    Planted(
        "eq09-without-mu", "eq09", "power of mu", (right(instead(_score_from_mean_without_mu), 0),),
        "The posterior mean is not 0 at every noised mean and mu < 1.",
    ),
    Planted(
        "eq09-one-mu", "eq09", "power of mu", (right(instead(_slope_with_one_mu), 1),),
        "The posterior variance is positive and mu < 1.",
    ),
    # Networks.
    Planted(
        "excess-without-n", "excess", "power of n", (right(times_n(1)),),
        "The excess risk is positive, so n times it is another number.",
    ),
    Planted(
        "excess-plus", "excess", "sign", (left(instead(_sum_of_risks)),),
        "The sides differ by twice the risk of s*, which is positive.",
    ),
    Planted(
        "unbiased-mean-doubled", "unbiased@mean", "constant", (right(times(2)),),
        "The printed identity holds and the risk is positive.",
    ),
    Planted(
        "unbiased-sum-size", "unbiased@sum", "power of n", (right(instead(_risk_times_size)),),
        "The factor is the size of the batch, not that of the sample.",
    ),
    Planted(
        "hess15-without-n", "hess15.r1", "power of n", (right(times_n(1)),),
        "The Hessian is not 0.",
    ),
    Planted(
        "hess15-minus", "hess15", "sign", (right(negated),),
        "The block of outer weights is positive on an active neuron.",
    ),
    Planted(
        "hess15-tight", "hess15.r1", "tight constant", (right(times("101/100")),),
        "The sides are equal and not 0.",
    ),
    Planted(
        "lem05-concave", "lem05", "false consequence",
        (
            concluding(
                Stated("regularity", (Inequality(bounds.hessian_lambda_max, "<=", number(0)),))
            ),
        ),
        "Twice the tangent kernel's diagonal entry of an active outer weight is positive.",
    ),
    Planted(
        "prop10-without-m", "prop10", "constant", (right(times_m), right(times(1000))),
        "For one neuron the sides of the printed inequality differ by a factor below 1000.",
    ),
    Planted(
        "prop10-turned", "prop10", "relation", (turned("<="),),
        "For one neuron the left side is several times the right side.",
    ),
    Planted(
        "prop10-r1-fourfold", "prop10.r1", "constant", (right(times(4)),),
        "Two overlapping points and two neurons: the sides differ by a factor below 3.",
        held_out=True,
    ),
    Planted(
        "prop10.c-without-n", "prop10.c", "power of n", (right(times_n(2)),),
        "The largest eigenvalue is at most the trace, n times the largest diagonal entry.",
    ),
    Planted(
        "prop06a-turned", "prop06a", "relation", (turned(">="),),
        "The term with A alone is larger than TV by orders of magnitude.",
    ),
    Planted(
        "prop06a-without-risk", "prop06a", "dropped term",
        (right(instead(lambda c: bounds.hessian_lambda_max(c) * c.m / 4000)),),
        "TV is within a factor 1000 of lambda_max m/4 at networks of few neurons.",
    ),
    Planted(
        "prop06b-sum-turned", "prop06b@sum", "relation", (turned(">="),),
        "At stable minima 1/(2 eta) alone is 27 times TV or more.",
    ),
    Planted(
        "prop06b-mean-constant", "prop06b@mean", "constant", (right(times("1/1000000")),),
        "At a minimum with overlapping points the sides differ by a factor of thousands.",
    ),
    Planted(
        "prop06b-r1-constant", "prop06b.r1@sum", "constant", (right(times("1/200")),),
        "At the bundled minima the sides differ by factors from 27 to 139.",
    ),
    Planted(
        "eq08-sum-constant", "eq08@sum", "constant", (right(times("1/100")),),
        "At the bundled minima the sides differ by factors from 5 to 14.",
    ),
    Planted(
        "eq08-mean-turned", "eq08@mean", "relation", (turned(">="),),
        "At the bundled minima the sides differ by factors from 5 to 14.",
    ),
    Planted(
        "prop07-without-constant", "prop07", "constant", (right(times(2**11)),),
        "At accurate networks of two points TV is 1515 times the printed bound.",
    ),
    Planted(
        "prop07-turned", "prop07", "relation", (turned("<="),),
        "At accurate networks TV is about a thousand times the printed bound.",
    ),
    Planted(
        "thm08-sum-constant", "thm08@sum", "constant", (right(times(10**80)),),
        "At the bundled minimum the sides differ by a factor of about 10^70.",
    ),
    Planted(
        "thm08-mean-turned", "thm08@mean", "relation", (turned("<"),),
        "At the bundled minimum the excess risk is 10^70 times the printed bound.",
    ),
    Planted(
        "thm01-arbitrarily-small", "thm01", "false consequence",
        (as_theorem, concluding(Inequality(bounds.excess_risk, "<=", number(1)))),
        "At the bundled minimum the excess risk is above 1.",
    ),
)  # fmt: skip
