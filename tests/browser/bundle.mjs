// Builds the page of another dashboard as its own developers would: types generated from the contract by buf and
// protoc-gen-es, then one script for the browser.

import { execFile } from "node:child_process";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { PLACE, ROOT, esbuild } from "./packages.mjs";

// The tools of .ci/tools.txt, whoever starts the tests.
const PATH = [join(ROOT, "target", "tools", "bin"), process.env.PATH].join(delimiter);
const tool = (name, args) => promisify(execFile)(name, args, { cwd: ROOT, env: { ...process.env, PATH } });

const GENERATED = join(PLACE, "generated");
const FOREIGN = join(PLACE, "protos");
const DETAILS = join("google", "rpc", "error_details.proto");

/** The script of a page in this folder, with everything that it imports. */
export async function bundled(page) {
  await generate();
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), page)],
    bundle: true,
    format: "iife",
    target: "es2022",
    nodePaths: [GENERATED, join(PLACE, "node_modules")],
    write: false,
  });
  return outputFiles[0].text;
}

async function generate() {
  await rm(GENERATED, { recursive: true, force: true });
  // Google's own description of the details of an error, as its package for Python ships it.
  const { stdout } = await tool("python3", ["-c", "import google.rpc as it; print(list(it.__path__)[0])"]);
  await mkdir(join(FOREIGN, dirname(DETAILS)), { recursive: true });
  await copyFile(join(stdout.trim(), "error_details.proto"), join(FOREIGN, DETAILS));
  const plugin = { local: join(PLACE, "node_modules", ".bin", "protoc-gen-es"), out: GENERATED, opt: ["target=js"] };
  const template = join(PLACE, "buf.gen.json");
  await writeFile(template, JSON.stringify({ version: "v2", plugins: [plugin] }));
  for (const module of [join(ROOT, "proto"), FOREIGN]) {
    await tool("buf", ["generate", "--template", template, module]);
  }
}
