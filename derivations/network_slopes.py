"""Proposition 7: slopes that small risk forces on a network, step by step.

Written in `u = kappa/2 = mu Delta/(2 sigma)`, with `phi` and `Q` density and upper tail of the
standard normal law. A network that is not positive anywhere on `[mu x_i - mu Delta/2, mu x_i]` pays
`(1/sigma^2)(1/2 - Q(u) - u phi(u))` there; the page has `+ u phi(u)`, so its next line, prop07.a3,
does not follow from that interval alone. It is true all the same: two points have distance exactly
Delta, no score serves both on either half of the line between them, and what that costs, `2 u^2
Q(u)/sigma^2`, is more than what is missing.
"""

from __future__ import annotations

import sympy

from dsmverify.derivation import Chain, Derivation

from ._gaussian import density, integral, primitive, tail, z

half = sympy.Rational(1, 2)
sigma = sympy.Symbol("sigma", positive=True)
u = sympy.Symbol("u", positive=True)
"""`mu Delta/(2 sigma)`."""
more = sympy.Symbol("g", nonnegative=True)
low, high = sympy.symbols("q_1 q_2", nonnegative=True)


def derive() -> Derivation:
    """Run the derivation."""
    chain = Chain()
    chain.step(
        "Let n >= 2, u = kappa/2 = mu Delta/(2 sigma), e_u = exp(-u^2/2) = exp(-mu^2 Delta^2/(8 "
        "sigma^2)). n R_n = sum_i E[f_i(Y)^2], Y ~ N(mu x_i, sigma^2), f_i(y) = s_theta(y) + (y - "
        "mu x_i)/sigma^2."
    )
    add_interval(chain)
    add_tails(chain)
    add_printed_floor(chain)
    add_pair(chain)
    add_turns(chain)
    add_decay(chain)
    add_fall(chain)
    add_constant(chain)
    return chain.derivation(
        __name__,
        "The slopes that small risk forces",
        "proof of proposition 7, pp. 29-30",
        "every n >= 2, every m, every sample, every mu, sigma > 0; prop07.a2 and .a.r1 at every "
        "Delta > 0, the others at Delta >= 8 sigma/mu; prop07.a.r1 and .a3 for every measurable "
        "s_theta, .b, .c and .h.r1 for every network with R_n(theta) <= 1/(16 n sigma^2). In .b "
        "and .c, c_i and y_i may be taken off the kinks",
        proves_steps=(
            "prop07.a.r1",
            "prop07.a2",
            "prop07.a3",
            "prop07.b",
            "prop07.c",
            "prop07.d",
            "prop07.h.r1",
        ),
        remark=(
            "prop07.a3 is true although it does not follow from prop07.a with the right sign: the "
            "pair of points at distance Delta has to be used. Its last line, n R_n >= 1/(4 "
            "sigma^2), does follow from the interval alone. The product of prop07.h is just below "
            "1/3168, so 1/2^11 is not below it and 1/2^12 is."
        ),
    )


def add_interval(chain: Chain) -> None:
    """prop07.a.r1."""
    score, place = sympy.symbols("S v", nonnegative=True)
    chain.step(
        "prop07.a.r1. On [mu x_i - mu Delta/2, mu x_i] let s_theta = -S <= 0 and y - mu x_i = -v "
        "<= 0; only this part of only this point's mean is kept."
    )
    chain.at_most(
        "there (y - mu x_i)^2/sigma^4 is at most f_i(y)^2",
        (place / sigma**2) ** 2,
        (score + place / sigma**2) ** 2,
        score**2 + 2 * score * place / sigma**2,
    )
    chain.identity(
        "Antiderivative of z^2 phi(z)", sympy.Derivative(primitive(z**2), z), z**2 * density(z)
    )
    chain.identity(
        "With y - mu x_i = sigma z, the mean of (y - mu x_i)^2/sigma^4 over that interval",
        integral(z**2, -u, sympy.Integer(0)) / sigma**2,
        (half - tail(u) - u * density(u)) / sigma**2,
    )
    mass = integral(sympy.Integer(1), -u, sympy.Integer(0))
    chain.identity(
        "that is the printed form with the sign of its first term turned, int exp(-y^2/(2 "
        "sigma^2)) dy = sqrt(2 pi) sigma P(-u < z < 0), mu Delta/2 = sigma u",
        integral(z**2, -u, sympy.Integer(0)) / sigma**2,
        (-(sigma * u) * sympy.exp(-(u**2) / 2) + sympy.sqrt(2 * sympy.pi) * sigma * mass)
        / (sigma**2 * sympy.sqrt(2 * sympy.pi) * sigma),
    )


