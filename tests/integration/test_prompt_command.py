"""`route-switch prompt` against Parameter Store and DynamoDB."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.ssm import output_ratios_parameter
from route_switch.adapters.steering_strings import packaged_score
from route_switch.cli.main import run
from route_switch.domain.learning.promise import as_provenance
from route_switch.domain.output_ratio import OutputRatios
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.steering_figures import MovedFigures, SteeringFigures
from route_switch.domain.prompts.steering_figures import as_provenance as steering_provenance
from route_switch.domain.routing_prompt import RoutingPrompt
from tests.support.local_models import numbers, with_local_model

LIVE = packaged_prompt()
A = to_markdown(LIVE)
B, C = A.replace("a greeting", "ein Gruß 👋"), A.replace("a greeting", "a farewell")
B_PROMPT = parse_prompt(B)
PREFIX = "/route-switch/dev/prompt"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Prompt = Callable[..., Done]


@pytest.fixture
def prompt(
    results_table: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Prompt:
    """Run the command in its own folder. Version 1 is live."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    put(A)
    put(results_table, "lock-table")

    def call(*arguments: str, stage: str = "dev") -> Done:
        monkeypatch.setattr("sys.argv", ["route-switch", "prompt", *arguments, "--stage", stage])
        with pytest.raises(SystemExit) as ended:
            run()
        printed = capsys.readouterr()
        most = 3 if arguments[0] == "show" else 1  # show also prints the steering score
        assert printed.err.count("\n") <= most, printed.err
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return call


def put(document: str, name: str = "live") -> None:
    """Write as the AWS console does."""
    boto3.client("ssm").put_parameter(
        Name=f"{PREFIX}/{name}", Value=document, Type="String", Overwrite=True
    )


def live(version: int | None = None) -> tuple[int, str]:
    name = f"{PREFIX}/live" + ("" if version is None else f":{version}")
    found = boto3.client("ssm").get_parameter(Name=name)["Parameter"]
    return found["Version"], found["Value"]


def save(file: str, document: str) -> str:
    Path(file).write_bytes(document.encode())
    return file


def refused(done: Done, *words: str) -> None:
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("error: ")
    for word in words:
        assert word in done.err


def test_pull_edit_and_push_can_be_repeated_without_options(prompt: Prompt) -> None:
    assert "version 1 -> p.md" in prompt("pull", "p.md").out
    assert Path("p.md").read_bytes() == A.encode()
    for number, document in ((2, B), (3, C)):
        done = prompt("push", save("p.md", document))
        assert (done.code, done.err) == (0, "")
        assert live() == (number, document)


def test_push_fails_if_the_prompt_was_changed_after_the_pull(prompt: Prompt) -> None:
    prompt("pull", "p.md")
    put(B)
    save("p.md", C)
    refused(prompt("push", "p.md"), "based on version 1, but version 2 is live", "--base 2")
    assert live() == (2, B)
    assert Path("p.md").read_bytes() == C.encode()
    assert prompt("push", "p.md", "--base", "2").code == 0
    assert live() == (3, C)
    prompt("push", save("p.md", A))
    assert live() == (4, A), "the push with --base was not noted"


def test_a_rollback_after_the_pull_counts_as_a_change(prompt: Prompt) -> None:
    prompt("pull", "p.md")
    prompt("push", save("p.md", B))
    prompt("rollback")
    refused(prompt("push", save("p.md", C)), "based on version 2, but version 3 is live")


def test_an_outdated_file_from_git_does_not_undo_learning(prompt: Prompt) -> None:
    put(B)
    refused(prompt("push", save("p.md", A)), "based on version 1, but version 2 is live")
    assert live() == (2, B)


def test_a_file_of_unknown_origin_is_pushed_with_a_note(prompt: Prompt) -> None:
    done = prompt("push", save("mine.md", B))
    assert done.code == 0
    assert "it replaced version 1" in done.err
    assert live() == (2, B)


