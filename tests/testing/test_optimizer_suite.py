"""The suite of optimizers: our own keep its rules, and it finds what is wrong with others."""

import pytest

from enas_inr.hookspecs import Optimizer
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing.optimizer import OptimizerSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, installed

RULES = [name for name in vars(OptimizerSuite) if name.startswith("test_")]


class TestOurOwn(OptimizerSuite):
    @pytest.fixture(params=["adam", "muon"])
    def plugin(self, request):
        return installed("optimizer", request.param)


def of_class(name):
    described = Optimizer(
        name=name, summary="a test", target=f"tests.testing.wrong_optimizers:{name}"
    )
    provider = Provider(described, Origin("tests", "1", "tests"))
    return Plugin(provider, Catalog((provider,)))


@pytest.mark.parametrize("rule", RULES)
def test_an_optimizer_without_faults_keeps_every_rule(rule):
    getattr(OptimizerSuite(), rule)(of_class("Right"))


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("Scalar", "the_state_fits", "'count' has shape .* nor begins with the 3 members"),
        ("Replacing", "an_update_is_in_place", "the state holds other tensors"),
        ("Idle", "an_update_is_in_place", "the weights did not change"),
        ("Dividing", "without_a_gradient_nothing_breaks", "weights are not finite"),
        ("Ascending", "a_quadratic_decreases", "the losses of the members fell from"),
        ("Stubborn", "the_rate_scales_the_update", "although the learning rate was 0"),
        ("Mixing", "a_batched_member_equals_one_trained_alone", "must not influence each other"),
        ("Counting", "a_resumed_training_is_equal", "the losses differ after a resume"),
        ("Idle", "a_signal_is_learned", "the loss on a signal fell from"),
    ],
)
def test_what_is_wrong_with_an_optimizer_is_found(name, rule, says):
    with pytest.raises(ConformanceError, match=says) as caught:
        getattr(OptimizerSuite(), f"test_{rule}")(of_class(name))
    assert "\n" not in str(caught.value)
