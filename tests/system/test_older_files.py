"""Files of version 0.1.0 can be opened and continued; see tests/data/v0.1.0/README.md."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import enas_inr
from enas_inr.api.study import prepare
from enas_inr.cli.main import run as cli
from enas_inr.errors import StudyError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.storage import study_names
from enas_inr.studies.store import Store
from tests.present import present

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "tests" / "data" / "v0.1.0"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
SPECS = json.loads((SAMPLES / "specs.json").read_text())
TRAINED_DB = 2.0  # other code and processors round sums differently when a trial is trained again
NEEDS = {"wire": "wire", "gauss": "gauss", "finer": "finer", "cube": "volume", "rate_d": "rate"}
"""The plugin that is needed, by a word in the command or file."""
SMOOTH = "smooth-constant"
"""What the profile `smooth` was."""


@pytest.fixture(autouse=True)
def copies(tmp_path, monkeypatch):
    """Copies the files to a new folder and makes it the current folder."""
    shutil.copytree(SAMPLES, tmp_path, dirs_exist_ok=True)
    for packed in tmp_path.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    for file in tmp_path.glob("*.toml"):
        file.write_text(file.read_text().replace('"smooth"', f'"{SMOOTH}"'))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def one_thread(threads):
    """Uses one thread, which is fastest next to other programs and does not change results."""
    threads(1)


def require_plugins(*texts):
    for word, plugin in NEEDS.items():
        if any(word in text for text in texts):
            pytest.importorskip(f"enas_inr_{plugin}")


def require_photo():
    """Skip if the JPEG decoder differs, since study names depend on the decoded photograph."""
    signal = load_signal(load_catalog(plugins=False), "sample:photo", {"size": [16, 16]})
    if signal.info().fingerprint != EXPECTED["signals"]["sample:photo at 16x16"]["fingerprint"]:
        pytest.skip("another JPEG decoder, so another photograph")


def as_today(command):
    """Return a command of version 0.1.0 with the flag that names the profile that it had."""
    verb, *rest = command
    rest = [SMOOTH if word == "smooth" else word for word in rest]
    if "--profile" not in rest:
        if verb == "search":
            rest += ["--profile", "paper"]
        elif verb == "fit" and "--study" not in rest:
            rest += ["--profile", SMOOTH]
    return [verb, *rest]


def printed(command, capsys, code=0):
    capsys.readouterr()
    assert cli(as_today(command)) == code
    return capsys.readouterr()


def printed_json(command, capsys):
    command = command if "--json" in command or "--format" in command else [*command, "--json"]
    told = json.loads(printed(command, capsys).out)
    assert told.pop("schema") == 1  # which version 0.1 did not print
    return told


def facts(result):
    """Return the parts of a search that are equal on every machine."""
    keys = ("backbone", "options", "grid", "depth", "width", "flops", "parameters", "bytes")
    return {
        "study": result["study"],
        "best": {key: result["best"][key] for key in keys},
        "front": result["front"],
        "trace": result["trace"],
    }


def as_recorded(search):
    """Replace trials by their numbers in the output of a search, as in `expected.json`."""
    numbered = {"front": [row["number"] for row in search["front"]]}
    numbered["trace"] = [
        step | {"candidates": [row["number"] for row in step["candidates"]]}
        for step in search["trace"]
    ]
    return search | numbered


# Models.

# In float32, phases of up to 3000 (the first layer's of the sound) are known to 2e-4, and differ
# between processors; a level of 8 bits is 8e-3.
ROUNDING = 1e-4


@pytest.mark.parametrize("name", EXPECTED["models"])
def test_a_model_gives_the_values_that_it_gave(name, capsys):
    require_plugins(name)
    known = EXPECTED["models"][name]
    model = enas_inr.load(name)
    values = model(torch.tensor(known["at"]))
    torch.testing.assert_close(values, torch.tensor(known["values"]), atol=ROUNDING, rtol=0)
    rendered = model.render().values
    assert list(rendered.shape) == known["render"]["shape"]
    for part, there in (("first", slice(None, 4)), ("last", slice(-4, None))):
        found = rendered.flatten()[there]
        torch.testing.assert_close(
            found, torch.tensor(known["render"][part]), atol=ROUNDING, rtol=0
        )
    larger = model.render(scale=2, blend=True).values
    assert list(larger.shape) == known["render_scale_2_blend"]["shape"]
    assert float(larger.mean()) == pytest.approx(known["render_scale_2_blend"]["mean"], abs=1e-5)
    told = printed_json(["info", name], capsys)
    assert told["flops"] == known["flops"]
    assert told["parameters"] == known["parameters"]


@pytest.mark.parametrize("name", EXPECTED["models"])
def test_a_model_is_written_again_byte_by_byte(name):
    require_plugins(name)
    enas_inr.load(name).save("again.inr")
    assert Path("again.inr").read_bytes() == Path(name).read_bytes()


# Fits.


def test_a_checkpoint_continues_to_the_same_metrics(capsys):
    known = EXPECTED["checkpoint"]
    refused = printed(known["another_seed"]["command"], capsys, known["another_seed"]["exit_code"])
    assert known["another_seed"]["stderr"] in refused.err
    found = printed_json(known["command"], capsys)
    assert found["steps"] == known["continued"]["steps"]
    assert found["parameters"] == known["continued"]["parameters"]
    assert found["psnr_db"] == pytest.approx(known["continued"]["psnr_db"], abs=TRAINED_DB)


# Studies.


@pytest.mark.parametrize("name", [n for n, s in EXPECTED["searches"].items() if "best" in s])
def test_a_study_that_has_ended_is_found_by_its_command_and_trains_nothing(name, capsys):
    known = EXPECTED["searches"][name]
    if name == "derived":
        require_photo()
    if name == "stopped by ray":
        pytest.importorskip("ray")
    found = as_recorded(printed_json(known["command"], capsys))
    assert facts(found) == facts(known)
    assert len(found["trials"]) == known["trials"]
    assert found["best"]["number"] == known["best"]["number"]
    for mine, theirs in zip(found["trials"], known["all"], strict=True):
        assert {key: mine[key] for key in theirs} == theirs
    originals, pictures = find_pictures(known["study"], known["storage"])
    original = originals.get(0)
    complete = [row["number"] for row in found["trials"] if row["status"] == "complete"]
    assert sorted(pictures) == complete
    for picture in (present(original), *pictures.values()):
        assert isinstance(picture.decoded, Signal if name == "sound" else np.ndarray)


def test_a_study_whose_trial_diverged_says_so_again(capsys):
    known = EXPECTED["searches"]["diverged"]
    assert known["stderr"] in printed(known["command"], capsys, known["exit_code"]).err


@pytest.mark.parametrize("name", EXPECTED["unfinished"])
def test_a_study_that_was_interrupted_continues_to_the_same_end(name, capsys):
    known = EXPECTED["unfinished"][name]["continued"]
    _, before = read_study(known["study"], known["storage"])
    assert len(before) == EXPECTED["unfinished"][name]["known"]
    found = as_recorded(printed_json(EXPECTED["unfinished"][name]["command"], capsys))
    assert facts(found) == facts(known)
    _, after = read_study(known["study"], known["storage"])
    assert after[: len(before)] == before
    for mine, theirs in zip(found["trials"], known["all"], strict=True):
        assert (mine["depth"], mine["width"]) == (theirs["depth"], theirs["width"])
        assert mine["psnr_db"] == pytest.approx(theirs["psnr_db"], abs=TRAINED_DB)
    _, pictures = find_pictures(known["study"], known["storage"])
    assert len(pictures) == len(after)


def test_a_report_and_a_comparison_say_what_they_said(capsys):
    report = printed_json(EXPECTED["report"]["command"], capsys)
    known = EXPECTED["report"]["output"]
    # The wording of one finding has changed since.
    now = [text.replace(", never beaten", " and to the last") for text in report["findings"]]
    assert now == known["findings"]
    for mine, theirs in zip(report["rows"], known["rows"], strict=True):
        for key in ("name", "status", "flops", "psnr_db_repeats", "score", "best", "front"):
            assert mine[key] == theirs[key]
    compared = printed_json(EXPECTED["compare"]["command"], capsys)
    for key in ("verdict", "differences_in_settings", "budget"):
        assert compared[key] == EXPECTED["compare"]["output"][key]
    assert compared["best"]["p"] == pytest.approx(EXPECTED["compare"]["output"]["best"]["p"])


def test_a_model_is_fitted_for_an_old_study(capsys):
    require_photo()
    known = EXPECTED["fit_of_a_study"]
    found = printed_json(known["command"], capsys)
    assert found["flops"] == known["output"]["flops"]
    assert found["psnr_db"] == pytest.approx(known["output"]["psnr_db"], abs=TRAINED_DB)


# Study files.


@pytest.mark.parametrize(
    ("path", "how"), [(p, how) for p, hows in EXPECTED["study_files"].items() for how in hows]
)
def test_a_study_file_plans_the_same_studies(path, how, capsys, monkeypatch):
    if path == "volume.toml":
        for plugin in ("evolution", "rate", "volume", "wire"):
            pytest.importorskip(f"enas_inr_{plugin}")
    known = EXPECTED["study_files"][path][how]
    monkeypatch.setenv("COLUMNS", "120")
    assert f"{path} is valid" in printed(known["command"], capsys).out
    settings = [text.split("=", 1) for text in known["command"] if "=" in text]
    changes = {key: json.loads(value) for key, value in settings}
    planned = prepare(path, quick=how == "quick", changes=changes).planned
    for mine, theirs in zip(planned, known["planned"], strict=True):
        assert (mine.name, mine.label) == (theirs["name"], theirs["label"])
        assert mine.spec.model_dump(mode="json") == theirs.get("spec") or "spec" not in theirs
        assert dict(mine.names) == theirs.get("row_names", {}) or "row_names" not in theirs


@pytest.mark.parametrize(
    ("path", "how"),
    [(p, how) for p, hows in EXPECTED["repository_studies"].items() for how in hows],
)
def test_a_study_file_of_the_repository_plans_the_same_studies(path, how):
    require_photo()
    if "fig2" in path:
        pytest.importorskip("skimage")
    names = [study["name"] for study in EXPECTED["repository_studies"][path][how]["planned"]]
    planned = prepare(REPOSITORY / path, quick=how == "quick").planned
    assert [study.name for study in planned] == names


def test_a_study_file_that_was_run_is_not_run_again(capsys):
    known = EXPECTED["study_run"]
    storage = known["command"][-1]
    before = {name: read_study(name, storage) for name in study_names(storage)}
    printed(known["command"], capsys)
    assert {name: read_study(name, storage) for name in study_names(storage)} == before
    assert sorted(before) == sorted(study["name"] for study in known["report"]["studies"])


# Command lines.


class NotOpenedError(StudyError):
    """Raised when a search is about to open its store."""


@pytest.fixture
def stores(monkeypatch) -> list[Store]:
    """The stores that searches would open; none is opened."""
    asked: list[Store] = []

    def enter(store):
        asked.append(store)
        raise NotOpenedError(store.name)

    monkeypatch.setattr(Store, "__enter__", enter)
    return asked


def identified(entry):
    return " ".join(entry["argv"])


@pytest.mark.parametrize("entry", [e for e in SPECS if e["argv"][0] == "search"], ids=identified)
def test_a_search_has_the_same_name_and_settings(entry, stores, capsys):
    require_plugins(identified(entry))
    if "sample:photo" in entry["argv"]:
        require_photo()
    cli(as_today(entry["argv"]))
    (store,) = stores
    assert store.name == entry["study"]
    assert store.spec.model_dump(mode="json") == entry["spec"]


@pytest.mark.parametrize("entry", [e for e in SPECS if e["argv"][0] == "fit"], ids=identified)
def test_a_fit_has_the_same_settings(entry, capsys):
    require_plugins(identified(entry))
    if "sample:photo" in entry["argv"]:
        require_photo()
    made = printed_json([*entry["argv"], "-o", "made.inr"], capsys)
    header = enas_inr.load("made.inr").header
    spec = entry["spec"]
    assert header.ensemble.model_dump(mode="json") == spec["ensemble"]
    settled = spec["training"] | {"learning_rate": entry["learning_rate"]}
    assert header.training.model_dump(mode="json") == settled
    assert header.seed == spec["seed"]
    for key in ("steps", "flops", "parameters"):
        assert made[key] == entry["output"][key]


@pytest.mark.parametrize("entry", [e for e in SPECS if e["argv"][0] == "cost"], ids=identified)
def test_a_cost_is_the_same(entry, capsys):
    require_plugins(identified(entry))
    told = printed_json(entry["argv"], capsys)
    assert told.pop("ensemble") == entry["spec"]
    assert told == entry["output"]