def test_a_file_based_on_an_unknown_version_is_refused(prompt: Prompt) -> None:
    prompt("pull", "p.md")
    boto3.client("ssm").delete_parameter(Name=f"{PREFIX}/live")
    put(B)
    refused(prompt("push", save("p.md", C)), "not kept there", "--base 1")


def test_pushing_the_live_document_creates_no_version(prompt: Prompt) -> None:
    assert "version 1" in prompt("push", save("p.md", A)).out
    assert live() == (1, A)


def test_the_first_push_of_a_stage_creates_the_prompt(prompt: Prompt) -> None:
    boto3.client("ssm").delete_parameter(Name=f"{PREFIX}/live")
    refused(prompt("show"), f"no parameter '{PREFIX}/live'")
    prompt("push", save("p.md", B))
    assert live() == (1, B)


def test_a_stage_without_a_lock_is_an_error(prompt: Prompt) -> None:
    boto3.client("ssm").delete_parameter(Name=f"{PREFIX}/lock-table")
    refused(prompt("push", save("p.md", B)), "lock-table", "Deploy the stage")
    refused(prompt("show", stage="prod"), "/route-switch/prod/prompt/live")


def test_show_says_what_the_run_promised_unless_the_prompt_was_edited(prompt: Prompt) -> None:
    said = "at most 5% of answers are worse than Tier 3's (95% confidence, 412 rows)"
    provenance = as_provenance(said, 0.05, LIVE)
    put(to_markdown(LIVE.model_copy(update={"provenance": provenance})))
    assert f"promise {said}" in prompt("show").err
    assert json.loads(prompt("show", "--json").out)["promise"] == said
    put(prompt("show").out.replace("a greeting", "a farewell"))
    assert "promise" not in prompt("show").err
    assert json.loads(prompt("show", "--json").out)["promise"] == ""


def test_show_prints_the_steering_score_that_the_version_carries(prompt: Prompt) -> None:
    moved = MovedFigures(mean=0.0625, worst="up-22", moved=3, n=24)
    score = SteeringFigures(
        prompt=B_PROMPT.version,
        router="local/encoder",
        texts=27,
        strings="f04f46ab3764",
        up=moved,
        down=None,
        control=0.01,
    )
    carried = {"content": B_PROMPT.version, "router": score.router, **steering_provenance(score)}
    put(to_markdown(B_PROMPT.model_copy(update={"provenance": carried})))
    said = prompt("show").err
    assert "6.2% of queries are moved to a larger model on average" in said
    assert "12% (4% to 31%, n = 24) by the worst text, up-22" in said
    assert "no query could be moved to a smaller model" in said
    assert "local/encoder and 27 texts (set f04f46ab3764)" in said
    assert json.loads(prompt("show", "--json").out)["steering"] == score.model_dump()


def test_show_says_that_nothing_was_measured_of_an_edited_prompt(prompt: Prompt) -> None:
    packaged = packaged_score()
    assert f"{packaged.texts} texts (set {packaged.strings})" in prompt("show").err
    put(B)
    assert "not measured; run `route-switch steering`" in prompt("show").err
    assert json.loads(prompt("show", "--json").out)["steering"] is None


def test_show_prints_the_document_and_its_metadata(prompt: Prompt) -> None:
    put(B)
    done = prompt("show")
    assert done.out == B
    for words in ("version 2", "origin hand-written", "by N/A"):
        assert words in done.err
    assert prompt("show", "--version", "1").out == A
    refused(prompt("show", "--version", "3"), "keeps versions 1 to 2")
    shown = json.loads(prompt("show", "--version", "1", "--json").out)
    assert (shown["version"], shown["digest"], shown["document"]) == (1, LIVE.version, A)
    assert shown["schema_version"] == 3
    assert shown["bytes"] == len(A.encode())


def test_history_lists_broken_versions_too(prompt: Prompt) -> None:
    put("broken")
    _, *rows = [line.split() for line in prompt("history").out.splitlines() if line.strip()]
    found = [(row[0], row[3]) for row in rows if row[0].isdecimal()]
    assert found == [("2", "broken"), ("1", LIVE.version)]


