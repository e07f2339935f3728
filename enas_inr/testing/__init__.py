"""Tools for plugin authors: conformance suites, toy signals, and search without training.

Derive a test class from the suite for your kind of plugin, and return the plugin from a fixture::

    class TestSinc(BackboneSuite):
        @pytest.fixture
        def plugin(self):
            return installed("backbone", "sinc")

`enas-inr plugins check sinc` checks the same rules from the command line.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "BackboneSuite": "enas_inr.testing.backbone",
    "ConformanceError": "enas_inr.testing.plugin",
    "ExecutorSuite": "enas_inr.testing.executor",
    "LookupExecutor": "enas_inr.testing.lookup",
    "ModalitySuite": "enas_inr.testing.modality",
    "ObjectiveSuite": "enas_inr.testing.objective",
    "ObserverSuite": "enas_inr.testing.observer",
    "OptimizerSuite": "enas_inr.testing.optimizer",
    "Plugin": "enas_inr.testing.plugin",
    "SimulatedExecutor": "enas_inr.testing.simulated",
    "StrategySuite": "enas_inr.testing.strategy",
    "Suite": "enas_inr.testing.plugin",
    "ToyBackbone": "enas_inr.testing.toy_backbone",
    "installed": "enas_inr.testing.plugin",
    "lognormal_seconds": "enas_inr.testing.simulated",
    "lookup_results": "enas_inr.testing.lookup",
    "lookup_space": "enas_inr.testing.lookup",
    "require": "enas_inr.testing.plugin",
    "simulate": "enas_inr.testing.lookup",
    "tell_fit": "enas_inr.testing.observer",
    "tell_search": "enas_inr.testing.observer",
    "toy_catalog": "enas_inr.testing.toy_backbone",
    "toy_progress": "enas_inr.testing.observer",
    "toy_result": "enas_inr.testing.objective",
    "toy_results": "enas_inr.testing.observer",
    "toy_search_end": "enas_inr.testing.observer",
    "toy_search_start": "enas_inr.testing.observer",
    "toy_signal": "enas_inr.testing.toys",
    "toy_table": "enas_inr.testing.lookup",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the suite for strategies needs no torch, those for tensors do."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also before they are imported."""
    return sorted(__all__)
