/* The sequence builder: steps are moved, and a card shows only what its type of step has. */

import { sort } from "./sorting.js";

const group = document.querySelector("#steps-group");

/** Emails have no type of task and no priority. */
function follow(card) {
  const kind = card.querySelector("select[name$='-kind']");
  if (!kind) return;
  const email = kind.value === "email";
  for (const field of card.querySelectorAll(".field-task_kind, .field-priority")) {
    field.hidden = email;
    const row = field.closest(".form-row");
    if (row) row.hidden = email;
  }
}

function followAll() {
  for (const card of group.querySelectorAll(".inline-related:not(.empty-form)")) follow(card);
}

if (group) {
  sort(group);
  followAll();
  group.addEventListener("change", followAll);
  new MutationObserver(followAll).observe(group.querySelector("fieldset"), { childList: true });
}
