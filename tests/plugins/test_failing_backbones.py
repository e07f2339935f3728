"""A backbone that fails in training fails its own trials; messages name its distribution."""

import json

import pytest
import torch

from enas_inr.errors import PluginError
from enas_inr.model.model import load
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from tests.command_line import assert_one_line, call
from tests.plugins.plugin_site import backbone


@pytest.fixture(autouse=True)
def one_thread(threads):
    """Trains all members in one chunk on any machine, since messages contain their number."""
    threads(1)


NET = """
import torch
from enas_inr.backbones.base import Backbone
from enas_inr.cost import NetCost

class Net(Backbone):
    constants = ("shift",)

    def init(self, shape, seeds):
        draw = [torch.Generator().manual_seed(seed) for seed in seeds]
        size = (shape.in_features, shape.out_features)
        weight = torch.stack([torch.randn(size, generator=g) for g in draw])
        return {"weight": weight, "shift": torch.zeros(len(seeds), 1, 1)}

    def forward(self, shape, params, x):
        return torch.bmm(x, params["weight"]) + params["shift"]

    def cost(self, shape):
        numbers = shape.in_features * shape.out_features
        return NetCost(numbers, numbers, 0, 1)
"""
RETURN = '        return torch.bmm(x, params["weight"]) + params["shift"]\n'
LEAVES = '        return {"weight": weight, "shift": torch.zeros(len(seeds), 1, 1)}\n'
FORWARD = {
    "one channel": ("y[..., :1]", "forward returned shape (4, 64, 1), not (4, 64, 3) (members, "),
    "one point": ("y[:, :1]", "forward returned shape (4, 1, 3), not (4, 64, 3)"),
    "one member": ("y[:1]", "forward returned shape (1, 64, 3), not (4, 64, 3)"),
    "no member axis": ("y[0]", "forward returned shape (64, 3), not (4, 64, 3)"),
    "complex": ("torch.complex(y, y)", "forward returned torch.complex64, not real numbers"),
    "a tuple": ("(y, y)", "forward returned a tuple, not a tensor"),
    "nothing": ("None", "forward returned a NoneType, not a tensor"),
    "an error": ("1 / 0", "failed: ZeroDivisionError: division by zero (net.py, line 17)"),
    "a wrong product": ("x @ y", "failed: RuntimeError: "),
    "no gradient": ("y.detach()", "does not require grad"),
}
INIT = {
    "members last": (
        '{"weight": weight.mT, "shift": weight[0]}',
        "whose first axis does not count the 1 members",
    ),
    "one for all": (
        '{"weight": weight, "shift": weight[:1]}',
        "(1, 2, 3), whose first axis does not count the 4",
    ),
    "a number": (
        '{"weight": weight, "shift": torch.tensor(1.0)}',
        "has shape (), whose first axis does not",
    ),
    "double": ('{"weight": weight.double(), "shift": weight}', "'weight' is torch.float64, not"),
    "no constant": ('{"weight": weight}', "init returned no 'shift', which is one of its const"),
    "nothing to train": ('{"shift": weight}', "init returned no leaf to train"),
    "an array": ('{"weight": weight.numpy(), "shift": weight}', "'weight' is a ndarray, not a"),
    "a list": ("[weight]", "init returned a list, not tensors by name"),
}
LAYERED = """
from enas_inr.backbones.layered import Activation, Encoding, Layer, LayeredBackbone
from enas_inr.backbones.siren import Sine

class Ones(Encoding):
    def features(self, in_features):
        return 4
    def init(self, in_features, generator):
        return {}
    def apply(self, params, x):
        return {applied}

class Sharp(Activation):
    def value(self, z):
        return z
    def value_and_slope_(self, z, out):
        raise ValueError("no slope")

class Unhashable(Sine):
    __hash__ = None

class Net(LayeredBackbone):
    @property
    def encoding(self):
        return Ones()
    def layers(self, shape):
        w = shape.width
        first = Layer(4, w, 0.1, 0.1, {activation})
        return {layers}
"""
GOOD_LAYERED = {
    "applied": "x.repeat(1, 1, 2)",
    "activation": "Sine()",
    "layers": "(first, Layer(w, shape.out_features, 0.1, 0.1))",
}
WRONG_LAYERED = {
    "channels": ("layers", "(first, Layer(w, 1, 0.1, 0.1))", "gives 1 channel, not 3"),
    "chain": (
        "layers",
        "(first, Layer(w + 1, 3, 0.1, 0.1))",
        "layers: number 1 takes 5 features, but gets 4",
    ),
    "list": ("layers", "[first, Layer(w, 3, 0.1, 0.1)]", "not a tuple of Layer"),
    "encoding": ("applied", "x[..., :1]", "the encoding returned shape (4, 64, 1), not (4, 64, 4)"),
    "encoding raises": ("applied", "1 / 0", "failed: ZeroDivisionError: division by zero (net.py"),
    "activation": ("activation", "Sharp()", "failed: ValueError: no slope (net.py, line"),
    "unhashable": ("activation", "Unhashable()", "failed: TypeError: unhashable type: 'Unhash"),
}
SMALL = "--size 16 --grid 2 --widths 4 --depths 1 --repeats 1 --steps 3 --strategy exhaustive"
NAMED = "backbone 'mine' of bad-plugin 2.1"
TOLD = "choose another backbone, upgrade bad-plugin, or tell its authors"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def net(site):
    """Installs a plugin with a backbone of that source."""

    def install(source):
        site.write("net", source)
        site.install("bad-plugin", backbone("mine", target="net:Net"), version="2.1")

    return install


