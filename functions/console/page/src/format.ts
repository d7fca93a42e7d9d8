/** Numbers with units, and times in the reader's zone. `null` and `undefined` are unknown: a dash. */

export const UNKNOWN = "–";

type Maybe = number | null | undefined;

function isKnown(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

const grouped = (digits: number, least = digits) =>
  new Intl.NumberFormat("en-US", { maximumFractionDigits: digits, minimumFractionDigits: least });
const WHOLE = grouped(0);
const CENTS = grouped(2);
const FINE = grouped(4);
const FINEST = grouped(6);

/** Money: two digits from a dollar on, four from a cent on, six below. */
export function usd(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  const digits = size >= 1 || size === 0 ? CENTS : size >= 0.01 ? FINE : FINEST;
  if (size > 0 && size < 0.000001) return `${value < 0 ? "−" : ""}<$0.000001`;
  return `${value < 0 ? "−" : ""}$${digits.format(size)}`;
}

/** Money of one column: as many digits for all as the largest needs. A little money is not shown as none. */
export function usdLike(values: readonly Maybe[]): (value: Maybe) => string {
  const largest = Math.max(0, ...values.filter(isKnown).map(Math.abs));
  const [digits, least] = largest >= 1 ? [CENTS, 0.01] : largest >= 0.01 ? [FINE, 0.0001] : [FINEST, 0.000001];
  return (value) => {
    if (!isKnown(value)) return UNKNOWN;
    const [sign, size] = [value < 0 ? "−" : "", Math.abs(value)];
    return size > 0 && size < least / 2 ? `${sign}<$${digits.format(least)}` : `${sign}$${digits.format(size)}`;
  };
}

export function count(value: Maybe): string {
  return isKnown(value) ? WHOLE.format(value) : UNKNOWN;
}

/** A share of one as a percentage. */
export function percent(value: Maybe, digits = 0): string {
  return isKnown(value) ? `${grouped(digits).format(value * 100)}%` : UNKNOWN;
}

export function decimal(value: Maybe, digits = 2): string {
  return isKnown(value) ? grouped(digits).format(value) : UNKNOWN;
}

/** Milliseconds below a second, else seconds. */
export function duration(ms: Maybe): string {
  if (!isKnown(ms)) return UNKNOWN;
  return ms < 1000 ? `${WHOLE.format(ms)} ms` : `${grouped(ms < 10_000 ? 2 : 1).format(ms / 1000)} s`;
}

/** `1 request`, `2 requests`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${WHOLE.format(n)} ${n === 1 ? one : many}`;
}

const DAY_TIME = new Intl.DateTimeFormat("en-US", {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const DAY_TIME_YEAR = new Intl.DateTimeFormat("en-US", {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

/** A time in the reader's zone; with the year if it is not this year's. */
export function time(iso: string | null | undefined): string {
  const date = new Date(iso ?? NaN);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  const format = date.getFullYear() === new Date().getFullYear() ? DAY_TIME : DAY_TIME_YEAR;
  return format.format(date);
}

const LOCAL_DAY = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric" });

/** The day of a time in the reader's zone. */
export function localDay(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : LOCAL_DAY.format(date);
}

/** The same time in UTC, for a title. */
export function utc(iso: string | null | undefined): string {
  const date = new Date(iso ?? NaN);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Today's date in UTC, `days` days ago, as `YYYY-MM-DD`. Costs are summed by UTC day. */
export function utcDay(days = 0, now = Date.now()): string {
  return new Date(now - days * 86_400_000).toISOString().slice(0, 10);
}

const MONTH_DAY = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" });

/** `2026-11-30` as `Nov 30`. */
export function day(iso: string): string {
  const date = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? iso : MONTH_DAY.format(date);
}
