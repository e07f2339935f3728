"""Asynchronous samplers on lookup tables: functions of what has ended and what is pending."""

import random
from dataclasses import replace

import optuna
import pytest

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import best_of
from enas_inr.spec import Configuration, Range
from enas_inr.strategies import optuna_asynchronous
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import OptunaOptions
from enas_inr.strategies.optuna_sampler import OptunaSearch
from enas_inr.testing.lookup import LookupExecutor, lookup_results, lookup_space, simulate
from tests.present import present

AXES = {"grid": (4, 8), "width": tuple(range(8, 137, 16)), "depth": (1, 2, 3, 4)}
GIGA = 10**9
SAMPLERS = ["tpe", "random", "brute"]


def psnr(spec):
    return 20 + 6 * (spec.width**0.4) - (spec.depth - 2) ** 2 + spec.grid / 4


def space_of(axes=AXES, seed=0, objectives=()):
    return replace(lookup_space(axes, GIGA), seed=seed, objectives=objectives)


def make(space, **options):
    return OptunaSearch(space, OptunaOptions(**options))


def results(space, specs, first=0, value=psnr):
    return lookup_results(space, value, specs, PsnrFlops(), number=first)


def search(space, strategy, workers=1, value=psnr, history=(), trials=10**6):
    """Search with some workers, of which a random one ends next."""
    draw, history = random.Random(0), list(history)
    pending: list[Configuration] = []
    while len(history) < trials:
        pending += strategy.propose(history, pending, workers - len(pending))
        if not pending:
            break
        end = pending.pop(draw.randrange(len(pending)))
        history += results(space, [end], len(history), value)
    return history


def keys(history):
    return [result.key for result in history]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("workers", [1, 3])
def test_with_several_workers_all_proposals_are_new_until_nothing_is_left(sampler, workers):
    space = space_of({"width": (16, 32, 64, 128), "depth": (1, 2, 3)})
    history = search(space, make(space, sampler=sampler, trials=100), workers)
    assert sorted(keys(history)) == sorted(c.key for c in space.feasible)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_a_function_of_what_ended_and_what_is_pending(sampler):
    space = space_of()
    used = make(space, sampler=sampler, trials=30)
    history = search(space, used, workers=3)
    for count in (30, 4, 17, 0, 12, 29):
        pending = [result.trial.configuration for result in history[count : count + 2]]
        fresh = make(space, sampler=sampler, trials=30)
        args = history[:count], pending, 3
        assert used.propose(*args) == fresh.propose(*args)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_asking_for_several_is_asking_for_one_after_the_other(sampler):
    space = space_of()
    strategy = make(space, sampler=sampler, trials=30)
    history = search(space, strategy, trials=12)
    several = list(strategy.propose(history, (), 3))
    single: list[Configuration] = []
    for _ in range(3):
        single += strategy.propose(history, single, 1)
    assert several == single
    assert len(several) == 3


def test_a_proposal_profits_from_every_result_and_from_what_is_pending():
    space = space_of()
    strategy = make(space, trials=40)
    history = search(space, strategy, trials=20)
    worse = history[:-1] + results(
        space, [history[-1].trial.configuration], 19, lambda spec: psnr(spec) + 50
    )
    assert strategy.propose(history, (), 5) != strategy.propose(worse, (), 5)
    first = strategy.propose(history, (), 1)
    assert strategy.propose(history, first, 1) != first


