"""Searches that stop before their strategy has ended."""

import pytest

from enas_inr.errors import SpecError
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.spec import StudySpec
from enas_inr.spec.budget import parse_seconds
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.stopping import Stopping, without_better
from enas_inr.testing.lookup import (
    PICTURE,
    LookupExecutor,
    MemoryRecords,
    lookup_space,
    simulate,
    toy_table,
)

SPACE = lookup_space({"width": (4, 8, 16, 32, 64), "depth": (1, 2, 3, 4)}, 10**9)
TABLE = toy_table(SPACE, 1)


class Told(Observer):
    def __init__(self):
        self.reasons = set()

    def stopped(self, reason):
        self.reasons.add(reason)


def search(stopping, records=None):
    told = Told()
    found = run_loop(
        Gathering(StudySpec(signal=PICTURE, space=SPACE.space), SPACE, PsnrFlops()),
        Exhaustive(SPACE),
        LookupExecutor(TABLE),
        records or MemoryRecords(),
        told,
        stopping=stopping,
    )
    return found, told.reasons


def test_without_rules_a_search_ends_by_itself():
    found, reasons = search(Stopping())
    assert len(found) == 20
    assert reasons == set()


def test_a_time_limit_ends_a_search_which_then_goes_on():
    ticks = iter(range(100))
    records = MemoryRecords()
    found, reasons = search(Stopping(seconds=2, clock=lambda: next(ticks)), records)
    assert 0 < len(found) < 20
    assert reasons == {"the time limit of 2 s is reached"}
    again, _ = search(Stopping(), records)
    whole = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), LookupExecutor(TABLE))
    assert [result.key for result in again] == [result.key for result in whole]


def test_it_stops_after_trials_without_a_better_one():
    found, reasons = search(Stopping(after=3))
    assert without_better(found) >= 3
    assert without_better(found[:-8]) < 3
    assert len(reasons) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("50ms", 0.05), ("2s", 2), ("10m", 600), ("1.5h", 5400), ("30", 30)]
)
def test_durations(text, seconds):
    assert parse_seconds(text) == pytest.approx(seconds)


def test_what_is_no_duration_is_refused():
    with pytest.raises(SpecError, match="'soon' is not a duration; write it like"):
        parse_seconds("soon")
