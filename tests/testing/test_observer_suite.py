"""The suite for observers: the built-in one passes it, and it detects faults in others."""

import pytest

from enas_inr.hookspecs import Observer
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing.observer import ObserverSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, installed

RULES = [name for name in vars(ObserverSuite) if name.startswith("test_")]


class TestOurOwn(ObserverSuite):
    @pytest.fixture
    def plugin(self):
        return installed("observer", "jsonl")


def of_class(name):
    target = f"tests.testing.wrong_observers:{name}"
    provider = Provider(
        Observer(name=name, summary="a test", target=target), Origin("tests", "1", "tests")
    )
    return Plugin(provider, Catalog((provider,)))


@pytest.mark.parametrize("rule", RULES)
def test_an_observer_that_ignores_everything_keeps_every_rule(rule, tmp_path):
    getattr(ObserverSuite(), rule)(of_class("Silent"), tmp_path)


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("Changing", "it_only_reads", "changed a result or the settings; only read them"),
        ("Printing", "it_prints_nothing", "printed .trial 0.*; print to stderr"),
    ],
)
def test_what_is_wrong_with_an_observer_is_found(name, rule, says, tmp_path):
    with pytest.raises(ConformanceError, match=says):
        getattr(ObserverSuite(), f"test_{rule}")(of_class(name), tmp_path)


@pytest.mark.parametrize(
    ("name", "rule", "error"),
    [
        ("Counting", "trials_end_in_any_order", KeyError),
        ("Hasty", "results_can_be_all_kinds", TypeError),
        ("Proud", "a_search_can_end_early", AttributeError),
    ],
)
def test_what_an_observer_raises_is_not_hidden(name, rule, error, tmp_path):
    with pytest.raises(error):
        getattr(ObserverSuite(), f"test_{rule}")(of_class(name), tmp_path)
