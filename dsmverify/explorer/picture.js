"use strict";
/* The picture: a quantity and its bounds against sigma, with the slider's place marked. */
const dsmPicture = (() => {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const [NARROWEST, WIDEST] = [300, 960];
  const MARGIN = { left: 52, right: 14, top: 12, bottom: 44 };
  const { LOW, HIGH, log10 } = dsmCurves;
  const DECADES = 14;
  const MOST_DECADES = 320;

  /** Classes of a curve: its form, and which of that form it is. */
  function look(lines, line) {
    const same = lines.filter(({ form }) => form === line.form);
    return `${line.form.split(" ")[0]} number-${same.indexOf(line) + 1}`;
  }

  function node(name, attributes, ...children) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** Lowest and highest decade shown: those of the value, with room for bounds around it. */
  function extent(lines, marked) {
    const of = (list) => list.flatMap(({ points }) => points.map(({ y }) => y)).filter((y) => y !== null);
    const all = of(lines);
    const own = of(lines.filter(({ id }) => id === "value"));
    if (!all.length) return [-1, 1];
    const centre = own.length ? own : all;
    const top = Math.min(Math.max(...all), Math.max(...centre) + DECADES);
    const lowest = Math.min(...(marked === null ? [top - DECADES] : [top - DECADES, marked - 2]));
    const bottom = Math.max(lowest, Math.min(...all), top - MOST_DECADES);
    const pad = Math.max(0.5, (top - bottom) * 0.04);
    return [bottom - pad, top + pad];
  }

  /** Round steps so that at most about `most` ticks fit. */
  function ticks(low, high, most) {
    const rough = (high - low) / most;
    const step = [1, 2, 5, 10, 20, 50, 100].find((size) => size >= rough) ?? 200;
    const first = Math.ceil(low / step) * step;
    const count = Math.floor((high - first) / step) + 1;
    return Array.from({ length: count }, (_, k) => first + k * step);
  }

  /** Runs of points that can be joined, each solid (hypotheses hold) or dashed. */
  function paths(points, place) {
    const found = [];
    let run = null;
    points.forEach((point, k) => {
      if (point.y === null) {
        run = null;
        return;
      }
      if (!run || run.holds !== point.holds) {
        const before = run && points[k - 1];
        run = { holds: point.holds, steps: before ? [place(before)] : [] };
        found.push(run);
      }
      run.steps.push(place(point));
    });
    return found.map(({ holds, steps }) => ({ holds, d: `M${steps.join("L")}` }));
  }

  /**
   * Draw into an <svg>, in place of what it held.
   *
   * @param {SVGElement} svg
   * @param {object} quantity one of dsmBounds.QUANTITIES
   * @param {object[]} lines of dsmCurves
   * @param {object} current the state on the sliders
   */
  function draw(svg, quantity, lines, current) {
    // Drawn at the width that it has, so that letters keep their size.
    const WIDTH = Math.min(Math.max(svg.clientWidth, NARROWEST), WIDEST);
    const HEIGHT = Math.round(Math.min(Math.max(WIDTH * 0.52, 260), 420));
    const here = log10(quantity.truth(current));
    const [bottom, top] = extent(lines, here);
    const across = (x) => MARGIN.left + ((x - LOW) / (HIGH - LOW)) * (WIDTH - MARGIN.left - MARGIN.right);
    const up = (y) =>
      HEIGHT - MARGIN.bottom - ((y - bottom) / (top - bottom)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const clipped = (y) => Math.min(Math.max(y, bottom - 200), top + 200);
    const place = ({ x, y }) => `${across(x).toFixed(1)} ${up(clipped(y)).toFixed(1)}`;

    const title = node("title", { id: "picture-title" });
    title.textContent = `${quantity.id}: the value and its bounds against sigma`;
    const described = node("desc", { id: "picture-description" });
    described.textContent =
      "Both axes logarithmic. The numbers at the marked noise level are in the table of values. "
      + "A bound is dashed where one of its hypotheses fails.";
    const frame = node("g", { class: "axes" });
    for (const y of ticks(bottom, top, 7)) {
      frame.append(
        node("line", { x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: up(y), y2: up(y), class: "grid" }),
        node("text", { x: MARGIN.left - 8, y: up(y) + 4, "text-anchor": "end" }, `10${dsmText.superscript(y)}`),
      );
    }
    for (const x of ticks(LOW, HIGH, 4)) {
      frame.append(
        node("line", { x1: across(x), x2: across(x), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, class: "grid" }),
        node(
          "text", { x: across(x), y: HEIGHT - MARGIN.bottom + 18, "text-anchor": "middle" },
          x === 0 ? "1" : `10${dsmText.superscript(x)}`,
        ),
      );
    }
    frame.append(
      node("text", { x: WIDTH - MARGIN.right, y: HEIGHT - 8, "text-anchor": "end", class: "label" }, "noise level σ"),
    );
    const clip = node("clipPath", { id: "picture-clip" }, node("rect", {
      x: MARGIN.left, y: MARGIN.top,
      width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom,
    }));
    const drawn = node("g", { "clip-path": "url(#picture-clip)" });
    const ordered = [...lines].sort((a, b) => (a.id === "value") - (b.id === "value"));
    for (const line of ordered) {
      const group = node("g", { class: `curve ${look(lines, line)}`, "data-curve": line.id });
      for (const { holds, d } of paths(line.points, place)) {
        group.append(node("path", { d, class: holds ? "solid" : "dashed" }));
      }
      drawn.append(group);
    }
    const marker = across(Math.max(Math.log10(current.sigma), LOW));
    drawn.append(node("line", {
      x1: marker, x2: marker, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, class: "marker", "data-marker": "",
    }));
    if (here !== null) drawn.append(node("circle", { cx: marker, cy: up(clipped(here)), r: 4.5, class: "dot" }));
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.replaceChildren(title, described, clip, frame, drawn);
    return lines.map((line) => ({
      id: line.id,
      form: line.form,
      look: look(lines, line),
      isDrawn: line.points.some(({ y }) => y !== null),
    }));
  }

  return { draw };
})();
