"""Validate requests against the service model of Bedrock's `converse`."""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

from route_switch.adapters.models.bedrock_request import converse_request
from route_switch.domain.ports import JsonObject, ModelCall

MODEL = "us.amazon.nova-lite-v1:0"


def sent(*messages: JsonObject, **params: Any) -> Any:
    """Return the request that is sent to Bedrock, which must match the service model."""
    return sent_to(MODEL, *messages, **params)


def sent_to(model: str, *messages: JsonObject, **params: Any) -> Any:
    return validated(converse_request(ModelCall(model, messages, params)))


def validated(request: Any) -> Any:
    """Return the request, which must match the service model."""
    shape = _request_shape()
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    _assert_allowed(request, shape, "request")
    return request


@cache
def _request_shape() -> Shape:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model("Converse").input_shape
    assert shape is not None
    return shape


def _assert_allowed(value: Any, shape: Any, place: str) -> None:
    """Check what botocore leaves to the service: patterns, maximum lengths and enumerations."""
    if shape.type_name == "structure" and not shape.is_document_type:
        for name, member in value.items():
            _assert_allowed(member, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            _assert_allowed(item, shape.member, f"{place}[{index}]")
    elif shape.type_name == "string":
        rules = shape.metadata
        assert value in rules.get("enum", [value]), place
        assert re.fullmatch(rules.get("pattern", ".*"), value, re.DOTALL), place
        assert len(value) <= rules.get("max", len(value)), place
