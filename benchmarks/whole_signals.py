"""Searches of whole signals by their defaults, and the smallest file that reaches a PSNR.

The parts `sizes` and `smallest` of `search.py`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pages import markdown

import enas_inr
from enas_inr.api.reading import read_signal
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.rivals import rivals
from enas_inr.validation import format_quantity

WIDTHS = (8, 10, 12, 14, 16, 18, 20, 24, 28, 32)  # by hand, one after the other


def sizes(catalog: Catalog, photograph: str, wanted: Sequence[str]) -> str:
    """Return a table with a row for each size: what a default search trains, and how long."""
    rows = []
    for size in wanted:
        signal = read_signal(catalog, photograph, size)
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            found = enas_inr.search(signal, storage=str(Path(folder, "s.db")), catalog=catalog)
            seconds = time.perf_counter() - started
        best = found.best
        rows.append(
            [
                f"{signal.name} {size}",
                str(len({trial.key for trial in found.trials})),
                str(len(found.trials)),
                f"{seconds:.0f} s",
                best.trial.ensemble.short_label(),
                f"{best.psnr_db:.2f} ± {best.interval_db:.2f}",
                best.amount or "all",
            ]
        )
    headings = ("photograph", "configurations", "trials", "time", "winner", "PSNR dB", "trained")
    return markdown(headings, rows)


def smallest(catalog: Catalog, photograph: str, target_db: float) -> str:
    """Return a table: `make --goal smallest`, an architecture by hand, and ordinary codecs."""
    with tempfile.TemporaryDirectory() as folder:
        made = enas_inr.make(
            photograph,
            profile="tuned",
            objective="smallest",
            target_psnr_db=target_db,
            output=Path(folder, "made.inr"),
            storage=str(Path(folder, "s.db")),
            catalog=catalog,
        )
        found = made.fit.metrics
        label = made.fit.model.header.ensemble.short_label()
        stored = made.fit.model.header.precision
        rows = [
            _row(f"`make --profile tuned`: {label}, {stored}", found["psnr_db"], found["bytes"])
        ]
        for width in WIDTHS:
            fitted = enas_inr.fit(
                photograph,
                architecture={"grid": 16, "depth": 2, "width": width},
                output=Path(folder, f"{width}.inr"),
                catalog=catalog,
            ).metrics
            if fitted["psnr_db"] >= target_db:
                by_hand = f"`fit --grid 16 --depth 2 --width {width}`"
                rows.append(_row(by_hand, fitted["psnr_db"], fitted["bytes"]))
                break
    signal = read_signal(catalog, photograph, "none")
    for rival in rivals(signal, target_db):
        rows.append(_row(rival.codec, rival.psnr_db, rival.bytes))
    return markdown(("file", "PSNR dB", "bytes"), rows)


TARGETS = (
    ("tuned", 36.0), ("smooth", 34.0), ("smooth", 36.0), ("smooth", 40.0),
)  # fmt: skip


def targets(catalog: Catalog, signals: Sequence[str]) -> str:
    """Return a table: the files that `make` writes for profiles and PSNRs to reach."""
    rows = []
    for name in signals:
        for profile, target_db in TARGETS:
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                made = enas_inr.make(
                    name,
                    profile=profile,
                    target_psnr_db=target_db,
                    output=Path(folder, "made.inr"),
                    storage=str(Path(folder, "s.db")),
                    catalog=catalog,
                )
                seconds = time.perf_counter() - started
            header, found = made.fit.model.header, made.fit.metrics
            exact, *others = made.rivals
            rows.append(
                [
                    f"{header.signal.name}, `{profile}`, {target_db:g} dB",
                    f"{header.ensemble.short_label()}, {header.precision}",
                    f"{found['psnr_db']:.2f}",
                    format_quantity(found["bytes"]),
                    f"{exact.codec} {format_quantity(exact.bytes)}",
                    f"{others[0].codec} {format_quantity(others[0].bytes)}" if others else "-",
                    f"{seconds:.0f} s",
                ]
            )
    headings = ("signal, profile, target", "model", "PSNR dB", "bytes", "lossless")
    return markdown((*headings, "at the same PSNR", "time"), rows)


def _row(name: str, psnr_db: float | None, size: int) -> list[str]:
    return [name, "lossless" if psnr_db is None else f"{psnr_db:.2f}", format_quantity(size)]
