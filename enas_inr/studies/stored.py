"""What is stored of each trial, in a few statements.

Optuna's `get_all_trials` makes an object of each value, of which a trial has about eighty. Here, a
statement reads one attribute of all trials, from the same tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from optuna.storages import BaseStorage, RDBStorage

from enas_inr.errors import StudyError
from enas_inr.result import TrialResult
from enas_inr.studies.pictures import ATTRIBUTE
from enas_inr.studies.trials import RESULT_ATTRIBUTE, read_result

SCHEMA = "v3.2.0.a"
"""The version of the tables that are known here, the only one of Optuna since 3.2."""

_TRIALS = sql.table("trials", *map(sql.column, ("trial_id", "study_id", "number")))
_USER, _SYSTEM = (
    sql.table(f"trial_{kind}_attributes", *map(sql.column, ("trial_id", "key", "value_json")))
    for kind in ("user", "system")
)


@dataclass(frozen=True)
class Stored:
    """A trial as it is stored.

    Attributes:
        result: the result.
        pictures: the system attributes that refer to its picture.
    """

    result: TrialResult
    pictures: Mapping[str, Any]


def stored_trials(backend: BaseStorage, study: int) -> Iterator[Stored]:
    """Iterate over the trials of a study in the order of their numbers.

    Args:
        backend: the open storage.
        study: number of the study.

    Raises:
        StudyError: a trial was not written by enas-inr.
        OptunaError, SQLAlchemyError: the storage cannot be read.
    """
    if not (isinstance(backend, RDBStorage) and backend.get_current_version() == SCHEMA):
        for trial in backend.get_all_trials(study, deepcopy=False):
            yield Stored(read_result(trial), trial.system_attrs)
        return
    ours = _TRIALS.c.study_id == study
    result = (_USER.c.trial_id == _TRIALS.c.trial_id) & (_USER.c.key == RESULT_ATTRIBUTE)
    of_all = sql.select(_TRIALS.c.number, _USER.c.value_json)
    of_all = of_all.select_from(_TRIALS.outerjoin(_USER, result)).where(ours)
    pictured = sql.select(_TRIALS.c.number, _SYSTEM.c.key, _SYSTEM.c.value_json)
    pictured = pictured.where(ours, _SYSTEM.c.trial_id == _TRIALS.c.trial_id)
    pictured = pictured.where(_SYSTEM.c.key.startswith(ATTRIBUTE))
    with backend.engine.connect() as connection:
        pictures: dict[int, dict[str, Any]] = {}
        for number, key, text in connection.execute(pictured):
            pictures.setdefault(number, {})[key] = json.loads(text)
        for number, text in connection.execute(of_all.order_by(_TRIALS.c.number)):
            if text is None:
                raise StudyError(
                    f"trial {number} was not written by enas-inr", "choose another --study"
                )
            parsed = TrialResult.model_validate_json(json.loads(text))
            yield Stored(parsed, pictures.get(number, {}))
