// The criteria builder: draws a criteria document as boxes of filters and writes it back into its hidden input.
// All words and all knowledge about properties and operators come from the catalog the server gives.

import { drawEvent, isEventFinished, keysOf, rowsOf, saysMore } from "./criteria_events.js";
import { h, isFilter, isGroup, joinOf, joins, labelled, newFilter, newId, select, token } from "./criteria_elements.js";
import "./criteria_exactly.js";
import { choose } from "./criteria_palette.js";

const catalogs = new Map();
const SEARCH_FROM = 9;

function fetchCatalog(template, type) {
  const url = template.replace("TYPE", encodeURIComponent(type));
  if (!catalogs.has(url)) {
    const loading = fetch(url, { headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok) throw new Error(`${answer.status} ${url}`);
      return answer.json();
    });
    loading.catch(() => catalogs.delete(url));
    catalogs.set(url, loading);
  }
  return catalogs.get(url);
}

const kindOf = (node, catalog) => (catalog.kinds || []).find((kind) => kind.key in node && Object.keys(node).every((key) => keysOf(kind).includes(key)));
/** Options for associations, those of one category together; under headings where there are several. */
function inCategories(associations) {
  const names = [...new Set(associations.map((a) => a.category))];
  return names.flatMap((name) => associations.filter((a) => a.category === name).map((a) => ({ value: a.slug, label: a.label, category: names.length > 1 && name })));
}

const copied = (node) => JSON.parse(JSON.stringify(node));

class Builder {
  constructor(root) {
    this.root = root;
    this.input = root.querySelector("[data-criteria-document]");
    this.problems = JSON.parse(root.dataset.problems || "[]");
    this.document = this.read();
    this.body = h("div", { class: "criteria-body" });
    this.status = h("div", { class: "criteria-status" });
    this.summary = h("p", { class: "criteria-summary", role: "status" });
    this.details = h("div", { class: "criteria-details" });
    this.spoken = h("p", { class: "visually-hidden", "aria-live": "polite" });
    this.status.append(this.summary, this.details);
    root.append(this.body, this.status, this.spoken);
  }

  read() {
    try {
      const found = JSON.parse(this.input.value || "null");
      if (isGroup(found)) return found;
    } catch { /* what cannot be read is shown as no filters; the server has told what is wrong with it */ }
    return { any: [{ all: [newFilter()] }] };
  }

  async start() {
    try {
      this.own = await fetchCatalog(this.root.dataset.catalog, this.root.dataset.type);
      await this.loadAssociated(this.document, this.own.slug);
    } catch {
      this.summary.textContent = this.root.dataset.failed;
      this.root.dataset.state = "failed";
      return;
    }
    this.draw();
    this.root.dataset.state = "ready";
    this.count();
  }

  async loadAssociated(node, type) {
    const catalog = await fetchCatalog(this.root.dataset.catalog, type);
    this.known = (this.known || new Map()).set(type, catalog);
    for (const child of node[joinOf(node)] || []) {
      const inside = child.association ? catalog.associations.find((a) => a.slug === child.association) : null;
      if (isGroup(child)) await this.loadAssociated(child, inside ? inside.to : type);
      else await this.loadRows(child, kindOf(child, catalog));
    }
  }

  /** What the filters inside a filter on an event are about. */
  async loadRows(node, kind) {
    const rows = rowsOf(node, kind);
    // An event that is gone has no properties: the server says so at its filter.
    if (rows) await fetchCatalog(this.root.dataset.catalog, rows).then((found) => this.known.set(rows, found), () => null);
  }

