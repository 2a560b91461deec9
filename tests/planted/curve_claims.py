"""Variants of the claims about learning curves: false ones and true ones, with the reason.

As in `false_claims` and `true_claims`, for the points of `instances.CURVES`.
"""

from __future__ import annotations

from typing import Any

from dsmverify.claims import Identity, Inequality, Stated
from dsmverify.formulas import curve_bounds as curves
from tests.planted.mutate import (
    Planted,
    as_theorem,
    both,
    concluding,
    instead,
    left,
    number,
    right,
    times,
    turned,
    without,
)


def _features_without_ridge(c: Any) -> Any:
    return c.parameters.psi_p * c.parameters.inverse_copies


def _samples_without_ridge(c: Any) -> Any:
    p, s = c.parameters, c.state
    return p.psi_p - p.noise * p.linear * s.kernel - p.fresh * s.resolvent


def _excess_over_tau_squared(c: Any) -> Any:
    return curves.test_error(c) - c.parameters.signal / c.parameters.noise


def _share_without_square(c: Any) -> Any:
    p = c.parameters
    return (1 - p.psi_p / p.psi_n) * curves.new_data_loss(c)


def _peak_ceiling_without_ridge(c: Any) -> Any:
    ratio = curves.delta_ratio(c)
    return ratio * ratio


def _label_noise_with_wrong_sign(c: Any) -> Any:
    p = c.parameters
    return curves.label_noise_test_error(c) - 2 * p.signal / p.noise


def _nonnegative(side: Any) -> Any:
    return concluding(Inequality(side, ">=", curves.zero))


def _name(base: str, change: str) -> str:
    return f"{base.replace('.', '-')}-{change}"


