// Small line charts as SVG, in the page's own colors.

import { h, svg } from "./dom.js";

const WIDTH = 420,
  HEIGHT = 210,
  LEFT = 50,
  RIGHT = 14,
  TOP = 10,
  BOTTOM = 26;

// series: [{ name, color, points: [[x, y], …], dots, bars: [[x, low, high], …] }].
// format: writes a value of the y axis. across: name of the x axis. from, to: range of the y axis.
// level: { value, name } of a horizontal line. square: both axes run from 0 to 1. Otherwise the x axis has whole numbers.
export function chart(title, series, { format = String, across = "epoch", from, to, level, square = false } = {}) {
  const all = series.flatMap((each) => each.points),
    ys = all.map(([, y]) => y).concat(level ? [level.value] : []);
  if (!all.length)
    return h("figure", { class: "chart" }, h("h3", {}, title), h("p", { class: "small soft" }, "No data yet."));
  const xs = all.map(([x]) => x);
  const [left, right] = square ? [0, 1] : [Math.min(...xs), Math.max(...xs, Math.min(...xs) + 1)];
  const ticks = nice(from ?? Math.min(...ys), to ?? Math.max(...ys));
  const low = Math.min(ticks[0], from ?? Infinity),
    high = Math.max(ticks.at(-1), to ?? -Infinity);
  const x = (value) => LEFT + ((value - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const marks = square
    ? [0, 0.25, 0.5, 0.75, 1]
    : nice(left, right).filter((tick) => Number.isInteger(tick) && tick >= left && tick <= right);
  const words = series
    .filter((each) => each.points.length)
    .map((each) => `${each.name}: last value ${format(each.points.at(-1)[1])}`)
    .join("; ");
  const beaten = level && series.some((each) => each.points.at(-1)?.[1] > level.value); // the label goes to the side where no curve ends
  return h(
    "figure",
    { class: "chart" },
    h("h3", {}, title),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${words}.` },
      ticks.map((tick) => [
        svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) }),
        svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
      ]),
      marks.map((tick) =>
        svg("text", { x: x(tick), y: HEIGHT - 8, "text-anchor": "middle" }, square ? format(tick) : String(tick)),
      ),
      svg("text", { x: WIDTH - RIGHT, y: HEIGHT + 6, "text-anchor": "end" }, across),
      level && svg("line", { class: "base", x1: LEFT, x2: WIDTH - RIGHT, y1: y(level.value), y2: y(level.value) }),
      level &&
        svg("text", { x: WIDTH - RIGHT, y: y(level.value) + (beaten ? 14 : -5), "text-anchor": "end" }, level.name),
      square && svg("line", { class: "base", x1: x(0), x2: x(1), y1: y(0), y2: y(1) }),
      series.map((each) => [
        each.points.length > 1 &&
          svg("polyline", {
            class: "line",
            stroke: `var(--${each.color})`,
            points: each.points.map((point) => `${x(point[0])},${y(point[1])}`).join(" "),
          }),
        (each.bars ?? []).map(([at, bottom, top]) =>
          svg("line", {
            stroke: `var(--${each.color})`,
            "stroke-width": 1,
            x1: x(at),
            x2: x(at),
            y1: y(bottom),
            y2: y(top),
          }),
        ),
        (each.points.length === 1 || each.dots) &&
          each.points.map((point) =>
            svg("circle", { cx: x(point[0]), cy: y(point[1]), r: 3, fill: `var(--${each.color})` }),
          ),
      ]),
    ),
    h(
      "p",
      { class: "keys" },
      series.map((each) => h("span", {}, h("i", { style: { background: `var(--${each.color})` } }), each.name)),
    ),
  );
}

function nice(low, high) {
  if (low === high) {
    low -= 0.5;
    high += 0.5;
  }
  const rough = (high - low) / 4,
    power = 10 ** Math.floor(Math.log10(rough)),
    step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough - 1e-12);
  const ticks = [];
  for (let tick = Math.floor(low / step + 1e-9) * step; tick < high + step * 0.999; tick += step)
    ticks.push(Number(tick.toPrecision(10)));
  return ticks;
}
