"""The built-in backbones pass the conformance suite."""

import pytest

from enas_inr.testing import BackboneSuite, installed


class TestBuiltIns(BackboneSuite):
    @pytest.fixture(params=["siren", "relu", "fourier"])
    def plugin(self, request):
        return installed("backbone", request.param)
