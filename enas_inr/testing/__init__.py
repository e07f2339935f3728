"""Tools for plugin authors: conformance suites, toy signals, and search without training.

Derive a test class from the suite for your kind of plugin, and return the plugin from a fixture::

    class TestSinc(BackboneSuite):
        @pytest.fixture
        def plugin(self):
            return installed("backbone", "sinc")

`enas-inr plugins check sinc` checks the same rules from the command line.
"""

from enas_inr.testing.backbone import BackboneSuite
from enas_inr.testing.executor import ExecutorSuite
from enas_inr.testing.lookup import (
    LookupExecutor,
    lookup_results,
    lookup_space,
    simulate,
    toy_table,
)
from enas_inr.testing.modality import ModalitySuite
from enas_inr.testing.objective import ObjectiveSuite, toy_result
from enas_inr.testing.observer import (
    ObserverSuite,
    tell_fit,
    tell_search,
    toy_progress,
    toy_results,
    toy_search_end,
    toy_search_start,
)
from enas_inr.testing.optimizer import OptimizerSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite, installed, require
from enas_inr.testing.simulated import SimulatedExecutor, lognormal_seconds
from enas_inr.testing.strategy import StrategySuite
from enas_inr.testing.toy_backbone import ToyBackbone, toy_catalog
from enas_inr.testing.toys import toy_signal

__all__ = [
    "BackboneSuite",
    "ConformanceError",
    "ExecutorSuite",
    "LookupExecutor",
    "ModalitySuite",
    "ObjectiveSuite",
    "ObserverSuite",
    "OptimizerSuite",
    "Plugin",
    "SimulatedExecutor",
    "StrategySuite",
    "Suite",
    "ToyBackbone",
    "installed",
    "lognormal_seconds",
    "lookup_results",
    "lookup_space",
    "require",
    "simulate",
    "tell_fit",
    "tell_search",
    "toy_catalog",
    "toy_progress",
    "toy_result",
    "toy_results",
    "toy_search_end",
    "toy_search_start",
    "toy_signal",
    "toy_table",
]
