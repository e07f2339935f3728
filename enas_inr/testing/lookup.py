"""Search without training: an executor with a lookup table, and records in memory."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from enas_inr.cost import Candidate, FeasibleSpace, NetCost, ensemble_cost, within_budget
from enas_inr.errors import TrainingError
from enas_inr.estimate import Sample, encoded, spread
from enas_inr.executors.base import BATCH, Executor, Supply, given
from enas_inr.executors.parts import part_of
from enas_inr.objectives.base import Objective
from enas_inr.objectives.options import PsnrFlopsOptions
from enas_inr.result import RepeatResult, TrialResult, TrialStatus, psnr_paper_db
from enas_inr.spec import (
    Axis,
    Budget,
    Configuration,
    EnsembleSpec,
    Fidelity,
    Limit,
    Range,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
    TrialSpec,
)
from enas_inr.spec.axis import Scalar
from enas_inr.strategies.base import Strategy
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import KnownResult, Observer, nothing_known, run_loop

PICTURE = SignalInfo(name="lookup", modality="image", shape=(128, 128), channels=3)


class LookupExecutor(Executor):
    """Returns results without training; a function gives the PSNR of each configuration.

    The function may be a `Table`; its PSNRs are in the paper's convention. If it returns None, the
    trial diverges; if it raises a TrainingError, the trial fails.

    Attributes:
        trained: the configurations of the trials that were run, in order.
    """

    def __init__(self, psnr_paper_db: Callable[[Configuration], float | None]) -> None:
        self._psnr = psnr_paper_db
        self.trained: list[Configuration] = []

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Take trials in batches, and yield the results of each batch."""
        while batch := trials.take(1, BATCH):
            yield from self.results(batch)

    def results(self, batch: Sequence[TrialSpec]) -> list[TrialResult]:
        """Return the results of a batch in the order in which they are yielded."""
        return [self.result(trial) for trial in batch]

    def result(self, trial: TrialSpec) -> TrialResult:
        """Return the result of a trial."""
        self.trained.append(trial.configuration)
        try:
            psnr = self._psnr(trial.configuration)
        except TrainingError as error:
            return TrialResult(trial=trial, status=TrialStatus.FAILED, message=str(error))
        status = TrialStatus.DIVERGED if psnr is None else TrialStatus.COMPLETE
        sample = None if psnr is None else cells_of(trial, psnr)
        if sample:
            rows = trial.repeats - (trial.part.first_repeat if trial.part else 0)
            psnr = psnr_paper_db(float(sample.curves(rows).min()))
        repeat = RepeatResult(status=status, steps=1, psnr_paper_db=psnr, best_step=1)
        return TrialResult(
            trial=trial, status=status, repeats=(repeat,), message=status.value, sample=sample
        )


def cells_of(trial: TrialSpec, psnr: float) -> Sample | None:
    """Return the losses of the cells of a part of a trial, whose mean over all cells is known.

    Some cells are much busier than others; how much is the same for all configurations of a grid.
    After a share of the steps, they are as many times as large as that share is small.

    Args:
        trial: the trial; None is returned for a whole one.
        psnr: its PSNR over all cells, in the paper's convention.
    """
    import numpy as np

    if trial.part is None:
        return None
    count = PICTURE.cells(trial.ensemble.grid)
    busy = np.sort(np.random.default_rng(count).lognormal(size=count))[list(spread(count))]
    losses = 10 ** (-psnr / 10) * busy / busy.mean() * trial.training.steps / trial.steps
    some = losses[trial.part.first_cell : trial.part.cells].astype(np.float32)
    ends = np.tile(some, (trial.repeats - trial.part.first_repeat, 1))
    return Sample(
        cells=len(some),
        of=count,
        samples=len(some),
        curve=encoded(ends.mean(axis=1, keepdims=True)),
        ends=encoded(ends),
    )


class MemoryRecords:
    """Keeps results in a list."""

    def __init__(self) -> None:
        self.kept: list[TrialResult] = []

    def results(self) -> list[TrialResult]:
        """Return a copy of the list."""
        return list(self.kept)

    def add(self, result: TrialResult, picture: object = None, whole: object = None) -> None:
        """Append the result; a picture is dropped."""
        self.kept.append(result)


