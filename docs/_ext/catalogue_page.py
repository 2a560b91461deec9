"""The catalogue of claims, written from the claims and their recorded verdicts at build time.

`catalogue.md` holds the directive `claim-catalogue`. Every claim has the anchor `claim-ID`; code on
any page that is the id of a claim links there.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from dsmverify import catalogue, content
from dsmverify.claims import (
    Claim,
    Identity,
    Inequality,
    Part,
    ReadOff,
    Source,
    Stated,
)
from dsmverify.report.html import mathml

PAGE = "catalogue"


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive, and the links."""
    app.add_directive("claim-catalogue", ClaimCatalogue)
    app.connect("doctree-resolved", _link_ids)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class ClaimCatalogue(SphinxDirective):
    """All claims: a table, then one section for each module of `checks/`."""

    def run(self) -> list[nodes.Node]:
        """Nodes of the table and of the sections."""
        families = [(module, _title(module)) for module in content.claim_modules()]
        for module, _ in families:
            if module.__file__ is not None:
                self.env.note_dependency(module.__file__)
        found: list[nodes.Node] = [_totals(), _table()]
        for module, title in families:
            section = nodes.section(ids=[f"family-{module.__name__.rpartition('.')[2]}"])
            section += nodes.title(text=title)
            for claim in module.CLAIMS:
                section += self._claim(claim)
            found.append(section)
        return found

    def _claim(self, claim: Claim) -> nodes.container:
        recorded = catalogue.recorded()[claim.id]
        box = nodes.container(ids=[anchor(claim.id)], classes=["claim"])
        head = nodes.paragraph(classes=["claim-head"])
        head += nodes.strong(text=claim.id)
        head += nodes.inline(text=_nature(claim), classes=["nature"])
        head += _badge(recorded.verdict)
        box += head
        box += _paragraph(_formal(claim.statement))
        fields = nodes.field_list()
        for name, body in self._fields(claim, recorded.reason):
            field = nodes.field()
            field += nodes.field_name(text=name)
            field += nodes.field_body("", *body)
            fields += field
        box += fields
        return box

    def _fields(self, claim: Claim, reason: str) -> Iterator[tuple[str, list[nodes.Node]]]:
        yield "Why", _texts([reason])
        yield "Source", _texts([_source(claim.source)])
        if claim.form != "printed":
            other = claim.repairs or claim.sharpens
            yield claim.form.capitalize(), [_ids([other] if other else []), *_texts([claim.change])]
        if claim.reading is not None:
            literal = "the literal one" if claim.literal else "not the literal one"
            yield "Reading", _texts([f"{claim.reading} ({literal})"])
        premises = [entry.statement for entry in claim.hypotheses]
        premises += [entry.statement for entry in claim.range.where]
        if premises:
            yield "Hypotheses", [_paragraph(_formal(text)) for text in premises]
        yield "Conclusion", self._conclusion(claim)
        if claim.severity is not None:
            yield "If it fails", _texts([claim.severity])
        if claim.serves:
            yield "Step of", [_ids([claim.serves])]
        if claim.leans_on:
            yield "Leans on", [_ids(claim.leans_on)]
        if claim.derivation:
            yield "Proof", [_to_derivation(claim.derivation)]
        if claim.parameters:
            yield "Needs", _texts([f"parameters {', '.join(claim.parameters)} of the instance"])
        if claim.enclosed_by:
            yield "Enclosed by", _texts([claim.enclosed_by])
        if claim.undecidable:
            yield "Not decided at instances", _texts([claim.undecidable])
        if claim.remark:
            yield "Remark", _texts([claim.remark])

    def _conclusion(self, claim: Claim) -> list[nodes.Node]:
        match claim.conclusion:
            case ReadOff(claim=other):
                return [_paragraph(nodes.Text("the verdict of "), nodes.literal(text=other))]
            case Stated(kind=kind, checks=checks):
                proof = ", proved by its derivation; contradicted by no check"
                said = _texts([f"{_article(kind)} {kind}{proof if claim.derivation else ''}"])
                return [*said, *self._parts(checks)]
            case Inequality() | Identity() as part:
                return self._parts([part])
            case parts:
                return self._parts(parts)

    def _parts(self, parts: Iterable[Part]) -> list[nodes.Node]:
        return [
            _paragraph(
                self._side(part.left),
                nodes.Text(f" {part.relation if isinstance(part, Inequality) else '='} "),
                self._side(part.right),
            )
            for part in parts
        ]

    def _side(self, side: Callable[..., Any]) -> nodes.Node:
        """The formula of a side, as a reference that Sphinx resolves; -n reports one it cannot."""
        from sphinx.addnodes import pending_xref

        inner, given = _unwrapped(side)
        name = f"{inner.__module__}.{inner.__qualname__}"
        shown = nodes.literal(text=inner.__qualname__ + given, classes=["side"])
        private = any(part.startswith(("_", "<")) for part in name.split("."))
        if private or not name.startswith("dsmverify.formulas."):
            return shown
        return pending_xref(
            "",
            shown,
            refdomain="py",
            reftype="func",
            reftarget=name,
            refexplicit=True,
            refdoc=self.env.docname,
            refwarn=True,
        )


