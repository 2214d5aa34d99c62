// Try it on: an image on the left, what the network makes of it on the right, its layers below.

import { decode, get, place, post } from "./api.js";
import { answer } from "./answer.js";
import { h, percent, say, segments } from "./dom.js";
import { layers } from "./layers.js";
import { examples, photo } from "./sources.js";
import { surface } from "./surface.js";

const LOOKS = [["image", "Image"], ["evidence", "Evidence"], ["occlusion", "Occlusion"]];

export function tryOn(main, { run, detail, still }) {
  const state = { source: "draw", look: "image", number: null, explanation: null, guide: null };
  const board = surface(detail.input_shape, (pixels) => ask({ pixels }));
  const caption = h("p", { class: "small soft legend" });
  const sources = {
    draw: h("div", { class: "row" },
      h("button", { type: "button", class: "button", onclick: () => board.clear() }, "Clear"),
      h("p", { class: "small soft" }, "Draw with a mouse, a finger, or the arrow keys and space.")),
    photo: photo(run, (pixels) => { board.put(pixels); ask({ pixels: board.pixels() }); }),
    examples: examples(run, detail, (example) => ask({ example })),
  };
  const holder = h("div", { class: "source" }, sources.draw);
  const looks = segments("What to see", LOOKS, "image", (value) => { state.look = value; state.look === "occlusion" ? again() : paint(); });
  const said = answer(run, detail, (number) => { state.number = number === state.number ? null : number; again(); });
  const strips = layers(run, detail, board, () => state.explanation);
  const choice = segments("Where the image comes from", [["draw", "Draw"], ["photo", "Photo"], ["examples", "Test images"]], "draw", (value) => use(value));

  main.replaceChildren(
    h("h2", { class: "unseen" }, "Try it on"),
    h("div", { class: "room" },
      h("section", { class: "input", "aria-label": "The image" }, h("div", { class: "row spread" }, choice), board.element, holder, looks, caption),
      said.element),
    strips.element);

  function use(source) {
    state.source = source;
    holder.replaceChildren(sources[source]);
    board.drawable(source === "draw");
    if (source === "draw") board.clear();
    sources[source].opened?.(state.guide);
  }

  // One question at a time; while it is under way only the newest is remembered.
  let asking = false, next = null, last = null;
  async function ask(image) {
    last = image;
    if (asking) { next = image; return; }
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
      said.show(explanation, performance.now() - began, state.source === "draw" && image.pixels?.flat(2).every((value) => value === 0));
      strips.show(explanation);
      main.dataset.milliseconds = (performance.now() - began).toFixed(1);
      const { name, probability } = explanation.prediction;
      say(`${name}, ${percent(probability, 0)}${explanation.likeness?.unlike ? ". Unlike anything in training." : ""}`);
    } catch (error) {
      if (still()) said.fail(error.message);
    } finally {
      asking = false;
      if (next && still()) { const image = next; next = null; ask(image); }
    }
  }
  const again = () => { if (last) ask(last); };

  function paint() {
    const { explanation } = state;
    if (!explanation) return;
    const name = detail.classes[explanation.number];
    const found = state.look === "evidence" ? explanation.evidence : null;
    const hidden = state.look === "occlusion" ? explanation.occlusion : null;
    board.cover(found ? decode(found.values) : hidden ? decode(hidden) : null);
    if (state.look === "evidence" && !found) caption.textContent = "This design has no feature maps, so there is no map of evidence.";
    else if (found) caption.replaceChildren(key("for"), ` speaks for ${name}, `, key("against"), found.method === "exact" ? " against it; exact, from the layer " : " against it; Grad-CAM on the layer ", h("code", {}, found.layer));
    else if (hidden) caption.replaceChildren(key("for"), ` covering this costs ${name} probability, up to ${percent(Math.max(hidden.high, 0), 0)}`);
    else caption.textContent = "";
  }

  // What the images of the run allow becomes known as they are read.
  let timer = 0;
  async function guide() {
    try { state.guide = await get(place(run, "guide")); } catch { state.guide = null; }
    if (!still()) return;
    said.guide(state.guide);
    sources.examples.guide(state.guide);
    strips.guide(state.guide);
    if (state.guide?.likeness === "here" && state.explanation && !state.explanation.likeness) again();
    if (!state.guide || state.guide.images === "coming" || state.guide.likeness === "coming") timer = setTimeout(guide, 1000);
  }
  guide();
  board.clear();
  return () => clearTimeout(timer);
}

const key = (kind) => h("span", { class: `key ${kind}`, "aria-hidden": "true" });
