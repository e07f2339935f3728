"""In strict mode, any problem with a plugin ends the command with a traceback."""

import pytest

from enas_inr.errors import PluginError
from enas_inr.plugins.catalog import STRICT_VARIABLE, load_catalog
from tests.command_line import assert_one_line, call
from tests.plugins.plugin_site import backbone

BROKEN = "x = 1\nraise RuntimeError('no GPU here')\n"
NET = """
from enas_inr.backbones.siren import Siren

class Net(Siren):
    def layers(self, shape):
        return self.sizes
"""


@pytest.fixture(params=["--strict-plugins", "variable"])
def strict(request, monkeypatch):
    """Selects strict mode in either way, and returns the option."""
    if request.param == "variable":
        monkeypatch.setenv(STRICT_VARIABLE, "1")
        return ""
    return request.param


@pytest.mark.parametrize("command", ["plugins list", "cost --json", "search sample:photo"])
def test_a_broken_plugin_ends_any_command_with_its_line_and_its_traceback(site, strict, command):
    module = site.install("bad-plugin", BROKEN, version="3.2", entry_point="bad")
    outcome = call(f"{strict} {command}")
    assert (outcome.code, outcome.out) == (5, "")
    first, *_, last = outcome.err.splitlines()
    assert first.startswith("Traceback")
    assert f'{module}.py", line 2' in outcome.err
    assert last.startswith(
        "enas-inr: plugin bad-plugin 3.2 (entry point 'bad') is broken: RuntimeError: no GPU here; "
        "upgrade or uninstall bad-plugin"
    )


def test_a_conflict_ends_any_command(site, strict):
    site.install("one-plugin", backbone("shared"))
    site.install("two-plugin", backbone("shared"))
    outcome = call(f"{strict} cost")
    assert_one_line(outcome, 5)
    assert "'shared' is provided by one-plugin 1.0 and by two-plugin 1.0" in outcome.err


def test_strictness_changes_nothing_without_broken_plugins(site, strict):
    site.install("good-plugin", backbone("mine"))
    for line in ("plugins list --json", "cost --json"):
        assert call(f"{strict} {line}") == call(line)


def test_plugins_that_are_not_loaded_are_not_broken(site, strict):
    site.install("bad-plugin", BROKEN)
    assert call(f"{strict} --no-plugins cost").code == 0
    for line in ("--help", "search --help", "--version"):
        assert call(f"{strict} {line}").code == 0


def test_a_plugin_that_fails_later_is_shown_with_its_traceback(site, strict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site.write("net", NET)
    site.install("bad-plugin", backbone("mine", target="net:Net"))
    outcome = call(f"{strict} cost --backbone mine")
    assert outcome.code == 5
    assert 'net.py", line 6, in layers' in outcome.err
    assert "AttributeError: 'Net' object has no attribute 'sizes'" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("enas-inr: backbone 'mine' of bad-plugin 1.0")
    assert "Traceback" not in call("--no-plugins cost --backbone mine").err


def test_a_backbone_that_fails_in_training_ends_the_search(site, strict, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site.write("net", NET.replace("self.sizes", "super().layers(shape)[:1]"))
    options = "enas_inr.backbones.options:SirenOptions"
    site.install("bad-plugin", backbone("mine", target="net:Net", options=options))
    line = "search sample:photo --size 16 --grid 2 --backbone mine --widths 4 --depths 1 --quiet"
    outcome = call(f"{strict} {line}")
    assert outcome.code == 5
    assert "Traceback" in outcome.err
    assert "layers: the last one gives 4 channels, not 3" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("value", ["", "0"])
def test_an_empty_or_zero_variable_asks_for_nothing(site, monkeypatch, value):
    site.install("bad-plugin", BROKEN)
    monkeypatch.setenv(STRICT_VARIABLE, value)
    assert call("cost").code == 0


def test_from_python_the_traceback_is_a_note_of_the_error(site):
    module = site.install("bad-plugin", BROKEN)
    with pytest.raises(PluginError) as caught:
        load_catalog(strict=True)
    assert any(f'{module}.py", line 2' in note for note in caught.value.__notes__)
    assert load_catalog(strict=True, plugins=False).strict
