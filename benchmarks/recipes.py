"""Measure how close the derived learning rates of the profile `tuned` are to the best rates.

For each signal and architecture, trainings at multiples of the derived rate are compared. The
`regret` is the PSNR of the best of these rates minus that of the derived rate; a training has
diverged if `enas_inr.training.curves.has_diverged` says so. More than 100 dB, about the precision
of 16 bits, count as 100 dB. Members are independent, so a sample of the cells suffices: cells are
ordered by their standard deviation, and taken from it at equal distances. With `--repeats`, rates
are compared by their mean PSNR: near the highest rates, single trainings differ by many decibels,
and the best of six would be the luckiest.

Signals: photographs of scikit-image and Matplotlib at 128x128, two synthetic sounds, and a
synthetic volume; further files can be given.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Self

import torch
from jobs import job_of
from pages import filled, markdown

from enas_inr.api.reading import read_signal
from enas_inr.backbones.feasibility import resolved
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.budget import PAPER_MAX_FLOPS
from enas_inr.studies.settings import PAPER_DEPTHS, PAPER_WIDTHS
from enas_inr.training.batch import Job
from enas_inr.training.curves import has_diverged
from enas_inr.training.run import Outcome
from enas_inr.training.trainer import train

PHOTOGRAPHS = ("sample:photo", "sample:astronaut", "sample:coffee", "sample:cat")
MULTIPLES = (0.25, 0.5, 0.7, 1.0, 1.4, 2.0)
CELLS, LEAST_CELLS = 16, 4  # sizes of the sample of the cells of a signal
POINTS = 2048  # samples that suffice
CLOSE_DB = 3.0
ENOUGH_DB = 100.0  # about the PSNR of samples rounded to 16 bits; beyond, float32 decides


@dataclass(frozen=True)
class Measured:
    """The trainings of one architecture on one signal.

    Attributes:
        steps: steps of each training.
        rate: the derived learning rate.
        psnr: by multiple of the rate, the paper's PSNR in dB, as a mean over the repeats; None if
            one of them diverged.
        repeats: number of trainings at each rate.
    """

    signal: str
    axes: int
    backbone: str
    optimizer: str
    grid: int
    depth: int
    width: int
    steps: int
    rate: float
    psnr: dict[float, float | None]
    repeats: int = 1

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `written` has written."""
        fields = json.loads(text)
        return cls(**fields | {"psnr": {float(key): v for key, v in fields["psnr"].items()}})

    def written(self) -> str:
        """Return a line of JSON."""
        return json.dumps(vars(self))

    @property
    def trained(self) -> tuple[str | int, ...]:
        """What was trained."""
        ours = (self.signal, self.backbone, self.optimizer, self.steps, self.repeats)
        return (*ours, *self.architecture)

    @property
    def architecture(self) -> tuple[int, int, int]:
        """Grid, depth and width."""
        return (self.grid, self.depth, self.width)

    @property
    def regret(self) -> float:
        """PSNR of the best rate minus that of the derived rate; infinite if that diverged.

        A higher PSNR than that of 16-bit samples counts as theirs.
        """
        ours = self.psnr[1.0]
        known = [min(value, ENOUGH_DB) for value in self.psnr.values() if value is not None]
        return math.inf if ours is None else max(known) - min(ours, ENOUGH_DB)


def chirp(rate: int = 8000, seconds: int = 4) -> Signal:
    """Return a sound that rises from 50 Hz to 2 kHz, with a noisy attack every half second."""
    time = torch.arange(rate * seconds) / rate
    phase = 2 * math.pi * (50 * time + (1950 / (2 * seconds)) * time**2)
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    wave = 0.6 * torch.sin(phase) + 0.3 * noise * torch.exp(-30 * (time % 0.5))
    return Signal((wave / wave.abs().max() * 0.9).unsqueeze(1), "audio", "chirp", sample_rate=rate)


def blobs(side: int = 32) -> Signal:
    """Return a volume of soft balls of several sizes."""
    draw = torch.Generator().manual_seed(1)
    axis = torch.linspace(-1, 1, side)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)
    values = torch.full((side, side, side), -0.9)
    for _ in range(12):
        center = torch.rand(3, generator=draw) * 1.6 - 0.8
        radius = 0.1 + 0.3 * float(torch.rand(1, generator=draw))
        distance = (points - center).norm(dim=-1)
        values = torch.maximum(values, 1.8 * torch.sigmoid((radius - distance) / 0.03) - 0.9)
    return Signal(values.unsqueeze(-1), "volume", "blobs")


def signals(catalog: Catalog, files: Sequence[str]) -> Iterator[Signal]:
    """Read or make all signals."""
    for name in (*PHOTOGRAPHS, *files, "sample:chord"):
        yield read_signal(catalog, name, None)
    yield chirp()
    yield blobs()


def architectures(signal: Signal, grid: int, backbone: str, catalog: Catalog) -> list[EnsembleSpec]:
    """Return the architectures of the default search space within the default budget."""
    info = signal.info()
    found = []
    for depth in PAPER_DEPTHS:
        for width in PAPER_WIDTHS:
            spec = EnsembleSpec(backbone=backbone, grid=grid, depth=depth, width=width)
            _, cost = resolved(spec, info, catalog)
            if cost.flops <= PAPER_MAX_FLOPS.total(info.samples):
                found.append(spec)
    return found


