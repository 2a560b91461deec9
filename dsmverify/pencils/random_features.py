"""The linear pencils of denoising score matching with random features, and what is read off them.

Features are Gaussian-equivalent,
`phi_ij = a mu_1 Wd x_i + v0 Om_i + sqrt(h) mu_1 Wd z_ij + s om_ij`. The covariance of the data has
finitely many eigenvalues `xi` with weights (mean 1; isotropic data: one atom at 1), and the blocks
of dimension d are split accordingly.

| block | dimension | where |
|---|---|---|
| u | p | both pencils |
| w^, w | d | both |
| v | n | m = inf |
| v1, v2 | n, n(m-1) | finite m: sum and differences of the copies of a sample (v2 for m > 1) |
| e, e' | d | finite m: the noise to be predicted |
| v3, v4 | n | finite m, on demand: the samples without their noise, for `E_mem` |

Sizes are in units of d. With several atoms the blocks of dimension d have the atom's number in
brackets: `w[0]`, `w[1]`.

Level of rigour: the block identities are exact (`identities`); that the traces tend to a solution
of the Dyson equation, and that the features may be replaced by Gaussian ones, is assumed.

Source: RF (shared note on random features), sections 2 and 3; general covariance: ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dsmverify.errors import InputError, show
from dsmverify.numbers import Numbers
from dsmverify.pencils.dyson import Solution, solve
from dsmverify.pencils.pencil import Gaussian, Number, Pencil, Place, blocks

RAMP = {("u", "u"): 1}
"""The ridge: the entry of `L0` along which solutions are followed."""

ISOTROPIC = ((1, 1),)
"""The spectral law of isotropic data: weight 1 at 1."""


@dataclass(frozen=True)
class Parameters:
    """A point of a learning curve, in numbers of one system.

    Attributes:
        signal: `a^2 = exp(-2t)`, in (0, 1).
        noise: `h = 1 - a^2`, in (0, 1).
        linear: `mu_1^2`, positive.
        shared: `v0^2`, positive.
        fresh: `s^2`, positive.
        psi_n: n/d, positive.
        psi_p: p/d, positive.
        ridge: lam, positive.
        copies: m; an integer, a symbol, or `math.inf`.
        atoms: weight and eigenvalue of each atom of the data's spectral law.
    """

    signal: Number
    noise: Number
    linear: Number
    shared: Number
    fresh: Number
    psi_n: Number
    psi_p: Number
    ridge: Number
    copies: Number
    atoms: tuple[tuple[Number, Number], ...] = ISOTROPIC

    @property
    def exact_noise(self) -> bool:
        """Whether m is infinite."""
        return isinstance(self.copies, float) and math.isinf(self.copies)


@dataclass(frozen=True)
class Observables:
    """What is read off the solution of a pencil. Approximate, as the solution.

    Attributes:
        test_error: `E_test`.
        train_error: `E_train`, without the ridge term.
        memorisation_error: `E_mem`; None where it was not asked for.
        minimum: F, the minimum of the loss, ridge term included.
        inverse_trace: g, the normalised trace of `(U + lam)^-1`.
        solution: the solution of the Dyson equation.
    """

    test_error: Number
    train_error: Number
    memorisation_error: Number | None
    minimum: Number
    inverse_trace: Number
    solution: Solution


def labels(parameters: Parameters, letter: str) -> tuple[str, ...]:
    """Names of the blocks of one letter, one for each atom."""
    count = len(parameters.atoms)
    return (letter,) if count == 1 else tuple(f"{letter}[{k}]" for k in range(count))


def pencil(ns: Numbers[Any], parameters: Parameters, memory: bool = False) -> Pencil:
    """The pencil of a point of a learning curve.

    Args:
        ns: number system of the parameters; roots of `a^2`, h, `mu_1^2`, `v0^2`, `s^2`, m and
            the eigenvalues are taken in it.
        parameters: the point.
        memory: whether blocks v3, v4 are added, in which a number q at (v4, v4) adds
            `q (1/n) sum_i E_z[phi] E_z[phi]^T` to U; not for m = inf, where E_mem = E_train.

    Raises:
        InputError: a block would have no rows, or m is not a positive whole number.
        IrrationalError: the number system is the rational one, and a root is irrational.
    """
    if parameters.exact_noise:
        return _exact_noise(ns, parameters)
    _check_copies(parameters.copies)
    return _copies(ns, parameters, memory)


def directions(parameters: Parameters, memory: bool = False) -> dict[str, dict[Place, Number]]:
    """Changes of `L0` along which the minimum of the loss is differentiated.

    Returns:
        `C`, `N`, `I`: covariance of the features due to the data, due to the noise; identity;
        `M`, where the pencil has blocks for it: the second moment of the samples' mean features.
    """
    own, h, linear = parameters, parameters.noise, parameters.linear
    data: dict[Place, Number] = {("u", "u"): own.shared}
    noise: dict[Place, Number] = {("u", "u"): own.fresh}
    for w, (_, eigenvalue) in zip(labels(own, "w"), own.atoms, strict=True):
        data[w, w] = own.signal * linear * eigenvalue
        noise[w, w] = h * linear
    result: dict[str, dict[Place, Number]] = {"C": data, "N": noise, "I": {("u", "u"): 1}}
    if memory:
        result["M"] = {("v4", "v4"): 1}
    return result


def minimum(parameters: Parameters, value: Mapping[Place, Number] | Solution) -> Number:
    """F, the minimum of the loss with its ridge term, from the entries of `G`.

    `-g_{e'e'}` for finite m, `1 - h mu_1^2 g_ww` for m = inf, averaged over the atoms.
    """
    own = parameters
    if own.exact_noise:
        return 1 - own.noise * own.linear * _average(own, value, "w", "w")
    return -_average(own, value, "e'", "e'")


def minimum_change(parameters: Parameters, change: Mapping[Place, Number]) -> Number:
    """Derivative of F, from the derivatives of the entries of `G`."""
    own = parameters
    if own.exact_noise:
        return -own.noise * own.linear * _average(own, change, "w", "w")
    return -_average(own, change, "e'", "e'")


def alignment(
    ns: Numbers[Any], parameters: Parameters, value: Mapping[Place, Number] | Solution
) -> Number:
    """`k0 = sqrt(h) mu_1 (1/d) tr Wd^T (U + lam)^-1 V`: how far the model follows the noise."""
    own = parameters
    if own.exact_noise:
        return own.noise * own.linear * _average(own, value, "w", "w")
    return ns.root(own.noise, 2) * ns.root(own.linear, 2) * _average(own, value, "e'", "w")


def population(parameters: Parameters) -> Number:
    """`(1/d) E |C^-1 y|^2`, what the zero score costs; 1 for isotropic data."""
    own = parameters
    return sum(weight / (own.signal * xi + own.noise) for weight, xi in own.atoms)


def observables(
    ns: Numbers[Any], parameters: Parameters, digits: int | None = None, memory: bool = True
) -> Observables:
    """Errors of a point of a learning curve, by its pencil.

    Args:
        ns: float64, or mpmath within a working precision above `digits`.
        parameters: the point, in this system.
        digits: as in `dyson.solve`.
        memory: whether `E_mem` is wanted for finite m (two more blocks).

    Returns:
        Approximate: see `dyson.solve`. `E_train = F - lam dF/dlam` is a difference, so its absolute
        error is that of F.

    Raises:
        InputError: see `pencil`.
        PrecisionError: see `dyson.solve`.
    """
    extended = memory and not parameters.exact_noise
    solution = solve(pencil(ns, parameters, extended), RAMP, digits)
    changes = {
        name: minimum_change(parameters, solution.derivative(direction))
        for name, direction in directions(parameters, extended).items()
    }
    least, aligned = minimum(parameters, solution), alignment(ns, parameters, solution)
    test, train, again = errors(parameters, least, aligned, changes)
    return Observables(test, train, again, least, solution["u", "u"], solution)


def errors(
    parameters: Parameters, least: Number, aligned: Number, changes: Mapping[str, Number]
) -> tuple[Number, Number, Number | None]:
    """`E_test`, `E_train` and `E_mem` from F, k0 and the derivatives of F. Exact.

    `E_test = (1/d) E|C^-1 y|^2 - 2 k0/h + (T_C + T_N)/h`, `E_train = F - lam T_I`,
    `E_mem = 1 - 2 k0 + T_M + T_N`, for m = inf `E_train`.

    Args:
        parameters: the point.
        least: F.
        aligned: k0.
        changes: `T_X`, derivative of F along each direction X.

    Returns:
        The three errors; the last is None where there is no derivative along M.
    """
    covariance = changes["C"] + changes["N"]
    test = population(parameters) + (covariance - 2 * aligned) / parameters.noise
    train = least - parameters.ridge * changes["I"]
    if "M" in changes:
        return test, train, 1 - 2 * aligned + changes["M"] + changes["N"]
    return test, train, train if parameters.exact_noise else None


def _average(
    parameters: Parameters, value: Mapping[Place, Number] | Solution, one: str, two: str
) -> Number:
    places = zip(labels(parameters, one), labels(parameters, two), strict=True)
    terms = zip(parameters.atoms, places, strict=True)
    return sum(weight * value[place] for (weight, _), place in terms)


def _exact_noise(ns: Numbers[Any], own: Parameters) -> Pencil:
    root_a, slope, root_v = (ns.root(value, 2) for value in (own.signal, own.linear, own.shared))
    fixed: dict[Place, Number] = {("u", "u"): own.fresh + own.ridge, ("v", "v"): -1}
    gaussians = [Gaussian("O", 1 / own.psi_n, {("u", "v"): root_v})]
    names = [("u", "p"), ("v", "n")]
    for k, (_, xi) in enumerate(own.atoms):
        dual, w, dimension = _at(own, "w^", k), _at(own, "w", k), _at(own, "d", k)
        names += [(dual, dimension), (w, dimension)]
        fixed[dual, w] = -1
        fixed[w, w] = own.noise * own.linear
        gaussians.append(Gaussian(_at(own, "Wd", k), 1, {("u", dual): 1}))
        places = {(w, "v"): root_a * slope * ns.root(xi, 2)}
        gaussians.append(Gaussian(_at(own, "X", k), 1 / own.psi_n, places))
    return Pencil(
        "m = inf",
        _sizes(own, {"n": own.psi_n}),
        blocks(names),
        fixed,
        tuple(gaussians),
        {"u": 1, "v": -1, **dict.fromkeys(labels(own, "w"), 1)},
    )


def _copies(ns: Numbers[Any], own: Parameters, memory: bool) -> Pencil:
    several = own.copies != 1
    m, variance = own.copies, 1 / (own.psi_n * own.copies)
    root_a, root_h, root_m = (ns.root(x, 2) for x in (own.signal, own.noise, _exact(ns, m)))
    slope, root_v, root_s = (ns.root(x, 2) for x in (own.linear, own.shared, own.fresh))
    fixed: dict[Place, Number] = {("u", "u"): own.ridge, ("v1", "v1"): -1}
    names = [("u", "p"), ("v1", "n")]
    sizes = {"n": own.psi_n}
    shared: dict[Place, Number] = {("u", "v1"): root_m * root_v}
    gaussians = [Gaussian("P1", variance, {("u", "v1"): root_s})]
    if several:
        names.append(("v2", "n(m-1)"))
        sizes["n(m-1)"] = own.psi_n * (m - 1)
        fixed["v2", "v2"] = -1
        gaussians.append(Gaussian("P2", variance, {("u", "v2"): root_s}))
    if memory:
        names += [("v3", "n"), ("v4", "n")]
        fixed["v3", "v4"] = -1
        shared["u", "v3"] = root_m * root_v
    gaussians.append(Gaussian("O1", variance, shared))
    for k, (_, xi) in enumerate(own.atoms):
        dual, w, dimension = _at(own, "w^", k), _at(own, "w", k), _at(own, "d", k)
        e, target = _at(own, "e", k), _at(own, "e'", k)
        names += [(name, dimension) for name in (dual, w, e, target)]
        fixed[dual, w] = fixed[e, target] = -1
        gaussians.append(Gaussian(_at(own, "Wd", k), 1, {("u", dual): 1}))
        data = root_m * root_a * slope * ns.root(xi, 2)
        rows = ("v1", "v3") if memory else ("v1",)
        places = {(w, row): data for row in rows}
        gaussians.append(Gaussian(_at(own, "X", k), variance, places))
        for number in (1, 2) if several else (1,):
            places = {(w, f"v{number}"): root_h * slope, (e, f"v{number}"): 1}
            gaussians.append(Gaussian(_at(own, f"Z{number}", k), variance, places))
    signs = {"u": 1, "v1": -1, **({"v2": -1} if several else {})}
    return Pencil(
        f"m = {m}",
        _sizes(own, sizes),
        blocks(names),
        fixed,
        tuple(gaussians),
        {**signs, **dict.fromkeys(labels(own, "w"), 1)},
    )


def _sizes(own: Parameters, sizes: Mapping[str, Number]) -> dict[str, Number]:
    parts = zip(labels(own, "d"), own.atoms, strict=True)
    return {"p": own.psi_p, **sizes, **{name: weight for name, (weight, _) in parts}}


def _at(own: Parameters, letter: str, atom: int) -> str:
    return labels(own, letter)[atom]


def _exact(ns: Numbers[Any], value: Number) -> Number:
    return ns.constant(value) if isinstance(value, int | Fraction) else value


def _check_copies(copies: Number) -> None:
    if isinstance(copies, bool | float) or (isinstance(copies, int) and copies < 1):
        rule = "the number of noise samples is a whole number, at least 1, or infinite"
        raise InputError("copies", show(copies), rule, "give 1, 2, ... or math.inf")
