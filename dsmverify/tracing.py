"""Formulas of another paper, run once in the strict tracer before anything is certified with them.

A float literal in a formula can turn a certified number into a wrong one, and a comparison of balls
that overlap chooses silently. The tests see to it that our own formulas have neither; whose content
comes from elsewhere brings no tests.

The tracer sees one path through a formula, at one instance. So the source is read as well, for
numbers that are not exact; a comparison of balls where the path does not go is not found.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dsmverify import content, express
from dsmverify.catalogue import misfit
from dsmverify.certify import LEVELS, precision
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Identity,
    Inequality,
    Interval,
    Places,
    Ray,
    ReadOff,
    Side,
    Stated,
)
from dsmverify.curves.points import CurvePoint
from dsmverify.errors import DsmverifyError, InputError, show
from dsmverify.facts import Facts
from dsmverify.formulas.case import Case
from dsmverify.formulas.curve_case import CurveCase
from dsmverify.formulas.random_features import isotropic
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import ball
from dsmverify.systems.strict import SYSTEM, Traced

INSTANCE: Mapping[str, Any] = {
    "x": ["0", "1", "3"],
    "mu": "3/4",
    "sigma": "1/2",
    "learning_rate": "1/100",
    "network": {
        "inner_weights": ["1", "-1"],
        "biases": ["-1/2", "1"],
        "outer_weights": ["2", "-1"],
    },
    "batch": {"size": 1, "reduction": "mean", "replacement": False},
    "parameters": {
        "k": 2,
        "A": "10",
        "f": ["0", "1"],
        "beta": "1",
        "gamma": "1/2",
        "delta": "1/3",
        "t": "1/5",
    },
}
"""An instance that has all that a claim can ask for."""


CURVE_POINT: Mapping[str, Any] = {
    "activation": "erf",
    "psi_n": "2",
    "psi_p": "3",
    "time": "1/4",
    "ridge": "1/8",
    "noise_samples": 2,
}
"""A point for claims about learning curves."""


def vet(claims: Iterable[Claim]) -> None:
    """Trace the claims if they are another content's; ours are traced by the tests.

    Raises:
        InputError: a formula does what only some number systems can follow, or it fails.
    """
    root = content.chosen()
    if root is not None:
        trace(claims)
        for path in sorted((root / "checks").rglob("*.py")):
            refuse_inexact(path, f"checks/{path.relative_to(root / 'checks').as_posix()}")


def refuse_inexact(path: Path, name: str) -> None:
    """Read a module for floats and for quotients of two integers, which are floats.

    Args:
        path: of the module.
        name: folder and file, for the message.

    Raises:
        InputError: there is one; the message has its line.
    """
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.expr) or not _is_inexact(node):
            continue
        value, rule = show(ast.unparse(node)), "a number that is not exact would be certified"
        way_out = "use integers, one of them made a number by c.ns.constant(...)"
        raise InputError("number", value, rule, way_out, content.shown(name), node.lineno)


def _is_inexact(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=float() | complex()):
            return True
        case ast.BinOp(ast.Constant(value=int()), ast.Div(), ast.Constant(value=int())):
            return True
    return False


def trace(claims: Iterable[Claim]) -> None:
    """Run every side, hypothesis, end and margin of the claims in the strict tracer, once each.

    Where one has no value at the instance that is used, a division by 0 say, only what it does up
    to there is seen.

    Raises:
        InputError: one does what only some number systems can follow, or it fails.
    """
    cases: dict[str, Case[Any] | CurveCase[Any]] = {
        "sample": traced_case(),
        "curve": traced_curve_case(),
    }
    seen: set[Side] = set()
    for claim in claims:
        for what, side in sides(claim):
            if side not in seen:
                seen.add(side)
                _trace(claim.id, what, side, cases[claim.instance_kind])


def sides(claim: Claim) -> Iterator[tuple[str, Side]]:
    """Every formula of a claim, with what it is."""
    conclusion = claim.conclusion
    parts: tuple[Inequality | Identity, ...] = ()
    if isinstance(conclusion, Stated):
        parts = conclusion.checks
    elif not isinstance(conclusion, ReadOff):
        parts = conclusion if isinstance(conclusion, tuple) else (conclusion,)
    for part in parts:
        yield from (("left side", part.left), ("right side", part.right))
        if isinstance(part, Inequality) and part.margin is not None:
            yield "margin", part.margin
    for premise in (*claim.hypotheses, *claim.range.where):
        if isinstance(premise, Hypothesis):
            yield from (("hypothesis", premise.left), ("hypothesis", premise.right))
    match claim.range.y:
        case Interval(lower, upper):
            yield from (("end of the range", lower), ("end of the range", upper))
        case Ray(start):
            yield "start of the range", start
        case Places(places):
            yield from (("place of the range", place) for place in places)


def _trace(claim: str, what: str, side: Side, case: Case[Any] | CurveCase[Any]) -> None:
    try:
        value = side(case)
    except (ArithmeticError, ValueError):  # of the numbers: the instance is not one for this side
        return
    except DsmverifyError:
        raise
    except Exception as error:
        raise content.failed(error, f"{what} of {claim}", f"checks, claim {claim}") from error
    entries = value.flat if isinstance(value, np.ndarray) else (value,)
    if not all(isinstance(entry, Traced) for entry in entries):
        rule = f"its {what} is a {type(value).__name__}, no number of the case's system"
        raise misfit(claim, rule, "make it one with c.ns.constant(...)")


class _FirstPoint:
    """Places of a point: the first training point and the first piece; any answer will do."""

    def nearest(self, y: Any) -> int:
        return 0

    def among_weight_cuts(self, y: Any) -> int:
        return 0


def traced_case() -> Case[Any]:
    """`INSTANCE` in traced numbers; what the engine certifies has the middle of its ball."""
    instance = Instance.from_json(dict(INSTANCE), name="traced")
    sample = express.sample(SYSTEM, instance)
    y = SYSTEM.constant(Fraction(1, 2))
    return Case(SYSTEM, sample, _quantities(instance), _FirstPoint(), i=1, y=y, k=2, l=1)


def traced_curve_case() -> CurveCase[Any]:
    """`CURVE_POINT` in traced numbers; the point is the same wherever a claim looks beside it."""
    values = CurvePoint.from_json(dict(CURVE_POINT), name="traced").facts()

    def quantity(name: str) -> Any:
        with precision(LEVELS[0]):
            return _traced(values(name))

    with precision(LEVELS[0]):
        parameters = values.parameters
        traced = _traced(dataclasses.replace(parameters, spectrum=isotropic(SYSTEM)))
    own = dataclasses.replace(traced, ns=SYSTEM)
    return CurveCase(SYSTEM, own, quantity, lambda **_: traced_curve_case())


def _quantities(instance: Instance) -> Callable[[str], Any]:
    facts = Facts(instance, Accuracy(12))

    def quantity(name: str) -> Any:
        with precision(LEVELS[0]):
            return _traced(facts(name))

    return quantity


def _traced(value: Any) -> Any:
    """A value of the engine, or a structure of such, with traced numbers for balls."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **{key: _traced(one) for key, one in fields.items()})
    if isinstance(value, np.ndarray) and value.dtype == object:
        entries = np.empty(value.shape, dtype=object)
        for place, entry in np.ndenumerate(value):
            entries[place] = _traced(entry)
        return entries
    if isinstance(value, dict):
        return {name: _traced(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_traced(entry) for entry in value]
    if callable(value):  # a quadratic form, say

        def apply(*arguments: Any) -> Any:
            with precision(LEVELS[0]):
                return _traced(value(*map(_balls, arguments)))

        return apply
    return Traced(float(value.mid())) if hasattr(value, "mid") else value


def _balls(value: Any) -> Any:
    """Traced numbers in balls; integers stay what they are."""
    if isinstance(value, np.ndarray):
        entries = np.empty(value.shape, dtype=object)
        for place, entry in np.ndenumerate(value):
            entries[place] = _balls(entry)
        return entries
    return ball(Fraction(value.value)) if isinstance(value, Traced) else value
