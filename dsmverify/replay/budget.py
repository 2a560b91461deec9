"""How much a recheck may compute: evaluations are counted, so that every computer stops alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class BudgetError(Exception):
    """The second path took as many evaluations as it may."""


class Budget:
    """Counts exponentials: every node of a quadrature takes one or more, whatever it costs."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` of them."""
        self.limit, self.spent = limit, 0

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which counts its calls.

        Raises:
            BudgetError: when called, if nothing is left.
        """

        def call(*arguments: Any, **options: Any) -> Any:
            if self.spent >= self.limit:
                raise BudgetError(f"not rechecked: budget of {self.limit} evaluations used up")
            self.spent += 1
            return function(*arguments, **options)

        return call
