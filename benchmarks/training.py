"""Compare the time per training step of our trainer with common ways to train small networks.

Every method trains the same ensemble, which has one SIREN for each cell of a photograph of 128x128
pixels: `loop` trains one `nn.Module` per cell, one after the other; `vmap` the same modules stacked
by `torch.func`; `bmm` uses batched matrix products over stacked weights; `compile` is `bmm` under
`torch.compile`, if a compiler is present; `ours` is the public function
`enas_inr.training.trainer.train`. All methods compute the same (omega_0 = 30, the initial weights
of our trainer, cell coordinates `centers`, the mean squared error of each cell, full-batch Adam).
This is checked first: from equal weights, the losses of 10 steps must agree.

For the alternatives, the measured time covers the forward pass, losses, backward pass and Adam of
the steps, and nothing else. For our trainer, it covers a call of `train` without its first short
rounds (at most 25 steps), in which it measures its speed. It therefore includes everything that the
trainer does besides the steps (allocating scratch memory, moving chunks, recording losses, deciding
whether to stop), but not the initialisation of the members, which is not measured for the
alternatives either. The methods alternate in several rounds, and the median over the rounds is
compared. A turn in which other programs used a core for more than a twentieth of the time is
repeated (on Linux, for a limited time). Otherwise the comparison would favour our trainer, because
the alternatives split every operation over all cores and are slowed down more by other programs.

`enas_inr.training.workload.step_flops` counts the FLOPs of a step.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from training_methods import (
    ALTERNATIVES,
    COMPILED,
    OURS,
    Step,
    Task,
    check,
    compiler_error,
    make_compiled,
    make_task,
    step_timer,
)

from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.training.device import device_name
from enas_inr.training.timing import DISTURBED, Turn, matrix_peak, measure, train_timer
from enas_inr.training.workload import CONFIGS, Config, step_flops

MakeStep = Callable[[Task], Step]


@dataclass(frozen=True)
class Measurement:
    """The times of one method on one configuration.

    Attributes:
        turns: one turn for each round.
        flops: FLOPs of one step.
    """

    config: Config
    method: str
    turns: tuple[Turn, ...]
    flops: int

    @property
    def median(self) -> float:
        """Seconds per step, as the median over the rounds."""
        return statistics.median(turn.seconds for turn in self.turns)

    @property
    def shortest(self) -> float:
        """Seconds per step, as the minimum over the rounds."""
        return min(turn.seconds for turn in self.turns)

    @property
    def flops_per_second(self) -> float:
        """FLOP/s by the median time."""
        return self.flops / self.median


@dataclass(frozen=True)
class Ratio:
    """The time of a step of the fastest alternative, divided by that of our trainer.

    Attributes:
        fastest: the alternative with the smallest median.
        median: quotient of the medians.
        best: quotient of the shortest times over all rounds.
    """

    config: Config
    fastest: str
    median: float
    best: float


def ratio(measurements: Sequence[Measurement]) -> Ratio:
    """Compare the methods on one configuration."""
    by_name = {m.method: m for m in measurements}
    ours = by_name.pop(OURS)
    fastest = min(by_name.values(), key=lambda m: m.median)
    shortest = min(m.shortest for m in by_name.values())
    return Ratio(
        ours.config, fastest.method, fastest.median / ours.median, shortest / ours.shortest
    )


def alternatives(args: argparse.Namespace, progress: Console) -> Mapping[str, MakeStep]:
    """Return the methods to compare with; says so if there is no compiler."""
    if not args.compile:
        return ALTERNATIVES
    error = compiler_error(args.device)
    if error:
        progress.print(f"no row for torch.compile: {error}", highlight=False, markup=False)
        return ALTERNATIVES
    return {**ALTERNATIVES, COMPILED: make_compiled}


def run_config(
    signal: Signal, config: Config, methods: Mapping[str, MakeStep], args: argparse.Namespace
) -> list[Measurement]:
    """Check all methods on one configuration, and measure their times."""
    task = make_task(signal, config, args.device)
    steps = {name: make(task) for name, make in methods.items()}
    check(task, steps)
    timers = {name: step_timer(step, args.device) for name, step in steps.items()}
    timers[OURS] = train_timer(task.job, args.device)
    turns = measure(timers, args.rounds, args.seconds, args.patience)
    flops = step_flops(task.job)
    return [Measurement(config, name, tuple(taken), flops) for name, taken in turns.items()]


def results_table(results: Mapping[Config, Sequence[Measurement]], peak: float) -> Table:
    """Return a table with a row for each method and a section for each configuration."""
    table = Table("configuration", "method")
    for heading in ("ms/step", "min", "GFLOP/s", "of peak", "time / ours"):
        table.add_column(heading, justify="right")
    for config, measurements in results.items():
        ours = next(m for m in measurements if m.method == OURS)
        for index, m in enumerate(measurements):
            table.add_row(
                str(config) if index == 0 else "",
                m.method,
                f"{1e3 * m.median:.2f}",
                f"{1e3 * m.shortest:.2f}",
                f"{m.flops_per_second / 1e9:.1f}",
                f"{m.flops_per_second / peak:.0%}",
                f"{m.median / ours.median:.2f}",
                end_section=index == len(measurements) - 1,
            )
    return table


def ratios_table(results: Mapping[Config, Sequence[Measurement]]) -> Table:
    """Return a table with a row for each configuration."""
    table = Table("configuration", "fastest alternative")
    for heading in ("its time / ours", "of the minima"):
        table.add_column(heading, justify="right")
    for measurements in results.values():
        found = ratio(measurements)
        table.add_row(str(found.config), found.fastest, f"{found.median:.2f}", f"{found.best:.2f}")
    return table


def as_json(
    results: Mapping[Config, Sequence[Measurement]], peak: float, args: argparse.Namespace
) -> dict[str, Any]:
    """Return all measurements, in seconds and FLOP/s."""
    return {
        "device": device_name(args.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": args.rounds,
        "seconds": args.seconds,
        "peak_flops_per_second": peak,
        "measurements": [
            asdict(m) | {"median": m.median, "flops_per_second": m.flops_per_second}
            for measurements in results.values()
            for m in measurements
        ],
        "ratios": [asdict(ratio(measurements)) for measurements in results.values()],
    }


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Compare the time of a training step of our trainer with common alternatives."
    )
    parser.add_argument(
        "--configs",
        type=Config.parse,
        nargs="+",
        default=CONFIGS,
        metavar="M,d,w",
        help="architectures, such as 4,2,64 8,1,128 (default: five)",
    )
    parser.add_argument("--rounds", type=int, default=7, help="number of turns of each method (7)")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="approximate seconds for each turn (1)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=10.0,
        help="seconds for which a turn disturbed by other programs is repeated (10)",
    )
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="(cpu)")
    parser.add_argument(
        "--compile",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure bmm under torch.compile (needs a C++ compiler)",
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: that of torch)")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write all measurements to this file"
    )
    args = parser.parse_args(argv)
    if args.rounds < 1 or not (0 < args.seconds < math.inf):
        parser.error("--rounds and --seconds must be positive")
    return args


def main() -> None:
    """Measure, print the tables, and write the JSON file if it is requested."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    progress, output = Console(stderr=True), Console()
    signal = load_signal(load_catalog(plugins=False), "sample:photo", {"size": [128, 128]})
    methods = alternatives(args, progress)
    results: dict[Config, list[Measurement]] = {}
    peak = matrix_peak(args.device)
    for config in args.configs:
        progress.print(f"{config} ...", highlight=False)
        results[config] = run_config(signal, config, methods, args)
        peak = max(peak, matrix_peak(args.device))
    output.print(
        f"{device_name(args.device)}, {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}; float32 matrix product: {peak / 1e9:.1f} GFLOP/s",
        highlight=False,
        soft_wrap=True,
    )
    disturbed = [t.others > DISTURBED for ms in results.values() for m in ms for t in m.turns]
    output.print(f"turns disturbed by other programs: {sum(disturbed)} of {len(disturbed)}")
    output.print(results_table(results, peak))
    output.print(ratios_table(results))
    if args.json:
        args.json.write_text(json.dumps(as_json(results, peak, args), indent=2) + "\n")


if __name__ == "__main__":
    main()
