// The forest plot of a study: for every alternative the difference in validation accuracy, with its interval.

import { h, svg } from "./dom.js";
import { count, plain, signed } from "./words.js";

const WIDTH = 400;
const FARTHEST = 4; // the axis ends at this multiple of the median distance from zero; an arrow marks what lies beyond

export function forest({ name, recipe, margin, images, findings }) {
  const reaches = findings
    .map(reach)
    .filter((value) => value > 0)
    .sort((a, b) => a - b);
  const most = Math.max(2 * margin, Math.min(reaches.at(-1) ?? 0, FARTHEST * (reaches[reaches.length >> 1] ?? 0)));
  const x = (value) => WIDTH / 2 + (Math.max(-most, Math.min(most, value)) / most) * (WIDTH / 2 - 6);
  const arrow = (value) => `M${x(value)} 4l${6 * Math.sign(value)} 6l${-6 * Math.sign(value)} 6z`;
  const mark = (value) =>
    Math.abs(value) > most ? svg("path", { d: arrow(value) }) : svg("circle", { cx: x(value), cy: 10, r: 4.5 });
  const plot = ({ difference, low, high, kind }) =>
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} 20`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "margin", x: x(-margin), width: x(margin) - x(-margin), y: -8, height: 36 }),
      svg("line", { class: "zero", x1: x(0), x2: x(0), y1: -8, y2: 28 }),
      difference !== null &&
        svg(
          "g",
          { "data-kind": kind },
          low !== null && svg("line", { class: "interval", x1: x(low), x2: x(high), y1: 10, y2: 10 }),
          mark(difference),
        ),
    );
  return [
    h(
      "p",
      { class: "soft" },
      `Each alternative was trained with recipe ${recipe} on the same seeds as the choice. The plot shows the choice's accuracy minus the alternative's in percentage points, on ${count(images)} validation images, with 95% intervals. Differences within the shaded ±${plain(margin)} points count as equal. Study: ${name}.`,
    ),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measured decisions" },
      h(
        "table",
        { class: "forest" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Choice and alternative", "← alternative better · choice better →", "Points", "Seeds", "Verdict"].map(
              (title, i) => h("th", { scope: "col", class: i === 2 || i === 3 ? "r" : "" }, title),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          findings.map((each) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, each.chosen, h("span", { class: "soft" }, ` vs. ${each.alternative}`)),
              h("td", {}, plot(each)),
              h(
                "td",
                { class: "r" },
                each.difference === null ? "–" : signed(each.difference),
                each.low !== null && h("span", { class: "small soft" }, ` ${signed(each.low)} to ${signed(each.high)}`),
              ),
              h("td", { class: "r" }, count(each.seeds)),
              h("td", { "data-kind": each.kind }, each.verdict),
            ),
          ),
        ),
      ),
    ),
  ];
}

// Distance from zero, in points, that a finding and its interval reach.
function reach({ low, high, difference }) {
  return Math.max(...[low, high, difference].map((value) => Math.abs(value ?? 0)));
}
