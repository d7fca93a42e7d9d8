import assert from "node:assert/strict";
import { test } from "node:test";
import type { DriftDay, Key, QualityDrop } from "../src/api/owner.ts";
import { author } from "../src/author.ts";
import { versionName, versionNumber, withVersionNames } from "../src/prompt-version.ts";
import { changesOf, fieldsOf, problemsOf, settingsOf, type Fields } from "../src/views/access/key-fields.ts";
import { scoreWords } from "../src/steering.ts";
import { timeLine } from "../src/views/learning/days.ts";
import { steeringWords } from "../src/views/learning/summary.ts";
import { failureTitle } from "../src/views/prompt/outcome.ts";
import { provenanceOf, runOf, withoutProvenance } from "../src/views/prompt/provenance.ts";

const LEARNED = [
  "+++", "schema_version = 3", 'origin = "learned"', 'content = "abc"', 'promise = "at most 5% \\"worse\\""',
  'promise_for = "abc"', 'steering = "router 24 7f3a 0.0625:11/96:up-22 - 0.01"', "+++", "", "# Instruction", "", "Text.", "+++", "",
].join("\n");

test("the front matter is read, and the rest is not", () => {
  const from = provenanceOf(LEARNED);
  assert.equal(from.schema_version, "3");
  assert.equal(from.origin, "learned");
  assert.equal(from.promise, 'at most 5% "worse"');
  assert.deepEqual(provenanceOf("# Instruction\n\n+++\na = 1\n+++\n"), {});
  assert.equal(withoutProvenance(LEARNED), "# Instruction\n\nText.\n+++\n");
  assert.equal(withoutProvenance("no front matter"), "no front matter");
});

test("the run that made a text is found by the text, whatever its number is now", () => {
  const versions = [
    { version: "live@4", digest: "learned" }, { version: "live@3", digest: "edited" },
    { version: "live@2", digest: "learned" }, { version: "live@1", digest: null },
  ];
  const runs = [{ run: "waits", live_version: null }, { run: "broken", live_version: 1 }, { run: "made", live_version: 2 }];
  assert.equal(runOf("learned", versions, runs)?.run, "made");
  assert.equal(runOf("edited", versions, runs), null);
  assert.equal(runOf(null, versions, runs), null);
});

test("a run's steering score says whose it is", () => {
  const moved = (mean: number) => ({ mean, worst: "up-22", moved: 1, n: 10 });
  const both = { proposed: { up: moved(0.06), down: null }, incumbent: { up: moved(0.07), down: moved(0.02) } };
  assert.equal(
    steeringWords(both),
    "candidate: 6.0% of queries move to a higher tier (incumbent: 7.0%), no query moves to a lower tier (incumbent: 2.0%)",
  );
  assert.match(steeringWords({ incumbent: both.incumbent }), /^incumbent: 7\.0% of queries move to a higher tier, /);
  assert.equal(steeringWords(null), "not measured");
});

test("a steering score is said with what it was measured with, and so is that there is none", () => {
  const score = {
    router: "openai/small", texts: 24, strings: "7f3a", up: { mean: 0.0625, moved: 11, n: 96, worst: "up-22" }, down: null,
    control: 0.01, measured: "",
  };
  const told = scoreWords(score);
  for (const part of ["6.3% of queries to a higher tier", "11 of 96 by the most effective text", "no query could be moved to a lower tier", "harmless texts move 1.0%", "with openai/small and 24 texts, set 7f3a)"]) {
    assert.ok(told.includes(part), part);
  }
  assert.match(scoreWords({ ...score, router: "none", control: null, measured: "2026-11-30" }), /with its local model and 24 texts, set 7f3a, on 2026-11-30\)$/);
  assert.ok(!told.includes("up-22"), "ids of texts say nothing to a reader");
  assert.match(scoreWords(null), /^not measured for this text/);
});

const KEY: Key = {
  key_id: "key_1", name: "bot", role: "client", tiers: [1, 2], tags: { team: "search", stage: "a=b" },
  requests_per_minute: 30, monthly_budget_usd: 5, when_spent: "downgrade", profile: null, max_upgrade_share: 0.35,
  created_at: "", revoked_at: null, rotated_at: null, former_secrets_end_at: [], limited_until: null, month: null,
};

test("the form of a key says what the key says, and an unchanged form changes nothing", () => {
  const fields = fieldsOf(KEY);
  assert.equal(fields.share, "35");
  assert.equal(fields.tags, "team=search, stage=a=b");
  assert.deepEqual(settingsOf(fields).tags, KEY.tags);
  assert.deepEqual(changesOf(fields, KEY), {});
  assert.deepEqual(problemsOf(fields), {});
});

