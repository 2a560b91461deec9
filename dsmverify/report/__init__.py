"""Outcomes to files: `report.json`, `report.md`, `junit.xml`."""

from __future__ import annotations

from dsmverify.report.files import prepare_folder
from dsmverify.report.json import from_json, schema
from dsmverify.report.model import VERDICTS, Input, Report
from dsmverify.report.upgrade import SCHEMA_VERSION
from dsmverify.report.versions import library_versions
from dsmverify.verdicts import Expected, Mismatch

__all__ = [
    "SCHEMA_VERSION",
    "VERDICTS",
    "Expected",
    "Input",
    "Mismatch",
    "Report",
    "from_json",
    "library_versions",
    "prepare_folder",
    "schema",
]