def add_tails(chain: Chain) -> None:
    """Upper and lower bounds of `Q`."""
    t = sympy.Symbol("t", positive=True)
    bound = sympy.exp(-(u**2) / 2) * density(t)
    chain.at_most(
        "The density at u + t against exp(-u^2/2) phi(t)",
        density(u + t),
        bound,
        bound * (1 - sympy.exp(-u * t)),
    )
    chain.identity(
        "phi has this mass on t > 0, so Q(u) <= e_u/2",
        integral(sympy.Integer(1), sympy.Integer(0), sympy.oo),
        half,
    )
    chain.identity(
        "Q(u) - u phi(u)/(1 + u^2) has a negative derivative and tends to 0 at +oo, so it is "
        "positive",
        sympy.Derivative(tail(u) - u * density(u) / (1 + u**2), u),
        -2 * density(u) / (1 + u**2) ** 2,
    )


def add_printed_floor(chain: Chain) -> None:
    """prop07.a2."""
    decay = sympy.exp(-(u**2) / 2)
    front = 1 / (sigma**2 * sympy.sqrt(2 * sympy.pi) * sigma)
    chain.step("prop07.a2, from the printed expression: with Q(u) = e_u/2 - q_1, q_1 >= 0,")
    chain.at_most(
        "the printed lower bound against (1/(sigma^2 sqrt(2 pi) sigma)) ((mu Delta/2) e_u + sqrt(2 "
        "pi) sigma (1/2 - Q(u)))",
        front * sigma * u * decay + (half - decay) / sigma**2,
        front * sigma * u * decay + (half - (decay / 2 - low)) / sigma**2,
        (decay / 2 + low) / sigma**2,
    )


def add_pair(chain: Chain) -> None:
    """prop07.a3."""
    score, one, two = sympy.symbols("S a b", real=True)
    p, q = sympy.symbols("p q", positive=True)
    chain.step(
        "prop07.a3. Let x_{j+1} - x_j = Delta, a smallest gap. At any y let S = s_theta(y), a and "
        "b the terms (y - mu x_j)/sigma^2 and (y - mu x_{j+1})/sigma^2, p and q the two densities."
    )
    together = (score + one) ** 2 * p + (score + two) ** 2 * q
    floor = (one - two) ** 2 * p * q / (p + q)
    chain.at_most(
        "No value serves both points",
        floor,
        together,
        ((p + q) * score + one * p + two * q) ** 2 / (p + q),
    )
    chain.at_most(
        "With p the smaller density, q = p + g: p/2 is at most p q/(p + q)",
        p / 2,
        p * (p + more) / (2 * p + more),
        p * more / (2 * (2 * p + more)),
    )
    chain.step(
        "At distance sigma t from the midpoint the smaller density is phi(u + t)/sigma. Over one "
        "half of the line the two points therefore cost at least (a - b)^2 Q(u)/2:"
    )
    chain.identity(
        "with a - b = mu Delta/sigma^2 = 2 u/sigma",
        (2 * u / sigma) ** 2 * tail(u) / 2,
        2 * u**2 * tail(u) / sigma**2,
    )
    chain.step(
        "Take the right half if i = j, the left half if i = j + 1, either one otherwise: then it "
        "shares no point's mean with the interval of prop07.a.r1, which lies left of the midpoint "
        "of x_i and x_{i+1} and right of that of x_{i-1} and x_i. So n R_n is at least (1/2 - Q(u) "
        "- u phi(u) + 2 u^2 Q(u))/sigma^2."
    )
    big = 1 + more
    decay = sympy.exp(-(big**2) / 2)
    chain.at_most(
        "Here u >= 4, so u = 1 + g; by the two bounds of Q, Q(u) = e_u/2 - q_1 = u phi(u)/(1 + "
        "u^2) + q_2: 1/2 - e_u is at most that (times sigma^2)",
        half - decay,
        half
        - (decay / 2 - low)
        - big * density(big)
        + 2 * big**2 * (big * density(big) / (1 + big**2) + high),
        decay / 2
        + low
        + big * density(big) * (2 * more + more**2) / (1 + big**2)
        + 2 * big**2 * high,
    )
    chain.at_most(
        "With kappa = 8 + g",
        half - sympy.exp(-8),
        half - sympy.exp(-((8 + more) ** 2) / 8),
        sympy.exp(-8) * (1 - sympy.exp(-2 * more - more**2 / 8)),
    )
    chain.at_most("and", sympy.Rational(1, 4), half - sympy.exp(-8))


def add_turns(chain: Chain) -> None:
    """prop07.b."""
    score, place = sympy.symbols("s y", real=True)
    chain.step(
        "prop07.b. R_n(theta) <= 1/(16 n sigma^2) is n R_n < 1/(4 sigma^2), so by prop07.a3 "
        "s_theta is positive somewhere on [mu x_i - mu Delta/2, mu x_i]: a_i. With y, x_i and "
        "s_theta replaced by -y, -x_i and -s_theta the risk is the same,"
    )
    chain.identity(
        "as f_i changes its sign only",
        -score + (-place) / sigma**2,
        -(score + place / sigma**2),
    )
    chain.step(
        "and s_theta is negative somewhere on [mu x_i, mu x_i + mu Delta/2]: b_i. For i <= n - 1, "
        "b_i <= mu x_i + mu Delta/2 <= mu x_{i+1} - mu Delta/2 <= a_{i+1}, and s_theta(b_i) < 0 < "
        "s_theta(a_{i+1}): a piecewise linear function that rises from b_i to a_{i+1} has a piece "
        "of positive slope that meets the inside; c_i inside it."
    )


