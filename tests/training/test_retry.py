"""A training that diverges at a derived learning rate is stopped early, and trained once more."""

from dataclasses import replace

import pytest
import torch

from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.model.vectors import by_cell
from enas_inr.signals.partition import cut
from enas_inr.spec import TrainingSpec
from enas_inr.testing.toys import toy_shape, toy_signal
from enas_inr.training.batch import Job
from enas_inr.training.curves import has_diverged
from enas_inr.training.run import Run
from enas_inr.training.trainer import train

CPU = torch.device("cpu")
FITTED = TrainingSpec(steps=80, patience=80, defaults="fitted")


def job(rate):
    signal = toy_signal(toy_shape(2))
    siren = Siren(SirenOptions(bias_init="fan_in"))
    return Job(siren, NetShape(2, 1, 1, 8), cut(signal.values, (2, 2)), (0, 1), rate)


def test_a_loss_that_is_not_finite_has_diverged_at_once():
    assert has_diverged(torch.tensor([1.0, torch.inf]), 1000)
    assert not has_diverged(torch.tensor([1.0, 5.0]), 1000)


def test_nothing_learned_after_a_fifth_of_the_steps_has_diverged():
    stuck, learned = torch.full((100,), 0.9), torch.linspace(1, 0.1, 100)
    stuck[0] = 1.0
    assert not has_diverged(stuck[:99], 500)
    assert has_diverged(stuck, 500)
    assert has_diverged(torch.cat([stuck, torch.full((400,), 0.01)]), 500)
    assert not has_diverged(learned, 500)


def test_a_short_training_is_not_judged_before_step_50():
    assert not has_diverged(torch.ones(0), 100)
    assert not has_diverged(torch.ones(20), 20)
    assert not has_diverged(torch.ones(49), 100)
    assert has_diverged(torch.ones(50), 100)


def test_a_fitted_training_of_a_few_steps_is_not_repeated():
    (outcome,) = train([job(1e-3)], FITTED, CPU, steps=5)
    assert not outcome.retried


@pytest.mark.parametrize("rate", [1e38, 30.0])
def test_a_job_is_trained_again_at_a_quarter_of_its_rate(rate):
    (outcome,) = train([job(rate)], FITTED, CPU)
    (slower,) = train([replace(job(rate / 4), retried=True)], FITTED, CPU)
    assert (outcome.retried, outcome.learning_rate) == (True, rate / 4)
    assert torch.equal(outcome.losses.nan_to_num(), slower.losses.nan_to_num())


def test_other_jobs_go_on_and_stay_equal():
    partition_mates = [job(1e-2), job(1e38)]
    mine, other = train(partition_mates, FITTED, CPU)
    (alone,) = train([job(1e-2)], FITTED, CPU)
    assert (mine.retried, other.retried) == (False, True)
    assert torch.equal(mine.losses, alone.losses)


def test_a_given_rate_and_the_papers_are_kept():
    for settings in ({"learning_rate": 1e38}, {"defaults": "paper"}):
        training = TrainingSpec(**(FITTED.model_dump() | settings))
        (outcome,) = train([job(1e38)], training, CPU)
        assert not outcome.retried
        assert outcome.repeats[0].diverged_at is not None


def test_a_dropped_job_is_not_trained_any_further():
    training = FITTED
    run = Run.start([job(30.0)], training, CPU, 2**22, 1)
    from enas_inr.training.workers import WorkerPool

    with WorkerPool(1) as pool:
        assert run.advance(pool, 50)
        run.drop_diverged()
        assert run.dropped == {0}
        assert not run.advance(pool, 8)


def test_a_training_that_begins_with_small_losses_has_not_diverged():
    """It may go on slowly from weights that were trained before."""
    slow = torch.full((100,), 0.009)
    slow[0] = 0.01
    assert has_diverged(slow, 500)
    assert not has_diverged(slow, 500, untrained=0.5)
    assert has_diverged(torch.full((100,), 0.4), 500, untrained=0.5)


def test_a_job_that_starts_from_trained_weights_is_not_repeated():
    (first,) = train([job(1e-2)], FITTED, CPU, keep_params=True)
    one = replace(job(1e-4), seeds=(0,))
    blocks = [{name: leaf[0] for name, leaf in part.items()} for part in first.params]
    cells = [block.cells for block in one.partition.blocks]
    initial = by_cell(blocks, cells, list(blocks[0]))
    (outcome,) = train([replace(one, initial=initial)], FITTED, CPU)
    assert outcome.losses[0, 25:50].min() > 0.5 * outcome.losses[0, 0]
    assert not outcome.retried
