"""The suite for executors: the built-in ones pass it, and it detects faults in others."""

import pytest

from enas_inr.hookspecs import Executor
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing.executor import ExecutorSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, installed

RULES = [name for name in vars(ExecutorSuite) if name.startswith("test_")]


class TestOurOwn(ExecutorSuite):
    @pytest.fixture
    def plugin(self):
        return installed("executor", "local")


def of_class(name):
    described = Executor(
        name=name, summary="a test", target=f"tests.testing.wrong_executors:{name}"
    )
    provider = Provider(described, Origin("tests", "1", "tests"))
    return Plugin(provider, Catalog((*load_catalog(plugins=False).providers, provider)))


@pytest.mark.parametrize("rule", RULES)
def test_an_executor_without_faults_keeps_every_rule(rule):
    getattr(ExecutorSuite(), rule)(of_class("Right"))


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("Busy", "no_trials_give_no_results", "returned results for no trials"),
        ("Forgetting", "each_trial_has_a_complete_result", r"\[0, 1, 2\] .* \[0, 1, 2, 3\]"),
        ("Renumbering", "each_trial_has_a_complete_result", "with its TrialSpec unchanged"),
        ("OneRepeat", "each_trial_has_a_complete_result", "give each of 2 repeats a finite one"),
        ("WithoutCurve", "each_trial_has_a_complete_result", "does not have a learning curve"),
        ("Nowhere", "each_trial_has_a_complete_result", "has device '', versions"),
        ("Scoring", "each_trial_has_a_complete_result", "leave scores to the search loop"),
        ("Once", "it_trains_as_if_each_trial_were_alone", r"of the trials \[0\] when given"),
        ("OtherSeeds", "it_trains_as_if_each_trial_were_alone", "dB in repeat 0, but .* dB alone"),
        ("Dragging", "a_trial_that_fails_is_a_result", "is failed instead of complete in a"),
        ("Mute", "a_trial_that_fails_is_a_result", "the message ''; give the reason in one line"),
        ("NeverDiverging", "a_trial_that_diverges_is_a_result", "infinite loss is complete with"),
        ("Camera", "pictures_come_when_asked_for", "pictures=False, but .* called 1 time "),
        ("Blind", "pictures_come_when_asked_for", "pictures=True, but .* called 0 times"),
        ("Late", "pictures_come_when_asked_for", "pictures=True, but .* called 0 times"),
    ],
)
def test_what_is_wrong_with_an_executor_is_found(name, rule, says):
    with pytest.raises(ConformanceError, match=says) as caught:
        getattr(ExecutorSuite(), f"test_{rule}")(of_class(name))
    assert "\n" not in str(caught.value)


def test_what_an_executor_raises_is_not_hidden():
    with pytest.raises(RuntimeError, match="omega_first"):
        ExecutorSuite().test_a_trial_that_fails_is_a_result(of_class("Falling"))
