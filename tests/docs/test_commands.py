"""Every command line in the documentation is one that today's program takes."""

import shlex
from typing import Any

import pytest
import typer

from enas_inr.cli.app import app
from tests.docs.command_lines import PAGES, ROOT, lines_of


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_command_lines_of_a_page_are_valid(page):
    root: Any = typer.main.get_command(app)
    for words in lines_of(page):
        command, path, rest = root, ["enas-inr"], list(words)
        while rest and getattr(command, "commands", None):
            options = [word for word in rest if word.startswith("-")]
            name = next((word for word in rest if not word.startswith("-")), None)
            if name is None:
                assert set(options) <= {"--help", "--version", "--install-completion"}, words
                break
            assert name in command.commands, f"{page}: {shlex.join(words)}"
            path.append(name)
            rest = rest[rest.index(name) + 1 :]
            command = command.commands[name]
        if getattr(command, "commands", None) or "--help" in rest or "--help-all" in rest:
            continue
        context = typer.Context(command, info_name=path[-1])
        command.parse_args(context, rest)  # raises for options and values that are not valid
