"""rf.copies3 (random features, section 4, p. 2, random-features.md, own derivation) fails: its hypotheses and both sides at one exact instance.
Made by dsmverify from its second path; needs Python and mpmath. Run: python rf_copies3.py
"""
import json
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from mpmath import MPContext
from mpmath.calculus.quadrature import GaussLegendre

def normal_nodes(c):  # Nodes and weights of the standard normal law, panels finer towards 0.
    mp = c.mp
    reach = int(mp.sqrt(1.4 * mp.prec)) + 3
    near = [mp.sqrt(c.h) * 2 ** k for k in range(8)]
    cuts = {mp.mpf(k) for k in range(reach + 1)} | {cut for cut in near if cut < 1}
    for low, high in pairwise(sorted(cuts | {-cut for cut in cuts})):
        half, middle = ((high - low) / 2, (high + low) / 2)
        for z, weight in c.rule:
            x = middle + half * z
            yield (x, half * weight * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi))

def activation(c, name):  # The activation by its definition.
    mp = c.mp
    functions = {'relu': lambda x: max(x, mp.zero), 'abs': abs, 'erf': mp.erf, 'sin': mp.sin, 'linear': lambda x: x, 'tanh': mp.tanh, 'silu': lambda x: x / (1 + mp.exp(-x)), 'gelu': lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2}
    return functions[name]

def smoothed(c, name, nodes):  # E rho(a x + sqrt(h) g) as a function of x: an integral, known for some activations.
    mp, a, s = (c.mp, c.mp.sqrt(c.a2), c.mp.sqrt(c.h))
    rho = activation(c, name)
    def ramp(y):
        return s * mp.exp(-y * y / (2 * s * s)) / mp.sqrt(2 * mp.pi) + y * mp.erfc(-y / (s * mp.sqrt(2))) / 2
    known = {'relu': lambda x: ramp(a * x), 'abs': lambda x: ramp(a * x) + ramp(-a * x), 'erf': lambda x: mp.erf(a * x / mp.sqrt(1 + 2 * c.h)), 'sin': lambda x: mp.sin(a * x) * mp.exp(-c.h / 2), 'linear': lambda x: a * x}
    return known.get(name, lambda x: sum((w * rho(a * x + s * g) for g, w in nodes)))

def moments(c, name):  # mu_1^2, v0^2 and s^2, as variances of what is left when lower orders are taken off.
    nodes = list(normal_nodes(c))
    rho, smooth, a = (activation(c, name), smoothed(c, name, nodes), c.mp.sqrt(c.a2))
    values = [(x, w, rho(x), smooth(x)) for x, w in nodes]
    mean = sum((w * r for _, w, r, _ in values))
    slope = sum((w * x * r for x, w, r, _ in values))
    if name == 'linear':
        return (slope ** 2, c.mp.zero, c.mp.zero)
    whole = sum((w * (r - mean - slope * x) ** 2 for x, w, r, _ in values))
    shared = sum((w * (f - mean - slope * a * x) ** 2 for x, w, _, f in values))
    return (slope ** 2, shared, whole - shared)

