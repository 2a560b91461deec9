"""An instance in exact rational numbers, as far as it is rational."""

from __future__ import annotations

from typing import Any

from dsmverify import express
from dsmverify.formulas.case import Case
from dsmverify.instance import Instance
from dsmverify.systems.rational import RELATIONS, SYSTEM, IrrationalError

__all__ = ["RELATIONS", "rational_case"]


def rational_case(instance: Instance) -> Case[Any]:
    """The instance as the sides of a hypothesis see it, in `Fraction`.

    Raises:
        IrrationalError: mu or sigma is irrational.
    """

    def quantity(name: str) -> Any:
        exact = {"spacing": instance.spacing, "learning_rate": instance.learning_rate}
        value = exact.get(name)
        if value is None and name.startswith("parameter:"):
            value = instance.parameters.get(name.removeprefix("parameter:"))
        if value is None:
            raise IrrationalError(f"{name} has no exact value")
        return value

    sample = express.sample(SYSTEM, instance)
    return Case(SYSTEM, sample, quantity, express.places(instance))
