"""Statements as MathML: nothing is lost, nothing is markup, and the layout says what is meant."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsmverify import catalogue
from dsmverify.report.html import mathml
from dsmverify.report.text import plain

# Written by hand, not taken from the module: each sign and the plain spelling that it stands for.
SPELLINGS = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "η": "eta", "θ": "theta"},
    **{"κ": "kappa", "λ": "lambda", "μ": "mu", "ξ": "xi", "π": "pi", "σ": "sigma", "τ": "tau"},
    **{"φ": "phi", "Δ": "Delta", "Φ": "Phi", "≤": "<=", "≥": ">=", "≠": "!=", "→": "->"},
    **{"≳": ">~", "∼": "~", "±": "+-", "−": "-", "·": "*", "∈": "in", "⊂": "subset"},
    **{"∞": "inf", "∑": "sum", "∫": "int", "∇": "grad", "‖": "||", "R̂": "Rhat", "…": "..."},
    "′": "'",
}
STATEMENTS = {claim.id: claim.statement for claim in catalogue.claims()}
ASSUMPTIONS = sorted({text for claim in catalogue.claims() for text in claim.assumptions})


def _read(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<p>{html}</p>")


def _shown(text: str) -> ElementTree.Element:
    return _read(str(mathml.statement(text)))


def _plain(node: ElementTree.Element) -> str:
    """The plain spelling of an element of MathML."""
    children = [_plain(child) for child in node]
    kind = node.get("class", "")
    if node.tag in {"mi", "mo", "mn"}:
        text = node.text or ""
        return SPELLINGS.get(text, text)
    if node.tag == "mspace":
        return ""
    if node.tag == "mfrac":
        return "/".join(children)
    if node.tag == "msqrt":
        return "sqrt" + "".join(children)
    if kind == "joined":
        return "".join(children)
    if node.tag in {"msub", "munder"}:
        return "_".join(children)
    if node.tag == "msup":
        return children[0] + _above(node[1])
    if node.tag in {"msubsup", "munderover"}:
        return f"{children[0]}_{children[1]}{_above(node[2])}"
    assert node.tag in {"mrow", "math"}, node.tag
    whole = "".join(children)
    if kind in {"ceil", "floor"}:
        return f"{kind}({whole[1:-1]})"
    around = {"round": "()", "curly": "{}"}.get(kind, ("", ""))
    return f"{around[0]}{whole}{around[1]}"


def _above(node: ElementTree.Element) -> str:
    """What stands above: stars and primes follow directly, an exponent follows `^`."""
    if node.get("class") == "marks":
        return _plain(node)
    if node.tag == "mrow" and len(node) and node[0].get("class") == "marks":
        return _plain(node[0]) + "^" + "".join(_plain(child) for child in node[1:])
    return "^" + _plain(node)


def _whole(root: ElementTree.Element) -> str:
    parts = [root.text or ""]
    for child in root:
        parts += [_plain(child), child.tail or ""]
    return "".join(parts)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_every_statement_can_be_read_back(name: str) -> None:
    assert _squeezed(_whole(_shown(STATEMENTS[name]))) == _squeezed(STATEMENTS[name])


@pytest.mark.parametrize("text", ASSUMPTIONS)
def test_every_hypothesis_can_be_read_back(text: str) -> None:
    assert _squeezed(_whole(_shown(text))) == _squeezed(text)


def test_no_greek_name_and_no_ascii_relation_stays_in_a_formula() -> None:
    names = re.compile(r"sigma|Delta|theta|lambda|alpha|<=|>=|sqrt")
    for text in STATEMENTS.values():
        for math in _shown(text).iter("math"):
            assert not names.search("".join(math.itertext())), text


def test_labels_are_the_plain_text_of_the_formula() -> None:
    text = "If Delta >= 2 sigma/mu, for every y: pi(y) <= mu (x_n - x_1)/8."
    labels = [math.get("aria-label") for math in _shown(text).iter("math")]
    assert labels == ["Delta", ">= 2 sigma/mu", "y", "pi(y)", "<= mu (x_n - x_1)/8"]


def test_a_slash_divides_the_product_before_it_by_the_factor_after_it() -> None:
    (fraction,) = _shown("mu n^2 Delta/(2^11 sigma^2)").iter("mfrac")
    assert _plain(fraction[0]) == "mun^2Delta"
    assert _plain(fraction[1]) == "(2^11sigma^2)"
    (fraction,) = _shown("a + b/c d").iter("mfrac")
    assert [_plain(part) for part in fraction] == ["b", "c"]


def test_brackets_stay_where_they_mean_something() -> None:
    for text in ("(x_n - x_1)^2", "2 (x_n - x_1)", "pi(y)", "(mu x_i, mu x_{i+1}]"):
        signs = "".join(_shown(text).itertext())
        assert signs[0] in "(2π" and signs.rstrip()[-1] in ")]2"
        assert "(" in signs
    assert "(" not in "".join(_shown("(4/m) TV").itertext())


@pytest.mark.parametrize(
    ("text", "tag"),
    [("sqrt(2 pi)", "msqrt"), ("x_{i+1}", "msub"), ("y^2", "msup"), ("sum_i x_i", "munder")],
)
def test_structure(text: str, tag: str) -> None:
    assert list(_shown(text).iter(tag))


def test_a_prime_belongs_to_the_index_only_where_the_index_is_primed_elsewhere() -> None:
    derivative = next(_shown("alpha_j'(y) = 0").iter("msubsup"))
    assert [_plain(part) for part in derivative] == ["alpha", "j", "'"]
    index = next(_shown("sum_{i'<i} x_i'").iter("msub"))
    assert _plain(index) == "x_i'"


def test_words_stay_words() -> None:
    for text in (
        "Freezing a weight is a non-trivial step in the sum (eq. 19).",
        "a positive integer",
        "prop06.b and thm04.d@every-n say so, with 3 exceptions",
    ):
        root = _shown(text)
        assert list(root) == []
        assert root.text == text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "x <= 1 & <b>y</b> \"quoted\" 'single'",
        "a</math><script>1</script>",
        "javascript:alert(1)",
        "\x00\x1b[31m sigma",
        "<!-- x_{<!--} -->",
    ],
)
def test_hostile_text_is_text(text: str) -> None:
    root = _shown(text)
    tags = {node.tag for node in root.iter()}
    assert tags <= {"p", "math", "mi", "mo", "mn", "mrow", "mfrac", "msub", "msup", "msubsup"}
    assert _squeezed(_whole(root)) == _squeezed(plain(text))


SIGNS = [*"_^{}()[]|/*'+-<&, ", "||", "''", "<=", "..."]
WORDS = ["sigma", "x", "sqrt", "sum", "int", "max", "ceil", "w2", "2", "1/3", "word"]
PIECES = st.sampled_from([*SIGNS, *WORDS])


@given(st.lists(PIECES, max_size=30).map("".join))
@example("_")
@example("x_")
@example("/x")
@example("^^")
@example("theta*^ceil")
@example("x'_")
@example("ceil(x]")
@example("sqrt(x]/y^(z+1]")
@example("sqrt")
@example("sum_")
@example("|x|y||")
@example("(" * 50 + ")" * 50)
def test_nonsense_is_kept(text: str) -> None:
    assert _squeezed(_whole(_shown(text))) == _squeezed(text)


def test_deep_and_long_statements_are_text() -> None:
    for text in ("(" * 3_000 + "x" + ")" * 900, "sqrt " * 700 + "x", "x^" * 1_900, "y" * 100_000):
        assert _squeezed(_whole(_shown(text))) == _squeezed(text)
