"use strict";

// Everything on the page works without this script but the filters, the sorting, and the tables of
// rows, which are made here from the records. Data become text with textContent, never markup.
(() => {
  const PAGE = 100;
  const IN_CLAIM = 50;
  const TEXT_DELAY = 80;
  const LONGEST = 300;
  // What failed and what is open first.
  const VERDICTS = ["REFUTED", "UNDECIDED", "HOLDS", "VACUOUS", "PROVED"];
  const element = (id) => document.getElementById(id);

  function make(tag, text, kind) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function later(work) {
    let waiting = 0;
    return () => {
      clearTimeout(waiting);
      waiting = setTimeout(work, TEXT_DELAY);
    };
  }

  // ---- Records ----------------------------------------------------------------------------

  const data = JSON.parse(element("records-data").textContent);
  const { words, columns } = data;
  const total = columns.answer.length;
  const claimOf = new Uint32Array(total);
  const starts = new Map();
  let next = 0;
  data.claims.forEach((name, index) => {
    starts.set(name, [next, next + data.counts[index]]);
    claimOf.fill(index, next, next + data.counts[index]);
    next += data.counts[index];
  });
  const word = (column, row) => words[column][columns[column][row]];

  const WIDE = [
    ["instance", ""], ["answer", ""], ["slack", "number"], ["left", "digits"],
    ["right", "digits"], ["where", "breaks"], ["note", "breaks"],
  ];

  function cellsOf(row, into) {
    for (const [column, kind] of WIDE) {
      const text = column === "answer" ? data.answers[columns.answer[row]] : word(column, row);
      const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}… (report.json has all of it)` : text;
      into.append(make("td", cut || "-", kind));
    }
  }

  const records = { found: new Uint32Array(0), first: 0 };
  // For each column that is searched, which of its words have been seen to hold the text.
  const searched = ["instance", "where", "note"];
  const lowered = {};

  function holding(column, text) {
    lowered[column] ??= words[column].map((entry) => entry.toLowerCase());
    return Uint8Array.from(lowered[column], (entry) => (entry.includes(text) ? 1 : 0));
  }

  function filterRecords() {
    const claim = element("records-claim").value;
    const answer = data.answers.indexOf(element("records-answer").value);
    const text = element("records-text").value.trim().toLowerCase();
    const [from, to] = claim === "" ? [0, total] : starts.get(claim) ?? [0, 0];
    const hits = text === "" ? null : searched.map((column) => holding(column, text));
    const ids = hits && Uint8Array.from(data.claims, (id) => (id.toLowerCase().includes(text) ? 1 : 0));
    const [instances, places, notes] = searched.map((column) => columns[column]);
    const found = new Uint32Array(to - from);
    let count = 0;
    for (let row = from; row < to; row += 1) {
      if (answer >= 0 && columns.answer[row] !== answer) continue;
      if (
        hits && !ids[claimOf[row]] && !hits[0][instances[row]] && !hits[1][places[row]] &&
        !hits[2][notes[row]]
      ) continue;
      found[count] = row;
      count += 1;
    }
    records.found = found.subarray(0, count);
    records.first = 0;
    showRecords();
  }

  function showRecords() {
    const { found, first } = records;
    const end = Math.min(first + PAGE, found.length);
    const rows = document.createDocumentFragment();
    for (let place = first; place < end; place += 1) {
      const line = make("tr");
      const name = make("th", data.claims[claimOf[found[place]]]);
      name.scope = "row";
      line.append(name);
      cellsOf(found[place], line);
      rows.append(line);
    }
    element("records-table").tBodies[0].replaceChildren(rows);
    const range = found.length ? `${first + 1} to ${end} of ${found.length}` : "0";
    element("records-shown").textContent = `rows ${range} (${total} in all)`;
    element("records-previous").disabled = first === 0;
    element("records-next").disabled = end >= found.length;
  }

  function turn(step) {
    records.first = Math.max(0, records.first + step * PAGE);
    showRecords();
  }

  element("records-claim").addEventListener("change", filterRecords);
  element("records-answer").addEventListener("change", filterRecords);
  element("records-text").addEventListener("input", later(filterRecords));
  element("records-previous").addEventListener("click", () => turn(-1));
  element("records-next").addEventListener("click", () => turn(1));

  function showInRecords(claim, answer) {
    element("records-claim").value = claim;
    element("records-answer").value = answer;
    element("records-text").value = "";
    filterRecords();
  }

  for (const link of document.querySelectorAll("[data-records]")) {
    link.addEventListener("click", () => showInRecords("", link.dataset.records));
  }

  // ---- Claims: opening ----------------------------------------------------------------------

  const table = element("claims-table");
  const claims = Array.from(table.tBodies, (body) => {
    const [line, detail] = body.rows;
    return { body, line, detail, button: line.querySelector("button"), text: null };
  });

  function head(texts) {
    const line = make("tr");
    for (const [text, kind] of texts) {
      const cell = make("th", text, kind);
      cell.scope = "col";
      line.append(cell);
    }
    const made = make("thead");
    made.append(line);
    return made;
  }

  // Every instance of a claim, with the slack of each of its hypotheses.
  function fillInstances(place) {
    const id = data.claims[Number(place.dataset.claim)];
    const [from, to] = starts.get(id);
    if (place.hasChildNodes() || from === to) return;
    let hypotheses = 0;
    for (let row = from; row < to; row += 1) {
      const given = word("hypotheses", row);
      if (given) hypotheses = Math.max(hypotheses, given.split("\t").length);
    }
    const heads = [["instance", ""], ["answer", ""]];
    for (let number = 1; number <= hypotheses; number += 1) heads.push([`hyp. ${number}`, "number"]);
    heads.push(["slack", "number"], ["left side", ""], ["right side", ""], ["where", ""], ["failed hypothesis, or reason", ""]);
    const rows = make("tbody");
    for (let row = from; row < Math.min(to, from + IN_CLAIM); row += 1) {
      const line = make("tr");
      cellsOf(row, line);
      const given = word("hypotheses", row).split("\t");
      const before = line.children[2];
      for (let number = 0; number < hypotheses; number += 1) {
        line.insertBefore(make("td", given[number] || "-", "number"), before);
      }
      rows.append(line);
    }
    const made = make("table");
    made.append(head(heads), rows);
    const region = make("div", undefined, "wide");
    region.tabIndex = 0;
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", `Instances of ${id}`);
    region.append(made);
    place.append(make("h3", "Every instance"));
    if (hypotheses) {
      place.append(make("p", "Columns hyp. 1, 2, .. hold the slack of the hypotheses above: below 1 it fails."));
    }
    place.append(region);
    const more = make("button", `Show ${to - from === 1 ? "it" : `all ${to - from}`} in the records`);
    more.type = "button";
    more.addEventListener("click", () => {
      showInRecords(id, "");
      element("records").scrollIntoView();
      element("records-claim").focus();
    });
    const line = make("p");
    if (to - from > IN_CLAIM) line.append(`The first ${IN_CLAIM} of ${to - from}. `);
    line.append(more);
    place.append(line);
  }

  function setOpen(claim, open) {
    claim.line.classList.toggle("opened", open);
    claim.detail.classList.toggle("opened", open);
    claim.detail.querySelector("details").open = open;
    claim.button.setAttribute("aria-expanded", String(open));
    if (open) fillInstances(claim.detail.querySelector(".instances"));
  }

  for (const claim of claims) {
    claim.button.addEventListener("click", () => {
      setOpen(claim, claim.button.getAttribute("aria-expanded") === "false");
    });
  }

  // ---- Claims: filter and order --------------------------------------------------------------

  const CONTROLS = {
    verdict: element("filter-verdict"),
    kind: element("filter-kind"),
    source: element("filter-source"),
    text: element("filter-text"),
    sort: element("sort"),
  };

  function textOf(claim) {
    claim.text ??= [
      claim.button.textContent,
      claim.line.dataset.source,
      claim.detail.querySelector(".plain code").textContent,
      claim.detail.querySelector(".facts").textContent,
    ].join("\n").toLowerCase();
    return claim.text;
  }

  function passes(claim, wanted) {
    const { verdict, kind, form, source } = claim.line.dataset;
    return (
      (wanted.verdict === "" || verdict === wanted.verdict) &&
      (wanted.kind === "" || kind === wanted.kind || form === wanted.kind) &&
      (wanted.source === "" || source === wanted.source) &&
      (wanted.text === "" || textOf(claim).includes(wanted.text))
    );
  }

  function filterClaims() {
    const wanted = {};
    for (const [name, control] of Object.entries(CONTROLS)) wanted[name] = control.value;
    wanted.text = wanted.text.trim().toLowerCase();
    let shown = 0;
    for (const claim of claims) {
      const passed = passes(claim, wanted);
      claim.body.hidden = !passed;
      shown += passed ? 1 : 0;
    }
    element("claims-shown").textContent = `${shown} of ${claims.length}`;
  }

  const position = new Map(claims.map((claim, index) => [claim, index]));
  const rank = (claim) => Number(claim.line.dataset.rank);
  const gravity = (claim) => VERDICTS.indexOf(claim.line.dataset.verdict);
  const ORDERS = {
    id: (one, other) => position.get(one) - position.get(other),
    slack: (one, other) => rank(one) - rank(other),
    verdict: (one, other) => gravity(one) - gravity(other) || ORDERS.id(one, other),
  };

  function sortClaims() {
    const ordered = claims.slice().sort(ORDERS[CONTROLS.sort.value] ?? ORDERS.id);
    table.append(...ordered.map((claim) => claim.body));
  }

  // The filter stands in the address, so that a view can be kept as a bookmark.
  function keepInAddress() {
    const kept = new URLSearchParams();
    for (const [name, control] of Object.entries(CONTROLS)) {
      if (control.value !== "" && !(name === "sort" && control.value === "id")) {
        kept.set(name, control.value);
      }
    }
    const query = kept.toString();
    history.replaceState(null, "", query ? `#claims?${query}` : "#claims");
  }

  function change() {
    filterClaims();
    keepInAddress();
  }

  for (const control of [CONTROLS.verdict, CONTROLS.kind, CONTROLS.source]) {
    control.addEventListener("change", change);
  }
  CONTROLS.text.addEventListener("input", later(change));
  CONTROLS.sort.addEventListener("change", () => {
    sortClaims();
    keepInAddress();
  });

  function setFilter(values) {
    for (const [name, control] of Object.entries(CONTROLS)) {
      control.value = values.get(name) ?? (name === "sort" ? "id" : "");
      if (control.selectedIndex === -1) control.selectedIndex = 0;
    }
    sortClaims();
    filterClaims();
  }

  element("filter-reset").addEventListener("click", () => {
    setFilter(new Map());
    keepInAddress();
  });
  for (const link of document.querySelectorAll("[data-show]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      setFilter(new Map([["verdict", link.dataset.show]]));
      keepInAddress();
      element("claims").scrollIntoView();
      CONTROLS.verdict.focus({ preventScroll: true });
    });
  }
  for (const form of document.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // ---- Address --------------------------------------------------------------------------------

  // A link to a claim opens it, and shows it if the filter has hidden it.
  function follow() {
    const [target, query] = location.hash.slice(1).split("?");
    if (target === "claims" && query !== undefined) {
      setFilter(new URLSearchParams(query));
      element("claims").scrollIntoView();
      return;
    }
    let name = target;
    try {
      name = decodeURIComponent(target);
    } catch {
      return; // not an address that this page makes
    }
    const claim = claims.find((one) => one.line.id === name);
    if (!claim) return;
    if (claim.body.hidden) setFilter(new Map([["sort", CONTROLS.sort.value]]));
    setOpen(claim, true);
    claim.line.scrollIntoView();
    claim.button.focus({ preventScroll: true });
  }

  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#claim-"]');
    // The address does not change when the same claim is asked for twice.
    if (link && link.hash === location.hash) follow();
  });

  filterRecords();
  filterClaims();
  follow();
  // The browser goes to the address itself once the page is loaded, and takes the focus along.
  addEventListener("load", follow);
})();
