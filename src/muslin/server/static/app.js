// The page's frame: the chosen run, the chosen view, and the server's events about runs.

import { get, place } from "./api.js";
import { design } from "./design.js";
import { h, roving } from "./dom.js";
import { predict } from "./predict.js";
import { results } from "./results.js";
import { runs } from "./runs.js";
import { percent, when } from "./words.js";

const views = { predict, design, results, runs };
const main = document.getElementById("main");
const chooser = document.getElementById("run");
const tabs = [...document.querySelectorAll("[role=tab]")];

const store = { runs: new Map(), run: null, details: new Map(), listeners: new Set() };
let leave = null;
let shown = 0;

const view = () => (location.hash.slice(1) in views ? location.hash.slice(1) : "predict");

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
    main.replaceChildren(
      h(
        "p",
        { class: "waiting" },
        store.runs.size
          ? "No run has finished training yet. Follow its progress under Runs; it opens here when it is done."
          : [
              "There are no runs yet. Start one with ",
              h("code", {}, "muslin train"),
              "; it appears here automatically.",
            ],
      ),
    );
    return;
  }
  const still = () => turn === shown;
  try {
    const detail = name === "runs" ? null : await detailOf(store.run);
    if (!still()) return;
    leave = (await views[name](main, { run: store.run, detail, store, still })) ?? null;
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
    const said = run.accuracy === null ? "not evaluated" : percent(run.accuracy, 2);
    return h(
      "option",
      { value: run.id, selected: run.id === store.run },
      `${run.design} · ${run.recipe} · ${said} · ${when(run.created)}`,
    );
  });
  chooser.replaceChildren(...(options.length ? options : [h("option", {}, "no trained run yet")]));
  chooser.disabled = !options.length;
  if (store.run) chooser.value = store.run;
}

// Compare times rather than texts, because runs may be recorded in different time zones; the text breaks ties.
const newestFirst = (a, b) => Date.parse(b.created) - Date.parse(a.created) || (a.created < b.created ? 1 : -1);

// Takes in a server event: all runs, or only those that changed.
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
tabs.forEach((tab) =>
  tab.addEventListener("click", () => {
    location.hash = tab.id.slice(4);
  }),
);
addEventListener("hashchange", show);
chooser.addEventListener("change", () => {
  store.run = chooser.value;
  show();
});

const events = new EventSource("/api/events");
events.addEventListener("all", (event) => {
  take(JSON.parse(event.data), true);
  if (!shown) show();
});
events.addEventListener("changed", (event) => take(JSON.parse(event.data), false));
