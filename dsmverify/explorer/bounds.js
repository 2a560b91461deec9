"use strict";
/*
 * The two sides of the paper's inequalities, and of their repaired and sharpened forms, for
 * equally spaced points around 0. Ids are those of the list of claims (checks/).
 *
 * A side is {sign, ln, error}: sign times exp(ln), `error` where it is less accurate than rounding;
 * or {reason}. `refuted` marks printed forms that the report refutes.
 */
const dsmBounds = (() => {
  const F = dsmFormulas;
  const {
    positive, least, riskOf, variationOf, atQuarter, slopeJump, weights,
  } = dsmTruths;
  const { log, exp, min, max, LN2 } = Math;

  const times = (side, ln) => ({ ...side, ln: side.ln + ln });
  const difference = F.lnDifference;

  /**
   * Everything that the sides are made of.
   *
   * @param {{n: number, spacing: number, mu: number, sigma: number, time: number, rate: number,
   *   bound: number|null}} given bound null: A = C_n/sigma^6
   */
  function state(given) {
    const { n, spacing, mu, sigma, time, rate, bound } = given;
    const x = Array.from({ length: n }, (_, i) => (i - (n - 1) / 2) * spacing);
    const sample = { x, mu, sigma };
    const kappa = (mu * spacing) / sigma;
    const lnDefault = F.lnDefaultBound(sample);
    return {
      n, spacing, mu, sigma, time, rate, x, sample, kappa,
      lnN: log(n),
      lnMu: log(mu),
      lnSigma: log(sigma),
      lnGap: log(spacing),
      lnSpread: log((n - 1) * spacing),
      lnScale: 2 * log(mu) - 4 * log(sigma),
      lnDefault,
      lnA: bound === null ? lnDefault : log(bound),
      isDefaultBound: bound === null,
      decay: (divisor) => -(kappa * kappa) / divisor,
    };
  }

  // Hypotheses: `lnRatio` above 0 holds, below 0 fails; `exact` where no rounding is in it.

  const spacingAtLeast = (count) => (s) => ({
    text: `Delta >= ${count} sigma/mu`,
    lnRatio: log(s.kappa / count),
  });
  const sizeAtLeast = (count) => (s) => ({
    text: `n >= ${count}`, lnRatio: log(s.n / count), exact: true,
  });
  const cubes = (s) => ({
    text: "16 n^3 exp(-mu^2 Delta^2/(4 sigma^2)) <= 1",
    lnRatio: -(log(16) + 3 * s.lnN + s.decay(4)),
  });
  const smallTime = (s) => ({ text: "t <= 1/5, as small t is read", lnRatio: -log(5 * s.time) });

  /** What proposition 7 asks of the risk: empty where even the least risk is larger. */
  const isRiskReachable = (s) => {
    const risk = riskOf(s);
    if (risk.reason) return null;
    return {
      text: "R_n(theta) <= 1/(16 n sigma^2), but R_n(s*) is the least risk",
      lnRatio: -log(16 * s.n) - 2 * s.lnSigma - risk.ln,
      error: risk.error,
    };
  };

  const halvedPrinted = (n, i) => min(i * i * (i - 1), (n - i) ** 2 * (n - i + 1));
  const halvedRepaired = (n, i) => min(i * i * (i - 1), (n - i) ** 2 * (n - i - 1));

  /** A lower bound of a weight that depends on the gap, where it is tightest. */
  function tightestWeight(s, kind, factor, kept) {
    const all = Array.from({ length: s.n - 1 }, (_, i) => i + 1);
    const found = all.flatMap((i) => {
      const side = factor(s.n, i) > 0 ? log(factor(s.n, i) / (4 * s.n * s.n)) : -Infinity;
      const ln = side + kept.ln + s.lnMu + s.lnGap;
      return weights(s)(kind, i).map((place) => ({ i, place, ln }));
    });
    const usable = found.filter((entry) => entry.ln > -Infinity);
    if (!usable.length || kept.sign === 0) return { sign: 0, ln: -Infinity };
    const { i, place, ln } = least(usable, (entry) => entry.place.ln - entry.ln);
    return {
      sign: kept.sign, ln, error: kept.error,
      where: `i = ${i}, y = ${place.name}`,
      truth: positive(place.ln),
    };
  }

  /** 1 - (a u/sqrt(2 pi) + b) exp(-u^2/2), u = kappa/2. */
  function insideFloor(s, a, b) {
    const u = s.kappa / 2;
    return difference(0, log((a * u) / Math.sqrt(2 * Math.PI) + b) - 0.5 * u * u);
  }

  /** 1/(2 eta) + sqrt(R)/2 + (A/(sqrt(2 pi) sigma)) max(sqrt(2 n R), (sqrt(2 pi e) A sigma n R)^(1/3)). */
  function printedCeiling(s, lnR) {
    const half = 0.5 * log(2 * Math.PI);
    const square = 0.5 * (LN2 + s.lnN + lnR);
    const cube = (half + 0.5 + s.lnA + s.lnSigma + s.lnN + lnR) / 3;
    const third = s.lnA - half - s.lnSigma + max(square, cube);
    return F.lnSum([-log(2 * s.rate), 0.5 * lnR - LN2, third]);
  }

  const QUANTITIES = [
    {
      id: "risk_empirical_score",
      symbol: "R_n(s*)",
      name: "risk of the empirical optimal score",
      sense: "<=",
      truth: riskOf,
      trivial: { text: "1/sigma^2, the risk of the zero function", value: (s) => positive(-2 * s.lnSigma) },
      bounds: [
        {
          id: "cor03b", form: "printed", needs: [spacingAtLeast(2)],
          text: "4 mu^2 (x_n - x_1)^2/sigma^4 exp(-mu^2 Delta^2/(32 sigma^2))",
          value: (s) => positive(log(4) + s.lnScale + 2 * s.lnSpread + s.decay(32)),
        },
        {
          id: "cor03b.s1", form: "sharpened", needs: [],
          text: "(n-1)/n mu^2 (x_n - x_1)^2/sigma^4 exp(-mu^2 Delta^2/(8 sigma^2))",
          value: (s) => positive(log((s.n - 1) / s.n) + s.lnScale + 2 * s.lnSpread + s.decay(8)),
        },
        {
          id: "cor03b.s2", form: "sharpened", needs: [spacingAtLeast(2)],
          text: "5 (n-1)/(4 n) mu^2 Delta^2/sigma^4 exp(-mu^2 Delta^2/(8 sigma^2))",
          value: (s) => positive(log((5 * (s.n - 1)) / (4 * s.n)) + s.lnScale + 2 * s.lnGap + s.decay(8)),
        },
        {
          id: "cor03b.s3", form: "sharpened", needs: [spacingAtLeast(2)],
          text: "5/2 mu^2 Delta^2/sigma^4 exp(-mu^2 Delta^2/(8 sigma^2))",
          value: (s) => positive(log(2.5) + s.lnScale + 2 * s.lnGap + s.decay(8)),
        },
      ],
    },
    {
      id: "midpoint_variance",
      symbol: "V[W(m_i)]",
      name: "posterior variance at a midpoint, the smallest of all",
      sense: ">=",
      truth: dsmTruths.midpointVariance,
      bounds: [
        {
          id: "prop02a", form: "printed", needs: [], text: "(x_i - x_{i+1})^2/(2n)",
          value: (s) => positive(2 * s.lnGap - log(2 * s.n)),
        },
        {
          id: "prop02a.s1", form: "sharpened", needs: [], text: "(n-1) (x_i - x_{i+1})^2/n^2",
          value: (s) => positive(2 * s.lnGap + log((s.n - 1) / s.n ** 2)),
        },
        {
          id: "prop02a.s2", form: "sharpened", needs: [spacingAtLeast(2)], text: "(x_i - x_{i+1})^2/4",
          value: (s) => positive(2 * s.lnGap - log(4)),
        },
      ],
    },
    {
      id: "mean_distance",
      symbol: "|E[W(y)] - x_i|",
      name: "distance of the posterior mean, the largest for |y - mu x_i| <= mu Delta/4",
      sense: "<=",
      truth: (s) => atQuarter(s, F.lnOffset),
      trivial: { text: "x_n - x_1", value: (s) => positive(s.lnSpread) },
      bounds: [
        {
          id: "prop02b", form: "printed", needs: [spacingAtLeast(2)],
          text: "n Delta exp(-mu^2 Delta^2/(4 sigma^2))",
          value: (s) => positive(s.lnN + s.lnGap + s.decay(4)),
        },
        {
          id: "prop02b.s1", form: "sharpened", needs: [spacingAtLeast(2)],
          text: "Delta exp(-mu^2 Delta^2/(4 sigma^2))",
          value: (s) => positive(s.lnGap + s.decay(4)),
        },
      ],
    },
    {
      id: "posterior_variance",
      symbol: "V[W(y)]",
      name: "posterior variance, the largest at the ends and in the middle of |y - mu x_i| <= mu Delta/4",
      sense: "<=",
      truth: (s) => atQuarter(s, F.lnVariance),
      trivial: { text: "(x_n - x_1)^2/4", value: (s) => positive(2 * s.lnSpread - log(4)) },
      bounds: [
        {
          id: "prop02c", form: "printed", needs: [spacingAtLeast(2)],
          text: "4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))",
          value: (s) => positive(log(4) + 2 * s.lnN + 2 * s.lnGap + s.decay(4)),
        },
        {
          id: "prop02c.s1", form: "sharpened", needs: [spacingAtLeast(2)],
          text: "Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))",
          value: (s) => positive(2 * s.lnGap + s.decay(4)),
        },
      ],
    },
    {
      id: "slope_jump",
      symbol: "|s*'(y) - s*'(m_i)|",
      name: "change of slope between a mean and a midpoint, the smallest of all",
      sense: ">=",
      truth: (s) => slopeJump(s, true),
      bounds: [
        {
          id: "cor03a", form: "printed", refuted: true, needs: [spacingAtLeast(2)],
          text: "mu^2/sigma^4 (Delta^2/(2n) - 4 n^2 Delta^2 exp(-mu^2 Delta^2/(4 sigma^2))), read with y = x_i",
          value: (s) => ({ ...jumpFloor(s), truth: slopeJump(s, false) }),
        },
        {
          id: "cor03a.r1", form: "repaired", needs: [spacingAtLeast(2)],
          text: "the same with y = mu x_i, which is also the other reading of the printed one",
          value: (s) => jumpFloor(s),
        },
        {
          id: "cor03a.s1", form: "sharpened", needs: [spacingAtLeast(2)],
          text: "mu^2/sigma^4 (Delta^2/4 - 2 Delta^2 exp(-mu^2 Delta^2/(2 sigma^2)))",
          value: (s) => times(difference(-log(4), LN2 + s.decay(2)), s.lnScale + 2 * s.lnGap),
        },
      ],
    },
    {
      id: "tv_empirical_score",
      symbol: "TV(s*)",
      name: "weighted total variation of the slope of s*",
      sense: ">=",
      truth: variationOf,
      bounds: [
        {
          id: "thm04", form: "printed", needs: [cubes], text: "mu^3 n Delta^3/(2^12 sigma^4)",
          value: (s) => positive(3 * (s.lnMu + s.lnGap) + s.lnN - 12 * LN2 - 4 * s.lnSigma),
        },
        {
          id: "thm04.s1", form: "sharpened", needs: [cubes], text: "mu^3 n^2 Delta^3/(2^10 sigma^4)",
          value: (s) => positive(3 * (s.lnMu + s.lnGap) + 2 * s.lnN - 10 * LN2 - 4 * s.lnSigma),
        },
      ],
    },
    {
      id: "curvature_mass",
      symbol: "int |s*''| dy",
      name: "total variation of the slope of s*",
      sense: "<=",
      truth: dsmTruths.massOf,
      bounds: [
        {
          id: "lem12", form: "printed", needs: [],
          text: "4 mu^2 (x_n-x_1)^3/sigma^6 (mu^2 ((x_n)_+ - (x_1)_-) + 2 (n-1) sigma^2/Delta)",
          value: (s) => {
            const tails = log(2 * (s.n - 1)) + 2 * s.lnSigma - s.lnGap;
            const bracket = F.lnSum([2 * s.lnMu + s.lnSpread, tails]);
            return positive(log(4) + 2 * s.lnMu + 3 * s.lnSpread - 6 * s.lnSigma + bracket);
          },
        },
        {
          id: "D-A", form: "printed", needs: [], text: "C_n/(2 sigma^6)",
          value: (s) => positive(s.lnDefault - LN2),
        },
        {
          id: "lem12.s1", form: "sharpened", needs: [], text: "3 mu^2 (x_n - x_1)^2/(4 sigma^4)",
          value: (s) => positive(log(0.75) + s.lnScale + 2 * s.lnSpread),
        },
      ],
    },
    {
      id: "squared_slope_mean",
      symbol: "E[s*'(Y)^2]",
      name: "mean squared slope of s*",
      sense: ">=",
      truth: dsmTruths.slopeSquareOf,
      bounds: [
        {
          id: "shift3", form: "beyond the paper", needs: [],
          text: "(1 - r)_+^2/sigma^4, r = sigma sqrt(R_n(s*)); stated for networks, and s* meets what its proof uses",
          value: (s) => {
            const risk = riskOf(s);
            if (risk.reason) return risk;
            const r = exp(0.5 * risk.ln + s.lnSigma);
            if (r >= 1) return { sign: 0, ln: -Infinity };
            const error = (r * (risk.error + 8 * Number.EPSILON)) / (1 - r);
            return { ...positive(2 * Math.log1p(-r) - 4 * s.lnSigma), error };
          },
        },
      ],
    },
    {
      id: "tv_network",
      symbol: "TV(s_theta)",
      name: "of a network; for comparison the value shown is that of s*",
      sense: "",
      truth: variationOf,
      bounds: [
        {
          id: "prop07", form: "printed", refuted: true, sense: ">=", reach: isRiskReachable, needs: [spacingAtLeast(8)],
          text: "mu n^2 Delta/(2^11 sigma^2), for R_n(theta) <= 1/(16 n sigma^2)",
          value: (s) => times(networkFloor(s), -11 * LN2),
        },
        {
          id: "prop07.r1", form: "repaired", sense: ">=", reach: isRiskReachable,
          needs: [sizeAtLeast(4), spacingAtLeast(8)],
          text: "the same, for n >= 4",
          value: (s) => times(networkFloor(s), -11 * LN2),
        },
        {
          id: "prop07.r3", form: "repaired", sense: ">=", reach: isRiskReachable,
          needs: [sizeAtLeast(5), spacingAtLeast(8)],
          text: "mu n^2 Delta/(2^10 sigma^2), for n >= 5",
          value: (s) => times(networkFloor(s), -10 * LN2),
        },
        {
          id: "prop06b", form: "printed", sense: "<=", needs: [],
          text: "1/(2 eta) + sqrt(R)/2 + A/(sqrt(2 pi) sigma) max(sqrt(2 n R), (sqrt(2 pi e) A sigma n R)^(1/3)), "
            + "at the least possible risk R = R_n(s*)",
          value: (s) => {
            const risk = riskOf(s);
            return risk.reason ? risk : { ...positive(printedCeiling(s, risk.ln)), error: risk.error / 2 };
          },
        },
        {
          id: "prop06b.r1", form: "repaired", sense: "<=", weight: "noised", needs: [],
          text: "1/(2 eta), with the noised weight in TV",
          value: (s) => positive(-log(2 * s.rate)),
        },
      ],
    },
    {
      id: "weight",
      symbol: "pi(y)",
      name: "weight on a gap; each bound where it is tightest",
      sense: ">=",
      truth: (s) => positive(weights(s)("pi", Math.ceil((s.n - 1) / 2))[1].ln),
      where: "in the middle gap",
      bounds: [
        {
          id: "prop09a", form: "printed", refuted: true, needs: [],
          text: "mu/n^2 (1/2 - exp(-mu^2 Delta^2/(2 sigma^2))) min(i^2 (i-1)/2, (n-i)^2 (n-i+1)/2) Delta",
          value: (s) => tightestWeight(s, "pi", halvedPrinted, difference(0, LN2 + s.decay(2))),
        },
        {
          id: "prop09a.r1", form: "repaired", needs: [], text: "with n-i-1 in the last factor",
          value: (s) => tightestWeight(s, "pi", halvedRepaired, difference(0, LN2 + s.decay(2))),
        },
        {
          id: "prop09a.s1", form: "sharpened", needs: [],
          text: "and with (1 - exp(-mu^2 Delta^2/(2 sigma^2)))/2",
          value: (s) => tightestWeight(s, "pi", halvedRepaired, difference(0, s.decay(2))),
        },
      ],
    },
    {
      id: "weight_maximum",
      symbol: "max pi",
      name: "largest value of the weight, in the middle by symmetry",
      sense: "<=",
      truth: (s) => positive(log(F.weight(s.sample, 0))),
      bounds: [
        {
          id: "prop09b", form: "printed", needs: [], text: "mu (x_n - x_1)",
          value: (s) => positive(s.lnMu + s.lnSpread),
        },
        {
          id: "prop09b.s1", form: "sharpened", needs: [], text: "mu (x_n - x_1)/8",
          value: (s) => positive(s.lnMu + s.lnSpread - log(8)),
        },
      ],
    },
    {
      id: "noised_weight",
      symbol: "pi_Y(y)",
      name: "noised weight of the repaired proposition 10, on a gap",
      sense: ">=",
      truth: (s) => positive(weights(s)("pi_Y", Math.ceil((s.n - 1) / 2))[1].ln),
      where: "in the middle gap",
      bounds: [
        {
          id: "prop09a.r2", form: "repaired", needs: [],
          text: "mu/(2 n^2) min(i^2 (i-1)/2, (n-i)^2 (n-i-1)/2) Delta",
          value: (s) => tightestWeight(s, "pi_Y", halvedRepaired, positive(0)),
        },
      ],
    },
    {
      id: "truncated_square",
      symbol: "E[x^2; |x| <= delta]/sigma^2",
      name: "truncated second moment of lemma 14 at delta = mu Delta/2, x normal with deviation sigma",
      sense: ">=",
      truth: (s) => positive(dsmTruths.lnInsideSquare(s.kappa / 2)),
      bounds: [
        {
          id: "lem14b", form: "printed", needs: [],
          text: "1 - 2 (delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2))",
          value: (s) => insideFloor(s, 2, 2),
        },
        {
          id: "lem14b.s1", form: "sharpened", needs: [],
          text: "1 - (2 delta/sqrt(2 pi sigma^2) + 1) exp(-delta^2/(2 sigma^2))",
          value: (s) => insideFloor(s, 2, 1),
        },
      ],
    },
    {
      id: "diffusion_scale",
      symbol: "mu^3/sigma^4",
      name: "the scale of theorem 4 in the time t of the diffusion",
      sense: ">=",
      truth: (s) => positive(3 * s.lnMu - 4 * s.lnSigma),
      bounds: [
        {
          id: "thm04.f", form: "printed", needs: [smallTime], text: "1/(8 t^2), for small t",
          value: (s) => positive(-log(8) - 2 * log(s.time)),
        },
        {
          id: "thm04.f.s1", form: "sharpened", needs: [], text: "exp(-3t)/(4 t^2), for every t",
          value: (s) => positive(-3 * s.time - log(4) - 2 * log(s.time)),
        },
      ],
    },
  ];

  function jumpFloor(s) {
    const side = difference(-log(2 * s.n), log(4) + 2 * s.lnN + s.decay(4));
    return times(side, s.lnScale + 2 * s.lnGap);
  }

  const networkFloor = (s) => positive(s.lnMu + 2 * s.lnN + s.lnGap - 2 * s.lnSigma);

  return { state, QUANTITIES };
})();
window.dsmBounds = dsmBounds;
