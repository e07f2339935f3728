"""Regularised (aging) evolution, on architectures that are never trained twice.

    train `population` architectures, drawn at random
    repeat
        for each child of a batch
            draw `sample` of the youngest `population` architectures, with replacement
            take the best of them as the parent
            draw the child from the untrained architectures that the fewest mutations lead to
        train the batch
    until enough architectures are trained, or all that are feasible

The population is always the last so many that were trained, so what dies is the oldest, not the
worst. In the paper a child is one mutation away from its parent; here, where all of these are
trained, it is mutated again.

The search is replayed from what is known of its architectures whenever it is asked: a batch follows
from the batches before it and the seed, whatever the order in which trials ended.

Real et al., Regularized Evolution for Image Classifier Architecture Search, AAAI 2019, Algorithm 1.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal, final

from pydantic import Field

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import EnsembleSpec, Options
from enas_inr.strategies.base import Strategy, compared_in_batches

Point = tuple[int, ...]
"""Where an architecture lies: the index of its value on each axis."""


class EvolutionOptions(Options):
    """Options of `evolution`.

    Attributes:
        trials: architectures to train, at the most.
        population: how many are alive; so many are drawn at random first.
        sample: how many are drawn to compete for being a parent.
        mutation: to the `next` value on one axis, or to `any` value on one.
        batch: children that are named before it is known what they are worth; they can be trained
            side by side.
    """

    trials: int = Field(default=20, ge=1)
    population: int = Field(default=8, ge=1)
    sample: int = Field(default=4, ge=1)
    mutation: Literal["next", "any"] = "next"
    batch: int = Field(default=4, ge=1)


@final
class Evolution(Strategy):
    """Algorithm 1 of Real et al., in batches."""

    def __init__(
        self, space: FeasibleSpace, options: EvolutionOptions = EvolutionOptions()
    ) -> None:
        self._seed = space.seed
        self._options = options
        self._specs = {c.spec.key(): c.spec for c in space.feasible}
        self._points: dict[str, Point] = {
            key: tuple(axis.values.index(getattr(spec, axis.name)) for axis in space.space.axes)
            for key, spec in self._specs.items()
        }

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[EnsembleSpec], n: int
    ) -> Sequence[EnsembleSpec]:
        """What the current batch still lacks."""
        seen = {result.key for result in history} | {spec.key() for spec in pending}
        # A trial that failed and was tried again may have changed the course of the search.
        room = max(0, min(n, self._options.trials - len(seen)))
        batch = self._batches(history)[-1]
        return [self._specs[key] for key in batch if key not in seen][:room]

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """The batches, the first of them drawn at random."""
        return compared_in_batches(self._batches(history), history)

    def _batches(self, history: Sequence[TrialResult]) -> list[list[str]]:
        """Replay: all batches, of which the last is not wholly known, or empty at the end."""
        known = {result.key: result for result in history}
        keys = list(self._specs)
        end = min(self._options.trials, len(keys))
        born: list[str] = []
        batches = [self._random(0).sample(keys, min(self._options.population, end))]
        while batches[-1] and all(key in known for key in batches[-1]):
            born += batches[-1]
            batches.append(self._children(born, known, min(self._options.batch, end - len(born))))
        return batches

    def _children(
        self, born: Sequence[str], known: Mapping[str, TrialResult], count: int
    ) -> list[str]:
        """The next batch, of new architectures."""
        alive = [known[key] for key in born[-self._options.population :]]
        trained = set(born)
        untrained = [key for key in self._specs if key not in trained]
        children: list[str] = []
        for number in range(len(born), len(born) + count):
            draw = self._random(number)
            competing = draw.choices(alive, k=self._options.sample)
            parent = max(competing, key=lambda result: result.rank).key
            away = {key: self._mutations(parent, key) for key in untrained}
            fewest = min(away.values())
            children.append(draw.choice([key for key in untrained if away[key] == fewest]))
            untrained.remove(children[-1])
        return children

    def _mutations(self, one: str, other: str) -> int:
        """How many mutations lead from one architecture to another."""
        steps = (abs(a - b) for a, b in zip(self._points[one], self._points[other], strict=True))
        return sum(steps if self._options.mutation == "next" else map(bool, steps))

    def _random(self, number: int) -> random.Random:
        """What draws the trial of that number, whatever was drawn before."""
        return random.Random(f"evolution {self._seed} {number}")
