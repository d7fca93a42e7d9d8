/** All stored versions, and putting an old one back. */

import { rollBack, type PromptVersion } from "../../api/owner.ts";
import { author } from "../../author.ts";
import { Badge, Button, Time } from "../../components/basic.tsx";
import { confirm } from "../../components/dialog.tsx";
import { Table } from "../../components/table.tsx";
import { toast } from "../../components/toast.tsx";
import { count } from "../../format.ts";
import { versionNumber } from "../../prompt-version.ts";
import { go } from "../../router.ts";
import type { LivePrompt } from "../prompt.tsx";

export function Versions({ live, number, versions, reload }: LivePrompt) {
  const back = async (version: number) => {
    if (number === null) return;
    const sure = await confirm({
      title: `Roll back to version ${version}?`,
      body: (
        <p>
          Version {number} is live now. The content of version {version} becomes version {number + 1} and answers new
          requests within a minute. Version {number} stays in the list.
        </p>
      ),
      action: `Roll back to version ${version}`, danger: true,
    });
    if (!sure) return;
    try {
      const done = await rollBack(version, number);
      toast(`Version ${versionNumber(done.version)} is live, with the content of version ${version}.`);
      for (const warning of done.warnings) toast(warning, "warn");
    } catch (error) {
      toast((error as Error).message, "bad");
    }
    reload();
  };
  const actions = (each: PromptVersion) => {
    const n = versionNumber(each.version);
    if (n === null || each.version === live.version) return null;
    return (
      <div class="actions">
        <Button kind="quiet" aria-label={`Compare version ${n}`} onClick={() => go("prompt", { tab: "compare", with: String(n) })}>Compare</Button>
        <Button kind="quiet" aria-label={`Edit version ${n}`} onClick={() => go("prompt", { tab: "edit", from: String(n) })}>Edit</Button>
        {each.valid && <Button kind="quiet" aria-label={`Roll back to version ${n}`} onClick={() => back(n)}>Roll back</Button>}
      </div>
    );
  };
  return (
    <Table
      caption="Versions of the routing prompt" rows={versions} rowKey={(each) => each.version}
      columns={[
        { name: "Version", cell: (each) => <>{versionNumber(each.version)} {state(each, live.version, live.serving)}</> },
        { name: "Written", cell: (each) => <Time at={each.written_at} /> },
        { name: "By", cell: (each) => author(each.written_by), wide: true },
        { name: "Digest", cell: (each) => <code>{each.digest ?? "–"}</code>, wide: true },
        { name: "Strategy", cell: (each) => each.strategy ?? "–", wide: true },
        { name: "Bytes", cell: (each) => count(each.bytes), numeric: true, wide: true },
        { name: "Actions", cell: actions },
      ]}
    />
  );
}

function state(version: PromptVersion, live: string, serving: string) {
  return (
    <>
      {version.version === live && <Badge tone="good">live</Badge>}{" "}
      {version.version === serving && serving !== live && <Badge tone="warn">served</Badge>}{" "}
      {!version.valid && <Badge tone="bad" title={version.reason ?? ""}>broken</Badge>}
    </>
  );
}
