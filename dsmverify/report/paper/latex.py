r"""The tables as LaTeX: `tables.tex` to `\input`, and `appendix.tex`, which compiles by itself.

Packages: array, booktabs, longtable, siunitx. Long tables break over pages. Every text is escaped;
a letter that the standard fonts do not have is shown as its code point.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from dsmverify.report.paper.cells import Appendix, Cell, Column, PaperTable
from dsmverify.report.text import plain

_FILE = "tables.tex"
_STANDALONE = "appendix.tex"
_LONGEST_UNBROKEN = 14
_SHORT = 10
_TALL = 0.25
_NARROW, _WIDE, _EXPONENT = 0.5, 0.77, 1.3
_BREAKS = r"_/.-@,*+=\)]"
_NUMBER = re.compile("[0-9]")

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "'": "{'}",
    "`": "{`}",
    "[": "{[}",  # after a line's end a bracket or an asterisk would be an argument
    "]": "{]}",
    "*": "{*}",
}
_SYMBOLS = {
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "±": r"\pm",
    "×": r"\times",
    "·": r"\cdot",
    "−": "-",
    "→": r"\to",
    "∞": r"\infty",
    "∑": r"\sum",
    "∫": r"\int",
    "√": r"\surd",
    "∈": r"\in",
    "∂": r"\partial",
    "∇": r"\nabla",
    "ℓ": r"\ell",
    "°": r"^{\circ}",
    "²": "^{2}",
    "³": "^{3}",
    "ς": r"\varsigma",
    "ο": "o",
}
_PUNCTUATION = {
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": "{`}",
    "’": "{'}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\ldots{}",
}
_LIGATURE = re.compile("([-,])(?=\\1)")
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
_LETTERS = {"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}"} | {
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
}
_SMALL_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega"
)
_LARGE_GREEK = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"

_PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[margin=2cm]{geometry}
\usepackage{array,booktabs,longtable,siunitx}
\begin{document}
\section*{Tables}
\input{tables}
\end{document}
"""
_HEAD = r"""% To be \input into a document with \usepackage{array,booktabs,longtable,siunitx};
% appendix.tex beside this file is such a document.
"""


def _greek() -> Iterator[tuple[str, str]]:
    for names, size in ((_SMALL_GREEK, "SMALL"), (_LARGE_GREEK, "CAPITAL")):
        for name in names.split():
            spelled = name.upper().replace("LAMBDA", "LAMDA")
            yield unicodedata.lookup(f"GREEK {size} LETTER {spelled}"), rf"\{name}"


_MATHEMATICAL = _SYMBOLS | dict(_greek()) | {"µ": r"\mu"}


def render(appendix: Appendix) -> dict[str, str]:
    """Texts by file name."""
    return {_FILE: "\n".join(_lines(appendix)) + "\n", _STANDALONE: _PREAMBLE}


def escape(text: str) -> str:
    """Text that LaTeX prints as it is, in a paragraph, a caption or a cell."""
    return _apart("".join(_letter(letter) for letter in _shown(text)))


def breakable(text: str) -> str:
    """The same, where a long word may break at its signs: paths, names, expressions."""
    return _apart(" ".join(_broken(word) for word in _shown(text).split(" ")))


def _shown(text: str) -> str:
    return plain(text).replace("<=", "≤").replace(">=", "≥")


def _apart(text: str) -> str:
    """Two hyphens are no dash, and two commas no quotation mark."""
    return _LIGATURE.sub(r"\1{}", text)


def _broken(word: str) -> str:
    pieces = []
    since = 0
    for place, letter in enumerate(word):
        pieces.append(_letter(letter))
        since += 1
        rest = word[place + 1 :]
        sign = (letter in _BREAKS or rest[:1] in {"[", "("}) and not _NUMBER.match(rest)
        long = since >= _LONGEST_UNBROKEN and len(rest) > 1
        if len(word) > _SHORT and rest and since > 1 and (sign or long):
            pieces.append(r"\allowbreak{}")
            since = 0
    return "".join(pieces)


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if " " <= letter <= "~":
        return letter
    if letter in _MATHEMATICAL:
        return rf"\ensuremath{{{_MATHEMATICAL[letter]}}}"
    if letter in _PUNCTUATION:
        return _PUNCTUATION[letter]
    if letter in _LETTERS:
        return _LETTERS[letter]
    if letter.isspace():
        return " "
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii() and base.isalpha():
        dotless = {"i": r"\i ", "j": r"\j "}.get(base, base)
        return rf"\{_ACCENTS[marks[0]]}{{{dotless}}}"
    return f"(U+{ord(letter):04X})"


