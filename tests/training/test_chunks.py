from dataclasses import replace

import pytest
import torch

from enas_inr.backbones.opaque import Opaque
from enas_inr.training import batch, chunks
from enas_inr.training.batch import make_batches
from enas_inr.training.chunks import fitting, plan_chunks, tiles, workspace_bytes
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Optimizer
from enas_inr.training.optimizers.muon import Muon
from enas_inr.training.optimizers.options import MuonOptions
from tests.training.test_trainer import BACKBONES, CPU, SHAPE, TRAINING, job


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


def test_a_workspace_is_halved_until_it_is_free():
    assert fitting(800.0, 1000) == 800
    assert fitting(800.0, 799) == 400
    assert fitting(800.0, 150) == 100
    assert 0 < fitting(800.0, 0) <= 1


@pytest.mark.parametrize(("free", "wanted"), [(1000, 400), (390, 200), (90, 50)])
def test_a_gpu_gives_what_others_leave(monkeypatch, free, wanted):
    monkeypatch.setattr(chunks, "memory", lambda device: (free, 1000))
    cuda = torch.device("cuda")
    assert workspace_bytes(cuda) == wanted
    assert workspace_bytes(cuda, workers=2) == wanted // 2
    assert workspace_bytes(cuda, share=0.5) <= 200


def test_memory_that_pytorch_holds_ready_is_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    assert chunks.memory(torch.device("cuda")) == (500, 1000)


SIREN = BACKBONES["siren"]


@pytest.mark.parametrize("backbone", [SIREN, Opaque(SIREN)], ids=["layered", "general"])
@pytest.mark.parametrize(("optimizer", "numbers"), [("adam", 2), ("muon", 3)])
def test_the_state_of_the_optimizer_counts(monkeypatch, backbone, optimizer, numbers):
    """Muon keeps a momentum of the hidden matrix, in addition to the moments of Adam."""
    asked: list[int] = []

    def noted(members, points, member_bytes, *rest):
        asked.append(member_bytes(36))
        return plan_chunks(members, points, member_bytes, *rest)

    monkeypatch.setattr(batch, "plan_chunks", noted)
    made: dict[str, Optimizer] = {"adam": Adam(TRAINING), "muon": Muon(TRAINING, MuonOptions())}
    one = job(backbone)
    for chosen in (None, made[optimizer]):
        make_batches([replace(one, optimizer=chosen)], TRAINING, CPU, 2**20)
    usual, found = asked
    assert found - usual == 4 * (numbers - 2) * SHAPE.width**2
