// The dialog of one feature map: the map enlarged, its filter, and its maximally activating patches.

import { decode, get, place } from "./api.js";
import { h, svg } from "./dom.js";
import { map, picture } from "./paint.js";
import { regionOf } from "./region.js";
import { plain } from "./words.js";

const MOST_KERNELS = 32;

export function unitDialog(run, detail, board) {
  const title = h("h2", { id: "unit-title" });
  const body = h("div", { class: "unit" });
  const close = h("button", { type: "button", class: "button", onclick: () => element.close() }, "Close");
  const element = h(
    "dialog",
    { "aria-labelledby": "unit-title" },
    h("div", { class: "row spread" }, title, close),
    body,
  );
  let back = null,
    guided = null;
  element.addEventListener("close", () => back?.focus());
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });

  async function open(layer, channel, values, opener) {
    back = opener;
    title.textContent = `${layer.name}, ${values.shape.length === 3 ? "map" : "unit"} ${channel}`;
    const filter = h("div", { class: "filter" }),
      strong = h("div", { class: "strong" });
    body.replaceChildren(h("div", { class: "pair" }, large(layer, channel, values)), filter, strong);
    if (!element.open) element.showModal();
    try {
      const found = await get(place(run, "layers", layer.name, "channels", channel));
      filter.replaceChildren(...kernels(found));
      strong.replaceChildren(...exciting(found));
    } catch (error) {
      filter.replaceChildren(h("p", { class: "small trouble", role: "alert" }, error.message));
    }
  }

  function large(layer, channel, values) {
    const [height, width] = values.shape.length === 3 ? values.shape.slice(1) : [1, 1];
    const canvas = h("canvas", { "aria-hidden": "true" }),
      image = h("canvas", { "aria-hidden": "true" });
    map(canvas, values, channel);
    picture(image, board.shown);
    const [tall, wide] = detail.input_shape;
    const field = svg("rect", { class: "field" }),
      spot = svg("rect", { class: "spot", width: 1, height: 1 });
    const words = h("p", { class: "small number" });
    function show(y, x) {
      const [top, left, bottom, right] = regionOf(layer, y, x, detail.input_shape);
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top }))
        field.setAttribute(name, value);
      spot.setAttribute("x", x);
      spot.setAttribute("y", y);
      words.textContent =
        height > 1
          ? `Row ${y}, column ${x}: ${plain(values.at((channel * height + y) * width + x))}. Receptive field: ${bottom - top}×${right - left} pixels.`
          : `${plain(values.at(channel))}. Receptive field: the whole image.`;
    }
    let at = 0;
    for (let i = 0; i < height * width; i++)
      if (values.bytes[channel * height * width + i] > values.bytes[channel * height * width + at]) at = i;
    const frame = h(
      "div",
      {
        class: "frame big",
        tabindex: 0,
        role: "slider",
        "aria-label": "Unit of the map",
        "aria-valuemin": 0,
        "aria-valuemax": height * width - 1,
        "aria-valuenow": at,
        style: { "aspect-ratio": `${width} / ${height}` },
      },
      canvas,
      svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, spot),
    );
    const move = (index) => {
      at = Math.max(0, Math.min(height * width - 1, index));
      frame.setAttribute("aria-valuenow", at);
      show(Math.floor(at / width), at % width);
      frame.setAttribute("aria-valuetext", words.textContent);
    };
    frame.addEventListener("pointermove", (event) => {
      const box = frame.getBoundingClientRect();
      move(
        Math.min(height - 1, Math.floor(((event.clientY - box.top) / box.height) * height)) * width +
          Math.min(width - 1, Math.floor(((event.clientX - box.left) / box.width) * width)),
      );
    });
    frame.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width }[event.key];
      if (step) {
        event.preventDefault();
        move(at + step);
      }
    });
    move(at);
    return [
      h(
        "figure",
        {},
        frame,
        h(
          "figcaption",
          { class: "small soft" },
          height > 1 ? "Feature map. The frame marks the selected unit." : "Value of the unit.",
        ),
      ),
      h(
        "figure",
        {},
        h(
          "div",
          { class: "frame big", style: { "aspect-ratio": `${wide} / ${tall}` } },
          image,
          svg("svg", { viewBox: `0 0 ${wide} ${tall}`, preserveAspectRatio: "none", "aria-hidden": "true" }, field),
        ),
        h("figcaption", { class: "small soft" }, words),
      ),
    ];
  }

  function kernels({ kernel, describes }) {
    if (!kernel) return [];
    const values = decode(kernel),
      [channels, height, width] = values.shape;
    const size = height * width,
      strength = [...Array(channels).keys()]
        .map((k) => {
          let sum = 0;
          for (let i = 0; i < size; i++) sum += values.at(k * size + i) ** 2;
          return [sum, k];
        })
        .sort((a, b) => b[0] - a[0])
        .slice(0, MOST_KERNELS);
    const tiles = strength.map(([, k]) => {
      const canvas = h("canvas", {
        role: "img",
        "aria-label": channels === 1 ? "Weights of the filter" : `Weights for input channel ${k}`,
      });
      map(canvas, values, k, { isSigned: true });
      return canvas;
    });
    return [
      h("h3", {}, "Filter"),
      h("div", { class: channels === 1 ? "kernels one" : "kernels" }, tiles),
      h(
        "p",
        { class: "small soft" },
        describes ? `Described from its weights: ${describes}. ` : "",
        channels === 1
          ? "Orange weights are positive, blue weights are negative."
          : `${tiles.length === channels ? `All ${channels}` : `The ${tiles.length} strongest of ${channels}`} input channels. Orange weights are positive, blue weights are negative.`,
      ),
    ];
  }

  function exciting({ units }) {
    const heading = h("h3", {}, "Maximally activating patches");
    if (!units.length)
      return [
        heading,
        h(
          "p",
          { class: "small soft" },
          guided?.units === "here"
            ? "This unit is zero for every test image."
            : guided?.images === "missing"
              ? "The test images are not available."
              : "Searching the test images …",
        ),
      ];
    const [tall, wide] = detail.input_shape;
    return [
      heading,
      h(
        "ul",
        { class: "thumbs large" },
        units.map(({ index, value, region: [top, left, bottom, right] }) =>
          h(
            "li",
            {},
            h(
              "div",
              { class: "frame" },
              h("img", {
                src: place(run, "images", "test", index),
                alt: `Test image ${index}`,
                width: 84,
                height: 84,
                loading: "lazy",
              }),
              svg(
                "svg",
                { viewBox: `0 0 ${wide} ${tall}`, preserveAspectRatio: "none", "aria-hidden": "true" },
                svg("rect", { class: "field", x: left, y: top, width: right - left, height: bottom - top }),
              ),
            ),
            h("span", { class: "small soft number" }, plain(value)),
          ),
        ),
      ),
      h(
        "p",
        { class: "small soft" },
        "Test images with the highest activation. The frame is the unit's receptive field.",
      ),
    ];
  }
  return {
    element,
    open,
    guide(guide) {
      guided = guide;
    },
  };
}
