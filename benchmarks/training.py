"""Time per training step: our trainer against the usual ways to train many small networks.

Every method trains the same ensemble, one SIREN for each cell of a photograph of 128x128 pixels:
`loop` an `nn.Module` per cell, one after the other; `vmap` the same modules stacked by
`torch.func`; `bmm` batched matrix products over stacked weights; `ours` the public
`enas_inr.training.trainer.train`. All do the same mathematics (omega_0 = 30, the initial weights
of ours, cell coordinates `centers`, the mean squared error of each cell, full-batch Adam), which
is checked first: from equal weights, the losses of 10 steps must agree.

What is timed: for the three others, steps of forward pass, losses, backward pass and Adam, nothing
else. For ours, the part of a call of `train` that follows its first short rounds, in which it
measures its pace (25 steps at most), up to its return: so all that the trainer does beside the
steps (allocating scratch, moving chunks, recording losses, deciding whether to stop), without
drawing the members, which the others' times lack too. The methods take turns in several rounds;
what counts is the median over the rounds. A turn in which other programs used a core for more than
a twentieth of the time is repeated (on Linux, for a while): the alternatives split every operation
over all cores and so suffer more from others than ours, which would flatter us.

FLOPs of a step are counted as 3 x 2 x multiply-adds x samples: forward, gradient of the weights,
gradient of the inputs, the latter counted for the first layer too although no method computes it.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from enas_inr.backbones.layered import bias_name, weight_name
from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.partition import cell_coordinates, cut
from enas_inr.signals.signal import Signal
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.device import device_name
from enas_inr.training.run import Progress
from enas_inr.training.trainer import train

OMEGA = 30.0
LEARNING_RATE = 1e-4
TRAINING = TrainingSpec(patience=10**9)  # the paper's, but never stopped

CHECK_STEPS = 10
TOLERANCE = 1e-3  # of the mean loss: float32 sums in another order, through 10 steps of Adam

WARM_UP_STEPS = 25  # of `train`, not timed, at most: its rounds of 1, 4 and 16 steps
LEAST_STEPS = 30  # of `train`, timed
MOST_STEPS = 2000
DISTURBED = 0.05  # cores that other programs use during a turn, on average
PEAK_SIZES = (1024, 2048, 3072, 4096)


@dataclass(frozen=True)
class Config:
    """An architecture: M cells along each axis, d hidden layers of w units."""

    grid: int
    depth: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Config:
        """Read `M,d,w`."""
        grid, depth, width = (int(part) for part in text.split(","))
        return cls(grid, depth, width)

    def __str__(self) -> str:
        return f"M={self.grid} d={self.depth} w={self.width}"


CONFIGS = (
    Config(4, 2, 64),
    Config(8, 1, 128),
    Config(16, 1, 128),
    Config(32, 1, 128),
    Config(8, 3, 16),
)


@dataclass(frozen=True, eq=False)
class Task:
    """What every method trains: one SIREN for each cell of a signal.

    Attributes:
        job: the same for `train`.
        coordinates: of a cell's samples, equal for all cells.
        targets: the samples' values.
        weights: for each layer the initial weights.
        biases: for each layer the initial biases.
    """

    job: Job
    device: torch.device
    coordinates: Float[Tensor, "points axes"]
    targets: Float[Tensor, "cells points channels"]
    weights: tuple[Float[Tensor, "cells out in"], ...]
    biases: tuple[Float[Tensor, "cells out"], ...]

    @property
    def flops(self) -> int:
        """Of one training step: 3 x 2 x multiply-adds x samples."""
        macs = self.job.backbone.cost(self.job.shape).macs_per_sample
        return 3 * 2 * macs * self.job.partition.samples


def make_task(signal: Signal, config: Config, device: torch.device) -> Task:
    """Cut the signal and draw the initial weights as our trainer does.

    Raises:
        ValueError: the cells are not all of one shape.
    """
    info = signal.info()
    partition = cut(signal.values, (config.grid,) * len(info.shape))
    if len(partition.blocks) > 1:
        raise ValueError(f"a grid of {config.grid} does not divide {info.shape}")
    block = partition.blocks[0]
    shape = NetShape(len(info.shape), info.channels, config.depth, config.width)
    options = SirenOptions(omega_first=OMEGA, omega_hidden=OMEGA).resolve(info, config.grid)
    job = Job(Siren(options), shape, partition, seeds=(0,), learning_rate=LEARNING_RATE)
    drawn = train([job], TRAINING, device, steps=0, keep_params=True)[0].params[0]
    layers = range(config.depth + 2)
    return Task(
        job=job,
        device=device,
        coordinates=cell_coordinates(block.shape, TRAINING.coordinates).to(device),
        targets=block.values.to(device),
        weights=tuple(drawn[weight_name(index)][0].to(device) for index in layers),
        biases=tuple(drawn[bias_name(index)][0].to(device) for index in layers),
    )


# The usual ways: each makes a function that trains one step further.

Step = Callable[[], Float[Tensor, " cells"]]
"""Makes one step; returns each cell's mean squared error before the update."""


