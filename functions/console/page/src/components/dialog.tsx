/** Dialogs: the browser's own element, which keeps the focus inside and closes on Escape. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button } from "./basic.tsx";
import { Toasts } from "./toast.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** `side` is a panel at the right edge. */
  shape?: "center" | "side";
  /** Closes by a button of its content only: neither by Escape nor by a click outside. */
  isKept?: boolean;
}

export function Dialog({ title, onClose, children, shape = "center", isKept = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => { // before it is painted: until then, Escape goes to the view behind
    const before = document.activeElement;
    const dialog = element.current;
    dialog?.showModal();
    return () => {
      dialog?.close(); // until then, all that is outside is inert and takes no focus
      giveBack(before);
    };
  }, []);
  const outside = (event: MouseEvent) => event.target === element.current && !isKept && onClose();
  const cancel = (event: Event) => {
    event.preventDefault();
    if (!isKept) onClose();
  };
  // A browser lets nobody cancel a second Escape, unless the key press itself is canceled.
  const onKeyDown = (event: KeyboardEvent) => isKept && event.key === "Escape" && event.preventDefault();
  const reopen = () => isKept && element.current?.isConnected && element.current.showModal();
  return (
    <dialog ref={element} class={`dialog ${shape}`} aria-labelledby={id} onCancel={cancel} onClose={reopen} onKeyDown={onKeyDown} onMouseDown={outside}>
      <div class="dialog-inner">
        <header>
          <h2 id={id}>{title}</h2>
          {!isKept && <Button kind="quiet" aria-label="Close" onClick={onClose}>✕</Button>}
        </header>
        {children}
      </div>
      <Toasts inDialog />
    </dialog>
  );
}

/** The focus goes back to where it was, or to the view if that is gone, as a deleted row is. */
function giveBack(before: Element | null): void {
  const isThere = before instanceof HTMLElement && before.isConnected && before !== document.body;
  (isThere ? before : document.getElementById("main"))?.focus();
}

interface Question {
  title: string;
  body: ComponentChildren;
  /** What the button says: a verb, such as `Delete`. */
  action: string;
  danger?: boolean;
}

let ask: ((question: Question, answer: (yes: boolean) => void) => void) | null = null;

/** Ask the reader to confirm. Resolve to false if they cancel. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => (ask === null ? resolve(false) : ask(question, resolve)));
}

/** Shows what `confirm` asks. The app has one. */
export function Confirmations() {
  const [open, show] = useState<{ question: Question; answer: (yes: boolean) => void } | null>(null);
  useEffect(() => {
    ask = (question, answer) => show({ question, answer });
    return () => void (ask = null);
  }, []);
  const [answered, tell] = useState<{ answer: () => void } | null>(null);
  const end = (yes: boolean) => {
    show(null);
    tell({ answer: () => open?.answer(yes) });
  };
  useEffect(() => answered?.answer(), [answered]); // once the dialog has given back the focus
  useEffect(() => {
    if (open === null) return undefined;
    const leave = () => end(false);
    addEventListener("hashchange", leave); // the question was about another view
    return () => removeEventListener("hashchange", leave);
  }, [open]);
  if (open === null) return null;
  return (
    <Dialog title={open.question.title} onClose={() => end(false)}>
      <div class="stack">{open.question.body}</div>
      <footer>
        <Button onClick={() => end(false)}>Cancel</Button>
        <Button kind={open.question.danger ? "danger" : "primary"} onClick={() => end(true)}>{open.question.action}</Button>
      </footer>
    </Dialog>
  );
}
