// What the network says: the class, all probabilities, what in training is like the image.

import { place } from "./api.js";
import { count, h, percent, plain } from "./dom.js";

export function answer(run, detail, choose) {
  const name = h("strong", { class: "called" }, "–");
  const sure = h("span", { class: "sure number" });
  const truth = h("span", { class: "small soft" });
  const time = h("span", { class: "small soft number" });
  const trouble = h("p", { class: "small trouble", role: "alert" });
  const bars = detail.classes.map((each, number) => {
    const fill = h("i"), value = h("span", { class: "number" });
    const button = h("button", { type: "button", "aria-pressed": "false", title: `Show the evidence for ${each}`, onclick: () => choose(number) },
      h("span", { class: "name" }, each), h("span", { class: "bar", "aria-hidden": "true" }, fill), value);
    return { button, fill, value };
  });
  const alike = h("p", { class: "alike" });
  const about = h("p", { class: "small soft about" });
  const neighbours = h("ul", { class: "thumbs" });
  const element = h("section", { class: "answer", "aria-label": "What the network says" },
    h("div", { class: "verdict" }, h("p", { class: "row spread small soft" }, h("span", {}, "The network says"), time), h("p", { class: "headline" }, name, sure), truth, trouble),
    h("div", { class: "bars", role: "group", "aria-label": "Probability of each class; press one to see its evidence" }, bars.map((bar) => bar.button)),
    h("div", { class: "likeness" }, h("h3", {}, "Nearest training images"), alike, neighbours, about));

  function show(explanation, milliseconds, empty) {
    const { prediction, label, number, likeness } = explanation;
    trouble.textContent = "";
    name.textContent = prediction.name;
    sure.textContent = percent(prediction.probability);
    time.textContent = `${milliseconds.toFixed(0)} ms`;
    truth.textContent = empty ? "Nothing is drawn yet; it has to name something even so." : label === null ? "" : label === prediction.number ? `It is: ${detail.classes[label]}.` : `It is not: this is a ${detail.classes[label]}.`;
    truth.className = `small ${label === null || label === prediction.number ? "soft" : "wrong"}`;
    bars.forEach((bar, i) => {
      const share = prediction.probabilities[i];
      bar.fill.style.width = `${100 * share}%`;
      bar.value.textContent = percent(share);
      bar.button.setAttribute("aria-pressed", String(i === number));
      bar.button.classList.toggle("first", i === prediction.number);
    });
    if (likeness) alikeness(likeness);
  }

  function alikeness({ neighbours: near, loneliness, threshold, unlike, false_alarms, test_images }) {
    element.classList.toggle("unlike", unlike);
    alike.replaceChildren(unlike ? h("strong", {}, "Unlike anything in training. ") : "Like what it was trained on. ",
      `Its tenth neighbour is at ${plain(loneliness)}; the line is drawn at ${plain(threshold)}.`);
    about.textContent = false_alarms === null ? "" : `Of ${count(test_images)} ordinary test images, ${percent(false_alarms)} are beyond that line too.`;
    near.forEach((each, i) => {
      let item = neighbours.children[i];
      if (!item) neighbours.append((item = h("li", {}, h("img", { width: 56, height: 56, alt: "" }), h("span", { class: "small" }))));
      const source = place(run, "images", "train", each.index);
      if (item.firstChild.getAttribute("src") !== source) item.firstChild.src = source;
      item.firstChild.alt = `${detail.classes[each.number]}, distance ${plain(each.distance)}`;
      item.lastChild.textContent = detail.classes[each.number];
    });
  }

  return {
    element, show,
    fail(message) { trouble.textContent = message; },
    guide(guide) {
      if (neighbours.children.length) return;
      alike.textContent = !guide || guide.images === "coming" ? "The run's images are being read …"
        : guide.likeness === "missing" ? guide.reason
        : guide.likeness === "coming" ? `Looking through the training images … ${percent(guide.progress, 0)}` : "";
    },
  };
}
