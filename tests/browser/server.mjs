// A real server for these tests: a process of its own, on ports that the system chooses, with a data directory that
// goes when it stops, believing the tokens of a development issuer made for it alone.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { ROOT } from "./packages.mjs";

export const BINARY = process.env.STEELYARD_BIN ?? join(ROOT, "target", "debug", "steelyard");
// Nothing that the person who runs the tests has set for a server of their own may reach this one.
export const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("STEELYARD_")));
const READY_MS = 120_000;

export const AS_OF = "2026-03-31";

const run = promisify(execFile);

/** What a command prints. */
export async function steelyard(args, environment = {}) {
  const { stdout } = await run(BINARY, args, { env: { ...ENVIRONMENT, ...environment }, maxBuffer: 64 << 20 });
  return stdout;
}

export class Server {
  /** Starts a server and waits until it answers. `settings`: further arguments of `serve`. */
  static async start({ settings = [], tokens = true } = {}) {
    const server = new Server();
    server.folder = await mkdtemp(join(tmpdir(), "steelyard-browser-"));
    server.keys = join(server.folder, "keys");
    await steelyard(["token", "keys", "--directory", server.keys]);
    const believed = ["--access-jwks-file", join(server.keys, "development-jwks.json"), "--access-issuer", "steelyard-development", "--access-audience", "steelyard"];
    const local = ["--grpc-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
    const stated = ["serve", "--data-dir", join(server.folder, "store"), ...local, "--as-of", AS_OF, "--log-format", "json"];
    await server.#run([...stated, ...(tokens ? believed : []), ...settings]);
    return server;
  }

  async #run(args) {
    this.process = spawn(BINARY, args, { env: ENVIRONMENT, stdio: ["ignore", "ignore", "pipe"] });
    this.ended = new Promise((resolve) => this.process.once("exit", (code, signal) => resolve(code ?? signal)));
    const told = [];
    const ready = new Promise((resolve) => {
      createInterface({ input: this.process.stderr }).on("line", (line) => {
        told.push(line);
        const fields = line.startsWith("{") ? JSON.parse(line) : {};
        if (fields.message === "ready") resolve(fields);
      });
    });
    const late = new Promise((resolve) => setTimeout(resolve, READY_MS, undefined).unref());
    const fields = await Promise.race([ready, late, this.ended.then(() => undefined)]);
    if (!fields) {
      this.process.kill("SIGKILL");
      throw new Error(`the server did not become ready:\n${told.join("\n")}`);
    }
    this.grpc = `http://${fields["grpc.address"]}`;
    this.http = `http://${fields["http.address"]}`;
  }

  /** A token for somebody. `areas`: names, or `*` for the whole force. */
  async token({ actor = "tester", roles = ["reader"], areas = ["*"], lists = [], permissions = [] } = {}) {
    const each = (flag, values) => values.flatMap((value) => [flag, value]);
    const named = [...each("--role", roles), ...each("--area", areas), ...each("--list", lists), ...each("--permission", permissions)];
    return (await steelyard(["token", "--directory", this.keys, "--actor", actor, ...named])).trim();
  }

  /** Imports an invented force of so many people. */
  async invent({ subjects, seed = 11 }) {
    const file = join(this.folder, "force.ndjson");
    await steelyard(["generate", "--subjects", String(subjects), "--seed", String(seed), "--as-of", AS_OF, "--out", file]);
    const token = await this.token({ actor: "importer", roles: ["evidence_writer", "reader"] });
    const kept = ["--rejects", join(this.folder, "rejects.csv"), "--checkpoint", join(this.folder, "checkpoint")];
    await steelyard(["import", file, "--server", this.grpc, ...kept, "--quiet"], { STEELYARD_TOKEN: token });
  }

  /** Makes a call in JSON, as any program would. */
  async call(name, message, token) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const answer = await fetch(`${this.http}/v1/${name}`, { method: "POST", headers, body: JSON.stringify(message) });
    const told = await answer.json();
    if (!answer.ok) throw new Error(`${name} answered ${answer.status}: ${JSON.stringify(told)}`);
    return told;
  }

  /** Stops it as an operator would. It must end well. */
  async stop() {
    this.process.kill("SIGTERM");
    const code = await this.ended;
    await rm(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code} on SIGTERM`);
  }
}
