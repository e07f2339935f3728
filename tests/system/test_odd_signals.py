"""Signals of one sample, of one row, and of one value go through all commands."""

import json
import re
import shlex
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from enas_inr.cli.main import run

NUMBERS: dict[str, Any] = {
    "constant.png": np.full((6, 5, 3), 77, np.uint8),
    "one.png": np.full((1, 1, 3), 9, np.uint8),
    "row.png": np.arange(32, dtype=np.uint8)[None],
    "silence.wav": np.zeros((200, 1)),
    "one.wav": np.full((1, 1), 0.5),
}
SIZES = "--grid 4 --depth 0 --width 4 --steps 2"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs a command line that must end well, and returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def called(line):
        capsys.readouterr()
        code = run(shlex.split(line))
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert "Traceback" not in printed.err
        return printed.out

    return called


def write(name):
    numbers = NUMBERS[name]
    if name.endswith(".wav"):
        soundfile.write(name, numbers, 8000)
    else:
        Image.fromarray(numbers).save(name)


def strict(text):
    """Read JSON, which has neither NaN nor infinity."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def read(name):
    if name.endswith(".wav"):
        return soundfile.read(name, always_2d=True)[0]
    return np.asarray(Image.open(name))


@pytest.mark.parametrize("name", NUMBERS)
def test_an_odd_signal_is_fitted_and_rendered(call, name):
    write(name)
    strict(call(f"fit {name} {SIZES} --json --quiet -o m.inr"))
    strict(call(f"info m.inr --original {name} --json"))
    strict(call(f"suggest {name} --json"))
    suffix = name.rpartition(".")[2]
    call(f"render m.inr -o r.{suffix}")
    assert read(f"r.{suffix}").shape == NUMBERS[name].shape
    call(f"render m.inr -o s.{suffix} --scale 2")
    assert read(f"s.{suffix}").shape[0] == 2 * NUMBERS[name].shape[0]


def test_a_constant_signal_is_searched_and_reported(call):
    write("constant.png")
    sizes = "--grid 4 --widths 4,8 --depths 0 --steps 2 --repeats 1 --no-racing --quiet"
    strict(call(f"search constant.png {sizes} --strategy coordinate --study s --json"))
    for form in ("json", "md", "csv"):
        call(f"report s -o r.{form} --format {form}")
        with open(f"r.{form}") as file:
            assert not re.search(r"\b(nan|inf|infinity)\b", file.read(), re.IGNORECASE)
