"""Deploy, serve and stop a local stack."""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from local.aws.client import (
    CLOUD_FILE,
    DENIALS,
    STACK_FILE,
    STACK_NAME,
    CloudInfo,
    StackInfo,
)
from local.aws.cloud import Cloud
from local.aws.deploy import (
    DEFAULT_REGION,
    deploy,
    outputs_of,
    read_assembly,
    resolved_resources,
)
from local.aws.emulator import Answer
from local.aws.errors import LocalStackError
from local.aws.front import Front
from local.aws.functions import Functions
from local.aws.llm import PROFILE as LOCAL_LLM
from local.aws.llm import running_llm, server_address
from local.aws.logs import keep_previous
from local.aws.moto_additions import find_function, install
from local.aws.moto_data import StackData
from local.aws.ports import ANY, Ports, keep_ports, last_ports
from local.aws.routes import NO_API, RestApi
from local.aws.saver import Saver
from local.aws.state_file import StateFile
from local.aws.streaming import ResponseStream

OUTPUTS = ("FirstKeysParameter", "LivePromptParameter", "ResultsTable")


@dataclass(frozen=True)
class SavedData:
    """Data that continues in the next stack."""

    file: Path
    fresh: bool
    """Begin without the file's content, which is deleted."""

    def saver(self) -> Saver:
        file = StateFile(self.file)
        if self.fresh:
            file.delete()
        return Saver(file)


class LocalStack:
    """The stack in its own process. Leaving the context stops everything that it started."""

    def __init__(
        self, cdk_out: Path, state: Path, empty: bool, saved: SavedData | None = None
    ) -> None:
        """With `empty`, deploy nothing: another process will. Without `saved`, the data ends with
        the stack."""
        self._cdk_out = cdk_out
        self._empty = empty
        self._saved = saved
        self._state = state.resolve()  # functions run in other folders
        self._cleanup = contextlib.ExitStack()
        self.continued = False
        """Whether the stack has the data of an earlier one."""
        self.taken_port: int | None = None
        """The API's port at the last start, if another program has it now."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        assembly = None if self._empty else read_assembly(self._cdk_out)
        profile = os.environ.get("ROUTE_SWITCH_PROFILE")
        cleanup.enter_context(claim(self._state))
        keep_previous(self._state / "logs", datetime.now())
        self._saver = None if self._saved is None else self._saved.saver()
        if assembly is not None and profile == LOCAL_LLM:
            cleanup.enter_context(running_llm(server_address(assembly), self._state))
        region = DEFAULT_REGION if assembly is None else assembly.region
        last = last_ports(self._state)
        self._cloud = Cloud(region, self._state / "logs" / "moto.log", last.aws)
        cleanup.callback(self._cloud.stop)
        if self._saver is not None:
            cleanup.callback(self._saver.stop)
        self._functions = Functions(
            self._cloud.endpoint, self._state, model_credentials=profile == "bedrock"
        )
        cleanup.callback(self._functions.stop)
        self._front = Front(NO_API, self._invoke, self._cloud.function_log, last.api)
        cleanup.callback(self._front.stop)
        self._keep_ports(last)
        self._functions.api_endpoint = self._front.endpoint
        self._publication = cleanup.enter_context(contextlib.ExitStack())
        denials = self._state / DENIALS
        install(self._cloud, self._functions, self._changed, denials, self._saver)
        if assembly is None:
            self.cloud_info = CloudInfo(self._front.endpoint, self._cloud.endpoint, region)
            cleanup.enter_context(published(self.cloud_info, self._state / CLOUD_FILE))
        else:
            self._publish(deploy(self._cloud, assembly))

    def _keep_ports(self, last: Ports) -> None:
        keep_ports(self._state, Ports(self._front.port, self._cloud.port))
        if last.api not in (ANY, self._front.port):
            self.taken_port = last.api

    def _publish(self, outputs: dict[str, str]) -> None:
        # Do not give the local model's server an OpenAI key.
        if os.environ.get("ROUTE_SWITCH_PROFILE") != LOCAL_LLM:
            fill_provider_secret(self._cloud, outputs)
        self.info = self._describe(outputs)
        self._publication.enter_context(published(self.info, self._state / STACK_FILE))

    def deploy(self) -> None:
        """Deploy the assembly's current content, updating changed resources in place."""
        deploy(self._cloud, read_assembly(self._cdk_out))

    def _changed(self, stack: str) -> None:
        """Serve the changed stack, and publish its addresses if another process deployed it."""
        if stack != STACK_NAME:
            return
        self._front.api = RestApi.from_resources(resolved_resources(self._cloud))
        if self._front.api is NO_API:
            self._publication.close()
        elif self._empty and not (self._state / STACK_FILE).exists():
            self._publish(outputs_of(self._cloud))

    def _invoke(self, arn: str, event: bytes, stream: ResponseStream | None) -> Answer:
        return self._functions.invoke(find_function(arn), event, stream)

    def _describe(self, outputs: dict[str, str]) -> StackInfo:
        missing = [name for name in OUTPUTS if name not in outputs]
        if missing:
            raise LocalStackError(
                f"The stack has no output {', '.join(missing)}. Add it, or synthesize again."
            )
        keys = self._take_keys(outputs["FirstKeysParameter"])
        return StackInfo(
            endpoint=self._front.endpoint,
            api_key=keys["client"],
            admin_key=keys["admin"],
            aws_endpoint=self._cloud.endpoint,
            region=self._cloud.region,
            prompt_parameter=outputs["LivePromptParameter"],
            results_table=outputs["ResultsTable"],
            state_machine=outputs.get("LearningStateMachine", ""),
            learning_bucket=outputs.get("LearningBucket", ""),
            runs_topic=outputs.get("RunsTopic", ""),
        )

    def _take_keys(self, parameter: str) -> dict[str, str]:
        """Return the keys, with the data that the stack continues with, if any, loaded."""
        keys = take_keys(self._cloud, parameter)
        if self._saver is None:
            return keys
        data = StackData(self._cloud)
        known = self._saver.load(data)
        self.continued = known is not None
        self._saver.begin(data, known or keys)
        return known or keys

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()


