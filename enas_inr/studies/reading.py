"""Read studies from their storage without locking or changing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage
from pydantic import TypeAdapter

from enas_inr.backbones.feasibility import Measured
from enas_inr.errors import StudyError
from enas_inr.plain_text import read_json
from enas_inr.result import TrialResult
from enas_inr.spec import SignalInfo, StudySpec
from enas_inr.studies.attributes import system_attributes
from enas_inr.studies.location import Storage
from enas_inr.studies.pictures import ATTRIBUTE, StoredPicture, find, originals_in
from enas_inr.studies.storage import artifact_folder, asked, asked_if_any, study_id
from enas_inr.studies.trials import (
    COSTS_ATTRIBUTE,
    SPACE_ATTRIBUTE,
    SPEC_ATTRIBUTE,
    parsed,
    read_results,
)

_COSTS = TypeAdapter(Measured)


def read_study(name: str, storage: str | None) -> tuple[StudySpec, list[TrialResult]]:
    """Read the specification and the trials of a study.

    Raises:
        StudyError: there is no such study; the message names the nearest.
    """
    place = Storage(storage)

    def read(backend: BaseStorage) -> tuple[StudySpec, list[TrialResult]]:
        number = study_id(name, place, backend)
        known = backend.get_study_user_attrs(number).get(SPEC_ATTRIBUTE)
        if known is None:
            raise StudyError(
                f"study {name!r} in {place} was not made by enas-inr", "choose another"
            )
        spec = parsed(StudySpec, known, f"study {name!r}")
        return spec, read_results(backend, number)

    return asked(place, read, name)


def stored_signals(name: str, storage: str | None) -> tuple[SignalInfo, ...]:
    """Return the signals of a study about a set; none if there is no such study.

    Raises:
        StudyError: the storage cannot be used.
    """
    known = _noted(name, storage).get(SPEC_ATTRIBUTE)
    return () if known is None else parsed(StudySpec, known, f"study {name!r}").signals


def measured_costs(name: str, storage: str | None) -> Measured:
    """Return the costs that were measured for a study; none if there is no such study.

    Raises:
        StudyError: the storage cannot be used.
    """
    try:
        known: Any = read_json(_noted(name, storage).get(COSTS_ATTRIBUTE, "{}"))
        measured: Measured = _COSTS.validate_python(known)
    except (ValueError, TypeError):  # pydantic's ValidationError is a ValueError
        raise StudyError(f"the costs of study {name!r} are damaged", "choose another") from None
    return measured


def _noted(name: str, storage: str | None) -> Mapping[str, Any]:
    """Return the user attributes of a study; none if there is no such study."""

    def read(backend: BaseStorage) -> Mapping[str, Any]:
        studies = backend.get_all_studies()
        return next((study.user_attrs for study in studies if study.study_name == name), {})

    return asked_if_any(storage, read, {}, name)


def kept_space(name: str, storage: str | None) -> str | None:
    """Return the `enas_inr.studies.space.packed` space of a study, if the study has kept it.

    Raises:
        StudyError: there is no such study.
    """
    place = Storage(storage)

    def read(backend: BaseStorage) -> str | None:
        kept: str | None = backend.get_study_system_attrs(study_id(name, place, backend)).get(
            SPACE_ATTRIBUTE
        )
        return kept

    return asked(place, read, name)


def find_pictures(
    name: str, storage: str | None
) -> tuple[dict[int, StoredPicture], dict[int, StoredPicture]]:
    """Find the pictures of a study, without reading their files.

    Returns:
        The pictures of the signals by their numbers, and the reconstructions by trial number.

    Raises:
        StudyError: there is no such study.
    """
    place = Storage(storage)
    folder = artifact_folder(place)

    def read(
        backend: BaseStorage,
    ) -> tuple[dict[int, StoredPicture], dict[int, StoredPicture]]:
        study = study_id(name, place, backend)
        if folder is None:
            return {}, {}
        originals = originals_in(backend.get_study_system_attrs(study))
        reconstructions = system_attributes(backend, study, ATTRIBUTE)
        return _existing(originals, folder), _existing(reconstructions, folder)

    return asked(place, read, name)


def _existing(noted: Mapping[int, Mapping[str, Any]], folder: Path) -> dict[int, StoredPicture]:
    """Return those of the noted pictures whose files exist."""
    found = {number: find(of_one, folder) for number, of_one in noted.items()}
    return {number: picture for number, picture in found.items() if picture}
