"""Study files that come with the package are found by their names, from any folder."""

import tomllib
from pathlib import Path

import pytest

from enas_inr.errors import SpecError
from enas_inr.studies.file import load_study_file
from enas_inr.studies.shipped import find_study_file, shipped_folder, shipped_studies
from tests.command_line import assert_one_line, call

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_wheel_gets_every_study_file_of_the_repository():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = data["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    names = [path.name for path in sorted(ROOT.glob("studies/*.toml"))]
    assert included == {f"studies/{name}": f"enas_inr/study_files/{name}" for name in names}


@pytest.mark.parametrize(
    "given", ["table1_image", "table1_image.toml", "studies/table1_image.toml"]
)
def test_a_name_and_the_path_of_the_repository_are_found_anywhere(given):
    found = find_study_file(given)
    assert found.parent == shipped_folder()
    assert load_study_file(found).name == "table1_image"


def test_a_file_of_ones_own_comes_first(elsewhere):
    own = elsewhere / "studies" / "table1_image.toml"
    own.parent.mkdir()
    own.write_text("")
    assert find_study_file("studies/table1_image.toml").resolve() == own
    assert find_study_file("table1_image").parent == shipped_folder()


def test_a_misspelt_name_names_the_nearest():
    with pytest.raises(SpecError, match="did you mean 'table1_image'"):
        find_study_file("table1_imag")
    assert_one_line(call("study run table1_imag"), 2)


def test_what_is_listed_without_a_folder(elsewhere):
    names = [one["name"] for one in call("study list --json").json["studies"]]
    assert names == list(shipped_studies())
    (elsewhere / "studies").mkdir()
    (elsewhere / "studies" / "own.toml").write_text(
        'title = "t"\nsignals = ["sample:photo"]\n'
        '[[searches]]\nname = "a"\ngrids = [2]\n[[searches]]\nname = "b"\ngrids = [2, 4]\n'
    )
    listed = call("study list --json").json["studies"]
    assert [one["name"] for one in listed] == [*names, "studies/own.toml"]
    assert [one["name"] for one in call("study list studies --json").json["studies"]] == [
        "studies/own.toml"
    ]
    assert "3 searches" in call("study list studies").out
    assert " 1 searches" not in call("study list").out


def test_a_study_is_checked_by_its_name():
    assert "table2_audio is valid" in call("study validate table2_audio --quick").out
