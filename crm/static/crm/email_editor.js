/* The editor of emails: a text area becomes a text one sees as it will be. The server keeps only what an email may have. */

const area = document.querySelector("[data-email-body]");
const offered = document.querySelector("[data-email-tokens]");
const ALLOWED = { A: ["href", "class"], IMG: ["src", "alt", "width"] };
const KEPT = ["H1", "H2", "H3", "P", "BR", "HR", "STRONG", "EM", "B", "I", "U", "UL", "OL", "LI", "BLOCKQUOTE", "A", "IMG"];
const GONE = ["SCRIPT", "STYLE", "TITLE", "TEMPLATE", "META", "LINK"];

function element(name, facts = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Copy what an email may have from one node into another; of anything else only what is inside. */
function copyInto(target, source) {
  for (const node of source.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) target.append(node.textContent);
    if (node.nodeType !== Node.ELEMENT_NODE || GONE.includes(node.tagName)) continue;
    if (!KEPT.includes(node.tagName)) {
      copyInto(node.tagName === "DIV" ? target.appendChild(element("p")) : target, node);
      continue;
    }
    const made = element(node.tagName.toLowerCase());
    for (const name of ALLOWED[node.tagName] ?? []) {
      if (node.hasAttribute(name)) made.setAttribute(name, node.getAttribute(name));
    }
    copyInto(made, node);
    target.append(made);
  }
}

/** HTML with nothing in it but what an email may have. */
function cleaned(html) {
  const read = new DOMParser().parseFromString(html, "text/html");
  const made = element("div");
  copyInto(made, read.body);
  return made;
}

