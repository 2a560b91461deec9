"""A claim's plain statement as HTML with MathML Core, prose and formulas in turn.

Nothing is lost: the words stay, and of the formulas only spellings change. `1 <= i` becomes
`1 ≤ i`, Greek letters and symbols take their signs (`SYMBOLS`), `/`, `^`, `_` and `sqrt` become
fractions, scripts and roots, `ceil(..)` and `floor(..)` corners. Brackets that only said what
belongs together (`(4/m) TV`, `x_{i+1}`) are dropped; their contents then stand in an `mrow` of the
class `round` or `curly`, and the `2` of `w2` is an index of the class `joined`, so that the plain
statement can be read back. What is not understood stays as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from markupsafe import Markup, escape

from dsmverify.report.html.statements import (
    DIFFERENTIALS,
    GREEK,
    PRODUCTS,
    ROUNDING,
    WITH_LIMITS,
    Token,
    tokens,
)
from dsmverify.report.text import plain

SYMBOLS = {
    **GREEK,
    **{"<=": "≤", ">=": "≥", "!=": "≠", "->": "→", ">~": "≳", "~": "∼", "+-": "±", "-": "−"},
    **{"*": "·", "in": "∈", "subset": "⊂", "inf": "∞", "sum": "∑", "int": "∫", "grad": "∇"},
    **{"||": "‖", "Rhat": "R̂", "...": "…", "'": "′"},
}
"""Signs for plain spellings; a `*` that follows a name directly stays (`theta*`)."""

_Cut = Literal["relation", "sign", ""]
_RELATIONS = {"<=", ">=", "<", ">", "=", "!=", "->", ">~", "~", "in", "subset", "|", "||"}
_SEPARATORS = {",", ";", ":"}
_UPRIGHT = {"E", "P", "V"}
_CORNERS = {"ceil": ("⌈", "⌉"), "floor": ("⌊", "⌋")}
_SPACED = {"hess", "diag", "log", "max", "min"}
_LONG_SIDE = 30
_LONG_TERM = 44
_CHUNK = 20


@dataclass(frozen=True)
class Node:
    """An element of MathML."""

    tag: str
    content: str | tuple[Node, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def render(self) -> str:
        """The element as HTML."""
        inner = (
            str(escape(self.content))
            if isinstance(self.content, str)
            else "".join(child.render() for child in self.content)
        )
        given = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes)
        return f"<{self.tag}{given}>{inner}</{self.tag}>"


_GAP = Node("mspace", (), (("width", "0.17em"),))


@dataclass(frozen=True)
class Piece:
    """Nodes that stand for a part of the statement; the line may break between pieces."""

    nodes: tuple[Node, ...]
    start: int
    end: int


def statement(text: str) -> Markup:
    """A statement as HTML: words as text, formulas as `math` elements with a plain label.

    Args:
        text: the plain statement; control characters are replaced as everywhere.
    """
    return Markup("").join(_parts(plain(text)))


def _parts(text: str) -> Iterator[Markup]:
    found = tokens(text)
    primed = _primed_indices(found)
    position, index = 0, 0
    while index < len(found):
        end = index
        while end < len(found) and found[end].kind != "prose":
            end = found[end].partner + 1 if found[end].partner is not None else end + 1  # type: ignore[operator]
        for first, last in _formulas(found, index, end):
            yield escape(text[position : found[first].start])
            pieces = _Parser(found, primed, first, last).pieces()
            yield Markup(" ").join(_math(piece, text) for piece in pieces)
            position = found[last - 1].end
        index = max(end, index + 1)
    yield escape(text[position:])


def _formulas(found: Sequence[Token], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Ranges of tokens between separators that are formulas, not a lone number or sign."""
    first = index = start
    while index <= end:
        if index == end or found[index].text in _SEPARATORS:
            kinds = {token.kind for token in found[first:index]}
            if "name" in kinds or ("number" in kinds and len(kinds) > 1):
                yield first, index
            first = index + 1
        partner = found[index].partner if index < end else None
        index = (partner if partner is not None and partner > index else index) + 1


def _primed_indices(found: Sequence[Token]) -> set[str]:
    """Letters whose prime is part of an index: `i'` in `x_i'` if `i'` stands by itself too."""
    letters = set()
    for index, token in enumerate(found[:-1]):
        prime = found[index + 1]
        if token.kind == "name" and len(token.text) == 1 and prime.text == "'":
            is_index = index > 0 and found[index - 1].text == "_"
            of_sum = is_index and index > 1 and found[index - 2].text in WITH_LIMITS
            if of_sum or not is_index:
                letters.add(token.text)
    return letters


