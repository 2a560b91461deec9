"""Both sides of the claims about learning curves, from the equations of the text."""

from __future__ import annotations

import functools
from typing import Any

from dsmverify.replay.curves import CurveSetting, curve, image, table
from dsmverify.replay.registry import Hypothesis, Part, side

Point = CurveSetting

curve_side = functools.partial(side, setting=CurveSetting)
"""Registers a function as the second path of claims about points of learning curves."""


# Hypotheses.


def finite(c: Point) -> Hypothesis:
    """M is finite."""
    return "m is finite", c.im, ">", 0


def infinite(c: Point) -> Hypothesis:
    """M is infinite."""
    return "m = inf", c.im, "<=", 0


def single(c: Point) -> Hypothesis:
    """One noise sample."""
    return "m = 1", c.im, ">=", 1


def positive_ridge(c: Point) -> Hypothesis:
    """A ridge that does not vanish."""
    return "lam > 0", c.lam if c.data["ridge"] != "0+" else 0, ">", 0


def vanishing(c: Point) -> Hypothesis:
    """The limit of vanishing ridge."""
    return "lam = 0+", 0 if c.data["ridge"] == "0+" else c.lam, "<=", 0


def kept(c: Point) -> Hypothesis:
    """A ridge, or fewer independent features than noised copies: the data are not interpolated."""
    statement = "lam > 0, or lam = 0+ and rank of the features < n m"
    if c.data["ridge"] != "0+":
        return statement, c.lam, ">", 0
    rank = min(c.psi_p, c.mp.one) if c.data["activation"] == "linear" else c.psi_p
    return statement, c.psi_n - rank * c.im, ">", 0


def fewer(c: Point) -> Hypothesis:
    """Fewer features than samples."""
    return "p < n", c.psi_p, "<", c.psi_n


def more(c: Point) -> Hypothesis:
    """More features than samples."""
    return "p > n", c.psi_p, ">", c.psi_n


def fewer_than_copies(c: Point) -> Hypothesis:
    """Fewer features than noised copies."""
    return "p < n m", c.psi_p * c.im, "<", c.psi_n


def many_features(c: Point) -> Hypothesis:
    """More features than dimensions."""
    return "psi_p > 1", c.psi_p, ">", 1


def few_features(c: Point) -> Hypothesis:
    """Fewer features than dimensions."""
    return "psi_p < 1", c.psi_p, "<", 1


def many_samples(c: Point) -> Hypothesis:
    """More samples than dimensions."""
    return "psi_n > 1", c.psi_n, ">", 1


def on_peak(c: Point) -> Hypothesis:
    """As many features as noised copies."""
    return "p = n m", abs(c.psi_p * c.im - c.psi_n), "<=", c.psi_n / 2 ** (c.mp.prec - 8)


def nonlinear(c: Point) -> Hypothesis:
    """Something non-linear is shared."""
    return "v0^2 > 0", c.v0, ">", 0


def is_linear(c: Point) -> Hypothesis:
    """The activation is linear."""
    return "rho is linear", c.v0 + c.s2, "<=", 0


