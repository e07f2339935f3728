"""The suite for objectives: the built-in one passes it, and it detects faults in others."""

import statistics

import pytest

from enas_inr.hookspecs import Objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing.objective import ObjectiveSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, installed

RULES = [name for name in vars(ObjectiveSuite) if name.startswith("test_")]


class TestOurOwn(ObjectiveSuite):
    @pytest.fixture(params=[{}, {"alpha": 0.0}], ids=["default", "quality-alone"])
    def plugin(self, request):
        return installed("objective", "psnr_flops", **request.param)


def of_class(name):
    described = Objective(
        name=name, summary="a test", target=f"tests.testing.wrong_objectives:{name}"
    )
    provider = Provider(described, Origin("tests", "1", "tests"))
    return Plugin(provider, Catalog((provider,)))


@pytest.mark.parametrize("rule", RULES)
def test_an_objective_without_faults_keeps_every_rule(rule):
    getattr(ObjectiveSuite(), rule)(of_class("Right"))


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("Whole", "a_score_is_a_finite_float", "repeats of -20 dB .*; return a finite"),
        ("Infinite", "a_score_is_a_finite_float", "repeats of -20 dB .* is -inf"),
        ("Counting", "a_score_is_pure", "compute the score only from the result"),
        ("Noting", "a_score_is_pure", "changed the result; only read it"),
        ("Rmse", "more_psnr_never_scores_worse", "scores of -20, 0, 15.5, 40, 150 dB are 10, 1,"),
        ("Lavish", "more_cost_never_scores_better", "1.01 times the flops of .* raises the score"),
    ],
)
def test_what_is_wrong_with_an_objective_is_found(name, rule, says):
    with pytest.raises(ConformanceError, match=says) as caught:
        getattr(ObjectiveSuite(), f"test_{rule}")(of_class(name))
    assert "\n" not in str(caught.value)


def test_what_an_objective_raises_is_not_hidden():
    with pytest.raises(statistics.StatisticsError):
        ObjectiveSuite().test_a_score_is_a_finite_float(of_class("OnlyRepeats"))
