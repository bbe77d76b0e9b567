// How long a reader waits: for the first view of a list with nothing cached, until it can be used, and for its next
// pages. `node tests/browser/first_view.mjs http://127.0.0.1:8080 [LIST] [TOKEN]` measures a server that runs already.

import { fileURLToPath } from "node:url";

import { launch } from "./browser.mjs";

const ROUNDS = 9;
const PAGES = 5;

/** Milliseconds, the median of some rounds: `painted`, `usable` (the script runs and the list is followed), `next`. */
export async function firstView(browser, { server, list, token }) {
  const firsts = [];
  const nexts = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Nothing stands between browser and server, as it does in the tests: what a browser may keep, it keeps.
    const context = await browser.newContext({ extraHTTPHeaders: token ? { authorization: `Bearer ${token}` } : {} });
    const page = await context.newPage();
    await page.addInitScript(() => {
      // Usable: what can be pressed is there, and the script has taken it in hand.
      const seen = new MutationObserver(() => {
        if (document.querySelector(".live:not([hidden])") && !window.usable) window.usable = performance.now();
      });
      seen.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });
    });
    await page.goto(`${server}/lists/${list}`);
    await page.waitForFunction(() => window.usable);
    firsts.push(
      await page.evaluate(() => ({
        answered: performance.getEntriesByType("navigation")[0].responseEnd,
        painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
        usable: window.usable,
      })),
    );
    const next = page.locator('a[rel="next"]');
    for (let turned = 0; turned < PAGES && (await next.count()); turned += 1) {
      const address = page.url();
      await next.click();
      await page.waitForURL((url) => url.href !== address);
      await page.waitForLoadState("load");
      nexts.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd));
    }
    await context.close();
  }
  const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const first = ["answered", "painted", "usable"].map((name) => [name, median(firsts.map((round) => round[name]))]);
  return { ...Object.fromEntries(first), next: median(nexts) };
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
