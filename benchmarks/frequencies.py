"""Measure which frequencies fit a cell: omega_0 of SIREN's first layer, or sigma of `fourier`.

For each signal, grid and architecture, trainings with the profile `tuned` at several values are
compared. The `regret` of a value is the PSNR of the best value minus that of this one; more than
100 dB, about the precision of 16 bits, count as 100 dB. The table has the mean regret over the
architectures, by the samples along a cell and by signal. `spectrum` is the frequency, in cycles a
sample, below which 90% of the energy of the signal lie.

With `--scarce`, the same for SIRENs with fewer parameters than values, on whole photographs, for
which the fitted omega_0 is lower.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import torch
from jobs import job_of
from pages import filled, markdown
from recipes import ENOUGH_DB, blobs, cells_of, chirp

from enas_inr.api.reading import read_signal
from enas_inr.backbones.feasibility import resolved
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training.trainer import train

OPTIONS = {"siren": "omega_first", "fourier": "sigma"}
VALUES = {
    ("siren", 1): (30, 120, 300, 450, 700, 1100, 1800),
    ("siren", 2): (15, 30, 45, 60, 90, 130),
    ("siren", 3): (10, 20, 30, 45, 70),
    ("fourier", 1): (10, 20, 40, 80, 160),
    ("fourier", 2): (0.5, 1, 2, 4, 7, 10, 16),
    ("fourier", 3): (0.25, 0.5, 1, 2, 4, 7, 10),
}
GRIDS = {1: (16, 64), 2: (4, 8, 16), 3: (2, 4, 8)}
PHOTOGRAPHS = ("photo", "coffee")
SCARCE_GRIDS = (16, 32)
SCARCE = ((1, 8), (1, 24), (2, 8), (2, 16))
SCARCE_OMEGAS = (10.0, 15.0, 20.0, 30.0, 45.0)
ARCHITECTURES = ((1, 32), (1, 64), (2, 32), (3, 64))


@dataclass(frozen=True)
class Measured:
    """The trainings of one architecture on one signal.

    Attributes:
        spectrum: cycles a sample below which 90% of the energy of the signal lie.
        samples: samples along a cell.
        psnr: by value, the paper's PSNR in dB; None if the training diverged.
    """

    signal: str
    axes: int
    spectrum: float
    backbone: str
    samples: int
    depth: int
    width: int
    psnr: dict[float, float | None]

    def regret(self, value: float) -> float:
        """PSNR of the best value minus that of this one."""
        best, *_ = sorted((_counted(psnr) for psnr in self.psnr.values()), reverse=True)
        return best - _counted(self.psnr[value])


def _counted(psnr: float | None) -> float:
    return min(psnr or 0.0, ENOUGH_DB)


def spectrum(signal: Signal) -> float:
    """Return the cycles a sample below which 90% of the energy lie, without the mean."""
    values = signal.values.double()
    axes = tuple(range(values.ndim - 1))
    values = values - values.mean(axes, keepdim=True)
    power = torch.fft.fftn(values, dim=axes).abs().square().sum(dim=-1).flatten()
    along = [torch.fft.fftfreq(n, dtype=torch.float64) for n in values.shape[:-1]]
    cycles = torch.stack(torch.meshgrid(*along, indexing="ij")).square().sum(dim=0).sqrt().flatten()
    order = cycles.argsort()
    below = power[order].cumsum(dim=0) < 0.9 * power.sum()
    return float(cycles[order][int(below.sum())])


def hiss(rate: int = 8000, seconds: int = 4) -> Signal:
    """Return noise without its highest frequencies."""
    noise = torch.randn(1, 1, rate * seconds, generator=torch.Generator().manual_seed(3))
    window = torch.hann_window(9)
    smooth = torch.nn.functional.conv1d(noise, window[None, None], padding=4)[0, 0]
    values = (smooth / smooth.abs().max() * 0.9).unsqueeze(1)
    return Signal(values, "audio", "hiss", sample_rate=rate)


def signals(catalog: Catalog, files: Sequence[str]) -> Iterator[Signal]:
    """Read or make all signals."""
    for name in ("sample:photo", "sample:astronaut", "sample:coffee"):
        yield read_signal(catalog, name, None)
    for name in (*files, "sample:chord"):
        yield read_signal(catalog, name, None)
    yield chirp()
    yield hiss()
    yield blobs()


def measure(
    signal: Signal, spec: EnsembleSpec, training: TrainingSpec, catalog: Catalog
) -> Measured:
    """Train a sample of the cells with each value."""
    axes, option = signal.values.ndim - 1, OPTIONS[spec.backbone]
    psnr: dict[float, float | None] = {}
    for value in VALUES[spec.backbone, axes]:
        asked = spec.model_copy(update={"options": {option: float(value)}})
        cells = cells_of(spec.grid, signal)
        _, job = job_of(signal, asked, training, catalog, cells=cells)
        (outcome,) = train([job], training, torch.device("cpu"))
        best = outcome.repeats[0].best_loss
        psnr[value] = None if best is None else psnr_paper_db(best)
    samples = math.ceil(max(signal.values.shape[:-1]) / spec.grid)
    found = signal.name, axes, spectrum(signal), spec.backbone
    return Measured(*found, samples, spec.depth, spec.width, psnr)


def table(measured: Sequence[Measured]) -> str:
    """Return the mean regret of each value, by the samples along a cell and by signal."""
    values = list(measured[0].psnr)
    rows = []
    for samples in sorted({m.samples for m in measured}):
        same = [m for m in measured if m.samples == samples]
        for name in dict.fromkeys(m.signal for m in same):
            own = [m for m in same if m.signal == name]
            regrets = [f"{statistics.fmean(m.regret(v) for m in own):.1f}" for v in values]
            rows.append([str(samples), name, f"{own[0].spectrum:.2f}", *regrets])
    return markdown(("samples along a cell", "signal", "spectrum", *map(str, values)), rows)


def scarce(catalog: Catalog, training: TrainingSpec) -> str:
    """Return the PSNR of each omega_0 for networks with few parameters, and that of the rule."""
    rows = []
    for name, grid, (depth, width) in product(PHOTOGRAPHS, SCARCE_GRIDS, SCARCE):
        signal = read_signal(catalog, f"sample:{name}", None, "none")
        spec = EnsembleSpec(grid=grid, depth=depth, width=width)
        rule, cost = resolved(spec, signal.info(), catalog, training)
        chosen = float(str(rule.options["omega_first"]))
        psnr: dict[float, float] = {}
        for omega in (*SCARCE_OMEGAS, chosen):
            asked = spec.model_copy(update={"options": {"omega_first": omega}})
            cells = cells_of(grid, signal)
            _, job = job_of(signal, asked, training, catalog, cells=cells)
            (outcome,) = train([job], training, torch.device("cpu"))
            psnr[omega] = psnr_paper_db(outcome.repeats[0].best_loss or math.inf)
        share = cost.parameters / signal.values.numel()
        sizes = (name, str(grid), str(depth), str(width), f"{share:.0%}")
        found = [f"{psnr[omega]:.1f}" for omega in SCARCE_OMEGAS]
        rows.append([*sizes, *found, f"{chosen:g}: {psnr[chosen]:.1f}"])
        print(rows[-1], file=sys.stderr, flush=True)
    sizes = ("photograph", "M", "d", "w", "parameters of the values")
    return markdown((*sizes, *(f"{omega:g}" for omega in SCARCE_OMEGAS), "fitted"), rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table for each number of axes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="further signals")
    parser.add_argument("--backbone", choices=OPTIONS, default="siren")
    parser.add_argument("--axes", type=int, nargs="+", default=[1, 2, 3], help="of the signals")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything here")
    parser.add_argument("--page", type=Path, help="a page with places for the tables")
    parser.add_argument("--scarce", action="store_true", help="measure small networks instead")
    args = parser.parse_args(argv)
    catalog = load_catalog(plugins=False)
    training = TrainingSpec.from_profile("tuned", steps=args.steps)
    if args.scarce:
        print(found := scarce(catalog, training))
        if args.page:
            args.page.write_text(filled(args.page.read_text(), {"omega-scarce": found}))
        return
    measured: list[Measured] = []
    for signal in signals(catalog, args.files):
        axes = signal.values.ndim - 1
        for grid in GRIDS[axes] if axes in args.axes else ():
            for depth, width in ARCHITECTURES:
                spec = EnsembleSpec(backbone=args.backbone, grid=grid, depth=depth, width=width)
                measured.append(measure(signal, spec, training, catalog))
                print(measured[-1], file=sys.stderr, flush=True)
                if args.json:
                    args.json.write_text(json.dumps([asdict(m) for m in measured], indent=1))
    for axes in args.axes:
        name = f"{OPTIONS[args.backbone].replace('_', '-')}-{axes}"
        found = table([m for m in measured if m.axes == axes])
        print(f"{name}\n\n{found}\n")
        if args.page:
            args.page.write_text(filled(args.page.read_text(), {name: found}))


if __name__ == "__main__":
    main()
