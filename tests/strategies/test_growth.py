"""What strategies keep from one history for the next, which must not decide anything."""

import random

import pytest

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import directions, objective_values
from enas_inr.spec import TrialSpec
from enas_inr.strategies import optuna_asynchronous
from enas_inr.strategies.base import Growth, Keys
from enas_inr.testing.lookup import lookup_results, lookup_space

SPACE = lookup_space({"width": tuple(range(4, 84, 4)), "depth": (1, 2)}, 10**9)
HISTORY = lookup_results(
    SPACE,
    lambda spec: None if spec.width == 8 else 20 + spec.width % 28,
    [candidate.spec for candidate in SPACE.feasible],
    PsnrFlops(),
)
OTHER = HISTORY[::-1]
HISTORIES = [HISTORY[:3], HISTORY[:9], HISTORY[:9], OTHER[:12], [], HISTORY[:40], HISTORY[:5]]


def test_a_history_that_goes_on_is_told_from_another_one():
    growth = Growth()
    known = [growth.of(history)[0] for history in HISTORIES]
    assert known == [0, 3, 9, 0, 0, 0, 0]
    equal = [result.model_copy() for result in HISTORY[:7]]
    assert growth.of(equal) == (5, equal[5:])


def test_keys_are_those_of_the_history_and_of_what_is_pending():
    keys = Keys()
    pending = [SPACE.feasible[-1].spec]
    for history in HISTORIES:
        assert keys.of(history) == {result.key for result in history}
        assert keys.of(history, pending) == {*keys.of(history), pending[0].key()}


def test_the_key_of_a_trial_is_computed_once(monkeypatch):
    history = [result.model_copy() for result in HISTORY]
    keys = Keys()
    asked = []

    def counted(self):
        asked.append(self)
        return SPACE.feasible[0].spec

    monkeypatch.setattr(TrialSpec, "configuration", property(counted))
    for count in range(len(history) + 1):
        keys.of(history[:count])
    assert len(asked) == len(history)


@pytest.mark.parametrize("objectives", [(), ("flops",), ("psnr", "flops")])
def test_the_best_are_those_of_the_whole_history(objectives, monkeypatch):
    monkeypatch.setattr(optuna_asynchronous, "BEST", 4)
    shuffled = random.Random(0).sample(HISTORY, len(HISTORY))
    used = optuna_asynchronous._Best(objectives)
    for history in (*HISTORIES, *(shuffled[:count] for count in range(len(shuffled) + 1))):
        found = used.of(history)
        assert found == optuna_asynchronous._Best(objectives).of(history)
        assert [id(one) for one in history if one in found] == [id(one) for one in found]
        if len(objectives) < 2:
            known = filter(None, (objective_values(one, objectives) for one in history))
            best = sorted(known, reverse=directions(objectives) == ["maximize"])[:4]
            assert sorted(objective_values(one, objectives) or () for one in found) == sorted(best)
