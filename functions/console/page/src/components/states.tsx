/** What a view shows instead of data: that it loads, that there is none, or why it failed. */

import type { ComponentChildren } from "preact";
import { ApiError } from "../api/client.ts";
import type { Loaded } from "../hooks.ts";
import { Button } from "./basic.tsx";

export function Loading({ label = "Loading", lines = 4 }: { label?: string; lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">{label}…</span>
      {Array.from({ length: lines }, (_, n) => <div key={n} class="bone" aria-hidden="true" />)}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** These answers are about the request itself: the same request gets the same answer. */
const FINAL = [400, 401, 403, 405, 413, 414, 415, 422];

interface FailedProps {
  error: Error;
  retry?: () => void;
  title?: string;
  /** What to do besides, in this place. */
  children?: ComponentChildren;
}

/** An error with what to do about it. */
export function Failed({ error, retry, title = "Something went wrong", children }: FailedProps) {
  const api = error instanceof ApiError ? error : null;
  return (
    <div class="failed" role="alert">
      <h3>{title}</h3>
      <p>{error.message}</p>
      {children}
      {api !== null && (
        <p class="hint">
          {[
            api.status > 0 && `Status ${api.status}`,
            api.code,
            api.requestId && `request ${api.requestId}`,
            api.retryAfterS !== null && `try again in ${api.retryAfterS} s`,
          ].filter(Boolean).join(" · ")}
        </p>
      )}
      {retry && !FINAL.includes(api?.status ?? 0) && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Show what was loaded; before that a skeleton, and an error above what was loaded earlier. */
export function Loads<T extends NonNullable<unknown>>({ of, lines, children }: { of: Loaded<T>; lines?: number; children: (data: T) => ComponentChildren }) {
  const isLoading = of.state === "loading";
  if (isLoading && of.data === null) return <Loading lines={lines} />;
  return (
    <>
      {of.state === "failed" && <Failed error={of.error} retry={of.reload} />}
      {of.data !== null && <div class={isLoading ? "stale" : ""} aria-busy={isLoading}>{children(of.data)}</div>}
    </>
  );
}
