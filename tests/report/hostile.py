"""A report whose every text was written by somebody who wishes its readers ill."""

from __future__ import annotations

from dsmverify.claims import ClaimOutcome, Enclosure, Identity, Row, Source, Verdict
from dsmverify.report import Expected, Input, Report
from dsmverify.report.tables import Table
from dsmverify.verdicts import tally
from tests.report.outcomes import claim, side

TEXTS = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "</textarea></title></style></svg><svg onload=alert(3)>",
    "<!-- ]]> --> <![CDATA[ & &amp; &lt;b&gt;",
    '" onmouseover="alert(4)" \' x=\'',
    r"\input{/etc/passwd} \write18{id} \end{document} \catcode`\%=12",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-2",
    "](javascript:alert(5)) [x](javascript:alert(6)) ![y](http://evil.example/z.png)",
    "<http://evil.example> http://evil.example/?a=b www.evil.example",
    "`code` ``two`` ~~~ ```",
    "**bold** _it_ ~~gone~~ | cell | $x$ $$y$$",
    "# head\n\n- list\n\n    code\n---\n> quote",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x00 \x7f \x9b31m",
    "\u202eright to left\u202c \u2066isolated\u2069",
    "\ud800 lone surrogate \ufffe \uffff",
    "% $ _ # ~ ^ { } & \\ %s {0} {{ 7*7 }} {% raw %} ${x}",
    "../../../etc/passwd",
    "::error file=a,line=1::injected ::set-output name=x::y",
    "long " + "x" * 3000,
    " ".join(["long words"] * 300),
    "\U0001f600 \u4e2d\u6587 \u05d0\u05d1 e\u0301",
)
"""Markup, formulas of spreadsheets, TeX, escapes of terminals, templates, and what is no text."""

HARMLESS = tuple(f"harmless text number {number}" for number in range(len(TEXTS)))
"""As many others: what a page is made of must not depend on which of the two it shows."""


def report(texts: tuple[str, ...] = TEXTS) -> Report:
    """One claim per text and verdict in turn, and rows of all answers; every field holds a text."""
    outcomes, rows = [], []
    number = len(texts)
    for index, text in enumerate(texts):
        found = _rows(text, index, texts)
        outcomes.append(_outcome(text, index, texts, found))
        rows += found
    table = Table.of("other", texts[0], " ".join(texts), texts, [texts, texts[::-1]])
    return Report(
        claims=tuple(outcomes),
        rows=tuple(rows),
        inputs=tuple(
            Input(text, 2, index % 3, (texts[(index + 1) % number],), texts[(index + 2) % number])
            for index, text in enumerate(texts)
        ),
        versions={text: texts[(index + 3) % number] for index, text in enumerate(texts)},
        expected={
            text: Expected("PROVED", texts[(index + 4) % number])
            for index, text in enumerate(texts)
        },
        tables=(table,),
    )


def _rows(text: str, index: int, texts: tuple[str, ...]) -> list[Row]:
    low, high = Enclosure("1.0", "1.1"), Enclosure("2.0", "2.1")
    other, third = texts[(index + 5) % len(texts)], texts[(index + 6) % len(texts)]
    rows = [
        Row(text, text, "UNKNOWN", reason=other, where={"y": other}),
        Row(text, other, "NOT_APPLICABLE", failed_hypothesis=text),
    ]
    if index % 3 == 0:
        where = {"i": "1", "y": "1/2"}
        rows.append(Row(text, third, "FALSE", low, high, "0.5", where=where))
    else:
        rows.append(Row(text, third, "TRUE", high, low, "2.5"))
    return rows


def _outcome(text: str, index: int, texts: tuple[str, ...], rows: list[Row]) -> ClaimOutcome:
    other, third = texts[(index + 1) % len(texts)], texts[(index + 2) % len(texts)]
    counts = tally(rows)
    open_or_not: tuple[Verdict, Verdict] = ("PROVED", "UNDECIDED")
    verdict: Verdict = "REFUTED" if counts["false"] else open_or_not[index % 2]
    fields = {
        "statement": f"{text} and x_i <= {other}",
        "remark": text,
        "change": text,
        "undecidable": text,
        "enclosed_by": text,
        "reading": other,
        "parameters": (text,),
        "leans_on": (other, f"{third} gone"),
        "derivation": text,
    }
    if index % 4 == 1:
        fields |= {"kind": "step", "serves": third}
    if index % 4 == 2:
        fields |= {"form": "repaired", "repairs": other}
    made = claim(text, conclusion=Identity(side, side), **fields)
    object.__setattr__(made, "source", Source(text, 7, other))
    witness = None
    if verdict == "REFUTED":
        names = {"name": text, text: other} if len(text + other) < 500 else {}
        witness = {"x": ["0", "1"], "sigma": "1/3", **names}
    return ClaimOutcome(
        claim=made,
        verdict=verdict,
        reason="budget" if verdict == "UNDECIDED" else None,
        method=text,
        slack=None,
        witness=witness,
        certificate={"method": text, "derivation": other} if verdict == "PROVED" else None,
        severity="constant" if verdict == "REFUTED" else None,
        **{name: counts[name] for name in _COUNTS},
    )


_COUNTS = ("tried", "applicable", "trivial", "true", "false", "unknown", "not_applicable")
