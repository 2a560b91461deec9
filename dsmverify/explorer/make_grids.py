"""Write `grids.json`: `python -m dsmverify.explorer.make_grids` (`make explorer-grids`).

For each n of `SIZES` and each integral, the logarithm less its leading part is interpolated in
`ln kappa` by Chebyshev polynomials on pieces of at most one octave, from values in float64
(`quadrature`). Where zeros of s*'' merge, int |s*''| is not smooth in kappa; pieces get shorter
there. Then the interpolation is compared, at fixed points off the grid,

- with the same quadrature, at `BETWEEN` points in every piece;
- with certified enclosures (`equally_spaced`), at some of `CHECKED`, fewer where they are slow.

A piece holds its start and length in octaves above `LOW`, its error and its coefficients. Its error
is the largest relative deviation found in it, plus the rounding of what is stored, plus whatever
an enclosure anywhere showed beyond that; `width` is the largest relative width of the enclosures.
That is a measurement, not a proof.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from dsmverify.certify import precision
from dsmverify.integrals import Accuracy

from .equally_spaced import EquallySpaced
from .quadrature import Floats, values

FILE: Final = Path(__file__).with_name("grids.json")

SIZES: Final = (2, 3, 4, 5, 7, 10, 20, 50)
LOW: Final = 0.01
OCTAVES: Final[Mapping[str, int]] = {
    # kappa up to 10.2, 41, 655, 655; beyond the first two other arguments serve
    "variance": 10,
    "squared_variance": 12,
    "mass": 16,
    "variation": 16,
}
DEGREE: Final = 15
DECIMALS: Final = 13
BETWEEN: Final = 3
TOLERANCE: Final = 1e-9
SHORTEST: Final = 1 / 16
ROUNDING: Final = 1e-12
BITS: Final = 160
"""Working precision of the enclosures: exp(-50^2 ..) never counts, cancellation in m3 does."""

CHECKED: Final = ("3/80", "7/3", "9/2", "4/7", "23/17", "1/7", "37/4", "27/1", "123/1", "571/1")
"""Values of kappa at which certified enclosures are compared, the first ones everywhere."""

COUNTS: Final[Mapping[int, Mapping[str, int]]] = {
    # size: how many of `CHECKED`
    20: {"variance": 7, "squared_variance": 8, "mass": 8, "variation": 5},
    50: {"variance": 5, "squared_variance": 5, "mass": 3, "variation": 2},
}

Piece = tuple[float, float, float, list[float]]
"""Start and length in octaves above `LOW`, relative error, Chebyshev coefficients."""

INTEGRALS: Final[Mapping[str, str]] = {
    # name in the file: attribute of EquallySpaced
    "variance": "variance_mean",
    "squared_variance": "squared_variance_mean",
    "mass": "curvature_mass",
    "variation": "total_variation",
}


def grids(sizes: Sequence[int] = SIZES, kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole document.

    Args:
        sizes: n whose tables are computed.
        kept: tables by n, as text, for the others; needed where `sizes` are not all of `SIZES`.
    """
    found: dict[str, Any] = {
        "low": LOW,
        "sizes": list(SIZES),
        "octaves": dict(OCTAVES),
        "tables": {},
    }
    for size in SIZES:
        name = str(size)
        found["tables"][name] = _table(size) if size in sizes or kept is None else kept[name]
    return found


def restored(name: str, stored: float, kappa: float) -> float:
    """The logarithm of the integral itself, from what is interpolated."""
    if name in ("variance", "squared_variance"):
        return stored - kappa * kappa / 8
    return stored + (2 if name == "mass" else 3) * float(np.log(kappa))


def interpolate(pieces: Sequence[Piece], kappa: float) -> float:
    """The piecewise polynomial at kappa, as the page evaluates it."""
    start, span, _, coefficients = piece_at(pieces, kappa)
    place = (float(np.log2(kappa / LOW)) - start) / span
    return float(np.polynomial.chebyshev.chebval(2 * place - 1, coefficients))


