// The workflow editor: the server draws; this sends operations, patches what came back, and moves the view.
import { mount } from "../records/criteria.js";
import { branchOp } from "./branches.js";
import { calm, inTurn, reach, resting, waiting } from "./connection.js";
import { picture, show as draw } from "./drawing.js";
import { spotOf } from "./places.js";

export const $ = (id) => document.getElementById(id);
export const root = $("flow"), view = $("flow-view"), canvas = $("flow-canvas");
const sizer = $("flow-sizer"), panel = $("flow-panel");
export const words = JSON.parse($("flow-words").textContent);
export const editable = "editable" in root.dataset;
/** The ids of the steps that are selected together; selecting.js keeps it. */
export const selection = new Set();
const viewKey = `headrace-view-${root.dataset.key}`, foldKey = `headrace-collapsed-${root.dataset.key}`;
export const collapsed = new Set(JSON.parse(localStorage.getItem(foldKey) || "[]"));
export const csrf = () => document.querySelector("meta[name=csrf-token]")?.content || document.querySelector("[name=csrfmiddlewaretoken]").value;
let rev = Number(root.dataset.rev), zoom = 1, moving = [], before = null, lastFocus = "";

/* Drawing */
function show(facts) {
  rev = facts.rev;
  // What they offer to undo is not what was done last any more.
  for (const old of document.querySelectorAll(".toast[data-rev]")) if (Number(old.dataset.rev) !== rev) old.remove();
  if (!draw(facts)) reload();
  canvas.dataset.size = `${facts.width},${facts.height}`;
  $("flow-saved").textContent = facts.saved;
  $("flow-saved").classList.remove("bad");
  for (const name of ["undo", "redo"]) { $(`flow-${name}`).disabled = !facts[name]; $(`flow-${name}`).title = facts[name]; }
  $("flow-problems").hidden = !facts.problems;
  $("flow-problems").firstElementChild.textContent = facts.problems;
  $("flow-settings").classList.toggle("flow-warn", facts.wrong_settings);
  if (document.activeElement !== $("flow-name")) $("flow-name").value = $("flow-name").defaultValue = facts.name;
  if (openStep() && !card(openStep())) closePanel(false);
  else if (facts.panel && facts.step === openStep()) refill(facts.panel, facts.redraw);
  resize(); mark();
  root.dispatchEvent(new CustomEvent("flow:shown", { detail: facts }));
}

