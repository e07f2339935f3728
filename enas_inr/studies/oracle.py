"""Oracles: studies that train all configurations, against which a search is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import StudyError
from enas_inr.estimate import difference_db
from enas_inr.executors.parts import PASSES, training_flops
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TrialResult, TrialStatus, best_of
from enas_inr.spec import Choice, StudySpec
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import ExhaustiveOptions
from enas_inr.studies.reading import read_study
from enas_inr.studies.space import stored_space
from enas_inr.studies.storage import study_names

SUFFIX = "-oracle"


@dataclass(frozen=True)
class Regret:
    """What the winner of a study is short of, and what the study has cost.

    Attributes:
        oracle: name of the oracle.
        fidelity: share of the cells on which the oracle has trained its configurations.
        configurations: number of configurations of the space.
        trained: number of those that it has trained; the others cannot be better than its best one,
            whatever their PSNR is.
        best: the oracle's best trial.
        winner: the winner of the study as the oracle has trained it; as the study has, if a value
            of it is between those that the oracle has of a range.
        score: score of the oracle's best trial minus that of the winner.
        interval: the ends of the 95% interval of that, given the cells that were not trained.
        flops: FLOPs of the training of the study.
        oracle_flops: FLOPs of a training of all configurations in full.
    """

    oracle: str
    fidelity: float
    configurations: int
    trained: int
    best: TrialResult
    winner: TrialResult
    score: float
    interval: tuple[float, float]
    flops: float
    oracle_flops: float

    @property
    def psnr_db(self) -> float:
        """PSNR of the oracle's best trial minus that of the winner; it may be negative."""
        assert self.best.psnr_db is not None
        assert self.winner.psnr_db is not None
        return self.best.psnr_db - self.winner.psnr_db

    @property
    def share(self) -> float:
        """What the study has trained, as a share of a training of all in full."""
        return self.flops / self.oracle_flops

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.score:.2f}" + (f" ({low:.2f} to {high:.2f})" if self.fidelity < 1 else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the values as `enas-inr oracle --json` prints them."""
        return {
            "oracle": self.oracle,
            "fidelity": self.fidelity,
            "configurations": self.configurations,
            "trained": self.trained,
            "best": _values(self.best),
            "winner": _values(self.winner),
            "regret": self.score,
            "regret_interval": self.interval,
            "regret_db": self.psnr_db,
            "training_flops": self.flops,
            "oracle_training_flops": self.oracle_flops,
            "share": self.share,
        }


def oracle_name(study: str, fidelity: float) -> str:
    """Return the name of the oracle of a study."""
    return study + SUFFIX + ("" if fidelity == 1 else f"-{fidelity:g}")


def oracle_spec(spec: StudySpec, fidelity: float) -> StudySpec:
    """Return the specification of the oracle of a study: the same with another strategy."""
    options: dict[str, JsonValue] = {"racing": False, "cells": fidelity, "promising": True}
    return spec.model_copy(update={"strategy": Choice(name="exhaustive", options=options)})


def regret(
    study: Sequence[TrialResult],
    oracle: str,
    spec: StudySpec,
    trials: Sequence[TrialResult],
    space: FeasibleSpace,
) -> Regret:
    """Judge the winner of a study.

    Args:
        study: trials of the study, in the order of their numbers.
        oracle: name of the oracle.
        spec: its specification.
        trials: its trials.
        space: the space of both.

    Raises:
        StudyError: the study or the oracle has no complete trial.
    """
    won = best_of(study)
    scored = {trial.key: trial for trial in trials if trial.score is not None}
    best = max(scored.values(), key=lambda trial: trial.rank, default=None)
    if won is None or best is None:
        raise StudyError(
            "the study has no complete trial" if best else f"{oracle!r} has no complete trial",
            "continue the search first",
        )
    winner = scored.get(won.key, won)
    return Regret(
        oracle=oracle,
        fidelity=_fidelity(spec),
        configurations=len(space.feasible),
        trained=len({trial.key for trial in trials}),
        best=best,
        winner=winner,
        score=_score(best) - _score(winner),
        interval=_interval(winner, scored),
        flops=training_flops(study),
        oracle_flops=full_flops(spec, space),
    )


def find_regret(study: str, storage: str | None, catalog: Catalog) -> Regret | None:
    """Judge the winner of a study by its oracle in the same storage, the finest if it has several.

    Returns:
        The regret; None if there is no oracle, or the finest has not ended.

    Raises:
        StudyError: there is no such study, or it has no complete trial.
    """
    named = [name for name in study_names(storage) if name.startswith(study + SUFFIX)]
    asked, results = read_study(study, storage)
    if asked.signals:  # whose trials are on one signal each
        return None
    found = []
    for name in named:
        spec, trials = read_study(name, storage)
        fidelity = _fidelity(spec)
        if spec == oracle_spec(asked, fidelity) and name == oracle_name(study, fidelity):
            found.append((fidelity, name, spec, trials))
    if not found:
        return None
    _, name, spec, trials = max(found, key=lambda one: one[0])
    ended = [trial for trial in trials if trial.status is not TrialStatus.FAILED]
    space = stored_space(spec, study, storage, catalog)
    strategy = Exhaustive(space, ExhaustiveOptions.model_validate(spec.strategy.options))
    if strategy.propose(ended, (), 1):
        return None
    return regret(results, name, spec, trials, space)


def full_flops(spec: StudySpec, space: FeasibleSpace) -> float:
    """Return the FLOPs of a training of all configurations of a space in full."""
    signals = sum(info.samples for info in spec.all_signals) / spec.signal.samples
    return signals * sum(
        PASSES * spec.repeats * one.spec.training(spec.training).steps * one.cost.flops
        for one in space.feasible
    )


def _fidelity(spec: StudySpec) -> float:
    cells = spec.strategy.options.get("cells", 1.0)
    return float(cells) if isinstance(cells, (int, float)) else 1.0


def _interval(winner: TrialResult, others: Mapping[str, TrialResult]) -> tuple[float, float]:
    """The interval of the largest difference in score to another trial, which is 0 or more."""
    low = high = 0.0
    for other in others.values():
        half = 0.0
        if other.key == winner.key:
            continue
        if other.sample and winner.sample:
            cells = other.sample.of, winner.sample.of
            _, half = difference_db(other.losses, winner.losses, cells)
        difference = _score(other) - _score(winner)
        low, high = max(low, difference - half), max(high, difference + half)
    return low, high


def _score(result: TrialResult) -> float:
    assert result.score is not None
    return result.score


def _values(result: TrialResult) -> dict[str, Any]:
    return {
        "configuration": result.trial.configuration.model_dump(mode="json"),
        **result.trial.cost.model_dump(),
        "psnr_db": result.psnr_db,
        "score": result.score,
    }
