"""The suite for backbones detects faults; the built-in backbones pass it in tests/backbones."""

from unittest import SkipTest

import pytest

import enas_inr
from enas_inr.errors import PluginError
from enas_inr.hookspecs import Backbone
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.testing import toy_catalog, toy_signal
from enas_inr.testing.backbone import BackboneSuite
from enas_inr.testing.plugin import ConformanceError, Plugin
from enas_inr.testing.verdict import SUITES, RuleOutcome, verdicts


def of_class(name):
    described = Backbone(
        name=name,
        summary="a test",
        target=f"tests.testing.wrong_backbones:{name}",
        options="tests.testing.wrong_backbones:SpeedOptions" if name == "DeafToOptions" else None,
        learning_rate=1e-2,
        initialisation="uniform",
        citation="none",
    )
    provider = Provider(described, Origin("tests", "1", "tests"))
    ours = load_catalog(plugins=False).providers  # a fit needs an optimizer
    return Plugin(provider, Catalog((provider, *ours)))


@pytest.mark.parametrize("name", ["Right", "Layered"])
def test_a_backbone_without_faults_keeps_every_rule(name):
    found = list(verdicts(BackboneSuite, of_class(name)))
    assert not [v for v in found if v.outcome is RuleOutcome.FAILED]
    skipped = sum(v.outcome is RuleOutcome.SKIPPED for v in found)
    assert skipped == {"Right": 5, "Layered": 1}[name]  # no options, and no layers


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("SharedStream", "seeds", "'first' of seed 42 depends on the other seeds"),
        ("SeedBlind", "seeds", "draw the same member; use the seed"),
        ("MembersLast", "leaves", "put the members first"),
        ("Doubles", "leaves", "is torch.float64 on cpu"),
        ("OneChannel", "output", r"returns \(1, 1, 1\) for .*; return \(1, 1, 3\)"),
        ("ComplexOutput", "output", "returns torch.complex64"),
        ("Mingling", "member_alone", "the values of a member of"),
        ("Kinked", "gradients", "the gradient of x is not finite"),
        ("Idle", "gradients", "forward does not use the leaf 'idle'"),
        ("Cheap", "cost", r"macs_per_sample is 1, but 16 were counted"),
        ("Small", "cost", r"parameters is 1, but 16 were counted"),
        ("Dead", "overfits", "check initialisation and learning rate"),
        ("Noisy", "equal_options", "keep no state"),
        ("DeafToOptions", "options_matter", "speed = 2.0 makes the same network as speed = 1.0"),
        ("Forgetful", "saved_and_read", "keep all numbers in the leaves"),
        ("WrongSlope", "activations", "the slope of Sloped.value_and_slope_ differ"),
        ("WrongSlope", "kernels_agree", "the losses of five steps differ"),
        ("WrongStages", "stages", "the values of forward and of the stages of .* differ"),
        ("WrongLoop", "loops", "the slopes of the loop of Looped differ"),
        ("GreedyLoop", "loops", "writes to features of `out` that `z` lacks"),
        ("UnequalActivations", "equal_activations", "make the class a frozen dataclass"),
    ],
)
def test_what_is_wrong_with_a_backbone_is_found(name, rule, says, tmp_path):
    method = getattr(BackboneSuite(), f"test_{rule}")
    arguments = (tmp_path,) if rule == "saved_and_read" else ()
    with pytest.raises((ConformanceError, PluginError), match=says) as caught:
        method(of_class(name), *arguments)
    assert "\n" not in str(caught.value)


def test_a_repeat_that_depends_on_its_batch_is_found():
    with pytest.raises(ConformanceError, match="the losses of a repeat differ"):
        BackboneSuite().test_repeats_are_independent(of_class("Mingling"))


def test_what_does_not_apply_is_said():
    with pytest.raises(SkipTest, match="only autograd trains it"):
        BackboneSuite().test_kernels_agree(of_class("Right"))


def test_every_rule_of_every_suite_says_in_words_what_it_asks():
    for suite in SUITES.values():
        rules = [r for c in suite.__mro__ for n, r in vars(c).items() if n.startswith("test_")]
        assert rules
        for rule in rules:
            line = (rule.__doc__ or "").splitlines()[0]
            assert line.endswith("."), rule


def test_the_toy_keeps_every_rule_and_is_found_by_its_name():
    catalog = toy_catalog()
    found = list(verdicts(BackboneSuite, Plugin(catalog.find("backbone", "toy"), catalog)))
    assert not [v for v in found if v.outcome is RuleOutcome.FAILED]


def test_the_toy_is_searched_with(tmp_path):
    result = enas_inr.search(
        toy_signal((8, 8)), backbone="toy", grid=2, widths=[4, 8], depths=[1], repeats=1,
        training={"steps": 5}, storage=f"sqlite:///{tmp_path}/toy.db", catalog=toy_catalog(),
    )  # fmt: skip
    assert len(result.trials) == 2