def test_history_says_that_a_learned_text_was_edited(prompt: Prompt) -> None:
    known = {"origin": "learned", "verdict": "better", "content": B_PROMPT.version}
    put(to_markdown(B_PROMPT.model_copy(update={"provenance": known})))
    put(to_markdown(LIVE.model_copy(update={"provenance": known})))
    origins = [
        json.loads(prompt("show", "--version", number, "--json").out)["origin"]
        for number in ("2", "3")
    ]
    assert origins == ["learned", "learned, edited since"]
    assert "edited" in prompt("history").out


@pytest.mark.parametrize(
    ("arguments", "removed", "added"),
    [
        ([], "farewell", "Gruß"),
        (["1", "2"], "greeting", "farewell"),
        (["1"], "greeting", "Gruß"),
        (["p.md"], "Gruß", "greeting"),
        (["p.md", "2"], "greeting", "farewell"),
    ],
)
def test_diff_compares_versions_and_files(
    prompt: Prompt, arguments: list[str], removed: str, added: str
) -> None:
    put(C)
    put(B)
    save("p.md", A)
    done = prompt("diff", *arguments)
    assert done.code == 0
    lines = [line for line in done.out.splitlines() if line[0] in "+-"]
    assert len(lines) == 4
    assert removed in lines[2]
    assert added in lines[3]


def test_the_diff_of_equal_documents_is_empty(prompt: Prompt) -> None:
    done = prompt("diff")
    assert (done.code, done.out) == (0, "")
    refused(prompt("diff", "nowhere.md"), "nowhere.md cannot be read")


def test_promote_accepts_the_artifact_of_a_run(prompt: Prompt) -> None:
    provenance = {"incumbent": LIVE.version, "verdict": "not better"}
    candidate = LIVE.model_copy(
        update={"instruction": LIVE.instruction + "\n- a haiku", "provenance": provenance}
    )
    file = save("candidate.json", to_json(candidate))
    refused(prompt("promote", file), "'not better'")
    assert "version 2" in prompt("promote", file, "--force").out
    assert live() == (2, to_markdown(candidate))


def test_promote_compares_the_verdict_with_the_stage(prompt: Prompt) -> None:
    scope = {"tiers": "openai/a,openai/b,openai/c", "router": "local/encoder", "lambda": 0.2}
    changed = LIVE.model_copy(update={"instruction": LIVE.instruction + "\n- a haiku"})
    known = {"incumbent": LIVE.version, "verdict": "better", "content": changed.version}
    candidate = changed.model_copy(update={"provenance": {**known, **scope}})
    file = save("candidate.json", to_json(candidate))
    refused(prompt("promote", file), f"{PREFIX}/verdict-scope", "Deploy the stage")
    put(
        json.dumps({**scope, "tiers": "openai/x,openai/b,openai/c", "lambda": 0.3}), "verdict-scope"
    )
    refused(
        prompt("promote", file),
        "tiers openai/a,openai/b,openai/c → openai/x,openai/b,openai/c; lambda 0.2 → 0.3",
    )
    put(json.dumps(scope), "verdict-scope")
    assert "version 2" in prompt("promote", file).out
    assert live() == (2, to_markdown(candidate))


def test_an_approval_does_not_skip_the_other_checks(prompt: Prompt) -> None:
    changed = LIVE.model_copy(update={"instruction": LIVE.instruction + "\n- a haiku"})
    scope = {"tiers": "openai/a,openai/b,openai/c", "lambda": 0.2}
    known = {"incumbent": LIVE.version, "verdict": "better", "content": changed.version}
    asked = {"needs_approval": "uncalibrated: no labels."}
    candidate = changed.model_copy(update={"provenance": {**known, **scope, **asked}})
    file = save("candidate.json", to_json(candidate))
    put(json.dumps({**scope, "lambda": 0.3}), "verdict-scope")
    refused(prompt("promote", file, "--approve"), "lambda 0.2 → 0.3")
    put(json.dumps(scope), "verdict-scope")
    refused(prompt("promote", file), "uncalibrated: no labels.", "--approve")
    assert "version 2" in prompt("promote", file, "--approve").out


