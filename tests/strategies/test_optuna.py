"""Optuna's samplers on lookup tables: proposals are feasible, new and reproducible."""

import math
import random
import sys
import warnings
from dataclasses import replace

import optuna
import pytest
import torch

from enas_inr.errors import SpecError
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import TrialResult, TrialStatus, best_of, pareto_front
from enas_inr.spec import Range
from enas_inr.strategies import samplers
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_sampler import BatchSearch, OptunaSearch
from enas_inr.testing.lookup import LookupExecutor, MemoryRecords, lookup_space, simulate
from tests.present import present

WIDE = {"grid": (4, 8), "width": tuple(range(8, 137, 16)), "depth": (1, 2, 3, 4)}
SMALL = {"width": (16, 32, 64, 128), "depth": (1, 2, 3)}
GIGA = 10**9
SAMPLERS = ["tpe", "random", "cmaes", "nsgaii", "brute", "QMCSampler", "NSGAIIISampler"]


def psnr(spec):
    return 20 + 6 * (spec.width**0.4) - (spec.depth - 2) ** 2 + spec.grid / 4


def space_of(axes=WIDE, objectives=(), seed=0):
    return replace(lookup_space(axes, GIGA), objectives=objectives, seed=seed)


class Shuffled(LookupExecutor):
    """The trials of a batch end in another order than they started."""

    def results(self, batch):
        ended = super().results(batch)
        random.Random(len(self.trained)).shuffle(ended)
        return ended


class KilledError(Exception):
    pass


class Mortal(MemoryRecords):
    """Fails after storing a number of trials."""

    def __init__(self, kept, lives):
        super().__init__()
        self.kept, self._lives = list(kept), lives

    def add(self, result, picture=None, whole=None):
        super().add(result)
        if len(self.kept) == self._lives:
            raise KilledError


def run(space=None, executor=None, records=None, **options):
    space = space or space_of()
    strategy = OptunaSearch(space, OptunaOptions(**options))
    executor = executor or LookupExecutor(psnr)
    history = simulate(strategy, space, PsnrFlops(), executor, records, objectives=space.objectives)
    return history, strategy


def keys(history):
    return [result.key for result in history]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_proposes_what_is_feasible_and_new_and_ends_after_its_trials(sampler):
    space = space_of()
    history, _ = run(space, sampler=sampler, trials=14)
    assert len(history) == len(set(keys(history))) == 14
    assert set(keys(history)) <= {c.spec.key() for c in space.feasible}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_ends_when_every_feasible_architecture_is_trained(sampler):
    space = space_of(SMALL)
    history, strategy = run(space, sampler=sampler, trials=100)
    assert sorted(keys(history)) == sorted(c.spec.key() for c in space.feasible)
    assert strategy.propose(history, (), 64) == []


@pytest.mark.parametrize("sampler", ["gp", "GPSampler"])
def test_gaussian_processes_use_one_thread_and_leave_torch_as_it_was(sampler, threads, monkeypatch):
    used = []
    sample = optuna.samplers.GPSampler.sample_relative

    def watched(self, study, trial, search_space):
        found = sample(self, study, trial, search_space)
        if found:  # not one of the first trials, which are random
            used.append(torch.get_num_threads())
        return found

    monkeypatch.setattr(optuna.samplers.GPSampler, "sample_relative", watched)
    found = []
    for count in (1, 3):
        threads(count)
        history, _ = run(
            sampler=sampler, sampler_options={"n_startup_trials": 1}, trials=4, batch=2
        )
        assert torch.get_num_threads() == count
        found.append(keys(history))
    assert len(set(found[0])) == 4
    assert found[0] == found[1]
    assert len(used) >= 4
    assert set(used) == {1}


