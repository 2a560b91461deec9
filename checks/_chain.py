"""Constants of the proof steps that lead to theorem 8, what the page makes of them, and repairs.

Variations are counted in units of `mu n^2 Delta/sigma^2`, risks of theorem 8 in `n^5 mu^3
Delta^3/(A^4 sigma^4)`.
"""

from __future__ import annotations

from fractions import Fraction

from dsmverify.chain import Constant, Power, Scenario, Stated

HALF = Power(two=-1)
TWO = Power(two=1)

CONSTANTS: tuple[Constant, ...] = (
    Constant("one side", HALF, "prop09.d", "mass of the noise on one side of a point"),
    Constant("tail rate", HALF, "prop09.d", "exp(-this mu^2 Delta^2/sigma^2) is lost of it"),
    Constant("spacing ratio", Power(8), "prop07", "Delta >= this sigma/mu"),
    Constant("index weight", Power(two=-7), "thm04.c", "weight of a middle index over n^3"),
    Constant("index share", Power(two=-2), "thm04.d", "share of indices in the middle"),
    Constant("one of two", HALF, "prop07.g", "every second index is used"),
    Constant("both half gaps", TWO, "thm04.b", "two jumps of the slope per gap"),
    Constant("tail at thm04", Power(two=-2), "thm04.e", "exp(-mu^2 Delta^2/(2 sigma^2)) <= this"),
    Constant("midpoint variance", HALF, "prop02a", "V[W(m_i)] >= this (x_i - x_{i+1})^2/n"),
    Constant("variance factor", Power(4), "prop02c", "V[W(y)] <= this n^2 Delta^2 exp(..)"),
    Constant("condition of thm04", Power(16), "thm04", "this n^3 exp(..) <= 1"),
    Constant("small risk", Power(two=-4), "prop07", "R_n(theta) <= this/(n sigma^2)"),
    Constant("moment share", HALF, "prop07.d", "share of the second moment within mu Delta/2"),
    Constant("kernel factor", TWO, "prop10", "lambda_max(T) >= (this/m) TV(s_theta)"),
    Constant("hessian factor", TWO, "hess15.b", "hess R_n = this T + .."),
    Constant("stability", TWO, "eq08", "lambda_max(hess R_n) <= this/(m eta)"),
    Constant("cross factor", TWO, "prop06.c", "cross term <= (this/m) sqrt(R_n)"),
    Constant(
        "kink factor",
        Power(two=Fraction(1, 2), pi=Fraction(-1, 2)),
        "prop06.d",
        "kink term <= (this A/(m sigma)) max |f(tau)| exp(..)",
    ),
    Constant("slope factor", TWO, "prop06.e", "f is Lipschitz with constant this A"),
    Constant("kept value", HALF, "prop06.e", "share of |f(tau)| kept on the interval"),
    Constant("mass within sigma", HALF, "prop06.g", "P(|xi| <= sigma) >= this"),
    Constant(
        "decay on the interval",
        Power(e=Fraction(-1, 2)),
        "prop06.i",
        "int_D exp(..) >= this |D| exp(-(tau - mu x_i)^2/(2 sigma^2))",
    ),
    Constant(
        "risk of the score",
        Power(4),
        "cor03b",
        "R_n(s*) <= this mu^2 (x_n - x_1)^2/sigma^4 exp(-mu^2 Delta^2/(32 sigma^2))",
    ),
    Constant("third share", HALF, "thm08.g", "share of the variation for the third term"),
    Constant("cross share", Power(two=-2), "thm08.g", "share of the variation for sqrt(R_n)/2"),
    Constant("excess share", HALF, "thm08.b", "share of the risk bound for the excess risk"),
    Constant("power of the third term", Power(3), "thm08.e2", "the third term is a cube root"),
)

