// Trying the trigger's filters, or a step, with a record: nothing is enrolled, written or sent, but
// a script is really run for who asks for it.
import { $, csrf, openStep, settled, toast, words } from "./editor.js";

const panel = $("flow-panel");

async function attempt(record, run = "") {
  await settled();
  const { try: url, tryWay } = panel.querySelector("[data-try]")?.dataset ?? {}, asked = new URLSearchParams({ record, run, step: openStep() });
  if (!url) return;
  const post = { method: "POST", headers: { "X-CSRFToken": csrf() }, body: asked };
  const answer = await (tryWay === "post" ? fetch(url, post) : fetch(`${url}?${asked}`)).catch(() => null);
  const place = panel.querySelector("[data-try-told]");
  if (!place) return;
  if (!answer?.ok || answer.redirected) return toast(answer ? words.failed_to_try : words.unreachable);
  place.innerHTML = await answer.text();
}
panel.addEventListener("click", (event) => {
  const known = event.target.closest("[data-try-record]"), code = event.target.closest("[data-try-run]");
  if (code) {
    // A script may take as long as it is let: nobody begins a second one meanwhile.
    code.disabled = true;
    attempt(code.dataset.tryRun, "on").finally(() => { code.disabled = false; });
  } else if (known) attempt(known.dataset.tryRecord);
  else if (event.target.closest("[data-try]")) attempt(panel.querySelector("[data-try-record-of]").value);
});
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-try-record-of]")) return;
  event.preventDefault();
  attempt(event.target.value);
});
