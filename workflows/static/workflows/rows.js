// Rows of the settings panel: a button names what shall become of a row; the server draws the panel anew.
const panel = document.getElementById("flow-panel");

panel.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-row]");
  if (!button) return;
  const field = button.form.elements.row;
  field.value = button.dataset.row;
  // The button of a row that goes away would take the focus along.
  document.getElementById(button.dataset.then)?.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});
