/** Light, dark, or as the system says. Kept for the session only, as everything else. */

export type Theme = "auto" | "light" | "dark";

const NAME = "route-switch.theme";
const listeners = new Set<() => void>();

export function currentTheme(): Theme {
  const kept = sessionStorage.getItem(NAME);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function setTheme(theme: Theme): void {
  sessionStorage.setItem(NAME, theme);
  applyTheme();
}

export function applyTheme(): void {
  const theme = currentTheme();
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

/** Call `listener` whenever colors may have changed. Return how to stop that. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}
