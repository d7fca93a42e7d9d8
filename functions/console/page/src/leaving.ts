/** Warn before the page is left while something would be lost: a draft, a conversation, a secret. */

const held = new Set<string>();

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** Warn as long as anything is held. The browser has its own words for the question. */
export function hold(what: string, isHeld: boolean): void {
  if (isHeld) held.add(what);
  else held.delete(what);
  if (held.size > 0) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

export function holdNothing(): void {
  for (const what of [...held]) hold(what, false);
}

export function isAnythingHeld(): boolean {
  return held.size > 0;
}
