// A step, or the trigger, at a glance: whoever rests on a card, with the mouse, the keyboard or a finger, sees all it is
// set to. Esc takes it away, and so does touching anything else.
const root = document.getElementById("flow"), list = root.querySelector(".flow-steps");
const REST = 600;
const box = Object.assign(document.createElement("div"), { id: "flow-glance", className: "flow-glance", hidden: true });
box.setAttribute("role", "tooltip");
root.append(box);
const known = new Map();
let timer = 0, shown = null;

function hide() {
  clearTimeout(timer);
  shown?.removeAttribute("aria-describedby");
  shown = null;
  box.hidden = true;
}
async function show(card) {
  const key = card.dataset.step;
  if (!known.has(key)) {
    const answer = await fetch(`${root.dataset.glance}?step=${encodeURIComponent(card.dataset.step)}`).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    known.set(key, await answer.text());
  }
  if (!card.isConnected || card !== wanted() || document.querySelector("dialog[open]")) return;
  box.innerHTML = known.get(key);
  box.hidden = false;
  place(card);
  card.setAttribute("aria-describedby", box.id);
  shown = card;
}
/** Beside the card, or below it where neither side has room, and inside the window. */
function place(card) {
  const at = card.getBoundingClientRect(), own = box.getBoundingClientRect(), edge = root.getBoundingClientRect().left + 8;
  const side = at.right + 12 + own.width < innerWidth ? at.right + 12 : at.left - own.width - 12, beside = side >= edge;
  const left = beside ? side : Math.max(edge, Math.min(at.left, innerWidth - own.width - 8)), top = beside ? at.top : at.bottom + 8;
  box.style.transform = `translate(${left}px, ${Math.max(8, Math.min(top, innerHeight - own.height - 8))}px)`;
}
let over = null;
function wanted() {
  const focused = document.activeElement;
  return over || (focused?.matches?.(".flow-card:focus-visible") ? focused : null);
}
/** Whether there is more to say of a card than its panel, when that is open, says already. */
const told = (card) => (card.dataset.path || card.dataset.step === "trigger") && !card.classList.contains("selected") && !root.classList.contains("moving");
function wait() {
  const card = wanted();
  if (card === shown) return;
  hide();
  if (card && told(card)) timer = setTimeout(show, REST, card);
}
// A card that is drawn under a mouse at rest was not looked for: only a mouse that moves counts.
list.addEventListener("pointermove", (event) => {
  const card = event.pointerType === "mouse" ? event.target.closest(".flow-card") : over;
  if (card !== over) { over = card; wait(); }
});
for (const part of [list, box]) part.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch" && !box.contains(event.relatedTarget) && !list.contains(event.relatedTarget)) { over = null; wait(); } });
/* A finger that rests on a card; one that only touches it opens the panel. */
let rests = 0, rested = false;
function lift() {
  clearTimeout(rests);
  rests = 0;
}
addEventListener("pointerdown", (event) => {
  rested = false;
  if (event.pointerType !== "touch" || box.contains(event.target)) return;
  const card = list.contains(event.target) ? event.target.closest(".flow-card") : null;
  lift();
  hide();
  over = null;
  if (card && told(card)) rests = setTimeout(() => { rests = 0; rested = true; over = card; show(card); }, REST);
}, { capture: true });
for (const name of ["pointerup", "pointercancel"]) addEventListener(name, lift);
// What a browser offers for a link that is held would cover what the card has to say.
list.addEventListener("contextmenu", (event) => { if (rests || rested) event.preventDefault(); });
list.addEventListener("click", (event) => {
  if (!rested) return;
  rested = false;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });
root.addEventListener("flow:shown", () => known.clear());
list.addEventListener("focusin", wait);
list.addEventListener("focusout", () => setTimeout(wait));
list.addEventListener("click", hide);
document.getElementById("flow-view").addEventListener("scroll", () => { hide(); wait(); }, { passive: true });
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) event.stopImmediatePropagation();
  if (event.key !== "Tab" && event.key !== "Shift") hide();
  rested = false;
}, { capture: true });
