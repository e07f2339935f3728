"""Write a whole trial into a database in a few statements.

Optuna's `add_trial` asks the database about each value before it writes it, about eighty times for
a trial. Here a statement writes all rows of a table, into the same tables. Nor does it tell whether
it has written a trial when a server fails at the end, which is asked here before it is written
again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sql
from optuna.distributions import distribution_to_json
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from enas_inr.studies.attributes import has_known_tables

NO_RECORD = "Record does not exist."
"""The argument of the KeyError of Optuna's storages for a study that has gone."""


class TrialWriter:
    """Adds trials to a study of Optuna's, of which this process is the only writer.

    Args:
        storage: the storage with the study.
        study: number of the study.
    """

    def __init__(self, storage: RDBStorage, study: int) -> None:
        self._storage, self._study = storage, study

    @cached_property
    def usable(self) -> bool:
        """Whether the storage has the tables that are known here."""
        return has_known_tables(self._storage)

    def add(self, trial: FrozenTrial, *, again: bool = False) -> None:
        """Add a finished trial in one transaction; it gets the next number.

        Args:
            trial: the trial.
            again: whether this was tried before with an error, after which it may be there.

        Raises:
            KeyError: the study does not exist any more.
            SQLAlchemyError: the database cannot be written.
        """
        trials, studies = self._tables["trials"], self._tables["studies"]
        # The last of the study, which takes as long however many there are, unlike a count.
        last = sql.select(trials.c.number, trials.c.trial_id)
        last = last.where(trials.c.study_id == self._study)
        last = last.order_by(trials.c.trial_id.desc()).limit(1)
        known = sql.select(studies.c.study_id).where(studies.c.study_id == self._study)
        with self._storage.engine.begin() as connection:
            if connection.execute(known.with_for_update()).first() is None:
                raise KeyError(NO_RECORD)
            before = connection.execute(last).first()
            if again and before and self._is_same(connection, before.trial_id, trial):
                return
            made = connection.execute(
                trials.insert().values(
                    study_id=self._study,
                    state=trial.state.name,
                    datetime_start=_utc(trial.datetime_start),
                    datetime_complete=_utc(trial.datetime_complete),
                    number=before.number + 1 if before else 0,
                )
            )
            assert made.inserted_primary_key is not None
            for name, rows in _rows(trial).items():
                if rows:
                    number = {"trial_id": made.inserted_primary_key[0]}
                    connection.execute(self._tables[name].insert(), [row | number for row in rows])

    def _is_same(self, connection: sql.Connection, number: int, trial: FrozenTrial) -> bool:
        """Whether a trial in the database has the attributes of another one."""
        rows = self._tables["trial_user_attributes"]
        asked = sql.select(rows.c.key, rows.c.value_json).where(rows.c.trial_id == number)
        found = {row.key: row.value_json for row in connection.execute(asked)}
        return found == {row["key"]: row["value_json"] for row in _attributes(trial.user_attrs)}

    @cached_property
    def _tables(self) -> Mapping[str, sql.Table]:
        found = sql.MetaData()
        found.reflect(self._storage.engine)
        return found.tables


def is_finite(trial: FrozenTrial) -> bool:
    """Whether the values of a trial are numbers, which need no special notation in the tables."""
    return all(map(math.isfinite, [*(trial.values or ()), *trial.intermediate_values.values()]))


def _rows(trial: FrozenTrial) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a trial by table, without its number."""
    return {
        "trial_params": [
            {
                "param_name": name,
                "param_value": trial.distributions[name].to_internal_repr(value),
                "distribution_json": distribution_to_json(trial.distributions[name]),
            }
            for name, value in trial.params.items()
        ],
        "trial_values": [
            {"objective": index, "value": value, "value_type": "FINITE"}
            for index, value in enumerate(trial.values or ())
        ],
        "trial_intermediate_values": [
            {"step": step, "intermediate_value": value, "intermediate_value_type": "FINITE"}
            for step, value in trial.intermediate_values.items()
        ],
        "trial_user_attributes": _attributes(trial.user_attrs),
        "trial_system_attributes": _attributes(trial.system_attrs),
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in values.items()]


def _utc(time: datetime | None) -> datetime | None:
    """Convert a local time to that in the tables."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)
