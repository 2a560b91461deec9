"""Both sides of the proof steps about networks, as printed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dsmverify.replay.definitions import (
    Setting,
    bound,
    cell_moments,
    cross_term,
    dot,
    gaussian,
    gaussian_mean,
    hessian_product,
    hessian_top,
    integral,
    kernel_product,
    kernel_top,
    kink_residual,
    kink_term,
    least_weight,
    network,
    over_neurons,
    pi_minus,
    pi_plus,
    risk,
    top_pair,
    tv_network,
    variation,
    weight_noised,
)
from dsmverify.replay.network_sides import (
    at_least_four,
    printed_kink,
    residual,
    second_difference,
    signs,
    small_risk,
    spacing_eight,
    within_bound,
)
from dsmverify.replay.registry import Hypothesis, Part, side
from dsmverify.replay.score_sides import decay
from dsmverify.replay.threshold_sides import large_bound, rate

CLASS = (signs, within_bound)

# Proposition 10. `Phi(xi)` has the gradients at `xi + mu x_i` as columns.


def gradients_product(c: Setting, one: Any, two: Any) -> Any:
    """`grad s_theta(one) . grad s_theta(two)`."""
    total = c.mp.zero
    for w1, b, w2 in zip(c.w1, c.b, c.w2, strict=True):
        first, second = w1 * one + b, w1 * two + b
        if first > 0 and second > 0:
            total += first * second + w2**2
    return total / c.m**2


def columns_entry(c: Setting, i: int, k: int) -> Any:
    """`E[grad s_theta(xi + mu x_i) . grad s_theta(xi + mu x_k)]`."""
    shifts = (c.mu * c.x[i], c.mu * c.x[k])
    cuts = [c.number(kink) - shift for kink in c.kinks for shift in shifts]
    return gaussian_mean(
        c, lambda xi: gradients_product(c, xi + shifts[0], xi + shifts[1]), c.mp.zero, cuts
    )


def columns(c: Setting) -> Any:
    """`(1/n) E[Phi(xi)^T Phi(xi)]`, an n by n matrix."""
    if "columns" not in c.cache:
        table = c.mp.matrix(c.n, c.n)
        for i in c.x:
            for k in range(i, c.n + 1):
                table[i - 1, k - 1] = table[k - 1, i - 1] = columns_entry(c, i, k) / c.n
        c.cache["columns"] = table
    return c.cache["columns"]


def columns_top(c: Setting) -> Any:
    """`(1/n) max_u E ||Phi(xi) u||^2`, u unit vectors of `R^n`."""
    return max(c.mp.eigsy(columns(c), eigvals_only=True))


def mean_column_square(c: Setting) -> Any:
    """`(1/n) E[(1/n) ||Phi(xi) 1||^2]`."""
    return sum(columns(c)) / c.n


def kernel_form(c: Setting, v: Sequence[Any]) -> Any:
    """`(1/n) E ||Phi(xi)^T v||^2 = (1/n) sum_i E[(grad s_theta(Y) . v)^2]`, cell by cell."""
    levels = over_neurons(c, [v[j] * c.b[j] + v[c.m + j] * c.w2[j] for j in range(c.m)])
    slopes = over_neurons(c, [v[j] * c.w1[j] for j in range(c.m)])
    total = c.mp.zero
    for a, s, rows in zip(levels, slopes, cell_moments(c), strict=True):
        for m0, m1, m2 in rows.values():
            total += a * a * m0 + 2 * a * s * m1 + s * s * m2
    return total / c.m**2


@side("prop10.a", given=CLASS)
def prop10_a(c: Setting) -> list[Part]:
    """The eigenvalue, and the form at the top eigenvector."""
    value, vector = top_pair(c, kernel_product, 2 * c.m)
    return [(value, "=", kernel_form(c, vector))]


@side("prop10.b", given=CLASS)
def prop10_b(c: Setting) -> list[Part]:
    """The two forms."""
    return [(kernel_top(c), "=", columns_top(c))]


def mean_gradient(c: Setting) -> list[Any]:
    """`m E grad s_theta(Y)`: `E phi(w1_l Y + b_l)` and `w2_l P(Y in C_l)`."""
    outer, biases = [], []
    for w1, b, w2, kink in zip(c.w1, c.b, c.w2, c.kinks, strict=True):
        cut = [c.number(kink)]

        def value(y: Any, w1: Any = w1, b: Any = b) -> Any:
            return max(w1 * y + b, 0)

        def active(y: Any, w1: Any = w1, b: Any = b) -> Any:
            return c.mp.mpf(w1 * y + b > 0)

        means = [c.mu * x for x in c.x.values()]
        outer.append(sum(gaussian_mean(c, value, at, cut) for at in means) / c.n)
        biases.append(w2 * sum(gaussian_mean(c, active, at, cut) for at in means) / c.n)
    return [*outer, *biases]


@side("prop10.b.r1", given=CLASS)
def prop10_b_r1(c: Setting) -> list[Part]:
    """The kernel against the mean gradient."""
    v = mean_gradient(c)
    return [(kernel_top(c), ">=", dot(v, v) / c.m**2)]


@side("prop10.c", given=CLASS)
def prop10_c(c: Setting) -> list[Part]:
    """The columns against the all-ones vector."""
    return [(columns_top(c), ">=", mean_column_square(c))]


def active_sums(c: Setting) -> list[tuple[Any, int]]:
    """For every neuron `sum_i phi(w1_l (xi + mu x_i) + b_l)` and `sum_i I_{i,l}`; xi is y."""
    found = []
    for w1, b in zip(c.w1, c.b, strict=True):
        values = [w1 * (c.y + c.mu * x) + b for x in c.x.values()]
        found.append((sum(max(v, 0) for v in values), sum(v > 0 for v in values)))
    return found


def column_products(c: Setting) -> Any:
    """The right side of prop10.d."""
    terms = (abs(w2) * abs(s) * k for w2, (s, k) in zip(c.w2, active_sums(c), strict=True))
    return 2 * sum(terms) / (c.m**2 * c.n**2)


@side("prop10.d", given=CLASS)
def prop10_d(c: Setting) -> list[Part]:
    """The summed columns at one noise."""
    pairs = [(i, k) for i in c.x for k in c.x]
    shift = {i: c.y + c.mu * x for i, x in c.x.items()}
    first = sum(gradients_product(c, shift[i], shift[k]) for i, k in pairs) / c.n**2
    squares = (s**2 + (k * w2) ** 2 for w2, (s, k) in zip(c.w2, active_sums(c), strict=True))
    second = sum(squares) / (c.m**2 * c.n**2)
    return [(first, "=", second), (second, ">=", column_products(c))]


@side("prop10.e", given=CLASS)
def prop10_e(c: Setting) -> list[Part]:
    """Sums as conditional means; the distances of one neuron as a side of the weight."""
    total = c.mp.zero
    for w2, (s, k) in zip(c.w2, active_sums(c), strict=True):
        total += (c.mp.mpf(k) / c.n) ** 2 * abs(w2) * abs(s / max(k, 1))
    parts: list[Part] = [(column_products(c), "=", 2 * total / c.m**2)]
    j = int(c.where.get("entry", "1")) - 1
    tau, sign = c.number(c.kinks[j]), 1 if c.w1[j] > 0 else -1
    away = [d for d in (c.y + c.mu * x - tau for x in c.x.values()) if sign * d > 0]
    share = c.mp.mpf(len(away)) / c.n
    weigh = pi_plus if sign > 0 else pi_minus
    left = share**2 * abs(sum(away, c.mp.zero) / max(1, len(away)))
    parts.append((left, "=", weigh(c, tau - c.y)))
    return parts


def smaller_side(c: Setting, u: Any) -> Any:
    """`min{pi^+(u), pi^-(u)}`."""
    return min(pi_plus(c, u), pi_minus(c, u))


@side("prop10.f", given=CLASS)
def prop10_f(c: Setting) -> list[Part]:
    """By neuron against by kink."""
    terms = (
        abs(w2) * smaller_side(c, c.number(kink) - c.y)
        for w2, kink in zip(c.w2, c.kinks, strict=True)
    )
    merged = variation(c, lambda _, kink: smaller_side(c, kink - c.y))
    return [(2 * sum(terms) / c.m**2, ">=", 2 * merged / c.m)]


def kink_mass(c: Setting, printed: bool) -> list[Part]:
    """The jump of `s_theta'` at one distinct kink against a sum over neurons."""
    distinct = sorted(set(c.kinks))
    kink = distinct[int(c.where["entry"]) - 1]
    ends = [a for a in (*distinct, kink - 1, kink + 1) if a != kink]
    room = c.number(min(abs(a - kink) for a in ends)) / 2
    at = c.number(kink)
    before, here, after = (network(c, at + d) for d in (-room, 0, room))
    members = [j for j, other in enumerate(c.kinks) if other == kink]
    heights = ((c.w1[j] if printed else 1) * c.w2[j] for j in members)
    return [((after - 2 * here + before) / room, "=", sum(heights) / c.m)]


@side("prop10.f@since", given=CLASS)
def prop10_f_since(c: Setting) -> list[Part]:
    """The second derivative of a network as printed."""
    return kink_mass(c, printed=True)


@side("prop10.f.r1", given=CLASS)
def prop10_f_r1(c: Setting) -> list[Part]:
    """The second derivative of a network."""
    return kink_mass(c, printed=False)


@side("prop10.g", given=CLASS)
def prop10_g(c: Setting) -> list[Part]:
    """The expectation over the noise."""
    return [(mean_column_square(c), ">=", 2 * tv_network(c) / c.m)]


# Proposition 6.


def top_vector(c: Setting) -> list[Any]:
    """The unit top eigenvector of the first term."""
    if "top" not in c.cache:
        c.cache["top"] = top_pair(c, kernel_product, 2 * c.m)
    return list(c.cache["top"][1])


def cross_form(c: Setting) -> Any:
    """`(2/(mn)) sum_i E[(..) v^T H v]`."""
    v, cross = top_vector(c), cross_term(c)
    return 2 * sum(cross[j] * v[j] * v[c.m + j] for j in range(c.m))


def kink_form(c: Setting, printed: bool) -> Any:
    """`v^T D v`, D as printed or derived."""
    v = top_vector(c)
    entries = [printed_kink(c, j) for j in range(c.m)] if printed else kink_term(c)
    return sum(entries[j] * v[c.m + j] ** 2 for j in range(c.m))


@side("prop06.a", given=CLASS)
def prop06_a(c: Setting) -> list[Part]:
    """The eigenvalue against the form at v."""
    v = top_vector(c)
    return [(hessian_top(c), ">=", dot(v, hessian_product(c, v)))]


@side("prop06.a2", given=CLASS)
def prop06_a2(c: Setting) -> list[Part]:
    """The form at v by its three terms, as printed."""
    v = top_vector(c)
    first = 2 * kernel_top(c) / c.m
    return [(dot(v, hessian_product(c, v)), "=", first + cross_form(c) + kink_form(c, True))]


@side("prop06.a2.r1", given=CLASS)
def prop06_a2_r1(c: Setting) -> list[Part]:
    """The form at v by its three terms, the last by differences of the risk."""
    v = top_vector(c)
    kinks = [c.mp.zero] * c.m
    for j in range(c.m):
        unit = [c.mp.one if k == c.m + j else c.mp.zero for k in range(2 * c.m)]
        kinks[j] = second_difference(c, c.m + j, c.m + j) - 2 * kernel_product(c, unit)[c.m + j]
    last = sum(kinks[j] * v[c.m + j] ** 2 for j in range(c.m))
    return [(dot(v, hessian_product(c, v)), "=", 2 * kernel_top(c) + cross_form(c) + last)]


@side("prop06.b", given=CLASS)
def prop06_b(c: Setting) -> list[Part]:
    """Eq. 17."""
    left = hessian_top(c) + abs(cross_form(c)) + abs(kink_form(c, True))
    return [(left, ">=", 4 * tv_network(c) / c.m)]


@side("prop06.b.r1", given=CLASS)
def prop06_b_r1(c: Setting) -> list[Part]:
    """Eq. 17 with the derived third term and the noised weight."""
    left = hessian_top(c) + abs(cross_form(c)) + abs(kink_form(c, False))
    return [(left, ">=", 4 * variation(c, weight_noised) / c.m)]


@side("prop06.c", given=CLASS)
def prop06_c(c: Setting) -> list[Part]:
    """The cross term."""
    return [(abs(cross_form(c)), "<=", 2 * c.mp.sqrt(risk(c)) / c.m)]


def distance(c: Setting) -> Any:
    """`|tau_l - mu x_i|`."""
    return abs(c.number(c.kinks[c.l - 1]) - c.mu * c.x[c.i])


def kink_value(c: Setting) -> Any:
    """`|f(tau_l)|`."""
    return abs(residual(c, c.number(c.kinks[c.l - 1])))


def damped(c: Setting) -> Any:
    """`e^{-(tau_l - mu x_i)^2/(2 sigma^2)}`."""
    return c.mp.exp(-((distance(c) / c.sigma) ** 2) / 2)


def largest_damped(c: Setting) -> Any:
    """`max_{l,i} (sqrt 2 A/(sqrt(pi) m sigma)) |f(tau_l)| e^{-(tau_l - mu x_i)^2/(2 sigma^2)}`."""
    root = c.sigma * c.mp.sqrt(2 * c.mp.pi)  # of the density in kink_residual
    best = max(abs(kink_residual(c, j, i)) * root for j in range(c.m) for i in c.x)
    return c.mp.sqrt(2) * bound(c) / (c.mp.sqrt(c.mp.pi) * c.m * c.sigma) * best


@side("prop06.d", given=CLASS)
def prop06_d(c: Setting) -> list[Part]:
    """The kink term."""
    return [(abs(kink_form(c, True)), "<=", largest_damped(c))]


def eighteenth(c: Setting) -> Any:
    """The right side of eq. 18."""
    return hessian_top(c) + 2 * c.mp.sqrt(risk(c)) / c.m + largest_damped(c)


@side("prop06.d2", given=CLASS)
def prop06_d2(c: Setting) -> list[Part]:
    """Eq. 18."""
    return [(4 * tv_network(c) / c.m, "<=", eighteenth(c))]


@side("prop06.d2.r1", given=CLASS)
def prop06_d2_r1(c: Setting) -> list[Part]:
    """Eq. 18 with the noised weight."""
    return [(4 * variation(c, weight_noised) / c.m, "<=", eighteenth(c))]


def slopes(c: Setting, low: Any = None, high: Any = None) -> list[Any]:
    """Slopes of the pieces of `s_theta` that meet `[low, high]`, by two values on each."""
    places = sorted({c.number(kink) for kink in c.kinks})
    places = [places[0] - c.sigma, *places, places[-1] + c.sigma]
    found = []
    for index, (a, b) in enumerate(pairwise(places)):
        left = -c.mp.inf if index == 0 else a
        right = c.mp.inf if index == len(places) - 2 else b
        if (low is None or right >= low) and (high is None or left <= high):
            found.append((network(c, b) - network(c, a)) / (b - a))
    return found


def values(c: Setting, low: Any, high: Any) -> dict[Any, Any]:
    """`s_theta` at the ends of an interval and at the kinks inside: its extrema are there."""
    inside = [c.number(kink) for kink in c.kinks if low < c.number(kink) < high]
    return {y: network(c, y) for y in (low, *inside, high)}


BOUNDED = (*CLASS, large_bound)


@side("prop06.e", given=BOUNDED)
def prop06_e(c: Setting) -> list[Part]:
    """The Lipschitz constant, and what is kept near the kink."""
    a, tau = bound(c), c.number(c.kinks[c.l - 1])
    steepest = max(abs(slope + 1 / c.sigma**2) for slope in slopes(c))
    half = kink_value(c) / (4 * a)
    found = [residual(c, y) for y in values(c, tau - half, tau + half)]
    same = min(found) > 0 or max(found) < 0
    least = min(abs(f) for f in found) if same else c.mp.zero
    limit = a + 1 / c.sigma**2
    return [(steepest, "<=", limit), (limit, "<=", 2 * a), (least, ">=", kink_value(c) / 2)]


def ends(c: Setting) -> tuple[Any, Any]:
    """The two ends of D."""
    half = kink_value(c) / (4 * bound(c))
    return distance(c) - half, distance(c) + half


def over_d(c: Setting) -> Any:
    """`int_D e^{-y^2/(2 sigma^2)} dy`."""
    low, high = (min(max(end, -40 * c.sigma), 40 * c.sigma) for end in ends(c))
    steps = int((high - low) / c.sigma) + 1
    cuts = [low + (high - low) * k / steps for k in range(steps + 1)]
    if low < high:
        scale = c.sigma * c.mp.sqrt(2 * c.mp.pi)
        return scale * integral(c, lambda y: gaussian(c, y), cuts)
    low, high = ends(c)  # far out: the density times the width, from its end nearest to 0
    return integral(c, lambda y: c.mp.exp(-((y / c.sigma) ** 2) / 2), [low, (low + high) / 2, high])


@side("prop06.f", given=BOUNDED)
def prop06_f(c: Setting) -> list[Part]:
    """The risk against the window."""
    floor = kink_value(c) ** 2 / (4 * c.mp.sqrt(2 * c.mp.pi) * c.sigma) * over_d(c)
    return [(c.n * risk(c), ">=", floor)]


def low_end(c: Setting) -> Hypothesis:
    """`[-sigma, sigma] subset D`, lower end."""
    return "lower end of D <= -sigma", ends(c)[0], "<=", -c.sigma


def high_end(c: Setting) -> Hypothesis:
    """`[-sigma, sigma] subset D`, upper end."""
    return "upper end of D >= sigma", ends(c)[1], ">=", c.sigma


def other_case(c: Setting) -> Hypothesis:
    """`[-sigma, sigma]` is not in D."""
    return "lower end of D > -sigma", ends(c)[0], ">", -c.sigma


@side("prop06.g", given=(*BOUNDED, low_end, high_end))
def prop06_g(c: Setting) -> list[Part]:
    """The first case."""
    return [(c.n * risk(c), ">=", kink_value(c) ** 2 / 8)]


@side("prop06.h", given=(*BOUNDED, other_case))
def prop06_h(c: Setting) -> list[Part]:
    """Where D lies in the other case."""
    low, high = ends(c)
    return [(low, ">", -c.sigma), (high, "<=", distance(c))]


@side("prop06.h.r1", given=(*BOUNDED, other_case))
def prop06_h_r1(c: Setting) -> list[Part]:
    """Where D lies in the other case."""
    low, high = ends(c)
    return [(low, ">", -c.sigma), (high, "<=", 2 * distance(c) + c.sigma)]


@side("prop06.h2", given=(*BOUNDED, other_case))
def prop06_h2(c: Setting) -> list[Part]:
    """The kernel on D, at its far end."""
    far = c.mp.exp(-((max(abs(end) for end in ends(c)) / c.sigma) ** 2) / 2)
    return [(far, ">=", damped(c) / c.mp.sqrt(c.mp.e))]


@side("prop06.h2.r1", given=(*BOUNDED, other_case))
def prop06_h2_r1(c: Setting) -> list[Part]:
    """The kernel on the half of D below `|tau - mu x_i|`."""
    far = max(distance(c), -ends(c)[0])
    return [(c.mp.exp(-((far / c.sigma) ** 2) / 2), ">=", damped(c) / c.mp.sqrt(c.mp.e))]


@side("prop06.i", given=(*BOUNDED, other_case))
def prop06_i(c: Setting) -> list[Part]:
    """The window in the other case."""
    a, f, mp = bound(c), kink_value(c), c.mp
    cube = f**3 / (8 * mp.sqrt(2 * mp.pi * mp.e) * a * c.sigma) * damped(c)
    return [
        (over_d(c), ">=", f / (2 * a) / mp.sqrt(mp.e) * damped(c)),
        (c.n * risk(c), ">=", cube),
    ]


@side("prop06.j", given=BOUNDED)
def prop06_j(c: Setting) -> list[Part]:
    """Both cases together."""
    mp, r = c.mp, risk(c)
    cube = mp.cbrt(mp.sqrt(2 * mp.pi * mp.e) * bound(c) * c.sigma * c.n * r)
    return [(kink_value(c) * damped(c), "<=", 2 * max(mp.sqrt(2 * c.n * r), cube))]


# Proposition 7.

SMALL = (*CLASS, spacing_eight, small_risk)


def half_gap(c: Setting) -> Any:
    """`mu Delta/2`."""
    return c.mu * c.Delta / 2


def left_nonpositive(c: Setting) -> Hypothesis:
    """`s_theta <= 0` on `[mu x_i - mu Delta/2, mu x_i]`."""
    at = c.mu * c.x[c.i]
    return "max s_theta left of mu x_i <= 0", max(values(c, at - half_gap(c), at).values()), "<=", 0


def half_integral(c: Setting, power: int) -> Any:
    """`(1/sqrt(2 pi sigma^2)) int_{-mu Delta/2}^0 y^power e^{-y^2/(2 sigma^2)} dy`."""
    low = max(-half_gap(c), -60 * c.sigma)
    steps = int(-low / c.sigma) + 1
    cuts = [low * k / steps for k in range(steps + 1)]
    return integral(c, lambda y: y**power * gaussian(c, y), cuts)


def edge(c: Setting) -> Any:
    """`(1/sqrt(2 pi sigma^2)) (mu Delta/2) e^{-mu^2 Delta^2/(8 sigma^2)}`."""
    return gaussian(c, c.mp.zero) * half_gap(c) * decay(c, 8)


def half_square_parts(c: Setting, sign: int) -> list[Part]:
    """The risk against the truncated square, and that by parts."""
    square = half_integral(c, 2) / c.sigma**4
    return [
        (c.n * risk(c), ">=", square),
        (square, "=", (sign * edge(c) + half_integral(c, 0)) / c.sigma**2),
    ]


@side("prop07.a", given=(*CLASS, left_nonpositive))
def prop07_a(c: Setting) -> list[Part]:
    """The printed sign of the edge term."""
    return half_square_parts(c, 1)


@side("prop07.a.r1", given=(*CLASS, left_nonpositive))
def prop07_a_r1(c: Setting) -> list[Part]:
    """The edge term with a minus."""
    return half_square_parts(c, -1)


def tail_floor(c: Setting) -> Any:
    """`(1/sigma^2)(1/2 - e^{-mu^2 Delta^2/(8 sigma^2)})`."""
    return (c.mp.one / 2 - decay(c, 8)) / c.sigma**2


@side("prop07.a2")
def prop07_a2(c: Setting) -> list[Part]:
    """The integral by a tail bound."""
    left = (edge(c) + half_integral(c, 0)) / c.sigma**2
    return [(left, ">=", edge(c) / c.sigma**2 + tail_floor(c))]


@side("prop07.a3", given=(*CLASS, spacing_eight, left_nonpositive))
def prop07_a3(c: Setting) -> list[Part]:
    """The risk against a quarter of the precision."""
    at_eight = (c.mp.one / 2 - c.mp.exp(-8)) / c.sigma**2
    return [
        (c.n * risk(c), ">=", tail_floor(c)),
        (tail_floor(c), ">=", at_eight),
        (at_eight, ">=", 1 / (4 * c.sigma**2)),
    ]


@side("prop07.b", given=SMALL)
def prop07_b(c: Setting) -> list[Part]:
    """Where the network is positive, negative and climbs."""
    at, zero = c.mu * c.x[c.i], c.mp.zero
    highest = max(values(c, at - half_gap(c), at).values())
    lowest = min(values(c, at, at + half_gap(c)).values())
    climb = zero if c.i == c.n else max(slopes(c, at, c.mu * c.x[c.i + 1]))
    return [(highest, ">", zero), (lowest, "<", zero), (climb, ">=", zero)]


def fall_size(c: Setting) -> Any:
    """`1/sigma^2 - sqrt(2 n R_n/sigma^2)`."""
    return 1 / c.sigma**2 - c.mp.sqrt(2 * c.n * risk(c)) / c.sigma


def steepest_fall(c: Setting, i: int) -> Any:
    """`s_theta'(y_i)`, the least slope within `mu Delta/2` of `mu x_i`."""
    return min(slopes(c, c.mu * c.x[i] - half_gap(c), c.mu * c.x[i] + half_gap(c)))


@side("prop07.c", given=SMALL)
def prop07_c(c: Setting) -> list[Part]:
    """How fast the network falls somewhere."""
    return [(steepest_fall(c, c.i), "<=", -fall_size(c))]


@side("prop07.d", given=(spacing_eight,))
def prop07_d(c: Setting) -> list[Part]:
    """The arithmetic at `mu Delta/(4 sigma) >= 2`."""
    mp, ratio = c.mp, c.mu * c.Delta / c.sigma
    kept = 1 - 2 * (ratio / (2 * mp.sqrt(2 * mp.pi)) + 1) * decay(c, 8)
    floor = 1 - 2 * mp.sqrt(2) / mp.sqrt(mp.pi) * mp.exp(-2) - 2 * mp.exp(-8)
    return [
        (ratio / 4 * decay(c, 8), "<=", mp.exp(-2)),
        (kept, ">=", floor),
        (floor, ">=", mp.one / 2),
    ]


def turns(c: Setting, i: int) -> Any:
    """`|int_{y_i}^{c_i} s_theta''|`, `c_i` where the climb from `b_i` to `a_{i+1}` is steepest."""
    at, following = c.mu * c.x[i], c.mu * c.x[i + 1]
    right = values(c, at, at + half_gap(c))
    left = values(c, following - half_gap(c), following)
    start, end = min(right, key=lambda y: right[y]), max(left, key=lambda y: left[y])
    return abs(max(slopes(c, start, end)) - steepest_fall(c, i))


def middle(c: Setting) -> list[int]:
    """The even indices between `n/4` and `3n/4`."""
    return [j for j in range(2, c.n, 2) if c.n < 4 * j < 3 * c.n]


def middle_turns(c: Setting) -> Any:
    """The sum of prop07.e, its interval without mu, as printed."""
    if not middle(c):
        return c.mp.zero
    first = min(i for i in c.x if 4 * i > c.n)
    last = max(i for i in c.x if 4 * i < 3 * c.n)
    least = least_weight(c, c.x[first], c.x[last])
    return least * sum(turns(c, j) for j in middle(c))


@side("prop07.e", given=SMALL)
def prop07_e(c: Setting) -> list[Part]:
    """The variation against the turns in the middle."""
    return [(tv_network(c), ">=", middle_turns(c))]


def spaced(c: Setting) -> tuple[int, list[int]]:
    """Twice the S of prop07.f.r1, and its J: every second index, from 2 or from 3."""
    choices = []
    for start in (2, 3):
        js = list(range(start, c.n, 2))
        parts = (min((j - 1) ** 3, (c.n - j) ** 2 * (c.n - j - 1)) for j in js)
        choices.append((sum(parts), js))
    return choices[1] if choices[1][0] > choices[0][0] else choices[0]


def spaced_turns(c: Setting) -> Any:
    """The sum of prop07.e.r1."""
    total = c.mp.zero
    for j in spaced(c)[1]:
        low, high = c.mu * c.x[j] - half_gap(c), c.mu * c.x[j + 1]
        total += least_weight(c, low, high) * turns(c, j)
    return total


@side("prop07.e.r1", given=SMALL)
def prop07_e_r1(c: Setting) -> list[Part]:
    """The variation against the turns between means."""
    return [(tv_network(c), ">=", spaced_turns(c))]


def smoothed_half(c: Setting) -> Any:
    """`1/2 - e^{-mu^2 Delta^2/(2 sigma^2)}`."""
    return c.mp.one / 2 - decay(c, 2)


def middle_sum(c: Setting) -> Any:
    """The right side of prop07.f."""
    term = c.mu * c.n * c.Delta / 128 * smoothed_half(c) * fall_size(c)
    return len(middle(c)) * term


@side("prop07.f", given=SMALL)
def prop07_f(c: Setting) -> list[Part]:
    """The turns by the weight's bound."""
    return [(middle_turns(c), ">=", middle_sum(c))]