def _lines(appendix: Appendix) -> Iterator[str]:
    yield _HEAD.rstrip("\n")
    yield r"\providecommand{\dsmverifyversion}{}"
    groups = re.findall(".{1,8}", appendix.digest)
    digest = r"\allowbreak{}".join(escape(group) for group in groups)
    yield rf"\renewcommand{{\dsmverifyversion}}{{{escape(appendix.stamp)};"
    yield rf"  SHA-256 of report.json: \texttt{{{digest}}}}}"
    yield r"\begingroup"
    yield r"\noindent{\raggedright\dsmverifyversion\par}"
    for sentence in appendix.left_out:
        yield rf"\noindent Left out: {escape(sentence)}\par"
    yield r"\footnotesize\setlength{\tabcolsep}{3pt}"
    yield r"\ifdim\linewidth<440pt \scriptsize\setlength{\tabcolsep}{2pt}\fi"
    yield r"\setlength{\LTcapwidth}{\linewidth}"
    for table in appendix.tables:
        yield from _table(table)
    yield r"\endgroup"


def _table(whole: PaperTable) -> Iterator[str]:
    table = whole.printed
    cells = [
        [_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    count = len(table.columns)
    heads = " & ".join(_head(column) for column in table.columns)
    title, note = escape(table.title), escape(table.note)
    yield ""
    yield r"\begin{longtable}{@{}"
    yield from _specifications(table)
    yield r"@{}}"
    yield rf"\caption[{{{title}}}]{{{title}. {note}}}\label{{tab:dsmverify-{table.name}}}\\"
    yield rf"\toprule {heads} \\ \midrule \endfirsthead"
    yield rf"\multicolumn{{{count}}}{{@{{}}l}}{{\itshape {title}, continued}} \\"
    yield rf"\toprule {heads} \\ \midrule \endhead"
    yield rf"\midrule \multicolumn{{{count}}}{{r@{{}}}}{{\itshape continued overleaf}} \\ \endfoot"
    yield r"\bottomrule \endlastfoot"
    apart = r" \addlinespace[1.5pt]" if max(c.share for c in table.columns) > _TALL else ""
    for row in cells:
        yield rf"{' & '.join(row)} \\{apart}"
    yield r"\end{longtable}"


def _head(column: Column) -> str:
    text = column.short or column.head
    return f"{{{breakable(text) if column.share else escape(text)}}}"


def _specifications(table: PaperTable) -> Iterator[str]:
    """Columns; those with a share divide what the others, by their longest cells, leave."""
    columns = [
        (column, [row[index] for row in table.rows]) for index, column in enumerate(table.columns)
    ]
    shares = sum(column.share for column, _ in columns)
    taken = sum(_ems(column, cells) for column, cells in columns if not column.share)
    gaps = 2 * (len(columns) - 1)
    for column, cells in columns:
        if column.share:
            left = rf"\dimexpr\linewidth-{taken:.1f}em-{gaps}\tabcolsep\relax"
            width = rf"\dimexpr{column.share / shares:.3f}{left}\relax"
            yield rf"  >{{\raggedright\arraybackslash}}p{{{width}}}"
        elif column.kind == "count":
            digits = max((len(str(cell)) for cell in cells if cell is not None), default=1)
            yield f"  S[table-format={digits}.0]"
        else:
            yield "  r" if column.kind in {"number", "enclosure"} else "  l"


def _ems(column: Column, cells: Iterable[Cell]) -> float:
    """About how wide a column is, in em."""
    texts = [column.short or column.head]
    for cell in cells:
        if isinstance(cell, tuple):
            low, high = cell
            texts.append(low if low == high else f"[{low}, {high}]")
        elif cell is not None:
            texts.append(str(cell))
    return max(
        sum(_WIDE if letter.isupper() else _NARROW for letter in text)
        + _EXPONENT * text.count("e") * (column.kind in {"number", "enclosure"})
        for text in texts
    )


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return "{--}"
    if isinstance(cell, tuple):
        low, high = cell
        return _number(low) if low == high else rf"{{[}}{_number(low)}, {_number(high)}{{]}}"
    if column.kind == "count":
        return str(cell)
    if column.kind == "number":
        return _number(str(cell))
    text = breakable(str(cell)) if column.share else escape(str(cell))
    if column.kind == "name":
        return rf"\texttt{{{text}}}"
    refuted = column.kind == "verdict" and cell in {"REFUTED", "FALSE"}
    return rf"\textbf{{{text}}}" if refuted else text


def _number(text: str) -> str:
    if text in {"inf", "-inf"}:
        return rf"\ensuremath{{{text.replace('inf', chr(92) + 'infty')}}}"
    return rf"\num{{{text}}}"