/* Talking to the server: one request at a time, in order */
function refused(text, action, run) {
  $("flow-saved").textContent = words.failed;
  $("flow-saved").classList.add("bad");
  toast(text || words.failed, action, run);
  return null;
}
function accept(answer, facts) {
  if (answer.ok) { show(facts); return facts; }
  return refused(facts.conflict || facts.errors?.map((error) => error.message).join(" "));
}
const asked = (url, make) => () => [url(), { method: "POST", headers: { "X-CSRFToken": csrf(), Accept: "application/json" }, body: make() }];
/** `fits`: whether there is still a place for it; `again`: whether it means the same after somebody else's change. */
function send(url, make, fits = () => true, again = true) {
  return inTurn(async () => {
    if (!fits()) return refused(words.place_gone);
    const answer = await reach(asked(url, make)), facts = answer.redirected ? null : await answer.json().catch(() => null);
    if (!facts) return refused(answer.redirected ? words.logged_out : "", words.retry, () => send(url, make, fits, again));
    return answer.status === 409 ? conflict(facts, url, make, fits, again) : accept(answer, facts);
  });
}
function at(path, query) {
  const given = Object.entries({ ...query, seen: picture, collapsed: [...collapsed].join(" ") }).filter((pair) => pair[1]);
  return `${path}?${new URLSearchParams(given)}`;
}
/** Undo is about what was done last, and branches have numbers: after somebody else's change either means another one. */
const LAST = /^(undo|redo|.*_branch)$/;
/** An operation; its place, a path or what `spotOf` found for one, is told as it reads when it is sent. */
function op(body) {
  const key = ["at", "to"].find((name) => ["string", "function"].includes(typeof body[name])), meant = key && body[key];
  const spot = typeof meant === "string" ? spotOf(meant) : meant;
  const make = () => JSON.stringify({ op: spot ? { ...body, [key]: spot() } : body, rev });
  return send(() => at(root.dataset.ops, { step: openStep() }), make, () => !spot || spot() !== null, !LAST.test(body.op) && typeof body.keep !== "number");
}
/** Wait until what is being typed in the panel is stored. */
export function settled() { store(false, true); return calm(); }
export function flushed(body) { store(false, true); return op(body); }
/** What the server answers to a question, or null, with a word about why there is no answer. */
async function load(path, query) {
  const answer = await fetch(at(path, query)).catch(() => null);
  if (answer?.ok && !answer.redirected) return answer;
  toast(answer ? words.failed : words.unreachable);
  return null;
}
async function reload() {
  const answer = await load(location.pathname, { format: "json" });
  if (answer) show(await answer.json());
}
async function conflict(facts, url, make, fits, again) {
  $("flow-conflict-text").textContent = facts.conflict;
  $("flow-conflict").querySelector("[value=keep]").hidden = !again;
  const choice = await ask($("flow-conflict"));
  await reload();
  let kept = null;
  if (choice === "keep" && !fits()) refused(words.place_gone);
  else if (choice === "keep") {
    const answer = await reach(asked(url, make));
    kept = accept(answer, await answer.json());
  }
  if (openStep() && card(openStep())) await open(openStep(), false);
  return kept;
}
export function ask(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.showModal();
    dialog.onclick = (event) => { const button = event.target.closest("button[value]"); if (button) dialog.close(button.value); };
    dialog.onclose = () => resolve(dialog.returnValue);
  });
}
export function toast(text, action, run) {
  const box = document.createElement("div");
  box.className = "toast";
  box.append(Object.assign(document.createElement("div"), { className: "toast-text", textContent: text }));
  if (action === words.undo) box.dataset.rev = rev;
  if (action) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small", textContent: action });
    button.onclick = () => { box.remove(); run(); };
    box.append(button);
  }
  $("toasts").append(box);
  const fade = () => setTimeout(() => (box.matches(":hover, :focus-within") ? fade() : box.remove()), 9000);
  fade();
}

/* Cards */
export const card = (id) => root.querySelector(`a[data-step="${CSS.escape(id)}"]`);
export const cards = () => [...canvas.querySelectorAll(".flow-card")];
export const here = () => document.activeElement.closest?.(".flow-steps > li")?.querySelector(".flow-card");
export const openStep = () => new URLSearchParams(location.search).get("step") || "";
function mark() {
  for (const one of cards()) one.classList.toggle("selected", moving.length ? moving.includes(one.dataset.step) : one.dataset.step === openStep());
}
export function focusCard(one) {
  if (!one) return;
  one.focus({ preventScroll: true });
  one.scrollIntoView({ block: "center", inline: "center" });
}
export function arrow(key) {
  // The items stand where their cards do; asking a card that is not in view would have the browser style and lay it out.
  const from = here()?.parentElement.getBoundingClientRect();
  if (!from) return focusCard(cards()[0]);
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  let best = null, least = Infinity;
  for (const one of cards()) {
    const to = one.parentElement.getBoundingClientRect(), x = to.x + to.width / 2 - from.x - from.width / 2, y = to.y - from.y;
    const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along > 2 && along + aside * 2 < least) { least = along + aside * 2; best = one; }
  }
  focusCard(best);
}
export const belowOf = (one) => {
  const path = one.dataset.path;
  if (!path) return "steps.0";
  return path.replace(/\d+$/, (number) => Number(number) + 1);
};

