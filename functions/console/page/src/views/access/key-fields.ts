/** The form of a key: texts as typed, and the settings that they mean. */

import type { Key, KeyRole, KeySettings, Profile, WhenSpent } from "../../api/owner.ts";
import { TIERS, type Tier } from "../../api/types.ts";

export interface Fields {
  name: string;
  role: KeyRole;
  tiers: Tier[];
  tags: string;
  rate: string;
  budget: string;
  whenSpent: WhenSpent;
  profile: Profile | "";
  /** Percent. */
  share: string;
}

export function fieldsOf(key: Key | null): Fields {
  const text = (value: number | null | undefined) => (value === null || value === undefined ? "" : String(value));
  return {
    name: key?.name ?? "",
    role: key?.role ?? "client",
    tiers: key?.tiers ?? [...TIERS],
    tags: Object.entries(key?.tags ?? {}).map(([name, value]) => `${name}=${value}`).join(", "),
    rate: text(key?.requests_per_minute),
    budget: text(key?.monthly_budget_usd),
    whenSpent: key?.when_spent ?? "refuse",
    profile: key?.profile ?? "",
    share: key?.max_upgrade_share == null ? "" : String(Math.round(key.max_upgrade_share * 1e6) / 1e4),
  };
}

const number = (text: string): number | null => (text.trim() === "" ? null : Number(text));

function tagsOf(text: string): Record<string, string> {
  const parts = text.split(",").map((each) => each.trim()).filter((each) => each !== "");
  return Object.fromEntries(parts.map((each) => {
    const at = each.indexOf("=");
    return [each.slice(0, at).trim(), each.slice(at + 1).trim()];
  }));
}

export function settingsOf(fields: Fields): KeySettings {
  const budget = number(fields.budget);
  const share = number(fields.share);
  return {
    name: fields.name.trim(),
    tiers: fields.tiers,
    tags: tagsOf(fields.tags),
    requests_per_minute: number(fields.rate),
    monthly_budget_usd: budget,
    when_spent: budget === null ? null : fields.whenSpent,
    profile: fields.profile === "" ? null : fields.profile,
    max_upgrade_share: share === null ? null : Math.round(share * 1e4) / 1e6,
  };
}

/** Only what differs from the key. */
export function changesOf(fields: Fields, key: Key): Partial<KeySettings> {
  const [before, after] = [settingsOf(fieldsOf(key)), settingsOf(fields)];
  if (!areTagsEdited(fields, key)) after.tags = before.tags;
  const changed = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof KeySettings]));
  return Object.fromEntries(changed);
}

/** Tags that the form cannot write, such as one with a comma, stay as they are until somebody edits them. */
function areTagsEdited(fields: Fields, key: Key | null): boolean {
  return fields.tags !== fieldsOf(key).tags;
}

/** What a field lacks, in words; `key` is what it had. The API checks everything again. */
export function problemsOf(fields: Fields, key: Key | null = null): Partial<Record<keyof Fields, string>> {
  const [budget, rate, share] = [number(fields.budget), number(fields.rate), number(fields.share)];
  const badTag = fields.tags.split(",").map((each) => each.trim()).find((each) => each !== "" && !/^[^=]+=./.test(each));
  const problems: Partial<Record<keyof Fields, string>> = {
    ...(fields.name.trim() === "" && { name: "Give the key a name." }),
    ...(fields.tiers.length === 0 && { tiers: "Choose at least one tier." }),
    ...(badTag !== undefined && areTagsEdited(fields, key) && { tags: `"${badTag}" is not of the form name=value.` }),
    ...(budget !== null && !(budget > 0 && Number.isFinite(budget)) && { budget: "Enter an amount above 0, or leave the field empty." }),
    ...(rate !== null && !(Number.isInteger(rate) && rate >= 1) && { rate: "Enter a whole number of at least 1, or leave the field empty." }),
    ...(share !== null && !(share > 0 && share <= 100) && { share: "Enter a percentage above 0 and up to 100, or leave the field empty." }),
  };
  return problems;
}
