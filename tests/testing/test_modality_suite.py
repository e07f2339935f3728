"""The suite for modalities: the built-in ones pass it, and it detects faults in others."""

import inspect
import json
import secrets
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from enas_inr.errors import SignalError
from enas_inr.hookspecs import Modality as Description
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.signal import Modality, Signal, check_values
from enas_inr.testing.modality import ModalitySuite
from enas_inr.testing.plugin import ConformanceError, Plugin, installed
from enas_inr.testing.toys import toy_shape, toy_signal


class TestOurModalities(ModalitySuite):
    @pytest.fixture(params=["image", "audio"])
    def plugin(self, request):
        return installed("modality", request.param)


class Good(Modality):
    """A line of JSON, then float32 values, deflated with a checksum."""

    def read(self, path):
        try:
            head, _, body = zlib.decompress(read_bytes(path)).partition(b"\n")
            facts = json.loads(head)
            values = np.frombuffer(body, np.float32).reshape(facts["shape"])
        except (zlib.error, ValueError):
            raise SignalError(f"{path.name!r} is damaged", "give a whole one") from None
        return self.made(path, torch.from_numpy(values.copy()), facts["rate"])

    def made(self, path, values, rate):
        return Signal(values, "toy", path.name[: -len(".toy")], rate, {"depth": [32]})

    def write(self, signal, path):
        if path.suffix.lower() != ".toy":
            raise SignalError(f"{path.name!r} has an unknown suffix", "use .toy")
        if signal.values.ndim != 4 or signal.sample_rate is None:
            raise SignalError(f"{path.name!r}: this is no toy", "give three axes and a rate")
        check_values(signal.values, repr(path.name))
        self.put(path, signal.values, signal.sample_rate)

    def put(self, path, values, rate):
        head = json.dumps({"shape": list(values.shape), "rate": rate})
        content = head.encode() + b"\n" + values.numpy().tobytes()
        replace_bytes(path, zlib.compress(content))


class Doubles(Good):
    def made(self, path, values, rate):
        return super().made(path, values.double(), rate)


class OutOfRange(Good):
    def made(self, path, values, rate):
        return super().made(path, values * 1.2, rate)


class Dark(Good):
    def put(self, path, values, rate):
        super().put(path, values / 2 - 0.5, rate)


class Flipped(Good):
    def put(self, path, values, rate):
        super().put(path, values.transpose(1, 2), rate)


class Restless(Good):
    def made(self, path, values, rate):
        return super().made(path, (values + 1e-3 * torch.rand(())).clamp(-1, 1), rate)


class WithoutRate(Good):
    def made(self, path, values, rate):
        return super().made(path, values, None)


class AnyRate(Good):
    def made(self, path, values, rate):
        return super().made(path, values, 24)


class FullName(Good):
    def made(self, path, values, rate):
        return replace(super().made(path, values, rate), name=path.name)


class LowerCaseOnly(Good):
    def write(self, signal, path):
        if path.suffix != ".toy":
            raise SignalError(f"{path.name!r} has an unknown suffix", "use .toy")
        super().write(signal, path)


class OtherModality(Good):
    def made(self, path, values, rate):
        return replace(super().made(path, values, rate), modality="image")


def with_meta(signal, meta):
    """Runs without the type checks of our tests."""
    object.__setattr__(signal, "meta", meta)
    return signal


class PathInMeta(Good):
    def made(self, path, values, rate):
        return with_meta(super().made(path, values, rate), {"path": path})


class TupleInMeta(Good):
    def made(self, path, values, rate):
        return with_meta(super().made(path, values, rate), {"depth": (32,)})


class CountingMeta(Good):
    def made(self, path, values, rate):
        size = path.stat().st_mtime_ns
        return replace(super().made(path, values, rate), meta={"changed": size})


class Careless(Good):
    def read(self, path):
        return Good.made(self, path, torch.zeros(2, 2, 2, 1), 24)


