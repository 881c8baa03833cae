// Copies what cannot be typed: the address and the secret.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.querySelector("span").textContent = button.dataset.copied;
  } catch { /* Without a secure context there is no clipboard: the text stands selected, to be copied by hand. */ }
});
