"""The site of `make docs` is complete, has valid links, and needs no network."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
import yaml
from typer.main import get_command

from enas_inr import __version__
from enas_inr.cli.app import app
from enas_inr.errors import ExitCode
from enas_inr.hookspecs import HookSpecs
from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.loading import KINDS
from enas_inr.testing.verdict import SUITES
from tests.present import present
from tests.scripts import script

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


class Elements(HTMLParser):
    """Every element of a page as (tag, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    @property
    def ids(self):
        return {attributes["id"] for _, attributes in self.found if "id" in attributes}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Built in strict mode, in which broken links and anchors are errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_pages_load_nothing_from_elsewhere(site):
    loaded = []
    for page in site.rglob("*.html"):
        for tag, attributes in Elements(page).found:
            if tag in {"script", "img", "iframe", "source", "video", "audio"}:
                loaded.append(attributes.get("src") or "")
            elif tag == "link" and attributes.get("rel") != "canonical":
                loaded.append(attributes.get("href") or "")
    for style in site.rglob("*.css"):
        loaded += re.findall(r"url\(([^)]*)\)|@import ([^;]*)", style.read_text(encoding="utf-8"))
    assert loaded
    assert [address for address in loaded if re.match(r"(https?:)?//", "".join(address))] == []


def test_everything_generated_is_filled_in(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<!-- generated" not in text, page
        assert "::: enas_inr" not in text, page


def test_every_hook_contract_and_rule_is_in_the_reference(site):
    ids = Elements(site / "docs" / "reference.html").ids
    hooks = {name for name in vars(HookSpecs) if not name.startswith("_")}
    assert {hook for hook, _ in KINDS.values()} == hooks
    assert set(SUITES) == set(KINDS)
    for kind, (hook, description) in KINDS.items():
        assert f"enas_inr.hookspecs.HookSpecs.{hook}" in ids
        assert f"enas_inr.hookspecs.{description.__name__}" in ids
        assert description.contract.replace(":", ".") in ids
        for part in SUITES[kind].__mro__[:-1]:
            rules = {name for name in vars(part) if name.startswith("test_")}
            assert {f"enas_inr.testing.{part.__name__}.{rule}" for rule in rules} <= ids


def test_every_public_name_is_in_the_python_reference(site):
    import enas_inr

    ids = Elements(site / "docs" / "api.html").ids
    assert {f"enas_inr.{name}" for name in enas_inr.__all__ if name != "__version__"} <= ids


def commands(command, *words):
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *words, name)


def test_every_command_and_option_is_in_the_reference_of_the_command_line(site):
    page = site / "docs" / "cli.html"
    text, ids = page.read_text(encoding="utf-8"), Elements(page).ids
    root = get_command(app)
    for words, command in commands(root, "enas-inr"):
        assert "-".join(words) in ids
        for option in command.get_params(typer.Context(root)):
            if option.param_type_name == "option" and not option.hidden:
                assert option.opts[0] in text, (words, option.opts)


def test_the_exit_codes_are_those_of_the_code():
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", text, re.MULTILINE)
    assert rows == [(str(code.value), code.name.lower()) for code in ExitCode]


def test_every_backbone_is_in_the_gallery_with_its_options(site):
    page = site / "docs" / "backbones.html"
    text, ids = page.read_text(encoding="utf-8"), Elements(page).ids
    catalog = load_catalog()
    for description in catalog.descriptions("backbone"):
        assert description.name in ids
        options = present(catalog.options("backbone", description.name, {}))
        assert all(f"<code>{option}</code>" in text for option in type(options).model_fields)


def test_the_picture_of_the_rooms_is_up_to_date_and_each_is_described():
    with script(DOCS / "rooms.py") as rooms:
        drawn = rooms.PICTURE.read_text(encoding="utf-8")
        assert drawn == rooms.rooms_svg(), "run `python docs/rooms.py`"
        names = {room for layer in rooms.layers() for room in layer}
    described = (DOCS / "design.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)`", described, re.MULTILINE))
    assert rows == names


def test_the_citation_and_the_changelog_know_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == __version__
    headings = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert headings[:2] == ["Unreleased", __version__]


def test_the_hooks_of_pre_commit_run_without_a_network():
    configured = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in configured["repos"]} == {"local"}
    hooks = [hook for repository in configured["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["id"] for hook in hooks} == {"ruff", "ruff-format", "mypy", "import-linter"}
