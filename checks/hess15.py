"""The printed gradient and Hessian, eqs. 15-16."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Range, Source
from dsmverify.formulas import bounds, network_steps

from ._networks import FALLING, NEURONS_AND_POINTS, RISING
from ._premises import CLASS_ONLY, SIGNS

RISING_KINKS = Range("neurons and points", where=(RISING,))
FALLING_KINKS = Range("neurons and points", where=(FALLING,))
DERIVED = CLASS_ONLY + " Left side: the Hessian of derivations/hessian.py."
PLUS = "plus, for either sign of w1_l, since 1[w1_l y + b_l >= 0] grows with b_l"


def proof(step: str, page: int) -> Source:
    """A step of the proof of lemma 5."""
    return Source(f"proof of lemma 5, step {step}", page)


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
        remark=DERIVED,
    ),
    Claim(
        id="hess15.a",
        source=proof("a", 25),
        statement=(
            "grad R_n(theta) = (2/n) sum_i E[(s_theta(Y) + (Y - mu x_i)/sigma^2) grad s_theta(Y)] "
            "with grad_{w2} s_theta(y) = phi(y w1 + b)/m and "
            "grad_b s_theta(y) = (w2 * 1[y w1 + b >= 0])/m."
        ),
        conclusion=Identity(network_steps.gradient, network_steps.printed_gradient),
        subject="network",
        hypotheses=(SIGNS,),
        kind="step",
        serves="hess15",
        derivation="gradient",
        remark=CLASS_ONLY,
    ),
    Claim(
        id="hess15.b",
        source=proof("b", 25),
        statement=(
            "hess R_n = (2/n) sum_i E[grad s grad s^T] + (2/n) sum_i M^(i) with M_ww = 0, "
            "M_wb = M_bw = (1/m) diag E[(s_theta(Y) + (Y - mu x_i)/sigma^2) 1[Y w1 + b >= 0]] and "
            "M_bb diagonal."
        ),
        conclusion=Identity(network_steps.hessian_without_kinks, network_steps.kernel_and_cross),
        subject="network",
        hypotheses=(SIGNS,),
        kind="step",
        serves="hess15",
        derivation="hessian",
        remark=DERIVED + " The diagonal of M_bb, of which this step says nothing, is left out.",
    ),
    Claim(
        id="hess15.c",
        source=proof("c", 26),
        statement=(
            "For w1_l = +1: (M_bb)_ll = -(1/(sqrt(2 pi) m sigma)) w2_l (s_theta(-b_l) + "
            "(-b_l - mu x_i)/sigma^2) exp(-(-b_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Identity(network_steps.kink_entry, network_steps.printed_rising_entry),
        subject="network",
        hypotheses=(SIGNS,),
        range=RISING_KINKS,
        kind="step",
        serves="hess15",
        severity="step only",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.c.r1",
        source=proof("c", 26),
        statement=(
            "For w1_l = +1: (M_bb)_ll = (1/(sqrt(2 pi) m sigma)) w2_l (s_theta(-b_l) + "
            "(-b_l - mu x_i)/sigma^2) exp(-(-b_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Identity(network_steps.kink_entry, network_steps.printed_falling_entry),
        subject="network",
        hypotheses=(SIGNS,),
        range=RISING_KINKS,
        kind="step",
        form="repaired",
        serves="hess15.r1",
        repairs="hess15.c",
        derivation="hessian",
        change=f"The sign is {PLUS}.",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.d",
        source=proof("d", 26),
        statement=(
            "For w1_l = -1: (M_bb)_ll = (1/(sqrt(2 pi) m sigma)) w2_l (s_theta(b_l) + "
            "(b_l - mu x_i)/sigma^2) exp(-(b_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Identity(network_steps.kink_entry, network_steps.printed_falling_entry),
        subject="network",
        hypotheses=(SIGNS,),
        range=FALLING_KINKS,
        kind="step",
        serves="hess15",
        derivation="hessian",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.e",
        source=proof("e", 26),
        statement=(
            "Summary: (M_bb)_ll = -(1/(sqrt(2 pi) m sigma)) w2_l w1_l (s_theta(tau_l) + "
            "(tau_l - mu x_i)/sigma^2) exp(-(tau_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Identity(network_steps.kink_entry, network_steps.printed_entry),
        subject="network",
        hypotheses=(SIGNS,),
        range=NEURONS_AND_POINTS,
        kind="step",
        serves="hess15",
        leans_on=("hess15.c", "hess15.d"),
        severity="step only",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.e.r1",
        source=proof("e", 26),
        statement=(
            "Summary: (M_bb)_ll = (1/(sqrt(2 pi) m sigma)) w2_l (s_theta(tau_l) + "
            "(tau_l - mu x_i)/sigma^2) exp(-(tau_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Identity(network_steps.kink_entry, network_steps.printed_falling_entry),
        subject="network",
        hypotheses=(SIGNS,),
        range=NEURONS_AND_POINTS,
        kind="step",
        form="repaired",
        serves="hess15.r1",
        repairs="hess15.e",
        leans_on=("hess15.c.r1", "hess15.d"),
        derivation="hessian",
        change=f"The factor -w1_l goes: the sign is {PLUS}.",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.f",
        source=Source("eq. 15", 26),
        statement=(
            "hess R_n(theta) = (2/n) sum_i E[grad s grad s^T] + (2/(mn)) sum_i E[(s_theta(Y) + "
            "(Y - mu x_i)/sigma^2) H(Y)] - (sqrt 2/(sqrt(pi) m n sigma)) sum_i diag(0_m, w2 w1 "
            "(s_theta(tau) + (tau - mu x_i)/sigma^2) exp(-(tau - mu x_i)^2/(2 sigma^2))) with "
            "H(y) = [[0, diag 1[y w1 + b >= 0]], [diag 1[y w1 + b >= 0], 0]] (eq. 16)."
        ),
        conclusion=Identity(bounds.hessian, bounds.printed_hessian),
        subject="network",
        hypotheses=(SIGNS,),
        kind="step",
        serves="hess15",
        leans_on=("hess15.b", "hess15.e"),
        severity="step only",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.f.r1",
        source=Source("eq. 15", 26),
        statement=(
            "hess R_n(theta) = (2/n) sum_i E[grad s grad s^T] + (2/(mn)) sum_i E[(s_theta(Y) + "
            "(Y - mu x_i)/sigma^2) H(Y)] + (sqrt 2/(sqrt(pi) m n sigma)) sum_i diag(0_m, w2 "
            "(s_theta(tau) + (tau - mu x_i)/sigma^2) exp(-(tau - mu x_i)^2/(2 sigma^2)))."
        ),
        conclusion=Identity(bounds.hessian, network_steps.corrected_hessian),
        subject="network",
        hypotheses=(SIGNS,),
        kind="step",
        form="repaired",
        serves="hess15.r1",
        repairs="hess15.f",
        leans_on=("hess15.b", "hess15.e.r1"),
        derivation="hessian",
        change=f"The last term has the sign {PLUS}, and no factor w1.",
        remark=DERIVED,
    ),
    Claim(
        id="hess15.r1",
        source=Source("eqs. 15-16", 26),
        statement=(
            "hess R_n(theta) = (2/n) sum_i E[grad s grad s^T] + (2/(mn)) sum_i E[(s_theta(Y) + "
            "(Y - mu x_i)/sigma^2) H(Y)] + (sqrt 2/(sqrt(pi) m n sigma)) sum_i diag(0_m, w2 "
            "(s_theta(tau) + (tau - mu x_i)/sigma^2) exp(-(tau - mu x_i)^2/(2 sigma^2)))."
        ),
        conclusion=Identity(bounds.hessian, network_steps.corrected_hessian),
        subject="network",
        hypotheses=(SIGNS,),
        form="repaired",
        repairs="hess15",
        leans_on=("hess15.f.r1",),
        derivation="hessian",
        change=f"The last term has the sign {PLUS}, and no factor w1.",
        remark=DERIVED,
    ),
)
