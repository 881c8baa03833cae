// People after an @ in a comment: a list below the text box, chosen from with the arrows and Enter.
const talk = document.getElementById("talk");
const BEFORE = /(?:^|[\s([{"'“‘«])@([\p{L}\p{N}_.+-]{0,60})$/u;
const said = Object.assign(document.createElement("p"), { className: "visually-hidden" });
said.setAttribute("role", "status");
talk.append(said);
let field = null, list = null, asked = 0, timer = 0;

const options = () => (list ? [...list.children] : []);
const typed = (box) => box.value.slice(0, box.selectionStart).match(BEFORE)?.[1];

function close() {
  clearTimeout(timer);
  asked++;
  list?.remove();
  list = null;
  for (const name of ["aria-activedescendant", "aria-controls"]) field?.removeAttribute(name);
}
function choose(index) {
  const all = options(), next = (index + all.length) % all.length;
  all.forEach((one, number) => one.setAttribute("aria-selected", String(number === next)));
  field.setAttribute("aria-activedescendant", all[next].id);
  all[next].scrollIntoView({ block: "nearest" });
}
const chosen = () => options().findIndex((one) => one.getAttribute("aria-selected") === "true");

function option({ username, name }, number) {
  const one = Object.assign(document.createElement("li"), { id: `mention-${number}`, textContent: name });
  one.setAttribute("role", "option");
  one.dataset.username = username;
  one.append(Object.assign(document.createElement("small"), { className: "muted", textContent: ` @${username}` }));
  return one;
}
function show(people) {
  list?.remove();
  list = Object.assign(document.createElement("ul"), { id: "mention-list", className: "mention-list" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", talk.dataset.peopleLabel);
  list.append(...people.map(option));
  field.after(list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  choose(0);
}
async function look(box) {
  const turn = ++asked, answer = await fetch(`${talk.dataset.people}?q=${encodeURIComponent(typed(box) ?? "")}`).catch(() => null);
  if (turn !== asked || !answer?.ok || answer.redirected || document.activeElement !== box) return;
  const found = await answer.json();
  if (turn !== asked) return;
  field = box;
  if (found.people.length) show(found.people);
  else close();
  said.textContent = found.said;
}
function take(one) {
  const end = field.selectionStart, start = end - typed(field).length;
  field.setRangeText(`${one.dataset.username} `, start, end, "end");
  close();
  said.textContent = "";
}

talk.addEventListener("input", ({ target }) => {
  if (!("mentions" in target.dataset)) return;
  if (typed(target) === undefined) return close();
  clearTimeout(timer);
  timer = setTimeout(() => look(target), 120);
});
talk.addEventListener("keydown", (event) => {
  if (!list || event.target !== field || event.ctrlKey || event.metaKey) return;
  if (event.key === "ArrowDown") choose(chosen() + 1);
  else if (event.key === "ArrowUp") choose(chosen() - 1);
  else if (event.key === "Enter" || event.key === "Tab") take(options()[chosen()]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
// The text box keeps the focus while somebody points at a name.
talk.addEventListener("pointerdown", (event) => {
  const one = event.target.closest(".mention-list > li");
  if (one) { event.preventDefault(); take(one); }
});
talk.addEventListener("focusout", ({ target }) => { if (target === field) close(); });
// What is half written is not lost without a question.
addEventListener("beforeunload", (event) => {
  if ([...talk.querySelectorAll("textarea")].some((box) => box.value !== box.defaultValue)) event.preventDefault();
});
// Ctrl+Enter sends what is written.
talk.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !("mentions" in event.target.dataset)) return;
  event.preventDefault();
  close();
  event.target.form.querySelector("button").click();
});
