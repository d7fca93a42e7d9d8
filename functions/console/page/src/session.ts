/** The API key of this browser tab. It is kept in the session storage and sent as a bearer key only. */

import { useEffect, useState } from "preact/hooks";
import { ApiError, getJson } from "./api/client.ts";
import type { CostsPage } from "./api/types.ts";

export type Role = "admin" | "client";

export interface Session {
  key: string;
  role: Role;
}

const NAME = "route-switch.session";
const listeners = new Set<() => void>();
let refused: ApiError | null = null;
let current: Session | null = restore();

function restore(): Session | null {
  const [role, key] = (sessionStorage.getItem(NAME) ?? "").split(" ", 2);
  return key !== undefined && (role === "admin" || role === "client") ? { key, role } : null;
}

export function session(): Session | null {
  return current;
}

/** The key to send, or an empty string. */
export function apiKey(): string {
  return current?.key ?? "";
}

/** Find out what the key may do, and keep it. Raise `ApiError` if the stage refuses the key. */
export async function signIn(key: string): Promise<void> {
  const role = await roleOf(key);
  refused = null;
  change({ key, role });
}

/** `why` is shown with the prompt for the next key. */
export function forgetKey(why: ApiError | null = null): void {
  refused = why;
  change(null);
}

/** Why the last key was forgotten, if the stage refused it. */
export function refusal(): ApiError | null {
  return refused;
}

function change(next: Session | null): void {
  current = next;
  if (next === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, `${next.role} ${next.key}`);
  for (const listener of listeners) listener();
}

/** Only an admin key may read costs. Another valid key gets 403 for that. */
async function roleOf(key: string): Promise<Role> {
  try {
    await getJson<CostsPage>("v1/costs", {}, { key });
    return "admin";
  } catch (error) {
    if (error instanceof ApiError && error.code === "admin_key_required") return "client";
    throw error;
  }
}

export function useSession(): Session | null {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return current;
}
