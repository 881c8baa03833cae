// The tabs of the trigger's panel: what enrolls records, and who enters again or leaves. The one in front stays there
// while the panel is drawn anew.
import { $, root } from "./editor.js";

const panel = $("flow-panel");
let front = "";

function show() {
  const tabs = [...panel.querySelectorAll('[role="tab"]')];
  const chosen = tabs.find((one) => one.id === front) ?? tabs[0];
  front = chosen?.id ?? "";
  for (const one of tabs) {
    one.setAttribute("aria-selected", String(one === chosen));
    one.tabIndex = one === chosen ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = one !== chosen;
  }
}
function choose(tab) {
  front = tab.id;
  show();
  tab.focus();
}
panel.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (tab) choose(tab);
});
// A link to a tab, as problems have, brings it to the front.
panel.addEventListener("focusin", ({ target }) => { if (target.matches('[role="tab"]') && target.id !== front) choose(target); });
panel.addEventListener("keydown", (event) => {
  if (!event.target.matches('[role="tab"]') || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  const tabs = [...panel.querySelectorAll('[role="tab"]')];
  choose(tabs[(tabs.indexOf(event.target) + 1) % tabs.length]);
});
root.addEventListener("flow:filled", show);
new MutationObserver(() => { if (!panel.childElementCount) front = ""; }).observe(panel, { childList: true });
show();
