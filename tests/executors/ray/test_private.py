"""What others on the machine could read or prepare for a search with Ray."""

import os
import subprocess
import sys
import tempfile

import pytest

from enas_inr.errors import TrainingError
from enas_inr.executors.ray.surroundings import without_credentials
from enas_inr.studies.location import VARIABLE

pytest.importorskip("ray")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    from enas_inr.executors.ray.tuner import trials_folder

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = trials_folder("search")
    assert made.parent == tmp_path
    assert made.stat().st_mode & 0o777 == 0o700
    assert trials_folder("search") == made != trials_folder("other")
    return made


def prepare(folder, how):
    if how == "open to others":
        folder.chmod(0o777)
        return
    folder.rmdir()
    if how == "a link":
        (folder.parent / "target").mkdir(mode=0o700)
        folder.symlink_to(folder.parent / "target")
    else:
        if os.getuid() != 0:
            pytest.skip("only root can make a folder of somebody else")
        folder.mkdir(mode=0o700)
        os.chown(folder, 65534, 65534)


@pytest.mark.parametrize("how", ["open to others", "a link", "of somebody else"])
def test_a_folder_that_others_may_have_prepared_is_refused(folder, how):
    from enas_inr.executors.ray.tuner import trials_folder

    prepare(folder, how)
    with pytest.raises(TrainingError, match=f"{folder} .* is not this user's own; remove it"):
        trials_folder("search")


def test_what_ray_starts_does_not_inherit_passwords(monkeypatch):
    names = (VARIABLE, "PGPASSWORD", "MYSQL_PWD")
    for name in names[:2]:
        monkeypatch.setenv(name, "SECRET")
    monkeypatch.delenv(names[2], raising=False)
    with without_credentials():
        script = "import os; print(*os.environ.values())"
        shown = subprocess.check_output([sys.executable, "-c", script], text=True)
        assert "SECRET" not in shown
    assert [os.environ.get(name) for name in names] == ["SECRET", "SECRET", None]
