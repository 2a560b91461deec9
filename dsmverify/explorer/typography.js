"use strict";
/* Plain formulas and numbers of any size as text nodes. Nothing is ever parsed as HTML. */
const dsmText = (() => {
  const LETTERS = {
    sigma: "σ", mu: "μ", Delta: "Δ", kappa: "κ", eta: "η", theta: "θ", delta: "δ", lambda: "λ", pi: "π",
  };
  const SUPERSCRIPTS = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];
  const DIGITS = 6;
  const ROUNDING = 1e-12;

  /** Words of the plain formulas as the letters they stand for. */
  function letters(text) {
    return text
      .replace(/(?<![A-Za-z])(sigma|mu|Delta|kappa|eta|theta|delta|lambda|pi)(?![A-Za-z])/g, (word) => LETTERS[word])
      .replace(/sqrt(?=[( ])\s?/g, "√")
      .replace(/(?<![A-Za-z])int /g, "∫ ")
      .replaceAll("<=", "≤")
      .replaceAll(">=", "≥")
      .replaceAll("s*''", "s*″")
      .replaceAll("s*'", "s*′")
      .replace(/(?<=[\s(0-9a-zA-Z_)}])-(?=[\s0-9A-Za-zμσκΔδπ(])/g, "−");
  }

  /** A plain formula as nodes: `_n`, `_{i+1}`, `^2`, `^(1/2)` become subscripts and superscripts. */
  function formula(text) {
    const fragment = document.createDocumentFragment();
    const pattern = /([_^])(?:\{([^}]*)\}|\(([^)]*)\)|(\*|\+|[0-9]+|[A-Za-zθ]))/g;
    const shown = letters(text);
    let end = 0;
    for (const match of shown.matchAll(pattern)) {
      fragment.append(shown.slice(end, match.index));
      const node = document.createElement(match[1] === "_" ? "sub" : "sup");
      node.textContent = match[2] ?? match[3] ?? match[4];
      fragment.append(node);
      end = match.index + match[0].length;
    }
    fragment.append(shown.slice(end));
    return fragment;
  }

  function superscript(exponent) {
    const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]);
    return (exponent < 0 ? "⁻" : "") + digits.join("");
  }

  /** How many digits a relative error leaves, from 1 to 6. */
  function digitsOf(ln, error = 0) {
    const relative = Math.max(ROUNDING, error, Math.abs(ln) * 4 * Number.EPSILON);
    return Math.min(DIGITS, Math.max(1, Math.floor(-Math.log10(relative))));
  }

  /** {sign, ln} as a decimal, by its logarithm, so that no size is too small or too large. */
  function decimal(side, most = DIGITS) {
    if (side.sign === 0) return "0";
    const digits = Math.min(most, digitsOf(side.ln, side.error));
    const sign = side.sign < 0 ? "−" : "";
    const log10 = side.ln / Math.LN10;
    let exponent = Math.floor(log10);
    let mantissa = Math.exp((log10 - exponent) * Math.LN10).toPrecision(digits);
    if (Number(mantissa) >= 10) {
      exponent += 1;
      mantissa = (1).toPrecision(digits);
    }
    if (exponent >= -3 && exponent < Math.min(digits, 6)) {
      return sign + Math.exp(side.ln).toPrecision(digits);
    }
    return `${sign}${mantissa}·10${superscript(exponent)}`;
  }

  /** A factor given by its logarithm, in three digits; near 1 by its distance from 1. */
  function factor(ln) {
    const rest = Math.expm1(ln);
    if (Math.abs(rest) >= 0.01 || Math.abs(rest) < 1e-10) return decimal({ sign: 1, ln }, 3);
    const apart = decimal({ sign: 1, ln: Math.log(Math.abs(rest)) }, 2);
    return `1 ${rest > 0 ? "+" : "−"} ${apart}`;
  }

  /** An element with text or nodes in it. */
  function element(name, content = [], attributes = {}) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...(Array.isArray(content) ? content : [content]));
    return node;
  }

  return { formula, letters, decimal, factor, superscript, element };
})();
