// A script in the settings panel: line numbers beside it, colours behind it. The text area stays what is written in.
const panel = document.getElementById("flow-panel");
const WORDS = "async await break case catch class const continue default delete do else export extends finally for function if import in instanceof let new of return static super switch this throw try typeof var void while yield";
const VALUES = "true false null undefined NaN Infinity exports module event callback console";
const KINDS = [
  ["comment", /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y],
  ["text", /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\[^])*`?/y],
  ["number", /\b(?:0[xob][\da-f_]+|\d[\d_]*(?:\.[\d_]+)?(?:e[+-]?\d+)?)n?\b/iy],
  ["word", new RegExp(`\\b(?:${WORDS.replaceAll(" ", "|")})\\b`, "y")],
  ["value", new RegExp(`\\b(?:${VALUES.replaceAll(" ", "|")})\\b`, "y")],
  ["", /[\w$]+|\s+|[^]/y],
];

// Pieces of a script with their kind, in order.
function* pieces(text) {
  let at = 0, plain = "";
  while (at < text.length) {
    for (const [kind, pattern] of KINDS) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (!found) continue;
      if (kind) { if (plain) yield ["", plain]; plain = ""; yield [kind, found]; } else plain += found;
      at += found.length;
      break;
    }
  }
  if (plain) yield ["", plain];
}

const made = (name, ...names) => { const one = document.createElement(name); one.classList.add(...names); one.ariaHidden = "true"; return one; };

function draw(area, numbers, colours) {
  const lines = area.value.split("\n").length;
  numbers.textContent = Array.from({ length: lines }, (_line, index) => index + 1).join("\n");
  colours.replaceChildren(...[...pieces(area.value)].map(([kind, text]) => {
    if (!kind) return document.createTextNode(text);
    const span = document.createElement("span");
    span.className = `code-${kind}`;
    span.textContent = text;
    return span;
  }), "\n");
}

function dress(area) {
  const box = made("div", "code-box"), numbers = made("div", "code-numbers"), colours = made("pre", "code-colours");
  box.removeAttribute("aria-hidden");
  area.before(box);
  box.append(numbers, colours, area);
  const follow = () => {
    numbers.scrollTop = colours.scrollTop = area.scrollTop;
    colours.scrollLeft = area.scrollLeft;
  };
  const again = () => { draw(area, numbers, colours); follow(); };
  area.addEventListener("input", again);
  area.addEventListener("scroll", follow);
  // Tab is left to the keyboard's way through the page; a new line begins where the one before it did.
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const before = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    const indent = /^\s*/.exec(before)[0] + (/[{([]\s*$/.test(before) ? "  " : "");
    if (!indent) return;
    event.preventDefault();
    event.stopPropagation();
    area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  again();
}

const look = () => { for (const area of panel.querySelectorAll("textarea[data-code]")) if (!area.closest(".code-box")) dress(area); };
new MutationObserver(look).observe(panel, { childList: true, subtree: true });
look();
