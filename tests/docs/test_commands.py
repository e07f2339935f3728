"""Every command line in the documentation is one that today's program takes."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from enas_inr.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")}
    | {ROOT / "CONTRIBUTING.md", ROOT / "plugins" / "README.md"}
)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines_of(page):
    """The command lines of a page that call this program, without what follows them."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                for part in re.split(r"&&|\|(?!\|)|;", line.removeprefix("$ ")):
                    words = shlex.split(part, comments=True)
                    while words and re.fullmatch(r"\w+=.*", words[0]):  # variables
                        words.pop(0)
                    if words and words[0].endswith("enas-inr"):
                        yield words[1:]


def redirected(words):
    """A command line without redirections."""
    kept = []
    for word in words:
        if word in (">", "2>", ">>", "<"):
            break
        kept.append(word)
    return kept


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_command_lines_of_a_page_are_valid(page):
    root: Any = typer.main.get_command(app)
    for words in map(redirected, lines_of(page)):
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
