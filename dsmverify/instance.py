"""Instances: a sample with its noise level, and what may come with it, all exact.

Numbers are `Fraction` throughout: text is exact, a float is the double that it denotes. The JSON
form is

    {"x": [...], "mu": ..., "sigma": ..., "learning_rate": ..., "network": {"inner_weights": [...],
     "biases": [...], "outer_weights": [...], "bound": A}, "at": [y, ...],
     "batch": {"size": ..., "reduction": ..., "replacement": ...}, "parameters": {...}}

where `"time": t` may stand for `mu` and `sigma`, `sigma` alone means `mu = sqrt(1 - sigma^2)`, and
everything but `x` and the noise level may be left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Literal,
    Protocol,
    Self,
    TypeVar,
    get_args,
)

import numpy as np

from dsmverify.errors import InputError, MissingExtraError, nearest, show
from dsmverify.exact import ExactInput, WrittenFloat, nearest_decimal, parse_exact, spell

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from dsmverify.numbers import Numbers, Scalar

N = TypeVar("N", bound="Scalar")

Reduction = Literal["sum", "mean"]
OutputFactor = Literal["mean", "sum"]

NUMBER_PARAMETERS: Final = ("A", "beta", "gamma", "delta", "t", "y")
"""Parameters that are one rational number."""

INTEGER_PARAMETERS: Final = ("k", "i", "j", "l")
"""Parameters that are one positive integer."""

LIST_PARAMETERS: Final = ("f",)
"""Parameters that are a list of rational numbers."""

PARAMETERS: Final = (*INTEGER_PARAMETERS, *NUMBER_PARAMETERS, *LIST_PARAMETERS)
"""Every key of `parameters`."""

_KEYS: Final = (
    "x", "mu", "sigma", "time", "learning_rate", "network", "at", "batch", "parameters",
)  # fmt: skip
_NETWORK_KEYS: Final = ("inner_weights", "biases", "outer_weights", "bound")
_BATCH_KEYS: Final = ("size", "reduction", "replacement")
_NOISE_WAY_OUT: Final = (
    "give sigma (then mu = sqrt(1 - sigma^2)), mu and sigma, or time "
    "(--sigma, --mu with --sigma, or --time)"
)


@dataclass(frozen=True)
class NoiseLevel:
    """Signal factor `mu` and noise level `sigma`, both in (0, 1), in one of three spellings.

    `sigma` alone means `mu = sqrt(1 - sigma^2)`; `mu` and `sigma` are taken as they are; `time`
    means `mu = exp(-t)` and `sigma = sqrt(1 - exp(-2 t))`.

    Source: section 5 (the setting).
    """

    sigma: Fraction | None = None
    mu: Fraction | None = None
    time: Fraction | None = None

    def __post_init__(self) -> None:
        """Check the spelling and the ranges.

        Raises:
            InputError: none or several spellings, `mu` alone, or a value out of range.
        """
        if self.time is not None:
            for name in ("mu", "sigma"):
                if (value := getattr(self, name)) is not None:
                    raise InputError(
                        f"time and {name}",
                        f"time = {_short(self.time)} and {name} = {_short(value)}",
                        "time already fixes mu and sigma",
                        f"give either time or {name} (--time or --{name}), not both",
                    )
            if self.time <= 0:
                raise InputError(
                    "time", _short(self.time), "it must be positive", "give a time t > 0"
                )
            return
        if self.sigma is None:
            if self.mu is None:
                raise InputError("noise level", "", "there is none", _NOISE_WAY_OUT)
            raise InputError(
                "mu", _short(self.mu), "mu alone does not fix the noise level", _NOISE_WAY_OUT
            )
        for name in ("sigma", "mu"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise InputError(
                    name,
                    _short(value),
                    "it must lie strictly between 0 and 1",
                    f"give {name} in (0, 1), a time t > 0 instead, or rescale the data",
                )

    @classmethod
    def of(
        cls,
        *,
        mu: ExactInput | None = None,
        sigma: ExactInput | None = None,
        time: ExactInput | None = None,
    ) -> Self:
        """Noise level from numbers in any accepted form.

        Raises:
            InputError: a value is not a number, or as in `__post_init__`.
        """
        given = {"mu": mu, "sigma": sigma, "time": time}
        return cls(**{k: parse_exact(v, field=k) for k, v in given.items() if v is not None})

    @property
    def rational_mu(self) -> Fraction | None:
        """`mu` where it is known to be rational, exact; None otherwise."""
        if self.mu is not None or self.sigma is None:
            return self.mu
        return _rational_root(1 - self.sigma**2)

    def values(self, ns: Numbers[N]) -> tuple[N, N]:
        """The pair `(mu, sigma)` in a number system, without cancellation."""
        if self.time is not None:
            time = ns.constant(self.time)
            return ns.exp(-time), ns.root(-ns.expm1(-2 * time), 2)
        assert self.sigma is not None  # __post_init__
        sigma = ns.constant(self.sigma)
        if self.mu is not None:
            return ns.constant(self.mu), sigma
        mu = self.rational_mu
        if mu is not None:
            return ns.constant(mu), sigma
        return ns.root(ns.constant((1 - self.sigma) * (1 + self.sigma)), 2), sigma

    def to_json(self) -> dict[str, str]:
        """The keys of an instance file that spell this noise level."""
        given = (("mu", self.mu), ("sigma", self.sigma), ("time", self.time))
        return {key: spell(value) for key, value in given if value is not None}


@dataclass(frozen=True)
class NetworkData:
    """Two-layer ReLU network `s(y) = (1/m) sum_l w2_l max(0, w1_l y + b_l)`, exact.

    Args:
        inner_weights: `w1`, non-zero.
        biases: `b`.
        outer_weights: `w2`, at most `bound` in absolute value.
        bound: `A`; None stands for `C_n / sigma^6`, and the outer weights are then compared with it
            when claims are evaluated.
    """

    inner_weights: tuple[Fraction, ...]
    biases: tuple[Fraction, ...]
    outer_weights: tuple[Fraction, ...]
    bound: Fraction | None = None

    def __post_init__(self) -> None:
        """Check lengths, inner weights and the bound.

        Raises:
            InputError: lengths differ or are 0, an inner weight is 0, an outer weight is too large.
        """
        lengths = {name: len(getattr(self, name)) for name in _NETWORK_KEYS[:3]}
        if len(set(lengths.values())) > 1:
            raise InputError(
                "network",
                ", ".join(f"{length} {name}" for name, length in lengths.items()),
                "each neuron has one inner weight, one bias and one outer weight",
                "give three lists of the same length",
            )
        if self.width == 0:
            raise InputError(
                "network", "0 neurons", "it must have at least one", "leave the network out"
            )
        for index, weight in enumerate(self.inner_weights):
            if weight == 0:
                raise InputError(
                    f"network.inner_weights[{index}]",
                    "0",
                    "an inner weight must not be 0 (such a neuron has no kink)",
                    "remove the neuron",
                )
        if self.bound is None:
            return
        if self.bound <= 0:
            raise InputError(
                "network.bound",
                _short(self.bound),
                "it must be positive",
                "give A > 0, or leave it out for C_n/sigma^6",
            )
        for index, weight in enumerate(self.outer_weights):
            if abs(weight) > self.bound:
                raise InputError(
                    f"network.outer_weights[{index}]",
                    _short(weight),
                    f"its absolute value must not exceed the bound A = {_short(self.bound)}",
                    "raise network.bound, or leave it out for C_n/sigma^6",
                )

    @property
    def width(self) -> int:
        """Number of neurons, `m`."""
        return len(self.inner_weights)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, output_factor: OutputFactor = "mean") -> Self:
        """Network from lists of numbers under the names of the fields.

        Args:
            data: `inner_weights`, `biases`, `outer_weights` and, optionally, `bound`.
            output_factor: `"mean"` where the network divides its output by the width (the paper's
                convention); `"sum"` where it does not: outer weights are multiplied by the width.

        Raises:
            InputError: unknown or missing keys, entries that are not numbers, or as in
                `__post_init__`.
        """
        _check_keys(data, _NETWORK_KEYS, "network")
        for key in _NETWORK_KEYS[:3]:
            if key not in data:
                raise InputError(
                    f"network.{key}",
                    "",
                    "it is missing",
                    "give inner_weights, biases and outer_weights",
                )
        lists = {key: _numbers(data[key], f"network.{key}") for key in _NETWORK_KEYS[:3]}
        bound = data.get("bound")
        if _checked_factor(output_factor) == "sum":
            width = len(lists["outer_weights"])
            lists["outer_weights"] = tuple(weight * width for weight in lists["outer_weights"])
        return cls(
            **lists, bound=None if bound is None else parse_exact(bound, field="network.bound")
        )

    def to_json(self) -> dict[str, Any]:
        """The value of `network` in an instance file."""
        result: dict[str, Any] = {
            key: [spell(value) for value in getattr(self, key)] for key in _NETWORK_KEYS[:3]
        }
        if self.bound is not None:
            result["bound"] = spell(self.bound)
        return result


@dataclass(frozen=True)
class Batch:
    """How a mini-batch is drawn.

    Args:
        size: points in a batch.
        reduction: `"sum"` as printed, or `"mean"`, over the batch.
        replacement: whether points are drawn with replacement.
    """

    size: int = 1
    reduction: Reduction = "sum"
    replacement: bool = False

    def __post_init__(self) -> None:
        """Check types and ranges.

        Raises:
            InputError: a field is out of range.
        """
        object.__setattr__(self, "size", _positive_integer(self.size, "batch.size"))
        if self.reduction not in get_args(Reduction):
            raise InputError(
                "batch.reduction",
                show(self.reduction),
                "the batch's terms are either summed or averaged",
                "give 'sum' or 'mean'",
            )
        if not isinstance(self.replacement, bool):
            raise InputError(
                "batch.replacement",
                show(self.replacement),
                "it is a yes or no",
                "give true or false",
            )

    def to_json(self) -> dict[str, Any]:
        """The value of `batch` in an instance file."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