def test_it_asks_in_batches_of_which_the_last_may_be_smaller():
    space = space_of()
    strategy = OptunaSearch(space, OptunaOptions(trials=10, batch=4))
    assert len(strategy.propose([], (), 64)) == 4
    _, strategy = run(space, trials=10, batch=4)
    history, _ = run(space, trials=10, batch=4)
    assert [len(step.candidates) for step in strategy.trace(history)] == [4, 4, 2]


def test_pending_architectures_are_not_proposed_again_and_n_is_respected():
    strategy = OptunaSearch(space_of(), OptunaOptions(batch=4))
    batch = strategy.propose([], (), 64)
    assert strategy.propose([], (), 3) == batch[:3]
    assert strategy.propose([], batch[:1], 64) == batch[1:]
    assert strategy.propose([], batch, 64) == []


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsgaii"])
def test_the_order_in_which_trials_end_changes_nothing(sampler):
    whole, _ = run(sampler=sampler, trials=16, batch=4)
    other, _ = run(executor=Shuffled(psnr), sampler=sampler, trials=16, batch=4)
    assert keys(other) != keys(whole)
    assert set(keys(other)) == set(keys(whole))
    assert present(best_of(other)).key == present(best_of(whole)).key


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsgaii", "brute"])
def test_a_search_that_is_killed_after_any_trial_ends_as_if_nothing_had_happened(sampler):
    options = {"sampler": sampler, "trials": 14, "batch": 4}
    whole, _ = run(**options)
    for lives in (1, 5, 8, 13):
        records = Mortal([], lives)
        with pytest.raises(KilledError):
            run(executor=Shuffled(psnr), records=records, **options)
        executor = LookupExecutor(psnr)
        again, _ = run(executor=executor, records=Mortal(records.kept, 0), **options)
        assert set(keys(again)) == set(keys(whole))
        assert len(executor.trained) == 14 - lives
        assert present(best_of(again)).key == present(best_of(whole)).key


def test_an_instance_that_has_seen_another_history_proposes_as_a_new_one():
    space, options = space_of(), OptunaOptions(trials=16, batch=4)
    whole, used = run(space, trials=16, batch=4)
    others, _ = run(space, executor=LookupExecutor(lambda spec: -psnr(spec)), trials=16, batch=4)
    nothing: list[TrialResult] = []
    for history in (whole[:8], others[:12], nothing, whole[:12], whole):
        fresh = OptunaSearch(space, options)
        assert used.propose(history, (), 64) == fresh.propose(history, (), 64)
        assert used.trace(history) == fresh.trace(history)


def test_the_seed_decides_the_search():
    first, again, other = (keys(run(space_of(seed=seed), trials=8)[0]) for seed in (1, 1, 2))
    assert first == again != other


def test_diverged_trials_are_told_as_pruned_and_the_search_goes_on():
    history, _ = run(
        executor=LookupExecutor(lambda spec: None if spec.depth > 1 else 30.0), trials=20
    )
    assert len(history) == 20
    assert {r.status for r in history} == {TrialStatus.COMPLETE, TrialStatus.DIVERGED}
    assert present(best_of(history)).trial.ensemble.depth == 1


def test_a_search_in_which_all_diverge_ends():
    history, strategy = run(executor=LookupExecutor(lambda spec: None), trials=12)
    assert len(set(keys(history))) == 12
    assert all(step.choice is None for step in strategy.trace(history))


class Failing(LookupExecutor):
    """The first trials fail, and are complete only when they are retried."""

    def __init__(self, failures):
        super().__init__(psnr)
        self.failures = failures

    def result(self, trial):
        result = super().result(trial)
        if self.failures > 0:
            self.failures -= 1
            result = result.model_copy(
                update={"status": TrialStatus.FAILED, "repeats": (), "score": None}
            )
        return result


