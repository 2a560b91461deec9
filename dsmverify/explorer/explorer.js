"use strict";
/* Sliders to numbers: the setting, the table, the regime, the address. */
(() => {
  const { element, formula, decimal, factor } = dsmText;
  const byId = (id) => document.getElementById(id);
  const SIZES = dsmIntegrals.sizes;
  const DEFAULTS = { n: 10, spacing: 1, kind: "sigma", noise: 0.1, rate: 0.01, bound: null };
  const LARGEST_SIGMA = 0.999;
  const NOISE_RANGE = { sigma: [1e-4, LARGEST_SIGMA], t: [1e-8, 3] };
  const RANGES = { spacing: [0.01, 31.6], rate: [1e-10, 1e6], bound: [1, 1e60] };
  const LN_MARGIN = 1e-9;

  let setting = { ...DEFAULTS };
  let shown = dsmBounds.QUANTITIES[0].id;
  let waiting = 0;

  const rounded = (x) => Number(x.toPrecision(3));
  const clamped = (x, [low, high]) => Math.min(Math.max(x, low), high);

  // The setting.

  const noiseOf = (kind, noise) => dsmFormulas.noise[kind === "t" ? "ofTime" : "ofSigma"](noise);

  function stateOf({ n, spacing, kind, noise, rate, bound }, sigma = null) {
    const level = sigma === null ? noiseOf(kind, noise) : noiseOf("sigma", sigma);
    const isTime = kind === "t" && sigma === null;
    const time = isTime ? noise : -0.5 * Math.log1p(-(level.sigma ** 2));
    return dsmBounds.state({ n, spacing, rate, bound, time, ...level });
  }

  function write() {
    byId("n").value = SIZES.indexOf(setting.n);
    byId("spacing").value = Math.log10(setting.spacing);
    const noise = byId("noise");
    noise.min = setting.kind === "t" ? -8 : -4;
    noise.max = setting.kind === "t" ? 0.48 : 0;
    noise.value = Math.log10(setting.noise);
    byId("kind-time").checked = setting.kind === "t";
    byId("kind-sigma").checked = setting.kind !== "t";
    byId("noise-label").textContent = setting.kind === "t" ? "Time t" : "Noise level σ";
    byId("rate").value = Math.log10(setting.rate);
    const lnA = setting.bound === null ? stateOf(setting).lnA : Math.log(setting.bound);
    byId("bound").value = lnA / Math.LN10;
    byId("bound").disabled = setting.bound === null;
    byId("bound-default").checked = setting.bound === null;
  }

  /** What one control says; the others keep their exact values. */
  function read(id) {
    const power = () => rounded(10 ** Number(byId(id).value));
    if (id === "n") setting.n = SIZES[Number(byId("n").value)];
    if (id === "spacing") setting.spacing = power();
    if (id === "noise") setting.noise = clamped(power(), NOISE_RANGE[setting.kind]);
    if (id === "rate") setting.rate = power();
    if (id === "bound") setting.bound = power();
    if (id === "bound-default") {
      const lnA = stateOf(setting).lnA;
      const a = clamped(rounded(Math.exp(lnA)), RANGES.bound);
      setting.bound = byId(id).checked ? null : a;
    }
    if (id.startsWith("kind-")) {
      const { sigma, time } = stateOf(setting);
      setting.kind = byId("kind-time").checked ? "t" : "sigma";
      const noise = setting.kind === "t" ? time : sigma;
      setting.noise = clamped(rounded(noise), NOISE_RANGE[setting.kind]);
    }
    if (id === "picture-quantity") shown = byId(id).value;
  }

  // The address.

  function address() {
    const found = new URLSearchParams({ n: setting.n, spacing: setting.spacing });
    found.set(setting.kind, setting.noise);
    found.set("rate", setting.rate);
    if (setting.bound !== null) found.set("A", setting.bound);
    found.set("picture", shown);
    return `#${found}`;
  }

  /** The setting in the address; what is missing, unknown or out of range is the default. */
  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const within = (name, [low, high], fallback) => {
      const text = given.get(name);
      const value = Number(text);
      return text !== null && text.trim() !== "" && value >= low && value <= high ? value : fallback;
    };
    const kind = given.has("t") ? "t" : "sigma";
    const fallback = kind === "t" ? 0.005 : DEFAULTS.noise;
    const n = Number(given.get("n"));
    setting = {
      n: SIZES.includes(n) ? n : DEFAULTS.n,
      spacing: within("spacing", RANGES.spacing, DEFAULTS.spacing),
      kind,
      noise: within(kind, NOISE_RANGE[kind], fallback),
      rate: within("rate", RANGES.rate, DEFAULTS.rate),
      bound: within("A", RANGES.bound, null),
    };
    const wanted = dsmBounds.QUANTITIES.find(({ id }) => id === given.get("picture"));
    shown = (wanted ?? dsmBounds.QUANTITIES[0]).id;
    byId("picture-quantity").value = shown;
  }

  // The table.

  const capital = (text) => text[0].toUpperCase() + text.slice(1);

  /** Verdict on a bound here: {kind, text}. `kind` is a class: yes, loose, no, fails. */
  function judged(bound, side, value, trivial, sense, s) {
    const failing = bound.needs.map((need) => need(s)).filter(({ ratio }) => !(ratio >= 1));
    if (failing.length) {
      const [{ text, ratio }] = failing;
      const by = ratio > 0 ? `, by a factor ${factor(-Math.log(ratio))}` : "";
      return { kind: "no", text: `hypothesis fails: ${text}${by}` };
    }
    if (side.reason) return { kind: "no", text: side.reason };
    if (side.sign <= 0) return { kind: "no", text: "not positive: says nothing" };
    if (sense === ">=" && value.sign > 0 && side.ln > value.ln + tolerance(value)) {
      return { kind: "fails", text: "above the value here" };
    }
    if (sense === "<=" && value.sign > 0 && side.ln < value.ln - tolerance(value)) {
      return { kind: "fails", text: "below the value here" };
    }
    if (trivial && side.ln >= trivial.side.ln) {
      return { kind: "loose", text: `no better than the trivial ${trivial.text}` };
    }
    if (value.reason) return { kind: "yes", text: "holds; the value is not computed" };
    const away = Math.abs(side.ln - value.ln);
    if (away < LN_MARGIN) return { kind: "yes", text: "tight" };
    const wide = away > Math.log(1e6);
    return { kind: wide ? "loose" : "yes", text: `within a factor ${factor(away)}` };
  }

  const tolerance = (value) => LN_MARGIN + (value.error ?? 0);

  /** About networks: what a bound says of a network as good as s*, whose value is shown. */
  function judgedForNetwork(bound, side, value, sense, s) {
    const verdict = judged(bound, side, value, null, "", s);
    if (verdict.kind === "no" || value.reason) return verdict;
    const isBelow = side.ln < value.ln;
    if (sense === "<=" && isBelow) return { kind: "yes", text: "below TV(s*): s* is out of reach" };
    if (sense === "<=") return { kind: "loose", text: "above TV(s*): does not exclude s*" };
    return isBelow ? verdict : { kind: "yes", text: "above TV(s*)" };
  }

  function numberCell(side) {
    const cell = element("td", side.reason ?? decimal(side), { class: "value" });
    if (side.reason) cell.classList.add("missing");
    return cell;
  }

  function valueRow(quantity, value, trivial) {
    const name = element("th", [element("span", formula(quantity.symbol), { class: "symbol" })], { scope: "rowgroup" });
    name.append(element("span", formula(quantity.name), { class: "text" }));
    const where = value.where ?? quantity.where;
    const remarks = [];
    if (where) remarks.push(formula(`at ${where}`.replace("at in", "in")));
    if (value.how) remarks.push(value.how);
    if (trivial) remarks.push(element("span", ["trivial: ", formula(trivial.text), ` = ${decimal(trivial.side)}`]));
    const notes = element("td", remarks.flatMap((part, k) => (k ? [element("br"), part] : [part])), {
      class: "notes", colspan: "2",
    });
    return element("tr", [name, numberCell(value), notes], { "data-quantity": quantity.id, class: "truth" });
  }

  function boundRow(quantity, bound, value, trivial, s) {
    const side = bound.value(s);
    const own = side.truth ?? value;
    const sense = bound.sense ?? quantity.sense;
    const verdict = bound.sense
      ? judgedForNetwork(bound, side, own, sense, s)
      : judged(bound, side, own, trivial, sense, s);
    const sign = sense === ">=" ? "≥" : "≤";
    const name = element("th", [
      element("span", `${sign} ${bound.id}`, { class: "claim" }),
      element("span", bound.form, { class: "form" }),
      element("span", formula(bound.text), { class: "text" }),
    ], { scope: "row" });
    const known = side.sign > 0 && own.sign > 0;
    const ratio = element("td", known ? factor(side.ln - own.ln) : "", { class: "ratio" });
    const words = [element("span", formula(capital(verdict.text)), { class: `verdict ${verdict.kind}` })];
    if (side.where) words.push(element("span", formula(`at ${side.where}`), { class: "text" }));
    return element("tr", [name, numberCell(side), ratio, element("td", words)], {
      "data-quantity": bound.id, "data-form": bound.form, "data-verdict": verdict.kind,
    });
  }

  function fillTable(s) {
    const bodies = dsmBounds.QUANTITIES.map((quantity) => {
      const value = quantity.truth(s);
      const trivial = quantity.trivial && {
        text: quantity.trivial.text, side: quantity.trivial.value(s),
      };
      return element("tbody", [
        valueRow(quantity, value, trivial),
        ...quantity.bounds.map((bound) => boundRow(quantity, bound, value, trivial, s)),
      ]);
    });
    byId("values").replaceChildren(byId("values").tHead, ...bodies);
  }

  // The regime.

  function hypothesisRow({ id, text, limit, lnRatio }) {
    const holds = lnRatio >= 0;
    const by = `${holds ? "holds" : "fails"} by a factor ${factor(Math.abs(lnRatio))}`;
    return element("tr", [
      element("th", formula(text), { scope: "row" }),
      element("td", decimal(limit), { class: "value" }),
      element("td", element("span", by, { class: `verdict ${holds ? "yes" : "no"}` })),
    ], { "data-hypothesis": id, "data-holds": String(holds) });
  }

  function theoremBlock(theorem, s) {
    const missing = theorem.hypotheses.filter(({ lnRatio }) => lnRatio < 0).length;
    const speaks = missing
      ? `Says nothing here: ${missing} of ${theorem.hypotheses.length} hypotheses on the numbers fail.`
      : "All hypotheses on the numbers hold. For every stable minimum:";
    const share = decimal({ ...theorem.side, ln: theorem.side.ln + 2 * s.lnSigma }, 3);
    return element("article", [
      element("h3", [element("code", theorem.id), " ", formula(theorem.name)]),
      element("table", [
        element("thead", element("tr", ["Hypothesis", "Limit", "Here"].map((text) => element("th", text, { scope: "col" })))),
        element("tbody", theorem.hypotheses.map(hypothesisRow)),
      ]),
      element("p", [
        element("span", speaks, { class: `verdict ${missing ? "no" : "yes"}` }), " ",
        formula(theorem.conclusion), " = ",
        element("span", decimal(theorem.side), { class: "value", "data-conclusion": theorem.id }),
        formula(`, which is ${share} of 1/sigma^2.`),
      ]),
    ], { "data-theorem": theorem.id });
  }

  // The rest of the page.

  function fillDerived(s) {
    const risk = dsmBounds.riskOf(s);
    const rows = [
      ["mu", decimal(dsmBounds.number(s.mu))],
      ["sigma", decimal(dsmBounds.number(s.sigma))],
      ["t", decimal(dsmBounds.number(s.time))],
      ["kappa = mu Delta/sigma", decimal(dsmBounds.number(s.kappa))],
      ["C_n", decimal(dsmBounds.positive(dsmFormulas.lnCurvatureConstant(s.sample)))],
      ["sigma^2 R_n(s*)", risk.reason ?? decimal({ ...risk, ln: risk.ln + 2 * s.lnSigma })],
    ];
    byId("derived").replaceChildren(...rows.map(([name, value]) =>
      element("div", [element("dt", formula(name)), element("dd", value)])));
  }

  function fillOutputs(s) {
    const texts = {
      n: String(setting.n),
      spacing: String(setting.spacing),
      noise: String(setting.noise),
      rate: decimal(dsmBounds.number(setting.rate), 3),
      bound: decimal(dsmBounds.positive(s.lnA), 4),
    };
    for (const [id, text] of Object.entries(texts)) {
      byId(`${id}-value`).textContent = text;
      byId(id).setAttribute("aria-valuetext", text);
    }
  }

  function fillPicture(s) {
    const quantity = dsmBounds.QUANTITIES.find(({ id }) => id === shown);
    const lines = dsmPicture.draw(byId("picture-svg"), quantity, (sigma) => stateOf(setting, sigma), s);
    const names = { value: "the value", trivial: quantity.trivial && `trivial: ${quantity.trivial.text}` };
    byId("legend").replaceChildren(...lines.filter(({ isDrawn }) => isDrawn).map(({ id, form, look }) => {
      const key = element("span", [], { class: `key ${look}`, "aria-hidden": "true" });
      return element("li", [key, element("span", formula(names[id] ?? `${id}, ${form}`))]);
    }));
  }

  function update() {
    waiting = 0;
    const s = stateOf(setting);
    fillOutputs(s);
    fillDerived(s);
    fillTable(s);
    byId("theorems").replaceChildren(...dsmRegime.theorems(s).map((theorem) => theoremBlock(theorem, s)));
    fillPicture(s);
    if (location.hash !== address()) history.replaceState(null, "", address());
  }

  function later() {
    if (!waiting) waiting = requestAnimationFrame(update);
  }

  function start() {
    byId("n").max = SIZES.length - 1;
    byId("picture-quantity").append(...dsmBounds.QUANTITIES.map(({ id, symbol, name }) => {
      const text = dsmText.letters(`${symbol}: ${name}`);
      return element("option", text, { value: id });
    }));
    for (const control of document.querySelectorAll("#controls input, #picture-quantity")) {
      control.addEventListener(control.type === "range" ? "input" : "change", () => {
        read(control.id);
        if (control.type !== "range" || setting.bound === null) write();
        later();
      });
    }
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    addEventListener("resize", later);
    addEventListener("hashchange", () => {
      readAddress();
      write();
      update();
    });
    readAddress();
    write();
    update();
  }

  window.dsmExplorer = { setting: () => ({ ...setting }), stateOf };
  start();
})();
