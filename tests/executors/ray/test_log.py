"""What Ray's dashboard shows of a search while it runs: its tasks and its logs."""

import json
import subprocess
import sys
import time
from typing import Any
from urllib.request import urlopen

import pytest

import enas_inr
from enas_inr.estimate import Sample
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.ray import log as ray_log
from enas_inr.executors.ray import pool as ray_pool
from enas_inr.executors.ray.log import SUBMITTED, SearchLog, progress_line
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.testing.toys import toy_shape, toy_signal
from tests.studies.stored import complete

ray = pytest.importorskip("ray")


def search(folder, cluster, **changes):
    asked: dict[str, Any] = {
        "strategy": "exhaustive",
        "strategy_options": {"racing": False},
        "grid": 2,
        "widths": [4, 8],
        "depths": [1, 2],
        "size": 16,
        "training": {"steps": 20},
        "storage": f"{folder}/study.db",
        "executor": "ray",
        "executor_options": {"address": cluster.address, "workers": 1},
    }
    return enas_inr.search("sample:photo", **asked | changes)


class Dashboard:
    """The API of a dashboard, as its pages use it."""

    def __init__(self, cluster):
        self._address = cluster.head_node.webui_url

    def asked(self, path):
        with urlopen(f"http://{self._address}{path}") as answer:
            return answer.read().decode()

    def listed(self, path):
        return json.loads(self.asked(path))["data"]["result"]

    def tasks(self, job):
        """Return the tasks that the bar of the page of a job counts."""
        return self.listed(f"/api/v0/tasks?detail=1&filter_keys=job_id&filter_predicates=%3D"
                           f"&filter_values={job}")["result"]  # fmt: skip

    def logs(self):
        """Return the names of the logs of all nodes, each with its node."""
        nodes = [node["node_id"] for node in self.listed("/api/v0/nodes")["result"]
                 if node["state"] == "ALIVE"]  # fmt: skip
        kinds = {node: self.listed(f"/api/v0/logs?node_id={node}") for node in nodes}
        return {
            name: node
            for node, found in kinds.items()
            for names in found.values()
            for name in names
        }

    def log(self, name):
        node = self.logs()[name]
        return self.asked(f"/api/v0/logs/file?node_id={node}&filename={name}&lines=1000")


@pytest.fixture
def dashboard(cluster):
    return Dashboard(cluster)


@pytest.fixture
def jobs(monkeypatch):
    """The numbers of the jobs of the searches in the test."""
    numbers: list[str] = []

    def seen():
        numbers.append(str(ray.get_runtime_context().get_job_id()))
        return numbers[-1]

    monkeypatch.setattr(ray_log, "job_number", seen)
    return numbers


def settled(ask, expected):
    """Ask again until the dashboard has heard of everything, which it does with a delay."""
    until = time.monotonic() + 60
    while (found := ask()) != expected and time.monotonic() < until:
        pass
    return found


def test_the_tasks_of_a_job_are_its_trials(tmp_path, cluster, dashboard, jobs):
    result = search(tmp_path, cluster)
    expected = sorted(
        (f"trial {trial.trial.number:04} {trial.trial.ensemble.label()}", "FINISHED")
        for trial in result.trials
    )
    assert len(expected) == 4
    (job,) = jobs

    def named():
        return sorted((task["name"], task["state"]) for task in dashboard.tasks(job))

    assert settled(named, expected) == expected
    bar = dashboard.listed(f"/api/v0/tasks/summarize?filter_keys=job_id&filter_predicates=%3D"
                           f"&filter_values={job}")  # fmt: skip
    summary = bar["result"]["node_id_to_summary"]["cluster"]
    assert (summary["total_tasks"], summary["total_actor_tasks"]) == (0, 4)
    assert summary["total_actor_scheduled"] == 0


def test_the_log_of_a_search_is_in_the_dashboard(tmp_path, cluster, dashboard, jobs, monkeypatch):
    monkeypatch.setattr(ray_pool, "LOOK_SECONDS", 0.01)
    result = search(tmp_path, cluster, study="portrait", training={"steps": 1000})
    (job,) = jobs
    lines = [line[9:] for line in dashboard.log(f"enas-inr-{job}.log").splitlines()]
    assert lines[:2] == [
        "enas-inr portrait (exhaustive)",
        "Ray: 1 worker with 1 CPU and 0 GPU each",
    ]
    for trial in result.trials:
        named = f"trial {trial.trial.number:04} {trial.trial.ensemble.label()}: complete"
        (line,) = [line for line in lines if line.startswith(named)]
        assert f"PSNR {trial.psnr_db:.2f} dB" in line
    (worker,) = {task["worker_id"] for task in dashboard.tasks(job)}
    (name,) = [name for name in dashboard.logs() if worker in name and name.endswith(".out")]
    shown = dashboard.log(name)
    for trial in result.trials:
        assert f"trial {trial.trial.number:04} {trial.trial.ensemble.label()}:   0%" in shown


def test_tune_logs_the_psnr_of_each_report(tmp_path, cluster, dashboard, jobs):
    result = search(tmp_path, cluster, strategy="ray", strategy_options={"scheduler": "none"})
    (job,) = jobs
    shown = dashboard.log(f"enas-inr-{job}.log")
    for trial in result.trials:
        named = f" {trial.trial.ensemble.label()}: "  # numbered when it starts
        assert f"{named}100%  PSNR {trial.psnr_db:.2f} dB at step 20\n" in shown
        assert f"{named}complete  PSNR {trial.psnr_db:.2f} dB" in shown


def test_progress_is_in_the_usual_convention_and_is_text():
    known = TrialProgress(3, "siren w=8", 0.25, 50, 30.0 - PSNR_OFFSET_DB)
    assert progress_line(known) == "trial 0003 siren w=8:  25%  PSNR 30.00 dB at step 50"
    unknown = TrialProgress(None, "siren w=8", 0.0, 0, None)
    assert progress_line(unknown) == "siren w=8:   0%"
    assert "\x1b" not in ray_log.stamped("\x1b[2J")


def test_the_log_says_how_much_of_a_trial_was_trained(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(SearchLog, "write", lambda log, line: lines.append(line))
    context = ExecutionContext(load_catalog(plugins=False), toy_signal(toy_shape(2)))
    known = Sample(cells=1, of=4, samples=64, curve="", ends="")
    for result in (complete(2), complete(3).model_copy(update={"sample": known})):
        SearchLog().ended(context, result)
    assert [line.partition(": ")[2] for line in lines] == [
        "complete  PSNR 36.52 dB  1.2 s",
        "complete, 1 of 4 cells  PSNR 36.52 dB  1.2 s",
    ]


def test_a_log_that_cannot_be_written_is_none_and_a_submitted_job_has_its_own(monkeypatch):
    """Ray is not connected here, so that there is no folder of logs."""
    log = SearchLog()
    log.write("nothing")
    assert not log.due()
    monkeypatch.setenv(SUBMITTED, "{}")
    monkeypatch.setattr(ray_log, "import_ray", lambda: pytest.fail("asked Ray"))
    log.open(ExecutionContext(load_catalog(plugins=False), toy_signal(toy_shape(2))))
    assert not log.due()
    assert not log.is_open


def test_the_log_imports_no_torch():
    code = "import enas_inr.executors.ray.log, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
