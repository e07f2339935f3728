"""Fits that start from a model, an archive or the winner of a study, as commands and calls."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import enas_inr
from enas_inr.api.fit_spec import fit_specs
from enas_inr.api.settings import FitSettings
from enas_inr.api.starting import take_start
from enas_inr.executors.states import states_folder
from enas_inr.plugins.catalog import load_catalog
from tests.command_line import assert_one_line, call
from tests.present import present

CATALOG = load_catalog(plugins=False)
FIT = "fit sample:photo --size 20x24 --quiet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two models, their archive, and a study with its states."""
    made = tmp_path_factory.mktemp("starts")
    for seed in (0, 1):
        line = f"{FIT} --grid 2 --width 8 --steps 3 --seed {seed} --backbone-option omega_first=12"
        assert call(f"{line} -o {made}/m{seed}.inr").code == 0
    assert call(f"archive {made}/m0.inr {made}/m1.inr -o {made}/m.inrs").code == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENAS_INR_CACHE", f"{made}/cache")
        searched = "--size 20x24 --grid 2 --widths 4,8 --depths 1 --steps 60 --repeats 1 --quiet"
        line = f"search sample:photo {searched} --study found --storage {made}/s.db"
        assert call(line).code == 0
    return made


def settled(start, **settings):
    specs = fit_specs(FitSettings(**settings).settled(CATALOG), CATALOG, start)
    return specs((24, 20, 3))


def test_the_architecture_and_the_coordinates_are_those_of_the_start(folder):
    start = take_start(folder / "m0.inr", "none.db", CATALOG)
    spec = settled(start)
    assert spec.ensemble.label() == "siren M=2 d=1 w=8"
    assert spec.ensemble.options["omega_first"] == 12
    assert (spec.training.profile, spec.training.extent) == ("smooth", 72)
    changed = settled(start, steps=7, profile="tuned", backbone_options={"omega_hidden": 5})
    assert (changed.training.steps, changed.training.extent) == (7, 1)
    assert changed.ensemble.options["omega_first"] == 12
    assert changed.ensemble.options["omega_hidden"] == 5
    other = settled(start, backbone="relu")
    assert (other.ensemble.backbone, "omega_first" in other.ensemble.options) == ("relu", False)


def test_a_fit_says_from_what_it_started(folder, tmp_path):
    said = call(f"{FIT} --init-from {folder}/m.inrs --steps 2 -o {tmp_path}/a.inr --json").json
    assert said["start"] == f"the mean of 2 models of {folder}/m.inrs"
    printed = call(f"{FIT} --init-from {folder}/m0.inr --steps 2 -o {tmp_path}/b.inr").out
    assert f"started from {folder}/m0.inr" in printed
    assert f"started from {folder}/m0.inr" in call(f"info {tmp_path}/b.inr").out
    described = call(f"info {tmp_path}/b.inr --json").json
    assert described["start"]["models"] == 1
    drawn = call(f"{FIT} --grid 2 --width 8 --steps 2 -o {tmp_path}/c.inr --json").json
    assert drawn["start"] is None
    assert "start" not in call(f"info {tmp_path}/c.inr --json").json


def test_fits_of_many_signals_start_from_it(folder, tmp_path):
    line = f"fit sample:photo sample:astronaut --size 20x24 --steps 2 --quiet -o {tmp_path}/out"
    assert call(f"{line} --init-from {folder}/m.inrs").code == 0
    alone = f"{FIT} --init-from {folder}/m.inrs --steps 2 -o {tmp_path}/a.inr"
    assert call(alone).code == 0
    one, same = (enas_inr.load(tmp_path / name) for name in ("out/photo.inr", "a.inr"))
    assert torch.equal(one.vector(), same.vector())
    assert present(one.header.start).models == 2
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.inr")}
    assert call(f"{line} --init-from {folder}/m.inrs").code == 0  # keeps what is there
    assert {file: file.stat().st_mtime_ns for file in before} == before
    other = call(f"{line} --init-from {folder}/m0.inr")
    assert other.code != 0
    assert "start" in other.err


