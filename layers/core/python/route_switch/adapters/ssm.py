"""The routing prompt and the switches in SSM Parameter Store."""

import time
from collections.abc import Callable
from datetime import UTC
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import ValidationError

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.ports import StoredPrompt, StoredVersion
from route_switch.domain.router_config import describe
from route_switch.domain.switches import Switches

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterTypeDef


FRESH_S = 1.0


def output_ratios_parameter(live_parameter: str) -> str:
    """Return the name of the parameter with the measured ratios: `/route-switch/prod/prompt/live`
    has `/route-switch/prod/output-ratios`."""
    return f"{live_parameter.rpartition('/')[0].rpartition('/')[0]}/output-ratios"


class ParametersReadTogether:
    """Several parameters in one call, for values that are needed at the same time: Parameter Store
    allows 40 calls a second in an account and region.

    What a call finds for the other names, or its error, is handed out to each of them once, and
    only for `FRESH_S`.
    """

    def __init__(
        self, ssm: "SSMClient", *names: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ssm = ssm
        self._names = names
        self._clock = clock
        self._one_at_a_time = Lock()
        self._read_at = 0.0
        self._unread: dict[str, ParameterTypeDef | Exception | None] = {}

    def read(self, name: str) -> "ParameterTypeDef | None":
        """Return None if there is no such parameter."""
        with self._one_at_a_time:
            if name not in self._unread or self._clock() - self._read_at >= FRESH_S:
                self._unread = self._read_all()
                self._read_at = self._clock()
            found = self._unread.pop(name)
        if isinstance(found, Exception):
            raise found
        return found

    def _read_all(self) -> "dict[str, ParameterTypeDef | Exception | None]":
        try:
            answer = self._ssm.get_parameters(Names=list(self._names))
        except Exception as error:  # noqa: BLE001, RUF100 (raised for each name)
            return dict.fromkeys(self._names, error)
        found = {parameter["Name"]: parameter for parameter in answer["Parameters"]}
        return {name: found.get(name) for name in self._names}


class SsmPromptStore:
    """`live` is written at run time, and its newest version is served. `seed` belongs to the
    stack."""

    def __init__(
        self,
        ssm: "SSMClient",
        live_parameter: str,
        seed_parameter: str,
        together: ParametersReadTogether | None = None,
    ) -> None:
        """`together`, if given, reads the newest live prompt, and the measured output ratios."""
        self._ssm = ssm
        self._live = live_parameter
        self._seed = seed_parameter
        self._together = together

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        if version is not None:
            return self._read(f"{self._live}:{version}")
        if self._together is None:
            return self._read(self._live)
        found = self._together.read(self._live)
        if found is None:
            return None
        ratios = self._together.read(output_ratios_parameter(self._live))
        return StoredPrompt(
            found["Value"], found["Version"], None if ratios is None else ratios["Value"]
        )

    def read_seed(self) -> StoredPrompt | None:
        return self._read(self._seed)

    def put_live(self, document: str) -> int:
        answer = self._ssm.put_parameter(
            Name=self._live,
            Description="Live routing prompt of route-switch. The newest version is served.",
            Value=document,
            Type="String",
            Overwrite=True,
            Tier="Intelligent-Tiering",
        )
        return answer["Version"]

    def versions(self) -> tuple[StoredVersion, ...]:
        """Parameter Store keeps the newest 100."""
        pages = self._ssm.get_paginator("get_parameter_history").paginate(Name=self._live)
        try:
            kept = [entry for page in pages for entry in page["Parameters"]]
        except self._ssm.exceptions.ParameterNotFound:
            return ()
        versions = (
            StoredVersion(
                document=entry["Value"],
                version=entry["Version"],
                written_at=entry["LastModifiedDate"].astimezone(UTC),
                written_by=entry["LastModifiedUser"],
            )
            for entry in kept
        )
        return tuple(sorted(versions, key=lambda kept: kept.version))

    def _read(self, name: str) -> StoredPrompt | None:
        try:
            parameter = self._ssm.get_parameter(Name=name)["Parameter"]
        except (
            self._ssm.exceptions.ParameterNotFound,
            self._ssm.exceptions.ParameterVersionNotFound,
        ):
            return None
        return StoredPrompt(parameter["Value"], parameter["Version"])


class SsmSwitchStore:
    """One parameter, created at run time: on the first deployment of a stage that starts in shadow,
    or when the first switch is set. Until then all switches have their defaults."""

    def __init__(
        self, ssm: "SSMClient", name: str, together: ParametersReadTogether | None = None
    ) -> None:
        """`together`, if given, reads the switches."""
        self._ssm = ssm
        self._name = name
        self._together = together

    def read(self) -> Switches:
        """Raise `ConfigurationError` when the parameter has any other content."""
        value = self._value()
        if value is None:
            return Switches()
        try:
            return Switches.model_validate_json(value)
        except ValidationError as error:
            raise ConfigurationError(
                f"The parameter {self._name} does not contain valid switches: {describe(error)}. "
                "To rewrite all of them, set any switch with 'route-switch switch'."
            ) from error

    def _value(self) -> str | None:
        if self._together is not None:
            found = self._together.read(self._name)
            return None if found is None else found["Value"]
        try:
            return self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self._ssm.exceptions.ParameterNotFound:
            return None

    def write(self, switches: Switches) -> None:
        """The last write wins."""
        self._put(switches, overwrite=True)

    def create(self, switches: Switches) -> bool:
        """Write the switches unless there are any. Return whether they were written."""
        try:
            self._put(switches, overwrite=False)
        except self._ssm.exceptions.ParameterAlreadyExists:
            return False
        return True

    def _put(self, switches: Switches, *, overwrite: bool) -> None:
        self._ssm.put_parameter(
            Name=self._name,
            Description="Switches of route-switch. Set them with 'route-switch switch'.",
            Value=switches.model_dump_json(by_alias=True),
            Type="String",
            Overwrite=overwrite,
        )
