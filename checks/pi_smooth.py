"""How smooth the weight pi is."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Source, Stated
from dsmverify.formulas import bounds
from dsmverify.formulas import weight_steps as steps

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="pi-smooth",
        kind="step",
        serves="prop06a",
        source=Source("definition of TV for networks", 9),
        statement="pi(y) is a smooth function (so that TV(s_theta) makes sense).",
        conclusion=(
            Identity(steps.weight_at_last_mean, bounds.zero),
            Identity(steps.weight_at_first_mean, bounds.zero),
        ),
        severity="null set",
        remark=(
            "A smooth function is continuous: the sides are the two limits of pi, from inside and "
            "from outside, at mu x_n and at mu x_1. Both jump, since pi is defined as 0 outside "
            "the closed range."
        ),
    ),
    Claim(
        id="pi-smooth.r1",
        kind="step",
        form="repaired",
        repairs="pi-smooth",
        change=(
            "pi is smooth inside the range and jumps at its two ends; it has a value at every kink "
            "all the same, which is what TV(s_theta) needs."
        ),
        serves="prop06a",
        source=Source("definition of TV for networks", 9),
        statement=(
            "pi is infinitely often differentiable on (mu x_1, mu x_n), bounded, and 0 outside the "
            "closed range."
        ),
        conclusion=Stated("regularity"),
        derivation="weight_bounds",
    ),
)
