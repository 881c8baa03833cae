({ theme, rows }) => {
  // What can be seen to be wrong in a page as it stands. Findings fail the run, notes are for a person to look at.
  const findings = [], notes = [];
  const root = document.documentElement;
  const words = (one) => (one.innerText || one.value || one.getAttribute("aria-label") || one.className || one.tagName)
    .toString().trim().replace(/\s+/g, " ").slice(0, 50);
  const shown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && one.getBoundingClientRect().width > 1;
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.body.querySelectorAll("*")].filter((one) => shown(one) && one.getBoundingClientRect().right > innerWidth + 1);
    findings.push(`scrolls sideways: ${root.scrollWidth} px, at “${wide.length ? words(wide[0]) : ""}”`);
  }
  for (const table of document.querySelectorAll("table:not(.rights-table)")) {
    const count = [...table.tBodies].reduce((sum, body) => sum + body.rows.length, 0);
    if (count > rows) findings.push(`${count} rows in one table`);
  }
  for (const list of document.querySelectorAll("ul, ol")) {
    if (shown(list) && list.children.length > rows && !list.closest(".outline, .flow, .flow-canvas, .column-list")) {
      findings.push(`${list.children.length} lines in one list`);
    }
  }
  for (const one of document.querySelectorAll("button, .btn, .button, input[type=submit], .chip, .tabs a, .object-tools a")) {
    if (!shown(one)) continue;
    const style = getComputedStyle(one);
    if (one.scrollWidth > one.clientWidth + 1 && style.overflowX !== "visible" && style.textOverflow !== "ellipsis") {
      notes.push(`cut: “${words(one)}”`);
    }
    const tops = new Set();
    const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (!walker.currentNode.data.trim() || walker.currentNode.parentElement.closest(".visually-hidden, svg")) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      for (const box of range.getClientRects()) if (box.width > 1) tops.add(Math.round(box.top / 6));
    }
    if (tops.size > 1 && !one.querySelector("p, small, div, br, strong")) notes.push(`wrapped: “${words(one)}”`);
  }
  if (theme === "dark") {
    for (const one of document.body.querySelectorAll("*")) {
      const [r, g, b, a = 1] = (getComputedStyle(one).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      const box = one.getBoundingClientRect();
      if (a > 0.9 && Math.min(r, g, b) > 200 && box.width * box.height > 400 && shown(one) && one.tagName !== "IFRAME") {
        findings.push(`white in the dark: “${words(one)}” (${one.tagName.toLowerCase()}.${one.className})`);
      }
    }
  }
  return { findings: findings.slice(0, 8), notes: notes.slice(0, 12), height: root.scrollHeight };
}
