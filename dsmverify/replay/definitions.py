"""The paper's quantities from their printed definitions, by quadrature in mpmath.

The second path of every certificate. Nothing here is shared with the engine: no closed form of an
integral, no formula of a derivative (except where a claim prints one), no eigenvalue bound.

| letter | here | meaning |
|---|---|---|
| x_i | `c.x[i]` | training points, ascending, counted from 1 |
| mu, sigma, Delta | `c.mu`, `c.sigma`, `c.Delta` | noise level and smallest gap |
| w1, b, w2 | `c.w1`, `c.b`, `c.w2` | weights of the network, lists of length `c.m` |
| i, k, l, y | `c.i`, `c.k`, `c.l`, `c.y` | free variables of the claim |

Every function is a definition, an integral of one (Gauss-Legendre on panels that end at every kink,
every noised mean and every midpoint) or linear algebra on such integrals. Results are approximate;
`recheck` works everything out at two precisions and two orders and states their difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from typing import Any

from mpmath.calculus.quadrature import GaussLegendre


class Setting:
    """A witness as mpmath numbers, at one precision and one order of quadrature."""

    names = ("inner_weights", "biases", "outer_weights")

    def __init__(
        self, mp: Any, data: Mapping[str, Any], where: Mapping[str, str], order: int = 0
    ) -> None:
        """Read an instance file and the values of the free variables.

        Args:
            mp: an mpmath context of one's own, at the working precision.
            data: object of an instance file; numbers as exact text.
            where: free variables (`i`, `j`, `l`, `y`) as exact text; `j` is `i'` on the page.
            order: 0 or 1, how fine the quadrature is.
        """
        self.mp, self.order, self.data, self.where = mp, order, data, where
        self.points = sorted(Fraction(text) for text in data["x"])
        self.n, self.x = len(self.points), {i: self.number(p) for i, p in enumerate(self.points, 1)}
        self.Delta = min((self.number(b - a) for a, b in pairwise(self.points)), default=mp.zero)
        age = self.number(data.get("time", 0))
        self.sigma = self.number(data.get("sigma", 0)) or mp.sqrt(-mp.expm1(-2 * age))
        self.mu = self.number(data.get("mu", 0)) or mp.sqrt(1 - self.sigma**2)
        self.i, self.k, self.l = (int(where.get(name, 0)) for name in ("i", "j", "l"))
        self.y: Any = self.number(where["y"]) if "y" in where else None
        lists = (data.get("network", {}).get(name, ()) for name in self.names)
        rows = [[*map(Fraction, row)] for row in zip(*lists, strict=True)]
        self.order_of = sorted(range(len(rows)), key=lambda j: -rows[j][1] / rows[j][0])
        self.exact = [rows[j] for j in self.order_of]  # by ascending kinks
        self.m, self.kinks = len(rows), [-b / w for w, b, _ in self.exact]
        self.w1, self.b, self.w2 = ([self.number(r[k]) for r in self.exact] for k in range(3))
        self.rule = GaussLegendre(mp).calc_nodes(3 + order, mp.prec)  # 12 or 24 nodes on [-1, 1]
        self.reach = int(mp.sqrt(1.4 * mp.prec)) + 3  # sigmas beyond which a Gaussian is nothing
        self.cache: dict[str, Any] = {}

    def number(self, value: Any) -> Any:
        """Nearest mpmath number to an exact one."""
        return self.mp.mpf(Fraction(value).numerator) / Fraction(value).denominator


# Quadrature.


def nodes(c: Setting, cuts: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Nodes and weights of the panels between cuts, in any order of cuts."""
    for low, high in pairwise(sorted(set(cuts))):
        half, middle = (high - low) / 2, (high + low) / 2
        yield from ((middle + half * z, half * weight) for z, weight in c.rule)


def integral(c: Setting, function: Callable[[Any], Any], cuts: Iterable[Any]) -> Any:
    """Integral of a function that is smooth between cuts."""
    return sum((w * function(y) for y, w in nodes(c, cuts)), c.mp.zero)


def around(c: Setting, centre: Any, low: Any, high: Any) -> list[Any]:
    """Cuts one sigma apart around a centre, within [low, high] and the reach of a Gaussian."""
    steps = [centre + c.sigma * j for j in range(-c.reach, c.reach + 1)]
    low, high = max(low, steps[0]), min(high, steps[-1])
    return [low, *(cut for cut in steps if low < cut < high), high] if low < high else []


