"""Compare optimizers at equal steps: the PSNR of the profile `tuned` with each of them.

The learning rate is the default of Adam for the architecture, times the given multiples. All
optimizers start with the same members. The time is CPU time over all steps of a training, without
reading the signal, so that other programs disturb it little; use `--threads 1` on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from jobs import job_of

from enas_inr.api.reading import read_signal
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training.trainer import train

SIGNALS = ("sample:photo", "sample:coffee")
CONFIGS = ("4,2,64", "8,3,32", "8,1,32", "2,3,64")
OPTIMIZERS = ("adam", "muon", "soap")


@dataclass(frozen=True)
class Trial:
    """The outcome of one training.

    Attributes:
        sizes: grid, depth and width.
        multiple: learning rate as a multiple of that of Adam by default.
        psnr_paper_db: PSNR in the paper's convention; None if the training diverged.
        step_ms: CPU time of a step in milliseconds.
    """

    signal: str
    sizes: tuple[int, int, int]
    optimizer: str
    multiple: float
    psnr_paper_db: float | None
    step_ms: float


def measure(
    catalog: Catalog,
    signal: Signal,
    sizes: tuple[int, int, int],
    optimizer: str,
    multiple: float,
    arguments: argparse.Namespace,
) -> Trial:
    """Train one ensemble."""
    steps = arguments.steps
    training = TrainingSpec.from_profile("tuned", steps=steps, optimizer=optimizer)
    grid, depth, width = sizes
    spec = EnsembleSpec(options=arguments.options, grid=grid, depth=depth, width=width)
    _, job = job_of(signal, spec, training, catalog)
    assert job.optimizer is not None
    of_adam = job.learning_rate / job.optimizer.rate_factor
    job = replace(job, learning_rate=of_adam * multiple)
    start = time.process_time()
    (outcome,) = train([replace(job, retried=True)], training, torch.device("cpu"))
    step_ms = 1000 * (time.process_time() - start) / steps
    (summary,) = outcome.repeats
    psnr = None if summary.best_loss is None else psnr_paper_db(summary.best_loss)
    return Trial(signal.name, sizes, optimizer, multiple, psnr, step_ms)


def measure_all(arguments: argparse.Namespace) -> Iterator[Trial]:
    """Train all ensembles with all optimizers in turn."""
    catalog = load_catalog()
    for source in arguments.signals:
        signal = read_signal(catalog, source, None, str(arguments.size or "none"))
        for config in arguments.configs:
            grid, depth, width = (int(number) for number in config.split(","))
            for optimizer in arguments.optimizers:
                for multiple in arguments.multiples:
                    sizes = (grid, depth, width)
                    yield measure(catalog, signal, sizes, optimizer, multiple, arguments)


def table(trials: Sequence[Trial], optimizers: Sequence[str]) -> Iterator[str]:
    """Return the lines of a Markdown table with a row for each signal and ensemble.

    A cell has the PSNR for each multiple of the learning rate in turn; the last columns have the
    CPU time of a step.
    """
    yield "| signal | M, d, w | " + " | ".join(optimizers) + " | ms a step |"
    yield "|---|---|" + "---|" * (len(optimizers) + 1)
    for signal, sizes in dict.fromkeys((trial.signal, trial.sizes) for trial in trials):
        row = [trial for trial in trials if (trial.signal, trial.sizes) == (signal, sizes)]
        groups = [[trial for trial in row if trial.optimizer == name] for name in optimizers]
        values = [" / ".join(_decibels(trial) for trial in group) for group in groups]
        times = " / ".join(f"{min(trial.step_ms for trial in group):.1f}" for group in groups)
        yield f"| {signal} | {', '.join(map(str, sizes))} | {' | '.join(values)} | {times} |"


def _decibels(trial: Trial) -> str:
    return "diverged" if trial.psnr_paper_db is None else f"{trial.psnr_paper_db:.1f}"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", nargs="+", default=SIGNALS)
    parser.add_argument("--size", type=int, help="side to which pictures are scaled, in pixels")
    parser.add_argument("--configs", nargs="+", default=CONFIGS, help="like 4,2,64")
    parser.add_argument("--options", type=json.loads, default={}, help="of the SIREN, as JSON")
    parser.add_argument("--optimizers", nargs="+", default=OPTIMIZERS)
    parser.add_argument("--multiples", nargs="+", type=float, default=[1.0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="also write the trials to this file")
    arguments = parser.parse_args(argv)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    trials = []
    for trial in measure_all(arguments):
        trials.append(trial)
        if arguments.json:  # after each trial, so that an interrupted run is not lost
            arguments.json.write_text(json.dumps([asdict(done) for done in trials], indent=1))
    print("\n".join(table(trials, arguments.optimizers)))


if __name__ == "__main__":
    main()
