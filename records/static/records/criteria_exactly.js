/** Beside a number that is only about: a button that has the records counted, however long that takes. */

import { token } from "./criteria_elements.js";

document.addEventListener("criteria:matches", (event) => {
  const { offer } = event.detail;
  if (!offer) return;
  const root = event.target;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-small btn-quiet";
  button.textContent = offer;
  button.addEventListener("click", () => count(root, button));
  root.querySelector(".criteria-details").prepend(button);
});

async function count(root, button) {
  const sent = root.querySelector("[data-criteria-document]").value;
  button.disabled = true;
  try {
    const answer = await fetch(root.dataset.matches, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify({ criteria: JSON.parse(sent), zone: root.dataset.zone, exact: true }),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const { summary } = await answer.json();
    if (!button.isConnected) return;
    const told = root.querySelector(".criteria-summary");
    told.textContent = summary;
    told.tabIndex = -1;
    told.focus();
    button.remove();
  } catch {
    button.disabled = false;
  }
}
