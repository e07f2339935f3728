"""Models as vectors, and archives as data sets of PyTorch."""

import pickle
from dataclasses import replace

import pytest
import torch
from torch.utils.data import DataLoader

import enas_inr
from enas_inr.errors import ModelError
from enas_inr.model.vectors import from_vector, to_vector
from tests.model.noise import CATALOG, opened


def test_a_vector_becomes_the_model_again(models):
    for model in models:
        vector = model.vector()
        again = model.with_vector(vector)
        assert torch.equal(again.render().values, model.render().values)
        assert "psnr_db" not in again.header.metrics
        other = model.with_vector(vector * 0.5)
        assert torch.equal(other.vector(), vector * 0.5)
    with pytest.raises(ModelError, match=r"shape \(7,\).* numbers"):
        models[0].with_vector(torch.zeros(7))


def test_a_vector_has_the_documented_order(models):
    """The cells in row-major order, of each cell weight and bias of each layer."""
    model = models[1]  # 14x11 samples on a grid of 3x3: cells of four shapes
    rows = model.vector().reshape(9, -1)
    cells = [cell for block in model.block_cells for cell in block]
    assert cells != sorted(cells)
    for cells, block in zip(model.block_cells, model.blocks, strict=True):
        for row, cell in enumerate(cells):
            expected = [
                block[f"layers.{layer}.{kind}"][row].flatten()
                for layer in range(3)
                for kind in ("weight", "bias")
            ]
            assert torch.equal(rows[cell], torch.cat(expected))


def test_a_complex_number_is_two_in_a_vector():
    generator = torch.Generator().manual_seed(0)
    wave = torch.randn(9, 2, 3, dtype=torch.complex64, generator=generator)
    leaves = {"bias": torch.randn(9, 4, generator=generator), "wave": wave}
    vector = to_vector(leaves)
    rows = vector.reshape(9, 16)
    assert torch.equal(rows[:, 4:6], torch.stack([wave[:, 0, 0].real, wave[:, 0, 0].imag], dim=1))
    again = from_vector(vector, leaves)
    assert all(torch.equal(again[name], leaf) for name, leaf in leaves.items())


def test_a_data_set_has_the_vectors_in_batches_of_several_workers(path, models):
    data = opened(path).dataset()
    assert (len(data), data.cells, data.numbers) == (3, 9, len(models[0].vector()))
    loader = DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context="fork")
    batches = list(loader)
    weights = torch.cat([batch["weights"] for batch in batches])
    assert weights.dtype == torch.float32
    assert torch.equal(weights, torch.stack([model.vector() for model in models]))
    assert [name for batch in batches for name in batch["name"]] == ["noise0", "noise1", "noise2"]
    assert torch.cat([batch["shape"] for batch in batches]).tolist() == [
        [13 + n, 11] for n in range(3)
    ]
    assert torch.cat([batch["index"] for batch in batches]).tolist() == [0, 1, 2]
    assert torch.cat([batch["psnr_db"] for batch in batches]).isnan().all()  # nobody measured it


def test_items_say_their_psnr_and_where_each_leaf_is(tmp_path, models):
    header = models[0].header.model_copy(update={"metrics": {"psnr_db": 31.5}})
    enas_inr.write_archive(tmp_path / "m.inrs", [replace(models[0], header=header)])
    data = opened(tmp_path / "m.inrs").dataset()
    item = data[-1]
    assert (item["psnr_db"], item["name"], item["index"]) == (31.5, "noise0", 0)
    assert data.header(0).metrics == {"psnr_db": 31.5}
    rows = item["weights"].reshape(data.cells, -1)
    for name, leaf in models[0].by_cell().items():
        assert torch.equal(rows[:, data.parts[name]], leaf.flatten(1))
    with pytest.raises(IndexError):
        data[1]
    assert len(list(iter(data))) == 1


def test_a_data_set_can_be_sent_to_another_process(path, models, tmp_path):
    sent = pickle.dumps(opened(path).dataset())
    assert torch.equal(pickle.loads(sent)[2]["weights"], models[2].vector())
    enas_inr.write_archive(path, models[:2], force=True, catalog=CATALOG)
    with pytest.raises(ModelError, match="replaced by another"):
        pickle.loads(sent)
