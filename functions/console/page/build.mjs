// Build the page into a folder, which is the argument: `static/` is what the function serves, and
// `built.json` has the digests of it and of the sources. The same sources give the same bytes.
// Run by `make console`.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";
import { thirdParty } from "./third-party.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = process.argv[2];

function digest(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** Return `{path: sha256}` of all files below a folder, without what npm and the build make. */
export function digests(folder, skipped = ["node_modules", "out"]) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length).replace(/^\//, ""))
    .filter((name) => !skipped.includes(name.split("/")[0]));
  return Object.fromEntries(files.sort().map((name) => [name, digest(readFileSync(join(folder, name)))]));
}

function compress(folder, name) {
  const content = readFileSync(join(folder, name));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params }));
}

const typed = spawnSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "--noEmit"], {
  cwd: here,
  stdio: "inherit",
});
if (typed.status !== 0) process.exit(1);
await build({ configFile: join(here, "vite.config.ts") });
const out = join(here, "out");
writeFileSync(join(out, "THIRD-PARTY.txt"), thirdParty(here));
for (const name of readdirSync(out)) compress(out, name);
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
cpSync(out, join(target, "static"), { recursive: true });
writeFileSync(
  join(target, "built.json"),
  `${JSON.stringify({ sources: digests(here), static: digests(out, []) }, null, 1)}\n`,
);