def score_cuts(c: Setting) -> list[Any]:
    """Cuts for integrals of the score: sigma by sigma at means, doubling away from midpoints."""
    means = [c.mu * c.x[i] for i in range(1, c.n + 1)]
    far = c.sigma * c.reach
    cuts = [cut for mean in means for cut in around(c, mean, means[0] - far, means[-1] + far)]
    for low, high in pairwise(means):
        width, middle = c.sigma**2 / (high - low), (low + high) / 2
        while width < (high - low) / 2 and 1024 * c.sigma**2 > width * (high - low):
            cuts += [middle - width, middle + width]
            width *= 2
        cuts += [low, middle, high]
    return sorted(cuts)


def gaussian(c: Setting, z: Any) -> Any:
    """Density of `N(0, sigma^2)`."""
    return c.mp.exp(-(z * z) / (2 * c.sigma**2)) / (c.mp.sqrt(2 * c.mp.pi) * c.sigma)


def gaussian_mean(
    c: Setting, function: Callable[[Any], Any], mean: Any, cuts: Sequence[Any] = ()
) -> Any:
    """`E[function(Y)]`, `Y ~ N(mean, sigma^2)`, the function smooth between the cuts given."""
    steps = around(c, mean, mean - c.reach * c.sigma, mean + c.reach * c.sigma)
    inside = [cut for cut in cuts if steps[0] < cut < steps[-1]]
    return integral(c, lambda y: function(y) * gaussian(c, y - mean), [*steps, *inside])


# The empirical optimal score.


def alpha(c: Setting, y: Any, among: Iterable[int] = ()) -> dict[int, Any]:
    """`alpha_i(y)`, the posterior weights, `i = 1..n`, or of some points as if alone."""
    squares = {i: (y - c.mu * c.x[i]) ** 2 / (2 * c.sigma**2) for i in among or c.x}
    least = min(squares.values())
    kernels = {i: c.mp.exp(least - square) for i, square in squares.items()}
    total = sum(kernels.values())
    return {i: kernel / total for i, kernel in kernels.items()}


def offset(c: Setting, y: Any, i: int) -> Any:
    """`E[W(y)] - x_i`, as the mean of `W - x_i`."""
    return sum(weight * (c.x[j] - c.x[i]) for j, weight in alpha(c, y).items())


def mean(c: Setting, y: Any) -> Any:
    """`E[W(y)]`."""
    return sum(weight * c.x[j] for j, weight in alpha(c, y).items())


def central_moment(c: Setting, y: Any, power: int, among: Iterable[int] = ()) -> Any:
    """`E[(W(y) - E[W(y)])^power]`."""
    weights = alpha(c, y, among)
    top = max(weights, key=lambda j: weights[j])
    shift = sum(weight * (c.x[j] - c.x[top]) for j, weight in weights.items())
    return sum(weight * (c.x[j] - c.x[top] - shift) ** power for j, weight in weights.items())


def score(c: Setting, y: Any) -> Any:
    """`s*(y) = sum_i (mu x_i - y) alpha_i(y) / sigma^2`, eq. 6."""
    return sum((c.mu * c.x[j] - y) * weight for j, weight in alpha(c, y).items()) / c.sigma**2


def curvature(c: Setting, y: Any, among: Iterable[int] = ()) -> Any:
    """`s*''(y)` by lemma 11, which is checked against `c.mp.diff` where it is the claim."""
    return c.mu**3 / c.sigma**6 * central_moment(c, y, 3, among)


def midpoint(c: Setting, i: int) -> Any:
    """`m_i = mu (x_i + x_{i+1}) / 2`."""
    return c.mu * (c.x[i] + c.x[i + 1]) / 2


def mixture(c: Setting, y: Any) -> Any:
    """Density of `Y`: a point of the sample drawn uniformly, scaled and noised."""
    return sum(gaussian(c, y - c.mu * x) for x in c.x.values()) / c.n


def score_risk(c: Setting) -> Any:
    """`R_n(s*)`, eq. 5, with `s*(y) + (y - mu x_i)/sigma^2 = (mu/sigma^2)(E[W(y)] - x_i)`."""
    scale = c.mu**2 / c.sigma**4

    def over(low: Any, high: Any, among: list[int]) -> Any:
        def density(y: Any) -> Any:
            top = min(among, key=lambda i: abs(y - c.mu * c.x[i]))
            gaps = {i: c.x[top] - c.x[i] for i in among}
            shift = -sum(weight * gaps[i] for i, weight in alpha(c, y, among).items())
            return sum((shift + gaps[i]) ** 2 * gaussian(c, y - c.mu * c.x[i]) for i in among)

        return scale * integral(c, density, [low, high]) / c.n

    def ceilings(low: Any, high: Any) -> dict[int, Any]:  # (x_j - x_k)^2 p_j, any k
        away = {j: max(low - c.mu * x, c.mu * x - high, 0) for j, x in c.x.items()}
        return {j: scale * (c.x[c.n] - c.x[1]) ** 2 * gaussian(c, z) for j, z in away.items()}

    return by_size(c, over, ceilings, score_cuts(c))


