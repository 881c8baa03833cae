// The palette of the criteria builder: everything one can filter by, under headings, found by typing.
import { h, newFilter, newId } from "./criteria_elements.js";

/** All that a catalog offers: what it is called, under which heading, the filter it makes and where to go on. */
function offers(builder, catalog) {
  const properties = catalog.properties.map((prop) => ({
    label: prop.label, category: prop.group || builder.t("properties"), focus: "[data-focus='operator']",
    make: () => ({ property: prop.slug, operator: catalog.operators[prop.operators[0]]?.slug || "" }),
  }));
  const associated = catalog.associations.map((one) => ({
    label: one.label, category: one.category || builder.t("associated_records"), focus: "[data-focus='property']",
    make: () => ({ association: one.slug, all: [newFilter()] }),
  }));
  const kinds = (catalog.kinds || []).flatMap((kind) => kind.options.map((option) => ({
    label: option.label, category: option.category || kind.label, focus: "[data-focus='operator']",
    make: () => ({ [kind.key]: option.value, operator: kind.operators[0].value }),
  })));
  return [...properties, ...associated, ...kinds];
}

function grouped(all) {
  const groups = new Map();
  for (const one of all) groups.set(one.category, [...(groups.get(one.category) || []), one]);
  return groups;
}

/** Ask what to filter by; gives the new filter and where the focus goes, or null. */
export function choose(builder, catalog) {
  return new Promise((resolve) => {
    let answer = null;
    const listId = newId();
    const found = [];
    const list = h("div", { role: "listbox", id: listId, class: "criteria-offers", "aria-label": builder.t("palette"), tabindex: -1 });
    const search = h("input", {
      type: "search", placeholder: builder.t("search_filters"), "aria-label": builder.t("search_filters"), autocomplete: "off",
      role: "combobox", "aria-controls": listId, "aria-expanded": "true", "aria-autocomplete": "list",
    });
    const nothing = h("p", { class: "muted", role: "status", hidden: true }, builder.t("nothing_found"));
    const dialog = h("dialog", { class: "criteria-palette", "aria-label": builder.t("palette") }, search, list, nothing);
    for (const [category, offered] of grouped(offers(builder, catalog))) {
      const group = h("div", { role: "group", "aria-label": category, class: "criteria-offer-group" }, h("div", { class: "criteria-offer-name", "aria-hidden": "true" }, category));
      for (const offer of offered) {
        const option = h("div", { role: "option", id: newId(), class: "criteria-offer", "aria-selected": "false", click: () => pick(offer) }, offer.label);
        found.push({ option, offer, text: `${offer.label} ${category}`.toLocaleLowerCase() });
        group.append(option);
      }
      list.append(group);
    }
    const shown = () => found.filter((one) => !one.option.hidden);
    const mark = (one) => {
      for (const other of found) if (other.option.ariaSelected === "true") other.option.setAttribute("aria-selected", "false");
      one?.option.setAttribute("aria-selected", "true");
      search.setAttribute("aria-activedescendant", one?.option.id || "");
      one?.option.scrollIntoView({ block: "nearest" });
    };
    const narrow = () => {
      const words = search.value.trim().toLocaleLowerCase().split(/\s+/);
      for (const one of found) one.option.hidden = !words.every((word) => one.text.includes(word));
      for (const group of list.children) group.hidden = !group.querySelector(".criteria-offer:not([hidden])");
      // What begins with the words typed comes before what only contains them.
      const begins = shown().find((one) => one.text.startsWith(words.join(" ")));
      nothing.hidden = shown().length > 0;
      mark(begins || shown()[0]);
    };
    const pick = (offer) => {
      answer = { node: offer.make(), focus: offer.focus };
      dialog.close();
    };
    search.addEventListener("input", narrow);
    dialog.addEventListener("keydown", (event) => {
      const all = shown();
      const at = all.findIndex((one) => one.option.ariaSelected === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        mark(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (all[at]) pick(all[at].offer);
      }
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    narrow();
    search.focus();
  });
}
