// Filters on what has happened: which occurrences count (filters on the event's properties), how many, how recent.
import { h, labelled, newFilter, select } from "./criteria_elements.js";

/** The name of the catalog that the filters inside a filter on an event are written in; "" for other filters. */
export const rowsOf = (node, kind) => (kind?.rows ? `${kind.rows}${node[kind.key]}` : "");

export const isEventFinished = (node, isFinished) => (node.where || []).every(isFinished) && isRefined(node.refine);

function isRefined(refine) {
  if (!refine) return true;
  return refine.within ? Boolean(refine.within.days) : Boolean(refine.count?.at_least || refine.count?.at_most);
}

/** Draw what stands below the event and its operator. */
export function drawEvent(builder, row, node, kind, path) {
  const rows = builder.known.get(rowsOf(node, kind));
  if (rows) row.append(drawWhere(builder, node, rows, path));
  if (node.operator === "has_occurred") row.append(drawRefinement(builder, node, path));
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

/** One refinement: by date or by number, never both (TRG-10). */
function drawRefinement(builder, node, path) {
  const chosen = node.refine?.within ? "within" : node.refine?.count ? "count" : "none";
  const options = ["none", "within", "count"].map((slug) => ({ value: slug, label: builder.t(`refine_${slug}`) }));
  const focus = `refine ${path}`;
  const change = (slug) => {
    if (slug === "none") delete node.refine;
    else node.refine = slug === "within" ? { within: { days: 30 } } : { count: { at_least: 2 } };
    builder.restructured(`[data-focus="${CSS.escape(focus)}"]`);
  };
  const line = h("div", { class: "criteria-line" }, labelled(builder.t("refine"), select(options, chosen, change, { "data-focus": focus })));
  const number = (facts, key) => {
    const write = (event) => {
      if (Number.isNaN(event.target.valueAsNumber)) delete facts[key];
      else facts[key] = event.target.valueAsNumber;
      builder.changed();
    };
    return labelled(builder.t(key), h("input", { type: "number", min: 1, step: 1, value: facts[key] ?? "", input: write }));
  };
  if (chosen === "within") line.append(number(node.refine.within, "days"));
  if (chosen === "count") line.append(number(node.refine.count, "at_least"), number(node.refine.count, "at_most"));
  return line;
}
