import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from enas_inr.studies.location import Storage
from enas_inr.studies.locks import HeldError, LockFile
from enas_inr.studies.ownership import lock_path
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.sharing import share_like
from enas_inr.studies.store import Store
from tests.present import present
from tests.studies.stored import SPEC, complete, refused

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


@pytest.fixture
def shared(tmp_path, database):
    """A database that all users of the machine may write."""
    path = tmp_path / "runs.db"
    path.chmod(0o666)
    return path


@contextmanager
def other_user():
    """Act as another user, who may do no more than anybody."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_lock_has_the_mode_and_the_group_of_the_database(shared):
    with Store("s", SPEC, str(shared)):
        pass
    lock = present(lock_path(Storage(str(shared)), "s"))
    assert mode(lock) == 0o666
    shared.chmod(0o660)
    if os.geteuid() == 0:
        os.chown(shared, -1, NOBODY)
    with Store("s", SPEC, str(shared)):
        pass
    assert mode(lock) == 0o660
    assert lock.stat().st_gid == shared.stat().st_gid


def test_the_folder_of_pictures_can_be_written_by_whoever_can_write_the_database(shared):
    from enas_inr.studies.pictures import folder_beside, make_folder

    for of_file, of_folder in ((0o666, 0o777), (0o664, 0o775), (0o600, 0o700)):
        shared.chmod(of_file)
        folder = folder_beside(shared)
        make_folder(folder)
        assert mode(folder) == of_folder
        folder.rmdir()


def test_a_mode_is_not_given_to_another_group(tmp_path, monkeypatch):
    file, folder = tmp_path / "runs.db", tmp_path / "runs.db.artifacts"
    file.touch()
    file.chmod(0o666)
    folder.mkdir(mode=0o700)
    stranger = file.stat().st_gid + 1

    def refuse(*args):
        raise PermissionError

    seen = os.stat_result([*file.stat()[:5], stranger, *file.stat()[6:10]])
    monkeypatch.setattr("enas_inr.studies.sharing.os.chown", refuse)
    monkeypatch.setattr(Path, "stat", lambda self: seen)
    share_like(folder, file)
    assert os.stat(folder).st_mode & 0o777 == 0o700


def test_another_user_goes_on_with_a_study_and_reads_it(shared):
    with Store("s", SPEC, str(shared)) as store:
        store.add(complete(0))
    # Where other users can pass, unlike the folders of pytest.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o777)
        database = Path(shutil.copy(shared, folder))
        lock = present(lock_path(Storage(str(database)), "s"))
        lock.touch(0o644)  # of an earlier version, which belongs to the first user
        lock.chmod(0o644)
        database.chmod(0o666)
        with other_user():
            with Store("s", SPEC, str(database)) as store:
                store.add(complete(1, width=8))
                assert "is in use by another process" in refused("s", SPEC, str(database))
            database_is_read = read_study("s", str(database))
        assert database_is_read == (SPEC, [complete(0), complete(1, width=8)])
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_readers_need_no_lock_and_write_nothing(tmp_path, database, kind):
    storage = database if kind == "sqlite" else f"journal:{tmp_path}/runs.log"
    with Store("s", SPEC, storage) as store:
        store.add(complete(0))
    for file in tmp_path.glob(".*.lock"):
        file.unlink()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / f".{present(Storage(storage).file).name}.lock").symlink_to("elsewhere")
    with Store("other", SPEC, storage):
        assert read_study("s", storage) == (SPEC, [complete(0)])
        assert find_pictures("s", storage) == ({}, {})
    assert {path: path.read_bytes() for path in before}.keys() == before.keys()
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_in_the_place_of_a_lock_is_refused(tmp_path, database):
    lock = present(lock_path(Storage(database), "s"))
    lock.symlink_to(tmp_path / "target")
    message = refused("s", SPEC, database)
    assert f"the lock {lock} is a symbolic link; remove it" in message
    assert not (tmp_path / "target").exists()
    lock.unlink()
    os.mkfifo(lock)
    assert f"the lock {lock} is not a regular file" in refused("s", SPEC, database)


def test_a_lock_that_was_removed_is_not_the_lock_any_more(tmp_path):
    path = tmp_path / "lock"
    first, second = LockFile(path, tmp_path / "file"), LockFile(path, tmp_path / "file")
    with first:
        with pytest.raises(HeldError):
            second.acquire()
        path.unlink()
        with second, pytest.raises(HeldError):
            LockFile(path, tmp_path / "file").acquire()
    with first:
        pass


def test_a_folder_that_cannot_be_written_is_the_reason_that_is_said(shared):
    if os.geteuid() == 0:
        folder = Path(tempfile.mkdtemp())
        folder.chmod(0o755)
        with other_user():
            message = refused("s", SPEC, str(folder / "new.db"))
        folder.rmdir()
    else:
        shared.parent.chmod(0o555)
        message = refused("s", SPEC, str(shared))
        shared.parent.chmod(0o755)
    assert "cannot be used: [Errno 13] Permission denied: " in message


def test_nothing_is_written_to_the_folder_of_temporary_files(tmp_path, database, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for storage in (database, f"journal:{tmp_path}/runs.log", "sqlite:///:memory:"):
        with Store("s", SPEC, storage) as store:
            store.add(complete(0))
    assert os.listdir(folder) == []