/* The panel */
function fill(html) { panel.innerHTML = html; panel.hidden = false; tell("filled"); mount(panel); before = state(); }
/** Draw the panel anew, or, while somebody may be typing in it, only what the server says about it. */
function refill(html, redraw) {
  const focused = panel.contains(document.activeElement) && document.activeElement.id, top = panel.querySelector(".flow-fields")?.scrollTop;
  if (redraw && state() === before) {
    fill(html);
    panel.querySelector(".flow-fields").scrollTop = top;
    if (focused) $(focused)?.focus({ preventScroll: true });
    return;
  }
  const next = document.createElement("template");
  next.innerHTML = html;
  for (const part of panel.querySelectorAll("[data-live]")) {
    const now = next.content.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now && !part.contains(document.activeElement) && part.innerHTML !== now.innerHTML) part.replaceWith(now);
  }
  for (const field of panel.querySelectorAll("[id^=param_]")) {
    if (next.content.getElementById(field.id)?.ariaInvalid) field.ariaInvalid = "true";
    else field.removeAttribute("aria-invalid");
  }
  if (state() !== before && !timer) store(false);
}
const state = () => ($("flow-form") ? new URLSearchParams(new FormData($("flow-form"))).toString() : "");
/** The field where one goes on: the first that is wrong, or else the first. */
function first() {
  const found = [...panel.querySelectorAll(".flow-fields [aria-invalid]")].find((one) => one.checkVisibility()) || panel.querySelector(".flow-fields input:not([type=hidden]), .flow-fields select, .flow-fields textarea");
  return panel.querySelector(`[name="${found?.name}"]:checked`) || found || panel.querySelector("h2");
}
export async function open(step, focus = true) {
  if (openStep() && openStep() !== step) await settled();
  const answer = await load(root.dataset.panel, { step });
  if (!answer) return;
  history.replaceState(null, "", `?step=${encodeURIComponent(step)}`);
  fill(await answer.text());
  mark();
  lastFocus = step;
  card(step)?.scrollIntoView({ block: "center", inline: "center" });
  if (focus) first().focus({ preventScroll: true });
}
function closePanel(save = true) {
  if (save) store(false, true);
  const step = openStep();
  panel.hidden = true;
  panel.replaceChildren();
  history.replaceState(null, "", location.pathname);
  mark();
  (card(step || lastFocus) || cards()[0])?.focus({ preventScroll: true });
}
let timer = 0;
/** What each step was last set to, and what of it is on its way: what has to wait goes out as it is by then. */
const newest = {}, pending = {};
function store(redraw, now = false) {
  clearTimeout(timer);
  timer = 0;
  const form = $("flow-form");
  if (!form || !editable || (!redraw && state() === before)) return;
  if (!now) { timer = setTimeout(() => store(redraw, true), 500); return; }
  const step = openStep(), data = new FormData(form), held = resting() && pending[step];
  before = state();
  if (redraw || (held && newest[step].has("redraw"))) data.set("redraw", "1");
  newest[step] = data;
  if (held) return;
  const sent = send(() => at(root.dataset.panel, { step }), () => { newest[step].set("rev", rev); return newest[step]; });
  pending[step] = sent;
  sent.finally(() => { if (pending[step] === sent) delete pending[step]; });
}
panel.addEventListener("change", (event) => store(event.target.dataset.refresh === "panel" || Boolean(event.target.closest("[data-refresh]")), Boolean(event.target.closest("[data-refresh]"))));
panel.addEventListener("input", () => store(false));
panel.addEventListener("submit", (event) => { event.preventDefault(); closePanel(); });
panel.addEventListener("click", async (event) => {
  if (event.target.closest("[data-close]")) return closePanel();
  const button = event.target.closest("[data-branch]");
  if (!button) return;
  const step = openStep(), body = await branchOp(button, ask);
  if (body && await flushed({ ...body, step }) && body.op === "remove_branch") toast(words.removed, words.undo, () => op({ op: "undo" }));
});

