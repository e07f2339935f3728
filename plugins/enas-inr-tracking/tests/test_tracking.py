"""What the observers write is read back by the libraries' own readers."""

import sys
from typing import Any

import pytest
from enas_inr_tracking.options import MLflowOptions, TensorBoardOptions
from enas_inr_tracking.values import flat

import enas_inr
from enas_inr.errors import PluginError
from enas_inr.observers.base import SearchEnd
from enas_inr.result import best_of
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.testing import (
    ObserverSuite,
    installed,
    tell_fit,
    tell_search,
    toy_progress,
    toy_results,
    toy_search_end,
    toy_search_start,
)

TINY: dict[str, Any] = {
    "size": "12",
    "grid": 2,
    "widths": [4, 6],
    "depths": [1],
    "repeats": 1,
    "steps": 2,
}


@pytest.fixture
def tensorboard(tmp_path):
    """Return a function that makes an observer, and one that reads the run in a folder."""
    pytest.importorskip("tensorboard")
    from enas_inr_tracking.event_files import TensorBoard
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(*folder):
        run = EventAccumulator(str(tmp_path.joinpath("runs", *folder)))
        run.Reload()
        return run

    options = TensorBoardOptions(folder=str(tmp_path / "runs"), every=0)
    return lambda: TensorBoard(options), read


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """Return a function that makes an observer, and one that reads all runs."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from enas_inr_tracking.runs import MLflow
    from mlflow.tracking import MlflowClient

    uri = (tmp_path / "mlruns").as_uri()

    def read():
        client = MlflowClient(tracking_uri=uri)
        (experiment,) = client.search_experiments(filter_string="name = 'enas-inr'")
        return client, list(client.search_runs([experiment.experiment_id]))

    return lambda: MLflow(MLflowOptions(uri=str(tmp_path / "mlruns"), every=0)), read


def scalars(run, tag):
    return {event.step: event.value for event in run.Scalars(tag)}


class TestTensorBoard(ObserverSuite):
    @pytest.fixture
    def plugin(self):
        pytest.importorskip("tensorboard")
        return installed("observer", "tensorboard")


class TestMLflow(ObserverSuite):
    @pytest.fixture
    def plugin(self):
        pytest.importorskip("mlflow")
        return installed("observer", "mlflow", uri="mlruns")


def test_a_search_has_scalars_by_trial_and_a_curve_for_each(tensorboard):
    make, read = tensorboard
    results = toy_results()[:3]
    tell_search(make(), results)
    search = read("toy")
    assert scalars(search, "trials/psnr_db") == pytest.approx(
        {number: result.psnr_db for number, result in enumerate(results)}
    )
    scores = [result.score or 0.0 for result in results]
    best = [max(scores[: n + 1]) for n in range(3)]
    assert scalars(search, "trials/best_score") == pytest.approx(dict(enumerate(best)))
    trial = read("toy", "0000 siren M=8 d=1 w=8")
    expected = {step: psnr + PSNR_OFFSET_DB for step, psnr in ((1, 5.0), (100, 15.0), (500, 25.0))}
    assert scalars(trial, "psnr_db") == pytest.approx(expected)
    assert scalars(trial, "loss")[100] == pytest.approx(10**-1.5)
    assert list(scalars(trial, "live/psnr_db")) == [250, 500]


def test_trials_compare_in_the_table_of_hyperparameters(tensorboard):
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    make, read = tensorboard
    (result,) = toy_results()[:1]
    tell_search(make(), [result])
    trial = read("toy", "0000 siren M=8 d=1 w=8")
    content = trial.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    found = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert found["width"].number_value == 8
    assert found["depth"].number_value == 1
    assert found["backbone"].string_value == "siren"
    assert found["status"].string_value == "complete"
    assert scalars(trial, "final/score") == pytest.approx({500: result.score})


def test_a_trial_that_comes_again_has_a_folder_of_its_own(tensorboard, tmp_path):
    make, _ = tensorboard
    tell_search(make(), toy_results()[:1])
    tell_search(make(), toy_results()[:1])
    names = sorted(path.name for path in (tmp_path / "runs" / "toy").iterdir() if path.is_dir())
    assert names == ["0000 siren M=8 d=1 w=8", "0000 siren M=8 d=1 w=8 (2)"]


def test_the_name_of_a_study_stays_inside_the_folder(tensorboard, tmp_path):
    from dataclasses import replace

    make, _ = tensorboard
    told = make()
    told.search_started(replace(toy_search_start(), study="../../outside/x"))
    told.search_ended(toy_search_end([]))
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["_.._outside_x"]


def test_a_fit_is_a_run_with_its_metrics(tensorboard):
    make, read = tensorboard
    tell_fit(make())
    run = read("fit toy")
    assert scalars(run, "live/psnr_db") == pytest.approx(
        {250: 15 + PSNR_OFFSET_DB, 500: 30 + PSNR_OFFSET_DB}
    )
    assert scalars(run, "final/bytes") == {500: 1234}


def test_trials_are_runs_inside_that_of_the_search(mlflow):
    make, read = mlflow
    results = toy_results()[:2]
    tell_search(make(), results)
    client, runs = read()
    (search,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    trials = sorted((r for r in runs if r is not search), key=lambda r: r.data.params["width"])
    assert search.info.run_name == "toy"
    assert search.info.status == "FINISHED"
    assert search.data.params["signal.modality"] == "image"
    best = best_of(results)
    assert best is not None
    assert search.data.tags["enas_inr.best"] == best.trial.configuration.label()
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {search.info.run_id}
    assert {run.data.tags["enas_inr.trial"] for run in trials} == {"0", "1"}
    by_trial = client.get_metric_history(search.info.run_id, "psnr_db")
    assert {m.step: m.value for m in by_trial} == dict(enumerate(r.psnr_db for r in results))
    curve = client.get_metric_history(trials[0].info.run_id, "psnr_db")
    assert {m.step: round(m.value - PSNR_OFFSET_DB) for m in curve} == {1: 5, 100: 15, 500: 25}
    assert trials[0].data.metrics["final/flops"] in {r.trial.cost.flops for r in results}


def test_a_search_that_is_continued_goes_on_in_its_run(mlflow):
    make, read = mlflow
    results = toy_results()[:2]
    tell_search(make(), results[:1])
    tell_search(make(), results[1:], known=1)
    client, runs = read()
    (search,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(runs) == 3
    steps = {m.step for m in client.get_metric_history(search.info.run_id, "score")}
    assert steps == {0, 1}


def test_runs_end_with_the_state_of_their_trial(mlflow):
    make, read = mlflow
    first, second, third, *_ = toy_results()
    failed = second.model_copy(update={"status": "failed", "score": None, "message": "no memory"})
    told = make()
    told.search_started(toy_search_start())
    for result in (first, second, third):
        told.trial_started(result.trial)
    told.trial_progressed(third.trial, toy_progress(2, 0.5))
    told.trial_finished(first)
    told.trial_finished(failed)
    told.search_ended(SearchEnd("stopped", "time is up", first, 1.0))
    _, runs = read()
    states = {run.info.run_name: run.info.status for run in runs}
    labels = [result.trial.configuration.label() for result in (first, second, third)]
    assert [states[label] for label in labels] == ["FINISHED", "FAILED", "KILLED"]
    assert states["toy"] == "KILLED"


def test_a_fit_has_its_settings_and_its_metrics(mlflow):
    make, read = mlflow
    tell_fit(make())
    _, (run,) = read()
    assert run.info.run_name == "fit toy"
    assert run.data.params["width"] == "8"
    assert run.data.metrics["final/psnr_db"] == 31.0
    assert run.info.status == "FINISHED"


def test_a_database_holds_the_runs_of_a_search_and_of_its_model(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)
    found = enas_inr.search(
        "sample:photo", storage="s.db", floor_db=-99, observers=["mlflow"], **TINY
    )
    enas_inr.fit("sample:photo", study=found.study, storage="s.db", size="12", observers=["mlflow"])
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = client.search_experiments(filter_string="name = 'enas-inr'")
    runs = client.search_runs([experiment.experiment_id])
    names = [run.info.run_name for run in runs]
    assert {found.study, "fit photo"} <= set(names)
    assert len(names) == len(found.trials) + 2
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_what_cannot_be_used_is_one_line(tmp_path):
    pytest.importorskip("mlflow")
    with pytest.raises(PluginError, match=r"cannot use experiment 'enas-inr'.*nonsense") as caught:
        installed("observer", "mlflow", uri="nonsense://x").create()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "module", "missing"),
    [
        ("tensorboard", "enas_inr_tracking.files", "torch.utils.tensorboard"),
        ("mlflow", "enas_inr_tracking.client", "mlflow.entities"),
    ],
)
def test_without_its_library_it_says_what_to_install(monkeypatch, name, module, missing):
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(PluginError, match=f"pip install 'enas-inr-tracking\\[{name}\\]'"):
        installed("observer", name).create()


def test_nested_settings_have_names_with_dots():
    settings = {"a": {"b": 1, "c": None}, "d": [1, 2], "e": {}}
    assert flat(settings) == {"a.b": 1, "d": "[1, 2]", "e": "{}"}
