"""What a formula may be made of, read off its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

IMPORTS = ("__future__", "collections.abc", "dataclasses", "fractions", "functools", "typing")
"""Modules of the standard library that a formula may import, with NumPy and our own two."""

OWN = ("dsmverify.formulas", "dsmverify.numbers")

NUMPY = frozenset(
    ("arange", "array", "asarray", "diff", "eye", "flatnonzero", "intp", "ndarray", "newaxis")
) | {"nonzero", "ones", "repeat", "where", "zeros"}
"""NumPy names that a formula may use, for its integer index work."""

INTEGERS = frozenset(("int", "Integers"))
"""Annotations of an integer function: where all arguments have one, NumPy may do anything."""

BUILTINS = frozenset(("abs", "complex", "float", "pow", "round", "sorted"))


def problems(source: str) -> list[str]:
    """Complaints about the source of one formula module, each with its line."""
    tree = ast.parse(source)
    found = sorted((node.lineno, text) for node, text in _complaints(tree))
    return [f"line {line}: {text}" for line, text in found]


def _complaints(node: ast.AST, free: bool = False) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    match node:
        case ast.FunctionDef():
            free = _takes_integers_only(node)
        case ast.Constant(value=float() | complex() as value):
            yield node, f"{value!r} is a literal that is not exact; use ns.constant"
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
            if not free and name not in NUMPY:
                yield node, f"np.{name} does not go through the number system"
        case ast.Call(func=ast.Name(id=name)) if name in BUILTINS:
            yield node, f"{name}() does not go through the number system"
        case ast.Import(names=names):
            for alias in names:
                if not (alias.name in IMPORTS or alias.name == "numpy" or _own(alias.name)):
                    yield node, f"a formula may not import {alias.name}"
                if alias.name == "numpy" and alias.asname != "np":
                    yield node, "NumPy is imported as np, so that this lint sees its names"
        case ast.ImportFrom(level=0, module=str() as module):
            if not (module in IMPORTS or module == "numpy.typing" or _own(module)):
                yield node, f"a formula may not import from {module}"
    for child in ast.iter_child_nodes(node):
        yield from _complaints(child, free)


def _takes_integers_only(function: ast.FunctionDef) -> bool:
    given = function.args
    if given.vararg or given.kwarg:
        return False
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    kinds = [ast.unparse(each.annotation) if each.annotation else "" for each in arguments]
    return bool(kinds) and all(set(kind.split(" | ")) <= INTEGERS for kind in kinds)


def _own(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in OWN)
