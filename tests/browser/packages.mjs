// Where the packages of these tests lie: in target/browser, where `.ci/browser` puts them, and nowhere in the tree.
// Node.js looks for a package only in folders above the file that names it, so they are asked for from there.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const PLACE = join(ROOT, "target", "browser");

const ask = createRequire(join(PLACE, "package.json"));

export const { chromium } = ask("playwright-core");
export const axe = ask("axe-core");
export const esbuild = ask("esbuild");
export const powerQuery = ask("@microsoft/powerquery-parser");
