"""A step whose numbers are in tensors, which a GPU can replay, is the usual step."""

import gc
import logging
import weakref
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from enas_inr.spec import TrainingSpec
from enas_inr.testing.optimizer import toy_gradient, toy_weights
from enas_inr.training import graphs
from enas_inr.training import layered_kernel as layered
from enas_inr.training.batch import make_batches
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import DeviceStep, Optimizer, Step
from enas_inr.training.optimizers.muon import Muon
from enas_inr.training.optimizers.options import MuonOptions
from enas_inr.training.schedule import steps_of
from enas_inr.training.trainer import train
from tests.present import present
from tests.training.test_trainer import BACKBONES, CPU, job, picture

TRAINING = TrainingSpec(steps=60, schedule="cosine", warmup=0.1)
OPTIMIZERS = {"adam": Adam(TRAINING), "muon": Muon(TRAINING, MuonOptions())}


class Recorder:
    """Records on the CPU: the replay of a step makes it again."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, step):
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            step()

        return replay


@pytest.fixture
def recorded(monkeypatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr("enas_inr.training.compiled_kernel.compiled_loops", lambda *_: None)
    monkeypatch.setattr(graphs, "recorder", lambda optimizer, device: made)
    return made


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_an_update_with_its_numbers_in_tensors_is_the_usual_one(optimizer):
    ours, theirs = toy_weights(3), toy_weights(3)
    our_state, their_state = optimizer.start(ours), optimizer.start(theirs)
    for step in steps_of(TRAINING, 1, 10, 10):
        optimizer.update_(theirs, toy_gradient(theirs), their_state, step)
        now = DeviceStep(torch.tensor(float(step.number)), torch.tensor(step.rate))
        optimizer.record_(ours, toy_gradient(ours), our_state, now)
    torch.testing.assert_close(ours.flat, theirs.flat, rtol=1e-6, atol=1e-7)
    for name, value in our_state.items():
        torch.testing.assert_close(value, their_state[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("name", BACKBONES)
def test_replayed_steps_train_as_the_usual_ones(name, optimizer, request):
    one = replace(job(BACKBONES[name], picture(15, 14)), optimizer=optimizer)
    (usual,) = train([one], TRAINING, CPU, keep_params=True)
    made = request.getfixturevalue("recorded")
    (replayed,) = train([one], TRAINING, CPU, keep_params=True)
    assert made.replayed > 30
    torch.testing.assert_close(replayed.losses, usual.losses, rtol=1e-5, atol=1e-7)


def test_a_chunk_is_recorded_once_and_other_chunks_anew(recorded):
    (batch,) = make_batches([job(BACKBONES["siren"])], TRAINING, CPU, workspace=1)
    kernel, (first, second, *_) = batch.make_kernel(), batch.chunks
    for expected, chunk in ((1, first), (1, first), (2, second), (3, first)):
        kernel.run(chunk, [Step(number, 1.0) for number in range(1, 11)])
        assert recorded.recorded == expected


def test_a_few_steps_are_not_worth_recording(recorded):
    (batch,) = make_batches([job(BACKBONES["siren"])], TRAINING, CPU, workspace=2**20)
    batch.make_kernel().run(batch.chunks[0], [Step(1, 1.0)] * (graphs.LEAST_STEPS - 1))
    assert recorded.recorded == 0


def test_more_steps_than_rows_are_all_made():
    made, numbers = Recorder(), []

    def make(step, norms):
        numbers.append(int(step.number))
        norms.fill_(float(step.rate))

    steps = [Step(n, n / 1000) for n in range(1, 2 * graphs.MOST_STEPS + 8)]
    norms = graphs.Recording(2, 3, CPU).run(make, made, steps)
    assert numbers == [step.number for step in steps]
    assert norms.shape == (len(steps), 2, 3)
    torch.testing.assert_close(norms[:, 1, 2], torch.tensor([step.rate for step in steps]))
    assert made.recorded == 1


def test_a_recording_that_fails_is_tried_and_logged_once(caplog):
    tried = []

    def fail(step):
        tried.append(step)
        raise RuntimeError("operation not permitted when stream is capturing")

    recording, made = graphs.Recording(1, 1, CPU), []
    with caplog.at_level(logging.WARNING):
        recording.run(lambda step, norms: made.append(step), fail, [Step(1, 1.0)] * 5)
    assert (len(tried), len(made)) == (1, 5)
    (record,) = caplog.records
    assert "not permitted" in record.message


def test_a_full_memory_while_recording_is_for_the_trainer():
    def fail(step):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        graphs.Recording(1, 1, CPU).run(lambda step, norms: None, fail, [Step(1, 1.0)])


class Plain(Optimizer):
    def start(self, weights):
        return {}

    def update_(self, weights, gradient, state, step):
        weights.flat.sub_(gradient.flat, alpha=step.rate)


def test_only_cuda_records_and_only_optimizers_that_can_be(caplog):
    cuda = torch.device("cuda")
    assert graphs.recorder(Adam(TRAINING), CPU) is None
    assert graphs.recorder(Adam(TRAINING), cuda) is graphs.capture
    with caplog.at_level(logging.WARNING):
        assert graphs.recorder(Plain(), cuda) is None
        assert graphs.recorder(Plain(), cuda) is None
    (record,) = caplog.records
    assert "steps of Plain cannot be recorded" in record.message


def test_the_memory_of_a_recording_ends_with_its_kernel(recorded):
    (batch,) = make_batches([job(BACKBONES["siren"])], TRAINING, CPU, workspace=2**20)
    kernel = batch.make_kernel()
    kernel.run(batch.chunks[0], [Step(1, 1.0)] * graphs.LEAST_STEPS)
    assert isinstance(kernel, layered.LayeredKernel)
    # On the CPU, a replay holds the step, unlike a CUDA graph.
    present(kernel._recording)._replay = None
    held = weakref.ref(present(kernel._recording))
    gc.disable()
    try:
        del kernel
        assert held() is None
    finally:
        gc.enable()


class Graph:
    """Stands for a CUDA graph."""

    made: "list[Graph]" = []

    def __init__(self) -> None:
        self.calls: list[str] = []
        Graph.made.append(self)

    def capture_begin(self, capture_error_mode: str) -> None:
        self.calls.append(capture_error_mode)

    def capture_end(self) -> None:
        self.calls.append("end")

    def replay(self) -> None:
        self.calls.append("replay")


@pytest.mark.parametrize("fails", [False, True])
def test_a_capture_always_ends(monkeypatch, fails):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    Graph.made.clear()

    def step() -> None:
        if fails:
            raise ValueError("reads a tensor")

    with pytest.raises(ValueError, match="reads") if fails else nullcontext():
        graphs.capture(step)()
    (graph,) = Graph.made
    assert graph.calls == ["thread_local", "end", *([] if fails else ["replay"])]
