"""Measure the memory of a fit of many signals: it must not grow with their number.

Each set is fitted in a process of its own, whose largest resident memory is printed. The pictures
are cut out of photographs that come with scikit-image, mirrored where one of them is not enough.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIT = """
import resource, sys
import enas_inr
result = enas_inr.fit_many(sys.argv[1], output=sys.argv[2], {settings})
assert not result.failed, result.failed[0]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write_pictures(folder: Path, count: int, side: int) -> None:
    """Write square pictures that are all different."""
    from PIL import Image

    from enas_inr.plugins.catalog import load_catalog
    from enas_inr.signals.loading import load_signal

    values = load_signal(load_catalog(), "sample:astronaut").values
    photo = Image.fromarray(((values + 1) * 127.5).round().byte().numpy())
    for number in range(count):
        left, top = 3 * (number % 61), 5 * (number // 61 % 67)
        part = photo.crop((left, top, left + 128, top + 128))
        part.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{number:04}.png")


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="*", default=[100, 300, 1000])
    parser.add_argument("--side", type=int, default=128, help="samples along each axis")
    parser.add_argument("--settings", default="steps=2", help="keywords of enas_inr.fit_many")
    given = parser.parse_args()
    for count in given.counts:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "pictures")
            folder.mkdir()
            write_pictures(folder, count, given.side)
            started = time.perf_counter()
            process = subprocess.run(
                [sys.executable, "-c", FIT.format(settings=given.settings), folder, place],
                check=True,
                capture_output=True,
                text=True,
            )
        print(
            f"{count} pictures of {given.side}x{given.side}, {given.settings}: at most "
            f"{process.stdout.strip()} MiB, {time.perf_counter() - started:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
