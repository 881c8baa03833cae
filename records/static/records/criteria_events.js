// Filters on what has happened: which occurrences count (filters on the event's properties), how many, how recent.
import { h, labelled, newFilter, select } from "./criteria_elements.js";

/** The name of the catalog that the filters inside a filter on an event are written in; "" for other filters. */
export const rowsOf = (node, kind) => (kind?.rows?.endsWith(":") ? `${kind.rows}${node[kind.key]}` : kind?.rows || "");

/** Whether filters of a kind say more than what is chosen and an operator. */
export const saysMore = (kind) => Boolean(kind.rows || kind.refined.length);

/** The keys that filters of a kind may have. */
export const keysOf = (kind) => [kind.key, "operator", ...(kind.rows ? ["where"] : []), ...(kind.refined.length ? ["refine"] : [])];

export const isEventFinished = (node, isFinished) => (node.where || []).every(isFinished) && isRefined(node.refine);

function isRefined(refine) {
  if (!refine) return true;
  const { within, before, after, between, count } = refine;
  if (between) return Boolean(between.from && between.to);
  if (count) return count.at_least !== undefined || count.at_most !== undefined;
  return Boolean(within ? within.days : before || after);
}

/** Draw what stands below the choice and its operator. */
export function drawEvent(builder, row, node, kind, path) {
  const rows = builder.known.get(rowsOf(node, kind));
  if (rows) row.append(drawWhere(builder, node, rows, path));
  if (kind.refined.includes(node.operator)) row.append(drawRefinement(builder, node, path));
}

function drawWhere(builder, node, rows, path) {
  const parts = node.where || [];
  const list = h("ul", { class: "criteria-list" });
  parts.forEach((part, i) => {
    if (i) list.append(h("li", { class: "criteria-join criteria-join-and" }, h("span", {}, builder.t("and"))));
    list.append(h("li", { class: "criteria-item" }, builder.drawNode(part, rows, `${path}.where.${i}`, parts, i)));
  });
  const add = () => {
    node.where = [...parts, newFilter()];
    builder.restructured(`[data-path="${CSS.escape(`${path}.where.${parts.length}`)}"] select`, builder.t("added"));
  };
  const button = h("button", { type: "button", class: "btn btn-small btn-quiet", "data-add": "add_where", click: add }, `+ ${builder.t("add_where")}`);
  const name = parts.length ? h("p", { class: "small muted" }, builder.t("only_with")) : null;
  return h("div", { class: "criteria-where", role: "group", "aria-label": builder.t("only_with") }, name, list, button);
}

const BEGINNINGS = {
  within: () => ({ within: { days: 30 } }),
  before: () => ({ before: "" }),
  after: () => ({ after: "" }),
  between: () => ({ between: { from: "", to: "" } }),
  count: () => ({ count: { at_least: 2 } }),
};

/** One refinement: by date or by number, never both (TRG-10). */
function drawRefinement(builder, node, path) {
  const chosen = Object.keys(node.refine || {})[0] || "none";
  const options = ["none", ...Object.keys(BEGINNINGS)].map((slug) => ({ value: slug, label: builder.t(`refine_${slug}`) }));
  const focus = `refine ${path}`;
  const change = (slug) => {
    if (slug === "none") delete node.refine;
    else node.refine = BEGINNINGS[slug]();
    builder.restructured(`[data-focus="${CSS.escape(focus)}"]`);
  };
  const line = h("div", { class: "criteria-line" }, labelled(builder.t("refine"), select(options, chosen, change, { "data-focus": focus })));
  const facts = node.refine?.[chosen];
  const set = (place, key) => (value) => {
    if (value === null) delete place[key];
    else place[key] = value;
    builder.changed();
  };
  const number = (key, low) => {
    const write = (event) => set(facts, key)(Number.isNaN(event.target.valueAsNumber) ? null : event.target.valueAsNumber);
    return labelled(builder.t(key), h("input", { type: "number", min: low, step: 1, value: facts[key] ?? "", input: write }));
  };
  const point = (place, key) => builder.pointControl({ name: key, label: builder.t(`refine_${key}`) }, place[key], (value) => set(place, key)(value ?? ""));
  if (chosen === "within") line.append(number("days", 1));
  if (chosen === "count") line.append(number("at_least", 0), number("at_most", 1));
  if (chosen === "before" || chosen === "after") line.append(point(node.refine, chosen));
  if (chosen === "between") line.append(point(facts, "from"), point(facts, "to"));
  return line;
}
