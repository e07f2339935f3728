"""Measure what the suggestions of `enas-inr suggest` reach: the PSNR of the suggested ensemble.

For each signal and each PSNR that is asked for, the suggested ensemble is trained on a sample of
the cells with the suggested recipe (the profile `tuned`). PSNR is in the usual convention, in dB.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from frequencies import hiss
from jobs import job_of
from pages import filled, markdown
from recipes import blobs, cells_of, chirp

from enas_inr.api.reading import read_signal
from enas_inr.api.suggest import suggest
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, TrainingSpec
from enas_inr.training.trainer import train

TARGETS = (30.0, 40.0, 50.0)


def signals(catalog: Catalog) -> Iterator[tuple[str, Signal]]:
    """Read or make the signals, with their names."""
    yield "photo, 128x128", read_signal(catalog, "sample:photo", 128)
    yield "photo, 512x600", read_signal(catalog, "sample:photo", "none")
    yield "chord", read_signal(catalog, "sample:chord", None)
    for made in (chirp(), hiss(), blobs()):
        yield made.name, made


def row(name: str, signal: Signal, target: float, catalog: Catalog) -> list[str]:
    """Train a suggestion; return a row of the table."""
    found = suggest(signal, target_psnr_db=target, catalog=catalog)
    spec = found.ensemble
    training = TrainingSpec.from_profile("tuned")
    _, job = job_of(signal, spec, training, catalog, cells=cells_of(spec.grid, signal))
    (outcome,) = train([job], training, torch.device("cpu"))
    best = outcome.repeats[0].best_loss
    reached = "diverged" if best is None else f"{psnr_paper_db(best) + PSNR_OFFSET_DB:.1f}"
    per_value = found.cost.parameters / signal.values.numel()
    sizes = [str(spec.grid), str(spec.width)]
    return [
        name,
        f"{target:g}",
        f"{found.detail.cycles:.2f}",
        f"{found.detail.share:.0%}",
        *sizes,
        f"{per_value:.0%}",
        reached,
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    args = parser.parse_args(argv)
    catalog = load_catalog(plugins=False)
    rows = []
    for name, signal in signals(catalog):
        for target in TARGETS:
            rows.append(row(name, signal, target, catalog))
            print(rows[-1], file=sys.stderr, flush=True)
    headings = (
        "signal",
        "asked for",
        "cycles a sample",
        "share of the frequencies",
        "M",
        "w",
        "parameters of the values",
        "reached",
    )
    found = markdown(headings, rows)
    print(found)
    if args.page:
        args.page.write_text(filled(args.page.read_text(), {"suggestions": found}))


if __name__ == "__main__":
    main()
