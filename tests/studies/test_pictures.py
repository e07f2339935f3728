"""The pictures of a search's trials, beside its storage."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.artifacts import FileSystemArtifactStore, download_artifact, get_all_artifact_meta

import enas_inr
from enas_inr.errors import StudyError
from enas_inr.executors import local
from enas_inr.executors import trial as conversion
from enas_inr.executors.base import ExecutionContext
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.loading import load_signal
from enas_inr.signals.picture import picture_of
from enas_inr.signals.signal import Signal
from enas_inr.studies.reading import read_study
from enas_inr.training.evaluate import evaluate
from enas_inr.training.trainer import train
from tests.present import present

CPU = torch.device("cpu")
PHOTO = ("sample:photo", {"size": [16, 16]})
SETTINGS: dict[str, Any] = {
    "grid": 2,
    "widths": [4, 8],
    "depths": [1],
    "repeats": 2,
    "training": {"steps": 5},
    "study": "s",
}


def load(source=PHOTO):
    return load_signal(load_catalog(plugins=False), *source)


@pytest.fixture
def database(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "study.db")
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture(params=["sqlite", "journal"])
def storage(request, tmp_path):
    if request.param == "sqlite":
        return request.getfixturevalue("database")
    return f"journal:{tmp_path}/study.db"


def search(storage, signal=None, **settings):
    return enas_inr.search(signal or load(), **(SETTINGS | {"storage": storage} | settings))


def plain_optuna(storage):
    if storage.startswith("journal:"):
        backend = optuna.storages.journal.JournalFileBackend(storage.removeprefix("journal:"))
        storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name="s", storage=storage)


def artifacts(folder, owner, study):
    """What plain Optuna finds of a trial, or of the study itself: names, types and contents."""
    found = []
    for meta in get_all_artifact_meta(owner, storage=study._storage):
        path = folder / "downloaded"
        download_artifact(
            artifact_store=FileSystemArtifactStore(folder / "study.db.artifacts"),
            artifact_id=meta.artifact_id,
            file_path=str(path),
        )
        found.append((meta.filename, meta.mimetype, path.read_bytes()))
        path.unlink()
    return found


def reconstruction(signal, trial):
    """Train a trial again and evaluate its first repeat, apart from any executor."""
    context = ExecutionContext(load_catalog(plugins=False), signal)
    (job,) = conversion.make_jobs(context, [trial])
    (outcome,) = train([job], trial.training, CPU, keep_params=True)
    return replace(signal, values=evaluate(job, outcome.params, trial.training, 0))


def test_the_picture_of_a_trial_is_its_reconstruction(storage, tmp_path):
    result = search(storage)
    study = plain_optuna(storage)
    for trial, row in zip(result.trials, study.trials, strict=True):
        expected = present(picture_of(reconstruction(load(), trial.trial))).content
        name = f"reconstruction-{row.number}.png"
        assert artifacts(tmp_path, row, study) == [(name, "image/png", expected)]
    original = present(picture_of(load())).content
    assert artifacts(tmp_path, study, study) == [("original.png", "image/png", original)]


def test_the_sound_of_a_trial_is_its_reconstruction(database, tmp_path):
    values = torch.sin(torch.arange(200) / 9).unsqueeze(-1)
    tone = Signal(values, "audio", "tone", sample_rate=8000)
    result = search(database, tone)
    study = plain_optuna(database)
    expected = present(picture_of(reconstruction(tone, result.trials[1].trial))).content
    name = "reconstruction-1.wav"
    assert artifacts(tmp_path, study.trials[1], study) == [(name, "audio/wav", expected)]


def test_a_result_carries_its_picture_to_the_store_and_no_further(database):
    trials = [result.trial for result in search(database).trials]
    context = ExecutionContext(load_catalog(plugins=False), load(), "cpu", pictures=True)
    fresh = next(local.LocalExecutor(context).run(trials))
    assert present(fresh.picture).content.startswith(b"\x89PNG")
    assert "picture" not in json.loads(fresh.model_dump_json())
    assert "PNG" not in repr(fresh)
    assert all(result.picture is None for result in search(database).trials)
    _, known = read_study("s", database)
    assert [result.trial for result in known] == trials


def test_a_search_without_pictures_writes_none(database, tmp_path):
    plain = search(database, pictures=False)
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"study.db"}
    assert all(not artifacts(tmp_path, row, study) for study in [plain_optuna(database)]
               for row in [study, *study.trials])  # fmt: skip
    with_pictures = search(f"journal:{tmp_path}/other.log")
    assert [r.repeats for r in plain.trials] == [r.repeats for r in with_pictures.trials]


@pytest.mark.parametrize("case", ["memory", "two colors"])
def test_where_there_can_be_no_pictures_none_are_made(database, tmp_path, monkeypatch, case):
    def evaluate(*args):
        raise AssertionError("evaluated")

    monkeypatch.setattr(conversion, "evaluate", evaluate)
    monkeypatch.chdir(tmp_path)
    if case == "memory":
        search("sqlite:///:memory:")
    else:
        search(database, Signal(torch.zeros(4, 4, 4, 2), "volume", "mine"))
    assert not list(Path().glob("*artifacts"))


def test_a_trial_that_diverged_has_no_picture(database, tmp_path, monkeypatch):

    def spoilt(jobs, *args, **kwargs):
        if jobs[0].shape.width == 8:
            jobs = [replace(jobs[0], learning_rate=1e38)]
        return train(jobs, *args, **kwargs)

    monkeypatch.setattr(local, "train", spoilt)
    assert [r.status for r in search(database).trials] == ["complete", "diverged"]
    study = plain_optuna(database)
    assert [len(artifacts(tmp_path, row, study)) for row in study.trials] == [1, 0]


def test_a_trial_is_complete_though_its_picture_cannot_be_made(database, tmp_path, monkeypatch):
    def evaluate(*args):
        raise RuntimeError("a bug in a backbone")

    monkeypatch.setattr(conversion, "evaluate", evaluate)
    assert {result.status for result in search(database).trials} == {TrialStatus.COMPLETE}
    study = plain_optuna(database)
    assert not artifacts(tmp_path, study.trials[0], study)


def test_a_search_killed_between_a_picture_and_its_trial_leaves_nothing_wrong(
    storage, tmp_path, monkeypatch
):
    add = optuna.Study.add_trial
    calls = []

    def killed(self, trial):
        calls.append(trial)
        if len(calls) == 2:
            raise KeyboardInterrupt
        add(self, trial)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "add_trial", killed)
        with pytest.raises(KeyboardInterrupt):
            search(storage)
    (row,) = plain_optuna(storage).trials
    assert row.state.is_finished()
    search(storage)
    study = plain_optuna(storage)
    assert len(study.trials) == 2
    for owner in (study, *study.trials):
        assert len(artifacts(tmp_path, owner, study)) == 1
    files = list((tmp_path / "study.db.artifacts").iterdir())
    assert len(files) == 4  # one of them is nobody's


def test_a_folder_that_cannot_be_made_is_said_in_one_line(database, tmp_path):
    (tmp_path / "study.db.artifacts").write_text("my notes")
    with pytest.raises(StudyError, match=r"cannot be used: .*study\.db\.artifacts") as caught:
        search(database)
    assert "\n" not in str(caught.value)
