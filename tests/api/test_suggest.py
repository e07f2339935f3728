"""Suggestions follow from the shape and the spectrum of a signal."""

import json
import math

import pytest
import torch

import enas_inr
from enas_inr.errors import SpecError
from enas_inr.signals.signal import Signal


def noise(side=64, peak=1.0):
    draw = torch.Generator().manual_seed(0)
    return Signal(peak * (2 * torch.rand(side, side, 1, generator=draw) - 1), "image", "noise")


def smooth(side=64):
    axis = torch.linspace(0, 2 * math.pi, side)
    return Signal((0.8 * torch.outer(axis.sin(), axis.cos())).unsqueeze(-1), "image", "smooth")


def test_the_network_of_a_cell_has_as_many_parameters_as_it_needs():
    found = enas_inr.suggest(noise())
    assert found.ensemble.grid == 8
    assert found.grids == (2, 4, 8, 16)
    assert found.detail.share > 0.99
    width = found.ensemble.width
    parameters = 3 * width + (width + 1) * width + width + 1
    assert found.cost.parameters == 64 * parameters
    fewer = width - 2
    assert 3 * fewer + (fewer + 1) * fewer + fewer + 1 < found.detail.share * 64 <= parameters


def test_detail_and_quality_make_it_wider():
    widths = [enas_inr.suggest(signal).ensemble.width for signal in (smooth(), noise())]
    assert widths[0] < widths[1]
    photo = [enas_inr.suggest("sample:photo", target_psnr_db=db) for db in (20, 30, 40)]
    assert [found.ensemble.width for found in photo] == sorted(f.ensemble.width for f in photo)
    assert photo[0].ensemble.width < photo[-1].ensemble.width


def test_frequencies_and_rate_are_those_of_a_search_with_these_sizes(tmp_path):
    found = enas_inr.suggest("sample:chord")
    assert found.value("omega_first") == round(110 * 2000**0.21, 1)
    assert found.reasons["omega_first"] == "fitted to cells of 2000 samples"
    assert found.reasons["omega_hidden"] == "the default of the backbone"
    searched = enas_inr.search(
        "sample:chord",
        grid=found.ensemble.grid,
        widths=[found.ensemble.width],
        depths=[1],
        repeats=1,
        pictures=False,
        strategy="race",
        storage=str(tmp_path / "s.db"),
    )
    best = searched.best
    assert best.trial.ensemble == found.ensemble
    assert best.trial.cost == found.cost
    assert best.learning_rate == pytest.approx(found.learning_rate)


def test_what_is_given_counts_and_is_said():
    found = enas_inr.suggest(noise(), grid=3, backbone_options={"omega_first": 70})
    assert (found.grids, found.ensemble.grid) == ((3,), 3)
    assert (found.value("omega_first"), found.reasons["omega_first"]) == (70.0, "given")
    assert found.reasons["grid"] == "cells of 22x22 samples"


def test_the_paper_has_its_own_rate_and_frequencies():
    found = enas_inr.suggest(noise(), profile="paper")
    assert found.learning_rate == 1e-4
    assert found.value("omega_first") == 30.0
    assert found.reasons["omega_first"] == "the default of the backbone"


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
def test_every_backbone_has_a_suggestion_with_a_reason_for_each_value(backbone):
    found = enas_inr.suggest(noise(16), backbone=backbone)
    assert {"grid", "depth", "width", "learning_rate"} <= set(found.reasons)
    for name, reason in found.reasons.items():
        assert reason
        assert found.value(name) is not None
    json.dumps(found.to_dict())


def test_a_grid_beyond_the_samples_is_the_largest():
    largest = enas_inr.suggest(noise(), grid=64)
    assert enas_inr.suggest(noise(), grid=65).ensemble == largest.ensemble


def test_a_wrong_backbone_is_refused():
    with pytest.raises(SpecError, match="did you mean 'siren'"):
        enas_inr.suggest(noise(), backbone="sirne")
