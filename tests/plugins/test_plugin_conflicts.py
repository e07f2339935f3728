"""If two plugins provide the same name, both are named, and only that name fails."""

import pytest

from enas_inr.errors import PluginError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.provider import DISABLE_VARIABLE
from tests.command_line import assert_one_line, call
from tests.plugins.plugin_site import backbone, describe, plugin


@pytest.fixture
def two(site):
    site.install("one-plugin", backbone("shared", "only-one"), version="1.0")
    site.install("two-plugin", backbone("shared", "only-two"), version="2.5")


def test_two_providers_of_one_name_are_both_named_and_only_that_name_fails(two):
    catalog = load_catalog()
    with pytest.raises(PluginError) as caught:
        catalog.find("backbone", "shared")
    for part in ("one-plugin 1.0", "two-plugin 2.5", "uninstall one-plugin or two-plugin"):
        assert part in str(caught.value)
    for name in ("only-one", "only-two", "siren"):
        assert catalog.find("backbone", name)
    (conflict,) = catalog.conflicts
    assert (conflict.kind, conflict.name) == ("backbone", "shared")
    assert str(conflict.error()) == str(caught.value)


def test_a_command_that_uses_the_name_ends_with_one_line(two):
    outcome = call("cost --backbone shared")
    assert_one_line(outcome, 5)
    assert "'shared' is provided by one-plugin 1.0 and by two-plugin 2.5" in outcome.err
    assert call("cost --backbone siren").code == 0
    assert "only-two, relu, shared, siren" in call("cost --backbone ###").err


def test_a_plugin_cannot_take_the_name_of_a_built_in(site):
    site.install("rival-plugin", backbone("siren"), version="3.1")
    catalog = load_catalog()
    with pytest.raises(PluginError, match=r"enas-inr .* and by rival-plugin 3\.1") as caught:
        catalog.create("backbone", "siren")
    assert f"uninstall rival-plugin, or leave one out: {DISABLE_VARIABLE}=rival-plugin" in str(
        caught.value
    )
    assert catalog.find("backbone", "relu")


def test_the_advice_of_the_message_ends_the_conflict(two, monkeypatch):
    monkeypatch.setenv(DISABLE_VARIABLE, "two-plugin")
    catalog = load_catalog()
    assert catalog.find("backbone", "shared").origin.distribution == "one-plugin"
    assert not catalog.conflicts


def test_two_readers_of_one_suffix_are_listed_as_a_conflict_of_that_suffix(site, tmp_path):
    described = describe("rival", kind="Modality", suffixes=(".png", ".own"))
    site.install("rival-plugin", plugin(f"[{described}]", hook="enas_inr_modalities"))
    (conflict,) = load_catalog().conflicts
    message = str(conflict.error())
    assert "suffix '.png' is provided by enas-inr" in message
    assert "ENAS_INR_DISABLE_PLUGINS=rival-plugin" in message
    assert load_catalog().reading(".own") == "rival"
    (tmp_path / "a.png").touch()
    outcome = call(f"search {tmp_path / 'a.png'}")
    assert_one_line(outcome, 5)
    assert message in outcome.err