class Tried(Protocol):
    """What claims are tried on: a sample, or a point of a learning curve."""

    @property
    def kind(self) -> Literal["sample", "curve"]:
        """Which of the two; a claim is tried on one kind only."""
        ...

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    @property
    def size(self) -> int:
        """Number of points of a sample; 0 for anything else."""
        ...

    @property
    def merged(self) -> int:
        """How many tied points were dropped when the data were read."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the data when they were read."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What single claims need."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The JSON form, exact."""
        ...


@dataclass(frozen=True)
class Instance:
    """A sample, its noise level and what may come with it.

    Args:
        name: how reports call it.
        points: `[n]`, strictly increasing, at least 2.
        noise: noise level.
        network: two-layer ReLU network.
        learning_rate: `eta > 0`.
        at: noised points at which functions are evaluated; () leaves the choice to `evaluate`.
        batch: how mini-batches are drawn.
        parameters: what single claims need; the keys are `PARAMETERS`.
        merged: how many tied points were dropped when the data were read.
        notes: what was done to the data when they were read.
    """

    name: str
    points: tuple[Fraction, ...]
    noise: NoiseLevel
    network: NetworkData | None = None
    learning_rate: Fraction | None = None
    at: tuple[Fraction, ...] = ()
    batch: Batch | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    merged: int = 0
    notes: tuple[str, ...] = ()

    kind: ClassVar[Literal["sample"]] = "sample"

    def __post_init__(self) -> None:
        """Check the sample and everything whose range depends on it.

        Raises:
            InputError: fewer than 2 points, points not strictly increasing, a learning rate that is
                not positive, a batch larger than the sample, or an unknown or bad parameter.
        """
        _check_size(len(self.points))
        for index, (left, right) in enumerate(zip(self.points, self.points[1:], strict=False)):
            if left == right:
                raise _tie(index, index + 1, left)
            if left > right:
                raise InputError(
                    "sample",
                    f"x[{index}] = {_short(left)} > x[{index + 1}] = {_short(right)}",
                    "points must be sorted",
                    "sort them, or use Instance.from_numpy, which does",
                )
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise InputError(
                "learning_rate",
                _short(self.learning_rate),
                "it must be positive",
                "give eta > 0 (--learning-rate), or leave it out",
            )
        if self.batch and not self.batch.replacement and self.batch.size > self.size:
            raise InputError(
                "batch.size",
                str(self.batch.size),
                f"a batch drawn without replacement has at most {self.size} points, as the sample",
                "give a smaller size, or replacement: true",
            )
        object.__setattr__(self, "parameters", _parameters(self.parameters, self.size))

    @property
    def size(self) -> int:
        """Number of points, `n`."""
        return len(self.points)

    @property
    def spacing(self) -> Fraction:
        """Smallest gap between points, `Delta`, exact."""
        return min(b - a for a, b in zip(self.points, self.points[1:], strict=False))

    @classmethod
    def from_json(
        cls,
        source: str | bytes | Mapping[str, Any],
        *,
        name: str = "instance",
        file: str | None = None,
        drop_ties: bool = False,
    ) -> Self:
        """Instance from the JSON form, as text or already parsed.

        Args:
            source: JSON text, or the mapping that it stands for.
            name: how reports call it.
            file: file that the text came from, used in messages.
            drop_ties: keep one of each group of equal points.

        Raises:
            InputError: not JSON, unknown keys, missing keys or bad values.

        Example:
            >>> Instance.from_json('{"x": ["0.1", 2], "sigma": "1/3"}').points
            (Fraction(1, 10), Fraction(2, 1))
        """
        try:
            data = parse_json(source) if isinstance(source, str | bytes) else source
            if not isinstance(data, Mapping):
                raise InputError(
                    "instance", show(data), "it must be a JSON object", 'write {"x": [...], ...}'
                )
            _check_keys(data, _KEYS, "")
            if "x" not in data:
                raise InputError(
                    "x", "", "an instance needs its sample", 'add "x": [x_1, x_2, ...]'
                )
            network = data.get("network")
            if network is not None:
                network = NetworkData.from_mapping(_object(network, "network"))
            batch = data.get("batch")
            if batch is not None:
                _check_keys(_object(batch, "batch"), _BATCH_KEYS, "batch")
                batch = Batch(**batch)
            parameters = data.get("parameters")
            return cls._of(
                _numbers(data["x"], "x"),
                noise=NoiseLevel.of(**{k: data.get(k) for k in ("mu", "sigma", "time")}),
                name=name,
                drop_ties=drop_ties,
                network=network,
                learning_rate=_optional(data.get("learning_rate"), "learning_rate"),
                at=() if data.get("at") is None else _numbers(data["at"], "at"),
                batch=batch,
                parameters={} if parameters is None else _object(parameters, "parameters"),
            )
        except InputError as error:
            raise error.located(file) from error.__cause__

    @classmethod
    def from_numpy(
        cls,
        x: ArrayLike | Sequence[ExactInput],
        *,
        mu: ExactInput | None = None,
        sigma: ExactInput | None = None,
        time: ExactInput | None = None,
        name: str = "sample",
        network: NetworkData | Mapping[str, Any] | None = None,
        learning_rate: ExactInput | None = None,
        at: Iterable[ExactInput] = (),
        batch: Batch | None = None,
        parameters: Mapping[str, Any] | None = None,
        drop_ties: bool = False,
    ) -> Self:
        """Instance from an array of points; floats are the doubles that they denote.

        Args:
            x: `[n]`, real numbers in any order.
            mu: signal factor, with `sigma`.
            sigma: noise level; alone it means `mu = sqrt(1 - sigma^2)`.
            time: diffusion time, instead of `mu` and `sigma`.
            name: how reports call it.
            network: network, or a mapping of its fields.
            learning_rate: `eta`.
            at: noised points at which functions are evaluated.
            batch: how mini-batches are drawn.
            parameters: what single claims need.
            drop_ties: keep one of each group of equal points.

        Raises:
            InputError: as in the class, or an entry that is not a finite number.
        """
        if isinstance(network, Mapping):
            network = NetworkData.from_mapping(network)
        return cls._of(
            array_numbers(x, "x"),
            noise=NoiseLevel.of(mu=mu, sigma=sigma, time=time),
            name=name,
            drop_ties=drop_ties,
            network=network,
            learning_rate=_optional(learning_rate, "learning_rate"),
            at=_numbers(list(at), "at"),
            batch=batch,
            parameters=parameters or {},
        )

    @classmethod
    def from_torch(
        cls,
        module: Any,
        x: ArrayLike | Sequence[ExactInput],
        *,
        output_factor: OutputFactor | None = None,
        bound: ExactInput | None = None,
        **options: Any,
    ) -> Self:
        """Instance from a torch network and an array of points.

        Args:
            module: `nn.Sequential(Linear(1, m), ReLU(), Linear(m, 1, bias=False))`, or any object
                with the fields `inner_weights`, `biases` and `outer_weights`.
            x: `[n]`, real numbers in any order; a tensor will do.
            output_factor: `"sum"` where the outer layer sums, so that outer weights are multiplied
                by m (the paper's networks divide by m); `"mean"` where the module's output is
                divided by m elsewhere. By default `"sum"` for a `Sequential`, `"mean"` for an
                object with fields.
            bound: `A`; None stands for `C_n / sigma^6`.
            **options: as in `from_numpy`, except `network`.

        Raises:
            MissingExtraError: torch is not installed.
            InputError: another module, or as in `from_numpy`.
        """
        if "network" in options:
            raise InputError(
                "network", "", "the module is the network already", "leave the argument out"
            )
        network = network_from_module(module, output_factor=output_factor, bound=bound)
        return cls.from_numpy(x, network=network, **options)

    @classmethod
    def _of(cls, points: Sequence[Fraction], *, drop_ties: bool, **rest: Any) -> Self:
        ordered, merged, notes = order_points(points, drop_ties=drop_ties)
        return cls(points=ordered, merged=merged, notes=notes, **rest)

    def to_json(self) -> dict[str, Any]:
        """The JSON form: numbers as exact strings, optional fields only where they are set.

        The name, `merged` and the notes are not part of it.
        """
        result: dict[str, Any] = {"x": [spell(point) for point in self.points]}
        result |= self.noise.to_json()
        if self.learning_rate is not None:
            result["learning_rate"] = spell(self.learning_rate)
        if self.network is not None:
            result["network"] = self.network.to_json()
        if self.at:
            result["at"] = [spell(point) for point in self.at]
        if self.batch is not None:
            result["batch"] = self.batch.to_json()
        if self.parameters:
            result["parameters"] = {k: _spelled(v) for k, v in self.parameters.items()}
        return result


