// The minimap: the cards as rectangles over the canvas's own lines, names under the pointer, and whether it is shown at all.
// It follows the canvas once the browser has time for it: what somebody has just done to a card is seen at once.
import { $, card, cards, root, size } from "./editor.js";

const map = $("flow-map"), mini = $("flow-mini"), name = $("flow-map-name"), button = $("flow-map-toggle");
const key = "headrace-minimap";

const SVG = "http://www.w3.org/2000/svg";

function part(tag, facts) {
  const made = document.createElementNS(SVG, tag);
  for (const [fact, value] of Object.entries(facts)) made.setAttribute(fact, value);
  return made;
}
/** A rectangle where a card stands, in the colour of its state. */
function rectangle(one) {
  const [x, y, width] = one.parentElement.dataset.p.split(","), { step } = one.dataset;
  const kind = step === "trigger" ? "thumb-trigger" : "thumb-step", marks = ["flow-warn", "hit"].filter((mark) => one.classList.contains(mark));
  const look = [kind, ...marks.map((mark) => mark.replace("flow-", ""))].join(" ");
  return part("rect", { x, y, width, height: step === "trigger" ? 108 : 84, rx: 8, class: look, "data-step": step });
}
let asked = false;
const later = window.requestIdleCallback ? (run) => requestIdleCallback(run, { timeout: 1000 }) : (run) => setTimeout(run, 200);
function follow() {
  if (asked) return;
  asked = true;
  later(sketch);
}
function sketch() {
  asked = false;
  const picture = part("svg", { class: "flow-thumb", viewBox: `0 0 ${size().join(" ")}` });
  picture.append(part("use", { href: "#flow-edges" }), ...cards().map(rectangle));
  mini.replaceChildren(picture);
}
function show(shown) {
  map.hidden = !shown;
  name.hidden = true;
  button.setAttribute("aria-pressed", String(shown));
  if (shown) dispatchEvent(new Event("resize"));
}
/** The card next to a point of the map, unless none is near. */
function near(x, y) {
  const box = mini.getBoundingClientRect(), [width, height] = size(), k = Math.min(box.width / width, box.height / height);
  const at = [(x - box.x - (box.width - width * k) / 2) / k, (y - box.y - (box.height - height * k) / 2) / k];
  let best = null, least = 12 / k;
  for (const rect of mini.querySelectorAll("rect")) {
    const [left, top, wide, high] = ["x", "y", "width", "height"].map((part) => Number(rect.getAttribute(part)));
    const away = Math.hypot(Math.max(left - at[0], 0, at[0] - left - wide), Math.max(top - at[1], 0, at[1] - top - high));
    if (away < least) [best, least] = [rect, away];
  }
  return best;
}
map.addEventListener("pointermove", (event) => {
  const one = card(near(event.clientX, event.clientY)?.dataset.step || "");
  name.hidden = !one;
  if (!one) return;
  const needs = one.querySelector(".flow-needs")?.textContent;
  name.textContent = [one.querySelector(".flow-title").textContent, needs].filter(Boolean).join(" · ");
  const body = map.parentElement.getBoundingClientRect();
  name.style.right = `${body.right - event.clientX + 12}px`;
  name.style.bottom = `${body.bottom - event.clientY + 6}px`;
});
map.addEventListener("pointerleave", () => { name.hidden = true; });
button.addEventListener("click", () => {
  show(map.hidden);
  localStorage.setItem(key, map.hidden ? "off" : "on");
});
root.addEventListener("flow:shown", () => { name.hidden = true; follow(); });
sketch();
show(localStorage.getItem(key) !== "off");
