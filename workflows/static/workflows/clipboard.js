// Steps on the clipboard: copied as text that says what it is, and pasted into any workflow, here or elsewhere.
import { $, ask, belowOf, card, cards, csrf, editable, flushed, focusCard, here, root, selection, settled, toast, words } from "./editor.js";
import { spotOf } from "./places.js";
import { choose, remove } from "./selecting.js";

const key = "headrace-steps";
/** What was copied last in this browser: its text, what it is, and whether the clipboard took it. */
const kept = () => JSON.parse(localStorage.getItem(key) || "null");

async function post(url, body) {
  const headers = { "X-CSRFToken": csrf(), Accept: "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
  const facts = answer && !answer.redirected ? await answer.json().catch(() => null) : null;
  if (!answer) toast(words.unreachable);
  else if (facts?.errors) await explain(words.unfit, facts.errors.map((error) => error.message), false);
  else if (!answer.ok || !facts) toast(words.failed);
  return answer?.ok ? facts : null;
}
/** Say what does not fit; with `anyway` one may go on. Whether somebody does. */
async function explain(title, sentences, anyway) {
  const line = (textContent) => Object.assign(document.createElement("li"), { textContent });
  $("flow-fit-title").textContent = title;
  $("flow-fit-list").replaceChildren(...sentences.map(line));
  $("flow-fit-anyway").hidden = $("flow-fit-hint").hidden = !anyway;
  return (await ask($("flow-fit"))) === "anyway";
}
async function copy(steps) {
  await settled();
  const facts = await post(root.dataset.copy, { steps });
  if (!facts) return false;
  const written = navigator.clipboard ? await navigator.clipboard.writeText(facts.text).then(() => true, () => false) : false;
  localStorage.setItem(key, JSON.stringify({ ...facts, written }));
  toast(words.copied.replace("%s", facts.told), written ? "" : words.show_text, showText);
  return true;
}
function showText() {
  $("flow-copied-text").value = kept().text;
  ask($("flow-copied"));
  $("flow-copied-text").select();
}
async function paste(text, at) {
  const spot = spotOf(at);
  await settled();
  const found = await post(root.dataset.paste, { text, at: spot() ?? at });
  if (!found || (found.notes.length && !(await explain(words.partly, found.notes, true)))) return;
  const before = new Set(cards().map((one) => one.dataset.step));
  const facts = await flushed({ op: "paste", at: spot, steps: found.steps, sources: found.sources });
  if (!facts) return;
  choose(cards().map((one) => one.dataset.step).filter((id) => !before.has(id)));
  focusCard(card(facts.selected));
}
/** Where the keyboard would paste: at the + or below the card that has the focus. */
const place = () => document.activeElement.closest?.(".flow-plus")?.dataset.at || (here() && belowOf(here()));

root.addEventListener("flow:copy", ({ detail }) => copy(detail));
root.addEventListener("flow:adding", () => {
  const own = kept(), option = $("flow-paste");
  if (own) delete option.dataset.absent; else option.dataset.absent = "";
  option.querySelector("[data-told]").textContent = own?.told || "";
});
root.addEventListener("flow:paste", ({ detail }) => paste(kept().text, detail));
root.addEventListener("flow:text", async ({ detail }) => {
  $("flow-text-steps").value = "";
  const choice = ask($("flow-text"));
  if ((await choice) === "paste") paste($("flow-text-steps").value, detail);
});
addEventListener("keydown", (event) => {
  const ctrl = event.ctrlKey || event.metaKey, what = event.key.toLowerCase(), one = here();
  if (!ctrl || event.shiftKey || (what !== "c" && what !== "x") || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select, [contenteditable], .flow-panel") || !getSelection().isCollapsed) return;
  const ids = selection.size ? [...selection] : one?.dataset.path ? [one.dataset.step] : [];
  if (!ids.length) return;
  event.preventDefault();
  if (what === "c") copy(ids);
  else if (editable) copy(ids).then((done) => done && remove(ids));
});
addEventListener("paste", (event) => {
  if (!editable || document.querySelector("dialog[open]") || event.target.closest?.("input, textarea, select, [contenteditable], .flow-panel")) return;
  event.preventDefault();
  const text = event.clipboardData.getData("text"), own = kept(), at = place();
  if (!at) return toast(words.where);
  // Where the clipboard could not be written, what was copied here last is meant, unless the clipboard holds steps.
  paste(own && !own.written && !text.trimStart().startsWith("{") ? own.text : text, at);
});
