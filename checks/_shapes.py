"""Claims proved for every sample of two or three points: ranges of boxes, and what lies beyond.

In the normal form mu = sigma = 1, so that kappa is the smallest gap; `d_j` is the distance of `x_j`
from `x_i`, at least kappa, and Z a standard normal variable.
"""

from __future__ import annotations

from fractions import Fraction

from dsmverify.shape_records import EndArgument, Shape, Sharp, Term

TWO = Fraction(2)

SHIFT_AND_SCALE = (
    "With x_j = x + (sigma/mu) z_j and y = mu x + sigma u the posterior weights alpha_j depend on "
    "z and u only, so posterior means and distances scale by sigma/mu"
)

NEAREST = (
    "|y - x_i| <= kappa/4 <= d_j/4 gives alpha_j <= exp(-(d_j^2 - 2 d_j |y - x_i|)/2) <= "
    "exp(-d_j^2/4) for j != i. "
)

SHAPES: tuple[Shape, ...] = (
    Shape(
        "prop02a",
        2,
        "The sides are compared at every sample: no normal form is used.",
        (-2, 2),
    ),
    Shape(
        "prop02b",
        2,
        f"{SHIFT_AND_SCALE}: both sides by sigma/mu.",
        (-1, 1),
        lowest=TWO,
        highest=Fraction(8),
        end=EndArgument(
            since=TWO,
            argument=(
                f"{NEAREST}So |E[W] - x_i| <= kappa exp(-kappa^2/4), half of the right side."
            ),
            ratio=(Term(Fraction(1, 2)),),
        ),
    ),
    Shape(
        "prop02c",
        2,
        f"{SHIFT_AND_SCALE}, variances by (sigma/mu)^2: so do both sides.",
        (-2, 2),
        lowest=TWO,
        highest=Fraction(8),
        end=EndArgument(
            since=TWO,
            argument=(
                f"{NEAREST}So V[W] <= E[(W - x_i)^2] <= kappa^2 exp(-kappa^2/4), a sixteenth of "
                "the right side."
            ),
            ratio=(Term(Fraction(1, 16)),),
        ),
    ),
    Shape(
        "cor03a@mu",
        2,
        f"{SHIFT_AND_SCALE}, variances by (sigma/mu)^2: both sides by "
        "(mu^2/sigma^4) (sigma/mu)^2 = 1/sigma^2.",
        (0, -2),
        lowest=TWO,
        highest=Fraction(8),
        end=EndArgument(
            since=TWO,
            argument=(
                "V[W(m)] = kappa^2/4 exactly, so the claim follows from "
                "V[W(y)] <= 16 kappa^2 exp(-kappa^2/4); at a mean V[W] <= kappa^2 alpha_j <= "
                "kappa^2 exp(-kappa^2/2), j the other point. The term is the ratio of these two."
            ),
            ratio=(Term(Fraction(1, 16), rate=Fraction(1, 4)),),
        ),
    ),
    Shape(
        "cor03b",
        2,
        f"{SHIFT_AND_SCALE}; R_n(s*) is the integral over y = mu x + sigma u of (mu^2/sigma^4) p "
        "V[W], sigma p free of scale: both sides by (mu^2/sigma^4) (sigma/mu)^2 = 1/sigma^2.",
        (0, -2),
        lowest=TWO,
        highest=Fraction(8),
        end=EndArgument(
            since=TWO,
            argument=(
                "With y = (x_1 + x_2)/2 + v: p alpha_1 alpha_2 = exp(-kappa^2/8) phi(v) / "
                "(4 cosh(kappa v/2)), so R_n(s*) = (kappa^2/4) exp(-kappa^2/8) "
                "E[1/cosh(kappa Z/2)] <= (kappa^2/4) exp(-kappa^2/8); the right side is "
                "4 kappa^2 exp(-kappa^2/32)."
            ),
            ratio=(Term(Fraction(1, 16), rate=Fraction(3, 32)),),
        ),
    ),
    Shape(
        "thm04",
        2,
        f"{SHIFT_AND_SCALE}; s*'' scales by sigma^-3, pi by sigma and y by sigma: both sides by "
        "1/sigma.",
        (0, -1),
        lowest=Fraction(22, 5),
        highest=Fraction(8),
        end=EndArgument(
            since=Fraction(22, 5),
            argument=(
                "With y = (x_1 + x_2)/2 + v: pi(y) = E[(kappa/2 - |v - Z|)_+]/4 >= "
                "(kappa/2 - |v| - E|Z|)/4 >= (kappa/4 - 1)/4 for |v| <= kappa/4, as E|Z| <= 1. On "
                "either half of that range the integral of |s*''| is at least |s*'(m) - s*'(y)| = "
                "kappa^2/4 - V[W(y)] >= (kappa^2/4) (1 - 4 exp(-kappa^2/4)), y at its end: V[W] = "
                "kappa^2/(4 cosh(kappa v/2)^2) <= kappa^2 exp(-kappa v). So TV(s*) >= "
                "(kappa^3/32) (1 - 4/kappa) (1 - 4 exp(-kappa^2/4)); the right side is "
                "kappa^3/2^11, and (1 - a) (1 - b) >= 1 - a - b."
            ),
            ratio=(Term(Fraction(1, 64)),),
            lost=(
                Term(Fraction(4), power=-1),
                Term(Fraction(4), rate=Fraction(1, 4)),
            ),
        ),
    ),
    Shape(
        "prop02b",
        3,
        f"{SHIFT_AND_SCALE}: both sides by sigma/mu.",
        (-1, 1),
        lowest=TWO,
        highest=Fraction(6),
        widest=TWO,
        end=EndArgument(
            since=TWO,
            argument=(
                f"{NEAREST}So |E[W] - x_i| <= sum_j d_j exp(-d_j^2/4), and d exp(-d^2/4) is "
                "non-increasing from 2 on: at most 2 kappa exp(-kappa^2/4), two thirds of the "
                "right side, whatever s is."
            ),
            ratio=(Term(Fraction(2, 3)),),
            decreasing=(Term(Fraction(1), power=1, rate=Fraction(1, 4)),),
        ),
    ),
    Shape(
        "prop02c",
        3,
        f"{SHIFT_AND_SCALE}, variances by (sigma/mu)^2: so do both sides.",
        (-2, 2),
        lowest=TWO,
        highest=Fraction(6),
        widest=TWO,
        end=EndArgument(
            since=TWO,
            argument=(
                f"{NEAREST}So V[W] <= E[(W - x_i)^2] <= sum_j d_j^2 exp(-d_j^2/4), and "
                "d^2 exp(-d^2/4) is non-increasing from 2 on: at most 2 kappa^2 exp(-kappa^2/4), "
                "an eighteenth of the right side, whatever s is."
            ),
            ratio=(Term(Fraction(1, 18)),),
            decreasing=(Term(Fraction(1), power=2, rate=Fraction(1, 4)),),
        ),
    ),
)

