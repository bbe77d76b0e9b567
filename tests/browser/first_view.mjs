// How long a reader waits: for the first view of a list with nothing cached, until it can be used, and for its next
// page. `node tests/browser/first_view.mjs http://127.0.0.1:8080 [LIST] [TOKEN]` measures a server that runs already.

import { fileURLToPath } from "node:url";

import { Session, launch } from "./browser.mjs";

const ROUNDS = 9;

/** Milliseconds, the median of some rounds: `painted`, `usable` (the script runs and the list is followed), `next`. */
export async function firstView(browser, { server, list, token }) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const session = await Session.open(browser, { hosts: [server], token });
    const page = await session.page();
    await page.addInitScript(() => {
      // Usable: what can be pressed is there, and the script has taken it in hand.
      const seen = new MutationObserver(() => {
        if (document.querySelector(".live:not([hidden])") && !window.usable) window.usable = performance.now();
      });
      seen.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });
    });
    await page.goto(`${server}/lists/${list}`);
    await page.waitForFunction(() => window.usable);
    const first = await page.evaluate(() => ({
      answered: performance.getEntriesByType("navigation")[0].responseEnd,
      painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      usable: window.usable,
    }));
    const next = page.locator('a[rel="next"]');
    if (await next.count()) {
      await next.click();
      await page.waitForURL(/page_token/);
      await page.waitForLoadState("load");
      first.next = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);
    }
    rounds.push(first);
    await session.close();
  }
  const median = (name) => rounds.map((round) => round[name]).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
  return Object.fromEntries(["answered", "painted", "usable", "next"].map((name) => [name, median(name)]));
}

/** The measurement in a sentence. */
export function told({ answered, painted, usable, next }) {
  const ms = (time) => (Number.isFinite(time) ? `${time.toFixed(0)} ms` : "not measured");
  return `first view of a list: answered ${ms(answered)}, painted ${ms(painted)}, usable ${ms(usable)}; next page ${ms(next)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [server, list = "all", token] = process.argv.slice(2);
  const browser = await launch();
  console.log(told(await firstView(browser, { server, list, token })));
  await browser.close();
}
