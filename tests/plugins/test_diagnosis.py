import sys
from types import ModuleType

import pytest

from enas_inr.errors import ContractError
from enas_inr.plugins.diagnosis import import_object, import_options, import_target, place
from enas_inr.spec import Options

CONTRACT = "enas_inr.backbones.base:Backbone"


class Loose(Options, extra="allow"):
    """Accepts any key."""


class Demanding(Options):
    """Has an option without a default."""

    size: int


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("no.such.module:Net", "cannot import 'no.such.module:Net': ModuleNotFoundError"),
        ("enas_inr.spec:Net", "cannot import 'enas_inr.spec:Net': AttributeError"),
        ("enas_inr.spec:PROFILES", "is a dict, not a class"),
        ("enas_inr.spec:Cost", "is not derived from enas_inr.backbones.base.Backbone"),
    ],
)
def test_a_target_that_is_not_such_a_class_is_named(target, says):
    with pytest.raises(ContractError, match=says):
        import_target(target, CONTRACT)


def test_a_target_that_keeps_the_contract_is_imported():
    from enas_inr.backbones.siren import Siren

    assert import_target("enas_inr.backbones.siren:Siren", CONTRACT) is Siren


def test_a_module_that_exits_breaks_only_itself(monkeypatch, tmp_path):
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ContractError, match="cannot import 'leaving:Net'"):
        import_object("leaving:Net")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("enas_inr.spec:Cost", "is not derived from enas_inr.spec.Options"),
        (f"{__name__}:Demanding", "has no default for size"),
        (f"{__name__}:Loose", "changes 'extra' in its model_config"),
    ],
)
def test_options_that_break_the_contract_are_named(target, says):
    with pytest.raises(ContractError, match=says):
        import_options(target)


def test_the_place_of_an_error_is_the_last_line_in_the_plugins_package(monkeypatch):
    module = ModuleType("a_plugin")
    source = "def outer(f):\n    f()\n\ndef inner():\n    raise ValueError\n"
    exec(compile(source, "/somewhere/a_plugin.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "a_plugin", module)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        module.outer(module.inner)
    assert place(caught.value, "a_plugin.net:Net") == " (a_plugin.py, line 5)"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        module.outer(lambda: int("x"))
    assert place(caught.value, "a_plugin.net:Net") == " (a_plugin.py, line 2)"
    assert place(caught.value, "another:Net") == ""
