"""Search for counterexamples: `refute(claim, budget=..., seed=..., sizes=...)`."""

from __future__ import annotations

from dsmverify.search.refute import DEFAULT_BUDGET, NotFound, Refutation, refute

__all__ = ["DEFAULT_BUDGET", "NotFound", "Refutation", "refute"]
