"""Images that the local stack builds from Dockerfiles, and instructions that it rejects."""

from pathlib import Path

import pytest

from local.aws.errors import LocalStackError
from local.aws.functions import own_address, own_tmp
from local.aws.image import Image, build

DOCKERFILE = r"""# A comment.
ARG PYTHON_VERSION
FROM public.ecr.aws/lambda/python:${PYTHON_VERSION}
ENV A=1 \
    B="two words"
COPY app/lock.txt ${LAMBDA_TASK_ROOT}/
RUN pip install --target . \
    -r lock.txt && rm -rf cache
COPY shared/small ${LAMBDA_TASK_ROOT}/small/
COPY app/handler.py ${LAMBDA_TASK_ROOT}/
CMD ["handler.handle"]
"""
SOURCE = {
    "dockerFile": "app/Dockerfile",
    "dockerBuildArgs": {"PYTHON_VERSION": "3.14"},
    "platform": "linux/arm64",
}


def build_from(folder: Path, dockerfile: str = DOCKERFILE) -> Image:
    files = {
        "app/Dockerfile": dockerfile,
        "app/lock.txt": "",
        "app/handler.py": "import small",
        "shared/small/__init__.py": "",
        "shared/small/data.txt": "data",
    }
    for name, content in files.items():
        target = folder / "asset.1" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    return build(folder / "asset.1", SOURCE, folder)


def test_copied_code_is_compiled_in_its_target_folder(tmp_path: Path) -> None:
    root = build_from(tmp_path).root
    files = {str(file.relative_to(root)) for file in root.rglob("*.[pt][yx]*") if file.is_file()}
    own = {"handler.py", "lock.txt", "small/__init__.py", "small/data.txt"}
    assert {name for name in files if not name.endswith(".pyc")} == own
    assert list(root.glob("__pycache__/handler.*.pyc"))


def test_the_image_defines_handler_and_environment(tmp_path: Path) -> None:
    image = build_from(tmp_path)
    assert image.handler == "handler.handle"
    assert image.variables == {"A": "1", "B": "two words"}
    assert image.requirements == image.root / "lock.txt"
    assert (image.python, image.architecture) == ("3.14", "arm64")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("WORKDIR /elsewhere", "does not support WORKDIR"),
        ("COPY app/handler.py /elsewhere/", "COPY only with one source"),
        ("COPY --from=other app ${LAMBDA_TASK_ROOT}/", "COPY only with one source"),
        ("RUN pip install -r more.txt", "one `pip install"),
    ],
)
def test_unsupported_instructions_are_rejected(line: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match=problem):
        build_from(tmp_path, f"{DOCKERFILE}{line}\n")


def test_packages_without_a_hash_are_rejected(tmp_path: Path) -> None:
    image = build_from(tmp_path)
    image.requirements.write_text("httpx==0.28.1\n")
    with pytest.raises(LocalStackError, match="hash"):
        image.packages()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/tmp/dspy", "/scratch/dspy"), ("/tmpfs", "/tmpfs"), ("s3://x/tmp/y", "s3://x/tmp/y")],  # noqa: S108
)
def test_paths_in_tmp_are_private_to_an_environment(value: str, expected: str) -> None:
    assert own_tmp(value, Path("/scratch")) == expected


def test_functions_get_the_apis_address_on_this_machine() -> None:
    there = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/local/console"
    assert own_address(there, "http://127.0.0.1:8080") == "http://127.0.0.1:8080/console"
    assert own_address(there, "") == there
    assert own_address("s3://x", "http://127.0.0.1:8080") == "s3://x"
