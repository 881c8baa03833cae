// What the buttons of a branching's panel ask for, and where steps may stand that have their place in a branch only.
const dialog = document.getElementById("flow-branch");

function choice(value, text) {
  return Object.assign(document.createElement("button"), { type: "button", value, textContent: text });
}
/** Where the steps of the branch that goes away shall stay: "after", another branch's number, or null for nowhere. */
async function wanted(button, ask) {
  const own = Number(button.dataset.index), { after, into } = dialog.dataset;
  const others = [...button.form.querySelectorAll('[name^="branch-"][name$="-name"]')].map((field, index) => [index, field.value || index + 1]);
  const ways = others.filter(([index]) => index !== own).map(([index, name]) => choice(index, into.replace("%n", name)));
  document.getElementById("flow-branch-ways").replaceChildren(...ways, choice("after", after));
  const answer = await ask(dialog);
  if (!answer || answer === "cancel") return undefined;
  if (answer === "none") return null;
  return answer === "after" ? answer : Number(answer);
}
/** The operation a button stands for; undefined when the person thinks better of it. */
export async function branchOp(button, ask) {
  const branch = Number(button.dataset.index);
  const ops = {
    add: { op: "add_branch" },
    share: { op: "share_equally" },
    clone: { op: "clone_branch", branch },
    up: { op: "move_branch", branch, to: branch - 1 },
    down: { op: "move_branch", branch, to: branch + 1 },
    remove: { op: "remove_branch", branch },
  };
  const body = ops[button.dataset.branch];
  if (button.dataset.branch !== "remove" || !Number(button.dataset.steps)) return body;
  const keep = await wanted(button, ask);
  return keep === undefined ? undefined : { ...body, keep };
}
/** Grey out what cannot stand at a place. */
export function fence(palette, place) {
  const outside = !place.includes("branches");
  for (const one of palette.querySelectorAll("[data-inside]")) {
    if (outside) one.setAttribute("aria-disabled", "true");
    else one.removeAttribute("aria-disabled");
    one.querySelector(".flow-reason").hidden = !outside;
  }
}
