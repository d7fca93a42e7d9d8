"""The `python -m local.aws` command: see `--help`."""

import argparse
import gc
import json
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from local.aws.client import (
    STACK_FILE,
    STACK_NAME,
    CloudInfo,
    StackInfo,
    aws_client,
    read_descriptions_once,
    read_stack_file,
    running_stack,
)
from local.aws.errors import LocalStackError
from local.aws.proxies import bypass_for_loopback
from local.aws.sandbox import landlock_version
from local.aws.signals import Signals, ended_plainly

if TYPE_CHECKING:
    from local.aws.stack import LocalStack

WELCOME = """\
The stack is running at {endpoint}   (AWS: {aws_endpoint}; Ctrl-C stops everything)
Console: {endpoint}/console   (key: admin_key or api_key in {keys})
Logs: {logs}/; those of earlier stacks: {logs}/previous/

curl -si {endpoint}/v1/chat/completions \\
  -H 'Authorization: Bearer {api_key}' -H 'Content-Type: application/json' \\
  -d '{{"model": "auto", "messages": [{{"role": "user", "content": {query}}}]}}'

from openai import OpenAI
client = OpenAI(base_url="{endpoint}/v1", api_key="{api_key}")
messages = [{{"role": "user", "content": {query}}}]
print(client.chat.completions.create(model="auto", messages=messages).choices[0].message.content)
"""
QUERY = (
    '"Use mental math to solve 8y = 56.\\nA. 8\\nB. 10\\nC. 4\\nD. 14\\nE. 6\\nF. 11\\nG. 5\\nH. 7'
    '\\nI. 9\\nJ. 12"'
)
"""A query with a recorded answer, as a literal of both JSON and Python."""
EMPTY_WELCOME = """\
An empty AWS is running (Ctrl-C stops everything). In another terminal:

export {variables}
make cdk ARGS="bootstrap -c stage=local"
make cdk ARGS="deploy -c stage=local"

The API is then at {endpoint}, and its keys are in .local/stack.json.
"""
WORDS = {"learning": "LearningSteps", "dashboard": "CostsWidget"}
"""Words for folders whose name does not identify one function by its logical id."""
UNCONFINED = """
This kernel has no Landlock. Unlike in AWS, functions can write wherever you can.
"""
MOVED = """
Another program has taken port {port}, where the API was at the last start, so the address has \
changed.
"""


@dataclass(frozen=True)
class Wanted:
    """What `up` runs. `remark` ends its welcome."""

    assembly: Path = Path("cdk.out")
    state: Path = Path(".local")
    empty: bool = False
    attached: bool = False
    saved: Path | None = None
    """The file that keeps the data; None keeps nothing."""
    fresh: bool = False
    remark: str = ""


WANTED = ("assembly", "state", "empty", "attached", "saved", "fresh")


def main() -> None:
    arguments = parse_arguments()
    with ended_plainly(arguments.state):
        bypass_for_loopback()
        if arguments.command == "up":
            up(Wanted(**{name: getattr(arguments, name) for name in WANTED}))
        else:
            invoke(arguments.event, arguments.assembly, arguments.state)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.aws", description="Run the local stack, or a function in it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="deploy the synthesized stack and serve it until Ctrl-C")
    up.add_argument("--empty", action="store_true", help="start without a stack, to deploy later")
    up.add_argument("--attached", action="store_true", help="print nothing; stop when stdin closes")
    up.add_argument("--saved", type=Path, help="file that keeps the data for the next start")
    up.add_argument("--fresh", action="store_true", help="delete that file first")
    invoke = commands.add_parser("invoke", help="run a function on an event")
    invoke.add_argument("event", type=Path, help="JSON file; see events/")
    for command in (up, invoke):
        command.add_argument("--assembly", type=Path, default=Path("cdk.out"))
        command.add_argument("--state", type=Path, default=Path(".local"))
    return parser.parse_args()


def up(wanted: Wanted) -> None:
    """Serve until a signal stops it. SIGUSR1 deploys the assembly's current content."""
    with Signals() as signals:
        read_descriptions_once()
        # Importing moto takes most of the startup time, and only this command needs it.
        from local.aws.stack import LocalStack, SavedData

        data = None if wanted.saved is None else SavedData(wanted.saved, wanted.fresh)
        with LocalStack(wanted.assembly, wanted.state, wanted.empty, data) as stack:
            signals.wait_for_them()
            collect_young_garbage_only()
            if wanted.attached:
                threading.Thread(target=await_end_of_input, args=[signals], daemon=True).start()
            else:
                sys.stdout.write(welcome(stack, wanted))
                sys.stdout.flush()
            while signals.next() == signal.SIGUSR1:
                deploy_again(stack)


