import assert from "node:assert/strict";
import { test } from "node:test";
import { base } from "../src/base.ts";
import { count, day, duration, percent, usd, usdLike, utc, utcDay } from "../src/format.ts";
import { before, daysError, daysOf, isDay, wholeMonths } from "../src/ranges.ts";
import type { Attempt, Costs, RequestRecord } from "../src/api/types.ts";
import { eventData } from "../src/sse.ts";
import { bodyOf, message, NO_OPTIONS, parseConversation, tokensError } from "../src/views/playground/conversation.ts";
import { leadWords } from "../src/views/playground/explained.ts";
import { idOf } from "../src/views/access/key-id.ts";
import { areHashes } from "../src/views/decisions/hashes.ts";
import { headersOf } from "../src/views/decisions/headers.ts";
import { qualityOfLive } from "../src/views/overview/quality.ts";
import { known, LONGEST_MS, p95, percentile } from "../src/views/overview/percentiles.ts";
import { cumulative, spentWithLearning } from "../src/views/overview/sums.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");

test("money has the digits that it needs, and unknown is not zero", () => {
  assert.equal(usd(0), "$0.00");
  assert.equal(usd(1234.5), "$1,234.50");
  assert.equal(usd(0.0123), "$0.0123");
  assert.equal(usd(0.000038), "$0.000038");
  assert.equal(usd(-0.5), "−$0.5000");
  assert.equal(usd(0.0000000001), "<$0.000001");
  assert.equal(usd(-0.0000000001), "−<$0.000001");
  for (const unknown of [null, undefined, NaN, Infinity]) assert.equal(usd(unknown), "–");
});

test("money of a column has the same digits in each row", () => {
  const column = usdLike([0.5, 0.25, null]);
  assert.deepEqual([0.5, 0.25, 0, null].map(column), ["$0.5000", "$0.2500", "$0.0000", "–"]);
  assert.equal(usdLike([12, 0.1])(0.1), "$0.10");
  assert.equal(usdLike([])(0.00001), "$0.000010");
  assert.equal(usdLike([12])(0.0004), "<$0.01");
});

test("numbers have units", () => {
  assert.equal(count(12345), "12,345");
  assert.equal(percent(0.756), "76%");
  assert.equal(percent(null), "–");
  assert.equal(duration(12.4), "12 ms");
  assert.equal(duration(1234), "1.23 s");
  assert.equal(duration(61_000), "61.0 s");
});

test("days and times that cannot be read stay as they are or are empty", () => {
  assert.equal(day("2026-11-30"), "Nov 30");
  assert.equal(day("never"), "never");
  assert.equal(utc("2026-11-30T12:00:00.123+01:00"), "2026-11-30 11:00:00 UTC");
  assert.equal(utc("never"), "");
  assert.equal(utcDay(1, NOW), "2026-11-29");
});

test("ranges are days in UTC, both ends included", () => {
  const none = { from: "", to: "" };
  assert.deepEqual(daysOf("7d", none, NOW), { from: "2026-11-24", to: "2026-11-30" });
  assert.deepEqual(daysOf("month", none, NOW), { from: "2026-11-01", to: "2026-11-30" });
});

test("a range is two days of the calendar, in order", () => {
  for (const bad of ["zzz", "", "2026-02-30", "2026-1-1", "2026-11-30T00:00", "+2026-11-30"]) assert.ok(!isDay(bad), bad);
  assert.equal(daysError({ from: "2026-11-01", to: "2026-11-01" }), null);
  assert.match(daysError({ from: "zzz", to: "2026-11-01" }) ?? "", /“zzz” is not a day/);
  assert.match(daysError({ from: "", to: "2026-11-01" }) ?? "", /Choose both days/);
  assert.match(daysError({ from: "2026-11-02", to: "2026-11-01" }) ?? "", /after the last/);
  assert.deepEqual(before({ from: "2026-11-08", to: "2026-11-14" }), { from: "2026-11-01", to: "2026-11-07" });
});

test("a range is widened to whole months, of which the last may end today", () => {
  const today = Date.parse("2026-11-20T12:00:00Z");
  assert.deepEqual(wholeMonths({ from: "2026-11-14", to: "2026-11-20" }, today), { from: "2026-11-01", to: "2026-11-20" });
  assert.deepEqual(wholeMonths({ from: "2026-10-14", to: "2026-10-20" }, today), { from: "2026-10-01", to: "2026-10-31" });
  assert.deepEqual(wholeMonths({ from: "2024-02-10", to: "2024-02-10" }, today), { from: "2024-02-01", to: "2024-02-29" });
});

