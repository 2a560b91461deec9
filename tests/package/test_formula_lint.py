"""Formulas use the number system and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.package.formula_lint import problems

ROOT = Path(__file__).resolve().parents[2]
FORMULAS = sorted((ROOT / "dsmverify" / "formulas").rglob("*.py"))


def test_there_are_formulas() -> None:
    assert len(FORMULAS) > 1


@pytest.mark.parametrize("path", FORMULAS, ids=lambda path: str(path.stem))
def test_a_formula_goes_through_the_number_system(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "z = np.exp(y)",
        "z = np.sqrt(y)",
        "z = np.sum(y)",
        "z = np.cumsum(y)",
        "z = np.sort(y)",
        "z = np.argsort(y)",
        "z = np.max(y)",
        "z = np.min(y)",
        "z = np.maximum(y, 0)",
        "z = np.abs(y)",
        "z = np.linalg.norm(y)",
        "def f(ns, k: Integers): return np.maximum(k, 0)",
        "def f(x: N, k: Integers): return np.maximum(k, 0)",
        "def f(*x: Integers): return np.maximum(*x)",
        "def f(): return np.maximum(x, 0)",
        "def f(k: Integers):\n    def g(x: N): return np.maximum(x, 0)",
        "def f(k: Integers): return 0.5 * k",
        "z = numpy.float64(y)",
        "z = 0.1 * y",
        "z = y ** 0.5",
        "z = 1e3 * y",
        "z = 2j * y",
        "z = abs(y)",
        "z = float(y)",
        "z = sorted(y)",
        "import math",
        "import numpy",
        "import torch",
        "import sympy",
        "from math import exp",
        "from numpy import exp",
        "from scipy.special import erfc",
        "from dsmverify.order import sort",
        "from dsmverify import order",
        "import dsmverify.systems.balls",
    ],
)
def test_the_lint_sees(line: str) -> None:
    assert len(problems(f"x = 1\n{line}\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        "z = np.arange(3)",
        "z = np.where(np.arange(4) < position[:, None], -1, 1)",
        "z = y[..., None] / 2",
        "z = ns.exp(y)",
        "def f(k: Integers, top: int) -> Integers: return np.maximum(k, top)",
        "def f(k: Integers | int) -> Integers: return np.argsort(k)",
        "from collections.abc import Sequence",
        "import numpy as np",
        "from numpy.typing import NDArray",
        "from dsmverify.numbers import N, Numbers",
        "from dsmverify.formulas import setting",
        "from . import setting",
    ],
)
def test_the_lint_lets_pass(line: str) -> None:
    assert problems(line) == []
