"""A wrong options model, target or constructor breaks its own name only, when it is used."""

import pytest

from enas_inr.errors import PluginError, SpecError
from enas_inr.plugins.catalog import load_catalog
from tests.command_line import assert_one_line, call
from tests.plugins.plugin_site import backbone, describe, plugin

NET = """
from pydantic import BaseModel, ConfigDict, field_validator
from enas_inr.backbones.siren import Siren
from enas_inr.backbones.options import SirenOptions
from enas_inr.spec import Options

class Net(Siren):
    pass

class Loose(BaseModel):
    speed: int = 1

class Required(Options):
    speed: int
    colour: str
    size: int = 1

class Mutable(Options):
    model_config = ConfigDict(frozen=False)
    speed: int = 1

class Open(Options):
    model_config = ConfigDict(extra="allow")
    speed: int = 1

class Good(SirenOptions):
    speed: int = 1

class Explosive(Good):
    @field_validator("speed")
    @classmethod
    def _check(cls, speed):
        return 1 // speed

function = print
"""
WRONG_OPTIONS = {
    "no_such_module:Options": "cannot import 'no_such_module:Options': ModuleNotFoundError",
    "my_net:NoSuchModel": "cannot import 'my_net:NoSuchModel': AttributeError",
    "my_net": "cannot import 'my_net'",
    "my_net:Loose": "options model 'my_net:Loose' is not derived from enas_inr.spec.Options",
    "my_net:function": "is not derived from enas_inr.spec.Options",
    "my_net:Required": "options model 'my_net:Required' has no default for speed, colour",
    "my_net:Mutable": "options model 'my_net:Mutable' changes 'frozen' in its model_config",
    "my_net:Open": "options model 'my_net:Open' changes 'extra' in its model_config",
}
WRONG_TARGETS = {
    "no_such_module:Net": "cannot import 'no_such_module:Net': ModuleNotFoundError: No module",
    "collections:NoSuchClass": "cannot import 'collections:NoSuchClass': AttributeError",
    "bad_target:Net": "cannot import 'bad_target:Net': OSError: no library",
    "exits:Net": "cannot import 'exits:Net': SystemExit: 3",
    "": "cannot import ''",
    "my_net:function": "target 'my_net:function' is a ",
    "my_net:Good": "is not derived from enas_inr.backbones.base.Backbone",
    "enas_inr.strategies.exhaustive:Exhaustive": "is not derived from enas_inr.backbones.base",
}
TOLD = "choose another backbone, upgrade bad-plugin, or tell its authors"


@pytest.fixture
def modules(site):
    site.write("my_net", NET)
    site.write("bad_target", "raise OSError('no library')")
    site.write("exits", "raise SystemExit(3)")


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_a_wrong_options_model_names_the_distribution_wherever_it_is_used(site, modules, options):
    site.install("bad-plugin", backbone("mine", target="my_net:Net", options=options), version="4")
    catalog = load_catalog()
    assert not catalog.broken
    for use in (
        lambda: catalog.options("backbone", "mine", {}),
        lambda: catalog.option_names("backbone", "mine"),
        lambda: catalog.create("backbone", "mine"),
    ):
        with pytest.raises(PluginError) as caught:
            use()
        for part in ("backbone 'mine' of bad-plugin 4: ", WRONG_OPTIONS[options], TOLD):
            assert part in str(caught.value)
    assert catalog.create("backbone", "siren", options={"omega_first": 7})


@pytest.mark.parametrize("target", WRONG_TARGETS)
def test_a_wrong_target_names_the_distribution(site, modules, target):
    site.install("bad-plugin", backbone("mine", target=target), version="1.2")
    catalog = load_catalog()
    assert catalog.describe("backbone", "mine").target == target
    with pytest.raises(PluginError) as caught:
        catalog.create("backbone", "mine")
    for part in ("backbone 'mine' of bad-plugin 1.2: ", WRONG_TARGETS[target], TOLD):
        assert part in str(caught.value)


def test_a_target_of_every_kind_must_fit_the_contract_of_its_kind(site, modules):
    for kind in ("backbone", "modality", "strategy", "executor", "objective"):
        hook = f"enas_inr_{kind[:-1]}ies" if kind.endswith("y") else f"enas_inr_{kind}s"
        returned = f"[{describe('wrong', target='my_net:Good', kind=kind.title())}]"
        site.install(f"{kind}-plugin", plugin(returned, hook=hook))
    catalog = load_catalog()
    for kind in ("backbone", "modality", "strategy", "executor", "objective"):
        with pytest.raises(PluginError, match=rf"{kind}-plugin 1\.0: .* is not derived from enas_"):
            catalog.create(kind, "wrong")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def __init__(self): 1 / 0", "ZeroDivisionError: division by zero (net.py, line 3)"),
        ("def __init__(self): raise SystemExit", "failed: SystemExit (net.py, line 3)"),
        ("def __init__(self, a, b): pass", "missing 2 required positional arguments: 'a' and 'b'"),
        ("forward = None", "Can't instantiate abstract class Net"),
    ],
    ids=["raises", "exits", "takes-more", "abstract"],
)
def test_a_class_that_cannot_be_constructed_names_the_distribution(site, body, reason):
    base = "from enas_inr.backbones.base import Backbone as Base\n"
    if "__init__" in body:
        base = "from enas_inr.backbones.siren import Siren as Base\n"
    site.write("net", f"{base}class Net(Base):\n    {body}\n")
    site.install("bad-plugin", backbone("mine", target="net:Net"))
    with pytest.raises(PluginError) as caught:
        load_catalog().create("backbone", "mine")
    assert "backbone 'mine' of bad-plugin 1.0 failed: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_validator_that_raises_names_the_distribution_and_a_wrong_value_the_option(site, modules):
    fields = {"target": "my_net:Net", "options": "my_net:Explosive"}
    site.install("bad-plugin", backbone("mine", **fields))
    catalog = load_catalog()
    with pytest.raises(PluginError, match=r"bad-plugin 1\.0 failed: ZeroDivisionError: .*my_net"):
        catalog.options("backbone", "mine", {"speed": 0})
    with pytest.raises(SpecError, match="backbone 'mine': speed: "):
        catalog.options("backbone", "mine", {"speed": "fast"})


def test_a_mistake_in_our_own_code_blames_no_distribution(monkeypatch):
    monkeypatch.setattr("enas_inr.backbones.siren.Siren.__init__", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load_catalog(plugins=False).create("backbone", "siren")


@pytest.mark.parametrize("command", ["cost --backbone mine", "fit sample:photo --backbone mine"])
def test_a_command_that_uses_the_name_ends_with_one_line_and_others_work(site, modules, command):
    fields = {"target": "my_net:Net", "options": "my_net:Mutable"}
    site.install("bad-plugin", backbone("mine", **fields))
    outcome = call(command)
    assert_one_line(outcome, 5)
    assert "backbone 'mine' of bad-plugin 1.0: options model 'my_net:Mutable'" in outcome.err
    assert call("cost --backbone siren").code == 0
