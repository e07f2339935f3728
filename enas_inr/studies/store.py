"""The store of a study: its trials in an Optuna storage, the single source of truth.

A trial is written once, in one transaction, when it has ended. A killed process therefore leaves
neither a half-written trial nor a RUNNING one, and only the trial in training is lost. One process
at a time owns a study, through a lock that the operating system or the server releases however the
process ends. A storage that does not answer for a while is asked again for some minutes; what could
not be written then is kept in a file (`enas_inr.studies.unsaved`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self, TypeVar

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from enas_inr.backbones.feasibility import Measured
from enas_inr.cost import FeasibleSpace
from enas_inr.errors import StudyError, warn_once
from enas_inr.result import Picture, TrialResult, directions
from enas_inr.spec import StudySpec
from enas_inr.studies import unsaved
from enas_inr.studies.agreement import agree
from enas_inr.studies.attributes import count_trials
from enas_inr.studies.location import PATIENCE_SECONDS, Storage
from enas_inr.studies.note import is_ours, marked, note_attributes, note_in
from enas_inr.studies.outages import Waiting
from enas_inr.studies.ownership import Ownership
from enas_inr.studies.pictures import ATTRIBUTE, StoredPicture, find, upload
from enas_inr.studies.space import packed
from enas_inr.studies.storage import artifact_folder, explained, make_storage, quiet
from enas_inr.studies.trials import (
    COSTS_ATTRIBUTE,
    CURVES_ATTRIBUTE,
    SPACE_ATTRIBUTE,
    frozen_trial,
    read_results,
)
from enas_inr.studies.writing import TrialWriter, is_finite
from enas_inr.validation import counted

_LONGEST = 60_000  # characters of an attribute that every database takes

ResultT = TypeVar("ResultT")


class Store:
    """One study, open and locked. Use it as a context manager.

    Args:
        name: name of the study, which is created if it does not exist.
        spec: specification of the study; that of an existing study must be equal.
        storage: an Optuna URL, a path of an SQLite file, or `journal:PATH`.
        waiting: how it is waited for once it was opened.

    Raises:
        StudyError: the storage cannot be opened or written, another process owns the study, or
            the study was made with other settings.
    """

    def __init__(
        self,
        name: str,
        spec: StudySpec,
        storage: str | None,
        waiting: Waiting = Waiting(PATIENCE_SECONDS),
    ) -> None:
        self.name, self.storage = name, Storage(storage)
        self.spec = spec
        self._waiting = waiting
        self._pictures = artifact_folder(self.storage)
        self._owner = Ownership(self.storage, name)

    def __enter__(self) -> Self:
        with explained(self.storage, self.name):
            Waiting(self.storage.patience).asked(self.storage, self._open)
        self._quiet = quiet()  # until the end, instead of for each trial
        self._quiet.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._quiet.__exit__(None, None, None)
        self._owner.release()
        if isinstance(self._backend, RDBStorage) and not self.storage.is_sqlite:
            self._backend.engine.dispose()

    def _open(self) -> None:
        """Open and lock the study, which is created if it does not exist."""
        try:
            self._owner.take_file()
            self._backend = make_storage(self.storage)
            self._study = optuna.create_study(
                storage=self._backend,
                study_name=self.name,
                directions=directions(self.spec.objectives),
                load_if_exists=True,
            )
            self._number = self._backend.get_study_id_from_name(self.name)
            self._owner.take_study(self._number)
            agree(self._study, self.spec, f"study {self.name!r} in {self.storage}")
            self._usual = CURVES_ATTRIBUTE in self._study.user_attrs
        except BaseException:
            self._owner.release()
            raise

    def _asked(
        self, ask: Callable[[], ResultT], away: Callable[[], object] = lambda: None
    ) -> ResultT:
        """Ask the storage, again if it does not answer, as long as the study is still ours.

        Raises:
            StudyError: the storage cannot be used, or has gone.
        """

        def ask_ours() -> ResultT:
            self._owner.ensure()
            return ask()

        with explained(self.storage, self.name):
            return self._waiting.asked(self.storage, ask_ours, away)

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
            StudyError: the picture or the storage cannot be written.
        """
        noted = self._asked(lambda: self._backend.get_study_system_attrs(self._number))
        first = sum(key.startswith(ATTRIBUTE) for key in noted)
        for number in range(first, len(self.spec.all_signals)):
            if not self._pictures or (picture := make(number)) is None:
                break
            name = f"original-{number}" if number else "original"
            with explained(self.storage):
                noted = upload(picture, name, self._pictures)
            self._asked(partial(self._note, noted))

    def _note(self, noted: Mapping[str, Any]) -> None:
        for key, value in noted.items():
            self._backend.set_study_system_attr(self._number, key, value)

    def keep_costs(self, costs: Measured) -> None:
        """Write the costs that were measured, if they are not written yet.

        Raises:
            StudyError: they cannot be written.
        """
        text = json.dumps(costs)

        def write() -> None:
            if self._study.user_attrs.get(COSTS_ATTRIBUTE) != text:
                self._study.set_user_attr(COSTS_ATTRIBUTE, text)

        if any(costs.values()):
            self._asked(write)

    def keep_space(self, space: FeasibleSpace) -> None:
        """Write the configurations within the budget, for reports; once, and if they are few.

        Raises:
            StudyError: they cannot be written.
        """

        def write() -> None:
            if SPACE_ATTRIBUTE not in self._backend.get_study_system_attrs(self._number):
                text = packed(space)
                if len(text) <= _LONGEST:
                    self._backend.set_study_system_attr(self._number, SPACE_ATTRIBUTE, text)

        self._asked(write)

    def note(self, make: Callable[[Callable[[TrialResult], tuple[str, str] | None]], str]) -> None:
        """Write the note of the study, unless a person has changed it or it cannot be written.

        Args:
            make: makes its text, from what returns the MIME type and the address in the dashboard
                of the reconstruction of a trial.
        """
        with suppress(StudyError), explained(self.storage, self.name):
            self._owner.ensure()
            before = self._backend.get_study_system_attrs(self._number)
            known, text = note_in(before), make(self._address)
            if text and is_ours(known) and marked(text) != known:
                self._note(note_attributes(marked(text), before))

    def _address(self, result: TrialResult) -> tuple[str, str] | None:
        find_id = self._backend.get_trial_id_from_study_id_trial_number
        number = find_id(self._number, result.trial.number)
        found = find(self._backend.get_trial(number).system_attrs, self._pictures or Path())
        if found is None:
            return None
        return found.mimetype, f"/artifacts/{self._number}/{number}/{found.path.name}"

    def count(self) -> int:
        """Return the number of trials that have ended."""
        return self._asked(lambda: count_trials(self._backend, self._existing()))

    def results(self) -> list[TrialResult]:
        """Return the results of the trials that have ended, in the order of their numbers."""
        return self._asked(lambda: read_results(self._backend, self._existing()))

    def _existing(self) -> int:
        """Return the number of the study; a KeyError says that it has been deleted."""
        self._backend.get_study_name_from_id(self._number)
        return self._number

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
            StudyError: the trial cannot be written; it is then kept for the next run.
        """
        noted = {}
        if picture and self._pictures:
            noted = self._upload(picture, f"reconstruction-{result.trial.number}")
        with explained(self.storage, self.name):
            trial = frozen_trial(result, self.spec, noted, whole, usual=self._usual)
        tried, kept = False, ""

        def write() -> None:
            nonlocal tried
            again, tried = tried, True
            self._write(trial, again)

        def keep() -> None:  # whatever may end the process from now on
            nonlocal kept
            kept = self._kept(result)

        try:
            self._asked(write, keep)
        except StudyError as error:
            if not kept or self._owner.file_has_gone:
                kept = self._kept(result)
            raise StudyError(error.what, f"{kept}; {error.hint}") from error.__cause__
        except BaseException:  # Ctrl-C while waiting
            if not kept:
                self._kept(result)
            raise

    def _write(self, trial: FrozenTrial, again: bool) -> None:
        if self._writer and is_finite(trial):
            self._writer.add(trial, again=again)
        else:
            self._study.add_trial(trial)

    def _kept(self, result: TrialResult) -> str:
        """Keep what would be lost for the next run; return a line about it.

        A database file that was deleted can still be read by whoever has it open.
        """
        results = [result]
        if self._owner.file_has_gone:
            with suppress(
                SQLAlchemyError, optuna.exceptions.OptunaError, OSError, KeyError, StudyError
            ):
                results = [*read_results(self._backend, self._number), result]
        if file := unsaved.keep(self.storage, self.name, results):
            return f"{counted(len(results), 'trial')} kept in {file} for the next run"
        return "the last trial is lost"

    def forget_kept(self) -> None:
        """Remove what was kept for the next run: the search has ended and stored all of it."""
        unsaved.forget(self.storage, self.name)

    def _upload(self, picture: Picture | StoredPicture, name: str) -> dict[str, Any]:
        """Write a picture; if that fails, the trial is kept without one."""
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