class Traceback(Good):
    def read(self, path):
        head, _, body = zlib.decompress(path.read_bytes()).partition(b"\n")
        facts = json.loads(head)
        values = np.frombuffer(body, np.float32).reshape(facts["shape"])
        return self.made(path, torch.from_numpy(values.copy()), facts["rate"])


class HalfRead(Good):
    """Reads the remaining part of a truncated file."""

    def read(self, path):
        try:
            inflated = zlib.decompressobj().decompress(read_bytes(path))
            head, _, body = inflated.partition(b"\n")
            facts = json.loads(head)
        except (zlib.error, ValueError):
            raise SignalError(f"{path.name!r} is damaged", "give a whole one") from None
        values = np.zeros(facts["shape"], np.float32)
        values.ravel()[: len(body) // 4] = np.frombuffer(body[: len(body) // 4 * 4], np.float32)
        return self.made(path, torch.from_numpy(values), facts["rate"])


class Speechless(Good):
    def read(self, path):
        try:
            return super().read(path)
        except SignalError:
            raise SignalError("this is wrong") from None


class AnySuffix(Good):
    def write(self, signal, path):
        super().write(signal, path.with_suffix(".toy"))


class TakesNaN(Good):
    def write(self, signal, path):
        super().write(replace(signal, values=signal.values.nan_to_num()), path)


class TakesPictures(Good):
    def write(self, signal, path):
        if signal.values.ndim == 3:
            signal = replace(signal, values=signal.values[None])
        super().write(signal, path)


class TakesNoRate(Good):
    def write(self, signal, path):
        super().write(replace(signal, sample_rate=signal.sample_rate or 24), path)


class Destroyer(Good):
    def write(self, signal, path):
        if path.exists():
            path.write_bytes(b"")
        super().write(signal, path)


class Litterer(Good):
    def write(self, signal, path):
        path.with_name(secrets.token_hex(8)).write_bytes(b"")
        super().write(signal, path)


class OneColor(Good):
    def write(self, signal, path):
        if signal.values.shape[-1] == 3:
            raise SignalError(f"{path.name!r} has three channels", "give one")
        super().write(signal, path)


class ReadsOnly(Good):
    def write(self, signal, path):
        raise SignalError(f"{path.name!r} cannot be written", "use another format")


class SmallOnly(Good):
    def write(self, signal, path):
        if signal.values.numel() > 10_000:
            raise ValueError("too large")
        super().write(signal, path)


def plugin_of(target, **changes):
    described: dict[str, Any] = {
        "name": "toy",
        "summary": "a test",
        "target": f"{__name__}:{target}",
        "suffixes": (".toy",),
        "axes": (3,),
        "channels": (1, 3),
        "timed": True,
    }
    provider = Provider(Description(**(described | changes)), Origin("test", "1", "test"))
    ours = load_catalog(plugins=False).providers
    return Plugin(provider, Catalog((*ours, provider)))


RULES = {
    name: rule
    for name, rule in inspect.getmembers(ModalitySuite, inspect.isfunction)
    if name.startswith("test_") and name in vars(ModalitySuite)
}


def broken(plugin, folder):
    """Return the rules that a plugin breaks, with their messages."""
    said = {}
    for number, (name, rule) in enumerate(RULES.items()):
        arguments = [ModalitySuite(), plugin]
        if "tmp_path" in inspect.signature(rule).parameters:
            arguments.append(folder / str(number))
            arguments[-1].mkdir()
        try:
            rule(*arguments)
        except Exception as error:  # a fault may break more than one rule
            said[name.removeprefix("test_")] = str(error)
    return said


def test_a_good_one_breaks_no_rule(tmp_path):
    assert broken(plugin_of("Good"), tmp_path) == {}


WRONG = {
    "Doubles": ("signals_are_sound", "values are torch.float64"),
    "OutOfRange": ("signals_are_sound", "values reach 1.2"),
    "Dark": ("what_is_written_is_read_again", "toy.v2.toy has other values than were written"),
    "Flipped": ("what_is_written_is_read_again", "shape (6, 21, 18, 1), but was written with"),
    "Restless": ("reading_is_repeatable", "other values when it is read again"),
    "WithoutRate": ("what_is_written_is_read_again", "sample rate None, but was written with 24"),
    "AnyRate": (
        "it_goes_from_a_file_to_a_model_and_back",
        "sample rate 24, but was written with 48",
    ),
    "FullName": ("a_signal_has_its_files_name", "with name 'toy.v2.toy'; use 'toy.v2'"),
    "OtherModality": ("signals_are_sound", "with modality 'image'; set 'toy'"),
    "PathInMeta": ("meta_is_json_and_survives", "not JSON serializable"),
    "TupleInMeta": ("meta_is_json_and_survives", "use lists"),
    "CountingMeta": ("meta_is_json_and_survives", "when it is written and read again"),
    "Careless": ("damaged_files_are_refused", "reading a missing file (.toy) raises no error"),
    "Traceback": ("damaged_files_are_refused", "raises FileNotFoundError"),
    "HalfRead": ("damaged_files_are_refused", "reading the first"),
    "Speechless": ("damaged_files_are_refused", "the error 'this is wrong'; name the file and say"),
    "AnySuffix": ("what_it_cannot_write_is_refused", "writing an unknown suffix"),
    "TakesNaN": ("what_it_cannot_write_is_refused", "writing NaN"),
    "TakesPictures": ("what_it_cannot_write_is_refused", "writing a signal of 2 axes"),
    "TakesNoRate": ("what_it_cannot_write_is_refused", "writing a signal without a rate"),
    "Destroyer": ("what_it_cannot_write_is_refused", "the existing file was overwritten"),
    "Litterer": ("what_it_cannot_write_is_refused", "a partial file is left behind"),
    "LowerCaseOnly": ("a_signal_has_its_files_name", "cannot write toy.v2.TOY"),
    "SmallOnly": (
        "it_goes_from_a_file_to_a_model_and_back",
        "cannot write toy.v2.toy of shape (12, 36, 42, 1): ValueError: too large",
    ),
    "OneColor": (
        "it_writes_what_it_declares",
        "no format can store a signal of shape (6, 18, 21, 3)",
    ),
    "ReadsOnly": ("it_writes_what_it_declares", "no format can store any declared signal"),
}


@pytest.mark.parametrize("target", WRONG)
def test_one_wrong_thing_is_found_and_named(tmp_path, target):
    rule, message = WRONG[target]
    said = broken(plugin_of(target), tmp_path)
    assert message in said[rule]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suffixes": ()}, "the description has no suffixes"),
        ({"suffixes": (".toy", ".toy")}, "list each suffix once"),
        ({"axes": ()}, "axes is (); declare one or more numbers from 1 to 4"),
        ({"axes": (5,)}, "axes is (5,)"),
        ({"channels": (0,)}, "give numbers of at least 1"),
    ],
)
def test_a_wrong_description_is_named(changes, message):
    with pytest.raises(ConformanceError) as caught:
        ModalitySuite().test_what_it_holds_is_described(plugin_of("Good", **changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_a_toy_is_smooth_the_same_each_time_and_reaches_both_ends(axes):
    shape = toy_shape(axes)
    first, second = (toy_signal(shape, 3) for _ in range(2))
    first.check()
    assert len(shape) == axes
    assert first.info() == second.info()
    assert first.values.shape == (*shape, 3)
    for channel in first.values.unbind(-1):
        assert channel.min() == -1
        assert channel.max() == 1
        for axis in range(axes):
            assert channel.diff(dim=axis).abs().max() < 1.5
    assert not torch.equal(first.values[..., 0], first.values[..., 1])


def test_a_toy_of_one_sample_is_finite():
    toy_signal((1, 1), 2).check()
