"""Forecasts of a search: what they count. Their seconds are not checked."""

import math
from dataclasses import replace

import pytest
import torch

from enas_inr.backbones.feasibility import feasible_space
from enas_inr.executors.base import ExecutionContext
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec import Axis, Budget, EnsembleSpec, SearchSpace, StudySpec, TrainingSpec
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import ExhaustiveOptions, RaceOptions
from enas_inr.strategies.race import Race
from enas_inr.studies import forecast as module
from enas_inr.studies.forecast import forecast

CATALOG = load_catalog(plugins=False)
SIGNAL = Signal(torch.zeros(64, 48, 3), "image", "s")
SPEC = StudySpec(
    signal=SIGNAL.info(),
    space=SearchSpace(
        base=EnsembleSpec(grid=8),
        axes=(Axis(name="width", values=(8, 32)), Axis(name="steps", values=(100, 300))),
    ),
    budget=Budget(flops=None),
    training=TrainingSpec.from_profile("tuned"),
    repeats=3,
)
SPACE = feasible_space(SPEC, CATALOG)
CONTEXT = ExecutionContext(CATALOG, SIGNAL, "cpu")
IN_FULL = ExhaustiveOptions(racing=False)
SECOND = 1e-6  # for a sample and a step, of each configuration


@pytest.fixture
def steady(monkeypatch):
    """Every configuration takes the same time for a sample and a step."""
    monkeypatch.setattr(module, "BRIEF", 0.0)
    monkeypatch.setattr(module, "_seconds_per_sample", lambda *args: SECOND)


@pytest.mark.usefixtures("steady")
def test_all_configurations_count_with_their_steps_and_repeats():
    found = forecast(SPEC, CONTEXT, SPACE, Exhaustive(SPACE, IN_FULL), 4)
    assert found is not None
    assert found.first is None
    assert found.most == pytest.approx(SECOND * 64 * 48 * (100 + 300) * 2 * 3)


@pytest.mark.usefixtures("steady")
def test_of_fewer_trials_the_dearest_count():
    found = forecast(SPEC, CONTEXT, SPACE, Exhaustive(SPACE, IN_FULL), 1)
    assert found is not None
    assert found.most == pytest.approx(SECOND * 64 * 48 * 300 * 3)


@pytest.mark.usefixtures("steady")
def test_a_race_begins_with_a_few_cells_and_trains_each_once():
    found = forecast(SPEC, CONTEXT, SPACE, Race(SPACE, RaceOptions(samples=192)), 24)
    assert found is not None
    assert found.first is not None
    whole = SECOND * 64 * 48 * (100 + 300) * 2
    assert found.most == pytest.approx(whole)
    assert found.first == pytest.approx(whole * 4 / 64)  # a sixteenth of 64 cells


@pytest.mark.usefixtures("steady")
def test_a_race_that_must_be_exact_trains_its_winner_in_full():
    exact = replace(SPACE, exact=True)
    found = forecast(SPEC, CONTEXT, exact, Race(exact), 24)
    assert found is not None
    once = SECOND * 64 * 48 * 100
    assert found.most == pytest.approx(once * (1 + 3) * 2 + once * 3 * 2)


def test_a_short_search_is_not_measured(monkeypatch):
    monkeypatch.setattr(module, "_seconds_per_sample", None)  # which cannot be called
    assert forecast(SPEC, CONTEXT, SPACE, Exhaustive(SPACE, IN_FULL), 4) is None


def test_between_two_measured_configurations_costs_count_by_their_ratio(monkeypatch):
    costs = sorted({candidate.cost.flops for candidate in SPACE.feasible})
    monkeypatch.setattr(
        module, "_seconds_per_sample", lambda spec, context, one: one.cost.flops**0.5
    )
    speed = module._measured(SPEC, CONTEXT, SPACE.feasible)
    for candidate in SPACE.feasible:
        assert speed(candidate) == pytest.approx(candidate.cost.flops**0.5)
    assert len(costs) == 2


def test_the_trainer_is_measured_on_one_cell(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "train", lambda jobs, *args, steps: seen.append((jobs, steps)))
    seconds = module._seconds_per_sample(SPEC, CONTEXT, SPACE.feasible[0])
    assert seconds > 0
    assert math.isfinite(seconds)
    for (job,), _ in seen:
        assert job.partition.shape == (8, 6)
        assert len(job.seeds) * 48 <= module.MOST_SAMPLES
