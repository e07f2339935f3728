"""Search without training: an executor that looks results up, and records in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from enas_inr.cost import Candidate, NetCost, PricedSpace, ensemble_cost, price
from enas_inr.engine import Observer, run_loop
from enas_inr.executors.base import Executor
from enas_inr.objectives.base import Objective
from enas_inr.result import RepeatResult, TrialResult, TrialStatus
from enas_inr.spec import (
    Axis,
    Budget,
    EnsembleSpec,
    Limit,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrialSpec,
)
from enas_inr.strategies.base import Strategy

PICTURE = SignalInfo(name="lookup", modality="image", shape=(128, 128), channels=3)


class LookupExecutor(Executor):
    """Trains nothing: asks a function for the paper's PSNR of an architecture; None: diverged.

    Attributes:
        trained: the architectures it was given, in order.
    """

    def __init__(self, psnr_paper_db: Callable[[EnsembleSpec], float | None]) -> None:
        self._psnr = psnr_paper_db
        self.trained: list[EnsembleSpec] = []

    def run(self, trials: Sequence[TrialSpec]) -> Iterator[TrialResult]:
        """Look the trials up."""
        for trial in trials:
            self.trained.append(trial.ensemble)
            psnr = self._psnr(trial.ensemble)
            status = TrialStatus.DIVERGED if psnr is None else TrialStatus.COMPLETE
            repeat = RepeatResult(status=status, steps=1, psnr_paper_db=psnr, best_step=1)
            yield TrialResult(trial=trial, status=status, repeats=(repeat,), message=status.value)


class MemoryRecords:
    """Keeps results in a list."""

    def __init__(self) -> None:
        self.kept: list[TrialResult] = []

    def results(self) -> list[TrialResult]:
        """A copy of the list."""
        return list(self.kept)

    def add(self, result: TrialResult) -> None:
        """Append."""
        self.kept.append(result)


def siren_cost(spec: EnsembleSpec) -> NetCost:
    """The cost of a SIREN on a color picture, from the textbook formula."""
    sizes = [2, *[spec.width] * (spec.depth + 1), 3]
    pairs = list(pairwise(sizes))
    return NetCost(sum(i * o for i, o in pairs), sum((i + 1) * o for i, o in pairs))


def lookup_space(
    axes: Mapping[str, Sequence[int]], max_flops: int, base: EnsembleSpec | None = None
) -> PricedSpace:
    """A search space of SIRENs on a 128x128 color picture within a budget."""
    space = SearchSpace(
        base=base or EnsembleSpec(),
        axes=tuple(
            Axis.model_validate({"name": name, "values": tuple(values)})
            for name, values in axes.items()
        ),
    )
    budget = Budget(flops=Limit(value=max_flops))
    return price(
        space,
        budget,
        PICTURE.samples,
        lambda spec: Candidate(spec, ensemble_cost(siren_cost(spec), spec.grid, PICTURE)),
    )


def simulate(
    strategy: Strategy,
    space: PricedSpace,
    objective: Objective,
    executor: Executor,
    records: MemoryRecords | None = None,
    **settings: Any,
) -> list[TrialResult]:
    """Run the search loop to its end, without training; return all trials."""
    spec = StudySpec(signal=PICTURE, space=space.space, **settings)
    return run_loop(
        spec, space, strategy, objective, executor, records or MemoryRecords(), Observer()
    )