  /** Write the document back and ask for the number of matches a little later. */
  changed() {
    this.input.value = this.isEmpty() ? "" : JSON.stringify(this.document, (key, value) => (key === "where" && !value.length ? undefined : value));
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.problems = [];
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.count(), 400);
  }

  isEmpty() {
    const blank = (node) => (isGroup(node) && !node.association ? node[joinOf(node)].every(blank) : isFilter(node) && !node.property);
    return blank(this.document);
  }

  /** A change of structure: draw anew and put the focus where the person goes on. */
  restructured(focus, spoken) {
    this.draw();
    this.goOn(focus, spoken);
  }

  goOn(focus, spoken) {
    this.changed();
    const target = focus && this.body.querySelector(focus);
    if (target) target.focus();
    if (spoken) this.spoken.textContent = spoken;
  }

  draw() {
    this.body.replaceChildren(this.drawGroup(this.document, this.own, "", null));
    this.showProblems();
  }

  t(key, values = {}) {
    return Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), this.own.texts[key]);
  }

  icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const image = document.createElementNS(space, "svg");
    const use = document.createElementNS(space, "use");
    image.setAttribute("class", "icon");
    image.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${this.root.dataset.icons}#${name}`);
    image.append(use);
    return image;
  }

  // Groups -----------------------------------------------------------------------------------------------------

  drawGroup(group, catalog, path, parent) {
    const join = joinOf(group);
    const place = path ? `${path}.${join}` : join;
    const parts = group[join];
    const list = h("ul", { class: "criteria-list" });
    parts.forEach((part, i) => list.append(...this.drawPart(group, catalog, place, i)));
    const head = h("div", { class: "criteria-head" }, this.drawJoin(group, path, parent));
    if (parent) head.append(this.tools(parent.parts, parent.index, path, "group"));
    const kind = group.association ? "criteria-box criteria-associated" : parent ? "criteria-box" : "criteria-top";
    return h("div", { class: kind, role: "group", "aria-label": this.t(parent ? "group" : "match"), "data-path": path },
      head, this.problemPlace(path), list, this.adders(group, catalog, place, parent, list));
  }

  /** A part of a group, after the word that joins it to the one before. */
  drawPart(group, catalog, place, i) {
    const join = joinOf(group), parts = group[join], word = join === "all" || join === "not_all" ? "and" : "or";
    const item = h("li", { class: "criteria-item" }, this.drawNode(parts[i], catalog, `${place}.${i}`, parts, i));
    return i ? [h("li", { class: `criteria-join criteria-join-${word}` }, h("span", {}, this.t(word))), item] : [item];
  }

  drawJoin(group, path, parent) {
    const join = joinOf(group);
    const change = (value) => {
      group[value] = group[join];
      delete group[join];
      this.restructured(`[data-focus="join ${CSS.escape(path)}"]`);
    };
    const options = joins.map((slug) => ({ value: slug, label: this.own.joins[slug] }));
    const control = select(options, join, change, { "data-focus": `join ${path}` });
    const text = group.association ? this.t("passes") : this.t("match");
    return labelled(text, control, { hidden: Boolean(parent) && !group.association });
  }

  adders(group, catalog, place, parent, list) {
    const parts = group[joinOf(group)];
    // What comes last leaves everything else as it is: nothing folds up or forgets what was looked for in it.
    const add = (node, selector) => {
      parts.push(node);
      if (parts.length === 1) list.replaceChildren();
      list.append(...this.drawPart(group, catalog, place, parts.length - 1));
      this.goOn(`[data-path="${place}.${parts.length - 1}"] ${selector}`, this.t("added"));
    };
    const button = (key, action) => h("button", { type: "button", class: "btn btn-small btn-quiet", "data-add": key, click: action }, `+ ${this.t(key)}`);
    const row = h("div", { class: "criteria-add" });
    const boxes = !parent && parts.every((part) => isGroup(part) && !part.association);
    if (!boxes) row.append(button("add_filter", async (event) => {
      const chosen = await choose(this, catalog);
      if (!chosen) return event.target.focus();
      const { node, focus } = chosen;
      if (node.association) await this.loadAssociated(node, catalog.associations.find((one) => one.slug === node.association).to);
      else await this.loadRows(node, kindOf(node, catalog));
      const blank = parts.length === 1 && isFilter(parts[0]) && !parts[0].property;
      if (blank) parts.pop();
      add(node, focus);
    }));
    row.append(button("add_group", () => add({ all: [newFilter()] }, "[data-focus='property']")));
    return row;
  }

  tools(parts, index, path, kind) {
    const place = path.slice(0, path.lastIndexOf("."));
    const duplicate = () => {
      parts.splice(index + 1, 0, copied(parts[index]));
      this.restructured(`[data-path="${place}.${index + 1}"] select`, this.t("added"));
    };
    const remove = () => {
      parts.splice(index, 1);
      if (!parts.length) this.prune(this.document);
      if (!this.document[joinOf(this.document)].length) this.document = { any: [{ all: [newFilter()] }] };
      const next = Math.min(index, parts.length - 1);
      this.restructured(parts.length ? `[data-path="${place}.${next}"] select` : "[data-add]", this.t("removed"));
    };
    const tool = (name, key, action) => h("button", {
      type: "button", class: "btn btn-quiet criteria-tool", "aria-label": `${this.t(key)} ${this.nameOf(parts[index])}`.trim(), title: this.t(key), click: action,
    }, this.icon(name));
    return h("div", { class: "criteria-tools" }, tool("copy", `duplicate_${kind}`, duplicate), tool("x", `remove_${kind}`, remove));
  }

  /** Groups that have lost their last filter go with it. */
  prune(group) {
    const join = joinOf(group);
    for (const part of group[join]) if (isGroup(part)) this.prune(part);
    group[join] = group[join].filter((part) => !isGroup(part) || part[joinOf(part)].length);
  }

  nameOf(node) {
    for (const catalog of this.known.values()) {
      const kind = kindOf(node, catalog);
      const found = kind?.options.find((option) => option.value === String(node[kind.key]));
      if (found) return found.label;
    }
    if (!isFilter(node)) return "";
    for (const catalog of this.known.values()) {
      const found = catalog.properties.find((prop) => prop.slug === node.property);
      if (found) return found.label;
    }
    return "";
  }

  // Filters ----------------------------------------------------------------------------------------------------

  drawNode(node, catalog, path, parts, index) {
    if (node.association !== undefined) return this.drawAssociation(node, catalog, path, parts, index);
    if (isGroup(node)) return this.drawGroup(node, catalog, path, { parts, index });
    const row = h("div", { class: "criteria-filter", role: "group", "aria-label": this.t("filter"), "data-path": path });
    if (isFilter(node)) this.fillFilter(row, node, catalog, path);
    else if (kindOf(node, catalog)) {
      const kind = kindOf(node, catalog);
      this.fillChoiceFilter(row, node, kind, path);
      if (saysMore(kind)) drawEvent(this, row, node, kind, path);
    }
    else row.append(h("p", { class: "criteria-other" }, this.t("other_kind"), " ", h("code", {}, JSON.stringify(node))));
    return h("div", { class: "criteria-row" }, row, this.tools(parts, index, path, "filter"));
  }

  drawAssociation(node, catalog, path, parts, index) {
    const chosen = catalog.associations.find((a) => a.slug === node.association) || catalog.associations[0];
    const inside = chosen && this.known.get(chosen.to);
    if (!inside) return h("p", { class: "criteria-other" }, node.association);
    const change = async (slug) => {
      node.association = slug;
      delete node.label;
      node[joinOf(node)] = [newFilter()];
      await this.loadAssociated(node, catalog.associations.find((a) => a.slug === slug).to);
      this.restructured(`[data-focus="association ${CSS.escape(path)}"]`);
    };
    const options = inCategories(catalog.associations);
    const line = h("div", { class: "criteria-line" },
      labelled(this.t("associated"), select(options, chosen.slug, change, { "data-focus": `association ${path}` })));
    if (chosen.labelled) line.append(this.labelControl(node, chosen));
    const box = this.drawGroup(node, inside, path, { parts, index });
    box.prepend(line);
    return box;
  }

  labelControl(node, association) {
    const list = h("datalist", { id: newId() }, association.labels.map((label) => h("option", { value: label })));
    const value = Array.isArray(node.label) ? node.label.join(", ") : node.label || "";
    const write = (event) => {
      const labels = event.target.value.split(",").map((label) => label.trim()).filter(Boolean);
      if (labels.length) node.label = labels.length === 1 ? labels[0] : labels;
      else delete node.label;
      this.changed();
    };
    return h("div", {}, labelled(this.t("with_label"), h("input", { type: "text", value, list: list.id, input: write })), list);
  }

  /** The selects stay where they are while one types in them; only what follows is drawn anew. */
  fillFilter(row, node, catalog, path) {
    const propertyOf = (slug) => catalog.properties.find((candidate) => candidate.slug === slug);
    const operatorPlace = h("div", { class: "criteria-part" });
    const valuePlace = h("div", { class: "criteria-part" });
    const extraPlace = h("div", { class: "criteria-extra" });
    const drawValues = () => {
      valuePlace.replaceChildren();
      extraPlace.replaceChildren();
      const prop = propertyOf(node.property);
      const key = prop?.operators.find((candidate) => catalog.operators[candidate].slug === node.operator);
      if (key) this.drawOperands(valuePlace, extraPlace, node, prop, catalog.operators[key], catalog);
    };
    const drawOperator = () => {
      operatorPlace.replaceChildren();
      const prop = propertyOf(node.property);
      if (prop) operatorPlace.append(this.operatorControl(node, prop, catalog, drawValues));
      drawValues();
    };
    const chooseProperty = (slug) => {
      const before = node.operator;
      const slugs = (propertyOf(slug)?.operators || []).map((key) => catalog.operators[key].slug);
      Object.keys(node).forEach((key) => delete node[key]);
      Object.assign(node, { property: slug, operator: slugs.includes(before) ? before : slugs[0] || "" });
      drawOperator();
      this.renameTools(row, node);
      this.changed();
    };
    catalog.choices ||= [{ value: "", label: this.t("choose_property") }, ...catalog.properties.map((p) => ({ value: p.slug, label: p.label }))];
    const gone = node.property && !propertyOf(node.property);
    const properties = gone ? [...catalog.choices, { value: node.property, label: node.property }] : catalog.choices;
    const chooser = select(properties, node.property, chooseProperty, { "data-focus": "property" });
    row.append(h("div", { class: "criteria-line" }, labelled(this.t("property"), chooser, { hidden: true }), operatorPlace, valuePlace), extraPlace, this.problemPlace(path));
    drawOperator();
  }

  /** What is an operator and a choice: whether the record is in a list, what it is in a workflow. */
  fillChoiceFilter(row, node, kind, path) {
    const set = (key) => async (value) => {
      node[key] = value;
      if (saysMore(kind)) return this.changeEvent(node, kind, key, path);
      this.renameTools(row, node);
      this.changed();
    };
    const chosen = String(node[kind.key]);
    const options = kind.options.some((option) => option.value === chosen) ? kind.options : [{ value: chosen, label: chosen }, ...kind.options];
    row.append(h("div", { class: "criteria-line" },
      labelled(this.t("operator"), select(kind.operators, node.operator, set("operator"), { "data-focus": "operator" }), { hidden: true }),
      labelled(kind.label, select(options, chosen, set(kind.key), { "data-focus": kind.key }), { hidden: true })), this.problemPlace(path));
  }

  /** Another event has other properties; one that has not occurred takes no refinement. */
  async changeEvent(node, kind, key, path) {
    if (key === kind.key && kind.rows.endsWith(":")) delete node.where;
    if (!kind.refined.includes(node.operator)) delete node.refine;
    await this.loadRows(node, kind);
    this.restructured(`[data-path="${CSS.escape(path)}"] [data-focus="${key}"]`);
  }

  operatorControl(node, prop, catalog, drawValues) {
    prop.choices ||= prop.operators.map((key) => ({ value: catalog.operators[key].slug, label: catalog.operators[key].label }));
    const known = prop.choices.some((option) => option.value === node.operator);
    const options = known ? prop.choices : [{ value: node.operator || "", label: node.operator || this.t("choose") }, ...prop.choices];
    const choose = (slug) => {
      this.changeOperator(node, prop, catalog, slug);
      drawValues();
      this.changed();
    };
    return labelled(this.t("operator"), select(options, node.operator || "", choose, { "data-focus": "operator" }), { hidden: true });
  }

  renameTools(row, node) {
    for (const tool of row.parentElement.querySelectorAll(".criteria-tool")) tool.setAttribute("aria-label", `${tool.title} ${this.nameOf(node)}`.trim());
  }

  /** Keep the values the new operator also understands. */
  changeOperator(node, prop, catalog, slug) {
    const operatorOf = (wanted) => prop.operators.map((key) => catalog.operators[key]).find((o) => o.slug === wanted);
    const before = operatorOf(node.operator);
    const after = operatorOf(slug);
    if (!after) return;
    const same = (operand) => before?.operands.some((old) => old.name === operand.name && old.control === operand.control);
    const kept = Object.fromEntries(after.operands.filter((o) => same(o) && o.name in node).map((o) => [o.name, node[o.name]]));
    Object.keys(node).forEach((key) => delete node[key]);
    Object.assign(node, { property: prop.slug, operator: slug }, kept);
  }

  drawOperands(line, extra, node, prop, operator, catalog) {
    const more = h("details", { class: "criteria-more" }, h("summary", {}, this.t("options")));
    for (const operand of operator.operands) {
      const set = (value) => {
        if (value === null || value === "" || (Array.isArray(value) && !value.length)) delete node[operand.name];
        else node[operand.name] = value;
        this.changed();
      };
      const control = this.control(operand, prop, node[operand.name], set, catalog);
      (operand.required ? line : more).append(control);
      if (!operand.required && node[operand.name] !== undefined) more.open = true;
    }
    if (more.childElementCount > 1) extra.append(more);
    if (operator.takes_blanks && (operator.negative || node.include_blank !== undefined)) extra.append(this.blankBox(node, prop));
  }

  blankBox(node, prop) {
    const box = h("input", {
      type: "checkbox", id: newId(), checked: node.include_blank ?? this.own.blanks_match_negatives,
      change: (event) => {
        node.include_blank = event.target.checked;
        this.changed();
      },
    });
    return h("div", { class: "criteria-blank" }, box, h("label", { for: box.id }, this.t("include_blank", { property: prop.label })));
  }

  // Values -----------------------------------------------------------------------------------------------------

  control(operand, prop, value, set, catalog) {
    const hidden = { hidden: operand.name === "value" };
    const input = (attributes, read = (element) => element.value) =>
      labelled(operand.label, h("input", { value: value ?? "", ...attributes, input: (event) => set(read(event.target)) }), hidden);
    const numeric = (element) => (element.value === "" || Number.isNaN(element.valueAsNumber) ? null : element.valueAsNumber);
    switch (operand.control) {
      case "several": return this.severalControl(operand, prop, value, set, catalog);
      case "phrases": return this.linesControl(operand, value, set);
      case "phrase": return input({ type: "text" });
      case "whole": return input({ type: "number", step: 1, min: operand.low, max: operand.high }, numeric);
      case "point": return this.pointControl(operand, value, set);
      case "flag": return this.flagControl(operand, value, set);
      case "zone": return this.zoneControl(operand, value, set);
      case "choice": return labelled(operand.label, select([{ value: "", label: this.t("choose") }, ...operand.choices], value || "", set), hidden);
      case "property": return this.propertyControl(operand, prop, value, set, catalog);
      default: return this.oneControl(prop, value, set, input, numeric, operand, hidden);
    }
  }

  oneControl(prop, value, set, input, numeric, operand, hidden) {
    if (prop.family === "number") return input({ type: "number", step: "any" }, numeric);
    if (prop.family !== "boolean") return input({ type: "text" });
    const options = [{ value: "", label: this.t("choose") }, { value: "true", label: this.t("yes") }, { value: "false", label: this.t("no") }];
    const read = (text) => set(text === "" ? null : text === "true");
    return labelled(operand.label, select(options, value === undefined ? "" : String(value), read), hidden);
  }

  severalControl(operand, prop, value, set, catalog) {
    if (prop.family === "text") return this.linesControl(operand, value, set);
    const options = prop.family === "user" ? catalog.users : prop.options;
    const searched = prop.family === "user" && catalog.people_url;
    const chosen = new Set(Array.isArray(value) ? value : []);
    const gone = [...chosen].filter((one) => !options.some((option) => option.value === one));
    const boxes = h("div", { class: "criteria-options" });
    const add = (option) => {
      const box = h("input", {
        type: "checkbox", id: newId(), value: option.value, checked: chosen.has(option.value),
        change: (event) => {
          if (event.target.checked) chosen.add(option.value);
          else chosen.delete(option.value);
          set([...chosen]);
        },
      });
      boxes.append(h("div", { class: "criteria-option" }, box, h("label", { for: box.id }, option.label)));
    };
    for (const option of [...options, ...gone.map((one) => ({ value: one, label: one }))]) add(option);
    if (!boxes.childElementCount && !searched) boxes.append(h("p", { class: "muted" }, this.t("no_options")));
    const field = h("fieldset", { class: "criteria-several" }, h("legend", { class: "visually-hidden" }, `${prop.label}: ${operand.label}`));
    if (options.length >= SEARCH_FROM) field.append(this.searchBox(boxes));
    if (searched) {
      field.append(this.personBox(catalog.people_url, (name) => {
        if (chosen.has(name)) return;
        chosen.add(name);
        add({ value: name, label: name });
        set([...chosen]);
      }));
    }
    field.append(boxes);
    return field;
  }

  // Too many users for a list: one more is typed, with suggestions (people.js).
  personBox(url, take) {
    const list = h("datalist", { id: newId() });
    const change = (event) => {
      const name = event.target.value.trim();
      if (name) take(name);
      event.target.value = "";
    };
    const field = h("input", { type: "text", autocomplete: "off", list: list.id, "data-people": url, placeholder: this.t("search"), change });
    return h("div", {}, labelled(this.t("search"), field, { hidden: true }), list);
  }

  searchBox(boxes) {
    const narrow = (event) => {
      const wanted = event.target.value.trim().toLocaleLowerCase();
      for (const line of boxes.children) line.hidden = !line.textContent.toLocaleLowerCase().includes(wanted);
    };
    return labelled(this.t("search"), h("input", { type: "search", placeholder: this.t("search"), input: narrow }), { hidden: true });
  }

  linesControl(operand, value, set) {
    const lines = Array.isArray(value) ? value : [];
    const write = (event) => set(event.target.value.split("\n").map((line) => line.trim()).filter(Boolean));
    const area = h("textarea", { rows: Math.min(Math.max(lines.length, 1), 6), placeholder: this.t("one_per_line"), input: write }, lines.join("\n"));
    return labelled(`${operand.label} – ${this.t("one_per_line")}`, area, { hidden: true });
  }

  pointControl(operand, value, set) {
    const point = value && typeof value === "object" ? { offset: 0, unit: "days", ...value } : null;
    const field = h("fieldset", { class: "criteria-point" }, h("legend", { class: operand.name === "value" && "visually-hidden" }, operand.label));
    const kind = select([{ value: "fixed", label: this.t("fixed_date") }, { value: "relative", label: this.t("relative_date") }],
      point ? "relative" : "fixed", (chosen) => {
        const next = chosen === "relative" ? { relative_to: "today", offset: 0, unit: "days" } : undefined;
        set(next ?? null);
        const redrawn = this.pointControl(operand, next, set);
        field.replaceWith(redrawn);
        redrawn.querySelector("select").focus();
      });
    field.append(labelled(this.t("kind_of_date"), kind, { hidden: true }));
    if (!point) {
      const text = typeof value === "string" ? value : "";
      const type = text.length > 10 ? "text" : "date";
      field.append(labelled(operand.label, h("input", { type, value: text, input: (event) => set(event.target.value) }), { hidden: true }));
      return field;
    }
    const write = (change) => {
      Object.assign(point, change);
      set({ relative_to: point.relative_to, offset: point.offset, unit: point.unit });
    };
    const sign = () => (direction.value === "before" ? -1 : 1);
    const amount = h("input", { type: "number", min: 0, step: 1, value: Math.abs(point.offset), input: () => write({ offset: sign() * (amount.valueAsNumber || 0) }) });
    const direction = select([{ value: "before", label: this.t("before") }, { value: "after", label: this.t("after") }],
      point.offset < 0 ? "before" : "after", () => write({ offset: sign() * (amount.valueAsNumber || 0) }));
    const listed = (choices) => Object.entries(choices).map(([slug, label]) => ({ value: slug, label }));
    field.append(
      labelled(this.t("amount"), amount, { hidden: true }),
      labelled(this.t("unit"), select(listed(this.own.units), point.unit, (unit) => write({ unit })), { hidden: true }),
      labelled(this.t("direction"), direction, { hidden: true }),
      labelled(this.t("anchor"), select(listed(this.own.anchors), point.relative_to, (anchor) => write({ relative_to: anchor })), { hidden: true }),
    );
    return field;
  }

  flagControl(operand, value, set) {
    const box = h("input", { type: "checkbox", id: newId(), checked: value ?? operand.default, change: (event) => set(event.target.checked) });
    return h("div", { class: "criteria-blank" }, box, h("label", { for: box.id }, operand.label));
  }

  zoneControl(operand, value, set) {
    const zones = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
    const list = h("datalist", { id: newId() }, zones.map((zone) => h("option", { value: zone })));
    return h("div", {}, labelled(operand.label, h("input", { type: "text", value: value || "", list: list.id, placeholder: this.root.dataset.zone, change: (event) => set(event.target.value.trim()) })), list);
  }

  propertyControl(operand, prop, value, set, catalog) {
    const fits = (other) => other.slug !== prop.slug && (operand.any_family || other.family === prop.family);
    const options = [{ value: "", label: this.t("choose_property") }, ...catalog.properties.filter(fits).map((p) => ({ value: p.slug, label: p.label }))];
    return labelled(operand.label, select(options, value || "", set));
  }

  // Problems and matches ---------------------------------------------------------------------------------------

  problemPlace(path) {
    return h("ul", { class: "criteria-problems field-error", role: "alert", "data-problems-at": path, hidden: true });
  }

  /** Each problem at the innermost filter or group its path leads to. */
  showProblems() {
    const places = [...this.body.querySelectorAll("[data-problems-at]")];
    for (const place of places) {
      place.replaceChildren();
      place.hidden = true;
    }
    for (const problem of this.problems) {
      const inside = (place) => place.dataset.problemsAt === "" || problem.path === place.dataset.problemsAt || problem.path.startsWith(`${place.dataset.problemsAt}.`);
      const home = places.filter(inside).sort((a, b) => b.dataset.problemsAt.length - a.dataset.problemsAt.length)[0];
      home?.append(h("li", {}, problem.message));
      if (home) home.hidden = false;
    }
  }

  isFinished(node, catalog) {
    if (isGroup(node)) {
      const association = node.association && catalog.associations.find((a) => a.slug === node.association);
      const inside = association ? this.known.get(association.to) : catalog;
      return Boolean(inside) && node[joinOf(node)].length > 0 && node[joinOf(node)].every((part) => this.isFinished(part, inside));
    }
    const rows = rowsOf(node, kindOf(node, catalog));
    const inside = this.known.get(rows);
    if (inside || node.refine) return isEventFinished(node, (part) => this.isFinished(part, inside));
    if (!isFilter(node)) return true;
    const prop = catalog.properties.find((candidate) => candidate.slug === node.property);
    const key = prop?.operators.find((candidate) => catalog.operators[candidate].slug === node.operator);
    return Boolean(key) && catalog.operators[key].operands.every((operand) => !operand.required || node[operand.name] !== undefined);
  }

  async count() {
    this.asking?.abort();
    if (!this.isFinished(this.document, this.own)) {
      this.tell(this.t("unfinished"));
      return;
    }
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.root.dataset.state = "counting";
    try {
      const answer = await fetch(this.root.dataset.matches, {
        method: "POST",
        signal,
        headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
        body: JSON.stringify({ criteria: this.document, zone: this.root.dataset.zone }),
      });
      if (!answer.ok && ![400, 403].includes(answer.status)) throw new Error(String(answer.status));
      this.show(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") this.tell(this.t("offline"));
    }
  }

  show(found) {
    this.problems = found.problems || [];
    this.showProblems();
    if (found.problems) {
      this.tell(this.t("unfinished"));
      return;
    }
    const parts = [h("p", { class: "criteria-sentence" }, found.sentence)];
    if (found.why_none) parts.push(h("p", { class: "criteria-none" }, found.why_none));
    if (found.samples.length) {
      parts.push(h("p", { class: "criteria-samples" }, this.t("samples"), " ", found.samples.map((sample) => h("span", { class: "chip chip-muted" }, sample.name))));
    }
    this.tell(found.summary, parts);
    this.root.dispatchEvent(new CustomEvent("criteria:matches", { bubbles: true, detail: found }));
  }

  tell(summary, parts = []) {
    this.summary.textContent = summary;
    this.details.replaceChildren(...parts);
    this.root.dataset.state = "ready";
  }
}

/** Bring every builder inside an element to life; ones that live already are left alone. */
export function mount(container = document) {
  for (const root of container.querySelectorAll("[data-criteria]:not([data-state])")) {
    root.dataset.state = "loading";
    new Builder(root).start();
  }
}

mount();
// Panels come and go (by htmx or by the editor's own script): builders in them are found as they appear.
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.parentElement) mount(node.parentElement);
  }
}).observe(document.documentElement, { childList: true, subtree: true });
