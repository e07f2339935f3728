"""Compare the profiles `paper` and `tuned` for the architectures of the paper's tables.

Each architecture is trained with both profiles, in as many steps; sounds with the profile `paper`
at a first omega_0 of 300 and of 3000. PSNR is in the paper's convention, in dB, as the mean of the
repeats. With `--cells`, only some of the cells are trained, as a sample by their standard
deviation (see `recipes.py`).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jobs import job_of
from pages import markdown
from recipes import PHOTOGRAPHS

from enas_inr.api.reading import read_signal
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training.trainer import train

IMAGE_ROWS = {
    "SIREN": (1, 3, 256),
    "S0": (2, 5, 64),
    "S1": (4, 2, 64),
    "S2": (8, 1, 128),
    "S3": (16, 1, 128),
    "S4": (32, 1, 128),
}
SOUND_ROWS = {"P2": (8, 5, 64), "P4": (32, 5, 64)}
SOUND_OMEGAS = (300.0, 3000.0)
PROFILES = ("paper", "tuned")


@dataclass(frozen=True)
class Measured:
    """The trainings of one architecture with one profile.

    Attributes:
        omega: the first omega_0.
        rate: the learning rate.
        psnr: of each repeat, in dB; None if it diverged.
    """

    signal: str
    row: str
    profile: str
    omega: float
    rate: float
    psnr: tuple[float | None, ...]

    @property
    def mean(self) -> float | None:
        """The mean PSNR, if no repeat diverged."""
        known = [value for value in self.psnr if value is not None]
        return statistics.fmean(known) if len(known) == len(self.psnr) else None


def measure(
    signal: Signal,
    row: str,
    profile: str,
    omega: float | None,
    args: argparse.Namespace,
    catalog: Catalog,
) -> Measured:
    """Train one architecture of the paper."""
    grid, depth, width = (IMAGE_ROWS | SOUND_ROWS)[row]
    training = TrainingSpec.from_profile(profile, steps=args.steps)
    options: dict[str, Any] = {} if omega is None else {"omega_first": omega}
    spec = EnsembleSpec(grid=grid, depth=depth, width=width, options=options)
    settled, job = job_of(signal, spec, training, catalog, repeats=args.repeats, cells=args.cells)
    (outcome,) = train([job], training, torch.device("cpu"))
    return Measured(
        signal.name,
        row,
        profile,
        float(str(settled.options["omega_first"])),
        outcome.learning_rate,
        tuple(r.best_loss and psnr_paper_db(r.best_loss) for r in outcome.repeats),
    )


def measurements(args: argparse.Namespace, catalog: Catalog) -> Iterator[Measured]:
    """Train every row of a signal with both profiles."""
    for name in args.signals:
        signal = read_signal(catalog, name, None)
        is_sound = len(signal.info().shape) == 1
        for row in SOUND_ROWS if is_sound else IMAGE_ROWS:
            if args.rows and row not in args.rows:
                continue
            if "paper" in args.profiles:
                for omega in SOUND_OMEGAS if is_sound else (None,):
                    yield measure(signal, row, "paper", omega, args, catalog)
            if "tuned" in args.profiles:
                yield measure(signal, row, "tuned", None, args, catalog)


def table(measured: Sequence[Measured]) -> str:
    """Return a row for each training."""
    rows = [
        [
            one.signal,
            f"{one.row} {(IMAGE_ROWS | SOUND_ROWS)[one.row]}",
            f"`{one.profile}`",
            f"{one.omega:g}",
            f"{one.rate:.2g}",
            "diverged" if one.mean is None else f"{one.mean:.2f}",
        ]
        for one in measured
    ]
    return markdown(
        ("signal", "architecture (M, d, w)", "profile", "omega_0", "learning rate", "PSNR"), rows
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("signals", nargs="*", default=PHOTOGRAPHS, help="photographs and sounds")
    parser.add_argument("--rows", nargs="+", choices=IMAGE_ROWS | SOUND_ROWS)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=PROFILES)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cells", type=int, help="number of cells to train; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything here")
    args = parser.parse_args(argv)
    measured: list[Measured] = []
    for one in measurements(args, load_catalog()):
        measured.append(one)
        if args.json:
            args.json.write_text(json.dumps([asdict(row) for row in measured], indent=1))
    print(table(measured))


if __name__ == "__main__":
    main()
