"""Regret: what a study's winner is short of, by lookup tables."""

import json

import pytest

from enas_inr.errors import StudyError
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.spec import Choice, StudySpec
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.strategies.options import CoordinateOptions, ExhaustiveOptions
from enas_inr.studies.oracle import oracle_name, oracle_spec, regret
from enas_inr.testing.lookup import PICTURE, LookupExecutor, lookup_space, simulate

SPACE = lookup_space({"width": (8, 16, 32), "depth": (1, 2)}, 10**9)
SPEC = StudySpec(signal=PICTURE, space=SPACE.space, repeats=1)


def psnr(spec):
    """The best is w=16 d=2, which a search of one line at d=1 does not try."""
    return 30.0 + {(16, 2): 20.0, (8, 1): 5.0}.get((spec.width, spec.depth), 0.0)


def trials(cells=1.0, values=psnr):
    strategy = Exhaustive(SPACE, ExhaustiveOptions(cells=cells))
    return simulate(strategy, SPACE, PsnrFlops(), LookupExecutor(values))


@pytest.fixture(scope="module")
def searched():
    start = CoordinateOptions(start={"width": 8, "depth": 1}, max_iterations=1)
    history = simulate(
        CoordinateAscent(SPACE, start), SPACE, PsnrFlops(), LookupExecutor(lambda s: -s.depth)
    )
    return [result for result in history if result.trial.ensemble.depth == 1]


def test_the_regret_is_what_the_winner_is_short_of_in_the_oracle(searched):
    found = regret(searched, "s-oracle", oracle_spec(SPEC, 1), trials(), SPACE)
    sizes = [t.trial.ensemble.short_label(("width", "depth")) for t in (found.best, found.winner)]
    assert sizes == ["w=16 d=2", "w=8 d=1"]
    by_key = {t.key: t.score for t in trials()}
    assert found.score == by_key[found.best.key] - by_key[found.winner.key] > 0
    assert list(found.interval) == pytest.approx([found.score] * 2)
    assert found.psnr_db == pytest.approx(15.0)
    assert str(found) == f"{found.score:.2f}"


def test_the_cost_is_a_share_of_all_in_full(searched):
    found = regret(searched, "s-oracle", oracle_spec(SPEC, 1), trials(), SPACE)
    assert found.configurations == len(SPACE.feasible) == 6
    steps = SPEC.training.steps
    assert found.oracle_flops == sum(3 * steps * one.cost.flops for one in SPACE.feasible)
    assert found.share == found.flops / found.oracle_flops
    # An oracle of a share is compared with all in full, too.
    part = regret(searched, "o", oracle_spec(SPEC, 0.25), trials(0.25), SPACE)
    assert part.oracle_flops == found.oracle_flops


def test_a_share_of_the_cells_gives_an_interval(searched):
    spec = oracle_spec(SPEC, 0.25)
    found = regret(searched, "s-oracle-0.25", spec, trials(0.25), SPACE)
    low, high = found.interval
    assert 0 <= low <= found.score <= high
    assert "to" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["regret_interval"] == [low, high]


def test_the_best_of_the_oracle_has_no_regret_but_may_have_an_interval():
    everything = trials(0.25, lambda spec: 20.0 + spec.width / 100)
    found = regret(everything, "o", oracle_spec(SPEC, 0.25), everything, SPACE)
    assert found.score == found.psnr_db == found.interval[0] == 0


def test_a_winner_that_the_oracle_lacks_is_judged_by_its_own_score(searched):
    others = [t for t in trials() if t.trial.ensemble.width != 8]
    found = regret(searched, "o", oracle_spec(SPEC, 1), others, SPACE)
    assert found.winner in searched


def test_without_complete_trials_there_is_no_regret(searched):
    with pytest.raises(StudyError, match="study has no complete trial"):
        regret([], "o", SPEC, trials(), SPACE)
    with pytest.raises(StudyError, match="'o' has no complete trial"):
        regret(searched, "o", SPEC, [], SPACE)


def test_an_oracle_has_the_settings_of_the_study_but_for_the_strategy():
    assert oracle_name("s", 1) == "s-oracle"
    assert oracle_name("s", 0.25) == "s-oracle-0.25"
    assert oracle_spec(SPEC, 1).strategy == Choice(
        name="exhaustive", options={"racing": False, "cells": 1, "promising": True}
    )
    assert SPEC.differences(oracle_spec(SPEC, 0.25)) == [
        "strategy.name: coordinate, not exhaustive",
        "strategy.options.cells: -, not 0.25",
        "strategy.options.promising: -, not True",
        "strategy.options.racing: -, not False",
    ]
