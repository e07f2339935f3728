"""Searches over sets of signals."""

import statistics
from collections import Counter
from typing import Any

import pytest
import torch

import enas_inr
from enas_inr.api.oracle import oracle
from enas_inr.errors import SpecError, StudyError, TrainingError
from enas_inr.executors import local
from enas_inr.executors.trial import make_jobs
from enas_inr.signals.signal import Signal
from enas_inr.studies.loop import Observer
from enas_inr.studies.reading import read_study
from enas_inr.training.trainer import train
from tests.present import present

SEARCH: dict[str, Any] = {
    "profile": "paper",
    "grid": 2,
    "widths": (4, 8),
    "depths": (0, 1),
    "max_flops": "none",
    "steps": 5,
    "repeats": 2,
    "floor_db": -99.0,
    "pictures": False,
}
FULL = SEARCH | {"strategy": "exhaustive"}


def picture(seed, side=8, channels=3):
    values = torch.rand(side, side, channels, generator=torch.Generator().manual_seed(seed))
    return Signal(values * 2 - 1, "image", f"s{seed}")


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'sets.db'}"


class Counting(Observer):
    """Counts the trials that are trained, on all signals."""

    def __init__(self, left=-1):
        self.count, self.left = 0, left

    def one(self):
        self.count += 1
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

    def signal_finished(self, result):
        self.one()

    def finished(self, result):
        self.one()


def test_scores_are_the_means_of_single_searches(storage):
    signals = [picture(seed) for seed in range(3)]
    found = enas_inr.search(signals, **FULL, storage=storage)
    single = [enas_inr.search(one, **FULL, storage=storage) for one in signals]
    assert len(found.trials) == 4
    for result in found.trials:
        own = [
            present(next(one.score for one in alone.trials if one.key == result.key))
            for alone in single
        ]
        assert present(result.score) == pytest.approx(statistics.fmean(own), abs=1e-9)
        assert sorted(one.score for one in present(result.over).signals) == sorted(own)
    best = max(found.trials, key=lambda result: present(result.score))
    assert found.best.key == best.key


@pytest.mark.parametrize(
    ("aggregate", "of"),
    [("median", statistics.median), ("worst", min), ("quantile=1", max)],
)
def test_other_aggregates(storage, aggregate, of):
    signals = [picture(seed) for seed in range(3)]
    found = enas_inr.search(signals, **FULL, aggregate=aggregate, storage=storage)
    for result in found.trials:
        over = present(result.over)
        assert result.score == pytest.approx(of([one.score for one in over.signals]))
        assert result.psnr_paper_db == pytest.approx(
            statistics.fmean(
                of([leaf[repeat] for leaf in psnrs(found, result)]) for repeat in range(2)
            )
        )


def psnrs(found, result):
    """The PSNRs of all repeats of a configuration on each signal."""
    _, trials = read_study(found.study, found.storage)
    return [
        [present(repeat.psnr_paper_db) for repeat in trial.repeats]
        for trial in trials
        if trial.key == result.key
    ]


def test_signals_of_several_sizes_and_channels(storage):
    signals = [picture(0, 8), picture(1, 12), picture(2, 10, channels=1)]
    found = enas_inr.search(signals, **FULL, storage=storage)
    _, trials = read_study(found.study, found.storage)
    for signal, info in enumerate(found.spec.signals):
        alone = enas_inr.search(signals[int(info.name[1:])], **FULL, storage=storage)
        theirs = {one.key: (one.score, one.trial.cost) for one in alone.trials}
        ours = {t.key: (t.score, t.trial.cost) for t in trials if t.trial.signal == signal}
        assert ours == theirs


def test_a_grid_has_the_same_cells_on_every_signal(storage):
    asked = {name: value for name, value in FULL.items() if name != "grid"}
    signals = [picture(0, 8), picture(1, 3)]
    refused = r"grid 4 has 4x4 cells on 's0' and 3x3 on 's1'; use a grid of at most 3"
    with pytest.raises(SpecError, match=refused):
        enas_inr.search(signals, **asked, search={"grid": "2,4"}, storage=storage)
    asked["profile"] = "tuned"  # its grids are those that fit the smallest signal
    found = enas_inr.search(signals, **asked, storage=storage)
    assert {result.trial.ensemble.grid for result in found.trials} == {1, 2}


@pytest.fixture
def trained(monkeypatch):
    """The number of trials that were trained, by signal."""
    counts: Counter[int] = Counter()

    def counting(context, trials):
        counts.update(trial.signal for trial in trials)
        return make_jobs(context, trials)

    monkeypatch.setattr("enas_inr.executors.local.make_jobs", counting)
    return counts


def test_what_single_searches_have_trained_is_not_trained_again(storage, trained):
    signals = [picture(seed) for seed in range(2)]
    enas_inr.search(signals[0], **FULL, storage=storage)
    found = enas_inr.search(signals, **FULL, storage=storage)
    assert trained.total() == 8
    assert len(found.trials) == 4
    stored = Counter(trial.trial.signal for trial in read_study(found.study, found.storage)[1])
    assert stored == {0: 4, 1: 4}


