"""What storages hold: studies, their trials and pictures, read without changing them."""

from __future__ import annotations

from collections.abc import Callable

import optuna
from optuna.trial import FrozenTrial
from pydantic import ValidationError

from enas_inr.errors import StudyError
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import SignalInfo, StudySpec, TrialSpec
from enas_inr.studies.pictures import find
from enas_inr.studies.storage import (
    artifact_folder,
    explained,
    file_of,
    open_storage,
    open_url,
    storage_url,
    study_id,
)
from enas_inr.validation import ModelT

SPEC_ATTRIBUTE = "enas_inr.spec"
RESULT_ATTRIBUTE = "enas_inr.result"


def read_result(trial: FrozenTrial) -> TrialResult:
    """Read the result that a trial in the storage holds.

    Raises:
        StudyError: it holds none.
    """
    text = trial.user_attrs.get(RESULT_ATTRIBUTE)
    if text is None:
        raise StudyError(
            f"trial {trial.number} was not written by enas-inr", "choose another --study"
        )
    return TrialResult.model_validate_json(text)


def read_study(name: str, storage: str) -> tuple[StudySpec, list[TrialResult]]:
    """Read what a study is about and its trials, without owning it.

    Raises:
        StudyError: no such study; the message names the nearest.
    """
    url = storage_url(storage)
    backend = open_storage(url)
    study_id(name, url, backend)  # if there is none, it names the nearest
    with explained(url):
        study = optuna.load_study(study_name=name, storage=backend)
        known = study.user_attrs.get(SPEC_ATTRIBUTE)
        if known is None:
            raise StudyError(f"study {name!r} in {url} was not made by enas-inr", "choose another")
        results = [read_result(trial) for trial in study.get_trials(deepcopy=False)]
        return StudySpec.model_validate_json(known), results


def read_pictures(name: str, storage: str) -> tuple[Picture | None, dict[int, Picture]]:
    """Read the pictures of a study: the signal's own, and the reconstructions by trial number.

    Raises:
        StudyError: no such study.
    """
    backend, folder = open_storage(storage), artifact_folder(storage)
    study = study_id(name, storage, backend)
    if folder is None:
        return None, {}
    with explained(storage_url(storage)):
        found = {
            trial.number: picture
            for trial in backend.get_all_trials(study, deepcopy=False)
            if (picture := find(trial.system_attrs, folder))
        }
        return find(backend.get_study_system_attrs(study), folder), found


def known_trials(signal: SignalInfo, storage: str) -> Callable[[TrialSpec], TrialResult | None]:
    """Look up complete trials of any study on a signal, with their pictures.

    Returns:
        For a trial to be trained, the result of one with the same architecture, training and seed
        and at least as many repeats, of which the first are taken; None if there was none when
        this was called.

    Raises:
        StudyError: the storage cannot be used.
    """
    url, folder = storage_url(storage), artifact_folder(storage)
    found: dict[str, tuple[TrialResult, Picture | None]] = {}
    with explained(url):
        file = file_of(url)
        if file and not file.exists():
            return lambda trial: None
        backend = open_url(url)
        for study in backend.get_all_studies():
            spec = _parsed(StudySpec, study.user_attrs.get(SPEC_ATTRIBUTE))
            if spec is None or spec.signal.identity != signal.identity:
                continue
            number = backend.get_study_id_from_name(study.study_name)
            for trial in backend.get_all_trials(number, deepcopy=False):
                result = _parsed(TrialResult, trial.user_attrs.get(RESULT_ATTRIBUTE))
                if result is None:
                    continue
                picture = find(trial.system_attrs, folder) if folder else None
                best = found.get(_identity(result.trial), (result, None))[0]
                if (
                    result.status is TrialStatus.COMPLETE
                    and best.trial.repeats <= result.trial.repeats
                ):
                    found[_identity(result.trial)] = result, picture

    def look_up(trial: TrialSpec) -> TrialResult | None:
        result, picture = found.get(_identity(trial), (None, None))
        if result is None or result.trial.repeats < trial.repeats:
            return None
        return result.first(trial.repeats).model_copy(update={"picture": picture})

    return look_up


def _parsed(model: type[ModelT], text: str | None) -> ModelT | None:
    """What was written by us, in this version; None of everything else."""
    try:
        return None if text is None else model.model_validate_json(text)
    except ValidationError:
        return None


def _identity(trial: TrialSpec) -> str:
    """Everything that decides what each repeat of a trial gives on its signal."""
    return trial.model_dump_json(exclude={"number", "cost", "repeats"})
