"""Write the tables of docs/performance.md: time and memory of trainings and searches.

Every row is measured in a process of its own, which trains SIRENs with d = 1 and w = 32 on a
photograph of the given size (Adam, full batch, the profile `paper`). The time of a step is the mean
over the steps after the first one. The memory is the largest resident memory of the process, with
Python, torch and the photograph; for a search with Ray it is that of all its processes, in which
shared pages count once, sampled every second.

A process inherits the peak of the one that started it (on Linux), so heavy modules are imported in
the measuring processes alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pages import filled, markdown

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
DEPTH, WIDTH = 1, 32
SIDES = (128, 256, 512, 1024, 2048)
GRIDS = (1, 2, 4, 8, 16, 32, 64)
REPEATS = (1, 2, 4, 8, 16)
WORKERS = (1, 2)
SEARCH_STEPS = 200  # of each trial of the searches with Ray
SAMPLE_SECONDS = 1.0


@dataclass(frozen=True)
class Training:
    """A training to measure.

    Attributes:
        side: samples along each axis of the picture.
        early: number of steps of a shorter training before it, or 0 for none.
    """

    side: int
    grid: int
    repeats: int
    steps: int
    early: int = 0

    @classmethod
    def of(cls, side: int, grid: int, repeats: int) -> Training:
        """Return a training of at most about half a minute."""
        steps = 2**24 // (side**2 * repeats)
        return cls(side, grid, repeats, max(6, min(200, steps)))


LARGE = Training(side=4096, grid=64, repeats=1, steps=8, early=2)
LONG = Training(side=512, grid=16, repeats=1, steps=2000, early=50)


def measure_training(asked: Training) -> dict[str, float]:
    """Train, and return `seconds` of a step, `others` (see Turn), and `early` and `peak` bytes."""
    from dataclasses import replace

    import torch

    from enas_inr.plugins.catalog import load_catalog
    from enas_inr.signals.loading import load_signal
    from enas_inr.training.timing import Turn, train_timer
    from enas_inr.training.workload import Config, make_job

    catalog = load_catalog(plugins=False)
    signal = load_signal(catalog, "sample:photo", {"size": [asked.side, asked.side]})
    job = make_job(signal, Config(asked.grid, DEPTH, WIDTH))
    job = replace(job, seeds=tuple(range(asked.repeats)))
    timer = train_timer(job, torch.device("cpu"), warm_up=1, least=1)
    if asked.early:
        timer(asked.early)
    early = peak_bytes()
    turn = Turn.take(timer, asked.steps)
    return asdict(turn) | {"early": early, "peak": peak_bytes()}


def measure_search(workers: int) -> dict[str, float]:
    """Run a search of 40 trials with Ray; return its `seconds` and the `trained` seconds."""
    import logging

    import ray
    from executors import measure

    ray.init(
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    (run,) = measure(workers, rounds=1, steps=SEARCH_STEPS)
    return {"seconds": run.seconds, "trained": run.trained, "trials": run.trials}


def measure_machine() -> dict[str, Any]:
    """Return the machine and the versions."""
    import torch

    from enas_inr.api.bench import machine, versions

    return {**machine(torch.device("cpu")), "versions": versions()}


def peak_bytes() -> int:
    """Return the largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Measure what another process of this script has asked for."""
    if "side" in asked:
        return measure_training(Training(**asked))
    if "workers" in asked:
        return measure_search(asked["workers"])
    return measure_machine()


def ask(**asked: Any) -> dict[str, Any]:
    """Measure in a new process.

    Returns:
        What it measured, and the `sampled` bytes of it and all its descendants.

    Raises:
        RuntimeError: the process failed.
    """
    command = [sys.executable, __file__, "--measure", json.dumps(asked)]
    sampled = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while True:
            try:
                out, _ = process.communicate(timeout=SAMPLE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if "workers" in asked:
                    sampled = max(sampled, tree_bytes(process.pid))
    if process.returncode:
        raise RuntimeError(f"measuring {asked} failed with code {process.returncode}")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found | {"sampled": sampled}


def tree_bytes(root: int) -> int:
    """Return the memory of a process and its descendants; a page of n processes counts as 1/n."""
    import psutil

    process, total = psutil.Process(root), 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):  # it has ended
            used = one.memory_full_info()
            total += getattr(used, "pss", used.uss)  # the first on Linux only
    return total


def mega(size: float) -> str:
    """Return bytes in MB."""
    return f"{size / 1e6:,.0f}"


def training_table(heading: str, trainings: Mapping[str, Training]) -> str:
    """Measure trainings, and return a table with a row for each."""
    rows = []
    for name, training in trainings.items():
        print(f"{heading} {name} ...", file=sys.stderr)
        found = ask(**asdict(training))
        rate = training.side**2 * training.repeats / found["seconds"]
        rows.append(
            [
                name,
                f"{1e3 * found['seconds']:,.1f}",
                f"{rate / 1e6:.2f}",
                mega(found["peak"]),
                f"{max(found['others'], 0.0):.1f}",
            ]
        )
    headings = ("ms a step", "million samples a second", "memory in MB", "cores of others")
    return markdown((heading, *headings), rows)


def growth_table(trainings: Sequence[Training]) -> str:
    """Measure the memory after few and after more steps."""
    rows = []
    for training in trainings:
        print(f"growth, {training} ...", file=sys.stderr)
        found = ask(**asdict(training))
        rows.append(
            [
                f"{training.side}x{training.side}, M = {training.grid}",
                f"{1e3 * found['seconds']:,.1f}",
                f"{mega(found['early'])} ({training.early} steps)",
                f"{mega(found['peak'])} ({training.steps:,} steps)",
            ]
        )
    return markdown(("picture", "ms a step", "memory in MB at first", "later"), rows)


def search_table() -> str:
    """Measure searches with Ray."""
    rows = []
    for workers in WORKERS:
        print(f"search with Ray, workers: {workers} ...", file=sys.stderr)
        found = ask(workers=workers)
        rows.append(
            [
                str(workers),
                f"{found['seconds']:.1f}",
                f"{found['trials'] / found['seconds']:.2f}",
                f"{found['trained'] / found['trials']:.2f}",
                mega(found["sampled"]),
            ]
        )
    headings = ("workers", "s", "trials a second", "s of training a trial", "memory in MB")
    return markdown(headings, rows)


def machine_line() -> str:
    """Return the machine, the versions and the date in one sentence."""
    found = ask()
    numbers = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    loops = "with" if found["compiled_loops"] else "without"
    return (
        f"Measured on {datetime.now(UTC).date()} with {found['threads']} threads of a processor "
        f"{found['processor']} ({found['system']}), {loops} compiled loops: {numbers}."
    )


def measure_all() -> dict[str, str]:
    """Return the parts of the page by name."""
    return {
        "machine": machine_line(),
        "side": training_table(
            "side in pixels", {str(side): Training.of(side, 16, 1) for side in SIDES}
        ),
        "grid": training_table("grid M", {str(grid): Training.of(512, grid, 1) for grid in GRIDS}),
        "repeats": training_table(
            "repeats", {str(number): Training.of(256, 16, number) for number in REPEATS}
        ),
        "growth": growth_table((LARGE, LONG)),
        "workers": search_table(),
    }


def main() -> None:
    """Measure everything and write the page, or answer another process of this script."""
    parser = argparse.ArgumentParser(description="Measure the tables of docs/performance.md.")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to change")
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(json.dumps(answer(args.measure)))
        return
    started = time.monotonic()
    args.page.write_text(filled(args.page.read_text(), measure_all()))
    print(f"wrote {args.page} in {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
