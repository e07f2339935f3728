"""The feasible space of a study, kept for a look back at it."""

import pytest

from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import Budget, Choice, Limit
from enas_inr.studies import space as made
from enas_inr.studies.reading import kept_space
from enas_inr.studies.space import packed, recalled_space, searched_space, unpacked
from enas_inr.studies.store import Store
from enas_inr.testing.strategy import spaces
from tests.studies.stored import SPEC

LIMITED = SPEC.model_copy(update={"budget": Budget(flops=Limit(value=10**6))})


@pytest.mark.parametrize("name", list(spaces()))
def test_it_is_what_was_packed(name):
    space = spaces()[name]
    assert unpacked(packed(space), space.space) == space.feasible


def test_a_study_keeps_it_once(storage):
    catalog = load_catalog(plugins=False)
    space = searched_space(LIMITED, catalog, make_objective(catalog, LIMITED))
    with Store("s", LIMITED, storage) as store:
        assert kept_space("s", storage) is None
        store.keep_space(space)
        store.keep_space(spaces()["a range"])
    kept = kept_space("s", storage)
    assert kept
    assert unpacked(kept, LIMITED.space) == space.feasible


@pytest.mark.parametrize("with_kept", [True, False])
def test_the_recalled_space_is_the_searched_one_and_made_when_it_is_needed(with_kept, monkeypatch):
    catalog = load_catalog(plugins=False)
    objective = make_objective(catalog, LIMITED)
    space = searched_space(LIMITED, catalog, objective)
    calls = []

    def counted(*arguments, **named):
        calls.append(1)
        return searched_space(*arguments, **named)

    monkeypatch.setattr(made, "searched_space", counted)
    kept = packed(space) if with_kept else None
    recalled = recalled_space(LIMITED, catalog, objective, {}, kept)
    catalog.create("strategy", "exhaustive", recalled).trace([])
    assert not calls
    assert tuple(recalled.feasible) == space.feasible
    assert len(calls) == (0 if with_kept else 1)
    for name in ("objectives", "seed", "axes", "samples", "worth", "repeats", "exact"):
        assert getattr(recalled, name) == getattr(space, name)


def test_a_space_that_no_database_takes_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("enas_inr.studies.store._LONGEST", 10)
    storage = str(tmp_path / "s.db")
    spec = SPEC.model_copy(update={"strategy": Choice(name="exhaustive")})
    with Store("s", spec, storage) as store:
        store.keep_space(spaces()["two axes"])
    assert kept_space("s", storage) is None
