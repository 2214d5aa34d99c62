// The confusion matrix, whose cells open the images in them.

import { get, place } from "./api.js";
import { count, h, percent, roving, say } from "./dom.js";

export function confusion(run, { classes, test }, images) {
  const opened = h("div", { class: "opened", role: "region", "aria-label": "Images in the cell", tabindex: -1 }, h("p", { class: "soft" }, "Press a cell to see the images in it."));
  const sums = test.confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const most = Math.max(...test.confusion.flatMap((row, i) => row.map((value, j) => (i === j ? 0 : value / Math.max(sums[i], 1)))), 0.01);
  const cells = [];
  const table = h("table", { class: "confusion" },
    h("caption", { class: "unseen" }, "Rows: what it is. Columns: what the network called it."),
    h("thead", {}, h("tr", {}, h("td", {}), classes.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
    h("tbody", {}, test.confusion.map((row, i) => h("tr", {}, h("th", { scope: "row" }, classes[i]), row.map((value, j) => {
      const share = value / Math.max(sums[i], 1), strength = i === j ? share : share / most;
      const cell = h("button", { type: "button", class: `cell${value ? "" : " none"}`, "aria-pressed": "false", "aria-label": `${classes[i]} called ${classes[j]}: ${count(value)}`, style: { "--tint": i === j ? "var(--c0)" : "var(--c1)", "--share": strength.toFixed(3) }, onclick: () => open(i, j, cell) }, count(value));
      cells.push(cell);
      return h("td", {}, cell);
    })))));
  roving(table, cells, classes.length);

  async function open(true_, predicted, cell) {
    cells.forEach((each) => each.setAttribute("aria-pressed", String(each === cell)));
    const title = true_ === predicted ? `${classes[true_]}, rightly` : `${classes[true_]}, called ${classes[predicted]}`;
    try {
      const found = await get(`${place(run, "confusion")}?true=${true_}&predicted=${predicted}&limit=120`);
      const share = percent(found.images / Math.max(sums[true_], 1));
      say(`${title}: ${found.images} images`);
      opened.replaceChildren(h("h3", {}, title), h("p", { class: "small soft" }, `${count(found.images)} of ${count(sums[true_])} (${share}), the surest first${found.tested.length < found.images ? `; ${found.tested.length} are shown` : ""}.`),
        images ? tested(run, classes, found.tested, images) : h("p", { class: "small soft" }, "The images themselves are not here."));
    } catch (error) {
      opened.replaceChildren(h("p", { class: "small trouble", role: "alert" }, error.message));
    }
  }
  return h("div", { class: "split" }, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, table), opened);
}

// Test images with what they were called; they are fetched once they are here.
export function tested(run, classes, list, images, both = false) {
  const element = h("ul", { class: `thumbs${both ? " large" : ""}` }, list.map(({ index, label, predicted, probability }) =>
    h("li", {}, h("img", { "data-src": place(run, "images", "test", index), loading: "lazy", width: 56, height: 56, alt: `Test image ${index}, a ${classes[label]}, called ${classes[predicted]}` }),
      h("span", { class: "small" }, both ? [h("strong", {}, classes[predicted]), ` ${percent(probability, 0)}, is ${classes[label]}`] : percent(probability, 0)))));
  images.then(() => element.querySelectorAll("img").forEach((image) => { image.src = image.dataset.src; }), () => {});
  return element;
}
