/** The address after `#`: a view and its parameters. The key never is part of an address. */

import { useEffect, useState } from "preact/hooks";

export interface Place {
  view: string;
  params: URLSearchParams;
}

export function place(hash = location.hash): Place {
  const [view = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { view, params: new URLSearchParams(query) };
}

export function href(view: string, params: Record<string, string> = {}): string {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "")).toString();
  return `#/${view}${query === "" ? "" : `?${query}`}`;
}

export function go(view: string, params: Record<string, string> = {}): void {
  location.hash = href(view, params);
}

/** Change parameters of the current view without a new entry in the history. Empty ones go. */
export function setParams(changes: Record<string, string>): void {
  const { view, params } = place();
  const next = href(view, { ...Object.fromEntries(params), ...changes });
  history.replaceState(null, "", next);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** As `setParams`, but Back returns to the place before. */
export function openParams(changes: Record<string, string>): void {
  const { view, params } = place();
  history.pushState(OPENED, "", href(view, { ...Object.fromEntries(params), ...changes }));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Take back what `openParams` did; `changes` do the same where the address was entered or shared. */
export function closeParams(changes: Record<string, string>): void {
  if (history.state === OPENED) history.back();
  else setParams(changes);
}

const OPENED = "opened";

export function usePlace(): Place {
  const [current, change] = useState(() => place());
  useEffect(() => {
    const listener = () => change(place());
    addEventListener("hashchange", listener);
    listener(); // the address may have changed before this effect ran
    return () => removeEventListener("hashchange", listener);
  }, []);
  return current;
}