def failed_trial(reason):
    """Search with the backbone, and check that its trial failed for the given reason."""
    outcome = call(f"search sample:photo --backbone mine {SMALL} --quiet")
    assert_one_line(outcome, 7)
    for part in (NAMED, reason, TOLD):
        assert part in outcome.err


@pytest.mark.parametrize("what", FORWARD)
def test_a_forward_that_breaks_the_contract_fails_its_trials(net, what):
    returned, reason = FORWARD[what]
    wrong = (
        f'        y = torch.bmm(x, params["weight"]) + params["shift"]\n        return {returned}\n'
    )
    net(NET.replace(RETURN, wrong))
    failed_trial(reason)


BACKWARD = """
class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        return y.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (1 / 0)
"""


def test_an_error_in_the_backward_pass_fails_its_trials(net):
    """No method of the backbone is running in this case."""
    through = RETURN.replace("return ", "return Through.apply(").rstrip() + ")\n"
    net(NET.replace(RETURN, through) + BACKWARD)
    failed_trial("failed: ZeroDivisionError: division by zero (net.py, line 29)")


@pytest.mark.parametrize("what", INIT)
def test_an_init_that_breaks_the_contract_fails_its_trials(net, what):
    returned, reason = INIT[what]
    net(NET.replace(LEAVES, f"        return {returned}\n"))
    failed_trial(reason)


def test_a_method_with_other_arguments_fails_its_trials(net):
    net(NET.replace("def forward(self, shape, params, x)", "def forward(self, params, x)"))
    failed_trial("Net.forward() takes 3 positional arguments but 4 were given")


@pytest.mark.parametrize("what", WRONG_LAYERED)
def test_layers_that_break_the_contract_fail_their_trials(net, what):
    part, source, reason = WRONG_LAYERED[what]
    net(filled(GOOD_LAYERED | {part: source}))
    failed_trial(reason)


def filled(parts):
    source = LAYERED
    for name, part in parts.items():
        source = source.replace(f"{{{name}}}", part)
    return source


@pytest.mark.parametrize("source", [NET, filled(GOOD_LAYERED)], ids=["general", "layered"])
def test_backbones_that_fit_the_contract_are_trained(net, source):
    net(source)
    found = call(f"search sample:photo --backbone mine {SMALL} --json --quiet")
    assert (found.code, found.err) == (0, "")
    assert found.json["best"]["backbone"] == "mine"


def test_the_trial_is_stored_as_failed_and_tried_again_when_the_plugin_is_repaired(
    net, site, monkeypatch
):
    net(NET.replace(RETURN, f"        return ({RETURN.strip()[7:]})[..., :1]\n"))
    for _ in range(2):
        failed_trial("forward returned shape (4, 64, 1)")
    monkeypatch.setattr("net.Net.forward", lambda self, shape, p, x: torch.bmm(x, p["weight"]))
    assert call(f"search sample:photo --backbone mine {SMALL} --quiet").code == 0


def test_the_other_backbones_of_a_study_continue(net, tmp_path):
    net(NET.replace(RETURN, "        return x\n"))
    searches = "".join(
        f'[[searches]]\nname = "{name}"\nbackbone = "{name}"\n'
        'rows = [{ name = "tiny", grid = 2, depth = 1, width = 4 }]\n'
        for name in ("mine", "relu")
    )
    (tmp_path / "both.toml").write_text(
        f'title = "both"\nsize = "16"\nrepeats = 1\ntraining = {{ steps = 3 }}\n{searches}'
    )
    outcome = call("study run both.toml --json --quiet")
    assert outcome.code == 7
    assert "1 of 2 studies failed, the first (mine)" in outcome.err
    for part in (NAMED, "forward returned shape (4, 64, 2), not (4, 64, 3)", TOLD):
        assert part in outcome.err
    printed = json.dumps(outcome.json)
    assert "relu" in printed


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("12", "cost returned 12, not an enas_inr.cost.NetCost"),
        ("1 / 0", "failed: ZeroDivisionError: division by zero (net.py, line 20)"),
    ],
)
@pytest.mark.parametrize("command", ["search sample:photo", "cost", "fit sample:photo"])
def test_a_cost_that_fails_ends_the_command_before_anything_is_trained(
    net, command, returned, reason
):
    net(
        NET.replace(
            "        return NetCost(numbers, numbers, 0, 1)\n", f"        return {returned}\n"
        )
    )
    outcome = call(f"{command} --backbone mine")
    assert_one_line(outcome, 5)
    for part in (NAMED, reason, TOLD):
        assert part in outcome.err


