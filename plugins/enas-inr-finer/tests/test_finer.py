import pytest

from enas_inr.testing import BackboneSuite, installed


class TestFiner(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "finer")
