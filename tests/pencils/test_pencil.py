from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import pytest
import sympy
from flint import fmpq, fmpq_mat

from dsmverify.errors import InputError
from dsmverify.pencils import random_features as features
from dsmverify.pencils.dyson import DysonEquation, equations, symbols
from dsmverify.pencils.pencil import Gaussian, Pencil, blocks
from dsmverify.systems import float64, symbolic


def pencil(**changes: Any) -> Pencil:
    """`[[z, X], [X^T, -1]]`: the resolvent of `z + X X^T`."""
    fields: dict[str, Any] = {
        "name": "sample covariance",
        "sizes": {"a": 1, "b": Fraction(1, 2)},
        "blocks": {"u": "a", "v": "b"},
        "fixed": {("u", "u"): 3, ("v", "v"): -1},
        "gaussians": (Gaussian("X", 1, {("u", "v"): 1}),),
    }
    return Pencil(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": {"a": 0, "b": 1}}, "sizes['a']: 0, but it must be positive"),
        ({"sizes": {"a": math.nan, "b": 1}}, "sizes['a']: nan, but it must be positive"),
        ({"sizes": {"a": sympy.Symbol("n"), "b": 1}}, "sizes['a']: n, but it must be positive"),
        ({"sizes": {"a": 1}}, "blocks['v']: 'b', but the dimensions are 'a'"),
        ({"blocks": {}}, "blocks: {}, but a pencil has at least one block"),
        ({"fixed": {("u", "x"): 1}}, "fixed['u', 'x']: 'x', but the blocks are 'u', 'v'"),
        ({"fixed": {("u", "v"): 1}}, "a number couples blocks of one dimension only"),
        ({"signs": {"x": 1}}, "signs['x']: 'x', but the blocks are"),
        ({"signs": {"u": 2}}, "signs['u']: 2, but a sign must be 1 or -1"),
        ({"gaussians": (Gaussian("X", 1, {}),)}, "X: {}, but it stands nowhere"),
        ({"gaussians": (Gaussian("X", -1, {("u", "v"): 1}),)}, "variance of X: -1"),
        ({"gaussians": (Gaussian("X", 1, {("u", "y"): 1}),)}, "X at 'u', 'y': 'y', but"),
        (
            {"gaussians": (Gaussian("X", 1, {("u", "v"): 1, ("v", "u"): 1}),)},
            "places of X: [('a', 'b'), ('b', 'a')], but one matrix has one shape",
        ),
        (
            {"gaussians": (Gaussian("X", 1, {("u", "v"): 1}),) * 2},
            "gaussians: 'X', but another Gaussian has this name",
        ),
    ],
)
def test_bad_data_is_refused_by_name(changes: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        pencil(**changes)
    assert str(caught.value).startswith("pencil sample covariance: ")


def test_a_mirror_image_is_implied() -> None:
    with pytest.raises(InputError, match="L0 is symmetric"):
        pencil(blocks={"u": "a", "w": "a", "v": "b"}, fixed={("u", "w"): 1, ("w", "u"): 1})
    with pytest.raises(InputError, match="a block has one dimension"):
        blocks([("u", "a"), ("u", "b")])


def test_the_assembled_matrix_is_symmetric_and_inverts_as_it_should() -> None:
    draw = fmpq_mat(2, 1, [fmpq(1, 2), fmpq(3)])
    counts = {"a": 2, "b": 1}
    whole = pencil().assemble(counts, {"X": draw})
    assert whole == fmpq_mat(3, 3, [3, 0, fmpq(1, 2), 0, 3, 3, fmpq(1, 2), 3, -1])
    found = pencil().columns(whole, counts, "u")["u"]
    gram = draw * draw.transpose() + fmpq_mat(2, 2, [3, 0, 0, 3])
    assert found == gram.inv()


def test_an_instance_is_refused_by_name() -> None:
    counts, draw = {"a": 2, "b": 1}, fmpq_mat(2, 1)
    with pytest.raises(InputError, match=r"counts\['b'\]: None, but an instance has a whole"):
        pencil().assemble({"a": 2}, {"X": draw})
    with pytest.raises(InputError, match=r"draws\['X'\]: None, but a matrix of 2 rows and 1"):
        pencil().assemble(counts, {})
    with pytest.raises(InputError, match=r"draws\['X'\]: \(1, 2\), but a matrix of 2 rows"):
        pencil().assemble(counts, {"X": draw.transpose()})
    with pytest.raises(InputError, match=r"fixed\['u', 'u'\]: 0.5, but an exact instance"):
        pencil(fixed={("u", "u"): 0.5, ("v", "v"): -1}).assemble(counts, {"X": draw})
    with pytest.raises(InputError, match="block: 'x', but the blocks are"):
        pencil().columns(fmpq_mat(3, 3), counts, "x")


@pytest.mark.parametrize("copies", [0, -1, 1.5, True, math.nan])
def test_the_number_of_copies_is_checked(copies: Any) -> None:
    point = features.Parameters(0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, copies)
    with pytest.raises(InputError, match=r"copies: .*give 1, 2, \.\.\. or math.inf"):
        features.pencil(float64.SYSTEM, point)


def test_the_equation_of_a_sample_covariance() -> None:
    found = dict(equations(pencil()))
    first, second = (sympy.Symbol(name, real=True) for name in ("g[u,u]", "g[v,v]"))
    assert set(found) == {"u,u", "v,v"}
    # X is 1 x 1/2 in units of the reference size, with entries of variance 1.
    assert sympy.expand(found["u,u"].lhs - (3 - second / 2) * first) == 0
    assert sympy.expand(found["v,v"].lhs - (-1 - first) * second) == 0


def test_a_gaussian_between_a_block_and_itself_gives_the_semicircle() -> None:
    square = Pencil(
        "Wigner", {"a": 1}, {"u": "a"}, {("u", "u"): 5}, (Gaussian("X", 1, {("u", "u"): 1}),)
    )
    (_, equation) = equations(square)[0]
    g = sympy.Symbol("g[u,u]", real=True)
    assert sympy.expand(equation.lhs - (5 - 2 * g) * g) == 0


def test_places_that_share_a_matrix_have_cross_terms() -> None:
    def built(names: tuple[str, str]) -> Any:
        parts = [Gaussian(names[0], 1, {("u", "v"): 2}), Gaussian(names[1], 1, {("w", "v"): 3})]
        if names[0] == names[1]:
            parts = [Gaussian("X", 1, {("u", "v"): 2, ("w", "v"): 3})]
        return Pencil(
            "shared",
            {"a": 1, "b": 1},
            {"u": "a", "w": "a", "v": "b"},
            {("u", "u"): 1, ("w", "w"): 1, ("v", "v"): -1},
            tuple(parts),
        )

    together, apart = DysonEquation(built(("X", "X"))), DysonEquation(built(("X", "Y")))
    green = symbols(together)
    crossed = together.self_energy(green) - apart.self_energy(green)
    assert crossed[0, 1] == crossed[1, 0] == 6 * green[2, 2]
    assert sympy.expand(crossed[2, 2] - 12 * green[0, 1]) == 0


def test_symbolic_pencils_give_equations_for_symbolic_m() -> None:
    names: Any = sympy.symbols("x h M v s psi_n psi_p lam k", positive=True)
    values = (*names[:-1], 1 + names[-1])
    own = features.Parameters(*values)
    found = equations(features.pencil(symbolic.SYSTEM, own))
    assert {name for name, _ in found} >= {"u,u", "v1,v1", "v2,v2", "w,w", "e',e'"}