def add_decay(chain: Chain) -> None:
    """prop07.d."""
    x = 2 + more
    chain.step("prop07.d. x = mu Delta/(4 sigma) = 2 + g; exp(-mu^2 Delta^2/(8 sigma^2)) is")
    chain.identity("this", sympy.exp(-((4 * x) ** 2) / 8), sympy.exp(-2 * x**2))
    decay = sympy.exp(-8 - 8 * more - 2 * more**2)
    power = 6 + 8 * more + 2 * more**2
    gap = decay * (sympy.exp(power) - 2 - more)
    chain.at_most("First part", x * sympy.exp(-2 * x**2), sympy.exp(-2), gap)
    root = sympy.sqrt(2) * sympy.sqrt(sympy.pi)
    floor = 1 - 2 * sympy.sqrt(2) / sympy.sqrt(sympy.pi) * sympy.exp(-2) - 2 * sympy.exp(-8)
    chain.at_most(
        "Second part, kappa = 4 x",
        floor,
        1 - 2 * (4 * x / (2 * root) + 1) * sympy.exp(-2 * x**2),
        4 / root * gap + 2 * sympy.exp(-8) * (1 - sympy.exp(-8 * more - 2 * more**2)),
    )
    chain.at_most("Third part", half, floor)


def add_fall(chain: Chain) -> None:
    """prop07.c."""
    loss, extra, risk = sympy.symbols("c h N", positive=True)
    chain.step(
        "prop07.c. Let N = n R_n <= 1/(16 sigma^2), beta = 1/sigma^2, c = sqrt(2 N/sigma^2), "
        "gamma = beta - c, delta = mu Delta/2."
    )
    chain.at_most(
        "c^2 = 2 N/sigma^2 with N = 1/(16 sigma^2) - q_1 is at most this, so c < beta, gamma > 0",
        2 * (1 / (16 * sigma**2) - low) / sigma**2,
        (1 / (2 * sympy.sqrt(2) * sigma**2)) ** 2,
        2 * low / sigma**2,
    )
    chain.step(
        "Suppose every piece of s_theta that meets the inside of [mu x_i - delta, mu x_i + delta] "
        "had a slope above -gamma. There are finitely many, so some gamma' in (0, gamma) has all "
        "of them >= -gamma', and f(x) + gamma' x, f(x) = s_theta(x + mu x_i), does not decrease "
        "on [-delta, delta]; that is what the proof of lem14a uses (derivation "
        "slope_lower_bound). By lem14a, lem14b and prop07.d, with beta - gamma' = c + h, h > 0:"
    )
    chain.identity(
        "n R_n >= sigma^2 (beta - gamma')^2 (1/2), and with sigma^2 c^2/2 = N this exceeds N by",
        (sigma**2 * (loss + extra) ** 2 / 2).subs(loss, sympy.sqrt(2) * sympy.sqrt(risk) / sigma)
        - risk,
        sigma**2 * (2 * extra * (sympy.sqrt(2) * sympy.sqrt(risk) / sigma) + extra**2) / 2,
    )
    chain.step(
        "a positive number: a contradiction. So some piece that meets the inside of the interval "
        "has a slope <= -gamma = -1/sigma^2 + sqrt(2 n R_n/sigma^2), and y_i may be taken inside "
        "that piece and inside the interval."
    )


def add_constant(chain: Chain) -> None:
    """prop07.h.r1."""
    decay, slope = sympy.symbols("p r", nonnegative=True)
    root = sympy.sqrt(2)
    chain.at_most(
        "prop07.h.r1. kappa = 8 + g: exp(-mu^2 Delta^2/(2 sigma^2)) against exp(-32)",
        sympy.exp(-((8 + more) ** 2) / 2),
        sympy.exp(-32),
        sympy.exp(-32) * (1 - sympy.exp(-8 * more - more**2 / 2)),
    )
    weight, gap = half - sympy.exp(-32), 1 - 1 / (2 * root)
    chain.at_most(
        "and sqrt(2 n R_n/sigma^2) <= 1/(2 sqrt 2 sigma^2), as shown for prop07.c. With the two "
        "factors larger than their bounds by p and r/sigma^2 (mu n^2 Delta/1024 on both sides)",
        weight * gap / sigma**2,
        (weight + decay) * (gap + slope) / sigma**2,
        (weight * slope + decay * gap + decay * slope) / sigma**2,
    )
    product = weight * gap / 1024
    chain.at_most("The constant of the repaired line", sympy.Rational(1, 2**12), product)
    chain.at_most("The constant exactly: 1/3169 is below it", sympy.Rational(1, 3169), product)
    chain.at_most("and it is at most 1/3168, so not 1/2^11", product, sympy.Rational(1, 3168))
