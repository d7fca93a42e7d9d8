/** Buttons, labeled fields, badges and other small parts. */

import type { ButtonHTMLAttributes, ComponentChildren, InputHTMLAttributes } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Tier } from "../api/types.ts";
import { time, UNKNOWN, utc } from "../format.ts";

type ButtonProps = {
  kind?: "primary" | "plain" | "danger" | "quiet";
  busy?: boolean;
} & ButtonHTMLAttributes<HTMLButtonElement>;

/** A button that is busy or disabled keeps the focus, but does nothing. */
export function Button({ kind = "plain", busy = false, disabled = false, class: more, onClick, children, ...rest }: ButtonProps) {
  const isOff = busy || Boolean(disabled);
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${more ?? ""}`}
      aria-disabled={isOff || undefined}
      aria-busy={busy || undefined}
      onClick={isOff ? (event) => event.preventDefault() : onClick}
    >
      {children}
    </button>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | null;
  class?: string;
  /** Gets the attributes that tie the control to its label, hint and error. */
  children: (ties: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
}

export function Field({ label, hint, error, class: more, children }: FieldProps) {
  const id = useId();
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const ties = {
    id,
    ...(told === "" ? {} : { "aria-describedby": told }),
    ...(error ? { "aria-invalid": true } : {}),
  };
  return (
    <div class={`field ${more ?? ""}`}>
      <label for={id}>{label}</label>
      {children(ties)}
      {hint && <p id={`${id}-hint`} class="hint">{hint}</p>}
      {error && <p id={`${id}-error`} class="field-error">{error}</p>}
    </div>
  );
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, label: string])[];
  onChange: (value: T) => void;
  hint?: string;
  class?: string;
}

export function Select<T extends string>({ label, value, options, onChange, hint, class: more }: SelectProps<T>) {
  return (
    <Field label={label} hint={hint} class={more}>
      {(ties) => (
        <select {...ties} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
          {options.map(([each, name]) => <option key={each} value={each} selected={each === value}>{name}</option>)}
        </select>
      )}
    </Field>
  );
}

interface InputProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  error?: string | null;
  class?: string;
  /** Further attributes of the input. */
  input?: InputHTMLAttributes<HTMLInputElement>;
}

export function Input({ label, value, onInput, hint, error, class: more, input }: InputProps) {
  return (
    <Field label={label} hint={hint} error={error} class={more}>
      {(ties) => (
        <input
          type="text" spellcheck={false} autocomplete="off" {...input} {...ties}
          value={value} onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, label: string])[];
  onChange: (value: T) => void | Promise<void>;
  /** The choice moves only once `value` does, because a change is asked about and may be refused. */
  isHeld?: boolean;
}

/** One choice of a few, side by side: radio buttons, so arrow keys move the choice. */
export function Segmented<T extends string>({ label, value, options, onChange, isHeld = false }: SegmentedProps<T>) {
  const name = useId();
  const box = useRef<HTMLFieldSetElement>(null);
  const focusChosen = () => {
    const isInside = box.current?.contains(document.activeElement);
    if (isInside) box.current?.querySelector<HTMLInputElement>("input:checked")?.focus();
  };
  useEffect(focusChosen, [value]);
  const hold = async (event: MouseEvent, each: T) => {
    if (!isHeld || each === value) return;
    event.preventDefault(); // arrow keys click, too, and move the focus
    await onChange(each);
    focusChosen();
  };
  return (
    <fieldset ref={box} class="segmented">
      <legend class="hidden">{label}</legend>
      {options.map(([each, text]) => (
        <label key={each}>
          <input
            type="radio" name={name} value={each} checked={each === value}
            onClick={(event) => hold(event, each)} onChange={() => onChange(each)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export type Tone = "neutral" | "good" | "warn" | "bad" | "info";

export function Badge({ tone = "neutral", title, children }: { tone?: Tone; title?: string; children: ComponentChildren }) {
  return <span class={`badge ${tone}`} title={title}>{children}</span>;
}

export function TierBadge({ tier }: { tier: Tier | null }) {
  return tier === null ? <span class="faint">{UNKNOWN}</span> : <span class={`tier tier-${tier}`}>Tier {tier}</span>;
}

/** A time in the reader's zone, whose title is the time in UTC. Where a table has little room, it has no seconds. */
export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span>{UNKNOWN}</span>;
  const text = time(at);
  const seconds = /(?<=:\d\d):\d\d$/.exec(text)?.[0] ?? "";
  return <time dateTime={at} title={utc(at)}>{text.slice(0, text.length - seconds.length)}<span class="wide">{seconds}</span></time>;
}

/** Copies `text`; says so for two seconds. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, say] = useState<string | null>(null);
  // There is no `navigator.clipboard` on a page that is served by plain HTTP from another machine.
  const copy = () =>
    (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
      () => tell("Copied"),
      () => tell("Select and copy it"),
    );
  const tell = (word: string) => {
    say(word);
    setTimeout(() => say(null), 2000);
  };
  return (
    <>
      <Button kind="quiet" onClick={copy}>{said ?? label}</Button>
      <span role="status" class="hidden">{said}</span>
    </>
  );
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={label}><code>{text}</code></pre>
      <Copy text={text} />
    </div>
  );
}

/** A list of names with values; entries that are null are left out. */
export function Facts({ entries }: { entries: readonly (readonly [name: string, value: ComponentChildren] | null)[] }) {
  return (
    <dl class="facts">
      {entries.map((each) => each && <div key={each[0]}><dt>{each[0]}</dt><dd>{each[1]}</dd></div>)}
    </dl>
  );
}

/** A share of `of` as a bar, with its text beside it. */
export function Bar({ value, of, label, tone = "info" }: { value: number; of: number; label: string; tone?: Tone | `mix-${Tier}` }) {
  const share = of > 0 ? Math.min(1, Math.max(0, value / of)) : 0;
  return (
    <div class="bar" role="meter" aria-label={label} aria-valuenow={value} aria-valuemin={0} aria-valuemax={of}>
      <div class={tone} style={{ width: `${share * 100}%` }} />
    </div>
  );
}
