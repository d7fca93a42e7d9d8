"""The console's pure functions, run by Node: numbers, streams, conversations, code to copy."""

import ast
import json
import re
import subprocess
from enum import StrEnum
from typing import Any

import pytest

from route_switch.domain.decision import Reason
from route_switch.domain.sessions import Move
from tests.support.page_functions import PAGE, results_of, run_node

NASTY = (
    "plain",
    'it\'s "quoted" with `ticks`, $HOME and $(id)',
    "back\\slash \\n, a real\nnewline, a tab\t and \r",
    "</script><script>alert(1)</script>",
    "'''triple''' {braces} %s \u2028 \u0000 é 漢字 🎉",
    "EOF\nEOF",
    "!history \\' '\\''",
)
BASE = "https://a.example/prod"


def snippet(language: str, body: object, headers: object) -> str:
    [found] = results_of(
        "views/playground/snippets.ts", "snippet", [[language, BASE, body, headers]]
    )
    return str(found)


def body_with(text: str) -> dict[str, Any]:
    return {
        "model": "auto",
        "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": None, "flags": [True, False, 1.5, [], {}]},
        ],
        "max_tokens": 20,
        "route_switch": {"profile": "cost"},
    }


def test_the_pages_own_tests_pass() -> None:
    run_node("--no-warnings", "--test", "tests/pure.test.ts", "tests/owner.test.ts")


@pytest.mark.parametrize("text", NASTY)
def test_copied_curl_sends_exactly_the_request(text: str) -> None:
    body, headers = body_with(text), {"x-session-id": re.sub(r"[^ -~]", " ", text)}
    command = snippet("curl", body, headers)
    show = 'curl() { printf "%s\\0" "$@"; }\n'
    done = subprocess.run(
        ["bash", "-c", show + command],
        capture_output=True,
        text=True,
        check=True,
        env={"ROUTE_SWITCH_API_KEY": "rs-test"},
    )
    url, *options = done.stdout.split("\0")[:-1]
    assert url == f"{BASE}/v1/chat/completions"
    given = list(zip(options[::2], options[1::2], strict=True))
    assert ("-H", "Authorization: Bearer rs-test") in given
    assert ("-H", f"x-session-id: {headers['x-session-id']}") in given
    assert json.loads(dict(given)["-d"]) == body


@pytest.mark.parametrize("text", NASTY)
def test_copied_python_sends_exactly_the_request(text: str) -> None:
    body = body_with(text)
    tree = ast.parse(snippet("python", body, {"x-session-id": "s"}))
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    (create,) = [each for each in calls if ast.unparse(each.func).endswith("completions.create")]
    sent = {each.arg: ast.literal_eval(each.value) for each in create.keywords}
    assert sent == {
        **{name: body[name] for name in ("model", "messages", "max_tokens")},
        "extra_body": {"route_switch": {"profile": "cost"}},
        "extra_headers": {"x-session-id": "s"},
    }


@pytest.mark.parametrize("text", NASTY)
def test_copied_javascript_sends_exactly_the_request(text: str) -> None:
    body = body_with(text)
    code = snippet("javascript", body, {"x-session-id": text})
    first, *rest = code.split("\n")
    assert first == 'import OpenAI from "openai";'
    fake = (
        "class OpenAI { constructor(given) { this.chat = { completions: { create: (...sent) => {"
        " process.stdout.write(JSON.stringify([given.baseURL, ...sent]));"
        ' return { choices: [{ message: { content: "" } }] }; } } }; } }\n'
    )
    told = run_node("--input-type=module", "--eval", fake + "\n".join(rest))
    base, sent, options = json.loads(told.strip())
    assert base == f"{BASE}/v1"
    assert sent == body
    assert options == {"headers": {"x-session-id": text}}


@pytest.mark.parametrize(("words", "said"), [("REASONS", Reason), ("SESSIONS", Move)])
def test_the_page_has_words_for_all_that_a_decision_says(words: str, said: type[StrEnum]) -> None:
    code = (
        f"import {{ {words} }} from {json.dumps((PAGE / 'src/reasons.ts').as_uri())};"
        f"process.stdout.write(JSON.stringify(Object.keys({words})));"
    )
    known = json.loads(run_node("--no-warnings", "--input-type=module", "--eval", code))
    assert sorted(known) == sorted(said)
