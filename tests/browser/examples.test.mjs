// The examples of dashboards, as far as they can be run without the products that they are for: every address in them
// is asked of a real server, and every column that they name must be in the answer.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ROOT, powerQuery } from "./packages.mjs";
import { Server } from "./server.mjs";

const FOLDER = join(ROOT, "examples", "dashboards");
const example = (name) => readFile(join(FOLDER, name), "utf8");

describe("the examples of dashboards", () => {
  let server, token;

  before(async () => {
    server = await Server.start();
    await server.invent({ subjects: 1_000 });
    token = await server.token({ roles: ["analyst"] });
  });

  after(() => server?.stop());

  async function get(path, query) {
    const url = new URL(path, server.http);
    url.search = new URLSearchParams(query);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const text = await answer.text();
    assert.ok(answer.ok, `${url}: ${answer.status} ${text}`);
    return { text, media: answer.headers.get("content-type").split(";")[0] };
  }

  /** What a query in M asks for, and what it does with the columns. */
  async function query(name) {
    const text = await example(name);
    const parsed = await powerQuery.TaskUtils.tryLexParse(powerQuery.DefaultSettings, text);
    assert.ok(powerQuery.TaskUtils.isParseStageOk(parsed), `${name}: ${parsed.error?.message}`);
    const [, path] = text.match(/RelativePath = "([^"]+)"/);
    const [, fields] = text.match(/Query = \[([^\]]+)\]/);
    const asked = Object.fromEntries([...fields.matchAll(/(\w+) = "([^"]*)"/g)].map(([, key, value]) => [key, value]));
    const typed = [...text.matchAll(/\{"(\w+)", ([\w. ]+)\}/g)].map(([, column, type]) => ({ column, type }));
    assert.ok(typed.length > 0);
    return { text, path, asked, typed };
  }

  const SHAPES = {
    "type text": /^/,
    "Int64.Type": /^-?\d+$/,
    "type logical": /^(true|false)$/,
    "type date": /^(\d{4}-\d{2}-\d{2})?$/,
    "type datetimezone": /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,
  };

  test("the query in M that reads an export is M, and finds every column that it gives a type", async () => {
    const { path, asked, typed } = await query("wanted.pq");
    const { text, media } = await get(path, asked);
    assert.equal(media, "text/csv");
    const [header, ...rows] = text.replace(/^\uFEFF/, "").trimEnd().split(/\r?\n/).map((line) => line.split(","));
    assert.ok(rows.length > 5, `${rows.length} rows`);
    for (const { column, type } of typed) {
      const place = header.indexOf(column);
      assert.notEqual(place, -1, `${column} is not among ${header}`);
      for (const row of rows) assert.match(row[place], SHAPES[type], column);
    }
  });

  test("the query in M that reads pages is M, and follows them to the end", async () => {
    const { text, path, asked, typed } = await query("overdue.pq");
    const [, names] = text.match(/Table\.FromRecords\(\s*Rows,\s*\{([^}]+)\}/);
    const columns = [...names.matchAll(/"(\w+)"/g)].map(([, column]) => column);
    const rows = [];
    let pageToken = "";
    do {
      const page = JSON.parse((await get(path, { ...asked, page_size: "20", page_token: pageToken })).text);
      rows.push(...page.gaps);
      pageToken = page.nextPageToken ?? "";
    } while (pageToken);
    const all = JSON.parse((await get(path, { ...asked, page_token: "" })).text);
    assert.ok(rows.length > 20, `${rows.length} files`);
    assert.equal(rows.length, all.openFiles);
    for (const column of columns) assert.ok(rows.some((row) => column in row), `${column} is in no row`);
    for (const { column, type } of typed) {
      assert.ok(columns.includes(column), column);
      for (const row of rows.filter((row) => column in row)) assert.match(String(row[column]), SHAPES[type], column);
    }
  });

  test("every panel of Grafana's dashboard asks for what there is, on every list that it offers", async () => {
    const dashboard = JSON.parse(await example("grafana-dashboard.json"));
    const [variable] = dashboard.templating.list;
    const places = dashboard.panels.map(({ gridPos: { x, w } }) => x + w);
    assert.ok(places.every((end) => end <= 24), "a panel is outside the grid");
    assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
    const seen = new Map();
    for (const list of variable.query.split(",")) {
      for (const { title, targets } of dashboard.panels) {
        for (const target of targets) {
          assert.equal(target.url_options.method, "GET");
          const asked = target.url_options.params.map(({ key, value }) => [key, value.replace("${list}", list)]);
          const told = JSON.parse((await get(target.url, asked)).text);
          const rows = target.root_selector ? (told[target.root_selector] ?? []) : [told];
          for (const { selector, type } of target.columns) {
            const held = rows.filter((row) => selector in row);
            if (held.length > 0) seen.set(`${title}: ${selector}`, true);
            else if (!seen.has(`${title}: ${selector}`)) seen.set(`${title}: ${selector}`, false);
            if (type === "number") assert.ok(held.every((row) => Number.isFinite(Number(row[selector]))), selector);
            if (type === "timestamp") assert.ok(held.every((row) => Date.parse(row[selector])), selector);
          }
        }
      }
    }
    assert.deepEqual([...seen].filter(([, found]) => !found), [], "columns that no list has");
    const source = await example("grafana-datasource.yaml");
    for (const { datasource } of dashboard.panels) {
      assert.match(source, new RegExp(`uid: ${datasource.uid}\\n`));
      assert.match(source, new RegExp(`type: ${datasource.type}\\n`));
    }
  });
});
