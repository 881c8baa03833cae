/* The sequence builder: steps are moved, and a card shows only what its type of step has. */

import { sort } from "./sorting.js";

const group = document.querySelector("#steps-group");

/** Emails have no type of task and no priority; those AI writes have no subject yet. */
function follow(card) {
  const kind = card.querySelector("select[name$='-kind']");
  if (!kind) return;
  const hide = (fields, hidden) => {
    for (const field of card.querySelectorAll(fields)) {
      field.hidden = hidden;
      const row = field.closest(".form-row");
      if (row) row.hidden = hidden;
    }
  };
  hide(".field-task_kind, .field-priority", kind.value !== "task");
  hide(".field-subject", kind.value === "written");
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
