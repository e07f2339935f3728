"""Draw the pictures, the sounds and the table of gallery.md: `python docs/gallery.py [PART ...]`.

A part is the name of a function below, such as `backbones`; all take about ten minutes on two CPU
cores. The figures under the pictures are those of this run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from panels import PANEL, Panel, as_jpeg, as_picture, drawn
from PIL import Image
from skimage import data

import enas_inr
from enas_inr.api.reading import take_signal
from enas_inr.backbones.feasibility import resolved
from enas_inr.derivatives import gradient, laplacian
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.studies.settings import SignalSettings

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "benchmarks"))

from feature_grids import seconds_a_step  # noqa: E402
from jobs import job_of  # noqa: E402
from pages import filled, markdown  # noqa: E402

QUALITIES_DB = (26.0, 30.0, 34.0, 38.0)
FACE = ((30, 222), (96, 288))
"""Rows and columns of the cat's face."""

GRIDS = (1, 4, 16)
GRID_PARAMETERS = 24_000
BACKBONES = ("siren", "finer", "gauss", "fourier", "grid", "wire", "relu")
"""SIREN first: its time counts for all."""

BACKBONE_PARAMETERS = 12_000
CUP = (192, 128)
STEPS = 500
SOUNDS_DB = (20.0, 30.0, 40.0)


def qualities() -> None:
    """Draw the smallest models of a photograph that reach a PSNR."""
    cat = Image.fromarray(data.chelsea())  # type: ignore[no-untyped-call]
    (top, bottom), (left, right) = FACE
    original = cat.crop((left, top, right, bottom)).resize((PANEL, PANEL), Image.Resampling.LANCZOS)
    panels = [Panel(original, "A photograph", f"{cat.width} x {cat.height}, enlarged twice")]
    for target_db in QUALITIES_DB:
        fitted = made(cat, target_db).fit
        content, _ = as_jpeg(cat, fitted.metrics["psnr_db"])
        ensemble = fitted.model.header.ensemble
        sizes = f"{fitted.metrics['bytes'] / 1000:.1f} kB (JPEG: {len(content) / 1000:.1f} kB)"
        panels.append(
            Panel(
                as_picture(fitted.model.render(window=FACE, scale=2, blend=True).values),
                f"{fitted.metrics['psnr_db']:.1f} dB: {sizes}",
                f"M={ensemble.grid}, d={ensemble.depth}, w={ensemble.width}, int8",
            )
        )
    save(drawn(panels, 3), "gallery-qualities")


def grids() -> None:
    """Draw ensembles of equally many parameters, of one network and of many."""
    cat = Image.fromarray(data.chelsea())  # type: ignore[no-untyped-call]
    panels = []
    for grid in GRIDS:
        spec = largest("siren", grid, GRID_PARAMETERS, cat)
        started = time.perf_counter()
        fitted = fit(cat, grid=grid, depth=1, width=spec.width, steps=STEPS)
        seconds = time.perf_counter() - started
        panels.append(
            Panel(
                as_picture(fitted.model.render(window=FACE, scale=2, blend=True).values),
                f"{grid} x {grid} cells, width {spec.width}",
                f"{fitted.metrics['psnr_db']:.1f} dB, {seconds:.0f} s",
            )
        )
    save(drawn(panels), "gallery-grids")


def backbones() -> None:
    """Draw backbones of at most so many parameters, trained for the time of SIREN's 500 steps."""
    cup = Image.fromarray(data.coffee()).resize(CUP, Image.Resampling.LANCZOS)  # type: ignore[no-untyped-call]
    catalog, training = load_catalog(), TrainingSpec.from_profile("tuned")
    signal = take_signal(catalog, cup, SignalSettings())
    specs = [largest(backbone, 4, BACKBONE_PARAMETERS, cup) for backbone in BACKBONES]
    times = seconds_a_step([job_of(signal, spec, training, catalog)[1] for spec in specs])
    panels = [Panel(twice(cup), "The photograph", f"{cup.width} x {cup.height}")]
    for spec, seconds in zip(specs, times, strict=True):
        architecture = {
            "profile": "tuned",
            "backbone": spec.backbone,
            "backbone_options": spec.options,
            "grid": spec.grid,
            "depth": spec.depth,
            "width": spec.width,
        }
        steps = round(STEPS * times[0] / seconds)
        alike = fit(cup, steps=STEPS, **architecture).metrics["psnr_db"]
        fitted = fit(cup, steps=steps, **architecture)
        panels.append(
            Panel(
                twice(as_picture(fitted.model.render().values)),
                f"{spec.backbone}, width {spec.width}: {fitted.metrics['psnr_db']:.1f} dB",
                f"{steps} steps; {alike:.1f} dB in {STEPS}",
            )
        )
    save(drawn(panels, 4), "gallery-backbones")


