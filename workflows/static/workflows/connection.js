// What becomes of changes while the server cannot be reached: they wait in order, and go out by themselves.
const said = document.getElementById("flow-saved"), again = document.getElementById("flow-again");
/** What a proxy answers while the server behind it starts anew. */
const AWAY = [502, 503, 504], EVERY = 5000;
let queue = Promise.resolve(), count = 0, lost = false, rests = false;

/** How many changes are on their way, or wait for one. */
export const waiting = () => count;
/** Whether changes wait and none is on its way just now: what they are made of may still change. */
export const resting = () => rests;

/** Said once for each number: whoever listens does not hear of every attempt. */
function tell() {
  const text = lost ? said.dataset.kept.replace("%n", count) : said.dataset.saving;
  again.hidden = !lost;
  said.classList.toggle("bad", lost);
  if (said.textContent !== text) said.textContent = text;
}
function back() {
  return new Promise((resolve) => {
    const timer = setTimeout(done, EVERY);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      again.removeEventListener("click", done);
      resolve();
    }
    addEventListener("online", done);
    again.addEventListener("click", done);
  });
}
/** Send something as soon as it can be sent; `make` says each time what: its address and the rest. */
export async function reach(make) {
  for (;;) {
    const [url, asked] = make(), answer = await fetch(url, asked).catch(() => null);
    const away = !answer || AWAY.includes(answer.status);
    if (away !== lost) { lost = away; tell(); }
    if (!away) return answer;
    rests = true;
    await back();
    rests = false;
  }
}
/** One change at a time, in the order they were made: what `run` comes to. */
export function inTurn(run) {
  count++;
  tell();
  const turn = queue.then(run).finally(() => { count--; });
  queue = turn.catch(() => null);
  return turn;
}
/** Wait until every change has been answered; where the server cannot be reached, for nothing. */
export const calm = () => (rests ? Promise.resolve() : queue);
