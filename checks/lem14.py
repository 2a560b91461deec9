"""A lower bound for functions that cannot fall too fast."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Source, Structural
from dsmverify.formulas import bounds

WIDTHS = (
    Hypothesis("beta > gamma", bounds.beta, ">", bounds.gamma),
    Hypothesis("gamma > 0", bounds.gamma, ">", bounds.zero),
    Hypothesis("delta > 0", bounds.half_width, ">", bounds.zero),
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="lem14a",
        source=Source("lemma 14", 36),
        statement=(
            "beta > gamma > 0, delta > 0, f differentiable with f' >= -gamma on [-delta, delta]: "
            "E_{x ~ N(0,sigma^2)}[(f(x) + beta x)^2] >= ((beta-gamma)^2/sqrt(2 pi sigma^2)) "
            "int_{-delta}^{delta} x^2 exp(-x^2/(2 sigma^2)) dx."
        ),
        conclusion=Inequality(
            bounds.tilted_risk, ">=", bounds.truncated_square, nonnegative_left=True
        ),
        subject="function",
        parameters=("f", "beta", "gamma", "delta"),
        hypotheses=(
            Structural("f is a polynomial, given by its coefficients", "has_function"),
            *WIDTHS,
            Structural("f' >= -gamma on [-delta, delta]", "function_slope_bounded_below"),
        ),
        leans_on=("lem14.a", "lem14.b"),
        derivation="slope_lower_bound",
        remark="Instances have f a polynomial.",
    ),
    Claim(
        id="lem14b",
        source=Source("lemma 14", 36),
        statement=(
            "... and that is >= sigma^2 (beta-gamma)^2 "
            "(1 - 2 (delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2)))."
        ),
        conclusion=Inequality(
            bounds.truncated_square,
            ">=",
            bounds.truncated_square_floor,
            nonnegative_left=True,
            margin=bounds.truncated_square_margin,
        ),
        subject="function",
        parameters=("beta", "gamma", "delta"),
        hypotheses=WIDTHS,
        leans_on=("lem14.c", "lem14.d"),
        derivation="slope_lower_bound",
    ),
)
