"""Coordinate ascent over the axes of a search space: Algorithm 1 of the paper.

    start with the architecture `start`
    repeat
        for each axis (the paper: width, then depth)
            train every feasible value on it, the others fixed    (as one batch)
            move to the value with the best score                 (ties: fewer FLOPs, parameters)
    until a pass over all axes changes nothing, or max_iterations

An architecture is never trained twice. Decisions that the paper leaves open: the start only fixes
the other axes of the first line search, so it may be infeasible itself; if its line has no feasible
value, the nearest line that has one is searched first. The search returns the best architecture
visited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.errors import SpecError
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import EnsembleSpec
from enas_inr.strategies.base import Strategy, unseen
from enas_inr.strategies.options import PAPER_START, CoordinateOptions
from enas_inr.validation import nearest


@dataclass(frozen=True)
class _Progress:
    """How far the search has come, reconstructed from the history.

    Attributes:
        trace: the complete line searches.
        line: the candidates of the current line search; empty when the search has ended.
    """

    trace: tuple[TraceStep, ...]
    line: tuple[Candidate, ...]


@final
class CoordinateAscent(Strategy):
    """Algorithm 1, recomputed from the history at each call."""

    def __init__(
        self, space: FeasibleSpace, options: CoordinateOptions = CoordinateOptions()
    ) -> None:
        self._space = space
        self._options = options
        self._axes = [axis.name for axis in space.space.axes]
        for name, value in options.start.items():
            if name not in self._axes:
                raise SpecError(f"start: unknown axis {name!r}", nearest(name, self._axes))
            if value not in space.space.axis(name).values:
                raise SpecError(
                    f"start: {name} {value} is not in the search space",
                    f"choose one of {', '.join(map(str, space.space.axis(name).values))}",
                )

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """Propose the architectures of the current line search that are not trained yet."""
        return unseen(self._progress(history).line, history, pending, n)

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the complete line searches."""
        return self._progress(history).trace

    def _progress(self, history: Sequence[TrialResult]) -> _Progress:
        known = {result.key: result for result in history}
        current = self._start()
        trace: list[TraceStep] = []
        for iteration in range(1, self._options.max_iterations + 1):
            before = current
            for axis in self._axes:
                line = self._space.line(current, axis)
                if any(candidate.spec.key() not in known for candidate in line):
                    return _Progress(tuple(trace), line)
                results = tuple(known[candidate.spec.key()] for candidate in line)
                best = best_of(results)
                trace.append(TraceStep(iteration, axis, results, best.key if best else None))
                current = best.trial.ensemble if best else current
            if current == before:
                break
        return _Progress(tuple(trace), ())

    def _start(self) -> EnsembleSpec:
        """The start, moved to the nearest line with a feasible value if its own line has none.

        The distance is the number of values along all axes but the first, which is searched first.
        """
        asked = self._asked_start()
        first, *others = self._axes
        if self._space.line(asked, first):
            return asked

        def distance(candidate: Candidate) -> tuple[int, int]:
            steps = 0
            for name in others:
                values = list(self._space.space.axis(name).values)
                steps += abs(
                    values.index(getattr(candidate.spec, name)) - values.index(getattr(asked, name))
                )
            return steps, candidate.cost.flops

        closest = min(self._space.feasible, key=distance).spec
        return closest.with_value(first, getattr(asked, first))

    def _asked_start(self) -> EnsembleSpec:
        start = self._space.space.base
        for axis in self._space.space.axes:
            paper = PAPER_START.get(axis.name)
            default = paper if paper is not None and paper in axis.values else max(axis.values)
            start = start.with_value(axis.name, self._options.start.get(axis.name, default))
        return start
