"""The pictures of trials, which are stored next to the storage."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from optuna.artifacts import FileSystemArtifactStore, download_artifact, get_all_artifact_meta

import enas_inr
from enas_inr.errors import StudyError
from enas_inr.executors import local
from enas_inr.executors import trial as conversion
from enas_inr.executors.base import ExecutionContext, given
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.loading import load_signal
from enas_inr.signals.previews import picture_of, pixels_of
from enas_inr.signals.signal import Signal
from enas_inr.studies import pictures
from enas_inr.studies import store as store_module
from enas_inr.studies.known import known_trials
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.search import run_study
from enas_inr.studies.store import Store
from enas_inr.studies.trials import frozen_trial
from enas_inr.training.evaluate import evaluate
from enas_inr.training.trainer import train
from tests.optuna_studies import plain_optuna
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


def artifacts(folder, owner, study):
    """Return the pictures of a trial or study that plain Optuna finds: names, types, contents."""
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
    """Train a trial again and evaluate its first repeat, without an executor."""
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


def test_a_picture_is_passed_on_before_its_result_and_is_not_part_of_it(database):
    trials = [result.trial for result in search(database).trials]
    came = {}

    def keep(trial, picture):
        came[trial.number] = picture

    context = ExecutionContext(
        load_catalog(plugins=False), load(), "cpu", pictures=True, keep_picture=keep
    )
    fresh = next(local.LocalExecutor(context).run(given(trials)))
    assert came.keys() == {fresh.trial.number}
    assert came[fresh.trial.number].content.startswith(b"\x89PNG")
    assert "picture" not in json.loads(fresh.model_dump_json())
    _, known = read_study("s", database)
    assert [result.trial for result in known] == trials


def test_a_worker_sends_back_the_result_and_the_picture():
    wanting = ExecutionContext(load_catalog(plugins=False), load(), "cpu", pictures=True)
    trial = search("sqlite:///:memory:").trials[0].trial
    result, picture = local.train_trial(wanting, trial)
    assert (result.trial, present(picture).mimetype) == (trial, "image/png")
    again, nothing = local.train_trial(replace(wanting, pictures=False), trial)
    assert nothing is None
    assert again.repeats == result.repeats


def test_the_picture_of_a_known_trial_is_copied_and_never_read(storage, tmp_path, monkeypatch):
    first = search(storage)

    def read(picture):
        raise AssertionError(f"{picture} was read")

    monkeypatch.setattr(StoredPicture, "content", property(read))
    monkeypatch.setattr(local, "train", read)
    again = run_study(
        first.spec, load(), catalog=load_catalog(plugins=False), name="again", storage=storage,
        reuse=True,
    )  # fmt: skip
    assert [r.repeats for r in again.trials] == [r.repeats for r in first.trials]
    contents = [
        [content for row in study.trials for _, _, content in artifacts(tmp_path, row, study)]
        for study in (plain_optuna(storage), plain_optuna(storage, "again"))
    ]
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2
    originals, found = find_pictures("again", storage)
    original = originals.get(0)
    assert not {picture.path for picture in found.values()} & {
        picture.path for picture in find_pictures("s", storage)[1].values()
    }
    assert present(original).path.is_file()


def test_a_known_trial_without_its_picture_file_has_no_picture(database):
    first = search(database)
    look_up = known_trials([first.spec.signal], database)
    known = present(look_up(first.trials[0].trial))
    present(known.picture).path.unlink()
    with Store("again", first.spec, database) as store:
        store.add(known.result, known.picture)
    assert find_pictures("again", database) == ({}, {})
    assert look_up(first.trials[0].trial.model_copy(update={"seed": 99})) is None


def test_a_stored_picture_is_read_and_decoded_once(database, monkeypatch):
    search(database)
    originals, found = find_pictures("s", database)
    stored = originals.get(0)
    original = present(stored)
    calls = []

    def counted(content):
        calls.append(content)
        return pixels_of(content)

    monkeypatch.setattr(pictures, "pixels_of", counted)
    assert original.shape == (16, 16, 3)
    original.path.unlink()
    assert original.decoded is original.decoded
    assert len(calls) == 1
    found[1].path.unlink()
    assert found[1].decoded is None


def test_a_search_without_pictures_writes_none(database, tmp_path):
    plain = search(database, pictures=False)
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {"study.db"}
    assert all(not artifacts(tmp_path, row, study) for study in [plain_optuna(database)]
               for row in [study, *study.trials])  # fmt: skip
    with_pictures = search(f"journal:{tmp_path}/other.log")
    assert [r.repeats for r in plain.trials] == [r.repeats for r in with_pictures.trials]


@pytest.mark.parametrize("case", ["memory", "two colors"])
def test_no_pictures_are_made_if_they_cannot_be_stored(database, tmp_path, monkeypatch, case):
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


def test_a_trial_is_complete_even_if_its_picture_cannot_be_made(database, tmp_path, monkeypatch):
    def evaluate(*args):
        raise RuntimeError("a bug in a backbone")

    monkeypatch.setattr(conversion, "evaluate", evaluate)
    assert {result.status for result in search(database).trials} == {TrialStatus.COMPLETE}
    study = plain_optuna(database)
    assert not artifacts(tmp_path, study.trials[0], study)


def test_a_search_killed_between_a_picture_and_its_trial_leaves_nothing_wrong(
    storage, tmp_path, monkeypatch
):
    convert = frozen_trial
    calls = []

    def killed(*args, **named):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return convert(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "frozen_trial", killed)
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
    assert len(files) == 4  # one of them belongs to no trial


def test_a_folder_that_cannot_be_made_is_reported_in_one_line(database, tmp_path):
    (tmp_path / "study.db.artifacts").write_text("my notes")
    with pytest.raises(StudyError, match=r"cannot be used: .*study\.db\.artifacts") as caught:
        search(database)
    assert "\n" not in str(caught.value)
