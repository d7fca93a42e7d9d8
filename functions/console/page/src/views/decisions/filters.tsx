/** Filters of the list. They are in the address, so that a filtered list can be shared. */

import { useEffect, useState } from "preact/hooks";
import { Input, Select } from "../../components/basic.tsx";
import { REASONS, STATUSES } from "../../reasons.ts";
import { setParams } from "../../router.ts";

const NAMES = ["tier", "reason", "status", "error", "thumb", "key", "model", "min_cost_usd", "from", "to"] as const;
type Name = (typeof NAMES)[number];
export type Filter = Record<Name, string>;

const ANY = ["", "Any"] as const;
const CHOICES = {
  tier: [ANY, ["1", "Tier 1"], ["2", "Tier 2"], ["3", "Tier 3"]],
  reason: [ANY, ...Object.keys(REASONS).map((each) => [each, each] as const)],
  status: [ANY, ...Object.entries(STATUSES)],
  error: [ANY, ["any", "With an error"], ["none", "None"]],
  thumb: [ANY, ["up", "Up"], ["down", "Down"], ["none", "None"]],
} satisfies Partial<Record<Name, readonly (readonly [string, string])[]>>;

const WAIT_MS = 400;
/** Where the filters would fill the window, they are closed at first. */
const PHONE = matchMedia("(max-width: 820px)");

export function queryOf(params: URLSearchParams): Filter {
  return Object.fromEntries(NAMES.map((name) => [name, params.get(name) ?? ""])) as Filter;
}

export function isFiltered(query: Filter): boolean {
  return Object.values(query).some((value) => value !== "");
}

export interface KeyName {
  key_id: string;
  name: string;
}

/** `keys` is null as long as their names are unknown. */
export function Filters({ query, keys }: { query: Filter; keys: KeyName[] | null }) {
  const set = (name: Name) => (value: string) => setParams({ [name]: value });
  return (
    <details class="filter-box" open={!PHONE.matches || isFiltered(query)}>
      <summary>Filters</summary>
      <search class="filters" aria-label="Filters">
        <Select label="Tier" value={query.tier} options={CHOICES.tier} onChange={set("tier")} />
        <Select label="Reason" value={query.reason} options={CHOICES.reason} onChange={set("reason")} />
        <Select label="Status" value={query.status} options={CHOICES.status} onChange={set("status")} />
        <Select label="Error" value={query.error} options={CHOICES.error} onChange={set("error")} />
        <Select label="Thumb" value={query.thumb} options={CHOICES.thumb} onChange={set("thumb")} />
        {keys === null
          ? <Typed label="Key id" value={query.key} onChange={set("key")} />
          : <Select label="Key" value={query.key} options={keyOptions(keys, query.key)} onChange={set("key")} />}
        <Typed label="Model" value={query.model} onChange={set("model")} />
        <Typed label="Min cost, USD" value={query.min_cost_usd} onChange={set("min_cost_usd")} numeric />
        <Typed label="From (UTC)" value={query.from} onChange={set("from")} date />
        <Typed label="To (UTC)" value={query.to} onChange={set("to")} date />
      </search>
    </details>
  );
}

/** A key that has left the list stays visible as its id, because the list of requests is filtered by it. */
function keyOptions(keys: readonly KeyName[], chosen: string): (readonly [string, string])[] {
  const listed = keys.map((each) => [each.key_id, each.name] as const);
  const isListed = chosen === "" || keys.some((each) => each.key_id === chosen);
  return [ANY, ...listed, ...(isListed ? [] : [[chosen, chosen] as const])];
}

interface TypedProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  numeric?: boolean;
  date?: boolean;
}

/** A text field whose value counts once the reader stops typing. */
function Typed({ label, value, onChange, numeric, date }: TypedProps) {
  const [text, type] = useState(value);
  useEffect(() => type(value), [value]);
  const wrong = numeric && text.trim() !== "" && !/^(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? "Enter an amount of 0 or more, such as 0.01, or leave the field empty." : null;
  useEffect(() => {
    if (text.trim() === value || wrong !== null) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <Input
      label={label} value={text} onInput={type} error={wrong}
      input={date ? { type: "date" } : numeric ? { inputMode: "decimal" } : {}}
    />
  );
}