/* What can be done with a step */
export const tell = (what, detail) => root.dispatchEvent(new CustomEvent(`flow:${what}`, { detail }));
const addAt = (path) => { if (editable) tell("add", path); };
const choiceButton = ({ value, textContent }) => Object.assign(document.createElement("button"), { type: "button", value, textContent });
const drop = (target) => target.closest?.(".flow-plus");
canvas.addEventListener("dragstart", (event) => {
  const one = event.target.closest?.(".flow-card[data-path]");
  if (!one || !editable) return event.preventDefault();
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", one.dataset.step);
  setTimeout(() => startMove(selection.has(one.dataset.step) ? [...selection] : [one.dataset.step], true));
});
canvas.addEventListener("dragover", (event) => { if (moving.length && drop(event.target)) event.preventDefault(); });
canvas.addEventListener("drop", (event) => { const plus = drop(event.target); if (moving.length && plus) { event.preventDefault(); moveTo(plus); } });
canvas.addEventListener("dragend", stopMove);
async function remove(one) {
  const step = one.dataset.step;
  let keep = null;
  if ("splits" in one.dataset) {
    const ways = JSON.parse(one.dataset.splits).map(([name, steps], value) => ({ value, textContent: name, steps })).filter((way) => way.steps);
    $("flow-keep").replaceChildren(...ways.map(choiceButton));
    const choice = ways.length ? await ask($("flow-delete")) : "none";
    if (!choice || choice === "cancel") return;
    keep = choice === "none" ? null : Number(choice);
  }
  if (openStep() === step) closePanel(false);
  const facts = await op({ op: "delete", step, keep });
  if (!facts) return;
  focusCard(card(facts.selected) || cards().at(-1));
  toast(words.deleted, words.undo, () => op({ op: "undo" }));
}
async function shift(one, by) {
  const at = one.dataset.path.match(/^(.*\.)(\d+)$/), index = Number(at[2]) + by;
  if (index < 0 || !canvas.querySelector(`[data-at="${at[1]}${index + (by > 0 ? 1 : 0)}"], [data-path="${at[1]}${index}"]`)) return;
  const step = one.dataset.step;
  if (await flushed({ op: "move", step, to: `${at[1]}${index + (by > 0 ? 1 : 0)}` })) focusCard(card(step));
}
export function startMove(ids, quiet) { moving = ids; root.classList.add("moving"); mark(); if (!quiet) toast(words.moving); }
async function moveTo(plus) {
  const [step, ...more] = moving, to = plus.dataset.at, steps = moving;
  stopMove();
  if (await flushed(more.length ? { op: "move_steps", steps, to } : { op: "move", step, to })) focusCard(card(step));
}
function stopMove() { moving = []; root.classList.remove("moving"); mark(); }
async function menu(step) {
  const one = card(step), path = one.dataset.path;
  const last = !canvas.querySelector(`[data-path="${belowOf(one)}"]`);
  const items = [["edit", true], ["select", true], ["duplicate", true], ["copy", true], ["up", !path.endsWith(".0")], ["down", !last], ["move", true], [collapsed.has(step) ? "expand" : "collapse", "splits" in one.dataset], ["delete", true]].filter((item) => item[1]);
  $("flow-menu-items").replaceChildren(...items.map(([value]) => choiceButton({ value, textContent: words[value] })));
  const choice = await ask($("flow-menu"));
  if (choice === "edit") open(step);
  else if (choice === "duplicate") duplicate(step);
  else if (choice === "select") tell("select", step);
  else if (choice === "copy") tell("copy", [step]);
  else if (choice === "up" || choice === "down") shift(one, choice === "up" ? -1 : 1);
  else if (choice === "move") startMove([step]);
  else if (choice === "collapse" || choice === "expand") fold(step);
  else if (choice === "delete") remove(one);
}
/** Hide or show the branches of a step; each browser remembers its own. */
export async function fold(step) {
  if (!collapsed.delete(step)) collapsed.add(step);
  localStorage.setItem(foldKey, JSON.stringify([...collapsed]));
  await reload();
  focusCard(card(step));
}
async function duplicate(step) { const facts = await flushed({ op: "duplicate", step }); if (facts) focusCard(card(facts.selected)); }
canvas.addEventListener("click", (event) => {
  const plus = event.target.closest(".flow-plus"), more = event.target.closest(".flow-more"), one = event.target.closest(".flow-card");
  if (plus && moving.length) moveTo(plus);
  else if (plus) addAt(plus.dataset.at);
  else if (more) menu(more.closest("li").querySelector(".flow-card").dataset.step);
  else if (event.target.closest(".flow-hidden")) fold(event.target.closest("li").querySelector(".flow-card").dataset.step);
  else if (one && !event.ctrlKey && !event.metaKey) { event.preventDefault(); open(one.dataset.step); }
});
for (const name of ["pointerover", "focusin"]) canvas.addEventListener(name, (event) => {
  const step = event.target.closest?.(".flow-card")?.dataset.step;
  for (const lane of canvas.querySelectorAll(".flow-lane")) lane.classList.toggle("lit", Boolean(step) && (lane.dataset.from === step || lane.dataset.to === step));
});

