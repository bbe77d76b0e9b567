// A real browser, watched: a page that asks another host for anything, breaks its own content security policy, or
// writes an error to the console fails the test that opened it.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { chromium } from "./packages.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The browser to drive: the one that CHROMIUM names, or the first on the path. Undefined: there is none. */
export function found() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Options of a test that needs a browser: skipped, and said so, where there is none. Never on a build server. */
export function needed() {
  if (found()) return {};
  assert.ok(!process.env.CI, "there is no Chromium: on Debian, apt install chromium, or name one in CHROMIUM");
  return { skip: "NO BROWSER: on Debian, apt install chromium, or name a Chrome or Chromium in CHROMIUM" };
}

/** Starts a browser with a profile of its own, which asks nobody for anything that a page did not ask for. */
export async function launch() {
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: found(), headless: true, args: [...quiet, ...root] });
}

/** A session in the browser, with what its pages did wrong. */
export class Session {
  /**
   * `hosts`: origins that its pages may ask. `expected`: console errors that the test provokes itself, as patterns.
   * `token`: what each request brings, for somebody who has not signed in.
   */
  static async open(browser, { hosts, expected = [], token, ...options }) {
    const session = new Session();
    session.faults = [];
    session.context = await browser.newContext({
      locale: "en-GB",
      timezoneId: "Europe/London",
      extraHTTPHeaders: token ? { authorization: `Bearer ${token}` } : {},
      ...options,
    });
    session.context.setDefaultTimeout(20_000);
    const tell = (fault) => {
      if (!expected.some((pattern) => pattern.test(fault))) session.faults.push(fault);
    };
    await session.context.route(
      (url) => !hosts.includes(url.origin) && !["data:", "blob:", "about:"].includes(url.protocol),
      (route) => {
        tell(`a request to another host: ${route.request().url()}`);
        return route.abort();
      },
    );
    await session.context.exposeBinding("steelyardViolation", (_, told) => tell(`against the content security policy: ${told}`));
    await session.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        window.steelyardViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
      );
    });
    session.context.on("console", (message) => {
      if (message.type() === "error") tell(`console: ${message.text()} (${message.location().url})`);
    });
    session.context.on("weberror", (error) => tell(`script: ${error.error().stack ?? error.error()}`));
    return session;
  }

  page() {
    return this.context.newPage();
  }

  /** Closes the session. Its pages must have done nothing wrong. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.faults, [], "what the pages did wrong");
  }
}
