// Find in names, settings and texts: the server looks, this walks through the hits and marks them.
import { $, card, cards, collapsed, focusCard, fold, root, words } from "./editor.js";

const box = $("flow-find"), out = $("flow-hits"), where = $("flow-where"), steps = $("flow-hit-steps");
let hits = [], at = -1, asked = "", timer = 0, turn = Promise.resolve();

function mark() {
  const found = new Set(hits.map((hit) => hit.step)), now = hits[at];
  for (const one of cards()) {
    one.classList.toggle("hit", found.has(one.dataset.step));
    one.classList.toggle("hit-now", one.dataset.step === now?.step);
  }
  for (const one of $("flow-mini").querySelectorAll("rect")) one.classList.toggle("hit", found.has(one.dataset.step));
  const count = now ? words.found.replace("%n", at + 1).replace("%m", hits.length) : String(hits.length);
  out.textContent = !asked ? "" : hits.length ? count : words.nothing;
  steps.hidden = hits.length < 2;
  where.hidden = !now;
  where.textContent = now ? [now.name, ...now.places].join(" · ") : "";
}
async function look(again = false) {
  clearTimeout(timer);
  timer = 0;
  const wanted = box.value.trim(), step = again ? hits[at]?.step : "";
  if (wanted === asked && !again) return;
  let found = [];
  if (wanted) {
    const answer = await fetch(`${root.dataset.find}?${new URLSearchParams({ q: wanted })}`).catch(() => null);
    if (!answer?.ok || answer.redirected) { out.textContent = words.unreachable; return; }
    found = (await answer.json()).hits;
  }
  if (box.value.trim() !== wanted) return;
  [asked, hits, at] = [wanted, found, found.findIndex((hit) => hit.step === step)];
  mark();
}
async function go(by) {
  turn = look();
  await turn;
  if (!hits.length) return;
  at = (at + by + hits.length + (at < 0 && by < 0 ? 1 : 0)) % hits.length;
  const hit = hits[at];
  const folded = card(hit.step) ? [] : hit.around.filter((id) => collapsed.has(id));
  for (const id of folded) await fold(id);
  if (folded.length) box.focus();
  card(hit.step)?.scrollIntoView({ block: "center", inline: "center" });
  mark();
}
function leave() {
  const back = card(hits[Math.max(at, 0)]?.step || "");
  box.value = asked = "";
  [hits, at] = [[], -1];
  mark();
  focusCard(back || cards()[0]);
}
box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => look(), 200); });
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); go(event.shiftKey ? -1 : 1); }
  if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); leave(); }
});
steps.addEventListener("click", (event) => { const way = event.target.closest("[data-hit]")?.dataset.hit; if (way) go(Number(way)); });
// What was changed may be found no more, or now.
root.addEventListener("flow:shown", () => { if (asked) look(true); });
