// gRPC-web from a page that others built and serve: connect-web in a real browser, from another site, against a real
// server that names that site, and against what it does not name.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { bundled } from "./bundle.mjs";
import { Server } from "./server.mjs";
import { Site } from "./site.mjs";

const SUBJECTS = 300;

describe("gRPC-web from a page of another site", needed(), () => {
  let browser, server, named, stranger, token;

  before(async () => {
    const html = '<!doctype html><html lang="en"><title>Dashboard</title><p>loading</p><script src="/page.js"></script>';
    const pages = {
      "/": ["text/html", html],
      "/page.js": ["text/javascript", await bundled("grpc_web_page.mjs")],
      "/favicon.ico": ["image/png", ""],
    };
    [named, stranger] = [await Site.serve(pages), await Site.serve(pages)];
    server = await Server.start({ settings: ["--http-origins", named.origin] });
    await server.invent({ subjects: SUBJECTS });
    token = await server.token();
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await Promise.all([named?.close(), stranger?.close()]);
    await server?.stop();
  });

  async function visit(site, expected = []) {
    const session = await Session.open(browser, { hosts: [site.origin, server.http], expected });
    const page = await session.page();
    await page.goto(site.origin);
    await page.getByText("ready").waitFor();
    return { session, page };
  }

  const list = (page, asked, request = {}) => page.evaluate(([asked, request]) => window.dashboard.list(asked, request), [asked, request]);

  test("a page of a named site lists the whole list, page by page, as any program does", async () => {
    const { session, page } = await visit(named);
    const { rows } = await list(page, { server: server.http, token }, { pageSize: 7 });
    const told = await server.call("RankingService/ListStandings", { list: "LIST_OUTSTANDING", pageSize: 1000 }, token);
    assert.ok(rows.length > 7, `${rows.length} rows`);
    assert.deepEqual(
      rows,
      told.standings.map(({ subjectRef, position, composite }) => ({ subjectRef, position, composite })),
    );
    await session.close();
  });

  test("a page of a named site sees the list move as somebody else writes", async () => {
    const { session, page } = await visit(named);
    await page.evaluate((asked) => window.dashboard.watch(asked), { server: server.http, token });
    await page.waitForFunction(() => window.whole);
    const first = await page.evaluate(() => window.held);
    const writer = await server.token({ actor: "writer", roles: ["detective"] });
    const managed = await server.call("RankingService/ListStandings", { list: "LIST_ALL", pageSize: 1000 }, token);
    const who = managed.standings.find((row) => !(row.subjectRef in first)).subjectRef;
    const opened = { requestId: randomUUID(), subjectRef: who, outstandingId: "BROWSER-1", reason: "OUTSTANDING_REASON_ESCAPE", officer: "PC-1" };
    await server.call("OutstandingService/OpenOutstanding", opened, writer);
    await page.waitForFunction((who) => who in window.held, who);
    const told = await server.call("RankingService/ListStandings", { list: "LIST_OUTSTANDING", pageSize: 1000 }, token);
    const scores = Object.fromEntries(told.standings.map((row) => [row.subjectRef, row.composite]));
    const held = await page.evaluate(() => window.held);
    assert.deepEqual(Object.fromEntries(Object.entries(held).map(([who, { composite }]) => [who, composite])), scores);
    const ended = await page.evaluate(() => {
      window.stop();
      return window.ended;
    });
    assert.equal(ended.error.code, "Canceled");
    await session.close();
  });

  test("an error tells a page its reason and every field that is wrong", async () => {
    // What the server refuses it refuses with status 200, as gRPC-web does: the console stays clean.
    const { session, page } = await visit(named);
    const wrong = await list(page, { server: server.http, token }, { list: 99, pageSize: 4_000_000 });
    assert.equal(wrong.error.code, "InvalidArgument");
    assert.deepEqual([wrong.error.reason, wrong.error.domain], ["INVALID_ARGUMENT", "steelyard"]);
    assert.deepEqual(wrong.error.fields.toSorted(), ["list", "page_size"]);
    const unknown = await list(page, { server: server.http });
    assert.equal(unknown.error.code, "Unauthenticated");
    assert.equal(unknown.error.reason, "UNAUTHENTICATED");
    const stream = await page.evaluate((asked) => {
      window.dashboard.watch(asked);
      return window.ended;
    }, { server: server.http });
    assert.equal(stream.error.reason, "UNAUTHENTICATED");
    await session.close();
  });

  test("a page of a site that is not named is refused by the browser and by the server", async () => {
    const refusals = [];
    const { session, page } = await visit(stranger, [/blocked by CORS policy/, /Failed to load resource/]);
    page.on("console", (message) => refusals.push(message.text()));
    const { error, rows } = await list(page, { server: server.http, token });
    assert.equal(rows, undefined);
    assert.equal(error.reason, undefined);
    assert.match(error.message, /fetch/i);
    assert.ok(refusals.some((text) => /blocked by CORS policy/.test(text)), refusals.join("\n"));
    // A form or a program that sends no preflight is refused by the server itself.
    const headers = { origin: stranger.origin, "content-type": "application/grpc-web+proto", authorization: `Bearer ${token}` };
    const asked = await fetch(`${server.http}/steelyard.v1.RankingService/ListStandings`, { method: "POST", headers, body: new Uint8Array(5) });
    assert.equal(asked.status, 403);
    assert.equal((await asked.json()).reason, "FOREIGN_ORIGIN");
    await session.close();
  });
});
