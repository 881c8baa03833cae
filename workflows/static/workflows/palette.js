// The palette: which action shall stand at a place. It is searched by typing, has what was used last on top, and
// follows the draft: what the date that steps are timed by rules out, and what it allows again. The actions are fetched
// once the page has come to rest, or when somebody wants them before; what was typed until then counts.
// It is no modal dialog: these have the browser style the whole page anew, twice, which takes longer than all the rest.
import { fence } from "./branches.js";
import { $, card, editable, flushed, focusCard, open, root, tell } from "./editor.js";
import { spotOf } from "./places.js";

const palette = $("flow-palette"), scrim = $("flow-scrim"), search = $("flow-search"), options = $("flow-options"), recent = $("flow-recent"), loading = $("flow-loading");
const key = "headrace-recent-actions", KEPT = 5, REST = 3000, AGAIN = 5000;
let actions = [];
/** Under which heading each action stands that was not used lately. */
let home = new Map();
/** What is being fetched, what has been said since of what cannot be used, and how Enter was pressed meanwhile. */
let fetching = null, unfit = null, entered = null;
let place = "", spot = null;

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
  $("flow-none").hidden = !actions.length || all.length > 0 || shown().length > 0;
  choose(all.find((one) => "add" in one.dataset) || (actions.length ? all[0] : null));
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
  const facts = await flushed({ op: "insert", at: spot, step: { action: add } });
  if (!facts) return;
  if (quick) focusCard(card(facts.selected)); else await open(facts.selected);
}

/** Follow what the draft rules out by now. */
function follow() {
  for (const one of unfit ? actions : []) {
    const reason = unfit[one.dataset.add] || "", text = one.querySelector(".small.muted");
    if (reason) one.setAttribute("aria-disabled", "true");
    else one.removeAttribute("aria-disabled");
    text.dataset.text ??= text.textContent;
    const told = reason || text.dataset.text;
    if (text.textContent !== told) text.textContent = told;
  }
}
/** From the search to the links and round again: what lies behind the palette waits. */
function next(by) {
  const stops = [search, ...palette.querySelectorAll("a[href]")];
  stops[(stops.indexOf(document.activeElement) + by + stops.length) % stops.length].focus();
}
/** For the mouse and fingers; the keyboard has Shift+Enter, as the hint below says. */
function prepare(one) {
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
function offer(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  actions = [...made.content.querySelectorAll("[data-add]")];
  home = new Map(actions.map((one) => [one, one.parentElement]));
  actions.forEach(prepare);
  options.append(made.content);
  follow();
  if (!palette.open) return;
  fence(palette, place);
  arrange();
  narrow();
  if (entered) pick(shown().find((one) => one.getAttribute("aria-selected") === "true"), entered.quick);
}
/** Say in the palette how far the fetching is; nothing once there is something to choose. */
function say(text) {
  loading.hidden = !text;
  if (text && loading.textContent !== text) loading.textContent = text;
  options.ariaBusy = String(Boolean(text));
}
async function ask() {
  unfit = null;
  const answer = await fetch(palette.dataset.url).catch(() => null);
  if (answer?.ok && !answer.redirected) offer(await answer.text());
  say(actions.length ? "" : loading.dataset.lost);
  if (!actions.length && palette.open) setTimeout(() => { if (palette.open) load(); }, AGAIN);
}
/** Fetch the actions, unless they are here or on their way. */
function load() {
  if (actions.length) return;
  say(loading.dataset.loading);
  fetching ??= ask().finally(() => { fetching = null; });
}
if (editable) {
  if (window.requestIdleCallback) requestIdleCallback(load, { timeout: REST }); else setTimeout(load, REST);
  addEventListener("online", load);
}

root.addEventListener("flow:add", ({ detail }) => {
  place = detail;
  spot = spotOf(place);
  search.value = "";
  entered = null;
  tell("adding");
  load();
  fence(palette, place);
  arrange();
  scrim.hidden = false;
  palette.show();
  search.focus();
  narrow();
});
search.addEventListener("input", narrow);
palette.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); return palette.close(); }
  if (event.key === "Tab") { event.preventDefault(); return next(event.shiftKey ? -1 : 1); }
  if (event.target.closest("a")) return;
  const all = shown(), at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]); }
  else if (event.key === "Enter") { event.preventDefault(); if (at < 0 && fetching) entered = { quick: event.shiftKey }; else pick(all[at], event.shiftKey); }
});
palette.addEventListener("close", () => {
  entered = null;
  scrim.hidden = true;
});
scrim.addEventListener("click", () => palette.close());
// The keyboard stays with the search, whatever is clicked.
palette.addEventListener("mousedown", (event) => { if (!event.target.closest("input, a")) event.preventDefault(); });
palette.addEventListener("click", (event) => {
  const one = event.target.closest(".flow-option");
  if (one) pick(one, event.shiftKey || Boolean(event.target.closest(".flow-quick")));
});
root.addEventListener("flow:shown", ({ detail }) => {
  ({ unfit } = detail);
  follow();
});
