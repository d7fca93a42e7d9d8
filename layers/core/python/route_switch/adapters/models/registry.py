"""Model clients, by the part of a model's name before the first slash.

A client is imported and built when it is first needed. LiteLLM serves every provider that has no
row here.
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, cast

from route_switch.adapters.models.fitting_client import FittingClient
from route_switch.adapters.models.rotated_keys import RotatedKeyClient
from route_switch.domain.ports import ModelClient
from route_switch.domain.router_config import RouterConfig

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

MAX_CONNECTIONS = 64
"""Connections that a client keeps: at least as many as a request or learning has calls at once."""

ProviderKeys = Callable[[str], str | None]
"""Returns a provider's key by its usual name, such as `OPENAI_API_KEY`."""


def _openai(config: RouterConfig, keys: ProviderKeys) -> ModelClient:
    from route_switch.adapters.models.openai_compatible import OpenAiCompatibleClient

    return OpenAiCompatibleClient(config.openai_base_url, lambda: keys("OPENAI_API_KEY"))


def _bedrock(config: RouterConfig, _: ProviderKeys) -> ModelClient:
    import botocore.session
    from botocore.config import Config

    from route_switch.adapters.fresh_connections import keep_fresh
    from route_switch.adapters.models.bedrock import BedrockClient
    from route_switch.adapters.models.botocore_deadlines import with_deadlines

    settings = Config(
        connect_timeout=3,
        read_timeout=config.request_deadline_s,
        retries={"total_max_attempts": 1},
        max_pool_connections=MAX_CONNECTIONS,
        tcp_keepalive=True,
    )
    session = botocore.session.get_session()
    client = session.create_client(
        "bedrock-runtime", region_name=config.bedrock_region, config=settings
    )
    return BedrockClient(
        cast("BedrockRuntimeClient", keep_fresh(with_deadlines(client))),
        lambda model: config.models.capabilities_of(f"bedrock/{model}"),
    )


def _offline(config: RouterConfig, _: ProviderKeys) -> ModelClient:
    from route_switch.adapters.models.offline import OfflineClient

    return OfflineClient(config.offline_answer_s)


def _local(_: RouterConfig, __: ProviderKeys) -> ModelClient:
    from route_switch.adapters.models.encoder import EncoderClient

    return EncoderClient()


FACTORIES: dict[str, Callable[[RouterConfig, ProviderKeys], ModelClient]] = {
    "bedrock": _bedrock,
    "local": _local,
    "offline": _offline,
    "openai": _openai,
}
WITHOUT_KEYS = frozenset({"bedrock", "local", "offline"})


class ModelClients:
    """Clients by provider, each built once."""

    def __init__(
        self,
        config: RouterConfig,
        keys: ProviderKeys,
        renew_keys: Callable[[], None] | None = None,
    ) -> None:
        """`renew_keys` has the keys read again, for a provider that rejects the one that it got."""
        self._config = config
        self._keys = keys
        self._renew_keys = renew_keys
        self._made: dict[str, ModelClient] = {}
        self._making = Lock()

    def __call__(self, provider: str) -> ModelClient:
        with self._making:  # threads that ask at the same time share one client
            if provider not in self._made:
                self._made[provider] = self._make(provider)
            return self._made[provider]

    def _make(self, provider: str) -> ModelClient:
        config, factory = self._config, FACTORIES.get(provider)

        def key() -> str | None:
            return self._keys(f"{provider.upper()}_API_KEY")

        client = factory(config, self._keys) if factory else _litellm(provider, key)
        fitting = FittingClient(client, provider, config.models.capabilities, config.cache_points)
        if provider in WITHOUT_KEYS or self._renew_keys is None:
            return fitting
        # It reads the key first: until then, nothing was sent.
        return RotatedKeyClient(fitting, key, self._renew_keys)


def _litellm(provider: str, key: Callable[[], str | None]) -> ModelClient:
    from route_switch.adapters.models.litellm_client import LiteLlmClient

    return LiteLlmClient(provider, key)