FALSE_CURVES: tuple[Planted, ...] = (
    # Invariants and the fixed point.
    Planted(
        "rf-inv1-tight", "rf.inv1", "tight constant", (right(times("1001/1000")),),
        "The sides are equal, and positive.",
    ),
    Planted(
        "rf-inv2-without-ridge", "rf.inv2", "dropped term",
        (right(instead(_features_without_ridge)),),
        "lam g is positive.",
    ),
    Planted(
        "rf-inv3-without-ridge", "rf.inv3", "dropped term",
        (right(instead(_samples_without_ridge)),),
        "lam psi_p g is positive.",
    ),
    Planted(
        "rf-inv3-finite", "rf.inv3", "dropped hypothesis", (without("m = inf"),),
        "For finite m the loads of a sample have h/m and s^2/m, too.",
    ),
    Planted(
        "rf-fixed-turned", "rf.fixed", "relation",
        (
            concluding(
                Stated(
                    "uniqueness",
                    (Inequality(curves.spectral_radius_bound, ">=", curves.largest_fitted_share),),
                )
            ),
        ),
        "The ridge takes a positive share.",
    ),
    Planted(
        "rf-pencil-doubled", "rf.pencil", "constant",
        (concluding(Stated("equivalence", (Identity(curves.first_equation, number(2)),))),),
        "The equation of delta_1 has 1 on its right.",
    ),
    # Observables.
    Planted(
        "rf-train-minimum", "rf.train", "dropped term", (right(instead(curves.minimum)),),
        "lam T_I is positive where lam is.",
    ),
    Planted(
        "rf-signs-halved", "rf.signs", "constant", (right(times("1/2"), 1),),
        "At a small ridge the ridge term is a small share of F.",
    ),
    Planted(
        "rf-gap-without-share", "rf.gap", "dropped term", (right(instead(curves.new_data_loss)),),
        "The draws of training cost less than new ones.",
    ),
    Planted(
        "rf-gap-any-size", "rf.gap", "dropped hypothesis", (without("p < n"),),
        "At p = 3 n the share would be 4.",
    ),
    Planted(
        "rf-gap-without-square", "rf.gap", "exponent", (right(instead(_share_without_square)),),
        "At m = 1 E_train is delta_1^2 times the loss on new data, delta_1 near 1 - p/n.",
    ),
    Planted(
        "rf-mem1-turned", "rf.mem1", "relation", (turned("<="),),
        "Fresh noise costs more than fitted noise.",
    ),
    Planted(
        "rf-mem2-halved", "rf.mem2", "constant", (right(times("1/2")),),
        "Where p is below n, training points cost nearly what new ones do.",
    ),
    Planted(
        "rf-mem2-r1-turned", "rf.mem2.r1", "relation", (turned(">="),),
        "The difference is a sum of positive terms.",
    ),
    # Limits.
    Planted(
        "rf-lim1a-undamped", "rf.lim1a", "dropped term", (right(instead(curves.new_data_loss)),),
        "delta_1 is below 1.",
    ),
    Planted(
        "rf-lim1a-any-m", "rf.lim1a", "dropped hypothesis", (without("m = 1"),),
        "For m > 1 the differences of copies count, with delta_2.",
    ),
    Planted(
        "rf-lim1b-sign", "rf.lim1b", "sign", (right(instead(_label_noise_with_wrong_sign)),),
        "tau^2 is positive.",
    ),
    Planted(
        "rf-lim2-exchanged", "rf.lim2", "place", (right(instead(curves.training_of_linear), 0),),
        "The test error is another integral than the training error.",
    ),
    Planted(
        "rf-lim3a-few", "rf.lim3a", "dropped hypothesis", (without("psi_p > 1"),),
        "With fewer features than dimensions their number enters.",
    ),
    Planted(
        "rf-lim3b-tight", "rf.lim3b", "tight constant", (right(times("1001/1000")),),
        "The sides are equal, and positive.",
    ),
    Planted(
        "rf-lim4a-fifth", "rf.lim4a", "constant", (right(times("1/5")),),
        "At psi_p = 200 and t = 1 the bound is 2 to 5 times the error.",
    ),
    Planted(
        "rf-lim4b-above", "rf.lim4b", "dropped term", (right(instead(curves.zero), 0),),
        "The limit is approached from below for t = 0.1.",
    ),
    Planted(
        "rf-lim4b-square", "rf.lim4b", "exponent", (left(instead(_excess_over_tau_squared), 0),),
        "The limit is tau^4, not tau^2.",
    ),
    Planted(
        "rf-lim5-turned", "rf.lim5", "relation", (turned("<="),),
        "New data cost more than the draws of training.",
    ),
    Planted(
        "rf-lim5-hundredth", "rf.lim5", "constant", (right(times("1/100"), 1),),
        "At large lam the bound is of the order of the gap.",
    ),
    Planted(
        "rf-lim6-tight", "rf.lim6", "tight constant", (right(times("10001/10000")),),
        "The sides are equal, and positive.",
    ),
    Planted(
        "rf-lim7-doubled", "rf.lim7", "constant", (right(times(2), 2),),
        "At psi_p = 10^6 both sides agree to five digits.",
    ),
    Planted(
        "rf-lim7-below", "rf.lim7", "relation",
        (concluding(Inequality(curves.minimum, "<=", curves.memorised_share)),),
        "K is below 1/A.",
    ),
    Planted(
        "rf-lim8-first-order", "rf.lim8", "dropped term", (right(instead(curves.zero), 1),),
        "The second order in 1/lam is positive.",
    ),
    Planted(
        "rf-lim9-equal", "rf.lim9", "dropped term", (right(instead(curves.zero), 0),),
        "The errors do depend on m.",
    ),
    # The peak.
    Planted(
        "rf-peak1-bounded", "rf.peak1", "exponent",
        (
            concluding(
                Inequality(curves.new_data_loss, "<=", _peak_ceiling_without_ridge)
            ),
        ),
        "The peak grows without bound as lam vanishes.",
    ),
    Planted(
        "rf-peak2-finite", "rf.peak2", "dropped hypothesis", (without("m = inf"),),
        "At p = n m and m = 1 the peak grows without bound.",
    ),
    Planted(
        "rf-peak3-exponent", "rf.peak3", "exponent", (right(times("1/2"), 1),),
        "lam^(-1/2) multiplies by 10, more than 6.",
    ),
    # Noise samples and regimes.
    Planted(
        "rf-copies1-any-size", "rf.copies1", "dropped hypothesis", (without("p < n"),),
        "From m = 1 to 2 the peak at p = 2 n comes near p = 1.5 n.",
    ),
    Planted(
        "rf-copies2-next-turned", "rf.copies2@next", "relation", (turned(">="),),
        "Far from the peaks E_mem falls with m.",
    ),
    Planted(
        "rf-copies2-all-turned", "rf.copies2@all", "relation", (turned(">="),),
        "E_mem falls from finite m to m = inf.",
    ),
    Planted(
        "rf-copies2-test-turned", "rf.copies2@test", "relation", (turned("<="),),
        "From m = 1 to 2 the peak at p = 2 n comes near p = 1.5 n.",
    ),
    Planted(
        "rf-copies3-turned", "rf.copies3", "relation", (turned("<="),),
        "More draws are harder to fit.",
    ),
    Planted(
        "rf-copies3-r1-turned", "rf.copies3.r1", "relation", (turned("<="),),
        "More draws are harder to fit.",
    ),
    Planted(
        "rf-copies4-any-size", "rf.copies4", "dropped hypothesis", (without("p < n"),),
        "From m = 1 to 2 the peak at p = 2 n comes near p = 1.5 n.",
    ),
    Planted(
        "rf-regime1-gap-any-size", "rf.regime1@gap", "false consequence",
        (as_theorem, without("p < n")),
        "At p = 3 n the share would be 4.",
    ),
    Planted(
        "rf-regime1-error-turned", "rf.regime1@error", "relation", (turned(">="),),
        "Far below the peak and at late times the model beats the zero score.",
    ),
    Planted(
        "rf-regime2-half-quarter", "rf.regime2@half", "constant", (right(times("1/2")),),
        "Worse than the variant that fails just above p = n.",
    ),
    Planted(
        "rf-regime2-limit-fifth", "rf.regime2@limit", "constant",
        (as_theorem, right(times("1/5"))),
        "At psi_p = 200 and t = 1 the bound is 2 to 5 times the error.",
    ),
)  # fmt: skip

