"""The lookup tables with which strategies are tested."""

import pytest

from enas_inr.errors import TrainingError
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.result import TrialStatus, best_of
from enas_inr.spec import SignalInfo
from enas_inr.testing.lookup import lookup_results, lookup_space, siren_cost, toy_table
from tests.present import present

AXES = {"grid": (2, 4, 8), "width": (8, 16, 32, 64), "depth": (1, 2, 3)}
SPECS = [c.spec for c in lookup_space(AXES, 150_000_000).feasible]


def results(psnr, specs=SPECS, number=0):
    return lookup_results(lookup_space(AXES, 150_000_000), psnr, specs, PsnrFlops(), number)


def differing(one, other):
    return [name for name in AXES if getattr(one, name) != getattr(other, name)]


@pytest.mark.parametrize("seed", range(20))
def test_a_toy_table_has_one_optimum_to_which_every_architecture_has_a_way_up(seed):
    table = toy_table(lookup_space(AXES, 150_000_000), seed)
    scored = {r.trial.ensemble.key(): r for r in results(table)}
    assert present(best_of(scored.values())).trial.configuration == table.best
    for result in scored.values():
        spec = result.trial.configuration
        neighbours = [r for r in scored.values() if len(differing(r.trial.ensemble, spec)) == 1]
        assert spec == table.best or any(r.score > result.score for r in neighbours)


def test_the_seed_of_a_toy_table_draws_its_optimum():
    space = lookup_space(AXES, 150_000_000)
    first, again = toy_table(space, 1), toy_table(space, 1)
    assert first == again
    assert len({toy_table(space, seed).best.key() for seed in range(20)}) > 5


def test_results_are_scored_and_numbered():
    found = results(lambda spec: 30.0, SPECS[:3], number=5)
    assert [r.trial.number for r in found] == [5, 6, 7]
    assert [r.score for r in found] == [PsnrFlops().score(r) for r in found]


def test_what_diverges_or_fails_has_no_score():
    def psnr(spec):
        if spec.width == 8:
            raise TrainingError("no room", "buy more")
        return None

    failed, diverged = (
        results(psnr, [spec])[0] for spec in (SPECS[0], next(s for s in SPECS if s.width == 16))
    )
    assert (failed.status, failed.message) == (TrialStatus.FAILED, "no room; buy more")
    assert diverged.status is TrialStatus.DIVERGED
    assert failed.score is diverged.score is None


def test_a_space_may_have_only_some_combinations():
    only = ((2, 8, 1), (8, 64, 1))
    found = [c.spec.sizes() for c in lookup_space(AXES, 10**9, only=only).feasible]
    assert [tuple(sizes.values()) for sizes in found] == [(2, 1, 8), (8, 1, 64)]


def test_the_cost_of_a_siren_on_a_volume_by_hand():
    signal = SignalInfo(name="volume", modality="volume", shape=(5, 6, 7), channels=1)
    cost = siren_cost(SPECS[0].model_copy(update={"width": 4, "depth": 1}), signal)
    assert cost.macs_per_sample == 3 * 4 + 4 * 4 + 4 * 1
    assert cost.parameters == cost.macs_per_sample + 4 + 4 + 1
