"""Hypotheses and ranges that the steps about networks share."""

from __future__ import annotations

from dsmverify.claims import Hypothesis, Range
from dsmverify.formulas import bounds, network_steps

SMALL_RISK = Hypothesis("R_n(theta) <= 1/(16 n sigma^2)", bounds.risk, "<=", bounds.small_risk)
"""What proposition 7 asks of the risk."""

LARGE_BOUND = Hypothesis("A >= C_n/sigma^6", network_steps.bound_excess, ">=", bounds.zero)
"""What proofs ask of the bound on outer weights; the choice A = C_n/sigma^6 meets it."""

ENOUGH_BOUND = Hypothesis("A >= 1/sigma^2", network_steps.bound, ">=", network_steps.least_bound)
"""What they use of it."""

AT_LEAST_FOUR = Hypothesis("n >= 4", network_steps.sample_size, ">=", network_steps.four)
AT_LEAST_FIVE = Hypothesis("n >= 5", network_steps.sample_size, ">=", network_steps.five)

RISING = Hypothesis("w1_l = +1", network_steps.inner_weight, ">", bounds.zero)
FALLING = Hypothesis("w1_l = -1", network_steps.inner_weight, "<", bounds.zero)

NEURONS_AND_POINTS = Range("neurons and points")

NOT_COVERED = Hypothesis(
    "[-sigma, sigma] is not contained in D: the lower end of D is above -sigma",
    network_steps.lower_end,
    ">",
    network_steps.minus_noise_level,
)
"""The other case of prop06: where the lower end of D is `<= -sigma` the upper is `>= sigma`."""

OTHER_CASE = Range("neurons and points", where=(NOT_COVERED,))
