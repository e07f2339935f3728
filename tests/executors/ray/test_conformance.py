"""The executor `ray` passes the conformance suite."""

import pytest

from enas_inr.testing.executor import ExecutorSuite
from enas_inr.testing.plugin import installed

pytest.importorskip("ray")


class TestRay(ExecutorSuite):
    @pytest.fixture
    def plugin(self, cluster):
        return installed("executor", "ray", address=cluster.address, workers=1)