/* Zoom, pan, minimap */
export const size = () => canvas.dataset.size.split(",").map(Number);
function resize() {
  const [width, height] = size();
  sizer.style.width = `${Math.max(width * zoom, 0)}px`;
  sizer.style.height = `${height * zoom}px`;
  frame();
}
let settle = 0;
function scale(value) {
  zoom = Math.min(1.5, Math.max(0.28, value));
  canvas.style.transform = `scale(${zoom})`;
  root.classList.toggle("far", zoom < 0.45);
  $("flow-percent").textContent = `${Math.round(zoom * 100)} %`;
}
function setZoom(value, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const old = zoom, left = sizer.offsetLeft;
  const px = (view.scrollLeft + x - left) / old, py = (view.scrollTop + y) / old;
  scale(value);
  clearTimeout(settle);
  const done = () => { resize(); view.scrollLeft = px * zoom - x + sizer.offsetLeft; view.scrollTop = py * zoom - y; remember(); };
  settle = setTimeout(done, old === zoom ? 0 : 100);
}
const fit = () => setZoom(Math.min(1, (view.clientWidth - 24) / size()[0]));
function frame() {
  const box = $("flow-mini").getBoundingClientRect(), [width, height] = size();
  const k = Math.min(box.width / width, box.height / height), f = $("flow-frame").style;
  const dx = 6 + (box.width - width * k) / 2, dy = 6 + (box.height - height * k) / 2;
  f.transform = `translate(${dx + Math.max(0, (view.scrollLeft - sizer.offsetLeft) / zoom) * k}px, ${dy + (view.scrollTop / zoom) * k}px)`;
  f.width = `${Math.min(width, view.clientWidth / zoom) * k}px`;
  f.height = `${Math.min(height, view.clientHeight / zoom) * k}px`;
  $("flow-map").classList.toggle("needless", width * zoom <= view.clientWidth && height * zoom <= view.clientHeight);
}
const remember = () => localStorage.setItem(viewKey, JSON.stringify([zoom, view.scrollLeft, view.scrollTop]));
let idle = 0;
view.addEventListener("scroll", () => { frame(); clearTimeout(idle); idle = setTimeout(remember, 300); }, { passive: true });
view.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); const box = view.getBoundingClientRect(); setZoom(zoom * Math.exp(-event.deltaY / 400), event.clientX - box.x, event.clientY - box.y); } }, { passive: false });
view.addEventListener("pointerdown", (event) => {
  if (event.button || event.pointerType === "touch" || event.target.closest("a, button") || event.offsetX > view.clientWidth) return;
  const [x, y, left, top] = [event.clientX, event.clientY, view.scrollLeft, view.scrollTop];
  view.classList.add("panning");
  const drag = (move) => { view.scrollLeft = left + x - move.clientX; view.scrollTop = top + y - move.clientY; };
  addEventListener("pointermove", drag);
  addEventListener("pointerup", () => { removeEventListener("pointermove", drag); view.classList.remove("panning"); }, { once: true });
});
$("flow-map").addEventListener("click", (event) => {
  const box = $("flow-mini").getBoundingClientRect(), [width, height] = size(), k = Math.min(box.width / width, box.height / height);
  view.scrollLeft = ((event.clientX - box.x - (box.width - width * k) / 2) / k) * zoom - view.clientWidth / 2;
  view.scrollTop = ((event.clientY - box.y - (box.height - height * k) / 2) / k) * zoom - view.clientHeight / 2;
});
document.querySelector(".flow-zoom").addEventListener("click", (event) => {
  const what = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (what) ({ in: () => setZoom(zoom * 1.2), out: () => setZoom(zoom / 1.2), one: () => setZoom(1), fit })[what]();
});

