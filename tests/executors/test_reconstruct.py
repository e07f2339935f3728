import pytest
import torch

from enas_inr.cost import ensemble_cost
from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, TrialProgress, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.executors.reconstruct import reconstruct
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.quality import psnr_db
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.testing.lookup import siren_cost
from enas_inr.testing.toys import toy_signal
from tests.present import present

SIGNAL = toy_signal((16, 12), 3, modality="image")


@pytest.fixture(scope="module")
def told() -> list[TrialProgress]:
    return []


@pytest.fixture(scope="module")
def context(told):
    return ExecutionContext(load_catalog(plugins=False), SIGNAL, "cpu", told.append)


@pytest.fixture(scope="module")
def result(context):
    spec = EnsembleSpec(
        grid=2, depth=1, width=8, options={"omega_first": 30.0, "bias_init": "fan_in"}
    )
    trial = TrialSpec(
        number=0,
        ensemble=spec,
        cost=ensemble_cost(siren_cost(spec), spec.grid, SIGNAL.info()),
        training=TrainingSpec(steps=40, learning_rate=1e-3),
        repeats=3,
        seed=0,
    )
    (found,) = LocalExecutor(context).run(given([trial]))
    return found


def test_it_has_the_psnr_of_the_best_repeat(context, result):
    made = reconstruct(context, result)
    best = max(present(repeat.psnr_paper_db) for repeat in result.repeats)
    usual = best + result.psnr_db - result.psnr_paper_db
    assert psnr_db(SIGNAL.values, made.values) == pytest.approx(usual, abs=0.01)


def test_it_is_a_signal_like_the_original(context, result):
    made = reconstruct(context, result)
    made.check()
    assert made.values.shape == SIGNAL.values.shape
    assert (made.modality, made.meta) == (SIGNAL.modality, SIGNAL.meta)
    assert made.name == f"{SIGNAL.name}-reconstruction"
    assert torch.equal(made.values, reconstruct(context, result).values)


def test_it_tells_how_far_it_is(context, result, told):
    told.clear()
    reconstruct(context, result)
    assert told[-1].done == pytest.approx(1)
    assert {(p.number, p.label) for p in told} == {(None, "reconstruction of siren M=2 d=1 w=8")}


def test_a_trial_without_a_psnr_cannot_be_reconstructed(context, result):
    failed = result.model_copy(update={"status": TrialStatus.FAILED, "repeats": ()})
    with pytest.raises(TrainingError, match="trial 0 is failed"):
        reconstruct(context, failed)
