// Several steps at once: chosen with Shift or Ctrl, by keys or with a frame, then copied, moved or deleted together.
import { $, arrow, canvas, card, cards, editable, flushed, focusCard, here, openStep, root, selection, startMove, toast, view, words } from "./editor.js";

const bar = $("flow-picked"), told = $("flow-picked-told");
let anchor = "";
const steps = () => cards().filter((one) => one.dataset.path);
const tell = (what, detail) => root.dispatchEvent(new CustomEvent(`flow:${what}`, { detail }));

function draw() {
  for (const id of [...selection]) if (!card(id)) selection.delete(id);
  const paths = [...selection].map((id) => `${card(id).dataset.path}.`);
  for (const one of steps()) {
    const picked = selection.has(one.dataset.step);
    one.classList.toggle("picked", picked);
    one.classList.toggle("covered", !picked && paths.some((path) => one.dataset.path.startsWith(path)));
    if (picked) one.setAttribute("aria-description", words.selected);
    else one.removeAttribute("aria-description");
  }
  const text = selection.size ? words.picked.replace("%n", selection.size) : "";
  bar.hidden = !selection.size;
  bar.querySelector("strong").textContent = text;
}
function changed() {
  const had = !bar.hidden;
  draw();
  told.textContent = selection.size ? words.picked.replace("%n", selection.size) : had ? words.unpicked : "";
}
/** Select these steps and no others. */
export function choose(ids) {
  selection.clear();
  for (const id of ids) selection.add(id);
  changed();
}
function clear() {
  const back = card(anchor) || card([...selection][0]);
  choose([]);
  back?.focus({ preventScroll: true });
}
function toggle(one) {
  const id = one.dataset.step;
  if (!selection.delete(id)) selection.add(id);
  anchor = id;
  changed();
}
/** Select everything between the step chosen last and this one, in reading order. */
function reach(one) {
  const all = steps(), from = all.indexOf(card(anchor) || card(openStep())), to = all.indexOf(one);
  for (const each of all.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1)) selection.add(each.dataset.step);
  if (from < 0) anchor = one.dataset.step;
  changed();
}
/** Go on to the next card and take it along; going back over selected cards lets go of them again. */
function stretch(one, key) {
  if (!selection.size) anchor = one.dataset.step;
  selection.add(one.dataset.step);
  arrow(key);
  const next = here();
  if (next?.dataset.path && next !== one) {
    if (selection.has(next.dataset.step)) selection.delete(one.dataset.step);
    else selection.add(next.dataset.step);
  }
  changed();
}
export async function remove(ids) {
  const facts = await flushed({ op: "delete_steps", steps: ids });
  if (!facts) return;
  choose([]);
  focusCard(card(facts.selected) || cards().at(-1));
  toast(words.deleted_steps.replace("%n", ids.length), words.undo, () => flushed({ op: "undo" }));
}

/* By mouse and finger */
canvas.addEventListener("mousedown", (event) => { if (event.shiftKey && event.target.closest(".flow-card")) event.preventDefault(); });
canvas.addEventListener("click", (event) => {
  const one = event.target.closest(".flow-card");
  if (!one || root.classList.contains("moving")) return;
  const together = event.ctrlKey || event.metaKey || (selection.size && event.pointerType === "touch");
  if (!event.shiftKey && !together) { if (selection.size) choose([]); anchor = one.dataset.step; return; }
  event.preventDefault();
  event.stopPropagation();
  if (!one.dataset.path) return;
  one.focus({ preventScroll: true });
  if (event.shiftKey) reach(one); else toggle(one);
}, true);
/** With Shift, dragging on the background draws a frame; the steps in it are selected. */
view.addEventListener("pointerdown", (event) => {
  if (!event.shiftKey || event.button || event.target.closest("a, button")) return;
  event.preventDefault();
  event.stopPropagation();
  const frame = Object.assign(document.createElement("div"), { className: "flow-band" }), { clientX: x, clientY: y } = event;
  root.append(frame);
  const draw = (move) => {
    frame.style.left = `${Math.min(x, move.clientX)}px`;
    frame.style.top = `${Math.min(y, move.clientY)}px`;
    frame.style.width = `${Math.abs(x - move.clientX)}px`;
    frame.style.height = `${Math.abs(y - move.clientY)}px`;
  };
  addEventListener("pointermove", draw);
  addEventListener("pointerup", () => {
    removeEventListener("pointermove", draw);
    const box = frame.getBoundingClientRect();
    frame.remove();
    for (const one of steps()) {
      const at = one.parentElement.getBoundingClientRect();
      if (at.left < box.right && at.right > box.left && at.top < box.bottom && at.bottom > box.top) selection.add(one.dataset.step);
    }
    changed();
  }, { once: true });
}, true);
root.addEventListener("flow:select", ({ detail }) => toggle(card(detail)));

/* By keyboard: before the editor's own keys, which are about one step */
addEventListener("keydown", (event) => {
  const { key } = event, ctrl = event.ctrlKey || event.metaKey, one = here(), real = one?.dataset.path;
  if (document.querySelector("dialog[open]") || event.target.closest("input, textarea, select, [contenteditable], .flow-panel")) return;
  const run = (action) => { event.preventDefault(); event.stopPropagation(); action(); };
  if (event.shiftKey && !event.altKey && key.startsWith("Arrow") && real) return run(() => stretch(one, key));
  if (key === " " && real && event.target === one) return run(() => toggle(one));
  if (ctrl && key.toLowerCase() === "a" && (one || view.contains(event.target))) return run(() => choose(steps().map((each) => each.dataset.step)));
  if (!selection.size || root.classList.contains("moving")) return;
  if (key === "Escape") return run(clear);
  if (event.target.closest("#flow-picked") || !editable) return;
  if (key === "Delete" || key === "Backspace") return run(() => remove([...selection]));
  if (key === "m" && !ctrl) return run(() => startMove([...selection]));
}, true);
bar.addEventListener("click", (event) => {
  const what = event.target.closest("[data-pick]")?.dataset.pick, ids = [...selection];
  if (what === "copy") tell("copy", ids);
  else if (what === "move") startMove(ids);
  else if (what === "delete") remove(ids);
  else if (what === "clear") clear();
});
root.addEventListener("flow:shown", () => { if (!bar.hidden) draw(); });
