"""Plain statements as tokens: what is prose, what is a formula, and which bracket closes which.

The claims are written in plain text: `sigma_1`, `x_{i+1}`, `<=`, `mu^2 Delta^2/(4 sigma^2)`, with
words between. Whatever is not understood is prose, and so stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["prose", "name", "number", "operator", "open", "close"]

LONGEST = 4_000
"""Characters of a statement that is looked into; a longer one is prose throughout."""
DEEPEST = 24
"""Brackets inside each other that are looked into."""

GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eta": "η", "theta": "θ"},
    **{"kappa": "κ", "lambda": "λ", "mu": "μ", "xi": "ξ", "pi": "π", "sigma": "σ", "tau": "τ"},
    **{"phi": "φ", "Delta": "Δ", "Phi": "Φ"},
}
WORDS = {"diag", "exp", "grad", "hess", "inf", "int", "ln", "log", "Rhat", "sqrt", "TV"}
"""Words that are part of a formula wherever they stand."""
WITH_LIMITS = {"max", "min", "sum"}
"""Words that are part of a formula if a limit or an argument follows directly."""
ROUNDING = {"ceil", "floor"}
PRODUCTS = {"mn": ("m", "n")}
DIFFERENTIALS = {"dx", "dy"}

_TOKEN = re.compile(
    r"""(?P<id>(?i:cor|eq|hess|lem|prop|shift|thm)\d+[a-z]?(?:\.[a-z0-9]+)*(?:@\w+(?:-\w+)?)?)
    | (?P<dots>\.{2,})
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<indexed>[a-z]\d(?![A-Za-z0-9]))
    | (?P<word>[A-Za-z]+(?:(?<=[A-Za-z]{2})'s\b)?)
    | (?P<operator><=|>=|!=|->|>~|\+-|\|\||'+|[<>=~+\-*/^_|,;:])
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<other>\S)""",
    re.VERBOSE,
)
_DASH = "-"


@dataclass(frozen=True)
class Token:
    """A piece of a statement.

    Attributes:
        kind: what it is; of a bar, `open`, `close` or (given that) `operator`.
        text: as written.
        start: where it starts in the statement.
        after_space: whether it starts the statement or follows a blank.
        partner: index of the bracket that goes with it.
    """

    kind: Kind
    text: str
    start: int
    after_space: bool
    partner: int | None = None

    @property
    def end(self) -> int:
        """Where it ends in the statement."""
        return self.start + len(self.text)


def tokens(statement: str) -> list[Token]:
    """The tokens of a statement, brackets matched; everything unknown is prose."""
    if len(statement) > LONGEST:
        return [Token("prose", statement, 0, True)]
    found = _classified(_split(statement))
    return _matched(found)


def _split(statement: str) -> list[Token]:
    found = []
    for match in _TOKEN.finditer(statement):
        name = match.lastgroup or "other"
        text, start = match.group(), match.start()
        space = start == 0 or statement[start - 1].isspace()
        kind: Kind = "prose"
        if name in {"number", "operator", "open", "close"}:
            kind = name  # type: ignore[assignment]
        elif name in {"word", "indexed"}:
            kind = "name"
        elif name == "dots":
            kind = "operator"
        found.append(Token(kind, text, start, space))
    return found


def _classified(found: list[Token]) -> list[Token]:
    """Words that are no part of a formula become prose."""
    for index, token in enumerate(found):
        if token.kind == "name" and not _is_mathematical(found, index):
            found[index] = replace(token, kind="prose")
    for index, token in enumerate(found):
        if token.text in {"in", "subset"} and _between_formulas(found, index):
            found[index] = replace(token, kind="operator")
        elif token.text == _DASH and _joins_words(found, index):
            found[index] = replace(token, kind="prose")
    return found


def _is_mathematical(found: Sequence[Token], index: int) -> bool:
    token = found[index]
    before = found[index - 1] if index else None
    after = found[index + 1] if index + 1 < len(found) else None
    adjacent = after is not None and not after.after_space
    if before is not None and before.text == "_" and not token.after_space:
        return True  # an index: `lambda_max`, `M_ww`
    if token.text in WITH_LIMITS or token.text in ROUNDING:
        return adjacent and after is not None and after.text in {"_", "(", "{"}
    if token.text == "a":  # an article, unless no word follows
        word = after is not None and after.kind in {"name", "prose"} and len(after.text) > 1
        return not (word and after is not None and after.text not in GREEK)
    known = token.text in GREEK or token.text in WORDS or token.text in DIFFERENTIALS
    return known or token.text in PRODUCTS or len(token.text) == 1 or token.text[1:].isdigit()


def _between_formulas(found: Sequence[Token], index: int) -> bool:
    if not 0 < index < len(found) - 1:
        return False
    before, after = found[index - 1], found[index + 1]
    return before.kind in {"name", "number", "close"} and after.kind in {"name", "open"}


def _joins_words(found: Sequence[Token], index: int) -> bool:
    if not 0 < index < len(found) - 1 or found[index].after_space:
        return False
    before, after = found[index - 1], found[index + 1]
    return not after.after_space and before.kind == "prose" and after.kind == "prose"


def _matched(found: list[Token]) -> list[Token]:
    """Brackets get their partners; those around prose, and those without a partner, are prose."""
    opened: list[int] = []
    for index, token in enumerate(found):
        kind = _role(found, index, opened)
        if kind == "open":
            found[index] = replace(token, kind="open")
            opened.append(index)
        elif kind == "close":
            if opened and _fit(found[opened[-1]].text, token.text) and len(opened) <= DEEPEST:
                start = opened.pop()
                found[index] = replace(token, kind="close", partner=start)
                found[start] = replace(found[start], partner=index)
            else:
                found[index] = replace(token, kind="prose")
                if opened and len(opened) > DEEPEST:
                    opened.pop()
    for index, token in enumerate(found):
        if token.kind == "open" and token.partner is None:
            found[index] = replace(token, kind="prose")
    # From the inside out, so that prose inside brackets makes all those around it prose.
    for index in range(len(found) - 1, -1, -1):
        token = found[index]
        if token.kind != "open" or token.partner is None:
            continue
        if any(inner.kind == "prose" for inner in found[index + 1 : token.partner]):
            _make_prose(found, index, token.partner)
    for index, token in enumerate(found):
        if set(token.text) == {"."} and not _inside(found, index):
            found[index] = replace(token, kind="prose")
    return found


def _make_prose(found: list[Token], start: int, end: int) -> None:
    found[start] = replace(found[start], kind="prose", partner=None)
    found[end] = replace(found[end], kind="prose", partner=None)
    before = found[start - 1] if start else None
    if before is not None and before.text in {"_", "^"} and not found[start].after_space:
        found[start - 1] = replace(before, kind="prose")


def _inside(found: Sequence[Token], index: int) -> bool:
    return any(
        token.kind == "open" and token.partner is not None and token.partner > index
        for token in found[:index]
    )


def _role(found: Sequence[Token], index: int, opened: Sequence[int]) -> Kind:
    """Open, close or something else; a bar is told by the spaces around it."""
    token = found[index]
    if token.text not in {"|", "||"}:
        return token.kind
    before = found[index - 1] if index else None
    after = found[index + 1] if index + 1 < len(found) else None
    starts = token.after_space or before is None or before.kind in {"open", "operator"}
    if starts and after is not None and not after.after_space:
        return "open"
    if not token.after_space and opened and found[opened[-1]].text == token.text:
        return "close"
    return "operator"


def _fit(opening: str, closing: str) -> bool:
    """Whether one bracket closes the other; half-open intervals mix round and square ones."""
    if opening in {"|", "||"} or closing in {"|", "||"}:
        return opening == closing
    return (opening == "{") == (closing == "}")