def by_size(
    c: Setting,
    over: Callable[[Any, Any, list[int]], Any],
    ceilings: Callable[[Any, Any], dict[int, Any]],
    cuts: Sequence[Any],
) -> Any:
    """Integral of a function >= 0: the panels by their ceilings, until the rest is nothing.

    It vanishes where the posterior is certain. `ceilings` bounds on a panel what each point can
    add to it where another is likelier; leaving a point out changes it by 32 times that at most.
    """
    panels = []
    for low, high in pairwise(sorted(set(cuts))):
        most = {j: 32 * (high - low) * value for j, value in ceilings(low, high).items()}
        panels.append((sum(sorted(most.values())[:-1], c.mp.zero), low, high, most))
    panels.sort(key=lambda panel: panel[0], reverse=True)
    total = c.mp.zero
    for index, (size, low, high, most) in enumerate(panels):
        nothing = total * c.mp.mpf(2) ** -c.mp.prec / c.n
        if (len(panels) - index) * size <= nothing:
            break
        total += over(low, high, [j for j in c.x if len(panels) * most[j] > nothing])
    return total


def absolute_curvature(
    c: Setting, weigh: Callable[[Any], Any], cuts: Sequence[Any], most: Any = 1
) -> Any:
    """`int |s*''(y)| weigh(y) dy`, `weigh <= most`, split where `s*''` vanishes."""

    def over(low: Any, high: Any, among: list[int]) -> Any:
        ends, roots = [low + (high - low) * k / 6 for k in range(6)] + [high], []
        values = [curvature(c, y, among) for y in ends]
        for index in range(6):
            left, right = ends[index], ends[index + 1]
            if values[index] * values[index + 1] < 0:
                for _ in range(90):
                    middle = (left + right) / 2
                    same = curvature(c, middle, among) * values[index] > 0
                    left, right = (middle, right) if same else (left, middle)
                roots.append(left)
        cuts = [low, high, *roots]
        return integral(c, lambda y: abs(curvature(c, y, among)) * weigh(y), cuts)

    def ceilings(low: Any, high: Any) -> dict[int, Any]:
        # The third central moment is at most L^3 P(W(y) != x_k), and alpha_j is at most exp of
        # a line in y: (q_k - q_j)/(2 sigma^2), q_j = (y - mu x_j)^2, k nearest to the middle.
        scale = most * (c.mu * (c.x[c.n] - c.x[1]) / c.sigma**2) ** 3
        own = c.mu * min(c.x.values(), key=lambda x: abs(low + high - 2 * c.mu * x))
        ends = {j: [(c.mu * x - own) * (2 * y - c.mu * x - own) for y in (low, high)]
                for j, x in c.x.items()}  # fmt: skip
        return {j: scale * c.mp.exp(max(pair) / (2 * c.sigma**2)) for j, pair in ends.items()}

    return by_size(c, over, ceilings, cuts)


def curvature_mass(c: Setting) -> Any:
    """`int_R |s*''(y)| dy`."""
    return absolute_curvature(c, lambda _: c.mp.one, far_cuts(c))


def far_cuts(c: Setting) -> list[Any]:
    """Cuts of the whole line for `s*''`, whose tails fall as `exp(-|y| mu gap/sigma^2)`."""
    cuts = score_cuts(c)
    first, last = c.x[2] - c.x[1], c.x[c.n] - c.x[c.n - 1]
    scales = [c.sigma**2 / (c.mu * gap) * 2**k for gap in (first, last) for k in range(-2, 9)]
    return sorted([*cuts, *(cuts[0] - s for s in scales), *(cuts[-1] + s for s in scales)])


# The weight pi.


def pi_minus(c: Setting, u: Any) -> Any:
    """`pi^-(u) = P(mu U < u) E[(u - mu U)_+]`."""
    below = [u - c.mu * x for x in c.x.values() if c.mu * x < u]
    return sum(below, c.mp.zero) * len(below) / c.n**2


