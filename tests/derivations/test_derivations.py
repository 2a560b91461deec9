from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest
import sympy
from sympy.core.cache import clear_cache

from dsmverify import derivation
from dsmverify.derivation import Chain, Derivation, Identity, recheck, residual_form, verify
from dsmverify.errors import DerivationError, InputError

PROVED = {
    "empirical_score": {"eq06"},
    "tweedie": {"tweedie"},
    "score_slope": {"eq09", "lem11a"},
    "score_curvature": {"lem11b"},
    "excess_risk": {"excess"},
    "unbiased_batch": {"unbiased@mean", "unbiased.r1"},
    "regularity": {"lem05"},
    "gaussian_power_monotone": {"lem13"},
    "slope_lower_bound": {"lem14a", "lem14b"},
    "posterior_bounds": {"prop02a", "prop02b", "prop02c", "cor03a@mu", "cor03a.r1", "cor03b"},
    "curvature_tail": {"lem12"},
    "weight_bounds": {"prop09a.r1", "prop09a.r2", "prop09b"},
    "translation": {"shift1", "shift2", "shift3", "shift4", "shift7"},
    "translation_in_dimensions": {"shift5", "shift5.s1", "shift6"},
    "total_variation": {"thm04"},
    "sharper_posterior": {
        *("prop02a.s1", "prop02a.s2", "prop02b.s1", "prop02c.s1"),
        *("cor03a.s1", "cor03b.s1", "cor03b.s2"),
    },
    "sharper_variation": {"thm04.s1", "prop09a.s1", "prop09b.s1"},
    "sharper_curvature": {"lem12.s1"},
    "sharper_slopes": {"lem14b.s1"},
    "score_overlap": {"cor03b.s3"},
    "hessian": {"hess15.r1"},
    "tangent_kernel_bound": {"prop10.r1"},
    "kink_term": {"prop06a.r1"},
    "weighted_count": {"prop07.r1", "prop07.r2", "prop07.r3"},
    "stable_threshold": {
        f"{name}.{form}@{reading}"
        for name, form in (("eq08", "r1"), ("prop06b", "r1"), ("thm08", "r1"), ("thm08", "r2"))
        for reading in ("sum", "mean")
    },
    "rf_invariants": {"rf.inv1", "rf.inv2", "rf.inv3"},
    "rf_uniqueness": {"rf.fixed"},
    "rf_reduction": {"rf.pencil"},
    "rf_observables": {"rf.train", "rf.signs", "rf.gap", "rf.mem1", "rf.mem2.r1", "rf.lim1a"},
    "rf_label_noise": {"rf.lim1b"},
    "rf_limits": {f"rf.lim{name}" for name in ("2", "3a", "3b", "4a", "5", "6", "8")},
    "rf_memorised": {"rf.lim4b", "rf.lim7"},
    "rf_copies": {"rf.copies3.r1", "rf.lim9"},
    "rf_peak": {"rf.peak1", "rf.peak2"},
}
FORMULAS = {
    "empirical_score",
    "tweedie",
    "score_slope",
    "score_curvature",
    "excess_risk",
    "truncated_moments",
    "risk",
    "gradient",
    "hessian",
    "kernel_means",
    "weight_piece",
    "translation",
    "translation_in_dimensions",
    "rf_kernels",
    "rf_reduction",
    "rf_copies",
}
QUICK = ["empirical_score", "excess_risk", "truncated_moments", "weight_piece", "score_slope"]


@pytest.mark.parametrize("name", derivation.names())
def test_every_derivation_arrives_and_renders(name: str) -> None:
    result = derivation.run(name)
    assert result.name == name
    assert result.identities
    assert all(residual == 0 for residual in result.residuals)
    assert set(result.proves) == PROVED.get(name, set())
    assert result.trusted == "SymPy"
    assert bool(result.checks) == (name in FORMULAS)
    text, latex = derivation.render_text(result), derivation.render_latex(result)
    assert result.title in text and all(step.text in text for step in result.steps)
    assert latex.count(r"\item ") == len(result.steps)
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert latex.count("{") == latex.count("}")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="tweedie"):
        derivation.run("twedie")


@pytest.mark.parametrize("name", QUICK)
def test_a_flipped_sign_in_any_identity_is_refused(name: str) -> None:
    result: Derivation = _derive(name)
    for number, item in enumerate(result.identities):
        if item.right == 0:
            continue
        planted = dataclasses.replace(item, right=-item.right)
        identities = (*result.identities[:number], planted, *result.identities[number + 1 :])
        with pytest.raises(DerivationError, match="residual"):
            verify(dataclasses.replace(result, identities=identities))


