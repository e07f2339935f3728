import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import optuna
import pytest
from optuna.trial import TrialState

from enas_inr.errors import StudyError
from enas_inr.result import Curve, RepeatResult, TrialResult, TrialStatus
from enas_inr.spec import (
    Axis,
    Cost,
    EnsembleSpec,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
    TrialSpec,
)
from enas_inr.studies.reading import read_study
from enas_inr.studies.storage import storage_url
from enas_inr.studies.store import Store
from enas_inr.studies.trials import SPEC_ATTRIBUTE

SPEC = StudySpec(
    signal=SignalInfo(name="photo", modality="image", shape=(16, 16), channels=3),
    space=SearchSpace(
        base=EnsembleSpec(grid=2),
        axes=(Axis(name="width", values=(4, 8, 16)), Axis(name="depth", values=(1, 2))),
    ),
)

OWNER = """
import sys
from enas_inr.result import TrialResult
from enas_inr.spec import StudySpec
from enas_inr.studies.store import Store

name, spec, storage, *results = sys.argv[1:]
with Store(name, StudySpec.model_validate_json(spec), storage) as store:
    for result in results:
        store.add(TrialResult.model_validate_json(result))
    print("owned", flush=True)
    sys.stdin.read()
"""


def trial(number, width=4, depth=1):
    return TrialSpec(
        number=number,
        ensemble=EnsembleSpec(grid=2, width=width, depth=depth, options={"omega_first": 30.0}),
        cost=Cost(flops=1000 * width, parameters=10 * width, bytes=40 * width),
        training=TrainingSpec(),
        repeats=2,
        seed=0,
    )


def complete(number, **sizes):
    repeats = tuple(
        RepeatResult(status=TrialStatus.COMPLETE, steps=4, psnr_paper_db=psnr, best_step=4)
        for psnr in (30.0, 31.0)
    )
    return TrialResult(
        trial=trial(number, **sizes),
        status=TrialStatus.COMPLETE,
        repeats=repeats,
        curve=Curve(steps=(2, 4), psnr_paper_db=((10.0, 30.0), (11.0, 31.0))),
        score=-12.5,
        seconds=1.23456,
        device="cpu",
        versions={"torch": "2"},
    )


def diverged(number, **sizes):
    repeats = (
        RepeatResult(status=TrialStatus.COMPLETE, steps=4, psnr_paper_db=30.0, best_step=4),
        RepeatResult(status=TrialStatus.DIVERGED, steps=2, diverged_at=2),
    )
    return TrialResult(
        trial=trial(number, **sizes),
        status=TrialStatus.DIVERGED,
        repeats=repeats,
        curve=Curve(steps=(2, 4), psnr_paper_db=((10.0, 30.0), (None, None))),
        message="repeat 1: the loss of cell 3 was not finite at step 2",
    )


