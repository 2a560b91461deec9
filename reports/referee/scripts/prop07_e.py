"""prop07.e (proof of proposition 7, step e, p. 30, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python prop07_e.py
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
        self.mp, self.order, self.data, self.where = (mp, order, data, where); self.points = sorted((Fraction(text) for text in data['x']))
        self.n, self.x = (len(self.points), {i: self.number(p) for i, p in enumerate(self.points, 1)})
        self.Delta = min((self.number(b - a) for a, b in pairwise(self.points)), default=mp.zero); age = self.number(data.get('time', 0))
        self.sigma = self.number(data.get('sigma', 0)) or mp.sqrt(-mp.expm1(-2 * age))
        self.mu = self.number(data.get('mu', 0)) or mp.sqrt(1 - self.sigma ** 2)
        self.i, self.k, self.l = (int(where.get(name, 0)) for name in ('i', 'j', 'l')); self.y = self.number(where['y']) if 'y' in where else None
        lists = (data.get('network', {}).get(name, ()) for name in self.names); rows = [[*map(Fraction, row)] for row in zip(*lists, strict=True)]
        self.order_of = sorted(range(len(rows)), key=lambda j: -rows[j][1] / rows[j][0]); self.exact = [rows[j] for j in self.order_of]
        self.m, self.kinks = (len(rows), [-b / w for w, b, _ in self.exact])
        self.w1, self.b, self.w2 = ([self.number(r[k]) for r in self.exact] for k in range(3))
        self.rule = GaussLegendre(mp).calc_nodes(3 + order, mp.prec); self.reach = int(mp.sqrt(1.4 * mp.prec)) + 3; self.cache = {}
    def number(self, value):
        return self.mp.mpf(Fraction(value).numerator) / Fraction(value).denominator
def signs(c): return ('max ||w1_l| - 1| <= 0', max((abs(abs(w1) - 1) for w1 in c.w1)), '<=', 0)  # |w1_l| = 1.
def curvature_constant(c):  # C_n = max(1, 8 mu^2 L^3 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1)/Delta)), L = x_n - x_1.
    inside = c.mu ** 2 * (max(c.x[c.n], 0) - min(c.x[1], 0)) + 2 * (c.n - 1) / c.Delta
    return max(c.mp.one, 8 * c.mu ** 2 * (c.x[c.n] - c.x[1]) ** 3 * inside)
def bound(c): return c.number(c.data['network'].get('bound') or 0) or curvature_constant(c) / c.sigma ** 6  # A: the witness's own, or C_n/sigma^6.
def within_bound(c): return ('max |w2_l| <= A', max((abs(w2) for w2 in c.w2)), '<=', bound(c))  # |w2_l| <= A.
def spacing_eight(c): return ('Delta >= 8 sigma/mu', c.Delta, '>=', 8 * c.sigma / c.mu)  # Delta >= 8 sigma/mu.
def over_neurons(c, values):  # For each cell the sum of the values of the neurons active on it.
    steps = [v if w > 0 else -v for v, w in zip(values, c.w1, strict=True)]
    left = sum((v for v, w in zip(values, c.w1, strict=True) if w < 0), c.mp.zero); return [*accumulate(steps, initial=left)]
def nodes(c, cuts):  # Nodes and weights of the panels between cuts, in any order of cuts.
    for low, high in pairwise(sorted(set(cuts))):
        half, middle = ((high - low) / 2, (high + low) / 2); yield from ((middle + half * z, half * weight) for z, weight in c.rule)
def around(c, centre, low, high):  # Cuts one sigma apart around a centre, within [low, high] and the reach of a Gaussian.
    steps = [centre + c.sigma * j for j in range(-c.reach, c.reach + 1)]; low, high = (max(low, steps[0]), min(high, steps[-1]))
    return [low, *(cut for cut in steps if low < cut < high), high] if low < high else []
def gaussian(c, z): return c.mp.exp(-(z * z) / (2 * c.sigma ** 2)) / (c.mp.sqrt(2 * c.mp.pi) * c.sigma)  # Density of N(0, sigma^2).
def cell_moments(c):  # For each cell and point (1/n) E[Y^k ; Y in the cell], k = 0, 1, 2, by quadrature.
    def row(centre, low, high):
        panel = nodes(c, around(c, centre, low, high)); masses = [(y, w * gaussian(c, y - centre) / c.n) for y, w in panel]
        return [sum((mass * y ** k for y, mass in masses), c.mp.zero) for k in range(3)]
    if 'cells' not in c.cache:
        cells = [*pairwise([-c.mp.inf, *(c.number(kink) for kink in c.kinks), c.mp.inf])]
        c.cache['cells'] = [{i: row(c.mu * c.x[i], *cell) for i in c.x} for cell in cells]
    return list(c.cache['cells'])
def residual_cells(c):  # Cell, point, level and slope of f(y) = s_theta(y) + (y - mu x_i)/sigma^2, moments.
    levels = over_neurons(c, [w * b / c.m for w, b in zip(c.w2, c.b, strict=True)])
    slopes = over_neurons(c, [w * v / c.m for w, v in zip(c.w2, c.w1, strict=True)])
    for p, rows in enumerate(cell_moments(c)):
        for i, row in rows.items():
            shift = c.mu * c.x[i] / c.sigma ** 2; yield (p, i, levels[p] - shift, slopes[p] + 1 / c.sigma ** 2, row)
def risk(c): return sum((a * a * m0 + 2 * a * s * m1 + s * s * m2 for _, _, a, s, (m0, m1, m2) in residual_cells(c)))  # R_n(theta), eq. 5.
def small_risk(c): return ('R_n(theta) <= 1/(16 n sigma^2)', risk(c), '<=', 1 / (16 * c.n * c.sigma ** 2))  # R_n(theta) <= 1/(16 n sigma^2).
def variation(c, weigh):  # int |s_theta''| weigh: kinks at one place add up before the absolute value.
    masses = [(kink, abs(w1) * w2 / c.m) for kink, w1, w2 in zip(c.kinks, c.w1, c.w2, strict=True)]
    merged = [(kink, sum((m for _, m in rows))) for kink, rows in groupby(masses, lambda row: row[0])]
    return sum((abs(mass) * weigh(c, c.number(kink)) for kink, mass in merged))
def weight_lines(c):  # min(pi^+, pi^-) as lines a + s u: lower end, upper end, a, s.
    lines = []
    for i in range(1, c.n):
        k, below = (c.n - i, c.mu * sum((c.x[j] for j in range(1, i + 1)))); above = c.mu * sum((c.x[j] for j in range(i + 1, c.n + 1)))
        low, high, crossing = (c.mu * c.x[i], c.mu * c.x[i + 1], (i * below + k * above) / (i ** 2 + k ** 2)); cut = max(low, min(high, crossing))
        lines += [(low, cut, -i * below, i ** 2), (cut, high, k * above, -k ** 2)]
    return [(low, high, a / c.n ** 2, c.mp.mpf(s) / c.n ** 2) for low, high, a, s in lines]
def normal_parts(c, t):  # P(Z < t) and E[Z ; Z < t], Z standard normal: whole panels are worked out once.
    def panel(low, high):
        half, middle = ((high - low) / c.mp.mpf(2), (high + low) / c.mp.mpf(2)); rows = [(middle + half * z, half * w) for z, w in c.rule]
        masses = [(z, w * c.mp.exp(-z * z / 2) / c.mp.sqrt(2 * c.mp.pi)) for z, w in rows]
        return (sum((mass for _, mass in masses)), sum((z * mass for z, mass in masses)))
    if 'normal' not in c.cache:
        panels = [(c.mp.zero, c.mp.zero), *(panel(j, j + 1) for j in range(-c.reach, c.reach))]
        c.cache['normal'] = [[*accumulate(column)] for column in zip(*panels, strict=True)]
    t = max(-c.reach, min(c.reach, t)); whole = int(c.mp.floor(t)); first, second = (column[whole + c.reach] for column in c.cache['normal'])
    rest = panel(whole, t) if t > whole else (0, 0); return (first + rest[0], second + rest[1])
def weight(c, y):  # pi(y) = E min(pi^+(y - xi), pi^-(y - xi)), 0 outside [mu x_1, mu x_n].
    room = c.mp.mpf(2) ** (-80) * (abs(y) + c.Delta)
    if not c.mu * c.x[1] - room <= y <= c.mu * c.x[c.n] + room:
        return c.mp.zero
    if 'lines' not in c.cache:
        c.cache['lines'] = weight_lines(c)
    far, total = (c.reach * c.sigma, c.mp.zero); near = [line for line in c.cache['lines'] if line[0] < min(line[1], y + far) and line[1] > y - far]
    parts = {u: normal_parts(c, (u - y) / c.sigma) for u in {end for line in near for end in line[:2]}}
    for low, high, a, s in near:
        (p, q), (below, tilted) = (parts[high], parts[low]); total += (a + s * y) * (p - below) + s * c.sigma * (q - tilted)
    return total
def tv_network(c): return variation(c, weight)  # TV(s_theta) = int |s_theta''| pi.
def middle(c): return [j for j in range(2, c.n, 2) if c.n < 4 * j < 3 * c.n]  # The even indices between n/4 and 3n/4.
def least_weight(c, low, high, count=24):  # Least pi over a closed interval: at the ends or inside, by a grid and a local search.
    step = (high - low) / count; grid = [low + step * k for k in range(count + 1)]; best = min(grid, key=lambda y: weight(c, y))
    left, right = (max(low, best - step), min(high, best + step))
    for _ in range(50):
        one, two = ((2 * left + right) / 3, (left + 2 * right) / 3); left, right = (left, two) if weight(c, one) <= weight(c, two) else (one, right)
    return min(weight(c, best), weight(c, (left + right) / 2))
def network(c, y): return sum((w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True))) / c.m
def values(c, low, high):  # s_theta at the ends of an interval and at the kinks inside: its extrema are there.
    inside = [c.number(kink) for kink in c.kinks if low < c.number(kink) < high]; return {y: network(c, y) for y in (low, *inside, high)}
def half_gap(c): return c.mu * c.Delta / 2  # mu Delta/2.
def slopes(c, low=None, high=None):  # Slopes of the pieces of s_theta that meet [low, high], by two values on each.
    places = sorted({c.number(kink) for kink in c.kinks}); places = [places[0] - c.sigma, *places, places[-1] + c.sigma]; found = []
    for index, (a, b) in enumerate(pairwise(places)):
        left = -c.mp.inf if index == 0 else a; right = c.mp.inf if index == len(places) - 2 else b
        if (low is None or right >= low) and (high is None or left <= high):
            found.append((network(c, b) - network(c, a)) / (b - a))
    return found
def steepest_fall(c, i): return min(slopes(c, c.mu * c.x[i] - half_gap(c), c.mu * c.x[i] + half_gap(c)))
def turns(c, i):  # |int_{y_i}^{c_i} s_theta''|, c_i where the climb from b_i to a_{i+1} is steepest.
    at, following = (c.mu * c.x[i], c.mu * c.x[i + 1]); right = values(c, at, at + half_gap(c)); left = values(c, following - half_gap(c), following)
    start, end = (min(right, key=lambda y: right[y]), max(left, key=lambda y: left[y])); return abs(max(slopes(c, start, end)) - steepest_fall(c, i))
def middle_turns(c):  # The sum of prop07.e, its interval without mu, as printed.
    if not middle(c):
        return c.mp.zero
    first = min((i for i in c.x if 4 * i > c.n)); last = max((i for i in c.x if 4 * i < 3 * c.n)); least = least_weight(c, c.x[first], c.x[last])
    return least * sum((turns(c, j) for j in middle(c)))
def prop07_e(c): return [(tv_network(c), '>=', middle_turns(c))]  # The variation against the turns in the middle.
witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext(); mp.prec = bits; c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [signs(c), within_bound(c), spacing_eight(c), small_risk(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(prop07_e(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right; fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
