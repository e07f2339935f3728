import pytest
import torch

from enas_inr.errors import SpecError
from enas_inr.training.chunks import plan_chunks, tiles
from enas_inr.training.device import resolve_device

CPU = torch.device("cpu")


@pytest.mark.parametrize(("points", "tile"), [(1, 1), (10, 3), (256, 256), (1000, 256), (7, 100)])
def test_tiles_cover_every_sample_once_and_are_about_equal(points, tile):
    ranges = tiles(points, tile)
    assert [i for start, stop in ranges for i in range(start, stop)] == list(range(points))
    sizes = [stop - start for start, stop in ranges]
    assert max(sizes) <= tile
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("members", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("workspace", [1, 1000, 10**6])
def test_a_chunk_fills_the_workspace_or_is_a_single_member(members, workspace):
    def member_bytes(tile: int) -> int:
        return 100 + 8 * tile

    plan = plan_chunks(members, 512, member_bytes, workspace, CPU)
    assert 1 <= plan.members <= members
    assert plan.members == 1 or plan.members * member_bytes(plan.tile) <= workspace


@pytest.mark.parametrize("numbers", [10, 10**4, 10**6, 10**8])
def test_tiles_are_never_so_small_that_matrix_products_are_slow(numbers):
    plan = plan_chunks(10, 5000, lambda tile: numbers + 2000 * tile, 4 * 2**20, CPU)
    assert plan.tile >= 64


def test_an_unknown_or_absent_device_is_one_clear_error():
    assert resolve_device("cpu").type == "cpu"
    for name in ("tpu", "cuda:99", "meta"):
        with pytest.raises(SpecError, match=name):
            resolve_device(name)


def test_matrix_products_are_full_float32():
    torch.set_float32_matmul_precision("medium")
    resolve_device("auto")
    assert torch.get_float32_matmul_precision() == "highest"
