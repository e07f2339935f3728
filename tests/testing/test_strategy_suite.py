"""The suite for strategies: the built-in ones pass it, and it detects faults in others."""

import inspect
import subprocess
import sys

import pytest

from enas_inr.errors import PluginError
from enas_inr.hookspecs import Strategy
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing.plugin import ConformanceError, Plugin, installed
from enas_inr.testing.strategy import StrategySuite
from tests.present import present


class TestOurOwn(StrategySuite):
    @pytest.fixture(
        params=[
            ("coordinate", {}),
            ("coordinate", {"racing": True}),
            ("exhaustive", {}),
            ("exhaustive", {"racing": True}),
            ("optuna", {}),
            ("optuna", {"sampler": "random", "trials": 9}),
            ("optuna", {"batch": 4, "trials": 9}),
            ("race", {}),
            ("ray", {}),
        ],
        ids=lambda param: "-".join(map(str, [param[0], *param[1].values()])),
    )
    def plugin(self, request):
        name, options = request.param
        if name == "ray":
            pytest.importorskip("ray")
        return installed("strategy", name, **options)


def test_it_needs_no_torch():
    """The rule about another process imports the suite once more, for each strategy."""
    script = "import sys, enas_inr.testing.strategy; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def of_class(name):
    described = Strategy(
        name=name, summary="a test", target=f"tests.testing.wrong_strategies:{name}"
    )
    provider = Provider(described, Origin("tests", "1", "tests"))
    return Plugin(provider, Catalog((provider,)))


RULES = [
    name
    for name, _ in inspect.getmembers(StrategySuite, inspect.isfunction)
    if name in vars(StrategySuite)
]


@pytest.mark.parametrize("rule", RULES)
def test_a_strategy_without_faults_keeps_every_rule(rule):
    getattr(StrategySuite(), rule)(of_class("Right"))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_says_in_a_line_what_it_is(rule):
    assert present(inspect.getdoc(getattr(StrategySuite, rule))).splitlines()[0].endswith(".")


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("OverBudget", "proposals_are_feasible_new_and_end", "exceeds the budget or is not in"),
        ("Again", "proposals_are_feasible_new_and_end", "w=8, which has been trained; leave"),
        ("Twice", "proposals_are_feasible_new_and_end", "twice in one call"),
        ("Idle", "proposals_are_feasible_new_and_end", "proposed nothing in a space with one axis"),
        ("Greedy", "one_at_a_time", "4 architectures for n = 1; propose at most n"),
        ("Impatient", "pending_trials_are_respected", "which is pending"),
        ("Remembering", "a_new_instance_continues_from_the_history", "and a new instance differ"),
        (
            "Lucky",
            "a_new_instance_continues_from_the_history",
            "use only the history and FeasibleSpace.seed",
        ),
        ("Eager", "an_interruption_changes_nothing", "after . of 8 trials, the search trained"),
        ("AfterTheLast", "the_order_in_which_trials_end_changes_nothing", "reverse order"),
        ("Hashing", "only_the_seed_of_the_space_is_random", "do not iterate over a set of strings"),
        ("Sorting", "it_changes_nothing_that_it_is_given", "changed the history"),
        ("Retrying", "failed_trials", "w=8, which has been trained"),
        ("Talking", "its_trace_is_about_the_history", "a dict; return TraceStep"),
        ("Embellishing", "its_trace_is_about_the_history", "not in the history"),
        ("Choosing", "its_trace_is_about_the_history", "after 0 trials, a choice of the trace"),
        ("CountingFromZero", "its_trace_is_about_the_history", "iteration 0 after 1; count up"),
        ("InventingAxes", "its_trace_is_about_the_history", "has the axis 'breadth'"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_found(name, rule, says):
    with pytest.raises(ConformanceError, match=says) as caught:
        getattr(StrategySuite(), f"test_{rule}")(of_class(name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "rule", "raised"),
    [
        ("Hopeful", "diverged_trials", TypeError),
        ("Hopeful", "failed_trials", TypeError),
        ("OnlyLists", "it_changes_nothing_that_it_is_given", AttributeError),
        ("OneObjective", "several_objectives", PluginError),
    ],
)
def test_what_a_strategy_raises_is_not_hidden(name, rule, raised):
    with pytest.raises(raised):
        getattr(StrategySuite(), f"test_{rule}")(of_class(name))
