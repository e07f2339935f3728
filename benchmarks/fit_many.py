"""Measure a fit of many small pictures together against a loop of single fits.

The pictures are patches of photographs that come with scikit-image, which do not overlap. Both ways
write files, and both are in one process, after a first fit that loads and compiles what is needed.
The PSNR of each picture must be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import enas_inr
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal

PHOTOS = ("astronaut", "coffee", "cat", "rocket", "hubble", "retina", "motorcycle")

CONFIGS: dict[str, dict[str, Any]] = {
    "the default": {},
    "tuned, grid 2, 2 layers of 16, 200 steps": {
        "profile": "tuned", "grid": 2, "depth": 2, "width": 16, "steps": 200,
    },
    "tuned, one network with 1 layer of 8, 200 steps": {
        "profile": "tuned", "grid": 1, "depth": 1, "width": 8, "steps": 200,
    },
    "tuned, one network with 2 layers of 32, 200 steps": {
        "profile": "tuned", "grid": 1, "depth": 2, "width": 32, "steps": 200,
    },
    "tuned, grid 8, 1 layer of 8, 100 steps": {
        "profile": "tuned", "grid": 8, "depth": 1, "width": 8, "steps": 100,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Seconds of both ways, and the largest difference of a PSNR in dB."""

    config: str
    signals: int
    one_by_one: float
    together: float
    difference_db: float

    @property
    def ratio(self) -> float:
        """How many times as quick the fit of all together is."""
        return self.one_by_one / self.together


def patches(side: int, count: int) -> list[Signal]:
    """Return patches of photographs, as many from each as it has."""
    catalog = load_catalog()

    def cut() -> Iterator[Signal]:
        for name in PHOTOS:
            photo = load_signal(catalog, f"sample:{name}").values[..., :3]
            rows, columns = photo.shape[0] // side, photo.shape[1] // side
            for place in range(rows * columns):
                row, column = side * (place // columns), side * (place % columns)
                part = photo[row : row + side, column : column + side].contiguous()
                yield Signal(part, "image", f"{name}-{place:03}")

    found = [patch for patch, _ in zip(cut(), range(count), strict=False)]
    assert len(found) == count, f"there are only {len(found)} patches"
    return found


def measure(config: str, signals: list[Signal], settings: dict[str, Any]) -> Measured:
    """Fit all signals one by one, and then together."""
    with tempfile.TemporaryDirectory() as folder:
        enas_inr.fit(signals[0], output=Path(folder, "first.inr"), **settings)
        Path(folder, "one").mkdir()
        started = time.perf_counter()
        alone = [
            enas_inr.fit(signal, output=Path(folder, "one", f"{number}.inr"), **settings)
            for number, signal in enumerate(signals)
        ]
        between = time.perf_counter()
        result = enas_inr.fit_many(signals, output=Path(folder, "many"), **settings)
        ended = time.perf_counter()
    assert not result.failed
    differences = [
        abs((row.psnr_db or 0.0) - one.metrics["psnr_db"])
        for row, one in zip(result.rows, alone, strict=True)
    ]
    return Measured(config, len(signals), between - started, ended - between, max(differences))


def main() -> None:
    """Print a row for each architecture and training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--side", type=int, default=64, help="samples along each axis")
    parser.add_argument("--configs", type=int, nargs="*", help="numbers of those to measure")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    signals = patches(given.side, given.signals)
    chosen = list(CONFIGS.items())
    rows = []
    print(
        f"{given.signals} pictures of {given.side}x{given.side}, {torch.get_num_threads()} threads"
    )
    print(f"{os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes running before")
    for number in given.configs or range(len(chosen)):
        config, settings = chosen[number]
        rows.append(measure(config, signals, settings | {"device": given.device}))
        row = rows[-1]
        print(
            f"{config}: {row.one_by_one:.2f} s one by one, {row.together:.2f} s together, "
            f"{row.ratio:.2f} times as quick; PSNR differs by at most {row.difference_db:.4f} dB",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