test("only what differs is sent, and an emptied field removes its setting", () => {
  const fields: Fields = { ...fieldsOf(KEY), rate: "", budget: " ", name: " bot 2 " };
  assert.deepEqual(changesOf(fields, KEY), {
    name: "bot 2", requests_per_minute: null, monthly_budget_usd: null, when_spent: null,
  });
});

test("a tag with a comma, which the form cannot write, stays until the tags are edited", () => {
  const key: Key = { ...KEY, tags: { team: "search, and more" } };
  const fields = fieldsOf(key);
  assert.deepEqual(changesOf({ ...fields, rate: "40" }, key), { requests_per_minute: 40 });
  assert.deepEqual(problemsOf({ ...fields, rate: "40" }, key), {});
  assert.ok(problemsOf({ ...fields, tags: `${fields.tags}, stage=beta` }, key).tags);
  assert.deepEqual(changesOf({ ...fields, tags: "team=search" }, key), { tags: { team: "search" } });
});

test("each bad field has a problem", () => {
  const bad: Fields = { ...fieldsOf(null), name: " ", tiers: [], tags: "team", rate: "1.5", budget: "-1", share: "101" };
  assert.deepEqual(Object.keys(problemsOf(bad)).sort(), ["budget", "name", "rate", "share", "tags", "tiers"]);
  for (const text of ["x", "0", "Infinity"]) assert.ok(problemsOf({ ...bad, budget: text }).budget);
});

test("only what was refused is said not to be published", () => {
  const title = (status: number, code: string | null = null) => failureTitle({ status, code }, true, true);
  assert.equal(title(400), "This text cannot be published");
  for (const refused of [403, 409, 429]) assert.equal(title(refused), "This text was not published");
  for (const open of [0, 500, 504]) assert.equal(title(open), "It is not known whether this text was published");
  assert.equal(title(409, "prompt_replaced"), "This text went live, but it replaced another version");
  assert.equal(failureTitle({ status: 504, code: null }, false, true), "This text was not checked");
  assert.equal(failureTitle({ status: 0, code: null }, true, false), "It is not known whether an earlier text was published");
});

test("the line of drift and quality ends today and has the days of all drops", () => {
  const now = Date.parse("2026-11-30T14:20:00Z");
  const drift = ["2026-11-28", "2026-11-29"].map((day) => ({ day, drifted: false }) as DriftDay);
  const drops = ["2026-11-29T23:50:00+00:00", "2026-11-30T09:00:00+00:00", "2026-11-20T00:00:00+02:00", null, "2026-01-01T00:00:00Z"]
    .map((at) => ({ at }) as QualityDrop);
  const days = timeLine(drift, drops, now);
  assert.deepEqual(days.map((each) => each.day), ["2026-11-19", "2026-11-28", "2026-11-29", "2026-11-30"]);
  assert.deepEqual(days.map((each) => each.drift?.day ?? null), [null, "2026-11-28", "2026-11-29", null]);
  assert.deepEqual(timeLine([], drops.slice(1, 2), now).map((each) => each.day), ["2026-11-30"]);
});

test("a version has one name, whatever the API calls it", () => {
  assert.equal(versionName("live@3"), "Version 3");
  assert.equal(versionName(3), "Version 3");
  assert.equal(versionName("packaged@1a2b"), "packaged@1a2b");
  assert.equal(versionName(null), "–");
  assert.deepEqual([versionNumber("live@12"), versionNumber("seed@1")], [12, null]);
  assert.equal(withVersionNames("The router read live@3, not olive@4 or live@12."), "The router read version 3, not olive@4 or version 12.");
});

test("a version that a function of the stage wrote names who it acted for", () => {
  const role = (name: string, session: string) => author(`arn:aws:sts::123456789012:assumed-role/${name}/${session}`);
  const stage = "route-switch-prod-";
  assert.equal(role(`${stage}LearningPromoterRoleCAE026D1-1A`, `${stage}LearningPromoterFunction2EACF2DE-1B`), "route-switch itself");
  assert.equal(role(`${stage}OwnerRole7530572C-1A`, `${stage}OwnerFunction90FD47E2-1B`), "an admin key");
  assert.equal(role("Developer", "promote"), "assumed-role/Developer/promote");
  assert.equal(author("arn:aws:iam::123456789012:user/ann"), "user/ann");
  assert.deepEqual([author("key:key_1 (owner)"), author("N/A"), author(null)], ["key:key_1 (owner)", "–", "–"]);
});