def test_the_printed_sign_of_the_boundary_term_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hessian: Any = importlib.import_module("derivations.hessian")
    network: Any = importlib.import_module("derivations._network")
    true_boundary = hessian.boundary

    def printed(small: Any, index: int) -> Any:
        return -small.signs[index] * true_boundary(small, index)

    monkeypatch.setattr(hessian, "boundary", printed)
    for sign, vanishes in ((1, False), (-1, True)):
        small = network.SmallNetwork((sign,), (0,))
        residuals = [residual_form(one - two) for one, two in hessian.engine_pairs(small)]
        assert all(residual == 0 for residual in residuals) == vanishes


def test_a_mutated_moment_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mixture: Any = importlib.import_module("derivations._mixture")

    def planted(self: Any, argindex: int = 2) -> Any:
        order, y = self.args
        moment = mixture.Moment
        right = mixture.mu * moment(order + 1, y) + y * moment(order, y)
        return right / mixture.sigma**2

    monkeypatch.setattr(mixture.Moment, "fdiff", planted)
    clear_cache()  # SymPy remembers derivatives
    try:
        with pytest.raises(DerivationError, match="residual"):
            verify(_derive("tweedie"))
    finally:
        clear_cache()


def test_the_recheck_sees_what_the_symbols_do_not() -> None:
    """A wrong rule that SymPy believes: the balls differentiate by themselves."""
    y = sympy.Symbol("y", real=True)

    class Wrong(sympy.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return 2 * Wrong(self.args[0])

        def ball(self, values: Any) -> Any:
            return values[self.args[0]].exp()

    item = Identity("exp' = 2 exp", sympy.Derivative(Wrong(y), y), 2 * Wrong(y))
    assert residual_form(item.left - item.right) == 0
    with pytest.raises(ValueError, match="disjoint"):
        recheck(item, "seed")


@pytest.mark.parametrize(
    "text",
    [
        "exp(x)*exp(y) - exp(x + y)",
        "exp(x/2)**2 - exp(x)",
        "exp((x - y)**2) - exp(x**2)*exp(y**2)/exp(2*x*y)",
        "erfc(x) + erfc(-x) - 2",
        "erfc((x - y)/sqrt(2)) + erfc((y - x)/sqrt(2)) - 2",
        "1/sqrt(2*pi) - sqrt(2)*sqrt(pi)/(2*pi)",
        "sqrt(2)**3 - 2*sqrt(2)",
        "(x**2 - y**2)/(x - y) - x - y",
        "sqrt(a)*sqrt(a) - a",
        "x**(k + 1) - x*x**k",
    ],
)
def test_the_normal_form_finds_zero(text: str) -> None:
    assert residual_form(sympy.sympify(text, locals=_symbols(), evaluate=False)) == 0


@pytest.mark.parametrize(
    "text",
    [
        "exp(x) - exp(y)",
        "erfc(x) - erfc(y)",
        "sqrt(2) - 1",
        "x**k - x",
        "exp(x)*exp(y) - exp(x - y)",
    ],
)
def test_the_normal_form_invents_no_zero(text: str) -> None:
    assert residual_form(sympy.sympify(text, locals=_symbols(), evaluate=False)) != 0


def test_a_tiny_difference_is_seen_by_both_ways() -> None:
    x = sympy.Symbol("x", real=True)
    item = Identity("almost", sympy.exp(x), sympy.exp(x) + sympy.Rational(1, 10**19))
    assert residual_form(item.left - item.right) != 0
    with pytest.raises(ValueError, match="disjoint"):
        recheck(item, "seed")


def test_an_expression_without_an_enclosure_is_refused() -> None:
    x = sympy.Symbol("x", real=True)
    chain = Chain()
    chain.identity("sine", sympy.sin(x), sympy.sin(x))
    planted = chain.derivation("planted", "Planted", "nowhere", "nothing")
    with pytest.raises(DerivationError, match="no enclosure"):
        verify(planted)


def test_the_recheck_leaves_the_precision_as_it_was() -> None:
    from flint import ctx

    x = sympy.Symbol("x", real=True)
    before = ctx.prec, ctx.cap
    recheck(Identity("square", sympy.Derivative(x**2, x), 2 * x), "seed")
    assert (ctx.prec, ctx.cap) == before


def _derive(name: str) -> Derivation:
    module: Any = importlib.import_module(f"derivations.{name}")
    result: Derivation = module.derive()
    return result


def _symbols() -> dict[str, Any]:
    names = {name: sympy.Symbol(name, real=True) for name in "xy"}
    return {
        **names,
        "a": sympy.Symbol("a", positive=True),
        "k": sympy.Symbol("k", integer=True, positive=True),
    }


@pytest.mark.parametrize("field", ["proves", "proves_steps"])
def test_words_alone_prove_no_claim(field: str) -> None:
    chain = Chain()
    chain.step("Clear.")
    verify(chain.derivation("words", "title", "source", "every n"))
    claims: Any = {field: ("thm04",)}
    with pytest.raises(DerivationError, match="in words only, which prove nothing here; it lists"):
        verify(chain.derivation("words", "title", "source", "every n", **claims))