def order_points(
    points: Sequence[Fraction], *, drop_ties: bool, places: Sequence[str] | None = None
) -> tuple[tuple[Fraction, ...], int, tuple[str, ...]]:
    """Sorted points, how many ties were dropped, and notes on what was done.

    Args:
        points: in any order.
        drop_ties: keep one of each group of equal points.
        places: what to call each point in messages; `x[0]`, `x[1]`, ... by default.

    Raises:
        InputError: fewer than 2 points, or ties that may not be dropped.
    """
    _check_size(len(points))
    order = sorted(range(len(points)), key=points.__getitem__)
    notes: tuple[str, ...] = () if order == list(range(len(points))) else ("points were sorted",)
    kept: list[int] = []
    for index in order:
        if kept and points[kept[-1]] == points[index]:
            if not drop_ties:
                raise _tie(kept[-1], index, points[index], places)
            continue
        kept.append(index)
    merged = len(points) - len(kept)
    if merged:
        notes += (f"{merged} tied points were dropped",)
        if len(kept) == 1:
            raise InputError(
                "sample",
                f"all {len(points)} points equal {_short(points[0])}",
                "at least 2 distinct points are needed",
                "give a sample with different values",
            )
    return tuple(points[index] for index in kept), merged, notes


def array_numbers(x: object, name: str) -> tuple[Fraction, ...]:
    """Exact entries of a one-dimensional array of real numbers.

    Raises:
        InputError: another shape, entries that are not real numbers, NaN or infinities.
    """
    if hasattr(x, "detach"):
        x = _tensor_list(x, name)
    if isinstance(x, str | bytes | Mapping):
        raise InputError(name, show(x), "it must be a list of numbers", "give an array or a list")
    if not isinstance(x, np.ndarray):
        try:
            x = list(x)  # type: ignore[call-overload]
        except TypeError:
            raise InputError(
                name, show(x), "it must be a list of numbers", "give an array or a list"
            ) from None
        return _numbers(x, name)
    if x.ndim != 1:
        raise InputError(
            name,
            f"an array of shape {x.shape}",
            "a sample is one-dimensional",
            "pick one column, or flatten it with .ravel()",
        )
    if x.dtype.kind not in "iufO":
        raise InputError(
            name,
            f"an array of dtype {x.dtype}",
            "a sample consists of real numbers",
            "convert it with .astype(float)",
        )
    return _numbers(list(x), name)


