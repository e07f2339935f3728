"""Signals of one to four axes from the command line to the report, without any plugin package."""

import json
import shlex
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import enas_inr
from enas_inr.cli.main import run
from enas_inr.errors import SpecError
from enas_inr.hookspecs import Modality as Description
from enas_inr.plugins import catalog as catalogs
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.signals.files import replace_bytes
from enas_inr.signals.signal import Modality, Signal
from enas_inr.spec import Options

RATE = 4
ARCHITECTURE = "--grid 2 --depth 1 --width 4 --steps 2 --quiet"


class EveryOptions(Options):
    """Options of `raw`."""

    every: int = 1


class Raw(Modality):
    """A modality of another author: JSON text files; those ending in `.clip` have a rate."""

    def __init__(self, options):
        self._every = options.every

    def read(self, path):
        values = torch.tensor(json.loads(path.read_text()))[:: self._every]
        rate = RATE if path.suffix == ".clip" else None
        return Signal(values, "raw", path.stem, sample_rate=rate)

    def write(self, signal, path):
        content = {"values": signal.values.tolist(), "rate": signal.sample_rate}
        replace_bytes(path, json.dumps(content).encode())


@pytest.fixture(autouse=True)
def installed(monkeypatch, tmp_path):
    description = Description(
        name="raw",
        summary="a test",
        target=f"{__name__}:Raw",
        options=f"{__name__}:EveryOptions",
        suffixes=(".raw", ".clip"),
        axes=(1, 2, 3, 4),
    )
    ours = catalogs.load_catalog(plugins=False)
    both = Catalog((*ours.providers, Provider(description, Origin("test", "1", "test"))))
    monkeypatch.setattr(catalogs, "load_catalog", lambda plugins=True, strict=False: both)
    monkeypatch.chdir(tmp_path)
    return both


def make(name, *shape):
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with open(name, "w") as file:
        json.dump(values.tolist(), file)


def call(line):
    return run(shlex.split(line))


def fit(name, *shape):
    make(name, *shape)
    assert call(f"fit {name} {ARCHITECTURE} -o m.inr --force") == 0


def rendered(options):
    assert call(f"render m.inr -o r.raw --force --quiet {options}") == 0
    with open("r.raw") as file:
        content = json.load(file)
    return np.array(content["values"]), content["rate"]


@pytest.mark.parametrize(
    "name_and_shape",
    [
        ("a.raw", 9, 2),
        ("a.clip", 9, 2),
        ("a.raw", 6, 7, 3),
        ("a.raw", 5, 6, 7, 1),
        ("a.clip", 4, 6, 7, 3),
        ("a.raw", 3, 4, 5, 6, 1),
    ],
    ids=str,
)
def test_every_number_of_axes_goes_from_search_to_report(name_and_shape, capsys):
    name, *shape = name_and_shape
    make(name, *shape)
    sizes = "--widths 4,8 --depths 1 --grid 2 --repeats 1 --steps 2"
    assert call(f"search {name} {sizes} --study s --quiet -o out") == 0
    assert call(f"fit {name} --study s -o m.inr --preview p.png --quiet") == 0
    assert Image.open("p.png").size[0] > 300
    values, _ = rendered("")
    assert values.shape == tuple(shape)
    assert np.allclose(values, enas_inr.load("m.inr").render().values, atol=1e-6)
    values, rate = rendered("--scale 2")
    assert values.shape == (*(2 * n for n in shape[:-1]), shape[-1])
    assert rate == (2 * RATE if name.endswith(".clip") else None)
    capsys.readouterr()
    assert call(f"info m.inr --json --original {name}") == 0
    described = json.loads(capsys.readouterr().out)
    assert described["metrics"]["psnr_db"] > 0
    assert ("ssim" in described["metrics"]) == (len(shape) == 3)
    assert described["cells"] == 2 ** (len(shape) - 1)
    assert call(f"info m.inr --original {name}") == 0
    said = capsys.readouterr().out
    assert "x".join(map(str, shape[:-1])) + " samples" in said
    assert call("report s -o r.html --figures figures") == 0
    for form in ("md", "json", "csv"):
        assert call(f"report s -o r.{form}") == 0
    with open("r.html") as page:
        assert ("slice" in page.read()) == (len(shape) > 3 and name.endswith(".raw"))


def test_info_without_an_ordinary_codec_speaks_of_none(capsys):
    fit("a.raw", 4, 5, 6, 1)
    capsys.readouterr()
    assert call("info m.inr") == 0
    said = capsys.readouterr().out
    assert "this model" in said
    assert "rendering" not in said


@pytest.mark.parametrize(
    ("shape", "options", "size"),
    [
        ((6, 1), "--size 9", (9,)),
        ((6, 1), "--crop 2,3", (3,)),
        ((4, 5, 6, 1), "--size 12x10x8", (8, 10, 12)),
        ((4, 5, 6, 1), "--crop 1,2,3,5,3,1", (1, 3, 5)),
        ((4, 5, 6, 1), "--crop 1,2,3,5,3,1 --scale 2 --blend", (2, 6, 10)),
        ((4, 5, 6, 1), "--crop 1,2,3,5,3,1 --size 5x4x3", (3, 4, 5)),
        ((3, 4, 5, 6, 1), "--size 9x8x7x6", (6, 7, 8, 9)),
        ((3, 4, 5, 6, 1), "--crop 0,1,2,1,4,3,2,2", (2, 2, 3, 4)),
    ],
)
def test_size_and_crop_name_the_last_axis_first(shape, options, size):
    fit("a.raw", *shape)
    values, rate = rendered(options)
    assert (values.shape[:-1], rate) == (size, None)


