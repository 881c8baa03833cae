// What is chosen below a text goes into it, where the caret was, as a token.
const panel = document.getElementById("flow-panel");

panel.addEventListener("change", (event) => {
  const choice = event.target.closest("select[data-insert]");
  if (!choice) return;
  const field = document.getElementById(choice.dataset.insert), token = choice.value;
  choice.value = "";
  event.stopImmediatePropagation();
  if (!token || !field) return;
  const at = field.selectionStart ?? field.value.length;
  field.setRangeText(token, at, field.selectionEnd ?? at, "end");
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
