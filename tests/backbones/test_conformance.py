"""Our own backbones keep the rules that everybody's must."""

import pytest

from enas_inr.testing import BackboneSuite, installed


class TestBuiltIns(BackboneSuite):
    @pytest.fixture(params=["siren", "relu", "fourier"])
    def plugin(self, request):
        return installed("backbone", request.param)