@pytest.mark.parametrize(
    ("returned", "reason"),
    [("x", "forward returned shape"), ("1 / 0", "failed: ZeroDivisionError: division by zero")],
)
def test_a_fit_ends_with_one_line(net, returned, reason):
    net(NET.replace(RETURN, f"        return {returned}\n"))
    outcome = call("fit sample:photo --size 16 --grid 2 --backbone mine --steps 3 --quiet")
    assert_one_line(outcome, 5)
    for part in (NAMED, reason, TOLD):
        assert part in outcome.err


@pytest.mark.parametrize(
    ("method", "wrong", "reason"),
    [
        ("forward", lambda self, shape, p, x: x[..., :1], "forward returned shape"),
        ("forward", lambda self, shape, p, x: 1 / 0, "failed: ZeroDivisionError"),
        ("init", lambda self, shape, seeds: {}, "init returned no 'shift'"),
        ("cost", lambda self, shape: 1 / 0, "failed: ZeroDivisionError"),
    ],
)
def test_a_model_whose_backbone_changed_says_so(net, monkeypatch, method, wrong, reason):
    net(NET)
    fitted = "fit sample:photo --size 16 --grid 2 --backbone mine --steps 3 -o model.inr --quiet"
    assert call(fitted).code == 0
    assert call("render model.inr -o good.png --quiet").code == 0
    monkeypatch.setattr(f"net.Net.{method}", wrong)
    for command in ("render model.inr -o bad.png --quiet", "info model.inr"):
        outcome = call(command)
        assert_one_line(outcome, 5)
        for part in (NAMED, reason, TOLD):
            assert part in outcome.err
    with pytest.raises(PluginError, match=reason):
        load("model.inr")(torch.zeros(2, 2))


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        ("['weight']", "stages returned ['weight'], not a tuple of Dense and Lookup"),
        ("(Dense('weight', 'nothing'),)", "number 0 uses the leaf 'nothing', which init does not"),
        ("(Dense('weight', 'shift', 'z; z'),)", "failed: ValueError: '; z' is not part of an exp"),
    ],
)
def test_stages_that_break_the_contract_are_no_page(net, stages, reason):
    known = "    def cost("
    said = f"    def stages(self, shape, constants):\n        return {stages}\n\n{known}"
    net("from enas_inr.backbones.stages import Dense\n" + NET.replace(known, said))
    fitted = call("fit sample:photo --size 16 --grid 2 --backbone mine --steps 3 -o model.inr")
    assert "enas-inr view" not in fitted.out + fitted.err
    outcome = call("view model.inr")
    assert_one_line(outcome, 5)
    for part in (NAMED, reason, TOLD):
        assert part in outcome.err


def test_ray_tune_keeps_the_trial_as_failed_and_does_not_try_again(net, tmp_path):
    pytest.importorskip("ray")
    from enas_inr.backbones.feasibility import resolved
    from enas_inr.executors.base import ExecutionContext
    from enas_inr.executors.ray.trainable import Training
    from enas_inr.result import TrialResult, TrialStatus
    from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec

    net(NET.replace(RETURN, "        return x\n"))
    catalog = load_catalog()
    signal = load_signal(catalog, "sample:photo", {"size": [16, 16]})
    ensemble, cost = resolved(EnsembleSpec(backbone="mine", grid=2), signal.info(), catalog)
    settings = TrainingSpec.from_profile("paper", steps=4)
    trial = TrialSpec(number=0, ensemble=ensemble, cost=cost, training=settings, repeats=1, seed=0)
    training = Training.__new__(Training)
    training.config = {"trial": trial.model_dump_json()}
    training.setup(
        training.config, ExecutionContext(catalog, signal, "cpu"), None, str(tmp_path), 2, 1
    )
    step = training.step()
    result = TrialResult.model_validate_json(step["trial_result"])
    assert (step["done"], result.status) == (True, TrialStatus.FAILED)
    for part in (NAMED, "forward returned shape", TOLD):
        assert part in result.message
