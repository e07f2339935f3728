from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.spec import Part
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.known import Known, known_trials, reused
from enas_inr.studies.store import Store
from enas_inr.testing.lookup import LookupExecutor, cells_of, lookup_space, simulate
from tests.present import present
from tests.studies.stored import SPEC, complete, trial

SPACE = lookup_space({"width": (8, 16, 32), "depth": (1,)}, 10**9)


def test_known_trials_are_not_trained_and_the_search_is_the_same():
    whole = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), LookupExecutor(lambda s: s.width))
    known = {r.key: Known(r) for r in whole[:2]}
    executor = LookupExecutor(lambda s: s.width)
    look_up = reused(lambda trial: known.get(trial.ensemble.key()), lambda trial, picture: None)
    again = simulate(Exhaustive(SPACE), SPACE, PsnrFlops(), executor, known=look_up)
    assert [spec.width for spec in executor.trained] == [32]
    assert again == whole


def stored_part(storage, cells):
    """Store a trial of which some of the four cells were trained, and look up what is known."""
    part = Part(cells=cells)
    asked = trial(0).model_copy(update={"part": part, "repeats": 1})
    kept = complete(0).model_copy(update={"trial": asked, "sample": cells_of(asked, 30.0)})
    with Store("s", SPEC, storage) as store:
        store.add(kept.model_copy(update={"repeats": kept.repeats[:1]}))
    return known_trials([SPEC.signal], storage)


def test_a_trial_whose_parts_are_all_of_it_is_known_as_a_whole(database):
    known = stored_part(database, 4)
    whole = trial(7).model_copy(update={"repeats": 1})
    found = present(known(whole)).result
    assert (found.trial.part, found.sample) == (None, None)
    assert found.psnr_paper_db == 30.0
    assert known(trial(7)) is None  # which has another repeat


def test_a_part_is_no_whole(database):
    known = stored_part(database, 2)
    whole = trial(7).model_copy(update={"repeats": 1})
    assert known(whole) is None
    assert known(whole.model_copy(update={"part": Part(cells=2)})) is not None
