"""Adapters: what of somebody's code the conformance suite calls, and how it speaks to it.

An adapter is a module, an object or a class (instantiated without arguments) that has any of the
callables `PARTS` and, optionally, attributes that say how they are to be called:

| attribute | default | meaning |
|---|---|---|
| `arrays` | `"numpy"` | array type of what goes in: numpy, torch, jax, cupy |
| `dtype` | `"float64"` | dtype, or a sequence of dtypes: each is tried |
| `noise` | `"mu_sigma"` | whether `mu, sigma` or `time` is passed |
| `device` | `None` | of the arrays, where the array type has devices |
| `reduction` | `"mean"` | of `sgd_step` over its batch: mean or sum |
| `step_factor` | `"m"` | of `sgd_step`: `m`, the paper's, or `1` |
| `parameters` | `("outer", "bias")` | of derivatives and the eigenvalue; `sgd_step` trains them |
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, cast, get_args

from dsmverify.errors import InputError, nearest, show
from dsmverify.formulas.risk import Parameter
from dsmverify.testing.arrays import FORMATS, LIBRARIES

PARTS: Final = ("score", "risk", "gradient", "hessian", "largest_eigenvalue", "sgd_step")
"""Every callable that an adapter may have, in the order in which they are checked."""

PARAMETERS: Final[tuple[Parameter, ...]] = get_args(Parameter)

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "arrays": LIBRARIES,
    "noise": ("mu_sigma", "time"),
    "reduction": ("mean", "sum"),
    "step_factor": ("m", "1"),
}
DTYPES: Final = tuple(FORMATS)
_SHOWN = 12
_CALLABLE = "give a function, or leave it out"


@dataclass(frozen=True)
class Adapter:
    """Somebody's callables, checked for form.

    Args:
        name: how reports call it.
        functions: the callables by part, those that are offered only.
        reasons: for each part that is not offered, why.
        arrays: array type of what goes in.
        dtypes: dtypes to try, at least one.
        noise: `mu_sigma` or `time`.
        device: of the arrays; None leaves it to the array type.
        reduction: of `sgd_step` over its batch.
        step_factor: of `sgd_step`.
        parameters: groups of parameters that a gradient, a Hessian and a step run over.
    """

    name: str
    functions: Mapping[str, Callable[..., Any]]
    reasons: Mapping[str, str] = field(default_factory=dict)
    arrays: str = "numpy"
    dtypes: tuple[str, ...] = ("float64",)
    noise: Literal["mu_sigma", "time"] = "mu_sigma"
    device: str | None = None
    reduction: Literal["mean", "sum"] = "mean"
    step_factor: Literal["m", "1"] = "m"
    parameters: tuple[Parameter, ...] = ("outer", "bias")

    @property
    def offered(self) -> tuple[str, ...]:
        """Parts that are offered, in the order of `PARTS`."""
        return tuple(part for part in PARTS if part in self.functions)

    def settings(self) -> dict[str, Any]:
        """How the callables are called, for reports."""
        return {
            "arrays": self.arrays,
            "dtypes": list(self.dtypes),
            "noise": self.noise,
            "device": self.device,
            "reduction": self.reduction,
            "step_factor": self.step_factor,
            "parameters": list(self.parameters),
        }


def load(target: str, *, argument: str = "TARGET") -> Adapter:
    """The adapter that `pkg.mod:Name` names; the current directory is searched first.

    Args:
        target: `pkg.mod:Name`, or `pkg.mod` for a module that is an adapter itself.
        argument: what the target was given as, for messages.

    Raises:
        InputError: the module, or the name in it, is not there or cannot be had, or it is no
            adapter. The message names what is there instead.
    """
    place, colon, name = target.partition(":")
    parts = (*place.split("."), *(name.split(".") if colon else ()))
    if not all(part.isidentifier() for part in parts):
        raise InputError(
            argument,
            show(target),
            "it must name an adapter as module:name",
            "write pkg.mod:Name, or pkg.mod for a module with the functions in it",
        )
    found: Any = _import(place, target, argument)
    within = place
    for part in name.split(".") if colon else ():
        if not hasattr(found, part):
            raise _missing(argument, target, f"{within} has no {part!r}", part, _public(found))
        found = getattr(found, part)
        within = f"{within}.{part}"
    if inspect.isclass(found):
        try:
            found = found()
        except Exception as error:
            raise InputError(
                argument,
                show(target),
                f"making an object of the class without arguments failed ({_words(error)})",
                "give its __init__ defaults, or name an object of it instead",
            ) from error
    return describe(found, target, argument=argument)


def describe(adapter: object, name: str | None = None, *, argument: str = "adapter") -> Adapter:
    """What an adapter offers and how it wants to be called, checked.

    Args:
        adapter: a module or an object; an `Adapter` is given back as it is.
        name: how reports call it; by default its type or module.
        argument: what the adapter was given as, for messages.

    Raises:
        InputError: it has none of `PARTS`, one that cannot be called, or an attribute out of range.
    """
    if isinstance(adapter, Adapter):
        return adapter
    own = adapter.__name__ if isinstance(adapter, ModuleType) else type(adapter).__qualname__
    name = own if name is None else name
    functions: dict[str, Callable[..., Any]] = {}
    reasons: dict[str, str] = {}
    for part in PARTS:
        value = getattr(adapter, part, None)
        if callable(value):
            functions[part] = value
        elif value is not None:
            raise InputError(f"{name}.{part}", show(value), "it cannot be called", _CALLABLE)
        else:
            reasons[part] = _reason(adapter, part)
    if not functions:
        there = _listed(_public(adapter))
        raise InputError(
            argument,
            show(name),
            f"it has none of {', '.join(PARTS)}; it has {there}",
            "name one of its functions like that",
        )
    choices: dict[str, Any] = {key: _choice(adapter, name, key) for key in _CHOICES}
    parameters = _several(adapter, name, "parameters", PARAMETERS, ("outer", "bias"))
    return Adapter(
        name,
        functions,
        reasons,
        dtypes=_several(adapter, name, "dtype", DTYPES, ("float64",)),
        device=_device(adapter, name),
        parameters=cast("tuple[Parameter, ...]", parameters),
        **choices,
    )


def check_dtypes(dtypes: Iterable[str], argument: str) -> tuple[str, ...]:
    """Dtypes, if each is known; no dtype twice.

    Raises:
        InputError: none, or an unknown one.
    """
    return _known(tuple(dtypes), argument, DTYPES)


def _import(place: str, target: str, argument: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as `python -m pytest` does
    try:
        return import_module(place)
    except ModuleNotFoundError as error:
        absent = error.name or ""
        if place != absent and not place.startswith(f"{absent}."):
            raise _broken(argument, target, place, error) from error
        parent, _, last = absent.rpartition(".")
        where = parent or "the current directory"
        words = f"there is no module {absent!r} (searched first in {here})"
        raise _missing(argument, target, words, last, _modules(parent), where) from None
    except Exception as error:  # somebody's module: anything can happen in it
        raise _broken(argument, target, place, error) from error


def _broken(argument: str, target: str, place: str, error: Exception) -> InputError:
    return InputError(
        argument,
        show(target),
        f"importing {place} failed ({_words(error)})",
        f"make `python -c 'import {place}'` work first",
    )


def _modules(parent: str) -> list[str]:
    """Modules beside the one that is missing: of its package, or of the current directory."""
    if not parent:
        return sorted(found.name for found in pkgutil.iter_modules([str(Path.cwd())]))
    path = getattr(sys.modules.get(parent), "__path__", ())
    return sorted(found.name for found in pkgutil.iter_modules(path))


def _public(owner: object) -> list[str]:
    """Names in a module or of an object that can be called, its own first."""
    names = [name for name in dir(owner) if not name.startswith("_")]
    return sorted(name for name in names if callable(getattr(owner, name, None)))


def _missing(
    argument: str, target: str, words: str, name: str, there: list[str], where: str = "it"
) -> InputError:
    close = nearest(name, there)
    hint = f"did you mean {close!r}? " if close is not None else ""
    return InputError(argument, show(target), words, f"{hint}{where} has {_listed(there)}")


def _listed(names: list[str]) -> str:
    if not names:
        return "nothing that could be meant"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _reason(adapter: object, part: str) -> str:
    if hasattr(adapter, part):
        return f"`{part}` is None"
    close = nearest(part, [name for name in _public(adapter) if name not in PARTS])
    return f"no `{part}`" + (f"; did you mean it by `{close}`?" if close is not None else "")


def _choice(adapter: object, name: str, key: str) -> str:
    known = _CHOICES[key]
    value = getattr(adapter, key, known[0])
    text = str(value) if key == "step_factor" and value in (1, 1.0) else value
    if text not in known:
        raise _unknown(f"{name}.{key}", value, known)
    return str(text)


def _device(adapter: object, name: str) -> str | None:
    value = getattr(adapter, "device", None)
    if value is None or (type(value).__name__ == "device" and str(value)):
        return None if value is None else str(value)
    if not isinstance(value, str):
        raise InputError(f"{name}.device", show(value), "it must be text", "write 'cpu' or 'cuda'")
    return value


def _several(
    adapter: object, name: str, key: str, known: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    value = getattr(adapter, key, default)
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, list | tuple):
        raise _unknown(f"{name}.{key}", value, known)
    return _known(tuple(value), f"{name}.{key}", known)


def _known(values: tuple[Any, ...], argument: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise InputError(argument, "", "there is none", f"choose from {', '.join(known)}")
    for value in values:
        if value not in known:
            raise _unknown(argument, value, known)
    return tuple(dict.fromkeys(values))


def _unknown(argument: str, value: object, known: tuple[str, ...]) -> InputError:
    close = nearest(value, known) if isinstance(value, str) else None
    hint = f"did you mean {close!r}? " if close is not None else ""
    return InputError(
        argument, show(value), f"it must be one of {', '.join(known)}", f"{hint}choose one"
    )
