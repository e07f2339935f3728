"""A trial of Ray Tune that diverges at a derived rate is trained once more, as in any search."""

from dataclasses import replace

import pytest

from enas_inr.backbones.feasibility import resolved
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import make_jobs
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.testing.toys import toy_shape, toy_signal

pytest.importorskip("ray")

from enas_inr.executors.ray import trainable

CATALOG = load_catalog(plugins=False)
INTERVAL, STEPS, RATE = 20, 100, 30.0
SPEC = EnsembleSpec(grid=2, depth=1, width=8)


@pytest.fixture
def context(monkeypatch):
    def too_high(context, trials):
        return [replace(job, learning_rate=RATE) for job in make_jobs(context, trials)]

    monkeypatch.setattr(trainable, "make_jobs", too_high)
    return ExecutionContext(CATALOG, toy_signal(toy_shape(2)))


def begun(context, folder):
    """A trial as Tune makes it in a worker."""
    training = TrainingSpec(steps=STEPS, patience=STEPS, defaults="fitted")
    ensemble, cost = resolved(SPEC, context.signal.info(), CATALOG, training)
    trial = TrialSpec(number=0, ensemble=ensemble, training=training, repeats=1, seed=0, cost=cost)
    one = trainable.Training.__new__(trainable.Training)
    one.config = {"trial": trial.model_dump_json()}
    one.setup(one.config, context, lambda result: result.psnr_db, str(folder), INTERVAL, 1)
    return one


def test_a_trial_that_diverges_goes_on_at_a_lower_rate_and_its_steps_rise(context, tmp_path):
    one = begun(context, tmp_path)
    reports = [one.step() for _ in range(STEPS // INTERVAL)]
    assert [report["steps"] for report in reports] == list(range(INTERVAL, STEPS + 1, INTERVAL))
    assert [report["done"] for report in reports] == [False] * 4 + [True]
    result = TrialResult.model_validate_json(reports[-1]["trial_result"])
    assert result.status is TrialStatus.COMPLETE
    assert f"trained again at a learning rate of {RATE / 4:g}" in result.message


@pytest.mark.parametrize("stop", [2, 3])
def test_another_worker_continues_the_attempt_that_was_in_progress(context, tmp_path, stop):
    whole, part = begun(context, tmp_path / "a"), begun(context, tmp_path / "b")
    expected = [whole.step() for _ in range(STEPS // INTERVAL)]
    for _ in range(stop):
        part.step()
    other = begun(context, tmp_path / "b")
    found = [other.step() for _ in range(STEPS // INTERVAL - stop)]
    assert [report["steps"] for report in found] == [r["steps"] for r in expected[stop:]]
    assert found[-1]["psnr_db"] == expected[-1]["psnr_db"]
