"""Observers hear everything, change nothing, and can fail."""

import json
import logging
from typing import Any

import pytest

import enas_inr
from enas_inr.cli.main import run
from enas_inr.errors import SpecError, warn_once
from enas_inr.observers.base import Observer
from enas_inr.result import TrialResult
from enas_inr.studies.loop import Observer as Receiver


class Note(Observer):
    """Notes its events."""

    def __init__(self):
        self.events = []

    def search_started(self, start):
        self.events.append(("search", start.study))
        self.start = start

    def trial_started(self, trial):
        self.events.append(
            ("trial", trial.width if hasattr(trial, "width") else trial.ensemble.width)
        )

    def trial_progressed(self, trial, progress):
        assert trial.number == progress.number
        self.progress = progress

    def trial_finished(self, result):
        self.events.append(("result", result.trial.ensemble.width))

    def search_ended(self, end):
        self.events.append(("end", end.outcome))
        self.end = end

    def fit_started(self, start):
        self.events.append(("fit", start.path.name))

    def fit_progressed(self, progress):
        self.progress = progress

    def fit_ended(self, end):
        self.events.append(("fitted", end.outcome))
        self.end = end


class Failing(Note):
    def trial_finished(self, result):
        super().trial_finished(result)
        raise OSError("the disk is full")


TINY: dict[str, Any] = {
    "size": "12",
    "grid": 2,
    "depths": [1],
    "repeats": 1,
    "training": {"steps": 2},
}


def search(tmp_path, **settings):
    given = {"widths": [4, 6], "floor_db": -99, **TINY, **settings}
    return enas_inr.search("sample:photo", storage=str(tmp_path / "s.db"), **given)


@pytest.fixture(autouse=True)
def warnings_are_said_again():
    warn_once.cache_clear()


class Began(Receiver):
    """Notes which trials begin, and which end."""

    def __init__(self):
        self.events = []

    def began(self, trial):
        self.events.append(("began", trial.ensemble.width))

    def finished(self, result):
        self.events.append(("finished", result.trial.ensemble.width))


def test_the_observer_of_a_call_is_told_which_trials_begin(tmp_path):
    heard = Began()
    search(tmp_path, observer=heard, observers=[Note()])
    assert sorted(heard.events) == [(e, w) for e in ("began", "finished") for w in (4, 6)]


def test_an_observer_hears_a_whole_search(tmp_path):
    note = Note()
    found = search(tmp_path, observers=note, strategy="exhaustive", racing=False)
    assert note.events[0] == ("search", found.study)
    assert note.events[-1] == ("end", "finished")
    assert {width for kind, width in note.events if kind == "trial"} == {4, 6}
    assert {width for kind, width in note.events if kind == "result"} == {4, 6}
    assert note.start.spec == found.spec
    assert note.end.best == found.best
    assert note.progress.done == 1


def test_observers_change_neither_the_study_nor_its_results(tmp_path):
    alone = search(tmp_path / "a", observers=())
    told = search(tmp_path / "b", observers=[Note()], observer_options=None)
    assert told.study == alone.study
    assert told.spec == alone.spec
    assert [t.psnr_db for t in told.trials] == [t.psnr_db for t in alone.trials]


def test_one_that_fails_is_left_out_after_one_warning(tmp_path, caplog):
    failing, note = Failing(), Note()
    with caplog.at_level(logging.WARNING, logger="enas_inr"):
        found = search(tmp_path, observers=[failing, note], strategy="exhaustive", racing=False)
    assert [kind for kind, _ in failing.events].count("result") == 1
    assert failing.events[-1][0] == "result"
    assert note.events[-1] == ("end", "finished")
    said = [record.getMessage() for record in caplog.records if "observer" in record.getMessage()]
    assert said == ["observer 'Failing' is left out from now on: OSError: the disk is full"]
    assert found.best.psnr_db is not None


