// The data panel: what is chosen in it goes into the text it was opened from, where the caret was.
import { $, csrf, flushed, openStep, root, settled, toast, words } from "./editor.js";

const dialog = $("flow-data"), body = $("flow-data-body"), panel = $("flow-panel");
let place = "", step = "", kind = "token", from = "", record = "", caret = [0, 0], asks = 0;

/** What stands in the fields, by their ids, and which of them has the focus. */
function written() {
  const fields = [...body.querySelectorAll("input[id], select[id], textarea[id]")];
  return { values: new Map(fields.map((field) => [field.id, field.type === "checkbox" ? field.checked : field.value])), held: body.contains(document.activeElement) ? document.activeElement : null };
}
/** Show what came, with what was typed since it was asked for; who has gone on to another field stays there. */
function fill(html, before, focus) {
  const { values, held } = written(), moved = held?.id && held.id !== before.held?.id, typed = [];
  const span = Number.isInteger(held?.selectionStart) ? [held.selectionStart, held.selectionEnd] : null;
  for (const [id, value] of values) if (before.values.has(id) && before.values.get(id) !== value) typed.push([id, value]);
  body.innerHTML = html;
  for (const [id, value] of typed) {
    const field = $(id);
    if (!field || (field.options && ![...field.options].some((one) => one.value === value))) continue;
    field[field.type === "checkbox" ? "checked" : "value"] = value;
    if (id === "data-search") search(value);
  }
  if (!dialog.open) dialog.show();
  const stays = moved || typed.some(([id]) => id === held?.id), next = (stays && $(held.id)) || body.querySelector(focus) || $("flow-data-title");
  next.focus();
  if (stays && span && next.id === held.id && next.value === held.value) next.setSelectionRange(...span);
}
async function draw(path, asked, focus) {
  // What was asked for later is what is shown, whichever answer comes first.
  const mine = ++asks, before = written(), answer = await fetch(`${path}?${new URLSearchParams(asked)}`).catch(() => null);
  if (!answer?.ok || answer.redirected) return toast(answer ? words.failed : words.unreachable);
  const html = await answer.text();
  if (mine === asks) fill(html, before, focus);
}
const insert = (focus = "#data-search") => draw(dialog.dataset.url, { step: openStep(), kind, from, record }, focus);
const sources = (focus = "#flow-data-title") => draw(dialog.dataset.sources, {}, focus);
const form = (asked = {}, focus = "#source_name") => draw(dialog.dataset.sources, { ...asked, new: "" }, focus);

/** Where the caret of the text is: the server may draw the text anew, without it, while data is looked for. */
function remember(field) {
  if (place && field?.id === place) caret = [field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length];
}
/** Put a text where the caret was. */
function put(text) {
  dialog.close();
  const field = $(place);
  if (!field) return;
  field.setRangeText(text, ...caret, "end");
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
function search(text) {
  let found = 0;
  for (const item of body.querySelectorAll("#data-offers > li")) {
    item.hidden = !item.textContent.toLowerCase().includes(text.trim().toLowerCase());
    found += !item.hidden;
  }
  $("data-none").hidden = found > 0;
}
async function add(filled) {
  const post = { method: "POST", headers: { "X-CSRFToken": csrf() }, body: new URLSearchParams(new FormData(filled)) };
  const before = written(), answer = await fetch(dialog.dataset.check, post).catch(() => null);
  if (!answer?.ok || answer.redirected) return toast(answer ? words.failed : words.unreachable);
  const { op, told, form: again } = await answer.json();
  if (again) {
    fill(again, before, "[aria-invalid]");
  } else if (await flushed(op)) {
    toast(told);
    await sources();
  }
}
async function remove(source) {
  if (!(await flushed({ op: "remove_source", source }))) return;
  await sources();
  toast(dialog.dataset.removed, words.undo, async () => { await flushed({ op: "undo" }); if (dialog.open) sources(); });
}

panel.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  [place, kind, step] = [button.dataset.insert, button.dataset.kind, openStep()];
  remember($(place));
  await settled();
  insert();
});
panel.addEventListener("focusout", ({ target }) => remember(target));
dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-shut]")) return dialog.close();
  const { text, view, remove: gone, ask, edit, record: meant } = button.dataset;
  if (text) put(text);
  else if (meant) { record = meant; insert("#data-record"); }
  else if (view === "insert") insert();
  else if (view === "sources") sources();
  else if (view === "new") form();
  else if (edit) form({ edit });
  else if (gone) remove(gone);
  else if (ask) { $(ask).hidden = !$(ask).hidden; button.ariaExpanded = String(!$(ask).hidden); }
});
dialog.addEventListener("input", ({ target }) => { if (target.id === "data-search") search(target.value); });
dialog.addEventListener("change", ({ target }) => {
  if (target.id === "data-from") { from = target.value; insert("#data-from"); }
  else if (target.id === "data-record") { record = target.value; insert("#data-record"); }
  else if (target.matches("[data-redraw]")) form(Object.fromEntries(new FormData(target.form)), `#${target.id}`);
});
dialog.addEventListener("submit", (event) => { event.preventDefault(); add(event.target); });
dialog.addEventListener("close", () => $(place)?.focus());
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  dialog.close();
});
// Another step has other data.
const other = () => { if (dialog.open && (panel.hidden || openStep() !== step)) dialog.close(); };
root.addEventListener("flow:filled", other);
new MutationObserver(other).observe(panel, { attributeFilter: ["hidden"] });
