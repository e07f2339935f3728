"""Regularised (aging) evolution that never trains an architecture twice.

    train `population` architectures, drawn at random
    repeat
        for each child of a batch
            draw `sample` of the youngest `population` architectures, with replacement
            take the best of them as the parent
            draw the child from the untrained architectures with the fewest mutations from it
        train the batch
    until enough architectures are trained, or all feasible ones

The population consists of the architectures that were trained last, so that a child replaces the
oldest architecture, not the worst. In the paper, a child is one mutation away from its parent; here
it is mutated again if all of these architectures have been trained.

The search is a function of the history. A batch depends on the previous batches and the seed, and
not on the order in which trials ended.

Real et al., Regularized Evolution for Image Classifier Architecture Search, AAAI 2019, Algorithm 1.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal, final

import numpy as np
from pydantic import Field

from enas_inr.cost import FeasibleSpace
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration, Options
from enas_inr.strategies.base import Growth, Keys, Strategy, compared_in_batches


class EvolutionOptions(Options):
    """Options of `evolution`.

    Attributes:
        trials: largest number of architectures to train.
        population: size of the population, which is initially random.
        sample: number of candidates from which the parent is chosen.
        mutation: what a mutation changes: to the `next` value on one axis, or to `any` value.
        batch: number of children that are proposed before their values are known; they can be
            trained side by side.
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
        self._space = space
        self._options = options
        self._specs = {c.key: c.spec for c in space.feasible}
        self._points = {c.key: c.point for c in space.feasible}
        # All of these save time only: the history decides.
        self._growth, self._keys = Growth(), Keys()
        self._ended: dict[str, TrialResult] = {}
        self._born: dict[str, TrialResult] = {}  # what the batches follow from
        self._known_batches: list[list[str]] = []

    def propose(
        self, history: Sequence[TrialResult], pending: Sequence[Configuration], n: int
    ) -> Sequence[Configuration]:
        """Propose the architectures of the current batch that are not trained yet."""
        seen = self._keys.of(history, pending)
        # The history may hold other architectures, too: a failed trial that was repeated with
        # success changes the course of the search.
        room = max(0, min(n, self._options.trials - len(seen)))
        batch = self._batches(history)[-1]
        return [self._specs[key] for key in batch if key not in seen][:room]

    def trace(self, history: Sequence[TrialResult]) -> Sequence[TraceStep]:
        """Return the batches, of which the first is random."""
        return compared_in_batches(self._batches(history), history)

    def _batches(self, history: Sequence[TrialResult]) -> list[list[str]]:
        """Return all batches; the last one is incomplete, or empty if the search has ended."""
        number, new = self._growth.of(history)
        if not number:
            self._ended = {}
        if not number or any(result.key in self._born for result in new):
            self._born, self._known_batches = {}, []  # of another history
        self._ended |= {result.key: result for result in new}
        known, keys = self._ended, list(self._specs)
        end = min(self._options.trials, len(keys))
        born = self._born
        batches = self._known_batches or [
            self._random(0).sample(keys, min(self._options.population, end))
        ]
        while batches[-1] and all(key in known for key in batches[-1]):
            born |= {key: known[key] for key in batches[-1]}
            batches.append(self._children(born, min(self._options.batch, end - len(born))))
        self._born, self._known_batches = born, batches
        return batches

    def _children(self, born: Mapping[str, TrialResult], count: int) -> list[str]:
        """Return the next batch, which consists of new architectures."""
        keys, results = list(self._specs), list(born.values())
        alive = results[-self._options.population :]
        untrained = np.array([key not in born for key in keys])
        children: list[str] = []
        for number in range(len(born), len(born) + count):
            draw = self._random(number)
            competing = draw.choices(alive, k=self._options.sample)
            parent = max(competing, key=lambda result: result.rank).key
            steps = self._space.steps_from(self._points[parent])
            away = (steps if self._options.mutation == "next" else steps > 0).sum(axis=1)
            fewest = away[untrained].min()
            child = draw.choice(np.flatnonzero(untrained & (away == fewest)).tolist())
            children.append(keys[child])
            untrained[child] = False
        return children

    def _random(self, number: int) -> random.Random:
        """Return a random generator for the trial with that number, independent of all others."""
        return random.Random(f"evolution {self._space.seed} {number}")
