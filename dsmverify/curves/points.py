"""Points of learning curves, exact: what claims about random features are tried on.

Numbers are `Fraction`: text is exact, a float is the double that it denotes. The JSON form is

    {"activation": "relu", "psi_n": 4, "psi_p": 2, "time": "0.1", "ridge": "0.01",
     "noise_samples": 1}

where `noise_samples` is m, a positive integer or `"inf"`, and `ridge` is positive, or `"0+"` for
the limit of vanishing ridge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from dsmverify.errors import InputError, nearest, show
from dsmverify.exact import ExactInput, nearest_decimal, parse_exact, spell
from dsmverify.instance import Instance, parse_json

if TYPE_CHECKING:
    from dsmverify.curves.facts import CurveFacts
    from dsmverify.formulas.curve_case import CurveCase

KEYS: Final = ("activation", "psi_n", "psi_p", "time", "ridge", "noise_samples")

LIMIT: Final = "0+"
"""How the limit of vanishing ridge is spelled."""

INFINITE: Final = "inf"
"""How infinitely many noise samples are spelled."""

_LONGEST_TEXT: Final = 40


@dataclass(frozen=True)
class CurvePoint:
    """A point of the learning curves of score matching with random features.

    Args:
        name: how reports call it.
        activation: name of an activation.
        psi_n: n/d, positive.
        psi_p: p/d, positive.
        time: diffusion time t, positive.
        ridge: lam, positive; 0 stands for the limit of vanishing ridge.
        noise_samples: m, a positive integer, or infinity.

    Source: random-features.md, sections 1 and 4.
    """

    name: str
    activation: str
    psi_n: Fraction
    psi_p: Fraction
    time: Fraction
    ridge: Fraction
    noise_samples: int | float

    kind: ClassVar[Literal["curve"]] = "curve"
    size: ClassVar[int] = 0
    merged: ClassVar[int] = 0
    notes: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: an unknown activation, or a number out of range.
        """
        from dsmverify.curves.activations import activation_named

        activation_named(self.activation)
        for name in ("psi_n", "psi_p", "time"):
            value = getattr(self, name)
            if value <= 0:
                raise InputError(name, _short(value), "it must be positive", f"give {name} > 0")
        if self.ridge < 0:
            way_out = f'give ridge > 0, or "{LIMIT}" for the limit of vanishing ridge'
            raise InputError("ridge", _short(self.ridge), "it must be positive", way_out)
        samples = self.noise_samples
        if samples != math.inf and (not isinstance(samples, int) or samples < 1):
            rule = "it must be a positive integer or infinity"
            way_out = f'give an integer >= 1, or "{INFINITE}"'
            raise InputError("noise_samples", show(samples), rule, way_out)
        if self.ridge == 0 and self.rank_gap == 0:
            rule = "at p = n m the errors grow without bound as the ridge vanishes"
            raise InputError("ridge", LIMIT, rule, "give ridge > 0, or another psi_p")

    @property
    def inverse_copies(self) -> Fraction:
        """1/m; 0 for infinitely many noise samples."""
        samples = self.noise_samples
        return Fraction(1, samples) if isinstance(samples, int) else Fraction(0)

    @property
    def is_linear(self) -> bool:
        """Whether the features are linear, so that their rank is d at most."""
        return self.activation == "linear"

    @property
    def rank_gap(self) -> Fraction:
        """Rank of the features less n m, per dimension; -1 for infinitely many noise samples."""
        rank = min(self.psi_p, Fraction(1)) if self.is_linear else self.psi_p
        samples = self.noise_samples
        return rank - self.psi_n * samples if isinstance(samples, int) else Fraction(-1)

    @property
    def is_saturated(self) -> bool:
        """Whether it is the limit for linear features that are no fewer than the dimensions."""
        return self.ridge == 0 and self.is_linear and self.psi_p >= 1

    @classmethod
    def from_json(
        cls,
        source: str | bytes | Mapping[str, Any],
        *,
        name: str = "point",
        file: str | None = None,
    ) -> Self:
        """Point from the JSON form, as text or already parsed.

        Raises:
            InputError: not JSON, unknown or missing keys, or bad values.

        Example:
            >>> CurvePoint.from_json({"activation": "erf", "psi_n": 4, "psi_p": "2", "time": "0.1",
            ...                       "ridge": "0+", "noise_samples": "inf"}).inverse_copies
            Fraction(0, 1)
        """
        try:
            data = parse_json(source) if isinstance(source, str | bytes) else source
            if not isinstance(data, Mapping):
                way_out = 'write {"activation": ..., ...}'
                raise InputError("point", show(data), "it must be a JSON object", way_out)
            return cls(name=name, **_values(data))
        except InputError as error:
            raise error.located(file) from error.__cause__

    def to_json(self) -> dict[str, Any]:
        """The JSON form: numbers as exact strings; the name is not part of it."""
        samples = self.noise_samples
        return {
            "activation": self.activation,
            "psi_n": spell(self.psi_n),
            "psi_p": spell(self.psi_p),
            "time": spell(self.time),
            "ridge": spell(self.ridge) if self.ridge else LIMIT,
            "noise_samples": INFINITE if samples == math.inf else samples,
        }

    def facts(self) -> CurveFacts:
        """Certified values of this point, at the working precision of whoever asks for them."""
        from dsmverify.curves.facts import CurveFacts

        return CurveFacts(self)

    def rational_case(self) -> CurveCase[Any]:
        """This point as the sides of a claim see it, in rational numbers as far as it has them."""
        from dsmverify.curves.facts import rational_case

        return rational_case(self)


