"""The help shows what is needed first, within a screen, and the rest with `--help-all`."""

import re
from typing import Any

import pytest
import typer

from enas_inr.cli.app import app
from tests.command_line import call

FOLDED = ["search", "make", "fit"]


def options(text):
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


@pytest.fixture
def columns(monkeypatch):
    return lambda count: monkeypatch.setenv("COLUMNS", str(count))


@pytest.mark.parametrize("command", FOLDED)
def test_the_help_fits_a_screen_and_names_how_to_see_the_rest(command, columns):
    columns(100)
    lines = call(f"{command} --help").out.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 100
    (more,) = [line for line in lines if "more options" in line]
    all_of_them = options(call(f"{command} --help-all").out)
    shown = options("\n".join(lines))
    assert shown < all_of_them
    count = int(more.split()[0])
    assert more == f"{count} more options: enas-inr {command} --help-all"
    assert len(all_of_them) == len(shown) + count


@pytest.mark.parametrize("command", FOLDED)
def test_all_options_of_a_command_are_in_its_whole_help(command):
    root: Any = typer.main.get_command(app)
    found = root.commands[command]
    text = call(f"{command} --help-all").out
    for param in found.get_params(typer.Context(found)):
        if param.param_type_name == "option":
            assert any(flag in text for flag in param.opts)
            if param.help:
                assert " ".join(param.help.split())[:20] in " ".join(text.split())


def test_types_are_no_noise_and_defaults_are_said(columns):
    columns(100)
    text = call("search --help").out
    assert not re.search(r"<\w+>|\[default", text)
    assert "--backbone BACKBONE" in text
    assert "(default: siren)" in text
    assert re.search(r"--json {2,}Print JSON", text)
    assert re.search(r"--racing, --no-racing {2,}Let", call("search --help-all").out)


def test_a_narrow_terminal_has_the_help_below_the_option(columns):
    columns(50)
    lines = call("search --help").out.splitlines()
    assert max(map(len, lines)) <= 50
    assert "  --backbone BACKBONE" in [line.rstrip() for line in lines]


def test_commands_stand_under_headings(columns):
    columns(100)
    text = call("--help").out
    headings = re.findall(r"^([A-Z][a-z ]*)$", text, re.MULTILINE)
    assert headings[0] == "From a signal to a model"
    assert text.index("  make") < text.index("With a model") < text.index("  render")
