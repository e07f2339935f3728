"""Defaults of options from a settings file, below the command line and the environment."""

import pytest
import typer

from enas_inr.cli.app import app
from enas_inr.cli.settings_file import VARIABLE, find_settings
from tests.command_line import call, call_process

COST = "cost --shape 8x8x3"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder, and the folder of a project in it, which is the current one."""
    project = tmp_path / "home" / "project" / "sub"
    project.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(project)
    return tmp_path / "home"


def flops(line=COST):
    found = call(f"{line} --json")
    assert found.code == 0, found.err
    return found.json["flops"]


def test_options_have_the_values_of_the_nearest_file(home):
    usual = flops()
    (home / "enas-inr.toml").write_text("[cost]\nwidth = 99")
    assert flops() == flops(f"{COST} --width 99") != usual
    (home / "project" / "enas-inr.toml").write_text("[cost]\nwidth = 16")
    assert flops() == flops(f"{COST} --width 16") != usual
    found = call(f"{COST} --json")
    assert found.err == f"from {home / 'project' / 'enas-inr.toml'}: width=16\n"
    assert flops(f"{COST} --width 64") == usual  # the command line takes precedence


def test_a_project_and_the_user_have_settings(home):
    folder = home / "config" / "enas-inr"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[cost]\nwidth = 16")
    assert flops() == flops(f"{COST} --width 16")
    project = home / "project" / "pyproject.toml"
    project.write_text("[tool.other]\na = 1")
    assert flops() == flops(f"{COST} --width 16")
    project.write_text("[tool.enas-inr.cost]\nwidth = 24")
    assert flops() == flops(f"{COST} --width 24")


def test_files_above_a_repository_do_not_count(home):
    (home / "enas-inr.toml").write_text("[cost]\nwidth = 99")
    (home / "project" / ".git").mkdir()
    assert find_settings() == ()


def test_the_variable_names_a_file_or_none(home, monkeypatch):
    (home / "project" / "enas-inr.toml").write_text("[cost]\nwidth = 16")
    monkeypatch.setenv(VARIABLE, "")
    assert find_settings() == ()
    (home / "other.toml").write_text("[cost]\nwidth = 24")
    monkeypatch.setenv(VARIABLE, str(home / "other.toml"))
    assert flops() == flops(f"{COST} --width 24")
    monkeypatch.setenv(VARIABLE, str(home / "missing.toml"))
    assert "cannot be read: No such file or directory" in call(COST).err


def test_common_options_are_for_the_commands_that_have_them(home):
    (home / "enas-inr.toml").write_text("depth = 2\nfloor = 5")
    assert flops() == flops(f"{COST} --depth 2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[cst]\nwidth = 1", "there is no command 'cst'; did you mean 'cost'?"),
        ("[cost]\nwidht = 1", "cost has no option 'widht'; did you mean 'width'?"),
        ("[cost]\njson = 3", "json is 3; give true or false"),
        ("[cost]\nwidth = {a = 1}", "width is a table; give a single value"),
        ("[cost", "cannot be read: Expected ']'"),
        ("widht = 1", "no command has an option 'widht'; did you mean 'width'?"),
        ("[cost]\nwidth = 'many'", "width: Input should be a valid integer"),
        ("[cost]\nwidth = true", "width is true; give a value"),
    ],
)
def test_a_wrong_file_is_one_line_and_help_works_all_the_same(home, text, said):
    (home / "enas-inr.toml").write_text(text)
    found = call(COST)
    assert found.code == 2
    assert said in found.err
    assert str(home / "enas-inr.toml") in found.err
    assert found.err.count("\n") == 1
    assert call("cost --help").code == 0
    assert call("doctor --help").code == 0


def test_the_file_of_the_folder_comes_before_that_of_the_user_for_each_option(home):
    folder = home / "config" / "enas-inr"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[cost]\nwidth = 16\ndepth = 3")
    (home / "project" / "enas-inr.toml").write_text("width = 24")
    assert flops() == flops(f"{COST} --width 24 --depth 3")
    assert call(f"{COST} --json").err.splitlines() == [
        f"from {folder / 'config.toml'}: depth=3",
        f"from {home / 'project' / 'enas-inr.toml'}: width=24",
    ]
    said = "".join(call("cost --help").out.split())
    assert f"Settings:{home}/project/enas-inr.toml,{folder}/config.toml" in said


def test_only_the_folder_counts_outside_of_the_home_and_of_repositories(home, monkeypatch):
    outside = home.parent / "outside" / "inner"
    outside.mkdir(parents=True)
    (outside.parent / "enas-inr.toml").write_text("[cost]\nwidth = 16")
    monkeypatch.chdir(outside)
    assert find_settings() == ()
    (outside / "enas-inr.toml").write_text("[cost]\nwidth = 16")
    assert flops() == flops(f"{COST} --width 16")


@pytest.mark.parametrize("text", ["tool = 1", "[tool", "[tool]\nenas-inr = 3", "[project]"])
def test_a_project_without_settings_is_nobody_s_business_here(home, text):
    (home / "project" / "pyproject.toml").write_text(text)
    assert find_settings() == ()


def test_a_storage_of_the_environment_comes_before_that_of_a_file(home, monkeypatch):
    (home / "enas-inr.toml").write_text("storage = 'file.db'")
    assert "file.db" in call("report none --format md").err
    monkeypatch.setenv("ENAS_INR_STORAGE", "environment.db")
    said = call("report none --format md").err
    assert "environment.db" in said
    assert "file.db" not in said


def test_a_setting_of_a_search_is_checked_as_on_the_command_line(home):
    (home / "enas-inr.toml").write_text("[search]\nwidths = ['a']")
    found = call("search sample:photo")
    assert found.code == 2
    assert f"{str(home / 'enas-inr.toml')!r}: widths: " in found.err
    assert "'a' is not a list of integers" in found.err


def test_lists_and_tables_are_values_of_options(home):
    (home / "enas-inr.toml").write_text(
        "[search]\nwidths = [4, 8]\nbackbone-option = {bogus = 1}\nsteps = 3"
    )
    found = call("search sample:photo")
    assert f"from {home / 'enas-inr.toml'}: backbone-options=bogus=1, widths=4,8, steps=3" in (
        found.err
    )
    assert "unknown key 'bogus'" in found.err


def test_devices_come_from_the_environment(monkeypatch, home):
    (home / "enas-inr.toml").write_text("device = 'mps'")
    monkeypatch.setenv("ENAS_INR_DEVICE", "nowhere")
    assert "unknown device 'nowhere'" in call("search sample:photo --size 8").err
    root = typer.main.get_command(app)
    assert "ENAS_INR_DEVICE" in call("search --help").out
    assert root


def test_the_package_is_a_command(tmp_path):
    import subprocess
    import sys

    process = subprocess.run(
        [sys.executable, "-m", "enas_inr", "--version"], capture_output=True, text=True, check=True
    )
    assert process.stdout == call("--version").out


def test_shells_complete_commands_options_and_names(tmp_path, monkeypatch):
    def completed(line):
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        for name, value in {"_ENAS_INR_COMPLETE": "complete_bash", **words}.items():
            monkeypatch.setenv(name, value)
        found = call_process("", tmp_path)
        return found.out.split()

    assert "search" in completed("enas-inr sea")
    assert "--strategy" in completed("enas-inr search --strat")
    assert completed("enas-inr search --strategy coord") == ["coordinate"]
    assert "siren" in completed("enas-inr fit --backbone s")
    assert completed("enas-inr search --profile sm") == ["smooth"]
    monkeypatch.delenv("_ENAS_INR_COMPLETE")
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    assert "complete" in call("--show-completion bash").out.lower()
