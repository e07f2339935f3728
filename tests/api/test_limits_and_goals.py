"""Limits that keep a configuration from being trained, and goals, in searches of real signals."""

from typing import Any

import pytest

import enas_inr
from enas_inr.errors import BudgetError, SpecError
from enas_inr.executors.local import LocalExecutor
from enas_inr.result import best_of
from tests.present import present

SPACE: dict[str, Any] = {
    "size": "32",
    "search": {"grid": [2, 4], "width": [4, 8, 16]},
    "depths": [1],
    "repeats": 1,
}


@pytest.fixture
def seen(monkeypatch):
    """The trials that the executor is given."""
    trials = []
    run = LocalExecutor.run

    def spied(self, given):
        for result in run(self, given):
            trials.append(result.trial)
            yield result

    monkeypatch.setattr(LocalExecutor, "run", spied)
    return trials


def search(tmp_path, **given):
    settings: dict[str, Any] = SPACE | {"steps": 2, "strategy": "exhaustive", "racing": False}
    settings |= given
    return enas_inr.search("sample:photo", storage=str(tmp_path / "limits.db"), **settings)


@pytest.mark.parametrize(
    ("limit", "name", "most"),
    [
        ({"max_flops": "500k"}, "flops", 500_000),
        ({"max_parameters": 1000}, "parameters", 1000),
        ({"max_bytes": "8k"}, "file_bytes", 8000),
        ({"max_bits_per_sample": 40, "precision": "int8"}, "file_bytes", 5120),
        ({"max_memory": "110k"}, "memory", 110_000),
    ],
    ids=lambda value: "" if isinstance(value, (str, int)) else "-".join(value),
)
def test_what_exceeds_a_limit_is_never_trained(seen, tmp_path, limit, name, most):
    search(tmp_path, **limit)
    costs = [getattr(trial.cost, name) for trial in seen]
    assert 0 < len(costs) < 6
    assert max(costs) <= most


def test_latency_is_measured_once_and_kept_in_the_study(seen, tmp_path, monkeypatch):
    from enas_inr.model import costs

    measured = []

    def latency(model, device):
        measured.append(model.shape.width)
        return model.shape.width / 1000

    monkeypatch.setattr(costs, "latency", latency)
    found = search(tmp_path, max_latency="8ms", max_flops="none")
    assert sorted(measured) == [4, 4, 8, 8, 16, 16]
    assert {trial.cost.latency for trial in seen} == {0.004, 0.008}
    again = search(tmp_path, max_latency="8ms", max_flops="none")
    assert len(measured) == 6
    assert again.study == found.study
    assert len(again.trials) == len(seen) == 4


def test_a_space_over_the_budget_names_the_limit_and_the_nearest(tmp_path):
    with pytest.raises(
        BudgetError, match=r"none of the 6 .* bytes; the nearest, siren M=2 d=1 w=4"
    ):
        search(tmp_path, max_bytes=1000)


def test_two_limits_of_the_size_are_refused(tmp_path):
    with pytest.raises(SpecError, match="max_bytes and max_bits_per_sample are both given"):
        search(tmp_path, max_bytes=1000, max_bits_per_sample=2)


def test_the_smallest_reaches_the_target_with_the_fewest_bytes(tmp_path):
    found = search(tmp_path, objective="smallest", target_psnr_db=24, steps=60)
    reached = [r for r in found.trials if r.psnr_db >= 24]
    assert 0 < len(reached) < len(found.trials)
    assert found.best == min(reached, key=lambda r: r.trial.cost.file_bytes)


def test_where_nothing_reaches_the_target_the_nearest_wins(tmp_path):
    found = search(tmp_path, objective="smallest", target_psnr_db=200, steps=20)
    assert found.best.psnr_db == max(result.psnr_db for result in found.trials)
    assert found.best.shortfall_db == pytest.approx(200 - found.best.psnr_db)


def test_the_best_has_the_highest_psnr_within_the_limits(tmp_path):
    found = search(tmp_path, objective="best", max_bytes="12k", steps=20)
    assert found.best.psnr_db == max(result.psnr_db for result in found.trials)
    assert present(best_of(found.trials)).score == found.best.psnr_db


def test_a_race_for_the_smallest_agrees_with_the_whole_search(tmp_path):
    settings = {"size": "64", "search": {"grid": [4, 8], "width": [4, 8, 16, 32]}, "steps": 60}
    goal = {"objective": "smallest", "target_psnr_db": 27}
    whole = search(tmp_path, **settings, **goal)
    raced = search(tmp_path, **settings, **goal, strategy="race", racing=None)
    assert raced.best.key == whole.best.key
    assert raced.best.psnr_db - raced.best.interval_db >= 27
    assert min(result.fidelity.cells for result in raced.trials) < 1


def test_a_fit_of_a_study_keeps_its_limit_of_bytes(tmp_path, monkeypatch):
    """Leaves that are stored more finely take bytes that the search did not count."""
    from enas_inr.api.rounding import rounded

    limits: list[int | None] = []

    def seeing(*given, most_bytes, **more):
        limits.append(most_bytes)
        return rounded(*given, most_bytes=most_bytes, **more)

    monkeypatch.setattr("enas_inr.api.fit.rounded", seeing)
    given: dict[str, Any] = {"search": {"grid": [2]}, "widths": [4], "study": "small"}
    found = search(tmp_path, precision="int8", max_bits_per_sample=40, **given)
    fit: dict[str, Any] = {"study": found.study, "storage": str(tmp_path / "limits.db")}
    fit |= {"size": "32", "precision": "int8"}
    enas_inr.fit("sample:photo", output=tmp_path / "one.inr", **fit)
    enas_inr.fit_many(["sample:photo"], output=tmp_path / "many", **fit)
    enas_inr.fit("sample:photo", output=tmp_path / "less.inr", most_bytes=4000, **fit)
    assert limits == [5120, 5120, 4000]
