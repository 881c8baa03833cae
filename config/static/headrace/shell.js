// The shell of every page: drawer, menus, toasts, command palette, CSRF for htmx.

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]")?.content ?? "";
});

// Drawer on small screens.
const toggle = document.querySelector(".drawer-toggle");
const setDrawer = (open) => {
  document.body.classList.toggle("nav-open", open);
  toggle?.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector("#sidebar a")?.focus();
};
toggle?.addEventListener("click", () => setDrawer(!document.body.classList.contains("nav-open")));
document.querySelector("[data-drawer-close]")?.addEventListener("click", () => setDrawer(false));

// Menus and filter chips close on a click elsewhere and on Escape.
const popovers = "details.menu[open], details.filter[open]";
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(popovers)) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(popovers)) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (document.body.classList.contains("nav-open")) {
    setDrawer(false);
    toggle.focus();
  }
});

// Toasts: errors stay until they are closed, the others leave by themselves unless they are being read.
const watch = (toast) => {
  toast.querySelector(".toast-close")?.addEventListener("click", () => toast.remove());
  if (toast.classList.contains("error") || toast.classList.contains("warning")) return;
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), 7000); };
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  start();
};
document.querySelectorAll("#toasts .toast").forEach(watch);

// A question before a form is sent: <form data-confirm="…">.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});


// Django's chooser of many names its search icons without a role that may have a name.
window.addEventListener("load", () => {
  for (const sign of document.querySelectorAll(".search-label-icon[aria-label]")) sign.setAttribute("role", "img");
});

// Command palette.
const palette = document.getElementById("palette");
if (palette) {
  const input = document.getElementById("palette-input");
  const results = document.getElementById("palette-results");
  let asked = 0;
  let timer;

  const options = () => [...results.querySelectorAll("a")];
  const choose = (index) => {
    const all = options();
    if (!all.length) return;
    const next = (index + all.length) % all.length;
    all.forEach((option, i) => option.setAttribute("aria-selected", String(i === next)));
    input.setAttribute("aria-activedescendant", all[next].id);
    all[next].scrollIntoView({ block: "nearest" });
  };
  const current = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");
  const note = (text) => {
    const line = Object.assign(document.createElement("p"), { className: "palette-note", textContent: text });
    line.setAttribute("role", "option");
    line.setAttribute("aria-disabled", "true");
    results.replaceChildren(line);
  };
  const show = (groups) => {
    const sprite = document.querySelector(".palette-box use").getAttribute("href").split("#")[0];
    let number = 0;
    results.replaceChildren(...groups.map((group) => {
      const section = document.createElement("div");
      section.setAttribute("role", "group");
      section.setAttribute("aria-label", group.label);
      const heading = Object.assign(document.createElement("div"), { className: "palette-group", textContent: group.label });
      heading.setAttribute("aria-hidden", "true");
      section.append(heading, ...group.entries.map((entry) => {
        const link = Object.assign(document.createElement("a"), { href: entry.url, id: `palette-${number++}`, tabIndex: -1 });
        link.setAttribute("role", "option");
        link.innerHTML = '<svg class="icon" aria-hidden="true"><use></use></svg><span></span><small></small>';
        link.querySelector("use").setAttribute("href", `${sprite}#${entry.icon}`);
        link.querySelector("span").textContent = entry.label;
        link.querySelector("small").textContent = entry.hint;
        return link;
      }));
      return section;
    }));
    if (number) choose(0);
    else note(palette.dataset.empty);
  };
  const search = async () => {
    const turn = ++asked;
    try {
      const answer = await fetch(`${palette.dataset.url}?q=${encodeURIComponent(input.value)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const { groups } = await answer.json();
      if (turn === asked) show(groups);
    } catch {
      if (turn === asked) note(palette.dataset.failed);
    }
  };
  const open = () => {
    if (palette.open) return;
    palette.showModal();
    input.select();
    search();
  };

  document.querySelectorAll("[data-palette-open]").forEach((button) => button.addEventListener("click", open));
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(current() + 1);
    else if (event.key === "ArrowUp") choose(current() - 1);
    else if (event.key === "Enter") options()[current()]?.click();
    else return;
    event.preventDefault();
  });
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
}
