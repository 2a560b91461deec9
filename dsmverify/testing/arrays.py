"""Arrays of the user's kind: exact numbers to them, and their results back.

None of the libraries is required: the one that is named is imported when it is needed. Results come
back by the library's own means, by `__array__`, or by DLPack.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsmverify.errors import InputError, nearest, show
from dsmverify.testing.comparison import ResultError

__tracebackhide__ = True  # a failure shows the line of the test, not those of the kit

Floats = NDArray[np.float64]

LIBRARIES: Final = ("numpy", "torch", "jax", "cupy")
"""Kinds of arrays, by the name that `arrays=` takes."""


class Network(NamedTuple):
    """Parameters of `s(y) = (1/m) sum_l outer_l relu(inner_l y + bias_l)`, arrays `[m]`.

    A gradient has the same form; its `inner` may be None where it is not offered.
    """

    inner: Any
    bias: Any
    outer: Any


@dataclass(frozen=True)
class Format:
    """A binary floating-point format, round to nearest, ties to even, with subnormal numbers.

    Attributes:
        name: name of the dtype, the same in every library.
        digits: binary digits of the significand.
        lowest: exponent of the smallest normal number, `2^lowest`.
        highest: exponent of the largest binade, which ends below `2^(highest + 1)`.
    """

    name: str
    digits: int
    lowest: int
    highest: int

    @property
    def unit(self) -> Fraction:
        """Unit roundoff u: largest relative error of rounding a normal number."""
        return Fraction(1, 2**self.digits)

    @property
    def smallest(self) -> Fraction:
        """Smallest normal number."""
        return Fraction(1, 2**-self.lowest)

    @property
    def largest(self) -> Fraction:
        """Largest finite number."""
        return (2 - 2 * self.unit) * Fraction(2**self.highest)

    def spacing(self, value: Fraction) -> Fraction:
        """Unit in the last place at a number: the gap between its neighbours in its binade."""
        exponent = max(_exponent(abs(value)), self.lowest) if value else self.lowest
        return Fraction(2) ** (exponent - self.digits + 1)

    def round(self, value: Fraction) -> Fraction:
        """Nearest number of the format, exact. Beyond `largest` the result is beyond it too."""
        step = self.spacing(value)
        return Fraction(round(value / step)) * step

    def holds(self, value: Fraction) -> bool:
        """Whether a number is in the format."""
        return abs(value) <= self.largest and self.round(value) == value


FORMATS: Final = {
    each.name: each
    for each in (
        Format("float16", 11, -14, 15),
        Format("bfloat16", 8, -126, 127),
        Format("float32", 24, -126, 127),
        Format("float64", 53, -1022, 1023),
    )
}
"""Dtypes by name."""


def format_of(dtype: Any) -> Format:
    """Format of a dtype given by its name or as an object of any library.

    Raises:
        InputError: another dtype.
    """
    name = dtype if isinstance(dtype, str) else _dtype_name(dtype)
    if name not in FORMATS:
        guess = nearest(name, FORMATS)
        raise InputError(
            "dtype",
            show(name),
            f"it must be one of {', '.join(FORMATS)}",
            f"did you mean {guess!r}?" if guess else "choose one",
        )
    return FORMATS[name]


@dataclass(frozen=True)
class Arrays:
    """One kind of arrays in one dtype, maybe on a device.

    Attributes:
        library: `numpy`, `torch`, `jax` or `cupy`.
        format: the dtype.
        device: where arrays live, in the library's spelling; None for its default.
    """

    library: str
    format: Format
    device: Any = None

    @classmethod
    def of(cls, arrays: Any = "numpy", dtype: Any = None, device: Any = None) -> Arrays:
        """From a library's name or a prototype array, whose dtype and device are then the default.

        Raises:
            InputError: unknown library or dtype, a library that is not installed, or a float64
                that the library would cut down to float32.
        """
        library = arrays
        if not isinstance(arrays, str):
            library = _library_of(arrays)
            dtype = getattr(arrays, "dtype", None) if dtype is None else dtype
            if device is None and library == "torch":
                device = arrays.device
        if library not in LIBRARIES:
            guess = nearest(library, LIBRARIES)
            raise InputError(
                "arrays",
                show(arrays),
                f"it must be an array or one of {', '.join(LIBRARIES)}",
                f"did you mean {guess!r}?" if guess else "choose one",
            )
        made = cls(library, format_of("float64" if dtype is None else dtype), device)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what JAX cuts down is refused below
            probe = made.array(np.zeros(1))
        came = _dtype_name(probe.dtype)
        if came != made.format.name:
            way_out = "ask for dtype='float32'"
            if library == "jax":
                way_out = "call jax.config.update('jax_enable_x64', True) first, or " + way_out
            raise InputError(
                "dtype", repr(made.format.name), f"{library} makes {came} arrays here", way_out
            )
        return made

    def array(self, values: Sequence[Any] | NDArray[Any]) -> Any:
        """Array of the kind asked for, from exact numbers that the dtype holds. Same shape.

        Exact: a float64 holds each of them, and the cast to the dtype loses nothing.
        """
        host = np.asarray(values, dtype=object).astype(np.float64)
        name = self.format.name
        if self.library == "numpy":
            if name == "bfloat16":
                raise InputError(
                    "dtype", "'bfloat16'", "NumPy has no such dtype", "use torch or jax arrays"
                )
            return host.astype(name)
        module = _load(self.library)
        if self.library == "torch":
            return module.tensor(host, dtype=getattr(module, name), device=self.device)
        if self.library == "cupy":
            with module.cuda.Device(self.device):
                return module.asarray(host.astype(name))
        made = module.numpy.asarray(host, dtype=name)
        return made if self.device is None else module.device_put(made, self.device)

    def network(self, inner: Any, bias: Any, outer: Any) -> Network:
        """Parameters as arrays."""
        return Network(self.array(inner), self.array(bias), self.array(outer))

    def integers(self, values: Sequence[int]) -> Any:
        """Indices as an integer array of the kind asked for."""
        host = np.asarray(values, dtype=np.int64)
        if self.library == "numpy":
            return host
        module = _load(self.library)
        if self.library == "torch":
            return module.tensor(host, device=self.device)
        if self.library == "cupy":
            with module.cuda.Device(self.device):
                return module.asarray(host)
        # Without 64 bits switched on JAX indexes with 32; asked for them, it need not warn.
        made = module.numpy.asarray(host.astype(np.int32))
        return made if self.device is None else module.device_put(made, self.device)

    def back(self, value: Any, shape: tuple[int, ...], name: str) -> tuple[Floats, tuple[str, ...]]:
        """Numbers of a result as float64, exactly, and notes on what was let pass.

        Args:
            value: what the callable returned.
            shape: shape that it must have; () takes one number in any wrapping.
            name: what to call it.

        Raises:
            ResultError: no array of real floating-point numbers, masked entries, another shape, or
                a dtype narrower than the one asked for.
        """
        expected = (
            f"a real {self.library} array of shape {list(shape)} and dtype {self.format.name}"
        )
        if shape == ():
            expected = f"one real number, as a {self.library} scalar of dtype {self.format.name}"

        def refuse(reason: str) -> ResultError:
            return ResultError(
                f"{name}: got {_describe(value)}, expected {expected}: {reason}\n"
                f"  device asked for: {self.device if self.device is not None else 'default'}"
            )

        if value is None:
            raise refuse("the callable returned nothing")
        if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
            raise refuse("some of its entries are masked, so they are no numbers")
        came = None
        if hasattr(value, "dtype"):
            came = _dtype_name(value.dtype)
        try:
            host = to_numpy(value)
        except (TypeError, ValueError, RuntimeError, BufferError) as error:
            raise refuse(f"it cannot be read as an array ({error})") from error
        if came is None:
            is_python = isinstance(value, int | float) and not isinstance(value, bool)
            came = "float64" if is_python else _dtype_name(host.dtype)
        if host.dtype.kind == "c":
            raise refuse("complex numbers are no result; return their real part")
        if came not in FORMATS:
            raise refuse(f"dtype {came} is not one of {', '.join(FORMATS)}")
        if FORMATS[came].digits < self.format.digits or (
            FORMATS[came].highest < self.format.highest
        ):
            raise refuse(
                f"{came} is narrower than the {self.format.name} that it was given: "
                "something on the way was cast down"
            )
        if host.shape != shape and not (shape == () and host.size == 1):
            raise refuse(f"its shape is {list(host.shape)}")
        notes: tuple[str, ...] = ()
        if came != self.format.name and not isinstance(value, int | float):
            notes = (f"{name} came back in {came}; it is judged at {self.format.name}",)
        try:
            return np.asarray(host, dtype=np.float64).reshape(shape), notes
        except OverflowError:
            raise refuse("it is beyond the range of float64") from None


def require_callable(argument: str, function: object) -> None:
    """Refuse what cannot be called, before anything is enclosed for it.

    Raises:
        InputError: it is no function.
    """
    if not callable(function):
        raise InputError(
            argument, show(function), "it must be a function of yours", "give it without calling it"
        )


def _exponent(value: Fraction) -> int:
    """Largest e with `2^e <= value`, for a positive number."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if Fraction(2) ** guess <= value else guess - 1


