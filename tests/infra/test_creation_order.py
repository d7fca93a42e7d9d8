"""CloudFormation can order the creation of a stack's resources."""

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest
from pydantic import JsonValue

from tests.infra.conftest import Synthesized

IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)")
"""A resource in the text of `Fn::Sub`."""


@pytest.mark.parametrize("stage", ["local", "prod"])
def test_no_resource_waits_for_itself(stage: str, request: pytest.FixtureRequest) -> None:
    """CloudFormation refuses a template with a cycle; synthesis does not notice one."""
    synthesized: Synthesized = request.getfixturevalue(stage)
    resources = synthesized.template["Resources"]
    needed = {
        name: set(named_in(resource)) & resources.keys() for name, resource in resources.items()
    }
    order = [*TopologicalSorter(needed).static_order()]
    assert len(order) == len(resources)


def test_a_cycle_is_found() -> None:
    one: JsonValue = {"A": {"Ref": "b"}}
    other: JsonValue = {"B": {"Fn::Sub": "x${a.Arn}"}}
    assert [*named_in(one), *named_in(other)] == ["b", "a"]


def named_in(part: JsonValue) -> Iterator[str]:
    """Yield what this part of a template refers to: resources, parameters and variables."""
    if isinstance(part, list):
        for each in part:
            yield from named_in(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from named_by(name, value)


def named_by(name: str, value: JsonValue) -> Iterator[str]:
    match name, value:
        case "Ref", str():
            yield value
        case "DependsOn", str():
            yield value
        case "DependsOn", list():
            yield from map(str, value)
        case "Fn::GetAtt", [str() as resource, *_]:
            yield resource
        case "Fn::Sub", str():
            yield from IN_TEXT.findall(value)
        case "Fn::Sub", [str() as text, variables]:
            yield from IN_TEXT.findall(text)
            yield from named_in(variables)
        case _:
            yield from named_in(value)
