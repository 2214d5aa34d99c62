// Runs: every run of the folder in one table and two charts, updated while a run trains.

import { chart } from "./charts.js";
import { h, say } from "./dom.js";
import { count, percent, plain, seconds, short, when } from "./words.js";

const SHOWN = 5;
const STATES = {
  training: "in training",
  unfinished: "unfinished",
  finished: "finished",
  early: "stopped early",
  interrupted: "interrupted",
  diverged: "diverged",
};

export function runs(main, { store }) {
  const picked = new Set([...store.runs.keys()].slice(0, SHOWN));
  const charts = h("div", { class: "charts", "aria-label": "Training curves of the selected runs", role: "group" });
  const table = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "All runs" });
  main.replaceChildren(
    h(
      "div",
      { class: "view" },
      h("section", {}, h("h2", {}, "Compare runs"), charts),
      h("section", { class: "wide" }, table),
    ),
  );
  let known = new Map([...store.runs].map(([id, run]) => [id, run.epochs]));

  function draw() {
    for (const [id, run] of store.runs) {
      if (!known.has(id)) {
        picked.add(id);
        say(`New run: ${run.design}`);
      } else if (known.get(id) !== run.epochs) say(`${run.design}: epoch ${run.epochs} of ${run.planned}`);
      known.set(id, run.epochs);
    }
    const list = [...store.runs.values()],
      colors = coloring(list.filter((run) => picked.has(run.id)));
    const shown = list.filter((run) => colors.has(run.id)),
      names = shown.map(label);
    const series = (name) =>
      shown
        .map((run) => ({
          name: names.filter((name) => name === label(run)).length > 1 ? `${label(run)}, ${when(run.created)}` : label(run),
          color: colors.get(run.id),
          points: run.history.map((epoch) => [epoch.epoch, epoch[name]]),
        }));
    charts.replaceChildren(
      chart("Validation accuracy", series("validation_accuracy"), { format: (value) => percent(value, 1) }),
      chart("Validation loss", series("validation_loss"), { format: (value) => plain(value) }),
    );
    const focused = document.activeElement?.dataset?.key;
    table.replaceChildren(
      list.length
        ? rows(list, colors)
        : h(
            "p",
            { class: "soft" },
            "There are no runs yet. Start one with ",
            h("code", {}, "muslin train"),
            "; it appears here automatically.",
          ),
    );
    if (focused) table.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function rows(list, colors) {
    return h(
      "table",
      {},
      h("caption", { class: "unseen" }, "All runs, newest first"),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          [
            ["Run"],
            ["State"],
            ["Test accuracy", "r"],
            ["Validation accuracy", "r"],
            ["Test loss", "r"],
            ["Parameters", "r"],
            ["MACs", "r"],
            ["Epochs", "r"],
            ["Training time", "r"],
          ].map(([name, kind]) => h("th", { scope: "col", class: kind }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        list.map((run) =>
          h(
            "tr",
            { "data-run": run.id },
            h(
              "th",
              { scope: "row" },
              h(
                "label",
                { class: "row" },
                h("input", {
                  type: "checkbox",
                  "data-key": run.id,
                  checked: picked.has(run.id),
                  disabled: !picked.has(run.id) && picked.size >= SHOWN,
                  onchange: (event) => {
                    event.target.checked ? picked.add(run.id) : picked.delete(run.id);
                    draw();
                  },
                }),
                h(
                  "span",
                  {},
                  h("i", {
                    class: "key",
                    style: { background: colors.has(run.id) ? `var(--${colors.get(run.id)})` : "var(--rule)" },
                  }),
                  ` ${run.design}`,
                  h(
                    "span",
                    { class: "small soft" },
                    ` ${run.recipe}, seed ${run.seed}${run.sample ? ", sample" : ""} · ${when(run.created)}`,
                  ),
                ),
              ),
            ),
            h(
              "td",
              {},
              h("span", { class: `state${run.state === "training" ? " live" : ""}` }, STATES[run.state]),
              run.state === "training" &&
                h(
                  "span",
                  { class: "progress", "aria-hidden": "true" },
                  h("i", { style: { width: `${(100 * run.epochs) / run.planned}%` } }),
                ),
            ),
            h(
              "td",
              { class: "r" },
              run.accuracy === null ? "–" : percent(run.accuracy, 2),
              run.interval &&
                h("span", { class: "small soft" }, ` ${run.interval.map((end) => percent(end, 2)).join("–")}`),
            ),
            h("td", { class: "r" }, run.validation_accuracy === null ? "–" : percent(run.validation_accuracy, 2)),
            h("td", { class: "r" }, run.loss === null ? "–" : plain(run.loss, 3)),
            h("td", { class: "r" }, count(run.parameters)),
            h("td", { class: "r" }, short(run.macs)),
            h("td", { class: "r" }, `${run.epochs} of ${run.planned}`),
            h("td", { class: "r" }, seconds(run.seconds)),
          ),
        ),
      ),
    );
  }
  draw();
  store.listeners.add(draw);
  return () => store.listeners.delete(draw);
}

const label = (run) => `${run.design}, ${run.recipe}, seed ${run.seed}`;
const coloring = (list) => new Map(list.map((run, i) => [run.id, `c${i % 5}`]));
