"""All second paths: importing this module fills the registry."""

from __future__ import annotations

from dsmverify.replay import function_sides, network_sides, score_sides, weight_sides
from dsmverify.replay.registry import ENTRIES

MODULES = (score_sides, weight_sides, network_sides, function_sides)
"""Modules that hold sides."""

__all__ = ["ENTRIES", "MODULES"]
