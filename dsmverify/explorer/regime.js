"use strict";
/* Where the main theorem and its relatives speak: hypotheses with the factor by which they hold. */
const dsmRegime = (() => {
  const { log } = Math;
  const { number, positive } = dsmTruths;

  /**
   * @param {object} s a state of dsmBounds
   * @returns theorems: {id, name, about, hypotheses: [{id, text, limit, lnRatio}], conclusion, side}; a
   *   hypothesis that only sums up others `isSummary`, one that holds by choice says so in `given`
   */
  function theorems(s) {
    const { limits, sigma0 } = dsmFormulas.noiseLimits(s.sample);
    const below = (id, text, limit) => ({
      id, text, limit: number(limit), lnRatio: log(limit) - s.lnSigma,
    });
    const above = (id, text, lnLimit) => ({
      id, text, limit: positive(lnLimit), lnRatio: log(s.rate) - lnLimit,
    });
    const lnThreshold = dsmFormulas.lnLearningRateThreshold(s.sample);
    const size = { id: "size", text: "n >= 4", limit: number(4), lnRatio: log(s.n / 4), exact: true };
    const pace = s.sigma ** 2 / Math.sqrt(s.rate);
    return [
      {
        id: "thm08",
        name: "Theorem 8; printed without n >= 4, proved with it (thm08.r1)",
        about: "every linearly stable local minimum",
        hypotheses: [
          below("sigma_1", "sigma <= sigma_1 = mu Delta/8", limits[0]),
          below("sigma_2", "sigma <= sigma_2, from the exponential condition", limits[1]),
          below("sigma_3", "sigma <= sigma_3 = 1/n", limits[2]),
          below("sigma_4", "sigma <= sigma_4 = mu n^(5/2) Delta/2^10", limits[3]),
          { ...below("sigma_0", "sigma <= sigma_0, the smallest of the four", sigma0), isSummary: true },
          above("rate", "eta > 2^12 sigma^2/(mu n^2 Delta)", lnThreshold),
          {
            id: "bound", text: "A >= C_n/sigma^6",
            limit: positive(s.lnDefault), lnRatio: s.lnA - s.lnDefault,
            ...(s.isDefaultBound && { exact: true, given: "holds: the two are equal by choice" }),
          },
          size,
        ],
        conclusion: "R_n(theta*) - R_n(s*) > pi n^5 mu^3 Delta^3/(2^36 e^(1/2) A^4 sigma^4)",
        side: positive(dsmFormulas.lnExcessRiskBound(s.sample, s.lnA)),
      },
      {
        id: "thm08.r2",
        name: "Theorem 8, repaired and stronger",
        about: "every linearly stable local minimum inside |w2_l| < A",
        hypotheses: [
          size,
          below("spacing", "sigma <= mu Delta/8, that is Delta >= 8 sigma/mu", limits[0]),
          above("rate", "eta > 2^10 sigma^2/(mu n^2 Delta)", lnThreshold - log(4)),
        ],
        conclusion: "R_n(theta*) > 1/(16 n sigma^2)",
        side: positive(-log(16 * s.n) - 2 * s.lnSigma),
      },
      {
        id: "shift4",
        name: "Translation bound, where lambda_{max}(hess R_n) <= 2/(m eta); any sample",
        about: "every network of this sharpness, a minimum or not",
        hypotheses: [above("rate", "eta >= 2 sigma^4", log(2) + 4 * s.lnSigma)],
        conclusion: "R_n(theta*) >= (sqrt(5) - 2)^2/sigma^2",
        side: positive(2 * log(Math.sqrt(5) - 2) - 2 * s.lnSigma),
      },
      {
        id: "shift7",
        name: "Translation bound for stable minima, batch loss a mean; any sample",
        about: "every linearly stable local minimum, if the batch loss is a mean",
        hypotheses: [above("rate", "eta > sigma^4", 4 * s.lnSigma)],
        conclusion: "R_n(theta*) >= (1 - sigma^2/sqrt(eta))_+^2/sigma^2",
        side: pace < 1
          ? {
            ...positive(2 * Math.log1p(-pace) - 2 * s.lnSigma),
            error: (8 * Number.EPSILON * pace) / (1 - pace),
          }
          : { sign: 0, ln: -Infinity },
      },
    ];
  }

  return { theorems };
})();
window.dsmRegime = dsmRegime;
