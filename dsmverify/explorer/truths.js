"use strict";
/*
 * True values for equally spaced points: {sign, ln}, sign times exp(ln), with `error` where a number
 * is less accurate than rounding and `where` where it is one of many; or {reason}.
 */
const dsmTruths = (() => {
  const F = dsmFormulas;
  const { log, exp } = Math;

  const positive = (ln) => ({ sign: 1, ln });
  const number = (x) => ({ sign: Math.sign(x), ln: log(Math.abs(x)) });

  const midpoint = (s, i) => s.mu * ((s.x[i - 1] + s.x[i]) / 2);

  /** The entry of a list with the smallest key; a list without numbers gives null. */
  function least(list, key) {
    return list.reduce((best, entry) => (best === null || key(entry) < key(best) ? entry : best), null);
  }

  /** Half of the gaps stand for all: the sample is symmetric. */
  const gaps = (s) => Array.from({ length: Math.ceil((s.n - 1) / 2) }, (_, i) => i + 1);
  const points = (s) => Array.from({ length: Math.ceil(s.n / 2) }, (_, i) => i + 1);

  /** An integral of `dsmIntegrals` as a truth, scaled back. */
  const scaled = (found, power, s) =>
    found.reason ? found : { ...found, sign: 1, ln: found.ln - power * s.lnSigma };

  const riskOf = (s) => scaled(dsmIntegrals.lnScaledRisk(s.n, s.kappa), 2, s);
  const massOf = (s) => scaled(dsmIntegrals.lnScaledMass(s.n, s.kappa), 2, s);
  const slopeSquareOf = (s) => scaled(dsmIntegrals.lnScaledSlopeSquare(s.n, s.kappa), 4, s);
  const variationOf = (s) => scaled(dsmIntegrals.lnScaledVariation(s.n, s.kappa), 1, s);

  /**
   * ln alpha_j/alpha_a and x_j - x_a at the point `away` from the mean of x_a, a from 0. From
   * indices, so that at a midpoint both neighbours have exactly the same weight.
   */
  function around(s, a, away) {
    const shift = (2 * away) / s.sigma;
    const steps = s.x.map((_, j) => j - a);
    return {
      ln: steps.map((k) => 0.5 * s.kappa * k * (shift - s.kappa * k)),
      apart: steps.map((k) => k * s.spacing),
    };
  }

  function lnVarianceAt(s, a, away) {
    const { ln, apart } = around(s, a, away);
    return F.lnVariance(ln, apart, a);
  }

  const lnMidpointVariance = (s, i) => lnVarianceAt(s, i - 1, (s.mu * s.spacing) / 2);

  /** At x_k itself, not at its mean: mu x_k + (1 - mu) x_k, which may be nearer to another mean. */
  function lnVarianceAtPoint(s, k) {
    const away = (s.sigma ** 2 / (1 + s.mu)) * s.x[k - 1];
    const a = F.nearest(s.sample, s.x[k - 1]);
    return lnVarianceAt(s, a, away + s.mu * (k - 1 - a) * s.spacing);
  }

  function midpointVariance(s) {
    const found = gaps(s).map((i) => ({ i, ln: lnMidpointVariance(s, i) }));
    const { i, ln } = least(found, (entry) => entry.ln);
    return { ...positive(ln), where: `i = ${i}` };
  }

  /** Ends and middle of |y - mu x_i| <= mu Delta/4 for every i; the largest value of a function there. */
  function atQuarter(s, value) {
    const found = points(s).flatMap((i) =>
      [-1, 0, 1].map((side) => {
        const { ln, apart } = around(s, i - 1, (side * s.mu * s.spacing) / 4);
        return { i, side, ln: value(ln, apart, i - 1) };
      }),
    );
    const { i, side, ln } = least(found, (entry) => -entry.ln);
    const place = side ? `mu (x_${i} ${side < 0 ? "-" : "+"} Delta/4)` : `mu x_${i}`;
    return { ...positive(ln), where: `y = ${place}` };
  }

  /** The smallest change of slope between a midpoint and a neighbour: its mean or the point itself. */
  function slopeJump(s, isAtMean) {
    const found = gaps(s).flatMap((i) => {
      const middle = lnMidpointVariance(s, i);
      return [i, i + 1].map((k) => {
        const other = isAtMean ? lnVarianceAt(s, k - 1, 0) : lnVarianceAtPoint(s, k);
        return { i, k, ...F.lnDifference(middle, other) };
      });
    });
    const { i, k, ln, error } = least(found, (entry) => entry.ln);
    if (ln === -Infinity) return { reason: "not computed: too close to 0 for float64" };
    const place = isAtMean ? `mu x_${k}` : `x_${k}`;
    return { ...positive(ln + s.lnScale), error, where: `i = ${i}, y = ${place}` };
  }

  const WEIGHTS = new WeakMap();

  /** The two weights at the ends and in the middle of every gap; the left half stands for all. */
  function weights(s) {
    if (!WEIGHTS.has(s)) {
      const seen = new Map();
      /** At half a gap times `step` from the first mean. */
      const at = (kind, name, step) => {
        const half = Math.min(step, 2 * (s.n - 1) - step);
        const key = `${kind} ${half}`;
        if (!seen.has(key)) {
          const y = half % 2 ? midpoint(s, (half + 1) / 2) : s.mu * s.x[half / 2];
          seen.set(key, log(kind === "pi" ? F.weight(s.sample, y) : F.noisedWeight(s.sample, y)));
        }
        return { name, ln: seen.get(key) };
      };
      WEIGHTS.set(s, (kind, i) => [
        at(kind, `mu x_${i}`, 2 * i - 2),
        at(kind, `m_${i}`, 2 * i - 1),
        at(kind, `mu x_${i + 1}`, 2 * i),
      ]);
    }
    return WEIGHTS.get(s);
  }

  /** 1 - erfc(u/sqrt 2) - (2u/sqrt(2 pi)) exp(-u^2/2) as a series of positive terms. */
  function lnInsideSquare(u) {
    if (u > 8) return Math.log1p(-F.erfc(u / Math.SQRT2) - u * exp(-0.5 * u * u + 0.5 * log(2 / Math.PI)));
    let term = 1 / 3;
    let sum = term;
    for (let k = 1; term > sum * 1e-18; k += 1) {
      term *= (u * u) / (2 * k + 3);
      sum += term;
    }
    return 0.5 * log(2 / Math.PI) + 3 * log(u) - 0.5 * u * u + log(sum);
  }

  return {
    positive, number, least, riskOf, massOf, slopeSquareOf, variationOf,
    midpointVariance, atQuarter, slopeJump, weights, lnInsideSquare,
  };
})();
window.dsmTruths = dsmTruths;
