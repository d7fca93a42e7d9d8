/** The list of keys: limits, what they have spent, and what can be done with them. */

import { useState } from "preact/hooks";
import { type Key, type KeyWithSecret } from "../../api/owner.ts";
import { Badge, Bar, Button, TierBadge, Time } from "../../components/basic.tsx";
import { Empty } from "../../components/states.tsx";
import { Table } from "../../components/table.tsx";
import { count, percent, plural, usdLike } from "../../format.ts";
import { KeyForm } from "./key-form.tsx";
import { useOwnId } from "./own.ts";
import { Revoke } from "./revoke.tsx";
import { Rotate } from "./rotate.tsx";

interface KeysProps {
  keys: Key[];
  changed: () => void;
  rotated: (key: KeyWithSecret) => void;
}

type Open = { what: "change" | "rotate" | "revoke"; key: Key } | null;

export function Keys({ keys, changed, rotated }: KeysProps) {
  const [open, show] = useState<Open>(null);
  const [all, showAll] = useState(false);
  const own = useOwnId();
  const revoked = keys.filter((each) => each.revoked_at !== null).length;
  const close = () => show(null);
  const done = () => {
    close();
    changed();
  };
  const money = usdLike(keys.flatMap((each) => [each.monthly_budget_usd, each.month?.spent_usd, each.month?.reserved_usd]));
  if (keys.length === 0) return <Empty title="No keys"><p>Create a key for each application that sends requests.</p></Empty>;
  return (
    <div class="stack">
      <Table
        caption="API keys" rows={all ? keys : keys.filter((each) => each.revoked_at === null)} rowKey={(each) => each.key_id}
        columns={[
          { name: "Key", cell: (each) => <Name of={each} isOwn={each.key_id === own} /> },
          { name: "Tiers", cell: (each) => <span class="tiers">{each.tiers.map((tier) => <TierBadge key={tier} tier={tier} />)}</span>, wide: true },
          { name: "Limits", cell: limits, wide: true },
          { name: "This month", cell: (each) => <Spent of={each} money={money} /> },
          { name: "Created", cell: (each) => <Time at={each.created_at} />, wide: true },
          { name: "Actions", cell: (each) => <Actions of={each} isOwn={each.key_id === own} open={(what) => show({ what, key: each })} /> },
        ]}
      />
      {revoked > 0 && (
        <div><Button kind="quiet" aria-pressed={all} onClick={() => showAll(!all)}>Show {plural(revoked, "revoked key")}</Button></div>
      )}
      {open?.what === "change" && <KeyForm before={open.key} onClose={close} made={rotated} changed={done} />}
      {open?.what === "rotate" && <Rotate of={open.key} onClose={close} rotated={(key) => { close(); rotated(key); }} lost={changed} />}
      {open?.what === "revoke" && <Revoke of={open.key} onClose={close} revoked={done} />}
    </div>
  );
}

function Name({ of, isOwn }: { of: Key; isOwn: boolean }) {
  const limited = of.limited_until !== null && Date.parse(of.limited_until) > Date.now();
  return (
    <div>
      <strong>{of.name}</strong> {of.role === "admin" && <Badge tone="info">admin</Badge>}{" "}
      {isOwn && <Badge tone="good">this key</Badge>}{" "}
      {of.revoked_at !== null && <Badge tone="bad">revoked</Badge>} {limited && <Badge tone="warn">upgrades limited</Badge>}
      <div class="hint mono">{of.key_id}</div>
      {of.rotated_at !== null && <div class="hint">secret replaced <Time at={of.rotated_at} /></div>}
      {of.former_secrets_end_at.map((each) => <div key={each} class="hint">old secret valid until <Time at={each} /></div>)}
      {Object.entries(of.tags).map(([name, value]) => <span key={name}><Badge>{name}={value}</Badge> </span>)}
    </div>
  );
}

function limits(key: Key) {
  const parts = [
    key.requests_per_minute === null ? null : `${count(key.requests_per_minute)} requests/min`,
    key.profile === null ? null : `profile ${key.profile}`,
    key.max_upgrade_share === null ? null : `max ${percent(key.max_upgrade_share)} on Tier 3`,
  ].filter(Boolean);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** `money` writes the amounts of all keys alike. */
function Spent({ of, money }: { of: Key; money: ReturnType<typeof usdLike> }) {
  const month = of.month ?? { spent_usd: 0, reserved_usd: 0, requests: 0, requests_of_unknown_cost: 0 };
  const budget = of.monthly_budget_usd;
  const taken = month.spent_usd + month.reserved_usd;
  const share = budget === null ? 0 : taken / budget;
  return (
    <div class="spent">
      <div>{money(month.spent_usd)}{budget === null ? "" : ` of ${money(budget)}`}</div>
      {budget !== null && <Bar value={taken} of={budget} label={`Budget of ${of.name} used, USD`} tone={share >= 1 ? "bad" : share >= 0.8 ? "warn" : "good"} />}
      <div class="hint">
        {plural(month.requests, "request")}{month.reserved_usd > 0 ? `, ${money(month.reserved_usd)} reserved` : ""}
        {month.requests_of_unknown_cost > 0 ? `, cost of ${count(month.requests_of_unknown_cost)} unknown` : ""}
        {share >= 1 ? (of.when_spent === "downgrade" ? ", now on Tier 1" : ", now refused") : ""}
      </div>
    </div>
  );
}

function Actions({ of, isOwn, open }: { of: Key; isOwn: boolean; open: (what: "change" | "rotate" | "revoke") => void }) {
  if (of.revoked_at !== null) return <Time at={of.revoked_at} />;
  return (
    <div class="actions">
      <Button kind="quiet" aria-label={`Change ${of.name}`} onClick={() => open("change")}>Change</Button>
      <Button kind="quiet" aria-label={`Rotate ${of.name}`} onClick={() => open("rotate")}>Rotate</Button>
      <Button
        kind="quiet" aria-label={`Revoke ${of.name}`} disabled={isOwn} onClick={() => open("revoke")}
        title={isOwn ? "A key cannot revoke itself. Sign in with another admin key." : undefined}
      >
        Revoke
      </Button>
    </div>
  );
}