class Sine(nn.Module):
    """sin(omega_0 z)."""

    def forward(self, z: Tensor) -> Tensor:
        """Return sin(omega_0 z)."""
        return torch.sin(OMEGA * z)


def make_net(task: Task, cell: int) -> nn.Sequential:
    """The SIREN of one cell, with its initial weights."""
    modules: list[nn.Module] = []
    for weights, biases in zip(task.weights, task.biases, strict=True):
        linear = nn.Linear(weights.shape[2], weights.shape[1], device=task.device)
        linear.load_state_dict({"weight": weights[cell], "bias": biases[cell]})
        modules += [linear, Sine()]
    return nn.Sequential(*modules[:-1])


def make_update(parameters: Iterable[Tensor]) -> Callable[[Tensor], Tensor]:
    """A function that makes one step of Adam, given the losses `cells`, and returns them.

    Cells share no weights, so the gradient of the losses' sum holds each one's own.
    """
    adam = torch.optim.Adam(
        list(parameters), LEARNING_RATE, TRAINING.betas, TRAINING.epsilon, fused=True
    )

    def update(losses: Tensor) -> Tensor:
        adam.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        adam.step()
        return losses.detach()

    return update


def make_loop(task: Task) -> Step:
    """A Python loop over one `nn.Module` per cell."""
    nets = nn.ModuleList(make_net(task, cell) for cell in range(len(task.targets)))
    targets = task.targets.unbind()
    update = make_update(nets.parameters())

    def step() -> Tensor:
        pairs = zip(nets, targets, strict=True)
        losses = [F.mse_loss(net(task.coordinates), target) for net, target in pairs]
        return update(torch.stack(losses))

    return step


def make_vmap(task: Task) -> Step:
    """The same modules, stacked and called by `torch.func`."""
    nets = [make_net(task, cell) for cell in range(len(task.targets))]
    parameters, _ = stack_module_state(nets)
    base = copy.deepcopy(nets[0]).to("meta")
    update = make_update(parameters.values())

    def evaluate(leaves: dict[str, Tensor]) -> Tensor:
        outputs: Tensor = functional_call(base, leaves, (task.coordinates,))
        return outputs

    def step() -> Tensor:
        outputs = vmap(evaluate)(parameters)
        return update((outputs - task.targets).square().mean(dim=(1, 2)))

    return step


def make_bmm(task: Task) -> Step:
    """Batched matrix products; omega_0 is the products' factor, which saves a pass."""
    weights = [leaf.transpose(1, 2).contiguous().requires_grad_() for leaf in task.weights]
    biases = [leaf.unsqueeze(1).clone().requires_grad_() for leaf in task.biases]
    coordinates = task.coordinates.expand(len(task.targets), -1, -1)
    update = make_update([*weights, *biases])

    def step() -> Tensor:
        h = coordinates
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            h = torch.sin(torch.baddbmm(bias, h, weight, beta=OMEGA, alpha=OMEGA))
        outputs = torch.baddbmm(biases[-1], h, weights[-1])
        return update((outputs - task.targets).square().mean(dim=(1, 2)))

    return step


