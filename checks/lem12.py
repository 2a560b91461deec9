"""The total curvature of the empirical optimal score."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Places, Range, Source
from dsmverify.formulas import bounds
from dsmverify.formulas import posterior_steps as steps

from ._premises import OUTERMOST

BOTH_SIDES = (
    "y is the distance beyond the starts 2 mu (x_n)_+ and 2 mu (x_1)_-; the second part is the "
    "mirror image, with i+1 for i. Both sides decay over many orders of magnitude: at an instance "
    "looked at at the start and 1, 8 and 64 noise levels beyond."
)
BEYOND = Places((bounds.zero, bounds.sigma, steps.eight_sigmas, steps.sixty_four_sigmas))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem12",
        source=Source("lemma 12", 34),
        statement=(
            "With (x_n)_+ = max(0, x_n), (x_1)_- = min(0, x_1): int_R |s*''(y)| dy <= "
            "(4 mu^2 (x_n-x_1)^3/sigma^6) "
            "(mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1) sigma^2/Delta)."
        ),
        enclosed_by="int |s*''|: rigorous integration, signs decided by bisection, tail bounded",
        conclusion=Inequality(bounds.curvature_mass, "<=", bounds.curvature_mass_bound),
        leans_on=("lem12.a", "lem12.b", "lem12.b2", "lem12.c", "lem12.d", "lem11b"),
        derivation="curvature_tail",
    ),
    Claim(
        id="lem12.a",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step a", 34),
        statement=(
            "For 1 <= i <= n-1 and y >= 2 mu (x_n)_+: alpha_i(y) <= exp(-y mu Delta/(2 sigma^2)); "
            "mirror image for y < 2 mu (x_1)_-, 2 <= i <= n, with exp(+y mu Delta/(2 sigma^2))."
        ),
        conclusion=(
            Inequality(steps.right_weight, "<=", steps.right_decay),
            Inequality(steps.left_weight, "<=", steps.left_decay),
        ),
        range=Range("gaps", BEYOND),
        derivation="curvature_tail",
        remark=BOTH_SIDES,
    ),
    Claim(
        id="lem12.b",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step b", 34),
        statement=(
            "For y >= 2 mu (x_n)_+: |s*''(y)| <= (2 mu^3 (n-1)(x_n-x_1)^3/sigma^6) "
            "exp(-y mu Delta/(2 sigma^2)); mirror image for y < 2 mu (x_1)_-."
        ),
        conclusion=(
            Inequality(steps.right_curvature, "<=", steps.right_curvature_bound),
            Inequality(steps.left_curvature, "<=", steps.left_curvature_bound),
        ),
        range=Range(y=BEYOND),
        leans_on=("lem12.a", "lem12.b2", "lem11b"),
        derivation="curvature_tail",
        remark=BOTH_SIDES,
    ),
    Claim(
        id="lem12.b2",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step b", 34),
        statement=(
            "|x_n - E[W]|^3 alpha_n <= |sum_{i<n} (x_n - x_i) alpha_i|^3 <= sum_{i<n} (x_n - x_i)^3"
            " alpha_i; everywhere |s*''| <= (mu^3/sigma^6)(x_n - x_1)^3."
        ),
        conclusion=(
            Inequality(
                steps.last_cubed_term, "<=", steps.cubed_gap, margin=steps.last_weight_margin
            ),
            Inequality(
                steps.cubed_gap, "<=", steps.sum_of_cubed_gaps, margin=steps.cubed_gap_margin
            ),
            Inequality(steps.curvature, "<=", steps.cubed_spread_scale),
        ),
        range=Range(y=OUTERMOST),
        leans_on=("lem11b",),
        derivation="curvature_tail",
        remark=(
            "True for every y. The sides of the chain meet far from the data, so no window of the "
            "line is decided: at an instance looked at at the outermost means and midpoints and a "
            "noise level beyond."
        ),
    ),
    Claim(
        id="lem12.c",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step c", 35),
        statement=(
            "int_{2 mu (x_1)_-}^{2 mu (x_n)_+} |s*''| dy <= "
            "4 mu^4 (x_n-x_1)^3 ((x_n)_+ - (x_1)_-)/sigma^6."
        ),
        enclosed_by="int |s*''|: rigorous integration, signs decided by bisection, tail bounded",
        conclusion=Inequality(steps.inner_curvature_mass, "<=", steps.inner_curvature_mass_bound),
        leans_on=("lem12.b2",),
        derivation="curvature_tail",
    ),
    Claim(
        id="lem12.d",
        kind="step",
        serves="lem12",
        source=Source("proof of lemma 12, step d", 35),
        statement=(
            "The integrals of |s*''| beyond 2 mu (x_n)_+ and below 2 mu (x_1)_- are each <= "
            "4 mu^2 (n-1)(x_n-x_1)^3/(sigma^4 Delta)."
        ),
        enclosed_by="int |s*''|: rigorous integration, signs decided by bisection, tail bounded",
        conclusion=(
            Inequality(steps.right_curvature_mass, "<=", steps.tail_curvature_mass_bound),
            Inequality(steps.left_curvature_mass, "<=", steps.tail_curvature_mass_bound),
        ),
        leans_on=("lem12.b",),
        derivation="curvature_tail",
    ),
)
