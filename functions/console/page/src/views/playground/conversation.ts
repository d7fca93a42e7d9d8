/** The conversation of the playground, and the request that it makes. */

export const ROLES = ["system", "user", "assistant"] as const;
export type Role = (typeof ROLES)[number];

/** A message. `raw` is one that the editor cannot show as text, such as images or calls of tools. */
export interface Message {
  id: number;
  role: Role;
  content: string;
  raw?: Record<string, unknown>;
}

export interface Options {
  model: string;
  profile: "" | "quality" | "balanced" | "cost";
  maxTokens: string;
  sessionId: string;
}

export const NO_OPTIONS: Options = { model: "auto", profile: "", maxTokens: "", sessionId: "" };

export interface Body {
  model: string;
  messages: Record<string, unknown>[];
  max_tokens?: number;
  route_switch?: Record<string, unknown>;
}

let last = 0;

export function message(role: Role, content: string, raw?: Record<string, unknown>): Message {
  return raw === undefined ? { id: ++last, role, content } : { id: ++last, role, content, raw };
}

/** How JSON begins, and lists of Python, which is pasted in its place. */
const LIKE_JSON = /^(\{\s*(["'}]|$)|\[\s*(["'{[\]]|$))/;
const BROKEN = "This begins like JSON, but it is cut off or broken, so it cannot be read. Paste it whole. A text that only looks like JSON goes into a message of the editor.";

/**
 * Read what was pasted: a request, a list of messages, one message, or plain text. Raise `Error`
 * with what to do if it is JSON of another kind.
 */
export function parseConversation(text: string): Message[] {
  const trimmed = text.trim();
  if (trimmed === "") throw new Error("There is nothing to read. Paste a conversation.");
  if (!/^[[{]/.test(trimmed)) return [message("user", trimmed)];
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    if (LIKE_JSON.test(trimmed)) throw new Error(BROKEN);
    return [message("user", trimmed)]; // text that begins with a bracket
  }
  const list = listOf(value);
  if (list.length === 0) throw new Error("The list of messages is empty. Paste at least one message.");
  return list.map(readMessage);
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (isObject(value) && Array.isArray(value.messages)) return value.messages;
  if (isObject(value) && "role" in value) return [value];
  throw new Error('This JSON has no messages. Paste a list such as [{"role": "user", "content": "Hello"}], or plain text.');
}

function readMessage(value: unknown, n: number): Message {
  if (!isObject(value) || typeof value.role !== "string") {
    throw new Error(`Message ${n + 1} has no role. A message is {"role": "user", "content": "…"}.`);
  }
  const role = value.role === "developer" ? "system" : value.role;
  const plain = Object.keys(value).every((key) => key === "role" || key === "content");
  if (plain && typeof value.content === "string" && isRole(role)) return message(role, value.content);
  return message(isRole(role) ? role : "assistant", "", value);
}

function isRole(role: string): role is Role {
  return (ROLES as readonly string[]).includes(role);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Return what to send, without messages that are empty. */
export function bodyOf(messages: readonly Message[], options: Options): Body {
  const maxTokens = tokensError(options.maxTokens) === null ? Number(options.maxTokens) : 0;
  const filled = messages.filter((each) => each.raw !== undefined || each.content.trim() !== "");
  return {
    model: options.model,
    messages: filled.map((each) => each.raw ?? { role: each.role, content: each.content }),
    ...(maxTokens > 0 ? { max_tokens: maxTokens } : {}),
    ...(options.profile === "" ? {} : { route_switch: { profile: options.profile } }),
  };
}

/** Why a limit of output tokens cannot be sent, or null. */
export function tokensError(maxTokens: string): string | null {
  const text = maxTokens.trim();
  return text === "" || (/^\d{1,9}$/.test(text) && Number(text) >= 1) ? null : "Enter a whole number of at least 1, or leave the field empty.";
}

/** Why a session id cannot be sent, or null. A header has printable ASCII characters only. */
export function sessionError(sessionId: string): string | null {
  return /^[ -~]*$/.test(sessionId) ? null : "Use letters, digits and punctuation of ASCII.";
}

/** The text of the last message of the user, as far as it is text. */
export function queryOf(body: Body): string {
  const last = body.messages.findLast((each) => each.role === "user") ?? body.messages.at(-1);
  const content = last?.content;
  return typeof content === "string" ? content : content == null ? "" : JSON.stringify(content);
}

/** What an answer depends on besides the tier that gives it. */
export function textOf(body: Body): string {
  return JSON.stringify(body.messages);
}

export function headersOf(options: Options): Record<string, string> {
  const id = options.sessionId.trim();
  return id === "" || sessionError(id) !== null ? {} : { "x-session-id": id };
}
