/** Values that several components show, and state that outlives its view. */

import { useEffect, useState } from "preact/hooks";

export class Shared<T> {
  value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.value = value;
  }

  readonly set = (value: T): void => {
    this.value = value;
    for (const listener of [...this.#listeners]) listener();
  };

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

const every = new Set<Kept<unknown>>();

/** Changing the view and coming back keeps it, forgetting the key does not. */
export class Kept<T> extends Shared<T> {
  readonly #start: () => T;

  constructor(start: () => T) {
    super(start());
    this.#start = start;
    every.add(this as Kept<unknown>);
  }

  reset(): void {
    this.set(this.#start());
  }
}

export function resetKept(): void {
  for (const each of every) each.reset();
}

/** Return the value, and draw again whenever it changes. */
export function useShared<T>(shared: Shared<T>): T {
  const [, redraw] = useState(0);
  const drawn = shared.value;
  useEffect(() => {
    const change = () => redraw((n) => n + 1);
    if (shared.value !== drawn) change(); // it changed before this effect ran
    return shared.listen(change);
  }, [shared]);
  return drawn;
}