def network_from_module(
    module: Any, *, output_factor: OutputFactor | None = None, bound: ExactInput | None = None
) -> NetworkData:
    """Network data of a torch module; the arguments are those of `Instance.from_torch`.

    Raises:
        MissingExtraError: torch is not installed.
        InputError: a module of another kind, or weights that are not finite.
    """
    names = _NETWORK_KEYS[:3]
    if all(hasattr(module, name) for name in names):
        data: dict[str, Any] = {name: _flat(getattr(module, name), name) for name in names}
        factor: OutputFactor = output_factor or "mean"
    else:
        try:
            from torch import nn
        except ImportError:
            raise MissingExtraError("torch", "torch", "a network given as a torch module") from None
        if not isinstance(module, nn.Sequential):
            raise _other_module(f"a {type(module).__name__}")
        if [type(layer) for layer in module] != [nn.Linear, nn.ReLU, nn.Linear]:
            layers = ", ".join(type(layer).__name__ for layer in module)
            raise _other_module(f"a Sequential of {layers or 'nothing'}")
        inner, _, outer = module
        if inner.in_features != 1 or outer.out_features != 1:
            raise _other_module(f"a network from R^{inner.in_features} to R^{outer.out_features}")
        if outer.in_features != inner.out_features:
            raise _other_module(
                f"an inner layer of width {inner.out_features} before one of {outer.in_features}"
            )
        if outer.bias is not None:
            raise _other_module("an outer layer with a bias")
        width = inner.out_features
        data = {
            "inner_weights": _flat(inner.weight, "module[0].weight"),
            "biases": [0] * width if inner.bias is None else _flat(inner.bias, "module[0].bias"),
            "outer_weights": _flat(outer.weight, "module[2].weight"),
        }
        factor = output_factor or "sum"
    return NetworkData.from_mapping(data | {"bound": bound}, output_factor=factor)


