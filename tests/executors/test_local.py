"""Trials are grouped so that equal shapes share batches, and on a GPU several shapes a run."""

import pytest
import torch

from enas_inr.executors import local
from enas_inr.executors.base import ExecutionContext, given
from enas_inr.executors.local import LocalExecutor, groups
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.signal import Signal
from enas_inr.spec import Cost, EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.training.trainer import train

TRAINING = TrainingSpec(steps=3)


def trial(number: int, depth: int, width: int, grid: int = 2, steps: int = 3) -> TrialSpec:
    return TrialSpec(
        number=number,
        ensemble=EnsembleSpec(
            backbone="relu", grid=grid, depth=depth, width=width, options={"bias_init": "zeros"}
        ),
        cost=Cost(flops=100 * width, parameters=1, bytes=1),
        training=TRAINING.model_copy(update={"steps": steps}),
        repeats=1,
        seed=0,
    )


LINE = [trial(0, 1, 4), trial(1, 1, 8), trial(2, 1, 4), trial(3, 1, 16), trial(4, 2, 4)]


def numbers(found: list[list[TrialSpec]]) -> list[list[int]]:
    return [[trial.number for trial in group] for group in found]


def test_equal_shapes_are_trained_together():
    assert numbers(groups(LINE, lambda trial: 1)) == [[0, 2], [1], [3], [4]]


def test_a_gpu_trains_a_few_shapes_at_the_same_time():
    assert numbers(groups(LINE, lambda trial: 3)) == [[0, 2, 1, 3], [4]]


@pytest.mark.parametrize("shapes", [1, 4])
def test_grids_and_settings_are_never_mixed(shapes):
    mixed = [trial(0, 1, 4), trial(1, 1, 4, grid=4), trial(2, 1, 4, steps=5), trial(3, 1, 8)]
    found = numbers(groups(mixed, lambda trial: shapes))
    assert found == ([[0], [1], [2], [3]] if shapes == 1 else [[0, 3], [1], [2]])


def test_a_cpu_trains_as_many_shapes_side_by_side_as_its_cores_have_room(monkeypatch, executor):
    executor._shapes, executor._cores = 1, 8
    together = []

    def noted(jobs, *rest, **settings):
        together.append(len(jobs))
        return train(jobs, *rest, **settings)

    monkeypatch.setattr(local, "train", noted)
    few = list(executor.run(given(LINE)))  # of 4 members each: two shapes at a time
    assert together == [3, 2]
    executor._cores = 1
    alone = list(executor.run(given(LINE)))
    assert together[2:] == [2, 1, 1, 1]
    by_number = {result.trial.number: result.repeats for result in few}
    assert by_number == {result.trial.number: result.repeats for result in alone}


@pytest.fixture
def executor() -> LocalExecutor:
    """An executor that takes its CPU for a GPU."""
    values = torch.rand(8, 8, 1, generator=torch.Generator().manual_seed(1))
    context = ExecutionContext(load_catalog(plugins=False), Signal(values, "image", "a"), "cpu")
    made = LocalExecutor(context)
    made._shapes = 4
    return made


def test_seconds_are_shared_by_flops(executor):
    found = list(executor.run(given(LINE[:2])))
    assert [result.trial.number for result in found] == [0, 1]
    assert found[1].seconds == pytest.approx(2 * found[0].seconds)


def test_only_the_shape_at_fault_fails(monkeypatch, executor):
    asked = []

    def fail(jobs, *rest, **settings):
        asked.append([job.shape.width for job in jobs])
        if 8 in asked[-1]:
            raise ValueError("a bug at width 8")
        return train(jobs, *rest, **settings)

    monkeypatch.setattr(local, "train", fail)
    found = {result.trial.number: result for result in executor.run(given(LINE[:4]))}
    assert asked == [[4, 4, 8, 16], [4, 4], [8], [16]]
    failed = {number for number, one in found.items() if one.status is TrialStatus.FAILED}
    assert failed == {1}
    assert found[1].message == "ValueError: a bug at width 8"
