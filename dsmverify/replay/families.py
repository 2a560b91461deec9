"""All second paths: importing this module fills the registry."""

from __future__ import annotations

from dsmverify.replay import (
    curve_sides,
    dimension_sides,
    function_sides,
    minimum_sides,
    network_sides,
    network_steps,
    score_sides,
    sharper_sides,
    threshold_sides,
    weight_sides,
)
from dsmverify.replay.registry import ENTRIES

MODULES = (
    score_sides,
    weight_sides,
    network_sides,
    network_steps,
    function_sides,
    threshold_sides,
    minimum_sides,
    sharper_sides,
    dimension_sides,
    curve_sides,
)
"""Modules that hold sides."""

__all__ = ["ENTRIES", "MODULES"]