def pi_plus(c: Setting, u: Any) -> Any:
    """`pi^+(u) = P(mu U > u) E[(mu U - u)_+]`."""
    above = [c.mu * x - u for x in c.x.values() if c.mu * x > u]
    return sum(above, c.mp.zero) * len(above) / c.n**2


def weight_lines(c: Setting) -> list[tuple[Any, Any, Any, Any]]:
    """`min(pi^+, pi^-)` as lines `a + s u`: lower end, upper end, a, s."""
    lines = []
    for i in range(1, c.n):  # i points below u, k above
        k, below = c.n - i, c.mu * sum(c.x[j] for j in range(1, i + 1))
        above = c.mu * sum(c.x[j] for j in range(i + 1, c.n + 1))
        low, high, crossing = (
            c.mu * c.x[i],
            c.mu * c.x[i + 1],
            (i * below + k * above) / (i**2 + k**2),
        )
        cut = max(low, min(high, crossing))  # pi^- = i (i u - below)/n^2 up to there
        lines += [(low, cut, -i * below, i**2), (cut, high, k * above, -(k**2))]
    return [(low, high, a / c.n**2, c.mp.mpf(s) / c.n**2) for low, high, a, s in lines]


def normal_parts(c: Setting, t: Any) -> tuple[Any, Any]:
    """`P(Z < t)` and `E[Z ; Z < t]`, Z standard normal: whole panels are worked out once."""

    def panel(low: Any, high: Any) -> tuple[Any, Any]:
        half, middle = (high - low) / c.mp.mpf(2), (high + low) / c.mp.mpf(2)
        rows = [(middle + half * z, half * w) for z, w in c.rule]
        masses = [(z, w * c.mp.exp(-z * z / 2) / c.mp.sqrt(2 * c.mp.pi)) for z, w in rows]
        return sum(mass for _, mass in masses), sum(z * mass for z, mass in masses)

    if "normal" not in c.cache:
        panels = [(c.mp.zero, c.mp.zero), *(panel(j, j + 1) for j in range(-c.reach, c.reach))]
        c.cache["normal"] = [[*accumulate(column)] for column in zip(*panels, strict=True)]
    t = max(-c.reach, min(c.reach, t))
    whole = int(c.mp.floor(t))
    first, second = (column[whole + c.reach] for column in c.cache["normal"])
    rest = panel(whole, t) if t > whole else (0, 0)
    return first + rest[0], second + rest[1]


def weight(c: Setting, y: Any) -> Any:
    """`pi(y) = E min(pi^+(y - xi), pi^-(y - xi))`, 0 outside `[mu x_1, mu x_n]`."""
    room = c.mp.mpf(2) ** -80 * (abs(y) + c.Delta)  # of a y rounded at an end
    if not c.mu * c.x[1] - room <= y <= c.mu * c.x[c.n] + room:
        return c.mp.zero
    if "lines" not in c.cache:
        c.cache["lines"] = weight_lines(c)
    far, total = c.reach * c.sigma, c.mp.zero
    near = [
        line for line in c.cache["lines"] if line[0] < min(line[1], y + far) and line[1] > y - far
    ]
    parts = {
        u: normal_parts(c, (u - y) / c.sigma) for u in {end for line in near for end in line[:2]}
    }
    for low, high, a, s in near:
        (p, q), (below, tilted) = parts[high], parts[low]
        total += (a + s * y) * (p - below) + s * c.sigma * (q - tilted)
    return total


def weight_noised(c: Setting, y: Any) -> Any:
    """`min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+])`, `Y` the noised mixture."""

    def average(function: Callable[[Any], Any]) -> Any:
        return sum(gaussian_mean(c, function, c.mu * x, [y]) for x in c.x.values()) / c.n

    below = average(lambda z: z < y) * average(lambda z: max(y - z, 0))
    above = average(lambda z: z > y) * average(lambda z: max(z - y, 0))
    return min(below, above)


def least_weight(c: Setting, low: Any, high: Any, count: int = 24) -> Any:
    """Least `pi` over a closed interval: at the ends or inside, by a grid and a local search."""
    step = (high - low) / count
    grid = [low + step * k for k in range(count + 1)]
    best = min(grid, key=lambda y: weight(c, y))
    left, right = max(low, best - step), min(high, best + step)
    for _ in range(50):
        one, two = (2 * left + right) / 3, (left + 2 * right) / 3
        left, right = (left, two) if weight(c, one) <= weight(c, two) else (one, right)
    return min(weight(c, best), weight(c, (left + right) / 2))


