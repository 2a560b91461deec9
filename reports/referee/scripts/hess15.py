"""hess15 (eqs. 15-16, p. 26, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python hess15.py
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

def entry(c):  # The place in a matrix or vector that the certificate names, neurons sorted by kinks.
    named = [int(part) - 1 for part in c.where['entry'].split(',')]
    return [c.order_of.index(part % c.m) + part // c.m * c.m for part in named]

def nodes(c, cuts):  # Nodes and weights of the panels between cuts, in any order of cuts.
    for low, high in pairwise(sorted(set(cuts))):
        half, middle = ((high - low) / 2, (high + low) / 2)
        yield from ((middle + half * z, half * weight) for z, weight in c.rule)

def around(c, centre, low, high):  # Cuts one sigma apart around a centre, within [low, high] and the reach of a Gaussian.
    steps = [centre + c.sigma * j for j in range(-c.reach, c.reach + 1)]
    low, high = (max(low, steps[0]), min(high, steps[-1]))
    return [low, *(cut for cut in steps if low < cut < high), high] if low < high else []

def gaussian(c, z): return c.mp.exp(-(z * z) / (2 * c.sigma ** 2)) / (c.mp.sqrt(2 * c.mp.pi) * c.sigma)  # Density of N(0, sigma^2).

def cell_moments(c):  # For each cell and point (1/n) E[Y^k ; Y in the cell], k = 0, 1, 2, by quadrature.
    def row(centre, low, high):
        panel = nodes(c, around(c, centre, low, high))
        masses = [(y, w * gaussian(c, y - centre) / c.n) for y, w in panel]
        return [sum((mass * y ** k for y, mass in masses), c.mp.zero) for k in range(3)]
    if 'cells' not in c.cache:
        cells = [*pairwise([-c.mp.inf, *(c.number(kink) for kink in c.kinks), c.mp.inf])]
        c.cache['cells'] = [{i: row(c.mu * c.x[i], *cell) for i in c.x} for cell in cells]
    return list(c.cache['cells'])

def over_neurons(c, values):  # For each cell the sum of the values of the neurons active on it.
    steps = [v if w > 0 else -v for v, w in zip(values, c.w1, strict=True)]
    left = sum((v for v, w in zip(values, c.w1, strict=True) if w < 0), c.mp.zero)
    return [*accumulate(steps, initial=left)]

def over_cells(c, values):  # For each neuron the sum of the values of the cells on which it is active.
    sums = [*accumulate(values)]
    return [sums[-1] - sums[r] if w > 0 else sums[r] for r, w in enumerate(c.w1)]

def kernel_product(c, v):  # T v, T = (1/n) sum_i E[grad s_theta(Y) grad s_theta(Y)^T], v of length 2m.
    js, rows = (range(c.m), [[*map(sum, zip(*row.values(), strict=True))] for row in cell_moments(c)])
    levels = over_neurons(c, [v[j] * c.b[j] + v[c.m + j] * c.w2[j] for j in js])
    slopes = over_neurons(c, [v[j] * c.w1[j] for j in js])
    lines = [*zip(levels, slopes, rows, strict=True)]
    zero, one = (over_cells(c, [a * m[k] + s * m[k + 1] for a, s, m in lines]) for k in (0, 1))
    outer = [(c.w1[j] * one[j] + c.b[j] * zero[j]) / c.m ** 2 for j in js]
    return [*outer, *(c.w2[j] * zero[j] / c.m ** 2 for j in js)]

def kernel_entry(c, row, column):  # An entry of T (from 0).
    unit = [c.mp.zero] * (2 * c.m)
    unit[column] = c.mp.one
    return kernel_product(c, unit)[row]

def residual_cells(c):  # Cell, point, level and slope of f(y) = s_theta(y) + (y - mu x_i)/sigma^2, moments.
    levels = over_neurons(c, [w * b / c.m for w, b in zip(c.w2, c.b, strict=True)])
    slopes = over_neurons(c, [w * v / c.m for w, v in zip(c.w2, c.w1, strict=True)])
    for p, rows in enumerate(cell_moments(c)):
        for i, row in rows.items():
            shift = c.mu * c.x[i] / c.sigma ** 2
            yield (p, i, levels[p] - shift, slopes[p] + 1 / c.sigma ** 2, row)

def residual_sums(c, power=0):  # E[f Y^power 1_l] for every neuron, f the residual.
    sums = [c.mp.zero] * (c.m + 1)
    for p, _, a, s, row in residual_cells(c):
        sums[p] += a * row[power] + s * row[power + 1]
    return over_cells(c, sums)

def cross_term(c): return [2 * value / c.m for value in residual_sums(c)]  # (2/m) E[f 1_l]: the second derivative of the risk by w2_l and b_l beyond 2 T.

def kernel_and_cross(c, row, column):  # An entry of the first two terms of eq. 15.
    total = 2 * kernel_entry(c, row, column)
    return total + cross_term(c)[min(row, column)] if abs(row - column) == c.m else total

def network(c, y): return sum((w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True))) / c.m

def kink_residual(c, j, i):  # f_i(tau) p_i(tau) at the kink of neuron j.
    tau, mean = (c.number(c.kinks[j]), c.mu * c.x[i])
    return (network(c, tau) + (tau - mean) / c.sigma ** 2) * gaussian(c, tau - mean)

def printed_kink(c, j):  # Diagonal entry of the third term of eq. 15, as printed.
    total = sum((kink_residual(c, j, i) for i in c.x)) * c.sigma * c.mp.sqrt(2 * c.mp.pi)
    scale = c.mp.sqrt(2) / (c.mp.sqrt(c.mp.pi) * c.m * c.n * c.sigma)
    return -scale * c.w2[j] * c.w1[j] * total

def risk(c): return sum((a * a * m0 + 2 * a * s * m1 + s * s * m2 for _, _, a, s, (m0, m1, m2) in residual_cells(c)))  # R_n(theta), eq. 5.

def shifted(c, moves):  # R_n with parameters moved exactly: 0..m-1 outer weights, m..2m-1 biases, by kinks.
    network_data = {'inner_weights': [w for w, _, _ in c.exact], 'biases': [b + moves.get(c.m + j, 0) for j, (_, b, _) in enumerate(c.exact)], 'outer_weights': [w2 + moves.get(j, 0) for j, (_, _, w2) in enumerate(c.exact)]}
    return risk(Setting(c.mp, {**c.data, 'network': network_data}, c.where, c.order))

def second_difference(c, row, column):  # An entry of the Hessian of R_n, by central differences of the risk (from 0).
    step = Fraction(1, 2 ** (c.mp.prec // 6))
    def moved(first, second):
        moves = {row: first * step}
        moves[column] = moves.get(column, 0) + second * step
        return shifted(c, moves)
    total = moved(1, 1) - moved(1, -1) - moved(-1, 1) + moved(-1, -1)
    return total / (4 * c.number(step) ** 2)

def hess15(c):  # An entry of the Hessian: differences of the risk against eqs. 15-16.
    row, column = entry(c)
    printed = kernel_and_cross(c, row, column)
    printed += printed_kink(c, row - c.m) if row == column >= c.m else 0
    return [(second_difference(c, row, column), '=', printed)]

witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [signs(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(hess15(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
