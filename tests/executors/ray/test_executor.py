"""The same search on a real cluster of two nodes, with failures in the middle of it."""

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

import enas_inr
from enas_inr.errors import SpecError, TrainingError
from enas_inr.executors.ray import pool as ray_pool
from enas_inr.hookspecs import Backbone
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.result import TrialResult
from enas_inr.signals.loading import load_signal
from enas_inr.studies.loop import Observer
from tests.optuna_studies import plain_optuna

ray = pytest.importorskip("ray")
WIDTHS, DEPTHS = [8, 16, 32], [1, 2]


def search(folder, cluster=None, observer=None, **changes):
    asked: dict[str, Any] = {
        "strategy": "exhaustive",
        "strategy_options": {"racing": False},
        "grid": 8,
        "widths": WIDTHS,
        "depths": DEPTHS,
        "size": 48,
        "repeats": 2,
        "training": {"steps": 60},
        "storage": f"{folder}/study.db",
    }
    if cluster:
        asked |= {"executor": "ray", "executor_options": {"address": cluster.address}}
    return enas_inr.search("sample:photo", **asked | changes, observer=observer)


def by_architecture(result) -> dict[str, TrialResult]:
    return {trial.key: trial for trial in result.trials}


def assert_equal(found, expected) -> None:
    ours, theirs = by_architecture(found), by_architecture(expected)
    assert ours.keys() == theirs.keys()
    assert len(found.trials) == len(expected.trials)
    for key, trial in ours.items():
        assert trial.status == theirs[key].status
        assert trial.psnr_db == pytest.approx(theirs[key].psnr_db, abs=0.01)
    assert found.best.key == expected.best.key


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return search(tmp_path_factory.mktemp("local"))


class AtTrial(Observer):
    """Calls a function after a number of trials, and records the messages."""

    def __init__(self, count: int = -1, action=lambda: None) -> None:
        self.left, self.action = count, action
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)

    def finished(self, result) -> None:
        self.left -= 1
        if self.left == 0:
            self.action()


def listed(cluster, function: str, **arguments):
    """Return the records of the cluster."""
    import ray.util.state

    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        return getattr(ray.util.state, function)(detail=True, limit=10_000, **arguments)
    finally:
        ray.shutdown()


def test_a_cluster_trains_the_same_trials_on_both_nodes_as_named_tasks(
    tmp_path, cluster, second_node, expected, monkeypatch
):
    monkeypatch.setattr(ray_pool, "LOOK_SECONDS", 0.02)
    start = ray_pool.Pool.__init__

    def start_and_wait(pool, *arguments):
        start(pool, *arguments)
        ray.get(list(pool._tasks))  # otherwise the first worker might train all trials

    monkeypatch.setattr(ray_pool.Pool, "__init__", start_and_wait)
    observer = AtTrial()
    before = {task.task_id for task in listed(cluster, "list_tasks")}
    assert_equal(search(tmp_path, cluster, observer), expected)
    assert any("2 workers with 1 CPU" in line for line in observer.lines)
    assert any("whoever can reach Ray's dashboard" in line for line in observer.lines)
    listed_tasks = [t for t in listed(cluster, "list_tasks") if t.task_id not in before]
    tasks = [task for task in listed_tasks if task.name.startswith("trial ")]
    # Progress queries are not counted as tasks.
    assert not any("progress" in task.name for task in listed_tasks)
    names = {trial.trial.ensemble.label() for trial in expected.trials}
    assert {task.name.split(" ", 2)[2] for task in tasks} == names
    assert len({task.node_id for task in tasks if task.state == "FINISHED"}) == 2
    pictures = list((tmp_path / "study.db.artifacts").iterdir())
    assert len(pictures) == 1 + len(expected.trials)  # the original's, and one of each trial
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_a_node_killed_in_the_middle_loses_no_trial(tmp_path, cluster, expected):
    node = cluster.add_node(num_cpus=1)
    observer = AtTrial(2, lambda: cluster.remove_node(node, allow_graceful=False))
    assert_equal(search(tmp_path, cluster, observer), expected)


@pytest.mark.parametrize("deaths", [1, 9])
def test_a_trial_whose_worker_dies_is_tried_again_but_not_for_ever(
    tmp_path, cluster, modules, deaths
):
    described = Backbone(
        name="deadly", summary="", target="deadly:Deadly", options="deadly:DeadlyOptions"
    )
    ours = load_catalog(plugins=False)
    provider = Provider(described, Origin("deadly", "1", "deadly"))
    marks = tmp_path / "marks"
    marks.mkdir()
    result = search(
        tmp_path,
        cluster,
        backbone="deadly",
        backbone_options={"folder": str(marks), "deaths": deaths},
        catalog=Catalog((*ours.providers, provider), ()),
        widths=[8, 16],
        depths=[1],
        executor_options={"address": cluster.address, "retries": 1},
    )
    statuses = {trial.trial.ensemble.width: trial.status.value for trial in result.trials}
    assert statuses == {8: "complete", 16: "complete" if deaths == 1 else "failed"}
    if deaths == 9:
        (failed,) = (trial for trial in result.trials if trial.status.value == "failed")
        assert "its worker died 2 times" in failed.message


