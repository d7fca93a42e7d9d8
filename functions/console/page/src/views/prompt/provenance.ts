/** What a prompt's front matter says about how it was made. It is TOML with one value a line. */

export type Provenance = Record<string, string>;

const FRONT = /^\uFEFF?\+\+\+\r?\n([\s\S]*?)^\+\+\+\s*$/m;

export function provenanceOf(document: string): Provenance {
  const front = FRONT.exec(document);
  if (front === null || front.index !== 0) return {};
  const lines = front[1]!.split("\n").map((line) => /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line));
  return Object.fromEntries(lines.filter((each) => each !== null).map((each) => [each[1]!, value(each[2]!)]));
}

/** The document without its front matter. */
export function withoutProvenance(document: string): string {
  const front = FRONT.exec(document);
  return front === null || front.index !== 0 ? document : document.slice(front[0].length).replace(/^\s+/, "");
}

function value(toml: string): string {
  if (!toml.startsWith('"')) return toml;
  try {
    return String(JSON.parse(toml)); // basic strings of TOML are escaped as in JSON
  } catch {
    return toml.slice(1, -1);
  }
}

/** The newest run that made this text live: a rollback gives an old text a new number. */
export function runOf<T extends { live_version: number | null }>(
  digest: string | null, versions: readonly { version: string; digest: string | null }[], runs: readonly T[],
): T | null {
  if (digest === null) return null;
  const names = new Set(versions.filter((each) => each.digest === digest).map((each) => each.version));
  return runs.find((each) => names.has(`live@${each.live_version}`)) ?? null;
}