def test_failed_trials_are_tried_again_by_the_next_run_within_the_same_number_of_trials():
    records = MemoryRecords()
    first, _ = run(executor=Failing(3), records=records, trials=12)
    assert [r.status for r in first].count(TrialStatus.FAILED) == 3
    executor = LookupExecutor(psnr)
    second, strategy = run(executor=executor, records=records, trials=12)
    assert len(second) == len(set(keys(second))) == 12
    assert {r.status for r in second} == {TrialStatus.COMPLETE}
    assert len(executor.trained) == 3
    assert strategy.propose(second, (), 64) == []


@pytest.mark.parametrize(
    "axes",
    [{"width": (16,), "depth": (1, 2, 3)}, {"width": (16,), "depth": (1,)}, {"grid": (4, 8)}],
    ids=["one-of-two", "both", "one-axis"],
)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_axis_may_have_one_value(axes, sampler):
    space = space_of(axes)
    history, _ = run(space, sampler=sampler)
    assert len(history) == len(space.feasible)


def test_the_trace_has_a_step_for_each_batch_and_marks_what_was_better_than_all_before():
    history, strategy = run(trials=16, batch=4)
    trace = strategy.trace(history)
    assert [step.iteration for step in trace] == [1, 2, 3, 4]
    assert [r.key for step in trace for r in step.candidates] == keys(history)
    choices = [step.choice for step in trace if step.choice]
    scores = [next(r.score for r in history if r.key == key) for key in choices]
    assert scores == sorted(set(scores))
    assert choices[-1] == present(best_of(history)).key
    assert strategy.trace([]) == []


def test_a_trace_of_half_a_batch_has_what_is_known():
    history, strategy = run(trials=8, batch=4)
    assert [len(step.candidates) for step in strategy.trace(history[:6])] == [4, 2]


def test_optuna_says_nothing_and_is_left_as_it_was(capfd):
    level = optuna.logging.get_verbosity()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(sampler="tpe", sampler_options={"multivariate": True, "group": True}, trials=16)
        run(sampler="QMCSampler", sampler_options={"scramble": True}, trials=8)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert caught == []
    assert optuna.logging.get_verbosity() == level


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sampler": "tpee"}, "unknown sampler 'tpee'; did you mean 'tpe'"),
        ({"sampler": "QMCsampler"}, "did you mean 'QMCSampler'"),
        ({"sampler": "BaseSampler"}, "unknown sampler"),
        ({"sampler": "GridSampler"}, "unknown sampler"),
        ({"sampler_options": {"n_startup": 3}}, "unknown option 'n_startup'; did you mean 'n_st"),
        ({"sampler_options": {"gamma": 3}}, "unknown option 'gamma'"),
        (
            {"sampler": "nsgaii", "sampler_options": {"population_size": 1}},
            "sampler 'nsgaii' failed: ValueError: `population_size` must be",
        ),
    ],
)
def test_a_wrong_sampler_is_an_error_before_anything_is_trained(options, says):
    with pytest.raises(SpecError, match=says) as caught:
        OptunaSearch(space_of(), OptunaOptions(**options))
    assert "\n" not in str(caught.value)


def test_an_option_that_fails_when_it_is_used_is_an_error_of_one_line():
    strategy = OptunaSearch(space_of(), OptunaOptions(sampler_options={"n_startup_trials": "many"}))
    with pytest.raises(SpecError, match=r"sampler 'tpe' failed: TypeError: .*; check its options"):
        strategy.propose([], (), 64)


def test_a_sampler_whose_package_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setattr(samplers, "find_spec", lambda name: None if name == "cmaes" else sys)
    with pytest.raises(SpecError, match=r"needs cmaes; .*pip install 'enas-inr\[samplers\]'"):
        OptunaSearch(space_of(), OptunaOptions(sampler="cmaes"))


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "random"])
def test_with_several_objectives_the_same_holds_and_the_front_comes_near_the_true_one(sampler):
    objectives = ("psnr", "flops")
    space = space_of(objectives=objectives)
    history, _ = run(space, sampler=sampler, trials=40, batch=4)
    assert len(set(keys(history))) == 40
    shuffled, _ = run(space, executor=Shuffled(psnr), sampler=sampler, trials=40, batch=4)
    assert set(keys(shuffled)) == set(keys(history))
    everything = simulate(Exhaustive(space), space, PsnrFlops(), LookupExecutor(psnr))
    truth = set(keys(pareto_front(everything, objectives)))
    found = set(keys(pareto_front(history, objectives)))
    assert len(found & truth) > len(truth) / 2


