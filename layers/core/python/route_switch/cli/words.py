"""The command line's names of settings and actions."""

from pydantic import JsonValue

from route_switch.domain.operations.words import Words


def _option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _with_value(setting: str, value: JsonValue) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{_option(setting)} {text}"


CLI_WORDS = Words(
    setting=_option,
    example=_with_value,
    create_key="'keys create'",
    list_keys="'route-switch keys list'",
    list_runs="'route-switch runs'",
    publish="'route-switch prompt promote'",
    turn_learning_on="'route-switch switch learning on'",
    force=", or add --force",
)
