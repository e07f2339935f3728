"""Measure the time of training steps: methods alternate, and disturbed turns can be repeated."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from enas_inr.training.batch import Job
from enas_inr.training.run import Progress
from enas_inr.training.trainer import train
from enas_inr.training.workload import TRAINING

WARM_UP_STEPS = 25
LEAST_STEPS = 30
MOST_STEPS = 2000
DISTURBED = 0.05  # cores that other programs use during a turn, on average
PEAK_SIZES = (1024, 2048, 3072, 4096)

Timer = Callable[[int], float]
"""Trains the given number of steps, and returns the seconds per step."""


def synchronize(device: torch.device) -> None:
    """Wait until the device has completed all operations."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    elif device.type == "xpu":
        torch.xpu.synchronize(device)


def train_timer(
    job: Job, device: torch.device, warm_up: int = WARM_UP_STEPS, least: int = LEAST_STEPS
) -> Timer:
    """Measures a call of `train` without its first, short rounds.

    Args:
        job: what to train.
        device: where to train it.
        warm_up: largest number of steps in the first rounds, which are not measured.
        least: least number of steps that are measured.
    """

    def seconds(steps: int) -> float:
        total = warm_up + max(steps, least)
        done, started, ended = 0, time.perf_counter(), 0.0

        def watch(progress: Progress) -> None:
            nonlocal done, started, ended
            if done < progress.step <= warm_up:  # the last call was at the end of a round
                done, started = progress.step, ended
            ended = time.perf_counter()

        train([job], TRAINING, device, steps=total, on_progress=watch)
        return (time.perf_counter() - started) / (total - done)

    return seconds


def steps_for(seconds: float, per_step: float) -> int:
    """Return the number of steps that take about the given time, at least 2."""
    return min(MOST_STEPS, max(2, round(seconds / per_step)))


def others_seconds() -> float:
    """Return the CPU time used by all other programs so far, or 0 if it is not known."""
    try:
        fields = Path("/proc/stat").read_text().split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = (int(field) for field in fields)
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK") - time.process_time()


@dataclass(frozen=True)
class Turn:
    """One turn of a method.

    Attributes:
        seconds: seconds per step.
        others: average number of cores that other programs used during the turn.
    """

    seconds: float
    others: float

    @classmethod
    def take(cls, timer: Timer, steps: int) -> Turn:
        """Train the given number of steps."""
        started, others = time.perf_counter(), others_seconds()
        seconds = timer(steps)
        passed = time.perf_counter() - started
        return cls(seconds, (others_seconds() - others) / passed)

    @classmethod
    def take_undisturbed(cls, timer: Timer, steps: int, patience: float) -> Turn:
        """Repeat a turn while other programs disturb it, for at most `patience` seconds."""
        end = time.perf_counter() + patience
        best = cls.take(timer, steps)
        while best.others > DISTURBED and time.perf_counter() < end:
            time.sleep(1)
            best = min(best, cls.take(timer, steps), key=lambda turn: turn.others)
        return best


def measure(
    timers: Mapping[str, Timer], rounds: int, seconds: float, patience: float = 0.0
) -> dict[str, list[Turn]]:
    """Measure all methods in turn.

    Args:
        timers: timers by the names of the methods.
        rounds: number of turns of each method.
        seconds: approximate duration of a turn.
        patience: seconds for which a disturbed turn is repeated.

    Returns:
        The turns of each method, one for each round.
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


def matrix_peak(
    device: torch.device, seconds: float = 0.5, sizes: Sequence[int] = PEAK_SIZES
) -> float:
    """Return the FLOP/s of the fastest of several float32 `torch.mm`.

    Args:
        device: the device.
        seconds: time for which each size is repeated.
        sizes: sides of the square matrices.
    """
    best = 0.0
    for size in sizes:
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
