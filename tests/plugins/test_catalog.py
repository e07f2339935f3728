import importlib
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from enas_inr import builtin
from enas_inr.catalog import DISABLE_VARIABLE, KINDS, build_catalog, load_catalog
from enas_inr.errors import PluginError, SpecError
from enas_inr.hookspecs import HookSpecs

PLUGIN = """
from enas_inr.hookspecs import Backbone, Objective, hookimpl

@hookimpl
def {hook}():
    return {returned}
"""


def plugin(returned, hook="enas_inr_backbones"):
    return PLUGIN.format(returned=returned, hook=hook)


def describe(name, target="collections:OrderedDict", options=None):
    return f"Backbone(name={name!r}, summary='a test', target={target!r}, options={options!r})"


def backbone(*names, **fields):
    return plugin(f"[{', '.join(describe(name, **fields) for name in names)}]")


@dataclass(frozen=True)
class Site:
    """A folder of installed distributions, as pip leaves them."""

    folder: Path

    def install(self, distribution, source, *, version="1.0", entry_point=None):
        module = distribution.replace("-", "_") + "_plugin"
        (self.folder / f"{module}.py").write_text(source)
        metadata = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        entry = f"{entry_point or distribution} = {module}"
        (metadata / "entry_points.txt").write_text(f"[enas_inr]\n{entry}\n")
        return module


@pytest.fixture
def site(tmp_path, monkeypatch):
    before = set(sys.modules)
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]


def providers(catalog, distribution):
    return [p for p in catalog.providers if p.origin.distribution == distribution]


def only_broken(catalog, distribution):
    (broken,) = [b for b in catalog.broken if b.origin.distribution == distribution]
    return broken


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
        assert f"[{description.__name__}(name=" in inspect.getdoc(hooks[hook])


def test_a_plugin_is_listed_with_its_distribution_and_version(site):
    site.install("good-plugin", backbone("mine"), version="2.3", entry_point="my-backbone")
    catalog = load_catalog()
    (provider,) = providers(catalog, "good-plugin")
    assert provider.description.name == "mine"
    assert provider.origin.entry_point == "my-backbone"
    assert str(provider.origin) == "good-plugin 2.3"
    assert catalog.find("backbone", "mine") is provider
    assert not [b for b in catalog.broken if b.origin == provider.origin]


def test_a_plugin_is_created_from_its_target_with_its_arguments(site):
    site.install("good-plugin", backbone("mine"))
    assert load_catalog().create("backbone", "mine", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no GPU here')", "RuntimeError: no GPU here"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (plugin("[]", hook="enas_inr_backbone"), "unknown hook 'enas_inr_backbone'"),
        (plugin("1 / 0"), "ZeroDivisionError: division by zero"),
        (plugin("[{'name': 'mine'}]"), "TypeError: enas_inr_backbones returned {'name': 'mine'}"),
        (plugin("[Objective(name='o', summary='', target='')]"), "not enas_inr.hookspecs.Backbone"),
        (plugin(describe("mine")), "TypeError: 'Backbone' object is not iterable"),
    ],
    ids=[
        "import-raises",
        "import-lacks-a-module",
        "import-exits",
        "misspelt-hook",
        "hook-raises",
        "wrong-object",
        "wrong-kind",
        "no-list",
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason_and_harms_no_other(site, source, reason):
    site.install("bad-plugin", source)
    site.install("good-plugin", backbone("healthy"))
    catalog = load_catalog()
    broken = only_broken(catalog, "bad-plugin")
    assert reason in broken.reason
    assert "\n" not in broken.reason
    assert broken.traceback.startswith("Traceback")
    assert broken.reason in broken.traceback
    assert not providers(catalog, "bad-plugin")
    assert catalog.find("backbone", "healthy").origin.distribution == "good-plugin"
    assert catalog.find("backbone", "siren").origin.distribution == "enas-inr"


def test_the_traceback_of_a_broken_plugin_shows_its_own_line(site):
    module = site.install("bad-plugin", "x = 1\nraise RuntimeError('no GPU here')\n")
    traceback = only_broken(load_catalog(), "bad-plugin").traceback
    assert f'{module}.py", line 2' in traceback


def test_an_unknown_name_mentions_the_broken_plugins(site):
    site.install("bad-plugin", "raise RuntimeError")
    with pytest.raises(SpecError, match=r"broken plugins: bad-plugin 1\.0; see `enas-inr plugins"):
        load_catalog().find("backbone", "mine")


def test_a_distribution_without_metadata_is_broken_under_a_readable_name(site):
    folder = site.folder / "nameless-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[enas_inr]\nnameless = no_such_module\n")
    (broken,) = [b for b in load_catalog().broken if b.origin.entry_point == "nameless"]
    assert "None" not in str(broken.origin)


def test_two_providers_of_one_name_are_both_named_and_only_that_name_fails(site):
    site.install("one-plugin", backbone("shared", "only-one"), version="1.0")
    site.install("two-plugin", backbone("shared", "only-two"), version="2.5")
    catalog = load_catalog()
    with pytest.raises(PluginError) as caught:
        catalog.find("backbone", "shared")
    assert "one-plugin 1.0" in str(caught.value)
    assert "two-plugin 2.5" in str(caught.value)
    for name in ("only-one", "only-two", "siren"):
        assert catalog.find("backbone", name)


def test_a_plugin_cannot_take_the_name_of_a_built_in(site):
    site.install("rival-plugin", backbone("siren"), version="3.1")
    catalog = load_catalog()
    with pytest.raises(PluginError, match=r"enas-inr .* and by rival-plugin 3\.1"):
        catalog.create("backbone", "siren")
    assert catalog.find("backbone", "relu")


def test_one_name_in_two_kinds_is_no_conflict(site):
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


@pytest.mark.parametrize(
    "target", ["no_such_module:Net", "collections:NoSuchClass", "bad_target:Net", ""]
)
def test_a_target_that_cannot_be_imported_names_the_plugin(site, target):
    (site.folder / "bad_target.py").write_text("raise OSError('no library')")
    site.install("good-plugin", backbone("mine", target=target), version="1.2")
    catalog = load_catalog()
    assert catalog.describe("backbone", "mine").target == target
    with pytest.raises(PluginError, match=r"'mine' of good-plugin 1\.2: cannot import"):
        catalog.create("backbone", "mine")


def test_an_options_model_that_cannot_be_imported_names_the_plugin(site):
    site.install("good-plugin", backbone("mine", options="no_such_module:Options"))
    catalog = load_catalog()
    for use in (catalog.options, catalog.create):
        with pytest.raises(PluginError, match="cannot import 'no_such_module:Options'"):
            use("backbone", "mine", {})
    with pytest.raises(PluginError, match="cannot import"):
        catalog.option_names("backbone", "mine")


def test_options_for_a_plugin_without_any_are_refused():
    catalog = load_catalog(plugins=False)
    assert catalog.options("strategy", "exhaustive", {}) is None
    with pytest.raises(SpecError, match="strategy 'exhaustive' takes no options; drop speed, a"):
        catalog.options("strategy", "exhaustive", {"speed": 2, "a": 1})


def test_an_unknown_option_names_the_nearest():
    catalog = load_catalog(plugins=False)
    with pytest.raises(SpecError, match="'omega_frist'; did you mean 'omega_first'"):
        catalog.create("backbone", "siren", options={"omega_frist": 30})


def test_an_option_out_of_range_is_refused_with_the_value_received():
    catalog = load_catalog(plugins=False)
    with pytest.raises(SpecError, match=r"backbone 'siren': omega_first: .* \(received -1\)"):
        catalog.options("backbone", "siren", {"omega_first": -1})
