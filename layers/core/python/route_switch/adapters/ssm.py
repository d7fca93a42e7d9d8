"""The routing prompt and the switches in SSM Parameter Store."""

from datetime import UTC
from typing import TYPE_CHECKING

from pydantic import ValidationError

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.ports import StoredPrompt, StoredVersion
from route_switch.domain.router_config import describe
from route_switch.domain.switches import Switches

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmPromptStore:
    """`live` is written at run time, and its newest version is served. `seed` belongs to the
    stack."""

    def __init__(self, ssm: "SSMClient", live_parameter: str, seed_parameter: str) -> None:
        self._ssm = ssm
        self._live = live_parameter
        self._seed = seed_parameter

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        return self._read(self._live if version is None else f"{self._live}:{version}")

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
    """One parameter, created when the first switch is set. Until then all switches have their
    defaults."""

    def __init__(self, ssm: "SSMClient", name: str) -> None:
        self._ssm = ssm
        self._name = name

    def read(self) -> Switches:
        """Raise `ConfigurationError` when the parameter has any other content."""
        try:
            value = self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
        except self._ssm.exceptions.ParameterNotFound:
            return Switches()
        try:
            return Switches.model_validate_json(value)
        except ValidationError as error:
            raise ConfigurationError(
                f"The parameter {self._name} does not contain valid switches: {describe(error)}. "
                "To rewrite all of them, set any switch with 'route-switch switch'."
            ) from error

    def write(self, switches: Switches) -> None:
        """The last write wins."""
        self._ssm.put_parameter(
            Name=self._name,
            Description="Switches of route-switch. Set them with 'route-switch switch'.",
            Value=switches.model_dump_json(),
            Type="String",
            Overwrite=True,
        )
