"""The minimiser of the risk, eq. 6."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Inequality, Range, RealLine, Source, Stated
from dsmverify.formulas import bounds

from ._premises import POINTS_ONLY

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="eq06",
        source=Source("eq. 6", 4),
        statement=(
            "The minimiser of R_n over measurable functions square-integrable with respect to "
            "p_{mu,sigma} is s*(y) = sum_i (mu x_i - y) exp(-(y-mu x_i)^2/(2 sigma^2)) / "
            "(sigma^2 sum_i exp(-(y-mu x_i)^2/(2 sigma^2)))."
        ),
        conclusion=Stated(
            "minimiser",
            checks=(
                Identity(bounds.printed_score, bounds.empirical_score),
                Inequality(bounds.risk_of_zero, ">=", bounds.risk_empirical_score),
            ),
        ),
        range=Range(y=RealLine()),
        derivation="empirical_score",
        remark=POINTS_ONLY + " The zero function stands for the others: its risk is 1/sigma^2.",
    ),
)