def test_an_interrupted_search_is_told_to_have_stopped(tmp_path):
    class Interrupting(Receiver):
        def finished(self, result: TrialResult) -> None:
            raise KeyboardInterrupt

    note = Note()
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, observers=[note], observer=Interrupting())
    assert note.events[-1] == ("end", "stopped")
    assert note.end.best is None


def test_an_observer_hears_a_fit_and_its_metrics(tmp_path):
    note = Note()
    settings: dict[str, Any] = {"size": "12", "grid": 2, "width": 4, "training": {"steps": 2}}
    made = enas_inr.fit("sample:photo", output=tmp_path / "m.inr", observers=[note], **settings)
    assert note.events == [("fit", "m.inr"), ("fitted", "finished")]
    assert dict(note.end.metrics) == made.metrics
    with pytest.raises(TypeError):
        note.end.metrics["psnr_db"] = 99
    stopped = Note()
    enas_inr.fit(
        "sample:photo",
        output=tmp_path / "n.inr",
        observers=[stopped],
        should_stop=lambda: True,
        **settings,
    )
    assert stopped.events == [("fit", "n.inr"), ("fitted", "stopped")]


def test_an_observer_hears_of_a_fit_that_fails(tmp_path):
    note = Note()
    with pytest.raises(enas_inr.errors.TrainingError):
        enas_inr.fit(
            "sample:photo", size="12", grid=2, width=4, steps=3, learning_rate=1e38,
            output=tmp_path / "m.inr", observers=[note],
        )  # fmt: skip
    assert note.events[-1] == ("fitted", "failed")
    assert "diverged" in note.end.message


def test_make_tells_of_its_search_and_its_fit(tmp_path):
    note = Note()
    enas_inr.make(
        "sample:photo", output=tmp_path / "m.inr", storage=str(tmp_path / "s.db"), observers=[note],
        widths=[4], floor_db=-99, **TINY,
    )  # fmt: skip
    kinds = [kind for kind, _ in note.events]
    assert [kind for kind in kinds if kind in ("search", "end", "fit", "fitted")] == [
        "search", "end", "fit", "fitted",
    ]  # fmt: skip


def test_what_is_no_observer_or_no_option_of_one_is_refused(tmp_path):
    with pytest.raises(SpecError, match="unknown observer 'jsonn'"):
        search(tmp_path, observers="jsonn")
    with pytest.raises(SpecError, match="3 is not an observer"):
        search(tmp_path, observers=[3])
    with pytest.raises(SpecError, match="no observer has an option 'pth'"):
        search(tmp_path, observers="jsonl", observer_options={"pth": "x"})
    with pytest.raises(SpecError, match="no observer has an option 'path'"):
        search(tmp_path, observer_options={"path": "x"})


def test_the_command_line_names_observers_and_their_options(tmp_path, capsys):
    path = tmp_path / "events"
    told = ["--observer", "jsonl", "--observer-option"]
    signal = ["sample:photo", "--size", "12", "--grid", "2", "--steps", "2"]
    searched = ["--widths", "4", "--depths", "1", "--repeats", "1", "--floor", "-99", "--quiet"]
    storage = ["--storage", str(tmp_path / "s.db")]
    assert run(["search", *signal, *searched, *storage, *told, f"path={path}"]) == 0
    fitted = ["--width", "4", "-o", str(tmp_path / "m.inr"), "--quiet"]
    assert run(["fit", *signal, *fitted, *told, f"jsonl.path={path}"]) == 0
    events = [json.loads(line)["event"] for line in path.read_text().splitlines()]
    assert events[0] == "search_started"
    assert events[-1] == "fit_ended"
    capsys.readouterr()


def test_a_fit_of_many_signals_refuses_observers(tmp_path):
    with pytest.raises(SpecError, match="observers do not apply"):
        enas_inr.fit_many(["sample:photo"], output=tmp_path, observers="jsonl")
