"""Learning curves of score matching with random features: the reduced system and its observables.

In the limit of many dimensions everything about the trained score follows from two numbers
`delta_1, delta_2`, how far training pulls the residuals of one sample (their mean over its noised
copies, and their differences) below those of a fresh one. They solve a fixed-point equation.

| letter | here | meaning |
|---|---|---|
| psi_n, psi_p | `psi_n`, `psi_p` | samples and features, each per dimension |
| m | `inverse_copies` | noised copies of each sample, as 1/m; 0 for the expectation |
| a^2, h | `signal`, `noise` | `e^{-2t}` and `1 - e^{-2t}` |
| lam | `ridge` | |
| mu_1^2, v0^2, s^2 | `linear`, `shared`, `fresh` | moments of the activation, see `activations` |
| xi | `spectrum.atoms` | eigenvalues of the data's covariance; one atom 1: isotropic |
| P_k, N_k, w_k, kap_k | `Level` | the table of coefficients |
| A(xi), S | `linear`, `shift` | `sum_k w_k delta_k P_k(xi)` and `lam + sum_k w_k delta_k N_k` |
| H | `resolvent` | `psi_p g`, g the normalised trace of `(U + lam)^{-1}` |
| r(xi), K(xi) | `ratio`, `kernel` | `1/(1 + A H)` and `r H` |

The equations are homogeneous: at `unit` = 1 they are those of the text; at `unit` = 0 and ridge 1
they are those of `delta/lam, lam g` in the limit of vanishing ridge where training interpolates.

Everything is formed as a sum of terms that are not negative, and the linearised system is inverted
as the M-matrix that it is, so that float64 loses nothing but what the problem itself amplifies.
What is read off a solution stands in `learning_curves`.

Rigour: a Gaussian equivalence and leave-one-out (or matrix-Dyson) arguments lead to this system; it
is not proved here. The spectrum is our own generalisation of the isotropic case.
Source: random-features.md, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.numbers import N, Numbers


@dataclass(frozen=True)
class Spectrum(Generic[N]):
    """Spectral law of the data's covariance, mean 1.

    Attributes:
        ns: number system.
        atoms: eigenvalues, positive: one number, or `[atoms, ...]` with the grid's axes behind.
        weights: of the same shape, of sum 1; None for the single atom.
    """

    ns: Numbers[N]
    atoms: N
    weights: N | None = None

    def mean(self, values: N) -> N:
        """`int values(xi) rho(xi)`."""
        return values if self.weights is None else self.ns.sum(self.weights * values, axis=0)


def isotropic(ns: Numbers[N]) -> Spectrum[N]:
    """Spectral law of the identity."""
    return Spectrum(ns, ns.constant(1))


@dataclass(frozen=True)
class Parameters(Generic[N]):
    """A point of a learning curve.

    Attributes:
        ns: number system.
        psi_n: n/d, positive.
        psi_p: p/d, positive.
        signal: a^2 = e^{-2t}, in (0, 1).
        noise: h = 1 - a^2.
        inverse_copies: 1/m, in [0, 1].
        ridge: lam, positive (see the module on the limit).
        linear: mu_1^2.
        shared: v0^2.
        fresh: s^2.
        spectrum: law of the eigenvalues of the data's covariance.
        unit: 1, or 0 in the limit of vanishing ridge above the interpolation threshold.
    """

    ns: Numbers[N]
    psi_n: N
    psi_p: N
    signal: N
    noise: N
    inverse_copies: N
    ridge: N
    linear: N
    shared: N
    fresh: N
    spectrum: Spectrum[N]
    unit: N

    @property
    def levels(self) -> tuple[Level[N], Level[N]]:
        """The table of coefficients: mean of a sample's copies, and their differences.

        Source: random-features.md, section 4, table.
        """
        own = self.noise * self.inverse_copies
        return (
            Level(
                linear=(self.signal * self.spectrum.atoms + own) * self.linear,
                shift=self.shared + self.fresh * self.inverse_copies,
                weight=self.ns.constant(1),
                load=1 / self.psi_n,
            ),
            Level(
                linear=self.noise * self.linear,
                shift=self.fresh,
                weight=1 - self.inverse_copies,
                load=self.inverse_copies / self.psi_n,
            ),
        )


@dataclass(frozen=True)
class Level(Generic[N]):
    """One column pair of the table of coefficients.

    Attributes:
        linear: P_k, over the atoms.
        shift: N_k.
        weight: w_k.
        load: kap_k.
    """

    linear: N
    shift: N
    weight: N
    load: N


@dataclass(frozen=True)
class State(Generic[N]):
    """Values of the unknowns, and what follows from them directly.

    Attributes:
        parameters: the point.
        levels: its table of coefficients.
        delta: delta_1, delta_2.
        linear: A, over the atoms.
        shift: S.
        resolvent: H = psi_p g.
        ratio: r, over the atoms.
        kernel: K, over the atoms.
        sensitivity: `D = S H + int r A K`; a change of S moves H by `-H^2/D` times it.
    """

    parameters: Parameters[N]
    levels: tuple[Level[N], Level[N]]
    delta: tuple[N, N]
    linear: N
    shift: N
    resolvent: N
    ratio: N
    kernel: N
    sensitivity: N

    @property
    def dbar(self) -> N:
        """`delta_1/m + (1 - 1/m) delta_2`; 1 at m = inf, where delta_2 is."""
        first, second = self.delta
        copies = self.parameters.inverse_copies
        return first * copies + (1 - copies) * second


def linear_strength(parameters: Parameters[N], delta: tuple[N, N]) -> N:
    """`A(xi) = sum_k w_k delta_k P_k(xi)`.

    Source: random-features.md, section 4.
    """
    first, second = parameters.levels
    return delta[0] * first.linear + second.weight * delta[1] * second.linear


def total_shift(parameters: Parameters[N], delta: tuple[N, N]) -> N:
    """`S = lam + sum_k w_k delta_k N_k`.

    Source: random-features.md, section 4.
    """
    first, second = parameters.levels
    return parameters.ridge + delta[0] * first.shift + second.weight * delta[1] * second.shift


def isotropic_resolvent(ns: Numbers[N], psi_p: N, linear: N, shift: N) -> N:
    """`H = psi_p g`, g the positive root of `S A psi_p g^2 + (S + A (1 - psi_p)) g - 1`.

    With `e = max(psi_p - 1, 0)` and `B = S + A |psi_p - 1|`, a sum of terms that are not negative:
    `H = e/S + 2 min(1, psi_p)/(B + sqrt(B^2 + 4 S A min(1, psi_p)))`.

    Args:
        ns: number system.
        psi_p: positive.
        linear: A, at least 0.
        shift: S, positive.

    Source: random-features.md, section 4.
    """
    one = ns.constant(1)
    excess = ns.maximum(psi_p - 1, one - 1)
    least = -ns.maximum(-psi_p, -one)
    share = isotropic_share(ns, psi_p, linear, shift)
    return excess / shift + least * share


def isotropic_share(ns: Numbers[N], psi_p: N, linear: N, shift: N) -> N:
    """`2/(B + sqrt(B^2 + 4 S A min(1, psi_p)))`, `B = S + A |psi_p - 1|`."""
    one = ns.constant(1)
    least = -ns.maximum(-psi_p, -one)
    total = shift + linear * ns.absolute(psi_p - 1)
    return 2 / (total + ns.root(total * total + 4 * shift * linear * least, 2))


def state(parameters: Parameters[N], delta: tuple[N, N], resolvent: N | None = None) -> State[N]:
    """What follows from delta_1 and delta_2, and from H where there is more than one atom.

    `r = 1/(1 + A H)`, `K = H/(1 + A H)`.

    Args:
        parameters: the point.
        delta: delta_1, delta_2, positive.
        resolvent: H; None, for one atom only: the root of the quadratic.

    Source: random-features.md, section 4.
    """
    linear = linear_strength(parameters, delta)
    shift = total_shift(parameters, delta)
    if resolvent is None:
        resolvent = isotropic_resolvent(parameters.ns, parameters.psi_p, linear, shift)
    ratio = 1 / (1 + linear * resolvent)
    kernel = ratio * resolvent
    sensitivity = shift * resolvent + parameters.spectrum.mean(ratio * linear * kernel)
    return State(
        parameters, parameters.levels, delta, linear, shift, resolvent, ratio, kernel, sensitivity
    )


def saturated_state(parameters: Parameters[N], delta: tuple[N, N]) -> State[N]:
    """The limit of vanishing ridge for linear features that outnumber the dimensions.

    S and r vanish, H grows without bound and `K = 1/A`. As N_k = 0 no observable needs H but as
    `r H = K`, so H is written as 0 here, and so is D, which only divides 0, as 1. Responses to a
    change of S have no meaning.

    Args:
        parameters: the point, ridge 0, psi_p at least 1, v0^2 = s^2 = 0.
        delta: delta_1, delta_2, positive.

    Source: random-features.md, sections 4 and 5.2.
    """
    linear = linear_strength(parameters, delta)
    none = 0 * delta[0]
    return State(
        parameters,
        parameters.levels,
        delta,
        linear,
        none,
        none,
        0 * linear,
        1 / linear,
        1 + none,
    )


# The fixed point.


def damping(at: State[N], k: int) -> N:
    """`1/T_k = unit + kap_k (int P_k K + N_k H)`, T the map whose fixed point delta is.

    Source: random-features.md, section 4.
    """
    level, mean = at.levels[k], at.parameters.spectrum.mean
    return at.parameters.unit + level.load * (
        mean(level.linear * at.kernel) + level.shift * at.resolvent
    )


def residuals(at: State[N]) -> tuple[N, N, N]:
    """`delta_k/T_k - 1` for k = 1, 2, and `S H + int A K - psi_p`: all 0 at the solution.

    Source: random-features.md, section 4.
    """
    mean = at.parameters.spectrum.mean
    return (
        at.delta[0] * damping(at, 0) - 1,
        at.delta[1] * damping(at, 1) - 1,
        at.shift * at.resolvent + mean(at.linear * at.kernel) - at.parameters.psi_p,
    )


def quadratic(psi_p: N, linear: N, shift: N, g: N) -> N:
    """`S A psi_p g^2 + (S + A (1 - psi_p)) g - 1`, 0 at the solution with one atom.

    Source: random-features.md, section 4.
    """
    return shift * linear * psi_p * g * g + (shift + linear * (1 - psi_p)) * g - 1


def features_used(at: State[N]) -> N:
    """`(S - lam) H = sum_k w_k delta_k N_k H`."""
    first, second = at.levels
    return at.resolvent * (at.delta[0] * first.shift + second.weight * at.delta[1] * second.shift)


def invariants(at: State[N]) -> tuple[N, N]:
    """Two combinations that are 0 at a solution, each a check on all equations together.

    `int A K + S H - psi_p`, and what the equations of delta say, summed up: at unit 1 and finite m
    `m psi_n (1 - dbar) - (psi_p - lam H)`, at m = inf
    `psi_n (1 - delta_1) + int h mu_1^2 K + s^2 H - (psi_p - lam H)`.

    Source: random-features.md, section 4 (invariants).
    """
    p, mean = at.parameters, at.parameters.spectrum.mean
    second = at.levels[1]
    differences = (
        second.weight
        * at.delta[1]
        * (mean(second.linear * at.kernel) + second.shift * at.resolvent)
    )
    used = mean(at.linear * at.kernel) + features_used(at)
    return (
        mean(at.linear * at.kernel) + at.shift * at.resolvent - p.psi_p,
        p.psi_n * (1 - p.unit * at.delta[0]) + differences - used,
    )


# The linearised system.


@dataclass(frozen=True)
class Linearised(Generic[N]):
    """The system of `d delta = J d delta + b`, solved.

    Attributes:
        jacobian: J, rows of entries that are not negative.
        inverse: (I - J)^{-1}, likewise.
        reach: `V_k = int r K P_k + N_k H`.
        squares: `kap_k T_k^2`.
    """

    jacobian: tuple[tuple[N, N], tuple[N, N]]
    inverse: tuple[tuple[N, N], tuple[N, N]]
    reach: tuple[N, N]
    squares: tuple[N, N]


def linearise(at: State[N], images: tuple[N, N] | None = None) -> Linearised[N]:
    """Jacobian J of T, and the inverse of I - J without a subtraction.

    `J_kl = kap_k T_k^2 w_l (int K^2 P_k P_l + V_k V_l/D)`. By homogeneity of the system
    `((I - J) delta)_k = delta_k - T_k + T_k^2 (unit + lam kap_k H V_k/D)`, which is positive where
    `delta >= T`; so I - J is an M-matrix, and its diagonal and its determinant are sums of
    positive terms (Alfa, Xue, Ye, Math. Comp. 71 (2002), for any size).

    Args:
        at: values of the unknowns, H solving its equation.
        images: T_1, T_2, at most delta; None at the fixed point, where they are delta.

    Source: random-features.md, section 4, differentiated; tests/formulas/test_random_features.py.
    """
    parameters, mean = at.parameters, at.parameters.spectrum.mean
    values = at.delta if images is None else images
    sensitivity = at.sensitivity
    reach = tuple(
        mean(at.ratio * at.kernel * level.linear) + level.shift * at.resolvent
        for level in at.levels
    )
    squares = tuple(
        level.load * value * value for level, value in zip(at.levels, values, strict=True)
    )
    square_kernel = at.kernel * at.kernel
    cross = [
        [
            mean(square_kernel * at.levels[k].linear * at.levels[l].linear)
            + reach[k] * reach[l] / sensitivity
            for l in range(2)
        ]
        for k in range(2)
    ]
    weights = [level.weight for level in at.levels]
    jacobian = [[squares[k] * weights[l] * cross[k][l] for l in range(2)] for k in range(2)]
    falls = [
        values[k] * values[k] * parameters.unit
        + parameters.ridge * squares[k] * at.resolvent * reach[k] / sensitivity
        for k in range(2)
    ]
    if images is not None:
        falls = [
            fall + parameters.ns.maximum(value - image, 0 * value)
            for fall, value, image in zip(falls, at.delta, images, strict=True)
        ]
    first, second = at.delta
    up, down = jacobian[0][1] * second, jacobian[1][0] * first
    determinant = (falls[0] * falls[1] + falls[0] * down + falls[1] * up) / (first * second)
    inverse = (
        ((falls[1] + down) / (second * determinant), jacobian[0][1] / determinant),
        (jacobian[1][0] / determinant, (falls[0] + up) / (first * determinant)),
    )
    return Linearised(
        ((jacobian[0][0], jacobian[0][1]), (jacobian[1][0], jacobian[1][1])),
        inverse,
        (reach[0], reach[1]),
        (squares[0], squares[1]),
    )


@dataclass(frozen=True)
class Change(Generic[N]):
    """How the equations change, the unknowns held fixed.

    Attributes:
        damping: changes of 1/T_1 and 1/T_2.
        linear: change of A, over the atoms.
        shift: change of S.
        width: change of psi_p.
    """

    damping: tuple[N, N]
    linear: N
    shift: N
    width: N


@dataclass(frozen=True)
class Response(Generic[N]):
    """How the solution changes, to first order.

    Attributes:
        delta: changes of delta_1, delta_2.
        linear: of A, over the atoms.
        shift: of S.
        resolvent: of H.
        kernel: of K, over the atoms.
    """

    delta: tuple[N, N]
    linear: N
    shift: N
    resolvent: N
    kernel: N


def respond(at: State[N], system: Linearised[N], change: Change[N]) -> Response[N]:
    """First-order change of the solution, by the implicit function theorem.

    `dH = (H/D)(d psi_p - H dS - int r K dA)`, `dK = r^2 dH - K^2 dA`, `dA = (its own change) +
    sum_k w_k P_k d delta_k`, dS likewise, and `d delta = (I - J)^{-1} b` with b the change of T at
    fixed delta.

    Source: random-features.md, section 4, differentiated; tests/formulas/test_random_features.py.
    """
    mean = at.parameters.spectrum.mean
    slope = at.resolvent / at.sensitivity
    square_ratio, square_kernel = at.ratio * at.ratio, at.kernel * at.kernel

    def solved(linear: N, shift: N) -> tuple[N, N]:
        pull = shift * at.resolvent + mean(at.ratio * at.kernel * linear)
        resolvent = slope * (change.width - pull)
        return resolvent, square_ratio * resolvent - square_kernel * linear

    resolvent, kernel = solved(change.linear, change.shift)
    pushes = [
        -at.delta[k] * at.delta[k] * change.damping[k]
        - system.squares[k] * (mean(at.levels[k].linear * kernel) + at.levels[k].shift * resolvent)
        for k in range(2)
    ]
    (b11, b12), (b21, b22) = system.inverse
    first = b11 * pushes[0] + b12 * pushes[1]
    second = b21 * pushes[0] + b22 * pushes[1]
    heavy = at.levels[1].weight * second
    linear = change.linear + first * at.levels[0].linear + heavy * at.levels[1].linear
    shift = change.shift + first * at.levels[0].shift + heavy * at.levels[1].shift
    resolvent, kernel = solved(linear, shift)
    return Response((first, second), linear, shift, resolvent, kernel)
