"""Known results: trials that other studies of the same signal have trained in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import SignalInfo, StudySpec, TrialSpec
from enas_inr.studies.attributes import system_attributes, user_attributes
from enas_inr.studies.location import Storage
from enas_inr.studies.pictures import ATTRIBUTE, StoredPicture, find
from enas_inr.studies.storage import artifact_folder, asked_if_any
from enas_inr.studies.trials import RESULT_ATTRIBUTE, SPEC_ATTRIBUTE
from enas_inr.validation import ModelT

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


@dataclass(frozen=True)
class Known:
    """A trial of another study.

    Attributes:
        result: result of the trial.
        picture: its stored reconstruction, if there is one.
    """

    result: TrialResult
    picture: StoredPicture | None = None


def reused(
    known: Callable[[TrialSpec], Known | None],
    keep_picture: Callable[[TrialSpec, StoredPicture], None],
) -> Callable[[TrialSpec], TrialResult | None]:
    """Return a function that looks up the result of a trial for the loop of a search.

    Args:
        known: finds a trial that was trained before with the same settings.
        keep_picture: called with the picture of such a trial.
    """

    def look_up(trial: TrialSpec) -> TrialResult | None:
        found = known(trial)
        if found is None:
            return None
        if found.picture:
            keep_picture(trial, found.picture)
        return found.result.model_copy(update={"trial": trial})

    return look_up


def known_trials(
    signals: Sequence[SignalInfo], storage: str | None
) -> Callable[[TrialSpec], Known | None]:
    """Look up complete trials of any study on a signal, or on one of a set.

    Args:
        signals: the signals, by `TrialSpec.signal`.
        storage: where the studies are kept.

    Returns:
        A function that returns, for a trial, a trained one with the same architecture, training and
        seed and at least as many repeats (of which the first are taken), or None if there was
        none when this was called. What was trained in parts until it was whole counts as whole.

    Raises:
        StudyError: the storage cannot be used.
    """
    place = Storage(storage)
    folder = artifact_folder(place)
    none: dict[tuple[object, str], Known] = {}
    best = asked_if_any(place, lambda backend: _best(backend, signals, folder), none)

    def look_up(trial: TrialSpec) -> Known | None:
        known = best.get((signals[trial.signal].identity, identity(trial)))
        if known is None or known.result.trial.repeats < trial.repeats:
            return None
        return Known(known.result.first(trial.repeats), known.picture)

    return look_up


def _best(
    backend: BaseStorage, signals: Sequence[SignalInfo], folder: Path | None
) -> dict[tuple[object, str], Known]:
    """Return the complete trials with the most repeats, by signal and by what was trained."""
    wanted = {signal.identity for signal in signals}
    best: dict[tuple[object, str], Known] = {}
    for study in backend.get_all_studies():
        spec = _parsed(StudySpec, study.user_attrs.get(SPEC_ATTRIBUTE))
        if spec is None or wanted.isdisjoint(one.identity for one in spec.all_signals):
            continue
        number = backend.get_study_id_from_name(study.study_name)
        noted = system_attributes(backend, number, ATTRIBUTE) if folder else {}
        for trial, text in user_attributes(backend, number, RESULT_ATTRIBUTE):
            result = _parsed(TrialResult, text)
            if result is None or result.status is not TrialStatus.COMPLETE:
                continue
            if result.trial.signal >= len(spec.all_signals):
                continue
            if result.fidelity.cells == result.fidelity.steps == 1:
                result = _whole(result)
            key = spec.all_signals[result.trial.signal].identity, identity(result.trial)
            known = best.get(key)
            if known is None or known.result.trial.repeats <= result.trial.repeats:
                picture = find(noted[trial], folder) if folder and trial in noted else None
                best[key] = Known(result, picture)
    return best


def _whole(result: TrialResult) -> TrialResult:
    """Return the result of a trial whose parts are all of it as if it had none."""
    trial = result.trial.model_copy(update={"part": None})
    return result.model_copy(update={"trial": trial, "sample": None})


def _parsed(model: type[ModelT], text: str | None) -> ModelT | None:
    """Parse JSON that this version of enas-inr can read; None for anything else."""
    try:
        return None if text is None else model.model_validate_json(text)
    except (ValidationError, TypeError):
        return None


def identity(trial: TrialSpec) -> str:
    """Return everything that determines the result of each repeat of a trial on its signal."""
    own = trial.model_copy(update={"ensemble": trial.architecture})
    left_out = dict.fromkeys(("number", "cost", "repeats", "signal", "fitted"), True)
    return own.model_dump_json(exclude=left_out | {"part": {"first_step", "signals"}})
