"""Tests of `evolution`: the conformance suite, Algorithm 1, and a real search."""

import json
import statistics
from dataclasses import replace

import pytest
from enas_inr_evolution.evolution import Evolution, EvolutionOptions

from enas_inr.cli.main import run
from enas_inr.executors.local import LocalExecutor
from enas_inr.testing import (
    LookupExecutor,
    StrategySuite,
    installed,
    lookup_results,
    lookup_space,
    simulate,
    toy_table,
)

AXES = {"grid": (2, 4, 8), "width": (8, 16, 24, 32, 48, 64), "depth": (1, 2, 3, 4)}
GIGA = 10**9
SCORE = installed("objective", "psnr_flops").create()
EXHAUSTIVE = installed("strategy", "exhaustive")


class TestEvolution(StrategySuite):
    @pytest.fixture(
        params=[
            {},
            {"mutation": "any", "trials": 12, "population": 3, "sample": 2, "batch": 1},
            {"trials": 9, "population": 1, "sample": 5, "batch": 7},
        ],
        ids=["default", "one-by-one", "odd"],
    )
    def plugin(self, request):
        return installed("strategy", "evolution", **request.param)


def space_of(seed=0, axes=AXES):
    return replace(lookup_space(axes, GIGA), seed=seed)


def sizes(spec):
    return spec.grid, spec.width, spec.depth


def mutations(one, other, mutation="next"):
    steps = [abs(AXES[axis].index(getattr(one, axis)) - AXES[axis].index(getattr(other, axis)))
             for axis in AXES]  # fmt: skip
    return sum(steps) if mutation == "next" else sum(map(bool, steps))


def searched(seed, space=None, psnr=None, **options):
    space = space or space_of(seed)
    psnr = psnr or toy_table(space, seed)
    strategy = Evolution(space, EvolutionOptions(**options))
    return simulate(strategy, space, SCORE, LookupExecutor(psnr))


def trials_to_the_best(history, table):
    keys = [result.key for result in history]
    return keys.index(table.best.key()) + 1


@pytest.mark.parametrize("mutation", ["next", "any"])
def test_it_finds_the_optimum_in_fewer_trials_than_exhaustive_search(mutation):
    needed, exhaustive = [], []
    for seed in range(15):
        space = space_of(seed)
        table = toy_table(space, seed)
        needed.append(trials_to_the_best(searched(seed, trials=72, mutation=mutation), table))
        every = simulate(EXHAUSTIVE.create(space), space, SCORE, LookupExecutor(table))
        exhaustive.append(trials_to_the_best(every, table))
    assert statistics.median(needed) < statistics.median(exhaustive)


def diverging(spec):
    return 20 + spec.width**0.5 if spec.width < 20 else None


def as_near_as_can_be(child, parent, trained, space, mutation="next"):
    """No untrained architecture is fewer mutations away from the parent."""
    keys = {result.key for result in trained}
    untrained = [c.spec for c in space.feasible if c.spec.key() not in keys]
    nearest = min(mutations(parent, other, mutation) for other in untrained)
    return mutations(parent, child, mutation) == nearest


@pytest.mark.parametrize("mutation", ["next", "any"])
def test_a_child_has_as_few_mutations_as_possible(mutation):
    space = space_of(1)
    history = searched(1, trials=40, mutation=mutation, batch=1)
    for number in range(8, 40):
        child = history[number].trial.ensemble
        assert any(
            as_near_as_can_be(child, parent.trial.ensemble, history[:number], space, mutation)
            for parent in history[number - 8 : number]
        )


@pytest.mark.parametrize("psnr", [None, diverging], ids=["all-complete", "most-diverge"])
def test_the_best_of_a_sample_is_the_parent(psnr):
    space = space_of(5)
    # The sample is the whole population.
    history = searched(5, space, psnr, trials=30, sample=3000, batch=1)
    for number in range(8, 30):
        parent = max(history[number - 8 : number], key=lambda result: result.rank)
        child = history[number].trial.ensemble
        assert as_near_as_can_be(child, parent.trial.ensemble, history[:number], space)


