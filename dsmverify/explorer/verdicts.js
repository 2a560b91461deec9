"use strict";
/*
 * What float64 can say of a hypothesis and of a bound, and nothing beyond: {kind, text}. `kind` is a
 * class: yes, loose, no, fails, open. Near equality it is open, since rounding decides there.
 */
const dsmVerdicts = (() => {
  const { factor } = dsmText;
  const MARGIN = 1e-11;
  const ROUNDINGS = 32 * Number.EPSILON;
  const WIDE = Math.log(1e6);
  const SIGN_LOST = 0.1;

  /** How far apart two logarithms must be to be told apart: rounding in both, and stated errors. */
  function tolerance(...sides) {
    return sides.reduce(
      (sum, { ln, error }) => sum + ROUNDINGS * Math.abs(ln) + (error ?? 0), MARGIN,
    );
  }

  /** "holds", "fails", or "edge" where rounding decides. */
  function standing({ lnRatio, exact, error }) {
    if (!exact && Math.abs(lnRatio) <= MARGIN + (error ?? 0)) return "edge";
    return lnRatio >= 0 ? "holds" : "fails";
  }

  const edge = (text) => ({ kind: "open", text: `not decided: ${text} is an equality within rounding` });

  /** A verdict where a hypothesis is not met; null where all hold. */
  function unmet(bound, s) {
    const needs = bound.needs.map((need) => need(s));
    const failing = needs.find((need) => standing(need) === "fails");
    if (failing) {
      return {
        kind: "no", text: `hypothesis fails: ${failing.text}, by a factor ${factor(-failing.lnRatio)}`,
      };
    }
    const near = needs.find((need) => standing(need) === "edge");
    if (near) return edge(near.text);
    const reach = bound.reach?.(s);
    if (reach && standing(reach) === "fails") {
      return { kind: "no", text: `met by no network: ${reach.text}, too large by a factor ${factor(-reach.lnRatio)}` };
    }
    return reach && standing(reach) === "edge" ? edge(reach.text) : null;
  }

  /** A verdict where the side itself says nothing; null where it does. */
  function empty(side) {
    if (side.reason) return { kind: "open", text: side.reason };
    if (side.error > SIGN_LOST) return { kind: "open", text: "too close to 0 for float64" };
    return side.sign <= 0 ? { kind: "no", text: "not positive: says nothing" } : null;
  }

  function apart(side, value) {
    const away = Math.abs(side.ln - value.ln);
    return { kind: away > WIDE ? "loose" : "yes", text: `within a factor ${factor(away)}` };
  }

  /** Of a bound on the value beside it. */
  function ofBound(bound, side, value, trivial, sense, s) {
    const early = unmet(bound, s) ?? empty(side);
    if (early) return early;
    if (!value.reason) {
      const ahead = side.ln - value.ln;
      const near = tolerance(side, value);
      if (sense === ">=" && ahead > near) return { kind: "fails", text: "above the value here" };
      if (sense === "<=" && ahead < -near) return { kind: "fails", text: "below the value here" };
    }
    if (trivial && side.ln >= trivial.side.ln) {
      return { kind: "loose", text: `no better than the trivial ${trivial.text}` };
    }
    if (value.reason) return { kind: "open", text: "nothing to compare with: the value is not computed" };
    if (Math.abs(side.ln - value.ln) <= tolerance(side, value)) {
      return { kind: "yes", text: "tight: equal within rounding, so float64 cannot tell which is larger" };
    }
    return apart(side, value);
  }

  /** Of a bound about networks, beside the value of s*. */
  function ofNetwork(bound, side, value, sense, s) {
    const early = unmet(bound, s) ?? empty(side);
    if (early) return early;
    if (value.reason) return { kind: "open", text: "nothing to compare with: TV(s*) is not computed" };
    if (Math.abs(side.ln - value.ln) <= tolerance(side, value)) {
      return { kind: "open", text: "equal to TV(s*) within its error" };
    }
    const where = side.ln < value.ln ? "below" : "above";
    if (bound.weight) {
      return {
        kind: "open",
        text: `${where} TV(s*), which has the weight pi: with the ${bound.weight} weight it is not computed`,
      };
    }
    if (sense === ">=") return where === "below" ? apart(side, value) : { kind: "yes", text: "above TV(s*)" };
    return where === "below"
      ? { kind: "yes", text: "below TV(s*): would exclude a network like s*" }
      : { kind: "loose", text: "above TV(s*): does not exclude a network like s*" };
  }

  return { standing, tolerance, ofBound, ofNetwork };
})();
window.dsmVerdicts = dsmVerdicts;
