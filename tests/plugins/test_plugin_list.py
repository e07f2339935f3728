"""`enas-inr plugins list` shows plugins, problems and hints, without importing torch."""

import json
import subprocess
import sys

import pytest

from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.loading import HEAVY, KINDS
from tests.command_line import assert_one_line, call, plain
from tests.plugins.plugin_site import backbone, describe, plugin

REASON = "ModuleNotFoundError: No module named 'no_such_module'"
HINT = "install the package that provides 'no_such_module', or uninstall bad-plugin"
PRINT_MODULES = """
import sys
from enas_inr.cli.main import run
code = run(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""


def test_a_broken_plugin_is_shown_with_its_reason_and_what_to_do(site):
    site.install("bad-plugin", "import no_such_module", version="3.2", entry_point="bad")
    outcome = call("plugins list")
    assert (outcome.code, outcome.err) == (0, "")
    (line,) = [line for line in outcome.out.splitlines() if "broken" in line]
    assert plain(line) == f"broken: bad-plugin 3.2 (entry point 'bad'): {REASON}; {HINT}"
    assert "bad-plugin" not in call("--no-plugins plugins list").out


def test_its_traceback_is_shown_to_those_who_ask(site):
    module = site.install("bad-plugin", "x = [1]\nx[2]  # [red]no markup[/]\n")
    assert "Traceback" not in call("plugins list").out
    for flag in ("-v", "--verbose"):
        printed = call(f"plugins list {flag}").out
        assert "Traceback" in printed
        assert f'{module}.py", line 2' in printed
        assert "# [red]no markup[/]" in printed


def test_broken_plugins_are_in_the_json(site):
    site.install("bad-plugin", "import no_such_module", version="3.2", entry_point="bad")
    outcome = call("plugins list --json")
    (broken,) = outcome.json["broken"]
    assert broken.pop("traceback").startswith("Traceback")
    assert broken == {
        "distribution": "bad-plugin",
        "version": "3.2",
        "entry_point": "bad",
        "reason": REASON,
        "hint": HINT,
    }
    assert outcome.code == 0
    assert call("--no-plugins plugins list --json").json["broken"] == []


def test_conflicts_are_shown_and_are_in_the_json(site):
    site.install("one-plugin", backbone("shared"))
    site.install("two-plugin", backbone("shared"), version="2.5")
    outcome = call("plugins list")
    (line,) = [line for line in outcome.out.splitlines() if "conflict" in line]
    assert plain(line).startswith(
        "conflict: backbone 'shared' is provided by one-plugin 1.0 and by two-plugin 2.5; uninstall"
    )
    assert outcome.code == 0
    (conflict,) = call("plugins list --json").json["conflicts"]
    assert (conflict["kind"], conflict["name"]) == ("backbone", "shared")
    assert [o["distribution"] for o in conflict["origins"]] == ["one-plugin", "two-plugin"]
    assert conflict["hint"].startswith("uninstall one-plugin or two-plugin")


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_can_be_asked_for(site, kind):
    site.install("one-plugin", backbone("shared", "siren"))
    site.install("bad-plugin", "raise RuntimeError")
    listed = call(f"plugins list --kind {kind} --json").json
    expected = [d.name for d in load_catalog().descriptions(kind)]
    assert [p["name"] for p in listed["plugins"]] == expected
    assert {p["kind"] for p in listed["plugins"]} == {kind}
    assert len(listed["conflicts"]) == (kind == "backbone")
    assert len(listed["broken"]) == 1  # of unknown kind
    printed = plain(call(f"plugins list --kind {kind}").out)
    assert ("conflict:" in printed) == (kind == "backbone")


def test_an_unknown_kind_is_refused_with_the_nearest():
    outcome = call("plugins list --kind backbones")
    assert_one_line(outcome, 2)
    assert "unknown kind 'backbones'; did you mean 'backbone'?" in outcome.err


def test_a_summary_is_shown_as_it_is_written(site):
    described = describe("mine", kind="Objective").replace("a test", "in [dB], [bold]per[/] FLOP")
    site.install("good-plugin", plugin(f"[{described}]", hook="enas_inr_objectives"))
    assert "in [dB], [bold]per[/] FLOP" in plain(call("plugins list").out)


def list_in_a_process(site, cwd, *flags):
    """List in a new process, and return its output and the imported modules."""
    process = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES, "plugins", "list", *flags],
        cwd=cwd,
        env={"PYTHONPATH": ":".join([str(site.folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = process.stderr.split()
    assert code == "0", process.stderr
    return process.stdout, {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("flags", [(), ("--json",), ("--verbose",), ("--kind", "backbone")])
def test_with_ten_plugins_that_import_torch_listing_imports_nothing_heavy(site, tmp_path, flags):
    for number in range(10):
        name = f"net_{number}"
        site.write(name, "import torch\nfrom enas_inr.backbones.siren import Siren as Net\n")
        fields = {"target": f"{name}:Net", "options": "enas_inr.backbones.options:SirenOptions"}
        site.install(f"plugin-{number}", backbone(f"mine-{number}", **fields))
    printed, modules = list_in_a_process(site, tmp_path, *flags)
    assert all(f"mine-{number}" in printed for number in range(10))
    assert "slow" not in printed.replace('"slow": []', "")
    assert not {*HEAVY, "numpy"} & modules


def test_a_plugin_that_imports_torch_in_its_entry_point_is_told_to_name_its_target(site, tmp_path):
    site.write("torch", "")  # the module is what matters, not the time
    site.install("slow-plugin", f"import torch\n{backbone('mine')}", version="1.5")
    site.install("good-plugin", backbone("healthy"))
    printed, modules = list_in_a_process(site, tmp_path)
    assert "torch" in modules
    (line,) = [line for line in printed.splitlines() if "to load" in line]
    before, after = plain(line).split(" s to load: ")
    assert before.startswith("slow: slow-plugin 1.5 took ")
    assert after == "it imports torch in its entry point; name the target as text"
    listed, _ = list_in_a_process(site, tmp_path, "--json")
    (slow,) = json.loads(listed)["slow"]
    assert (slow["distribution"], slow["modules"]) == ("slow-plugin", ["torch"])


def test_a_broken_plugin_may_be_slow_too(site, tmp_path):
    site.write("torch", "")
    site.install("bad-plugin", "import torch\nraise RuntimeError('no GPU here')")
    printed, _ = list_in_a_process(site, tmp_path)
    assert "broken: bad-plugin 1.0" in plain(printed)
    assert "it imports torch in its entry point" in plain(printed)
