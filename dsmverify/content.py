"""Loads the content, `checks/` and `derivations/`, under one name per process.

Installed, the content is part of the package: `dsmverify._content.checks`. In a checkout it lies
beside the package and is loaded from there as `checks` and `derivations`, the names that tests,
mypy and an editor use, wherever the process was started and whatever else is called `checks` on
its path. Nothing is imported before it is asked for, so listing derivations does not load SymPy.

`use` takes the content of another paper from a folder instead; so does the environment variable
`DSMVERIFY_CONTENT`, which is how worker processes learn of it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.resources
import importlib.util
import os
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType

from dsmverify.errors import DsmverifyError, InputError, nearest, show

INSTALLED_NAME = "dsmverify._content"

ENVIRONMENT = "DSMVERIFY_CONTENT"
"""Environment variable with the folder of another content; empty or not set means our own."""

RECORD = "checks/expected.toml"
"""The recorded verdicts."""

_FOLDERS = ("checks", "derivations")
_SUFFIXES = (".json", ".py", ".toml")


def use(folder: str | os.PathLike[str], *, argument: str = "content") -> None:
    """Take the content from a folder, in this process and in those that it starts.

    Args:
        folder: has `checks/` with `__init__.py`, claim modules and `expected.toml`, and, if a
            claim names a derivation, `derivations/` with `__init__.py`.
        argument: what the folder was given as, for the message.

    Raises:
        InputError: the folder has no content, or this process has loaded another one.
    """
    root = _checked(folder, argument)
    if _root.cache_info().currsize and _root() != root:
        raise InputError(
            argument,
            show(str(folder)),
            "this process has loaded other claims, and a process has one content",
            "name it before anything else is asked for, or start another process",
        )
    os.environ[ENVIRONMENT] = str(root)


def chosen() -> Path | None:
    """Folder of another paper's content, absolute; None for the content of this package.

    Raises:
        InputError: `DSMVERIFY_CONTENT` names a folder without content.
    """
    return _root()


def identity() -> str | None:
    """Name of another paper's content and SHA-256 of its files; None for our own.

    A report carries it among its versions: ids of another content mean something else.
    """
    root = _root()
    if root is None:
        return None
    found = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                data = path.read_bytes()
                name = os.fsencode(path.relative_to(root).as_posix())  # it need not be UTF-8
                found.update(name + f" {len(data)} ".encode())
                found.update(data)
    return f"{os.fsencode(root.name).decode(errors='replace')}, SHA-256 {found.hexdigest()}"


def claim_modules() -> list[ModuleType]:
    """Modules of `checks/`, sorted by name; each has `CLAIMS`.

    Raises:
        InputError: one cannot be imported; the message has file and line.
    """
    return [_module("checks", name) for name in _names("checks")]


def shapes() -> ModuleType:
    """`SHAPES` and `SHARP`: claims to be proved for every sample of a small size, as data.

    Both are empty where the content has no `_shapes`.
    """
    return _data("_shapes", ("SHAPES", "SHARP"))


def chain() -> ModuleType:
    """`CONSTANTS`, `PRINTED` and `SCENARIOS`: constants of the steps of theorem 8, as data.

    All are empty where the content has no `_chain`: then it is not about theorem 8.
    """
    return _data("_chain", ("CONSTANTS", "PRINTED", "SCENARIOS"))


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
            f"{meant}the derivations are: {', '.join(known)}" if known else "there are none",
        )
    return _module("derivations", name)


def resource_text(name: str) -> str:
    """Text of a data file of the content.

    Args:
        name: folder and file, as in the checkout: `checks/expected.toml`.

    Raises:
        InputError: the content has no such file, or it is no UTF-8.
    """
    folder, _, file = name.partition("/")
    if folder in _FOLDERS and file and _folder(folder) is not None:
        resource = importlib.resources.files(_package(folder)).joinpath(file)
        if resource.is_file():
            try:
                return resource.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                rule, way_out = f"it is no UTF-8 text ({error.reason})", "save it as UTF-8"
                raise InputError("text", "", rule, way_out, shown(name)) from error
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


def shown(name: str) -> str:
    """Path of a file of the content for a message, as one would type it.

    Args:
        name: folder and file, as in the checkout: `checks/expected.toml`.
    """
    root = _root()
    return name if root is None else _typed(root / name)


def failed(error: Exception, argument: str, name: str) -> InputError:
    """What a module of the content raised, as an error with the file and line where it did.

    Args:
        error: the exception, caught.
        argument: what was done with the module.
        name: folder and file of the module, for an exception that happened outside the content.
    """
    file, line, said = shown(name), None, str(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        file, line, said = _typed(Path(error.filename)), error.lineno, error.msg
    else:
        folders = [folder for folder in map(_folder, _FOLDERS) if folder is not None]
        for frame in traceback.extract_tb(error.__traceback__):
            if any(Path(frame.filename).is_relative_to(folder) for folder in folders):
                file, line = _typed(Path(frame.filename)), frame.lineno
    rule = f"it fails with {type(error).__name__}: {said}"
    return InputError(argument, "", rule, "correct the module", file, line)


def checkout_root(package: Path) -> Path | None:
    """Root of the checkout that a package folder lies in, or None for an installed package.

    Args:
        package: folder of the package `dsmverify`.
    """
    root = package.parent
    needed = ("pyproject.toml", "checks/__init__.py", "derivations/__init__.py")
    return root if all((root / file).is_file() for file in needed) else None


def _names(folder: str) -> tuple[str, ...]:
    if _folder(folder) is None:
        return ()
    found = pkgutil.iter_modules(_package(folder).__path__)
    return tuple(sorted(module.name for module in found if not module.name.startswith("_")))


def _data(name: str, fields: tuple[str, ...]) -> ModuleType:
    """A module of data that a content may leave out: then it has every field, all empty."""
    if all(module.name != name for module in pkgutil.iter_modules(_package("checks").__path__)):
        empty = ModuleType(name)
        vars(empty).update(dict.fromkeys(fields, ()))
        return empty
    found = _module("checks", name)
    for field in fields:
        if not hasattr(found, field):
            rule, way_out = "the module must have it", f"write {field} = () where there is nothing"
            raise InputError(field, "", rule, way_out, shown(f"checks/{name}.py"))
    return found


def _module(folder: str, name: str) -> ModuleType:
    full = f"{_package(folder).__name__}.{name}"
    try:
        return importlib.import_module(full)
    except DsmverifyError:
        raise
    except Exception as error:
        raise failed(error, f"import of {folder}.{name}", f"{folder}/{name}.py") from error


@functools.cache
def _root() -> Path | None:
    given = os.environ.get(ENVIRONMENT)
    if not given:
        return None
    root = _checked(given, ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(root)  # absolute: a worker may start in another folder
    return root


def _checked(folder: str | os.PathLike[str], argument: str) -> Path:
    """The folder, absolute, if there is content in it."""
    root = Path(folder)
    value = show(str(folder))
    if not root.is_dir():
        way_out = "name a folder that has checks/ in it"
        raise InputError(argument, value, "there is no such folder", way_out)
    for name in _FOLDERS:
        place = root / name
        if not place.is_dir():
            if name == "derivations":
                continue  # needed only if a claim names one
            way_out = "name the folder that has checks/, with the claims, in it"
            raise InputError(argument, value, "it has no folder checks/", way_out)
        if not (place / "__init__.py").is_file():
            rule = f"{name}/ has no __init__.py, so it is no package"
            raise InputError(argument, value, rule, f"create {_typed(place)}/__init__.py, empty")
    if not (root / RECORD).is_file():
        way_out = "record there which verdict you expect of each claim; an empty file will do"
        raise InputError(argument, value, f"it has no {RECORD}", way_out)
    return root.resolve()


def _typed(path: Path) -> str:
    """A path as seen from the current folder, if it lies below."""
    with contextlib.suppress(OSError, ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)


def _folder(folder: str) -> Path | None:
    """Where a folder of the content lies; None where another content does without it."""
    root = _root()
    if root is None:
        return Path(str(_package(folder).__file__)).parent
    return root / folder if (root / folder).is_dir() else None


@functools.cache
def _package(folder: str) -> ModuleType:
    root = _root() or checkout_root(Path(__file__).resolve().parent)
    if root is None:
        return importlib.import_module(f"{INSTALLED_NAME}.{folder}")
    start = root / folder / "__init__.py"
    loaded = sys.modules.get(folder)
    if loaded is not None and loaded.__file__ and Path(loaded.__file__).resolve() == start:
        return loaded
    # Where somebody else's package has the name in this process, ours takes its installed one.
    name = folder if loaded is None else f"{INSTALLED_NAME}.{folder}"
    try:
        return _load(name, start)
    except Exception as error:
        if _root() is None:
            raise
        raise failed(error, f"import of {folder}", f"{folder}/__init__.py") from error


def _load(name: str, start: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, start, submodule_search_locations=[str(start.parent)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{start} cannot be loaded as a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # or the next one to ask would get half of it
        raise
    return module
