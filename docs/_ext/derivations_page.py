"""The derivations, written from their modules at build time.

`derivations.md` holds the directive `derivation-list`. The chains are run, which writes them down;
they are not verified here, since that is what `dsmverify derive` and the tests do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.util.docutils import SphinxDirective

from dsmverify import content
from dsmverify.derivation import Derivation, Expression

EVERY = "all"


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive and the option that leaves out slow chains."""
    app.add_directive("derivation-list", DerivationList)
    # Names between commas: a build for a test need not run every chain. The others keep a heading.
    app.add_config_value("dsm_derivations", EVERY, "env", [str])
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class DerivationList(SphinxDirective):
    """All derivations, a section each."""

    def run(self) -> list[nodes.Node]:
        """Nodes of the sections."""
        chosen = self.config.dsm_derivations
        names = content.derivation_names()
        wanted = names if chosen == EVERY else chosen.split(",")
        return [self._section(name, name in wanted) for name in names]

    def _section(self, name: str, wanted: bool) -> nodes.section:
        module = content.derivation_module(name)
        if module.__file__ is not None:
            self.env.note_dependency(module.__file__)
        label = f"derivation-{name}"
        section = nodes.section(ids=[label], names=[label])
        domain = self.env.domains["std"]
        assert isinstance(domain, StandardDomain)
        domain.labels[label] = (self.env.docname, label, name)
        domain.anonlabels[label] = (self.env.docname, label)
        if not wanted:
            section += nodes.title(text=name)
            section += nodes.paragraph(text="Left out of this build.")
            return section
        found: Derivation = module.derive()
        section += nodes.title(text=found.title)
        section += _facts(found)
        section += _steps(found)
        section += _ending(found)
        return section


def _facts(found: Derivation) -> nodes.field_list:
    fields = nodes.field_list()
    facts: list[tuple[str, list[nodes.Node]]] = [
        ("Source", [nodes.Text(found.source)]),
        ("Scope", [nodes.Text(found.scope)]),
        ("Proves", _codes([*found.proves, *found.proves_steps])),
        ("Engine's formula on symbols", [nodes.Text("; ".join(found.checks))]),
        ("Remark", [nodes.Text(found.remark)]),
        ("Command", [nodes.literal(text=f"dsmverify derive {found.name}")]),
    ]
    for name, body in facts:
        if not "".join(node.astext() for node in body):
            continue
        field = nodes.field()
        field += nodes.field_name(text=name)
        field += nodes.field_body("", nodes.paragraph("", "", *body))
        fields += field
    return fields


def _steps(found: Derivation) -> nodes.enumerated_list:
    steps = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".")
    for step in found.steps:
        item = nodes.list_item("", nodes.paragraph(text=step.text))
        if step.expression is not None:
            item += _formula(step.expression)
        if step.gap is not None:
            item += nodes.paragraph(text="by")
            item += _formula(step.gap)
        steps += item
    return steps


def _ending(found: Derivation) -> nodes.paragraph:
    count = f"{len(found.identities)} identities"
    if found.bounds:
        count += f" and {len(found.bounds)} inequalities"
    text = f"{count}, of which the steps above are those to read. Trusted: {found.trusted}."
    return nodes.paragraph(text=text)


def _formula(expression: Expression) -> nodes.literal_block:
    import sympy

    equation = isinstance(expression, sympy.Eq)
    text = f"{expression.lhs} = {expression.rhs}" if equation else str(expression)
    block = nodes.literal_block(text, text, classes=["formula"])
    block["language"] = "none"
    return block


def _codes(names: Iterable[str]) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for name in names:
        found += [nodes.Text(", ")] if found else []
        found.append(nodes.literal(text=name))
    return found
