// What a page is judged by: axe-core's rules, reflow, and how it looks, in light and dark, from a narrow phone to a wide
// screen. Pictures stay in target/browser/screens, for whoever wants to look.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { PLACE, axe } from "./packages.mjs";

const SCREENS = join(PLACE, "screens");
const WIDTHS = [320, 768, 1280];
const SCHEMES = ["light", "dark"];

/** Everything wrong with a page as it stands, in a line for each place. */
async function faults(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    // What WCAG 2.2 asks of the size of targets is off unless it is asked for.
    window.axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }),
  );
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} (${help}): ${node.target.join(" ")} ${node.any[0]?.message ?? ""}`),
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) told.push("reflow: the page is wider than the window");
  return told;
}

/** Judges a page at each width and in each scheme, and keeps a picture of each. */
export async function judged(page, name) {
  await mkdir(SCREENS, { recursive: true });
  const told = new Map();
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(SCREENS, `${name}-${width}-${colorScheme}.jpg`), type: "jpeg", quality: 80, fullPage: true });
      for (const fault of await faults(page)) told.set(fault, [...(told.get(fault) ?? []), `${width} ${colorScheme}`]);
    }
  }
  return [...told].map(([fault, where]) => `${name}: ${fault} (${where.length === WIDTHS.length * SCHEMES.length ? "everywhere" : where.join(", ")})`);
}

/** Keeps the page as it would be printed on A4. */
export async function printed(page, name) {
  await mkdir(SCREENS, { recursive: true });
  await page.pdf({ path: join(SCREENS, `${name}.pdf`), format: "A4" });
}
