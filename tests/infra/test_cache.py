"""Folders that are made once, no matter how many processes need them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest

from infra.cache import built_once


def test_a_second_builder_of_a_folder_waits_for_the_first(tmp_path: Path) -> None:
    both_build = Barrier(2)
    built = []

    def build(target: Path) -> None:
        built.append(target)
        target.mkdir()
        with pytest.raises(BrokenBarrierError):
            both_build.wait(0.2)
        (target / "content").touch()

    with ThreadPoolExecutor(2) as pool:
        folders = set(pool.map(lambda _: built_once(tmp_path / "all/one", build), range(2)))
    assert len(built) == 1
    assert folders == {tmp_path / "all/one"}
    assert (tmp_path / "all/one/content").exists()


def test_a_build_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        target.mkdir()
        raise ValueError("half made")

    with pytest.raises(ValueError, match="half made"):
        built_once(tmp_path / "all/one", fail)
    assert list((tmp_path / "all").iterdir()) == []
    built_once(tmp_path / "all/one", Path.mkdir)
    assert (tmp_path / "all/one").is_dir()
