"""Signals of one sample, of one row, and of one value go through all commands."""

import re
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.command_line import call, strict_json

NUMBERS: dict[str, Any] = {
    "constant.png": np.full((6, 5, 3), 77, np.uint8),
    "one.png": np.full((1, 1, 3), 9, np.uint8),
    "row.png": np.arange(32, dtype=np.uint8)[None],
    "silence.wav": np.zeros((200, 1)),
    "one.wav": np.full((1, 1), 0.5),
}
SIZES = "--grid 4 --depth 0 --width 4 --steps 2"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def printed(line):
    """Run a command line that must end well, and return what it prints."""
    outcome = call(line)
    assert outcome.code == 0, outcome.err
    assert "Traceback" not in outcome.err
    return outcome.out


def write(name):
    numbers = NUMBERS[name]
    if name.endswith(".wav"):
        soundfile.write(name, numbers, 8000)
    else:
        Image.fromarray(numbers).save(name)


def read(name):
    if name.endswith(".wav"):
        return soundfile.read(name, always_2d=True)[0]
    return np.asarray(Image.open(name))


@pytest.mark.parametrize("name", NUMBERS)
def test_an_odd_signal_is_fitted_and_rendered(name):
    write(name)
    strict_json(printed(f"fit {name} {SIZES} --json --quiet -o m.inr"))
    strict_json(printed(f"info m.inr --original {name} --json"))
    strict_json(printed(f"suggest {name} --json"))
    suffix = name.rpartition(".")[2]
    printed(f"render m.inr -o r.{suffix}")
    assert read(f"r.{suffix}").shape == NUMBERS[name].shape
    printed(f"render m.inr -o s.{suffix} --scale 2")
    assert read(f"s.{suffix}").shape[0] == 2 * NUMBERS[name].shape[0]


def test_a_constant_signal_is_searched_and_reported():
    write("constant.png")
    sizes = "--grid 4 --widths 4,8 --depths 0 --steps 2 --repeats 1 --no-racing --quiet"
    strict_json(printed(f"search constant.png {sizes} --strategy coordinate --study s --json"))
    for form in ("json", "md", "csv"):
        printed(f"report s -o r.{form} --format {form}")
        with open(f"r.{form}") as file:
            assert not re.search(r"\b(nan|inf|infinity)\b", file.read(), re.IGNORECASE)
