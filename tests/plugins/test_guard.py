"""A guarded object behaves like the object itself, and its errors name the plugin."""

import pickle
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest
import torch

from enas_inr.backbones.siren import Siren
from enas_inr.errors import ContractError, PluginError, SignalError
from enas_inr.hookspecs import Objective
from enas_inr.plugins.catalog import load_catalog
from enas_inr.plugins.guard import failures_of, guarded, guarded_like
from enas_inr.plugins.provider import Origin, Provider

DESCRIBED = Objective(name="mine", summary="a test", target=f"{__name__}:Thing")
THEIRS = Provider(DESCRIBED, Origin("their-plugin", "1.0", "mine"))
OURS = Provider(DESCRIBED, Origin("enas-inr", "1.0", "builtin"))
NAMED = r"^objective 'mine' of their-plugin 1\.0"


@dataclass(frozen=True)
class Thing:
    """A class of a plugin."""

    size: int = 3
    told: list[str] = field(default_factory=list, compare=False)

    @property
    def halves(self) -> float:
        return self.size / 0

    @property
    def lost(self) -> int:
        return self.missing  # type: ignore[attr-defined, no-any-return]

    def double(self) -> int:
        return 2 * self.size

    def divide(self, by: int) -> float:
        return self.size / by

    def careful(self) -> float:
        try:
            return self.divide(0)
        except ZeroDivisionError:
            return 0.0

    def count(self, to: int) -> Generator[float, None, None]:
        for number in range(self.size, to - 1, -1):
            yield 6 / number

    def raises(self, error: BaseException) -> None:
        raise error


def check_double(thing, doubled, *args):
    if doubled > 100:
        raise ContractError(f"double returned {doubled}, which is too large")
    return str(doubled)


def thing(*args, provider=THEIRS, strict=False) -> Thing:
    return guarded(Thing(*args), provider, {"double": check_double}, strict=strict)


def test_a_guarded_object_looks_like_its_original():
    made = thing(5)
    assert isinstance(made, Thing)
    assert made.__class__ is Thing
    assert made == Thing(5)
    assert Thing(5) == made
    assert made == thing(5)
    assert made != thing(6)
    assert hash(made) == hash(Thing(5))
    assert repr(made) == repr(Thing(5))
    assert "careful" in dir(made)
    assert made.size == 5
    assert not hasattr(made, "absent")
    with pytest.raises(AttributeError, match="cannot assign"):
        setattr(made, "size", 6)  # noqa: B010


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda made: made.divide(0), "ZeroDivisionError: division by zero (test_guard.py, line"),
        (lambda made: made.divide(by=0), "ZeroDivisionError"),
        (lambda made: made.divide(), "TypeError: Thing.divide() missing 1 required"),
        (lambda made: made.halves, "ZeroDivisionError: division by zero (test_guard.py, line"),
        (lambda made: made.lost, "AttributeError: 'Thing' object has no attribute 'missing'"),
        (lambda made: list(made.count(0)), "ZeroDivisionError"),
        (lambda made: made.raises(SystemExit(3)), "SystemExit: 3"),
        (lambda made: made.raises(StopIteration()), "StopIteration"),
        (
            lambda made: made.raises(RuntimeError("CUDA error: x")),
            "RuntimeError: CUDA error: x",
        ),
    ],
)
def test_every_failure_names_the_plugin(use, says):
    with pytest.raises(PluginError, match=NAMED) as caught:
        use(thing())
    assert f" failed: {says}" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_an_iterator_is_guarded_only_while_it_is_consumed():
    numbers = thing(2).count(0)
    assert [next(numbers), next(numbers)] == [3.0, 6.0]
    with pytest.raises(PluginError, match=NAMED):
        next(numbers)
    closed = thing(2).count(0)
    next(closed)
    closed.close()


def test_returned_values_are_checked_and_may_be_changed():
    assert str(thing(5).double()) == "10"
    assert isinstance(thing(5).double(), str)
    with pytest.raises(PluginError, match=f"{NAMED}: double returned 102, which is too large; "):
        thing(51).double()


def test_inside_it_nothing_changes():
    assert thing().careful() == 0.0


@pytest.mark.parametrize(
    "error",
    [
        SignalError("no such file", "name another"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory"),
        KeyboardInterrupt(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_that_are_not_its_fault_pass(error):
    with pytest.raises(type(error)) as caught:
        thing().raises(error)
    assert caught.value is error


def test_in_strict_mode_the_traceback_is_a_note():
    with pytest.raises(PluginError) as caught:
        thing(strict=True).divide(0)
    (note,) = caught.value.__notes__
    assert "in divide" in note
    with pytest.raises(PluginError) as caught:
        thing().divide(0)
    assert not hasattr(caught.value, "__notes__")


def test_objects_and_methods_are_pickled_with_their_guard():
    made, method = pickle.loads(pickle.dumps((thing(7), thing(7).divide)))
    assert made == Thing(7)
    assert method(7) == 1.0
    for use in (made.divide, method):
        with pytest.raises(PluginError, match=NAMED):
            use(0)


def test_our_own_failures_are_bugs_except_broken_contracts():
    with pytest.raises(ZeroDivisionError), failures_of(OURS):
        _ = 1 / 0
    with pytest.raises(PluginError, match="broken"), failures_of(OURS):
        raise ContractError("broken")


def test_built_in_objects_are_not_guarded():
    assert type(load_catalog(plugins=False).create("backbone", "siren")) is Siren


def test_functions_that_run_its_code_name_the_plugin():
    ours = Thing(1)
    assert guarded_like(Thing(2), ours) is ours
    lent = guarded_like(thing(2), ours)
    assert lent.double() == 2  # its checks are not guarded
    with pytest.raises(PluginError, match=NAMED):
        lent.divide(0)