def is_curve_point(source: object) -> bool:
    """Whether the parsed JSON of an instance file is about a point of a learning curve."""
    return (
        isinstance(source, Mapping) and "x" not in source and any(key in source for key in KEYS[:3])
    )


def instance_from_json(
    source: str | bytes | Mapping[str, Any],
    *,
    name: str = "instance",
    file: str | None = None,
    drop_ties: bool = False,
) -> Instance | CurvePoint:
    """A sample or a point of a learning curve, whichever the JSON form is that of.

    Raises:
        InputError: as `Instance.from_json` and `CurvePoint.from_json`.
    """
    try:
        data = parse_json(source) if isinstance(source, str | bytes) else source
    except InputError as error:
        raise error.located(file) from error.__cause__
    if is_curve_point(data):
        return CurvePoint.from_json(data, name=name, file=file)
    return Instance.from_json(data, name=name, file=file, drop_ties=drop_ties)


def _values(data: Mapping[str, Any]) -> dict[str, Any]:
    for key in data:
        if key not in KEYS:
            close = nearest(str(key), KEYS)
            hint = "" if close is None else f"did you mean {close!r}? "
            way_out = f"{hint}the keys are {', '.join(KEYS)}"
            raise InputError(str(key), show(data[key]), "this key is unknown", way_out)
    for key in KEYS:
        if key not in data:
            raise InputError(key, "", "it is missing", f"give {', '.join(KEYS)}")
    if not isinstance(data["activation"], str):
        rule = "it must be the name of an activation"
        raise InputError("activation", show(data["activation"]), rule, 'write "relu", say')
    values: dict[str, Any] = {"activation": data["activation"]}
    for key in ("psi_n", "psi_p", "time"):
        values[key] = parse_exact(data[key], field=key)
    return values | {
        "ridge": _ridge(data["ridge"]),
        "noise_samples": _samples(data["noise_samples"]),
    }


def _ridge(value: ExactInput | Any) -> Fraction:
    if value == LIMIT:
        return Fraction(0)
    ridge = parse_exact(value, field="ridge")
    if ridge <= 0:
        way_out = f'give ridge > 0, or "{LIMIT}" for the limit of vanishing ridge'
        raise InputError("ridge", show(value), "it must be positive", way_out)
    return ridge


def _samples(value: Any) -> int | float:
    if value in (INFINITE, math.inf):
        return math.inf
    number = None if isinstance(value, bool) else parse_exact(value, field="noise_samples")
    if number is None or number.denominator != 1 or number < 1:
        rule = "it must be a positive integer or infinity"
        way_out = f'give an integer >= 1, or "{INFINITE}"'
        raise InputError("noise_samples", show(value), rule, way_out)
    return int(number)


def _short(value: Fraction) -> str:
    text = spell(value)
    return text if len(text) <= _LONGEST_TEXT else f"about {nearest_decimal(value, 17)}"