def test_a_crop_of_a_volume_is_that_part_of_the_whole():
    fit("a.raw", 4, 5, 6, 1)
    whole, _ = rendered("")
    part, _ = rendered("--crop 1,2,3,5,3,1")
    assert np.allclose(part, whole[3:4, 2:5, 1:6], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "size", "rate"),
    [
        ("--size 12x10", (8, 10, 12), 4),
        ("--sample-rate 8", (16, 5, 6), 8),
        ("--sample-rate 8 --size 3x2", (16, 2, 3), 8),
        ("--start 0.5 --end 1.5", (4, 5, 6), 4),
        ("--start 0.5 --end 1.5 --crop 1,2,3,2", (4, 2, 3), 4),
        ("--start 1 --sample-rate 2 --crop 1,2,3,2 --size 9x4", (2, 4, 9), 2),
        ("--start 1 --scale 3", (12, 15, 18), 12),
    ],
)
def test_time_is_its_own_axis_beside_those_of_a_frame(options, size, rate):
    fit("a.clip", 8, 5, 6, 3)
    values, found = rendered(options)
    assert (values.shape[:-1], found) == (size, rate)


@pytest.mark.parametrize(
    ("name", "shape", "options", "message"),
    [
        ("a.raw", (4, 5, 6, 1), "--size 9x8", "'9x8' is not a size of 3 axes; write it like"),
        ("a.clip", (4, 5, 6, 1), "--size 9x8x7", "not a size of 2 axes; write it like 640x480"),
        ("a.raw", (4, 5, 6, 1), "--crop 1,2,3,4", "of 3 axes; write x,y,z,w,h,d, as in 10,20,5,"),
        ("a.clip", (4, 5, 6, 1), "--crop 1,b,3,4", "'1,b,3,4' is not a crop of 2 axes; write x,y"),
        (
            "a.raw",
            (4, 5, 6, 1),
            "--crop 0,0,0,7,1,1",
            "the window from 0 to 7 is not inside the signal",
        ),
        ("a.raw", (4, 5, 6, 1), "--start 0.5", "--start does not apply: the model is of raw 'a'"),
        ("a.raw", (6, 1), "--size 3x4", "not a size of 1 axis"),
        ("a.clip", (6, 1), "--size 3 --crop 1,2", "--size, --crop do not apply: the model is of"),
        ("a.clip", (4, 5, 6, 1), "--end 9", "--end 9 are not inside 0 to 1.000 seconds"),
        ("a.clip", (4, 5, 6, 1), "--size 4x4 --scale 2", "--scale and a size or sample rate"),
        ("a.clip", (6, 1), "--sample-rate 0", "'--sample-rate': Input should be greater"),
    ],
)
def test_what_an_axis_does_not_have_is_one_line_that_teaches(capsys, name, shape, options, message):
    fit(name, *shape)
    capsys.readouterr()
    assert call(f"render m.inr -o r.raw {options}") == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_signal_options_decide_the_values_and_so_the_study(installed):
    make("a.raw", 8, 4, 4, 1)
    settings: dict[str, Any] = {
        "grid": 2,
        "widths": [4],
        "depths": [1],
        "repeats": 1,
        "training": {"steps": 2},
    }

    def studied(**options):
        return enas_inr.search("a.raw", **settings, signal_options=options, catalog=installed)

    plain, same, half = studied(), studied(every=1), studied(every=2)
    assert plain.study == same.study != half.study
    assert half.spec.signal.shape == (4, 4, 4)
    assert "every" not in half.spec.model_dump_json()


def test_signal_options_on_the_command_line(capsys):
    make("a.raw", 8, 4, 4, 1)
    sizes = "--widths 4 --depths 1 --grid 2 --repeats 1 --steps 2"
    assert call(f"search a.raw {sizes} --signal-option every=2 --study s --quiet") == 0
    assert call("fit a.raw --signal-option every=2 --study s -o m.inr --quiet") == 0
    capsys.readouterr()
    assert call("info m.inr --original a.raw --signal-option every=2 --json") == 0
    assert json.loads(capsys.readouterr().out)["signal"]["shape"] == [4, 4, 4]
    assert call("info m.inr --original a.raw") == 8
    assert "read with the same options" in capsys.readouterr().err
    assert call("info m.inr --signal-option every=2") == 2
    assert "give --original, too" in capsys.readouterr().err
    assert call("fit a.raw --signal-option evry=2") == 2
    assert "modality 'raw': unknown key 'evry'; did you mean 'every'" in capsys.readouterr().err


def test_a_study_file_has_signal_options(installed, tmp_path):
    from enas_inr.api.study import prepare

    make("a.raw", 8, 4, 4, 1)
    (tmp_path / "study.toml").write_text(
        """
        title = "halves"
        signals = ["a.raw"]
        signal_options = { every = 2 }
        [[searches]]
        name = "one"
        grids = [2]
        """
    )
    assert prepare("study.toml", catalog=installed).signals[0].values.shape == (4, 4, 4, 1)
    changed = prepare("study.toml", changes={"signal_options.every": 4}, catalog=installed)
    assert changed.signals[0].values.shape == (2, 4, 4, 1)


def test_a_signal_in_memory_takes_no_options(installed):
    signal = Signal(torch.zeros(4, 4, 4, 1), "raw", "a")
    for make_of in (enas_inr.search, enas_inr.fit):
        with pytest.raises(SpecError, match="signal_options do not apply to a Signal"):
            make_of(signal, signal_options={"every": 2})
