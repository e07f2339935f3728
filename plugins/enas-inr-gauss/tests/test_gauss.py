import pytest

from enas_inr.testing import BackboneSuite, installed


class TestGauss(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "gauss")
