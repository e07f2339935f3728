"""Whatever another program wrote into a storage is refused in one line, and never followed."""

import base64
import json
import zlib
from typing import Any

import optuna
import pytest

from enas_inr.errors import StudyError
from enas_inr.studies.pictures import find, originals_in
from enas_inr.studies.reading import measured_costs, read_study, stored_signals
from enas_inr.studies.space import unpacked
from enas_inr.studies.store import Store
from enas_inr.studies.trials import COSTS_ATTRIBUTE, RESULT_ATTRIBUTE, SPEC_ATTRIBUTE
from tests.command_line import assert_one_line, call
from tests.optuna_studies import plain_optuna, plain_storage
from tests.studies.stored import SPEC, complete

WRONG: list[Any] = [
    3,
    None,
    [],
    {"a": 1},
    "",
    "{}",
    "[" * 5000,
    "null",
    '{"signal": NaN}',
    "x" * 100_000,
]


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_a_specification_that_is_none_is_refused(database, value):
    study = optuna.create_study(
        storage=plain_storage(database), study_name="s", direction="maximize"
    )
    study.set_user_attr(SPEC_ATTRIBUTE, value)
    for read in (read_study, stored_signals) if value is not None else ():
        with pytest.raises(StudyError, match=r"'s' is damaged|not made by"):
            read("s", database)
    outcome = call(f"report s --storage {database} --format md")
    assert_one_line(outcome, 6)
    assert len(outcome.err) < 2500


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_a_result_that_is_none_is_refused(database, value):
    with Store("s", SPEC, database) as store:
        store.add(complete(0))
    study = plain_optuna(database)
    study.add_trial(optuna.trial.create_trial(value=1.0, user_attrs={RESULT_ATTRIBUTE: value}))
    with pytest.raises(StudyError, match="trial 1"):
        read_study("s", database)


@pytest.mark.parametrize("value", [3, "[", "[]", '{"a": 1}', '{"a": {"b": "c"}}'])
def test_costs_that_are_none_are_refused(database, value):
    with Store("s", SPEC, database):
        plain_optuna(database).set_user_attr(COSTS_ATTRIBUTE, value)
    with pytest.raises(StudyError, match="costs of study 's' are damaged"):
        measured_costs("s", database)


@pytest.mark.parametrize(
    "text",
    [
        "no base85 \x00",
        base64.b85encode(b"no zlib").decode(),
        base64.b85encode(zlib.compress(b"[[1]]")).decode(),
        base64.b85encode(zlib.compress(b"[[[1, 1, 1], [], {}]]")).decode(),
        base64.b85encode(zlib.compress(b'[[[1, 2], {}, {"flops": "x"}]]')).decode(),
        base64.b85encode(zlib.compress(b" " * 2**29, 9)).decode(),  # a bomb
    ],
    ids=range(6),
)
def test_a_space_that_is_none_is_refused(text):
    with pytest.raises(StudyError, match="search space that a study has kept is damaged"):
        unpacked(text, SPEC.space)


def noted(**changes):
    values = {"artifact_id": "picture", "filename": "a.png", "mimetype": "image/png"} | changes
    return {"artifacts:1": json.dumps(values)}


def test_no_picture_outside_its_folder_is_read(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in (tmp_path / "secret", folder / "picture", folder / ".hidden"):
        path.write_bytes(b"content")
    found = find(noted(), folder)
    assert found is not None
    assert found.path == folder / "picture"
    for elsewhere in ("../secret", str(tmp_path / "secret"), "..", ".hidden", "", "a/b", "a\x00b"):
        assert find(noted(artifact_id=elsewhere), folder) is None
    assert find(noted(mimetype='image/png" onload="x'), folder) is None
    assert find(noted(artifact_id=3), folder) is None
    assert (
        find({"artifacts:1": "[" * 5000, "artifacts:2": 3, "artifacts:3": "null"}, folder) is None
    )
    assert originals_in(noted(filename="a-x.png")) == {}
    assert originals_in(noted(filename="a-2.png")) == {2: noted(filename="a-2.png")}
