// Images that are not drawn: photos, prepared for the network, and images of the test split.

import { decode, send } from "./api.js";
import { h } from "./dom.js";
import { picture } from "./paint.js";
import { count } from "./words.js";

const RECIPE = [
  ["trim", "Trim"],
  ["resize", "Resize"],
  ["sharpen", "Sharpen"],
  ["centre", "Center"],
  ["invert", "Invert"],
  ["grayscale", "Grayscale"],
];
// Steps without a choice. The server only fits photos for networks that learned from images of another making.
const FIXED = { photo: "Photo", fit: "Fit", grayscale: "Grayscale" };

export function photo(run, take) {
  let file = null;
  const off = new Set();
  const input = h("input", {
    type: "file",
    accept: "image/png,image/jpeg,image/webp,image/bmp",
    id: "file",
    class: "unseen",
    onchange: () => {
      if (input.files[0]) use(input.files[0]);
    },
  });
  const drop = h(
    "label",
    { class: "drop", for: "file" },
    h("strong", {}, "Choose a photo"),
    h(
      "span",
      { class: "small soft" },
      "or drop it here. One object, photographed like the training images, works best. The photo is sent only to " +
        "this server.",
    ),
  );
  const stages = h("ol", { class: "stages", "aria-label": "Preparation steps of the photo" });
  const trouble = h("p", { class: "small trouble", role: "alert" });
  const element = h("div", { class: "photo" }, input, drop, trouble, stages);

  for (const name of ["dragover", "dragenter"])
    element.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  element.addEventListener("dragleave", () => drop.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) use(event.dataTransfer.files[0]);
  });

  async function use(chosen) {
    file = chosen;
    await again();
  }
  async function again() {
    if (!file) return;
    trouble.textContent = "";
    try {
      const steps = RECIPE.map(([name]) => name).filter((name) => !off.has(name));
      const answer = await send("/api/photo", { image: file, run, ...(off.size && { steps: steps.join(",") }) });
      show(answer.stages);
      take(decode(answer.stages.at(-1).image));
    } catch (error) {
      trouble.textContent = error.message;
    }
  }
  function show(list) {
    const focused = document.activeElement?.dataset?.step;
    stages.replaceChildren(
      ...list.map((stage) => {
        const canvas = h("canvas", { "aria-hidden": "true" });
        picture(canvas, decode(stage.image));
        const label =
          stage.step in FIXED
            ? h("span", {}, FIXED[stage.step])
            : h(
                "label",
                {},
                h("input", {
                  type: "checkbox",
                  "data-step": stage.step,
                  checked: !off.has(stage.step),
                  onchange: (event) => {
                    event.target.checked ? off.delete(stage.step) : off.add(stage.step);
                    again();
                  },
                }),
                RECIPE.find(([step]) => step === stage.step)[1],
              );
        return h(
          "li",
          { class: stage.done ? "" : "idle" },
          h("div", { class: "frame" }, canvas),
          label,
          h("span", { class: "small soft" }, stage.note),
        );
      }),
    );
    if (focused) stages.querySelector(`[data-step=${focused}]`)?.focus();
  }
  return element;
}

export function examples(run, detail, take) {
  let index = 0,
    size = 0,
    open = false;
  const field = h("input", {
    type: "number",
    min: 0,
    value: 0,
    class: "button index",
    "aria-label": "Number of the test image",
    onchange: () => go(Number(field.value)),
  });
  const of = h("span", { class: "small soft" });
  const missing = h("p", { class: "small soft" });
  const buttons = h(
    "div",
    { class: "row" },
    h(
      "button",
      { type: "button", class: "button", onclick: () => go(index - 1), "aria-label": "Previous test image" },
      "←",
    ),
    field,
    h(
      "button",
      { type: "button", class: "button", onclick: () => go(index + 1), "aria-label": "Next test image" },
      "→",
    ),
    h("button", { type: "button", class: "button", onclick: () => go(Math.floor(Math.random() * size)) }, "Random"),
    of,
  );
  const element = h("div", {}, buttons, missing);
  function go(to) {
    if (!size) return;
    index = (((Math.round(to) || 0) % size) + size) % size;
    field.value = index;
    take({ split: "test", index });
  }
  element.guide = (guide) => {
    const had = size;
    size = guide?.sizes?.test ?? 0;
    field.max = Math.max(size - 1, 0);
    buttons.hidden = !size;
    of.textContent = size ? `of ${count(size)}` : "";
    missing.textContent = size
      ? ""
      : guide?.images === "missing"
        ? `The images are not available: ${guide.reason}`
        : "Reading the images …";
    if (open && size && !had) go(index);
  };
  element.opened = () => {
    open = true;
    go(index);
  };
  element.guide(null);
  return element;
}
