"""Volumes from the command line to the report."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from enas_inr_volume.volume import VolumeModality

import enas_inr
from enas_inr.cli.main import run
from enas_inr.testing import toy_signal


def read(name):
    return VolumeModality().read(Path(name))


def call(line):
    return run(shlex.split(line))


@pytest.mark.parametrize("name", ["head.nii.gz", "head.npy", "beat.npy"])
def test_a_volume_goes_from_search_to_report_on_the_command_line(
    tmp_path, monkeypatch, capsys, name
):
    monkeypatch.chdir(tmp_path)
    shape = (6, 7, 8) if name.startswith("head") else (3, 4, 5, 6)
    VolumeModality().write(toy_signal(shape, modality="volume"), Path(name))
    sizes = "--grid 2 --widths 4,8 --depths 1 --repeats 1 --steps 5 --study s --quiet"
    assert call(f"search {name} {sizes} -o out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "comparison.png",
        "original.nii.gz",
        "reconstruction.nii.gz",
    ]
    assert call(f"fit {name} --study s -o m.inr --preview p.png --quiet") == 0
    suffix = name.partition(".")[2]
    assert call(f"render m.inr -o twice.{suffix} --scale 2") == 0
    twice = read(f"twice.{suffix}")
    assert twice.values.shape == (*(2 * n for n in shape), 1)
    sizes = "9x8x7" if len(shape) == 3 else "9x8x7x6"
    assert call(f"render m.inr -o r.{suffix} --size {sizes}") == 0
    size = tuple(int(n) for n in reversed(sizes.split("x")))
    assert read(f"r.{suffix}").values.shape == (*size, 1)
    capsys.readouterr()
    assert call(f"info m.inr --original {name} --json") == 0
    described = json.loads(capsys.readouterr().out)
    assert described["signal"]["shape"] == list(shape)
    assert described["cells"] == 2 ** len(shape)
    assert described["codecs"] == {"of": "original"}
    assert "ssim" not in described["metrics"]
    assert call("info m.inr") == 0
    assert call("report s -o r.html") == 0
    assert "slice" in (tmp_path / "r.html").read_text()


def test_options_and_their_errors_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.arange(128, dtype=np.int16).reshape(4, 4, 4, 2))
    fit = "fit a.npy --grid 2 --depth 1 --width 4 --steps 2 --quiet -o m.inr --force"
    assert call(f"{fit} --signal-option channels_last=true --signal-option scale=type") == 0
    header = enas_inr.load("m.inr").header
    assert (header.signal.shape, header.signal.channels) == ((4, 4, 4), 2)
    assert header.meta["range"] == [-32768, 32767]
    capsys.readouterr()
    for option, message in {
        "channel_last=true": "did you mean 'channels_last'",
        "scale=max": "modality 'volume': scale: input should be 'auto', 'type' or 'data'",
        "scale": "has no value",
    }.items():
        assert call(f"{fit} --signal-option {option}") == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
