// The palette of actions follows the draft: what the date that steps are timed by rules out, and what it allows again.

const flow = document.getElementById("flow");

flow.addEventListener("flow:shown", ({ detail }) => {
  for (const option of document.querySelectorAll("#flow-options [data-add]")) {
    const reason = detail.unfit[option.dataset.add] || "";
    const text = option.querySelector("[data-text]");
    if (reason) option.setAttribute("aria-disabled", "true");
    else option.removeAttribute("aria-disabled");
    text.textContent = reason || text.dataset.text;
  }
});
