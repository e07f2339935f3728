"""A run continues from its checkpoint, and with smaller chunks if memory runs out."""

import pytest
import torch
from torch import Tensor

from enas_inr.errors import TrainingError
from enas_inr.training.checkpoint import to_tensors
from enas_inr.training.run import Run
from enas_inr.training.trainer import SMALLEST_WORKSPACE, Trainer, train
from tests.training.test_trainer import BACKBONES, CPU, STEPS, TRAINING, job, picture

FULL = [
    torch.OutOfMemoryError("no memory"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


@pytest.fixture
def tried(monkeypatch) -> list[int]:
    """The workspaces with which runs were started, in their order."""
    sizes: list[int] = []
    start = Run.start

    def noted(jobs, training, device, workspace, *rest, **settings):
        sizes.append(workspace)
        return start(jobs, training, device, workspace, *rest, **settings)

    monkeypatch.setattr(Run, "start", noted)
    return sizes


def of_workspace(size: int) -> Trainer:
    return Trainer([job(BACKBONES["siren"])], TRAINING, CPU, workspace=size)


@pytest.mark.parametrize("error", FULL)
def test_the_workspace_is_halved_until_it_fits(tried, error):
    def work(run, pool) -> str:
        if tried[-1] > 2 * SMALLEST_WORKSPACE:
            raise error
        return "trained"

    assert of_workspace(8 * SMALLEST_WORKSPACE).attempt(work) == "trained"
    assert tried == [n * SMALLEST_WORKSPACE for n in (8, 4, 2)]


def test_the_smallest_workspace_is_the_last_that_is_tried(tried):
    def work(run, pool) -> None:
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(TrainingError, match="out of memory on cpu even with the smallest chunk"):
        of_workspace(2 * SMALLEST_WORKSPACE).attempt(work)
    assert tried == [2 * SMALLEST_WORKSPACE, SMALLEST_WORKSPACE]


def test_another_error_is_not_about_memory_and_passes(tried):
    def work(run, pool) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        of_workspace(8 * SMALLEST_WORKSPACE).attempt(work)
    assert len(tried) == 1


def advanced(trainer: Trainer, steps: int):
    """Advance a run by some steps, and return its state and the outcome of its job."""

    def work(run, pool):
        run.advance(pool, steps)
        return to_tensors(run), run.outcomes(False)[0], run.done

    return trainer.attempt(work)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_run_goes_on_with_other_chunks_as_if_nothing_had_happened(name):
    one = job(BACKBONES[name], picture(15, 14))
    (whole,) = train([one], TRAINING, CPU)
    state, *_ = advanced(Trainer([one], TRAINING, CPU), 20)
    pieces = Trainer([one], TRAINING, CPU, workspace=1)  # one member at a time
    pieces.go_on_from(state)
    _, outcome, done = advanced(pieces, STEPS)
    assert done == STEPS
    torch.testing.assert_close(outcome.losses, whole.losses, atol=1e-6, rtol=1e-3)


def test_what_was_kept_of_a_run_stays_as_it_was_while_the_run_goes_on():
    trainer = Trainer([job(BACKBONES["siren"])], TRAINING, CPU)
    state, *_ = advanced(trainer, 20)
    before = {name: tensor.clone() for name, tensor in state.items()}
    advanced(trainer, 20)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.items())


def test_tensors_of_another_run_leave_a_run_at_its_beginning():
    one = job(BACKBONES["siren"])
    (whole,) = train([one], TRAINING, CPU)
    other, *_ = advanced(Trainer([job(BACKBONES["siren"], grid=(3, 3))], TRAINING, CPU), 20)
    trainer = Trainer([one], TRAINING, CPU)
    wrongs: list[dict[str, Tensor]] = [{}, other]
    for wrong in wrongs:
        with pytest.raises((KeyError, ValueError, RuntimeError)):
            trainer.go_on_from(wrong)
    _, outcome, done = advanced(trainer, STEPS)
    assert done == STEPS
    torch.testing.assert_close(outcome.losses, whole.losses)
