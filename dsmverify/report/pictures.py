"""What a report's pictures show: plain numbers, worked out when the claims were checked.

Numbers of samples and maps are middles of enclosures, those of learning curves are float64; all
are rounded to 6 digits: good for a picture, not certified.
`as_document` and `from_document` are the form under `pictures` in `report.json`.

| letter | here | meaning |
|---|---|---|
| mu x_i | `means` | where the noised training points sit |
| s*, s_theta, pi | `score`, `network`, `weight` | at the points `origin + y` |
| sigma_1..sigma_4 | `limits` | conditions of theorem 8 on sigma, as decimal exponents |
| psi_n, psi_p, m | `psi_n`, `psi_p`, `noise_samples` | n/d, p/d, noise draws for each point |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, get_args

LIMITS = ("sigma_1", "sigma_2", "sigma_3", "sigma_4")
"""Conditions of theorem 8 on sigma, in the order in which the proof names them."""

ERRORS = ("test_error", "train_error", "memorisation_error")
"""Errors of a learning curve, in the order in which pictures show them."""

SettingKind = Literal["instance", "experiment"]


@dataclass(frozen=True)
class SamplePicture:
    """One sample, its score and, where there is one, a network, at the points of a grid.

    Attributes:
        name: of the instance.
        size: number of training points.
        mu: signal factor.
        sigma: noise level.
        origin: what was taken off every place, as a decimal; "0" unless the data are far from 0.
        means: `mu x_i - origin`, ascending.
        y: places less the origin, strictly ascending.
        score: `s*` at each place.
        weight: `pi` at each place.
        network: `s_theta` at each place; None without a network.

    Raises:
        ValueError: the lists have different lengths, are not sorted, or hold what is no number.
    """

    name: str
    size: int
    mu: float
    sigma: float
    origin: str
    means: tuple[float, ...]
    y: tuple[float, ...]
    score: tuple[float, ...]
    weight: tuple[float, ...]
    network: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check that the lists fit."""
        at = f"samples: {self.name!r}"
        _check_text(self.name, f"{at}: name")
        _check_text(self.origin, f"{at}: origin")
        _check_count(self.size, f"{at}: size")
        _check_numbers((self.mu, self.sigma), f"{at}: mu, sigma")
        lists = {"means": self.means, "y": self.y, "score": self.score, "weight": self.weight}
        if self.network is not None:
            lists["network"] = self.network
        for key, values in lists.items():
            _check_numbers(values, f"{at}: {key}")
            if key != "means" and len(values) != len(self.y):
                raise ValueError(f"{at}: {len(values)} values of {key} at {len(self.y)} places")
        if len(self.y) < 2 or not self.means:
            raise ValueError(f"{at}: it must have at least one mean and two places")
        if any(left >= right for left, right in pairwise(self.y)):
            raise ValueError(f"{at}: y must rise strictly")
        if list(self.means) != sorted(self.means):
            raise ValueError(f"{at}: means must rise")

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds."""
        return _document(self)

    @classmethod
    def from_document(cls, document: Any) -> SamplePicture:
        """The picture in an object.

        Raises:
            ValueError: keys, types or lengths are not those of `as_document`.
        """
        given = _keys(cls, document, "samples")
        for key in ("means", "y", "score", "weight", "network"):
            if key != "network" or given[key] is not None:
                given[key] = _list(given[key], f"samples: {key}")
        return cls(**given)


@dataclass(frozen=True)
class Setting:
    """One point of a regime map.

    Attributes:
        name: of the instance.
        kind: one of the instances checked, or a setting of the paper's experiments.
        sigma: decimal exponent of the noise level.
        rate: decimal exponent of the learning rate; None if the instance names none.
        own_sample: whether the map is about the sample of this setting; otherwise its place says
            nothing about the setting's own hypotheses.
        failing: hypotheses of theorem 8 that certainly fail there, and by how much.

    Raises:
        ValueError: a field is of another type.
    """

    name: str
    kind: SettingKind
    sigma: float
    rate: float | None
    own_sample: bool = True
    failing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check types."""
        at = f"settings: {self.name!r}"
        _check_text(self.name, f"{at}: name")
        if self.kind not in get_args(SettingKind):
            raise ValueError(f"{at}: kind: {self.kind!r} is not known")
        _check_numbers((self.sigma,), f"{at}: sigma")
        if self.rate is not None:
            _check_numbers((self.rate,), f"{at}: rate")
        if not isinstance(self.own_sample, bool):
            raise ValueError(f"{at}: own_sample: {self.own_sample!r} is neither true nor false")
        for text in self.failing:
            _check_text(text, f"{at}: failing")

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds."""
        return _document(self)

    @classmethod
    def from_document(cls, document: Any) -> Setting:
        """The setting in an object.

        Raises:
            ValueError: keys or types are not those of `as_document`.
        """
        given = _keys(cls, document, "settings")
        given["failing"] = _list(given["failing"], "settings: failing")
        return cls(**given)


@dataclass(frozen=True)
class RegimePicture:
    """Where the hypotheses of theorem 8 on sigma and the rate hold, for one sample and one mu.

    Mu is held fixed while sigma varies, as in the definition of `sigma_0`, and `A = C_n/sigma^6` at
    every sigma. The constants are the printed ones.

    Attributes:
        name: of the sample.
        size: number of training points.
        mu: signal factor.
        limits: decimal exponents of `sigma_1..sigma_4`, in the order of `LIMITS`; None where the
            limit is not known.
        threshold: decimal exponent of the learning-rate threshold over `sigma^2`.
        excess: decimal exponent of the bound on the excess risk at sigma_0, over `1/sigma_0^2`, the
            risk of the zero score; None where sigma_0 is not known.
        settings: points of the map.

    Raises:
        ValueError: a field is of another type.
    """

    name: str
    size: int
    mu: float
    limits: tuple[float | None, ...]
    threshold: float
    excess: float | None
    settings: tuple[Setting, ...] = ()

    def __post_init__(self) -> None:
        """Check types."""
        at = f"regime_maps: {self.name!r}"
        _check_text(self.name, f"{at}: name")
        _check_count(self.size, f"{at}: size")
        _check_numbers((self.mu, self.threshold), f"{at}: mu, threshold")
        if len(self.limits) != len(LIMITS):
            raise ValueError(f"{at}: {len(self.limits)} limits, but there are {len(LIMITS)}")
        known = [number for number in (*self.limits, self.excess) if number is not None]
        _check_numbers(known, f"{at}: limits, excess")

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds."""
        settings = [setting.as_document() for setting in self.settings]
        return {**_document(self), "settings": settings}

    @classmethod
    def from_document(cls, document: Any) -> RegimePicture:
        """The map in an object.

        Raises:
            ValueError: keys, types or lengths are not those of `as_document`.
        """
        given = _keys(cls, document, "regime_maps")
        given["limits"] = _list(given["limits"], "regime_maps: limits")
        entries = _list(given["settings"], "regime_maps: settings")
        given["settings"] = tuple(Setting.from_document(entry) for entry in entries)
        return cls(**given)


