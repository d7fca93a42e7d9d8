/** Who made a change, as AWS and the audit trail name them. */

/** The role and session of the stage's functions that write the prompt, among words of the deployment. */
const FUNCTIONS = [
  [/^assumed-role\/[^/]*promote[^/]*\/[^/]*promote/i, "route-switch itself"], // after a run or a drop of quality
  [/^assumed-role\/[^/]*OwnerRole[^/]*\/[^/]*OwnerFunction/, "an admin key"], // the audit trail says which
] as const;

/** `user/ann` of an ARN, who a function of the stage acts for, or any other name unchanged. */
export function author(by: string | null): string {
  if (by === null || by === "N/A") return "–";
  if (!by.startsWith("arn:")) return by;
  const name = by.split(":").slice(5).join(":");
  return FUNCTIONS.find(([pattern]) => pattern.test(name))?.[1] ?? name;
}
