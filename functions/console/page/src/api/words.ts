/** The page's own words for errors of the API, whose messages speak to those who call it. */

const AGAIN = "Another version went live in the meantime, so nothing was changed. Look at it first, then decide again.";

const WORDS: Readonly<Record<string, string>> = {
  insufficient_quota:
    "The monthly budget of this key is used up, or what is left does not cover this request. Lower “Max output tokens”, raise the key's budget, or wait until next month.",
  learning_off: "Learning is off, so nothing was done. Turn it on in Keys and switches.",
  local_model_unknown:
    "The prompt needs a local model whose numbers are not stored, are broken or cannot be read. Approve the learning run that trained the model, or choose another version.",
  own_key: "This tab is signed in with this key, and a key cannot revoke itself. Sign in with another admin key.",
  prompt_changed: AGAIN,
  prompt_locked: "Somebody else is changing the prompt right now, so nothing was changed. Try again in a few seconds.",
  prompt_version_not_found: "This version does not exist. “Versions” lists those that are stored.",
  report_not_found: "This run has no report to download: it wrote none, a deletion removed it, or it is too long.",
  router_not_callable:
    "The page cannot ask the router LLM of this stage: that needs LiteLLM, which takes too long to load. Preview the edit with the command line: route-switch prompt preview.",
  run_exists: "Nothing was started: {run} is in progress, and only one run can be active. The list shows its progress.",
  run_not_waiting: "This run no longer waits for approval: it was answered, timed out or was stopped.",
};

/** What to do on this page, in place of a sentence that tells callers what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  former_secrets: "Wait until one ends, or enter 0 hours to end all of them.",
  key_changed: "Look at the list of keys, then try again.",
  key_revoked: "Create a new key.",
  not_found: "Reload the view to see what exists.",
  prompt_replaced: "Compare the two in “Versions”; to restore the other one, roll back to it.",
  switches_unreadable: "To rewrite all of them, choose “Rewrite all switches”.",
};

/** In a sentence that names a route, a field of a body or a command. */
const FOR_CALLERS = /\b(GET|POST|PUT|PATCH|DELETE) \/v1\b|\broute-switch [a-z]|'(base_version|grace_hours)'/;

const RUN = /\brun \d{4}-\d\d-\d\dT\d{6}Z(-[a-z]+)?/;

/**
 * Return what the page says for an error: by its code, or its message without what only callers can
 * do. In place of that stands what the reader can do.
 */
export function wordsOf(code: string | null, message: string): string {
  const own = WORDS[code ?? ""];
  if (own !== undefined) return own.replace("{run}", RUN.exec(message)?.[0] ?? "another run");
  const sentences = message.split(/(?<=[.!?])\s+(?=[A-Z'“"`])/);
  const kept = sentences.filter((each) => !FOR_CALLERS.test(each));
  const remedy = kept.length < sentences.length ? REMEDIES[code ?? ""] : undefined;
  if (remedy !== undefined) kept.push(remedy);
  return kept.length === 0 ? message : kept.join(" ");
}

/** A run's message without the addresses of its files, which the page offers itself. Its lines stay lines. */
export function runMessage(message: string): string {
  const lines = message.split("\n").filter((line) => !/^\s*(\w+: +)?s3:\/\/\S+\s*$/.test(line));
  return lines.join("\n").replace(/\s*\b(Report|Candidate): s3:\/\/\S+/g, "").trim();
}
