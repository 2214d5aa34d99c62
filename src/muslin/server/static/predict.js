// Predict: the image on the left, the prediction on the right, every layer's output below.

import { decode, get, place, post } from "./api.js";
import { answer } from "./answer.js";
import { h, say, segments } from "./dom.js";
import { layers } from "./layers.js";
import { examples, photo } from "./sources.js";
import { surface } from "./surface.js";
import { percent, plain } from "./words.js";

const LOOKS = [
  ["image", "Image"],
  ["evidence", "Evidence"],
  ["occlusion", "Occlusion"],
];

export function predict(main, { run, detail, still }) {
  // A drawing is gray on black: nothing that a network for color images has learned from.
  const first = detail.input_shape[2] === 1 ? "draw" : "examples";
  const state = { source: first, look: "image", number: null, explanation: null, guide: null };
  const board = surface(detail.input_shape, (pixels) => ask({ pixels }));
  const caption = h("p", { class: "small soft legend" });
  const sources = {
    draw: h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "button", onclick: () => board.clear() }, "Clear"),
      h("p", { class: "small soft" }, "Draw with the mouse, a finger, or the arrow keys and Space."),
    ),
    photo: photo(run, (pixels) => {
      board.put(pixels);
      ask({ pixels: board.pixels() });
    }),
    examples: examples(run, detail, (example) => ask({ example })),
  };
  const holder = h("div", { class: "source" });
  const looks = segments("Overlay", LOOKS, "image", (value) => {
    state.look = value;
    state.look === "occlusion" ? again() : paint();
  });
  const said = answer(run, detail, (number) => {
    state.number = number === state.number ? null : number;
    again();
  });
  const strips = layers(run, detail, board);
  const choice = segments(
    "Image source",
    [
      ["draw", "Draw"],
      ["photo", "Photo"],
      ["examples", "Test images"],
    ],
    first,
    (value) => use(value),
  );

  main.replaceChildren(
    h("h2", { class: "unseen" }, "Predict"),
    h(
      "div",
      { class: "room" },
      h(
        "section",
        { class: "input", "aria-label": "Image" },
        h("div", { class: "row spread" }, choice),
        board.element,
        holder,
        looks,
        caption,
      ),
      said.element,
    ),
    strips.element,
  );

  function use(source) {
    state.source = source;
    holder.replaceChildren(sources[source]);
    board.drawable(source === "draw");
    if (source === "draw") board.clear();
    sources[source].opened?.(state.guide);
  }

  // One request at a time; while it runs, only the newest image waits.
  let asking = false,
    next = null,
    last = null;
  async function ask(image) {
    last = image;
    if (asking) {
      next = image;
      return;
    }
    asking = true;
    const began = performance.now();
    try {
      const body = { ...image, run, occlusion: state.look === "occlusion" };
      if (state.number !== null) body.number = state.number;
      const explanation = await post("/api/explain", body);
      if (!still()) return;
      state.explanation = explanation;
      if (image.example) board.put(decode(explanation.image));
      paint();
      said.show(
        explanation,
        performance.now() - began,
        state.source === "draw" && image.pixels?.flat(2).every((value) => value === 0),
      );
      strips.show(explanation);
      main.dataset.milliseconds = (performance.now() - began).toFixed(1);
      const { name, probability } = explanation.prediction;
      say(`${name}, ${percent(probability, 0)}${explanation.likeness?.unlike ? ". Out of distribution." : ""}`);
    } catch (error) {
      if (still()) said.fail(error.message);
    } finally {
      asking = false;
      if (next && still()) {
        const image = next;
        next = null;
        ask(image);
      }
    }
  }
  const again = () => {
    if (last) ask(last);
  };

  function paint() {
    const { explanation } = state;
    if (!explanation) return;
    const name = detail.classes[explanation.number];
    const found = state.look === "evidence" ? explanation.evidence : null;
    const hidden = state.look === "occlusion" ? explanation.occlusion : null;
    board.cover(found ? decode(found.values) : hidden ? decode(hidden) : null);
    if (state.look === "evidence" && !found)
      caption.textContent = "This design has no feature maps and therefore no class activation map.";
    else if (found)
      caption.replaceChildren(
        key("for"),
        ` evidence for ${name}, `,
        key("against"),
        found.method === "exact"
          ? " evidence against it. Exact class activation map of layer "
          : " evidence against it. Grad-CAM of layer ",
        h("code", {}, found.layer),
        ".",
      );
    else if (hidden)
      caption.replaceChildren(
        key("for"),
        ` covering this area lowers the probability of ${name}, by at most ${plain(100 * Math.max(hidden.high, 0), 0)} points.`,
      );
    else caption.textContent = "";
  }

  // Ask again while the server is still reading the run's images.
  let timer = 0;
  async function guide() {
    try {
      state.guide = await get(place(run, "guide"));
    } catch {
      state.guide = null;
    }
    if (!still()) return;
    said.guide(state.guide);
    sources.examples.guide(state.guide);
    if (state.guide?.images === "missing" && state.source === "examples" && !last) {
      choice.press("photo");
      use("photo");
    }
    strips.guide(state.guide);
    if (state.guide?.likeness === "here" && state.explanation && !state.explanation.likeness) again();
    if (!state.guide || state.guide.images === "coming" || state.guide.likeness === "coming")
      timer = setTimeout(guide, 1000);
  }
  use(first);
  guide();
  return () => clearTimeout(timer);
}

const key = (kind) => h("span", { class: `key ${kind}`, "aria-hidden": "true" });
