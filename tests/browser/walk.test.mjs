// An officer's morning in a real browser: narrow a list, open a person, read why, see the list move while somebody else
// writes, and see nobody of another area.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { Session, launch, needed } from "./browser.mjs";
import { EVIL, force, officer } from "./force.mjs";

describe("a morning's walk", needed(), () => {
  let browser, server;

  before(async () => {
    server = await force({ subjects: 600 });
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** A browser of somebody, at a page. */
  async function visit(path, { expected, viewport, ...who } = {}) {
    const token = await officer(server, who);
    const session = await Session.open(browser, { hosts: [server.http], expected, viewport, token });
    const page = await session.page();
    const answer = await page.goto(server.http + path);
    return { session, page, answer };
  }

  const rows = (page) => page.locator("#rows tr[data-ref]");
  const milli = (text) => Math.round(Number(text.replace(/,/g, "")) * 1000);

  test("a list is narrowed to a band, and the third person on it opened", async () => {
    const { session, page } = await visit("/lists/cohort");
    const all = await rows(page).count();
    await page.locator("details.filter summary").click();
    await page.getByRole("checkbox", { name: "High", exact: true }).check();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.waitForURL(/filter\.bands=HIGH/);
    const narrowed = await rows(page).count();
    assert.ok(narrowed > 3 && narrowed < all, `${narrowed} of ${all}`);
    for (const band of await rows(page).locator("td[data-label=Band]").allInnerTexts()) assert.match(band, /^High$/i);
    const third = rows(page).nth(2);
    const reference = await third.getAttribute("data-ref");
    await third.getByRole("link", { name: reference }).click();
    await page.getByRole("heading", { level: 1, name: reference, exact: true }).waitFor();
    await session.close();
  });

  test("the shares of a score sum to it on the screen, and their bars follow one another to its end", async () => {
    const { session, page } = await visit("/lists/cohort");
    for (const place of [0, 2]) {
      await page.goto(`${server.http}/lists/cohort`);
      const reference = await rows(page).nth(place).getAttribute("data-ref");
      const listed = await rows(page).nth(place).locator(".points").innerText();
      await rows(page).nth(place).getByRole("link", { name: reference }).click();
      const score = await page.locator("#score").innerText();
      assert.equal(score, listed);
      const table = page.locator("table.waterfall").first();
      const read = async (table) => (await table.locator("td.share").allInnerTexts()).map(milli);
      const sum = (shares) => shares.reduce((sum, share) => sum + share, 0);
      const shares = await read(table);
      assert.ok(shares.length > 1);
      assert.equal(sum(shares), milli(score));
      assert.equal(milli(await page.locator("#sum").innerText()), milli(score));
      const smaller = page.locator("details", { has: page.locator("table.waterfall") });
      if (await smaller.count()) {
        await smaller.locator("summary").click();
        assert.equal(sum(await read(smaller.locator("table.waterfall"))), shares.at(-1), "what is folded away");
      }
      const bars = await table.locator("svg.bar").evaluateAll((bars) =>
        bars.map((bar) => {
          const [ground, piece] = [...bar.querySelectorAll("rect")].map((rect) => rect.getBoundingClientRect());
          return { from: (piece.left - ground.left) / ground.width, to: (piece.right - ground.left) / ground.width };
        }),
      );
      assert.equal(bars.length, shares.length);
      let before = 0;
      for (const [row, bar] of bars.entries()) {
        const end = before + shares[row] / milli(score);
        // A share too small to be seen is drawn a little wider than it is.
        assert.ok(Math.abs(bar.from - before) < 0.01, `bar ${row} begins at ${bar.from}, not ${before}`);
        assert.ok(Math.abs(bar.to - end) < 0.01, `bar ${row} ends at ${bar.to}, not ${end}`);
        before = end;
      }
    }
    await session.close();
  });

  test("a review is recorded from what is overdue, and what is left out is asked for with the rest kept", async () => {
    const { session, page } = await visit("/supervision", { actor: "PS-7", expected: [/Failed to load resource/] });
    await page.locator('main a[href^="/outstanding/file?"]').first().click();
    await page.getByRole("heading", { level: 1, name: /^Outstanding file/ }).waitFor();
    await page.getByRole("link", { name: "Record a review" }).first().click();
    await page.getByRole("heading", { level: 1, name: "Record a review" }).waitFor();
    await page.getByLabel("Who reviews").fill("PS-7");
    await page.getByRole("button", { name: "Record the review" }).click();
    await page.getByText("Enter what you found").first().waitFor();
    assert.match(await page.title(), /^Error: /);
    assert.equal(await page.getByLabel("Who reviews").inputValue(), "PS-7");
    await page.getByRole("link", { name: "Enter what you found" }).click();
    assert.equal(await page.evaluate(() => document.activeElement.name), "review.findings", "the summary leads to the field");
    const findings = "Two addresses not yet visited: <b>both</b> today.";
    await page.keyboard.type(findings);
    await page.getByLabel("Rank in which you review").selectOption({ label: "Inspector" });
    await page.getByRole("button", { name: "Record the review" }).click();
    await page.waitForURL(/\/outstanding\/file\?.*recorded=/);
    await page.getByText(findings).first().waitFor();
    const asked = Object.fromEntries(new URL(page.url()).searchParams);
    const held = await server.call("OutstandingService/GetOutstanding", { subjectRef: asked.ref, outstandingId: asked.id }, await officer(server));
    assert.ok(JSON.stringify(held).includes(asked.recorded), "the file holds the review");
    await session.close();
  });

  test("a list moves under a reader who has scrolled without the row that they read moving", async () => {
    const { session, page } = await visit("/lists/all", { viewport: { width: 1280, height: 600 } });
    await page.getByText("Following the list").waitFor();
    // Past those of the highest band, among whom somebody will come to stand.
    const reading = await page.evaluate(() => {
      const rows = [...document.querySelectorAll("#rows tr[data-ref]")];
      const below = rows.filter((row) => !/Very high/.test(row.querySelector("td[data-label=Band]").textContent));
      window.scrollTo(0, below[2].getBoundingClientRect().top + window.scrollY);
      return { reference: below[3].dataset.ref, top: below[3].getBoundingClientRect().top, scrolled: window.scrollY };
    });
    assert.ok(reading.scrolled > 300, `scrolled by ${reading.scrolled} px`);
    // Somebody from the far end of the list comes to stand at its head.
    const low = await server.call("RankingService/ListStandings", { list: "LIST_ALL", pageSize: 1000 }, await officer(server));
    const { subjectRef } = low.standings.at(-1);
    const decision = { band: "BAND_VERY_HIGH", scope: "OVERRIDE_SCOPE_BOTH", rationale: "Seen last night with a weapon.", officer: "INSP-2", expiresOn: "2026-04-20" };
    const record = { id: "OVERRIDE-1", subjectRef, sourceSystem: "custody", eventDate: "2026-03-30", bandOverride: decision };
    const writer = await server.token({ actor: "custody", roles: ["evidence_writer"] });
    await server.call("EvidenceService/WriteEvidence", { requestId: randomUUID(), records: [record] }, writer);
    const entered = page.locator(`#rows tr[data-ref="${subjectRef}"]`);
    await entered.waitFor({ state: "attached" });
    assert.match(await entered.locator("td[data-label=Marks]").innerText(), /Overridden/);
    await page.getByText(/Updated at/).waitFor({ state: "attached" });
    const top = await page.locator(`#rows tr[data-ref="${reading.reference}"]`).evaluate((row) => row.getBoundingClientRect().top);
    assert.ok(Math.abs(top - reading.top) < 2, `the row that was read moved from ${reading.top} to ${top}`);
    assert.notEqual(await page.evaluate(() => window.scrollY), reading.scrolled, "nothing came to stand above what is read");
    await session.close();
  });

  test("nobody of another area is seen, and a rank is of the whole list all the same", async () => {
    const whole = await server.call("RankingService/ListStandings", { list: "LIST_COHORT", pageSize: 1000 }, await officer(server));
    const { session, page } = await visit("/lists/cohort", { actor: "PC-N", areas: ["Northgate"], expected: [/Failed to load resource/] });
    const seen = await rows(page).evaluateAll((rows) => rows.map((row) => row.dataset.ref));
    assert.ok(seen.length > 0 && seen.length < whole.standings.length);
    const ranks = new Map(whole.standings.map((row) => [row.subjectRef, row.rank]));
    const shown = (await rows(page).locator("td[data-label=Rank]").allInnerTexts()).map((text) => Number(text.replace(/,/g, "")));
    assert.deepEqual(shown, seen.map((reference) => ranks.get(reference)));
    const hidden = whole.standings.find((row) => !seen.includes(row.subjectRef)).subjectRef;
    for (const path of ["/people", "/people/records", "/outstanding/file"]) {
      const answer = await page.goto(`${server.http}${path}?ref=${hidden}&id=any&list=cohort`);
      assert.ok([403, 404].includes(answer.status()), `${path}: ${answer.status()}`);
      const text = await answer.text();
      // What is refused is the same as for somebody whom nobody knows, but for the reference.
      const nobody = await (await page.goto(`${server.http}${path}?ref=NOBODY&id=any&list=cohort`)).text();
      const plain = (text, reference) => text.replaceAll(reference, "").replace(/[0-9a-f-]{36}/g, "");
      assert.equal(plain(text, hidden), plain(nobody, "NOBODY"), path);
    }
    await session.close();
  });

  test("whatever is stored in a text is shown as it is, and never carried out", async () => {
    const { session, page } = await visit(`/people?${new URLSearchParams({ ref: EVIL })}`);
    assert.equal(await page.locator("h1").innerText(), EVIL);
    for (const path of ["/people", "/people/records"]) {
      await page.goto(`${server.http}${path}?${new URLSearchParams({ ref: EVIL })}`);
      await page.getByText("window.ran").first().waitFor();
      assert.equal(await page.locator("main img, main iframe, main script, main svg[onload]").count(), 0);
      const links = await page.locator("a").evaluateAll((links) => links.map((link) => link.protocol));
      assert.deepEqual(links.filter((protocol) => !["http:", "https:"].includes(protocol)), []);
      assert.equal(await page.evaluate(() => window.ran), undefined);
    }
    await page.goto(`${server.http}/lists/cohort`);
    await page.locator("#rows").getByText(EVIL).waitFor();
    assert.equal(await page.evaluate(() => window.ran), undefined);
    await session.close();
  });

  test("everything on a list is reached and done with the keyboard", async () => {
    const { session, page } = await visit("/lists/cohort");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const reached = new Set();
    for (let pressed = 0; pressed < 60; pressed += 1) {
      await page.keyboard.press("Tab");
      const told = await page.evaluate(() => {
        const held = document.activeElement;
        const box = held.getBoundingClientRect();
        const style = getComputedStyle(held);
        const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
        return { name: held.tagName, row: held.closest("tr[data-ref]")?.dataset.ref, shown: box.width > 0 && marked };
      });
      assert.ok(told.shown || told.name === "BODY", `the focus is not seen on ${JSON.stringify(told)}`);
      reached.add(told.name);
      if (told.row) break;
    }
    assert.ok(reached.has("SUMMARY") && reached.has("A"), [...reached].join());
    const reference = await page.evaluate(() => document.activeElement.closest("tr[data-ref]").dataset.ref);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: reference, exact: true }).waitFor();
    await session.close();
  });
});