test("running sums count unknown values as nothing", () => {
  assert.deepEqual(cumulative([1, null, 2]), [1, 1, 3]);
});

test("the API is where the page is, whatever the base path", () => {
  assert.equal(base("https://a.example/prod/console#/decisions"), "https://a.example/prod");
  assert.equal(base("http://127.0.0.1:80/console/"), "http://127.0.0.1");
  assert.equal(base("https://a.example/console/console"), "https://a.example/console");
});

async function events(text: string, size: number): Promise<string[]> {
  const bytes = new TextEncoder().encode(text);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  return Array.fromAsync(eventData(parts()));
}

test("a stream is read the same however it is cut into pieces", async () => {
  const stream = ': comment\n\ndata: {"a": "é €"}\r\n\r\nevent: x\ndata:one\ndata: two\n\nretry: 5\n\ndata: [DONE]\n\ndata: open';
  const whole = ['{"a": "é €"}', "one\ntwo", "[DONE]", "open"];
  for (let size = 1; size <= 40; size++) assert.deepEqual(await events(stream, size), whole);
});

const contents = (text: string) => parseConversation(text).map((each) => [each.role, each.content]);

test("a conversation is a request, a list of messages, one message, or plain text", () => {
  const hello = [["user", "Hello"]];
  assert.deepEqual(contents("Hello"), hello);
  assert.deepEqual(contents('[{"role": "user", "content": "Hello"}]'), hello);
  assert.deepEqual(contents('{"role": "user", "content": "Hello"}'), hello);
  assert.deepEqual(contents('{"model": "x", "messages": [{"role": "user", "content": "Hello"}]}'), hello);
  assert.deepEqual(contents('[{"role": "developer", "content": "Be brief"}]'), [["system", "Be brief"]]);
  assert.deepEqual(contents("[sic] is not JSON"), [["user", "[sic] is not JSON"]]);
});

test("what is no conversation is refused with what to paste", () => {
  for (const text of ["", "  ", "[]", "{}", "[1]", '[{"content": "x"}]', '{"messages": 3}']) {
    assert.throws(() => parseConversation(text), /Paste|message/i, text);
  }
});

test("messages that are no plain text are sent as they were pasted", () => {
  const image = { role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] };
  const call = { role: "assistant", content: null, tool_calls: [{ id: "1" }] };
  const result = { role: "tool", tool_call_id: "1", content: "42" };
  const sent = bodyOf(parseConversation(JSON.stringify([image, call, result])), NO_OPTIONS);
  assert.deepEqual(sent.messages, [image, call, result]);
});

test("a request leaves out empty messages and options that are not set", () => {
  const messages = [message("system", " "), message("user", "Hi")];
  assert.deepEqual(bodyOf(messages, NO_OPTIONS), { model: "auto", messages: [{ role: "user", content: "Hi" }] });
  const set = bodyOf(messages, { model: "tier-1", profile: "cost", maxTokens: "20", sessionId: "" });
  assert.deepEqual([set.model, set.max_tokens, set.route_switch], ["tier-1", 20, { profile: "cost" }]);
});

test("the days before a range are as many, and end the day before it", () => {
  assert.deepEqual(before({ from: "2026-11-24", to: "2026-11-30" }), { from: "2026-11-17", to: "2026-11-23" });
  assert.deepEqual(before({ from: "2024-03-01", to: "2024-03-01" }), { from: "2024-02-29", to: "2024-02-29" });
});

test("a time in the last bucket, which has no end, is only known to be over its start", () => {
  assert.equal(percentile(16_000, LONGEST_MS), "16.0 s");
  assert.equal(percentile(31_000, LONGEST_MS), "over 16 s");
  assert.equal(percentile(null, LONGEST_MS), "–");
  assert.deepEqual([known(720, LONGEST_MS), known(31_000, LONGEST_MS), known(null, LONGEST_MS)], [720, null, null]);
  assert.equal(p95(2350, LONGEST_MS), "95% within 2.35 s");
  assert.equal(p95(31_000, LONGEST_MS), "95th percentile over 16 s");
});

