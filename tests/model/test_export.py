"""An exported model computes the same values as the original."""

from io import BytesIO

import numpy as np
import pytest
import torch

from enas_inr.errors import ModelError, SpecError
from enas_inr.model import export
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

CATALOG = load_catalog(plugins=False)


def fitted(backbone: str = "siren", *shape: int):
    values = torch.rand(*(shape or (13, 11, 3)), generator=torch.Generator().manual_seed(0))
    kind = "image" if values.ndim == 3 else "audio"
    spec = FitSpec(
        ensemble=EnsembleSpec(backbone=backbone, grid=3, depth=1, width=8),
        training=TrainingSpec(steps=5),
    )
    return fit(Signal(values, kind, "test", sample_rate=8000), spec, catalog=CATALOG).model


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
@pytest.mark.parametrize("shape", [(13, 11, 3), (400, 1)])
def test_onnx_gives_our_values(backbone, shape):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = fitted(backbone, *shape)
    session = onnxruntime.InferenceSession(
        export.to_onnx(model), providers=["CPUExecutionProvider"]
    )
    generator = torch.Generator().manual_seed(1)
    for points in (1, 200):
        x = torch.rand(points, len(shape) - 1, generator=generator) * 2 - 1
        (values,) = session.run(["values"], {"coordinates": x.numpy()})
        ours = model(x).numpy()
        assert values.shape == ours.shape
        assert np.abs(values - ours).max() < 1e-4


def test_npz_holds_every_cell_in_the_order_of_the_grid():
    model = fitted()
    arrays = np.load(BytesIO(export.to_npz(model)))
    assert arrays["layers.0.weight"].shape == (9, 8, 2)
    cells = [cell for block in model.block_cells for cell in block]
    assert sorted(cells) == list(range(9))
    for block, leaves in zip(model.block_cells, model.blocks, strict=True):
        assert np.array_equal(arrays["layers.1.bias"][list(block)], leaves["layers.1.bias"])
    assert '"width":8' in str(arrays["header"])


def test_unknown_formats_and_missing_packages_are_one_clear_error(tmp_path, monkeypatch):
    model = fitted()
    with pytest.raises(SpecError, match="did you mean 'onnx'"):
        export.export(model, tmp_path / "m", "onx")
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(ModelError, match=r"enas-inr\[onnx\]"):
        export.export(model, tmp_path / "m.onnx", "onnx")