def tv_score(c: Setting) -> Any:
    """`TV(s*) = int |s*''| pi`."""
    low, high = c.mu * c.x[1], c.mu * c.x[c.n]
    cuts = [cut for cut in score_cuts(c) if low <= cut <= high]
    # pi^- and pi^+ are means of distances within [low, high]
    return absolute_curvature(c, lambda y: weight(c, y), [low, high, *cuts], most=high - low)


# Networks. Neurons are sorted by their kinks; cell p lies between kinks p and p + 1 of them.


def network(c: Setting, y: Any) -> Any:
    """`s_theta(y) = (1/m) sum_l w2_l max(0, w1_l y + b_l)`."""
    return sum(w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True)) / c.m


def over_neurons(c: Setting, values: Sequence[Any]) -> list[Any]:
    """For each cell the sum of the values of the neurons active on it."""
    steps = [v if w > 0 else -v for v, w in zip(values, c.w1, strict=True)]
    left = sum((v for v, w in zip(values, c.w1, strict=True) if w < 0), c.mp.zero)
    return [*accumulate(steps, initial=left)]


def over_cells(c: Setting, values: Sequence[Any]) -> list[Any]:
    """For each neuron the sum of the values of the cells on which it is active."""
    sums = [*accumulate(values)]
    return [sums[-1] - sums[r] if w > 0 else sums[r] for r, w in enumerate(c.w1)]


def cell_moments(c: Setting) -> list[dict[int, list[Any]]]:
    """For each cell and point `(1/n) E[Y^k ; Y in the cell]`, k = 0, 1, 2, by quadrature."""

    def row(centre: Any, low: Any, high: Any) -> list[Any]:
        panel = nodes(c, around(c, centre, low, high))
        masses = [(y, w * gaussian(c, y - centre) / c.n) for y, w in panel]
        return [sum((mass * y**k for y, mass in masses), c.mp.zero) for k in range(3)]

    if "cells" not in c.cache:
        cells = [*pairwise([-c.mp.inf, *(c.number(kink) for kink in c.kinks), c.mp.inf])]
        c.cache["cells"] = [{i: row(c.mu * c.x[i], *cell) for i in c.x} for cell in cells]
    return list(c.cache["cells"])


def residual_cells(c: Setting) -> Iterator[tuple[int, int, Any, Any, list[Any]]]:
    """Cell, point, level and slope of `f(y) = s_theta(y) + (y - mu x_i)/sigma^2`, moments."""
    levels = over_neurons(c, [w * b / c.m for w, b in zip(c.w2, c.b, strict=True)])
    slopes = over_neurons(c, [w * v / c.m for w, v in zip(c.w2, c.w1, strict=True)])
    for p, rows in enumerate(cell_moments(c)):
        for i, row in rows.items():
            shift = c.mu * c.x[i] / c.sigma**2
            yield p, i, levels[p] - shift, slopes[p] + 1 / c.sigma**2, row


def risk(c: Setting) -> Any:
    """`R_n(theta)`, eq. 5."""
    return sum(a * a * m0 + 2 * a * s * m1 + s * s * m2
               for _, _, a, s, (m0, m1, m2) in residual_cells(c))  # fmt: skip


def residual_sums(c: Setting, power: int = 0) -> list[Any]:
    """`E[f Y^power 1_l]` for every neuron, `f` the residual."""
    sums = [c.mp.zero] * (c.m + 1)
    for p, _, a, s, row in residual_cells(c):
        sums[p] += a * row[power] + s * row[power + 1]
    return over_cells(c, sums)


def kink_residual(c: Setting, j: int, i: int) -> Any:
    """`f_i(tau) p_i(tau)` at the kink of neuron j."""
    tau, mean = c.number(c.kinks[j]), c.mu * c.x[i]
    return (network(c, tau) + (tau - mean) / c.sigma**2) * gaussian(c, tau - mean)


def kernel_product(c: Setting, v: Sequence[Any]) -> list[Any]:
    """`T v`, `T = (1/n) sum_i E[grad s_theta(Y) grad s_theta(Y)^T]`, `v` of length 2m."""
    js, rows = range(c.m), [[*map(sum, zip(*row.values(), strict=True))] for row in cell_moments(c)]
    levels = over_neurons(c, [v[j] * c.b[j] + v[c.m + j] * c.w2[j] for j in js])
    slopes = over_neurons(c, [v[j] * c.w1[j] for j in js])
    lines = [*zip(levels, slopes, rows, strict=True)]
    zero, one = (over_cells(c, [a * m[k] + s * m[k + 1] for a, s, m in lines]) for k in (0, 1))
    outer = [(c.w1[j] * one[j] + c.b[j] * zero[j]) / c.m**2 for j in js]
    return [*outer, *(c.w2[j] * zero[j] / c.m**2 for j in js)]


