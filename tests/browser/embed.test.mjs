// The example of a page that embeds a panel: it shows in a page of a site that the settings name, and in no other.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { force, officer } from "./force.mjs";
import { ROOT } from "./packages.mjs";
import { Site } from "./site.mjs";

describe("a panel in a page of another site", needed(), () => {
  let browser, server, named, stranger, token;

  before(async () => {
    const pages = { "/favicon.ico": ["image/png", ""] };
    [named, stranger] = [await Site.serve(pages), await Site.serve(pages)];
    server = await force({ settings: ["--http-frame-ancestors", named.origin] });
    token = await officer(server);
    const example = await readFile(join(ROOT, "examples", "dashboards", "embed.html"), "utf8");
    assert.ok(example.includes("http://127.0.0.1:8080/"), "the example names a server on this machine");
    pages["/"] = ["text/html", example.replace("http://127.0.0.1:8080", server.http)];
    pages["/person"] = ["text/html", `<!doctype html><html lang="en"><title>Person</title><iframe title="Person" src="${server.http}/lists/wanted"></iframe>`];
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await Promise.all([named?.close(), stranger?.close()]);
    await server?.stop();
  });

  const visit = async (site, path = "/", expected = []) => {
    const session = await Session.open(browser, { hosts: [site.origin, server.http], expected, token });
    const page = await session.page();
    await page.goto(site.origin + path);
    return { session, page };
  };
  const REFUSED = [/frame-ancestors/, /Framing/];

  test("the example shows the list of its area, and follows it", async () => {
    const { session, page } = await visit(named);
    const frame = page.frameLocator("iframe");
    await frame.getByText("Following the list").waitFor();
    const wanted = { list: "LIST_WANTED", filter: { areas: ["Northgate"] }, pageSize: 1000 };
    const { standings } = await server.call("RankingService/ListStandings", wanted, token);
    assert.ok(standings.length > 0);
    const shown = await frame.locator("#rows tr[data-ref]").evaluateAll((rows) => rows.map((row) => row.dataset.ref));
    assert.deepEqual(shown, standings.map((row) => row.subjectRef));
    assert.equal(await frame.locator("nav").count(), 0, "a panel has the content and nothing around it");
    await session.close();
  });

  test("a page of a site that is not named shows nothing of it", async () => {
    const { session, page } = await visit(stranger, "/", REFUSED);
    await page.waitForLoadState("networkidle");
    assert.equal(await page.frameLocator("iframe").locator("#rows").count(), 0);
    await session.close();
  });

  test("no page but a panel is shown in a frame, whoever asks", async () => {
    const { session, page } = await visit(named, "/person", REFUSED);
    await page.waitForLoadState("networkidle");
    assert.equal(await page.frameLocator("iframe").locator("main").count(), 0);
    await session.close();
  });
});
