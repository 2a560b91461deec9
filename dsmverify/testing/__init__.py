"""A test kit for other people's implementations of denoising score matching.

Each function takes a callable of yours and an exact sample, calls it with your kind of arrays, and
compares what comes back with certified values of the same formula at the same, exactly known
inputs. The tolerance follows from the dtype and from the certified condition of the formula there.

- `assert_score`, `assert_risk`, `assert_gradient`, `assert_hessian`, `assert_largest_eigenvalue`,
  `assert_sgd_step`: values.
- `assert_unbiased`: a stochastic estimator, by a sequential test.
- `Network`: parameters of a network in your kind of arrays.
- `Comparison`, `Entry`, `Cause`, `Estimation`: what the functions return; `ConformanceError`,
  `ResultError`, `BiasError`, `Undecided`: how they fail.

| modules | what they hold |
|---|---|
| `asserts`, `comparison`, `arrays` | the functions, what they return, your kind of arrays |
| `reference`, `tolerance`, `jets`, `causes` | certified values, allowed errors, known mistakes |
| `unbiased`, `sequential` | the sequential test and its mathematics |
| `strategies`, `hook` | Hypothesis strategies and their entry point |
| `adapter`, `cases`, `conformance`, `expected`, `isolated`, `results` | the conformance suite |
| `plugin`, `conform_report` | its pytest plugin; its JSON, JUnit and HTML |
| `table`, `table_cases`, `make_table` | the reference table, its inputs and its generator |

Scores are checked in any dimension (`points [n, d]`); networks are those of the paper, from R to R.

Everything is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsmverify.testing.arrays import Network
    from dsmverify.testing.asserts import (
        assert_gradient,
        assert_hessian,
        assert_largest_eigenvalue,
        assert_risk,
        assert_score,
        assert_sgd_step,
    )
    from dsmverify.testing.comparison import (
        Cause,
        Comparison,
        ConformanceError,
        Entry,
        ResultError,
        Undecided,
    )
    from dsmverify.testing.unbiased import BiasError, Estimation, assert_unbiased

_HOMES = {
    "BiasError": "unbiased",
    "Estimation": "unbiased",
    "Network": "arrays",
    "Cause": "comparison",
    "Comparison": "comparison",
    "ConformanceError": "comparison",
    "Entry": "comparison",
    "ResultError": "comparison",
    "Undecided": "comparison",
    "assert_gradient": "asserts",
    "assert_hessian": "asserts",
    "assert_largest_eigenvalue": "asserts",
    "assert_risk": "asserts",
    "assert_score": "asserts",
    "assert_sgd_step": "asserts",
    "assert_unbiased": "unbiased",
}

__all__ = [
    "BiasError",
    "Cause",
    "Comparison",
    "ConformanceError",
    "Entry",
    "Estimation",
    "Network",
    "ResultError",
    "Undecided",
    "assert_gradient",
    "assert_hessian",
    "assert_largest_eigenvalue",
    "assert_risk",
    "assert_score",
    "assert_sgd_step",
    "assert_unbiased",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dsmverify.testing' has no attribute {name!r}")
    value = getattr(import_module(f"dsmverify.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