SAME = "Both sides of a true relation times one positive number."
LOOSER = "Twice an upper bound, or half a lower one, of numbers that are not negative."
MEAN_SQUARE = "A mean square is not negative."

TRUE_CURVES: tuple[Planted, ...] = (
    *(
        Planted(_name(base, "scaled"), base, "equivalent form", (both(times(7)),), SAME)
        for base in (
            *("rf.inv1", "rf.inv2", "rf.inv3", "rf.train", "rf.lim1a", "rf.lim1b", "rf.lim2"),
            *("rf.lim3a", "rf.lim3b", "rf.lim6"),
        )
    ),
    *(
        Planted(_name(base, f"looser-{part}"), base, "weaker constant", (change,), LOOSER)
        for base, part, change in (
            ("rf.signs", 1, right(times(2), 1)),
            ("rf.gap", 0, right(times("1/2"), 0)),
            ("rf.gap", 1, right(times("1/2"), 1)),
            ("rf.mem1", 0, right(times("1/2"))),
            ("rf.mem2.r1", 0, right(times(2))),
            ("rf.lim4a", 0, right(times(2))),
            ("rf.lim4b", 0, right(times(2), 0)),
            ("rf.lim5", 1, right(times(2), 1)),
            ("rf.lim7", 2, right(times("1/2"), 2)),
            ("rf.lim8", 1, right(times(2), 1)),
            ("rf.lim9", 0, right(times(2), 0)),
            ("rf.peak1", 1, right(times(2), 1)),
            ("rf.peak2", 0, right(times(2))),
            ("rf.peak3", 1, right(times(2), 1)),
            ("rf.copies1", 0, left(times("1/2"), 0)),
            ("rf.copies2@all", 0, left(times("1/2"))),
            ("rf.copies3.r1", 0, left(times(2), 0)),
            ("rf.copies4", 0, left(times("1/2"), 0)),
        )
    ),
    Planted(
        "rf-fixed-below-two", "rf.fixed", "weaker conclusion",
        (
            concluding(
                Stated("uniqueness", (Inequality(curves.largest_fitted_share, "<", number(2)),))
            ),
        ),
        "A share is at most 1.",
    ),
    Planted(
        "rf-pencil-first", "rf.pencil", "weaker conclusion",
        (concluding(Stated("equivalence", (Identity(curves.spent, curves.psi_p),))),),
        "One of its equations.",
    ),
    *(
        Planted(
            _name(base, "nonnegative"), base, "weaker conclusion", (_nonnegative(side),),
            MEAN_SQUARE,
        )
        for base, side in (
            ("rf.mem2", curves.memorisation_error),
            ("rf.copies2@next", curves.memorisation_error_with_more),
            ("rf.copies2@test", curves.test_error_with_more),
            ("rf.copies3", curves.train_error_with_more),
            ("rf.regime1@error", curves.test_error),
            ("rf.regime2@half", curves.memorisation_error),
        )
    ),
    Planted(
        "rf-regime1-gap-looser", "rf.regime1@gap", "weaker constant",
        (as_theorem, right(times("1/2"))), LOOSER,
    ),
    Planted(
        "rf-regime2-limit-looser", "rf.regime2@limit", "weaker constant",
        (as_theorem, right(times(2))), LOOSER,
    ),
)  # fmt: skip
