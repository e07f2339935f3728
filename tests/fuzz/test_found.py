"""What `make fuzz` has found, each as a test by its name."""

import json

import pytest

from enas_inr.errors import StudyError
from enas_inr.plain_text import printable
from enas_inr.studies.reading import read_study
from enas_inr.studies.store import Store
from tests.studies.stored import SPEC, complete


@pytest.fixture
def journal(tmp_path):
    with Store("s", SPEC, f"journal:{tmp_path}/s.log") as store:
        store.add(complete(0))
    return tmp_path / "s.log"


@pytest.mark.parametrize(
    "key", ["study_name", "op_code", "datetime_start", "distributions", "system_attr"]
)
def test_a_journal_without_a_key_is_damaged(journal, key):
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert any(key in entry for entry in entries)
    for entry in entries:
        entry.pop(key, None)
    journal.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    with pytest.raises(StudyError):
        read_study("s", f"journal:{journal}")


@pytest.mark.parametrize(("old", "new"), [('"attributes"', '"attribute"'), ('"choices"', '"a"')])
def test_a_journal_with_a_damaged_distribution_is_damaged(journal, old, new):
    text = journal.read_text()
    changed = text.replace(old.replace('"', '\\"'), new.replace('"', '\\"'))
    if changed == text:
        pytest.skip("this version of Optuna writes distributions in another way")
    journal.write_text(changed)
    with pytest.raises(StudyError):
        read_study("s", f"journal:{journal}")


def test_a_character_that_no_version_of_unicode_knows_is_escaped():
    assert printable("a key \ud7ff") == "a key \\ud7ff"
