"""A computational referee for one learning-theory paper: claims, verdicts, exact formulas.

The public interface:

- `Instance`: a sample, its noise level, and what may come with it, exact.
- `evaluate(instance, system=..., digits=...)`: every formula, in one of the number systems.
- `check(instances, claims=...)`: every claim at every instance, with certified arithmetic.
- `Report`: what `check` returns.

Everything is imported on first use, so that `import dsmverify` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsmverify.checking import check
    from dsmverify.evaluation import evaluate
    from dsmverify.instance import Instance
    from dsmverify.report import Report

__version__ = "0.1.0"

__all__ = ["Instance", "Report", "__version__", "check", "evaluate"]

_HOMES = {
    "Instance": "dsmverify.instance",
    "Report": "dsmverify.report",
    "check": "dsmverify.checking",
    "evaluate": "dsmverify.evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dsmverify' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
