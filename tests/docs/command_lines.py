"""The command lines of the documentation."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")}
    | {ROOT / "CONTRIBUTING.md", ROOT / "plugins" / "README.md"}
)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def redirected(words):
    """A command line without redirections."""
    kept = []
    for word in words:
        if word in (">", "2>", ">>", "<"):
            break
        kept.append(word)
    return kept


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
                        yield redirected(words[1:])
