// How many records wait on each step: fetched once the cards are there, and now and then as long as somebody looks.
const root = document.getElementById("flow"), list = root.querySelector(".flow-steps");
const EVERY = 30000;
let counts = {};

function show() {
  for (const old of list.querySelectorAll(".flow-waiting")) {
    const step = old.dataset.of;
    if (!counts[step]) old.remove();
  }
  for (const [step, { text, label, url }] of Object.entries(counts)) {
    const item = document.getElementById(`s-${step}`);
    if (!item) continue;
    let link = item.querySelector(".flow-waiting");
    if (!link) {
      link = Object.assign(document.createElement("a"), { className: "flow-waiting" });
      link.dataset.of = step;
      item.append(link);
    }
    if (link.textContent !== text) link.textContent = text;
    link.href = url;
    link.title = label;
  }
}
async function look() {
  if (document.hidden) return;
  const answer = await fetch(root.dataset.counts).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  counts = await answer.json();
  show();
}

// Cards that were drawn anew have lost their count.
new MutationObserver(show).observe(list, { childList: true });
setInterval(look, EVERY);
look();