def _math(piece: Piece, text: str) -> Markup:
    nodes = piece.nodes
    if ("form", "infix") in nodes[0].attributes:  # the blank between pieces is its space before
        around = (*nodes[0].attributes, ("lspace", "0"), ("rspace", "0.28em"))
        nodes = (replace(nodes[0], attributes=around), *nodes[1:])
    label = ("aria-label", text[piece.start : piece.end])
    return Markup(Node("math", nodes, (label,)).render())


def _row(nodes: Sequence[Node], kind: str = "") -> Node:
    if len(nodes) == 1 and not kind:
        return nodes[0]
    return Node("mrow", tuple(nodes), (("class", kind),) if kind else ())


def _sign(text: str, form: str = "") -> Node:
    return Node("mo", SYMBOLS.get(text, text), (("form", form),) if form else ())


def _name(text: str) -> Node:
    if text[-1].isdigit():
        letter, digit = Node("mi", text[:-1]), Node("mn", text[-1])
        return Node("msub", (letter, digit), (("class", "joined"),))
    upright = (("mathvariant", "normal"),) if text in _UPRIGHT else ()
    return Node("mi", SYMBOLS.get(text, text), upright)


@dataclass
class _Factor:
    """A factor of a product, or an operator between terms.

    Attributes:
        inside: the contents, if it is nothing but a pair of round brackets.
        limits: whether it is a sign that what follows belongs to: a sum, a minimum.
        cut: where the line may break before it: at a relation, at a sign, or only in need.
    """

    nodes: tuple[Node, ...]
    start: int
    end: int
    inside: tuple[Node, ...] | None = None
    limits: bool = False
    cut: _Cut = ""

    def operand(self) -> Node:
        """As numerator or denominator: without its brackets."""
        return _row(self.nodes) if self.inside is None else _row(self.inside, "round")

    def shown(self) -> tuple[Node, ...]:
        """In a product: brackets around nothing but a fraction are dropped."""
        only = self.inside[0] if self.inside is not None and len(self.inside) == 1 else None
        return (_row((only,), "round"),) if only and only.tag == "mfrac" else self.nodes


