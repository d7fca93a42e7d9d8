import { TIERS } from "../../api/types.ts";
import { count, percent, UNKNOWN } from "../../format.ts";

/** The share of each tier as a bar, with the numbers in its label. */
export function TierMix({ tiers }: { tiers: Record<string, number> | null | undefined }) {
  const all = TIERS.reduce((sum, tier) => sum + (tiers?.[tier] ?? 0), 0);
  if (!tiers || all === 0) return <span>{UNKNOWN}</span>;
  const said = TIERS.map((tier) => `Tier ${tier}: ${percent((tiers[tier] ?? 0) / all)} (${count(tiers[tier] ?? 0)})`).join(", ");
  return (
    <span class="mix" title={said}>
      <span class="hidden">{said}</span>
      <span class="mix-bar" aria-hidden="true">
        {TIERS.map((tier) => (tiers[tier] ?? 0) > 0 && (
          <span key={tier} class={`mix-${tier}`} style={{ flexGrow: tiers[tier] ?? 0 }} />
        ))}
      </span>
      <span class="mix-text" aria-hidden="true">{TIERS.map((tier) => percent((tiers[tier] ?? 0) / all)).join(" · ")}</span>
    </span>
  );
}
