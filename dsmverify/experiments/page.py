"""The printed figures 1 to 3 as numbers: curves, training points, clouds, values with bands.

The files in `page/` were read off vector graphics (error about 1e-7). A curve holds the vertices
of a drawn line: the plotting library left out points within about `VERTEX_TOLERANCE` of it.

Source: figures 1 to 3, section 7.
"""

from __future__ import annotations

import csv
import importlib.resources
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dsmverify.evidence import PageValue

Floats = NDArray[np.float64]
Panel = Literal["left", "right"]
Versus = Literal["s_star", "gaussian"]

PANELS: dict[Panel, Fraction] = {"left": Fraction(1, 5), "right": Fraction(1, 20)}
"""Times of figure 1's panels: the curve labelled s* fits these, and not the rounded (mu, sigma)."""

LEVELS = {("0.81", "0.57"): Fraction(1, 5), ("0.95", "0.31"): Fraction(1, 20)}
"""Times behind the printed roundings of (mu, sigma) = (e^-t, sqrt(1 - e^-2t))."""

S_STAR = "s_star"
VERTEX_TOLERANCE = 0.03
"""Largest distance, in units of the score, of a plotted point from the line through its vertices:
the digitisation states 0.01 to 0.03; the larger is used."""


@dataclass(frozen=True)
class Curve:
    """A drawn line.

    Attributes:
        y: `[k]`, abscissas of its vertices, ascending.
        score: `[k]`, ordinates.
    """

    y: Floats
    score: Floats


@dataclass(frozen=True)
class TrainingPoints:
    """Figure 1's sample, as far as the curve s* determines it.

    Attributes:
        best: `[20]`, the values used; two are equal.
        low: `[20]`, lower ends; equal to `best` where a point is known to four digits.
        high: `[20]`, upper ends.
    """

    best: Floats
    low: Floats
    high: Floats


CLOUD_RATES = {Fraction(1, 20): "fig3_left_s_theta.csv", Fraction(2): "fig3_mid_s_theta.csv"}
"""Learning rates whose generated clouds figure 3 shows."""

MMD_COLUMNS: dict[Versus, str] = {"s_star": "mmd_vs_sstar", "gaussian": "mmd_vs_gauss"}


@dataclass(frozen=True)
class Clouds:
    """What the left and middle panels of figure 3 show, d = 2.

    Attributes:
        training: `[10, 2]`, training points.
        s_star: `[1000, 2]`, points generated with s*.
        s_theta: `[1000, 2]` by learning rate, points generated with trained scores.
    """

    training: Floats
    s_star: Floats
    s_theta: dict[Fraction, Floats]


def curves(panel: Panel) -> dict[str, Curve]:
    """A panel's lines by name: `s_star`, and `eta_0.5`, `eta_0.1`, `eta_0.05` by rate."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for row in _rows(f"fig1_{panel}.csv"):
        rows.setdefault(row["curve"], []).append((float(row["y"]), float(row["score"])))
    found = {}
    for name, pairs in rows.items():
        y, score = np.array(pairs).T
        found[name] = Curve(y, score)
    return found


def curve_name(rate: Fraction) -> str:
    """Name of the trained curve of a learning rate: `eta_0.5`."""
    return f"eta_{float(rate):g}"


def training_points() -> TrainingPoints:
    """Figure 1's 20 training points, the same in both panels."""
    rows = _rows("fig1_train_points.csv")
    best, low, high = (np.array([float(row[k]) for row in rows]) for k in ("x_best", "lo", "hi"))
    return TrainingPoints(best, low, high)


def excess_risks() -> dict[tuple[Fraction, Fraction], PageValue]:
    """Figure 2, d = 1: plotted excess risk and band by (time, learning rate)."""
    return {
        (LEVELS[row["mu"], row["sigma"]], Fraction(row["learning_rate"])): PageValue(
            float(row["excess_risk"]), float(row["ci_low"]), float(row["ci_high"])
        )
        for row in _rows("fig2_d1.csv")
    }


def clouds() -> Clouds:
    """Figure 3's training points and generated clouds."""
    return Clouds(
        generation_training_points(),
        _points("fig3_left_s_star.csv"),
        {rate: _points(name) for rate, name in CLOUD_RATES.items()},
    )


def generation_training_points() -> Floats:
    """Figure 3's ten training points. `[10, 2]`."""
    return _points("fig3_left_train.csv")


def generated_distances() -> dict[tuple[Fraction, Versus], PageValue]:
    """Figure 3, right panel: plotted MMD and band by (learning rate, compared with what)."""
    return {
        (Fraction(row["learning_rate"]), versus): PageValue(
            float(row[column]), float(row[f"{column}_lo"]), float(row[f"{column}_hi"])
        )
        for row in _rows("fig3_mmd.csv")
        for versus, column in MMD_COLUMNS.items()
    }


def _points(name: str) -> Floats:
    return np.array([[float(row["x1"]), float(row["x2"])] for row in _rows(name)])


def _rows(name: str) -> list[dict[str, str]]:
    resource = importlib.resources.files("dsmverify.experiments").joinpath("page", name)
    return list(csv.DictReader(resource.read_text(encoding="utf-8").splitlines()))
