import { useState } from "preact/hooks";
import { base } from "../../base.ts";
import { Code, Segmented } from "../../components/basic.tsx";
import type { Body } from "./conversation.ts";
import { LANGUAGES, snippet, type Language } from "./snippets.ts";

/** The request as code. */
export function Snippets({ body, headers }: { body: Body; headers: Record<string, string> }) {
  const [language, choose] = useState<Language>("curl");
  return (
    <details>
      <summary>The same request as code</summary>
      <div class="stack code-box">
        <Segmented label="Language" value={language} options={LANGUAGES} onChange={choose} />
        <Code label={`The request in ${language}`} text={snippet(language, base(), body, headers)} />
      </div>
    </details>
  );
}
