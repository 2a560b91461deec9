"""Versions of everything that a verdict depends on."""

from __future__ import annotations

import importlib.metadata
import platform

from dsmverify import content

_DISTRIBUTIONS = ("python-flint", "sympy", "mpmath", "numpy", "scipy", "torch")


def library_versions() -> dict[str, str]:
    """Versions by name, `not installed` where a library is missing.

    `arb` is the version of the FLINT library, which Arb is part of. Reads the metadata of the
    packages, so neither torch nor SymPy is imported. The content of another paper is named as
    `content`; a report without it is about ours.
    """
    flint = importlib.import_module("flint")
    versions = {
        "dsmverify": _installed("dsmverify"),
        "python": platform.python_version(),
        "arb": f"FLINT {getattr(flint, '__FLINT_VERSION__', 'unknown')}",
    }
    identity = content.identity()
    if identity is not None:
        versions["content"] = identity
    return versions | {name: _installed(name) for name in _DISTRIBUTIONS}


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
