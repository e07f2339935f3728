"""Studies as they are in their storage, read without owning or changing them."""

from __future__ import annotations

import optuna

from enas_inr.errors import StudyError
from enas_inr.result import TrialResult
from enas_inr.spec import StudySpec
from enas_inr.studies.pictures import StoredPicture, find
from enas_inr.studies.storage import (
    artifact_folder,
    explained,
    open_storage,
    storage_url,
    study_id,
)
from enas_inr.studies.trials import SPEC_ATTRIBUTE, read_result


def read_study(name: str, storage: str) -> tuple[StudySpec, list[TrialResult]]:
    """Read what a study is about and its trials.

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


def find_pictures(name: str, storage: str) -> tuple[StoredPicture | None, dict[int, StoredPicture]]:
    """Find the pictures of a study; their files are not read yet.

    Returns:
        The signal's own picture, and the reconstructions by trial number.

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
