// Results: metrics on the test split, training curves, and the design's claims.

import { get, place } from "./api.js";
import { chart } from "./charts.js";
import { confusion, tested } from "./confusion.js";
import { h } from "./dom.js";
import { count, difference, percent, plain, signed } from "./words.js";

export async function results(main, { run, detail, store, still }) {
  const found = await get(place(run, "results"));
  const guide = await get(place(run, "guide")).catch(() => null);
  if (!still()) return;
  const images = guide === null || guide.images === "missing" ? null : imagesOf(run, guide, still);
  const history = store.runs.get(run)?.history ?? [];
  const level = found.baseline && {
    value: found.baseline.accuracy,
    name: `baseline, test: ${percent(found.baseline.accuracy)}`,
  };
  main.replaceChildren(
    h(
      "div",
      { class: "view" },
      h("h2", { class: "unseen" }, "Results"),
      found.test
        ? facts(found)
        : h(
            "p",
            { class: "notice" },
            "This run has not been evaluated on the test split. Run ",
            h("code", {}, "muslin evaluate"),
            " to do so.",
          ),
      !images &&
        guide &&
        h("p", { class: "notice" }, `The images are not available, so only numbers are shown. ${guide.reason}`),
      h("section", {}, h("h2", {}, "Training curves"), h("div", { class: "charts" }, curves(history, level))),
      found.test && [
        h(
          "section",
          {},
          h("h2", {}, "Confusion matrix"),
          h("p", { class: "soft" }, "Rows are true classes, columns are predicted classes."),
          confusion(run, found, images),
        ),
        h(
          "section",
          { class: "wide" },
          h("h2", {}, "Metrics by class"),
          h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Metrics by class" }, perClass(found)),
        ),
        h("section", {}, h("h2", {}, "Calibration"), calibration(found.test.calibration)),
        h(
          "section",
          {},
          h("h2", {}, "Most confident errors"),
          found.confidently_wrong.length && images
            ? tested(run, found.classes, found.confidently_wrong, images, true)
            : h(
                "p",
                { class: "soft" },
                images ? "Every test image was classified correctly." : "The images are not available.",
              ),
        ),
      ],
      found.claims.length > 0 &&
        h(
          "section",
          { class: "wide" },
          h("h2", {}, "Claims"),
          h(
            "p",
            { class: "soft" },
            "Claims are the design author's expectations. A claim fails if this run's measurement does not meet it.",
          ),
          h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Claims" }, claims(found.claims)),
        ),
    ),
  );
}

// Resolves when the server has read the images.
async function imagesOf(run, guide, still) {
  while (guide.images === "coming" && still()) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    guide = await get(place(run, "guide"));
  }
}

function facts({ test, baseline, improvement, splits }) {
  const [low, high] = test.accuracy_interval;
  const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));
  return h(
    "dl",
    { class: "facts" },
    fact("Test accuracy", percent(test.accuracy, 2), `95% interval ${plain(100 * low)}–${percent(high, 2)}`),
    fact("Test loss", plain(test.loss, 3), `on ${count(test.images)} images`),
    improvement &&
      fact(
        `Versus the baseline (${percent(baseline.accuracy)})`,
        difference(improvement.points),
        `95% interval ${signed(improvement.interval[0])} to ${signed(improvement.interval[1])}`,
      ),
    splits.overfitting_gap !== undefined &&
      fact("Overfitting gap", `${signed(splits.overfitting_gap)} points`, "training − validation accuracy"),
    fact("Calibration error", percent(test.calibration.error), "mean |confidence − accuracy|"),
  );
}

function curves(history, level) {
  const column = (name) => history.map((epoch) => [epoch.epoch, epoch[name]]);
  const pair = (name) => [
    { name: "validation", color: "c0", points: column(`validation_${name}`) },
    { name: "training", color: "c4", points: column(name) },
  ];
  return [
    chart("Accuracy", pair("accuracy"), {
      format: (value) => percent(value, Number.isInteger(Number((100 * value).toFixed(6))) ? 0 : 1),
      level,
    }),
    chart("Loss", pair("loss"), { format: (value) => plain(value) }),
  ];
}

function perClass({ test }) {
  const meter = (value) => [
    percent(value),
    h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: { width: `${100 * value}%` } })),
  ];
  const rows = [...test.per_class].sort((a, b) => a.f1 - b.f1);
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, "Classes, lowest F1 first"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Class", "F1", "Precision", "Recall", "95% interval of recall", "Images"].map((name, i) =>
          h("th", { scope: "col", class: i > 1 && i !== 0 ? "r" : "" }, name),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, row.name),
          h("td", {}, meter(row.f1)),
          h("td", { class: "r" }, percent(row.precision)),
          h("td", { class: "r" }, percent(row.recall)),
          h("td", { class: "r soft" }, `${percent(row.recall_interval[0])} to ${percent(row.recall_interval[1])}`),
          h("td", { class: "r" }, count(row.support)),
        ),
      ),
    ),
  );
}

function calibration({ error, mean_confidence, bins }) {
  const used = bins.filter((bin) => bin.images);
  return h(
    "div",
    { class: "charts" },
    chart(
      "Reliability diagram",
      [
        {
          name: "accuracy with its 95% interval",
          color: "c0",
          dots: true,
          points: used.map((bin) => [bin.confidence, bin.accuracy]),
          bars: used.map((bin) => [bin.confidence, ...bin.interval]),
        },
      ],
      { format: (value) => percent(value, 0), square: true, from: 0, to: 1, across: "confidence" },
    ),
    h(
      "p",
      { class: "prose soft" },
      `On the dashed line, confidence equals accuracy. Mean confidence: ${percent(mean_confidence)}. Expected calibration error: ${percent(error)}.`,
    ),
  );
}

function claims(list) {
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, "The design's claims and their measurements"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Claim", "Expected", "Measured", "Verdict"].map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      list.map((claim) =>
        h(
          "tr",
          {},
          h("td", {}, claim.says),
          h("td", {}, claim.expected),
          h("td", {}, claim.found || "–"),
          h("td", { class: { holds: "holds", "does not hold": "fails" }[claim.verdict] ?? "soft" }, claim.verdict),
        ),
      ),
    ),
  );
}
