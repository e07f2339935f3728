"""Searches on real signals, from file to result."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import enas_inr
from enas_inr.errors import SignalError, TrainingError
from enas_inr.result import TrialStatus
from enas_inr.signals.signal import Signal
from enas_inr.training.trainer import train


def search(signal, tmp_path, **settings):
    defaults: dict[str, Any] = {
        "widths": [4, 8],
        "depths": [1],
        "repeats": 2,
        "training": {"steps": 30, "learning_rate": 1e-3},
        "storage": f"sqlite:///{tmp_path / 'study.db'}",
    }
    return enas_inr.search(signal, **(defaults | settings))


def test_a_synthesised_clip_with_grid_8(tmp_path):
    result = search("sample:chord", tmp_path, grid=8, backbone_options={"omega_first": 300})
    assert result.spec.signal.channels == 1
    assert result.best.psnr_db > 0


def test_a_127x93_gray_picture_with_grid_8_uses_every_pixel_once(tmp_path):
    pixels = np.add.outer(np.arange(93), 2 * np.arange(127)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "odd.png")
    result = search(tmp_path / "odd.png", tmp_path, grid=8, size="none", floor_db=-99)
    assert result.spec.signal.shape == (93, 127)
    assert result.spec.signal.channels == 1
    assert result.best.trial.cost.flops == 2 * 93 * 127 * (2 * 4 + 4 * 4 + 4)


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
def test_every_backbone_learns_the_photograph(tmp_path, backbone):
    recipe = {"steps": 30}  # at the rates that fit the backbones
    result = search("sample:photo", tmp_path, backbone=backbone, size="32", grid=4, training=recipe)
    curve = result.best.curve.psnr_paper_db[0]
    assert curve[-1] > curve[0] + 1


def test_the_coordinate_search_ends_as_the_exhaustive_one_on_a_small_space(tmp_path):
    found = [
        search(
            "sample:photo", tmp_path, size="32", grid=4, widths=[4, 8, 16], depths=[1, 2],
            strategy=strategy, max_parameters="100k",
        )
        for strategy in ("coordinate", "exhaustive")
    ]  # fmt: skip
    assert found[0].best.score >= found[1].best.score - 0.2
    assert len(found[0].trials) <= len(found[1].trials)
    shared = {r.key: r.psnr_db for r in found[1].trials}
    assert all(r.psnr_db == shared[r.key] for r in found[0].trials)


def test_the_table_has_a_row_for_each_trial(tmp_path):
    result = search("sample:photo", tmp_path, size="16", grid=2)
    table = result.to_dataframe()
    assert list(table["width"]) == [4, 8]
    assert set(table["status"]) == {"complete"}


def test_a_search_whose_trials_all_diverge_says_so(tmp_path):
    with pytest.raises(TrainingError, match="not finite"):
        search("sample:photo", tmp_path, size="16", grid=2, training={"learning_rate": 1e38})


def test_a_trial_that_diverges_is_kept_and_never_wins(tmp_path, monkeypatch):
    def spoilt(jobs, *args, **kwargs):
        if jobs[0].shape.width == 8:
            jobs = [replace(jobs[0], learning_rate=1e38)]
        return train(jobs, *args, **kwargs)

    monkeypatch.setattr("enas_inr.executors.local.train", spoilt)
    for _ in range(2):  # the second time from the study
        result = search("sample:photo", tmp_path, size="16", grid=2)
        assert [r.status for r in result.trials] == [TrialStatus.COMPLETE, TrialStatus.DIVERGED]
        assert result.best.trial.ensemble.width == 4
        assert "was not finite at step" in result.trials[1].message


def test_a_trial_that_raises_is_a_failed_result_and_the_search_goes_on(tmp_path, monkeypatch):
    def sometimes(jobs, *args, **kwargs):
        if jobs[0].shape.width == 4:
            raise RuntimeError("a bug in a plugin")
        return train(jobs, *args, **kwargs)

    monkeypatch.setattr("enas_inr.executors.local.train", sometimes)
    result = search("sample:photo", tmp_path, size="16", grid=2)
    assert [r.status for r in result.trials] == [TrialStatus.FAILED, TrialStatus.COMPLETE]
    assert "a bug in a plugin" in result.trials[0].message
    assert result.best.trial.ensemble.width == 8
    monkeypatch.undo()
    again = search("sample:photo", tmp_path, size="16", grid=2)
    assert [r.status for r in again.trials] == [TrialStatus.COMPLETE] * 2  # it was tried again
    assert sorted(r.trial.number for r in again.trials) == [1, 2]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (torch.full((4, 4, 1), 255.0), "reach 255"),
        (torch.full((4, 4, 1), torch.nan), "NaN"),
        (torch.zeros(4, 4, 1, dtype=torch.float64), "float64"),
    ],
)
def test_a_signal_of_other_values_is_refused(tmp_path, values, says):
    with pytest.raises(SignalError, match=says):
        search(Signal(values, "image", "mine"), tmp_path, grid=1)


def test_numbers_may_be_given_as_numbers(tmp_path):
    result = search("sample:photo", tmp_path, size=16, grid=2, max_flops=10**9)
    assert result.spec.signal.shape == (16, 16)