def collect_young_garbage_only() -> None:
    """Leave old objects alone. Most of them are items of tables, and looking through those of
    100,000 requests takes seconds, in which nothing is answered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 1_000_000)


def welcome(stack: "LocalStack", wanted: Wanted) -> str:
    text = (
        empty_welcome(stack.cloud_info)
        if wanted.empty
        else WELCOME.format(
            **vars(stack.info),
            keys=wanted.state / STACK_FILE,
            logs=wanted.state / "logs",
            query=QUERY,
        )
    )
    if stack.continued:
        text += f"\nIt continues with the data of {wanted.saved}. To start over: make up FRESH=1\n"
    if stack.taken_port is not None:
        text += MOVED.format(port=stack.taken_port)
    return text + ("" if landlock_version() > 0 else UNCONFINED) + wanted.remark


def empty_welcome(cloud: CloudInfo) -> str:
    variables = " ".join(f"{name}={quote(value)}" for name, value in cloud.environment.items())
    return EMPTY_WELCOME.format(variables=variables, endpoint=cloud.endpoint)


def deploy_again(stack: "LocalStack") -> None:
    try:
        stack.deploy()
    except LocalStackError as error:
        sys.stderr.write(
            f"The deployment failed; the stack stays as it was, as far as possible. {error}\n"
        )


def await_end_of_input(signals: Signals) -> None:
    """Stop when standard input closes, which happens even if the parent process is killed."""
    sys.stdin.read()
    signals.stop()


def invoke(event: Path, assembly: Path, state: Path) -> None:
    """Print the function's answer. Raise `LocalStackError` if the function failed.

    Use the running stack, or else start one.
    """
    text = read_event(event)
    running = read_stack_file(state)
    if running is not None:
        run(event, text, running)
        return
    with running_stack(assembly, state) as started:
        run(event, text, started)


def read_event(event: Path) -> str:
    try:
        text = event.read_text("utf-8")
        json.loads(text)
    except (OSError, ValueError) as error:
        raise LocalStackError(
            f"{event} is not a readable JSON file: {error}. See events/ for examples."
        ) from error
    return text


def run(event: Path, text: str, stack: StackInfo) -> None:
    for placeholder, key in (("API_KEY", stack.api_key), ("ADMIN_KEY", stack.admin_key)):
        text = text.replace(f"${{{placeholder}}}", key)
    name = find_function_name(function_word(event, json.loads(text)), stack)
    result = aws_client("lambda", stack.aws_endpoint, stack.region).invoke(
        FunctionName=name, Payload=text
    )
    sys.stdout.write(readable(result["Payload"].read()) + "\n")
    if "FunctionError" in result:
        raise LocalStackError(f"The function {name} failed; its error is printed above.")


def readable(payload: bytes) -> str:
    """Return the answer as text; one in the form of a stream as an HTTP response."""
    from local.aws.gateway import SEPARATOR, streamed_response  # loads moto

    if SEPARATOR not in payload:
        return payload.decode()
    response = streamed_response(iter([payload]))
    head = [str(response.status), *(f"{name}: {value}" for name, value in response.headers)]
    return "\n".join([*head, "", b"".join(response.chunks).decode()])


def function_word(event: Path, content: object) -> str:
    """Return a word from the function's name: the event's folder, or `router` for API events."""
    if isinstance(content, dict) and "httpMethod" in content:
        return "router"
    folder = event.resolve().parent.name
    return WORDS.get(folder, folder)


def find_function_name(word: str, stack: StackInfo) -> str:
    """Return the only function whose logical id contains the word, ignoring case."""
    cloudformation = aws_client("cloudformation", stack.aws_endpoint, stack.region)
    resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    functions = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }
    found = [functions[name] for name in functions if word.lower() in name.lower()]
    if len(found) != 1:
        raise LocalStackError(
            f"{len(found)} functions match {word!r}; the stack has "
            f"{', '.join(sorted(functions))}. Put the event into a folder named after its function."
        )
    return str(found[0])


if __name__ == "__main__":
    main()