def counted_floor(c: Setting) -> Any:
    """The right side of prop07.f.r1."""
    share = c.mp.mpf(spaced(c)[0]) / 2
    return c.mu * c.Delta / c.n**2 * smoothed_half(c) * share * fall_size(c)


@side("prop07.f.r1", given=SMALL)
def prop07_f_r1(c: Setting) -> list[Part]:
    """The turns by the repaired bound of the weight."""
    return [(spaced_turns(c), ">=", counted_floor(c))]


def total(c: Setting, divisor: int) -> Any:
    """`(mu n^2 Delta/divisor)(1/2 - e^{..})(1/sigma^2 - sqrt(2 n R_n/sigma^2))`."""
    return c.mu * c.n**2 * c.Delta / divisor * smoothed_half(c) * fall_size(c)


def total_at_eight(c: Setting, divisor: int) -> Any:
    """`(mu n^2 Delta/divisor)(1/2 - e^{-32})(1/sigma^2 - 1/(2 sqrt 2 sigma^2))`."""
    left = 1 - 1 / (2 * c.mp.sqrt(2))
    scale = c.mu * c.n**2 * c.Delta / (divisor * c.sigma**2)
    return scale * (c.mp.one / 2 - c.mp.exp(-32)) * left


def last_floor(c: Setting, power: int) -> Any:
    """`mu n^2 Delta/(2^power sigma^2)`."""
    return c.mu * c.n**2 * c.Delta / (2**power * c.sigma**2)