def failed(number, **sizes):
    return TrialResult(
        trial=trial(number, **sizes), status=TrialStatus.FAILED, message="RuntimeError: no memory"
    )


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """Making the tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "runs.db")
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(params=["sqlite", "journal"])
def storage(request, tmp_path, monkeypatch):
    if request.param == "sqlite":
        return request.getfixturevalue("database")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where its lock lies
    return f"journal:{tmp_path}/runs.log"


def plain_optuna(storage, name="s"):
    """The study as somebody sees it who does not have enas-inr."""
    if storage.startswith("journal:"):
        backend = optuna.storages.journal.JournalFileBackend(storage.removeprefix("journal:"))
        storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name=name, storage=storage)


@contextmanager
def other_process(storage, *results):
    """A process that has written these results and owns the study until its stdin is closed."""
    texts = [result.model_dump_json() for result in results]
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, "s", SPEC.model_dump_json(), storage, *texts],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": tempfile.gettempdir()},
    ) as process:
        try:
            assert process.stdout.readline() == "owned\n"
            yield process
        finally:
            process.kill()


def refused(name, spec, storage):
    """The message of the StudyError with which a study is refused."""
    with pytest.raises(StudyError) as caught, Store(name, spec, storage):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("make", [complete, diverged, failed])
def test_a_result_comes_back_as_it_was_written(storage, make):
    with Store("s", SPEC, storage) as store:
        store.add(make(0))
        assert store.results() == [make(0)]
    with Store("s", SPEC, storage) as store:
        assert store.results() == [make(0)]


def test_a_new_study_has_no_results(storage):
    with Store("s", SPEC, storage) as store:
        assert store.results() == []


def test_a_study_that_is_continued_keeps_its_order(storage):
    results = [
        complete(0, width=16),
        failed(1, width=4),
        diverged(2, width=8),
        complete(3, depth=2),
    ]
    for result in results:
        with Store("s", SPEC, storage) as store:
            store.add(result)
    with Store("s", SPEC, storage) as store:
        assert store.results() == results
    assert [t.number for t in plain_optuna(storage).trials] == [0, 1, 2, 3]


def test_plain_optuna_reads_a_complete_trial(storage):
    with Store("s", SPEC, storage) as store:
        store.add(complete(0, width=8, depth=2))
    study = plain_optuna(storage)
    (row,) = study.trials
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert row.state == TrialState.COMPLETE
    assert row.params == {"width": 8, "depth": 2}
    assert row.distributions["width"].choices == (4, 8, 16)
    assert row.value == study.best_value == -12.5
    assert row.intermediate_values == {2: 10.5, 4: 30.5}
    assert row.duration.total_seconds() == pytest.approx(1.23456)
    readable = row.user_attrs
    assert readable["architecture"] == "siren M=2 d=2 w=8"
    assert readable["status"] == "complete"
    assert readable["psnr_paper_db"] == 30.5
    assert readable["psnr_db"] == pytest.approx(36.5206, abs=1e-4)
    assert readable["psnr_db_repeats"] == pytest.approx([36.0206, 37.0206], abs=1e-4)
    assert (readable["flops"], readable["parameters"], readable["bytes"]) == (8000, 80, 320)
    assert (readable["seconds"], readable["device"]) == (1.235, "cpu")
    assert readable["versions"] == {"torch": "2"}


@pytest.mark.parametrize(
    ("make", "state"), [(diverged, TrialState.PRUNED), (failed, TrialState.FAIL)]
)
def test_plain_optuna_reads_why_a_trial_has_no_value(storage, make, state):
    with Store("s", SPEC, storage) as store:
        store.add(make(0, width=16))
    (row,) = plain_optuna(storage).trials
    assert (row.state, row.value, row.intermediate_values) == (state, None, {})
    assert row.params == {"width": 16, "depth": 1}
    assert row.user_attrs["status"] == make(0).status.value
    assert row.user_attrs["message"] == make(0).message
    assert row.user_attrs["psnr_db"] is None


def test_there_is_one_row_for_a_trial_and_none_is_running(storage):
    results = [complete(0), diverged(1), failed(2)]
    with Store("s", SPEC, storage) as store:
        for count, result in enumerate(results, start=1):
            store.add(result)
            rows = plain_optuna(storage).trials
            assert len(rows) == count
            assert all(row.state.is_finished() for row in rows)


def test_a_curve_with_gaps_is_stored_where_all_repeats_are_known(database):
    curve = Curve(steps=(1, 2), psnr_paper_db=((1.0, 2.0), (None, 4.0)))
    with Store("s", SPEC, database) as store:
        store.add(complete(0).model_copy(update={"curve": curve}))
    assert plain_optuna(database).trials[0].intermediate_values == {2: 3.0}


def test_plain_optuna_sees_several_objectives_and_their_front(storage):
    spec = SPEC.model_copy(update={"objectives": ("psnr", "flops")})
    results = [complete(0, width=8), diverged(1), failed(2), complete(3, width=4)]
    with Store("s", spec, storage) as store:
        for result in results:
            store.add(result)
    study = plain_optuna(storage)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["psnr", "flops"]
    assert study.trials[0].values == [results[0].psnr_db, 8000]
    assert study.trials[0].intermediate_values == {2: 10.5, 4: 30.5}
    assert [row.number for row in study.best_trials] == [3]
    assert read_study("s", storage) == (spec, results)
    message = refused("s", SPEC, storage)
    assert "objectives: -, not ['psnr', 'flops']" in message


def test_two_studies_share_a_storage(storage):
    with Store("one", SPEC, storage) as one, Store("two", SPEC, storage) as two:
        one.add(complete(0))
        assert two.results() == []


def test_the_settings_of_a_study_are_read_without_owning_it(storage):
    with Store("photo-8", SPEC, storage):
        assert read_study("photo-8", storage)[0] == SPEC
    with pytest.raises(StudyError, match=r"no study 'photo-9' in .*; did you mean 'photo-8'"):
        read_study("photo-9", storage)


def test_a_study_with_other_settings_is_refused_and_every_difference_listed(storage):
    with Store("s", SPEC, storage) as store:
        store.add(complete(0))
    other = SPEC.model_copy(update={"repeats": 3, "training": TrainingSpec(steps=7)})
    message = refused("s", other, storage)
    assert "has other settings than asked for" in message
    assert "repeats: 3, not 5; training.steps: 7, not 500; " in message
    assert "choose another --study" in message
    with Store("s", SPEC, storage) as store:
        assert store.results() == [complete(0)]


def test_a_study_that_another_process_owns_is_refused_until_that_ends(storage):
    with other_process(storage, complete(0)) as process:
        message = refused("s", SPEC, storage)
        assert "study 's' in " in message
        assert "is in use by another process" in message
        with Store("another", SPEC, storage):
            pass
        process.stdin.close()
        assert process.wait() == 0
        with Store("s", SPEC, storage) as store:
            assert store.results() == [complete(0)]


def test_an_owner_that_is_killed_leaves_its_results_and_no_lock(storage):
    with other_process(storage, complete(0), failed(1)) as process:
        process.kill()
        process.wait()
        with Store("s", SPEC, storage) as store:
            assert store.results() == [complete(0), failed(1)]
            store.add(diverged(2))
    states = [row.state for row in plain_optuna(storage).trials]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED]


def test_a_file_has_one_owner_however_it_is_written(tmp_path, monkeypatch, database):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "link.db").symlink_to("runs.db")
    with other_process(database):
        for written in ("runs.db", "./x/../runs.db", "link.db", "sqlite:///runs.db"):
            assert "is in use by another process" in refused("s", SPEC, written)


def test_a_study_is_free_again_after_an_error_in_it(database):
    with pytest.raises(ZeroDivisionError), Store("s", SPEC, database):
        raise ZeroDivisionError
    refused("s", SPEC.model_copy(update={"repeats": 3}), database)
    with Store("s", SPEC, database) as store:
        assert store.results() == []


def test_a_path_alone_is_an_sqlite_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage_url("runs.db") == "sqlite:///runs.db"
    assert storage_url("postgresql://host/db") == "postgresql://host/db"
    with Store("s", SPEC, "runs.db") as store:
        store.add(complete(0))
    assert len(plain_optuna(f"sqlite:///{tmp_path}/runs.db").trials) == 1


def test_a_storage_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locks").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "locks"))
    with Store("s", SPEC, "sqlite:///:memory:") as store:
        store.add(complete(0))
        assert store.results() == [complete(0)]
    assert os.listdir(tmp_path) == ["locks"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{folder}/file/runs.db",
        "{folder}/file/runs.db",
        "sqlite:///{folder}",
        "sqlite:///{folder}/file",
        "journal:{folder}/file",
        "nonsense:runs",
        "nonsense://host/runs",
        "mysql+nodriver://host/runs",
        "sqlite:///",
        "journal:",
        "",
        "a\0b.db",
    ],
)
def test_a_storage_that_cannot_be_used_is_refused_in_one_line(tmp_path, monkeypatch, url):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("these are my notes, and no database at all\n" * 100)
    message = refused("s", SPEC, url.format(folder=tmp_path))
    assert message.startswith("storage ")
    assert "cannot be used: " in message
    assert message.endswith("give a writable one, such as --storage sqlite:///enas-inr.db")


def test_a_text_file_is_not_changed(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("these are my notes, and no database at all\n" * 100)
    before = notes.read_bytes()
    refused("s", SPEC, str(notes))
    assert notes.read_bytes() == before


@pytest.mark.parametrize(
    ("directions", "trials"),
    [(["maximize"], 1), (["minimize"], 0), (["maximize", "maximize"], 0)],
    ids=["with-a-trial", "minimises", "two-objectives"],
)
def test_a_study_of_somebody_else_is_refused_and_left_alone(database, directions, trials):
    foreign = optuna.create_study(storage=database, study_name="s", directions=directions)
    for _ in range(trials):
        foreign.add_trial(optuna.trial.create_trial(value=1.0))
    assert "was not made by enas-inr" in refused("s", SPEC, database)
    with pytest.raises(StudyError, match="was not made by enas-inr"):
        read_study("s", database)
    again = optuna.load_study(study_name="s", storage=database)
    assert SPEC_ATTRIBUTE not in again.user_attrs
    assert len(again.trials) == trials


def test_a_trial_that_somebody_else_added_is_refused(database):
    with Store("s", SPEC, database) as store:
        plain_optuna(database).add_trial(optuna.trial.create_trial(value=1.0))
        with pytest.raises(StudyError, match="trial 0 was not written by enas-inr"):
            store.results()


def test_a_result_outside_the_space_is_refused_and_nothing_written(database):
    with Store("s", SPEC, database) as store:
        with pytest.raises(StudyError, match=r"cannot be used: '?5'? not in"):
            store.add(complete(0, width=5))
        assert store.results() == []


def test_the_settings_are_readable_in_the_study(database):
    with Store("s", SPEC, database):
        text = plain_optuna(database).user_attrs[SPEC_ATTRIBUTE]
    assert json.loads(text)["signal"]["name"] == "photo"


def test_optuna_says_as_much_after_a_study_as_before(database, capfd):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with Store("s", SPEC, database) as store:
        store.add(complete(0))
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