def test_promote_keeps_the_output_ratios_that_the_run_measured(prompt: Prompt) -> None:
    figures = {"output_ratio_1": 1.5, "output_ratio_1_low": 1.4, "output_ratio_1_high": 1.6}
    provenance = {"tiers": "x/1,x/2,x/3", **figures, "output_ratio_1_rows": 80}
    candidate = LIVE.model_copy(
        update={"instruction": LIVE.instruction + "\n- a haiku", "provenance": provenance}
    )
    prompt("promote", save("candidate.json", to_json(candidate)), "--force")
    kept = boto3.client("ssm").get_parameter(Name=output_ratios_parameter(f"{PREFIX}/live"))[
        "Parameter"
    ]["Value"]
    (measured,) = OutputRatios.from_json(kept).measured
    assert (measured.pair, measured.ratio, measured.rows) == (("x/1", "x/3"), 1.5, 80)


def test_rollback_names_both_versions(prompt: Prompt) -> None:
    put(B)
    assert "version 2 -> version 3, the content of version 1" in prompt("rollback").out
    assert live() == (3, A)
    assert "version 4, the content of version 2" in prompt("rollback", "--to", "2").out


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_edit_publishes_what_the_editor_saved(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv(variable, "sed -i 's/a greeting/a farewell/'")
    assert "version 2" in prompt("edit").out
    assert live() == (2, C)
    assert list(tmp_path.iterdir()) == []


def test_edit_without_a_change_creates_no_version(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    assert "unchanged, still version 1" in prompt("edit").out
    assert live() == (1, A)


def test_edit_keeps_a_text_that_cannot_go_live(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISUAL", "sed -i 's/Tier 2/Tier/'")
    done = prompt("edit")
    refused(done, "tier 2")
    (kept,) = tmp_path.glob("*/routing-prompt.md")
    assert str(kept) in done.err
    assert "Tier (medium" in kept.read_text("utf-8")
    assert live() == (1, A)
    save(str(kept), B)
    put(C)
    refused(prompt("push", str(kept)), "based on version 1, but version 2 is live")


def test_edit_is_based_on_the_opened_version(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edits_while_another_writes(command: list[str], **_: object) -> None:
        put(C)
        save(command[-1], B)

    monkeypatch.setattr("subprocess.run", edits_while_another_writes)
    refused(prompt("edit"), "based on version 1, but version 2 is live", "is kept in")
    assert live() == (2, C)


def test_an_editor_that_fails_changes_nothing(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for editor in ("false", "no-such-editor", "'"):
        monkeypatch.setenv("VISUAL", editor)
        refused(prompt("edit"), f"The editor '{editor}' failed")
    assert live() == (1, A)


def test_a_prompt_of_the_first_schema_version_is_accepted_with_a_note(prompt: Prompt) -> None:
    old = B.replace("schema_version = 3", "schema_version = 1")
    pushed = prompt("push", save("old.md", old), "--base", "1")
    assert pushed.code == 0
    assert "old.md has schema_version 1, so the router LLM reads one line" in pushed.err
    assert live() == (2, old)
    assert "schema_version 1" in prompt("show").err


HYBRID = with_local_model(LIVE, "hybrid")


@pytest.fixture
def with_bucket(prompt: Prompt) -> Prompt:
    """The stage keeps the numbers of local models in a bucket."""
    where = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket="learning", CreateBucketConfiguration=where)
    put("learning", "models-bucket")
    return prompt


def save_json(name: str, prompt: RoutingPrompt) -> None:
    Path(name).write_text(to_json(prompt), "utf-8")


def stored() -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="learning").get("Contents", [])
    return [each["Key"] for each in found]


def test_a_candidate_with_a_local_model_is_promoted_shown_and_rolled_back(
    with_bucket: Prompt,
) -> None:
    save_json("candidate.json", HYBRID)
    promoted = with_bucket("promote", "candidate.json", "--force")
    assert promoted.out == f"candidate.json -> {PREFIX}/live, version 2\n"
    assert live() == (2, to_markdown(HYBRID))
    assert stored() == [f"models/{numbers().sha256}.json"]
    shown = with_bucket("show")
    assert "- prove (+2.50)" in shown.out
    assert f"strategy hybrid, local_model {numbers().sha256}, ask_below 0.1" in shown.err
    facts = json.loads(with_bucket("show", "--json").out)
    assert (facts["strategy"], facts["ask_below"]) == ("hybrid", 0.1)
    assert "(hybrid)" in "".join(with_bucket("history").out.split())
    assert with_bucket("rollback").code == 0
    assert live() == (3, A)
    assert with_bucket("rollback").code == 0
    assert live() == (4, to_markdown(HYBRID))


def test_an_edit_and_a_push_keep_the_local_model(
    with_bucket: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_json("candidate.json", HYBRID)
    with_bucket("push", "candidate.json")
    assert with_bucket("push", "candidate.json").out.endswith("version 2\n"), "and knows its base"
    with_bucket("pull", "prompt.md")
    save("prompt.md", Path("prompt.md").read_text("utf-8").replace("a greeting", "a farewell"))
    assert with_bucket("push", "prompt.md").code == 0
    monkeypatch.setenv("EDITOR", "sed -i s/ask_below.*/ask_below=0.3/")
    monkeypatch.delenv("VISUAL", raising=False)
    assert with_bucket("edit").out == f"{PREFIX}/live: version 4\n"
    edited = parse_prompt(live()[1])
    assert edited.local_model is not None
    assert (edited.local_model.sha256, edited.local_model.ask_below) == (numbers().sha256, 0.3)
    assert "Lead below which the router LLM is asked: 0.1 → 0.3." in with_bucket("diff").out


@pytest.mark.parametrize("command", [("push",), ("promote", "--force")])
def test_an_edited_candidate_finds_its_numbers_in_the_json_next_to_it(
    with_bucket: Prompt, command: tuple[str, ...]
) -> None:
    save_json("candidate.json", HYBRID)
    edited = to_markdown(HYBRID).replace("a greeting", "a farewell")
    save("candidate.md", edited)
    name, *options = command
    assert with_bucket(name, "candidate.md", *options).code == 0
    assert live() == (2, edited)
    assert stored() == [f"models/{numbers().sha256}.json"]


def test_a_push_of_a_reference_without_its_numbers_names_the_json(with_bucket: Prompt) -> None:
    save("candidate.md", to_markdown(HYBRID))
    refused(with_bucket("push", "candidate.md"), "promote the candidate.json of the run")
    assert live() == (1, A)


def test_a_stage_of_an_earlier_release_has_no_place_for_a_local_model(prompt: Prompt) -> None:
    save_json("candidate.json", HYBRID)
    refused(prompt("push", "candidate.json"), "Deploy the stage with this release")
    save("prompt.md", B)
    assert prompt("push", "prompt.md").code == 0


def test_diff_says_in_words_what_changed_about_the_strategy(with_bucket: Prompt) -> None:
    save_json("candidate.json", HYBRID.model_copy(update={"bypass_tokens": 12}))
    said = with_bucket("diff", "candidate.json").out
    for sentence in (
        "Strategy: prompt → hybrid.",
        f"Local model: none → {numbers().sha256[:12]}.",
        "Lead below which the router LLM is asked: never → 0.1.",
        "Number of tokens below which a query bypasses the router: the stage's → 12.",
        "Strongest features for Tier 3: added prove (+2.50), code (+0.82).",
    ):
        assert sentence in said
    assert '+strategy = "hybrid"' in said


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (f"{B}\0", "control character U+0000"),
        (B.replace('origin = "hand-written"', 'origin = "learned"'), "'origin'"),
        (B.replace("+++\n\n", 'verdict = "better"\n+++\n\n', 1), "'route-switch prompt promote'"),
    ],
)
def test_push_refuses_invisible_characters_and_evidence_that_no_run_produced(
    prompt: Prompt, document: str, problem: str
) -> None:
    refused(prompt("push", save("p.md", document)), problem)
    assert live() == (1, A)
