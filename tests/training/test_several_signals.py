"""Members on several signals are trained in the same batches, each as if it were alone."""

import pytest
import torch

from enas_inr.backbones.feasibility import resolved
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import make_jobs
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.training.batch import make_batches
from enas_inr.training.trainer import train

CATALOG = load_catalog()
CPU = torch.device("cpu")
TRAINING = TrainingSpec.from_profile("tuned", steps=20)


def job(shape, seed, backbone="siren", grid=3):
    values = torch.rand(*shape, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    signal = Signal(values, "image", str(seed))
    spec = EnsembleSpec(backbone=backbone, grid=grid, depth=1, width=6)
    ensemble, cost = resolved(spec, signal.info(), CATALOG, TRAINING)
    trial = TrialSpec(
        number=0, ensemble=ensemble, cost=cost, training=TRAINING, repeats=2, seed=seed
    )
    return make_jobs(ExecutionContext(CATALOG, signal), [trial])[0]


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
def test_each_of_them_equals_a_training_alone(backbone):
    jobs = [job((13, 12), seed, backbone) for seed in range(3)]  # with cells of two shapes
    together = train(jobs, TRAINING, CPU, keep_params=True)
    for one, outcome in zip(jobs, together, strict=True):
        (alone,) = train([one], TRAINING, CPU, keep_params=True)
        assert torch.equal(alone.losses, outcome.losses)
        for ours, theirs in zip(outcome.params, alone.params, strict=True):
            assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_cells_of_one_shape_share_a_batch():
    jobs = [job((12, 12), 0), job((12, 12), 1), job((24, 24), 2, grid=6), job((15, 12), 3)]
    batches = make_batches(jobs, TRAINING, CPU, 2**30)
    # The third has cells of the same shape, but each of them is a smaller share of its signal.
    assert sorted(len({member.job for member in batch.members}) for batch in batches) == [1, 1, 2]


def test_the_members_of_a_job_are_a_slice():
    jobs = [job((12, 12), seed) for seed in range(3)]
    (batch,) = make_batches(jobs, TRAINING, CPU, 2**30)
    assert [batch.of(number) for number in range(3)] == [
        slice(0, 18),
        slice(18, 36),
        slice(36, 54),
    ]
    assert batch.members[batch.of(3)] == ()
