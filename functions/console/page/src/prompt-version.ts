/** How people call a version of the prompt, which the API calls `live@7`. */

import { UNKNOWN } from "./format.ts";

/** The number in `live@7`, or null for a prompt that is not stored as a version. */
export function versionNumber(recorded: string | number | null | undefined): number | null {
  const found = /^(?:live@)?(\d+)$/.exec(String(recorded ?? ""));
  return found === null ? null : Number(found[1]);
}

/** `Version 7`, or the name of a prompt that is not stored as a version, such as `seed@1`. */
export function versionName(recorded: string | number | null | undefined): string {
  const number = versionNumber(recorded);
  return number === null ? String(recorded ?? UNKNOWN) : `Version ${number}`;
}

/** The text with `version 7` in place of `live@7`. */
export function withVersionNames(text: string): string {
  return text.replace(/\blive@(\d+)\b/g, "version $1");
}