def test_the_objectives_decide_what_is_proposed():
    greedy, _ = run(space_of(objectives=("psnr",)), trials=24, batch=4)
    frugal, _ = run(space_of(objectives=("bytes",)), trials=24, batch=4)
    late = [sum(r.trial.cost.bytes for r in history[12:]) for history in (greedy, frugal)]
    assert late[0] > 2 * late[1]


def test_a_sampler_of_one_objective_refuses_several():
    space = space_of(objectives=("psnr", "flops"))
    with pytest.raises(SpecError, match="sampler 'cmaes' can optimise only one objective"):
        OptunaSearch(space, OptunaOptions(sampler="cmaes"))
    assert run(space_of(objectives=("psnr",)), sampler="cmaes", trials=4)


MIXED = {
    "backbone": ("siren", "relu"),
    "siren.omega_first": (15.0, 30.0, 60.0),
    "width": (8, 16, 32),
    "learning_rate": Range(low=1e-4, high=1e-2, log=True),
    "steps": Range(low=100, high=900, whole=True),
}


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsgaii", "gp"])
def test_floats_words_and_options_of_a_backbone_are_searched_together(sampler):
    def quality(spec):
        return 30 - abs(math.log10(spec.recipe["learning_rate"] / 1e-3)) + (spec.width == 16)

    space = space_of(MIXED)
    strategy = OptunaSearch(space, OptunaOptions(sampler=sampler, trials=16))
    history = simulate(strategy, space, PsnrFlops(), LookupExecutor(quality))
    keys = [result.key for result in history]
    assert len(set(keys)) == len(keys) == 16
    for result in history:
        spec = result.trial.configuration
        rate = spec.recipe["learning_rate"]
        assert isinstance(rate, float)
        assert 1e-4 <= rate <= 1e-2
        assert isinstance(spec.recipe["steps"], int)
        assert ("omega_first" in spec.options) is (spec.backbone == "siren")
        assert result.trial.training.steps == spec.recipe["steps"]
    assert len({result.trial.recipe["learning_rate"] for result in history}) > 10


@pytest.mark.parametrize(
    "axes",
    [
        {"siren.omega_first": (15.0, 30.0, 60.0)},
        {"siren.omega_first": (15.0, 30.0, 60.0), "learning_rate": (1e-3, 1e-2)},
        {"learning_rate": (1e-3, 1e-2), "siren.omega_first": (15.0, 30.0, 60.0), "width": (8,)},
    ],
)
def test_an_option_of_the_only_backbone_is_searched(axes):
    space = space_of(axes)
    strategy = OptunaSearch(space, OptunaOptions(trials=99))
    history = simulate(strategy, space, PsnrFlops(), LookupExecutor(lambda spec: 30.0))
    assert {result.key for result in history} == {candidate.key for candidate in space.feasible}


def test_what_exceeds_the_budget_between_the_points_of_a_range_is_said_to_do_so():
    widths = Range(low=4, high=128, whole=True)
    space = lookup_space({"width": widths, "depth": (2,)}, 100_000_000)
    strategy = BatchSearch(space, OptunaOptions(trials=8, batch=4))
    history = simulate(strategy, space, PsnrFlops(), LookupExecutor(lambda spec: spec.width))
    assert all(result.trial.cost.flops <= 100_000_000 for result in history)
    told = strategy._cached._study.trials  # what the sampler knows
    over = [t for t in told if t.state is optuna.trial.TrialState.PRUNED]
    assert over
    assert all(max(t.constraints.values()) > 0 for t in over)
