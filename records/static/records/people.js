// Suggestions for fields that take a username, where there are too many users for a list.
let timer = 0, asked = 0;

async function suggest(field) {
  const turn = ++asked, text = field.value.trim();
  const answer = text && (await fetch(`${field.dataset.people}?q=${encodeURIComponent(text)}`).catch(() => null));
  if (!answer?.ok || answer.redirected || turn !== asked) return;
  const { people } = await answer.json();
  const list = field.list;
  if (turn !== asked || !list) return;
  list.querySelectorAll("option:not([data-fixed])").forEach((one) => one.remove());
  for (const { value, label } of people) list.append(Object.assign(document.createElement("option"), { value, label }));
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.dataset?.people) return;
  clearTimeout(timer);
  // Who has chosen one of them is not asked again.
  if ([...(field.list?.options ?? [])].some((one) => one.value === field.value)) return;
  timer = setTimeout(() => suggest(field), 200);
});
