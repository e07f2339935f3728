"""Tests of the executor `dask`: the conformance suite, and tests on a cluster."""

import json
import os
import signal
import threading
from contextlib import ExitStack

import pytest
from distributed import Client, LocalCluster
from enas_inr_dask.executor import DaskExecutor
from enas_inr_dask.options import DaskOptions

from enas_inr.cli.main import run
from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, given
from enas_inr.result import TrialStatus
from enas_inr.spec import Cost, EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.testing import ExecutorSuite, installed, toy_signal

ENDLESS = 1_000_000  # steps
SIGNAL = toy_signal((8, 8))
OPTIONS = installed("backbone", "siren").resolved(SIGNAL.info(), 2)


@pytest.fixture(scope="session")
def cluster():
    """Two workers on this machine, each with a `GPU`; the death of a worker fails its task."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"allowed_failures": 0},
        silence_logs="CRITICAL",
        resources={"GPU": 1},
    ) as made:
        yield made


@pytest.fixture
def observer(cluster):
    """A client that observes the cluster while the client of the executor uses it."""
    with Client(cluster, set_as_default=False) as client:
        yield client


class TestDask(ExecutorSuite):
    @pytest.fixture
    def plugin(self, cluster):
        return installed("executor", "dask", address=cluster.scheduler_address)


def trial(number, steps=20, **spec):
    return TrialSpec(
        number=number,
        ensemble=EnsembleSpec.model_validate(
            {"grid": 2, "depth": 1, "width": 4, "options": OPTIONS} | spec
        ),
        cost=Cost(flops=1, parameters=1, bytes=1),
        training=TrainingSpec(steps=steps, learning_rate=1e-3, patience=steps),
        repeats=1,
        seed=5,
    )


class Run:
    """An executor with a context of its own, which records results and messages."""

    def __init__(self, at_end, on_progress=lambda progress: None, **options):
        self.said: list[str] = []
        self.say = self.said.append
        context = ExecutionContext(
            installed("executor", "dask").catalog,
            SIGNAL,
            "cpu",
            on_progress,
            say=lambda line: self.say(line),
            at_end=at_end,
        )
        self.executor = DaskExecutor(context, DaskOptions(**options))

    def results(self, *trials):
        return {result.trial.number: result for result in self.executor.run(given(trials))}


@pytest.fixture
def at_end():
    with ExitStack() as stack:
        yield stack


def working_on(client, number):
    """Return the address of the worker that trains a trial, and its process ID."""
    (address,) = [
        worker
        for worker, keys in client.processing().items()
        if any(key.startswith(f"trial-{number:04} ") for key in keys)
    ]
    return address, client.run(os.getpid, workers=[address])[address]


def test_tasks_are_named_after_trials_and_the_signal_is_sent_once(cluster, observer, at_end):
    names: set[str] = set()
    signals: set[str] = set()

    def look(progress):
        held = observer.who_has()
        signals.update(key for key in held if key.startswith("signal-"))
        for keys in [held, *observer.processing().values()]:
            names.update(key.rpartition(" ")[0] for key in keys if key.startswith("trial-"))

    searching = Run(at_end, look, address=cluster.scheduler_address)
    results = searching.results(trial(0, 300), trial(1, 300, depth=2))
    assert {result.status for result in results.values()} == {TrialStatus.COMPLETE}
    assert len(signals) == 1
    assert names == {
        "trial-0000 siren M=2 d=1 w=4",
        "trial-0001 siren M=2 d=2 w=4",
    }
    assert searching.said == [
        f"Dask: 2 workers at {cluster.scheduler_address}",
        f"Dask's dashboard: {cluster.dashboard_link}",
    ]


def test_the_death_of_a_worker_fails_only_the_trial_in_training(cluster, observer, at_end):
    killed: list[str] = []

    def kill(progress):
        if progress.number == 0 and not killed:
            address, process = working_on(observer, 0)
            killed.append(address)
            os.kill(process, signal.SIGKILL)

    searching = Run(at_end, kill, address=cluster.scheduler_address)
    results = searching.results(trial(0, ENDLESS), *map(trial, range(1, 5)))
    assert results[0].status is TrialStatus.FAILED
    assert results[0].message == (
        f"its worker died 1 time, the last at {killed[0]}; see the log of that worker"
    )
    assert {results[n].status for n in range(1, 5)} == {TrialStatus.COMPLETE}
    observer.wait_for_workers(2)


def test_a_local_cluster_retries_a_trial_and_ends_with_the_search():
    killed = threading.Event()
    with ExitStack() as at_end:

        def kill(progress):
            if not killed.is_set():
                killed.set()
                address = searching.said[0].rpartition(" ")[2]
                with Client(address, set_as_default=False) as client:
                    os.kill(working_on(client, 0)[1], signal.SIGKILL)

        searching = Run(at_end, kill, workers=1, retries=1)
        (result,) = searching.results(trial(0, 300)).values()
    assert killed.is_set()
    assert result.status is TrialStatus.COMPLETE
    address = searching.said[0].rpartition(" ")[2]
    assert address.startswith("tcp://127.0.0.1:")
    with pytest.raises(OSError, match=r"Timed out|refused"):
        Client(address, timeout=1, set_as_default=False)


def test_what_runs_is_cancelled_when_the_search_is_interrupted(cluster, observer, at_end):
    class Interrupted(BaseException):
        pass

    def interrupt(progress):
        raise Interrupted

    searching = Run(at_end, interrupt, address=cluster.scheduler_address)
    with pytest.raises(Interrupted):
        searching.results(trial(0, ENDLESS), trial(1, ENDLESS), trial(2, ENDLESS))
    # The workers are free again: another trial ends, and no task is left.
    (result,) = Run(at_end, address=cluster.scheduler_address).results(trial(3)).values()
    assert result.status is TrialStatus.COMPLETE
    assert not any(observer.processing().values())


def test_a_share_of_a_gpu_is_trained_on_one(cluster, at_end):
    address = cluster.scheduler_address
    searching = Run(at_end, address=address, resources={"GPU": 0.5})
    # The trial asks for a GPU, and this machine has none.
    (result,) = searching.results(trial(0)).values()
    assert "device 'cuda' is not available" in result.message


def test_a_search_waits_for_missing_resources_and_says_so(cluster, at_end):
    class Said(BaseException):
        pass

    def say(line):
        if "wait" in line:
            raise Said(line)

    searching = Run(at_end, address=cluster.scheduler_address, resources={"GPU": 1, "TPU": 2})
    searching.say = say
    with pytest.raises(Said, match=r"^Dask: waiting for a worker that has 1 GPU, 2 TPU$"):
        searching.results(trial(0))


def test_a_scheduler_file_is_an_address(cluster, at_end, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"type": "Scheduler", "address": cluster.scheduler_address}))
    (result,) = Run(at_end, address=str(file)).results(trial(0)).values()
    assert result.status is TrialStatus.COMPLETE
    file.write_text("{}")
    with pytest.raises(TrainingError, match=r"scheduler.json' is not a scheduler file of Dask"):
        Run(at_end, address=str(file)).results(trial(0))


SEARCH = (
    "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 --repeats 1 --steps 5 --quiet "
    "--executor dask --executor-option"
)


def test_a_search_on_the_command_line(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run([*SEARCH.split(), f"address={cluster.scheduler_address}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [t["status"] for t in found["trials"]] == ["complete"] * 2


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("tcp://127.0.0.1:9", 7, "no Dask scheduler at 'tcp://127.0.0.1:9'"),
        ("nonsense://x", 7, "no Dask scheduler at 'nonsense://x'"),
        ("no-such.json", 3, "no-such.json"),
    ],
)
def test_an_address_where_nobody_listens_is_one_line(
    tmp_path, monkeypatch, capsys, address, code, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("enas_inr_dask.cluster.CONNECT_SECONDS", 1)
    assert run([*SEARCH.split(), f"address={address}"]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
