// Places by what stands there: they are found again when steps have come or gone meanwhile, whoever moved them.
const canvas = document.getElementById("flow-canvas");
const cardAt = (path) => canvas.querySelector(`.flow-card[data-path="${path}"]`)?.dataset.step;
const pathOf = (step) => canvas.querySelector(`.flow-card[data-step="${CSS.escape(step)}"]`)?.dataset.path;
const after = (path) => path.replace(/\d+$/, (number) => Number(number) + 1);

/** A function that tells how the path of this place reads by now; null where nothing it lay beside is left. */
export function spotOf(path) {
  const [, list, number] = path.match(/^(.*)\.(\d+)$/), index = Number(number);
  const branch = list.match(/^(.*)\.branches\.(\d+)\.steps$/), split = branch && cardAt(branch[1]);
  const above = index ? cardAt(`${list}.${index - 1}`) : "", below = cardAt(path);
  const first = () => {
    const found = branch && split && pathOf(split);
    return branch ? found && `${found}.branches.${branch[2]}.steps.0` : path;
  };
  return () => (index ? above && pathOf(above) && after(pathOf(above)) : first()) || (below && pathOf(below)) || null;
}
