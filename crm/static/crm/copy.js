// Buttons that copy a code: data-copy names the element, data-copied the place where it is said that it was done.

for (const copier of document.querySelectorAll("[data-copy]")) {
  copier.addEventListener("click", async () => {
    const source = document.getElementById(copier.dataset.copy);
    source.select();
    await navigator.clipboard?.writeText(source.value);
    const told = document.querySelector("[data-copied]");
    told.classList.remove("visually-hidden");
    told.textContent = told.dataset.copied;
  });
}
