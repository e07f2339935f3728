"""Try hostile inputs for a long time: `make fuzz`, or `python -m tests.fuzz.campaign --seconds 60`.

Each input is read in a process of its own kind, which is watched: an exception that is not one of
ours, a crash, more than 10 seconds or more than 1 GB more of memory are failures. Failures are
written to a folder, and repeated by `--reader NAME --number N`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

MOST_SECONDS, MOST_BYTES = 10.0, 2**30
MOST_SHOWN = 5  # failures of a reader that are printed


@dataclass
class Tried:
    """What has become of the inputs of a reader."""

    inputs: int = 0
    slowest: float = 0.0
    failures: dict[str, list[int]] = field(default_factory=dict)


def work(name: str, seed_folder: str, pipe: Connection) -> None:
    """Read inputs by their numbers, which come through a pipe; answer with what is wrong."""
    from enas_inr.plugins.catalog import load_catalog
    from tests.fuzz.readers import hostile, readers, try_one

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries say much about damaged files
    reader, catalog, folder = readers()[name], load_catalog(), Path(seed_folder)
    os.chdir(folder)
    (folder / "seeds").mkdir(exist_ok=True)
    seeds = reader.seeds(folder / "seeds")
    for seed in seeds:
        try_one(reader, seed, folder / "tried", catalog)
    usual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (usual + MOST_BYTES, resource.RLIM_INFINITY))
    pipe.send(len(seeds))
    while (number := pipe.recv()) is not None:
        content = hostile(reader, seeds, Random(number))
        (folder / "input").write_bytes(content)
        said = ""
        try:
            try_one(reader, content, folder / "tried", catalog)
        except BaseException as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            said = f"{type(error).__name__}: {str(error)[:120]} ({where})"
        pipe.send(said)


class Watched:
    """A worker process for one reader."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder / name.replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start the process anew."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.fuzz.readers", "enas_inr.model.fitting"])
        self.pipe, theirs = context.Pipe()
        self.process: Any = context.Process(
            target=work, args=(self.name, str(self.folder), theirs), daemon=True
        )
        self.process.start()
        theirs.close()
        if not self.pipe.poll(120):
            raise RuntimeError(f"the reader of {self.name} does not start")
        self.seeds = self.pipe.recv()

    def try_one(self, number: int) -> tuple[str, float]:
        """Return what is wrong with an input, if anything, and the seconds that it took."""
        started = time.perf_counter()
        self.pipe.send(number)
        try:
            if self.pipe.poll(MOST_SECONDS):
                said: str = self.pipe.recv()
                return said, time.perf_counter() - started
            said = f"more than {MOST_SECONDS:g} s"
        except (EOFError, OSError):
            self.process.join()
            said = f"the process died ({self.process.exitcode})"
        self.process.kill()
        self.process.join()
        self.start()
        return said, time.perf_counter() - started

    def stop(self) -> None:
        """End the process."""
        self.process.kill()


def main() -> int:
    """Try inputs, print a table; return 1 if anything failed."""
    from tests.fuzz.readers import readers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--reader", choices=list(readers()), help="only this one")
    parser.add_argument("--number", type=int, help="only this input, with a traceback")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    asked = parser.parse_args()
    names = [asked.reader] if asked.reader else list(readers())
    if asked.number is not None:
        return _again(names[0], asked.number)
    tried = {name: Tried() for name in names}
    each = asked.seconds / len(names)  # after the start of its process
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            watched, number = Watched(name, Path(folder)), asked.first
            until = time.monotonic() + each
            while time.monotonic() < until and watched.seeds:
                said, seconds = watched.try_one(number)
                of = tried[name]
                of.inputs, of.slowest = of.inputs + 1, max(of.slowest, seconds)
                if said:
                    of.failures.setdefault(said, []).append(number)
                    if len(of.failures[said]) == 1:
                        asked.keep.mkdir(exist_ok=True)
                        kept = asked.keep / f"{name.replace(' ', '-')}-{number}"
                        kept.write_bytes((watched.folder / "input").read_bytes())
                        print(f"{name} {number}: {said}", file=sys.stderr, flush=True)
                number += 1
            watched.stop()
    return _told(tried)


def _again(name: str, number: int) -> int:
    from enas_inr.plugins.catalog import load_catalog
    from tests.fuzz.readers import hostile, readers, try_one

    reader = readers()[name]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "seeds").mkdir()
        seeds = reader.seeds(Path(folder) / "seeds")
        content = hostile(reader, seeds, Random(number))
        try_one(reader, content, Path(folder) / "tried", load_catalog())
    return 0


def _told(tried: dict[str, Tried]) -> int:
    total: Counter[str] = Counter()
    print("| reader | inputs | slowest | failures |\n| --- | ---: | ---: | ---: |")
    for name, of in tried.items():
        failed = sum(map(len, of.failures.values()))
        total.update(inputs=of.inputs, failed=failed)
        print(f"| {name} | {of.inputs:,} | {of.slowest:.1f} s | {failed} |")
    print(f"| all | {total['inputs']:,} | | {total['failed']} |")
    for name, of in tried.items():
        for said, numbers in list(of.failures.items())[:MOST_SHOWN]:
            print(f"{name}: {said}; numbers {numbers[:5]}")
    return int(total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
