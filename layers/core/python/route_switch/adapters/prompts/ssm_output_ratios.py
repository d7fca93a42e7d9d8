"""The measured output ratios, in a parameter of their own.

They are not part of the prompt: a run that finds no better prompt has measured them all the same,
and a rollback or a hand-written prompt must not lose them. The router reads both in one call.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.ssm import output_ratios_parameter
from route_switch.domain.errors import StoreError
from route_switch.domain.output_ratio import MeasuredRatio, OutputRatios

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmOutputRatios:
    def __init__(self, ssm: "SSMClient", live_parameter: str) -> None:
        self._ssm = ssm
        self._name = output_ratios_parameter(live_parameter)

    def keep(self, measured: Sequence[MeasuredRatio]) -> None:
        """Replace the ratios of these models; keep those of others. Raise `StoreError`.

        The last write wins: the next run measures again.
        """
        if not measured:
            return
        try:
            ratios = self._read().updated(measured)
            self._ssm.put_parameter(
                Name=self._name,
                Description="Output ratios that learning measured. Savings are estimated with them",
                Value=ratios.to_json(),
                Type="String",
                Overwrite=True,
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"The output ratios cannot be kept: {error}") from error

    def _read(self) -> OutputRatios:
        try:
            value = self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"]
            return OutputRatios.from_json(value)
        except (self._ssm.exceptions.ParameterNotFound, ValueError):
            return OutputRatios()
