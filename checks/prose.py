"""Sentences of the running text that can be checked."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, ReadOff, Source
from dsmverify.formulas import bounds, network_steps, threshold_steps

from ._premises import WITHIN
from .thm08 import GIVEN_RATE

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prose.a",
        source=Source("prose on the class of networks", 5),
        statement=(
            "Freezing inner weights at +-1 does not affect which functions the class contains."
        ),
        conclusion=Inequality(network_steps.steepest_slope, "<=", network_steps.bound),
        subject="network",
        hypotheses=(WITHIN,),
        kind="step",
        severity="constant",
        remark=(
            "Every function of the frozen class is Lipschitz with constant (1/m) sum_l |w2_l| <= "
            "A; networks with |w2_l| <= A and free inner weights are compared with that. An inner "
            "weight 0 (a constant) is outside of both."
        ),
    ),
    Claim(
        id="prose.a.r1",
        source=Source("prose on the class of networks", 5),
        statement=(
            "Freezing inner weights at +-1 does not affect which functions the class contains, if "
            "the bound is one on |w1_l w2_l| and no inner weight is 0."
        ),
        conclusion=Inequality(network_steps.steepest_slope, "<=", network_steps.bound),
        subject="network",
        hypotheses=(
            Hypothesis(
                "|w1_l w2_l| <= A for every neuron",
                network_steps.largest_product,
                "<=",
                network_steps.bound,
            ),
        ),
        kind="step",
        form="repaired",
        repairs="prose.a",
        change=(
            "w2 phi(w1 y + b) = w2 |w1| phi(sign(w1) y + b/|w1|) for w1 != 0, so |w1 w2|, not "
            "|w2|, is what the bound must be on."
        ),
        remark="The same necessary condition, the Lipschitz constant.",
    ),
    Claim(
        id="prose.b",
        source=Source("prose on the bound A", 5),
        statement="s* can be approximated by the class as soon as A >= C_n/sigma^6.",
        conclusion=Inequality(network_steps.bound_excess, ">=", bounds.zero),
        kind="step",
        leans_on=("lem12",),
        undecidable=(
            "it is about the limit of wide networks, no single network decides it; what it needs, "
            "a bound of int |s*''| by A, is lem12"
        ),
    ),
    Claim(
        id="prose.c",
        source=Source("prose on uniform data", 6),
        statement="For uniform data on an interval of length a, Delta is of order a/n^2.",
        conclusion=(
            Inequality(
                threshold_steps.expected_spacing, ">=", threshold_steps.expected_spacing_order
            ),
            Inequality(
                threshold_steps.expected_spacing, "<=", threshold_steps.doubled_spacing_order
            ),
        ),
        kind="step",
        derivation="uniform_spacing",
        remark=(
            "Read as E Delta between a/n^2 and 2 a/n^2, with E Delta = a/(n^2 - 1) from the "
            "derivation; at an instance n is its size and a its length."
        ),
    ),
    Claim(
        id="prose.d",
        source=Source("prose after theorem 8", 10),
        statement="As sigma -> 0 the two conditions of theorem 8 hold automatically.",
        conclusion=(
            Inequality(threshold_steps.noise_limit_0, ">", bounds.zero),
            Inequality(threshold_steps.threshold_at_small_noise, "<", bounds.learning_rate),
        ),
        hypotheses=(GIVEN_RATE,),
        kind="step",
        leans_on=("thm08.h",),
        derivation="threshold_arithmetic",
        remark=(
            "At a fixed rate and mu: sigma_0 > 0, and the threshold falls like sigma^2; compared "
            "at the noise level where it is eta/2."
        ),
    ),
    Claim(
        id="prose.e",
        source=Source("prose after proposition 6", 9),
        statement=("The tangent-kernel part's largest eigenvalue is what TV bounds from below."),
        conclusion=ReadOff("prop10"),
        subject="network",
        kind="step",
        leans_on=("prop10",),
    ),
)
