/** The editor of a conversation: messages with roles, or all of it pasted at once. */

import { useRef, useState } from "preact/hooks";
import { Button, Code, Field } from "../../components/basic.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { message, parseConversation, ROLES, type Message, type Role } from "./conversation.ts";

interface EditorProps {
  messages: Message[];
  onChange: (messages: Message[]) => void;
}

export function Editor({ messages, onChange }: EditorProps) {
  const [pasting, paste] = useState(false);
  const replace = (next: Message) => onChange(messages.map((each) => (each.id === next.id ? next : each)));
  const list = useRef<HTMLOListElement>(null);
  const remove = (gone: Message) => {
    onChange(messages.filter((each) => each.id !== gone.id));
    (list.current?.nextElementSibling as HTMLElement | null)?.focus(); // the button that had the focus goes
  };
  const add = () => onChange([...messages, message(messages.at(-1)?.role === "user" ? "assistant" : "user", "")]);
  return (
    <div class="stack">
      <div class="toolbar spread">
        <h2>Conversation</h2>
        <div class="bar-row">
          <Button kind="quiet" onClick={() => paste(true)}>Paste…</Button>
          <Button kind="quiet" onClick={() => onChange([message("user", "")])}>Clear</Button>
        </div>
      </div>
      <ol ref={list} class="messages">
        {messages.map((each, n) => (
          <li key={each.id} class={`message ${each.role}`}>
            <OneMessage
              message={each} n={n + 1} onChange={replace}
              onRemove={messages.length > 1 ? () => remove(each) : null}
            />
          </li>
        ))}
      </ol>
      <Button class="start" onClick={add}>Add a message</Button>
      {pasting && <Paste onClose={() => paste(false)} onRead={onChange} />}
    </div>
  );
}

interface OneProps {
  message: Message;
  n: number;
  onChange: (message: Message) => void;
  onRemove: (() => void) | null;
}

function OneMessage({ message: each, n, onChange, onRemove }: OneProps) {
  return (
    <>
      <div class="message-head">
        {each.raw === undefined ? (
          <select aria-label={`Role of message ${n}`} value={each.role} onChange={(event) => onChange({ ...each, role: event.currentTarget.value as Role })}>
            {ROLES.map((role) => <option key={role} value={role} selected={role === each.role}>{role}</option>)}
          </select>
        ) : <span class="hint">{String(each.raw.role)}, sent as pasted</span>}
        {onRemove !== null && <Button kind="quiet" aria-label={`Remove message ${n}`} onClick={onRemove}>✕</Button>}
      </div>
      {each.raw === undefined ? (
        <textarea
          aria-label={`Text of message ${n}`} rows={Math.min(14, Math.max(3, each.content.split("\n").length + 1))}
          value={each.content} onInput={(event) => onChange({ ...each, content: event.currentTarget.value })}
          placeholder={each.role === "system" ? "Instructions of the application" : "Text"}
        />
      ) : <Code label={`Message ${n}`} text={JSON.stringify(each.raw, null, 2)} />}
    </>
  );
}

function Paste({ onClose, onRead }: { onClose: () => void; onRead: (messages: Message[]) => void }) {
  const [text, type] = useState("");
  const [error, fail] = useState<string | null>(null);
  const read = () => {
    try {
      onRead(parseConversation(text));
      onClose();
    } catch (raised) {
      fail((raised as Error).message);
    }
  };
  return (
    <Dialog title="Paste a conversation" onClose={onClose}>
      <Field label="Conversation" error={error} hint="A request, a list of messages, or plain text. It replaces the conversation in the editor.">
        {(ties) => <textarea {...ties} rows={12} autofocus value={text} onInput={(event) => type(event.currentTarget.value)} />}
      </Field>
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" onClick={read}>Use it</Button>
      </footer>
    </Dialog>
  );
}
