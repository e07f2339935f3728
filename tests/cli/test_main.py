import os

import pytest
import typer

import enas_inr
from enas_inr.cli.app import app
from tests.command_line import call, call_process, modules_after, plain

HEAVY = {"torch", "ray", "optuna", "pandas", "matplotlib"}


def commands(group=None, path=()):
    """Return the path of every command and group."""
    group = group or typer.main.get_command(app)
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help(path):
    outcome = call(" ".join([*path, "--help"]))
    assert (outcome.code, outcome.err) == (0, "")
    assert " ".join(["Usage: enas-inr", *path]) in plain(outcome.out)


def test_all_commands_are_there():
    assert {" ".join(path) for path in commands()} >= {"search", "cost", "plugins", "plugins list"}


def test_without_arguments_the_help_is_shown_and_nothing_done():
    outcome = call("")
    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.out == call("--help").out
    assert call("plugins").code == 0


def test_the_version_is_printed():
    assert call("--version").out == f"enas-inr {enas_inr.__version__}\n"


@pytest.mark.parametrize("line", ["--help", "search --help", "plugins list", "plugins list --json"])
def test_help_and_listings_import_nothing_heavy(line, tmp_path):
    modules = modules_after(*line.split(), cwd=tmp_path)
    assert "enas_inr.cli.main" in modules
    heavy = HEAVY | ({"pydantic"} if line == "--help" else set())
    assert not heavy & {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("line", ["--help", "plugins list", "plugins list --json", "cost --json"])
def test_a_closed_pipe_is_not_an_error(line, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        outcome = call_process(line, tmp_path, stdout=writer)
    finally:
        os.close(writer)
    assert (outcome.code, outcome.err) == (0, "")
