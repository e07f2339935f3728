"""How long a search takes at most on this CPU, from a quick measurement of the trainer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import make_jobs
from enas_inr.signals.signal import Signal
from enas_inr.spec import StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.training.device import resolve_device
from enas_inr.training.trainer import train

FLOPS_OF_A_STEP = 3  # times those of an evaluation: forward, gradients of weights and of inputs
BRIEF = 1e12  # FLOPs of a search that takes some seconds at most, and is not worth a measurement
STEP_FLOPS = 3e8  # of a measured step, about
LEAST_SAMPLES, MOST_SAMPLES = 128, 4096  # of a measured step
WARM_UP, STEPS, TURNS = 2, 10, 2

Speed = Callable[[Candidate], float]
"""The seconds of a configuration for one sample in one step."""


@dataclass(frozen=True)
class Forecast:
    """How long a search takes.

    Attributes:
        most: seconds if all configurations are trained as far as possible.
        first: seconds until all have been trained on a few cells, if the strategy begins so.
    """

    most: float
    first: float | None = None


def forecast(
    spec: StudySpec, context: ExecutionContext, space: FeasibleSpace, strategy: Strategy, most: int
) -> Forecast | None:
    """Measure the speed on the cheapest and on the dearest configuration for a moment.

    Args:
        spec: specification of the study.
        context: has the signal and the device.
        space: the configurations within the budget.
        strategy: proposes them.
        most: largest number of trials.

    Returns:
        The forecast; None if it is not known, as on a GPU, or if the search is short anyway.
    """
    races = strategy.rounds() > 1
    dearest = sorted(space.feasible, key=lambda one: _work(spec, one))[-most:]
    repeats = 1 if races else spec.repeats
    if sum(_work(spec, one) for one in dearest) * repeats < BRIEF:
        return None
    if resolve_device(context.device).type != "cpu":
        return None
    speed = _measured(spec, context, space.feasible)

    def seconds(candidate: Candidate) -> float:
        steps = candidate.spec.training(spec.training).steps
        return speed(candidate) * spec.signal.samples * steps

    total = sum(map(seconds, dearest)) * repeats
    if not races:
        return Forecast(total)
    first = 0.0
    for proposal in strategy.propose((), (), len(space.feasible)):
        candidate, share = space.find(proposal), proposal.fidelity
        if candidate and share:
            cells = space.cells(proposal)
            first += seconds(candidate) * share.count(cells) / cells
    winner = max(map(seconds, dearest)) * (spec.repeats - 1) if space.exact else 0.0
    return Forecast(total + winner, first)


def _work(spec: StudySpec, candidate: Candidate) -> float:
    """Return the FLOPs of one training."""
    steps = candidate.spec.training(spec.training).steps
    return FLOPS_OF_A_STEP * candidate.cost.flops * steps


def _measured(spec: StudySpec, context: ExecutionContext, candidates: Sequence[Candidate]) -> Speed:
    """Interpolate between two measured configurations, on logarithmic scales."""
    low = min(candidates, key=lambda one: one.cost.flops)
    high = max(candidates, key=lambda one: one.cost.flops)
    fast, slow = (_seconds_per_sample(spec, context, one) for one in (low, high))
    if low.cost.flops == high.cost.flops:
        return lambda candidate: slow
    power = math.log(slow / fast) / math.log(high.cost.flops / low.cost.flops)
    return lambda candidate: fast * (candidate.cost.flops / low.cost.flops) ** power


def _seconds_per_sample(spec: StudySpec, context: ExecutionContext, candidate: Candidate) -> float:
    """Train a few members on one cell for a few steps; return the seconds of a sample and step."""
    import torch

    wanted = STEP_FLOPS * spec.signal.samples / (FLOPS_OF_A_STEP * candidate.cost.flops)
    samples = min(max(int(wanted), LEAST_SAMPLES), MOST_SAMPLES)
    cell = _cell(context.signal, candidate.spec.grid, samples)
    points = math.prod(cell.values.shape[:-1])
    trial = TrialSpec(
        number=0,
        ensemble=candidate.spec.ensemble.with_value("grid", 1),
        cost=candidate.cost,
        training=candidate.spec.training(spec.training),
        repeats=max(torch.get_num_threads(), samples // points),
        seed=spec.seed,
    )
    (job,) = make_jobs(replace(context, signal=cell), [trial])

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        train([job], trial.training, torch.device("cpu"), steps=steps)
        return time.perf_counter() - started

    seconds(WARM_UP)  # which may have to compile
    taken = min(seconds(WARM_UP + STEPS) for _ in range(TURNS)) - seconds(WARM_UP)
    return max(taken, 1e-6) / (STEPS * points * trial.repeats)


def _cell(signal: Signal, grid: int, most: int) -> Signal:
    """Return a signal of the shape of one cell, or of a part of it with about `most` samples."""
    shape = [math.ceil(length / grid) for length in signal.values.shape[:-1]]
    for axis, length in enumerate(shape):
        beyond = math.prod(shape) / most
        shape[axis] = max(1, min(length, int(length / max(beyond, 1.0))))
    return replace(signal, values=signal.values[tuple(map(slice, shape))].contiguous())