SHARP: tuple[Sharp, ...] = (
    Sharp(
        "prop02a",
        2,
        "The two sides are identical: alpha_1 = alpha_2 = 1/2 at the midpoint.",
        Fraction(1),
    ),
    Sharp(
        "prop02b",
        2,
        "The infimum is 2, the limit at y = x_1 + kappa/4 as kappa grows, and is not attained: "
        "the ratio there is 2 (1 + exp(-kappa^2/4)). The factor n can be n - 1.",
        TWO,
        highest=Fraction(3),
        at=(Fraction(12), Fraction(1), 1),
    ),
    Sharp(
        "prop02c",
        2,
        "The infimum is 16, the limit at y = x_1 + kappa/4 as kappa grows, and is not attained: "
        "the ratio there is 16 (1 + exp(-kappa^2/4))^2. The factor 4 n^2 can be 1.",
        Fraction(16),
        highest=Fraction(3),
        at=(Fraction(12), Fraction(1), 1),
    ),
    Sharp(
        "cor03a@mu",
        2,
        "The infimum is 1, the limit as kappa grows, and is not attained.",
        Fraction(1),
        at=(Fraction(12), Fraction(0), 1),
    ),
    Sharp(
        "cor03b",
        2,
        "The ratio is 16 exp(3 kappa^2/32) / E[1/cosh(kappa Z/2)]; both factors grow with kappa, "
        "so it is least, and attained, at kappa = 2.",
        Fraction(16),
        is_increasing=True,
    ),
    Sharp(
        "thm04",
        2,
        "With w = kappa v/2: TV(s*)/kappa^3 = (1/8) int sinh|w|/cosh(w)^3 "
        "E[h(2 w/kappa^2 - Z/kappa)] dw over |w| <= kappa^2/4, h(a) = (1/2 - |a|)_+. For "
        "e = 1/kappa and c >= 0, P(|2 w e^2 - e Z| <= c) is the mass of an interval of half width "
        "c/e around 2 w e, which shrinks and moves outward as e grows; so the mean of h falls as e "
        "grows and the ratio grows with kappa. It is least, and attained, where "
        "128 exp(-kappa^2/4) = 1.",
        Fraction(8),
        is_increasing=True,
    ),
)
