/* The form builder: fields and consents are moved by dragging or by buttons. */

import "./copy.js";
import { sort } from "./sorting.js";

for (const group of document.querySelectorAll("#fields-group, #consents-group, #questions-group")) {
  sort(group);
  group.addEventListener("change", (event) => {
    // What visitors do not see needs a value.
    const more = event.target.closest(".inline-related")?.querySelector("details");
    if (more && event.target.name.endsWith("-hidden") && event.target.checked) more.open = true;
  });
}

/** Show only what the chosen kind of form has: a document, or a way to go on. */
function follow(kind) {
  const rows = { document: "document", document_url: "document", redirect_url: "form" };
  for (const [name, wanted] of Object.entries(rows)) {
    const row = document.querySelector(`.field-${name}`);
    if (row) row.hidden = kind.value !== wanted;
  }
}

const kind = document.querySelector("#id_kind");
if (kind) {
  kind.addEventListener("change", () => follow(kind));
  follow(kind);
}
