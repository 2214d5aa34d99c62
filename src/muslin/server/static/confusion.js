// The confusion matrix. Selecting a cell shows its test images.

import { get, place } from "./api.js";
import { h, roving, say } from "./dom.js";
import { count, counted, percent, withArticle } from "./words.js";

export function confusion(run, { classes, test }, images) {
  const opened = h(
    "div",
    { class: "opened", role: "region", "aria-label": "Images of the selected cell", tabindex: -1 },
    h("p", { class: "soft" }, "Select a cell to see its images."),
  );
  const sums = test.confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const most = Math.max(
    ...test.confusion.flatMap((row, i) => row.map((value, j) => (i === j ? 0 : value / Math.max(sums[i], 1)))),
    0.01,
  );
  const cells = [];
  const table = h(
    "table",
    { class: "confusion" },
    h("caption", { class: "unseen" }, "Rows: true class. Columns: predicted class."),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("td", {}),
        classes.map((name) => h("th", { scope: "col" }, h("span", {}, name))),
      ),
    ),
    h(
      "tbody",
      {},
      test.confusion.map((row, i) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, classes[i]),
          row.map((value, j) => {
            const share = value / Math.max(sums[i], 1),
              strength = i === j ? share : share / most;
            const cell = h(
              "button",
              {
                type: "button",
                class: `cell${value ? "" : " none"}`,
                "aria-pressed": "false",
                "aria-label": `${classes[i]} predicted as ${classes[j]}: ${count(value)}`,
                style: { "--tint": i === j ? "var(--c0)" : "var(--c1)", "--share": strength.toFixed(3) },
                onclick: () => open(i, j, cell),
              },
              count(value),
            );
            cells.push(cell);
            return h("td", {}, cell);
          }),
        ),
      ),
    ),
  );
  roving(table, cells, classes.length);

  async function open(true_, predicted, cell) {
    cells.forEach((each) => each.setAttribute("aria-pressed", String(each === cell)));
    const title =
      true_ === predicted ? `${classes[true_]}, correct` : `${classes[true_]} predicted as ${classes[predicted]}`;
    try {
      const found = await get(`${place(run, "confusion")}?true=${true_}&predicted=${predicted}&limit=120`);
      const share = percent(found.images / Math.max(sums[true_], 1));
      say(`${title}: ${counted(found.images, "image")}`);
      opened.replaceChildren(
        h("h3", {}, title),
        h(
          "p",
          { class: "small soft" },
          `${count(found.images)} of ${count(sums[true_])} (${share}), highest confidence first${found.tested.length < found.images ? `; the first ${found.tested.length} are shown` : ""}.`,
        ),
        images
          ? tested(run, classes, found.tested, images)
          : h("p", { class: "small soft" }, "The images are not available."),
      );
    } catch (error) {
      opened.replaceChildren(h("p", { class: "small trouble", role: "alert" }, error.message));
    }
  }
  return h(
    "div",
    { class: "split" },
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, table),
    opened,
  );
}

// Test images with their predictions. The pictures are fetched as soon as the server has read them.
export function tested(run, classes, list, images, both = false) {
  const element = h(
    "ul",
    { class: `thumbs${both ? " large" : ""}` },
    list.map(({ index, label, predicted, probability }) =>
      h(
        "li",
        {},
        h("img", {
          "data-src": place(run, "images", "test", index),
          loading: "lazy",
          width: 56,
          height: 56,
          alt: `Test image ${index}: ${withArticle(classes[label])}, predicted as ${classes[predicted]}`,
        }),
        h(
          "span",
          { class: "small" },
          both
            ? [h("strong", {}, classes[predicted]), ` ${percent(probability, 0)}; true class ${classes[label]}`]
            : percent(probability, 0),
        ),
      ),
    ),
  );
  images.then(
    () =>
      element.querySelectorAll("img").forEach((image) => {
        image.src = image.dataset.src;
      }),
    () => {},
  );
  return element;
}
