"""Stand-alone scripts: one for every counterexample, made of the functions of the second path.

A script needs Python and mpmath only. It holds the source of the functions that its claim uses,
and what those use, docstrings cut to their first line and annotations dropped; the witness lies
beside it in a JSON file. It prints the hypotheses and both sides at two precisions.
"""

from __future__ import annotations

import ast
import dis
import inspect
import json
import os
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from dsmverify.replay.families import ENTRIES, MODULES
from dsmverify.replay.recheck import AGREEMENT, is_of_another, version_fault

LONGEST = 150
"""Lines that a script may have."""

SHORT_LINE = 150
"""Characters up to which simple statements share a line where a script would be too long."""

_COMPOUND = re.compile(
    r"\s*(async|class|def|elif|else|except|finally|for|if|try|while|with)\b|.*#|\s*f?\""
)

LONGEST_LINE = 160
"""Characters up to which a function of one statement stands on one line."""

HEADER = '''"""{claim} ({where}) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python {name}.py
"""
import json
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from mpmath import MPContext
from mpmath.calculus.quadrature import GaussLegendre
'''

FOOTER = """witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{{witness['claim']}}: {{witness['statement']}} Here: {{witness['where']}}")
for order, bits in enumerate(({bits}, {more})):
    mp = MPContext()
    mp.prec = bits
    c = {setting}(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [{given}]:
        print(f"  hypothesis {{name}}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate({side}(c), 1):
        above = abs(left - right) - abs(left) / 2**{agreement} if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {{number}}, {{bits}} bits: {{left}} {{relation}} {{right}}", "FAILS" * fails)
"""


def write_scripts(report: str | os.PathLike[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write a script and its witness for every REFUTED claim of a report.

    Args:
        report: a `report.json`, or the folder that holds it.
        folder: where to; created if need be.

    Returns:
        The scripts, in the order of the report.

    Raises:
        OSError: the report cannot be read or the folder cannot be written.
        ValueError: the report is no JSON, of another form or about another paper, or a script
            would be longer than `LONGEST` lines.
        KeyError: a claim has no certificate or no second path.
    """
    file = Path(report)
    file = file / "report.json" if file.is_dir() else file
    document = json.loads(file.read_text("utf-8"))
    if (fault := version_fault(document)) is not None:
        raise ValueError(fault)
    if is_of_another(document):
        raise ValueError("its claims are another paper's, and none of them has a second path")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for entry in document["claims"]:
        if entry["verdict"] != "REFUTED":
            continue
        text, witness = script_of(entry)
        path = target / f"{file_name(entry['id'])}.py"
        path.write_text(text, "utf-8")
        path.with_suffix(".json").write_text(
            json.dumps(witness, indent=1, sort_keys=True) + "\n", "utf-8"
        )
        written.append(path)
    return written


def file_name(claim: str) -> str:
    """Name of a claim's files, without suffix: letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", claim.lower())


def script_of(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Script and witness of one REFUTED claim.

    Args:
        entry: the claim as `report.json` has it.

    Raises:
        KeyError: it has no certificate or no second path.
        ValueError: the script would be too long.
    """
    claim, certificate = entry["id"], entry["certificate"]
    record = ENTRIES[claim]
    used = [*closure([record.setting, *record.given, record.sides])]
    witness = {name: certificate[name] for name in ("claim", "statement", "inputs", "where")}
    source, bits = entry["source"], 2 * certificate["bits"]
    heading = HEADER.format(
        claim=claim,
        where=f"{source['statement']}, p. {source['page']}, {source['version']}",
        name=file_name(claim),
    )
    footer = FOOTER.format(
        agreement=AGREEMENT,
        bits=bits + 64,
        more=bits + 128,
        given=", ".join(f"{given.__name__}(c)" for given in record.given),
        side=record.sides.__name__,
        setting=record.setting.__name__,
    )
    pieces = [heading, *(bare_source(item) + "\n" for item in used), footer]
    text = "\n\n".join(pieces)  # as one writes Python, where that is short enough
    for glue in ("\n", ""):
        text = glue.join(pieces) if text.count("\n") > LONGEST else text
    if text.count("\n") > LONGEST:
        text = "\n".join(joined(text.splitlines())) + "\n"
    lines = text.count("\n")
    if lines > LONGEST:
        raise ValueError(f"claim: the script of {claim} has {lines} lines, more than {LONGEST}")
    return text, witness


def closure(roots: list[Any]) -> list[Any]:
    """Functions and classes of the second path that the roots use, each after what it uses."""
    found: dict[str, Any] = {}
    seen: set[str] = set()

    def visit(item: Any) -> None:
        if item.__name__ in seen:
            return
        seen.add(item.__name__)
        members = vars(item).values() if isinstance(item, type) else (item,)
        for member in members:
            if isinstance(member, FunctionType):
                for name in globals_of(member.__code__):
                    value = member.__globals__.get(name)
                    if getattr(value, "__module__", "").startswith(PREFIX):
                        visit(value)
        found[item.__name__] = item

    for root in roots:
        visit(root)
    return list(found.values())


def globals_of(code: CodeType) -> list[str]:
    """Names that a function reads from its module, those of functions inside it included."""
    names = [step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += globals_of(constant)
    return names


PREFIX = MODULES[0].__name__.rpartition(".")[0]


class _Bare(ast.NodeTransformer):
    """Drops decorators, annotations and docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Without decorators and annotations."""
        self.generic_visit(node)
        node.decorator_list, node.returns = [], None
        for argument in (*node.args.args, *node.args.kwonlyargs):
            argument.annotation = None
        return _without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        """Without docstring."""
        self.generic_visit(node)
        return _without_docstring(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """As a plain assignment."""
        self.generic_visit(node)
        assert node.value is not None
        return ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)


def _without_docstring(node: Any) -> Any:
    if ast.get_docstring(node) is not None:
        del node.body[0]
    return node


def joined(lines: list[str]) -> list[str]:
    """Lines of a program with short neighbouring simple statements on one line."""
    found: list[str] = []
    for line in lines:
        before = found[-1] if found else ""
        depth = len(line) - len(line.lstrip())
        both_simple = not any(_COMPOUND.match(part) for part in (before, line))
        is_same = depth and depth == len(before) - len(before.lstrip())
        is_short = len(before) + len(line.strip()) < SHORT_LINE
        if both_simple and is_same and is_short and line.strip():
            found[-1] = f"{before}; {line.strip()}"
        else:
            found.append(line)
    return found


def bare_source(item: Any) -> str:
    """Source of a function or class, its docstring's first line a comment beside its name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(item)))
    lines = ast.unparse(ast.fix_missing_locations(_Bare().visit(tree))).splitlines()
    body = [line for line in lines if line.strip()]
    if len(body) == 2 and len(body[0]) + len(body[1].strip()) < LONGEST_LINE:
        body = [f"{body[0]} {body[1].strip()}"]
    about = (inspect.getdoc(item) or "").partition("\n")[0].replace("`", "")
    if len(body[0]) + len(about) < LONGEST_LINE:
        body[0] += f"  # {about}"
    return "\n".join(body)
