import pytest
import torch

from enas_inr.executors.base import Executor
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import RepeatResult, TrialResult, TrialStatus
from enas_inr.signals.signal import Signal
from tests.scripts import BENCHMARKS, script

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def bench():
    with script(BENCHMARKS / "executors.py") as module:
        yield module


class Table(Executor):
    """Trains nothing, and reports half a second for each trial."""

    def __init__(self, status=TrialStatus.COMPLETE) -> None:
        self._status = status

    def run(self, trials):
        while taken := trials.take(1):
            for trial in taken:
                repeat = RepeatResult(status=self._status, steps=1, psnr_paper_db=10.0, best_step=1)
                yield TrialResult(trial=trial, status=self._status, repeats=(repeat,), seconds=0.5)


@pytest.fixture
def study(bench):
    return bench.make_study(Signal(torch.zeros(64, 64, 3), "image", "black"), steps=1)


def test_a_search_is_compared_with_the_seconds_of_its_trials(bench, study, tmp_path):
    catalog = load_catalog(plugins=False)
    run = bench.search(study, Table(), 2, catalog, tmp_path / "run.db")
    assert (run.trials, run.trained, run.ideal) == (40, 20.0, 10.0)
    assert 0 < run.writing < run.seconds
    assert run.ratio == run.seconds / 10


def test_a_search_whose_trials_fail_is_no_measurement(bench, study, tmp_path):
    catalog = load_catalog(plugins=False)
    with pytest.raises(RuntimeError):
        bench.search(study, Table(TrialStatus.DIVERGED), 2, catalog, tmp_path / "run.db")