def test_what_is_pending_is_running_for_the_sampler_and_the_budget_a_constraint(monkeypatch):
    space = lookup_space({"width": tuple(range(8, 257, 8)), "depth": (1, 2, 3)}, 200_000_000)
    seen = []
    sample = optuna.samplers.TPESampler.sample_relative

    def watched(self, study, trial, search_space):
        seen.append(study.get_trials(deepcopy=False))
        return sample(self, study, trial, search_space)

    monkeypatch.setattr(optuna.samplers.TPESampler, "sample_relative", watched)
    strategy = make(space, trials=200)
    specs = [candidate.spec for candidate in space.feasible]
    strategy.propose(results(space, specs[:15]), specs[15:18], 30)
    states = [trial.state for trial in seen[0]]
    running, complete = optuna.trial.TrialState.RUNNING, optuna.trial.TrialState.COMPLETE
    assert (states.count(complete), states.count(running)) == (15, 4)  # and the one that is asked
    over = [t for trials in seen for t in trials if t.state is optuna.trial.TrialState.PRUNED]
    assert over
    assert all(trial.constraints["budget"] > 0 for trial in over)
    assert all(trial.constraints["budget"] == 0 for trial in seen[0][:15])


def test_of_many_trials_the_best_and_the_latest_are_told(monkeypatch):
    space = space_of()
    monkeypatch.setattr(optuna_asynchronous, "BEST", 3)
    monkeypatch.setattr(optuna_asynchronous, "LATEST", 5)
    monkeypatch.setattr(optuna_asynchronous, "MOST_TOLD", 8)
    history = simulate(Exhaustive(space), space, PsnrFlops(), LookupExecutor(psnr))[:30]
    strategy = optuna_asynchronous.AsynchronousSearch(space, OptunaOptions(trials=40))
    best = sorted(history[:25], key=lambda result: result.score or 0)[-3:]
    assert set(keys(strategy._chosen(history))) == set(keys(best + history[25:]))
    assert keys(strategy._chosen(history))[-5:] == keys(history[25:])
    brute = optuna_asynchronous.AsynchronousSearch(space, OptunaOptions(sampler="brute"))
    assert brute._chosen(history) == history


def test_a_seed_among_the_options_of_the_sampler_decides():
    found = [
        keys(search(space_of(seed=seed), make(space_of(seed=seed), trials=8, **options)))
        for seed, options in [
            (1, {}),
            (2, {}),
            (1, {"sampler_options": {"seed": 5}}),
            (2, {"sampler_options": {"seed": 5}}),
        ]
    ]
    assert found[0] != found[1]
    assert found[2] == found[3]
    assert len(set(found[2])) == 8


def test_it_learns():
    tpe, chance = (
        [
            present(best_of(search(space, make(space, sampler=sampler, trials=24)))).score or 0
            for space in map(space_of, [AXES] * 6, range(6))
        ]
        for sampler in ("tpe", "random")
    )
    assert sum(tpe) > sum(chance)


def test_ranges_options_of_a_backbone_and_several_objectives():
    axes = {
        "backbone": ("siren", "relu"),
        "siren.omega_first": (15.0, 30.0, 60.0),
        "width": (8, 16, 32),
        "learning_rate": Range(low=1e-4, high=1e-2, log=True),
        "steps": Range(low=100, high=900, whole=True),
    }
    for objectives in [(), ("psnr", "flops"), ("bytes",)]:
        space = space_of(axes, objectives=objectives)
        history = search(space, make(space, trials=16), workers=2)
        assert len(set(keys(history))) == 16


def test_a_study_that_was_made_in_batches_is_continued():
    space = space_of()
    batches = make(space, trials=20, batch=4)
    history = search(space, batches, workers=4, trials=10)
    history = search(space, make(space, trials=20), history=history)
    assert len(set(keys(history))) == 20
    assert [len(step.candidates) for step in make(space).trace(history)] == [1] * 20


@pytest.mark.parametrize("sampler", ["cmaes", "nsgaii", "QMCSampler"])
def test_samplers_that_remember_their_proposals_keep_batches_of_four(sampler):
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    space = space_of()
    strategy = make(space, sampler=sampler, trials=12)
    assert len(strategy.propose([], (), 64)) == 4
    four = make(space, sampler=sampler, trials=12, batch=4)
    assert keys(search(space, strategy)) == keys(search(space, four))
