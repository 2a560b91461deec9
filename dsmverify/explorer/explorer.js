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
  const ADDRESS_PAUSE = 200;

  let setting = { ...DEFAULTS };
  let shown = dsmBounds.QUANTITIES[0].id;
  let waiting = 0;
  let addressLater = 0;
  let addressKnown = "";

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
    addressKnown = location.hash;
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
      ? dsmVerdicts.ofNetwork(bound, side, own, sense, s)
      : dsmVerdicts.ofBound(bound, side, own, trivial, sense, s);
    const sign = sense === ">=" ? "≥" : "≤";
    const name = element("th", [
      element("span", `${sign} ${bound.id}`, { class: "claim" }),
      element("span", bound.refuted ? `${bound.form}, refuted in the report` : bound.form, { class: "form" }),
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

  const HEADINGS = ["Hypothesis", "Limit", "Here"];
  const KINDS = { holds: "yes", fails: "no", edge: "open" };

  function hypothesisRow(hypothesis) {
    const { id, text, limit, lnRatio, given } = hypothesis;
    const standing = dsmVerdicts.standing(hypothesis);
    const by = `${standing} by a factor ${factor(Math.abs(lnRatio))}`;
    const here = standing === "edge" ? "equal within rounding: not decided" : given ?? by;
    return element("tr", [
      element("th", formula(text), { scope: "row" }),
      element("td", decimal(limit), { class: "value" }),
      element("td", element("span", here, { class: `verdict ${KINDS[standing]}` })),
    ], { "data-hypothesis": id, "data-holds": { holds: "true", fails: "false", edge: "edge" }[standing] });
  }

  /** {kind, text}: whether a theorem speaks, as far as the numbers go. */
  function speech(theorem) {
    const counted = theorem.hypotheses.filter(({ isSummary }) => !isSummary).map(dsmVerdicts.standing);
    const failing = counted.filter((standing) => standing === "fails").length;
    const near = counted.filter((standing) => standing === "edge").length;
    if (failing) {
      return {
        kind: "no",
        text: `Says nothing here: ${failing} of ${counted.length} hypotheses on the numbers fail. It would say:`,
      };
    }
    if (near) {
      return {
        kind: "open",
        text: "Not decided here: a hypothesis is an equality within rounding. It would say:",
      };
    }
    return { kind: "yes", text: `All hypotheses on the numbers hold. For ${theorem.about}:` };
  }

  function theoremBlock(theorem, s) {
    const { kind, text } = speech(theorem);
    const share = decimal({ ...theorem.side, ln: theorem.side.ln + 2 * s.lnSigma }, 3);
    return element("article", [
      element("h3", [element("code", theorem.id), " ", formula(theorem.name)]),
      element("table", [
        element("thead", element("tr", HEADINGS.map((name) => element("th", name, { scope: "col" })))),
        element("tbody", theorem.hypotheses.map(hypothesisRow)),
      ]),
      element("p", [
        element("span", formula(text), { class: `verdict ${kind}` }), " ",
        formula(theorem.conclusion), " = ",
        element("span", decimal(theorem.side), { class: "value", "data-conclusion": theorem.id }),
        formula(`, which is ${share} of 1/sigma^2.`),
      ]),
    ], { "data-theorem": theorem.id });
  }

  // The rest of the page.

  function fillDerived(s) {
    const risk = dsmTruths.riskOf(s);
    const rows = [
      ["mu", decimal(dsmTruths.number(s.mu))],
      ["sigma", decimal(dsmTruths.number(s.sigma))],
      ["t", decimal(dsmTruths.number(s.time))],
      ["kappa = mu Delta/sigma", decimal(dsmTruths.number(s.kappa))],
      ["C_n", decimal(dsmTruths.positive(dsmFormulas.lnCurvatureConstant(s.sample)))],
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
      rate: decimal(dsmTruths.number(setting.rate), 3),
      bound: decimal(dsmTruths.positive(s.lnA), 4),
    };
    for (const [id, text] of Object.entries(texts)) {
      byId(`${id}-value`).textContent = text;
      byId(id).setAttribute("aria-valuetext", text);
    }
  }

  /** What the curves of the picture depend on: all but the noise level. */
  function curvesKey() {
    const { n, spacing, rate, bound } = setting;
    return [shown, n, spacing, rate, bound].join(" ");
  }

  function fillPicture(isUrgent) {
    const quantity = dsmBounds.QUANTITIES.find(({ id }) => id === shown);
    const fixed = { ...setting };
    const asked = {
      key: curvesKey(), quantity, n: fixed.n, stateAt: (sigma) => stateOf(fixed, sigma),
    };
    // The marker is where the slider is by then, not where it was when the curves were asked for.
    dsmCurves.show(asked, (lines) => drawPicture(quantity, lines), isUrgent);
  }

  function drawPicture(quantity, found) {
    const lines = dsmPicture.draw(byId("picture-svg"), quantity, found, stateOf(setting));
    const names = { value: "the value", trivial: quantity.trivial && `trivial: ${quantity.trivial.text}` };
    byId("legend").replaceChildren(...lines.filter(({ isDrawn }) => isDrawn).map(({ id, form, look }) => {
      const key = element("span", [], { class: `key ${look}`, "aria-hidden": "true" });
      return element("li", [key, element("span", formula(names[id] ?? `${id}, ${form}`))]);
    }));
  }

  /** Numbers now; the picture in slices, unless it is urgent. */
  function update(isUrgent) {
    waiting = 0;
    const s = stateOf(setting);
    fillOutputs(s);
    fillDerived(s);
    fillTable(s);
    byId("theorems").replaceChildren(...dsmRegime.theorems(s).map((theorem) => theoremBlock(theorem, s)));
    fillPicture(isUrgent);
    // Browsers refuse an address that changes a hundred times in a row: once the slider rests.
    clearTimeout(addressLater);
    addressLater = setTimeout(writeAddress, ADDRESS_PAUSE);
  }

  function writeAddress() {
    // Another address than the last one known: a link was followed, and is about to be read.
    if (location.hash !== addressKnown || location.hash === address()) return;
    history.replaceState(null, "", address());
    addressKnown = location.hash;
  }

  function later() {
    if (!waiting) waiting = requestAnimationFrame(() => update(false));
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
      update(true);
    });
    readAddress();
    write();
    update(true);
  }

  window.dsmExplorer = { setting: () => ({ ...setting }), stateOf };
  start();
})();
