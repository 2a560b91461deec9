"""Loads the content, `checks/` and `derivations/`, under one name per process.

Installed, the content is part of the package: `dsmverify._content.checks`. In a checkout it lies
beside the package and is loaded from there as `checks` and `derivations`, the names that tests,
mypy and an editor use, wherever the process was started and whatever else is called `checks` on
its path. Nothing is imported before it is asked for, so listing derivations does not load SymPy.
"""

from __future__ import annotations

import functools
import importlib
import importlib.resources
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from dsmverify.errors import InputError, nearest, show

INSTALLED_NAME = "dsmverify._content"


def claim_modules() -> list[ModuleType]:
    """Modules of `checks/`, sorted by name; each has `CLAIMS`."""
    return [_module("checks", name) for name in _names("checks")]


def shapes() -> ModuleType:
    """`SHAPES` and `SHARP`: claims to be proved for every sample of a small size, as data."""
    return _module("checks", "_shapes")


def chain() -> ModuleType:
    """`CONSTANTS`, `PRINTED` and `SCENARIOS`: constants of the steps of theorem 8, as data."""
    return _module("checks", "_chain")


def derivation_names() -> list[str]:
    """Names of the derivations, sorted; loads none of them."""
    return list(_names("derivations"))


def derivation_module(name: str) -> ModuleType:
    """Module of one derivation, loaded when asked for.

    Args:
        name: one of `derivation_names()`.

    Raises:
        InputError: no derivation has this name; the message lists those there are.
    """
    known = derivation_names()
    if name not in known:
        close = nearest(name, known)
        meant = f"did you mean {close!r}? " if close is not None else ""
        raise InputError(
            "derivation",
            show(name),
            "there is no derivation with this name",
            f"{meant}the derivations are: {', '.join(known)}",
        )
    return _module("derivations", name)


def resource_text(name: str) -> str:
    """Text of a data file of the content.

    Args:
        name: folder and file, as in the checkout: `checks/expected.toml`.

    Raises:
        InputError: the content has no such file.
    """
    folder, _, file = name.partition("/")
    if folder in ("checks", "derivations") and file:
        resource = importlib.resources.files(_package(folder)).joinpath(file)
        if resource.is_file():
            return resource.read_text(encoding="utf-8")
    raise InputError(
        "resource",
        show(name),
        "the content has no such file",
        "name it as in a checkout, checks/expected.toml say",
    )


def resource_names(folder: str, suffix: str) -> list[str]:
    """Names of the data files in a folder of the content, sorted; empty if there is no folder.

    Args:
        folder: as in the checkout: `checks/witnesses`.
        suffix: how the names end, `.json` say.
    """
    top, _, rest = folder.partition("/")
    place = importlib.resources.files(_package(top)).joinpath(rest)
    if not place.is_dir():
        return []
    return sorted(entry.name for entry in place.iterdir() if entry.name.endswith(suffix))


def checkout_root(package: Path) -> Path | None:
    """Root of the checkout that a package folder lies in, or None for an installed package.

    Args:
        package: folder of the package `dsmverify`.
    """
    root = package.parent
    needed = ("pyproject.toml", "checks/__init__.py", "derivations/__init__.py")
    return root if all((root / file).is_file() for file in needed) else None


def _names(folder: str) -> tuple[str, ...]:
    found = pkgutil.iter_modules(_package(folder).__path__)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


def _module(folder: str, name: str) -> ModuleType:
    return importlib.import_module(f"{_package(folder).__name__}.{name}")


@functools.cache
def _package(folder: str) -> ModuleType:
    root = checkout_root(Path(__file__).resolve().parent)
    if root is None:
        return importlib.import_module(f"{INSTALLED_NAME}.{folder}")
    start = root / folder / "__init__.py"
    loaded = sys.modules.get(folder)
    if loaded is None:
        return _load(folder, start)
    if loaded.__file__ is not None and Path(loaded.__file__).resolve() == start:
        return loaded
    # Somebody else's package has the name in this process: ours takes the one it has installed.
    return _load(f"{INSTALLED_NAME}.{folder}", start)


def _load(name: str, start: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, start, submodule_search_locations=[str(start.parent)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{start} cannot be loaded as a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
