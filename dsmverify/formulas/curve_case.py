"""What the two sides of a claim about learning curves see: a point of one, in one number system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from dsmverify.formulas.learning_curves import Observables
from dsmverify.formulas.random_features import Parameters, State
from dsmverify.numbers import N, Numbers


@dataclass(frozen=True)
class CurveCase(Generic[N]):
    """A point of a learning curve in one number system.

    Attributes:
        ns: number system.
        parameters: psi_n, psi_p, lam, 1/m, a^2, h and the moments of the activation.
        quantities: values that the engine certifies, by name.
        elsewhere: the case of a point that differs in some parameters, given by name: `ridge`,
            `psi_n`, `psi_p` (each a factor), `copies` (how many more, None for all).
    """

    ns: Numbers[N]
    parameters: Parameters[N]
    quantities: Callable[[str], Any]
    elsewhere: Callable[..., CurveCase[N]]

    @property
    def state(self) -> State[N]:
        """The fixed point, and what follows from it directly."""
        value: State[N] = self.quantities("state")
        return value

    @property
    def observables(self) -> Observables[N]:
        """What is read off the fixed point, as sums of terms that are not negative."""
        value: Observables[N] = self.quantities("observables")
        return value

    def printed(self, name: str) -> N:
        """An observable in the form of the text, by its name."""
        value: N = self.quantities("printed")[name]
        return value

    def quantity(self, name: str) -> N:
        """A value computed by the engine: an integral, a derivative."""
        value: N = self.quantities(name)
        return value
