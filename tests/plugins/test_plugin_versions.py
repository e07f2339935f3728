"""A plugin for another version of enas-inr is refused, and the reason says so."""

import pytest

import enas_inr
from enas_inr.hookspecs import API_VERSION
from enas_inr.plugins import builtin
from enas_inr.plugins.catalog import load_catalog
from tests.plugins.plugin_site import backbone, only_broken, providers

GOOD = backbone("mine")
NEWER = f"written for version {API_VERSION + 1} of the plugin API, but this enas-inr has version 1"
LIKELY = f"the likely cause: it requires enas-inr>=99, but this is {enas_inr.__version__}; upgrade"


def test_the_version_is_stated_as_the_built_ins_state_it():
    assert (API_VERSION, builtin.ENAS_INR_API) == (1, 1)


@pytest.mark.parametrize("stated", ["", "ENAS_INR_API = 1\n"])
def test_a_plugin_of_this_version_or_of_none_is_loaded(site, stated):
    site.install("good-plugin", stated + GOOD)
    assert providers(load_catalog(), "good-plugin")


def test_a_newer_plugin_is_refused_before_its_hooks_are_looked_at(site):
    source = GOOD.replace("enas_inr_backbones", "enas_inr_something_new")
    site.install("new-plugin", f"ENAS_INR_API = {API_VERSION + 1}\n{source}", version="7.0")
    broken = only_broken(load_catalog(), "new-plugin")
    assert (broken.reason, broken.hint) == (
        NEWER,
        "upgrade enas-inr, or install an older new-plugin",
    )
    assert str(broken.origin) == "new-plugin 7.0"


def test_an_object_is_asked_first_and_then_the_module_that_holds_it(site):
    source = f"{GOOD}\nclass Hooks:\n    enas_inr_backbones = staticmethod(enas_inr_backbones)\n"
    for name, own in (("class-plugin", "Hooks.ENAS_INR_API = 2"), ("module-plugin", "")):
        module = site.install(name, f"ENAS_INR_API = {1 if own else 2}\n{source}{own}\n")
        metadata = site.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        (metadata / "entry_points.txt").write_text(f"[enas_inr]\nmine = {module}:Hooks\n")
    catalog = load_catalog()
    assert {b.reason for b in catalog.broken} == {NEWER}
    assert {b.origin.distribution for b in catalog.broken} == {"class-plugin", "module-plugin"}


@pytest.mark.parametrize("stated", ["'1'", "None", "1.5", "True", "0", "(1, 2)"])
def test_values_that_are_not_versions_are_refused(site, stated):
    site.install("bad-plugin", f"ENAS_INR_API = {stated}\n{GOOD}")
    broken = only_broken(load_catalog(), "bad-plugin")
    assert broken.reason == f"ENAS_INR_API is {stated}, which is not a version of the plugin API"
    assert "write ENAS_INR_API = 1" in broken.hint


@pytest.mark.parametrize(
    "source",
    [
        "from enas_inr.hookspecs import Sampler",
        "import enas_inr.of_a_later_version",
        backbone("mine", colour="red"),
        GOOD.replace("enas_inr_backbones", "enas_inr_samplers"),
    ],
    ids=["unknown-name", "unknown-module", "unknown-field", "unknown-hook"],
)
def test_a_requirement_that_is_not_met_is_named_as_the_likely_reason(site, source):
    requires = ("numpy", "enas_inr >=99 ; python_version > '3'", "enas-inr<0 ; extra == 'x'", "?!")
    site.install("new-plugin", source, requires=requires)
    broken = only_broken(load_catalog(), "new-plugin")
    assert LIKELY in broken.hint
    assert "install a compatible version of new-plugin" in broken.hint


@pytest.mark.parametrize("requirement", ["enas-inr", "enas-inr>=0.0.1", "enas-inr-other>=99"])
def test_a_requirement_that_is_met_is_not_blamed(site, requirement):
    site.install("bad-plugin", "raise RuntimeError", requires=[requirement])
    assert "requires" not in only_broken(load_catalog(), "bad-plugin").hint


def test_a_plugin_that_works_may_require_what_it_likes(site):
    site.install("good-plugin", GOOD, requires=["enas-inr>=99"])
    assert providers(load_catalog(), "good-plugin")
