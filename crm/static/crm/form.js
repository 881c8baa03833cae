// Tells which fields of a form a contact has touched, each once; the form works without it.
const form = document.querySelector("form[data-touched]");
const told = new Set();

form?.addEventListener("focusin", ({ target }) => {
  if (!target.name || target.type === "hidden" || told.has(target.name)) return;
  told.add(target.name);
  const facts = new FormData();
  facts.set("field", target.name);
  facts.set(form.dataset.page, form.elements[form.dataset.page].value);
  navigator.sendBeacon(form.dataset.touched + location.search, facts);
});
