// Which groups of the sidebar are open is remembered by the browser, in a cookie the server draws the next page by.

const NAME = "headrace_navigation";
const groups = [...document.querySelectorAll(".sidebar-group[data-group]")];

const remembered = () => {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${NAME}=`));
  const parts = found ? found.slice(NAME.length + 1).split(".") : [];
  return new Map(parts.map((part) => [part.slice(0, -2), part.slice(-1)]).filter(([key]) => key));
};

for (const group of groups) {
  // By the click, which keys make as well: that the server has opened the group of this page is nobody's choice.
  group.querySelector("summary").addEventListener("click", () => {
    const chosen = remembered().set(group.dataset.group, group.open ? "0" : "1");
    const value = [...chosen].map(([key, state]) => `${key}-${state}`).join(".");
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${NAME}=${value}; Path=/admin/; Max-Age=31536000; SameSite=Lax${secure}`;
  });
}

// The page one is on may be far down.
const bar = document.querySelector(".sidebar");
const current = bar?.querySelector("[aria-current]");
const below = current ? current.getBoundingClientRect().bottom - bar.getBoundingClientRect().bottom : 0;
if (below > 0) bar.scrollTop += below + 16;