def linear_part(c: Point) -> Hypothesis:
    """The activation has a linear part; quadrature leaves rounding where it has none."""
    return "mu_1 is not 0", c.mu, ">", c.mp.mpf(2) ** (-(c.mp.prec // 2))


def nonlinear_part(c: Point) -> Hypothesis:
    """Something is non-linear, shared or not."""
    return "mu_* > 0", c.v0 + c.s2, ">", 0


def fresh(c: Point) -> Hypothesis:
    """Something non-linear is not shared."""
    return "s > 0", c.s2, ">", 0


def small_ridge(c: Point) -> Hypothesis:
    """A small ridge."""
    return "lam <= s^2/(100 R^2)", c.lam, "<=", c.s2 / (10 * ratio_of_deltas(c)) ** 2


# Invariants and the fixed point.


@curve_side("rf.inv1", given=(positive_ridge,))
def rf_inv1(c: Point) -> list[Part]:
    """`A K + S psi_p g = psi_p`."""
    at = curve(c)
    return [(at["A"] * at["K"] + at["S"] * c.psi_p * at["g"], "=", c.psi_p)]


@curve_side("rf.inv2", given=(positive_ridge, finite))
def rf_inv2(c: Point) -> list[Part]:
    """What the copies lose is what the features take."""
    at = curve(c)
    return [(c.psi_n * (1 - at["dbar"]), "=", c.psi_p * (1 - c.lam * at["g"]) * c.im)]


@curve_side("rf.inv3", given=(positive_ridge, infinite))
def rf_inv3(c: Point) -> list[Part]:
    """The same for infinitely many noise samples."""
    at = curve(c)
    used = c.psi_p - c.h * c.mu * at["K"] - (c.s2 + c.lam) * c.psi_p * at["g"]
    return [(c.psi_n * (1 - at["d1"]), "=", used)]


@curve_side("rf.fixed", given=(positive_ridge,))
def rf_fixed(c: Point) -> list[Part]:
    """`(J delta)_k/delta_k` by a difference quotient along delta itself."""
    at = curve(c)
    delta, step = (at["d1"], at["d2"]), c.mp.mpf(2) ** (-(c.mp.prec // 3))
    up, down = (
        image(c, [d * (1 + sign * step) for d in delta], c.im, c.lam, (0, 0)) for sign in (1, -1)
    )
    slopes = [(up[k] - down[k]) / (2 * step * delta[k]) for k in range(2)]
    share = 1 - min(delta)
    return [(max(slopes), "<=", share), (share, "<", c.mp.one)]


# Observables.


@curve_side("rf.train", given=(kept,))
def rf_train(c: Point) -> list[Part]:
    """Two expressions of the training error."""
    at = curve(c)
    return [(at["minimum"], "=", at["train"])]


@curve_side("rf.signs", given=(positive_ridge,))
def rf_signs(c: Point) -> list[Part]:
    """A chain of inequalities."""
    at, none = curve(c), c.mp.zero
    dbar = c.mp.one if c.m is None else at["dbar"]
    return [
        (at["train"], ">=", none),
        (at["train"], "<=", at["F"]),
        (at["F"], "<=", dbar),
        (dbar, "<=", c.mp.one),
        (at["test"], ">=", none),
    ]


@curve_side("rf.gap", given=(positive_ridge, fewer))
def rf_gap(c: Point) -> list[Part]:
    """Training points cost at least a share of what new ones do."""
    at = curve(c)
    kept = (1 - c.psi_p / c.psi_n) ** 2 * at["new"]
    return [(at["train"], ">=", kept), (at["mem"], ">=", kept)]


@curve_side("rf.mem1", given=(positive_ridge, finite))
def rf_mem1(c: Point) -> list[Part]:
    """Fresh noise costs more than the noise of training."""
    at = curve(c)
    return [(at["mem"], ">=", at["train"])]


@curve_side("rf.mem2", given=(positive_ridge, finite))
def rf_mem2(c: Point) -> list[Part]:
    """Training points against new ones."""
    at = curve(c)
    return [(at["mem"], "<=", at["new"])]


@curve_side("rf.mem2.r1", given=(finite, vanishing, fewer_than_copies, nonlinear))
def rf_mem2_r1(c: Point) -> list[Part]:
    """Training points against new ones, without a ridge."""
    return rf_mem2(c)


@curve_side("rf.pencil", given=(positive_ridge,))
def rf_pencil(c: Point) -> list[Part]:
    """The scalar equations."""
    at, one = curve(c), c.mp.one
    rows = table(c, c.im)
    loads = [1 + k * (P * at["K"] + N * c.psi_p * at["g"]) for P, N, _, k in rows]
    return [*rf_inv1(c), (at["d1"] * loads[0], "=", one), (at["d2"] * loads[1], "=", one)]


# Limits.


@curve_side("rf.lim1a", given=(single, kept))
def rf_lim1a(c: Point) -> list[Part]:
    """One noise sample: training and new data."""
    at = curve(c)
    return [(at["train"], "=", at["d1"] ** 2 * (c.h * at["test"] + c.a2))]


@curve_side("rf.lim1b", given=(single, positive_ridge, nonlinear_part))
def rf_lim1b(c: Point) -> list[Part]:
    """The theorem on ridge regression, its two transforms by iteration of its own equations."""
    mp, strength = c.mp, c.v0 + c.s2
    z, p, n = mp.sqrt(c.mu / strength), c.psi_p, c.psi_n
    x = transforms(c, mp.sqrt(c.lam / strength), z)
    E0 = -(x**5) * z**6 + 3 * x**4 * z**4 + (p * n - n - p + 1) * x**3 * z**6 - 2 * x**3 * z**4
    E0 += -3 * x**3 * z**2 + (p + n - 3 * p * n + 1) * x**2 * z**4 + 2 * x**2 * z**2 + x**2
    E0 += 3 * p * n * x * z**2 - p * n
    E1 = n * x**3 * z**4 - n * x**2 * z**2 + p * n * x * z**2 - p * n
    E2 = x**5 * z**6 - 3 * x**4 * z**4 + (p - 1) * x**3 * z**6 + 2 * x**3 * z**4
    E2 += 3 * x**3 * z**2 + (-p - 1) * x**2 * z**4 - 2 * x**2 * z**2 - x**2
    return [(curve(c)["test"], "=", (E1 + c.a2 / c.h * E2) / E0)]


def transforms(c: Point, level: Any, z: Any) -> Any:
    """`nu_1 nu_2` at `i level sqrt(psi_n)`: its two equations on the imaginary axis, iterated."""
    mp, p, n = c.mp, c.psi_p, c.psi_n
    level = level * mp.sqrt(n)

    def step(pair: Any) -> list[Any]:
        one, two = pair  # nu_k = i times a positive number
        bottom = 1 + z**2 * one * two
        return [
            p / (level + two + z**2 * two / bottom),
            n / (level + one + z**2 * one / bottom),
        ]

    pair = [mp.one, mp.one]
    for _ in range(200):
        pair = [(a + b) / 2 for a, b in zip(pair, step(pair), strict=True)]
    root = mp.findroot(lambda a, b: [a - step((a, b))[0], b - step((a, b))[1]], pair)
    return -root[0] * root[1]


def marchenko_pastur(c: Point, function: Any, ratio: Any) -> Any:
    """Mean of a function under the law of a ratio, by quadrature of its density."""
    mp, half = c.mp, c.mp.pi / 64
    low, wide = 1 + ratio, 2 * mp.sqrt(ratio)
    total = max(1 - 1 / ratio, mp.zero) * function(mp.zero)
    for k in range(32):
        for z, w in c.rule:
            f = half * (2 * k + 1 + z)
            x = low + wide * mp.cos(f)
            total += half * w * 2 * mp.sin(f) ** 2 / (mp.pi * x) * function(x)
    return total


@curve_side("rf.lim2", given=(is_linear, infinite, vanishing, many_features))
def rf_lim2(c: Point) -> list[Part]:
    """Linear features and the law of the sample covariance."""
    at = curve(c)
    first = marchenko_pastur(c, lambda x: (1 - 1 / (c.a2 * x + c.h)) ** 2, 1 / c.psi_n)
    second = marchenko_pastur(c, lambda x: 1 / (c.a2 * x + c.h), 1 / c.psi_n)
    return [(at["test"], "=", first), (at["train"], "=", 1 - c.h * second)]


@curve_side("rf.lim3a", given=(is_linear, single, vanishing, many_features, many_samples))
def rf_lim3a(c: Point) -> list[Part]:
    """Linear features, more of them than dimensions."""
    return [(curve(c)["test"], "=", c.a2 / (c.h * (c.psi_n - 1)))]


@curve_side("rf.lim3b", given=(is_linear, single, vanishing, few_features, fewer))
def rf_lim3b(c: Point) -> list[Part]:
    """Linear features, fewer of them than dimensions."""
    tau = c.a2 / c.h
    return [(curve(c)["test"], "=", (1 - c.psi_p + tau) / (1 - c.psi_p / c.psi_n) - tau)]


def many_features_bound(c: Point) -> Any:
    """M, which vanishes with many features."""
    top = 1 + c.psi_n * c.a2 * c.mu / c.v0
    return top / (1 + c.h * c.mu * (c.psi_p - 1) / (c.lam + c.s2 + c.v0))


@curve_side("rf.lim4a", given=(infinite, positive_ridge, nonlinear, many_features))
def rf_lim4a(c: Point) -> list[Part]:
    """Many features."""
    return [(curve(c)["train"], "<=", many_features_bound(c))]


MEMORISED = (infinite, positive_ridge, nonlinear, linear_part, many_features)


@curve_side("rf.lim4b", given=MEMORISED)
def rf_lim4b(c: Point) -> list[Part]:
    """Many features and the test error."""
    excess = curve(c)["test"] - 1 / c.mp.expm1(2 * c.t) ** 2
    M, e, tau = many_features_bound(c), 1 / (c.psi_p - 1), c.a2 / c.h
    X = 3 * M + e * M + c.psi_n * e
    top = tau * X + tau * e + c.v0 * e / (c.h * c.mu) + M
    return [(excess, ">=", -2 * tau * M / c.h), (excess - X * excess, "<=", top / c.h)]


@curve_side("rf.lim5", given=(positive_ridge,))
def rf_lim5(c: Point) -> list[Part]:
    """Many samples."""
    at, (first, _) = curve(c), table(c, c.im)
    gap = at["new"] - at["train"]
    load = (first[0] + first[1]) * c.psi_p / (c.lam * c.psi_n)
    return [(gap, ">=", c.mp.zero), (gap, "<=", (1 + load) ** 2 - 1)]


@curve_side("rf.lim6", given=(single, vanishing, fewer, nonlinear, linear_part))
def rf_lim6(c: Point) -> list[Part]:
    """One noise sample and no ridge, the Marchenko-Pastur law by quadrature of its density."""
    ratio = 1 / c.psi_p
    x = (c.v0 + c.s2) / (c.mu * c.psi_p)
    stieltjes = marchenko_pastur(c, lambda e: 1 / (e + x), ratio)
    tau = c.a2 / c.h
    right = (x * stieltjes + tau) / (1 - c.psi_p / c.psi_n) - tau
    return [(curve(c)["test"], "=", right)]


@curve_side("rf.lim7", given=MEMORISED)
def rf_lim7(c: Point) -> list[Part]:
    """Many features and samples, and what is left of the least loss."""
    at, ceiling = curve(c), c.lam + c.s2 + c.v0
    d, share = at["d1"], c.a2 * at["d1"] / (c.a2 * at["d1"] + c.h)
    roots = c.mp.polyroots([c.v0, c.s2 + (c.psi_p / c.psi_n - 1) * c.v0, -c.s2], extraprec=300)
    off = c.s2 * (d - max(roots))
    return [
        (off, ">=", -ceiling / c.psi_n),
        (off, "<=", c.lam + c.v0 / c.psi_n),
        (at["F"], ">=", share),
        (at["F"], "<=", share + 1 / (1 + c.h * c.mu * (c.psi_p - 1) / ceiling)),
        (at["F"] - at["train"], "<=", c.lam / (c.s2 * d)),
    ]


@curve_side("rf.lim8", given=(positive_ridge,))
def rf_lim8(c: Point) -> list[Part]:
    """A large ridge."""
    (P1, N1, _, k1), (P2, N2, w2, k2) = table(c, c.im)
    p, n = c.psi_p, c.psi_n
    left = curve(c)["test"] - (1 - 2 * c.mu * p / c.lam)
    whole, loads = P1 + N1 + w2 * (P2 + N2), k1 * (P1 + N1) + k2 * (P2 + N2)
    right = 2 * c.mu * p * whole * (1 + p + p * c.im / n)
    right += p * (1 + p) * (c.mu + c.v0 + c.s2) * (c.h * c.mu + loads) / c.h
    return [(left, ">=", c.mp.zero), (left, "<=", right / c.lam**2)]


# The peak.


def ratio_of_deltas(c: Point) -> Any:
    """`1 + m max(a^2/h, v0^2/s^2)`."""
    return 1 + max(c.a2 / c.h, c.v0 / c.s2) * c.m


@curve_side("rf.peak1", given=(positive_ridge, finite, on_peak, fresh))
def rf_peak1(c: Point) -> list[Part]:
    """At the peak, between two multiples of `lam^(-1/2)`."""
    (P1, N1, _, k1), (P2, N2, _, k2) = table(c, c.im)
    mp, new, ratio = c.mp, curve(c)["new"], ratio_of_deltas(c)
    slope = 1 + c.psi_p * max(P1 / N1, P2 / N2)
    load = 1 + max(k1 * (P1 + N1), k2 * (P2 + N2)) * c.psi_p / c.s2
    floor = mp.sqrt(c.s2 / c.lam) / (slope**2 * load * ratio**2)
    ceiling = ratio**2 * (1 + mp.sqrt(c.m * max(P1 + N1, P2 + N2) / c.lam))
    return [(new, ">=", floor), (new, "<=", ceiling)]


@curve_side("rf.peak2", given=(positive_ridge, infinite, fresh))
def rf_peak2(c: Point) -> list[Part]:
    """No peak without end."""
    load = (c.a2 * c.mu + c.v0) * c.psi_p / (c.s2 * c.psi_n)
    return [(curve(c)["new"], "<=", (1 + load) ** 2)]


@curve_side("rf.peak3", given=(positive_ridge, finite, on_peak, fresh, small_ridge))
def rf_peak3(c: Point) -> list[Part]:
    """How the peak grows."""
    growth = curve(c, ridge=c.number("1/100"))["test"] / curve(c)["test"]
    return [(growth, ">=", c.mp.mpf(8)), (growth, "<=", c.mp.mpf(12))]


# Noise samples.


def against_more(c: Point, name: str, relation: str) -> list[Part]:
    """An observable with one more noise sample, and with all, against itself."""
    here = curve(c)[name]
    return [(curve(c, 1)[name], relation, here), (curve(c, None)[name], relation, here)]


@curve_side("rf.copies1", given=(finite, positive_ridge, fewer))
def rf_copies1(c: Point) -> list[Part]:
    """The test error below p = n."""
    return against_more(c, "test", "<=")


@curve_side("rf.copies2@next", given=(finite, positive_ridge, more))
def rf_copies2_next(c: Point) -> list[Part]:
    """The memorisation error above p = n."""
    return against_more(c, "mem", "<=")[:1]


@curve_side("rf.copies2@all", given=(finite, positive_ridge))
def rf_copies2_all(c: Point) -> list[Part]:
    """The memorisation error with all noise samples."""
    return against_more(c, "mem", "<=")[1:]


@curve_side("rf.copies2@test", given=(finite, positive_ridge, more))
def rf_copies2_test(c: Point) -> list[Part]:
    """The test error above p = n."""
    return against_more(c, "test", ">=")[:1]


@curve_side("rf.copies3", given=(finite, positive_ridge))
def rf_copies3(c: Point) -> list[Part]:
    """The training error."""
    return against_more(c, "train", ">=")


@curve_side("rf.copies3.r1", given=(finite, positive_ridge))
def rf_copies3_r1(c: Point) -> list[Part]:
    """The least loss with its ridge term."""
    return against_more(c, "F", ">=")


@curve_side("rf.lim9", given=(finite, positive_ridge))
def rf_lim9(c: Point) -> list[Part]:
    """How far m noise samples are from infinitely many, against a constant over m."""
    b, n, p = c.mu + c.v0 + c.s2, c.psi_n, c.psi_p
    x = p * (1 + p) / c.lam**2 * b
    U = 1 + b * p / (c.lam * n)
    k = U * b / n * (p / c.lam + x)
    l, signal, y = k + U, c.h * c.mu * x, x * b / n
    Phi = 2 + 4 * l + 2 * signal + 8 * l * signal + 4 * y * (1 + l + k)
    V = 4 * l * signal + y * (1 + 2 * l + 2 * k + Phi)
    rows = {"test": U**2 * Phi / c.h, "train": Phi + 2 * k}
    rows["mem"] = 8 * l + 3 * V + (1 + 4 * k + 4 * l) * U**2
    here, there = curve(c), curve(c, None)
    return [(abs(here[name] - there[name]), "<=", C * c.im) for name, C in rows.items()]


@curve_side("rf.copies4", given=(finite, positive_ridge, fewer))
def rf_copies4(c: Point) -> list[Part]:
    """The memorisation error below p = n."""
    return against_more(c, "mem", "<=")


# Regimes.


@curve_side("rf.regime1@error", given=(positive_ridge, fewer))
def rf_regime1_error(c: Point) -> list[Part]:
    """The test error against that of no score."""
    return [(curve(c)["test"], "<", c.mp.one)]


@curve_side("rf.regime2@half", given=(infinite, positive_ridge, more))
def rf_regime2_half(c: Point) -> list[Part]:
    """The memorisation error against half of what the score of the population has."""
    return [(curve(c)["mem"], "<", c.a2 / 2)]


curve_side("rf.regime1@gap", given=(positive_ridge, fewer))(rf_gap)
curve_side("rf.regime2@limit", given=(infinite, positive_ridge, nonlinear, many_features))(rf_lim4a)
