"""Constants that a report holds as expressions, `pi*exp(-1/2)/68719476736` say, enclosed by balls.

The text is parsed, never run. It may hold integers, `pi`, `+ - * /`, whole powers, brackets, `exp`,
`sqrt` and `log`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dsmverify.certify import precision
from dsmverify.exact import lower_decimal, upper_decimal
from dsmverify.report.paper import rounding

if TYPE_CHECKING:
    from flint import arb

BITS = 256
"""Working precision."""

_LONGEST = 500
_LARGEST = 10**40
_LARGEST_POWER = 64
_DIGITS = 20


def enclose(text: str) -> tuple[str, str] | None:
    """Enclosure of a constant expression, rounded for print; None if it is no such expression.

    Result: enclosure.

    Example:
        >>> enclose("1/2048"), enclose("sqrt(2)/4"), enclose("n + 1"), enclose("1/0")
        (('0.000488281', '0.000488282'), ('0.353553', '0.353554'), None, None)
    """
    if len(text) > _LONGEST:
        return None
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    with precision(BITS):
        value = _value(tree)
        if value is None or not value.is_finite():
            return None
        lower, upper = lower_decimal(value, _DIGITS), upper_decimal(value, _DIGITS)
    return rounding.enclosure(lower, upper)


def _value(node: ast.expr) -> arb | None:
    from flint import arb

    if isinstance(node, ast.Constant):
        whole = _whole(node, _LARGEST)
        return None if whole is None else arb(whole)
    if isinstance(node, ast.Name):
        return arb.pi() if node.id == "pi" else None
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand)
        return -inner if inner is not None and isinstance(node.op, ast.USub) else None
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.BinOp):
        return _operation(node)
    return None


def _call(node: ast.Call) -> arb | None:
    if not isinstance(node.func, ast.Name) or len(node.args) != 1 or node.keywords:
        return None
    inner = _value(node.args[0])
    if inner is None or node.func.id not in {"exp", "sqrt", "log"}:
        return None
    found: arb = getattr(inner, node.func.id)()
    return found


def _operation(node: ast.BinOp) -> arb | None:
    left = _value(node.left)
    if left is None:
        return None
    if isinstance(node.op, ast.Pow):
        power = _whole(node.right, _LARGEST_POWER)
        return None if power is None else left**power
    right = _value(node.right)
    if right is None:
        return None
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
    return None


def _whole(node: ast.expr, most: int) -> int | None:
    """The integer that is written there, if it is one and not too large."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and type(value) is int and value <= most else None
