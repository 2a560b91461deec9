"""Maximum mean discrepancy of Gaussian mixtures: exact means, and exact variance of its estimator.

What squared MMD can tell apart is a question about two laws, a bandwidth and a sample size. For
mixtures of Gaussians with common axes, such as training points with noise, and the Gaussian that is
fitted to them, all of it is closed: nothing has to be sampled.

| letter | here | meaning |
|---|---|---|
| k | | kernel `exp(-|x - y|^2 / (2 h^2))` |
| h^2 | `bandwidth_square` | |
| d | | dimension: the sum of the axes' multiplicities |
| P, Q | `Mixture` | laws; `k_P(x) = E k(x, X)` with X of the law P |
| N | `size` | points of each sample |

Everything rests on one integral on the line, `u = h^2 + w`:

    E exp(-(X - b)^2 / (2 u)) = sqrt(u / (u + v)) exp(-(a - b)^2 / (2 (u + v))),   X ~ N(a, v)

None of this is in the paper, which uses the discrepancy and does not ask what it can show.
Source: derivations/kernel_means.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dsmverify.formulas.bounds import power
from dsmverify.numbers import N, Numbers


@dataclass(frozen=True)
class Mixture(Generic[N]):
    """A mixture of Gaussians whose covariances share their axes.

    Axes along which all components of all laws have the same mean and the same variance may be
    given once: ten points in a thousand dimensions need eleven axes.

    Attributes:
        weights: `[k]`, positive, of sum 1.
        means: `[k, axes]`.
        variances: `[k, axes]`, non-negative.
        multiplicities: how often each axis occurs.
    """

    weights: N
    means: N
    variances: N
    multiplicities: tuple[int, ...]


def kernel_mean(ns: Numbers[N], bandwidth_square: N, p: Mixture[N], q: Mixture[N]) -> N:
    """`E k(X, Y)` for independent X ~ P and Y ~ Q. Exact in exact systems.

    `sum_ab p_a q_b prod_j sqrt(h^2/s) exp(-(m_aj - n_bj)^2/(2 s))`, `s = h^2 + v_aj + w_bj`.
    """
    shrink, exponent = ns.constant(1), ns.constant(0)
    for j, count in enumerate(p.multiplicities):
        spread = bandwidth_square + p.variances[:, None, j] + q.variances[None, :, j]
        gap = p.means[:, None, j] - q.means[None, :, j]
        shrink = shrink * power(bandwidth_square / spread, count)
        exponent = exponent + count * gap * gap / spread
    both = ns.root(shrink, 2) * ns.exp(-exponent / 2)
    return ns.sum(p.weights * ns.sum(both * q.weights))


def kernel_overlap(
    ns: Numbers[N], bandwidth_square: N, p: Mixture[N], q: Mixture[N], r: Mixture[N]
) -> N:
    """`E k_Q(X) k_R(X)` for X ~ P. Exact in exact systems.

    For components a, b, c and `u = h^2 + w_b`, `u' = h^2 + w_c` the two smoothed kernels are one of
    variance `t = u u'/(u + u')` around `(n_b u' + n_c u)/(u + u')`, times
    `exp(-(n_b - n_c)^2/(2 (u + u')))`; the integral of the module's table does the rest.
    """
    shrink, exponent = ns.constant(1), ns.constant(0)
    for j, count in enumerate(p.multiplicities):
        u = bandwidth_square + q.variances[None, :, None, j]
        other = bandwidth_square + r.variances[None, None, :, j]
        near, far = q.means[None, :, None, j], r.means[None, None, :, j]
        total = u + other
        middle, spread = (near * other + far * u) / total, u * other / total
        wide = spread + p.variances[:, None, None, j]
        gap = p.means[:, None, None, j] - middle
        shrink = shrink * power(bandwidth_square * bandwidth_square / (total * wide), count)
        exponent = exponent + count * (gap * gap / wide + (near - far) * (near - far) / total)
    all_three = ns.root(shrink, 2) * ns.exp(-exponent / 2)
    return ns.sum(p.weights * ns.sum(q.weights * ns.sum(all_three * r.weights)))


def squared_mmd(ns: Numbers[N], bandwidth_square: N, p: Mixture[N], q: Mixture[N]) -> N:
    """`MMD^2(P, Q) = E k(X, X') + E k(Y, Y') - 2 E k(X, Y)`. Exact in exact systems.

    It is the mean of the unbiased estimator for every N.
    """
    return (
        kernel_mean(ns, bandwidth_square, p, p)
        + kernel_mean(ns, bandwidth_square, q, q)
        - 2 * kernel_mean(ns, bandwidth_square, p, q)
    )


def biased_excess(
    ns: Numbers[N], bandwidth_square: N, p: Mixture[N], q: Mixture[N], size: int
) -> N:
    """What the biased estimator has on average above the squared MMD; exact in exact systems.

    Its N diagonal terms of each sample are 1 instead of `E k`:
    `((1 - E k(X, X')) + (1 - E k(Y, Y')))/N`. Where the kernel sees no other point it is 2/N, for
    any two laws.

    Args:
        ns: number system.
        bandwidth_square: h^2.
        p: law of the first sample.
        q: law of the second sample.
        size: points of each sample, N.
    """
    own = kernel_mean(ns, bandwidth_square, p, p) + kernel_mean(ns, bandwidth_square, q, q)
    return (2 - own) / size


def estimator_variance(
    ns: Numbers[N], bandwidth_square: N, p: Mixture[N], q: Mixture[N], size: int
) -> N:
    """Variance of the unbiased estimator of squared MMD from N + N points; exact in exact systems.

    With U_P the mean of k over pairs of distinct points of the first sample, and M the mean over
    all pairs of a point of each, the estimator is `U_P + U_Q - 2 M`, U_P and U_Q independent:

        Var = Var U_P + Var U_Q + 4 Var M - 4 Cov(U_P, M) - 4 Cov(U_Q, M)
        Var U_P = (4 (N - 2) V k_P(X) + 2 V k(X, X')) / (N (N - 1))
        Var M = ((N - 1) (V k_Q(X) + V k_P(Y)) + V k(X, Y)) / N^2
        Cov(U_P, M) = (2/N) Cov(k_P(X), k_Q(X))

    where V of two variables is their variance and k^2 is the kernel with bandwidth h/sqrt 2.

    Args:
        ns: number system.
        bandwidth_square: h^2.
        p: law of the first sample.
        q: law of the second sample.
        size: points of each sample, N, at least 2.
    """

    def within(law: Mixture[N]) -> N:
        mean = kernel_mean(ns, bandwidth_square, law, law)
        pair = kernel_mean(ns, bandwidth_square / 2, law, law) - mean * mean
        single = kernel_overlap(ns, bandwidth_square, law, law, law) - mean * mean
        return (4 * (size - 2) * single + 2 * pair) / (size * (size - 1))

    def shared(law: Mixture[N], other: Mixture[N]) -> N:
        mixed = kernel_overlap(ns, bandwidth_square, law, law, other)
        return 2 * (mixed - kernel_mean(ns, bandwidth_square, law, law) * across) / size

    across = kernel_mean(ns, bandwidth_square, p, q)
    square = across * across
    sides = kernel_overlap(ns, bandwidth_square, p, q, q) - square
    sides = sides + kernel_overlap(ns, bandwidth_square, q, p, p) - square
    pair = kernel_mean(ns, bandwidth_square / 2, p, q) - square
    mutual = ((size - 1) * sides + pair) / (size * size)
    return within(p) + within(q) + 4 * mutual - 4 * (shared(p, q) + shared(q, p))
