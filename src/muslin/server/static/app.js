// The page's frame: which run, which view, and what the server says about runs as they change.

import { get, place } from "./api.js";
import { h, percent, roving } from "./dom.js";
import { anatomy } from "./anatomy.js";
import { results } from "./results.js";
import { runs } from "./runs.js";
import { tryOn } from "./tryon.js";

const views = { try: tryOn, anatomy, results, runs };
const main = document.getElementById("main");
const chooser = document.getElementById("run");
const tabs = [...document.querySelectorAll("[role=tab]")];

export const store = { runs: new Map(), run: null, details: new Map(), listeners: new Set() };
let leave = null;
let shown = 0;

const view = () => (location.hash.slice(1) in views ? location.hash.slice(1) : "try");

async function show() {
  const turn = ++shown;
  const name = view();
  tabs.forEach((tab) => {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  });
  main.setAttribute("aria-labelledby", `tab-${name}`);
  leave?.();
  leave = null;
  if (!store.run && name !== "runs") {
    main.replaceChildren(h("p", { class: "waiting" }, store.runs.size
      ? "No run is trained yet. The one in training is under Runs, and opens here when it is done."
      : "There is no run here yet. `muslin train` makes one; it appears by itself."));
    return;
  }
  const still = () => turn === shown;
  try {
    const detail = name === "runs" ? null : await detailOf(store.run);
    if (!still()) return;
    leave = await views[name](main, { run: store.run, detail, store, still }) ?? null;
    if (!still()) leave?.();
  } catch (error) {
    if (still()) main.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

async function detailOf(run) {
  if (!store.details.has(run)) store.details.set(run, await get(place(run)));
  return store.details.get(run);
}

function fillChooser() {
  const ready = [...store.runs.values()].filter((run) => run.ready);
  const options = ready.map((run) => {
    const said = run.accuracy === null ? "not tested" : percent(run.accuracy, 2);
    return h("option", { value: run.id, selected: run.id === store.run }, `${run.design} · ${run.recipe} · ${said} · ${when(run.created)}`);
  });
  chooser.replaceChildren(...(options.length ? options : [h("option", {}, "none is trained yet")]));
  chooser.disabled = !options.length;
  if (store.run) chooser.value = store.run;
}

export const when = (created) => new Date(created).toLocaleString("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });

// Times carry their own zones, which change twice a year; the text decides within one millisecond.
const newestFirst = (a, b) => Date.parse(b.created) - Date.parse(a.created) || (a.created < b.created ? 1 : -1);

function take({ chosen, runs: list }, all) {
  if (all) store.runs.clear();
  for (const run of list) {
    if (JSON.stringify(store.runs.get(run.id)?.state) !== JSON.stringify(run.state)) store.details.delete(run.id);
    store.runs.set(run.id, run);
  }
  store.runs = new Map([...store.runs].sort(([, a], [, b]) => newestFirst(a, b)));
  const had = store.run;
  if (!store.runs.get(store.run)?.ready) store.run = store.runs.get(chosen)?.ready ? chosen : null;
  fillChooser();
  if (store.run !== had) show();
  store.listeners.forEach((listener) => listener());
}

roving(document.querySelector("[role=tablist]"), tabs);
tabs.forEach((tab) => tab.addEventListener("click", () => { location.hash = tab.id.slice(4); }));
addEventListener("hashchange", show);
chooser.addEventListener("change", () => { store.run = chooser.value; show(); });

const events = new EventSource("/api/events");
events.addEventListener("all", (event) => { take(JSON.parse(event.data), true); if (!shown) show(); });
events.addEventListener("changed", (event) => take(JSON.parse(event.data), false));
