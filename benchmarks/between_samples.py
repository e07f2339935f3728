"""Compare profiles by what a model gives between the samples on which it was trained.

Each photograph is halved by averaging, fitted, rendered at twice that size, and compared with the
original. The columns:

- PSNR at the samples of the fit (usual convention, dB), and of the rendering at twice the size.
- The rendering's advantage over bicubic interpolation of the halved photograph, in dB.
- Seams: the mean difference between two neighbouring samples of the rendering across the border of
  two cells, relative to that between the samples beside them; also of a rendering that does not
  crossfade neighbouring cells, and of the original, at the same places.

With `--scarce`, deep networks of few parameters are trained with the usual omega_0 of `smooth` and
with the fitted one. `worst cell` is the largest mean squared difference, in dB, in a cell between
the rendering at twice the size and the bicubic interpolation of that at the samples, which members
that oscillate between the samples make large.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import torch
from pages import filled, markdown
from pydantic import JsonValue
from torch import Tensor

from enas_inr.model.fitting import FitSpec, fit
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

PHOTOGRAPHS = ("sample:photo", "sample:astronaut", "sample:coffee", "sample:cat")
ARCHITECTURES = ((4, 2, 32), (8, 1, 32), (8, 2, 32), (16, 1, 16))
SCARCE = ((16, 2, 4), (16, 3, 4), (8, 2, 8))  # of few parameters for the values of a cell
USUAL: dict[str, JsonValue] = {"omega_first": 40.0, "omega_hidden": 15.0}
PROFILES = ("smooth-constant", "smooth")
HEADINGS = (
    "at the samples",
    "at twice the size",
    "over bicubic",
    "seams",
    "seams without blending",
    "seams of the photograph",
)


@dataclass(frozen=True)
class Measured:
    """One fit; PSNR in dB, usual convention."""

    photograph: str
    profile: str
    grid: int
    depth: int
    width: int
    psnr: float
    psnr_between: float
    bicubic: float
    seams: float
    seams_plain: float
    seams_original: float


def halved(signal: Signal) -> Signal:
    """Return an image of half the size, in which each sample is the mean of four."""
    rows, columns, channels = signal.values.shape
    blocks = signal.values.reshape(rows // 2, 2, columns // 2, 2, channels)
    return replace(signal, values=blocks.mean(dim=(1, 3)).contiguous())


def bicubic(values: Tensor) -> Tensor:
    """Return an image `rows columns channels` at twice its size."""
    planes = values.permute(2, 0, 1)[None]
    larger = torch.nn.functional.interpolate(
        planes, scale_factor=2, mode="bicubic", align_corners=False
    )
    return larger[0].permute(1, 2, 0)


def seams(values: Tensor, grid: int) -> float:
    """Return the mean step across the borders of cells, relative to the steps beside them."""
    ratios = []
    for axis in (0, 1):
        steps = values.diff(dim=axis).abs().mean(dim=(1 - axis, 2))
        size = len(steps) + 1
        borders = [size * cell // grid - 1 for cell in range(1, grid)]
        beside = [near for border in borders for near in (border - 1, border + 1)]
        ratios.append(float(steps[borders].mean() / steps[beside].mean()))
    return statistics.fmean(ratios)


def measure(
    original: Signal, sizes: tuple[int, int, int], training: TrainingSpec, catalog: Catalog
) -> Measured:
    """Fit the halved photograph, and compare renderings with the original."""
    half = halved(original)
    grid, depth, width = sizes
    ensemble = EnsembleSpec(grid=grid, depth=depth, width=width)
    model = fit(half, FitSpec(ensemble=ensemble, training=training), catalog=catalog).model
    larger = model.render(scale=2).values
    return Measured(
        original.name,
        training.profile,
        *sizes,
        psnr_db(model.render().values.clamp(-1, 1), half.values),
        psnr_db(larger.clamp(-1, 1), original.values),
        psnr_db(bicubic(half.values).clamp(-1, 1), original.values),
        seams(larger, grid),
        seams(model.render(scale=2, blend=False).values, grid),
        seams(original.values, grid),
    )


def table(measured: Sequence[Measured]) -> str:
    """Return a row for each fit."""
    headings = ("photograph", "profile", "M", "d", "w", *HEADINGS)
    rows = [
        [
            row.photograph,
            f"`{row.profile}`",
            *map(str, (row.grid, row.depth, row.width)),
            f"{row.psnr:.2f}",
            f"{row.psnr_between:.2f}",
            f"{row.psnr_between - row.bicubic:+.2f}",
            f"{row.seams:.2f}",
            f"{row.seams_plain:.2f}",
            f"{row.seams_original:.2f}",
        ]
        for row in measured
    ]
    return markdown(headings, rows)


def measurements(args: argparse.Namespace, catalog: Catalog) -> Iterator[Measured]:
    """Measure all photographs, architectures and profiles."""
    for name in (*args.photographs, *args.files):
        original = load_signal(catalog, name, {"size": [args.side, args.side]})
        for sizes in ARCHITECTURES:
            for profile in args.profiles:
                training = TrainingSpec.from_profile(profile, steps=args.steps)
                named = training.model_copy(update={"profile": profile})
                yield measure(original, sizes, named, catalog)


def worst_cell(larger: Tensor, interpolated: Tensor, grid: int) -> float:
    """Return the largest mean squared difference in a cell, in dB of the range of the data."""
    rows, columns, channels = larger.shape
    cells = (
        (larger - interpolated)
        .square()
        .reshape(grid, rows // grid, grid, columns // grid, channels)
    )
    return 10 * math.log10(float(cells.mean(dim=(1, 3, 4)).max()) / 4)


def scarce(args: argparse.Namespace, catalog: Catalog) -> str:
    """Return a table of deep networks of few parameters, with the usual and the fitted omega_0."""
    training = TrainingSpec.from_profile("smooth", steps=args.steps)
    rows = []
    for name in (*args.photographs, *args.files):
        original = load_signal(catalog, name, {"size": [args.side, args.side]})
        half = halved(original)
        for (grid, depth, width), options in product(SCARCE, (USUAL, {})):
            spec = EnsembleSpec(grid=grid, depth=depth, width=width, options=options)
            model = fit(half, FitSpec(ensemble=spec, training=training), catalog=catalog).model
            found = model.header.ensemble.options
            same, larger = model.render().values, model.render(scale=2).values
            rows.append(
                [
                    original.name,
                    *map(str, (grid, depth, width)),
                    f"{found['omega_first']:g}, {found['omega_hidden']:g}",
                    f"{psnr_db(same.clamp(-1, 1), half.values):.2f}",
                    f"{psnr_db(larger.clamp(-1, 1), original.values):.2f}",
                    f"{worst_cell(larger, bicubic(same), grid):.1f}",
                ]
            )
            print(rows[-1], file=sys.stderr, flush=True)
    headings = ("photograph", "M", "d", "w", "omega_0", *HEADINGS[:2], "worst cell")
    return markdown(headings, rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="further photographs")
    parser.add_argument("--photographs", nargs="*", default=PHOTOGRAPHS)
    parser.add_argument("--profiles", nargs="+", default=PROFILES)
    parser.add_argument("--side", type=int, default=256, help="of the originals, in pixels")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--scarce", action="store_true", help="networks of few parameters only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything here")
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    args = parser.parse_args(argv)
    if args.scarce:
        shown = scarce(args, load_catalog())
        print(shown)
        if args.page:
            args.page.write_text(filled(args.page.read_text(), {"scarce": shown}))
        return
    measured = list(measurements(args, load_catalog()))
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in measured], indent=1))
    print(table(measured))
    if args.page:
        args.page.write_text(filled(args.page.read_text(), {"between": table(measured)}))


if __name__ == "__main__":
    main()
