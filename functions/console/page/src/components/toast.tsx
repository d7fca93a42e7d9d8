/** Short messages about what has just happened, read aloud by screen readers. */

import { useLayoutEffect, useState } from "preact/hooks";
import { Shared, useShared } from "../kept.ts";
import { Button } from "./basic.tsx";

interface Message {
  id: number;
  text: string;
  tone: "good" | "warn" | "bad";
}

const SECONDS = 6;
const MOST = 4;
/** After which nothing is read aloud again, for example when a dialog closes. */
const SPOKEN_SECONDS = 2;

const messages = new Shared<readonly Message[]>([]);
const spoken = new Shared("");
/** Open dialogs, the topmost last. All that is outside the topmost is inert, and so are its messages. */
const dialogs = new Shared<readonly number[]>([]);
let last = 0;

/** Good news goes by itself. Warnings and errors stay until they are closed. */
export function toast(text: string, tone: Message["tone"] = "good"): void {
  const id = ++last;
  messages.set(shortened([...messages.value, { id, text, tone }]));
  if (tone === "good") setTimeout(() => close(id), SECONDS * 1000);
}

/** Say what the page shows anyway, because new content is silent to screen readers. */
export function announce(text: string): void {
  spoken.set(text);
  setTimeout(() => spoken.value === text && spoken.set(""), SPOKEN_SECONDS * 1000);
}

function close(id: number): void {
  messages.set(messages.value.filter((each) => each.id !== id));
}

/** Leave out the oldest good news, but not the newest message: what is wrong must be closed by the reader. */
function shortened(all: readonly Message[]): readonly Message[] {
  const oldest = all.slice(0, -1).findIndex((each) => each.tone === "good");
  return all.length > MOST && oldest >= 0 ? all.filter((_, n) => n !== oldest) : all;
}

/** Shows messages: the page has one, and each dialog. Only the topmost shows something. */
export function Toasts({ inDialog = false }: { inDialog?: boolean }) {
  const [own] = useState(() => ++last);
  useLayoutEffect(() => {
    if (!inDialog) return undefined;
    dialogs.set([...dialogs.value, own]);
    return () => dialogs.set(dialogs.value.filter((each) => each !== own));
  }, []);
  const top = useShared(dialogs).at(-1);
  const isTop = inDialog ? top === own : top === undefined;
  const [shown, said] = [useShared(messages), useShared(spoken)];
  return (
    <>
      <p class="hidden" role="status">{isTop && said}</p>
      <div class="toasts" role="status" aria-atomic="false">
        {isTop && shown.map((each) => (
          <div key={each.id} class={`toast ${each.tone}`}>
            <span>{each.text}</span>
            <Button kind="quiet" aria-label="Close message" onClick={() => close(each.id)}>✕</Button>
          </div>
        ))}
      </div>
    </>
  );
}
