"use strict";
/*
 * Integrals of the empirical optimal score for equally spaced points, from a table.
 *
 * Scaled by sigma they depend on n and kappa = mu Delta/sigma only (equally_spaced.py says why).
 * Every answer is {ln, error, how} or {reason}: the natural logarithm, the largest relative
 * deviation that was measured, and where it comes from; or why there is none.
 */
const dsmIntegrals = (() => {
  const table = JSON.parse(document.getElementById("grids").textContent);
  const ROUNDING = 1e-12;

  /** Chebyshev sum by Clenshaw's recurrence. */
  function clenshaw(coefficients, place) {
    let [one, two] = [0, 0];
    for (let k = coefficients.length - 1; k > 0; k -= 1) {
      [one, two] = [2 * place * one - two + coefficients[k], one];
    }
    return place * one - two + coefficients[0];
  }

  const short = (error) => dsmText.decimal({ sign: 1, ln: Math.log(error) }, 2);

  const highest = (name) => table.low * 2 ** table.octaves[name];

  /** What is stored at (n, kappa): the logarithm less its leading part. */
  function stored(n, kappa, name) {
    const found = table.tables[n];
    if (!found) return { reason: `not computed: no table for n = ${n}` };
    if (!(kappa >= table.low)) return { reason: `not computed below kappa = ${table.low}` };
    if (kappa > highest(name)) return { reason: `not computed above kappa = ${highest(name)}` };
    const { pieces, width, compared } = found[name];
    const place = Math.log2(kappa / table.low);
    const piece = pieces.find(([start, span]) => place < start + span) ?? pieces[pieces.length - 1];
    const [start, span, error, ...coefficients] = piece;
    return {
      ln: clenshaw(coefficients, (2 * (place - start)) / span - 1),
      error,
      how:
        `interpolated, relative error ${short(error)} as measured off the grid; compared with ` +
        `${compared} certified values of relative width up to ${short(width)}`,
    };
  }

  /** ln int phi(u)/(4 cosh(kappa u/2)) du for kappa >= 10, by the trapezoidal rule; to rounding. */
  function lnPair(kappa) {
    const step = 0.25;
    let sum = 0;
    for (let k = -160; k <= 160; k += 1) {
      const v = k * step;
      sum += Math.exp(-2 * (v / kappa) ** 2) / (4 * Math.cosh(v));
    }
    return Math.log((sum * step * 2) / kappa) - 0.5 * Math.log(2 * Math.PI);
  }

  /**
   * ln(sigma^2 R_n(s*)).
   *
   * Beyond the table by its leading term, (2 (n-1)/n) kappa^2 exp(-kappa^2/8) G(kappa), G as in
   * lnPair. n p V sums, over pairs at distance d, d^2 e_i e_j/Z with Z the sum of all densities.
   * Z >= e_i + e_j: a pair k steps apart adds at most its own integral, so all others together at
   * most 4.1 exp(-3 kappa^2/8) of the neighbours'. Between two neighbours every other density is
   * at most exp(-kappa^2/2) of the larger one, and what a pair has outside its gap is at most
   * 3 kappa exp(-3 kappa^2/8) of it. Together below 1e-15 for kappa >= 10.2 and n <= 50.
   */
  function lnScaledRisk(n, kappa) {
    if (kappa > highest("variance") && table.tables[n]) {
      const leading = Math.log((2 * (n - 1)) / n) + lnPair(kappa);
      return {
        ln: leading + 2 * Math.log(kappa) - (kappa * kappa) / 8,
        error: ROUNDING,
        how: "leading term of two neighbours; what is left out is below 1e-15 of it",
      };
    }
    const found = stored(n, kappa, "variance");
    if (found.reason) return found;
    return { ...found, ln: found.ln + 2 * Math.log(kappa) - (kappa * kappa) / 8 };
  }

  /**
   * ln(sigma^4 E[s*'(Y)^2]) = ln(1 - 2 r + q), r = sigma^2 R_n(s*), q = kappa^4 E[v^2].
   * Beyond the table q <= r kappa^2 n^2/4, and both are below 1e-80.
   */
  function lnScaledSlopeSquare(n, kappa) {
    const risk = lnScaledRisk(n, kappa);
    if (risk.reason) return risk;
    const r = Math.exp(risk.ln);
    if (kappa > highest("squared_variance")) {
      return { ln: Math.log1p(-2 * r), error: ROUNDING, how: "1, but for less than 1e-80" };
    }
    const found = stored(n, kappa, "squared_variance");
    const q = Math.exp(found.ln + 4 * Math.log(kappa) - (kappa * kappa) / 8);
    const value = 1 - 2 * r + q;
    const error = ROUNDING + (2 * r * risk.error + q * found.error) / value;
    return { ln: Math.log(value), error, how: found.how };
  }

  /** ln(sigma^2 int |s*''|). */
  function lnScaledMass(n, kappa) {
    const found = stored(n, kappa, "mass");
    return found.reason ? found : { ...found, ln: found.ln + 2 * Math.log(kappa) };
  }

  /** ln(sigma TV(s*)). */
  function lnScaledVariation(n, kappa) {
    const found = stored(n, kappa, "variation");
    return found.reason ? found : { ...found, ln: found.ln + 3 * Math.log(kappa) };
  }

  return {
    sizes: table.sizes,
    low: table.low,
    highest,
    lnScaledRisk,
    lnScaledSlopeSquare,
    lnScaledMass,
    lnScaledVariation,
  };
})();
window.dsmIntegrals = dsmIntegrals;
