"""Fit pictures one by one, with the version of enas-inr that the interpreter of this script has.

`fit_many.py --before` runs it with the interpreter of an earlier version, so it uses only what
version 0.1 knows. It prints the seconds of the loop, and the PSNR of each picture in dB, as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import enas_inr
from enas_inr.signals.signal import Signal


def main() -> None:
    """Fit the pictures after a first fit that loads and compiles what is needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="array of float32 with axes n, H, W, C")
    parser.add_argument("settings", type=json.loads, help="keywords of enas_inr.fit, as JSON")
    given = parser.parse_args()
    arrays = np.load(given.pictures)
    signals = [Signal(torch.from_numpy(a), "image", f"{n:03}") for n, a in enumerate(arrays)]
    with tempfile.TemporaryDirectory() as folder:
        enas_inr.fit(signals[0], output=Path(folder, "first.inr"), **given.settings)
        started = time.perf_counter()
        models = [
            enas_inr.fit(signal, output=Path(folder, f"{number}.inr"), **given.settings)
            for number, signal in enumerate(signals)
        ]
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "psnr": [m.metrics["psnr_db"] for m in models]}))


if __name__ == "__main__":
    main()
