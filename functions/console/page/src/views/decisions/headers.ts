import type { RequestRecord } from "../../api/types.ts";

const ESTIMATES = ["measured", "configured", "prior"];

/**
 * The routing headers that the answer had, as far as its record tells. The headers of a stream are
 * sent before its costs are known, and a decision in shadow has none of the session.
 */
export function headersOf(record: RequestRecord): [name: string, value: string][] {
  const answering = record.attempts.findLast((each) => each.tier === record.tier && each.model === record.model);
  const wasStreamed = answering?.first_token_ms != null;
  const money = (value: number | null | undefined) => (value == null ? null : value.toFixed(9));
  const told: [string, string | null | undefined][] = [
    ["x-request-id", record.request_id],
    ["x-route-tier", String(record.tier)],
    ["x-route-reason", record.reason],
    ["x-route-profile", record.profile ?? "balanced"],
    ["x-route-model", record.model],
    ["x-route-prompt-version", record.prompt_version],
    ...(wasStreamed ? [] : costs(record, money)),
    ...(record.reason === "shadow" ? [] : [
      ["x-route-session", record.session],
      ["x-route-session-saved-usd", record.session == null ? null : money(record.session_saved_usd)],
    ] satisfies [string, string | null | undefined][]),
    ["x-route-adjusted", answering?.adjusted.join("; ") || null],
    ["x-route-skipped", record.skipped_models?.join(", ") || null],
  ];
  return told.filter((each): each is [string, string] => each[1] != null);
}

function costs(record: RequestRecord, money: (value: number | null) => string | null): [string, string | null][] {
  return [
    ["x-route-cost-usd", money(record.cost_usd)],
    ["x-route-saved-usd", money(record.saved_usd)],
    ["x-route-saved-estimated", ESTIMATES.includes(record.saving_basis) ? record.saving_basis : null],
  ];
}