def test_a_fit_goes_on_from_the_winner_of_a_study(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ENAS_INR_CACHE", f"{folder}/cache")
    study = f"--storage {folder}/s.db --init-from found"
    ours = call(f"{FIT} {study} --steps 20 -o {tmp_path}/a.inr --json").json
    assert ours["start"] == "the winner of study found"
    drawn = call(f"{FIT} --grid 2 --width 8 --profile tuned --steps 20 -o {tmp_path}/b.inr --json")
    assert ours["psnr_db"] > drawn.json["psnr_db"] + 3
    header = enas_inr.load(tmp_path / "a.inr").header
    assert header.training.profile == "tuned"
    both = call(f"{FIT} {study} --study found --steps 20 -o {tmp_path}/c.inr --json").json
    assert (both["known_cells"], both["psnr_db"]) == (0, ours["psnr_db"])


def test_the_winner_of_a_set_is_the_mean_over_its_signals(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("ENAS_INR_CACHE", f"{tmp_path}/cache")
    for seed in (0, 1):
        values = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), np.uint8)
        Image.fromarray(values).save(tmp_path / f"p{seed}.png")
    storage = f"--storage {tmp_path}/s.db"
    searched = "--size 12 --grid 2 --widths 4 --depths 1 --steps 20 --repeats 1 --quiet --no-racing"
    files = f"{tmp_path}/p0.png {tmp_path}/p1.png"
    searching = call(f"search {files} {searched} --strategy coordinate --study both {storage}")
    assert searching.code == 0, searching.err
    start = take_start("both", f"{tmp_path}/s.db", CATALOG)
    assert start.source == "the mean of the winner of study both on 2 signals"
    folder = states_folder()
    found = [
        state["0.weights.layers.1.weight"][state["0.cells"].argsort()]
        for state in map(load_file, sorted(present(folder).glob("*.state")))
    ]
    assert len(found) == 2
    torch.testing.assert_close(start.leaves["layers.1.weight"], torch.stack(found).mean(dim=0))


def test_weights_that_are_not_on_this_machine_are_missed_in_one_line(folder, tmp_path, monkeypatch):
    line = f"{FIT} --storage {folder}/s.db --init-from found -o {tmp_path}/a.inr"
    monkeypatch.setenv("ENAS_INR_CACHE", f"{tmp_path}/empty")
    outcome = call(line)
    assert_one_line(outcome, 6)
    assert "this machine has the weights of 0 of 4 cells; fit it with --study" in outcome.err
    monkeypatch.setenv("ENAS_INR_CACHE", "")
    assert_one_line(call(line), 6)
    shutil.copytree(folder / "cache", tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*.state"):
        file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setenv("ENAS_INR_CACHE", f"{tmp_path}/copy")
    assert "0 of 4 cells" in call(line).err


def test_python_takes_the_same(folder, tmp_path):
    one = enas_inr.fit(
        "sample:photo",
        size="20x24",
        steps=2,
        init_from=folder / "m0.inr",
        output=tmp_path / "a.inr",
    )
    assert one.metrics["start"] == str(folder / "m0.inr")
    assert json.dumps(one.metrics)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ("--init-from {0}/m0.inr --grid 4", 8, "the fit is siren M=4 d=1 w=8"),
        ("--init-from {0}/m.inrs --width 9", 8, "its start (the mean of 2 models"),
        ("--init-from {0}/m0.inr --repeats 2", 2, "would all be equal"),
        ("--init-from {0}/none.inr", 3, "cannot be read"),
        ("--init-from none.inrs", 3, "cannot be read"),
        ("--init-from {0}/s.db", 8, "is not a model"),
        ("--init-from fund --storage {0}/s.db", 6, "did you mean 'found'"),
        ("--init-from found --storage {0}/none.db", 6, "'found' is not a file, and storage"),
    ],
)
def test_what_cannot_be_is_one_clear_line(folder, tmp_path, options, code, says):
    outcome = call(f"{FIT} {options.format(folder)} -o {tmp_path}/x.inr")
    assert_one_line(outcome, code)
    assert says in outcome.err
    assert list(tmp_path.iterdir()) == []
