// What a page does beyond what HTML does by itself: a list follows what happens to it. Without this every page is complete.
"use strict";

(() => {
  const live = document.querySelector(".live[data-list]");
  if (!live || !window.EventSource) return;
  const list = live.dataset.list;
  const said = live.querySelector("p");
  const pause = live.querySelector("button");
  let revision = live.dataset.revision;
  let source = null;
  let waiting = new Set();
  let timer = null;
  let busy = false;

  const time = () => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/London" }).format(new Date());
  const tell = (text) => { said.textContent = text; };
  const rows = () => [...document.querySelectorAll("#rows tr[data-ref]")];

  function follow() {
    const query = new URLSearchParams({ list, since_revision: revision, format: "events" });
    source = new EventSource(`/v1/RankingService/WatchStandings?${query}`);
    source.onopen = () => tell("Following the list: it changes here as it changes.");
    source.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.boundary) note(null);
      for (const change of (message.changes && message.changes.changes) || []) note(change.subjectRef);
    };
    source.addEventListener("problem", (event) => {
      stop();
      // Who is signed in has another token by now: nothing of it is worth saying.
      if (JSON.parse(event.data).reason === "TOKEN_EXPIRED") follow();
      else later();
    });
    source.onerror = () => {
      if (source && source.readyState === EventSource.CLOSED) { stop(); later(); }
      else tell("Not following just now: trying again.");
    };
  }

  function stop() {
    if (source) source.close();
    source = null;
  }

  // The server ended the stream, or the list has moved too far: what is on the page is read anew, and followed from there.
  function later() {
    tell("Not following just now: trying again.");
    setTimeout(() => { if (pause.getAttribute("aria-pressed") === "false" && !source) show().then(follow, later); }, 5000 + Math.random() * 5000);
  }

  function note(reference) {
    if (reference !== null) waiting.add(reference);
    if (!timer) timer = setTimeout(() => { timer = null; show().catch(later); }, 400);
  }

  // The rows anew, with what is under the reader's eye left where it is, and the focus with it.
  async function show() {
    if (busy) { note(null); return; }
    busy = true;
    const changed = waiting;
    waiting = new Set();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin", redirect: "manual" });
      // The session is over. In a frame nobody is sent to an issuer.
      if (answer.type === "opaqueredirect" && window.top === window) {
        location.assign(`/sign-in?${new URLSearchParams({ return_to: location.pathname + location.search })}`);
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector(".live[data-list]");
      if (!next) throw new Error("no list");
      const anchor = rows().find((row) => row.getBoundingClientRect().bottom > 0);
      const place = anchor && { reference: anchor.dataset.ref, top: anchor.getBoundingClientRect().top };
      const active = document.activeElement && document.activeElement.closest("tr[data-ref]");
      const focused = active && active.dataset.ref;
      const before = new Map(rows().map((row) => [row.dataset.ref, row.textContent]));
      for (const id of ["rows", "chips", "state"]) {
        const [held, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (held && fresh) held.replaceWith(document.adoptNode(fresh));
      }
      revision = next.dataset.revision;
      let moved = 0;
      for (const row of rows()) {
        const reference = row.dataset.ref;
        if (before.get(reference) !== row.textContent) moved += 1;
        if (changed.has(reference) || before.get(reference) !== row.textContent) row.classList.add("changed");
        if (reference === focused) { const link = row.querySelector("a"); if (link) link.focus({ preventScroll: true }); }
        if (place && window.scrollY > 0 && reference === place.reference) window.scrollBy(0, row.getBoundingClientRect().top - place.top);
      }
      setTimeout(() => rows().forEach((row) => row.classList.remove("changed")), 8000);
      tell(`Updated at ${time()}: ${moved === 1 ? "1 row" : `${moved} rows`} of this page changed.`);
    } finally {
      busy = false;
    }
  }

  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) { stop(); tell("Paused: this is the list as it was."); }
    else show().then(follow, later);
  });
  live.hidden = false;
  follow();
  addEventListener("pagehide", stop);
})();

// A run that goes on is followed to its end.
(() => {
  const run = document.querySelector(".run[data-run]");
  if (!run || !window.EventSource) return;
  const bar = run.querySelector("progress");
  const said = run.querySelector("#run-told");
  const number = new Intl.NumberFormat("en-GB");
  const query = new URLSearchParams({ run_id: run.dataset.run, format: "events" });
  const source = new EventSource(`/v1/RescoreService/WatchRescoreRun?${query}`);
  let told = 0;
  source.onmessage = (event) => {
    const now = JSON.parse(event.data).run || {};
    const { universe = 0, scored = 0 } = now.counters || {};
    bar.max = Math.max(universe, 1);
    bar.value = scored;
    if (now.state !== "RESCORE_STATE_RUNNING") {
      source.close();
      said.textContent = "The run has ended. ";
      const link = document.createElement("a");
      link.href = `/runs/run?${new URLSearchParams({ id: run.dataset.run })}`;
      link.textContent = "See how it went";
      said.append(link);
    } else if (Date.now() - told > 5000) {
      // Not with every message: a screen reader says each aloud.
      told = Date.now();
      said.textContent = `${number.format(scored)} of ${number.format(universe)} weighed.`;
    }
  };
  source.addEventListener("problem", () => source.close());
  addEventListener("pagehide", () => source.close());
})();
