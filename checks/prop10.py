"""The tangent kernel's largest eigenvalue and the weighted variation."""

from __future__ import annotations

from dsmverify.claims import Claim, Identity, Inequality, Places, Range, Source
from dsmverify.formulas import bounds, network_steps

from ._premises import IN_CLASS

NOISE = Range(
    y=Places(
        (
            network_steps.a_little_noise,
            network_steps.some_noise,
            network_steps.much_noise,
            network_steps.very_much_noise,
        )
    )
)
"""The noise xi is the free point of these steps."""

EVERY_NOISE = "About every fixed noise xi; at an instance compared at four of them."


def proof(step: str, page: int) -> Source:
    """A step of the proof of proposition 10."""
    return Source(f"proof of proposition 10, step {step}", page)


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
        severity="statement",
        remark="The proof equates lambda_max(E Phi Phi^T) and lambda_max(E Phi^T Phi) (prop10.b).",
        enclosed_by="lambda_max from below: Rayleigh quotient",
    ),
    Claim(
        id="prop10.a",
        source=proof("a", 20),
        statement=(
            "lambda_max((1/n) E Phi Phi^T) = (1/n) max_{v in S^{2m-1}} E ||Phi(xi)^T v||^2."
        ),
        conclusion=Identity(bounds.ntk_lambda_max, network_steps.kernel_form_maximum),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop10",
        derivation="tangent_kernel_bound",
        enclosed_by=(
            "left: eigenvalue of the matrix of pair moments; right: of the matrix whose columns "
            "are the products with unit vectors"
        ),
    ),
    Claim(
        id="prop10.b",
        source=proof("b", 20),
        statement=(
            "(1/n) max_{v in S^{2m-1}} E ||Phi(xi)^T v||^2 = "
            "(1/n) max_{u in S^{n-1}} E ||Phi(xi) u||^2."
        ),
        conclusion=Identity(network_steps.kernel_form_maximum, network_steps.column_form_maximum),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop10",
        severity="statement",
        remark=(
            "Phi Phi^T and Phi^T Phi have the same largest eigenvalue for every fixed xi; their "
            "means over xi have not."
        ),
    ),
    Claim(
        id="prop10.b.r1",
        source=proof("b", 20),
        statement=("(1/n) max_{v in S^{2m-1}} E ||Phi(xi)^T v||^2 >= (1/n^2) ||E[Phi(xi)] 1||^2."),
        conclusion=Inequality(
            network_steps.kernel_form_maximum,
            ">=",
            network_steps.mean_gradient_square,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        form="repaired",
        serves="prop10.r1",
        repairs="prop10.b",
        derivation="tangent_kernel_bound",
        change=(
            "Instead of exchanging the two products under the mean, bound the mean of g g^T below "
            "by (E g)(E g)^T, g the gradient at the noised mixture (Jensen)."
        ),
    ),
    Claim(
        id="prop10.c",
        source=proof("c", 20),
        statement=("(1/n) max_{u in S^{n-1}} E ||Phi(xi) u||^2 >= (1/n) E[(1/n) ||Phi(xi) 1||^2]."),
        conclusion=Inequality(
            network_steps.column_form_maximum,
            ">=",
            network_steps.mean_column_square,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop10",
        derivation="tangent_kernel_bound",
    ),
    Claim(
        id="prop10.d",
        source=proof("d", 20),
        statement=(
            "(1/n^2) ||Phi 1||^2 = (1/(m^2 n^2)) sum_l [(sum_i phi(w1_l (xi + mu x_i) + b_l))^2 + "
            "(sum_i I_{i,l} w2_l)^2] >= (2/(m^2 n^2)) sum_l |w2_l| |sum_i phi(w1_l (xi + mu x_i) + "
            "b_l)| (sum_i I_{i,l})."
        ),
        conclusion=(
            Identity(network_steps.column_sum_square, network_steps.column_sum_squares_by_neuron),
            Inequality(
                network_steps.column_sum_squares_by_neuron,
                ">=",
                network_steps.column_products,
                nonnegative_left=True,
            ),
        ),
        subject="network",
        hypotheses=IN_CLASS,
        range=NOISE,
        kind="step",
        serves="prop10",
        derivation="tangent_kernel_bound",
        remark=EVERY_NOISE,
    ),
    Claim(
        id="prop10.e",
        source=proof("e", 21),
        statement=(
            "That is (2/m^2) sum_l P(xi + mu U in C_l)^2 |w2_l| |E[w1_l (xi + mu U) + b_l | xi + "
            "mu U in C_l]|, and P(xi + mu U in C_l)^2 |E[xi + mu U - tau_l | xi + mu U in C_l]| is "
            "pi^+(tau_l - xi) if w1_l = +1 and pi^-(tau_l - xi) if w1_l = -1."
        ),
        conclusion=(
            Identity(network_steps.column_products, network_steps.conditional_products),
            Identity(network_steps.conditional_distances, network_steps.weight_side_by_sign),
        ),
        subject="network",
        hypotheses=IN_CLASS,
        range=NOISE,
        kind="step",
        serves="prop10",
        derivation="tangent_kernel_bound",
        remark=EVERY_NOISE + " An empty event counts 0.",
    ),
    Claim(
        id="prop10.f",
        source=proof("f", 21),
        statement=(
            "(2/m^2) sum_l |w2_l| min{pi^+(tau_l - xi), pi^-(tau_l - xi)} >= "
            "(2/m) int |s_theta''(y)| min{pi^+(y - xi), pi^-(y - xi)} dy."
        ),
        conclusion=Inequality(
            network_steps.smaller_sides_by_neuron,
            ">=",
            network_steps.smaller_sides_by_kink,
            nonnegative_left=True,
            margin=network_steps.smaller_sides_margin,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        range=NOISE,
        kind="step",
        serves="prop10",
        leans_on=("prop10.f@since",),
        derivation="tangent_kernel_bound",
        remark=EVERY_NOISE + " The formula that the page gives as its reason is prop10.f@since.",
    ),
    Claim(
        id="prop10.f@since",
        source=proof("f", 21),
        statement="s_theta''(y) = (1/m) sum_l w1_l w2_l delta(y = tau_l).",
        conclusion=Identity(network_steps.kink_masses, network_steps.printed_kink_masses),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop10",
        reading="since",
        literal=False,
        severity="typographical",
        remark=(
            "The reason given for step f. Equal kinks merged; a neuron with w1 = -1 bends "
            "s_theta by + w2_l/m too."
        ),
    ),
    Claim(
        id="prop10.f.r1",
        source=proof("f", 21),
        statement="s_theta''(y) = (1/m) sum_l w2_l delta(y = tau_l) for inner weights +-1.",
        conclusion=Identity(network_steps.kink_masses, network_steps.corrected_kink_masses),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        form="repaired",
        serves="prop10",
        repairs="prop10.f@since",
        derivation="tangent_kernel_bound",
        change="The factor w1_l is |w1_l| = 1: phi(w1 y + b) has the second derivative |w1| delta.",
    ),
    Claim(
        id="prop10.g",
        source=proof("g", 21),
        statement="Taking the expectation over xi gives the claim.",
        conclusion=Inequality(
            network_steps.mean_column_square,
            ">=",
            bounds.doubled_tv_per_neuron,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        kind="step",
        serves="prop10",
        leans_on=("prop10.a", "prop10.b", "prop10.c", "prop10.d", "prop10.e", "prop10.f"),
        derivation="tangent_kernel_bound",
        remark=(
            "Read as what the expectation of steps d to f gives, (1/n) E[(1/n) ||Phi 1||^2] >= "
            "(2/m) TV(s_theta); steps a, b and c are then needed for the claim, and b fails."
        ),
    ),
    Claim(
        id="prop10.r1",
        source=Source("proposition 10", 20),
        statement=(
            "For every s_theta in the class: lambda_max((1/n) sum_i E[(grad_theta s_theta(Y)) "
            "(grad_theta s_theta(Y))^T]) >= (2/m) int_R |s_theta''(y)| pi_Y(y) dy with "
            "pi_Y(y) = min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]), Y the noised mixture."
        ),
        conclusion=Inequality(
            bounds.ntk_lambda_max,
            ">=",
            network_steps.doubled_noised_tv_per_neuron,
            nonnegative_left=True,
        ),
        subject="network",
        hypotheses=IN_CLASS,
        form="repaired",
        repairs="prop10",
        leans_on=("prop10.b.r1",),
        derivation="tangent_kernel_bound",
        change=(
            "The noise goes inside the probabilities and means of pi: U is replaced by Y and "
            "nothing is smoothed afterwards; then one test vector, the mean gradient, proves it."
        ),
        enclosed_by="lambda_max from below: Rayleigh quotient",
    ),
)
