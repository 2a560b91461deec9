"""prop09.0 (proof of proposition 9, p. 18, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python prop09_0.py
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


def midpoint(c, i): return c.mu * (c.x[i] + c.x[i + 1]) / 2  # m_i = mu (x_i + x_{i+1}) / 2.


def share_below(c, y): return c.mp.mpf(sum((c.mu * x < y for x in c.x.values()))) / c.n  # P(mu U < y), strictly below.


def average(c, values): return sum(values, c.mp.zero) / max(1, len(values))  # Mean of a list; 0 where it is empty.


def mean_below(c, y): return average(c, [y - c.mu * x for x in c.x.values() if c.mu * x < y])  # E[y - mu U | mu U < y], strictly below.


def printed_mean_below(c, y): return y - c.mu * average(c, [c.x[j] for j in range(1, c.i + 1)])  # mu (x - (1/i) sum_{i'<=i} x_i') with x = y/mu.


def prop09_0(c):  # Share and mean distance of the points below: at the left end, and at the midpoint.
    middle, share = (midpoint(c, c.i), c.mp.mpf(c.i) ** 2 / c.n ** 2)
    return [(share_below(c, c.mu * c.x[c.i]) ** 2, '=', share), (share_below(c, middle) ** 2, '=', share), (mean_below(c, middle), '=', printed_mean_below(c, middle))]


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in []:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(prop09_0(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
