"""Read attributes of the trials of a study, and nothing else of them.

Optuna reads whole trials and makes an object of each parameter, attribute and step of a curve: of
thousands of trials, that takes many times as long and as much memory as what is needed here. From a
database with the tables that are known, one statement reads the attributes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sql
from optuna.storages import BaseStorage, RDBStorage

from enas_inr.plain_text import read_json

SCHEMA = "v3.2.0.a"
"""The version of the tables that are known here, the only one of Optuna since 3.2."""

_NAMES = ("trial_id", "key", "value_json")
_TRIALS = sql.table("trials", *map(sql.column, ("trial_id", "study_id", "number")))
_USER = sql.table("trial_user_attributes", *map(sql.column, _NAMES))
_SYSTEM = sql.table("trial_system_attributes", *map(sql.column, _NAMES))


def has_known_tables(storage: RDBStorage) -> bool:
    """Whether a database has the tables that are known here."""
    return storage.get_current_version() == SCHEMA


def count_trials(storage: BaseStorage, study: int) -> int:
    """Return the number of trials of a study."""
    if not isinstance(storage, RDBStorage) or not has_known_tables(storage):
        return storage.get_n_trials(study)
    asked = sql.select(sql.func.count()).where(_TRIALS.c.study_id == study)
    with storage.engine.connect() as connection:
        found: int = connection.execute(asked).scalar_one()
        return found


def user_attributes(storage: BaseStorage, study: int, key: str) -> Iterator[tuple[int, Any]]:
    """Iterate over the trials of a study, and read one of their user attributes.

    Args:
        storage: the storage.
        study: number of the study.
        key: name of the attribute.

    Returns:
        The number of each trial with the value, which is None if the trial has none; in the order
        of the numbers.
    """
    if not isinstance(storage, RDBStorage) or not has_known_tables(storage):
        for trial in storage.get_all_trials(study, deepcopy=False):
            yield trial.number, trial.user_attrs.get(key)
        return
    named = (_USER.c.trial_id == _TRIALS.c.trial_id) & (_USER.c.key == key)
    asked = sql.select(_TRIALS.c.number, _USER.c.value_json)
    asked = asked.select_from(_TRIALS.outerjoin(_USER, named))
    for number, text in _rows(storage, asked, study):
        yield number, None if text is None else read_json(text)


def system_attributes(
    storage: BaseStorage, study: int, prefix: str
) -> Mapping[int, Mapping[str, Any]]:
    """Return the system attributes of trials whose keys begin with a prefix.

    Args:
        storage: the storage.
        study: number of the study.
        prefix: the beginning of the keys.

    Returns:
        The attributes by the number of the trial, without the trials that have none.
    """
    found: dict[int, dict[str, Any]] = {}
    if not isinstance(storage, RDBStorage) or not has_known_tables(storage):
        for trial in storage.get_all_trials(study, deepcopy=False):
            for key, value in trial.system_attrs.items():
                if key.startswith(prefix):
                    found.setdefault(trial.number, {})[key] = value
        return found
    asked = sql.select(_TRIALS.c.number, _SYSTEM.c.key, _SYSTEM.c.value_json)
    asked = asked.select_from(_TRIALS.join(_SYSTEM, _SYSTEM.c.trial_id == _TRIALS.c.trial_id))
    asked = asked.where(_SYSTEM.c.key.startswith(prefix, autoescape=True))
    for number, key, text in _rows(storage, asked, study):
        found.setdefault(number, {})[key] = read_json(text)
    return found


def _rows(storage: RDBStorage, asked: sql.Select[Any], study: int) -> Iterator[Any]:
    """Iterate over the rows of the trials of a study, in the order of the trials."""
    asked = asked.where(_TRIALS.c.study_id == study).order_by(_TRIALS.c.trial_id)
    with storage.engine.connect() as connection:
        yield from connection.execute(asked)
