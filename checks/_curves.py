"""Sources and hypotheses that claims about learning curves share."""

from __future__ import annotations

from dsmverify.claims import Hypothesis, Source
from dsmverify.formulas import curve_bounds as curves

VERSION = "arXiv 2502.00336"
"""The second paper: denoising score matching with random features."""

OWN = "random-features.md, own derivation"
"""Statements of this project about the reduced system."""

RIGOUR = (
    "About the reduced system, which rests on Gaussian equivalence and on leave-one-out (or "
    "matrix-Dyson) arguments that are not proved here."
)


def section(number: str) -> Source:
    """A section of the problem's description, of our own derivation."""
    return Source(f"random features, section {number}", 2, OWN)


ABSTRACT = Source("random features, abstract", 2, VERSION)

FINITE = Hypothesis("m is finite", curves.inverse_copies, ">", curves.zero)
INFINITE = Hypothesis("m = inf", curves.inverse_copies, "<=", curves.zero)
SINGLE = Hypothesis("m = 1", curves.inverse_copies, ">=", curves.one)
RIDGE = Hypothesis("lam > 0", curves.vanishing, ">", curves.zero)
VANISHING = Hypothesis("lam = 0+", curves.vanishing, "<=", curves.zero)
KEPT = Hypothesis(
    "lam > 0, or lam = 0+ and rank of the features < n m", curves.unit, ">", curves.zero
)
FEWER = Hypothesis("p < n", curves.psi_p, "<", curves.psi_n)
FEWER_THAN_COPIES = Hypothesis("p < n m", curves.psi_p_per_copy, "<", curves.psi_n)
MORE = Hypothesis("p > n", curves.psi_p, ">", curves.psi_n)
NONLINEAR = Hypothesis("v0^2 > 0", curves.shared, ">", curves.zero)
LINEAR_PART = Hypothesis("mu_1 is not 0", curves.linear, ">", curves.zero)
IDENTITY = Hypothesis("rho is linear: v0^2 = s^2 = 0", curves.nonlinear, "<=", curves.zero)