def cross_term(c: Setting) -> list[Any]:
    """`(2/m) E[f 1_l]`: the second derivative of the risk by `w2_l` and `b_l` beyond `2 T`."""
    return [2 * value / c.m for value in residual_sums(c)]


def kink_term(c: Setting) -> list[Any]:
    """`(2/m) E[f w2_l delta(Y - tau_l)] / |w1_l|`: by `b_l` twice, from `1[w1 y + b > 0]`."""
    return [
        2 * c.w2[j] * sum(kink_residual(c, j, i) for i in c.x) / (abs(c.w1[j]) * c.n * c.m)
        for j in range(c.m)
    ]


def hessian_product(c: Setting, v: Sequence[Any]) -> list[Any]:
    """`hess R_n(theta) v`."""
    if "blocks" not in c.cache:
        c.cache["blocks"] = (cross_term(c), kink_term(c))
    (cross, kink), m, t = c.cache["blocks"], c.m, kernel_product(c, v)
    biases = (2 * t[m + j] + cross[j] * v[j] + kink[j] * v[m + j] for j in range(m))
    return [*(2 * t[j] + cross[j] * v[m + j] for j in range(m)), *biases]


def dot(u: Sequence[Any], v: Sequence[Any]) -> Any:
    """Inner product."""
    return sum(a * b for a, b in zip(u, v, strict=True))


def top_pair(
    c: Setting, product: Callable[[Setting, Sequence[Any]], list[Any]], size: int
) -> tuple[Any, list[Any]]:
    """Largest eigenvalue and a unit eigenvector of a symmetric map, by Lanczos's method."""
    v = [1 + c.mp.one / (j + 3) for j in range(size)]
    basis: list[list[Any]] = []
    rows: list[list[Any]] = []
    while len(rows) < min(size, 30 + 10 * c.order) and dot(v, v) > c.mp.mpf(2) ** -c.mp.prec:
        length = c.mp.sqrt(dot(v, v))
        basis.append([value / length for value in v])
        v = product(c, basis[-1])
        rows.append([dot(v, u) for u in basis])
        for u in (*basis, *basis):  # twice is enough
            part = dot(v, u)
            v = [value - part * other for value, other in zip(v, u, strict=True)]
    js = range(len(rows))
    values, vectors = c.mp.eigsy(
        c.mp.matrix([[rows[max(a, b)][min(a, b)] for b in js] for a in js])
    )
    top = max(js, key=lambda a: values[a])
    return values[top], [sum(vectors[a, top] * basis[a][j] for a in js) for j in range(size)]


def kernel_top(c: Setting) -> Any:
    """`lambda_max(T)`."""
    return top_pair(c, kernel_product, 2 * c.m)[0]


def hessian_top(c: Setting) -> Any:
    """`lambda_max(hess R_n(theta))`."""
    return top_pair(c, hessian_product, 2 * c.m)[0]


def variation(c: Setting, weigh: Callable[[Setting, Any], Any]) -> Any:
    """`int |s_theta''| weigh`: kinks at one place add up before the absolute value."""
    masses = [(kink, abs(w1) * w2 / c.m) for kink, w1, w2 in zip(c.kinks, c.w1, c.w2, strict=True)]
    merged = [(kink, sum(m for _, m in rows)) for kink, rows in groupby(masses, lambda row: row[0])]
    return sum(abs(mass) * weigh(c, c.number(kink)) for kink, mass in merged)


def tv_network(c: Setting) -> Any:
    """`TV(s_theta) = int |s_theta''| pi`."""
    return variation(c, weight)


# Constants.


def curvature_constant(c: Setting) -> Any:
    """`C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta))`, `L = x_n - x_1`."""
    inside = c.mu**2 * (max(c.x[c.n], 0) - min(c.x[1], 0)) + 2 * (c.n - 1) / c.Delta
    return max(c.mp.one, 8 * c.mu**2 * (c.x[c.n] - c.x[1]) ** 3 * inside)


def bound(c: Setting) -> Any:
    """`A`: the witness's own, or `C_n/sigma^6`."""
    return c.number(c.data["network"].get("bound") or 0) or curvature_constant(c) / c.sigma**6
