// Results: what the test split showed, how training went, and what became of the design's claims.

import { get, place } from "./api.js";
import { chart } from "./charts.js";
import { confusion, tested } from "./confusion.js";
import { count, h, percent, plain, signed } from "./dom.js";

export async function results(main, { run, detail, store, still }) {
  const found = await get(place(run, "results"));
  const guide = await get(place(run, "guide")).catch(() => null);
  if (!still()) return;
  const images = guide === null || guide.images === "missing" ? null : imagesOf(run, guide, still);
  const history = store.runs.get(run)?.history ?? [];
  const level = found.baseline && { value: found.baseline.accuracy, name: `baseline, test: ${percent(found.baseline.accuracy)}` };
  main.replaceChildren(h("div", { class: "view" },
    h("h2", { class: "unseen" }, "Results"),
    found.test ? facts(found) : h("p", { class: "notice" }, "The test split was not opened for this run. ", h("code", {}, "muslin evaluate"), " opens it."),
    !images && guide && h("p", { class: "notice" }, `The images are not here, so only figures are shown. ${guide.reason}`),
    h("section", {}, h("h2", {}, "Training"), h("div", { class: "charts" }, courses(history, level))),
    found.test && [
      h("section", {}, h("h2", {}, "What it takes for what"), h("p", { class: "soft" }, "Rows are what an image is, columns what the network called it."), confusion(run, found, images)),
      h("section", { class: "wide" }, h("h2", {}, "Class by class"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures of each class" }, perClass(found))),
      h("section", {}, h("h2", {}, "Does it know how sure it may be?"), calibration(found.test.calibration)),
      h("section", {}, h("h2", {}, "Most confidently wrong"), found.confidently_wrong.length && images ? tested(run, found.classes, found.confidently_wrong, images, true) : h("p", { class: "soft" }, images ? "Nothing was wrong." : "The images are not here.")),
    ],
    found.claims.length > 0 && h("section", { class: "wide" }, h("h2", {}, "What the design says of itself"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Claims" }, claims(found.claims)))));
}

// Resolves when the images can be shown; they are read while the figures are looked at.
async function imagesOf(run, guide, still) {
  while (guide.images === "coming" && still()) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    guide = await get(place(run, "guide"));
  }
}

function facts({ test, baseline, improvement, splits }) {
  const [low, high] = test.accuracy_interval;
  const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));
  return h("dl", { class: "facts" },
    fact("Test accuracy", percent(test.accuracy, 2), `${percent(low, 2)} to ${percent(high, 2)}, 95% interval`),
    fact("Test loss", plain(test.loss, 3), `${count(test.images)} images`),
    improvement && fact("Against the baseline", `${signed(improvement.points)} points`, `${signed(improvement.interval[0])} to ${signed(improvement.interval[1])}; it has ${percent(baseline.accuracy)}`),
    splits.overfitting_gap !== undefined && fact("Overfitting gap", `${signed(splits.overfitting_gap)} points`, "training over validation accuracy"),
    fact("Calibration error", percent(test.calibration.error), "mean gap between sure and right"));
}

export function courses(history, level) {
  const column = (name) => history.map((epoch) => [epoch.epoch, epoch[name]]);
  const pair = (name) => [
    { name: "validation", colour: "c0", points: column(`validation_${name}`) },
    { name: "training", colour: "c4", points: column(name) },
  ];
  return [
    chart("Accuracy", pair("accuracy"), { format: (value) => percent(value, Number.isInteger(Number((100 * value).toFixed(6))) ? 0 : 1), level }),
    chart("Loss", pair("loss"), { format: (value) => plain(value) }),
  ];
}

function perClass({ test }) {
  const meter = (value) => [percent(value), h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${100 * value}%` } }))];
  const rows = [...test.per_class].sort((a, b) => a.f1 - b.f1);
  return h("table", {}, h("caption", { class: "unseen" }, "Classes, the hardest first"),
    h("thead", {}, h("tr", {}, ["Class, the hardest first", "F1", "Precision", "Recall", "95% interval", "Images"].map((name, i) => h("th", { scope: "col", class: i > 1 && i !== 0 ? "r" : "" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.name), h("td", {}, meter(row.f1)), h("td", { class: "r" }, percent(row.precision)), h("td", { class: "r" }, percent(row.recall)), h("td", { class: "r soft" }, `${percent(row.recall_interval[0])} to ${percent(row.recall_interval[1])}`), h("td", { class: "r" }, count(row.support))))));
}

function calibration({ error, mean_confidence, bins }) {
  const used = bins.filter((bin) => bin.images);
  return h("div", { class: "charts" },
    chart("Right answers, by how sure it was", [{ name: "share that was right, with its 95% interval", colour: "c0", dots: true, points: used.map((bin) => [bin.confidence, bin.accuracy]), bars: used.map((bin) => [bin.confidence, ...bin.interval]) }], { format: (value) => percent(value, 0), square: true, from: 0, to: 1, across: "how sure" }),
    h("p", { class: "prose soft" }, `On the dashed line it is right as often as it says. Its mean confidence is ${percent(mean_confidence)}; the expected calibration error is ${percent(error)}.`));
}

function claims(list) {
  const words = { holds: "holds", "does not hold": "does not hold", "not measured": "not measured" };
  return h("table", {}, h("caption", { class: "unseen" }, "Claims of the design against what was measured"),
    h("thead", {}, h("tr", {}, ["Stated", "Expected", "Measured", "Verdict"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, list.map((claim) => h("tr", {}, h("td", {}, claim.says), h("td", {}, claim.expected), h("td", {}, claim.found || "–"), h("td", { class: { holds: "holds", "does not hold": "fails" }[claim.verdict] ?? "soft" }, words[claim.verdict])))));
}
