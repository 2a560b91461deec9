"""The derivations of the random-features pencils: what they refuse."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest
import sympy

from dsmverify import derivation
from dsmverify.derivation import Chain, residual_form

reduction: Any = importlib.import_module("derivations.rf_reduction")
pencil: Any = importlib.import_module("derivations.rf_pencil")
words: Any = importlib.import_module("derivations._words")


def failures(chain: Chain) -> list[str]:
    return [item.text for item in chain.identities if residual_form(item.left - item.right) != 0]


@pytest.mark.parametrize("name", ["m = 1", "m = 1 + k", "m = inf"])
@pytest.mark.parametrize(
    "block", [("u", "u"), ("w[0]", "w[0]"), ("w^[1]", "w[1]"), ("w^[0]", "w^[0]")]
)
def test_a_wrong_entry_of_the_ansatz_is_refused(
    name: str, block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = {label: case for case, label in reduction.cases()}[name]
    true = reduction.Reduced.green

    def planted(self: Any, dbar: Any = None) -> Any:
        entries = true(self, dbar)
        return {**entries, block: 2 * entries[block]}

    monkeypatch.setattr(reduction.Reduced, "green", planted)
    chain = Chain()
    reduction.add_ansatz(chain, reduced, name)
    assert failures(chain)


@pytest.mark.parametrize("field", ["linear", "shared", "fresh", "noise", "signal", "psi_n"])
def test_a_wrong_parameter_of_the_pencil_is_refused(field: str) -> None:
    reduced, name = reduction.cases()[1]
    own = reduced.parameters
    changed = dataclasses.replace(own, **{field: 3 * getattr(own, field)})
    # The scalar side stays as it was.
    vars(reduced)["equation"] = reduction.Reduced(changed, False).equation
    chain = Chain()
    reduction.add_ansatz(chain, reduced, name)
    assert failures(chain)


@pytest.mark.parametrize("number", [1, 2])
def test_a_planted_sign_in_the_training_error_is_refused(number: int) -> None:
    reduced, name = reduction.cases()[number]
    chain = Chain()
    reduction.add_training_error(chain, reduced, name)
    assert not failures(chain)
    planted = [item for item in chain.identities if item.right != 0]
    assert len(planted) >= 6
    assert all(residual_form(item.left + item.right) != 0 for item in planted)


def test_the_engine_formula_is_held_against_the_pencil() -> None:
    reduced, _ = reduction.cases()[2]
    first, *rest = reduction.engine_pairs(reduced)
    assert rest
    assert residual_form(first[0] - first[1]) == 0
    assert residual_form(first[0] - 2 * first[1]) != 0


@pytest.mark.parametrize("row", ["u", "v1", "w^", "e'"])
def test_a_wrong_row_of_the_pencil_is_refused(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = pencil.product

    def planted(chosen: Any, values: Any) -> Any:
        rows = true(chosen, values)
        return {**rows, row: rows[row] + values[row]}

    monkeypatch.setattr(pencil, "product", planted)
    chain = Chain()
    pencil.add_copies(chain, 1, "m = 1")
    assert failures(chain)


def test_words_do_not_commute() -> None:
    x, y = words.matrix("X"), words.matrix("Y")
    chain = Chain()
    words.identity(chain, "X Y = Y X", x * y, y * x)
    assert len(failures(chain)) == 2
    chain = Chain()
    words.identity(chain, "transpose", (x * y).T, y.T * x.T)
    words.identity(chain, "twice", (x + y).T.T, x + y)
    square = x * x + x * y + y * x + y * y
    words.identity(chain, "square", (x + y) * (x + y), square)
    assert not failures(chain)
    rule = (x * y * x).with_rule(("X", "Y"), {(): sympy.Integer(3)})
    assert dict(rule.terms) == {("X",): 3}


def test_the_training_error_is_not_said_to_be_exact_at_finite_size() -> None:
    result = derivation.run("rf_minimiser")
    assert "exact for each sample of m = 1" in result.remark
