"""Models as they are drawn, without a training."""

from dataclasses import replace

import torch

from enas_inr.cost import net_shape
from enas_inr.model.header import ModelHeader
from enas_inr.model.model import Model
from enas_inr.signals.partition import block_cells
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from tests.model.noise import CATALOG

SOUND = {"bias_init": "fan_in", "omega_first": 3000.0, "omega_hidden": 30.0}
PICTURE = {"bias_init": "fan_in", "omega_first": 60.0, "omega_hidden": 30.0}
LAYERED = {"bias_init": "fan_in"}
FOURIER = {"bias_init": "fan_in", "mapping_size": 9, "sigma": 10.0}


def drawn(backbone, options, shape, catalog=CATALOG, width=16, db=40.0):
    """A model as it is drawn, and a signal that it fits with a PSNR of about `db`."""
    axes, grid = len(shape), 2
    modality = "audio" if axes == 1 else "image"
    signal = Signal(torch.zeros(*shape, 1), modality, "drawn", 8000 if axes == 1 else None)
    spec = EnsembleSpec(backbone=backbone, options=options, grid=grid, depth=1, width=width)
    made = catalog.create("backbone", backbone, options=options)
    cells = block_cells(shape, (grid,) * axes)
    blocks = tuple(made.init(net_shape(spec, signal.info()), list(block)) for block in cells)
    training = TrainingSpec(learning_rate=1e-3)
    header = ModelHeader(ensemble=spec, signal=signal.info(), training=training, seed=0)
    model = Model(header, made, blocks)
    noise = torch.randn(*shape, 1, generator=torch.Generator().manual_seed(0))
    fitted = replace(signal, values=model.render().values + noise * 2 * 10 ** (-db / 20))
    return model, fitted
