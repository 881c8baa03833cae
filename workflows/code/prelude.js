// What is there before somebody's script is: a console, timers, small things every script takes for granted. It answers
// with a function that only the process around it has: "prepare" gives it its secrets, "start" runs exports.main, "next"
// tells what the script asks for or came to, "answered" brings what a request came to, "console" gives what was written.
((install) => {
  "use strict";
  const { stringify, parse } = JSON;
  const { waitAsync } = Atomics, Cell = Int32Array, Shared = SharedArrayBuffer, Promised = Promise;
  const LINES = 100, LINE = 1000, SIZE = 4000, TEXT = 65000, TOGETHER = 262144, MESSAGE = 1000, LONGEST = 2 ** 31 - 1;
  const world = globalThis;

  // Secrets are taken out of whatever is told, before it is cut.
  let hidden = [];
  const veiled = (text) => hidden.reduce((left, secret) => left.split(secret).join("•••"), text);

  // The console: the first lines, each up to a length, and how many there were besides.
  const kept = [];
  let size = 0, more = 0;
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Error) return String(value.stack || value);
    if (typeof value === "object" && value !== null) {
      try { return stringify(value) ?? String(value); } catch { return String(value); }
    }
    return String(value);
  };
  const written = (values) => {
    const [first, ...rest] = values;
    if (typeof first !== "string") return values.map(shown).join(" ");
    const text = first.replace(/%[sdifjoOc%]/g, (sign) => {
      if (sign === "%%" || !rest.length) return sign === "%%" ? "%" : sign;
      const given = shown(rest.shift());
      return sign === "%c" ? "" : given;
    });
    return [text, ...rest.map(shown)].join(" ");
  };
  const log = (...values) => {
    if (kept.length >= LINES || size >= SIZE) { more += 1; return; }
    let text = "?";
    try { text = veiled(written(values)); } catch { /* It cannot be shown: the line says so with its sign. */ }
    const room = Math.min(LINE, SIZE - size);
    if (text.length > room) text = `${text.slice(0, room)}…`;
    size += text.length + 1;
    kept.push(text.toWellFormed());
  };
  const quiet = () => {};
  world.console = {
    log, info: log, warn: log, error: log, debug: log, trace: log, table: log, dir: (value) => log(value),
    assert: (holds, ...values) => { if (!holds) log("Assertion failed:", ...values); },
    group: log, groupCollapsed: log, groupEnd: quiet, count: quiet, countReset: quiet, time: quiet, timeEnd: quiet,
    timeLog: quiet, clear: quiet,
  };

  // What went wrong, as plain facts: the history tells it.
  const whole = (value) => (Number.isInteger(Number(value)) ? Number(value) : 0);
  const told = (error) => {
    const found = { message: "?", line: 0, status: 0 };
    try {
      found.message = veiled(String(error)).slice(0, MESSAGE).toWellFormed();
      found.line = whole(/code\.js:(\d+)/.exec(String(error?.stack ?? ""))?.[1] ?? 0);
      for (const part of [error, error?.response]) {
        for (const name of ["status", "statusCode", "code"]) {
          const number = typeof part?.[name] === "symbol" ? 0 : whole(part?.[name] ?? 0);
          if (number >= 400 && number <= 599) found.status ||= number;
        }
      }
    } catch { /* Who makes an error that cannot be read gets what could be. */ }
    return found;
  };

  // Timers. What they throw ends the script, as it does elsewhere.
  const pending = new Set();
  let last = 0, trouble = quiet;
  const after = (id, delay, then) => {
    const wait = Math.min(Math.max(Number(delay) || 1, 1), LONGEST);
    waitAsync(new Cell(new Shared(4)), 0, 0, wait).value.then(() => {
      if (!pending.has(id)) return;
      try { then(); } catch (error) { trouble(error); }
    });
  };
  const stop = (id) => { pending.delete(id); };
  const begin = (call, delay, values, again) => {
    if (typeof call !== "function") throw new TypeError("A timer takes a function");
    const id = last += 1;
    const ring = () => { if (again) after(id, delay, ring); else pending.delete(id); call(...values); };
    pending.add(id);
    after(id, delay, ring);
    return id;
  };
  world.setTimeout = (call, delay, ...values) => begin(call, delay, values, false);
  world.setInterval = (call, delay, ...values) => begin(call, delay, values, true);
  world.setImmediate = (call, ...values) => begin(call, 1, values, false);
  world.clearTimeout = world.clearInterval = world.clearImmediate = stop;
  world.queueMicrotask = (call) => { Promise.resolve().then(call).catch((error) => trouble(error)); };
  world.__timer_manager = undefined;

  // Texts and bytes.
  const bytes = (text) => unescape(encodeURIComponent(String(text).toWellFormed()));
  const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  world.btoa = (text) => {
    const given = String(text);
    let made = "";
    for (let at = 0; at < given.length; at += 3) {
      const codes = [0, 1, 2].map((place) => given.charCodeAt(at + place));
      if (codes.some((code) => code > 255)) throw new RangeError("btoa takes signs up to U+00FF only");
      const bits = (codes[0] << 16) | ((codes[1] || 0) << 8) | (codes[2] || 0);
      const signs = [18, 12, 6, 0].map((shift) => SIGNS[(bits >> shift) & 63]);
      made += signs.map((sign, place) => (at + place > given.length ? "=" : sign)).join("");
    }
    return made;
  };
  world.atob = (text) => {
    const given = String(text).replace(/[\t\n\f\r ]/g, "").replace(/={1,2}$/, "");
    if (given.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(given)) throw new RangeError("atob takes Base64 only");
    let made = "", bits = 0, count = 0;
    for (const sign of given) {
      bits = ((bits << 6) | SIGNS.indexOf(sign)) & 0xffffff;
      count += 6;
      if (count >= 8) { count -= 8; made += String.fromCharCode((bits >> count) & 255); }
    }
    return made;
  };
  world.TextEncoder = class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return Uint8Array.from(bytes(text), (sign) => sign.charCodeAt(0)); }
  };
  world.TextDecoder = class TextDecoder {
    get encoding() { return "utf-8"; }
    decode(given = new Uint8Array()) {
      const view = ArrayBuffer.isView(given) ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given);
      return decodeURIComponent(escape(Array.from(view, (code) => String.fromCharCode(code)).join("")));
    }
  };

  // What is not here says so.
  world.require = (name) => { throw new Error(`“${name}” cannot be loaded: there are no modules here, only JavaScript itself`); };
  for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) delete world[name];
  world.module = { exports: {} };
  world.exports = world.module.exports;

  // The outputs asked for, as JSON has them.
  const plain = (name, value) => {
    if (value === undefined || value === null) return null;
    if (typeof value === "string") {
      if (value.length > TEXT) throw new RangeError(`the output “${name}” has ${value.length} characters, ${TEXT} at most are taken`);
      return value.toWellFormed();
    }
    if (typeof value === "boolean") return value;
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw new RangeError(`the output “${name}” is ${value}, which is no number`);
      return value;
    }
    if (value instanceof Date) return plain(name, value.getTime());
    const kind = typeof value === "object" ? "an object: make it text with JSON.stringify" : `a ${typeof value}: make it text with String`;
    throw new TypeError(`the output “${name}” is ${kind}`);
  };
  const picked = (answer, names) => {
    const fields = answer?.outputFields ?? {}, found = {};
    let together = 0;
    for (const name of names) {
      found[name] = plain(name, fields[name]);
      together += typeof found[name] === "string" ? found[name].length : 0;
    }
    if (together > TOGETHER) throw new RangeError(`the outputs have ${together} characters together, ${TOGETHER} at most are taken`);
    return found;
  };

  // What the process around the script is to know, in one message when it asks.
  const requests = [];
  let finished = null, listening = null;
  const speak = () => {
    if (!listening || (!requests.length && finished === null)) return;
    const told = listening;
    listening = null;
    told(stringify({ requests: requests.splice(0), finished }));
  };
  const next = () => new Promised((resolve) => { listening = resolve; speak(); });

  const start = (event, names) => {
    const finish = (answer) => { finished ??= answer; speak(); };
    const failed = (error) => finish({ error: told(error) });
    const succeeded = (answer) => {
      let outputs;
      try { outputs = picked(answer, parse(names)); } catch (error) { finish({ error: { ...told(error), output: true } }); return; }
      finish({ outputs });
    };
    trouble = failed;
    const main = world.module?.exports?.main ?? world.exports?.main;
    if (typeof main !== "function") { finish({ missing: true }); return; }
    try {
      const answer = main(parse(event), (given) => { if (given instanceof Error) failed(given); else succeeded(given); });
      if (typeof answer?.then === "function") answer.then(succeeded, failed);
      // A function that takes a callback may call it later; one that does not has said everything.
      else if (answer !== undefined || main.length < 2) succeeded(answer);
    } catch (error) { failed(error); }
  };

  // Requests leave by the process that started this one; here they are only asked for.
  const open = new Map();
  let asked = 0;
  const ask = (request, error) => new Promised((resolve, reject) => {
    const id = asked += 1;
    open.set(id, { resolve, reject, error });
    requests.push({ id, ...request });
    speak();
  });
  const answered = (text) => {
    const { id, ...answer } = parse(text), request = open.get(id);
    if (!request) return;
    open.delete(id);
    if (!answer.error) { request.resolve(answer); return; }
    request.error.message = answer.error;
    Object.assign(request.error, { code: answer.code, ...(answer.again ? { status: 503 } : {}) });
    request.reject(request.error);
  };
  const prepare = (secrets, veils) => {
    hidden = parse(veils);
    world.process = Object.freeze({ env: Object.freeze(parse(secrets)) });
  };
  const verbs = { prepare, start, next, answered, console: () => stringify({ lines: kept, more }) };
  install(world, ask);
  return (what, ...values) => verbs[what](...values);
})
//# sourceURL=prelude.js
