import importlib
import re
from pathlib import Path

import pytest

from enas_inr.hookspecs import HookSpecs
from enas_inr.plugins.catalog import KINDS
from enas_inr.testing.verdict import SUITES, rules

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ENTRY = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]*)(#[^)\s]*)?\)")
PAGES = ("plugins.md", "write-a-backbone.md", "reference.md", "backbones.md", "design.md")


@pytest.fixture
def docs(monkeypatch):
    """Imports a module of docs/."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module


@pytest.mark.parametrize("page", ["cli.md", "reference.md", "backbones.md"])
def test_a_generated_page_is_up_to_date(docs, page):
    written = (DOCS / page).read_text(encoding="utf-8")
    assert written == docs("generate").PAGES[page](), "run `python docs/generate.py`"


def test_every_generated_page_is_checked(docs):
    assert set(docs("generate").PAGES) == {"cli.md", "reference.md", "backbones.md"}


def test_every_hook_has_a_kind_a_suite_and_a_place_in_the_reference():
    hooks = {name for name in vars(HookSpecs) if not name.startswith("_")}
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    assert {hook for hook, _ in KINDS.values()} == hooks
    assert set(SUITES) == set(KINDS)
    for kind, (hook, description) in KINDS.items():
        assert f"**`{hook}`**" in text
        assert f"`enas_inr.hookspecs.{description.__name__}`" in text
        assert all(f"- {rule}\n" in text for rule in rules(SUITES[kind]))


def test_every_hook_is_implemented_and_tested(docs):
    with docs("source").all_plugins() as catalog:
        providers = catalog.providers
    in_plugins = {p.description.kind for p in providers if not p.origin.is_ours}
    assert {p.description.kind for p in providers if p.origin.is_ours} == set(KINDS)
    assert in_plugins == set(KINDS)
    tests = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")]
    for suite in SUITES.values():
        assert any(re.search(rf"^class \w+\(.*\b{suite.__name__}\)", t, re.M) for t in tests), suite


def test_every_package_is_tested_by_the_suites_of_what_it_provides(docs):
    with docs("source").all_plugins() as catalog:
        theirs = [p for p in catalog.providers if not p.origin.is_ours]
    assert {p.origin.distribution for p in theirs} == {
        path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")
    }
    for provider in theirs:
        folder = ROOT / "plugins" / provider.origin.distribution / "tests"
        text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
        assert SUITES[provider.description.kind].__name__ in text, provider


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target, anchor in ENTRY.findall((DOCS / page).read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path = (DOCS / target) if target else DOCS / page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert anchor[1:] in slugs, (target, anchor)