ALTERNATIVES: Mapping[str, Callable[[Task], Step]] = {
    "loop": make_loop,
    "vmap": make_vmap,
    "bmm": make_bmm,
}
OURS = "ours"


# The check.


def our_losses(task: Task, steps: int) -> Float[Tensor, " steps"]:
    """The mean loss before each of our trainer's steps."""
    return train([task.job], TRAINING, task.device, steps=steps)[0].losses[0]


def deviations(task: Task, alternatives: Mapping[str, Step]) -> dict[str, float]:
    """How far each alternative's mean loss is from ours after at most 10 steps, relatively.

    Returns:
        The largest over the steps; not a number if a loss is none.
    """
    ours = our_losses(task, CHECK_STEPS + 1)
    found = {}
    for name, step in alternatives.items():
        theirs = torch.stack([step().double().mean() for _ in range(CHECK_STEPS + 1)]).cpu()
        found[name] = float(((theirs - ours).abs() / ours).max())
    return found


def check(task: Task, alternatives: Mapping[str, Step]) -> None:
    """Compare the methods' losses.

    Raises:
        SystemExit: they do not do the same mathematics.
    """
    found = deviations(task, alternatives)
    if not all(deviation <= TOLERANCE for deviation in found.values()):
        sys.exit(f"the methods disagree: relative deviations {found}, allowed {TOLERANCE}")


# The times.

Timer = Callable[[int], float]
"""Trains that many steps; returns the seconds that one took."""


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def step_timer(step: Step, device: torch.device) -> Timer:
    """Times steps of an alternative."""

    def seconds(steps: int) -> float:
        synchronize(device)
        started = time.perf_counter()
        for _ in range(steps):
            step()
        synchronize(device)
        return (time.perf_counter() - started) / steps

    return seconds


def train_timer(task: Task) -> Timer:
    """Times what follows the first, short rounds of a call of our trainer."""

    def seconds(steps: int) -> float:
        total = WARM_UP_STEPS + max(steps, LEAST_STEPS)
        done, started, ended = 0, time.perf_counter(), 0.0

        def watch(progress: Progress) -> None:
            nonlocal done, started, ended
            if done < progress.step <= WARM_UP_STEPS:  # the last call was at the end of a round
                done, started = progress.step, ended
            ended = time.perf_counter()

        train([task.job], TRAINING, task.device, steps=total, on_progress=watch)
        return (time.perf_counter() - started) / (total - done)

    return seconds


def steps_for(seconds: float, per_step: float) -> int:
    """How many steps take about that long; at least 2."""
    return min(MOST_STEPS, max(2, round(seconds / per_step)))


def others_seconds() -> float:
    """The CPU time that all programs but this one have used so far; 0 where it is not known."""
    try:
        fields = Path("/proc/stat").read_text().split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = (int(field) for field in fields)
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK") - time.process_time()


@dataclass(frozen=True)
class Turn:
    """One method's turn.

    Attributes:
        seconds: that one step took.
        others: cores that other programs used meanwhile, on average.
    """

    seconds: float
    others: float

    @classmethod
    def take(cls, timer: Timer, steps: int) -> Turn:
        """Train that many steps."""
        started, others = time.perf_counter(), others_seconds()
        seconds = timer(steps)
        passed = time.perf_counter() - started
        return cls(seconds, (others_seconds() - others) / passed)

    @classmethod
    def take_undisturbed(cls, timer: Timer, steps: int, patience: float) -> Turn:
        """Try again while other programs disturb, but not after `patience` seconds."""
        end = time.perf_counter() + patience
        best = cls.take(timer, steps)
        while best.others > DISTURBED and time.perf_counter() < end:
            time.sleep(1)
            best = min(best, cls.take(timer, steps), key=lambda turn: turn.others)
        return best


