"use strict";
/*
 * Curves over the noise level, computed in slices so that a slider never waits for them.
 *
 * They depend on everything but the noise level of the slider: while that one moves they are kept.
 */
const dsmCurves = (() => {
  const [LOW, HIGH] = [-4, 0];
  const [COUNT, FEWER, MANY_POINTS] = [120, 60, 20];
  const COARSE = 4;
  const SLICE = 8;

  const log10 = (side) => (side.reason || side.sign <= 0 ? null : side.ln / Math.LN10);

  /** Every line at one noise level: [{id, form, y, holds}]; y is log10 or null. */
  function column(quantity, s) {
    const value = log10(quantity.truth(s));
    const found = [{ id: "value", form: "truth", y: value, holds: true }];
    if (quantity.trivial) {
      found.push({ id: "trivial", form: "trivial", y: log10(quantity.trivial.value(s)), holds: true });
    }
    for (const bound of quantity.bounds) {
      const holds = bound.needs.every((need) => dsmVerdicts.standing(need(s)) !== "fails");
      const side = bound.value(s);
      let y = log10(side);
      // About another place than the value: drawn by its ratio to what it bounds.
      if (side.truth && y !== null) y = value === null ? null : value + y - log10(side.truth);
      found.push({ id: bound.id, form: bound.form, y, holds });
    }
    return found;
  }

  /** Columns, by place from 0 to `count`, as lines {id, form, points: [{x, y, holds}]}. */
  function lines(columns, count) {
    const found = new Map();
    [...columns.keys()].sort((a, b) => a - b).forEach((k) => {
      const x = LOW + ((HIGH - LOW) * k) / count;
      for (const { id, form, y, holds } of columns.get(k)) {
        if (!found.has(id)) found.set(id, { id, form, points: [] });
        found.get(id).points.push({ x, y, holds });
      }
    });
    return [...found.values()];
  }

  /** The order of the columns: every fourth one first, so that a rough picture is there early. */
  function order(count) {
    const all = Array.from({ length: count + 1 }, (_, k) => k);
    return [...all.filter((k) => k % COARSE === 0), ...all.filter((k) => k % COARSE !== 0)];
  }

  let kept = { key: null, lines: null };
  let wanted = null;
  let isRunning = false;

  /**
   * Have lines drawn: at once where they are known or `isUrgent`, else rough and then fine ones as
   * they come. What was asked for last wins; a rough picture that is under way is finished first.
   *
   * @param {{key: string, quantity: object, n: number, stateAt: function(number): object}} asked
   * @param {function(object[])} draw
   * @param {boolean} isUrgent
   */
  function show(asked, draw, isUrgent) {
    if (kept.key === asked.key) {
      wanted = null;
      draw(kept.lines);
      return;
    }
    const job = started(asked, draw);
    if (isUrgent) {
      wanted = null;
      while (!job.isDone()) job.step();
      job.finish();
      return;
    }
    wanted = job;
    if (!isRunning) {
      isRunning = true;
      setTimeout(() => slice(wanted), 0);
    }
  }

  function started({ key, quantity, n, stateAt }, draw) {
    const count = n >= MANY_POINTS ? FEWER : COUNT;
    const places = order(count);
    const rough = count / COARSE + 1;
    const columns = new Map();
    return {
      isRough: () => columns.size === rough,
      isBeforeRough: () => columns.size < rough,
      isDone: () => columns.size === places.length,
      step() {
        const k = places[columns.size];
        const x = LOW + ((HIGH - LOW) * k) / count;
        columns.set(k, column(quantity, stateAt(Math.min(10 ** x, 0.9999))));
      },
      draw: () => draw(lines(columns, count)),
      finish() {
        kept = { key, lines: lines(columns, count) };
        draw(kept.lines);
      },
    };
  }

  function slice(job) {
    const until = performance.now() + SLICE;
    let now = job;
    while (wanted && performance.now() < until) {
      if (now !== wanted && !now.isBeforeRough()) now = wanted;
      now.step();
      if (now.isRough()) now.draw();
      if (now.isDone()) {
        if (now === wanted) {
          now.finish();
          wanted = null;
        }
        now = wanted;
      }
    }
    isRunning = wanted !== null;
    if (isRunning) setTimeout(() => slice(now), 0);
  }

  return { LOW, HIGH, log10, show };
})();
