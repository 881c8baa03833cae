// The trigger's panel: another family of triggers asks first.

const panel = document.getElementById("flow-panel");
const isKind = (element) => element.matches?.('input[type="radio"][name="kind"]');

/** Whether choosing this family would erase something nobody has agreed to lose yet. */
function erases(radio) {
  const dialog = document.getElementById("flow-erase");
  return Boolean(dialog && "erases" in dialog.dataset && radio.value !== dialog.dataset.kind && panel.querySelector("[name=erase]").value !== radio.value);
}

function ask(radio) {
  const dialog = document.getElementById("flow-erase");
  const back = panel.querySelector(`input[name="kind"][value="${CSS.escape(dialog.dataset.kind)}"]`);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclick = (event) => {
    const button = event.target.closest("button[value]");
    if (button) dialog.close(button.value);
  };
  dialog.onclose = () => {
    if (dialog.returnValue !== "erase") {
      back.checked = true;
      back.focus();
      return;
    }
    panel.querySelector("[name=erase]").value = radio.value;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  };
}

for (const type of ["input", "change"]) {
  panel.addEventListener(type, (event) => {
    if (!isKind(event.target) || !erases(event.target)) return;
    // Before the editor stores it: nothing is sent until the person has answered.
    event.stopPropagation();
    if (type === "change") ask(event.target);
  }, true);
}