def test_the_oldest_is_replaced_and_not_the_worst():
    # The first is by far the best. If the worst one were replaced, it would be the parent of
    # every child, since the sample is large.
    space = space_of(3)
    first = Evolution(space).propose((), (), 1)[0]
    history = searched(
        3, space, lambda spec: 500.0 if spec == first else 10.0, trials=40, sample=200, batch=1
    )
    near_the_first = [
        as_near_as_can_be(history[number].trial.ensemble, first, history[:number], space)
        for number in range(8, 40)
    ]
    assert near_the_first[0]
    assert not all(near_the_first[1:])


def test_the_first_population_is_random_and_the_seed_draws_it():
    first = {
        seed: [sizes(spec) for spec in Evolution(space_of(seed)).propose((), (), 64)]
        for seed in range(20)
    }
    assert all(len(set(population)) == 8 for population in first.values())
    assert len({tuple(population) for population in first.values()}) == 20
    assert first[4] == [sizes(s) for s in Evolution(space_of(4)).propose((), (), 64)]


def test_a_batch_of_children_is_proposed_at_once():
    space = space_of(2)
    history = searched(2, trials=8)
    strategy = Evolution(space, EvolutionOptions(trials=20, batch=5))
    children = strategy.propose(history, (), 64)
    assert len(children) == 5
    assert strategy.propose(history, children[:2], 64) == children[2:]
    assert strategy.propose(history, children, 64) == []


def test_it_ends_when_everything_is_trained():
    axes = {"width": (8, 16), "depth": (1, 2, 3)}
    space = space_of(0, axes)
    history = searched(0, space, trials=100)
    assert {r.key for r in history} == {c.spec.key() for c in space.feasible}


def test_its_trace_has_a_step_for_the_first_population_and_for_each_batch():
    space = space_of(6)
    strategy = Evolution(space, EvolutionOptions(trials=18))
    history = simulate(strategy, space, SCORE, LookupExecutor(toy_table(space, 6)))
    assert [len(step.candidates) for step in strategy.trace(history)] == [8, 4, 4, 2]


def test_an_unscored_history_does_not_affect_the_search():
    # This occurs if failed trials of an earlier run were retried, which changes the search.
    space = space_of(8)
    table = toy_table(space, 8)
    others = [c.spec for c in space.feasible[::5]]
    history = lookup_results(space, table, others, SCORE)
    strategy = Evolution(space, EvolutionOptions(trials=len(others) + 6))
    while proposals := strategy.propose(history, (), 64):
        assert not {spec.key() for spec in proposals} & {result.key for result in history}
        history += lookup_results(space, table, proposals, SCORE, len(history))
    assert len(history) == len(others) + 6


SEARCH = (
    "search sample:photo --size 16 --grid 2 --widths 4,6,8,10 --depths 0,1,2 --repeats 1 --steps 5 "
    "--strategy evolution --trials 7 --strategy-option population=3 --json --quiet"
)


def call(capsys, command):
    assert run(command.split()) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_on_the_command_line_is_resumed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    whole = call(capsys, SEARCH)
    assert len({(t["depth"], t["width"]) for t in whole["trials"]}) == len(whole["trials"]) == 7
    assert [len(step["candidates"]) for step in whole["trace"]] == [3, 4]

    class KilledError(BaseException):
        pass

    train = LocalExecutor.run

    def die_after_two(executor, trials):
        for count, result in enumerate(train(executor, trials)):
            if len(trials.taken) == 7 and count == 5:
                raise KilledError
            yield result

    other = f"{SEARCH} --storage other.db"
    with monkeypatch.context() as patch:
        patch.setattr(LocalExecutor, "run", die_after_two)
        with pytest.raises(KilledError):
            run(other.split())
    again = call(capsys, other)
    assert [(t["depth"], t["width"], t["psnr_db"]) for t in again["trials"]] == [
        (t["depth"], t["width"], t["psnr_db"]) for t in whole["trials"]
    ]
    assert len(again["trials"]) == 7