def test_a_plugin_that_breaks_its_contract_on_a_worker_is_named(tmp_path, cluster, modules):
    described = Backbone(name="wrong", summary="", target="wrong:Wrong")
    provider = Provider(described, Origin("wrong-plugin", "2.1", "wrong"))
    named = r"it said: backbone 'wrong' of wrong-plugin 2\.1: forward returned shape"
    with pytest.raises(TrainingError, match=named):
        search(
            tmp_path,
            cluster,
            backbone="wrong",
            catalog=Catalog((*load_catalog(plugins=False).providers, provider)),
            widths=[8],
            depths=[1],
        )


def test_what_the_cluster_does_not_have_is_refused_at_once(tmp_path, cluster):
    # The cluster may still count nodes of earlier tests.
    with pytest.raises(
        SpecError, match=r"no room for .* in a cluster with \d nodes? \(1 CPU 0 GPU"
    ):
        search(tmp_path, cluster, executor_options={"address": cluster.address, "workers": 99})
    with pytest.raises(TrainingError, match="no Ray cluster at"):
        search(tmp_path, cluster, executor_options={"address": "127.0.0.1:1"})


SEARCH = (
    "search sample:photo --size 48 --strategy exhaustive --no-racing --grid 8 --widths 8,16,32 "
    "--depths 1,2 --repeats 2 --steps 60 --executor ray --json"
)
EVENTS = """
import os, signal, sys
import enas_inr.cli.progress as progress, enas_inr.studies.store as store
import enas_inr.executors.ray.pool as pool
left = int(sys.argv.pop(1))

def counted(owner, name):
    before = getattr(owner, name)
    def function(*arguments):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), getattr(signal, os.environ["HOW"]))
        return before(*arguments)
    setattr(owner, name, function)

counted(pool.Pool, "_assign")
counted(pool.Pool, "_take")
counted(store.Store, "add")
counted(progress.SearchProgress, "finished")
from enas_inr.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def drive(folder, cluster, killed_at: int, how: str = "SIGKILL"):
    """Run the command in a process that kills itself at an event of the search."""
    address = ["--ray-address", cluster.address, "--storage", f"{folder}/study.db"]
    return subprocess.run(
        [sys.executable, "-c", EVENTS, str(killed_at), *SEARCH.split(), *address],
        capture_output=True,
        text=True,
        env=os.environ | {"HOW": how},
        check=False,
    )


def assert_all_actors_end(cluster) -> None:
    """Wait until all workers are dead, which the cluster notices with a delay."""
    for _ in range(30):
        living = [a for a in listed(cluster, "list_actors") if a.state != "DEAD"]
        if not living:
            return
    pytest.fail(f"still there: {living}")


def test_a_driver_killed_at_several_moments_ends_with_the_same_winner(
    tmp_path, cluster, second_node, expected
):
    """`make soak` kills more often."""
    codes = [drive(tmp_path, cluster, moment).returncode for moment in (9, 3)]
    assert codes == [-signal.SIGKILL] * 2
    done = drive(tmp_path, cluster, -1)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = [(t["width"], t["depth"]) for t in result["trials"]]
    assert sorted(names) == sorted((w, d) for w in WIDTHS for d in DEPTHS)
    best = expected.best.trial.ensemble
    assert (result["best"]["width"], result["best"]["depth"]) == (best.width, best.depth)
    study = plain_optuna(f"sqlite:///{tmp_path}/study.db", result["study"])
    assert {trial.state.name for trial in study.trials} == {"COMPLETE"}
    assert_all_actors_end(cluster)


def test_ctrl_c_leaves_no_actors_and_a_study_that_continues(
    tmp_path, cluster, second_node, expected
):
    stopped = drive(tmp_path, cluster, 8, "SIGINT")
    assert stopped.returncode == 130
    assert stopped.stdout == ""
    assert "run the same command again to resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert_all_actors_end(cluster)
    assert len(json.loads(drive(tmp_path, cluster, -1).stdout)["trials"]) == 6


def test_a_set_of_signals_has_the_results_of_one_process(cluster, tmp_path):
    whole = load_signal(load_catalog(), "sample:photo", {"size": [64, 64]})
    parts = [
        replace(whole, values=whole.values[top : top + 32, left : left + 32].clone(), name=name)
        for name, top, left in (("a", 0, 0), ("b", 0, 32), ("c", 32, 0))
    ]
    asked: dict[str, Any] = {
        "grid": 2,
        "widths": [4, 8],
        "depths": [1],
        "steps": 10,
        "floor_db": -99.0,
    }
    here = enas_inr.search(parts, **asked, strategy="exhaustive", storage=f"{tmp_path}/here.db")
    found = enas_inr.search(
        parts,
        **asked,
        strategy="exhaustive",
        storage=f"{tmp_path}/there.db",
        executor="ray",
        executor_options={"address": cluster.address},
    )
    assert_equal(found, here)
    for ours in found.trials:
        theirs = by_architecture(here)[ours.key]
        assert ours.over is not None
        assert theirs.over is not None
        assert [one.psnr_paper_db for one in ours.over.signals] == pytest.approx(
            [one.psnr_paper_db for one in theirs.over.signals], abs=0.01
        )
