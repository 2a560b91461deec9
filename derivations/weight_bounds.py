"""Proposition 9 and the proof of theorem 4: bounds on the weight pi, and what they give.

Between two training points the two functions under the minimum are linear (derivation
weight_piece), so each is bounded below by its value at the nearer end, a sum of differences of
points that are at least `Delta` apart from one to the next. The chance that a noised point stays
between the two is that of a normal law with its centre inside the interval. Sums over points are
reduced to one generic term, and `1 + 2 + ... + (k-1) = k(k-1)/2` is shown by induction, so n is
arbitrary.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, primitive, tail, z
from ._mixture import mu, sigma

half, quarter = sympy.Rational(1, 2), sympy.Rational(1, 4)
count, size = sympy.symbols("i n", positive=True)
place, point = sympy.symbols("x x_i", real=True)
spacing = sympy.Symbol("Delta", positive=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, x_1 < ... < x_n with gaps >= Delta > 0, 1 <= i <= n-1, S = x_1 + ... + x_i, T "
        "= x_{i+1} + ... + x_n, and mu x_i <= y = mu x <= mu x_{i+1}."
    )
    add_means(chain)
    add_differences(chain)
    add_chance(chain)
    add_floor(chain)
    add_noised_floor(chain)
    add_ceiling(chain)
    add_smoothness(chain)
    add_premise(chain)
    add_variation(chain)
    add_middle_half(chain)
    add_sum(chain)
    add_diffusion(chain)
    return chain.derivation(
        __name__,
        "Bounds on the weight of the total variation",
        "proposition 9, pp. 18-19; theorem 4, pp. 8-9",
        "every n >= 2, every sample with Delta > 0, every mu, sigma > 0, 1 <= i <= n-1; thm04.b.r1 "
        "for Delta >= 2 sigma/mu, thm04.d2 for 16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1, "
        "thm04.d for n >= 10, thm04.e.r1 for both; thm04.f for 0 < t <= 1/5",
        proves=("prop09a.r1", "prop09a.r2", "prop09b"),
        proves_steps=(
            "prop09.0.r1",
            "prop09.a.r1",
            "prop09.b.r1",
            "prop09.c",
            "prop09.d",
            "prop09.e",
            "prop09.e.r1",
            "prop09.f.r1",
            "pi-smooth.r1",
            "thm04.0",
            "thm04.a",
            "thm04.b.r1",
            "thm04.c",
            "thm04.c.r1",
            "thm04.d",
            "thm04.d2",
            "thm04.e.r1",
            "thm04.f",
        ),
        remark=(
            "prop09.d holds with half of its exponential, thm04.f for 0 < t <= ln(2)/3, prop09b "
            "with mu (x_n - x_1)/8, and no smaller constant serves every sample."
        ),
    )


def add_means(chain: Chain) -> None:
    """prop09.0.r1, .a.r1, .b.r1, .f.r1."""
    total, rest = sympy.symbols("S T", real=True)
    beyond = sympy.Symbol("e", nonnegative=True)
    right = sympy.Symbol("x_{i+1}", real=True)
    others = sympy.Symbol("k", positive=True)
    chain.step(
        "For mu x_i < y <= mu x_{i+1} exactly x_1..x_i have mu x_j < y, so P(mu U < y) = i/n; for "
        "mu x_i <= y < mu x_{i+1} exactly the n - i others have mu x_j > y."
    )
    chain.identity(
        "The mean of y - mu x_j over j <= i (prop09.0.r1)",
        (count * mu * place - mu * total) / count,
        mu * (place - total / count),
    )
    chain.step(
        "sum_{j < i} (x_i - x_j) = i x_i - S and sum_{j > i+1} (x_j - x_{i+1}) = T - (n - i) "
        "x_{i+1}: the terms j = i and j = i + 1 are 0."
    )
    chain.at_most(
        "prop09.a.r1, x = x_i + e",
        mu * count / size**2 * (count * point - total),
        mu * count**2 / size**2 * (point + beyond - total / count),
        mu * count**2 / size**2 * beyond,
    )
    chain.at_most(
        "prop09.b.r1, x = x_{i+1} - e, k = n - i",
        mu * others / size**2 * (rest - others * right),
        mu * others**2 / size**2 * (rest / others - (right - beyond)),
        mu * others**2 / size**2 * beyond,
    )
    up, down = sympy.symbols("a b", nonnegative=True)
    chain.step("mu U < y = mu x is U < x, so E[y - mu U | mu U < y] = mu E[x - U | U < x].")
    chain.at_most(
        "For y = mu x_n - a and x_j = x_1 + b, y - mu x_j is at most mu (x_n - x_1), here with "
        "x_n = x_1 + e; so is its mean over any of the j (prop09.f.r1)",
        mu * (point + beyond) - up - mu * (point + down),
        mu * beyond,
        up + mu * down,
    )


def add_differences(chain: Chain) -> None:
    """prop09.e and its form from x_{i+1} on."""
    steps = sympy.Symbol("k", positive=True)
    chain.step(
        "Points k places apart are at least k Delta apart: by induction, a sum of k gaps. So the "
        "sums of prop09.e are at least Delta (1 + 2 + ...), with i - 1 and n - i terms, and "
        "sum_{j > i+1} (x_j - x_{i+1}) has n - i - 1."
    )
    chain.identity(
        "Induction for 1 + ... + (k-1) = k(k-1)/2, which is 0 at k = 1",
        steps * (steps - 1) / 2 + steps,
        (steps + 1) * steps / 2,
    )
    chain.step(
        "k = i gives i(i-1)/2 Delta, k = n - i + 1 gives (n-i)(n-i+1)/2 Delta (prop09.e), k = n - "
        "i gives sum_{j > i+1} (x_j - x_{i+1}) >= (n-i)(n-i-1)/2 Delta (prop09.e.r1)."
    )


def add_chance(chain: Chain) -> None:
    """prop09.d."""
    left, right, step = sympy.symbols("a b t", nonnegative=True)
    chain.step(
        "Let a = mu (x - x_i)/sigma, b = mu (x_{i+1} - x)/sigma; a, b >= 0. P(-a < z < b) = P(0 < "
        "z < a) + P(0 < z < b), and P(0 < z < a + b) = P(0 < z < b) + P(b < z < b + a)."
    )
    one = sympy.Integer(1)
    chain.identity(
        "the difference of the two",
        integral(one, -left, right) - integral(one, 0, left + right),
        integral(one, 0, left) - integral(one, right, right + left),
    )
    chain.at_most(
        "is not negative: phi(b + t) <= phi(t) for 0 < t < a",
        density(right + step),
        density(step),
        density(step) * (1 - sympy.exp(-(right**2) / 2 - right * step)),
    )
    whole, under = sympy.symbols("c q", nonnegative=True)
    chain.at_most(
        "Shift of the density by c = a + b",
        density(whole + step),
        sympy.exp(-(whole**2) / 2) * density(step),
        sympy.exp(-(whole**2) / 2) * density(step) * (1 - sympy.exp(-whole * step)),
    )
    chain.identity(
        "Integrated over t > 0, where phi has this mass: Q(c) <= exp(-c^2/2)/2",
        integral(one, 0, sympy.oo),
        half,
    )
    chain.identity("P(0 < z < c)", integral(one, 0, whole), half - tail(whole))
    gauss = sympy.Symbol("E", nonnegative=True)
    chain.at_most(
        "so it is at least 1/2 - E, with E = exp(-c^2/2) and Q(c) + q = E/2",
        half - gauss,
        half - (gauss / 2 - under),
    )
    length = sympy.Symbol("d", positive=True)
    chain.identity(
        "E at c = mu d/sigma, d = x_{i+1} - x_i",
        sympy.exp(-((mu * length / sigma) ** 2) / 2),
        sympy.exp(-(mu**2) * length**2 / (2 * sigma**2)),
    )


def add_floor(chain: Chain) -> None:
    """prop09.c and prop09a.r1."""
    chain.step(
        "prop09.c: let u = mu x - xi. On the event mu x_i < u < mu x_{i+1} prop09.a.r1 and .b.r1 "
        "hold at u, so min(pi^+(u), pi^-(u)) is at least the minimum of their right-hand sides; "
        "off the event it is >= 0. xi has the law of -sigma z, so the event has the probability "
        "of prop09.c."
    )
    floor, above, chance, below = sympy.symbols("m q P r", nonnegative=True)
    chain.at_most(
        "Product of two lower bounds: the minimum is m + q, m >= 0; the chance is P >= 0, and P - "
        "r its lower bound of any sign",
        floor * (chance - below),
        (floor + above) * chance,
        floor * below + above * chance,
    )
    near, further = sympy.symbols("D f", nonnegative=True)
    chain.at_most(
        "A gap D + f >= D = Delta only raises the lower bound of the chance",
        half - sympy.exp(-(mu**2) * near**2 / (2 * sigma**2)),
        half - sympy.exp(-(mu**2) * (near + further) ** 2 / (2 * sigma**2)),
        sympy.exp(-(mu**2) * near**2 / (2 * sigma**2))
        * (1 - sympy.exp(-(mu**2) * (2 * near * further + further**2) / (2 * sigma**2))),
    )
    chain.step(
        "With prop09.e, prop09.e.r1 and m = min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta >= 0 this is "
        "prop09a.r1."
    )


def add_noised_floor(chain: Chain) -> None:
    """prop09a.r2."""
    lift = sympy.Symbol("a", nonnegative=True)
    one = sympy.Integer(1)
    chain.step(
        "prop09a.r2: let Y = mu U + xi, and v = y - mu x_j = sigma a >= 0 for j <= i. Given j, P(Y "
        "< y) = P(z < a) and E[(y - Y)_+] = sigma E[(a + z)_+]."
    )
    chain.identity(
        "P(z < a) - 1/2 = P(0 < z < a) >= 0",
        integral(one, -sympy.oo, lift) - half,
        integral(one, 0, lift),
    )
    chain.identity(
        "E[(a + z)_+] - a = E[(-a - z) ; z < -a] >= 0",
        integral(lift + z, -lift, sympy.oo) - lift,
        integral(-lift - z, -sympy.oo, -lift),
    )
    chain.step(
        "So P(Y < y) >= i/(2n), E[(y - Y)_+] >= (1/n) sum_{j <= i} (y - mu x_j) >= (mu/n) sum_{j < "
        "i} (x_i - x_j) >= (mu/n) i(i-1)/2 Delta. Mirrored, P(Y > y) >= (n-i)/(2n) and E[(Y - "
        "y)_+] >= (mu/n) sum_{j > i+1} (x_j - x_{i+1}) >= (mu/n) (n-i)(n-i-1)/2 Delta."
    )
    chain.identity(
        "The product of the first two",
        count / (2 * size) * (mu / size) * (count * (count - 1) / 2) * spacing,
        mu / size**2 * half * (count**2 * (count - 1) / 2) * spacing,
    )
    chain.step("The minimum of it and its mirror image is prop09a.r2.")


def add_ceiling(chain: Chain) -> None:
    """prop09b."""
    mean, chance, less, missing = sympy.symbols("m P q r", nonnegative=True)
    chain.step(
        "prop09b: for real u, min(pi^+(u), pi^-(u)) is 0 unless both events have a chance, that "
        "is mu x_1 < u < mu x_n. Then pi^-(u) = P(mu U < u) E[(u - mu U)_+] with u - mu x_j <= mu "
        "(x_n - x_1)."
    )
    chain.at_most(
        "a probability P, P + r = 1, times a mean m of such, m + q = mu (x_n - x_1)",
        chance * mean,
        (chance + missing) * (mean + less),
    )
    chain.step(
        "The mean over xi of values at most mu (x_n - x_1) is at most that; elsewhere pi = 0."
    )
    chance, low, high = sympy.symbols("p a b", nonnegative=True)
    chain.step(
        "Better: with p = P(mu U < u), a = u - mu x_1 and b = mu x_n - u, pi^- <= p^2 a and pi^+ "
        "<= (1 - p)^2 b, and the square of the minimum is at most the product."
    )
    chain.at_most(
        "p (1 - p) <= 1/4",
        chance * (1 - chance),
        quarter,
        (chance - half) ** 2,
    )
    chain.at_most("a b <= (a + b)^2/4", low * high, (low + high) ** 2 / 4, (low - high) ** 2 / 4)
    chain.identity(
        "so min(pi^+, pi^-) and pi are at most mu (x_n - x_1)/8: a + b = mu (x_n - x_1), and the "
        "square of the minimum is at most",
        quarter**2 * (low + high) ** 2 / 4,
        ((low + high) / 8) ** 2,
    )
    chain.step(
        "For n = 2 it is sharp: at the midpoint min(pi^+, pi^-) = mu (x_2 - x_1)/8, and pi there "
        "tends to it as sigma tends to 0."
    )


def add_smoothness(chain: Chain) -> None:
    """pi-smooth.r1."""
    alpha, beta, low, high, y = sympy.symbols("alpha beta l r y", real=True)
    line = alpha * (y + sigma * z) + beta
    left, right = (low - y) / sigma, (high - y) / sigma
    chain.step(
        "pi-smooth.r1: for mu x_1 < y < mu x_n, pi(y) is a finite sum over the pieces l < u < r of "
        "min(pi^+, pi^-), linear there, of E[alpha u + beta ; l < u < r] with u = y + sigma z."
    )
    chain.identity(
        "Antiderivative of (alpha (y + sigma z) + beta) phi(z)",
        sympy.Derivative(primitive(line), z),
        line * density(z),
    )
    chain.identity(
        "so each term is",
        integral(line, left, right),
        (alpha * y + beta) * (tail(left) - tail(right))
        + alpha * sigma * (density(left) - density(right)),
    )
    chain.step(
        "Exponentials of polynomials and erfc are entire, so pi is infinitely differentiable "
        "there; by prop09b it is bounded, and outside the closed range it is 0 by definition."
    )


def add_premise(chain: Chain) -> None:
    """thm04.0."""
    more = sympy.Symbol("k", nonnegative=True)
    log, c = sympy.symbols("lambda c", real=True)
    chain.step(
        "thm04.0: let c = mu^2 Delta^2/(4 sigma^2), lambda = ln(16 n^3). 16 n^3 exp(-c) <= 1 is "
        "lambda <= c, as exp increases:"
    )
    chain.identity("16 n^3 exp(-c)", sympy.exp(log) * sympy.exp(-c), sympy.exp(log - c))
    chain.identity(
        "and so is Delta^2 >= 4 (sigma^2/mu^2) lambda: the difference of its sides",
        spacing**2 - 4 * sigma**2 / mu**2 * log,
        4 * sigma**2 / mu**2 * (mu**2 * spacing**2 / (4 * sigma**2) - log),
    )
    chain.at_most("For n = 2 + k, 16 n^3 is at least", 128, 16 * (2 + more) ** 3)
    chain.at_most("and e^2 is less, so c >= lambda >= 2 > 1", sympy.exp(2), 128)
    chain.step("c >= 1 is (mu Delta)^2 >= (2 sigma)^2, that is Delta >= 2 sigma/mu.")


def add_variation(chain: Chain) -> None:
    """thm04.a and thm04.b.r1."""
    chain.step(
        "thm04.a: the intervals [mu x_i, m_i] and [m_i, mu x_{i+1}], 1 <= i <= n-1, overlap in "
        "end points only. On each the integral of |s*''| pi is at least the least pi times |int "
        "s*''| = the difference of s*' at its ends; s*'' is continuous (derivation "
        "score_curvature) and pi >= 0 everywhere."
    )
    floor, above, jump, below = sympy.symbols("F q J r", nonnegative=True)
    chain.at_most(
        "thm04.b.r1, one term: the least pi is F + q with F >= 0 from prop09a.r1, the two slope "
        "differences have sum J >= 0, and J - r is twice the bound of cor03a@mu, of any sign",
        floor * (jump - below),
        (floor + above) * jump,
        floor * below + above * jump,
    )
    room = sympy.Symbol("g", nonnegative=True)
    chain.at_most(
        "F >= 0 since c = 1 + g >= 1: exp(-2c) <= 1/2",
        sympy.exp(-2 * (1 + room)),
        half,
        sympy.exp(-2 * (1 + room)) * (sympy.exp(2 * (1 + room)) - 2) / 2,
    )


def add_middle_half(chain: Chain) -> None:
    """thm04.c, thm04.c.r1 and thm04.d."""
    room = sympy.Symbol("e", nonnegative=True)
    chain.step(
        "thm04.c: ceil(n/4) + 1 <= i <= floor(3n/4) - 1 makes both i and n - i at least n/4 + 1; "
        "let either be k = n/4 + 1 + e."
    )
    side = size / 4 + 1 + room
    chain.at_most("k^2 (k-1)/2 (thm04.c.r1)", size**3 / 128, side**2 * (side - 1) / 2)
    chain.at_most("and k^2 (k+1)/2 is larger (thm04.c)", size**3 / 128, side**2 * (side + 1) / 2)
    more = sympy.Symbol("k", nonnegative=True)
    chain.step(
        "thm04.d: there are floor(3n/4) - ceil(n/4) - 1 such i. For n = 4q + r >= 10, q is at "
        "least 3 for r = 0, 1 and at least 2 for r = 2, 3."
    )
    for rest, least, lower, upper in ((0, 3, 0, 0), (1, 3, 0, 1), (2, 2, 1, 1), (3, 2, 2, 1)):
        q = least + more
        chain.at_most(
            f"r = {rest}, q = {least} + k: floor(3n/4) = 3q + {lower}, ceil(n/4) = q + {upper}",
            (4 * q + rest) / 4,
            (3 * q + lower) - (q + upper) - 1,
        )


def add_sum(chain: Chain) -> None:
    """thm04.d2 and thm04.e.r1."""
    small, lost, less, further = sympy.symbols("E q r f", nonnegative=True)
    n = sympy.Symbol("n", positive=True)
    rise, drop = sympy.symbols("g_1 g_2", nonnegative=True)
    chain.step(
        "thm04.d2: let E = exp(-c), so 16 n^3 E <= 1 and, as 16 n^3 >= 128, E = 1/128 - r; exp(-2 "
        "c) = E^2."
    )
    chain.at_most("E^2 <= (1/128)^2, E + r = 1/128", small**2, (small + less) ** 2)
    chain.at_most("(1/128)^2 <= 1/4", sympy.Rational(1, 128) ** 2, quarter)
    chain.at_most(
        "For a gap D + f >= D = Delta, the bound of cor03a only rises with the gap",
        spacing**2 / (2 * n) - 4 * n**2 * spacing**2 * small,
        (spacing + further) ** 2 / (2 * n) - 4 * n**2 * spacing**2 * small,
    )
    chain.at_most(
        "and is >= 0 at the gap Delta, where 1 = 16 n^3 E + q",
        0,
        spacing**2 / (2 * n) * (16 * n**3 * small + lost) - 4 * n**2 * spacing**2 * small,
    )
    scale = mu / n**2 * rise * spacing * 2 * mu**2 / sigma**4 * drop
    chain.identity(
        "A term of thm04.b.r1 with n^3/128 for the minimum, g_1 = 1/2 - E^2, g_2 = Delta^2/(2n) - "
        "4 n^2 Delta^2 E; it grows with each of its non-negative factors",
        scale * n**3 / 128,
        mu**3 * n * spacing / (64 * sigma**4) * rise * drop,
    )
    chain.step(
        "The other terms of thm04.b.r1 are >= 0 and may be left out: thm04.d2 (an empty sum is 0)."
    )
    chain.identity(
        "thm04.e.r1: n >= 10, so there are at least n/4 equal terms >= 0; n/4 of them",
        n
        / 4
        * (mu**3 * n * spacing / (64 * sigma**4))
        * rise
        * (spacing**2 / (2 * n) - 4 * n**2 * spacing**2 * small),
        mu**3 * n * spacing**3 / (256 * sigma**4) * rise * (half - 4 * n**3 * small),
    )
    one, two = sympy.symbols("a b", nonnegative=True)
    chain.at_most(
        "1/2 - E^2 = 1/4 + a and 1/2 - 4 n^3 E = 1/4 + b with a, b >= 0",
        quarter * quarter,
        (quarter + one) * (quarter + two),
    )
    chain.identity(
        "b, where 1 = 16 n^3 E + q",
        half * (16 * n**3 * small + lost) - 4 * n**3 * small - (16 * n**3 * small + lost) / 4,
        lost / 4,
    )


def add_diffusion(chain: Chain) -> None:
    """thm04.f."""
    time, rest = sympy.symbols("t q", nonnegative=True)
    chain.step("thm04.f: mu = exp(-t), sigma^2 = 1 - exp(-2t), 0 < t <= 1/5.")
    chain.at_most("sigma^2 <= 2t", 1 - sympy.exp(-2 * time), 2 * time)
    chain.at_most(
        "mu^3 >= exp(-3/5), t + q = 1/5; here t = 1/5 - q enters as exp(3q) >= 1",
        sympy.exp(-sympy.Rational(3, 5)),
        sympy.exp(-sympy.Rational(3, 5) + 3 * rest),
        sympy.exp(-sympy.Rational(3, 5)) * (sympy.exp(3 * rest) - 1),
    )
    chain.at_most("exp(-3/5) >= 1/2", half, sympy.exp(-sympy.Rational(3, 5)))
    over = sympy.Symbol("p", nonnegative=True)
    noise = sympy.Symbol("v", positive=True)
    chain.at_most(
        "v = sigma^2, 2t = v + q, mu^3 = 1/2 + p: 1/(8 t^2) <= mu^3/sigma^4",
        half / (noise + rest) ** 2,
        (half + over) / noise**2,
        half * (2 * noise * rest + rest**2) / (noise**2 * (noise + rest) ** 2) + over / noise**2,
    )
