"""A model file is trained further, with its architecture and its recipe."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import enas_inr
from enas_inr.errors import ExitCode
from tests.command_line import assert_one_line, call
from tests.present import present

SIGNAL = "sample:photo --size 20x24 --quiet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of an unusual recipe, and an archive of it."""
    made = tmp_path_factory.mktemp("resumed")
    line = (
        f"fit {SIGNAL} --grid 2 --width 8 --steps 3 --lr 2e-3 --profile tuned --optimizer muon "
        f"--backbone-option omega_first=12 -o {made}/m.inr"
    )
    outcome = call(line)
    assert outcome.code == 0, outcome.err
    assert call(f"archive {made}/m.inr -o {made}/m.inrs").code == 0
    return made


def test_it_goes_on_with_the_weights_the_architecture_and_the_recipe(folder, tmp_path):
    before = enas_inr.load(folder / "m.inr")
    line = f"fit {SIGNAL} --resume-from {folder}/m.inr --steps 30 -o {tmp_path}/on.inr"
    said = call(f"{line} --json").json
    after = enas_inr.load(tmp_path / "on.inr")
    assert after.header.ensemble == before.header.ensemble
    assert after.header.training == before.header.training.model_copy(update={"steps": 30})
    assert after.header.training.optimizer == "muon"
    assert (said["start"], said["steps"]) == (str(folder / "m.inr"), 30)
    assert present(after.header.start).source == str(folder / "m.inr")
    assert said["psnr_db"] > float(str(before.header.metrics["psnr_db"])) + 1
    assert f"started from {folder}/m.inr" in call(f"info {tmp_path}/on.inr").out


def test_a_step_of_no_length_leaves_the_model_as_it_is(folder, tmp_path):
    still = enas_inr.fit(
        "sample:photo",
        size="20x24",
        resume_from=folder / "m.inr",
        training={"learning_rate": 1e-30},
        steps=1,
        output=tmp_path / "a.inr",
    )
    assert torch.equal(still.model.vector(), enas_inr.load(folder / "m.inr").vector())


def test_without_steps_there_are_as_many_again(folder, tmp_path):
    line = f"fit {SIGNAL} --resume-from {folder}/m.inr --grid 2 -o {tmp_path}/a.inr --json"
    assert call(line).json["steps"] == 3  # and what agrees with the model may be given


def test_other_values_are_trained_with_a_warning(folder, tmp_path, caplog):
    line = f"sample:astronaut --size 20x24 --resume-from {folder}/m.inr --steps 2"
    assert call(f"fit {line} -o {tmp_path}/a.inr --quiet").code == 0
    assert "was fitted to other values than those of 'astronaut'" in caplog.text


def test_all_signals_of_a_set_start_from_it(folder, tmp_path):
    line = f"fit sample:photo sample:astronaut --size 20x24 --steps 2 --quiet -o {tmp_path}/out"
    assert call(f"{line} --resume-from {folder}/m.inr").code == 0
    for name in ("photo", "astronaut"):
        header = enas_inr.load(tmp_path / "out" / f"{name}.inr").header
        assert present(header.start).source == str(folder / "m.inr")
        assert header.training.optimizer == "muon"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ("--grid 4", 2, "grid 4 is not that of '{0}/m.inr', which has 2"),
        ("--backbone relu", 2, "backbone relu is not that of"),
        ("--backbone-option omega_first=13", 2, "options {{'omega_first': 13}} is not that of"),
        ("--profile paper", 2, "profile 'paper' and resume_from '{0}/m.inr' differ"),
        ("--study found", 2, "study 'found' and resume_from"),
        ("--init-from x.inr", 2, "init_from 'x.inr' and resume_from"),
        ("--repeats 2", 2, "would all be equal"),
        ("--size 24x24", 8, "and {0}/m.inr is a model of 24x20 samples; give --size 20x24"),
        ("--resume-from {0}/m.inrs", 8, "is an archive of models; give one of its models"),
        ("--resume-from {0}/none.inr", 3, "cannot be read"),
    ],
)
def test_what_contradicts_the_model_is_one_clear_line(folder, tmp_path, options, code, says):
    given = f"--resume-from {folder}/m.inr {options.format(folder)}"
    outcome = call(f"fit {SIGNAL} {given} -o {tmp_path}/x.inr")
    assert_one_line(outcome, code)
    assert says.format(folder) in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_the_model_itself_is_overwritten_by_force_alone_and_at_the_end(
    folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    model = Path("photo.inr")  # where the fit of this sample goes without -o
    shutil.copy(folder / "m.inr", model)
    before = model.read_bytes()
    line = f"fit {SIGNAL} --resume-from {model} --steps 4"
    refused = call(line)
    assert_one_line(refused, ExitCode.MODEL)
    assert "'photo.inr' exists already; give --force" in refused.err
    given: dict[str, Any] = {"size": "20x24", "resume_from": model, "steps": 4, "force": True}
    stopped = enas_inr.fit("sample:photo", **given, should_stop=lambda: True)
    assert not stopped.finished
    assert model.read_bytes() == before
    stopped.checkpoint.unlink()
    assert call(f"{line} -o further.inr").code == 0
    outcome = call(f"{line} --force")
    assert outcome.code == 0, outcome.err
    assert model.read_bytes() == Path("further.inr").read_bytes() != before
    assert {path.name for path in tmp_path.iterdir()} == {"photo.inr", "further.inr"}
