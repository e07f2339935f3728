import json
from dataclasses import replace

import pytest

from enas_inr.errors import BudgetError, StudyError
from enas_inr.reports.comparison import compare
from enas_inr.reports.statistics import Difference
from enas_inr.spec import Budget, Limit
from tests.present import present
from tests.reports.report_data import OTHER
from tests.reports.report_data import study as made


def study(*settings, **more):
    return limited(made(*settings, **more), 10**9)


def limited(record, flops):
    budget = Budget(flops=Limit(value=flops))
    return replace(record, spec=record.spec.model_copy(update={"budget": budget}))


def test_the_best_of_both_within_the_lower_budget():
    narrow, wide = study("narrow", widths=(8, 16)), study("wide", widths=(16, 64))
    costs = sorted(r.trial.cost.flops for r in wide.results)
    found = compare(limited(narrow, 10**9), limited(wide, costs[1]))
    assert found.limits == {"flops": costs[1]}
    assert found.best.second.trial.cost.flops <= costs[1]
    assert found.best.first.score == max(r.score for r in narrow.results)


def test_what_both_trained_is_tested_pair_by_pair():
    first, second = study("a", widths=(8, 16)), study("b", widths=(16, 32))
    found = compare(first, second)
    assert {p.first.trial.ensemble.width for p in found.shared} == {16}
    for pair in found.shared:
        assert pair.first.key == pair.second.key
        values = pair.first.psnr_db_repeats, pair.second.psnr_db_repeats
        assert pair.difference == Difference.of(*values)
        assert not present(pair.difference).significant


def test_the_verdict_names_the_better_one_or_none():
    low, high = study("low", widths=(8,)), study("high", widths=(32,))
    assert compare(low, high).verdict().startswith("B (high) has 6.00 dB more PSNR, at ")
    assert compare(high, low).verdict().startswith("A (high) has 6.00 dB more PSNR, at ")
    assert "no significant difference" in compare(low, low).verdict()
    single = [r.model_copy(update={"repeats": r.repeats[:1]}) for r in high.results]
    assert "too few repeats" in compare(low, replace(high, results=tuple(single))).verdict()


def test_it_goes_to_json_with_the_settings_that_differ():
    other = study("b")
    other = replace(other, spec=other.spec.model_copy(update={"seed": 7}))
    content = json.loads(json.dumps(compare(study("a"), other).to_dict()))
    assert content["differences_in_settings"] == ["seed: 0, not 7"]
    assert content["best"]["significant"] is False


def test_what_cannot_be_compared():
    with pytest.raises(StudyError, match="'a' is of 'lake', 'b' of 'hill'"):
        compare(study("a"), study("b", info=OTHER))
    with pytest.raises(StudyError, match="'b' has no complete trial"):
        compare(study("a"), study("b", fail=lambda spec: True))
    with pytest.raises(BudgetError, match="no trial of study 'b' is within the budget of both"):
        compare(limited(study("a", widths=(8,)), 10**7), study("b", widths=(64,)))
