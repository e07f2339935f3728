"""From a signal to a file and back, as commands."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import enas_inr
from enas_inr.cli.main import run
from enas_inr.signals.partition import cell_edges

FIT = "fit sample:photo --size 40x48 --grid 4 --depth 1 --width 16 --steps 60 --lr 1e-3"


def call(line: str) -> int:
    return run(line.split())


def fit(folder, *extra: str) -> None:
    assert call(f"{FIT} -o {folder}/m.inr --quiet {' '.join(extra)}") == 0


def test_json_says_what_was_made_and_the_sizes_on_disk(tmp_path, capsys):
    assert call(f"{FIT} -o {tmp_path}/m.inr --json --quiet") == 0
    said = json.loads(capsys.readouterr().out)
    on_disk = (tmp_path / "m.inr").stat().st_size
    assert said["bytes"] == on_disk
    assert said["bits_per_sample"] == 8 * on_disk / (40 * 48)
    assert said["psnr_db"] == pytest.approx(said["psnr_paper_db"] + 6.0206, abs=1e-4)
    assert 0 < said["ssim"] <= 1
    assert {"steps", "seconds", "flops", "parameters"} <= said.keys()
    assert call(f"info {tmp_path}/m.inr --json --original sample:photo") == 0
    info = json.loads(capsys.readouterr().out)
    assert info["bytes"] == on_disk
    assert info["metrics"]["psnr_db"] == pytest.approx(said["psnr_db"], abs=1e-3)
    assert info["codecs"]["png_bytes"] > 0
    assert info["codecs"]["of"] == "original"


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_the_quality_after_rounding_is_measured(tmp_path, capsys, precision):
    assert call(f"{FIT} -o {tmp_path}/m.inr --json --quiet --precision {precision}") == 0
    said = json.loads(capsys.readouterr().out)
    rendered = enas_inr.load(tmp_path / "m.inr").render()
    assert said["psnr_db"] <= said["psnr_db_float32"] + 0.05
    assert said["bytes"] == (tmp_path / "m.inr").stat().st_size
    assert rendered.values.shape == (48, 40, 3)


def test_render_at_any_size_and_crop(tmp_path, capsys):
    fit(tmp_path)
    model = f"render {tmp_path}/m.inr -o {tmp_path}/r.png --force"
    for options, size in [
        ("", (40, 48)),
        ("--scale 2.5", (100, 120)),
        ("--size 30x20", (30, 20)),
        ("--crop 5,10,20,16", (20, 16)),
        ("--crop 5,10,20,16 --scale 3 --no-blend", (60, 48)),
    ]:
        assert call(f"{model} {options}") == 0
        assert Image.open(tmp_path / "r.png").size == size


def test_sound_at_another_rate_and_a_part_of_it(tmp_path):
    line = "fit sample:chord --grid 4 --depth 1 --width 8 --steps 10 --quiet"
    assert call(f"{line} -o {tmp_path}/c.inr") == 0
    render = f"render {tmp_path}/c.inr -o {tmp_path}/c.wav --force"
    for options, frames, rate in [
        ("", 32000, 16000),
        ("--sample-rate 8000", 16000, 8000),
        ("--start 0.5 --end 1 --sample-rate 48000", 24000, 48000),
    ]:
        assert call(f"{render} {options}") == 0
        values, found = soundfile.read(tmp_path / "c.wav")
        assert (len(values), found) == (frames, rate)


def test_from_search_to_fit_to_render(tmp_path):
    storage = f"--storage {tmp_path}/s.db --study found"
    searched = "--size 24 --grid 3 --widths 4,8 --depths 1 --repeats 1 --steps 20 --quiet"
    assert call(f"search sample:photo {searched} {storage}") == 0
    assert call(f"fit sample:photo --size 24 {storage} -o {tmp_path}/m.inr --quiet") == 0
    assert call(f"render {tmp_path}/m.inr -o {tmp_path}/r.png") == 0
    assert np.asarray(Image.open(tmp_path / "r.png")).shape == (24, 24, 3)
    assert enas_inr.load(tmp_path / "m.inr").header.metrics["steps"] == 20


def test_a_target_ends_the_fit_when_it_is_reached(tmp_path, capsys):
    assert call(f"{FIT} --steps 5000 --target-psnr 22 -o {tmp_path}/m.inr --json --quiet") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["psnr_db"] >= 22
    assert said["steps"] < 5000


def test_a_photograph_is_rendered_at_twice_its_size_without_seams(tmp_path):
    """At 36 dB, the mean step across a border is hardly larger than the steps next to it."""
    line = "fit sample:photo --size 256x300 --grid 8 --depth 2 --width 32 --target-psnr 36 --quiet"
    assert call(f"{line} -o {tmp_path}/m.inr") == 0
    model = enas_inr.load(tmp_path / "m.inr")
    assert model.header.signal.shape == (300, 256)
    metrics: Mapping[str, Any] = model.header.metrics
    assert metrics["psnr_db"] >= 36
    rendered = model.render(scale=2).values
    for axis, length in enumerate(model.header.signal.shape):
        steps = rendered.diff(dim=axis).abs().movedim(axis, 0).flatten(1).mean(dim=1)
        across = 2 * torch.tensor(cell_edges(length, 8)[1:-1]) - 1
        beside = (steps[across - 1] + steps[across + 1]).mean() / 2
        assert steps[across].mean() < 1.5 * beside


def test_a_preview_is_drawn(tmp_path):
    fit(tmp_path, f"--preview {tmp_path}/p.png")
    assert Image.open(tmp_path / "p.png").size[0] > 200


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_goes_on(tmp_path):
    line = "fit sample:photo --size 64 --grid 4 --depth 2 --width 32 --steps 400"
    code = "import sys; from enas_inr.cli.main import run; sys.exit(run(sys.argv[1:]))"

    def command(folder):
        return [sys.executable, "-c", code, *line.split(), "-o", str(folder / "m.inr"), "--json"]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected = subprocess.run(command(whole), capture_output=True, text=True, check=True)
    watcher = (
        "import enas_inr.cli.progress as p, os, signal\n"
        "seen, pressed = p.Display.progressed, []\n"
        "def press(self, progress):\n"
        "    seen(self, progress)\n"
        "    if progress.step >= 20 and not pressed:\n"
        "        pressed.append(os.kill(os.getpid(), signal.SIGINT))\n"
        "p.Display.progressed = press\n"
    )
    pressed = command(parts)
    pressed[2] = watcher + code
    stopped = subprocess.run(pressed, capture_output=True, text=True, check=False)
    assert stopped.returncode == 130
    assert "run the same command again to resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert (parts / "m.inr.checkpoint").exists()
    assert not (parts / "m.inr").exists()
    resumed = subprocess.run(command(parts), capture_output=True, text=True, check=True)
    assert not (parts / "m.inr.checkpoint").exists()
    assert json.loads(resumed.stdout)["psnr_db"] == pytest.approx(
        json.loads(expected.stdout)["psnr_db"], abs=0.5
    )
    assert json.loads(resumed.stdout)["steps"] == json.loads(expected.stdout)["steps"] == 400


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("fit sample:photo --study nothing --storage {0}/none.db", 6),
        ("fit sample:photo --study s --grid 4", 2),
        ("fit sample:photo --precision int4", 2),
        ("fit sample:photo -o {0}/old.inr", 8),
        ("render {0}/missing.inr -o {0}/x.png", 3),
        ("render {0}/old.inr -o {0}/x.png", 8),
        ("render {0}/good.inr -o {0}/x.png --size 3", 2),
        ("render {0}/good.inr -o {0}/x.png --crop 1,2,3", 2),
        ("render {0}/good.inr -o {0}/x.png --crop 0,0,100,100", 2),
        ("render {0}/good.inr -o {0}/x.png --sample-rate 8000", 2),
        ("render {0}/good.inr -o {0}/x.png --scale -1", 2),
        ("render {0}/good.inr -o {0}/old.inr", 8),
        ("render {0}/good.inr -o {0}/x.txt", 3),
        ("info {0}/old.inr", 8),
        ("info {0}/good.inr --original sample:chord", 8),
        ("export {0}/good.inr --format obj", 2),
    ],
)
def test_what_cannot_be_is_one_clear_line(tmp_path, capsys, line, code):
    (tmp_path / "old.inr").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert call(f"{FIT} --steps 1 -o {tmp_path}/good.inr --quiet") == 0
    capsys.readouterr()
    assert call(line.format(tmp_path)) == code
    said = capsys.readouterr().err
    assert said.startswith("enas-inr: ")
    assert said.count("\n") == 1
