import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** `null` stands for nothing loaded yet, so what is loaded can be anything else. */
export type Loaded<T> =
  | { state: "loading"; data: T | null; error: null; reload: () => void }
  | { state: "ready"; data: T; error: null; reload: () => void }
  | { state: "failed"; data: T | null; error: Error; reload: () => void };

/**
 * Load something whenever one of `inputs` changes, or `reload` is called. A load that is overtaken
 * is aborted. What was loaded before stays in `data` meanwhile.
 */
export function useLoaded<T extends NonNullable<unknown>>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [told, tell] = useState<{ data: T | null; error: Error | null; busy: boolean }>({
    data: null, error: null, busy: true,
  });
  const [round, again] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    tell((before) => ({ ...before, error: null, busy: true }));
    load(controller.signal).then(
      (data) => controller.signal.aborted || tell({ data, error: null, busy: false }),
      (error: Error) => controller.signal.aborted || tell((before) => ({ ...before, error, busy: false })),
    );
    return () => controller.abort();
  }, [...inputs, round]);
  const reload = useCallback(() => again((n) => n + 1), []);
  if (told.busy) return { state: "loading", data: told.data, error: null, reload };
  if (told.error !== null) return { state: "failed", data: told.data, error: told.error, reload };
  return { state: "ready", data: told.data as T, error: null, reload };
}

/** Call `act` every `seconds` while the page is visible and `active`. */
export function useInterval(act: () => void, seconds: number, active = true): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => document.hidden || latest.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds, active]);
}

/** The width of an element in pixels, once it is in the page; before that `first`. */
export function useWidth(element: { readonly current: HTMLElement | null }, first: number): number {
  const [width, tell] = useState(first);
  useLayoutEffect(() => {
    const measure = () => tell(element.current!.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return width;
}
