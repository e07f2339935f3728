"""All models of a folder are rendered, and listed."""

import json
from typing import Any

import pytest
import soundfile
from PIL import Image

import enas_inr
from enas_inr.errors import ExitCode
from tests.command_line import assert_one_line, call


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A picture, a sound in a folder below, and what is no model."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "sounds").mkdir()
    small: dict[str, Any] = {"grid": 2, "width": 4, "steps": 2}
    enas_inr.fit("sample:photo", size="20x16", output=folder / "a.b.inr", **small)
    enas_inr.fit("sample:chord", output=folder / "sounds" / "c.inr", **small)
    (folder / "broken.inr").write_text("these are notes, and no model")
    (folder / "summary.csv").write_text("name")
    return folder


def test_every_model_is_rendered_and_what_fails_is_told(models, tmp_path):
    made = call(f"render {models} -o {tmp_path}/out")
    assert made.code == ExitCode.INCOMPLETE
    assert Image.open(tmp_path / "out" / "a.b.png").size == (20, 16)
    assert soundfile.info(tmp_path / "out" / "sounds" / "c.wav").samplerate == 16000
    assert made.err.count("failed: ") == 1
    assert "broken.inr" in made.err
    assert "wrote 2 files" in made.out


def test_options_of_a_single_rendering_apply(models, tmp_path):
    made = call(f"render {models} -o {tmp_path}/out --size 40x32 --format jpg --quiet")
    assert made.code == ExitCode.INCOMPLETE
    assert Image.open(tmp_path / "out" / "a.b.jpg").format == "JPEG"
    assert Image.open(tmp_path / "out" / "a.b.jpg").size == (40, 32)
    assert "c.inr: --size does not apply" in made.err
    assert made.out == ""


def test_files_are_not_overwritten(models, tmp_path):
    call(f"render {models} -o {tmp_path}/out --quiet")
    again = call(f"render {models} -o {tmp_path}/out --quiet")
    assert_one_line(again, ExitCode.MODEL)
    assert "a.b.png' exists already, and 1 other file; give --force" in again.err
    forced = call(f"render {models} -o {tmp_path}/out --quiet --force --scale 2")
    assert forced.code == ExitCode.INCOMPLETE
    assert Image.open(tmp_path / "out" / "a.b.png").size == (40, 32)


def test_a_table_of_all_models(models):
    shown = call(f"info {models}")
    assert shown.code == ExitCode.INCOMPLETE
    assert "a.b.inr" in shown.out
    assert "siren M=2 d=1 w=4" in shown.out
    assert "2 models" in shown.out
    assert shown.err.startswith(f"failed: {models}/broken.inr: ")
    listed = call(f"info {models} --json")
    rows = json.loads(listed.out)["models"]
    assert [row["file"] for row in rows] == [
        f"{models}/{name}" for name in ("a.b.inr", "broken.inr", "sounds/c.inr")
    ]
    assert "error" in rows[1]
    for row in (rows[0], rows[2]):
        alone = call(f"info {row['file']} --json").json
        assert {name: alone[name] for name in row} == row


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("info {0}/empty", 8),
        ("render {0}/empty -o {0}/out", 8),
        ("info {1} --original sample:photo", 2),
        ("render {1}/a.b.inr -o {0}/x.png --format png", 2),
    ],
)
def test_what_cannot_be_is_one_line(models, tmp_path, line, code):
    (tmp_path / "empty").mkdir()
    assert_one_line(call(line.format(tmp_path, models)), code)
