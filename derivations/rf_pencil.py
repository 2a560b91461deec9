"""The block identities of the random-features pencils, for matrices of every size.

Block elimination, in words of matrices (`_words`): let the block u and a source f be arbitrary and
let every other block follow from one equation each; then `L` times the result is `(U + lam) u - V
f` in block u, f in the block of the source, and 0 elsewhere. So the blocks of `L^-1` are those of
the resolvent, whatever p, d, n, m and the random matrices are. The same is decided on rational
instances by `dsmverify.pencils.identities`, where the model is built sample by sample.

The pencils are the engine's, read off the data: a coefficient at (row, column) multiplies the named
matrix, its mirror image the transpose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import sympy

from dsmverify.derivation import Chain, Derivation
from dsmverify.pencils import random_features as pencils
from dsmverify.pencils.pencil import Pencil
from dsmverify.systems import symbolic

from ._words import Words, identity, matrix, number

a, h, linear, shared, fresh = sympy.symbols("a h M v s", positive=True)
psi_n, psi_p, ridge, others = sympy.symbols("psi_n psi_p lambda k", positive=True)
q_A, q_S, q = sympy.symbols("q_A q_S q", positive=True)
slope, root_h, root_v, root_s = (sympy.sqrt(value) for value in (linear, h, shared, fresh))
root_m = sympy.Symbol("r", positive=True)
"""`sqrt(m)`, which the pencil of m = 1 + k writes as a root of a sum."""

W, u, f = matrix("Wd"), matrix("u"), matrix("f")


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Matrices: Wd [p, d]; X, O and, for the noise, Z, P with a column for each sample or copy, "
        "scaled by 1/sqrt(n m) (m = inf: 1/sqrt n). u and f are any matrices of p and of d rows."
    )
    add_exact_noise(chain)
    add_copies(chain, 1, "m = 1")
    add_copies(chain, 1 + others, "m = 1 + k")
    chain.step(
        "Copies: for an orthogonal T, U = (phi T)(phi T)^T and V = (phi T)(z T)^T. With T = 1_n "
        "(x) H, H orthogonal and its first column 1/sqrt(m), a sample's column repeated m times "
        "becomes sqrt(m) of it in the first place and 0 in the others, and independent Gaussian "
        "columns stay so. That is the pencil: v1 has the first columns, v2 the others."
    )
    chain.step(
        "Errors of B = -(1/sqrt(h)) V^T R, with E[phi y^T] = mu_1 Wd and E[phi phi^T] = C + N of "
        "the Gaussian-equivalent features of fresh y, E|y|^2 = d: E_test = (1/d) E|B phi + y|^2 = "
        "1 - (2 mu_1/sqrt(h)) g_we' + (1/h) dF/dq along C + N, as dF/dq = (h/d) tr B X B^T along X "
        "(rf_minimiser); E_mem = 1 - 2 sqrt(h) mu_1 g_we' + dF/dq along M + N; g_we' is "
        "sqrt(h) mu_1 g_ww for m = inf."
    )
    return chain.derivation(
        __name__,
        "Block identities of the random-features pencils",
        "random-features.md, section 3",
        "every p, d, n, every m >= 1 and m = inf, every matrices for which U + lam + q_S + q_A Wd "
        "Wd^T + q M is invertible, every a, h, mu_1^2, v0^2, s^2, lam > 0; isotropic data",
    )


def add_exact_noise(chain: Chain) -> None:
    """The pencil of m = inf."""
    pencil = _pencil(math.inf, False)
    X, O = matrix("X"), matrix("O")
    means = W * X * (a * slope) + O * root_v
    moment = means * means.T + number(fresh) + W * W.T * (h * linear)
    w = W.T * u
    v = O.T * u * root_v + X.T * w * (a * slope)
    dual = X * v * (a * slope) + w * (h * linear + q_A) - f
    rows = product(pencil, {"u": u, "v": v, "w": w, "w^": dual})
    chain.step("m = inf: w = Wd^T u, v as row v says, w^ as row w says with f on its right:")
    shifted = moment + number(ridge + q_S) + W * W.T * q_A
    identity(
        chain,
        "row u is (U + lam + q_S + q_A Wd Wd^T) u - Wd f, m = inf",
        rows["u"],
        shifted * u - W * f,
    )
    identity(chain, "row w is f, m = inf", rows["w"], f)
    for row in ("v", "w^"):
        identity(chain, f"row {row} is 0, m = inf", rows[row], Words({}))
    chain.step(
        "With R = (U + lam + q_S + q_A Wd Wd^T)^-1: f = 0 and u = R y give (L^-1)_uu = R and "
        "(L^-1)_wu = Wd^T R; u = R Wd f gives (L^-1)_ww = Wd^T R Wd. V = sqrt(h) mu_1 Wd, so the "
        "minimum of the loss is F = 1 - h mu_1^2 (1/d) tr (L^-1)_ww."
    )


def add_copies(chain: Chain, m: Any, name: str) -> None:
    """The pencil of finite m, with the blocks for E_mem."""
    several = m != 1
    pencil = _pencil(m, True)
    root = root_m if several else sympy.Integer(1)
    X, O, P1, Z1 = (matrix(letter) for letter in ("X", "O1", "P1", "Z1"))
    means = (W * X * (a * slope) + O * root_v) * root
    features = [means + W * Z1 * (root_h * slope) + P1 * root_s]
    noise = [Z1]
    if several:
        Z2, P2 = matrix("Z2"), matrix("P2")
        features.append(W * Z2 * (root_h * slope) + P2 * root_s)
        noise.append(Z2)
    nothing = Words({})
    moment = sum((part * part.T for part in features), start=nothing)
    cross = sum((x * z.T for x, z in zip(features, noise, strict=True)), start=nothing)
    power = sum((z * z.T for z in noise), start=nothing)
    copies = [x.T * u - z.T * f for x, z in zip(features, noise, strict=True)]
    fourth = means.T * u
    third = fourth * q
    w = W.T * u
    data = X * (a * slope * root)
    dual = data * (copies[0] + third) + w * q_A
    for z, copy in zip(noise, copies, strict=True):
        dual += z * copy * (root_h * slope)
    target = sum((z * copy for z, copy in zip(noise, copies, strict=True)), start=nothing)
    values = {"u": u, "v1": copies[0], "v3": third, "v4": fourth, "w": w, "w^": dual}
    values |= {"e": f * -1, "e'": target}
    if several:
        values["v2"] = copies[1]
    rows = product(pencil, values)
    chain.step(
        f"{name}: e = -f, w = Wd^T u, the v, w^ and e' as rows v, w and e say, v3 = q v4; phi, z "
        "are the columns of features and noise in v1, v2:"
    )
    shifted = moment + number(ridge + q_S) + W * W.T * q_A + means * means.T * q
    identity(
        chain,
        f"row u is (U + lam + q_S + q_A Wd Wd^T + q M) u - V f, {name}",
        rows["u"],
        shifted * u - cross * f,
    )
    identity(chain, f"row e' is f, {name}", rows["e'"], f)
    for row in pencil.blocks:
        if row not in {"u", "e'"}:
            identity(chain, f"row {row} is 0, {name}", rows[row], nothing)
    identity(chain, f"and e' = V^T u - (sum z z^T) f, {name}", target, cross.T * u - power * f)
    chain.step(
        "With u = R V f: (L^-1)_e'e' = V^T R V - sum z z^T and (L^-1)_we' = Wd^T R V. M is the "
        "second moment (1/n) sum_i E_z[phi] E_z[phi]^T of the samples' mean features."
    )


def product(pencil: Pencil, values: Mapping[str, Words]) -> dict[str, Words]:
    """Rows of `L` times a block vector, in words."""
    rows = {block: Words({}) for block in pencil.blocks}
    for (row, column), value in pencil.fixed.items():
        rows[row] += values[column] * value
        if row != column:
            rows[column] += values[row] * value
    for gaussian in pencil.gaussians:
        drawn = matrix(gaussian.name)
        for (row, column), value in gaussian.places.items():
            coefficient = sympy.sympify(value).xreplace({sympy.sqrt(1 + others): root_m})
            rows[row] += drawn * values[column] * coefficient
            rows[column] += drawn.T * values[row] * coefficient
    return rows


def _pencil(m: Any, memory: bool) -> Pencil:
    parameters = pencils.Parameters(
        signal=a**2,
        noise=h,
        linear=linear,
        shared=shared,
        fresh=fresh,
        psi_n=psi_n,
        psi_p=psi_p,
        ridge=ridge,
        copies=m,
    )
    chosen = pencils.pencil(symbolic.SYSTEM, parameters, memory)
    places: dict[tuple[str, str], Any] = {("u", "u"): q_S, ("w", "w"): q_A}
    if memory:
        places["v4", "v4"] = q
    return chosen.shifted(places)
