"""What Hypothesis runs when it is imported: profiles, and strategies for the package's types.

The entry point of the group `hypothesis` names `register`. It costs next to nothing: the strategies
are imported when a type of this package is asked for, not before. For that the resolver goes into
the table in which Hypothesis keeps its own one for NumPy; where a release of Hypothesis has no such
table the types are registered at once.
"""

from __future__ import annotations

from typing import Any

PACKAGE = "dsmverify"


def register() -> None:
    """Register the profiles `dsm-ci` and `dsm-deep`, and the types for `st.from_type`."""
    from hypothesis import settings
    from hypothesis.strategies._internal import types

    settings.register_profile("dsm-ci", derandomize=True, deadline=None, max_examples=50)
    settings.register_profile("dsm-deep", deadline=None, max_examples=2000)
    table = getattr(types, "_global_extra_lookup", None)
    if isinstance(table, dict):
        table[PACKAGE] = _resolve
    else:
        _register_now()


def _resolve(thing: Any) -> Any:
    """Strategy for a type of this package; None leaves the type to Hypothesis."""
    if not str(getattr(thing, "__module__", "")).startswith(f"{PACKAGE}."):
        return None
    from dsmverify.testing.strategies import of_type

    return of_type(thing)


def _register_now() -> None:
    from hypothesis import strategies as st

    from dsmverify.instance import Instance, NetworkData, NoiseLevel
    from dsmverify.testing.arrays import Network

    for kind in (Instance, NoiseLevel, NetworkData, Network):
        st.register_type_strategy(kind, _resolve)