@dataclass
class _Parser:
    """Reads a formula, a range of tokens, from left to right; takes whatever it is given."""

    found: Sequence[Token]
    primed: set[str]
    position: int
    end: int

    def pieces(self) -> list[Piece]:
        """The formula, cut at relations, and long sides at signs and between factors."""
        sides: list[list[_Factor]] = [[]]
        for part in self._flat():
            if part[0].cut == "relation":
                sides.append([])
            sides[-1] += part
        return [piece for side in sides for piece in _cut(side)]

    def _flat(self) -> Iterator[list[_Factor]]:
        """Operators and terms in turn; every operator is a factor of its own."""
        operand = False
        while self.position < self.end:
            token = self.found[self.position]
            if token.kind == "operator" and token.text not in {"*", "/", "^", "_", "'"}:
                self.position += 1
                unary = token.text in {"+", "-", "+-"} and not operand
                form = "prefix" if unary else "" if token.text in _SEPARATORS else "infix"
                cut: _Cut = "relation" if token.text in _RELATIONS else "" if unary else "sign"
                sign = (_sign(token.text, form),)
                yield [_Factor(sign, token.start, token.end, cut=cut)]
                operand = token.text.startswith("..")
            else:
                yield self._term()
                operand = True

    def _inner(self, start: int, end: int) -> tuple[Node, ...]:
        """What stands between two brackets."""
        parser = _Parser(self.found, self.primed, start, end)
        return tuple(node for part in parser._flat() for factor in part for node in factor.shown())

    def _term(self) -> list[_Factor]:
        """A product; a slash divides all of it so far by the next factor."""
        factors = [self._factor()]
        while self.position < self.end:
            token = self.found[self.position]
            if token.text == "/" and self.position + 1 < self.end:
                self.position += 1
                below = self._denominator()
                start = factors[0].start
                above = (
                    factors[0].operand()
                    if len(factors) == 1
                    else _row([node for factor in factors for node in factor.shown()])
                )
                fraction = Node("mfrac", (above, below.operand()))
                factors = [_Factor((fraction,), start, below.end)]
            elif token.text == "*":
                self.position += 1
                factors.append(_Factor((_sign("*", "infix"),), token.start, token.end))
            elif token.kind == "operator" and token.text not in {"^", "_", "'", "/"}:
                break
            else:
                factors.append(self._factor(operand=True))
        return factors

    def _denominator(self) -> _Factor:
        """One factor; after a sum sign, also what is summed."""
        first = self._factor()
        if not first.limits or self.position >= self.end:
            return first
        second = self._factor()
        return _Factor((*first.nodes, *second.nodes), first.start, second.end)

    def _factor(self, *, operand: bool = False) -> _Factor:
        """The next factor; a word gets a gap before it if another factor stands there."""
        token = self.found[self.position]
        start = token.start
        if token.text in ROUNDING and self._has_argument(self.position + 1):
            return self._rounded(token)
        if token.text == "sqrt":
            return self._root(token)
        self.position += 1
        limits = token.text == "int" or token.text in WITH_LIMITS
        inside = None
        if token.kind == "open" and token.partner is not None:
            content = self._inner(self.position, token.partner)
            closing = self.found[token.partner]
            base = _fenced(token.text, content, closing.text)
            self.position = token.partner + 1
            inside = content if (token.text, closing.text) == ("(", ")") else None
        elif token.kind == "name":
            base = _base(token.text)
        elif token.kind == "number":
            base = Node("mn", token.text)
        else:
            base = _sign(token.text)  # a slash, script or prime without anything before it
        scripted = self._scripts(base, token.text)
        nodes: tuple[Node, ...] = (scripted,)
        if operand and (token.text in _SPACED or token.text in DIFFERENTIALS | {"exp", "ln", "TV"}):
            nodes = (_GAP, *nodes)
        called = token.kind == "name" or token.text == "1"
        if called and token.text not in {"sum", "int"} and self._opens(self.position, "([{"):
            argument = self._factor()
            return _Factor((*nodes, *argument.nodes), start, argument.end)
        if token.text in _SPACED:
            nodes = (*nodes, _GAP)
        return _Factor(
            nodes,
            start,
            self.found[self.position - 1].end,
            inside if scripted is base else None,
            limits,
        )

    def _rounded(self, token: Token) -> _Factor:
        opening = self.found[self.position + 1]
        assert opening.partner is not None  # `_opens` says so
        content = self._inner(self.position + 2, opening.partner)
        left, right = (Node("mo", corner) for corner in _CORNERS[token.text])
        self.position = opening.partner + 1
        row = _row((left, _row(content), right), token.text)
        return _Factor((row,), token.start, self.found[opening.partner].end)

    def _root(self, token: Token) -> _Factor:
        self.position += 1
        following = self.found[self.position] if self.position < self.end else None
        if following is None or following.kind == "operator" or following.text == "sqrt":
            return _Factor((Node("mi", token.text),), token.start, token.end)
        if self._has_argument(self.position):
            opening = self.found[self.position]
            assert opening.partner is not None
            content = self._inner(self.position + 1, opening.partner)
            self.position = opening.partner + 1
            root = Node("msqrt", (_row(content, "round"),))
            return _Factor((root,), token.start, self.found[opening.partner].end)
        factor = self._factor()
        return _Factor((Node("msqrt", factor.nodes),), token.start, factor.end)

    def _opens(self, index: int, brackets: str) -> bool:
        """Whether a bracket follows directly."""
        if index >= self.end:
            return False
        token = self.found[index]
        return token.kind == "open" and token.text in brackets and not token.after_space

    def _has_argument(self, index: int) -> bool:
        """Whether a pair of round brackets follows directly."""
        if not self._opens(index, "("):
            return False
        partner = self.found[index].partner
        return partner is not None and self.found[partner].text == ")"

    def _scripts(self, base: Node, text: str) -> Node:
        """The base with what is attached to it: star, index, primes, exponent."""
        marks: list[Node] = []
        below = above = None
        while self.position < self.end:
            before = self.position
            token = self.found[before]
            if token.after_space or token.kind != "operator":
                break
            if token.text == "*" and not above and not self._is_product():
                marks.append(Node("mo", "*"))
                self.position += 1
            elif set(token.text) == {"'"} and not above:
                marks += [_sign("'")] * len(token.text)
                self.position += 1
            elif token.text == "_" and not below and not marks and not above:
                below = self._script()
            elif token.text == "^" and not above:
                above = self._script()
            else:
                break
            if self.position == before:  # a mark with nothing that it could mark
                break
        upper = [*([_row(marks, "marks")] if marks else []), *([above] if above else [])]
        top = _row(upper) if upper else None
        if below is not None and (text in {"sum", "max", "min"}):
            return Node("munderover", (base, below, top)) if top else Node("munder", (base, below))
        if below is not None and top is not None:
            return Node("msubsup", (base, below, top))
        if below is not None:
            return Node("msub", (base, below))
        return Node("msup", (base, top)) if top is not None else base

    def _is_product(self) -> bool:
        """Whether something follows the star directly, as in `a*b`."""
        index = self.position + 1
        if index >= self.end:
            return False
        token = self.found[index]
        return not token.after_space and token.kind in {"name", "number"}

    def _script(self) -> Node | None:
        """What follows `_` or `^`; None, and nothing is taken, if nothing does."""
        mark, index = self.found[self.position].text, self.position + 1
        if index >= self.end or self.found[index].after_space:
            return None
        token = self.found[index]
        if token.kind == "open" and token.partner is not None:
            content = self._inner(index + 1, token.partner)
            self.position = token.partner + 1
            if token.text == "{":
                return _row(content, "curly")
            closing = self.found[token.partner].text
            if mark == "^" and token.text + closing == "()" and token.partner - index > 2:
                return _row(content, "round")
            return _fenced(token.text, content, closing)
        self.position = index + 1
        if token.text in {"+", "-"}:
            after = self.found[index + 1] if index + 1 < self.end else None
            if after and not after.after_space and after.kind in {"name", "number"}:
                self.position = index + 2
                return _row((_sign(token.text, "prefix"), _atom(after)))
            return _sign(token.text)
        if token.kind not in {"name", "number"}:
            self.position = index - 1
            return None
        return self._index(token) if mark == "_" else _atom(token)

    def _index(self, token: Token) -> Node:
        """An index of one token, with the star or prime that belongs to it."""
        after = self.found[self.position] if self.position < self.end else None
        adjacent = after is not None and not after.after_space
        if adjacent and after is not None and token.text in GREEK and after.text == "*":
            self.position += 1
            return Node("msup", (_atom(token), _row((Node("mo", "*"),), "marks")))
        if adjacent and after is not None and token.text in self.primed and after.text == "'":
            self.position += 1
            return Node("msup", (_atom(token), _row((_sign("'"),), "marks")))
        return _atom(token)


