"""Ray Tune as a strategy: trials are stopped early, and the store is the only record."""

import json
import signal
import subprocess
import sys

import pytest

import enas_inr
from enas_inr.errors import SpecError, TrainingError
from enas_inr.hookspecs import Backbone
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.result import TrialStatus
from tests.optuna_studies import plain_optuna

pytest.importorskip("ray")
STEPS, REPORTS = 60, 20


def search(folder, cluster, options=None, **changes):
    asked = {
        "strategy": "ray",
        "strategy_options": options,
        "widths": [8, 16],
        "depths": [1, 2],
        "size": 32,
        "grid": 4,
        "repeats": 2,
        "training": {"steps": STEPS},
        "storage": f"{folder}/study.db",
        "executor": "ray",
        "executor_options": {"address": cluster.address},
    }
    return enas_inr.search("sample:photo", **asked | changes)


def exhaustive(folder, cluster):
    local = {"executor": "local", "executor_options": None}
    return search(folder, cluster, {"racing": False}, strategy="exhaustive", **local)


@pytest.fixture(scope="module")
def expected(tmp_path_factory, cluster):
    return exhaustive(tmp_path_factory.mktemp("local"), cluster)


def psnr_by_key(result) -> dict[str, float]:
    return {t.key: t.psnr_db for t in result.trials if t.status is TrialStatus.COMPLETE}


def test_without_a_scheduler_tune_trains_what_every_search_trains(
    tmp_path, cluster, second_node, expected
):
    found = search(tmp_path, cluster, {"scheduler": "none"})
    assert psnr_by_key(found) == pytest.approx(psnr_by_key(expected), abs=0.01)
    assert found.best.key == expected.best.key


@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "median", "pbt"])
def test_each_scheduler_ends_with_a_winner_and_one_row_an_architecture(
    tmp_path, cluster, expected, scheduler
):
    """With one worker, since the stopped trials depend on the order of the reports."""
    one = {"address": cluster.address, "workers": 1}
    options = {"scheduler": scheduler, "grace_steps": 6}
    found = search(tmp_path, cluster, options, executor_options=one)
    assert len({trial.key for trial in found.trials}) == len(found.trials) <= 4
    for trial in found.trials:
        assert trial.status in (TrialStatus.COMPLETE, TrialStatus.STOPPED)
        steps = {repeat.steps for repeat in trial.repeats}
        assert (steps == {STEPS}) == (trial.status is TrialStatus.COMPLETE)
    if scheduler != "pbt":  # which changes learning rates
        known = psnr_by_key(expected)
        for key, psnr in psnr_by_key(found).items():
            assert psnr == pytest.approx(known[key], abs=0.01)
    if scheduler == "asha":
        stopped = [t for t in found.trials if t.status is TrialStatus.STOPPED]
        assert stopped
        assert all("steps, at" in trial.message for trial in stopped)
    study = plain_optuna(f"sqlite:///{tmp_path}/study.db", found.study)
    assert {t.state.name for t in study.trials} <= {"COMPLETE", "PRUNED"}


def test_its_searcher_may_learn_and_it_tries_no_more_than_it_was_asked_to(tmp_path, cluster):
    found = search(tmp_path, cluster, {"searcher": "optuna", "scheduler": "none", "trials": 3})
    assert len({trial.key for trial in found.trials}) == 3


@pytest.mark.parametrize("deaths", [1, 9])
def test_a_trial_whose_worker_dies_goes_on_but_not_for_ever(tmp_path, cluster, deaths):
    described = Backbone(
        name="deadly", summary="", target="deadly:Deadly", options="deadly:DeadlyOptions"
    )
    provider = Provider(described, Origin("deadly", "1", "deadly"))
    marks = tmp_path / "marks"
    marks.mkdir()
    found = search(
        tmp_path,
        cluster,
        {"scheduler": "none", "retries": 1},
        backbone="deadly",
        backbone_options={"folder": str(marks), "deaths": deaths},
        catalog=Catalog((*load_catalog(plugins=False).providers, provider), ()),
        widths=[8, 16],
        depths=[1],
    )
    statuses = {trial.trial.ensemble.width: trial.status.value for trial in found.trials}
    assert statuses == {8: "complete", 16: "complete" if deaths == 1 else "failed"}


def test_a_plugin_that_breaks_its_contract_on_a_worker_is_named(tmp_path, cluster):
    described = Backbone(name="wrong", summary="", target="wrong:Wrong")
    provider = Provider(described, Origin("wrong-plugin", "2.1", "wrong"))
    named = r"it said: backbone 'wrong' of wrong-plugin 2\.1: forward returned shape"
    with pytest.raises(TrainingError, match=named):
        search(
            tmp_path,
            cluster,
            {"scheduler": "none", "retries": 1},
            backbone="wrong",
            catalog=Catalog((*load_catalog(plugins=False).providers, provider)),
            widths=[8],
            depths=[1],
        )


def test_it_needs_the_executor_ray(tmp_path, cluster):
    with pytest.raises(SpecError, match="--executor ray"):
        search(tmp_path, cluster, executor="local", executor_options=None)


KILLED = """
import os, signal, sys
import enas_inr.executors.ray.tuner as tuner
moment, reports = int(sys.argv.pop(1)), 0
before = tuner._Record.reported

def reported(self, result):
    global reports
    reports += 1
    if reports == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    before(self, result)

tuner._Record.reported = reported
from enas_inr.cli.main import run
code = run(sys.argv[1:])
print("reports", reports, file=sys.stderr)
sys.exit(code)
"""


def drive(folder, cluster, moment: int):
    line = (
        "search sample:photo --size 32 --grid 4 --widths 8,16 --depths 1,2 --repeats 2 "
        f"--steps {STEPS} --strategy ray --strategy-option scheduler=none "
        f"--ray-address {cluster.address} --storage {folder}/study.db --json"
    )
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(moment), *line.split()],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_killed_search_goes_on_where_it_was(tmp_path, cluster, second_node, expected):
    killed = drive(tmp_path, cluster, 33)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = drive(tmp_path, cluster, -1)
    assert done.returncode == 0, done.stderr
    left = int(done.stderr.split()[-1])
    assert left <= 4 * REPORTS - 32  # reported steps are not trained again
    best = json.loads(done.stdout)["best"]
    assert best["psnr_db"] == pytest.approx(expected.best.psnr_db, abs=0.01)
    study = json.loads(done.stdout)["study"]
    trials = plain_optuna(f"sqlite:///{tmp_path}/study.db", study).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 4
