"""What a learning curve shows, read off a solution of the reduced system.

| letter | here | meaning |
|---|---|---|
| k(xi), k0 | | `h mu_1^2 dbar K`, and its mean over xi |
| F | `minimum` | least value of the loss with its ridge term |
| T_X | `Slope` | `dF/dq` along `(q_A, q_S) = eps X` |
| R_N | `noise_error` | `1 - 2 k0 + T_N`: error of predicting the noise where there is no signal |

Every observable is written as a sum of terms that are not negative; the forms of the text stand at
the end, and tests and derivations tie the two. See `random_features` for the other letters, and for
what the system rests on.

Source: random-features.md, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.formulas.random_features import (
    Change,
    Linearised,
    Parameters,
    Response,
    State,
    features_used,
    respond,
)
from dsmverify.numbers import N

# Slopes of the minimum, and observables.


@dataclass(frozen=True)
class Direction(Generic[N]):
    """A direction X of `(q_A, q_S)`: `mu_1^2 (signal a^2 xi + noise h)` and `shift`."""

    signal: N
    noise: N
    shift: N


def directions(parameters: Parameters[N]) -> tuple[Direction[N], Direction[N], Direction[N]]:
    """The directions C (signal), N (noise) and I (ridge).

    Source: random-features.md, section 4.
    """
    one = parameters.ns.constant(1)
    none = 0 * one
    return (
        Direction(one, none, parameters.shared),
        Direction(none, one, parameters.fresh),
        Direction(none, none, one),
    )


@dataclass(frozen=True)
class Slope(Generic[N]):
    """`T_X` of a direction X, and the parts that observables are sums of; none is negative.

    Attributes:
        spread: what the response of delta and H adds.
        completed: `T_X`, and `1 - 2 k0` times the direction's noise.
        slope: T_X itself.
    """

    spread: N
    completed: N
    slope: N


def misfit(at: State[N]) -> N:
    """`1 - k(xi) = r + a^2 xi mu_1^2 delta_1 K`, over the atoms: a sum, where 1 - k cancels."""
    p = at.parameters
    return at.ratio + p.signal * p.spectrum.atoms * p.linear * at.delta[0] * at.kernel


def minimum(at: State[N]) -> N:
    """`F = dbar (1 - k0)`, the least value of the loss with its ridge term.

    Source: random-features.md, section 4.
    """
    return at.dbar * at.parameters.spectrum.mean(misfit(at))


def slope_along(at: State[N], system: Linearised[N], x: Direction[N]) -> Slope[N]:
    """`T_X = dF/dq` along a direction, from sums of terms that are not negative.

    With `L = h mu_1^2 dbar`, and d the response to the direction,
    `spread = d dbar int (1 - k)^2 + a^2 mu_1^2 L dbar_h d delta_1 int xi K^2
    + L dbar int r K (H dS + int r K dA)/D`, where `dbar_h = h mu_1^2 dbar/h`.

    Source: random-features.md, section 4, rearranged; tests/formulas/test_random_features.py.
    """
    p, mean = at.parameters, at.parameters.spectrum.mean
    levels, sensitivity = at.levels, at.sensitivity
    square_kernel, weighted = at.kernel * at.kernel, at.ratio * at.kernel
    own = p.linear * (x.signal * p.signal * p.spectrum.atoms + x.noise * p.noise)
    pull = mean(weighted * own) + x.shift * at.resolvent
    pushes = [
        system.squares[k]
        * (mean(square_kernel * levels[k].linear * own) + system.reach[k] * pull / sensitivity)
        for k in range(2)
    ]
    (b11, b12), (b21, b22) = system.inverse
    first = b11 * pushes[0] + b12 * pushes[1]
    second = b21 * pushes[0] + b22 * pushes[1]
    both = first * p.inverse_copies + levels[1].weight * second
    pull = pull + first * system.reach[0] + levels[1].weight * second * system.reach[1]
    reading = p.noise * p.linear * at.dbar * at.dbar
    fit = misfit(at)
    error = mean(fit * fit)
    gain = reading * p.signal * p.linear * mean(p.spectrum.atoms * square_kernel)
    spread = both * error + gain * first + reading * mean(weighted) * pull / sensitivity
    completed = spread + x.signal * gain + x.noise * error
    k0 = p.noise * p.linear * at.dbar * mean(at.kernel)
    return Slope(spread, completed, completed - x.noise * (1 - 2 * k0))


@dataclass(frozen=True)
class Observables(Generic[N]):
    """What a learning curve shows, each per dimension.

    Attributes:
        test_error: `E |s(y) + C^{-1} y|^2/d`, against the score of the population.
        train_error: the loss on the training draws, without the ridge term.
        memorisation_error: the loss on training points with fresh noise.
        new_data_loss: the loss on new points.
        degrees_of_freedom: `tr U (U + lam)^{-1}/d`, how many of the parameters are used.
        noise_error: R_N.
        minimum: F, the loss with its ridge term.
        ridge_slope: T_I.
    """

    test_error: N
    train_error: N
    memorisation_error: N
    new_data_loss: N
    degrees_of_freedom: N
    noise_error: N
    minimum: N
    ridge_slope: N


def observables(at: State[N], system: Linearised[N]) -> Observables[N]:
    """Everything that is read off the fixed point, as sums of terms that are not negative.

    With `R_N = 1 - 2 k0 + T_N`, `C(xi) = a^2 xi + h`, `y = delta_1 (int a^2 xi mu_1^2 K + v0^2 H)
    /psi_n`, so that `1 - y = delta_1/delta_2`:

    - new data: `R_N + T_C`
    - training: `delta_1^2 T_C + (delta_1^2/m + (1 - 1/m) delta_2^2) R_N`
    - memorisation: `R_N + (1 - y)^2 T_C + y^2 R_N/m`
    - test: `int C^{-1} (r - a^2 xi mu_1^2 K (1 - 1/m) delta_2 y)^2 + (spreads of C and N)/h`
    - degrees of freedom: `int A K + (S - lam) H`

    At unit 0 the training error and the minimum are to be multiplied by `lam^2` and `lam`.

    Source: random-features.md, section 4, rearranged; tests/formulas/test_random_features.py.
    """
    p, mean = at.parameters, at.parameters.spectrum.mean
    signal, noise, ridge = (slope_along(at, system, x) for x in directions(p))
    first, second = at.delta
    copies, several = p.inverse_copies, at.levels[1].weight
    own_signal = p.signal * p.spectrum.atoms * p.linear
    y = first * (mean(own_signal * at.kernel) + p.shared * at.resolvent) / p.psi_n
    kept = first / second
    error = noise.completed
    shrink = first * first * copies + several * second * second
    bias = at.ratio - own_signal * at.kernel * several * second * y
    covariance = p.signal * p.spectrum.atoms + p.noise
    return Observables(
        test_error=mean(bias * bias / covariance) + (signal.spread + noise.spread) / p.noise,
        train_error=first * first * signal.completed + shrink * error,
        memorisation_error=error + kept * kept * signal.completed + y * y * copies * error,
        new_data_loss=error + signal.completed,
        degrees_of_freedom=mean(at.linear * at.kernel) + features_used(at),
        noise_error=error,
        minimum=minimum(at),
        ridge_slope=ridge.slope,
    )


# The forms of the text.


def minimum_slope(at: State[N], response: Response[N]) -> N:
    """`dF = (1 - 2 k0) d dbar - h mu_1^2 dbar^2 int dK` for any change of the solution.

    Source: random-features.md, section 4 (T_X).
    """
    p = at.parameters
    copies, dbar = p.inverse_copies, at.dbar
    change = response.delta[0] * copies + (1 - copies) * response.delta[1]
    reading = p.noise * p.linear * dbar
    k0 = reading * p.spectrum.mean(at.kernel)
    return (1 - 2 * k0) * change - reading * dbar * p.spectrum.mean(response.kernel)


def printed_slope(at: State[N], system: Linearised[N], x: Direction[N]) -> N:
    """`T_X` as the text defines it: the derivative of F along `(q_A, q_S) = eps X`.

    Source: random-features.md, section 4.
    """
    p = at.parameters
    none = 0 * p.ridge
    own = p.linear * (x.signal * p.signal * p.spectrum.atoms + x.noise * p.noise)
    return minimum_slope(at, respond(at, system, Change((none, none), own, x.shift, none)))


def printed_observables(at: State[N], system: Linearised[N]) -> dict[str, N]:
    """The observables as the text writes them (and test errors over a spectrum as we do).

    - `test_error = int C^{-1} - 2 k0/h + (T_C + T_N)/h`
    - `train_error_from_minimum = F - lam T_I`
    - `train_error = (1/m) delta_1^2 (1 - 2 k0 + m T_C + T_N)
      + (1 - 1/m) delta_2^2 (1 - 2 k0 + T_N)`
    - `memorisation_error = 1 - 2 k0 + (1 - y)^2 T_C + (y^2/m)(1 - 2 k0 + T_N) + T_N`,
      `y = sqrt(m) x`
    - `new_data_loss = 1 - h int C^{-1} + h E_test`, which is `a^2 + h E_test` for one atom
    - `degrees_of_freedom = psi_p - lam H`

    Source: random-features.md, sections 1 and 4.
    """
    p, mean = at.parameters, at.parameters.spectrum.mean
    signal, noise, ridge = (printed_slope(at, system, x) for x in directions(p))
    first, second = at.delta
    copies = p.inverse_copies
    k0 = p.noise * p.linear * at.dbar * mean(at.kernel)
    error = 1 - 2 * k0 + noise
    own_signal = p.signal * p.spectrum.atoms * p.linear
    y = first * (mean(own_signal * at.kernel) + p.shared * at.resolvent) / p.psi_n
    inverse = mean(1 / (p.signal * p.spectrum.atoms + p.noise))
    test_error = inverse - 2 * k0 / p.noise + (signal + noise) / p.noise
    return {
        "test_error": test_error,
        "train_error": first * first * (copies * error + signal)
        + (1 - copies) * second * second * error,
        "train_error_from_minimum": at.dbar * (1 - k0) - p.ridge * ridge,
        "memorisation_error": error + (1 - y) * (1 - y) * signal + y * y * copies * error,
        "new_data_loss": 1 - p.noise * inverse + p.noise * test_error,
        "degrees_of_freedom": p.psi_p - p.ridge * at.resolvent,
    }
