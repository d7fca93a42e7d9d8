"""Correct versions and layers of functions in moto's Lambda: see `install`."""

import copy
from typing import Any

from moto.awslambda.models import LambdaFunction, LambdaStorage, lambda_backends

from local.aws.archives import Archive


def install() -> None:
    LambdaStorage.publish_version = publish_version
    keep_layers()


def publish_version(storage: Any, name_or_arn: str, description: str = "") -> Any:
    """Publish a copy of the function in its current state.

    moto reuses the number of a deleted version, and updating the function changes the code
    location of its published versions.
    """
    latest = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    family = storage._functions[latest.function_name]
    family["published"] = number = family.get("published", 0) + 1
    version = copy.copy(latest)
    version.set_version(number)
    version.code, version.description = dict(latest.code), description or latest.description
    family["versions"].append(version)
    storage._arns[version.function_arn] = version
    return version


def keep_layers() -> None:
    """Keep a function's layers in `layer_archives`, even after they are deleted."""
    get_layers_data = LambdaFunction._get_layers_data

    def get_and_keep(function: Any, arns: list[str]) -> Any:
        data = get_layers_data(function, arns)
        backend = lambda_backends[function.account_id][function.region]
        layers = (backend.layers_versions_by_arn(arn) for arn in arns)
        function.layer_archives = tuple(
            Archive(layer.code_digest, layer.code_bytes) for layer in layers
        )
        return data

    LambdaFunction._get_layers_data = get_and_keep
