// Who else has this editor open. It says itself that it is open as long as somebody looks at it.
const $ = (id) => document.getElementById(id);
const root = $("flow"), talk = $("talk"), here = $("flow-people"), changed = $("flow-changed");
const EVERY = Number(root.dataset.every) * 1000, PATIENCE = 2000, FACES = 3;
let rev = Number(root.dataset.rev), people = [];

const element = (tag, className, textContent = "") => Object.assign(document.createElement(tag), { className, textContent });

function line({ name, since, at }) {
  const found = element("p", "menu-text");
  found.append(element("strong", "", name), element("span", "muted small", at ? `${since} · ${at}` : since));
  return found;
}
function show() {
  here.hidden = !people.length;
  if (!people.length) here.open = false;
  const faces = people.slice(0, FACES).map(({ initials }) => element("span", "talk-face", initials));
  if (people.length > FACES) faces.push(element("span", "talk-face", `+${people.length - FACES}`));
  const summary = here.querySelector("summary"), shown = element("span", "flow-faces"), names = people.map(({ name }) => name).join(", ");
  shown.append(...faces);
  shown.setAttribute("aria-hidden", "true");
  summary.title = here.dataset.label.replace("%names", names);
  summary.replaceChildren(shown, element("span", "visually-hidden", summary.title));
  here.querySelector(".menu-body").replaceChildren(...people.map(line));
  mark();
}
/** Their initials at the steps whose settings they have open. */
function mark() {
  for (const old of root.querySelectorAll(".flow-face")) old.remove();
  for (const { step, initials, name } of people) {
    const card = step && root.querySelector(`.flow-card[data-step="${CSS.escape(step)}"]`);
    if (!card) continue;
    const face = element("span", "talk-face flow-face", initials);
    face.title = name;
    face.setAttribute("aria-hidden", "true");
    card.after(face);
  }
}
/** What somebody else did to the draft, unless an operation of one's own was on its way meanwhile. */
function tell(facts) {
  if (facts.rev <= rev || changed.dataset.rev === String(facts.rev)) return;
  changed.dataset.rev = facts.rev;
  changed.querySelector("span").textContent = facts.changed;
  changed.hidden = false;
}
async function beat() {
  if (document.hidden) return;
  const body = new FormData();
  body.set("step", new URLSearchParams(location.search).get("step") || talk.dataset.step || "");
  body.set("rev", rev);
  const csrf = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(root.dataset.presence, { method: "POST", headers: { "X-CSRFToken": csrf }, body }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const facts = await answer.json();
  if (JSON.stringify(facts.people) !== JSON.stringify(people)) { people = facts.people; show(); }
  root.dispatchEvent(new CustomEvent("flow:talked", { detail: facts }));
  if (facts.changed) setTimeout(() => tell(facts), PATIENCE);
}

root.addEventListener("flow:shown", ({ detail }) => {
  rev = detail.rev;
  if (Number(changed.dataset.rev) <= rev) changed.hidden = true;
  mark();
});
changed.querySelector("button").addEventListener("click", () => location.reload());
document.addEventListener("visibilitychange", beat);
setInterval(beat, EVERY);
beat();
