"""Measure a fit of many small pictures together against a loop of single fits.

The pictures are patches of photographs that come with scikit-image, which do not overlap. Both ways
write files, and both are in one process, after a first fit that loads and compiles what is needed.
The PSNR of each picture must be the same.

With `--before`, the loop of single fits of an earlier version is measured as well, in an
interpreter that has it, on the same pictures. All then use the profile `smooth` of version 0.1,
which is called `smooth-constant` now.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import enas_inr
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal

PHOTOS = ("astronaut", "coffee", "cat", "rocket", "hubble", "retina", "motorcycle")

CONFIGS: dict[str, dict[str, Any]] = {
    "the default": {
        "profile": "smooth", "grid": 8, "depth": 1, "width": 64, "steps": 500,
    },
    "grid 2, 2 layers of 16, 200 steps": {
        "profile": "tuned", "grid": 2, "depth": 2, "width": 16, "steps": 200,
    },
    "one network with 1 layer of 8, 200 steps": {
        "profile": "tuned", "grid": 1, "depth": 1, "width": 8, "steps": 200,
    },
    "one network with 2 layers of 32, 200 steps": {
        "profile": "tuned", "grid": 1, "depth": 2, "width": 32, "steps": 200,
    },
    "grid 8, 1 layer of 8, 100 steps": {
        "profile": "tuned", "grid": 8, "depth": 1, "width": 8, "steps": 100,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Seconds of both ways, and the largest difference of a PSNR in dB.

    Attributes:
        before: seconds of single fits by an earlier version; None if not measured.
        before_psnr: mean PSNR of these fits minus that of ours, and the largest difference of a
            single PSNR.
    """

    config: str
    profile: str
    signals: int
    one_by_one: float
    together: float
    difference_db: float
    before: float | None = None
    before_psnr: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """How many times as quick the fit of all together is."""
        return self.one_by_one / self.together

    def __str__(self) -> str:
        text = (
            f"{self.config}, {self.profile}: {self.one_by_one:.2f} s one by one, "
            f"{self.together:.2f} s together, {self.ratio:.2f} times as quick; "
            f"PSNR differs by at most {self.difference_db:.4f} dB"
        )
        if self.before is None or self.before_psnr is None:
            return text
        mean, largest = self.before_psnr
        return (
            f"{text}; before {self.before:.2f} s one by one, {self.before / self.together:.2f} "
            f"times; mean PSNR {mean:+.4f} dB, single ones differ by at most {largest:.4f} dB"
        )


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


def measure(
    config: str, signals: list[Signal], settings: dict[str, Any], before: Path | None
) -> Measured:
    """Fit all signals one by one, and then together."""
    if before:
        settings = settings | {"profile": "smooth-constant"}
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
    together = [row.psnr_db or 0.0 for row in result.rows]
    difference = _difference(together, [one.metrics["psnr_db"] for one in alone])
    seconds = between - started, ended - between
    measured = Measured(config, settings["profile"], len(signals), *seconds, difference)
    if before is None:
        return measured
    earlier_seconds, psnr = earlier(before, signals, settings)
    compared = statistics.mean(psnr) - statistics.mean(together), _difference(together, psnr)
    return replace(measured, before=earlier_seconds, before_psnr=compared)


def earlier(
    interpreter: Path, signals: list[Signal], settings: dict[str, Any]
) -> tuple[float, list[float]]:
    """Fit all signals one by one in another interpreter.

    Returns:
        The seconds, and the PSNR of each signal in dB.
    """
    keywords = {
        "profile": "smooth",
        "architecture": {"backbone": "siren"}
        | {name: settings[name] for name in ("grid", "depth", "width")},
        "training": {"steps": settings["steps"]},
        "device": settings["device"],
    }
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures.npy")
        np.save(pictures, np.stack([signal.values.numpy() for signal in signals]))
        script = Path(__file__).with_name("fit_loop.py")
        command = [str(interpreter), str(script), str(pictures), json.dumps(keywords)]
        run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    found = json.loads(run.stdout.splitlines()[-1])
    return found["seconds"], found["psnr"]


def _difference(ones: list[float], others: list[float]) -> float:
    return max(abs(one - other) for one, other in zip(ones, others, strict=True))


def main() -> None:
    """Print a row for each architecture and training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--side", type=int, default=64, help="samples along each axis")
    parser.add_argument("--configs", type=int, nargs="*", help="numbers of those to measure")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--before", type=Path, metavar="PYTHON", help="an interpreter with an earlier version"
    )
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
        rows.append(measure(config, signals, settings | {"device": given.device}, given.before))
        print(rows[-1], flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
