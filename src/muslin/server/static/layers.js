// Every layer's output as a row of feature maps. Pointing at a unit outlines its receptive field on the image.

import { decode } from "./api.js";
import { h } from "./dom.js";
import { sheet } from "./paint.js";
import { regionOf } from "./region.js";
import { unitDialog } from "./unit.js";
import { plain, shape } from "./words.js";

export function layers(run, detail, board) {
  const dialog = unitDialog(run, detail, board);
  const rows = detail.layers.filter((layer) => layer.kind !== "dropout").map((layer) => row(layer));
  const element = h(
    "section",
    { class: "layers", "aria-labelledby": "layers-title" },
    h(
      "div",
      { class: "intro" },
      h("h2", { id: "layers-title" }, "Layer by layer"),
      h(
        "p",
        { class: "soft" },
        "Each tile is the feature map of one filter. Point at a unit to outline its receptive field on the image; click a tile to see the filter's weights.",
      ),
    ),
    rows.map((each) => each.element),
    dialog.element,
  );

  function row(layer) {
    const [channels, height, width] =
      layer.output_shape.length === 3
        ? [layer.output_shape[2], layer.output_shape[0], layer.output_shape[1]]
        : [layer.output_shape[0], 1, 1];
    const gap = height > 1 ? 1 : 0,
      columns = Math.min(channels, height > 1 ? 32 : 64);
    const tall = Math.ceil(channels / columns);
    const canvas = h("canvas", {
      width: columns * (width + gap) - gap,
      height: tall * (height + gap) - gap,
      "aria-hidden": "true",
    });
    const ring = h("i", { class: "ring", hidden: true });
    const strip = h(
      "div",
      {
        class: `strip${height === 1 ? " flat" : height > 16 ? " fine" : ""}`,
        role: "slider",
        tabindex: 0,
        "aria-label": `${layer.name}: feature map`,
        "aria-valuemin": 0,
        "aria-valuemax": channels - 1,
        "aria-valuenow": 0,
        "aria-valuetext": "map 0",
        "data-layer": layer.name,
        style: { "--columns": columns, "--rows": tall, "--width": `${columns * (height > 1 ? 36 : 18)}px` },
      },
      canvas,
      ring,
    );
    const note = h("p", { class: "small soft number note" });
    let values = null,
      chosen = 0;

    const top = (k) => {
      let best = k * height * width;
      for (let i = best; i < (k + 1) * height * width; i++) if (values.bytes[i] > values.bytes[best]) best = i;
      return best - k * height * width;
    };
    function choose(k, unit) {
      chosen = k;
      if (!values) return;
      const place = unit ?? top(k),
        y = Math.floor(place / width),
        x = place % width;
      const value = values.at(k * height * width + place);
      strip.setAttribute("aria-valuenow", k);
      strip.setAttribute("aria-valuetext", `map ${k}, ${unit === undefined ? "maximum" : "value"} ${plain(value)}`);
      ring.hidden = false;
      ring.style.left = `${(100 * ((k % columns) * (width + gap))) / canvas.width}%`;
      ring.style.top = `${(100 * (Math.floor(k / columns) * (height + gap))) / canvas.height}%`;
      ring.style.width = `${(100 * width) / canvas.width}%`;
      ring.style.height = `${(100 * height) / canvas.height}%`;
      board.outline(regionOf(layer, y, x, detail.input_shape));
      note.textContent =
        height > 1
          ? `map ${k}, row ${y}, column ${x}: ${plain(value)} · receptive field ${layer.sees}`
          : `${k < detail.classes.length && layer === detail.layers.at(-1) ? detail.classes[k] : `unit ${k}`}: ${plain(value)} · receptive field ${layer.sees}`;
    }
    function away() {
      ring.hidden = true;
      board.outline(null);
      note.textContent = "";
    }
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      const px = ((event.clientX - box.left) / box.width) * canvas.width,
        py = ((event.clientY - box.top) / box.height) * canvas.height;
      const column = Math.min(columns - 1, Math.floor(px / (width + gap))),
        line = Math.floor(py / (height + gap));
      const k = line * columns + column;
      if (k >= channels || k < 0) return null;
      const x = Math.min(width - 1, Math.floor(px - column * (width + gap))),
        y = Math.min(height - 1, Math.floor(py - line * (height + gap)));
      return [k, y * width + x];
    };
    const open = () => {
      if (values) dialog.open(layer, chosen, values, strip);
    };
    strip.addEventListener("pointermove", (event) => {
      const hit = at(event);
      hit ? choose(...hit) : away();
    });
    strip.addEventListener("pointerleave", () => {
      if (document.activeElement !== strip) away();
    });
    strip.addEventListener("click", (event) => {
      const hit = at(event);
      if (hit) {
        choose(...hit);
        open();
      }
    });
    strip.addEventListener("focus", () => {
      if (strip.matches(":focus-visible")) choose(chosen);
    });
    strip.addEventListener("blur", away);
    strip.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      if (step) choose(Math.max(0, Math.min(channels - 1, chosen + step)));
      else if (event.key === "Home" || event.key === "End") choose(event.key === "Home" ? 0 : channels - 1);
      else if (event.key === "Enter" || event.key === " ") open();
      else return;
      event.preventDefault();
    });
    return {
      name: layer.name,
      element: h(
        "div",
        { class: "layer" },
        h(
          "div",
          { class: "row spread" },
          h("h3", {}, layer.name, h("span", { class: "soft small number" }, ` ${shape(layer.output_shape)}`)),
          note,
        ),
        h("div", { class: "scroll" }, strip),
      ),
      show(output) {
        values = decode(output.values);
        sheet(canvas, values, columns, gap);
        if (!ring.hidden) choose(chosen);
      },
    };
  }
  return {
    element,
    show(explanation) {
      const outputs = new Map(explanation.layers.map((layer) => [layer.name, layer]));
      rows.forEach((each) => each.show(outputs.get(each.name)));
    },
    guide(guide) {
      dialog.guide(guide);
    },
  };
}
