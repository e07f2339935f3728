"""Read studies from their storage without locking or changing them."""

from __future__ import annotations

import json

from enas_inr.backbones.feasibility import Measured
from enas_inr.errors import StudyError
from enas_inr.result import TrialResult
from enas_inr.spec import StudySpec
from enas_inr.studies.pictures import StoredPicture, find
from enas_inr.studies.storage import (
    artifact_folder,
    explained,
    file_of,
    open_storage,
    open_url,
    storage_url,
    study_id,
)
from enas_inr.studies.stored import stored_trials
from enas_inr.studies.trials import COSTS_ATTRIBUTE, SPEC_ATTRIBUTE


def read_study(name: str, storage: str) -> tuple[StudySpec, list[TrialResult]]:
    """Read the specification and the trials of a study.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    spec, results, _, _ = read_with_pictures(name, storage)
    return spec, results


def read_with_pictures(
    name: str, storage: str
) -> tuple[StudySpec, list[TrialResult], StoredPicture | None, dict[int, StoredPicture]]:
    """Read the specification and the trials of a study, and find its pictures.

    Returns:
        The specification, the trials in the order of their numbers, the picture of the signal, and
        the reconstructions by trial number; the files of pictures are not read.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    url, folder = storage_url(storage), artifact_folder(storage)
    backend = open_storage(url)
    study = study_id(name, url, backend)  # raises an error that names the nearest study
    with explained(url):
        known = backend.get_study_user_attrs(study).get(SPEC_ATTRIBUTE)
        if known is None:
            raise StudyError(f"study {name!r} in {url} was not made by enas-inr", "choose another")
        results: list[TrialResult] = []
        pictures: dict[int, StoredPicture] = {}
        for number, trial in enumerate(stored_trials(backend, study)):
            results.append(trial.result)
            if folder and (picture := find(trial.pictures, folder)):
                pictures[number] = picture
        original = find(backend.get_study_system_attrs(study), folder) if folder else None
        return StudySpec.model_validate_json(known), results, original, pictures


def measured_costs(name: str, storage: str) -> Measured:
    """Return the costs that were measured for a study; none if there is no such study.

    Raises:
        StudyError: the storage cannot be used.
    """
    url = storage_url(storage)
    with explained(url):
        file = file_of(url)
        if file and not file.exists():
            return {}
        backend = open_url(url)
        for study in backend.get_all_studies():
            if study.study_name == name:
                known: Measured = json.loads(study.user_attrs.get(COSTS_ATTRIBUTE, "{}"))
                return known
    return {}
