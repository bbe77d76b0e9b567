// Every view, in light and dark, at three widths: nothing that axe-core can find is wrong with it, nothing needs
// scrolling sideways, and nothing stored in any text is carried out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { firstView, told } from "./first_view.mjs";
import { force, officer } from "./force.mjs";
import { judged, printed } from "./judged.mjs";
import { REFUSALS, views } from "./views.mjs";

describe("every view", needed(), () => {
  let browser, server, token, all;

  before(async () => {
    server = await force();
    token = await officer(server);
    all = await views(server, token);
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const open = (expected) => Session.open(browser, { hosts: [server.http], expected, token });

  test("no view has a fault that axe-core can find, in light or dark, on a phone or a wide screen", async () => {
    const session = await open();
    const page = await session.page();
    const faults = [];
    for (const [name, path] of Object.entries(all)) {
      const answer = await page.goto(server.http + path);
      if (answer.status() !== 200) faults.push(`${name}: ${answer.status()}`);
      else faults.push(...(await judged(page, name)));
      assert.equal(await page.evaluate(() => window.ran), undefined, `${name}: a stored text was carried out`);
    }
    assert.deepEqual(faults, []);
    await session.close();
  });

  test("a view that says no is as readable, and says no in the status too", async () => {
    const session = await open([/Failed to load resource/]);
    const page = await session.page();
    const faults = [];
    for (const [name, [path, status]] of Object.entries(REFUSALS)) {
      const answer = await page.goto(server.http + path);
      assert.equal(answer.status(), status, path);
      faults.push(...(await judged(page, name)));
    }
    assert.deepEqual(faults, []);
    await session.close();
  });

  test("a page in which nothing runs says all that it says with scripts", async () => {
    const session = await open();
    const plain = await Session.open(browser, { hosts: [server.http], javaScriptEnabled: false, token });
    const [one, other] = [await session.page(), await plain.page()];
    for (const path of [all.list, all.person]) {
      await one.goto(server.http + path);
      await other.goto(server.http + path);
      const read = (page) => page.locator("main table").first().innerText();
      assert.equal(await read(other), await read(one), path);
    }
    await session.close();
    await plain.close();
  });

  test("a list and a person print on A4", async () => {
    const session = await open();
    const page = await session.page();
    for (const name of ["list", "person"]) {
      await page.goto(server.http + all[name]);
      await printed(page, name);
      await page.emulateMedia({ media: "print" });
      assert.equal(await page.locator("nav").first().isVisible(), false, "navigation is of no use on paper");
      await page.emulateMedia({ media: null });
    }
    await session.close();
  });

  test("how long the first view of a list takes is told", async (context) => {
    const times = await firstView(browser, { server: server.http, list: "all", token });
    context.diagnostic(told(times));
    assert.ok(times.usable > 0 && times.next > 0);
  });
});