@pytest.mark.parametrize("most", ["MOST_SAMPLES", "MOST_BYTES"])
def test_large_signals_and_networks_are_trained_a_few_signals_at_a_time(monkeypatch, storage, most):
    together = []

    def noted(jobs, *rest, **settings):
        together.append(len({id(job.partition) for job in jobs}))
        return train(jobs, *rest, **settings)

    monkeypatch.setattr(local, "train", noted)
    signals = [picture(seed) for seed in range(3)]
    at_once = enas_inr.search(signals, **FULL, storage=storage)
    assert set(together) == {3}
    together.clear()
    monkeypatch.setattr(local, most, 1)
    apart = enas_inr.search(signals, **FULL, storage=storage + ".apart")
    assert set(together) == {1}
    assert [one.score for one in apart.trials] == [one.score for one in at_once.trials]


@pytest.mark.parametrize("name", ["mine", None])
def test_further_signals_train_only_what_is_new(storage, name, trained):
    signals = [picture(seed) for seed in range(4)]
    enas_inr.search(signals[:2], **FULL, study=name, storage=storage)
    assert trained.total() == 8
    found = enas_inr.search(signals, **FULL, study=name, storage=storage)
    assert trained.total() == 16
    assert all(len(present(result.over).signals) == 4 for result in found.trials[-4:])
    again = enas_inr.search(signals, **FULL, study=name, storage=storage)
    assert trained.total() == 16
    assert again.best == found.best


def test_a_study_keeps_its_signals(storage):
    signals = [picture(seed) for seed in range(3)]
    enas_inr.search(signals, **FULL, study="mine", storage=storage)
    with pytest.raises(StudyError, match="lacks 1 signal of the study, such as"):
        enas_inr.search(signals[:2], **FULL, study="mine", storage=storage)


def test_racing_sees_few_signals_of_most_configurations(storage):
    signals = [picture(seed, 16) for seed in range(8)]
    asked = SEARCH | {"profile": "tuned", "repeats": 1, "widths": (4, 8, 16), "steps": 30}
    found = enas_inr.search(signals, **asked, strategy="race", storage=storage)
    counts = [len(present(result.over).signals) for result in found.trials]
    assert set(counts) <= {4, 8}
    assert counts[0] == 4
    assert len(present(found.best.over).signals) == 8
    assert "4 of 8 signals" in found.trials[0].amount


@pytest.mark.parametrize("moment", [1, 2, 5, 7, 11])
def test_an_interrupted_search_goes_on(tmp_path, storage, moment):
    signals = [picture(seed) for seed in range(3)]
    whole = enas_inr.search(signals, **FULL, storage=f"sqlite:///{tmp_path / 'whole.db'}")
    with pytest.raises(KeyboardInterrupt):
        enas_inr.search(signals, **FULL, storage=storage, observer=Counting(moment))
    found = enas_inr.search(signals, **FULL, storage=storage)
    assert found.best.key == whole.best.key
    assert [r.score for r in found.trials] == [r.score for r in whole.trials]
    _, trials = read_study(found.study, found.storage)
    pairs = Counter((trial.key, trial.trial.signal) for trial in trials)
    assert len(pairs) == 12
    assert set(pairs.values()) == {1}


def test_signals_that_are_held_out(storage):
    signals = [picture(seed) for seed in range(4)]
    found = enas_inr.search(signals, **FULL, hold_out=0.5, storage=storage)
    assert len(found.spec.signals) == 2
    assert len(found.held_out) == 2
    searched = {info.name for info in found.spec.signals}
    assert searched.isdisjoint(one.name for one in found.held_out)
    for one in found.held_out:
        alone = enas_inr.search(signals[int(one.name[1:])], **FULL, storage=storage)
        best = max(present(result.score) for result in alone.trials)
        assert one.best_score == pytest.approx(best)
        ours = next(r.score for r in alone.trials if r.key == found.best.key)
        assert one.score == pytest.approx(present(ours))
        assert present(one.regret) == pytest.approx(best - present(ours))
    assert found.to_dict()["held_out"][0]["regret"] == found.held_out[0].regret


def test_settings_of_sets_are_refused_for_one_signal(storage):
    for setting in ({"limit": 2}, {"hold_out": 0.5}, {"aggregate": "worst"}):
        with pytest.raises(SpecError, match=r"sets? of signals"):
            enas_inr.search(picture(0), **FULL, **setting, storage=storage)
    with pytest.raises(SpecError, match="aggregate 'mode' is unknown; write mean, median"):
        enas_inr.search([picture(0), picture(1)], **FULL, aggregate="mode", storage=storage)


def test_a_signal_on_which_a_configuration_diverges(storage):
    flat = Signal(torch.zeros(8, 8, 3), "image", "flat")
    found = enas_inr.search([picture(0), flat], **FULL, learning_rate=1e-4, storage=storage)
    assert found.best.score is not None
    with pytest.raises(TrainingError, match="none of the 4 trials"):
        enas_inr.search([picture(0), picture(1)], **FULL, learning_rate=1e30, storage=storage)


def test_there_is_no_oracle_of_a_set(storage):
    enas_inr.search([picture(0), picture(1)], **FULL, study="set", storage=storage)
    with pytest.raises(StudyError, match=r"about a set of 2 signals; search the set with"):
        oracle("set", storage=storage)


def test_limits_of_files_hold_for_every_signal(storage):
    signals = [picture(0, 16, channels=1), picture(1, 16)]
    asked = FULL | {"widths": (4, 6, 8), "max_bytes": "3400"}

    def sizes(given):
        found = enas_inr.search(given, **asked, storage=storage)
        return {(r.trial.ensemble.depth, r.trial.ensemble.width) for r in found.trials}

    alone = [sizes(one) for one in signals]
    assert alone[0] != alone[1]
    assert sizes(signals) == sizes(signals[::-1]) == alone[0] & alone[1]
