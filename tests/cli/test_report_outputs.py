"""A report stays in its folder, asks before it overwrites, and never overwrites what it reads."""

from pathlib import Path

import optuna
import pytest

from enas_inr.errors import ExitCode
from tests.command_line import assert_one_line, call

SEARCH = "search sample:chord --grid 2 --widths 4 --depths 1 --steps 2 --repeats 1 -q"


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    """A storage with a study of the name `../up`."""
    file = tmp_path_factory.mktemp("storage") / "s.db"
    found = call(f"{SEARCH} --storage {file} --json")
    assert found.code == 0, found.err
    optuna.copy_study(
        from_study_name=found.json["study"],
        from_storage=f"sqlite:///{file}",
        to_storage=f"sqlite:///{file}",
        to_study_name="../up",
    )
    return file


@pytest.fixture
def inside(tmp_path, monkeypatch):
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_page_of_a_study_stays_in_the_folder_and_asks_for_force(storage, inside):
    line = f"report ../up --storage {storage}"
    outcome = call(line)
    assert outcome.code == 0, outcome.err
    assert [path.name for path in inside.parent.iterdir()] == ["inside"]
    assert [path.name for path in inside.iterdir()] == ["up.html"]
    Path("up.html").write_text("mine")
    assert_one_line(call(line), ExitCode.MODEL)
    assert Path("up.html").read_text() == "mine"
    assert call(f"{line} --force").code == 0
    assert "<html" in Path("up.html").read_text()


def test_figures_ask_for_force(storage, inside):
    line = f"report ../up --storage {storage} --format csv --figures f"
    assert call(line).code == 0
    drawn = next(Path("f").glob("*.svg"))
    drawn.write_text("mine")
    outcome = call(line)
    assert_one_line(outcome, ExitCode.MODEL)
    assert "exists already" in outcome.err
    assert drawn.read_text() == "mine"
    assert call(f"{line} --force").code == 0
    assert "<svg" in drawn.read_text()


def test_the_storage_is_never_overwritten(storage, inside):
    Path("link.html").symlink_to(storage)
    before = storage.read_bytes()
    for output in (storage, "link.html"):
        outcome = call(f"report ../up --storage {storage} -o {output} --format html --force")
        assert_one_line(outcome, ExitCode.USAGE)
        assert "is read, and would be overwritten by the report" in outcome.err
    assert storage.read_bytes() == before


def test_a_report_goes_to_the_standard_output(storage, inside):
    outcome = call(f"report ../up --storage {storage} -o - --format csv")
    assert outcome.out == call(f"report ../up --storage {storage} --format csv").out
    assert "width" in outcome.out.splitlines()[0]
    assert list(inside.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("-o missing/r.html", "there is no folder"),
        ("--figures file", "folder 'file' cannot be written"),
        ("-o .  --format csv", "is a directory"),
    ],
)
def test_outputs_are_checked_before_the_study_is_read(storage, inside, options, reason):
    Path("file").touch()
    outcome = call(f"report nothing --storage {storage} {options}")
    assert_one_line(outcome, ExitCode.SIGNAL)
    assert reason in outcome.err
