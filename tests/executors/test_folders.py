import os
from pathlib import Path

import pytest

from enas_inr.executors.folders import FOLDER_VARIABLE, cache_folder, is_private, make_private


def test_a_private_folder_is_closed_to_others_and_those_above_are_not(tmp_path):
    folder = tmp_path / "cache" / "states"
    before = os.umask(0o022)
    try:
        make_private(folder)
        make_private(folder)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o755
    assert is_private(folder)
    folder.chmod(0o710)
    assert not is_private(folder)
    make_private(folder)  # leaves what is there
    assert not is_private(folder)


def test_a_link_is_not_private(tmp_path):
    make_private(tmp_path / "folder")
    (tmp_path / "link").symlink_to("folder")
    assert not is_private(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        is_private(tmp_path / "none")


def test_the_folder_of_caches_is_that_of_the_environment(monkeypatch):
    for value, folder in (("/tmp/x", Path("/tmp/x")), ("", None)):
        monkeypatch.setenv(FOLDER_VARIABLE, value)
        assert cache_folder() == folder
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/u/caches")
    assert cache_folder() == Path("/home/u/caches/enas-inr")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/u")
    assert cache_folder() == Path("/home/u/.cache/enas-inr")
