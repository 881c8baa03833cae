// Elements of the criteria builder, and what every part of it knows of a criteria document.

const JOINS = ["all", "any", "none", "not_all"];
let serial = 0;

export const newId = () => `criteria-${++serial}`;
export const joins = JOINS;
export const joinOf = (group) => JOINS.find((join) => Array.isArray(group[join]));
export const isGroup = (node) => Boolean(node && joinOf(node));
export const isFilter = (node) => "property" in node;
export const newFilter = () => ({ property: "", operator: "" });

/** An element: attributes (false and null are left out, functions are listeners) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function labelled(text, control, { hidden = false } = {}) {
  control.id ||= newId();
  return h("div", { class: "criteria-field" }, h("label", { for: control.id, class: hidden && "visually-hidden" }, text), control);
}

/** Drawn once for each list of options that is kept, then copied: hundreds of filters have the same ones. */
const drawn = new WeakMap();

function drawOptions(options) {
  const box = h("select");
  let place = box;
  for (const option of options) {
    if (option.category && option.category !== place.label) box.append(place = h("optgroup", { label: option.category }));
    place.append(h("option", { value: option.value }, option.label));
  }
  drawn.set(options, box);
}

export function select(options, value, change, attributes = {}) {
  if (!drawn.has(options)) drawOptions(options);
  const box = drawn.get(options).cloneNode(true);
  for (const [name, text] of Object.entries(attributes)) box.setAttribute(name, text);
  box.value = value ?? "";
  if (box.selectedIndex < 0) box.selectedIndex = 0;
  box.addEventListener("change", (event) => change(event.target.value));
  return box;
}

/** What Django wants to see with every request that is no GET. */
export function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] || "";
}