@side("prop07.g", given=SMALL)
def prop07_g(c: Setting) -> list[Part]:
    """Counting the middle indices."""
    return [(middle_sum(c), ">=", total(c, 1024))]


@side("prop07.g.r1", given=(*SMALL, at_least_four))
def prop07_g_r1(c: Setting) -> list[Part]:
    """Counting every second index."""
    return [(counted_floor(c), ">=", last_floor(c, 11))]


@side("prop07.h", given=SMALL)
def prop07_h(c: Setting) -> list[Part]:
    """The last constants, as printed."""
    middle_value = total_at_eight(c, 1024)
    return [(total(c, 1024), ">=", middle_value), (middle_value, ">=", last_floor(c, 11))]


@side("prop07.h.r1", given=SMALL)
def prop07_h_r1(c: Setting) -> list[Part]:
    """The last constants with `2^12`."""
    middle_value = total_at_eight(c, 1024)
    return [(total(c, 1024), ">=", middle_value), (middle_value, ">=", last_floor(c, 12))]


def at_least_five(c: Setting) -> Hypothesis:
    """`n >= 5`."""
    return "n >= 5", c.mp.mpf(c.n), ">=", 5


@side("prop07.r3", given=(*SMALL, at_least_five))
def prop07_r3(c: Setting) -> list[Part]:
    """The variation, with either weight, and twice the printed constant."""
    floor = last_floor(c, 10)
    return [(tv_network(c), ">=", floor), (variation(c, weight_noised), ">=", floor)]