PRINTED: tuple[Stated, ...] = (
    Stated("score variation", Power(two=-12), "thm04"),
    Stated("index sum", Power(two=-10), "prop07.g"),
    Stated("slope loss", Power(two=Fraction(-3, 2)), "prop07.h"),
    Stated("variation", Power(two=-11), "prop07"),
    Stated("sharpness factor", Power(two=-2), "prop06a"),
    Stated("rate factor", HALF, "prop06b"),
    Stated("cross coefficient", HALF, "prop06a"),
    Stated("square", Power(8), "prop06.g"),
    Stated("cube", Power(8, e=Fraction(1, 2)), "prop06.i"),
    Stated("kink coefficient", Power(two=Fraction(-1, 2), pi=Fraction(-1, 2)), "prop06a"),
    Stated("third term", Power(two=-1, pi=-1, e=Fraction(1, 2)), "thm08.e2"),
    Stated("third part", Power(two=-12), "thm08.e2"),
    Stated("cross part", Power(two=-13), "thm08.f"),
    Stated("risk bound", Power(two=-35, pi=1, e=Fraction(-1, 2)), "thm08.b"),
    Stated("excess risk", Power(two=-36, pi=1, e=Fraction(-1, 2)), "thm08"),
    Stated("sigma_1", Power(two=-3), "thm08.a"),
    Stated("sigma_2", Power(two=-38, pi=1, e=Fraction(-1, 2)), "thm08.b"),
    Stated("sigma_2, power of Delta", Power(0), "thm08.b"),
    Stated("sigma_3", Power(1), "thm08.c"),
    Stated("threshold", Power(two=12), "thm08"),
)

PI_FAILS = ("prop10", "prop09a")
"""What every scenario with the printed weight leans on."""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "as printed",
        "Every step states what the page states.",
        as_printed=True,
        leans_on_unproved=(*PI_FAILS, "prop07.h", "thm08.b", "eq08"),
    ),
    Scenario(
        "unrounded",
        "The steps of the page with the constants that they give, no statement rounded.",
        leans_on_unproved=(*PI_FAILS, "eq08"),
    ),
    Scenario(
        "prop07.h repaired literally",
        "prop07.h states 2^12 in place of 2^11, the power of two that its product gives.",
        stated=(Stated("variation", Power(two=-12), "prop07.h.r1"),),
        leans_on_unproved=(*PI_FAILS, "eq08"),
    ),
    Scenario(
        "Delta^3 in thm08.b",
        "The condition of sigma_2 has Delta^3, all else as printed.",
        as_printed=True,
        stated=(Stated("sigma_2, power of Delta", Power(3), "thm08.b.r1"),),
        leans_on_unproved=(*PI_FAILS, "prop07.h", "eq08"),
    ),
    Scenario(
        "weighted count, n >= 4",
        "Proposition 7 sums every second index with its own weight; its constant is kept.",
        count="weighted",
        least_size=4,
        stated=(Stated("variation", Power(two=-11), "prop07.r1"),),
        proved_by=("network_slopes", "weighted_count"),
        leans_on_unproved=("prop10", "eq08"),
    ),
    Scenario(
        "weighted count, n >= 5",
        "The same from five points on, where the constant is the next power of two.",
        count="weighted",
        least_size=5,
        stated=(Stated("variation", Power(two=-10), "prop07.r3"),),
        proved_by=("network_slopes", "weighted_count"),
        leans_on_unproved=("prop10", "eq08"),
    ),
    Scenario(
        "noised weight",
        "The noise goes inside the probabilities and means of the weight; the page's count.",
        weight="noised",
        stated=(Stated("variation", Power(two=-12), "prop07.h.r1"),),
        proved_by=("tangent_kernel_bound", "weight_bounds", "kink_term"),
        leans_on_unproved=("eq08",),
    ),
    Scenario(
        "noised weight, weighted count, n >= 4",
        "Both: the constants of the page are kept.",
        weight="noised",
        count="weighted",
        least_size=4,
        stated=(Stated("variation", Power(two=-11), "prop07.r2"),),
        proved_by=("tangent_kernel_bound", "kink_term", "network_slopes", "weighted_count"),
        leans_on_unproved=("eq08",),
    ),
    Scenario(
        "stable minimum, n >= 4",
        "Stability bounds the tangent kernel at an interior minimum: no kink or cross term, no A.",
        weight="noised",
        count="weighted",
        least_size=4,
        kink_term=False,
        stated=(Stated("variation", Power(two=-11), "prop07.r2"),),
        proved_by=("stable_threshold",),
    ),
    Scenario(
        "stable minimum, n >= 5",
        "The same from five points on.",
        weight="noised",
        count="weighted",
        least_size=5,
        kink_term=False,
        stated=(Stated("variation", Power(two=-10), "prop07.r3"),),
        proved_by=("stable_threshold",),
    ),
)
