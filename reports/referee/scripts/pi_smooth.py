"""pi-smooth (definition of TV for networks, p. 9, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python pi_smooth.py
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


def weight_lines(c):  # min(pi^+, pi^-) as lines a + s u: lower end, upper end, a, s.
    lines = []
    for i in range(1, c.n):
        k, below = (c.n - i, c.mu * sum((c.x[j] for j in range(1, i + 1))))
        above = c.mu * sum((c.x[j] for j in range(i + 1, c.n + 1)))
        low, high, crossing = (c.mu * c.x[i], c.mu * c.x[i + 1], (i * below + k * above) / (i ** 2 + k ** 2))
        cut = max(low, min(high, crossing))
        lines += [(low, cut, -i * below, i ** 2), (cut, high, k * above, -k ** 2)]
    return [(low, high, a / c.n ** 2, c.mp.mpf(s) / c.n ** 2) for low, high, a, s in lines]


def normal_parts(c, t):  # P(Z < t) and E[Z ; Z < t], Z standard normal: whole panels are worked out once.
    def panel(low, high):
        half, middle = ((high - low) / c.mp.mpf(2), (high + low) / c.mp.mpf(2))
        rows = [(middle + half * z, half * w) for z, w in c.rule]
        masses = [(z, w * c.mp.exp(-z * z / 2) / c.mp.sqrt(2 * c.mp.pi)) for z, w in rows]
        return (sum((mass for _, mass in masses)), sum((z * mass for z, mass in masses)))
    if 'normal' not in c.cache:
        panels = [(c.mp.zero, c.mp.zero), *(panel(j, j + 1) for j in range(-c.reach, c.reach))]
        c.cache['normal'] = [[*accumulate(column)] for column in zip(*panels, strict=True)]
    t = max(-c.reach, min(c.reach, t))
    whole = int(c.mp.floor(t))
    first, second = (column[whole + c.reach] for column in c.cache['normal'])
    rest = panel(whole, t) if t > whole else (0, 0)
    return (first + rest[0], second + rest[1])


def weight(c, y):  # pi(y) = E min(pi^+(y - xi), pi^-(y - xi)), 0 outside [mu x_1, mu x_n].
    room = c.mp.mpf(2) ** (-80) * (abs(y) + c.Delta)
    if not c.mu * c.x[1] - room <= y <= c.mu * c.x[c.n] + room:
        return c.mp.zero
    if 'lines' not in c.cache:
        c.cache['lines'] = weight_lines(c)
    far, total = (c.reach * c.sigma, c.mp.zero)
    near = [line for line in c.cache['lines'] if line[0] < min(line[1], y + far) and line[1] > y - far]
    parts = {u: normal_parts(c, (u - y) / c.sigma) for u in {end for line in near for end in line[:2]}}
    for low, high, a, s in near:
        (p, q), (below, tilted) = (parts[high], parts[low])
        total += (a + s * y) * (p - below) + s * c.sigma * (q - tilted)
    return total


def pi_smooth(c): return [(weight(c, c.mu * c.x[c.n]), '=', c.mp.zero), (weight(c, c.mu * c.x[1]), '=', c.mp.zero)]


witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in []:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(pi_smooth(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
