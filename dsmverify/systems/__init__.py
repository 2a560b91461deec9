"""The number systems that formulas run in.

| name | numbers | what a result is |
|---|---|---|
| float64 | NumPy arrays | approximate |
| torch | tensors | approximate, differentiable |
| mpmath | arbitrary precision | approximate to many digits, not certified |
| arb | real balls | an enclosure of the exact value |
| sympy | expressions | exact, symbolic |

Two more serve the others: `running` carries a float64 rounding error bound along, `strict` refuses
everything a formula must not do (float literals, comparisons). `load` imports a system on first
use, so that certified evaluation needs neither torch nor SymPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dsmverify.numbers import Numbers

_MODULES = {
    "float64": "float64",
    "torch": "torch",
    "mpmath": "mpmath",
    "arb": "balls",
    "sympy": "symbolic",
    "running": "running",
    "strict": "strict",
}

NAMES = ("float64", "torch", "mpmath", "arb", "sympy")
"""The five number systems."""


def load(name: str) -> Numbers[Any]:
    """The number system called `name`.

    Raises:
        ValueError: no such system.
        ModuleNotFoundError: its library is not installed.
    """
    if name not in _MODULES:
        raise ValueError(f"system: {name!r} is not one of {', '.join(_MODULES)}")
    module = import_module(f"dsmverify.systems.{_MODULES[name]}")
    system: Numbers[Any] = module.SYSTEM
    return system
