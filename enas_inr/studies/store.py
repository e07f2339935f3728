"""The store of a study: its trials in an Optuna storage, the single source of truth.

A trial is written once, in one transaction, when it has ended. A killed process therefore leaves
neither a half-written trial nor a RUNNING one, and only the trial in training is lost. One process
at a time owns a study, through a lock that the operating system releases however the process ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import optuna
from filelock import FileLock, Timeout
from optuna.storages import RDBStorage

from enas_inr.backbones.feasibility import Measured
from enas_inr.cost import FeasibleSpace
from enas_inr.errors import StudyError, warn_once
from enas_inr.result import Picture, TrialResult, directions
from enas_inr.spec import StudySpec
from enas_inr.studies.attributes import count_trials
from enas_inr.studies.pictures import ATTRIBUTE, StoredPicture, upload
from enas_inr.studies.space import packed
from enas_inr.studies.storage import (
    artifact_folder,
    explained,
    lock_path,
    open_url,
    quiet,
    storage_url,
)
from enas_inr.studies.trials import (
    COSTS_ATTRIBUTE,
    SPACE_ATTRIBUTE,
    SPEC_ATTRIBUTE,
    frozen_trial,
    parsed,
    read_results,
)
from enas_inr.studies.writing import TrialWriter, is_finite

_LONGEST = 60_000  # characters of an attribute that every database takes


class Store:
    """One study, open and locked. Use it as a context manager.

    Args:
        name: name of the study, which is created if it does not exist.
        spec: specification of the study; that of an existing study must be equal.
        storage: an Optuna URL, a path of an SQLite file, or `journal:PATH`.

    Raises:
        StudyError: the storage cannot be opened or written, another process owns the study, or
            the study was made with other settings.
    """

    def __init__(self, name: str, spec: StudySpec, storage: str) -> None:
        self.name, self.storage = name, storage_url(storage)
        self.spec = spec
        self._pictures = artifact_folder(storage)

    def __enter__(self) -> Self:
        with explained(self.storage):
            path = lock_path(self.storage, self.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()  # else filelock would take a read-only folder for a lock that is held
            self._lock = FileLock(path, timeout=0)
            try:
                self._lock.acquire()
            except Timeout:
                raise StudyError(
                    f"study {self.name!r} in {self.storage} is in use by another process",
                    "wait until that process ends, or choose another --study",
                ) from None
        try:
            with explained(self.storage):
                self._backend = open_url(self.storage)
                self._study = optuna.create_study(
                    storage=self._backend,
                    study_name=self.name,
                    directions=directions(self.spec.objectives),
                    load_if_exists=True,
                )
                self._number = self._backend.get_study_id_from_name(self.name)
                self._agree()
        except BaseException:
            self._lock.release()
            raise
        self._quiet = quiet()  # until the end, instead of for each trial
        self._quiet.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quiet.__exit__(None, None, None)
        self._lock.release()

    def _agree(self) -> None:
        """Write the settings into a new study, or compare them with those of an existing one."""
        known = self._study.user_attrs.get(SPEC_ATTRIBUTE)
        if known is None:
            found = [direction.name.lower() for direction in self._study.directions]
            if self._study.trials or found != directions(self.spec.objectives):
                raise StudyError(
                    f"study {self.name!r} in {self.storage} was not made by enas-inr",
                    "choose another --study",
                )
            self._study.set_metric_names(list(self.spec.objectives) or ["score"])
            self._study.set_user_attr(SPEC_ATTRIBUTE, self.spec.model_dump_json())
            return
        stored = parsed(StudySpec, known, f"study {self.name!r} in {self.storage}")
        differences = self.spec.differences(stored)
        if differences and self._extends(stored):
            self._study.set_user_attr(SPEC_ATTRIBUTE, self.spec.model_dump_json())
            return
        if differences:
            raise StudyError(
                f"study {self.name!r} in {self.storage} has different settings: "
                + "; ".join(differences),
                "give the settings of the study, or choose another --study",
            )

    def _extends(self, stored: StudySpec) -> bool:
        """Whether the settings differ from the stored ones only by further signals of a set."""
        count = len(stored.signals)
        same = [info.identity for info in self.spec.signals[:count]]
        if not count or same != [info.identity for info in stored.signals]:
            return False
        return (
            self.spec.model_copy(update={"signals": stored.signals, "signal": stored.signal})
            == stored
        )

    @property
    def keeps_pictures(self) -> bool:
        """Whether pictures can be stored: a storage without a file has no folder for them."""
        return self._pictures is not None

    def attach(self, make: Callable[[int], Picture | None]) -> None:
        """Store the pictures of the original signals, once, if pictures can be stored.

        Those that were deleted since then are not stored again.

        Args:
            make: makes the picture of a signal, by its number; None if there cannot be one.

        Raises:
            StudyError: a picture cannot be written.
        """
        with explained(self.storage):
            noted = self._backend.get_study_system_attrs(self._number)
            first = sum(key.startswith(ATTRIBUTE) for key in noted)
            for number in range(first, len(self.spec.all_signals)):
                if not self._pictures or (picture := make(number)) is None:
                    break
                name = f"original-{number}" if number else "original"
                for key, value in upload(picture, name, self._pictures).items():
                    self._backend.set_study_system_attr(self._number, key, value)

    def keep_costs(self, costs: Measured) -> None:
        """Write the costs that were measured, if they are not written yet.

        Raises:
            StudyError: they cannot be written.
        """
        text = json.dumps(costs)
        with explained(self.storage):
            if any(costs.values()) and self._study.user_attrs.get(COSTS_ATTRIBUTE) != text:
                self._study.set_user_attr(COSTS_ATTRIBUTE, text)

    def keep_space(self, space: FeasibleSpace) -> None:
        """Write the configurations within the budget, for reports; once, and if they are few.

        Raises:
            StudyError: they cannot be written.
        """
        with explained(self.storage):
            if SPACE_ATTRIBUTE not in self._backend.get_study_system_attrs(self._number):
                text = packed(space)
                if len(text) <= _LONGEST:
                    self._backend.set_study_system_attr(self._number, SPACE_ATTRIBUTE, text)

    def count(self) -> int:
        """Return the number of trials that have ended."""
        with explained(self.storage):
            return count_trials(self._backend, self._number)

    def results(self) -> list[TrialResult]:
        """Return the results of the trials that have ended, in the order of their numbers."""
        with explained(self.storage):
            return read_results(self._backend, self._number)

    def add(
        self,
        result: TrialResult,
        picture: Picture | StoredPicture | None = None,
        whole: TrialResult | None = None,
    ) -> None:
        """Write a trial that has ended, in one transaction, after the file of its picture.

        Args:
            result: result of the trial.
            picture: picture of its reconstruction, either new or stored with another trial;
                ignored if pictures cannot be stored.
            whole: result of its configuration on all signals of a set, if this is the last one.

        Raises:
            StudyError: the trial cannot be written.
        """
        with explained(self.storage):
            noted = {}
            if picture and self._pictures:
                noted = self._upload(picture, f"reconstruction-{result.trial.number}")
            trial = frozen_trial(result, self.spec, noted, whole)
            if self._writer and is_finite(trial):
                self._writer.add(trial)
            else:
                self._study.add_trial(trial)

    def _upload(self, picture: Picture | StoredPicture, name: str) -> dict[str, Any]:
        """Write a picture; a trial without one is better than a trial that is lost."""
        assert self._pictures
        try:
            return upload(picture, name, self._pictures)
        except OSError as error:
            warn_once(f"pictures of trials are not kept in {self._pictures}: {error.strerror}")
            return {}

    @cached_property
    def _writer(self) -> TrialWriter | None:
        """What writes trials quickly, if that is possible with this storage."""
        if not isinstance(self._backend, RDBStorage):
            return None
        writer = TrialWriter(self._backend, self._number)
        return writer if writer.usable else None
