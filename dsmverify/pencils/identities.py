"""Identities of the pencils at finite size, decided exactly on random rational instances.

A pencil is only as good as the claim that a block of its inverse is the resolvent of the model. So
the model is built a second time, without a pencil: features sample by sample and copy by copy, U
and V as averages over them, the minimiser by the normal equations, its errors by their definitions.
Everything is rational: a = 3/5, h = 16/25, rational roots of the other parameters, and m a square,
for which an orthogonal matrix with a constant first row is rational.

The Gaussian matrices are replaced by random rational ones; the identities are algebra and hold for
every matrix. `derivations/rf_pencil.py` proves them for every size.

Source: RF, sections 1 and 3.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsmverify.errors import InputError, show
from dsmverify.pencils.pencil import Matrix, Pencil, Place
from dsmverify.pencils.random_features import (
    Parameters,
    alignment,
    directions,
    errors,
    labels,
    minimum,
    minimum_change,
    pencil,
)
from dsmverify.systems import rational

MODULUS = 9
"""Entries of random matrices are integers up to this, over 1 to 4."""


@dataclass(frozen=True)
class Instance:
    """A finite instance: a pencil with its matrices, and the model that it speaks about.

    Attributes:
        parameters: rational.
        pencil: the pencil.
        counts: rows of each dimension.
        draws: the pencil's Gaussian matrices.
        weights: `Wd`, `[p, d]`.
        features: `[p, n m]`, scaled by `1/sqrt(n m)`; for m = inf their means `[p, n]`.
        noise: `[d, n m]`, scaled likewise; None for m = inf.
        means: `[p, n]`, mean features of the samples, scaled by `1/sqrt(n)`.
        spread: eigenvalue of the data's covariance for each coordinate, `[d]`.
    """

    parameters: Parameters
    pencil: Pencil
    counts: Mapping[str, int]
    draws: Mapping[str, Matrix]
    weights: Matrix
    features: Matrix
    noise: Matrix | None
    means: Matrix
    spread: tuple[Fraction, ...]


def decide(
    rows: int,
    dimensions: tuple[int, ...],
    samples: int,
    copies: int | float,
    seed: int,
) -> dict[str, bool]:
    """Whether each identity holds at one random instance. Exact.

    Args:
        rows: p.
        dimensions: coordinates of each eigenvalue of the data's covariance; `(d,)` for isotropic.
        samples: n.
        copies: m, a square, or `math.inf`.
        seed: of the instance.

    Raises:
        InputError: a size is not positive, or m is no square.
    """
    instance = build(rows, dimensions, samples, copies, seed)
    model, inverse = _model(instance), _inverse(instance)
    return {name: bool(model[name] == value) for name, value in inverse.items()}


def build(
    rows: int, dimensions: tuple[int, ...], samples: int, copies: int | float, seed: int
) -> Instance:
    """A random rational instance.

    Raises:
        InputError: as `decide`.
    """
    sizes = (rows, *dimensions, samples)
    if not dimensions or min(sizes) < 1:
        rule = "every size is at least 1"
        raise InputError("sizes of an instance", show(sizes), rule, "give positive sizes")
    chance = random.Random(seed)
    parameters = _parameters(chance, rows, dimensions, samples, copies)
    chosen = pencil(rational.SYSTEM, parameters, memory=not parameters.exact_noise)
    weights = [_random(chance, rows, count) for count in dimensions]
    data = [_random(chance, count, samples) for count in dimensions]
    shared = _random(chance, rows, samples)
    counts = {"p": rows, "n": samples}
    counts |= dict(zip(labels(parameters, "d"), dimensions, strict=True))
    draws = dict(zip(labels(parameters, "Wd"), weights, strict=True))
    roots = [_root(xi) for _, xi in parameters.atoms]
    whole = _stack([_scaled(part, root) for part, root in zip(data, roots, strict=True)])
    slope = _root(parameters.linear)
    wide = _beside(weights)
    means = _scaled(wide * whole, _root(parameters.signal) * slope) + _scaled(
        shared, _root(parameters.shared)
    )
    spread = tuple(
        xi
        for (_, xi), count in zip(parameters.atoms, dimensions, strict=True)
        for _ in range(count)
    )
    draws |= dict(zip(labels(parameters, "X"), data, strict=True))
    if parameters.exact_noise:
        draws["O"] = shared
        return Instance(parameters, chosen, counts, draws, wide, means, None, means, spread)
    m = int(copies)
    noise = [_random(chance, count, samples * m) for count in dimensions]
    fresh = _random(chance, rows, samples * m)
    noisy = _scaled(wide * _stack(noise), _root(parameters.noise) * slope)
    features = _repeated(means, m) + noisy + _scaled(fresh, _root(parameters.fresh))
    draws["O1"] = shared
    draws["P1"], rest = _rotated(fresh, samples, m)
    if m > 1:
        counts["n(m-1)"] = samples * (m - 1)
        draws["P2"] = rest
    for k, part in enumerate(noise):
        first, rest = _rotated(part, samples, m)
        draws[labels(parameters, "Z1")[k]] = first
        if m > 1:
            draws[labels(parameters, "Z2")[k]] = rest
    # Columns are scaled by 1/sqrt(n m); means by 1/sqrt(n), which is sqrt(m) as much.
    scaled = _scaled(means, _root(Fraction(m)))
    return Instance(
        parameters, chosen, counts, draws, wide, features, _stack(noise), scaled, spread
    )


def _model(instance: Instance) -> dict[str, Any]:
    """What the blocks must be, from the model itself."""
    own = instance.parameters
    weights, features, noise = instance.weights, instance.features, instance.noise
    slope, root_h = _root(own.linear), _root(own.noise)
    d = weights.ncols()
    linear = _scaled(weights * weights.transpose(), own.linear)
    identity = _diagonal([Fraction(1)] * weights.nrows())
    moment = features * features.transpose()
    cross = _scaled(weights, root_h * slope)
    power = Fraction(d)
    if noise is None:
        moment += _scaled(linear, own.noise) + _scaled(identity, own.fresh)
    else:
        cross = features * noise.transpose()
        power = _trace(noise * noise.transpose())
    resolvent = (moment + _scaled(identity, own.ridge)).inv()
    minimiser = _scaled(cross.transpose() * resolvent, -1 / root_h)

    def cost(second: Matrix) -> Fraction:
        """`(h/d) tr B second B^T`."""
        value: Fraction = own.noise * _trace(minimiser * second * minimiser.transpose()) / d
        return value

    train = cost(moment) + 2 * root_h * _trace(minimiser * cross) / d + power / d
    followed = slope * _trace(minimiser * weights) / d
    spread = [own.signal * xi + own.noise for xi in instance.spread]
    seen = _scaled(weights * _diagonal(spread) * weights.transpose(), own.linear)
    seen += _scaled(identity, own.shared + own.fresh)
    test = cost(seen) / own.noise + 2 * followed + sum(1 / value for value in spread) / d
    fresh = _scaled(linear, own.noise) + _scaled(identity, own.fresh)
    means = instance.means
    again = cost(means * means.transpose() + fresh) + 2 * own.noise * followed + 1
    return {
        "resolvent": resolvent,
        "weights on both sides": weights.transpose() * resolvent * weights,
        "minimiser": minimiser,
        "minimum": train + own.ridge * cost(identity),
        "test error": test,
        "training error": train,
        "memorisation error": again,
    }


def _inverse(instance: Instance) -> dict[str, Any]:
    """The same from blocks of the pencil's inverse."""
    own, counts = instance.parameters, instance.counts
    whole = instance.pencil.assemble(counts, instance.draws)
    dual = labels(own, "w")
    by_u = instance.pencil.columns(whole, counts, "u")
    by_w = {name: instance.pencil.columns(whole, counts, name) for name in dual}
    sides = [_stack([column[name] for name in dual]) for column in by_w.values()]
    if own.exact_noise:
        sources = by_w
        followed = _scaled(_stack([by_u[name] for name in dual]), -_root(own.linear))
    else:
        targets = labels(own, "e'")
        sources = {name: instance.pencil.columns(whole, counts, name) for name in targets}
        columns = [column["u"] for column in sources.values()]
        followed = _scaled(_beside(columns).transpose(), -1 / _root(own.noise))
    blocks = instance.pencil.blocks
    traces = {
        (row, name): _trace(column[row]) / counts[blocks[name]]
        for name, column in sources.items()
        for row in blocks
        if blocks[row] == blocks[name]
    }
    extended = not own.exact_noise
    changes = {
        name: minimum_change(own, _derivative(instance, sources, direction))
        for name, direction in directions(own, extended).items()
    }
    aligned = alignment(rational.SYSTEM, own, {(two, one): v for (one, two), v in traces.items()})
    least = minimum(own, traces)
    test, train, again = errors(own, least, aligned, changes)
    result: dict[str, Any] = {
        "resolvent": by_u["u"],
        "weights on both sides": _beside(sides),
        "minimiser": followed,
        "minimum": least,
        "test error": test,
        "training error": train,
    }
    return result if again is None else {**result, "memorisation error": again}


