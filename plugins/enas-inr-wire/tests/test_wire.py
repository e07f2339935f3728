import pytest

from enas_inr.testing import BackboneSuite, installed


class TestWire(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "wire")
