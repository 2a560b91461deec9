"""The tangent kernel's largest eigenvalue and the weighted variation."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, Source
from dsmverify.formulas import bounds

from ._premises import IN_CLASS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop10",
        source=Source("proposition 10", 20),
        statement=(
            "For every s_theta in the class: lambda_max((1/n) sum_i E[(grad_theta s_theta(Y)) "
            "(grad_theta s_theta(Y))^T]) >= (2/m) int_R |s_theta''(y)| pi(y) dy."
        ),
        conclusion=Inequality(
            bounds.ntk_lambda_max, ">=", bounds.doubled_tv_per_neuron, nonnegative_left=True
        ),
        subject="network",
        hypotheses=IN_CLASS,
        leans_on=(
            "prop10.a",
            "prop10.b",
            "prop10.c",
            "prop10.d",
            "prop10.e",
            "prop10.f",
            "prop10.g",
        ),
        remark="The proof equates lambda_max(E Phi Phi^T) and lambda_max(E Phi^T Phi) (prop10.b).",
        enclosed_by="lambda_max from below: Rayleigh quotient",
    ),
)
