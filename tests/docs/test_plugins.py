"""Every kind of plugin is implemented, tested, and used by a package in plugins/."""

import re
from pathlib import Path

import pytest

from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.loading import KINDS
from enas_inr.testing.verdict import SUITES

ROOT = Path(__file__).parents[2]
PACKAGES = {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}


@pytest.fixture(scope="module")
def providers():
    """The built-in plugins, and those in plugins/, which `make` installs."""
    found = load_catalog().providers
    return [p for p in found if p.origin.is_ours or p.origin.distribution in PACKAGES]


def test_every_kind_is_implemented_and_tested(providers):
    assert {p.description.kind for p in providers if p.origin.is_ours} == set(KINDS)
    tests = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")]
    for suite in SUITES.values():
        assert any(re.search(rf"^class \w+\(.*\b{suite.__name__}\)", t, re.M) for t in tests), suite


def test_a_package_uses_each_hook(providers):
    used = {p.description.kind for p in providers if not p.origin.is_ours}
    assert used == set(KINDS)


def test_every_package_is_tested_by_the_suites_of_what_it_provides(providers):
    theirs = [p for p in providers if not p.origin.is_ours]
    assert {p.origin.distribution for p in theirs} == PACKAGES
    for provider in theirs:
        folder = ROOT / "plugins" / provider.origin.distribution / "tests"
        text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
        assert SUITES[provider.description.kind].__name__ in text, provider
