// The prediction: its class, the probability of every class, and the nearest training images.

import { place } from "./api.js";
import { h } from "./dom.js";
import { count, percent, plain } from "./words.js";

export function answer(run, detail, choose) {
  const name = h("strong", { class: "called" }, "–");
  const sure = h("span", { class: "sure number" });
  const truth = h("span", { class: "small soft" });
  const time = h("span", { class: "small soft number" });
  const trouble = h("p", { class: "small trouble", role: "alert" });
  const bars = detail.classes.map((each, number) => {
    const fill = h("i"),
      value = h("span", { class: "number" });
    const button = h(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        title: `Show the evidence for ${each}`,
        onclick: () => choose(number),
      },
      h("span", { class: "name" }, each),
      h("span", { class: "bar", "aria-hidden": "true" }, fill),
      value,
    );
    return { button, fill, value };
  });
  const alike = h("p", { class: "alike" });
  const about = h("p", { class: "small soft about" });
  const neighbors = h("ul", { class: "thumbs" });
  const element = h(
    "section",
    { class: "answer", "aria-label": "Prediction" },
    h(
      "div",
      { class: "verdict" },
      h("p", { class: "row spread small soft" }, h("span", {}, "Prediction"), time),
      h("p", { class: "headline" }, name, sure),
      truth,
      trouble,
    ),
    h(
      "div",
      { class: "bars", role: "group", "aria-label": "Class probabilities; select a class to see its evidence" },
      bars.map((bar) => bar.button),
    ),
    h("div", { class: "likeness" }, h("h3", {}, "Nearest training images"), alike, neighbors, about),
  );

  function show(explanation, milliseconds, empty) {
    const { prediction, label, number, likeness } = explanation;
    trouble.textContent = "";
    name.textContent = prediction.name;
    sure.textContent = percent(prediction.probability);
    time.textContent = `${milliseconds.toFixed(0)} ms`;
    truth.textContent = empty
      ? "The image is empty; the network always predicts a class."
      : label === null
        ? ""
        : label === prediction.number
          ? `Correct: the label is ${detail.classes[label]}.`
          : `Wrong: the label is ${detail.classes[label]}.`;
    truth.className = `small ${label === null || label === prediction.number ? "soft" : "wrong"}`;
    bars.forEach((bar, i) => {
      const share = prediction.probabilities[i];
      bar.fill.style.width = `${100 * share}%`;
      bar.value.textContent = percent(share);
      bar.button.setAttribute("aria-pressed", String(i === number));
      bar.button.classList.toggle("first", i === prediction.number);
    });
    if (likeness) showLikeness(likeness);
  }

  function showLikeness({ neighbours: near, loneliness, threshold, unlike, false_alarms, test_images }) {
    element.classList.toggle("unlike", unlike);
    alike.replaceChildren(
      unlike ? h("strong", {}, "Out of distribution. ") : "In distribution. ",
      `Distance to the tenth nearest training image: ${plain(loneliness)} (threshold ${plain(threshold)}).`,
    );
    about.textContent =
      false_alarms === null
        ? ""
        : `${percent(false_alarms)} of the ${count(test_images)} test images exceed the threshold, too.`;
    near.forEach((each, i) => {
      let item = neighbors.children[i];
      if (!item)
        neighbors.append(
          (item = h("li", {}, h("img", { width: 56, height: 56, alt: "" }), h("span", { class: "small" }))),
        );
      const source = place(run, "images", "train", each.index);
      if (item.firstChild.getAttribute("src") !== source) item.firstChild.src = source;
      item.firstChild.alt = `${detail.classes[each.number]}, distance ${plain(each.distance)}`;
      item.lastChild.textContent = detail.classes[each.number];
    });
  }

  return {
    element,
    show,
    fail(message) {
      trouble.textContent = message;
    },
    guide(guide) {
      if (neighbors.children.length) return;
      alike.textContent =
        !guide || guide.images === "coming"
          ? "Reading the run's images …"
          : guide.likeness === "missing"
            ? guide.reason
            : guide.likeness === "coming"
              ? `Searching the training images … ${percent(guide.progress, 0)}`
              : "";
    },
  };
}
