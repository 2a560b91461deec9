"""prop06.b (eq. 17, p. 27, arXiv 2502.03435v1) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python prop06_b.py
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
def dot(u, v): return sum((a * b for a, b in zip(u, v, strict=True)))  # Inner product.
def top_pair(c, product, size):  # Largest eigenvalue and a unit eigenvector of a symmetric map, by Lanczos's method.
    v = [1 + c.mp.one / (j + 3) for j in range(size)]; basis = []; rows = []
    while len(rows) < min(size, 30 + 10 * c.order) and dot(v, v) > c.mp.mpf(2) ** (-c.mp.prec):
        length = c.mp.sqrt(dot(v, v)); basis.append([value / length for value in v]); v = product(c, basis[-1])
        rows.append([dot(v, u) for u in basis])
        for u in (*basis, *basis):
            part = dot(v, u); v = [value - part * other for value, other in zip(v, u, strict=True)]
    js = range(len(rows)); values, vectors = c.mp.eigsy(c.mp.matrix([[rows[max(a, b)][min(a, b)] for b in js] for a in js]))
    top = max(js, key=lambda a: values[a]); return (values[top], [sum((vectors[a, top] * basis[a][j] for a in js)) for j in range(size)])
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
def over_cells(c, values):  # For each neuron the sum of the values of the cells on which it is active.
    sums = [*accumulate(values)]; return [sums[-1] - sums[r] if w > 0 else sums[r] for r, w in enumerate(c.w1)]
def residual_sums(c, power=0):  # E[f Y^power 1_l] for every neuron, f the residual.
    sums = [c.mp.zero] * (c.m + 1)
    for p, _, a, s, row in residual_cells(c):
        sums[p] += a * row[power] + s * row[power + 1]
    return over_cells(c, sums)
def cross_term(c): return [2 * value / c.m for value in residual_sums(c)]  # (2/m) E[f 1_l]: the second derivative of the risk by w2_l and b_l beyond 2 T.
def network(c, y): return sum((w2 * max(w * y + b, 0) for w2, w, b in zip(c.w2, c.w1, c.b, strict=True))) / c.m
def kink_residual(c, j, i):  # f_i(tau) p_i(tau) at the kink of neuron j.
    tau, mean = (c.number(c.kinks[j]), c.mu * c.x[i]); return (network(c, tau) + (tau - mean) / c.sigma ** 2) * gaussian(c, tau - mean)
def kink_term(c): return [2 * c.w2[j] * sum((kink_residual(c, j, i) for i in c.x)) / (abs(c.w1[j]) * c.n * c.m) for j in range(c.m)]
def kernel_product(c, v):  # T v, T = (1/n) sum_i E[grad s_theta(Y) grad s_theta(Y)^T], v of length 2m.
    js, rows = (range(c.m), [[*map(sum, zip(*row.values(), strict=True))] for row in cell_moments(c)])
    levels = over_neurons(c, [v[j] * c.b[j] + v[c.m + j] * c.w2[j] for j in js]); slopes = over_neurons(c, [v[j] * c.w1[j] for j in js])
    lines = [*zip(levels, slopes, rows, strict=True)]; zero, one = (over_cells(c, [a * m[k] + s * m[k + 1] for a, s, m in lines]) for k in (0, 1))
    outer = [(c.w1[j] * one[j] + c.b[j] * zero[j]) / c.m ** 2 for j in js]; return [*outer, *(c.w2[j] * zero[j] / c.m ** 2 for j in js)]
def hessian_product(c, v):  # hess R_n(theta) v.
    if 'blocks' not in c.cache:
        c.cache['blocks'] = (cross_term(c), kink_term(c))
    (cross, kink), m, t = (c.cache['blocks'], c.m, kernel_product(c, v))
    biases = (2 * t[m + j] + cross[j] * v[j] + kink[j] * v[m + j] for j in range(m))
    return [*(2 * t[j] + cross[j] * v[m + j] for j in range(m)), *biases]
def hessian_top(c): return top_pair(c, hessian_product, 2 * c.m)[0]  # lambda_max(hess R_n(theta)).
def top_vector(c):  # The unit top eigenvector of the first term.
    if 'top' not in c.cache:
        c.cache['top'] = top_pair(c, kernel_product, 2 * c.m)
    return list(c.cache['top'][1])
def cross_form(c):  # (2/(mn)) sum_i E[(..) v^T H v].
    v, cross = (top_vector(c), cross_term(c)); return 2 * sum((cross[j] * v[j] * v[c.m + j] for j in range(c.m)))
def printed_kink(c, j):  # Diagonal entry of the third term of eq. 15, as printed.
    total = sum((kink_residual(c, j, i) for i in c.x)) * c.sigma * c.mp.sqrt(2 * c.mp.pi)
    scale = c.mp.sqrt(2) / (c.mp.sqrt(c.mp.pi) * c.m * c.n * c.sigma); return -scale * c.w2[j] * c.w1[j] * total
def kink_form(c, printed):  # v^T D v, D as printed or derived.
    v = top_vector(c); entries = [printed_kink(c, j) for j in range(c.m)] if printed else kink_term(c)
    return sum((entries[j] * v[c.m + j] ** 2 for j in range(c.m)))
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
def prop06_b(c):  # Eq. 17.
    left = hessian_top(c) + abs(cross_form(c)) + abs(kink_form(c, True)); return [(left, '>=', 4 * tv_network(c) / c.m)]
witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext(); mp.prec = bits; c = Setting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [signs(c), within_bound(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(prop06_b(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right; fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
