"""Hypotheses that several claims share."""

from __future__ import annotations

from dsmverify.claims import Hypothesis, Places, Structural
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as steps

SIGNS = Structural("every inner weight is +1 or -1", "inner_weights_are_signs")
WITHIN = Structural("|w2_l| <= A for every neuron", "outer_weights_within_bound")

IN_CLASS = (SIGNS, WITHIN)
"""The network is `s_theta` of the paper."""

STABLE_MINIMUM = (
    SIGNS,
    Structural("|w2_l| < A for every neuron", "outer_weights_inside_bound"),
    Structural("a learning rate eta is given", "has_learning_rate"),
    Structural("theta* is a local minimum of R_n", "is_local_minimum"),
    Structural("theta* is linearly stable at eta", "is_linearly_stable"),
)
"""`theta*` is an interior, linearly stable local minimum (p. 6)."""

SPACING_TWO = Hypothesis("Delta >= 2 sigma/mu", bounds.spacing, ">=", bounds.two_noise_levels)
SPACING_EIGHT = Hypothesis("Delta >= 8 sigma/mu", bounds.spacing, ">=", bounds.eight_noise_levels)

POINTS_ONLY = "Proved for every y; at an instance compared at its points `at`."
CLASS_ONLY = "About inner weights +-1 only, as section 0 fixes them."

OUTERMOST = Places(
    (
        steps.before_all,
        steps.first_mean,
        steps.first_midpoint,
        steps.last_midpoint,
        steps.last_mean,
        steps.beyond_all,
    )
)
"""The outermost means and midpoints, and a noise level beyond: for steps true at every y."""