# Sentences of the text, and what goes beyond the paper.


@side("prose.a", given=(within_bound,))
def prose_a(c: Setting) -> list[Part]:
    """The Lipschitz constant of a network with free inner weights."""
    return [(max(abs(slope) for slope in slopes(c)), "<=", bound(c))]


def product_bound(c: Setting) -> Hypothesis:
    """`|w1_l w2_l| <= A`."""
    largest = max(abs(w1 * w2) for w1, w2 in zip(c.w1, c.w2, strict=True))
    return "max |w1_l w2_l| <= A", largest, "<=", bound(c)


@side("prose.a.r1", given=(product_bound,))
def prose_a_r1(c: Setting) -> list[Part]:
    """The same with the bound on products."""
    return prose_a(c)


def noise_mean(c: Setting, weigh: Any) -> Any:
    """`(1/n) sum_i E[weigh(Z, f(Y))]`, `Z = (Y - mu x_i)/sigma`."""
    cuts, total_mean = [c.number(kink) for kink in c.kinks], c.mp.zero
    for x in c.x.values():
        centre = c.mu * x

        def at(y: Any, centre: Any = centre) -> Any:
            return weigh((y - centre) / c.sigma, network(c, y) + (y - centre) / c.sigma**2)

        total_mean += gaussian_mean(c, at, centre, cuts)
    return total_mean / c.n


