"""thm08.b (proof of theorem 8, step b, p. 31, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python thm08_b.py
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


def decay(c, divisor): return c.mp.exp(-(c.mu * c.Delta / c.sigma) ** 2 / divisor)  # e^{-mu^2 Delta^2/(divisor sigma^2)}.


def curvature_constant(c):  # C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta)), L = x_n - x_1.
    inside = c.mu ** 2 * (max(c.x[c.n], 0) - min(c.x[1], 0)) + 2 * (c.n - 1) / c.Delta
    return max(c.mp.one, 8 * c.mu ** 2 * (c.x[c.n] - c.x[1]) ** 3 * inside)


def bound(c): return c.number(c.data['network'].get('bound') or 0) or curvature_constant(c) / c.sigma ** 6  # A: the witness's own, or C_n/sigma^6.


def chosen(c): return bound(c) if c.m else curvature_constant(c) / c.sigma ** 6  # A, also where the instance has no network.


def decay_limit(c, powers):  # pi n^5 mu Delta^powers/(2^38 e^{1/2} (x_n - x_1)^2 A^4).
    below = 2 ** 38 * c.mp.exp(c.mp.one / 2) * (c.x[c.n] - c.x[1]) ** 2 * chosen(c) ** 4
    return c.mp.pi * c.n ** 5 * c.mu * c.Delta ** powers / below


def small_decay(c): return ('e^{..} <= the printed limit', decay(c, 32), '<=', decay_limit(c, 0))  # The printed condition of thm08.b.


def risk_scale(c, power):  # pi n^5 mu^3 Delta^3/(2^power e^{1/2} A^4 sigma^4).
    top = c.mp.pi * c.n ** 5 * (c.mu * c.Delta) ** 3
    return top / (2 ** power * c.mp.exp(c.mp.one / 2) * (chosen(c) * c.sigma) ** 4)


def allowed_bound(c):  # The right side of thm08.a2.
    spread = c.x[c.n] - c.x[1]
    return risk_scale(c, 36) + 4 * c.mu ** 2 * spread ** 2 / c.sigma ** 4 * decay(c, 32)


def thm08_b(c): return [(allowed_bound(c), '<=', risk_scale(c, 35))]  # Eq. 19 from the printed condition.


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [small_decay(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(thm08_b(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
