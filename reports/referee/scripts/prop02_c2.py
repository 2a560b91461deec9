"""prop02.c2 (proof of proposition 2, p. 23, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python prop02_c2.py
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


def alpha(c, y, among=()):  # alpha_i(y), the posterior weights, i = 1..n, or of some points as if alone.
    squares = {i: (y - c.mu * c.x[i]) ** 2 / (2 * c.sigma ** 2) for i in among or c.x}
    least = min(squares.values())
    kernels = {i: c.mp.exp(least - square) for i, square in squares.items()}
    total = sum(kernels.values())
    return {i: kernel / total for i, kernel in kernels.items()}


def prop02_c2(c):  # The weight at a midpoint as printed, j called k.
    m = midpoint(c, c.i)
    kernels = {j: c.mp.exp(-(c.mu * (m - x)) ** 2 / (2 * c.sigma ** 2)) for j, x in c.x.items()}
    own = kernels[c.i]
    printed = own / sum((own for _ in c.x))
    return [(alpha(c, m)[c.i], '=', printed), (kernels[c.k], '<=', own)]


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in []:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(prop02_c2(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
