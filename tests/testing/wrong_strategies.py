"""Strategies with one fault each, except `Right`."""

import random

from enas_inr.result import TraceStep, TrialStatus, best_of
from enas_inr.strategies.base import Strategy, one_comparison, unseen


class Right(Strategy):
    """Up to eight architectures in the order of the space."""

    trials = 8

    def __init__(self, space):
        self.space = space

    def propose(self, history, pending, n):
        room = self.trials - len(history) - len(pending)
        return unseen(self.ordered(history), history, pending, max(0, min(n, room)))

    def ordered(self, history):
        return list(self.space.feasible)

    def trace(self, history):
        return one_comparison(history)


class OverBudget(Right):
    def propose(self, history, pending, n):
        return [spec.with_value("width", 512) for spec in super().propose(history, pending, n)]


class Again(Right):
    def propose(self, history, pending, n):
        return super().propose((), pending, n)


class Retrying(Right):
    def propose(self, history, pending, n):
        failed = [r.trial.ensemble for r in history if r.status is TrialStatus.FAILED]
        return failed[:n] or super().propose(history, pending, n)


class Twice(Right):
    def propose(self, history, pending, n):
        found = super().propose(history, pending, n)
        return found if len(found) < 2 else [found[0], found[0]]


class Greedy(Right):
    def propose(self, history, pending, n):
        return super().propose(history, pending, 64)


class Impatient(Right):
    def propose(self, history, pending, n):
        return super().propose(history, (), n)


class Idle(Right):
    def propose(self, history, pending, n):
        return []


class Remembering(Right):
    def ordered(self, history):
        self.asked = not getattr(self, "asked", False)
        return super().ordered(history)[:: 1 if self.asked else -1]


class Lucky(Right):
    def ordered(self, history):
        return random.sample(self.space.feasible, len(self.space.feasible))


class Hashing(Right):
    def ordered(self, history):
        return sorted(self.space.feasible, key=lambda c: hash(c.spec.key()))


class AfterTheLast(Right):
    """The next three architectures are similar to the trial that ended last."""

    def propose(self, history, pending, n):
        return super().propose(history, pending, min(n, 3))

    def ordered(self, history):
        if not history:
            return self.space.feasible[::5]
        flops = history[-1].trial.cost.flops
        return sorted(self.space.feasible, key=lambda c: abs(c.cost.flops - flops))


class Eager(AfterTheLast):
    """The next three are similar to the best so far, even if only one of the last three ended."""

    def propose(self, history, pending, n):
        return [] if pending else super().propose(history, pending, n)

    def ordered(self, history):
        best = best_of(history)
        return super().ordered([best] if best else [])


class Sorting(Right):
    def propose(self, history, pending, n):
        if isinstance(history, list):
            history.sort(key=lambda result: result.score or 0)
        return super().propose(history, pending, n)


class OnlyLists(Right):
    def propose(self, history, pending, n):
        return super().propose(history.copy(), pending, n)


class Hopeful(Right):
    def trace(self, history):
        best = max(history, key=lambda result: result.score, default=None)
        return [TraceStep(1, "", tuple(history), best.key)] if best else []


class Talking(Right):
    def trace(self, history):
        return [{"iteration": 1, "best": result.key} for result in history]


class Embellishing(Right):
    def trace(self, history):
        better = tuple(r.model_copy(update={"score": 100.0}) for r in history)
        return one_comparison(better)


class Choosing(Right):
    def trace(self, history):
        return [TraceStep(1, "", tuple(history), "the first")]


class CountingFromZero(Right):
    def trace(self, history):
        return [TraceStep(0, "", tuple(history), None)]


class InventingAxes(Right):
    def trace(self, history):
        return [TraceStep(1, "breadth", tuple(history), None)]


class OneObjective(Right):
    def __init__(self, space):
        super().__init__(space)
        assert not space.objectives
