// The report of an evaluation, as it is kept: nothing that axe-core can find is wrong with it, in light or dark, on a
// phone or a wide screen, and it asks nobody for anything.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { judged, printed } from "./judged.mjs";
import { ROOT } from "./packages.mjs";

const KEPT = { report: "evaluation.html", "report-of-nobody": "evaluation_of_nobody.html" };

describe("the report of an evaluation", needed(), () => {
  let browser, session, page;

  before(async () => {
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
  });

  const open = async (name) => {
    // No host at all may be asked.
    session = await Session.open(browser, { hosts: [] });
    page = await session.page();
    await page.setContent(await readFile(join(ROOT, "src", "cli", "golden", KEPT[name]), "utf8"));
  };

  for (const name of Object.keys(KEPT)) {
    test(`${name} has no fault that axe-core can find`, async () => {
      await open(name);
      assert.deepEqual(await judged(page, name), []);
      await session.close();
    });
  }

  test("every number of a drawing can be reached without seeing it", async () => {
    await open("report");
    const drawings = await page.locator("svg[role=img]").count();
    const tables = page.locator("details", { hasText: "The same as a table" });
    assert.equal(drawings, 6);
    for (const fold of await tables.all()) {
      await fold.locator("summary").press("Enter");
      assert.ok(await fold.locator("table").isVisible());
    }
    assert.deepEqual(await judged(page, "report-unfolded"), []);
    await session.close();
  });

  test("it prints, and prints what is folded away", async () => {
    await open("report");
    await printed(page, "report");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("nav").first().isVisible(), false, "a list of links is of no use on paper");
    const fold = page.locator("details", { hasText: "The same as a table" }).first();
    assert.ok((await fold.locator("table").boundingBox())?.height > 0, "paper cannot be unfolded");
    await session.close();
  });
});
