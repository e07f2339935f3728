"""For authors of plugins: conformance suites, toy signals, a search without training.

Derive a test class from the suite of your kind of plugin, and say which plugin in one fixture::

    class TestSinc(BackboneSuite):
        @pytest.fixture
        def plugin(self):
            return installed("backbone", "sinc")

`enas-inr plugins check sinc` runs the same rules from the command line.
"""

from enas_inr.testing.backbone import BackboneSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite, installed, require

__all__ = ["BackboneSuite", "ConformanceError", "Plugin", "Suite", "installed", "require"]
