"""Upper bounds on the weighted variation of a network."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, Range, Source
from dsmverify.formulas import bounds, network_steps

from ._networks import ENOUGH_BOUND, LARGE_BOUND, NEURONS_AND_POINTS, NOT_COVERED, OTHER_CASE
from ._premises import IN_CLASS, STABLE_MINIMUM

STATEMENT = (
    "If theta* is a linearly stable local minimum: TV(s_theta*) <= 1/(2 eta) + sqrt(R_n)/2 + "
    "(A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n), (sqrt(2 pi e) A sigma n R_n)^(1/3))."
)
SUM = "Stability of the update with the batch loss a sum over the batch, as printed."
MEAN = "Stability of the update with the batch loss a mean over the batch."
NOISED = (
    "TV counts a kink with pi_Y(y) = min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]), "
    "Y the noised mixture."
)
STEPS = (
    "prop06.a",
    "prop06.a2",
    "prop06.b",
    "prop06.c",
    "prop06.d",
    "prop06.d2",
    "prop06.e",
    "prop06.f",
    "prop06.g",
    "prop06.h",
    "prop06.h2",
    "prop06.i",
    "prop06.j",
)
ANY_VECTOR = (
    "True of every unit vector v; evaluated at an exact one near the top eigenvector of the first "
    "term."
)
TOP_VECTOR = "v is enclosed by the residual of an approximate eigenvector and the spectral gap."
WITH_BOUND = (*IN_CLASS, LARGE_BOUND)
COVERED = Range(
    "neurons and points",
    where=(
        Hypothesis(
            "the lower end of D is at most -sigma",
            network_steps.lower_end,
            "<=",
            network_steps.minus_noise_level,
        ),
        Hypothesis(
            "the upper end of D is at least sigma", network_steps.upper_end, ">=", bounds.sigma
        ),
    ),
)
STABILITY = (
    "The mean of the pointwise Hessian at an interior minimum is 2 T times the batch factor: its "
    "cross term E[f 1_l] vanishes there (first order in b_l if w2_l != 0, second order in "
    "(w2_l, b_l) if w2_l = 0), and it has no kink term. Stability bounds 2 T by 2/(m eta), and "
    "prop10.r1 bounds T from below: no term with R_n or A is left."
)


def proof(step: str, page: int) -> Source:
    """A step of the proof of proposition 6."""
    return Source(f"proof of proposition 6, step {step}", page)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="prop06a",
        source=Source("proposition 6", 9),
        statement=(
            "For every theta: TV(s_theta) <= lambda_max(hess R_n(theta)) m/4 + sqrt(R_n(theta))/2 "
            "+ (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n(theta)), "
            "(sqrt(2 pi e) A sigma n R_n(theta))^(1/3))."
        ),
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_sharpness),
        subject="network",
        hypotheses=IN_CLASS,
        leans_on=(*STEPS, "hess15", "prop10"),
        severity="statement",
        enclosed_by="lambda_max from below: Rayleigh quotient",
        remark="The proof uses A >= C_n/sigma^6, the statement does not ask for it.",
    ),
    Claim(
        id="prop06a.r1",
        source=Source("proposition 6", 9),
        statement=(
            "If A >= 1/sigma^2, for every theta: TV(s_theta) <= lambda_max(hess R_n(theta)) m/4 + "
            "sqrt(R_n(theta))/2 + (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R_n(theta)), "
            "(sqrt(2 pi e) A sigma n R_n(theta))^(1/3)), with the noised weight in TV."
        ),
        conclusion=Inequality(network_steps.tv_network_noised, "<=", bounds.tv_bound_by_sharpness),
        subject="network",
        hypotheses=(*IN_CLASS, ENOUGH_BOUND),
        form="repaired",
        repairs="prop06a",
        leans_on=("prop06.d2.r1", "prop06.e", "prop06.g", "prop06.i", "prop06.j", "prop10.r1"),
        derivation="kink_term",
        change=(
            "TV with the noised weight, for which prop10 holds, and A >= 1/sigma^2, which is all "
            "that the proof uses of A."
        ),
        enclosed_by="lambda_max from below: Rayleigh quotient",
        remark=NOISED,
    ),
    Claim(
        id="prop06b@sum",
        source=Source("proposition 6", 9),
        statement=STATEMENT,
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_learning_rate),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="sum",
        leans_on=("prop06a", "eq08@sum"),
        severity="statement",
        remark=SUM,
    ),
    Claim(
        id="prop06b@mean",
        source=Source("proposition 6", 9),
        statement=STATEMENT,
        conclusion=Inequality(bounds.tv_network, "<=", bounds.tv_bound_by_learning_rate),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        reading="mean",
        literal=False,
        leans_on=("prop06a", "eq08@mean"),
        severity="statement",
        remark=MEAN,
    ),
    Claim(
        id="prop06b.r1@sum",
        source=Source("proposition 6", 9),
        statement=(
            "If theta* is an interior linearly stable local minimum: TV(s_theta*) <= 1/(2 eta), "
            "with the noised weight in TV."
        ),
        conclusion=Inequality(
            network_steps.tv_network_noised, "<=", network_steps.noised_tv_bound_by_kernel
        ),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        form="repaired",
        repairs="prop06b@sum",
        reading="sum",
        leans_on=("eq08.r1@sum", "prop10.r1"),
        derivation="stable_threshold",
        change=STABILITY,
        remark=f"{SUM} {NOISED}",
    ),
    Claim(
        id="prop06b.r1@mean",
        source=Source("proposition 6", 9),
        statement=(
            "If theta* is an interior linearly stable local minimum: TV(s_theta*) <= 1/(2 eta), "
            "with the noised weight in TV."
        ),
        conclusion=Inequality(
            network_steps.tv_network_noised, "<=", network_steps.noised_tv_bound_by_kernel
        ),
        subject="minimum",
        hypotheses=STABLE_MINIMUM,
        form="repaired",
        repairs="prop06b@mean",
        reading="mean",
        literal=False,
        leans_on=("eq08.r1@mean", "prop10.r1"),
        derivation="stable_threshold",
        change=STABILITY,
        remark=f"{MEAN} {NOISED}",
    ),
    Claim(
        id="prop06.a",
        source=proof("a", 26),
        statement="lambda_max(hess R_n) >= v^T hess R_n v.",
        conclusion=Inequality(bounds.hessian_lambda_max, ">=", network_steps.hessian_form),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        derivation="kink_term",
        remark=ANY_VECTOR,
    ),
    Claim(
        id="prop06.a2",
        source=proof("a2", 27),
        statement=(
            "v^T hess R_n v = lambda_max((2/(mn)) sum_i E[grad s grad s^T]) + "
            "(2/(mn)) sum_i E[(s_theta(Y) + (Y - mu x_i)/sigma^2) v^T H(Y) v] + v^T D v."
        ),
        conclusion=Identity(network_steps.hessian_form_on_top, network_steps.printed_decomposition),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        leans_on=("hess15",),
        severity="typographical",
        remark=TOP_VECTOR + " D is the third term of eq. 15 as printed.",
    ),
    Claim(
        id="prop06.a2.r1",
        source=proof("a2", 27),
        statement=(
            "v^T hess R_n v = lambda_max((2/n) sum_i E[grad s grad s^T]) + "
            "(2/(mn)) sum_i E[(s_theta(Y) + (Y - mu x_i)/sigma^2) v^T H(Y) v] + v^T D v."
        ),
        conclusion=Identity(
            network_steps.hessian_form_on_top, network_steps.corrected_decomposition
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        form="repaired",
        serves="prop06a.r1",
        repairs="prop06.a2",
        leans_on=("hess15.r1",),
        derivation="kink_term",
        change="The factor of the first term is 2/n, as in eq. 15, and D has the derived sign.",
        remark=TOP_VECTOR,
    ),
    Claim(
        id="prop06.b",
        source=Source("eq. 17", 27),
        statement=(
            "lambda_max(hess R_n) + |(2/(mn)) sum_i E[(..) v^T H v]| + |v^T D v| >= "
            "(4/m) TV(s_theta)."
        ),
        conclusion=Inequality(
            network_steps.sharpness_and_terms,
            ">=",
            network_steps.quadrupled_tv_per_neuron,
            margin=network_steps.sharpness_margin,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.a", "prop06.a2", "prop10"),
        severity="statement",
        remark=TOP_VECTOR,
    ),
    Claim(
        id="prop06.b.r1",
        source=Source("eq. 17", 27),
        statement=(
            "lambda_max(hess R_n) + |(2/(mn)) sum_i E[(..) v^T H v]| + |v^T D v| >= "
            "(4/m) TV(s_theta), with the noised weight in TV."
        ),
        conclusion=Inequality(
            network_steps.sharpness_and_derived_terms,
            ">=",
            network_steps.quadrupled_noised_tv_per_neuron,
            margin=network_steps.noised_sharpness_margin,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        form="repaired",
        serves="prop06a.r1",
        repairs="prop06.b",
        leans_on=("prop06.a", "prop06.a2.r1", "prop10.r1"),
        derivation="kink_term",
        change="TV with the noised weight, for which prop10 holds, and D with the derived sign.",
        remark=f"{TOP_VECTOR} {NOISED}",
    ),
    Claim(
        id="prop06.c",
        source=proof("c", 27),
        statement=(
            "|(2/(mn)) sum_i E[(..) v^T H v]| <= (2/m) sqrt(R_n(theta)), using "
            "lambda_max(H(y)) <= 1."
        ),
        conclusion=Inequality(
            network_steps.absolute_cross_term, "<=", network_steps.cross_term_bound
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        derivation="kink_term",
        remark=ANY_VECTOR,
    ),
    Claim(
        id="prop06.d",
        source=proof("d", 27),
        statement=(
            "|v^T D v| <= max_{l,i} (sqrt 2 A/(sqrt(pi) m sigma)) |s_theta(tau_l) + "
            "(tau_l - mu x_i)/sigma^2| exp(-(tau_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Inequality(
            network_steps.absolute_kink_form, "<=", network_steps.kink_form_bound
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        derivation="kink_term",
        remark=ANY_VECTOR + " D as printed; the bound holds for the derived sign as well.",
    ),
    Claim(
        id="prop06.d2",
        source=Source("eq. 18", 27),
        statement=(
            "(4/m) TV(s_theta) <= lambda_max(hess R_n) + (2/m) sqrt(R_n) + (sqrt(2) A/(sqrt(pi) m "
            "sigma)) max_{l,i} |s_theta(tau_l) + (tau_l - mu x_i)/sigma^2| "
            "exp(-(tau_l - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Inequality(
            network_steps.quadrupled_tv_per_neuron, "<=", network_steps.eighteenth_bound
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.b", "prop06.c", "prop06.d"),
        severity="statement",
    ),
    Claim(
        id="prop06.d2.r1",
        source=Source("eq. 18", 27),
        statement=(
            "(4/m) TV(s_theta) <= lambda_max(hess R_n) + (2/m) sqrt(R_n) + (sqrt(2) A/(sqrt(pi) m "
            "sigma)) max_{l,i} |s_theta(tau_l) + (tau_l - mu x_i)/sigma^2| "
            "exp(-(tau_l - mu x_i)^2/(2 sigma^2)), with the noised weight in TV."
        ),
        conclusion=Inequality(
            network_steps.quadrupled_noised_tv_per_neuron, "<=", network_steps.eighteenth_bound
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        form="repaired",
        serves="prop06a.r1",
        repairs="prop06.d2",
        leans_on=("prop06.b.r1", "prop06.c", "prop06.d"),
        derivation="kink_term",
        change="TV with the noised weight, for which prop10 holds.",
        remark=NOISED,
    ),
    Claim(
        id="prop06.e",
        source=proof("e", 28),
        statement=(
            "f(y) = s_theta(y) + (y - mu x_i)/sigma^2 is Lipschitz with constant at most "
            "A + 1/sigma^2 <= 2A (since A >= C_n/sigma^6 >= 1/sigma^2), so |f(y)| >= |f(tau)|/2 if "
            "|y - tau| <= |f(tau)|/(4A)."
        ),
        conclusion=(
            Inequality(network_steps.steepest_residual, "<=", network_steps.slope_limit),
            Inequality(network_steps.slope_limit, "<=", network_steps.doubled_bound),
            Inequality(network_steps.residual_floor, ">=", network_steps.half_kink_residual),
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=NEURONS_AND_POINTS,
        kind="step",
        serves="prop06a",
        derivation="kink_term",
    ),
    Claim(
        id="prop06.f",
        source=proof("f", 28),
        statement=(
            "With D = [|tau - mu x_i| - |f(tau)|/(4A), |tau - mu x_i| + |f(tau)|/(4A)]: n R_n >= "
            "(f(tau)^2/(4 sqrt(2 pi) sigma)) int_D exp(-y^2/(2 sigma^2)) dy."
        ),
        conclusion=Inequality(
            network_steps.risk_times_size,
            ">=",
            network_steps.square_over_reach,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=NEURONS_AND_POINTS,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.e",),
        derivation="kink_term",
    ),
    Claim(
        id="prop06.g",
        source=proof("g", 28),
        statement="Case [-sigma, sigma] subset D: n R_n >= f(tau)^2/8.",
        conclusion=Inequality(
            network_steps.risk_times_size, ">=", network_steps.eighth_square, nonnegative_left=True
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=COVERED,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.f",),
        derivation="kink_term",
    ),
    Claim(
        id="prop06.h",
        source=proof("h", 28),
        statement=(
            "Other case: the lower end of D is larger than -sigma, and "
            "D subset [-sigma, |tau - mu x_i|]."
        ),
        conclusion=(
            Inequality(network_steps.lower_end, ">", network_steps.minus_noise_level),
            Inequality(network_steps.upper_end, "<=", network_steps.kink_distance),
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=OTHER_CASE,
        kind="step",
        serves="prop06a",
        severity="step only",
        remark="The inclusion by its end points; D is centred at |tau - mu x_i|.",
    ),
    Claim(
        id="prop06.h.r1",
        source=proof("h", 28),
        statement=(
            "Other case: the lower end of D is larger than -sigma, and "
            "D subset [-sigma, 2 |tau - mu x_i| + sigma]."
        ),
        conclusion=(
            Inequality(network_steps.lower_end, ">", network_steps.minus_noise_level),
            Inequality(network_steps.upper_end, "<=", network_steps.far_end),
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=OTHER_CASE,
        kind="step",
        form="repaired",
        serves="prop06a.r1",
        repairs="prop06.h",
        derivation="kink_term",
        change=(
            "D is centred at |tau - mu x_i| and reaches less than |tau - mu x_i| + sigma to "
            "either side."
        ),
    ),
    Claim(
        id="prop06.h2",
        source=proof("h2", 28),
        statement=(
            "Hence for all y in D: exp(-y^2/(2 sigma^2)) >= exp(-1/2) "
            "exp(-(tau - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Inequality(
            network_steps.kernel_at_upper_end,
            ">=",
            network_steps.kernel_floor,
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=OTHER_CASE,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.h",),
        severity="step only",
        remark="At the upper end of D, the point of D farthest from 0.",
    ),
    Claim(
        id="prop06.h2.r1",
        source=proof("h2", 28),
        statement=(
            "Hence for all y in D below |tau - mu x_i|: exp(-y^2/(2 sigma^2)) >= exp(-1/2) "
            "exp(-(tau - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=Inequality(
            network_steps.kernel_on_near_half,
            ">=",
            network_steps.kernel_floor,
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=OTHER_CASE,
        kind="step",
        form="repaired",
        serves="prop06a.r1",
        repairs="prop06.h2",
        derivation="kink_term",
        leans_on=("prop06.h.r1",),
        change=(
            "Only the half of D nearer to 0 has this bound pointwise; prop06.i, for the integral "
            "over all of D, is true all the same, since exp(-y^2/2) averages to more than that "
            "over the two halves."
        ),
        remark="At the point of that half farthest from 0.",
    ),
    Claim(
        id="prop06.i",
        source=proof("i", 28),
        statement=(
            "Hence int_D exp(-y^2/(2 sigma^2)) dy >= (|f(tau)|/(2A)) exp(-1/2) "
            "exp(-(tau - mu x_i)^2/(2 sigma^2)) and n R_n >= (|f(tau)|^3/(8 sqrt(2 pi e) A sigma)) "
            "exp(-(tau - mu x_i)^2/(2 sigma^2))."
        ),
        conclusion=(
            Inequality(
                network_steps.kernel_over_reach,
                ">=",
                network_steps.kernel_over_reach_floor,
                nonnegative_left=True,
            ),
            Inequality(
                network_steps.risk_times_size,
                ">=",
                network_steps.cube_floor,
                nonnegative_left=True,
            ),
        ),
        subject="network",
        hypotheses=WITH_BOUND,
        range=Range("neurons and points", where=(NOT_COVERED,)),
        kind="step",
        serves="prop06a",
        leans_on=("prop06.f", "prop06.h", "prop06.h2"),
        derivation="kink_term",
    ),
    Claim(
        id="prop06.j",
        source=proof("j", 29),
        statement=(
            "|f(tau)| exp(-(tau - mu x_i)^2/(2 sigma^2)) <= 2 max(sqrt(2 n R_n), "
            "(sqrt(2 pi e) A sigma n R_n)^(1/3))."
        ),
        conclusion=Inequality(network_steps.damped_kink_residual, "<=", network_steps.damped_bound),
        subject="network",
        hypotheses=WITH_BOUND,
        range=NEURONS_AND_POINTS,
        kind="step",
        serves="prop06a",
        leans_on=("prop06.g", "prop06.i"),
        derivation="kink_term",
    ),
)
