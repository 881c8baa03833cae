// The box above a column of boxes ticks them all, on pages that Django's own script for lists does not know.
const all = document.querySelector("#action-toggle");
all?.addEventListener("change", () => {
  for (const box of document.querySelectorAll("tr input.action-select")) box.checked = all.checked;
});
