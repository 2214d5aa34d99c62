// Design: a diagram of the layers, and each layer with its numbers and the reason for it.

import { get, place } from "./api.js";
import { forest } from "./forest.js";
import { h, svg } from "./dom.js";
import { regionOf } from "./region.js";
import { count, percent, shape, short } from "./words.js";

const NAMES = {
  conv2d: "convolution",
  max_pool2d: "max pooling",
  avg_pool2d: "average pooling",
  global_avg_pool2d: "global average pooling",
  global_max_pool2d: "global max pooling",
  flatten: "flatten",
  dropout: "dropout",
  dense: "dense",
};
const USUAL = { stride: 1, dilation: 1, padding: "valid" }; // settings that are shown only where they differ
const COLORS = {
  conv2d: "c0",
  max_pool2d: "c2",
  avg_pool2d: "c2",
  global_avg_pool2d: "c2",
  global_max_pool2d: "c2",
  dense: "c1",
};

export async function design(main, { run, detail, still }) {
  const study = await get(place(run, "study"));
  if (!still()) return;
  const { comparison } = detail;
  main.replaceChildren(
    h(
      "div",
      { class: "view" },
      h(
        "section",
        { class: "lead" },
        h("h2", {}, detail.run.title || detail.run.design),
        detail.because && h("p", { class: "prose" }, detail.because),
      ),
      h(
        "dl",
        { class: "facts" },
        fact(
          "Parameters",
          count(detail.parameters),
          comparison &&
            `${percent(Math.abs(comparison.saved) / 100)} ${comparison.saved >= 0 ? "fewer" : "more"} than ${comparison.baseline}`,
        ),
        fact("MACs", short(detail.macs), "multiply-accumulates per image"),
        fact("Input", shape(detail.input_shape), "height × width × channels"),
        fact("Classes", count(detail.classes.length)),
      ),
      h(
        "section",
        {},
        h("h2", {}, "Architecture"),
        h(
          "div",
          { class: "scroll diagram", tabindex: 0, role: "region", "aria-label": "Diagram of the layers" },
          diagram(detail),
        ),
      ),
      h(
        "section",
        {},
        h("h2", {}, "Layers and their reasons"),
        h(
          "div",
          { class: "parts" },
          detail.layers.map((layer) => part(layer, detail)),
        ),
      ),
      study && h("section", {}, h("h2", {}, "Measured decisions"), forest(study)),
    ),
  );
}

const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, note && h("small", {}, note)));

function diagram(detail) {
  const boxes = [
    { name: "image", kind: "input", output_shape: detail.input_shape },
    ...detail.layers.filter((layer) => layer.kind !== "dropout"),
  ];
  const tallest = detail.input_shape[0],
    high = 150,
    middle = 100;
  const steps = boxes.map((box) => Math.max(104, box.name.length * 7.2 + 18)),
    starts = steps.map((_, i) => 4 + steps.slice(0, i).reduce((a, b) => a + b, 0));
  const width = starts.at(-1) + steps.at(-1);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} 250`, width, height: 250, role: "group", "aria-label": "Layers from left to right" },
    boxes
      .map((box, i) => {
        const places = box.output_shape.length === 3;
        const side = places
          ? Math.max(8, (high * box.output_shape[0]) / tallest)
          : Math.min(high, 14 + 14 * Math.log2(box.output_shape[0]));
        const channels = places ? box.output_shape[2] : 1;
        const deep = places ? Math.max(4, Math.min(60, 7 * Math.log2(channels + 1))) : 10;
        const step = steps[i],
          x = starts[i],
          top = middle - side / 2,
          slant = places ? side * 0.16 : 0;
        const color = `var(--${COLORS[box.kind] ?? "c4"})`;
        const face = svg("path", {
          d: `M${x} ${top + slant}l${slant} ${-slant}v${side}l${-slant} ${slant}z`,
          fill: color,
          "fill-opacity": 0.55,
        });
        const roof = svg("path", {
          d: `M${x} ${top + slant}l${slant} ${-slant}h${deep}l${-slant} ${slant}z`,
          fill: color,
          "fill-opacity": 0.8,
        });
        const body = svg("rect", { x, y: top + slant, width: deep, height: side, fill: color, rx: places ? 0 : 2 });
        const back = svg("path", {
          d: `M${x + deep} ${top + slant}l${slant} ${-slant}v${side}l${-slant} ${slant}z`,
          fill: color,
          "fill-opacity": 0.55,
        });
        const label = [
          svg("text", { x, y: 222 }, box.name),
          svg("text", { x, y: 238, class: "dim" }, shape(box.output_shape)),
        ];
        const arrow =
          i < boxes.length - 1 &&
          svg("path", {
            class: "arrow",
            d: `M${x + deep + slant + 6} ${middle}h${Math.max(4, step - deep - slant - 18)}`,
          });
        const drawn = places ? [roof, back, body] : [body];
        return box.kind === "input"
          ? svg("g", {}, drawn, label, arrow)
          : [
              svg(
                "a",
                {
                  href: `#layer-${box.name}`,
                  "aria-label": `${box.name}, ${NAMES[box.kind]}, ${shape(box.output_shape)}`,
                  onclick: (event) => {
                    event.preventDefault();
                    const target = document.getElementById(`layer-${box.name}`);
                    target.scrollIntoView();
                    target.focus({ preventScroll: true });
                  },
                },
                drawn,
                label,
              ),
              arrow,
            ];
      })
      .flat(),
  );
}

function part(layer, detail) {
  const places = layer.output_shape.length === 3;
  const [height, width] = detail.input_shape;
  const [top, left, bottom, right] = regionOf(
    layer,
    Math.floor(layer.output_shape[0] / 2),
    places ? Math.floor(layer.output_shape[1] / 2) : 0,
    detail.input_shape,
  );
  const settings = Object.entries(layer.settings).filter(
    ([name, value]) => value !== null && value !== "none" && USUAL[name] !== value,
  );
  return h(
    "article",
    { class: "part", id: `layer-${layer.name}`, tabindex: -1 },
    h(
      "div",
      { class: "sees" },
      svg(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          role: "img",
          "aria-label": `Receptive field of a unit in the middle: ${layer.sees}`,
        },
        svg("rect", { x: left, y: top, width: right - left, height: bottom - top }),
      ),
      h("span", { class: "small soft" }, layer.sees),
    ),
    h(
      "div",
      {},
      h("h3", {}, layer.name),
      h(
        "p",
        { class: "small soft" },
        NAMES[layer.kind],
        settings.length
          ? ` · ${settings.map(([name, value]) => `${name} ${Array.isArray(value) ? value.join("×") : value}`).join(", ")}`
          : "",
      ),
      h(
        "dl",
        {},
        line("Output", shape(layer.output_shape)),
        line("Parameters", layer.parameters ? `${count(layer.parameters)} (${percent(layer.share)})` : "none"),
        line("MACs", layer.macs ? count(layer.macs) : "none"),
      ),
    ),
    h(
      "p",
      { class: "prose" },
      layer.because || h("span", { class: "soft" }, "The design gives no reason for this layer."),
    ),
  );
}

const line = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