@contextmanager
def claim(state: Path) -> Iterator[None]:
    """Lock the state folder. Raise if another stack has it. A dead process holds no lock."""
    (state / "logs").mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(
                f"A local stack is already running in {state}. Stop it with Ctrl-C, or use it: its "
                f"address is in {state / STACK_FILE}."
            ) from None
        (state / STACK_FILE).unlink(missing_ok=True)
        yield


@contextmanager
def published(info: StackInfo | CloudInfo, target: Path) -> Iterator[None]:
    """Write the file atomically, and remove it after the block. stack.json contains keys, so only
    the owner can read it."""
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
        json.dump(asdict(info), file, indent=2)
    Path(file.name).rename(target)
    try:
        yield
    finally:
        target.unlink(missing_ok=True)


def take_keys(cloud: Cloud, parameter: str) -> dict[str, str]:
    """Read the first keys and delete their parameter, as owners do after the first deployment."""
    ssm = cloud.client("ssm")
    value = ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
    ssm.delete_parameter(Name=parameter)
    keys: dict[str, str] = json.loads(value)
    return keys


def fill_provider_secret(cloud: Cloud, outputs: dict[str, str]) -> None:
    """Store the caller's OpenAI key in the secret that functions read. It stays in memory."""
    if "ProviderSecret" not in outputs:
        return
    key = os.environ.get("OPENAI_API_KEY")
    of_openai = os.environ.get("ROUTE_SWITCH_PROFILE") == "openai"
    if of_openai and not key and not os.environ.get("OPENAI_BASE_URL"):
        raise LocalStackError(
            "PROFILE=openai needs OPENAI_API_KEY, or OPENAI_BASE_URL of a server that needs no "
            "key. Set one of them."
        )
    if key:
        cloud.client("secretsmanager").put_secret_value(
            SecretId=outputs["ProviderSecret"], SecretString=json.dumps({"OPENAI_API_KEY": key})
        )
