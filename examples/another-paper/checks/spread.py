"""The four statements of the note, the two steps of its proof, and what is left when repaired."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Places, Range, RealLine, Source

from . import _sides as sides

NOTE = "made-up note, version 1"
THREE_POINTS = Hypothesis("n >= 3", sides.size, ">=", sides.three)
EVERY_Y = Range(y=RealLine())
MIDPOINTS = Range("gaps", y=Places((sides.midpoint,)))
AT_MIDPOINTS = "Said of every y; at an instance looked at at the midpoints m_i."

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="thm1",
        source=Source("theorem 1", 1, NOTE),
        statement="For every real y: V[W(y)] <= L^2/8.",
        conclusion=Inequality(sides.variance, "<=", sides.printed_ceiling),
        hypotheses=(THREE_POINTS,),
        range=EVERY_Y,
        leans_on=("thm1.a", "thm1.b"),
        severity="constant",
    ),
    Claim(
        id="thm1.r1",
        form="repaired",
        repairs="thm1",
        change="L^2/4 for L^2/8, Popoviciu's constant; two equal clusters reach it.",
        source=Source("theorem 1", 1, NOTE),
        statement="For every real y: V[W(y)] <= L^2/4.",
        conclusion=Inequality(sides.variance, "<=", sides.ceiling),
        hypotheses=(THREE_POINTS,),
        range=EVERY_Y,
        leans_on=("thm1.a", "thm1.b.r1"),
        derivation="popoviciu",
    ),
    Claim(
        id="thm1.a",
        kind="step",
        serves="thm1",
        source=Source("proof of theorem 1, (a)", 1, NOTE),
        statement="For every real y: V[W(y)] <= (E[W(y)] - x_1)(x_n - E[W(y)]).",
        conclusion=Inequality(sides.variance, "<=", sides.product_of_distances),
        hypotheses=(THREE_POINTS,),
        range=MIDPOINTS,
        derivation="popoviciu",
        remark=AT_MIDPOINTS,
    ),
    Claim(
        id="thm1.b",
        kind="step",
        serves="thm1",
        source=Source("proof of theorem 1, (b)", 1, NOTE),
        statement="For every real y: (E[W(y)] - x_1)(x_n - E[W(y)]) <= L^2/8.",
        conclusion=Inequality(sides.product_of_distances, "<=", sides.printed_ceiling),
        hypotheses=(THREE_POINTS,),
        range=MIDPOINTS,
        severity="constant",
        remark=AT_MIDPOINTS,
    ),
    Claim(
        id="thm1.b.r1",
        kind="step",
        serves="thm1",
        form="repaired",
        repairs="thm1.b",
        change="L^2/4 for L^2/8: with a given sum, equal factors have the largest product.",
        source=Source("proof of theorem 1, (b)", 1, NOTE),
        statement="For every real y: (E[W(y)] - x_1)(x_n - E[W(y)]) <= L^2/4.",
        conclusion=Inequality(sides.product_of_distances, "<=", sides.ceiling),
        hypotheses=(THREE_POINTS,),
        range=MIDPOINTS,
        derivation="popoviciu",
        remark=AT_MIDPOINTS,
    ),
    Claim(
        id="cor2",
        source=Source("corollary 2", 1, NOTE),
        statement="For every real y: s'(y) <= (mu^2 L^2/(8 sigma^2) - 1)/sigma^2.",
        conclusion=Inequality(sides.slope, "<=", sides.printed_slope_ceiling),
        hypotheses=(THREE_POINTS,),
        range=EVERY_Y,
        leans_on=("thm1",),
        severity="constant",
    ),
    Claim(
        id="cor2.r1",
        form="repaired",
        repairs="cor2",
        change="The constant of theorem 1 as repaired.",
        source=Source("corollary 2", 1, NOTE),
        statement="For every real y: s'(y) <= (mu^2 L^2/(4 sigma^2) - 1)/sigma^2.",
        conclusion=Inequality(sides.slope, "<=", sides.slope_ceiling),
        hypotheses=(THREE_POINTS,),
        range=EVERY_Y,
        leans_on=("thm1.r1",),
        derivation="popoviciu",
    ),
    Claim(
        id="cor3",
        source=Source("corollary 3", 1, NOTE),
        statement="R_n(s) <= mu^2 L^2/(8 sigma^4).",
        conclusion=Inequality(sides.least_risk, "<=", sides.printed_risk_ceiling),
        hypotheses=(THREE_POINTS,),
        leans_on=("thm1",),
        severity="constant",
        enclosed_by="the risk is an integral of balls",
    ),
    Claim(
        id="cor3.r1",
        form="repaired",
        repairs="cor3",
        change="The constant of theorem 1 as repaired.",
        source=Source("corollary 3", 1, NOTE),
        statement="R_n(s) <= mu^2 L^2/(4 sigma^4).",
        conclusion=Inequality(sides.least_risk, "<=", sides.risk_ceiling),
        hypotheses=(THREE_POINTS,),
        leans_on=("thm1.r1",),
        enclosed_by="the risk is an integral of balls",
    ),
    Claim(
        id="rem4",
        source=Source("remark 4", 1, NOTE),
        statement="For every real y: s'(y) > -1/sigma^2.",
        conclusion=Inequality(sides.slope, ">", sides.slope_floor),
        hypotheses=(THREE_POINTS,),
        range=EVERY_Y,
    ),
)