function begin() {
  const label = document.querySelector(`label[for="${area.id}"]`);
  label.id ||= `${area.id}_label`;
  const text = element("div", {
    className: "email-text", contentEditable: "true", role: "textbox", "aria-multiline": "true", "aria-labelledby": label.id,
  });
  const help = area.getAttribute("aria-describedby");
  if (help) text.setAttribute("aria-describedby", help);
  const tools = element("div", { className: "email-tools", role: "toolbar", "aria-label": gettext("Text of the email") });
  const editor = element("div", { className: "email-editor" });
  area.before(editor);
  editor.append(tools, text, area);
  area.classList.add("email-source");
  area.hidden = true;
  label.addEventListener("click", (event) => {
    if (area.hidden) { event.preventDefault(); text.focus(); }
  });

  let place = null;
  const inside = () => {
    const chosen = getSelection();
    return chosen.rangeCount && text.contains(chosen.anchorNode) ? chosen.getRangeAt(0) : null;
  };
  const remember = () => { place = inside() ?? place; };
  const goBack = () => {
    text.focus();
    if (!place) return;
    getSelection().removeAllRanges();
    getSelection().addRange(place);
  };
  const show = () => {
    text.replaceChildren(...cleaned(area.value).childNodes);
    if (!text.firstElementChild) text.replaceChildren(element("p", {}, element("br")));
  };
  const write = () => {
    const empty = !text.textContent.trim() && !text.querySelector("img, hr");
    area.value = empty ? "" : cleaned(text.innerHTML).innerHTML;
    area.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const run = (name, value = null) => {
    goBack();
    document.execCommand("styleWithCSS", false, "false");
    document.execCommand(name, false, value);
    write();
    mark();
  };
  const around = (selector) => {
    const node = inside()?.startContainer ?? null;
    const found = (node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement)?.closest(selector);
    return found && text.contains(found) ? found : null;
  };

  const pressable = [];
  const button = (label, shown, act, state = null, className = "") => {
    const made = element("button", { type: "button", title: label, className, tabIndex: -1 });
    if (shown === label) made.append(shown);
    else made.append(element("span", { "aria-hidden": "true" }, shown), element("span", { className: "visually-hidden" }, label));
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", act);
    if (state) pressable.push([made, state]);
    tools.append(made);
    return made;
  };
  const bar = () => tools.append(element("hr", { "aria-hidden": "true" }));

  const kind = element("select", { "aria-label": gettext("Kind of paragraph"), tabIndex: -1 });
  const kinds = [["p", gettext("Paragraph")], ["h1", gettext("Heading 1")], ["h2", gettext("Heading 2")], ["h3", gettext("Heading 3")], ["blockquote", gettext("Quote")]];
  for (const [value, name] of kinds) kind.append(element("option", { value }, name));
  kind.addEventListener("change", () => run("formatBlock", kind.value));
  tools.append(kind);
  button(gettext("Bold"), "B", () => run("bold"), () => document.queryCommandState("bold"));
  button(gettext("Italic"), "I", () => run("italic"), () => document.queryCommandState("italic"), "italic");
  bar();
  button(gettext("Bulleted list"), "•", () => run("insertUnorderedList"), () => Boolean(around("ul")));
  button(gettext("Numbered list"), "1.", () => run("insertOrderedList"), () => Boolean(around("ol")));
  bar();
  button(gettext("Link"), gettext("Link"), () => ask("link"), () => Boolean(around("a:not(.button)")));
  button(gettext("Button"), gettext("Button"), () => ask("button"), () => Boolean(around("a.button")));
  button(gettext("Picture"), gettext("Picture"), () => ask("picture"));
  button(gettext("Divider"), "―", () => run("insertHTML", "<hr><p><br></p>"));
  bar();
  button(gettext("Undo"), "↶", () => run("undo"));
  button(gettext("Redo"), "↷", () => run("redo"));
  const source = button(gettext("HTML"), "</>", () => swap(), () => !area.hidden);
  const tokens = offered.cloneNode(true);
  tokens.hidden = false;
  tokens.tabIndex = -1;
  tokens.addEventListener("change", () => {
    const token = tokens.value;
    tokens.value = "";
    if (!token) return;
    if (area.hidden) run("insertText", token);
    else insertInto(area, token);
  });
  tools.append(tokens);

  function swap() {
    area.hidden = !area.hidden;
    text.hidden = !area.hidden;
    if (area.hidden) show();
    for (const control of tools.querySelectorAll("button, select")) {
      control.disabled = !area.hidden && control !== source && control !== tokens;
    }
    (area.hidden ? text : area).focus();
    mark();
  }

  function mark() {
    for (const [made, state] of pressable) made.setAttribute("aria-pressed", String(state()));
    const block = around("h1, h2, h3, blockquote, p");
    if (block) kind.value = block.closest("blockquote")?.tagName.toLowerCase() ?? block.tagName.toLowerCase();
  }

  /** Ask for an address, and for what is said there; change the link or picture the caret is in, or make one. */
  function ask(what) {
    remember();
    const picture = what === "picture";
    const there = picture ? null : around(what === "button" ? "a.button" : "a:not(.button)");
    const titles = { link: gettext("Link"), button: gettext("Button"), picture: gettext("Picture") };
    const address = element("input", { type: "text", inputMode: "url", placeholder: "https://", required: true, maxLength: 1000 });
    address.value = there?.getAttribute("href") ?? "";
    const said = element("input", { type: "text", maxLength: 300, required: !picture });
    said.value = there?.textContent ?? String(getSelection());
    const heading = element("h2", { id: "email-dialog-title" }, titles[what]);
    const form = element("form", { method: "dialog" },
      heading,
      element("label", {}, picture ? gettext("Address of the picture") : gettext("Where it leads to"), address),
      element("label", {}, picture ? gettext("What it shows, for those who do not see it") : gettext("Text"), said));
    const row = element("div", { className: "toolbar" });
    const done = element("button", { type: "submit", className: "btn btn-primary", value: "done" }, gettext("Insert"));
    if (there) done.textContent = gettext("Change");
    row.append(done);
    if (there) row.append(element("button", { type: "submit", className: "btn", value: "remove", formNoValidate: true }, gettext("Remove the link")));
    row.append(element("button", { type: "submit", className: "btn btn-quiet", value: "cancel", formNoValidate: true }, gettext("Cancel")));
    form.append(row);
    const dialog = element("dialog", { className: "email-dialog", "aria-labelledby": heading.id }, form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      const chosen = dialog.returnValue;
      dialog.remove();
      goBack();
      if (chosen === "remove" && there) there.replaceWith(...there.childNodes);
      if (chosen === "done" && there) {
        there.setAttribute("href", address.value.trim());
        if (said.value !== there.textContent) there.textContent = said.value;
      }
      if (chosen === "done" && !there) {
        const made = picture ? element("img", { alt: said.value }) : element("a", {}, said.value);
        made.setAttribute(picture ? "src" : "href", address.value.trim());
        if (what === "button") made.className = "button";
        document.execCommand("insertHTML", false, made.outerHTML);
      }
      write();
      mark();
    });
    dialog.showModal();
    address.focus();
  }

  // One stop of the Tab key; arrows go on from there.
  const controls = () => [...tools.querySelectorAll("button:not(:disabled), select:not(:disabled)")];
  controls()[0].tabIndex = 0;
  tools.addEventListener("keydown", (event) => {
    const all = controls(), at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    all[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  text.addEventListener("input", write);
  text.addEventListener("blur", remember);
  text.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      ask("link");
    }
  });
  text.addEventListener("paste", (event) => {
    const html = event.clipboardData.getData("text/html");
    if (!html) return;
    event.preventDefault();
    document.execCommand("insertHTML", false, cleaned(html).innerHTML);
  });
  document.addEventListener("selectionchange", () => {
    if (inside()) { remember(); mark(); }
  });
  document.execCommand("defaultParagraphSeparator", false, "p");
  show();
  mark();
}

/** Put a token where the caret is in a field. */
function insertInto(field, token) {
  field.setRangeText(token, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

if (area && offered) {
  begin();
  for (const line of document.querySelectorAll("[data-email-line]")) {
    const choice = offered.cloneNode(true);
    choice.hidden = false;
    choice.removeAttribute("data-email-tokens");
    choice.addEventListener("change", () => {
      if (choice.value) insertInto(line, choice.value);
      choice.value = "";
    });
    const row = element("span", { className: "email-line" });
    line.before(row);
    row.append(line, choice);
  }
}
