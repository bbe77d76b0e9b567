// The demonstration as somebody meets it who signs in: at the development issuer, as one of its invented people, in a
// browser that is shown nothing until then and nothing of another area after.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { BINARY, ENVIRONMENT } from "./server.mjs";

const READY_MS = 120_000;

describe("signing in to the demonstration", needed(), () => {
  let browser, demo, ended, pages;

  before(async () => {
    const args = ["demo", "--subjects", "300", "--port", "0", "--http-port", "0", "--sign-in"];
    demo = spawn(BINARY, args, { env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
    ended = new Promise((resolve) => demo.once("exit", resolve));
    demo.stderr.resume();
    pages = await new Promise((resolve, reject) => {
      let address;
      createInterface({ input: demo.stdout }).on("line", (line) => {
        address ??= line.match(/^\s+(http:\/\/[\d.:]+)\/$/)?.[1];
        if (/until Ctrl-C/.test(line)) resolve(address);
      });
      ended.then((code) => reject(new Error(`the demonstration ended with ${code}`)));
      setTimeout(() => reject(new Error("the demonstration was not ready in time")), READY_MS).unref();
    });
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    demo?.kill("SIGINT");
    await ended;
  });

  /** A browser in which somebody has signed in, at the page that they asked for. */
  async function signedIn(called, path = "/lists/cohort") {
    // The issuer is another origin, on a port that only the redirect names.
    const sent = await fetch(`${pages}/sign-in`, { redirect: "manual" });
    const issuer = new URL(sent.headers.get("location")).origin;
    const session = await Session.open(browser, { hosts: [pages, issuer], expected: [/Failed to load resource/] });
    const page = await session.page();
    await page.goto(pages + path);
    await page.getByRole("heading", { name: "Who do you want to be?" }).waitFor();
    assert.equal(new URL(page.url()).origin, issuer, "nothing is shown before somebody is known");
    await page.getByRole("button", { name: called, exact: true }).click();
    await page.waitForURL(pages + path);
    return { session, page };
  }

  const seen = (page) => page.locator("#rows tr[data-ref]").evaluateAll((rows) => rows.map((row) => row.dataset.ref));

  test("whoever signs in comes to the page that they asked for, and sees what is theirs to see", async () => {
    const whole = await signedIn("A supervisor");
    const narrow = await signedIn("An offender manager in Northgate");
    const [all, some] = [await seen(whole.page), await seen(narrow.page)];
    assert.ok(some.length > 0 && some.length < all.length, `${some.length} of ${all.length}`);
    const hidden = all.find((reference) => !some.includes(reference));
    const answer = await narrow.page.goto(`${pages}/people?ref=${hidden}&list=cohort`);
    assert.ok([403, 404].includes(answer.status()));
    await whole.session.close();
    await narrow.session.close();
  });

  test("no script of a page can read the session, and it ends when somebody signs out", async () => {
    const { session, page } = await signedIn("A supervisor");
    assert.equal(await page.evaluate(() => document.cookie), "");
    const cookies = await session.context.cookies(pages);
    assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite !== "None"));
    await page.getByText("Following the list").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForLoadState("load");
    await page.goto(`${pages}/lists/cohort`);
    await page.getByRole("heading", { name: "Who do you want to be?" }).waitFor();
    await session.close();
  });
});
