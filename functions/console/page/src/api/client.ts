/** Requests to the API of the stage that served this page. Addresses are relative to the page. */

import { apiKey, forgetKey } from "../session.ts";
import { wordsOf } from "./words.ts";

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
  /** Another key than the session's. */
  key?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** An error in the page's words. `status` is 0 if no answer came. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly requestId: string | null;
  readonly retryAfterS: number | null;

  constructor(
    message: string,
    status: number,
    code: string | null = null,
    requestId: string | null = null,
    retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfterS = retryAfterS;
  }
}

/** Whether the stage may have done what it was asked all the same: the answer was lost, or it failed on the way. */
export function mayBeDone(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}

export function getJson<T>(path: string, query: Query = {}, options: RequestOptions = {}): Promise<T> {
  return callJson<T>("GET", path + queryString(query), undefined, options);
}

/** Send `body` as JSON and return the answer's JSON. Raise `ApiError`. */
export async function callJson<T>(
  method: string,
  path: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<T> {
  const response = await call(method, path, body, options);
  return (await response.json()) as T;
}

/** As `callJson`, but return the response: for streams, headers and other content. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<Response> {
  const headers: Record<string, string> = {
    ...options.headers,
    authorization: `Bearer ${options.key ?? apiKey()}`,
  };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await send(path, {
    method,
    headers,
    signal: options.signal ?? null,
    body: body === undefined ? null : JSON.stringify(body),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401 && options.key === undefined) forgetKey(error);
  throw error;
}

const NO_ANSWER = "The stage did not answer. Check your connection and try again.";
const NO_ANSWER_TO_CHANGE = "The stage did not answer, and may or may not have received this. Check your connection before you try again.";

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    if (error instanceof TypeError && /header|ByteString|ISO-8859-1/i.test(error.message)) {
      throw new ApiError("The key contains characters that no key can have. Copy it again.", 401, "invalid_api_key");
    }
    throw new ApiError(init.method === "GET" ? NO_ANSWER : NO_ANSWER_TO_CHANGE, 0, "no_answer");
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  const retryAfter = Number(response.headers.get("retry-after") ?? NaN);
  const told = ((await response.json().catch(() => null)) as { error?: unknown } | null)?.error;
  const error = (typeof told === "object" && told !== null ? told : {}) as Record<string, unknown>;
  const code = typeof error.code === "string" ? error.code : null;
  return new ApiError(
    typeof error.message === "string" ? wordsOf(code, error.message) : unsaid(response.status),
    response.status,
    code,
    requestId,
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

function unsaid(status: number): string {
  return `The stage answered with status ${status} and gave no reason. Try again. If that does not help, look for the error in the logs of the stage.`;
}

/** Return `?a=1&b=2`, without values that are null, undefined or empty. */
export function queryString(query: Query): string {
  const entries = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
