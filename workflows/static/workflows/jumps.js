// The chips of go-tos: a click moves the focus to the card at the other end, where it is drawn.
const canvas = document.getElementById("flow-canvas");

canvas.addEventListener("click", (event) => {
  const chip = event.target.closest(".flow-jump");
  if (!chip || event.ctrlKey || event.metaKey) return;
  const card = canvas.querySelector(`.flow-card[data-step="${CSS.escape(chip.dataset.to)}"]`);
  if (!card) return;
  event.preventDefault();
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center", inline: "center" });
});