def _base(text: str) -> Node:
    if text in PRODUCTS:
        return _row([Node("mi", letter) for letter in PRODUCTS[text]])
    if text in DIFFERENTIALS:
        return _row([Node("mi", letter) for letter in text])
    if text in {"sum", "int"}:
        return _sign(text)
    if text == "grad":
        return Node("mi", SYMBOLS[text], (("mathvariant", "normal"),))
    return _name(text)


def _atom(token: Token) -> Node:
    return Node("mn", token.text) if token.kind == "number" else _base(token.text)


def _fenced(opening: str, content: Sequence[Node], closing: str) -> Node:
    """Contents between brackets, which grow only with what is tall."""
    tall = any(_is_tall(node) for node in content)
    kept = () if tall else (("stretchy", "false"),)
    left, right = (Node("mo", SYMBOLS.get(text, text), kept) for text in (opening, closing))
    return _row((left, _row(content), right))


def _is_tall(node: Node) -> bool:
    if node.tag in {"mfrac", "munder", "munderover", "msqrt"}:
        return True
    return not isinstance(node.content, str) and any(_is_tall(child) for child in node.content)


def _cut(side: Sequence[_Factor]) -> Iterator[Piece]:
    """A side of a relation, in pieces if it is long."""
    chunk: list[_Factor] = []
    length = side[-1].end - side[0].start if side else 0
    for factor in side:
        so_far = chunk[-1].end - chunk[0].start if chunk else 0
        after_sign = bool(chunk) and (chunk[-1].limits or chunk[-1].nodes[-1].tag == "mo")
        at_sign = factor.cut == "sign" and length > _LONG_SIDE and so_far > 1
        between = length > _LONG_TERM and so_far >= _CHUNK and not after_sign
        if chunk and (at_sign or between):
            yield _piece(chunk)
            chunk = []
        chunk.append(factor)
    if chunk:
        yield _piece(chunk)


def _piece(chunk: Sequence[_Factor]) -> Piece:
    nodes = tuple(node for factor in chunk for node in factor.shown())
    return Piece(nodes, chunk[0].start, chunk[-1].end)
