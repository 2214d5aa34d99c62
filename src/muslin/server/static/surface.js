// The input image: a drawing board that shows each pixel as the network receives it, below evidence and receptive fields.

import { h, svg } from "./dom.js";
import { overlay, picture } from "./paint.js";

export function surface([height, width, channels], changed) {
  const values = new Float32Array(width * height);
  let shown = { shape: [height, width, channels], bytes: new Uint8Array(width * height * channels) };
  const base = h("canvas", { class: "base", width, height, "aria-hidden": "true" });
  const above = h("canvas", { class: "above", "aria-hidden": "true" });
  const field = svg("rect", { class: "field", width: 0, height: 0 });
  const cursor = svg("circle", { class: "cursor", r: 0 });
  const marks = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    field,
    cursor,
  );
  const help = h(
    "span",
    { class: "unseen", id: "board-help" },
    "Arrow keys move the brush. Hold Space to draw while moving. Delete clears the image.",
  );
  const element = h(
    "div",
    {
      class: "board",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "drawing",
      "aria-label": `Image of ${height} by ${width} pixels`,
      "aria-describedby": "board-help",
      style: { "aspect-ratio": `${width} / ${height}` },
    },
    base,
    above,
    marks,
    help,
  );
  const radius = Math.max(width, height) / 22;
  let at = null,
    drawing = false,
    allowed = true,
    brush = [width / 2, height / 2],
    down = false;

  const render = () => picture(base, shown);
  function refresh() {
    const bytes = new Uint8Array(width * height * channels);
    for (let i = 0; i < values.length; i++) bytes.fill(Math.round(255 * values[i]), i * channels, (i + 1) * channels);
    shown = { shape: [height, width, channels], bytes };
    render();
    changed(pixels());
  }
  function dab(x, y) {
    const reach = Math.ceil(radius + 1);
    for (let row = Math.max(0, Math.floor(y) - reach); row <= Math.min(height - 1, y + reach); row++)
      for (let column = Math.max(0, Math.floor(x) - reach); column <= Math.min(width - 1, x + reach); column++) {
        const ink = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        values[row * width + column] = Math.max(values[row * width + column], 0.92 * ink);
      }
  }
  function line(to) {
    const from = at ?? to,
      steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let i = 0; i <= steps; i++)
      dab(from[0] + ((to[0] - from[0]) * i) / steps, from[1] + ((to[1] - from[1]) * i) / steps);
    at = to;
  }
  const where = (event) => {
    const box = element.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  element.addEventListener("pointerdown", (event) => {
    if (!allowed) return;
    element.setPointerCapture(event.pointerId);
    drawing = true;
    at = null;
    line(where(event));
    refresh();
  });
  element.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) line(where(each));
    refresh();
  });
  for (const end of ["pointerup", "pointercancel"])
    element.addEventListener(end, () => {
      drawing = false;
      at = null;
    });
  element.addEventListener("keydown", (event) => {
    if (!allowed) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (event.key === " ") {
      down = true;
      at = null;
      line([...brush]);
      refresh();
    } else if (step) {
      brush = [
        Math.min(width - 0.5, Math.max(0.5, brush[0] + step[0])),
        Math.min(height - 0.5, Math.max(0.5, brush[1] + step[1])),
      ];
      if (down) {
        line([...brush]);
        refresh();
      }
      point();
    } else return;
    event.preventDefault();
  });
  element.addEventListener("keyup", (event) => {
    if (event.key === " ") {
      down = false;
      at = null;
    }
  });
  element.addEventListener("focus", () => {
    if (element.matches(":focus-visible")) point();
  });
  element.addEventListener("blur", () => {
    down = false;
    cursor.setAttribute("r", 0);
  });
  function point() {
    cursor.setAttribute("cx", brush[0]);
    cursor.setAttribute("cy", brush[1]);
    cursor.setAttribute("r", allowed ? radius : 0);
  }

  function pixels() {
    const rows = [];
    for (let y = 0; y < height; y++) {
      const row = [];
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * channels;
        row.push(channels === 1 ? shown.bytes[from] : [...shown.bytes.slice(from, from + channels)]);
      }
      rows.push(row);
    }
    return rows;
  }
  function clear() {
    values.fill(0);
    refresh();
  }
  return {
    element,
    pixels,
    clear,
    get shown() {
      return shown;
    },
    put(image) {
      shown = { shape: image.shape, bytes: image.bytes };
      render();
    },
    drawable(yes) {
      allowed = yes;
      element.classList.toggle("fixed", !yes);
      cursor.setAttribute("r", 0);
    },
    cover(values) {
      above.hidden = !values;
      if (values) overlay(above, values);
    },
    // Outlines a region [top, left, bottom, right] in pixels; without one, removes the outline.
    outline(region) {
      const [top, left, bottom, right] = region ?? [0, 0, 0, 0];
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top }))
        field.setAttribute(name, value);
    },
  };
}
