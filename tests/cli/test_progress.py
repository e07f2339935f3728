"""Progress if stderr is not a terminal: plain lines, printed at intervals."""

from dataclasses import replace

import pytest

from enas_inr.cli import progress
from enas_inr.cli.progress import SearchProgress, duration
from enas_inr.executors.base import TrialProgress
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.spec import StudySpec
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.forecast import Forecast
from enas_inr.testing.lookup import PICTURE, LookupExecutor, lookup_space, simulate

SPACE = lookup_space({"width": (8, 16)}, 10**9)
RESULT, DIVERGED = simulate(
    Exhaustive(SPACE),
    SPACE,
    PsnrFlops(),
    LookupExecutor(lambda spec: 30.0 if spec.width == 8 else None),
)


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_running_trial_is_shown_with_its_speed_and_the_time_left(clock, capsys):
    shown = SearchProgress(quiet=False)
    shown.started("s", "sqlite:///s.db", 3, 9)
    for seconds, done in [(0, 0.0), (9, 0.2), (10, 0.25), (19, 0.4), (20, 0.5)]:
        clock.now = 100.0 + seconds
        shown.progressed(TrialProgress(0, "siren", done, round(400 * done), 20.0))
    assert capsys.readouterr().err.splitlines() == [
        "study s in sqlite:///s.db, 3 trials stored already",
        "trial 4 of at most 9  siren   25%  10.0 steps/s  PSNR 26.02 dB so far  0:30 left",
        "trial 4 of at most 9  siren   50%  10.0 steps/s  PSNR 26.02 dB so far  0:20 left",
    ]


def test_after_a_trial_the_whole_search_is_estimated_by_it(clock, capsys):
    shown = SearchProgress(quiet=False)
    shown.started("s", "sqlite:///s.db", 0, 4)
    shown.finished(RESULT.model_copy(update={"seconds": 60.0}))
    for seconds, done in [(0, 0.0), (10, 0.5)]:
        clock.now = 100.0 + seconds
        shown.progressed(TrialProgress(1, "siren", done, 0, None))
    assert capsys.readouterr().err.splitlines()[-1] == (
        "trial 2 of at most 4  siren   50%  0:10 left (search: at most 2:10)"
    )


def test_a_finished_trial_is_shown_with_its_score_or_the_reason_why_it_has_none(capsys):
    shown = SearchProgress(quiet=False)
    shown.started("s", "sqlite:///s.db", 0, 2)
    shown.finished(RESULT)
    shown.finished(DIVERGED)
    _, first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("trial 1 of at most 2  siren M=8 d=1 w=8  PSNR 36.02 dB (sd 0.00)")
    assert f"score {RESULT.score:.2f}" in first
    assert second == f"trial 2 of at most 2  siren M=8 d=1 w=16  diverged: {DIVERGED.message}"


def test_an_interrupted_search_says_what_is_stored(capsys):
    shown = SearchProgress(quiet=False)
    shown.say(f"interrupted{shown.kept()}")
    shown.started("s", "sqlite:///s.db", 3, 9)
    shown.finished(RESULT)
    shown.say(f"interrupted{shown.kept()}")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "interrupted before the search began"
    assert said[-1] == (
        "interrupted: 4 trials stored in study s (sqlite:///s.db); "
        "run the same command again to resume"
    )


def test_a_search_says_what_it_will_do(capsys):
    spec = StudySpec(signal=PICTURE, space=SPACE.space)
    shown = SearchProgress(quiet=False)
    shown.planned(spec, SPACE, lambda: Forecast(3600.0, 42.0))
    shown.planned(spec, replace(SPACE, feasible=SPACE.feasible[:1]), lambda: Forecast(200.0))
    shown.planned(spec, SPACE)
    both = "2 configurations within the budget: grid 8; depth 1; width 8, 16"
    assert capsys.readouterr().err.splitlines() == [
        both,
        "about 40 s to begin, and at most about 60 min on this CPU",
        both.replace("2 conf", "1 of 2 conf"),
        "at most about 3 min on this CPU",
        both,
    ]


def test_quiet_measures_nothing():
    def measure():
        raise AssertionError("measured")

    spec = StudySpec(signal=PICTURE, space=SPACE.space)
    SearchProgress(quiet=True).planned(spec, SPACE, measure)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (12, "12 s"), (42, "40 s"), (91, "2 min"), (7200, "2.0 h"), (10**6, "12 days")],
)
def test_durations_are_rough(seconds, said):
    assert duration(seconds) == said


def test_quiet_prints_nothing(clock, capsys):
    with SearchProgress(quiet=True) as shown:
        shown.started("s", "sqlite:///s.db", 0, 2)
        shown.finished(RESULT)
        shown.say(f"interrupted{shown.kept()}")
    assert capsys.readouterr().err == ""