def _derivative(
    instance: Instance, sources: Mapping[str, Mapping[str, Matrix]], direction: Mapping[Place, Any]
) -> dict[Place, Fraction]:
    """Diagonal traces of `-L^-1 dL L^-1`, for the blocks whose columns are given."""
    counts, blocks = instance.counts, instance.pencil.blocks
    result = {}
    for name, column in sources.items():
        total = Fraction(0)
        for (one, two), value in direction.items():
            inner = _trace(column[one].transpose() * column[two])
            total -= Fraction(value) * inner * (1 if one == two else 2)
        result[name, name] = total / counts[blocks[name]]
    return result


def _parameters(
    chance: random.Random,
    rows: int,
    dimensions: tuple[int, ...],
    samples: int,
    copies: int | float,
) -> Parameters:
    infinite = isinstance(copies, float) and math.isinf(copies)
    if not infinite and (copies < 1 or math.isqrt(int(copies)) ** 2 != copies):
        rule = "a rational rotation of the copies needs a square"
        raise InputError("copies of an instance", show(copies), rule, "give 1, 4, 9 or math.inf")
    d = sum(dimensions)

    def square() -> Fraction:
        return Fraction(chance.randint(1, 7), chance.randint(2, 5)) ** 2

    isotropic = len(dimensions) == 1
    return Parameters(
        signal=Fraction(9, 25),
        noise=Fraction(16, 25),
        linear=square(),
        shared=square(),
        fresh=square(),
        psi_n=Fraction(samples, d),
        psi_p=Fraction(rows, d),
        ridge=Fraction(chance.randint(1, 9), chance.randint(2, 9)),
        copies=math.inf if infinite else int(copies),
        atoms=tuple(
            (Fraction(count, d), Fraction(1) if isotropic else square()) for count in dimensions
        ),
    )


