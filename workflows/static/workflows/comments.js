// Comments beside the canvas: the list in a drawer, and how many threads are open on each card.
const $ = (id) => document.getElementById(id);
const root = $("flow"), panel = $("flow-panel"), talk = $("talk"), list = $("comments"), opener = $("flow-comments");
const { list: address, badge, copied, failed } = talk.dataset;
let threads = JSON.parse($("flow-threads").textContent), newest = null, query = "", back = null, rev = Number(root.dataset.rev), about = "";

const cardOf = (step) => root.querySelector(`.flow-card[data-step="${CSS.escape(step)}"]`);
const say = (text) => { $("comments-said").textContent = text; };

/* How many are open */
function link(step, card) {
  const one = Object.assign(document.createElement("a"), { className: "flow-talks", href: `${address}?step=${encodeURIComponent(step)}` });
  one.dataset.talk = step;
  one.append(opener.querySelector("svg").cloneNode(true), document.createElement("span"));
  card.after(one);
  return one;
}
function show() {
  const all = Object.values(threads).reduce((sum, count) => sum + count, 0);
  $("flow-comments-count").hidden = !all;
  $("flow-comments-count").firstElementChild.textContent = all;
  for (const old of root.querySelectorAll(".flow-talks")) if (!threads[old.dataset.talk]) old.remove();
  for (const [step, count] of Object.entries(threads)) {
    const card = step && cardOf(step);
    if (!card) continue;
    const one = card.parentElement.querySelector(".flow-talks") || link(step, card);
    one.lastElementChild.textContent = count;
    one.setAttribute("aria-label", badge.replace("%n", count).replace("%card", card.querySelector(".flow-title").textContent));
  }
}

/* The drawer */
function load(asked) {
  query = asked;
  list.setAttribute("aria-busy", "true");
  const settled = new Promise((resolve) => {
    for (const name of ["htmx:afterSettle", "htmx:responseError", "htmx:sendError"]) list.addEventListener(name, resolve, { once: true });
  });
  htmx.ajax("GET", `${address}?${asked}`, { target: list, swap: "innerHTML" });
  return settled;
}
/** Closing the panel stores what is in it and gives the focus to its card; wait for both. */
function panelClosed() {
  if (panel.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    new MutationObserver((_changes, observer) => { if (panel.hidden) { observer.disconnect(); resolve(); } }).observe(panel, { attributes: true });
    panel.querySelector("[data-close]").click();
  });
}
async function open(step, comment = "") {
  if (!talk.contains(document.activeElement)) back = document.activeElement?.closest(".flow-steps > li")?.querySelector(".flow-card")?.dataset.step ?? null;
  await panelClosed();
  talk.hidden = false;
  talk.dataset.step = step === "all" ? "" : step;
  await load(new URLSearchParams(comment ? { comment } : { step }).toString());
  const found = comment ? $(`comment-${comment}`) : null;
  const place = found ? found.closest(".talk-place").querySelector("[data-talk-card]")?.dataset.talkCard : step;
  if (place) cardOf(place)?.scrollIntoView({ block: "center", inline: "center" });
  found?.scrollIntoView({ block: "center" });
  (found || (comment ? $("talk-title") : $("comment-new")) || $("talk-title")).focus({ preventScroll: true });
}
function close() {
  talk.hidden = true;
  talk.dataset.step = "";
  ((back && cardOf(back)) || opener).focus({ preventScroll: true });
}
async function copy(one) {
  try {
    await navigator.clipboard.writeText(one.href);
    say(copied);
  } catch { location.href = one.href; } // Not allowed here: the address bar has it then.
}

root.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const at = (name) => event.target.closest(`[${name}]`);
  const about = at("data-talk"), tab = at("data-talk-list"), card = at("data-talk-card"), one = at("data-talk-link");
  if (!about && !tab && !card && !one) return;
  event.preventDefault();
  if (about) open(about.dataset.talk);
  else if (tab) load(new URL(tab.href).search.slice(1));
  else if (one) copy(one);
  else { const found = cardOf(card.dataset.talkCard); found?.focus({ preventScroll: true }); found?.scrollIntoView({ block: "center", inline: "center" }); }
});
$("talk-close").addEventListener("click", close);
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && talk.contains(event.target)) return close();
  if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  open(event.target.closest(".flow-steps > li")?.querySelector(".flow-card")?.dataset.step || new URLSearchParams(location.search).get("step")?.replace(/^_.*/, "") || "all");
});
// The settings of a step and the comments take turns at the side.
new MutationObserver(() => { if (!panel.hidden) { talk.hidden = true; talk.dataset.step = ""; } }).observe(panel, { attributes: true });

/* What comes from the server */
list.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  about = $("comment-about")?.value ?? about;
  if (new URL(xhr.responseURL).pathname === address) return;
  event.detail.shouldSwap = false; // Logged out meanwhile: what came is no list.
  say(failed);
});
list.addEventListener("htmx:afterSettle", () => {
  list.removeAttribute("aria-busy");
  threads = JSON.parse($("comments-counts").textContent);
  show();
  // What a comment in the making is about stays chosen, among the steps there are now.
  if ([...($("comment-about")?.options ?? [])].some((one) => one.value === about)) $("comment-about").value = about;
  if (!talk.hidden && document.activeElement === document.body) $("talk-title").focus();
});
for (const name of ["htmx:responseError", "htmx:sendError"]) list.addEventListener(name, () => { list.removeAttribute("aria-busy"); say(failed); });
root.addEventListener("flow:talked", ({ detail }) => {
  const before = JSON.stringify([threads, newest ?? detail.newest]);
  ({ threads, newest } = detail);
  show();
  if (!talk.hidden && JSON.stringify([threads, newest]) !== before) load(query);
});
root.addEventListener("flow:shown", ({ detail }) => {
  show();
  if (!talk.hidden && detail.rev !== rev) load(query);
  rev = detail.rev;
});

show();
if (talk.dataset.comment) open("all", talk.dataset.comment);
