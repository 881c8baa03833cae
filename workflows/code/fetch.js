// fetch and what belongs to it, as far as scripts need them: texts go out and come back. `ask` has a request sent.
((world, ask) => {
  "use strict";
  const { parse } = JSON;
  const BODY = 262144;

  const decoded = (text) => decodeURIComponent(text.replace(/\+/g, " "));
  const encoded = (text) => encodeURIComponent(text).replace(/%20/g, "+").replace(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

  class Pairs {
    #pairs = [];
    constructor(given) {
      if (given === undefined || given === null) return;
      const found = typeof given[Symbol.iterator] === "function" ? given : Object.entries(given);
      for (const [name, value] of found) this.append(name, value);
    }
    key(name) { return String(name); }
    append(name, value) { this.#pairs.push([this.key(name), String(value)]); }
    delete(name) { this.#pairs = this.#pairs.filter(([own]) => own !== this.key(name)); }
    set(name, value) {
      const key = this.key(name), at = this.#pairs.findIndex(([own]) => own === key);
      const others = this.#pairs.filter(([own], place) => own !== key || place === at);
      if (at < 0) others.push([key, String(value)]);
      else others[others.findIndex(([own]) => own === key)] = [key, String(value)];
      this.#pairs = others;
    }
    has(name) { return this.#pairs.some(([own]) => own === this.key(name)); }
    get(name) { return this.getAll(name)[0] ?? null; }
    getAll(name) { return this.#pairs.filter(([own]) => own === this.key(name)).map(([, value]) => value); }
    forEach(call) { for (const [name, value] of [...this.#pairs]) call(value, name, this); }
    entries() { return [...this.#pairs].values(); }
    keys() { return this.#pairs.map(([name]) => name).values(); }
    values() { return this.#pairs.map(([, value]) => value).values(); }
    [Symbol.iterator]() { return this.entries(); }
  }

  world.URLSearchParams = class URLSearchParams extends Pairs {
    constructor(given) {
      const parts = typeof given === "string" ? given.replace(/^\?/, "").split("&").filter(Boolean) : null;
      super(parts ? parts.map((part) => { const [name, ...rest] = part.split("="); return [decoded(name), decoded(rest.join("="))]; }) : given);
    }
    toString() { return [...this].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&"); }
  };

  world.Headers = class Headers extends Pairs {
    key(name) { return String(name).toLowerCase(); }
    append(name, value) {
      const had = this.get(name);
      if (had === null) super.append(name, value); else this.set(name, `${had}, ${value}`);
    }
  };

  world.Response = class Response {
    #text; #used = false;
    constructor(text = "", { status = 200, headers = {}, url = "", redirected = false } = {}) {
      this.#text = String(text);
      Object.assign(this, { status, url, redirected, ok: status >= 200 && status < 300, statusText: "", type: "basic" });
      this.headers = new world.Headers(headers);
    }
    get bodyUsed() { return this.#used; }
    async text() {
      if (this.#used) throw new TypeError("The body of this response was read already");
      this.#used = true;
      return this.#text;
    }
    async json() { return parse(await this.text()); }
  };

  const bodyOf = (body, headers) => {
    if (body === undefined || body === null) return "";
    const kind = body instanceof world.URLSearchParams ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8";
    if (typeof body === "object" && !(body instanceof world.URLSearchParams)) {
      throw new TypeError("The body of a request is text here: make it with JSON.stringify, or with URLSearchParams");
    }
    if (!headers.has("content-type")) headers.set("content-type", kind);
    const text = String(body).toWellFormed();
    if (text.length > BODY) throw new RangeError(`The body of the request has ${text.length} characters, ${BODY} at most are sent`);
    return text;
  };

  world.fetch = async (input, options = {}) => {
    // Made here, so that an error is told with the line that asked.
    const error = new TypeError("The request failed");
    const headers = new world.Headers(options.headers), method = String(options.method ?? "GET").toUpperCase();
    const body = bodyOf(options.body, headers);
    if (body && method === "GET") throw new TypeError("A GET request has no body");
    const redirect = String(options.redirect ?? "follow");
    const answer = await ask({ method, url: String(input?.url ?? input).toWellFormed(), headers: Object.fromEntries(headers), body, redirect }, error);
    return new world.Response(answer.text, answer);
  };
})
//# sourceURL=fetch.js
