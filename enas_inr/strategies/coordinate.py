"""Coordinate ascent over the axes of a search space: Algorithm 1 of the paper.

    start with the configuration `start`
    repeat
        for each axis (the paper: width, then depth)
            train every feasible value on it, the others fixed    (as one batch, or as a race)
            move to the value with the best score                 (ties: fewer FLOPs, parameters)
    until a pass over all axes changes nothing, or max_iterations

A configuration is never trained twice. On a range, a few values at equal distances are tried, and
then those halfway between the best of them and its neighbours. Decisions that the paper leaves
open: the start only fixes the other axes of the first line search, so it may be infeasible itself;
if its line has no feasible value, the nearest line that has one is searched first. The search
returns the best configuration visited.

With `racing`, the configurations of a line race (see `racing`), and the best one of the last line
is trained further at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

from enas_inr.cost import Candidate, FeasibleSpace
from enas_inr.errors import SpecError
from enas_inr.result import TraceStep, TrialResult, best_of
from enas_inr.spec import Axis, Configuration
from enas_inr.spec.architecture import AXIS_LETTERS
from enas_inr.spec.axis import Scalar
from enas_inr.spec.space import Point
from enas_inr.strategies.base import Strategy, left
from enas_inr.strategies.options import PAPER_START, CoordinateOptions
from enas_inr.strategies.racing import Heat, Races, Round, can_race, most_rounds
from enas_inr.validation import nearest


@dataclass(frozen=True)
class _Progress:
    """How far the search has come, reconstructed from the history.

    Attributes:
        trace: the complete line searches.
        next: what is left to train of the current line search; empty when the search has ended.
    """

    trace: tuple[TraceStep, ...]
    next: tuple[Configuration, ...]


Search = Callable[[Sequence[Candidate]], Heat]
"""Says how far the search of a line has come."""


@final
class CoordinateAscent(Strategy):
    """Algorithm 1, recomputed from the history at each call."""

    def __init__(
        self, space: FeasibleSpace, options: CoordinateOptions = CoordinateOptions()
    ) -> None:
        self._space = space
        self._options = options
        self._racing = can_race(space, options.racing)
        self._axes = [axis.name for axis in space.space.axes]
        for name, value in options.start.items():
            if name not in self._axes:
                raise SpecError(f"start: unknown axis {name!r}", nearest(name, self._axes))
            if value not in (points := space.space.axis(name).points):
                raise SpecError(
                    f"start: {name} {value} is not in the search space",
                    f"choose one of {', '.join(map(str, points))}",
                )

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose what is left to train of the current line search, or else what is likely next."""
        running = frozenset(proposal.key() for proposal in pending)
        sure = left(self._progress(history).next, running)
        return (sure or self._likely(history, running))[:n]

    def _likely(
        self, history: Sequence[TrialResult], running: frozenset[str]
    ) -> list[Configuration]:
        """Return what follows if nothing in training is better than what is known.

        A worker would be idle otherwise. What is trained ahead and turns out not to be needed stays
        in the history, where no line search looks at it.
        """
        return left(self._progress(history, running).next, running) if running else []

    def rounds(self) -> int:
        """Return how often a configuration can be trained."""
        return most_rounds(self._space, self._options) if self._racing else 1

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the complete line searches."""
        return self._progress(history).trace

    def _progress(
        self, history: Sequence[TrialResult], without: frozenset[str] = frozenset()
    ) -> _Progress:
        """Return how far the search has come; `without` as in `Races`."""
        races = Races(self._space, self._options, history, without)
        search = races.heat if self._racing else partial(_in_full, history, without)
        current = self._start()
        key = self._space.space.configuration(current).key()  # before its options are resolved
        trace: list[TraceStep] = []
        winner: Candidate | None = None
        for iteration in range(1, self._options.max_iterations + 1):
            before = key
            for name, axis in zip(self._axes, self._space.space.axes, strict=True):
                if axis.backbone and current[self._axes.index(name)] is None:
                    continue  # an option of a backbone that is not chosen
                heat = self._line(search, current, axis)
                if heat.next:
                    return _Progress(tuple(trace), heat.next)
                chosen = heat.winner.key if heat.winner else None
                trace.append(TraceStep(iteration, name, heat.results, chosen))
                if heat.winner:
                    winner = heat.winner
                    current, key = winner.point, winner.key
            if key == before:
                break
        if not (self._racing and winner):
            return _Progress(tuple(trace), ())
        if without:  # no round is skipped, since the search may compare its results yet
            return _Progress(tuple(trace), races.further(winner))
        further = races.confirmed(winner)
        if further.results and further.results[0] not in trace[-1].candidates:
            chosen = winner.key if further.winner or further.next else None
            trace.append(TraceStep(trace[-1].iteration, "", further.results, chosen))
        return _Progress(tuple(trace), further.next)

    def _line(self, search: Search, current: Point, axis: Axis) -> Heat:
        """Search a line; on a range, then also the values around the best of a few."""
        line = self._space.line(current, axis.name)
        heat = search(line)
        if heat.winner is None or axis.range is None:
            return heat
        return search(self._refined(line, heat.winner, axis, current))

    def _refined(
        self, line: tuple[Candidate, ...], best: Candidate, axis: Axis, current: Point
    ) -> tuple[Candidate, ...]:
        """Add the values between the best one on a line and its neighbours, and the current one."""
        assert axis.range
        value = best.point[self._axes.index(axis.name)]
        assert value is not None
        space = self._space.space
        points = [space.moved(best.point, axis.name, near) for near in axis.range.around(value)]
        further = (self._space.at(point) for point in (*points, current))
        return tuple({c.key: c for c in (*line, *further) if c}.values())

    def _start(self) -> Point:
        """The start, moved to the nearest line with a feasible value if its own line has none.

        The distance is the number of values along all axes but the first, which is searched first.
        """
        asked = self._asked_start()
        first = self._space.space.axes[0]
        if self._space.line(asked, first.name):
            return asked

        def distance(candidate: Candidate) -> tuple[int, int]:
            axes = self._space.space.axes[1:]
            pairs = zip(axes, candidate.point[1:], asked[1:], strict=True)
            return sum(axis.steps(one, other) for axis, one, other in pairs), candidate.cost.flops

        closest = min(self._space.feasible, key=distance).point
        if asked[0] is None:
            return closest
        return self._space.space.moved(closest, first.name, asked[0])

    def _asked_start(self) -> Point:
        space = self._space.space
        start: Point = (None,) * len(space.axes)
        # The backbone first, since its options follow from it.
        for axis in sorted(space.axes, key=lambda axis: axis.name != "backbone"):
            at = self._axes.index(axis.name)
            if axis.backbone and start[at] is None:
                continue
            value = self._options.start.get(axis.name, self._default_start(axis))
            start = space.moved(start, axis.name, value)
        return start

    def _default_start(self, axis: Axis) -> Scalar:
        """The paper's start, or the largest size; else the base, or what is in the middle."""
        paper = PAPER_START.get(axis.name)
        if paper in axis.values and paper is not None:
            return paper
        if axis.name in AXIS_LETTERS and axis.values:
            return axis.values[-1]
        base = Configuration(**self._space.space.base.model_dump()).value(axis.name)
        return base if base in axis.points else axis.points[len(axis.points) // 2]


def _in_full(
    history: Sequence[TrialResult], without: frozenset[str], line: Sequence[Candidate]
) -> Heat:
    """Search a line by training every configuration of it."""
    known = {result.key: result for result in history}
    line = [one for one in line if one.key in known or one.key not in without]
    missing = tuple(candidate.spec for candidate in line if candidate.key not in known)
    if missing:
        return Heat((), missing)
    results = tuple(known[candidate.key] for candidate in line)
    best = best_of(results)
    found = next((c for c in line if best and c.key == best.key), None)
    return Heat((Round(results, best.key if best else None),), winner=found)