class CurveSetting:  # A point of a learning curve as mpmath numbers, at one precision.
    def __init__(self, mp, data, where, order=0):
        self.mp, self.order, self.data, self.where = (mp, order, data, where)
        self.psi_n, self.psi_p, self.t = (self.number(data[k]) for k in ('psi_n', 'psi_p', 'time'))
        ridge = data['ridge']
        self.lam = mp.mpf(2) ** (-(mp.prec // 2)) if ridge == '0+' else self.number(ridge)
        self.m = None if data['noise_samples'] == 'inf' else int(data['noise_samples'])
        self.im = mp.mpf(1) / self.m if self.m else mp.mpf(0)
        self.a2, self.h = (mp.exp(-2 * self.t), -mp.expm1(-2 * self.t))
        self.rule = GaussLegendre(mp).calc_nodes(3 + order, mp.prec)
        self.mu, self.v0, self.s2 = moments(self, data['activation'])
        self.kept = {}
    def number(self, value):
        return self.mp.mpf(Fraction(value).numerator) / Fraction(value).denominator

def finite(c): return ('m is finite', c.im, '>', 0)  # M is finite.

def positive_ridge(c): return ('lam > 0', c.lam if c.data['ridge'] != '0+' else 0, '>', 0)  # A ridge that does not vanish.

def table(c, im): return (((c.a2 + c.h * im) * c.mu, c.v0 + c.s2 * im, c.mp.one, 1 / c.psi_n), (c.h * c.mu, c.s2, 1 - im, im / c.psi_n))

def image(c, delta, im, lam, q):  # T_1, T_2, A, S, g, K from delta, by the printed equations with q = (q_A, q_S).
    rows, mp = (table(c, im), c.mp)
    A = sum((w * d * P for d, (P, _, w, _) in zip(delta, rows, strict=True))) + q[0]
    S = lam + sum((w * d * N for d, (_, N, w, _) in zip(delta, rows, strict=True))) + q[1]
    b = S + A * (1 - c.psi_p)
    root = mp.sqrt(b * b + 4 * S * A * c.psi_p)
    g = 2 / (b + root) if b > 0 else (root - b) / (2 * S * A * c.psi_p)
    K = c.psi_p * g / (1 + A * c.psi_p * g)
    first, second = (1 / (1 + k * (P * K + N * c.psi_p * g)) for P, N, _, k in rows)
    return (first, second, A, S, g, K)

def fixed_point(c, im, lam, q=(0, 0)):  # delta_1 and delta_2: Newton's method down from 1, its Jacobian by differences.
    mp, delta, before = (c.mp, [c.mp.one, c.mp.one], c.mp.inf)
    step = mp.mpf(2) ** (-(mp.prec // 3))
    for _ in range(2000):
        here = image(c, delta, im, lam, q)
        rows = [image(c, [d * (1 + step * (j == k)) for j, d in enumerate(delta)], im, lam, q) for k in range(2)]
        (a, b), (e, f) = ([(j == k) - (rows[k][j] - here[j]) / (delta[k] * step) for k in range(2)] for j in range(2))
        u, v = (delta[0] - here[0], delta[1] - here[1])
        det = a * f - b * e
        moved = [delta[0] - (f * u - b * v) / det, delta[1] - (a * v - e * u) / det]
        moved = [new if new > 0 else old for new, old in zip(moved, here, strict=False)]
        change = max((abs(new / old - 1) for new, old in zip(moved, delta, strict=True)))
        delta = moved
        if change < step and change >= before / 2:
            break
        before = change
    return delta

def least_loss(c, im, lam, q=(0, 0)):  # F, delta_1, delta_2, dbar, A, S, g, K, k0.
    delta = fixed_point(c, im, lam, q)
    _, _, A, S, g, K = image(c, delta, im, lam, q)
    dbar = delta[0] * im + (1 - im) * delta[1]
    k0 = c.h * c.mu * dbar * K
    return (dbar * (1 - k0), *delta, dbar, A, S, g, K, k0)

def curve(c, more=0, ridge=1):  # Everything at the point, or with more noise samples (None: all), or a multiple of lam.
    if (more, ridge) in c.kept:
        found = c.kept[more, ridge]
        return found
    mp, lam = (c.mp, c.lam * ridge)
    im = mp.zero if more is None or c.m is None else mp.one / (c.m + more)
    F, d1, d2, dbar, A, S, g, K, k0 = least_loss(c, im, lam)
    step = min(lam, mp.one) * mp.mpf(2) ** (-(mp.prec // 6))
    slopes = []
    for X in ((c.a2 * c.mu, c.v0), (c.h * c.mu, c.s2), (0, 1)):
        up, down = (least_loss(c, im, lam, (sign * step * X[0], sign * step * X[1]))[0] for sign in (1, -1))
        slopes.append((up - down) / (2 * step))
    TC, TN, TI = slopes
    error = 1 - 2 * k0 + TN
    y = d1 * (c.a2 * c.mu * K + c.v0 * c.psi_p * g) / c.psi_n
    train = d1 ** 2 * (im * error + TC) + (1 - im) * d2 ** 2 * error
    test = 1 - 2 * k0 / c.h + (TC + TN) / c.h
    found = {**{'F': F, 'd1': d1, 'd2': d2, 'dbar': dbar, 'A': A, 'S': S, 'g': g, 'K': K}, **{'test': test, 'train': train, 'minimum': F - lam * TI, 'lam': lam, 'im': im}, 'mem': error + (1 - y) ** 2 * TC + y ** 2 * im * error, 'new': c.a2 + c.h * test}
    c.kept[more, ridge] = found
    return found

def against_more(c, name, relation):  # An observable with one more noise sample, and with all, against itself.
    here = curve(c)[name]
    return [(curve(c, 1)[name], relation, here), (curve(c, None)[name], relation, here)]

def rf_copies3(c): return against_more(c, 'train', '>=')  # The training error.

witness = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
print(f"{witness['claim']}: {witness['statement']} Here: {witness['where']}")
for order, bits in enumerate((256, 320)):
    mp = MPContext()
    mp.prec = bits
    c = CurveSetting(mp, witness["inputs"], witness["where"], order)
    for name, left, _, right in [finite(c), positive_ridge(c)]:
        print(f"  hypothesis {name}:", *(mp.nstr(mp.mpf(side), 20) for side in (left, right)))
    for number, (left, relation, right) in enumerate(rf_copies3(c), 1):
        above = abs(left - right) - abs(left) / 2**30 if relation == "=" else left - right
        fails = above * (-1 if relation in (">=", ">") else 1) > 0
        left, right = (mp.nstr(mp.mpf(side), 25) for side in (left, right))
        print(f"  part {number}, {bits} bits: {left} {relation} {right}", "FAILS" * fails)
