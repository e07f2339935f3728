"""Executors with one fault each, except `Right`."""

from dataclasses import replace

from enas_inr.executors.base import Executor, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.result import Curve, Picture, TrialResult, TrialStatus
from enas_inr.spec import TrialSpec


class Right(Executor):
    """Trains one trial after the other, the last one first."""

    def __init__(self, context):
        self.inner = LocalExecutor(context)

    def run(self, trials):
        while taken := trials.take(1, 64):
            yield from self.batch(taken)

    def batch(self, taken):
        for trial in reversed(taken):
            for result in self.inner.run(given([trial])):
                yield self.changed(result)

    def changed(self, result):
        return result


class Forgetting(Right):
    def batch(self, taken):
        yield from list(super().batch(taken))[1:]


class Once(Right):
    """Trains one batch of trials, then no more."""

    done = False

    def run(self, trials):
        if not self.done:
            yield from super().run(trials)
        self.done = True


class Busy(Right):
    def run(self, trials):
        yield from super().run(trials)
        if not trials.taken:
            yield TrialResult.model_construct(trial=None, status=TrialStatus.FAILED)  # type: ignore[arg-type]


class Renumbering(Right):
    def changed(self, result):
        trial = result.trial.model_copy(update={"seed": 0})
        return result.model_copy(update={"trial": trial})


class Scoring(Right):
    def changed(self, result):
        return result.model_copy(update={"score": 1.0})


class WithoutCurve(Right):
    def changed(self, result):
        return result.model_copy(update={"curve": Curve()})


class Nowhere(Right):
    def changed(self, result):
        return result.model_copy(update={"device": ""})


class OneRepeat(Right):
    def changed(self, result):
        return result.model_copy(update={"repeats": result.repeats[:1]})


class OtherSeeds(Right):
    def batch(self, taken):
        for trial in taken:
            self.seeds = getattr(self, "seeds", trial.seed) + 17
            other = trial.model_copy(update={"seed": self.seeds})
            for result in self.inner.run(given([other])):
                yield result.model_copy(update={"trial": trial})


class Falling(Right):
    def changed(self, result):
        if result.status is TrialStatus.FAILED:
            raise RuntimeError(result.message)
        return result


class Mute(Right):
    def changed(self, result):
        return result.model_copy(update={"message": ""})


class Dragging(Right):
    """A failing trial makes the others fail, too."""

    def batch(self, taken):
        results = list(super().batch(taken))
        failed = any(result.status is TrialStatus.FAILED for result in results)
        for result in results:
            dragged = {"status": TrialStatus.FAILED, "message": "another one failed"}
            yield result.model_copy(update=dragged) if failed else result


class NeverDiverging(Right):
    def changed(self, result):
        return result.model_copy(update={"status": TrialStatus.COMPLETE})


class Camera(Right):
    def __init__(self, context):
        super().__init__(replace(context, pictures=True))


class Blind(Right):
    def __init__(self, context):
        super().__init__(replace(context, pictures=False))


class Late(Right):
    """Passes on a picture after the result."""

    def __init__(self, context):
        self.pictures: list[tuple[TrialSpec, Picture]] = []
        self.context = context
        super().__init__(replace(context, keep_picture=lambda *both: self.pictures.append(both)))

    def batch(self, taken):
        yield from super().batch(taken)
        for trial, picture in self.pictures:
            self.context.keep_picture(trial, picture)
