"""Learning curves of random features: the fixed point, its invariants, limits and bounds."""

from __future__ import annotations

from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, Stated
from dsmverify.formulas import curve_bounds as curves
from dsmverify.formulas import curve_limits as limits

from ._curves import (
    FEWER,
    FEWER_THAN_COPIES,
    FINITE,
    IDENTITY,
    INFINITE,
    KEPT,
    LINEAR_PART,
    NONLINEAR,
    RIDGE,
    RIGOUR,
    SINGLE,
    VANISHING,
    section,
)

ENCLOSED = "the fixed point: Krawczyk's test; the rest by formulas in balls"

MANY_FEATURES = Hypothesis("psi_p > 1", curves.psi_p, ">", curves.one)
FEW_FEATURES = Hypothesis("psi_p < 1", curves.psi_p, "<", curves.one)
MANY_SAMPLES = Hypothesis("psi_n > 1", curves.psi_n, ">", curves.one)

ON_PEAK_ABOVE = Hypothesis("p >= n m", curves.psi_p_per_copy, ">=", curves.psi_n)
ON_PEAK_BELOW = Hypothesis("p <= n m", curves.psi_p_per_copy, "<=", curves.psi_n)
FRESH = Hypothesis("s > 0", curves.fresh, ">", curves.zero)
SMALL_RIDGE = Hypothesis(
    "lam <= s^2/(100 R^2), R = 1 + m max(a^2/h, v0^2/s^2)", curves.ridge, "<=", limits.small_ridge
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="rf.inv1",
        source=section("4"),
        statement="A_1 K + S_1 psi_p g = psi_p.",
        conclusion=Identity(curves.spent, curves.psi_p),
        subject="curve",
        hypotheses=(RIDGE,),
        derivation="rf_invariants",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.inv2",
        source=section("4"),
        statement="For finite m: psi_n m (1 - dbar) = psi_p (1 - lam g).",
        conclusion=Identity(curves.fitted_copies, curves.used_features),
        subject="curve",
        hypotheses=(RIDGE, FINITE),
        leans_on=("rf.inv1",),
        derivation="rf_invariants",
        remark=f"{RIGOUR} Both sides are divided by m.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.inv3",
        source=section("4"),
        statement="For m = inf: psi_n (1 - delta_1) = psi_p - h mu_1^2 K - (s^2 + lam) psi_p g.",
        conclusion=Identity(curves.fitted_samples, curves.used_by_samples),
        subject="curve",
        hypotheses=(RIDGE, INFINITE),
        leans_on=("rf.inv1",),
        derivation="rf_invariants",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.fixed",
        source=section("4"),
        statement=(
            "For lam > 0 the map T: delta_k -> 1/(1 + kap_k (P_k K + N_k psi_p g)) has exactly one "
            "fixed point in (0, 1]^2, and T^n(delta) tends to it from every start; its Jacobian J "
            "there has spectral radius at most max_k (1 - delta_k) < 1."
        ),
        conclusion=Stated(
            "uniqueness",
            (
                Inequality(curves.spectral_radius_bound, "<=", curves.largest_fitted_share),
                Inequality(curves.largest_fitted_share, "<", curves.one),
            ),
        ),
        subject="curve",
        hypotheses=(RIDGE,),
        derivation="rf_uniqueness",
        remark=f"{RIGOUR} T is a standard interference function: increasing, and scalable.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.pencil",
        source=section("3"),
        statement=(
            "The matrix Dyson equation of the pencils of section 3 is solved by g, delta_1, "
            "delta_2 where A K + S psi_p g = psi_p and delta_k (1 + kap_k (P_k K + N_k psi_p g)) = "
            "1, and nowhere else of that form; its derivatives give T_X, E_train and E_mem."
        ),
        conclusion=Stated(
            "equivalence",
            (
                Identity(curves.spent, curves.psi_p),
                Identity(curves.first_equation, curves.one),
                Identity(curves.second_equation, curves.one),
            ),
        ),
        subject="curve",
        hypotheses=(RIDGE,),
        derivation="rf_reduction",
        remark=f"{RIGOUR} That the pencil's resolvent tends to this solution is not shown.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.train",
        source=section("4"),
        statement=(
            "E_train = F - lam T_I = (1/m) delta_1^2 (1 - 2 k0 + m T_C + T_N) + (1 - 1/m) "
            "delta_2^2 (1 - 2 k0 + T_N), and 1 - 2 k0 + delta_1^2 T_C + T_N for m = inf."
        ),
        conclusion=Identity(curves.train_error_from_minimum, curves.train_error_from_residuals),
        subject="curve",
        hypotheses=(KEPT,),
        derivation="rf_observables",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.signs",
        source=section("4"),
        statement="0 <= E_train <= F <= dbar <= 1, and E_test >= 0.",
        conclusion=(
            Inequality(curves.train_error, ">=", curves.zero),
            Inequality(curves.train_error, "<=", curves.minimum),
            Inequality(curves.minimum, "<=", curves.residual_share, margin=curves.explained_share),
            Inequality(curves.residual_share, "<=", curves.one, margin=curves.fitted_share),
            Inequality(curves.test_error, ">=", curves.zero),
        ),
        subject="curve",
        hypotheses=(RIDGE,),
        leans_on=("rf.fixed", "rf.train"),
        derivation="rf_observables",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.gap",
        source=section("4"),
        statement=(
            "If p < n, for every m and every lam > 0: E_train >= (1 - p/n)^2 (a^2 + h E_test), and "
            "so E_mem is: the training draws, and fresh noise on training points, cost at least "
            "that share of what new data cost."
        ),
        conclusion=(
            Inequality(curves.train_error, ">=", curves.kept_new_data_loss),
            Inequality(curves.memorisation_error, ">=", curves.kept_new_data_loss),
        ),
        subject="curve",
        hypotheses=(RIDGE, FEWER),
        leans_on=("rf.signs", "rf.mem1"),
        derivation="rf_observables",
        remark=f"{RIGOUR} What generalisation for p < n means here, without any constant.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.mem1",
        source=section("4"),
        statement="For finite m: E_mem >= E_train. For m = inf the two are equal.",
        conclusion=Inequality(curves.memorisation_error, ">=", curves.train_error),
        subject="curve",
        hypotheses=(RIDGE, FINITE),
        leans_on=("rf.signs",),
        derivation="rf_observables",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.mem2",
        source=section("4"),
        statement=(
            "E_mem <= a^2 + h E_test: points seen in training cost no more than new ones, the "
            "noise fresh in both."
        ),
        conclusion=Inequality(curves.memorisation_error, "<=", curves.new_data_loss),
        subject="curve",
        hypotheses=(RIDGE, FINITE),
        severity="statement",
        remark=(
            f"{RIGOUR} A guess of ours. Noise fitted at a training point is wrong for fresh noise "
            "there: where lam is large this costs 1/lam^2, and what is learned of the point "
            "saves 1/lam^3."
        ),
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.mem2.r1",
        source=section("4"),
        statement=(
            "E_mem <= a^2 + h E_test for lam = 0+ and p < n m, v0^2 > 0, m finite: where the ridge "
            "vanishes, points seen in training cost no more than new ones."
        ),
        conclusion=Inequality(curves.memorisation_error, "<=", curves.new_data_loss),
        subject="curve",
        hypotheses=(FINITE, VANISHING, FEWER_THAN_COPIES, NONLINEAR),
        form="repaired",
        repairs="rf.mem2",
        change="lam = 0+ and p < n m: T_C then outweighs the noise that was fitted.",
        derivation="rf_observables",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim1a",
        source=section("5.1"),
        statement="For m = 1: E_train = delta_1^2 (h E_test + a^2).",
        conclusion=Identity(curves.train_error, curves.damped_new_data_loss),
        subject="curve",
        hypotheses=(SINGLE, KEPT),
        leans_on=("rf.train",),
        derivation="rf_observables",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim1b",
        source=section("5.1"),
        statement=(
            "For m = 1, E_test is the test error of ridge regression on random features with label "
            "noise tau^2 = a^2/h: E_1/E_0 + tau^2 E_2/E_0 (Mei and Montanari, theorem 2)."
        ),
        conclusion=Identity(curves.test_error, curves.label_noise_test_error),
        subject="curve",
        hypotheses=(SINGLE, RIDGE, Hypothesis("mu_* > 0", curves.nonlinear, ">", curves.zero)),
        derivation="rf_label_noise",
        remark=f"{RIGOUR} The right side is a theorem, so here the reduced system is one.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim2",
        source=section("5.2"),
        statement=(
            "Linear rho, m = inf, lam = 0+, psi_p > 1: E_test = int (1 - 1/(a^2 x + h))^2 and "
            "E_train = 1 - h int 1/(a^2 x + h), both over the Marchenko-Pastur law of ratio "
            "1/psi_n."
        ),
        conclusion=(
            Identity(curves.test_error, curves.population_of_linear),
            Identity(curves.train_error, curves.training_of_linear),
        ),
        subject="curve",
        hypotheses=(IDENTITY, INFINITE, VANISHING, MANY_FEATURES),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=f"{ENCLOSED}; the law by rigorous integration",
    ),
    Claim(
        id="rf.lim3a",
        source=section("5.3"),
        statement=(
            "Linear rho, m = 1, lam = 0+, psi_p > 1, psi_n > 1: E_test = tau^2/(psi_n - 1), "
            "tau^2 = a^2/h."
        ),
        conclusion=Identity(curves.test_error, curves.linear_noise_only),
        subject="curve",
        hypotheses=(IDENTITY, SINGLE, VANISHING, MANY_FEATURES, MANY_SAMPLES),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim3b",
        source=section("5.3"),
        statement=(
            "Linear rho, m = 1, lam = 0+, psi_p < 1, psi_p < psi_n: E_test = (1 - psi_p + "
            "tau^2)/(1 - psi_p/psi_n) - tau^2, tau^2 = a^2/h."
        ),
        conclusion=Identity(curves.test_error, curves.linear_few_features),
        subject="curve",
        hypotheses=(IDENTITY, SINGLE, VANISHING, FEW_FEATURES, FEWER),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim4a",
        source=section("5.4"),
        statement=(
            "m = inf, v0^2 > 0, psi_p > 1, lam > 0: E_train <= (1 + psi_n a^2 mu_1^2/v0^2)/(1 + h "
            "mu_1^2 (psi_p - 1)/(lam + s^2 + v0^2)), which vanishes as psi_p grows if mu_1 is not "
            "0."
        ),
        conclusion=Inequality(curves.train_error, "<=", curves.memorised_loss_bound),
        subject="curve",
        hypotheses=(INFINITE, RIDGE, NONLINEAR, MANY_FEATURES),
        leans_on=("rf.signs",),
        derivation="rf_limits",
        remark=f"{RIGOUR} For m = inf E_mem = E_train.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim4b",
        source=section("5.4"),
        statement=(
            "m = inf, v0^2 > 0, mu_1 not 0, psi_p > 1, lam > 0: with tau^2 = a^2/h, M the bound of "
            "rf.lim4a, e = 1/(psi_p - 1) and X = (3 + e) M + psi_n e, E_test - tau^4 >= -2 tau^2 "
            "M/h and (1 - X)(E_test - tau^4) <= (tau^2 (X + e) + v0^2 e/(h mu_1^2) + M)/h; so "
            "E_test tends to tau^4 = 1/(e^(2t) - 1)^2 as psi_p grows."
        ),
        conclusion=(
            Inequality(limits.excess_test_error, ">=", limits.excess_floor),
            Inequality(limits.damped_excess, "<=", limits.damped_excess_bound),
        ),
        subject="curve",
        hypotheses=(INFINITE, RIDGE, NONLINEAR, LINEAR_PART, MANY_FEATURES),
        leans_on=("rf.signs", "rf.lim4a"),
        derivation="rf_memorised",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim5",
        source=section("5.5"),
        statement=(
            "0 <= a^2 + h E_test - E_train <= (1 + (P_1 + N_1) psi_p/(lam psi_n))^2 - 1, which "
            "vanishes as psi_n grows."
        ),
        conclusion=(
            Inequality(curves.generalisation_gap, ">=", curves.zero),
            Inequality(curves.generalisation_gap, "<=", curves.generalisation_gap_bound),
        ),
        subject="curve",
        hypotheses=(RIDGE,),
        leans_on=("rf.signs",),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim6",
        source=section("5.6"),
        statement=(
            "m = 1, lam = 0+, p < n: E_test = (E_pop + tau^2)/(1 - p/n) - tau^2, with E_pop = x "
            "S(x), x = mu_*^2/(mu_1^2 psi_p) and S the Stieltjes transform of the "
            "Marchenko-Pastur law of ratio 1/psi_p at -x."
        ),
        conclusion=Identity(curves.test_error, curves.population_test_error),
        subject="curve",
        hypotheses=(SINGLE, VANISHING, FEWER, NONLINEAR, LINEAR_PART),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim7",
        source=section("5.7"),
        statement=(
            "m = inf, psi_p > 1, lam > 0, r = psi_p/psi_n, D > 0 with v0^2 D^2 + (s^2 + (r - 1) "
            "v0^2) D - s^2 = 0: -(lam + s^2 + v0^2)/psi_n <= s^2 (delta_1 - D) <= lam + "
            "v0^2/psi_n; 0 <= F - a^2 delta_1/(a^2 delta_1 + h) <= 1/(1 + h mu_1^2 (psi_p - "
            "1)/(lam + s^2 + v0^2)); F - E_train <= lam/(s^2 delta_1). So for psi_n, psi_p -> inf "
            "at a fixed r and lam -> 0, delta_1 tends to D and E_train to a^2 D/(a^2 D + h)."
        ),
        conclusion=(
            Inequality(limits.share_error, ">=", limits.share_error_floor),
            Inequality(limits.share_error, "<=", limits.share_error_ceiling),
            Inequality(curves.minimum, ">=", curves.memorised_share),
            Inequality(curves.minimum, "<=", limits.memorised_share_ceiling),
            Inequality(limits.ridge_cost, "<=", limits.ridge_cost_ceiling),
        ),
        subject="curve",
        hypotheses=(INFINITE, RIDGE, NONLINEAR, LINEAR_PART, MANY_FEATURES),
        leans_on=("rf.inv1", "rf.signs"),
        derivation="rf_memorised",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim8",
        source=section("5.8"),
        statement=(
            "0 <= E_test - (1 - 2 mu_1^2 psi_p/lam) <= C/lam^2, with C explicit and independent of "
            "lam."
        ),
        conclusion=(
            Inequality(curves.first_order_error, ">=", curves.zero),
            Inequality(curves.first_order_error, "<=", curves.second_order_bound),
        ),
        subject="curve",
        hypotheses=(RIDGE,),
        leans_on=("rf.signs",),
        derivation="rf_limits",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.peak1",
        source=section("5.9"),
        statement=(
            "At p = n m, m finite, s > 0: c lam^(-1/2) <= a^2 + h E_test <= C (1 + lam^(-1/2)), "
            "with c and C explicit and independent of lam: the peak grows like lam^(-1/2)."
        ),
        conclusion=(
            Inequality(curves.new_data_loss, ">=", curves.peak_floor),
            Inequality(curves.new_data_loss, "<=", curves.peak_ceiling),
        ),
        subject="curve",
        hypotheses=(RIDGE, FINITE, ON_PEAK_ABOVE, ON_PEAK_BELOW, FRESH),
        leans_on=("rf.inv2", "rf.signs"),
        derivation="rf_peak",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.peak2",
        source=section("5.9"),
        statement=(
            "For m = inf, s > 0 there is no peak: a^2 + h E_test <= (1 + (a^2 mu_1^2 + v0^2) "
            "psi_p/(s^2 psi_n))^2 for every lam > 0."
        ),
        conclusion=Inequality(curves.new_data_loss, "<=", curves.uniform_loss_bound),
        subject="curve",
        hypotheses=(RIDGE, INFINITE, FRESH),
        leans_on=("rf.signs",),
        derivation="rf_peak",
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.peak3",
        source=section("5.9"),
        statement=(
            "At p = n m, m finite, lam <= s^2/(100 R^2), R = 1 + m max(a^2/h, v0^2/s^2): a "
            "hundredth of the ridge multiplies E_test by 8 to 12; by lam^(-1/2) it is 10."
        ),
        conclusion=(
            Inequality(curves.peak_growth, ">=", curves.eight),
            Inequality(curves.peak_growth, "<=", curves.twelve),
        ),
        subject="curve",
        hypotheses=(RIDGE, FINITE, ON_PEAK_ABOVE, ON_PEAK_BELOW, FRESH, SMALL_RIDGE),
        leans_on=("rf.peak1",),
        remark=RIGOUR,
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.lim9",
        source=section("5.9"),
        statement=(
            "For lam > 0 and finite m: |E_test(m) - E_test(inf)| <= U^2 Phi/(h m), |E_train(m) - "
            "E_train(inf)| <= (Phi + 2 kappa)/m and |E_mem(m) - E_mem(inf)| <= (8 l + 3 V + (1 + "
            "4 kappa + 4 l) U^2)/m, with U, kappa, l, Phi and V explicit and independent of m: "
            "E(m) - E(inf) = O(1/m)."
        ),
        conclusion=(
            Inequality(limits.test_error_change, "<=", limits.test_error_change_bound),
            Inequality(limits.train_error_change, "<=", limits.train_error_change_bound),
            Inequality(
                limits.memorisation_error_change, "<=", limits.memorisation_error_change_bound
            ),
        ),
        subject="curve",
        hypotheses=(RIDGE, FINITE),
        leans_on=("rf.fixed", "rf.signs", "rf.copies3.r1"),
        derivation="rf_copies",
        remark=(
            f"{RIGOUR} The constants, in dsmverify/formulas/curve_limits.py, are far from sharp, "
            "and grow without bound as lam vanishes."
        ),
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.sim",
        source=section("1"),
        statement=(
            "At p, n, d of fixed ratios E_test, E_train and E_mem of the minimiser tend to the "
            "curves as d grows, with deviations that fall like 1/d."
        ),
        conclusion=Stated("limit"),
        subject="curve",
        undecidable="empirical_only: simulation at finite d is evidence, which is no verdict",
        remark=(
            "What the reduced system rests on. The test is fixed in advance: per quantity, the "
            "intercept of a fit in 1/d over four sizes or more within four standard errors. "
            "`dsmverify curves curves` simulates and writes the outcome of every such test to "
            "curves_tests.csv; the repository keeps it in reports/figures."
        ),
    ),
)
