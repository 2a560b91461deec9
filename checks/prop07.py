"""Small risk forces weighted variation."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Inequality, Source
from dsmverify.formulas import bounds

from ._premises import IN_CLASS, SPACING_EIGHT

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop07",
        source=Source("proposition 7", 10),
        statement=(
            "If Delta >= 8 sigma/mu then every theta with R_n(theta) <= 1/(16 n sigma^2) has "
            "TV(s_theta) >= mu n^2 Delta/(2^11 sigma^2)."
        ),
        conclusion=Inequality(
            bounds.tv_network, ">=", bounds.tv_network_bound, nonnegative_left=True
        ),
        subject="network",
        hypotheses=(
            *IN_CLASS,
            SPACING_EIGHT,
            Hypothesis("R_n(theta) <= 1/(16 n sigma^2)", bounds.risk, "<=", bounds.small_risk),
        ),
        leans_on=(
            "prop07.a",
            "prop07.a2",
            "prop07.a3",
            "prop07.b",
            "prop07.c",
            "prop07.d",
            "prop07.e",
            "prop07.f",
            "prop07.g",
            "prop07.h",
            "prop09a",
            "lem13",
            "lem14a",
            "lem14b",
        ),
        severity="statement",
        remark="The proof says for n >= 10; the statement does not.",
    ),
)