def parse_json(text: str | bytes) -> Any:
    """JSON value in which integers are exact and other numbers remember how they were written.

    Raises:
        InputError: not UTF-8, not JSON (with the line), a key given twice, or nested too deeply.
    """
    if isinstance(text, bytes):
        text = decode(text)
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_float=WrittenFloat,
            parse_int=_written_integer,
            parse_constant=float,
            object_pairs_hook=_unique_keys,
        )
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        near = lines[error.lineno - 1].strip() if error.lineno <= len(lines) else ""
        raise InputError(
            "JSON",
            show(near),
            f"there is a syntax error at column {error.colno} ({error.msg})",
            "correct the line",
            line=error.lineno,
        ) from None
    except RecursionError:
        raise InputError(
            "JSON", "", "the text is nested too deeply", "write an instance object"
        ) from None


def decode(data: bytes) -> str:
    """Text of UTF-8 bytes, with or without a byte order mark.

    Raises:
        InputError: the bytes are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "text",
            f"byte {data[error.start]:#04x}",
            "the file must be text in UTF-8",
            "save it as UTF-8",
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


def _written_integer(text: str) -> int | str:
    # A long integer goes on as text, so that its field refuses it before it is built.
    return int(text) if len(text) <= 500 else text


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise InputError(key, show(value), "the key is given twice", "keep one of them")
        result[key] = value
    return result


def _check_size(size: int) -> None:
    if size < 2:
        raise InputError(
            "sample",
            "no points" if size == 0 else "1 point",
            "at least 2 points are needed",
            "give a sample with 2 or more distinct values",
        )


def _tie(
    first: int, second: int, value: Fraction, places: Sequence[str] | None = None
) -> InputError:
    left, right = sorted((first, second))
    names = (f"x[{left}]", f"x[{right}]") if places is None else (places[left], places[right])
    return InputError(
        "sample",
        f"{names[0]} == {names[1]} == {_short(value)}",
        "the minimum spacing must be positive (section 5)",
        "pass --drop-ties (in Python drop_ties=True) to keep one of each",
    )


def _check_keys(data: Mapping[str, Any], known: Sequence[str], inside: str) -> None:
    for key in data:
        if key not in known:
            meant = nearest(str(key), known)
            hint = f"did you mean {meant!r}? " if meant is not None else ""
            name = f"{inside}.{key}" if inside else str(key)
            raise InputError(
                name,
                show(data[key]),
                "this key is unknown",
                f"{hint}the keys{' of ' + inside if inside else ''} are {', '.join(known)}",
            )


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(name, show(value), "it must be a JSON object", 'write {"key": value, ...}')
    return value


def _numbers(values: Any, name: str) -> tuple[Fraction, ...]:
    if not isinstance(values, list | tuple):
        raise InputError(name, show(values), "it must be a list of numbers", "write [1, 2.5, ...]")
    return tuple(parse_exact(v, field=f"{name}[{i}]") for i, v in enumerate(values))


def _optional(value: Any, name: str) -> Fraction | None:
    return None if value is None else parse_exact(value, field=name)


def _positive_integer(value: Any, name: str) -> int:
    number = value if isinstance(value, bool) else parse_exact(value, field=name)
    if isinstance(number, bool) or number.denominator != 1 or number < 1:
        raise InputError(
            name,
            show(value),
            "it must be a positive integer",
            f"give {name.rpartition('.')[2]} >= 1",
        )
    return int(number)


def _parameters(given: Mapping[str, Any], size: int) -> dict[str, Any]:
    _check_keys(given, PARAMETERS, "parameters")
    result: dict[str, Any] = {}
    for key, value in given.items():
        name = f"parameters.{key}"
        if key in INTEGER_PARAMETERS:
            result[key] = _positive_integer(value, name)
        elif key in LIST_PARAMETERS:
            result[key] = _numbers(value, name)
        else:
            result[key] = parse_exact(value, field=name)
    for key in ("i", "j"):
        if result.get(key, 1) > size:
            raise InputError(
                f"parameters.{key}",
                str(result[key]),
                f"the sample has {size} points",
                f"give an index between 1 and {size}",
            )
    return result


def _spelled(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_spelled(entry) for entry in value]
    return spell(value) if isinstance(value, Fraction) else value


def _short(value: Fraction) -> str:
    text = spell(value)
    if len(text) <= 40:
        return text
    return f"about {nearest_decimal(value, 17)}"


def _rational_root(value: Fraction) -> Fraction | None:
    numerator, denominator = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = numerator**2 == value.numerator and denominator**2 == value.denominator
    return Fraction(numerator, denominator) if exact else None


def _checked_factor(output_factor: str) -> str:
    if output_factor not in get_args(OutputFactor):
        raise InputError(
            "output_factor",
            show(output_factor),
            "the module either divides its output by the width or not",
            "give 'mean' where it does, 'sum' where it does not",
        )
    return output_factor


def _other_module(found: str) -> InputError:
    return InputError(
        "module",
        found,
        "only two-layer ReLU networks from R to R without an outer bias are read",
        "give nn.Sequential(Linear(1, m), ReLU(), Linear(m, 1, bias=False)), or an object with the "
        "fields inner_weights, biases and outer_weights",
    )


def _flat(values: Any, name: str) -> list[Any]:
    if hasattr(values, "detach"):
        values = _tensor_list(values.reshape(-1), name)
    return list(np.ravel(values) if isinstance(values, np.ndarray) else values)


def _tensor_list(tensor: Any, name: str) -> Any:
    if tensor.dim() != 1:
        raise InputError(
            name,
            f"a tensor of shape {tuple(tensor.shape)}",
            "it must be one-dimensional",
            "pick one column, or flatten it with .reshape(-1)",
        )
    if tensor.is_complex():
        raise InputError(
            name, f"a tensor of dtype {tensor.dtype}", "it must be real", "take the real part"
        )
    return tensor.detach().cpu().tolist()
