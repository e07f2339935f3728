"""A plugin that cannot be loaded is listed with the reason and a hint, and affects no other."""

import subprocess
import sys

import pytest

from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import load_catalog
from tests.command_line import MAIN, assert_one_line, call
from tests.plugins.plugin_site import backbone, describe, only_broken, plugin, providers

LEAVE_OUT = "leave it out: ENAS_INR_DISABLE_PLUGINS=bad-plugin"
OPTIONAL = """
from enas_inr.hookspecs import Backbone, hookimpl

@hookimpl(specname="enas_inr_backbones")
def mine():
    return [Backbone(name="mine", summary="", target="m:N")]

@hookimpl(optionalhook=True)
def enas_inr_of_a_later_version():
    return []
"""
BROKEN = {
    "import raises": (
        "raise RuntimeError('no GPU here')",
        "RuntimeError: no GPU here",
        f"upgrade or uninstall bad-plugin, or {LEAVE_OUT}",
    ),
    "import raises without a word": ("raise RuntimeError", "RuntimeError", LEAVE_OUT),
    "import exits": ("raise SystemExit(3)", "SystemExit: 3", LEAVE_OUT),
    "syntax": ("def", "SyntaxError: invalid syntax (bad_plugin_plugin.py, line 1)", LEAVE_OUT),
    "import lacks a module": (
        "import no_such_module",
        "ModuleNotFoundError: No module named 'no_such_module'",
        "install the package that provides 'no_such_module', or uninstall bad-plugin",
    ),
    "misspelt hook": (
        plugin("[]", hook="enas_inr_backbone"),
        "unknown hook 'enas_inr_backbone'",
        "did you mean 'enas_inr_backbones'? (or upgrade or uninstall bad-plugin)",
    ),
    "hook that is not marked": (
        "def enas_inr_backbones(): return []",
        "'enas_inr_backbones' is not marked as a hook",
        "mark a function with @hookimpl",
    ),
    "no hook": ("x = 1", "the plugin has no hook", "upgrade or uninstall bad-plugin"),
    "hook with an argument": (
        plugin("[]", hook="enas_inr_backbones").replace("()", "(signal)"),
        "Argument(s) {'signal'} are declared in the hookimpl but can not be found in the hookspec",
        LEAVE_OUT,
    ),
    "hook raises": (plugin("1 / 0"), "ZeroDivisionError: division by zero", LEAVE_OUT),
    "wrong object": (
        plugin("[{'name': 'mine'}]"),
        "TypeError: enas_inr_backbones returned {'name': 'mine'}, not enas_inr.hookspecs.Backbone",
        LEAVE_OUT,
    ),
    "wrong kind": (
        plugin("[Objective(name='o', summary='', target='')]"),
        "not enas_inr.hookspecs.Backbone",
        LEAVE_OUT,
    ),
    "no list": (
        plugin(describe("mine")),
        "TypeError: 'Backbone' object is not iterable",
        LEAVE_OUT,
    ),
    "unknown field": (
        backbone("mine", colour="red"),
        "got an unexpected keyword argument 'colour'",
        LEAVE_OUT,
    ),
    "name is no text": (backbone(None), "Backbone: name is None, not a text", LEAVE_OUT),
    "target is a class": (
        plugin("[Backbone(name='mine', summary='', target=int)]"),
        "target is <class 'int'>, not a text (write 'package.module:Class')",
        LEAVE_OUT,
    ),
    "hook returns None": (plugin("None"), "enas_inr_backbones returned None: return", LEAVE_OUT),
    "no name": (backbone(""), "Backbone: name is empty", LEAVE_OUT),
    "learning rate is a text": (
        backbone("mine", learning_rate="fast"),
        "learning_rate is 'fast', not above 0",
        LEAVE_OUT,
    ),
    **{
        f"{field} {value!r}": (
            plugin(
                f"[{describe('mine', kind='Modality', **{field: value})}]",
                hook="enas_inr_modalities",
            ),
            reason,
            LEAVE_OUT,
        )
        for field, value, reason in (
            ("suffixes", ("toy",), "suffix 'toy' is not like '.npy', in lower case"),
            ("suffixes", (".Toy",), "suffix '.Toy' is not like"),
            ("suffixes", ("",), "suffix '' is not like"),
            ("axes", 3, "axes is 3, not a tuple of whole numbers"),
        )
    },
    "suffixes are no tuple": (
        plugin(
            f"[{describe('mine', kind='Modality', suffixes='.npy')}]", hook="enas_inr_modalities"
        ),
        "suffixes is '.npy', not a tuple of texts",
        LEAVE_OUT,
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_listed_with_its_reason_and_affects_no_other(site, what):
    source, reason, hint = BROKEN[what]
    site.install("bad-plugin", source, version="3.2")
    site.install("good-plugin", backbone("healthy"))
    catalog = load_catalog()
    broken = only_broken(catalog, "bad-plugin")
    assert (str(broken.origin), broken.origin.entry_point) == ("bad-plugin 3.2", "bad-plugin")
    assert reason in broken.reason
    assert "\n" not in broken.reason
    assert hint in broken.hint
    assert broken.traceback.startswith("Traceback")
    assert not providers(catalog, "bad-plugin")
    assert catalog.find("backbone", "healthy").origin.distribution == "good-plugin"
    assert catalog.find("backbone", "siren").origin.distribution == "enas-inr"


def test_the_traceback_of_a_broken_plugin_shows_its_own_line(site):
    module = site.install("bad-plugin", "x = 1\nraise RuntimeError('no GPU here')\n")
    traceback = only_broken(load_catalog(), "bad-plugin").traceback
    assert f'{module}.py", line 2' in traceback


def test_an_optional_hook_of_a_later_version_is_accepted(site):
    site.install("good-plugin", OPTIONAL)
    catalog = load_catalog()
    assert catalog.find("backbone", "mine").origin.distribution == "good-plugin"
    assert not catalog.broken


def test_an_unknown_name_mentions_the_broken_plugins(site):
    site.install("bad-plugin", "raise RuntimeError")
    with pytest.raises(SpecError, match=r"broken plugins: bad-plugin 1\.0; see `enas-inr plugins"):
        load_catalog().find("backbone", "mine")
    assert_one_line(call("cost --backbone mine"), 2)


@pytest.mark.parametrize("finder", ["importlib.metadata", "importlib_metadata"])
def test_a_distribution_without_metadata_is_broken_under_a_readable_name(site, finder):
    pytest.importorskip(finder)  # the second one replaces what the first one finds
    folder = site.folder / "nameless-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[enas_inr]\nnameless = no_such_module\n")
    (broken,) = [b for b in load_catalog().broken if b.origin.entry_point == "nameless"]
    assert "None" not in str(broken.origin)


@pytest.mark.parametrize("what", ["import raises", "misspelt hook"])
def test_a_broken_plugin_does_not_affect_other_commands(site, tmp_path, what):
    pytest.importorskip("torch")  # needed by the process of the command
    site.install("bad-plugin", BROKEN[what][0])
    line = "cost --grid 8 --depth 1 --width 128 --json"
    process = subprocess.run(
        [sys.executable, "-c", MAIN, *line.split()],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join([str(site.folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == call(f"--no-plugins {line}").out
