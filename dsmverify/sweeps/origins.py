"""Where a result comes from: a digest of the code, and the versions of the libraries that matter.

The digest covers every module of the package but those that only present or transport results, and
for claims and derivations the content (`checks/`, `derivations/`) too: a module that is added later
is covered unless it is named here. It is the same in a checkout and in an installed package.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dsmverify
from dsmverify import content

PRESENTING: Final = frozenset(
    {
        "__main__.py",
        "appendix.py",
        "cli.py",
        "curves_command.py",
        "explorer",
        "pictures.py",
        "printing.py",
        "report",
        "sweeps_command.py",
        "terminal.py",
        "testing",
    }
)
"""Files and folders of the package that decide no result."""

_ABOUT_CLAIMS: Final = frozenset(
    {"catalogue.py", "chain.py", "checking.py", "derivation.py", "normal_forms.py", "regime.py"}
    | {"curves", "diffusion", "features", "metrics", "pencils", "replay", "search"}
    | {"shapes.py", "verdicts.py", "witnesses.py"}
)

_ABOUT_TRAINING: Final = frozenset(
    {"diffusion", "ensembles", "experiments", "metrics", "replay", "search"}
)

UNUSED: Final[Mapping[str, frozenset[str]]] = {
    # Layers above `certify`, which decides, and the second path: it cannot import them.
    "check": _ABOUT_TRAINING,
    "prove": _ABOUT_TRAINING,
    # What training and measuring cannot reach.
    "train": _ABOUT_CLAIMS,
    "experiment": _ABOUT_CLAIMS,
}
"""Files and folders that decide results of other kinds only."""

DECIDING: Final = frozenset({"kinds.py", "packaged.py"})
"""Files of this folder that decide results; the others find, run and keep cells."""

_CONTENT: Final = ("checks", "derivations")
_CONTENT_SUFFIXES: Final = (".json", ".py", ".toml")

READING_CONTENT: Final = frozenset({"check", "prove"})
"""Kinds that read the content; they have one origin: a proof is of the code that uses it."""

_OF_CLAIMS: Final = ("python-flint", "sympy", "mpmath", "numpy", "scipy")

LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "check": _OF_CLAIMS,
    "prove": _OF_CLAIMS,
    "train": ("numpy", "scipy", "numba", "llvmlite"),
    "experiment": ("numpy", "scipy", "numba", "llvmlite", "torch"),
}
"""Distributions that decide the results of each kind."""


@dataclass(frozen=True)
class Origin:
    """What made a result, beside the cell's own settings.

    Attributes:
        code: SHA-256 of the source files.
        libraries: versions by name, `python` among them.
    """

    code: str
    libraries: Mapping[str, str]

    @functools.cached_property
    def versions(self) -> tuple[tuple[str, str], ...]:
        """The libraries as sorted pairs."""
        return tuple(sorted(self.libraries.items()))


@functools.cache
def of(kind: str) -> Origin:
    """The origin of results that this process would make.

    Args:
        kind: a key of `LIBRARIES`, or `module:function` (see `kinds`), for which the source of the
            module stands and Python's version.
    """
    libraries = {"python": platform.python_version()}
    if ":" in kind:
        return Origin(digest(files(kind)), libraries)
    for name in LIBRARIES[kind]:
        libraries[name] = _installed(name)
    if kind in READING_CONTENT:
        # Arb is part of FLINT, which a wheel of python-flint brings along or finds on the system.
        flint = importlib.import_module("flint")
        libraries["flint"] = str(getattr(flint, "__FLINT_VERSION__", "unknown"))
    else:
        # Floating-point kernels are compiled for the machine.
        libraries["machine"] = platform.machine()
    return Origin(digest(files(kind)), libraries)


def files(kind: str) -> dict[str, Path]:
    """The source files behind a kind, by the names that they have in a checkout.

    Args:
        kind: as in `of`.
    """
    if ":" in kind:
        return _module_file(kind.partition(":")[0])
    found = _package(PRESENTING | UNUSED.get(kind, frozenset()))
    return {**found, **_content()} if kind in READING_CONTENT else found


def digest(sources: Mapping[str, Path]) -> str:
    """SHA-256 of names and contents of files, whatever the order they are given in.

    Args:
        sources: files by name.
    """
    found = hashlib.sha256()
    for name in sorted(sources):
        data = sources[name].read_bytes()
        found.update(f"{name} {len(data)} ".encode())
        found.update(data)
    return found.hexdigest()


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _package(without: frozenset[str]) -> dict[str, Path]:
    """Deciding files of the package, by the path that they have in it."""
    root = Path(dsmverify.__file__).parent
    found = {}
    for path in _files(root, (".py", ".toml")):
        parts = path.relative_to(root).parts
        if parts[0] in without or parts[0].startswith("_content"):
            continue
        if parts[0] == "sweeps" and parts[1] not in DECIDING:
            continue
        found["/".join(("dsmverify", *parts))] = path
    return found


def _content() -> dict[str, Path]:
    """Files of the content, by the path that they have in a checkout."""
    package = Path(dsmverify.__file__).parent
    root = content.chosen() or content.checkout_root(package) or package / "_content"
    return {
        path.relative_to(root).as_posix(): path
        for folder in _CONTENT
        for path in _files(root / folder, _CONTENT_SUFFIXES)
    }


def _files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.suffix in suffixes and path.is_file():
            yield path


def _module_file(name: str) -> dict[str, Path]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    return {name: Path(spec.origin)}