def piece_at(pieces: Sequence[Piece], kappa: float) -> Piece:
    """The piece that holds kappa; the last one beyond them all."""
    place = float(np.log2(kappa / LOW))
    return next((piece for piece in pieces if place < piece[0] + piece[1]), pieces[-1])


def _table(size: int) -> dict[str, Any]:
    rows: dict[float, dict[str, float]] = {}

    def row(exponent: float) -> dict[str, float]:
        if exponent not in rows:
            rows[exponent] = values(size, LOW * 2.0**exponent)
        return rows[exponent]

    def value(name: str, exponent: float) -> float:
        return row(exponent)[name]

    found = {}
    for name, count in OCTAVES.items():
        pieces: list[Piece] = []
        for octave in range(count):
            pieces += _pieces(partial(value, name), octave, 1.0)
        found[name] = _judged(size, name, pieces)
    return found


def _pieces(value: Callable[[float], float], start: float, span: float) -> list[Piece]:
    """One piece, or two where one is not accurate and still long."""
    angles = np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)
    fitted = _fit(np.array([value(start + span * (np.cos(a) + 1) / 2) for a in angles]), angles)
    rounded = [round(float(part), DECIMALS) for part in fitted]
    row = np.array([value(start + span * (place + 1) / 2) for place in _between()])
    shown = np.polynomial.chebyshev.chebval(_between(), rounded)
    error = float(np.max(np.abs(np.expm1(shown - row))))
    if error > TOLERANCE and span > SHORTEST:
        half = span / 2
        return _pieces(value, start, half) + _pieces(value, start + half, half)
    return [(start, span, error + ROUNDING, rounded)]


def _between() -> Floats:
    """Where the error of an interpolation is largest: extrema of the polynomial of its nodes."""
    extrema = np.arange(1, DEGREE + 1, (DEGREE - 1) // (BETWEEN - 1))
    return np.asarray(np.cos(np.pi * extrema / (DEGREE + 1)))


def _fit(row: Floats, angles: Floats) -> Floats:
    count = len(row)
    table = np.cos(np.arange(count)[:, None] * angles) @ row * 2 / count
    table[0] /= 2
    return np.asarray(table)


def _judged(size: int, name: str, pieces: list[Piece]) -> dict[str, Any]:
    """The pieces, compared with certified enclosures."""
    width, deviation, compared = 0.0, 0.0, 0
    high = LOW * 2.0 ** OCTAVES[name]
    chosen = [Fraction(text) for text in CHECKED if LOW < float(Fraction(text)) < high]
    for kappa in chosen[: COUNTS.get(size, {}).get(name)]:
        with precision(BITS):
            ball = getattr(EquallySpaced(size, kappa, Accuracy(34, 20000, 100000)), INTEGRALS[name])
            low, high_end = float(ball.lower().log()), float(ball.upper().log())
        shown = restored(name, interpolate(pieces, float(kappa)), float(kappa))
        outside = float(np.expm1(max(low - shown, shown - high_end, 0.0)))
        # What the local error does not explain counts everywhere.
        deviation = max(deviation, outside - piece_at(pieces, float(kappa))[2])
        width = max(width, float(np.expm1(high_end - low)))
        compared += 1
    return {
        "pieces": [
            [start, span, _rounded_up(error + max(deviation, 0.0)), *coefficients]
            for start, span, error, coefficients in pieces
        ],
        "width": _rounded_up(width),
        "compared": compared,
    }


def _rounded_up(value: float) -> float:
    """Two digits, not below the value."""
    shown = float(f"{value:.1e}")
    return shown if shown >= value else float(f"{value * 1.05:.1e}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        choices=SIZES,
        default=SIZES,
        metavar="N",
        help=f"tables of these n only, the others as they are in {FILE.name}",
    )
    chosen = parser.parse_args(arguments)
    is_whole = set(chosen.sizes) == set(SIZES)
    kept = None if is_whole else json.loads(FILE.read_text(encoding="utf-8"))["tables"]
    document = grids(chosen.sizes, kept)
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    chosen.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
