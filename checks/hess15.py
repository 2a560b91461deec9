"""The printed Hessian, eqs. 15-16."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Source
from dsmverify.formulas import bounds

from ._premises import CLASS_ONLY, SIGNS

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="hess15",
        source=Source("eqs. 15-16", 26),
        statement=(
            "hess R_n(theta) = (2/n) sum_i E[grad s grad s^T] + (2/(mn)) sum_i E[(s_theta(Y) + "
            "(Y - mu x_i)/sigma^2) H(Y)] - (sqrt 2/(sqrt(pi) m n sigma)) sum_i diag(0_m, w2 w1 "
            "(s_theta(tau) + (tau - mu x_i)/sigma^2) exp(-(tau - mu x_i)^2/(2 sigma^2)))."
        ),
        conclusion=Identity(bounds.hessian, bounds.printed_hessian),
        subject="network",
        hypotheses=(SIGNS,),
        leans_on=("hess15.b", "hess15.c", "hess15.d", "hess15.e", "hess15.f"),
        severity="step only",
        remark=CLASS_ONLY + " Left side: the Hessian of derivations/hessian.py.",
    ),
)
