"""The loop, with an executor that looks up its results."""

import pytest

from enas_inr.errors import TrainingError
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import TrialStatus
from enas_inr.spec import EnsembleSpec, StudySpec
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.testing.lookup import PICTURE, LookupExecutor, MemoryRecords, lookup_space, simulate
from enas_inr.testing.simulated import SimulatedExecutor

SPACE = lookup_space({"width": (8, 16, 32), "depth": (1, 2)}, 10**9)
SPEC = StudySpec(signal=PICTURE, space=SPACE.space, repeats=3, seed=7)


def psnr(spec: EnsembleSpec) -> float | None:
    return None if spec.width == 16 else 20.0 + spec.width


class Backwards(LookupExecutor):
    """Returns the last trial of a batch first."""

    def results(self, batch):
        return super().results(batch)[::-1]


class Forgetful(LookupExecutor):
    def results(self, batch):
        return super().results(batch)[1:]


class Heard(Observer):
    def __init__(self) -> None:
        self.keys: list[str] = []

    def finished(self, result) -> None:
        self.keys.append(result.key)


def search(executor, records=None, observer=None):
    records = records or MemoryRecords()
    found = run_loop(
        Gathering(SPEC, SPACE, PsnrFlops()),
        Exhaustive(SPACE),
        executor,
        records,
        observer or Observer(),
    )
    return found, records.results()


def test_every_trial_is_asked_for_as_the_study_says():
    executor = LookupExecutor(psnr)
    found, _ = search(executor)
    assert {r.trial.ensemble.key() for r in found} == {c.spec.key() for c in SPACE.feasible}
    costs = {c.spec.key(): c.cost for c in SPACE.feasible}
    for result in found:
        assert (result.trial.repeats, result.trial.seed) == (3, 7)
        assert result.trial.training == SPEC.training
        assert result.trial.cost == costs[result.trial.ensemble.key()]


def test_what_is_returned_is_what_was_kept_and_told():
    observer = Heard()
    found, kept = search(LookupExecutor(psnr), observer=observer)
    assert found == kept
    assert [result.key for result in found] == observer.keys


def test_only_complete_trials_have_a_score():
    found, _ = search(LookupExecutor(psnr))
    assert {r.status for r in found} == {TrialStatus.COMPLETE, TrialStatus.DIVERGED}
    for result in found:
        complete = result.status is TrialStatus.COMPLETE
        assert result.score == (PsnrFlops().score(result) if complete else None)


def test_trials_are_numbered_in_the_order_in_which_they_end():
    found, _ = search(Backwards(psnr))
    straight, _ = search(LookupExecutor(psnr))
    assert [r.trial.number for r in found] == list(range(6))
    assert [r.key for r in found] == [r.key for r in straight][::-1]


@pytest.mark.parametrize("known", [0, 1, 5, 6])
def test_known_trials_are_not_trained_again(known):
    whole, _ = search(LookupExecutor(psnr))
    records = MemoryRecords()
    for result in whole[:known]:
        records.add(result)
    executor = LookupExecutor(psnr)
    found, _ = search(executor, records)
    assert found == whole
    assert len(executor.trained) == 6 - known


def test_a_trial_that_failed_is_tried_again_under_a_new_number():
    def broken(spec: EnsembleSpec) -> float | None:
        if spec.width == 8:
            raise TrainingError("no memory", "")
        return psnr(spec)

    first, kept = search(LookupExecutor(broken))
    assert sum(r.status is TrialStatus.FAILED for r in first) == 2
    records = MemoryRecords()
    for result in kept:
        records.add(result)
    executor = LookupExecutor(psnr)
    found, kept = search(executor, records)
    assert [spec.width for spec in executor.trained] == [8, 8]
    assert [r.trial.number for r in found[-2:]] == [6, 7]
    assert len(kept) == 8
    assert all(r.status is not TrialStatus.FAILED for r in found)


class Asked(Exhaustive):  # type: ignore[misc]
    """Records what it is asked."""

    def __init__(self, one_by_one=False) -> None:
        super().__init__(SPACE)
        self.asked: list[tuple[int, int, int]] = []
        self.alone = one_by_one

    def one_by_one(self):
        return self.alone

    def propose(self, history, pending, n):
        self.asked.append((len(history), len(pending), n))
        return super().propose(history, pending, n)


def asked_by(executor, **options):
    strategy = Asked(**options)
    simulate(strategy, SPACE, PsnrFlops(), executor)
    return strategy.asked


def test_a_strategy_is_asked_whenever_a_worker_is_free_with_what_is_pending():
    workers = SimulatedExecutor(psnr, 4, lambda trial: trial.ensemble.width)
    assert asked_by(workers)[:3] == [(0, 0, 4), (1, 3, 1), (2, 3, 1)]


def test_only_a_strategy_that_loses_nothing_by_it_is_asked_for_a_batch():
    assert asked_by(LookupExecutor(psnr)) == [(0, 0, 64), (6, 0, 64), (6, 0, 1)]
    one_by_one = asked_by(LookupExecutor(psnr), one_by_one=True)
    assert one_by_one == [*((count, 0, 1) for count in range(7)), (6, 0, 1)]


def test_an_executor_that_ends_too_early_is_named():
    class Early(LookupExecutor):
        def run(self, trials):
            yield from self.results(trials.take(2))

    with pytest.raises(TrainingError, match="the executor ended before the search did"):
        search(Early(psnr))


def test_an_executor_that_loses_a_trial_is_named():
    with pytest.raises(TrainingError, match="the executor returned 5 of 6 trials"):
        search(Forgetful(psnr))
