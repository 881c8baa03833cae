// The items of the canvas: put in their places, and changed by what the server says has changed on its picture.
const canvas = document.getElementById("flow-canvas"), list = canvas.querySelector(".flow-steps");
/** The name of what is shown: the server tells what has changed since. */
export let { picture } = document.getElementById("flow").dataset;
const [below, under, wide] = list.dataset.below.split(",").map(Number);

function put(item, x, y, width) {
  item.dataset.p = `${x},${y},${width}`;
  item.style.transform = `translate(${x}px, ${y}px)`;
}
const icons = document.getElementById("flow-icons"), [plusIcon, dotsIcon] = icons.content.children;
/** Name the button of a card that has a number. */
function name(more, number) {
  if (more) more.ariaLabel = icons.dataset.more.replace("%n", number);
}
/** Put an item in its place. A card has the path of the plus before it, and stands below it. */
function place(item) {
  const one = item.firstElementChild, plus = item.previousElementSibling, path = plus?.firstElementChild.dataset.at;
  if (one.matches(".flow-card")) one.dataset.step = item.id.slice(2);
  if (one.matches(".flow-plus")) one.append(plusIcon.cloneNode(true));
  const more = item.querySelector(":scope > .flow-more");
  more?.append(dotsIcon.cloneNode(true));
  name(more, Number.parseInt(one.querySelector("b")?.textContent, 10));
  if (path && one.matches(".flow-card")) {
    const [x, y] = plus.dataset.p.split(",").map(Number);
    one.dataset.path = path;
    put(item, x + below, y + under, wide);
  } else put(item, ...item.dataset.p.split(",").map(Number));
  item.style.width = `${item.dataset.p.split(",")[2]}px`;
}
for (const item of list.children) place(item);

/** Another text in the place of an element's own: the browser keeps the box it has made for it. */
function write(element, text) {
  if (element.firstChild) element.firstChild.data = text; else element.textContent = text;
}
/** The path after its list has got another name or its place in it another number. */
function renamed(path, [begin, to, grown]) {
  if (!path.startsWith(`${begin}.`)) return path;
  const [, number, rest] = path.slice(begin.length + 1).match(/^(\d+)(.*)$/);
  return `${to}.${Number(number) + grown}${rest}`;
}
/** Bring an item that stays up to date; `by` is how its run has changed, `told` the sentence that says where a card is. */
function change(item, by, told) {
  const one = item.firstElementChild, { x = 0, y = 0, number = 0 } = by;
  if (x || y) {
    const [left, top, width] = item.dataset.p.split(",").map(Number);
    put(item, left + x, top + y, width);
  }
  if (one.matches(".flow-plus")) {
    if (by.path) one.dataset.at = renamed(one.dataset.at, by.path);
    if (number) one.ariaLabel = one.ariaLabel.replace(/\d+/, (old) => Number(old) + number);
    return;
  }
  const shown = one.querySelector("b");
  if (!shown) return;
  const now = Number.parseInt(shown.textContent, 10) + number, more = item.querySelector(".flow-more");
  if (number) {
    write(shown, `${now}.`);
    name(more, now);
  }
  const where = one.querySelector("i"), text = told.replace("%n", now);
  if (where.textContent !== text) write(where, text);
  const path = item.previousElementSibling?.firstElementChild.dataset.at;
  if (path && one.dataset.path !== path) one.dataset.path = path;
}
function made(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content;
}
/** What had the focus has it again: itself, or what stands for it now. */
function refocus(held, home) {
  if (!held || document.activeElement === held) return;
  const twin = home.id ? document.getElementById(home.id)?.querySelector(`.${held.classList[0]}`) : list.querySelector(`[data-at="${held.dataset.at}"]`);
  (held.isConnected ? held : twin)?.focus({ preventScroll: true });
}
/** Draw the whole canvas anew. */
function redraw(html) {
  const next = made(html), known = new Set([...list.children].map((item) => item.id));
  canvas.querySelector(".flow-lines").replaceWith(next.querySelector(".flow-lines"));
  list.replaceChildren(...next.querySelector(".flow-steps").children);
  for (const item of list.children) {
    place(item);
    item.classList.toggle("new", !known.has(item.id));
  }
}
/** Change what the server says has changed. */
function patch({ parts, total, where, lines }) {
  const old = [...list.children], told = where.replace("%m", total), ids = new Set(old.map((item) => item.id));
  const runs = parts.filter((part) => typeof part === "object"), stays = new Set();
  for (const run of runs) if (!run.moved) for (let i = run.first; i < run.first + run.count; i++) stays.add(old[i]);
  for (const item of old) if (!stays.has(item)) item.remove();
  let at = list.firstElementChild;
  for (const part of parts) {
    if (typeof part === "string") {
      const item = made(part).firstElementChild;
      list.insertBefore(item, at);
      place(item);
      if (!ids.has(item.id)) item.classList.add("new");
      continue;
    }
    for (const item of old.slice(part.first, part.first + part.count)) {
      if (item === at) at = at.nextElementSibling;
      else list.insertBefore(item, at);
      change(item, part, told);
    }
  }
  if (lines) canvas.querySelector(".flow-lines").replaceWith(made(lines).firstElementChild);
}
/** Show what came from the server; false where it tells what has changed since another picture than this one. */
export function show(facts) {
  const held = list.contains(document.activeElement) ? document.activeElement : null, home = held?.closest("li");
  const fits = !facts.patch || facts.patch.since === picture;
  if (fits && facts.patch) patch(facts.patch);
  else if (fits) redraw(facts.canvas);
  picture = fits ? facts.picture : "";
  refocus(held, home);
  return fits;
}
