// The palette: which action shall stand at a place. It is searched by typing, has what was used last on top, and
// follows the draft: what the date that steps are timed by rules out, and what it allows again.
import { fence } from "./branches.js";
import { $, card, flushed, focusCard, open, root, tell } from "./editor.js";

const palette = $("flow-palette"), search = $("flow-search"), recent = $("flow-recent");
const key = "headrace-recent-actions", KEPT = 5;
const actions = [...palette.querySelectorAll("[data-add]")];
/** Under which heading each action stands that was not used lately. */
const home = new Map(actions.map((one) => [one, one.parentElement]));
let place = "";

const recents = () => JSON.parse(localStorage.getItem(key) || "[]");
const usable = (one) => one.getAttribute("aria-disabled") !== "true";
const shown = () => [...palette.querySelectorAll(".flow-option:not([hidden])")];

/** What was used last stands on top, and nowhere else. */
function arrange() {
  for (const one of actions) home.get(one).append(one);
  const last = recents().map((slug) => actions.find((one) => one.dataset.add === slug));
  recent.append(...last.filter((one) => one && usable(one)));
}
function narrow() {
  const wanted = search.value.trim().toLowerCase();
  for (const one of palette.querySelectorAll(".flow-option")) one.hidden = "absent" in one.dataset || !one.textContent.toLowerCase().includes(wanted);
  for (const group of palette.querySelectorAll(".flow-group")) group.hidden = !group.querySelector("[data-add]:not([hidden])");
  const all = shown().filter(usable);
  $("flow-none").hidden = all.length > 0 || shown().length > 0;
  choose(all.find((one) => "add" in one.dataset) || all[0]);
}
function choose(one) {
  for (const other of palette.querySelectorAll(".flow-option")) other.setAttribute("aria-selected", String(other === one));
  search.setAttribute("aria-activedescendant", one?.id || "");
  one?.scrollIntoView({ block: "nearest" });
}
/** Put the chosen action there: with `quick` as a placeholder, to be set up later. */
async function pick(one, quick) {
  if (!one || !usable(one)) return;
  palette.close();
  if ("paste" in one.dataset) return tell(one.dataset.paste, place);
  const { add } = one.dataset;
  localStorage.setItem(key, JSON.stringify([add, ...recents().filter((slug) => slug !== add)].slice(0, KEPT)));
  const facts = await flushed({ op: "insert", at: place, step: { action: add } });
  if (!facts) return;
  if (quick) focusCard(card(facts.selected)); else await open(facts.selected);
}

root.addEventListener("flow:add", ({ detail }) => {
  place = detail;
  search.value = "";
  tell("adding");
  fence(palette, place);
  arrange();
  palette.showModal();
  narrow();
});
search.addEventListener("input", narrow);
palette.addEventListener("keydown", (event) => {
  const all = shown(), at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]); }
  else if (event.key === "Enter") { event.preventDefault(); pick(all[at], event.shiftKey); }
});
palette.addEventListener("click", (event) => {
  const one = event.target.closest(".flow-option");
  if (one) pick(one, event.shiftKey || Boolean(event.target.closest(".flow-quick")));
  else if (event.target === palette) palette.close();
});
root.addEventListener("flow:shown", ({ detail }) => {
  for (const one of actions) {
    const reason = detail.unfit[one.dataset.add] || "", text = one.querySelector(".small.muted");
    if (reason) one.setAttribute("aria-disabled", "true");
    else one.removeAttribute("aria-disabled");
    text.dataset.text ??= text.textContent;
    const told = reason || text.dataset.text;
    if (text.textContent !== told) text.textContent = told;
  }
});
// For the mouse and fingers; the keyboard has Shift+Enter, as the hint below says.
for (const one of actions) {
  one.id = `option-${one.dataset.add}`;
  one.tabIndex = -1;
  one.ariaSelected = "false";
  const quick = document.createElement("span");
  quick.className = "flow-quick";
  quick.title = palette.dataset.quick;
  quick.setAttribute("aria-hidden", "true");
  quick.append(document.querySelector('[data-zoom="in"] svg').cloneNode(true));
  one.append(quick);
}
