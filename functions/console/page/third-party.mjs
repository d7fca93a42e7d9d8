// The licenses of the packages that are part of the page.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Return the license texts of the `dependencies` of package.json, which have none themselves. */
export function thirdParty(folder) {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Object.keys(dependencies).sort().map((name) => notice(folder, name)).join("\n");
}

function notice(folder, name) {
  const home = join(folder, "node_modules", name);
  const { version, license, dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  if (Object.keys(dependencies ?? {}).length > 0) {
    throw new Error(`${name} brings packages of its own. State their licenses here too.`);
  }
  const file = readdirSync(home).find((each) => /^licen[cs]e/i.test(each));
  return `${name} ${version} (${license})\n\n${readFileSync(join(home, file), "utf8").trim()}\n`;
}