def _dtype_name(dtype: Any) -> str:
    """`float32` for every library's float32."""
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        return dtype.__name__
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


def _library_of(array: Any) -> str:
    root = type(array).__module__.partition(".")[0]
    return {"jaxlib": "jax"}.get(root, root)


def _load(library: str) -> Any:
    try:
        module = import_module(library)
        if library == "jax":
            import_module("jax.numpy")
    except ImportError:
        raise InputError(
            "arrays",
            repr(library),
            "this library is not installed",
            f"install it (pip install {library}), or use another kind of arrays",
        ) from None
    return module


def to_numpy(value: Any) -> NDArray[Any]:
    """Any array as a NumPy array on the host; bfloat16, which NumPy lacks, as float32."""
    root = _library_of(value)
    if root == "torch" and "torch" in sys.modules:
        tensor = value.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":
            tensor = tensor.to(dtype=sys.modules["torch"].float32)
        return np.asarray(tensor.resolve_conj().resolve_neg().numpy())
    if root == "cupy":
        return np.asarray(value.get())
    if hasattr(value, "__array__") or isinstance(value, int | float | complex | list | tuple):
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    if hasattr(value, "__dlpack__"):
        read: Callable[[Any], NDArray[Any]] = np.from_dlpack
        return read(value)
    return np.asarray(value)


def _describe(value: Any) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    parts = [f"{key} {getattr(value, key)}" for key in ("dtype", "device") if hasattr(value, key)]
    if hasattr(value, "shape"):
        parts.insert(0, f"shape {list(value.shape)}")
    return f"{kind} ({', '.join(parts)})" if parts else f"{kind} {show(value)}"
