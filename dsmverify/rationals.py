"""An instance in exact rational numbers, as far as it is rational."""

from __future__ import annotations

from typing import Any, NoReturn

from dsmverify import express
from dsmverify.formulas.case import Case
from dsmverify.formulas.setting import Sample
from dsmverify.instance import Instance
from dsmverify.systems.rational import RELATIONS, SYSTEM, IrrationalError

__all__ = ["RELATIONS", "rational_case"]


class Irrational:
    """Stands for an irrational mu or sigma, say: a side that does not use it has an exact value."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise IrrationalError("it uses a value that is irrational")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __neg__ = __abs__ = _refuse


def rational_case(instance: Instance) -> Case[Any]:
    """The instance as the sides of an inequality see it, in `Fraction`.

    What is irrational raises `IrrationalError` once a side uses it.
    """

    def quantity(name: str) -> Any:
        exact = {"spacing": instance.spacing, "learning_rate": instance.learning_rate}
        value = exact.get(name)
        if value is None and name.startswith("parameter:"):
            value = instance.parameters.get(name.removeprefix("parameter:"))
        if value is None:
            raise IrrationalError(f"{name} has no exact value")
        return value

    try:
        sample = express.sample(SYSTEM, instance)
    except IrrationalError:
        points = SYSTEM.constant(list(instance.points))
        sample = Sample(points, Irrational(), Irrational(), instance.size)
    return Case(SYSTEM, sample, quantity, express.places(instance))
