"use strict";
/*
 * The paper's exact formulas in float64, for any sample: {x: ascending points, mu, sigma}.
 *
 * A test holds every function of `dsmFormulas.quantities` against the reference table (40 digits).
 * Names of quantities and letters are those of dsmverify/formulas. Nothing here is certified.
 *
 * Positive numbers that can leave the range of doubles are natural logarithms; a function that
 * returns one starts with `ln`.
 */
const dsmFormulas = (() => {
  const SQRT2 = Math.SQRT2;
  const LN_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);

  // Special functions.

  const STEP = 0.5;
  const POLES = Array.from({ length: 14 }, (_, k) => (k * STEP) ** 2);
  const DECAYS = POLES.map((square) => Math.exp(-square));

  /** exp(-x^2) without the rounding of x^2: x is split so that the first square is exact. */
  function gaussian(x) {
    if (Math.abs(x) > 40) return 0;
    const high = Math.fround(x);
    return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
  }

  /** erf for |x| < 1 by its series with positive terms. */
  function erfSeries(x) {
    let term = x;
    let sum = x;
    for (let k = 1; term > sum * 1e-18; k += 1) {
      term *= (2 * x * x) / (2 * k + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * gaussian(x) * sum;
  }

  /**
   * exp(x^2) erfc(x) for x >= 0.75. Relative error about 1e-15.
   *
   * (2x/pi) int_0^oo exp(-t^2)/(x^2 + t^2) dt by the trapezoidal rule with step 1/2, whose error
   * is exp(-4 pi^2) once the pole at t = ix is accounted for, which it is passed for x < 2 pi.
   */
  function erfcScaled(x) {
    const square = x * x;
    let sum = 0;
    for (let k = POLES.length - 1; k > 0; k -= 1) sum += DECAYS[k] / (POLES[k] + square);
    const value = ((STEP * x) / Math.PI) * (1 / square + 2 * sum);
    if (x >= Math.PI / STEP) return value;
    return value - (2 * Math.exp(square)) / Math.expm1((2 * Math.PI * x) / STEP);
  }

  /** Complementary error function. Relative error about 2e-15 where the result is normal. */
  function erfc(x) {
    if (x < 0) return 2 - erfc(-x);
    if (x === 0) return 1;
    return x < 0.75 ? 1 - erfSeries(x) : gaussian(x) * erfcScaled(x);
  }

  /** Natural logarithm of the sum of exponentials; -Infinity for none. */
  function lnSum(terms) {
    const largest = terms.reduce((a, b) => Math.max(a, b), -Infinity);
    if (largest === -Infinity) return -Infinity;
    return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
  }

  /** {sign, ln, error} of exp(a) - exp(b): `error` is what a few roundings in a and b move. */
  function lnDifference(a, b) {
    if (a === b) return { sign: 0, ln: -Infinity };
    const [high, low] = a > b ? [a, b] : [b, a];
    const rest = -Math.expm1(low - high);
    const share = 1 - rest;
    const size = Math.abs(high) + (share > 0 ? share * Math.abs(low) : 0);
    const error = (8 * Number.EPSILON * (1 + size)) / rest;
    return { sign: a > b ? 1 : -1, ln: high + Math.log(rest), error };
  }

  // The posterior over training points.

  /** Index of the training point whose mean is nearest y. */
  function nearest(sample, y) {
    let best = 0;
    sample.x.forEach((x, j) => {
      if (Math.abs(y - sample.mu * x) < Math.abs(y - sample.mu * sample.x[best])) best = j;
    });
    return best;
  }

  /** ln alpha_j(y)/alpha_a(y) for every j, in factored form; linear in y. */
  function lnRatios(sample, y, a) {
    const { x, mu, sigma } = sample;
    const away = y - mu * x[a];
    return x.map((point) => {
      const apart = point - x[a];
      return ((mu * apart) / sigma) * ((2 * away - mu * apart) / sigma) * 0.5;
    });
  }

  /** Steps from the anchor, posterior weights, and the mean's offset from the anchor. */
  function posterior(sample, y, anchor = nearest(sample, y)) {
    const ln = lnRatios(sample, y, anchor);
    const total = lnSum(ln);
    const alpha = ln.map((value) => Math.exp(value - total));
    const apart = sample.x.map((point) => point - sample.x[anchor]);
    const offset = alpha.reduce((sum, weight, j) => sum + weight * apart[j], 0);
    return { anchor, alpha, apart, offset };
  }

  function centralMoment(sample, y, order) {
    const { alpha, apart, offset } = posterior(sample, y);
    return alpha.reduce((sum, weight, j) => sum + weight * (apart[j] - offset) ** order, 0);
  }

  /** ln p(y), p the mixture density. Source: section 0. */
  function lnDensity(sample, y) {
    const a = nearest(sample, y);
    const z = (y - sample.mu * sample.x[a]) / sample.sigma;
    const crowd = lnSum(lnRatios(sample, y, a)) - Math.log(sample.x.length);
    return crowd - 0.5 * z * z - LN_SQRT_2PI - Math.log(sample.sigma);
  }

  /** E[W(y)]. Source: eq. 9. */
  function posteriorMean(sample, y) {
    const { anchor, offset } = posterior(sample, y);
    return sample.x[anchor] + offset;
  }

  /** V[W(y)]. Source: eq. 9. */
  const posteriorVariance = (sample, y) => centralMoment(sample, y, 2);

  /** E[(W(y) - E W(y))^3]. Source: lemma 11. */
  const posteriorThirdMoment = (sample, y) => centralMoment(sample, y, 3);

  /** s*(y). Source: eqs. 6 and 9. */
  function empiricalScore(sample, y) {
    const { anchor, offset } = posterior(sample, y);
    const away = y - sample.mu * sample.x[anchor];
    return (sample.mu * offset - away) / sample.sigma ** 2;
  }

  /** s*'(y). Source: eq. 9. */
  function empiricalScoreSlope(sample, y) {
    const scaled = (sample.mu / sample.sigma) ** 2 * posteriorVariance(sample, y);
    return (scaled - 1) / sample.sigma ** 2;
  }

  /** s*''(y). Source: lemma 11. */
  function empiricalScoreCurvature(sample, y) {
    return (sample.mu / sample.sigma ** 2) ** 3 * posteriorThirdMoment(sample, y);
  }

  /** ln |E[W] - x_i|, i from 0, however small, from ln alpha_j/alpha_i and x_j - x_i. */
  function lnOffset(ln, apart) {
    const ahead = [];
    const behind = [];
    apart.forEach((step, j) => {
      if (step > 0) ahead.push(ln[j] + Math.log(step));
      if (step < 0) behind.push(ln[j] + Math.log(-step));
    });
    return lnDifference(lnSum(ahead), lnSum(behind)).ln - lnSum(ln);
  }

  /**
   * ln V[W], however small, from ln alpha_j/alpha_a and d_j = x_j - x_a: V = S_2 - S_1^2,
   * S_k = sum_j alpha_j d_j^k. For a the nearest point S_1^2 <= (1 - alpha_a) S_2, so the
   * difference keeps its digits.
   */
  function lnVariance(ln, apart, a) {
    const total = lnSum(ln);
    const largest = ln.reduce((best, value, j) => (j === a ? best : Math.max(best, value)), -Infinity);
    let first = 0;
    let second = 0;
    apart.forEach((step, j) => {
      if (j === a) return;
      const weight = Math.exp(ln[j] - largest);
      first += weight * step;
      second += weight * step * step;
    });
    const share = largest - total;
    return share + Math.log(second - Math.exp(share) * first * first);
  }

  /** ln V[W(y)]. Source: eq. 9. */
  function lnPosteriorVariance(sample, y) {
    const a = nearest(sample, y);
    return lnVariance(lnRatios(sample, y, a), sample.x.map((point) => point - sample.x[a]), a);
  }

  // The weight pi.

  const RULES = new Map();

  /** Gauss-Legendre nodes and weights on [0, 1], by Newton's method. */
  function legendreRule(count) {
    if (RULES.has(count)) return RULES.get(count);
    const rule = [];
    for (let k = 0; k < count; k += 1) {
      let x = Math.cos((Math.PI * (k + 0.75)) / (count + 0.5));
      let slope = 1;
      for (let round = 0; round < 8; round += 1) {
        let [before, value] = [1, x];
        for (let degree = 2; degree <= count; degree += 1) {
          [before, value] = [value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree];
        }
        slope = (count * (x * value - before)) / (x * x - 1);
        x -= value / slope;
      }
      rule.push([(1 + x) / 2, 1 / ((1 - x * x) * slope * slope)]);
    }
    RULES.set(count, rule);
    return rule;
  }

  /** int_0^length u^k phi(start + u) du for k = 0, 1; all terms positive. */
  function oneSidedMoments(start, length) {
    if (start > 40) return [0, 0];
    const reach = Math.min(length, 92 / (start + Math.sqrt(start * start + 92)));
    const rule = legendreRule(reach * (start + reach / 2) <= 1.5 ? 10 : 40);
    let mass = 0;
    let first = 0;
    for (const [point, share] of rule) {
      const u = point * reach;
      const term = share * Math.exp(-u * (start + u / 2));
      mass += term;
      first += term * u;
    }
    const scale = reach * Math.exp(-0.5 * start * start - LN_SQRT_2PI);
    return [mass * scale, first * scale];
  }

  const PIECES = new WeakMap();

  /** min(pi^+, pi^-)/mu as linear pieces in the coordinate u/mu. Source: D-pi, pp. 6-7. */
  function weightPieces(x) {
    if (PIECES.has(x)) return PIECES.get(x);
    const n = x.length;
    const pieces = [];
    for (let i = 1; i < n; i += 1) {
      const [left, right] = [x[i - 1], x[i]];
      const rise = (i / n) ** 2;
      const fall = ((n - i) / n) ** 2;
      const below = (i / n ** 2) * x.slice(0, i).reduce((sum, point) => sum + (left - point), 0);
      const above = ((n - i) / n ** 2) * x.slice(i).reduce((sum, point) => sum + (point - left), 0);
      const step = (above - below) / (rise + fall);
      if (step <= 0) pieces.push({ low: left, high: right, value: above, slope: -fall });
      else if (step >= right - left) pieces.push({ low: left, high: right, value: below, slope: rise });
      else {
        const crossing = left + step;
        pieces.push({ low: left, high: crossing, value: below, slope: rise });
        pieces.push({ low: crossing, high: right, value: below + rise * step, slope: -fall });
      }
    }
    PIECES.set(x, pieces);
    return pieces;
  }

  /** pi(y); 0 outside [mu x_1, mu x_n]. Source: D-pi, pp. 6-7. */
  function weight(sample, y) {
    const { x, mu, sigma } = sample;
    if (y < mu * x[0] || y > mu * x[x.length - 1]) return 0;
    const width = sigma / mu;
    let total = 0;
    for (const { low, high, value, slope } of weightPieces(x)) {
      const [from, to] = [(mu * low - y) / sigma, (mu * high - y) / sigma];
      const at = Math.min(Math.max(0, from), to);
      const here = value + slope * width * (at - from);
      const [rightMass, rightFirst] = at >= 0 ? oneSidedMoments(at, to - at) : [0, 0];
      const [leftMass, leftFirst] = at <= 0 ? oneSidedMoments(-at, at - from) : [0, 0];
      total += here * (rightMass + leftMass) + slope * width * (rightFirst - leftFirst);
    }
    return mu * total;
  }

  /** z Phi(z) + phi(z), without cancellation for z < 0 but in the far tail. */
  function hinge(z) {
    const density = Math.exp(-0.5 * z * z - LN_SQRT_2PI);
    return z >= 0 ? z - (0.5 * z * erfc(z / SQRT2) - density) : density + 0.5 * z * erfc(-z / SQRT2);
  }

  /** min(P(Y < y) E[(y - Y)_+], P(Y > y) E[(Y - y)_+]). Source: prop10.r1. */
  function noisedWeight(sample, y) {
    const { x, mu, sigma } = sample;
    const side = (sign) => {
      const z = x.map((point) => (sign * (y - mu * point)) / sigma);
      const mass = z.reduce((sum, value) => sum + 0.5 * erfc(-value / SQRT2), 0);
      return mass * z.reduce((sum, value) => sum + hinge(value), 0);
    };
    return (sigma * Math.min(side(1), side(-1))) / x.length ** 2;
  }

  // Constants of the theorems.

  /** Smallest gap. */
  function spacing(x) {
    return x.slice(1).reduce((least, point, i) => Math.min(least, point - x[i]), Infinity);
  }

  const range = (x) => x[x.length - 1] - x[0];

  /** ln C_n. Source: D-A, p. 5; lemma 12. */
  function lnCurvatureConstant({ x, mu }, gap = spacing(x)) {
    const reach = Math.max(x[x.length - 1], 0) + Math.max(-x[0], 0);
    const bracket = mu * mu * reach + (2 * (x.length - 1)) / gap;
    return Math.max(0, Math.log(8 * mu * mu) + 3 * Math.log(range(x)) + Math.log(bracket));
  }

  /** ln(C_n/sigma^6). Source: D-A, p. 5. */
  const lnDefaultBound = (sample) => lnCurvatureConstant(sample) - 6 * Math.log(sample.sigma);

  /** ln(2^12 sigma^2/(mu n^2 Delta)). Source: thm08, p. 10. */
  function lnLearningRateThreshold({ x, mu, sigma }) {
    return Math.log(4096 / (mu * x.length ** 2)) + 2 * Math.log(sigma) - Math.log(spacing(x));
  }

  /** ln(pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)). Source: thm08, p. 10. */
  function lnExcessRiskBound(sample, lnA = lnDefaultBound(sample)) {
    const { x, mu, sigma } = sample;
    const top = Math.log(Math.PI) + 5 * Math.log(x.length) + 3 * Math.log(mu * spacing(x));
    return top - 36 * Math.LN2 - 0.5 - 4 * lnA - 4 * Math.log(sigma);
  }

  /** sigma_1 .. sigma_4 and their minimum sigma_0, mu fixed, A = C_n/sigma^6. Source: thm08. */
  function noiseLimits(sample) {
    const { x, mu } = sample;
    const n = x.length;
    const reach = mu * spacing(x);
    const limits = [reach / 8, exponentialLimit(sample), 1 / n, (reach * n ** 2.5) / 1024];
    return { sigma0: Math.min(...limits), limits };
  }

  /**
   * sigma_2: the end of the first interval on which exp(-mu^2 Delta^2/(32 sigma^2)) <=
   * pi n^5 mu sigma^24/(2^38 e^(1/2) L^2 C_n^4), at most 1. With w = ln(sigma/(mu Delta)) the
   * logarithm of right over left is exp(-2w)/32 + 24 w + c, which falls up to w = -ln(384)/2.
   */
  function exponentialLimit(sample) {
    const { x, mu } = sample;
    const lnReach = Math.log(mu * spacing(x));
    const constant =
      Math.log((Math.PI * mu) / range(x) ** 2) +
      5 * Math.log(x.length) -
      38 * Math.LN2 -
      0.5 -
      4 * lnCurvatureConstant(sample) +
      24 * lnReach;
    const margin = (w) => Math.exp(-2 * w) / 32 + 24 * w + constant;
    const turning = -0.5 * Math.log(384);
    if (margin(turning) >= 0) return 1;
    const one = -lnReach;
    if (one <= turning && margin(one) >= 0) return 1;
    let w = Math.min(turning, one);
    do w -= 1;
    while (margin(w) < 0);
    // Newton's method on a convex falling function, from where it is not negative: monotone.
    for (let round = 0; round < 60; round += 1) {
      const next = w - margin(w) / (24 - Math.exp(-2 * w) / 16);
      if (!(next > w)) break;
      w = next;
    }
    return Math.exp(w + lnReach);
  }

  /** The quantities of the reference table that a sample has, by its names. */
  const quantities = {
    density: (sample, y) => Math.exp(lnDensity(sample, y)),
    posterior_mean: posteriorMean,
    posterior_variance: posteriorVariance,
    posterior_third_moment: posteriorThirdMoment,
    empirical_score: empiricalScore,
    empirical_score_slope: empiricalScoreSlope,
    empirical_score_curvature: empiricalScoreCurvature,
    weight,
    C_n: (sample) => Math.exp(lnCurvatureConstant(sample)),
    bound: (sample) => sample.bound ?? Math.exp(lnDefaultBound(sample)),
    learning_rate_threshold: (sample) => Math.exp(lnLearningRateThreshold(sample)),
    excess_risk_bound: (sample) =>
      Math.exp(lnExcessRiskBound(sample, sample.bound ? Math.log(sample.bound) : undefined)),
    sigma_0: (sample) => noiseLimits(sample).sigma0,
  };

  /** The same as natural logarithms, where numbers can leave the range of doubles. */
  const logarithms = {
    density: lnDensity,
    posterior_variance: lnPosteriorVariance,
    excess_risk_bound: (sample) =>
      lnExcessRiskBound(sample, sample.bound ? Math.log(sample.bound) : undefined),
  };

  /** mu and sigma from sigma alone or from the time t of the diffusion. */
  const noise = {
    ofSigma: (sigma) => ({ mu: Math.sqrt((1 - sigma) * (1 + sigma)), sigma }),
    ofTime: (t) => ({ mu: Math.exp(-t), sigma: Math.sqrt(-Math.expm1(-2 * t)) }),
  };

  return {
    erfc, gaussian, lnSum, lnDifference, noise, quantities, logarithms,
    nearest, lnOffset, lnVariance, weight, noisedWeight,
    lnCurvatureConstant, lnDefaultBound, lnLearningRateThreshold, lnExcessRiskBound, noiseLimits,
  };
})();
window.dsmFormulas = dsmFormulas;
