"""hess15.e (proof of lemma 5, step e, p. 26, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python hess15_e.py
"""
import json
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from mpmath import MPContext
from mpmath.calculus.quadrature import GaussLegendre


class Setting:  # A witness as mpmath numbers, at one precision and one order of quadrature.
    names = ('inner_weights', 'biases', 'outer_weights')
    def __init__(self, mp, data, where, order=0):
        self.mp, self.order, self.data, self.where = (mp, order, data, where)
        self.points = sorted((Fraction(text) for text in data['x']))
        self.n, self.x = (len(self.points), {i: self.number(p) for i, p in enumerate(self.points, 1)})
        self.Delta = min((self.number(b - a) for a, b in pairwise(self.points)), default=mp.zero)
        age = self.number(data.get('time', 0))
        self.sigma = self.number(data.get('sigma', 0)) or mp.sqrt(-mp.expm1(-2 * age))
        self.mu = self.number(data.get('mu', 0)) or mp.sqrt(1 - self.sigma ** 2)
        self.i, self.k, self.l = (int(where.get(name, 0)) for name in ('i', 'j', 'l'))
        self.y = self.number(where['y']) if 'y' in where else None
        lists = (data.get('network', {}).get(name, ()) for name in self.names)
        rows = [[*map(Fraction, row)] for row in zip(*lists, strict=True)]
        self.order_of = sorted(range(len(rows)), key=lambda j: -rows[j][1] / rows[j][0])
        self.exact = [rows[j] for j in self.order_of]
        self.m, self.kinks = (len(rows), [-b / w for w, b, _ in self.exact])
        self.w1, self.b, self.w2 = ([self.number(r[k]) for r in self.exact] for k in range(3))
        self.rule = GaussLegendre(mp).calc_nodes(3 + order, mp.prec)
        self.reach = int(mp.sqrt(1.4 * mp.prec)) + 3
        self.cache = {}
    def number(self, value):
        return self.mp.mpf(Fraction(value).numerator) / Fraction(value).denominator


def signs(c): return ('max ||w1_l| - 1| <= 0', max((abs(abs(w1) - 1) for w1 in c.w1)), '<=', 0)  # |w1_l| = 1.


def nodes(c, cuts):  # Nodes and weights of the panels between cuts, in any order of cuts.
    for low, high in pairwise(sorted(set(cuts))):
        half, middle = ((high - low) / 2, (high + low) / 2)
        yield from ((middle + half * z, half * weight) for z, weight in c.rule)


def integral(c, function, cuts): return sum((w * function(y) for y, w in nodes(c, cuts)), c.mp.zero)  # Integral of a function that is smooth between cuts.


def network(c, y): return sum((w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True))) / c.m


def residual(c, y): return network(c, y) + (y - c.mu * c.x[c.i]) / c.sigma ** 2  # f(y) = s_theta(y) + (y - mu x_i)/sigma^2.


def gaussian(c, z): return c.mp.exp(-(z * z) / (2 * c.sigma ** 2)) / (c.mp.sqrt(2 * c.mp.pi) * c.sigma)  # Density of N(0, sigma^2).


def narrow_mean(c):  # (M_bb^(i))_ll by its definition: the mean of f w2 over a shrinking window at the kink.
    j, centre = (c.l - 1, c.mu * c.x[c.i])
    tau = c.number(c.kinks[j])
    def window(h):
        kinks = [c.number(kink) for kink in c.kinks]
        cuts = [tau - h, tau, tau + h, *(k for k in kinks if abs(k - tau) < h)]
        mean = integral(c, lambda y: residual(c, y) * gaussian(c, y - centre), cuts)
        return c.w2[j] * mean / (c.m * 2 * h * abs(c.w1[j]))
    h = c.sigma / 2 ** (c.mp.prec // 8)
    table = [window(h / 2 ** k) for k in range(8)]
    for order in range(1, 8):
        table = [b + (b - a) / (2 ** order - 1) for a, b in pairwise(table)]
    return table[0]


def printed_entry(c):  # (1/(sqrt(2 pi) m sigma)) w2_l f(tau_l) e^{-(tau_l - mu x_i)^2/(2 sigma^2)}.
    tau = c.number(c.kinks[c.l - 1])
    scale = c.w2[c.l - 1] / (c.mp.sqrt(2 * c.mp.pi) * c.m * c.sigma)
    return scale * residual(c, tau) * c.mp.exp(-(tau - c.mu * c.x[c.i]) ** 2 / (2 * c.sigma ** 2))


def hess15_e(c): return [(narrow_mean(c), '=', -c.w1[c.l - 1] * printed_entry(c))]  # The kink entry, as summarised.


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [signs(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(hess15_e(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
