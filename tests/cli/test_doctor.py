"""`doctor` tells what a bug report needs, and what is broken."""

import platform
from importlib.metadata import version

import pytest

from enas_inr.api import doctor as module
from tests.command_line import call

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(options=""):
    found = call(f"--no-plugins doctor --json {options}")
    return found, {one["about"]: one for one in found.json["findings"]}


def test_what_is_used_is_said():
    found, about = findings()
    assert found.code == 0
    assert not found.json["broken"]
    assert "torch" in about["versions"]["said"]
    assert f"pillow {version('pillow')}" in about["versions"]["said"]
    assert platform.machine() in about["system"]["said"]
    assert about["device"]["said"].startswith("cpu")
    assert "no study yet" in about["storage"]["said"]
    assert about["plugins"]["said"] == "none besides the built-in ones"
    assert call("--no-plugins doctor").out.startswith("versions")


def test_what_is_broken_is_said_with_a_remedy_and_an_exit_code():
    found, about = findings("--device cuda:9")
    assert found.code == 1
    assert "not available" in about["device"]["said"]
    assert about["device"]["advice"] == "use --device cpu"
    assert "broken: device 'cuda:9'" in call("--no-plugins doctor --device cuda:9").out


def test_missing_extras_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(module, "_version", lambda name: "" if name == "ray" else "1")
    _, about = findings()
    assert about["extras"]["said"].endswith("without: ray")
    assert about["extras"]["advice"] == "pip install 'enas-inr[ray]'"


def test_extras_have_the_versions_of_their_packages(monkeypatch):
    monkeypatch.setattr(module, "_version", lambda name: f"1.{len(name)}")
    assert "heif (pillow-heif 1.11), media (av 1.2)" in findings()[1]["extras"]["said"]


@pytest.mark.parametrize(
    ("kind", "triton", "said"),
    [
        ("cuda", "3.4", "torch, with activations by Triton 3.4"),
        ("cuda", "", "torch alone, which is slower"),
        ("mps", "", "torch"),
    ],
)
def test_the_kernel_is_that_of_the_device(monkeypatch, kind, triton, said):
    monkeypatch.setattr(module, "_version", lambda name: triton)
    assert module._kernel(kind).said == said


def test_studies_are_counted_and_passwords_hidden():
    line = "search sample:photo --size 8 --grid 2 --widths 4 --depths 1 --steps 2 --repeats 1 -q"
    assert call(line).code == 0
    assert findings()[1]["storage"]["said"] == "sqlite:///enas-inr.db: 1 study"
    url = "postgresql+psycopg://user:SECRET@127.0.0.1:1/none"
    found = call(f"--no-plugins doctor --storage {url}")
    assert found.code == 1
    assert "SECRET" not in found.out + found.err


def test_the_settings_file_is_named_even_if_it_is_broken(folder, monkeypatch):
    monkeypatch.delenv("ENAS_INR_SETTINGS")
    (folder / "enas-inr.toml").write_text("[search")
    found, about = findings()
    assert "cannot be read" in about["settings file"]["said"]
    assert (found.code, about["settings file"]["broken"]) == (1, True)
    for text in ("[render]\nscal = 2", "[study.run]\nscal = 2", "scal = 2"):
        (folder / "enas-inr.toml").write_text(text)  # all commands are checked
        assert "'scal'" in findings()[1]["settings file"]["said"]
    (folder / "enas-inr.toml").write_text("storage = 'other.db'")
    _, about = findings()
    assert about["settings file"]["said"] == str(folder / "enas-inr.toml")
    assert about["storage"]["said"].startswith("sqlite:///other.db")


def test_variables_are_shown_without_passwords(monkeypatch):
    monkeypatch.setenv("ENAS_INR_STORAGE", "postgresql://user:SECRET@127.0.0.1:1/none")
    found, about = findings()
    assert "ENAS_INR_STORAGE=postgresql://user:***@127.0.0.1:1/none" in about["environment"]["said"]
    assert "SECRET" not in found.out + found.err