def _rotated(matrix: Matrix, samples: int, m: int) -> tuple[Matrix, Matrix]:
    """Copies of each sample, rotated: first ones and the rest, `[rows, n]`, `[rows, n (m-1)]`.

    The reflection that takes the first axis to the constant vector.
    """
    from flint import fmpq_mat

    root = Fraction(math.isqrt(m))
    axis = [Fraction(int(j == 0)) - 1 / root for j in range(m)]
    norm = sum(value * value for value in axis)
    entries = [
        Fraction(int(j == k)) - (2 * axis[j] * axis[k] / norm if m > 1 else 0)
        for j in range(m)
        for k in range(m)
    ]
    turn = fmpq_mat(m, m, [_rational(value) for value in entries])
    first, rest = [], []
    for i in range(samples):
        turned = _columns(matrix, i * m, m) * turn
        first.append(_columns(turned, 0, 1))
        rest.append(_columns(turned, 1, m - 1))
    return _beside(first), _beside(rest)


# Matrices of rationals --------------------------------------------------------------------------


def _random(chance: random.Random, rows: int, columns: int) -> Matrix:
    from flint import fmpq, fmpq_mat

    entries = [
        fmpq(chance.randint(-MODULUS, MODULUS), chance.randint(1, 4)) for _ in range(rows * columns)
    ]
    return fmpq_mat(rows, columns, entries)


def _rational(value: Fraction | int) -> Any:
    from flint import fmpq

    fraction = Fraction(value)
    return fmpq(fraction.numerator, fraction.denominator)


def _root(value: Fraction) -> Fraction:
    root: Fraction = rational.SYSTEM.root(Fraction(value), 2)
    return root


def _scaled(matrix: Matrix, factor: Fraction | int) -> Matrix:
    return matrix * _rational(factor)


def _diagonal(entries: list[Fraction]) -> Matrix:
    from flint import fmpq_mat

    result = fmpq_mat(len(entries), len(entries))
    for k, value in enumerate(entries):
        result[k, k] = _rational(value)
    return result


def _trace(matrix: Matrix) -> Fraction:
    total = sum((matrix[k, k] for k in range(matrix.nrows())), start=_rational(0))
    return Fraction(int(total.p), int(total.q))


def _stack(parts: list[Matrix]) -> Matrix:
    from flint import fmpq_mat

    entries = [entry for part in parts for entry in part.entries()]
    return fmpq_mat(sum(part.nrows() for part in parts), parts[0].ncols(), entries)


def _beside(parts: list[Matrix]) -> Matrix:
    return _stack([part.transpose() for part in parts]).transpose()


def _columns(matrix: Matrix, start: int, count: int) -> Matrix:
    from flint import fmpq_mat

    columns = range(start, start + count)
    entries = [matrix[i, j] for i in range(matrix.nrows()) for j in columns]
    return fmpq_mat(matrix.nrows(), count, entries)


def _repeated(matrix: Matrix, times: int) -> Matrix:
    """Each column as often as there are copies."""
    columns = [_columns(matrix, k, 1) for k in range(matrix.ncols()) for _ in range(times)]
    return _beside(columns)
