/* Cards of an admin page's inlines are moved by dragging or by buttons; each one's place goes into its field. */

const texts = { up: gettext("Move up"), down: gettext("Move down") };

/** The cards of a group in their order, without the one new cards are made from. */
const cards = (group) => [...group.querySelectorAll(".inline-related:not(.empty-form)")];

/** Write each card's place into its field. */
function number(group) {
  cards(group).forEach((card, place) => {
    const field = card.querySelector("[name$='-position']");
    if (field) field.value = place;
    const title = card.querySelector("[name$='-property'] option:checked, [name$='-type'] option:checked");
    const label = card.querySelector(".inline_label");
    const kind = card.querySelector("[name$='-kind'] option:checked")?.textContent;
    const text = title?.value ? title.textContent : card.querySelector("[name$='-text']")?.value || kind;
    if (label && text) label.textContent = text;
  });
}

function move(card, by) {
  const group = card.closest(".inline-group");
  const all = cards(group);
  const other = all[all.indexOf(card) + by];
  if (!other) return;
  if (by < 0) other.before(card);
  else other.after(card);
  number(group);
}

function button(icon, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn btn-small btn-quiet";
  made.textContent = icon;
  made.setAttribute("aria-label", label);
  made.title = label;
  made.addEventListener("click", () => {
    act();
    made.focus();
  });
  return made;
}

/** Give a card its buttons, and let it be dragged by its heading. */
function equip(card) {
  const heading = card.querySelector("h3");
  if (!heading || card.classList.contains("empty-form") || heading.querySelector(".mover")) return;
  const tools = document.createElement("span");
  tools.className = "mover";
  tools.append(button("↑", texts.up, () => move(card, -1)), button("↓", texts.down, () => move(card, 1)));
  heading.prepend(tools);
  // What describes a field was numbered when the card was added; the field does not know yet.
  const number = card.id.split("-").pop();
  for (const field of card.querySelectorAll("[aria-describedby*='__prefix__']")) {
    field.setAttribute("aria-describedby", field.getAttribute("aria-describedby").replace("__prefix__", number));
  }
  heading.draggable = true;
  heading.addEventListener("dragstart", (event) => {
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.id);
    card.classList.add("dragged");
  });
  heading.addEventListener("dragend", () => card.classList.remove("dragged"));
}

/** Let the cards of a group be sorted. */
export function sort(group) {
  group.classList.add("sorted");
  cards(group).forEach(equip);
  number(group);
  group.addEventListener("dragover", (event) => {
    const over = event.target.closest(".inline-related:not(.empty-form)");
    const dragged = group.querySelector(".dragged");
    if (!over || !dragged || over === dragged) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(dragged);
    else over.after(dragged);
  });
  group.addEventListener("drop", (event) => {
    event.preventDefault();
    number(group);
  });
  group.addEventListener("change", () => number(group));
  new MutationObserver(() => {
    cards(group).forEach(equip);
    number(group);
  }).observe(group.querySelector("fieldset"), { childList: true });
}