def measure(
    timers: Mapping[str, Timer], rounds: int, seconds: float, patience: float = 0.0
) -> dict[str, list[Turn]]:
    """Let the methods take turns.

    Args:
        timers: by the methods' names.
        rounds: turns of each.
        seconds: about how long a turn takes.
        patience: seconds for which a disturbed turn is repeated.

    Returns:
        By name, a turn for each round.
    """
    pace = {}
    for name, timer in timers.items():
        timer(1)
        pace[name] = timer(2)
    turns: dict[str, list[Turn]] = {name: [] for name in timers}
    names = list(timers)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            steps = steps_for(seconds, pace[name])
            turns[name].append(Turn.take_undisturbed(timers[name], steps, patience))
            pace[name] = statistics.median(turn.seconds for turn in turns[name])
    return turns


def matrix_peak(device: torch.device, seconds: float = 0.5) -> float:
    """The FLOP/s of the fastest of several float32 `torch.mm`, each tried for some time."""
    best = 0.0
    for size in PEAK_SIZES:
        left, right = torch.randn(2, size, size, device=device)
        out = torch.empty(size, size, device=device)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            synchronize(device)
            started = time.perf_counter()
            torch.mm(left, right, out=out)
            synchronize(device)
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


# The report.


@dataclass(frozen=True)
class Measurement:
    """The times of one method on one configuration.

    Attributes:
        turns: one for each round.
        flops: of one step.
    """

    config: Config
    method: str
    turns: tuple[Turn, ...]
    flops: int

    @property
    def median(self) -> float:
        """Seconds for a step, the median over the rounds."""
        return statistics.median(turn.seconds for turn in self.turns)

    @property
    def shortest(self) -> float:
        """Seconds for a step, the minimum over the rounds."""
        return min(turn.seconds for turn in self.turns)

    @property
    def flops_per_second(self) -> float:
        """By the median time."""
        return self.flops / self.median


@dataclass(frozen=True)
class Ratio:
    """How many times longer a step of the fastest alternative takes than ours.

    Attributes:
        fastest: the alternative with the smallest median.
        median: the quotient of the medians.
        best: the quotient of the shortest times, each method's over all rounds.
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


def run_config(signal: Signal, config: Config, args: argparse.Namespace) -> list[Measurement]:
    """Check and time all methods on one configuration."""
    task = make_task(signal, config, args.device)
    steps = {name: make(task) for name, make in ALTERNATIVES.items()}
    check(task, steps)
    timers = {name: step_timer(step, args.device) for name, step in steps.items()}
    timers[OURS] = train_timer(task)
    turns = measure(timers, args.rounds, args.seconds, args.patience)
    return [Measurement(config, name, tuple(taken), task.flops) for name, taken in turns.items()]


def results_table(results: Mapping[Config, Sequence[Measurement]], peak: float) -> Table:
    """One row a method, one section a configuration."""
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
    """One row a configuration."""
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
    """Everything that was measured, in seconds and FLOP/s."""
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
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Time a training step of our trainer and of the usual ways."
    )
    parser.add_argument(
        "--configs",
        type=Config.parse,
        nargs="+",
        default=CONFIGS,
        metavar="M,d,w",
        help="architectures, such as 4,2,64 8,1,128 (default: five)",
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of each method (7)")
    parser.add_argument("--seconds", type=float, default=1.0, help="about, for each turn (1)")
    parser.add_argument(
        "--patience",
        type=float,
        default=10.0,
        help="seconds for which a turn that other programs disturb is repeated (10)",
    )
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="(cpu)")
    parser.add_argument("--threads", type=int, help="of the CPU (default: torch's)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything here")
    args = parser.parse_args(argv)
    if args.rounds < 1 or not (0 < args.seconds < math.inf):
        parser.error("--rounds and --seconds must be positive")
    return args


def main() -> None:
    """Measure, print the tables, and write the JSON file if one is asked for."""
    args = parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    progress, output = Console(stderr=True), Console()
    signal = load_signal(load_catalog(plugins=False), "sample:photo", {"size": [128, 128]})
    results: dict[Config, list[Measurement]] = {}
    peak = matrix_peak(args.device)
    for config in args.configs:
        progress.print(f"{config} ...", highlight=False)
        results[config] = run_config(signal, config, args)
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