@side("shift1", given=(signs,))
def shift1(c: Setting) -> list[Part]:
    """The curvature along the translation of the network."""
    v = [*([c.mp.zero] * c.m), *c.w1]
    mixed = noise_mean(c, lambda z, f: -4 * z * f / c.sigma**3 + (z**2 - 1) * f**2 / c.sigma**2)
    return [(dot(v, hessian_product(c, v)), "=", 2 / c.sigma**4 + mixed)]


def risk_root(c: Setting) -> Any:
    """`r = sigma sqrt(R_n(theta))`."""
    return c.sigma * c.mp.sqrt(risk(c))


@side("shift2", given=(signs,))
def shift2(c: Setting) -> list[Part]:
    """The sharpness against the risk."""
    r = risk_root(c)
    return [(c.m * hessian_top(c), ">=", 2 / c.sigma**4 * (1 - 2 * r - r**2 / 2))]


def mean_squared_slope(c: Setting) -> Any:
    """`E[s_theta'(Y)^2]`."""
    parts = [w1 * w2 / c.m for w1, w2 in zip(c.w1, c.w2, strict=True)]
    masses = (sum(row[0] for row in rows.values()) for rows in cell_moments(c))
    return sum(s**2 * mass for s, mass in zip(over_neurons(c, parts), masses, strict=True))


@side("shift3", given=(signs,))
def shift3(c: Setting) -> list[Part]:
    """The kernel against the mean squared slope, and that against the risk."""
    slope = mean_squared_slope(c)
    floor = max(1 - risk_root(c), c.mp.zero) ** 2 / c.sigma**4
    return [(c.m * kernel_top(c), ">=", slope), (slope, ">=", floor)]


def flat(c: Setting) -> Hypothesis:
    """`lambda_max(hess R_n) <= 2/(m eta)`."""
    return "lambda_max(hess R_n) <= 2/(m eta)", hessian_top(c), "<=", 2 / (c.m * rate(c))


def fast(c: Setting) -> Hypothesis:
    """`eta >= 2 sigma^4`."""
    return "eta >= 2 sigma^4", rate(c), ">=", 2 * c.sigma**4


@side("shift4", given=(signs, flat, fast))
def shift4(c: Setting) -> list[Part]:
    """The risk of a network that is flat for its rate."""
    return [(risk(c), ">=", (c.mp.sqrt(5) - 2) ** 2 / c.sigma**2)]
