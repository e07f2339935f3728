from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.known import Known, reused
from enas_inr.testing.lookup import LookupExecutor, lookup_space, simulate

SPACE = lookup_space({"width": (8, 16, 32), "depth": (1,)}, 10**9)


def test_known_trials_are_not_trained_and_the_search_is_the_same():
    whole = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), LookupExecutor(lambda s: s.width))
    known = {r.key: Known(r) for r in whole[:2]}
    executor = LookupExecutor(lambda s: s.width)
    look_up = reused(lambda trial: known.get(trial.ensemble.key()), lambda trial, picture: None)
    again = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), executor, known=look_up)
    assert [spec.width for spec in executor.trained] == [32]
    assert again == whole
