// Counts on the canvas: who waits on a step, who got through or failed in a period, and which branches they took.
// Fetched once the cards are there, and now and then as long as somebody looks.
const root = document.getElementById("flow"), list = root.querySelector(".flow-steps"), choice = document.getElementById("flow-period");
const EVERY = 30000, key = "headrace-period";
const period = () => choice?.value ?? "";
let counts = { steps: {}, branches: {}, late: "" }, looks = 0;

function link({ kind, text, label, url }) {
  const found = Object.assign(document.createElement("a"), { className: `flow-tally flow-${kind === "here" ? "waiting" : kind}`, href: url, title: label });
  const spoken = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` – ${label}` });
  found.append(text, ...(kind === "here" ? [] : [spoken]));
  return found;
}
/** Drawn anew only where something else is told: hundreds of cards stay as they are with each change of a draft. */
function put(item, what, found) {
  const old = [...item.children].find((one) => one.classList.contains(what)), now = found.map(({ label, url }) => label + url).join("\n");
  if (old?.dataset.now === now) return;
  const box = Object.assign(document.createElement("div"), { className: what });
  box.dataset.now = now;
  box.append(...found.map(link));
  if (old) old.replaceWith(box); else item.append(box);
  item.classList.toggle("shared", what === "flow-shares");
}
function show() {
  const kept = new Set();
  const each = (id, what, found) => {
    const item = document.getElementById(id);
    if (!item) return;
    put(item, what, found);
    kept.add(item);
  };
  for (const [step, found] of Object.entries(counts.steps)) each(`s-${step}`, "flow-tallies", found);
  for (const [branch, found] of Object.entries(counts.branches)) each(`b-${branch}`, "flow-shares", [found]);
  for (const old of list.querySelectorAll(".flow-tallies, .flow-shares")) if (!kept.has(old.parentElement)) { old.parentElement.classList.remove("shared"); old.remove(); }
  const late = document.getElementById("flow-late");
  if (late) { late.textContent = counts.late; late.hidden = !counts.late; }
}
async function look() {
  if (document.hidden || period() === "none") return;
  // The log is read when somebody asks and every few minutes; who waits where is told more often.
  const whole = looks++ % 10 === 0, meant = period(), asked = whole ? meant : "";
  const answer = await fetch(`${root.dataset.counts}${asked ? `?period=${asked}` : ""}`).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const found = await answer.json();
  if (period() !== meant) return; // Another period was chosen meanwhile.
  if (!whole) {
    const before = counts.steps;
    for (const [step, all] of Object.entries(before)) {
      const passed = all.filter((one) => one.kind !== "here");
      if (passed.length) found.steps[step] = [...(found.steps[step] || []), ...passed];
    }
    found.branches = counts.branches;
    found.late = counts.late;
  }
  counts = found;
  show();
}
choice?.addEventListener("change", () => {
  localStorage.setItem(key, choice.value);
  looks = 0;
  counts = { steps: {}, branches: {}, late: "" };
  if (period() === "none") show(); else look();
});
if (choice && [...choice.options].some((one) => one.value === localStorage.getItem(key))) choice.value = localStorage.getItem(key);
// Cards that were drawn anew have lost their counts.
new MutationObserver(show).observe(list, { childList: true });
setInterval(look, EVERY);
look();
