import importlib
import inspect
import sys

import pytest

from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.errors import SpecError
from enas_inr.hookspecs import HookSpecs
from enas_inr.plugins import builtin
from enas_inr.plugins.catalog import build_catalog, load_catalog
from enas_inr.plugins.loading import KINDS
from enas_inr.plugins.provider import DISABLE_VARIABLE
from tests.plugins.plugin_site import backbone, providers
from tests.present import present


def test_the_built_ins_are_all_there():
    catalog = load_catalog(plugins=False)
    names = {kind: {d.name for d in catalog.descriptions(kind)} for kind in KINDS}
    assert names["backbone"] >= {"siren", "relu", "fourier"}
    assert names["modality"] >= {"image", "audio"}
    assert names["strategy"] >= {"coordinate", "exhaustive"}
    assert names["executor"] >= {"local"}
    assert names["objective"] >= {"psnr_flops"}
    assert not catalog.broken


def test_the_built_ins_come_through_the_hooks():
    catalog = load_catalog(plugins=False)
    described = [d for hook, _ in KINDS.values() for d in getattr(builtin, hook)()]
    assert [p.description for p in catalog.providers] == described
    assert {p.origin.distribution for p in catalog.providers} == {"enas-inr"}
    assert build_catalog([]).providers == ()


def test_every_built_in_has_a_summary_and_a_target_that_exists():
    for provider in load_catalog(plugins=False).providers:
        described = provider.description
        for target in filter(None, (described.target, described.options)):
            module, _, name = target.partition(":")
            assert hasattr(importlib.import_module(module), name), target
        assert described.summary
        assert "\n" not in described.summary


def test_the_options_of_every_built_in_have_defaults():
    catalog = load_catalog(plugins=False)
    for provider in catalog.providers:
        described = provider.description
        options = catalog.options(described.kind, described.name, {})
        assert (options is None) == (described.options is None)
        names = catalog.option_names(described.kind, described.name)
        assert names == (tuple(type(options).model_fields) if options else ())


def test_every_hook_has_a_kind_and_a_docstring_with_an_example():
    hooks = {n: f for n, f in vars(HookSpecs).items() if inspect.isfunction(f)}
    assert {hook for hook, _ in KINDS.values()} == set(hooks)
    for kind, (hook, description) in KINDS.items():
        assert description.kind == kind
        assert f"[{description.__name__}(name=" in present(inspect.getdoc(hooks[hook]))


def test_a_plugin_is_listed_with_its_distribution_and_version(site):
    site.install("good-plugin", backbone("mine"), version="2.3", entry_point="my-backbone")
    catalog = load_catalog()
    (provider,) = providers(catalog, "good-plugin")
    assert provider.description.name == "mine"
    assert provider.origin.entry_point == "my-backbone"
    assert str(provider.origin) == "good-plugin 2.3"
    assert catalog.find("backbone", "mine") is provider
    assert not [b for b in catalog.broken if b.origin == provider.origin]


def test_a_plugin_is_created_from_its_target_with_its_options(site):
    options = "enas_inr.backbones.options:SirenOptions"
    site.install("good-plugin", backbone("mine", target="my_net:Net", options=options))
    site.write("my_net", "from enas_inr.backbones.siren import Siren as Net")
    made = load_catalog().create("backbone", "mine", options={"omega_first": 7})
    assert made == Siren(SirenOptions(omega_first=7))


def test_one_name_in_two_kinds_is_not_a_conflict(site):
    site.install("good-plugin", backbone("image"))
    catalog = load_catalog()
    assert catalog.find("backbone", "image").origin.distribution == "good-plugin"
    assert catalog.find("modality", "image").origin.distribution == "enas-inr"


def test_two_distributions_with_the_same_entry_point_name_both_load(site):
    site.install("one-plugin", backbone("one"), entry_point="plugin")
    site.install("two-plugin", backbone("two"), entry_point="plugin")
    catalog = load_catalog()
    assert catalog.find("backbone", "one").origin.distribution == "one-plugin"
    assert catalog.find("backbone", "two").origin.distribution == "two-plugin"


def test_without_plugins_none_is_imported(site):
    module = site.install("good-plugin", backbone("mine"))
    catalog = load_catalog(plugins=False)
    assert {p.origin.distribution for p in catalog.providers} == {"enas-inr"}
    assert module not in sys.modules


@pytest.mark.parametrize("value", ["all", "1", "one-plugin,all"])
def test_all_plugins_are_disabled_before_they_are_imported(site, monkeypatch, value):
    module = site.install("good-plugin", backbone("mine"))
    monkeypatch.setenv(DISABLE_VARIABLE, value)
    assert {p.origin.distribution for p in load_catalog().providers} == {"enas-inr"}
    assert module not in sys.modules


@pytest.mark.parametrize("value", ["bad-plugin", "bad-entry", "another, bad-plugin"])
def test_a_disabled_plugin_is_never_imported_and_the_others_are(site, monkeypatch, value):
    bad = site.install("bad-plugin", "raise RuntimeError", entry_point="bad-entry")
    good = site.install("good-plugin", backbone("mine"))
    monkeypatch.setenv(DISABLE_VARIABLE, value)
    catalog = load_catalog()
    assert catalog.find("backbone", "mine")
    assert "bad-plugin" not in {b.origin.distribution for b in catalog.broken}
    assert bad not in sys.modules
    assert good in sys.modules


def test_disabling_one_of_two_providers_ends_their_conflict(site, monkeypatch):
    site.install("one-plugin", backbone("shared"))
    site.install("two-plugin", backbone("shared"))
    monkeypatch.setenv(DISABLE_VARIABLE, "one-plugin")
    assert load_catalog().find("backbone", "shared").origin.distribution == "two-plugin"


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_is_refused_with_the_nearest(kind):
    catalog = load_catalog(plugins=False)
    name = catalog.descriptions(kind)[0].name
    with pytest.raises(SpecError, match=f"unknown {kind} '{name}x'; did you mean '{name}'"):
        catalog.find(kind, name + "x")
    with pytest.raises(SpecError, match=f"choose one of: .*{name}"):
        catalog.describe(kind, "###")


def test_options_for_a_plugin_without_any_are_refused():
    catalog = load_catalog(plugins=False)
    assert catalog.options("executor", "local", {}) is None
    with pytest.raises(SpecError, match="executor 'local' takes no options; drop speed, a"):
        catalog.options("executor", "local", {"speed": 2, "a": 1})


def test_an_unknown_option_names_the_nearest():
    catalog = load_catalog(plugins=False)
    with pytest.raises(SpecError, match="'omega_frist'; did you mean 'omega_first'"):
        catalog.create("backbone", "siren", options={"omega_frist": 30})


def test_an_option_out_of_range_is_refused_with_the_value_received():
    catalog = load_catalog(plugins=False)
    with pytest.raises(SpecError, match=r"backbone 'siren': omega_first: .* \(received -1\)"):
        catalog.options("backbone", "siren", {"omega_first": -1})
