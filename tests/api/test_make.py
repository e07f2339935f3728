"""From a signal to its model in one call."""

from typing import Any

import numpy as np
import pytest

import enas_inr
from enas_inr.api.fit import draw_preview
from enas_inr.api.reading import read_signal
from enas_inr.errors import ModelError
from enas_inr.plugins.catalog import load_catalog

SMALL: dict[str, Any] = {
    "size": "32",
    "search": {"grid": [2, 4]},
    "widths": [4, 8, 16],
    "depths": [1],
    "profile": "tuned",
    "steps": 60,
    "repeats": 1,
}


def signal_of_photo():
    return read_signal(load_catalog(), "sample:photo", "32")


def make(folder, **given):
    settings = SMALL | {"storage": str(folder / "made.db"), "output": folder / "m.inr"} | given
    return enas_inr.make("sample:photo", **settings)


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return make(folder, objective="smallest", target_psnr_db=24), folder


def test_the_model_reaches_the_target_and_is_the_winner(smallest):
    made, folder = smallest
    model = enas_inr.load(folder / "m.inr")
    assert made.reached
    assert made.fit.metrics["psnr_db"] >= 24
    assert model.header.ensemble == made.search.best.trial.ensemble
    assert model.header.training.profile == "tuned"
    assert (folder / "m.inr").stat().st_size == made.fit.metrics["bytes"]


def test_its_numbers_take_as_few_bytes_as_reach_the_target(smallest):
    made, _ = smallest
    assert made.fit.model.header.precision != "float32"
    assert made.fit.metrics["bytes"] < 0.7 * made.search.best.trial.cost.file_bytes


def test_a_file_of_a_given_precision_has_the_bytes_that_the_search_counted(tmp_path):
    made = make(tmp_path, objective="smallest", target_psnr_db=24, precision="float16")
    assert made.fit.model.header.precision == "float16"
    expected = made.search.best.trial.cost.file_bytes
    assert made.fit.metrics["bytes"] == pytest.approx(expected, rel=0.01)


def test_the_fit_has_the_psnr_of_the_trial(smallest):
    made, _ = smallest
    assert made.search.best.fidelity.cells == 1
    fitted = made.fit.metrics["psnr_db_float32"]
    assert fitted == pytest.approx(made.search.best.psnr_db, abs=0.5)


def test_it_is_shown_beside_ordinary_codecs(smallest):
    made, _ = smallest
    rivals = {rival.codec: rival for rival in made.rivals}
    assert {"PNG", "JPEG"} <= rivals.keys()
    assert rivals["JPEG"].psnr_db >= made.fit.metrics["psnr_db"]
    assert rivals["JPEG"].bytes < rivals["PNG"].bytes
    assert made.to_dict()["rivals"][0]["codec"] == "PNG"


def test_a_file_is_not_overwritten_and_nothing_is_searched(smallest):
    _, folder = smallest
    with pytest.raises(ModelError, match="exists already"):
        make(folder)


def test_a_target_that_nothing_reaches_is_said(tmp_path):
    preview = tmp_path / "p.png"
    made = make(tmp_path, objective="smallest", target_psnr_db=150, steps=5, preview=preview)
    assert not made.reached
    drawn = preview.read_bytes()
    draw_preview(made.fit.model, signal_of_photo(), preview)
    assert drawn == preview.read_bytes()
    best = max(made.search.trials, key=lambda result: result.psnr_db or 0)
    assert enas_inr.load(made.fit.path).header.ensemble == best.trial.ensemble


@pytest.mark.parametrize(
    ("given", "objective", "target", "precision"),
    [
        ({}, "smallest", 36, "float32"),
        ({"target_psnr_db": 30}, "smallest", 30, "float32"),
        ({"max_bytes": "4k"}, "best", None, "int8"),
        ({"max_bytes": "4k", "precision": "float16"}, "best", None, "float16"),
        ({"max_bytes": "4k", "target_psnr_db": 9}, "smallest", 9, "int8"),
        ({"objective": "psnr_flops"}, "psnr_flops", None, "float32"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_the_goal_follows_from_what_is_asked(given, objective, target, precision, tmp_path):
    tiny = {"steps": 2, "search": {"grid": [2]}, "widths": [4], "profile": None}
    made = make(tmp_path, **tiny | given)
    chosen = made.search.spec
    assert chosen.objective.name == objective
    assert chosen.objective.options.get("target_psnr_db") == target
    assert chosen.budget.precision == precision
    assert chosen.training.profile == "smooth"
    if "max_bytes" in given:
        assert made.fit.metrics["bytes"] <= 4000


def test_a_profile_without_seams_keeps_the_size_as_well(tmp_path):
    """Only the profile of the paper shrinks a picture to the paper's size."""
    signal = np.random.default_rng(0).random((130, 20), dtype=np.float32)
    given: dict[str, Any] = {"widths": [4], "depths": [1], "steps": 2, "search": {"grid": [2, 4]}}
    given |= {"storage": str(tmp_path / "made.db"), "output": tmp_path / "m.inr"}
    made = enas_inr.make(signal, **given)
    assert made.fit.model.layout.shape == (130, 20)
    assert any(part.fidelity.cells < 1 for part in made.search.trials)
