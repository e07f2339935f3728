import threading

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
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def job(seeds, grid):
    relu = Relu(ReluOptions(bias_init="zeros"))
    return Job(relu, NetShape(2, 1, 0, 4), cut(torch.zeros(8, 8, 1), grid), seeds, 1e-3)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(
    ("seeds", "grid", "workers"),
    [((0,), (1, 1), 1), ((0, 1), (1, 1), 2), ((0,), (1, 3), 2), ((0, 1), (4, 4), 4)],
)
def test_there_is_a_worker_for_each_core_or_each_member_of_the_largest_block(seeds, grid, workers):
    assert plan_workers([job(seeds, grid)], torch.device("cpu")) == workers
    assert plan_workers([job((0,), (1, 1)), job(seeds, grid)], torch.device("cpu")) == workers


@pytest.mark.usefixtures("four_threads")
def test_a_gpu_has_one_worker():
    assert plan_workers([job((0, 1), (4, 4))], torch.device("cuda")) == 1


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
