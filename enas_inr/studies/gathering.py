"""Trials on each signal of a set, gathered to one result for each configuration.

A configuration is trained on every signal in a trial of its own, which is stored when it has ended.
Nothing else is stored: what the strategy sees of them is computed again when a search is resumed.
In a study of one signal, each trial is the result.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from enas_inr.backbones.feasibility import resolved
from enas_inr.cost import FeasibleSpace
from enas_inr.executors.parts import merged, part_of
from enas_inr.objectives.base import Objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import (
    Curve,
    OverSignals,
    RepeatResult,
    SignalResult,
    TrialResult,
    TrialStatus,
)
from enas_inr.spec import (
    Configuration,
    Cost,
    EnsembleSpec,
    Fidelity,
    Part,
    StudySpec,
    TrialSpec,
)
from enas_inr.studies.scoring import FAR_DB, scored, shortfall

CURVES_OF = 64  # signals of a set of which learning curves are kept

Fit = Callable[[Configuration, int], tuple[EnsembleSpec | None, Cost]]
"""Returns the architecture with options that fit a signal of the set, by its number, if they differ
from those of the first one; and its cost."""


@dataclass(frozen=True, eq=False)
class Gathering:
    """The trials of a search on each signal, by configuration.

    Attributes:
        spec: specification of the study.
        space: the configurations within the budget.
        objective: the objective of the study.
        fit: fits a configuration to a signal of a set; None for a study of one signal.
        latest: the last result of each configuration on each signal, by its key and the number of
            the signal.
    """

    spec: StudySpec
    space: FeasibleSpace
    objective: Objective
    fit: Fit | None = None
    latest: dict[tuple[str, int], TrialResult] = field(default_factory=dict)

    def replayed(self, results: Iterable[TrialResult]) -> list[TrialResult]:
        """Return the results of configurations from those of their trials, as they were stored.

        Trials that failed (because of full memory, for example) are left out, to be tried again.
        """
        found = []
        for result in results:
            if result.status is not TrialStatus.FAILED and (whole := self.add(result)):
                found.append(whole)
        return found

    def begin(self, configuration: Configuration, number: int) -> list[TrialSpec]:
        """Return the trials that are left to train of a configuration.

        Args:
            configuration: the configuration, with the fidelity that is wanted.
            number: number of the first of the trials.
        """
        fidelity = configuration.fidelity or Fidelity(repeats=self.spec.repeats)
        found = self.space.find(configuration)
        assert found, f"{configuration.label()} is not feasible"  # a proposal, which is checked
        training = configuration.training(self.spec.training)
        every = len(self.spec.all_signals)
        wanted = fidelity.signals_of(every)
        trials: list[TrialSpec] = []
        for signal in range(wanted):
            before = self.latest.get((configuration.key(), signal))
            cells = self.space.cells(configuration)
            part = part_of(fidelity, cells, training.steps, before)
            if wanted < every:
                part = (part or Part(cells=cells)).model_copy(update={"signals": wanted})
            fitted, cost = self.fit(configuration, signal) if self.fit else (None, found.cost)
            trial = TrialSpec(
                number=number + len(trials),
                ensemble=configuration.ensemble,
                cost=cost,
                training=training,
                recipe=configuration.recipe,
                part=part,
                repeats=fidelity.repeats,
                seed=self.spec.seed,
                signal=signal,
                fitted=fitted,
            )
            if not self.spec.signals or not self._covered(trial):
                trials.append(trial)
        return trials

    def known(self, configuration: Configuration) -> TrialResult:
        """Return the result of a configuration of which nothing is left to train."""
        fidelity = configuration.fidelity or Fidelity(repeats=self.spec.repeats)
        wanted = fidelity.signals_of(len(self.spec.signals))
        trial = self.latest[configuration.key(), wanted - 1].trial
        part = trial.part or Part(cells=self.space.cells(configuration))
        asked = part.model_copy(update={"signals": wanted})
        return self.whole(trial.model_copy(update={"part": asked}))

    def ended(self, result: TrialResult) -> TrialResult:
        """Return the result of a trial that has ended, with what was trained before and a score."""
        trial = result.trial
        before = self.latest.get((result.key, trial.signal))
        if before and trial.part and (trial.part.first_cell or trial.part.first_repeat):
            result = merged(before, result)
        if result.status is TrialStatus.COMPLETE:
            result = scored(result, self.objective, self.spec.floor_db)
        return result

    def add(self, result: TrialResult) -> TrialResult | None:
        """Add a scored result, and return that of its configuration if it is the last one of it.

        Returns:
            The result on all signals on which it was wanted; None if some of them are missing.
        """
        trial = result.trial
        self.latest[result.key, trial.signal] = self._kept(result)
        if not self.spec.signals:
            return result
        return self.whole(trial) if self._complete(trial) else None

    def whole(self, trial: TrialSpec) -> TrialResult:
        """Return the result of a configuration on the signals on which a trial is wanted."""
        count, key = self._wanted(trial), trial.configuration.key()
        parts = [self.latest[key, signal] for signal in range(count)]
        found = self.space.find(trial.configuration)
        part = trial.part and Part(
            cells=trial.part.cells, steps=trial.part.steps, signals=trial.part.signals
        )
        changes: dict[str, object] = {"signal": 0, "fitted": None, "part": part}
        changes |= {"cost": found.cost if found else parts[0].trial.cost}
        last = self.latest[key, trial.signal]
        names = self.spec.all_signals
        messages = [
            f"{names[number].name}: {one.message}"
            for number, one in enumerate(parts)
            if one.message
        ]
        result = last.model_copy(
            update={
                "trial": trial.model_copy(update=changes),
                "status": _worst([one.status for one in parts]),
                "repeats": (),
                "curve": Curve(),
                "score": None,
                "learning_rate": parts[0].learning_rate,
                "seconds": sum(one.seconds for one in parts),
                "message": "; ".join(messages),
                "sample": None,
                "flat_db": None,
                "shortfall_db": 0.0,
                "score_interval": 0.0,
            }
        )
        if result.status is not TrialStatus.COMPLETE:
            return result
        return self._aggregated(result, parts)

    def _aggregated(self, result: TrialResult, parts: Sequence[TrialResult]) -> TrialResult:
        """Add the aggregates of complete results on several signals."""
        over = OverSignals(
            signals=tuple(_of_signal(one) for one in parts),
            of=len(self.spec.signals),
            aggregate=self.spec.aggregate,
        )
        rule = over.rule
        repeats = []
        for number in range(result.trial.repeats):
            of_repeat = [one.repeats[number] for one in parts]
            psnr = rule.of([one.psnr_paper_db or 0.0 for one in of_repeat])
            steps = max(one.steps for one in of_repeat)
            repeats.append(
                RepeatResult(status=TrialStatus.COMPLETE, steps=steps, psnr_paper_db=psnr)
            )
        psnrs = [one.psnr_paper_db for one in over.signals]
        half_db = rule.interval(psnrs, [one.interval_db for one in over.signals], over.of)
        scores = [one.score for one in over.signals]
        half = rule.interval(scores, [one.score_interval for one in over.signals], over.of)
        flat = [one.flat_db for one in parts if one.flat_db is not None]
        result = result.model_copy(
            update={
                "repeats": tuple(repeats),
                "curve": _mean_curve([one.curve for one in parts]),
                "score": rule.of(scores),
                "score_interval": min(half, FAR_DB),
                "flat_db": rule.of(flat) if len(flat) == len(parts) else None,
                "over": over.model_copy(update={"interval_db": min(half_db, FAR_DB)}),
            }
        )
        short = shortfall(result, self.objective, self.spec.floor_db)
        return result.model_copy(update={"shortfall_db": short})

    def _wanted(self, trial: TrialSpec) -> int:
        """Return the number of signals on which a trial is wanted."""
        return (trial.part and trial.part.signals) or len(self.spec.all_signals)

    def _complete(self, trial: TrialSpec) -> bool:
        key = trial.configuration.key()
        return all(
            self._covered(trial.model_copy(update={"signal": signal}), key)
            for signal in range(self._wanted(trial))
        )

    def _covered(self, trial: TrialSpec, key: str = "") -> bool:
        """Whether as much as a trial asks for was trained on its signal, or has failed."""
        known = self.latest.get((key or trial.configuration.key(), trial.signal))
        if known is None:
            return False
        if known.status is not TrialStatus.COMPLETE:
            return True
        cells = self.space.cells(trial.ensemble)
        wanted = trial.part.cells if trial.part else cells
        trained = known.sample.cells if known.sample else cells
        repeats, steps = known.trial.repeats, known.trial.steps
        return trained >= wanted and repeats >= trial.repeats and steps >= trial.steps

    def _kept(self, result: TrialResult) -> TrialResult:
        """Return what is kept in memory of the result on one of many signals."""
        if len(self.spec.signals) <= CURVES_OF:
            return result
        return result.model_copy(update={"curve": Curve(), "versions": {}})


def fitting(spec: StudySpec, catalog: Catalog) -> Fit | None:
    """Return what fits configurations to the signals of a set, each to every kind of them once.

    It is None for a study of one signal.
    """
    if not spec.signals:
        return None

    @lru_cache(maxsize=4096)
    def fitted(key: str, number: int) -> tuple[EnsembleSpec | None, Cost]:
        configuration = Configuration.model_validate_json(key)
        asked = spec.space.asked(configuration).ensemble
        training = configuration.training(spec.training)
        found, cost = resolved(asked, spec.signals[number], catalog, training)
        return (None if found == configuration.ensemble else found), cost

    first: dict[object, int] = {}  # signal of each kind
    like = [first.setdefault(info.kind, number) for number, info in enumerate(spec.signals)]
    return lambda configuration, signal: fitted(configuration.key(), like[signal])


def _worst(statuses: Sequence[TrialStatus]) -> TrialStatus:
    order = (TrialStatus.FAILED, TrialStatus.DIVERGED, TrialStatus.STOPPED, TrialStatus.COMPLETE)
    return next(status for status in order if status in statuses)


def _of_signal(result: TrialResult) -> SignalResult:
    assert result.psnr_paper_db is not None
    assert result.score is not None
    return SignalResult(
        signal=result.trial.signal,
        number=result.trial.number,
        psnr_paper_db=result.psnr_paper_db,
        interval_db=min(result.interval_db, FAR_DB),
        score=result.score,
        score_interval=result.score_interval,
        cells=result.fidelity.cells,
        sample=result.sample,
        repeats=result.trial.repeats,
    )


def _mean_curve(curves: Sequence[Curve]) -> Curve:
    """Return the mean of learning curves with equal steps; none if they have other ones."""
    first = curves[0]
    repeats = min(len(curve.psnr_paper_db) for curve in curves)
    if not repeats or any(curve.steps != first.steps for curve in curves):
        return Curve()
    rows = []
    for number in range(repeats):
        columns = zip(*(curve.psnr_paper_db[number] for curve in curves), strict=True)
        rows.append(
            tuple(
                None
                if None in column
                else round(statistics.fmean(value for value in column if value is not None), 4)
                for column in columns
            )
        )
    return Curve(steps=first.steps, psnr_paper_db=tuple(rows))