@dataclass(frozen=True)
class CurveLine:
    """Errors of a random-features score against p/d, for one number of noise draws.

    Attributes:
        noise_samples: m; None is infinity.
        test_error: E_test at each p/d; all four tuples have one length.
        train_error: E_train.
        memorisation_error: E_mem.

    Raises:
        ValueError: a number is not positive and finite, or m is no positive whole number.
    """

    noise_samples: int | None
    test_error: tuple[float, ...]
    train_error: tuple[float, ...]
    memorisation_error: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check types and signs."""
        at = f"curves: m = {_short(self.noise_samples)}"
        if self.noise_samples is not None:
            _check_count(self.noise_samples, f"{at}: noise_samples")
        for name in ERRORS:
            _check_positive(getattr(self, name), f"{at}: {name}")

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds."""
        return _document(self)

    @classmethod
    def from_document(cls, document: Any) -> CurveLine:
        """The line in an object.

        Raises:
            ValueError: keys or types are not those of `as_document`.
        """
        given = _keys(cls, document, "curves: lines")
        return cls(**given | {name: _list(given[name], f"curves: {name}") for name in ERRORS})


@dataclass(frozen=True)
class CurvesPicture:
    """Learning curves of random-features score matching at one setting.

    Float64 values of the reduced system, which assumes Gaussian equivalence; not certified.

    Attributes:
        activation: name of the activation.
        psi_n: n/d.
        time: diffusion time t.
        ridge: lambda.
        psi_p: p/d, strictly ascending.
        lines: one for each number of noise draws.

    Raises:
        ValueError: the lists have different lengths, are not sorted, or hold what is no positive
            number.
    """

    activation: str
    psi_n: float
    time: float
    ridge: float
    psi_p: tuple[float, ...]
    lines: tuple[CurveLine, ...]

    def __post_init__(self) -> None:
        """Check that the lists fit."""
        at = f"curves: {_short(self.activation)}"
        _check_text(self.activation, f"{at}: activation")
        _check_positive((self.psi_n, self.time, self.ridge), f"{at}: psi_n, time, ridge")
        _check_positive(self.psi_p, f"{at}: psi_p")
        if len(self.psi_p) < 2 or not self.lines:
            raise ValueError(f"{at}: it must have at least one line and two places")
        if any(left >= right for left, right in pairwise(self.psi_p)):
            raise ValueError(f"{at}: psi_p must rise strictly")
        for line in self.lines:
            for name in ERRORS:
                count = len(getattr(line, name))
                if count != len(self.psi_p):
                    raise ValueError(f"{at}: {count} values of {name} at {len(self.psi_p)} places")

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds."""
        return {**_document(self), "lines": [line.as_document() for line in self.lines]}

    @classmethod
    def from_document(cls, document: Any) -> CurvesPicture:
        """The curves in an object.

        Raises:
            ValueError: keys, types or lengths are not those of `as_document`.
        """
        given = _keys(cls, document, "curves")
        given["psi_p"] = _list(given["psi_p"], "curves: psi_p")
        entries = _list(given["lines"], "curves: lines")
        given["lines"] = tuple(CurveLine.from_document(entry) for entry in entries)
        return cls(**given)


@dataclass(frozen=True)
class Pictures:
    """All pictures of a report, in the order in which it shows them.

    Attributes:
        samples: samples with their scores.
        regime_maps: maps of the main theorem.
        curves: learning curves, where claims on them are in the report.
    """

    samples: tuple[SamplePicture, ...] = ()
    regime_maps: tuple[RegimePicture, ...] = ()
    curves: tuple[CurvesPicture, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """The object that `report.json` holds under `pictures`."""
        return {
            "samples": [picture.as_document() for picture in self.samples],
            "regime_maps": [picture.as_document() for picture in self.regime_maps],
            "curves": [picture.as_document() for picture in self.curves],
        }

    @classmethod
    def from_document(cls, document: Any) -> Pictures:
        """The pictures in an object.

        Raises:
            ValueError: keys, types or lengths are not those of `as_document`.
        """
        given = _keys(cls, document, "pictures")
        samples = _list(given["samples"], "pictures: samples")
        maps = _list(given["regime_maps"], "pictures: regime_maps")
        curves = _list(given["curves"], "pictures: curves")
        return cls(
            tuple(SamplePicture.from_document(entry) for entry in samples),
            tuple(RegimePicture.from_document(entry) for entry in maps),
            tuple(CurvesPicture.from_document(entry) for entry in curves),
        )


def _document(entry: Any) -> dict[str, Any]:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}


def _keys(kind: type[Any], document: Any, at: str) -> dict[str, Any]:
    """The fields of a class in an object, and nothing else."""
    if not isinstance(document, Mapping):
        raise ValueError(f"{at}: {_short(document)} is no object")
    names = {field.name for field in fields(kind)}
    if missing := sorted(names - set(document)):
        raise ValueError(f"{at}: {missing[0]!r} is missing")
    if unknown := sorted(map(str, set(document) - names)):
        raise ValueError(f"{at}: {_short(unknown[0])} is not known")
    return dict(document)


def _list(value: Any, at: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{at}: {_short(value)} is no list")
    return tuple(value)


def _check_numbers(values: Sequence[Any], at: str) -> None:
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or abs(value) > 1.7e308 or not math.isfinite(value):
            raise ValueError(f"{at}: {_short(value)} is no finite number")


def _check_positive(values: Sequence[Any], at: str) -> None:
    _check_numbers(values, at)
    for value in values:
        if value <= 0:
            raise ValueError(f"{at}: {_short(value)} is not positive")


def _check_text(value: Any, at: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{at}: {_short(value)} is no text")


def _check_count(value: Any, at: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{at}: {_short(value)} is no positive whole number")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:60] + "..."