test("a run says how good the live prompt is only if it judged that prompt", () => {
  const summary = { policies: [{ policy: "candidate", quality: { mean: 0.96 } }, { policy: "incumbent", quality: { mean: 0.9 } }] };
  const points = (live: string) => ["candidate", "incumbent"].map((name) => ({ name, is_live: name === live }));
  assert.equal(qualityOfLive({ summary, frontier: { points: points("candidate") } })?.mean, 0.96);
  assert.equal(qualityOfLive({ summary, frontier: { points: points("incumbent") } })?.mean, 0.9);
  assert.equal(qualityOfLive({ summary, frontier: { points: points("neither") } }), null);
  assert.equal(qualityOfLive({ summary: null, frontier: null }), null);
});

test("only headers that the answer had are listed: a stream has no costs, and shadow no session", () => {
  const attempt = { model: "m", tier: 2, adjusted: ["max_tokens left out"], first_token_ms: null } as unknown as Attempt;
  const record = {
    request_id: "r", tier: 2, model: "m", reason: "router", prompt_version: "live@3", attempts: [attempt],
    cost_usd: 0.00125, saved_usd: 0.002, saving_basis: "measured", session: "kept", session_saved_usd: 0.01,
  } as unknown as RequestRecord;
  const whole = Object.fromEntries(headersOf(record));
  assert.equal(whole["x-route-cost-usd"], "0.001250000");
  assert.equal(whole["x-route-adjusted"], "max_tokens left out");
  assert.equal(whole["x-route-session"], "kept");
  const streamed = Object.fromEntries(headersOf({ ...record, attempts: [{ ...attempt, first_token_ms: 380 }] }));
  for (const name of ["x-route-cost-usd", "x-route-saved-usd", "x-route-saved-estimated"]) assert.ok(!(name in streamed), name);
  assert.equal(streamed["x-route-session"], "kept");
  const inShadow = Object.fromEntries(headersOf({ ...record, reason: "shadow" }));
  assert.ok(!("x-route-session" in inShadow) && !("x-route-session-saved-usd" in inShadow));
});

test("JSON that is cut off is refused and not taken as text", () => {
  for (const text of ['[{"role": "user", "content": "He', '{"messages": [', '{"model": "x",', "[{'role': 'user'}]", "{", "[["]) {
    assert.throws(() => parseConversation(text), /cut off or broken/, text);
  }
  assert.deepEqual(contents("{name}, hello"), [["user", "{name}, hello"]]);
});

test("a limit of output tokens is a whole number from 1, or nothing", () => {
  for (const wrong of ["0", "-5", "abc", "1.5", "1e3", "0x10", "10 tokens"]) assert.notEqual(tokensError(wrong), null, wrong);
  for (const right of ["", " ", "1", "20 ", "4096"]) assert.equal(tokensError(right), null, right);
});

test("the id of a key is the start of its hash", async () => {
  assert.equal(await idOf("abc"), "key_ba7816bf8f01");
});

test("what was spent is unknown only if nothing of it is known", () => {
  const spent = (spent_usd: number | null, learning_usd: number | null) => spentWithLearning({ spent_usd, learning_usd } as Costs);
  assert.equal(spent(1.5, 0.5), 2);
  assert.equal(spent(1.5, null), 1.5);
  assert.equal(spent(null, 0.5), 0.5);
  assert.equal(spent(null, 0), null);
  assert.equal(spent(0, null), 0);
});

test("texts are taken for hashes only if all that are stored look like one", () => {
  const hash = "0123456789abcdef".repeat(4);
  assert.ok(areHashes(hash, hash));
  assert.ok(areHashes(hash, null)); // no model answered
  assert.ok(!areHashes(hash, "A hash of 64 digits."));
  assert.ok(!areHashes(hash.toUpperCase(), null) && !areHashes(hash.slice(1), null) && !areHashes(null, null));
});

test("how sure a decision is stands first, then by how much", () => {
  assert.equal(leadWords(3, 2, 0.217, false), "Clear: Tier 3 leads Tier 2 by 0.217");
  assert.equal(leadWords(3, 2, 0.02, true), "Close: Tier 3 leads Tier 2 by 0.020");
  assert.equal(leadWords(3, 2, 0.004, false), "Almost equal: Tier 3 leads Tier 2 by 0.004");
  assert.equal(leadWords(2, 3, -0.1, false), "Tier 3 scores 0.100 more than Tier 2, but did not decide");
});