/* Problems, keyboard */
function nextProblem() {
  const all = [...root.querySelectorAll(".flow-warn")];
  if (!all.length) return toast(words.no_problems);
  const every = cards(), from = every.indexOf(here() || card(openStep()));
  focusCard(all.find((one) => every.indexOf(one) > from) || all[0]);
}
addEventListener("keydown", (event) => {
  const { key } = event, typing = event.target.closest("input, textarea, select, [contenteditable]"), ctrl = event.ctrlKey || event.metaKey;
  if (document.querySelector("dialog[open]")) return;
  const one = here(), step = one?.dataset.step, real = one && step !== "trigger";
  const run = (action) => { event.preventDefault(); action(); };
  if (key === "F8") return run(nextProblem);
  if (key === "Escape" && moving.length) return run(stopMove);
  if (key === "Escape" && openStep()) return run(() => closePanel());
  if (typing) return;
  if (ctrl && key.toLowerCase() === "z" && editable) return run(() => flushed({ op: event.shiftKey ? "redo" : "undo" }));
  if (ctrl && key === "y" && editable) return run(() => flushed({ op: "redo" }));
  if (key === "?") return run(() => ask($("flow-keys")));
  if (key === "/") return run(() => $("flow-find").focus());
  if (!ctrl && key === "0") return run(fit);
  if (!ctrl && key === "1") return run(() => setZoom(1));
  if (event.target.closest("button, .flow-panel") && !event.target.closest(".flow-plus, .flow-more")) return;
  if (key.startsWith("Arrow") && (one || event.target === view)) {
    if (event.altKey && real && editable) return run(() => shift(one, key === "ArrowUp" ? -1 : 1));
    return run(() => arrow(key));
  }
  if (!ctrl && key === "c" && one && "splits" in one.dataset) return run(() => fold(step));
  if (!editable || !one) return;
  if (!ctrl && (key === "a" || key === "+")) return run(() => addAt(belowOf(one)));
  if (!real) return;
  if (!ctrl && key === "e") return run(() => open(step));
  if (!ctrl && key === "m") return run(() => startMove([step]));
  if (key === "Delete" || key === "Backspace") return run(() => remove(one));
  if (ctrl && key === "d") return run(() => duplicate(step));
});
for (const name of ["undo", "redo"]) $(`flow-${name}`)?.addEventListener("click", () => flushed({ op: name }));
$("flow-settings").addEventListener("click", (event) => { event.preventDefault(); open("_settings"); });
$("flow-help").addEventListener("click", () => ask($("flow-keys")));
$("flow-name")?.addEventListener("change", ({ target }) => { if (target.value.trim()) op({ op: "rename", name: target.value }); else target.value = target.defaultValue; });
$("flow-publish").addEventListener("click", async (event) => { if (waiting() || (openStep() && state() !== before)) { event.preventDefault(); await settled(); if (!resting()) location.href = $("flow-publish").href; } });
addEventListener("beforeunload", (event) => { if (waiting() || (openStep() && editable && before !== null && state() !== before)) event.preventDefault(); });

/* Begin */
mount(panel);
before = state();
const seen = JSON.parse(localStorage.getItem(viewKey) || "null");
if (seen) { scale(seen[0]); resize(); [, view.scrollLeft, view.scrollTop] = seen; } else { resize(); if (size()[0] > view.clientWidth) { view.scrollLeft = (size()[0] - view.clientWidth) / 2; } }
mark();
if (openStep()) {
  card(openStep())?.scrollIntoView({ block: "center", inline: "center" });
  if (panel.querySelector(".flow-fields [aria-invalid]")) first().focus();
}
addEventListener("resize", frame);
if (collapsed.size) reload();
root.dataset.ready = "";
