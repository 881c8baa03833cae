// The review in steps: one part after the other, and everything once more before it is turned on. Without this module
// the page shows everything at once.
const form = document.querySelector("form.review");
const nav = form.querySelector(".review-parts");
const tabs = [...nav.querySelectorAll("[data-show]")];
const parts = tabs.map((tab) => tab.dataset.show);
const sections = [...form.querySelectorAll("[data-part]")];
const go = Object.fromEntries([...form.querySelectorAll("[data-go]")].map((button) => [button.dataset.go, button]));
const last = parts.length - 1;
let at = 0;

function show(index, moved) {
  at = Math.min(Math.max(index, 0), last);
  const part = parts[at];
  for (const section of sections) section.hidden = at < last && section.dataset.part !== part;
  tabs.forEach((tab, i) => {
    if (i === at) tab.setAttribute("aria-current", "step");
    else tab.removeAttribute("aria-current");
  });
  go.back.hidden = at === 0;
  go.next.hidden = at === last;
  if (go.skip) go.skip.hidden = at === last;
  if (at < last) go.next.textContent = go.next.dataset.words.replace("%s", tabs[at + 1].lastChild.textContent.trim());
  form.querySelector("#publish").hidden = at < last;
  history.replaceState(null, "", at ? `#${part}` : location.pathname);
  if (!moved) return;
  const heading = sections.find((section) => !section.hidden)?.querySelector("h2");
  heading?.focus({ preventScroll: true });
  nav.scrollIntoView({ block: "start" });
}

// Nobody turns a workflow on by pressing Enter in its name.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
nav.hidden = false;
tabs.forEach((tab, index) => tab.addEventListener("click", () => show(index, true)));
go.back.addEventListener("click", () => show(at - 1, true));
go.next.addEventListener("click", () => show(at + 1, true));
// There is none where something keeps the workflow from being turned on.
go.skip?.addEventListener("click", () => show(last, true));
show(Math.max(parts.indexOf(location.hash.slice(1)), 0), false);