def cells_of(grid: int, signal: Signal) -> int:
    """Return how many cells to train: fewer of large cells, which say more."""
    points: int = signal.info().samples // grid ** (signal.values.ndim - 1)
    return min(CELLS, max(LEAST_CELLS, POINTS // points))


def measure(signal: Signal, spec: EnsembleSpec, training: TrainingSpec, job: Job) -> Measured:
    """Train a job at each multiple of its derived rate."""
    rates = [job.learning_rate * multiple for multiple in MULTIPLES]
    jobs = [replace(job, learning_rate=rate, retried=True) for rate in rates]
    outcomes = train(jobs, training, torch.device("cpu"))
    return Measured(
        signal.name,
        signal.values.ndim - 1,
        spec.backbone,
        training.optimizer,
        spec.grid,
        spec.depth,
        spec.width,
        training.steps,
        job.learning_rate,
        dict(zip(MULTIPLES, (mean_psnr(outcome) for outcome in outcomes), strict=True)),
        len(job.seeds),
    )


def mean_psnr(outcome: Outcome) -> float | None:
    """Return the mean PSNR of the repeats of a training; None if one of them diverged."""
    steps = outcome.losses.shape[1]
    if any(has_diverged(losses, steps) for losses in outcome.losses):
        return None
    best = [repeat.best_loss for repeat in outcome.repeats]
    known = [psnr_paper_db(loss) for loss in best if loss is not None]
    return statistics.mean(known) if len(known) == len(best) else None


def table(measured: Sequence[Measured]) -> str:
    """Return a row for each kind of training: how often its rates are close."""
    headings = ("axes", "backbone", "optimizer", "steps", "repeats", "M", "d", "w")
    results = ("median PSNR", "close", "worst regret", "diverged")
    rows = []
    for kind in dict.fromkeys(map(_kind, measured)):
        same = [m for m in measured if _kind(m) == kind]
        widths = sorted({m.width for m in same})
        regrets = [m.regret for m in same]
        ours = [value for m in same if (value := m.psnr[1.0]) is not None]
        axes, backbone, optimizer, *numbers = kind
        rows.append(
            [
                str(axes),
                f"`{backbone}`",
                f"`{optimizer}`",
                *map(str, numbers),
                f"{widths[0]} to {widths[-1]}" if len(widths) > 1 else str(widths[0]),
                f"{statistics.median(ours):.1f}" if ours else "-",
                f"{sum(regret <= CLOSE_DB for regret in regrets)} of {len(same)}",
                f"{max(regrets):.1f}",
                str(sum(m.psnr[1.0] is None for m in same)),
            ]
        )
    return markdown((*headings, *results), rows)


def _kind(m: Measured) -> tuple[int, str, str, int, int, int, int]:
    return (m.axes, m.backbone, m.optimizer, m.steps, m.repeats, m.grid, m.depth)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="further photographs and sounds")
    parser.add_argument("--backbones", nargs="+", default=["siren"])
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--grids", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--widths", type=int, nargs="+", default=PAPER_WIDTHS)
    parser.add_argument("--depths", type=int, nargs="+", default=PAPER_DEPTHS)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=1, help="trainings at each rate")
    parser.add_argument("--axes", type=int, nargs="+", default=[1, 2, 3], help="of the signals")
    parser.add_argument(
        "--lines", type=Path, metavar="FILE", help="write each result here; go on from it"
    )
    parser.add_argument("--also", type=Path, nargs="+", default=[], help="show these lines, too")
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    args = parser.parse_args(argv)
    catalog = load_catalog()
    training = TrainingSpec.from_profile("tuned", steps=args.steps, optimizer=args.optimizer)
    measured = [*_read(args.lines), *(m for path in args.also for m in _read(path))]
    known = {(m.trained, m.rate) for m in measured}
    for signal in signals(catalog, args.files):
        axes = signal.values.ndim - 1
        if axes not in args.axes:
            continue
        for backbone, grid in product(args.backbones, args.grids):
            try:
                specs = architectures(signal, grid, backbone, catalog)
            except SpecError:
                continue  # the grid is too fine for the signal
            for spec in specs:
                if spec.width not in args.widths or spec.depth not in args.depths:
                    continue
                cells = cells_of(grid, signal)
                _, job = job_of(signal, spec, training, catalog, repeats=args.repeats, cells=cells)
                ours = (signal.name, backbone, args.optimizer, args.steps, args.repeats)
                trained = (*ours, grid, spec.depth, spec.width)
                if (trained, job.learning_rate) in known:
                    continue
                measured = [m for m in measured if m.trained != trained]  # by an older rule
                measured.append(measure(signal, spec, training, job))
                print(measured[-1], file=sys.stderr, flush=True)
                if args.lines:
                    with args.lines.open("a") as file:
                        print(measured[-1].written(), file=file)
    shown = table(sorted(measured, key=_kind))
    print(shown)
    if args.page:
        args.page.write_text(filled(args.page.read_text(), {"rates": shown}))


def _read(path: Path | None) -> list[Measured]:
    if path is None or not path.exists():
        return []
    return [Measured.read(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
