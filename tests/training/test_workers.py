import threading
from dataclasses import replace

import pytest
import torch

from enas_inr.backbones.options import ReluOptions
from enas_inr.backbones.relu import Relu
from enas_inr.cost import NetShape
from enas_inr.signals.partition import cut
from enas_inr.training.batch import Job
from enas_inr.training.kernel import ChunkState, Kernel
from enas_inr.training.optimizers.base import Step
from enas_inr.training.workers import WorkerPool, plan_workers


class Echo(Kernel):
    """A kernel whose losses are the weights of the chunk; only one thread may use it."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def run(self, chunk, steps):
        assert threading.get_ident() == self.thread
        return chunk.weights.repeat(len(steps), 1)


def chunk(number: float) -> ChunkState:
    one = torch.full((1,), float(number))
    return ChunkState(one, {}, {}, torch.zeros(1, dtype=torch.int64))


@pytest.fixture
def four_threads(threads):
    threads(4)


def job(seeds, grid):
    relu = Relu(ReluOptions(bias_init="zeros"))
    return Job(relu, NetShape(2, 1, 0, 4), cut(torch.zeros(8, 8, 1), grid), seeds, 1e-3)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    ("seeds", "grid", "members"),
    [((0,), (1, 1), 1), ((0, 1), (1, 1), 2), ((0,), (1, 3), 2), ((0, 1), (4, 4), 32)],
)
def test_there_is_a_worker_for_each_core_or_each_member_of_the_largest_blocks(seeds, grid, members):
    assert plan_workers([job(seeds, grid)], torch.device("cpu")) == min(4, members)
    both = [job((0,), (1, 1)), job(seeds, grid)]
    assert plan_workers(both, torch.device("cpu")) == min(4, members + 1)


def shapes(*widths):
    whole = job((0, 1), (3, 3))  # 8 x 8 samples: four shapes of cells
    return [replace(whole, shape=NetShape(2, 1, 0, width)) for width in widths]


@pytest.mark.parametrize(
    ("jobs", "workers"),
    [
        ([job((0, 1), (4, 4))], 1),
        ([job((0,), (1, 1)), job((0, 1), (1, 1))], 1),
        ([job((0,), (1, 2)), replace(job((0,), (1, 2)), shape=NetShape(2, 1, 1, 4))], 2),
        (shapes(4), 4),
        (shapes(4, 8, 16), 4),
    ],
)
def test_a_gpu_has_a_worker_for_each_batch_up_to_a_few(jobs, workers):
    assert plan_workers(jobs, torch.device("cuda")) == workers


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_other_gpus_have_one_worker(kind):
    assert plan_workers(shapes(4, 8), torch.device(kind)) == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_losses_come_in_the_order_of_the_chunks_and_no_kernel_is_shared(workers):
    made: list[Echo] = []

    def make_kernel() -> Echo:
        made.append(Echo())
        return made[-1]

    with WorkerPool(workers) as pool:
        losses = list(
            pool.train(
                make_kernel, [chunk(n) for n in range(20)], steps=[Step(1, 1.0), Step(2, 1.0)]
            )
        )
    assert [loss.tolist() for loss in losses] == [[[float(n)]] * 2 for n in range(20)]
    assert 1 <= len(made) <= workers


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("workers", "each"), [(1, 4), (2, 2), (4, 1), (9, 1)])
def test_workers_share_the_cores_and_give_them_back(workers, each):
    with WorkerPool(workers):
        assert torch.get_num_threads() == each
    assert torch.get_num_threads() == 4
    with pytest.raises(ZeroDivisionError), WorkerPool(workers):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 4


def test_a_kernel_is_kept_for_the_next_round_of_its_batch_and_then_replaced():
    made: list[str] = []

    def maker(name):
        def make_kernel() -> Echo:
            made.append(name)
            return Echo()

        return make_kernel

    first, second = maker("first"), maker("second")
    with WorkerPool(1) as pool:
        for make in (first, first, second, first):
            list(pool.train(make, [chunk(1), chunk(2)], [Step(1, 1.0)]))
    assert made == ["first", "second", "first"]


class Stream:
    """Stands for a CUDA stream."""

    def __init__(self, device=None) -> None:
        self.awaited: list[Stream] = []

    def wait_stream(self, other) -> None:
        self.awaited.append(other)


def test_on_a_gpu_a_batch_stays_with_one_thread_and_its_stream(monkeypatch):
    own, default = threading.local(), Stream()
    started: list[Stream] = []

    def set_stream(stream) -> None:
        own.stream = stream
        started.append(stream)

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "set_stream", set_stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: own.stream)
    monkeypatch.setattr(torch.cuda, "default_stream", lambda device: default)
    kernels: list[set[int]] = [set(), set(), set()]

    def noting(index):
        def make_kernel() -> Echo:
            kernels[index].add(threading.get_ident())
            return Echo()

        return make_kernel

    noted = [noting(index) for index in range(3)]
    with WorkerPool(2, torch.device("cuda")) as pool:
        for _ in range(4):
            rounds = [pool.train(make, [chunk(7), chunk(8)], [Step(1, 1.0)]) for make in noted]
            assert [[loss.item() for loss in losses] for losses in rounds] == [[7, 8]] * 3
    assert [len(threads) for threads in kernels] == [1, 1, 1]
    assert len(set().union(*kernels)) == len(started) == 2
    assert sum(len(stream.awaited) for stream in started) == 4 * 6
    assert all(other is default for stream in started for other in stream.awaited)
