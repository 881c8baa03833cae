// Tells Headrace of page views, calls to action and media on this website, if the visitor agrees. docs/tracking.md
(function () {
  "use strict";
  const script = document.currentScript;
  const { collect, consent: rule, domain } = script.dataset;
  const NAME = "headrace_visitor";
  const CONSENT = "headrace_consent";
  const WHO = "hr_who";
  const HALF_A_YEAR = 180 * 24 * 3600;
  const ANSWERS = ["accepted", "declined", "revoked"];
  const silent = navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;
  const seen = new Set();

  function cookie(name) {
    const found = document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`));
    return found ? found[1] : "";
  }

  function setCookie(name, value, seconds = HALF_A_YEAR) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const where = domain ? `; Domain=${domain}` : "";
    document.cookie = `${name}=${value}; Max-Age=${seconds}; Path=/; SameSite=Lax${where}${secure}`;
  }

  const agreed = () => !silent && (cookie(CONSENT) === "accepted" || (rule !== "required" && !cookie(CONSENT)));

  function visitor() {
    if (!agreed()) return "";
    if (!/^[0-9a-f]{32}$/.test(cookie(NAME))) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      setCookie(NAME, Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    return cookie(NAME);
  }

  // Whose mail led here is told once and does not stay in the address bar.
  const here = new URL(location.href);
  const who = here.searchParams.get(WHO);
  if (who !== null) {
    here.searchParams.delete(WHO);
    history.replaceState(history.state, "", here);
  }

  function send(hits, key = visitor()) {
    if (silent || !hits.length || !(key || who)) return;
    const body = JSON.stringify({
      visitor: key, who, consent: cookie(CONSENT), hits,
      page: { url: location.href, title: document.title, referrer: document.referrer },
    });
    // Text, so that no question has to go ahead of it. A website must not suffer when nobody listens.
    fetch(collect, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {});
  }

  function view() {
    if (agreed()) send([{ kind: "view" }]);
  }

  function consent(answer) {
    if (!ANSWERS.includes(answer)) throw new RangeError(`"${answer}" is none of: ${ANSWERS.join(", ")}`);
    const before = cookie(NAME);
    const fresh = cookie(CONSENT) !== answer;
    const viewed = agreed();
    setCookie(CONSENT, answer);
    if (answer === "accepted" && fresh) send([{ kind: "consent", consent: answer }, ...(viewed ? [] : [{ kind: "view" }])]);
    else {
      if (fresh) send([{ kind: "consent", consent: answer }], before);
      setCookie(NAME, "", 0);
    }
    if (answer === "accepted" && !viewed) begin();
  }

  function watch() {
    const watching = new IntersectionObserver((entries) => {
      const shown = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
      shown.forEach((element) => watching.unobserve(element));
      const slugs = shown.map((element) => element.dataset.headraceCta).filter((slug) => !seen.has(slug));
      slugs.forEach((slug) => seen.add(slug));
      if (agreed()) send([...new Set(slugs)].slice(0, 20).map((cta) => ({ kind: "cta_viewed", cta })));
    }, { threshold: 0.5 });
    document.querySelectorAll("[data-headrace-cta]").forEach((element) => watching.observe(element));
  }

  /** An address of Headrace with the visitor's key; "" for any other address. */
  function known(address) {
    const target = new URL(address, location.href);
    if (!agreed() || target.origin !== new URL(collect, location.href).origin) return "";
    target.searchParams.set(NAME, visitor());
    return target.href;
  }

  // The link itself is counted where it leads to; it only has to say who follows it.
  function hand(event) {
    const link = event.target instanceof Element && event.target.closest("a[data-headrace-cta]");
    if (link) link.href = known(link.href) || link.href;
  }

  /** Forms of Headrace on this page learn who fills them in. */
  function introduce(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !known(form.action) || form.elements[NAME]) return;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: NAME, value: visitor() });
    form.append(field);
  }

  function frames() {
    for (const frame of document.querySelectorAll("iframe[src]")) {
      const address = frame.src.includes(NAME) ? "" : known(frame.src);
      if (address) frame.src = address;
    }
  }

  function played(event) {
    const player = event.target;
    if (!(player instanceof HTMLMediaElement) || seen.has(player) || !agreed()) return;
    seen.add(player);
    const media = player.getAttribute("aria-label") || player.title || player.currentSrc.split(/[?#]/)[0];
    if (media) send([{ kind: "media", media }]);
  }

  for (const kind of ["click", "auxclick"]) document.addEventListener(kind, hand, true);
  document.addEventListener("play", played, true);
  document.addEventListener("submit", introduce, true);

  function begin() {
    watch();
    frames();
  }

  function start() {
    view();
    if (agreed()) begin();
    document.dispatchEvent(new Event("headrace:ready"));
  }

  window.headrace = { consent, view, visitor, answer: () => cookie(CONSENT) };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
