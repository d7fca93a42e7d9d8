import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import chromium
from tests.support.chromium import INSTALL, UPDATE, NoChromiumError, install_if_missing


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What is run to install Chromium on a machine of root's that has none."""
    run: list[tuple[str, ...]] = []
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "DEBIANS", str(tmp_path / "chromium"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: run.append(command))
    return run


def test_a_chromium_that_exists_is_used(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own").touch()
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "own"))
    install_if_missing()
    assert chromium.executable() == tmp_path / "own"
    assert commands == []


def test_root_installs_a_missing_chromium(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(command: tuple[str, ...], **_: object) -> None:
        commands.append(command)
        if command == INSTALL:
            chromium.executable().touch()

    monkeypatch.setattr(subprocess, "run", install)
    install_if_missing()
    assert commands == [UPDATE, INSTALL]


def test_a_chromium_that_cannot_be_installed_is_an_error(
    commands: list[tuple[str, ...]],
) -> None:
    with pytest.raises(
        NoChromiumError, match=r"apt-get could not install it\. Install the package"
    ):
        install_if_missing()
    assert commands == [UPDATE, INSTALL]


def test_without_the_right_to_install_chromium_nothing_is_tried(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoChromiumError, match="only root can install it"):
        install_if_missing()
    assert commands == []


def test_a_wrong_path_of_chromium_is_an_error(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(NoChromiumError, match=r"CHROMIUM names .*none, which is no file"):
        install_if_missing()
    assert commands == []
