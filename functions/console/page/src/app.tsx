/** The page around all views: navigation, the key, the theme. */

import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import icon from "./icon.svg";
import { Button } from "./components/basic.tsx";
import { confirm, Confirmations } from "./components/dialog.tsx";
import { Toasts } from "./components/toast.tsx";
import { zone } from "./format.ts";
import { resetKept } from "./kept.ts";
import { holdNothing, isAnythingHeld } from "./leaving.ts";
import { href, usePlace } from "./router.ts";
import { forgetKey, useSession, type Role, type Session } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import Access from "./views/access.tsx";
import { Secrets } from "./views/access/secret.tsx";
import Decisions from "./views/decisions.tsx";
import Learning from "./views/learning.tsx";
import Overview from "./views/overview.tsx";
import Playground from "./views/playground.tsx";
import Prompt from "./views/prompt.tsx";
import { currentTheme, setTheme, type Theme } from "./theme.ts";

interface View {
  name: string;
  title: string;
  /** A client key sees the playground only. */
  for: readonly Role[];
  content: ComponentType;
}

const ADMIN: readonly Role[] = ["admin"];
/** All are part of the page: one that loaded later could fail to load while the stage is down. */
const VIEWS: readonly View[] = [
  { name: "overview", title: "Overview", for: ADMIN, content: Overview },
  { name: "playground", title: "Playground", for: ["admin", "client"], content: Playground },
  { name: "decisions", title: "Decisions", for: ADMIN, content: Decisions },
  { name: "prompt", title: "Prompt", for: ADMIN, content: Prompt },
  { name: "learning", title: "Learning", for: ADMIN, content: Learning },
  { name: "access", title: "Keys and switches", for: ADMIN, content: Access },
];

let loadedBefore = false;

export function App() {
  const session = useSession();
  loadedBefore ||= session === null;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      {session === null ? <SignIn /> : <Signed session={session} />}
      <Secrets />
      <Confirmations />
      <Toasts />
    </>
  );
}

/** The part after `#` names a view, so the link moves the focus by itself. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** A key that the reader forgets takes along what was typed with it; one that the stage refuses does not. */
async function forget(): Promise<void> {
  const body = <p>What you typed in this tab, such as an edit of the prompt or a conversation, is discarded with the key.</p>;
  if (isAnythingHeld() && !(await confirm({ title: "Forget the key?", body, action: "Forget key and texts", danger: true }))) return;
  resetKept();
  holdNothing();
  forgetKey();
}

function Signed({ session }: { session: Session }) {
  const { view } = usePlace();
  const allowed = VIEWS.filter((each) => each.for.includes(session.role));
  const shown = allowed.find((each) => each.name === view) ?? allowed[0]!;
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => void (document.title = `${shown.title} · route-switch`), [shown]);
  useEffect(() => tabs.current === null ? undefined : center(tabs.current), [shown]);
  return (
    <div class="shell">
      <header class="side">
        <a class="brand" href={href("")}><img src={icon} alt="" width="22" height="22" />route-switch</a>
        <nav aria-label="Views" ref={tabs}>
          <ul>
            {allowed.map((each) => (
              <li key={each.name}>
                <a href={href(each.name)} aria-current={each === shown ? "page" : undefined}>{each.title}</a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-end">
          <p class="hint">{session.role === "admin" ? "Admin key" : "Client key"} · this tab only</p>
          <Button onClick={forget}>Forget key</Button>
          <ThemeChoice />
          <p class="hint zone">Times: {zone()}</p>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Shown key={shown.name} view={shown} />
      </main>
    </div>
  );
}

/** On a phone, the tabs are wider than the window: scroll to the current one. */
function center(tabs: HTMLElement): void {
  const current = tabs.querySelector<HTMLElement>("[aria-current]");
  if (current !== null) tabs.scrollLeft = current.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}

function Shown({ view }: { view: View }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A screen reader hears which view it is now. On the first load it reads the page anyway.
    if (loadedBefore) heading.current?.focus();
    loadedBefore = true;
  }, []);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>{view.title}</h1>
      <view.content />
    </>
  );
}

const NEXT: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };

export function ThemeChoice() {
  const [theme, change] = useState(currentTheme);
  const turn = () => {
    setTheme(NEXT[theme]);
    change(NEXT[theme]);
  };
  return <Button kind="quiet" onClick={turn}>Theme: {theme}</Button>;
}
