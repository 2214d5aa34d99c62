// The page's elements: creating them, moving among them by keyboard, and announcing changes to screen readers.

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

let later = 0;
// Announces a text to screen readers. A text that follows within half a second replaces the one before.
export function say(text) {
  clearTimeout(later);
  later = setTimeout(() => {
    document.getElementById("said").textContent = text;
  }, 500);
}

// A row of buttons, exactly one of which is pressed.
export function segments(label, choices, chosen, choose) {
  const buttons = choices.map(([value, text]) =>
    h(
      "button",
      {
        type: "button",
        "data-value": value,
        "aria-pressed": String(value === chosen),
        onclick: () => {
          press(value);
          choose(value);
        },
      },
      text,
    ),
  );
  const press = (value) =>
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === value)));
  const group = h("div", { class: "segments", role: "group", "aria-label": label }, buttons);
  group.press = press;
  return group;
}

// Roving tabindex: Tab reaches one of the elements, and the arrow keys move among them.
export function roving(container, elements, columns = 0) {
  const focus = (index) => {
    const next = elements[Math.max(0, Math.min(elements.length - 1, index))];
    elements.forEach((element) => {
      element.tabIndex = element === next ? 0 : -1;
    });
    next.focus();
  };
  elements.forEach((element, index) => {
    element.tabIndex = index ? -1 : 0;
  });
  container.addEventListener("keydown", (event) => {
    const index = elements.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns || 1, ArrowUp: -(columns || 1) }[event.key];
    if (index < 0 || !(step || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    focus(event.key === "Home" ? 0 : event.key === "End" ? elements.length - 1 : index + step);
  });
}