def sounds() -> None:
    """Write sounds of the smallest models that reach a PSNR."""
    folder, rows = FOLDER / "sounds", []
    folder.mkdir(exist_ok=True)
    for target_db in SOUNDS_DB:
        fitted = made("sample:chord", target_db).fit
        name = f"chord-{target_db:.0f}db.flac"
        enas_inr.render(fitted.model, output=folder / name, force=True)
        size = f"{fitted.metrics['bytes'] / 1000:.1f} kB"
        rows.append((player(name), f"{fitted.metrics['psnr_db']:.1f}", size))
    page = FOLDER / "gallery.md"
    table = markdown(("sound", "PSNR (dB)", "model"), rows)
    page.write_text(filled(page.read_text(encoding="utf-8"), {"sounds": table}), encoding="utf-8")


def volume() -> None:
    """Draw a slice of a small volume, and the same slice of its model at six times the size."""
    places = np.indices((32, 32, 16)).transpose(1, 2, 3, 0) - (15.5, 15.5, 7.5)
    skull = ((places / (14, 12, 7)) ** 2).sum(-1)
    inside = (((places - (4, -3, 0)) / (4, 3, 3)) ** 2).sum(-1)
    values = np.tanh(4 * (1 - skull)) - np.tanh(4 * (1 - inside)) * (skull < 1) * 0.5
    values = (2 * (values - values.min()) / np.ptp(values) - 1).astype(np.float32)
    fitted = fit(values, modality="volume", grid=1, depth=2, width=24, steps=2 * STEPS)
    window, middle = ((0, 32), (0, 32), (7, 8)), 7
    large = fitted.model.render(window=window, size=(PANEL, PANEL, 1)).values[:, :, 0]
    pixels = as_picture(torch.from_numpy(values[:, :, middle, None]))
    panels = [
        Panel(pixels.resize((PANEL, PANEL), Image.Resampling.NEAREST), "Voxels", "32 x 32 x 16"),
        Panel(as_picture(large), "The model", f"{fitted.metrics['psnr_db']:.1f} dB"),
    ]
    save(drawn(panels), "gallery-volume")


def derivatives() -> None:
    """Draw a model, its gradient and its Laplacian, all of them from the network."""
    face = Image.fromarray(data.astronaut()).convert("L").crop((128, 0, 320, 192))  # type: ignore[no-untyped-call]
    fitted = fit(face, grid=4, depth=2, width=32, steps=2 * STEPS)
    module = fitted.model.module()
    lengths = torch.linspace(-1, 1, PANEL)
    points = torch.stack(torch.meshgrid(lengths, lengths, indexing="ij"), dim=-1).view(-1, 2)
    slope = gradient(module, points, samples=module.size).norm(dim=-1)
    curved = laplacian(module, points, samples=module.size)
    shown = {
        "The model": (module(points), f"{fitted.metrics['psnr_db']:.1f} dB"),
        "Length of its gradient": (8 * slope - 1, "by differentiation of the network"),
        "Its Laplacian": (4 * curved, "twice differentiated"),
    }
    panels = [
        Panel(as_picture(values.detach().view(PANEL, PANEL, -1)), title, note)
        for title, (values, note) in shown.items()
    ]
    save(drawn(panels), "gallery-derivatives")


def made(signal: Any, target_db: float) -> enas_inr.MakeResult:
    """Search and fit the smallest model that reaches a PSNR."""
    with tempfile.TemporaryDirectory() as folder:
        return enas_inr.make(
            signal,
            target_psnr_db=target_db,
            storage=f"{folder}/study.db",
            output=f"{folder}/model.inr",
        )


def fit(signal: Any, **settings: Any) -> enas_inr.FitResult:
    """Train one architecture."""
    with tempfile.TemporaryDirectory() as folder:
        return enas_inr.fit(signal, output=f"{folder}/model.inr", **settings)


def largest(backbone: str, grid: int, most: int, picture: Image.Image) -> EnsembleSpec:
    """Return the widest ensemble of one hidden layer with at most so many parameters.

    `grid` has width 16, and grows in its finest level.
    """
    shape = (picture.height, picture.width)
    info = SignalInfo(name="picture", modality="image", shape=shape, channels=3)
    catalog, training = load_catalog(), TrainingSpec.from_profile("tuned")
    found = None
    for size in range(1, 512):
        sizes: dict[str, Any] = {"width": size}
        if backbone == "grid":
            sizes = {"width": 16, "options": {"finest": size}}
        spec = EnsembleSpec(backbone=backbone, grid=grid, depth=1, **sizes)
        if resolved(spec, info, catalog, training)[1].parameters > most:
            break
        found = spec
    assert found is not None
    return found


def twice(picture: Image.Image) -> Image.Image:
    """Return a picture with each pixel enlarged twice."""
    return picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST)


def player(name: str) -> str:
    """Return a sound as a player, and as a link where pages have none."""
    return f'<audio controls src="sounds/{name}"></audio> [{name}](sounds/{name})'


def save(picture: Image.Image, name: str) -> None:
    """Write a picture of 256 colours."""
    path = FOLDER / "images" / f"{name}.png"
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


PARTS: dict[str, Callable[[], None]] = {
    part.__name__: part for part in (qualities, grids, backbones, sounds, volume, derivatives)
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
