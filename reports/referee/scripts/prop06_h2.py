"""prop06.h2 (proof of proposition 6, step h2, p. 28, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python prop06_h2.py
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


def curvature_constant(c):  # C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta)), L = x_n - x_1.
    inside = c.mu ** 2 * (max(c.x[c.n], 0) - min(c.x[1], 0)) + 2 * (c.n - 1) / c.Delta
    return max(c.mp.one, 8 * c.mu ** 2 * (c.x[c.n] - c.x[1]) ** 3 * inside)


def bound(c): return c.number(c.data['network'].get('bound') or 0) or curvature_constant(c) / c.sigma ** 6  # A: the witness's own, or C_n/sigma^6.


def within_bound(c): return ('max |w2_l| <= A', max((abs(w2) for w2 in c.w2)), '<=', bound(c))  # |w2_l| <= A.


def chosen(c): return bound(c) if c.m else curvature_constant(c) / c.sigma ** 6  # A, also where the instance has no network.


def large_bound(c): return ('A >= C_n/sigma^6', chosen(c), '>=', curvature_constant(c) / c.sigma ** 6)  # A >= C_n/sigma^6.


def network(c, y): return sum((w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True))) / c.m


def residual(c, y): return network(c, y) + (y - c.mu * c.x[c.i]) / c.sigma ** 2  # f(y) = s_theta(y) + (y - mu x_i)/sigma^2.


def kink_value(c): return abs(residual(c, c.number(c.kinks[c.l - 1])))  # |f(tau_l)|.


def distance(c): return abs(c.number(c.kinks[c.l - 1]) - c.mu * c.x[c.i])  # |tau_l - mu x_i|.


def ends(c):  # The two ends of D.
    half = kink_value(c) / (4 * bound(c))
    return (distance(c) - half, distance(c) + half)


def other_case(c): return ('lower end of D > -sigma', ends(c)[0], '>', -c.sigma)  # [-sigma, sigma] is not in D.


def damped(c): return c.mp.exp(-(distance(c) / c.sigma) ** 2 / 2)  # e^{-(tau_l - mu x_i)^2/(2 sigma^2)}.


def prop06_h2(c):  # The kernel on D, at its far end.
    far = c.mp.exp(-(max((abs(end) for end in ends(c))) / c.sigma) ** 2 / 2)
    return [(far, '>=', damped(c) / c.mp.sqrt(c.mp.e))]


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [signs(c), within_bound(c), large_bound(c), other_case(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(prop06_h2(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
