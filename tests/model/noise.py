"""Small models of noise."""

import torch

import enas_inr
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

CATALOG = load_catalog(plugins=False)


def noise(seed: int, rows: int = 13, columns: int = 11, channels: int = 3) -> Signal:
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(rows, columns, channels, generator=generator) * 2 - 1
    return Signal(values, "image", f"noise{seed}", meta={"mode": "RGB"})


def fitted(signal: Signal, backbone: str = "siren", width: int = 9, seed: int = 0) -> Model:
    spec = FitSpec(
        ensemble=EnsembleSpec(backbone=backbone, grid=3, depth=1, width=width),
        training=TrainingSpec(steps=2),
        seed=seed,
    )
    return fit(signal, spec, catalog=CATALOG, device="cpu").model


def three_models() -> list[Model]:
    """Models of signals of three sizes; the cells of one of them have four shapes."""
    return [fitted(noise(n, rows=13 + n, columns=11), seed=n) for n in range(3)]


def opened(path):
    return enas_inr.open_archive(path, catalog=CATALOG)