@dataclass(frozen=True)
class Table:
    """The PSNR of every configuration of a space; call the table to look one up.

    Attributes:
        space: the space.
        slopes: dB that each step away from the optimum costs, by axis.
        best: the only optimum of the paper's score (with alpha = 7) among the points of the space.
            Every other configuration has a better feasible neighbour, one value away on one axis.
    """

    space: FeasibleSpace
    slopes: tuple[float, ...]
    best: Configuration

    def __call__(self, spec: Configuration) -> float:
        """Return the PSNR of a feasible configuration, in the paper's convention."""
        found = self.space.find(spec)
        if found is None:
            raise KeyError(spec.label())
        space = self.space.space
        points = space.point(spec), space.point(self.best)
        parts = zip(self.slopes, space.axes, *points, strict=True)
        lost = sum(slope * axis.steps(value, peak) for slope, axis, value, peak in parts)
        return PsnrFlopsOptions().alpha * math.log10(found.cost.flops) - lost


def toy_table(space: FeasibleSpace, seed: int = 0) -> Table:
    """Make a table of PSNRs for which the paper's score has one optimum, drawn by the seed.

    Each step away from the optimum on an axis lowers the score by 1 to 2 dB. If the space has
    `only` some combinations, a neighbour on the way may be missing.
    """
    draw = random.Random(seed)
    best = draw.choice(space.feasible).spec
    return Table(space, tuple(draw.uniform(1, 2) for _ in space.space.axes), best)


def siren_cost(spec: EnsembleSpec, signal: SignalInfo = PICTURE) -> NetCost:
    """Return the cost of a SIREN on a signal by the textbook formula."""
    sizes = [len(signal.shape), *[spec.width] * (spec.depth + 1), signal.channels]
    pairs = list(pairwise(sizes))
    return NetCost(sum(i * o for i, o in pairs), sum((i + 1) * o for i, o in pairs))


def lookup_space(
    axes: Mapping[str, Sequence[Scalar] | Range],
    max_flops: int,
    base: EnsembleSpec | None = None,
    only: Sequence[tuple[int, ...]] = (),
) -> FeasibleSpace:
    """Return a search space of SIRENs on a 128x128 colour picture within a budget.

    It is one of the profile `paper`: strategies train configurations in full unless they race.
    """
    space = SearchSpace(
        base=base or EnsembleSpec(),
        axes=tuple(
            Axis(name=name, range=values)
            if isinstance(values, Range)
            else Axis(name=name, values=tuple(values))
            for name, values in axes.items()
        ),
        only=tuple(only),
    )
    budget = Budget(flops=Limit(value=max_flops))
    found = within_budget(
        space,
        budget,
        PICTURE.samples,
        lambda spec: Candidate(spec, ensemble_cost(siren_cost(spec), spec.grid, PICTURE)),
    )
    return replace(found, exact=True)


def lookup_results(
    space: FeasibleSpace,
    psnr_paper_db: Callable[[Configuration], float | None],
    specs: Sequence[Configuration],
    objective: Objective,
    number: int = 0,
) -> list[TrialResult]:
    """Return the scored results of some architectures; trials are numbered from `number`."""
    trials = [
        TrialSpec(
            number=number + index,
            ensemble=spec.ensemble,
            cost=found.cost,
            training=(training := spec.training(TrainingSpec())),
            recipe=spec.recipe,
            part=part_of(spec.fidelity or Fidelity(), space.cells(spec), training.steps, None),
            repeats=1,
            seed=space.seed,
        )
        for index, spec in enumerate(specs)
        if (found := space.find(spec))
    ]
    return [
        result.model_copy(update={"score": objective.score(result)})
        if result.status is TrialStatus.COMPLETE
        else result
        for result in LookupExecutor(psnr_paper_db).run(given(trials))
    ]


def simulate(
    strategy: Strategy,
    space: FeasibleSpace,
    objective: Objective,
    executor: Executor,
    records: MemoryRecords | None = None,
    known: KnownResult = nothing_known,
    **settings: Any,
) -> list[TrialResult]:
    """Run the search loop to its end without training, and return all trials."""
    spec = StudySpec(signal=PICTURE, space=space.space, **settings)
    return run_loop(
        Gathering(spec, space, objective),
        strategy,
        executor,
        records or MemoryRecords(),
        Observer(),
        known=known,
    )