def anchor(name: str) -> str:
    """Anchor of a claim on the page of the catalogue."""
    return f"claim-{name}"


def _title(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeio" else "a"


def _nature(claim: Claim) -> str:
    kind = "proof step" if claim.kind == "step" else "statement"
    return kind if claim.form == "printed" else f"{kind}, {claim.form}"


def _source(source: Source) -> str:
    return f"{source.statement}, p. {source.page}, {source.version}"


def _unwrapped(side: Callable[..., Any]) -> tuple[Any, str]:
    """The function of a side, and the arguments that a `partial` gives it."""
    if isinstance(side, functools.partial):
        given = [str(value) for value in side.args]
        given += [f"{name}={value}" for name, value in side.keywords.items()]
        return side.func, f"({', '.join(given)})"
    return side, ""


def _totals() -> nodes.paragraph:
    verdicts = Counter(entry.verdict for entry in catalogue.recorded().values())
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return nodes.paragraph(text=f"{len(catalogue.claims())} claims: {counts}.")


def _table() -> nodes.table:
    heads = ("claim", "source", "kind", "recorded verdict")
    rows = []
    for claim in catalogue.claims():
        cells: list[nodes.Node] = [
            nodes.literal(text=claim.id),
            nodes.Text(f"{claim.source.statement}, p. {claim.source.page}"),
            nodes.Text(_nature(claim)),
            _badge(catalogue.recorded()[claim.id].verdict),
        ]
        rows.append(cells)
    table = nodes.table(classes=["claims"])
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=25) for _ in heads]
    head = nodes.thead()
    head += _row([nodes.Text(text) for text in heads])
    body = nodes.tbody()
    body += [_row(cells) for cells in rows]
    group += [head, body]
    table += group
    return table


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += _paragraph(cell)
        row += entry
    return row


def _badge(verdict: str) -> nodes.inline:
    return nodes.inline(text=verdict, classes=["verdict", f"verdict-{verdict.lower()}"])


def _paragraph(*inner: nodes.Node) -> nodes.paragraph:
    return nodes.paragraph("", "", *inner)


def _formal(statement: str) -> nodes.raw:
    """A statement in words and MathML, escaped by the code that writes it for reports."""
    return nodes.raw("", str(mathml.statement(statement)), format="html")


def _texts(lines: Iterable[str]) -> list[nodes.Node]:
    return [nodes.paragraph(text=line) for line in lines]


def _ids(names: Iterable[str]) -> nodes.paragraph:
    found: list[nodes.Node] = []
    for name in names:
        found += [nodes.Text(", ")] if found else []
        found.append(nodes.literal(text=name))
    return _paragraph(*found)


def _to_derivation(name: str) -> nodes.paragraph:
    from sphinx.addnodes import pending_xref

    return _paragraph(
        pending_xref(
            "",
            nodes.inline(text=name),
            refdomain="std",
            reftype="ref",
            reftarget=f"derivation-{name}".lower(),
            refexplicit=True,
            refwarn=True,
            refdoc=PAGE,
        )
    )


def _link_ids(app: Sphinx, document: nodes.document, page: str) -> None:
    """Make a link of every piece of code that is the id of a claim, or of all readings of one."""
    ids = {catalogue.base_id(claim.id): claim.id for claim in reversed(catalogue.claims())}
    ids |= {claim.id: claim.id for claim in catalogue.claims()}
    if app.builder.format != "html":
        return
    base = "" if page == PAGE else app.builder.get_relative_uri(page, PAGE)
    for code in list(document.findall(nodes.literal)):
        name = code.astext()
        if name not in ids or isinstance(code.parent, nodes.reference | nodes.title):
            continue
        link = nodes.reference("", "", internal=True, refuri=f"{base}#{anchor(ids[name])}")
        code.replace_self(link)
        link += code
