import pytest
import torch

from enas_inr.errors import TrainingError
from enas_inr.training.memory import SMALLEST_WORKSPACE, within_memory

CPU = torch.device("cpu")
FULL = [
    torch.OutOfMemoryError("no memory"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]


@pytest.mark.parametrize("error", FULL)
def test_the_workspace_is_halved_until_it_fits(error):
    tried = []

    def attempt(workspace: int) -> str:
        tried.append(workspace)
        if workspace > 2 * SMALLEST_WORKSPACE:
            raise error
        return "trained"

    assert within_memory(attempt, 8 * SMALLEST_WORKSPACE, CPU) == "trained"
    assert tried == [n * SMALLEST_WORKSPACE for n in (8, 4, 2)]


def test_the_smallest_workspace_is_the_last_that_is_tried():
    tried = []

    def attempt(workspace: int) -> None:
        tried.append(workspace)
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(TrainingError, match="out of memory on cpu even with the smallest chunk"):
        within_memory(attempt, 2 * SMALLEST_WORKSPACE, CPU)
    assert tried == [2 * SMALLEST_WORKSPACE, SMALLEST_WORKSPACE]


def test_another_error_is_not_about_memory_and_passes():
    def attempt(workspace: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        within_memory(attempt, 8 * SMALLEST_WORKSPACE, CPU)
