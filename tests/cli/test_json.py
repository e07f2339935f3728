"""Every command with --json prints one strict JSON object with the version of its form."""

import pytest
import typer

from enas_inr.cli.app import app
from tests.command_line import call, strict_json

FIT = "--grid 2 --width 4 --depth 1 --steps 2 --quiet"


def strict(outcome):
    assert outcome.code == 0, outcome.err
    assert outcome.out.isascii()
    values = strict_json(outcome.out)
    assert next(iter(values)) == "schema"
    assert values["schema"] == 1
    return values


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("json")
    (folder / "s.toml").write_text(
        'title = "t"\nsize = "8"\nrepeats = 1\nsteps = 2\n'
        '[[searches]]\nname = "a"\nrows = [{name = "r", grid = 2, depth = 1, width = 4}]\n'
    )
    for name in ("a", "b"):
        line = f"fit sample:photo --size 8 {FIT} -o {folder}/{name}.inr"
        strict(call(f"{line} --json"))
    strict(call(f"archive {folder} -o {folder}/m.inrs --json"))
    sizes = "--size 8 --grid 2 --widths 4,8 --depths 1 --steps 2 --repeats 1"
    line = f"search sample:photo {sizes} -q --storage {folder}/s.db"
    strict(call(f"{line} --study s --json"))
    return folder


LINES = {
    "archive": "archive {0}/a.inr -o {0}/n.inrs --json",
    "compare": "compare s s --storage {0}/s.db --json",
    "cost": "cost --shape 8x8x3 --json",
    "info": "info {0}/a.inr --json",
    "plugins list": "plugins list --json",
    "study list": "study list {0} --json",
    "study run": "study run {0}/s.toml --storage {0}/s.db -q --json",
    "suggest": "suggest sample:photo --size 8 --json",
}
ELSEWHERE = {
    "bench": "takes seconds: tests/cli/test_bench.py",
    "doctor": "tests/cli/test_doctor.py",
    "fit": "in the fixture",
    "make": "tests/api/test_make.py",
    "oracle": "tests/cli/test_oracle.py",
    "plugins check": "tests/cli/test_plugins.py",
    "search": "in the fixture",
}


def with_json(command, path=""):
    """The commands that have --json."""
    found = []
    for name, one in getattr(command, "commands", {}).items():
        if any("--json" in option.opts for option in one.params):
            found.append(f"{path}{name}")
        found += with_json(one, f"{name} ")
    return found


def test_all_commands_with_json_are_known():
    lazy = {"fit", "make", "search", "suggest"}  # whose options are made when they are used
    found = {*with_json(typer.main.get_command(app)), *lazy}
    assert found == {*LINES, *ELSEWHERE}


@pytest.mark.parametrize("name", LINES)
def test_it_is_strict_json_with_a_version(made, name):
    strict(call(LINES[name].format(made)))


def test_folders_archives_and_reports_as_well(made):
    assert len(strict(call(f"info {made} --json"))["models"]) == 2
    assert len(strict(call(f"info {made}/m.inrs --json"))["signals"]) == 2
    assert strict(call(f"info {made}/m.inrs --name a --json"))["ensemble"]["width"] == 4
    call(f"report s --storage {made}/s.db -o {made}/r.json")
    read = strict_json((made / "r.json").read_text())
    assert (read["schema"], len(read["rows"])) == (1, 2)
