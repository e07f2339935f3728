import math
import os

import numpy as np
import pytest
from PIL import Image

from tests.command_line import assert_one_line, call, call_process

TINY = (
    "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 "
    "--repeats 2 --steps 5 --floor -99"
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A tiny search with --json --quiet, as a shell sees it, and the folder of its study."""
    folder = tmp_path_factory.mktemp("searched")
    return call_process(f"{TINY} --json --quiet", folder), folder


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.float64)


def test_an_output_folder_holds_the_original_and_the_reconstruction(tmp_path):
    outcome = call(f"{TINY} --repeats 1 --steps 60 --lr 1e-3 --json --quiet -o made/here")
    assert (outcome.code, outcome.err) == (0, "")
    folder = tmp_path / "made" / "here"
    names = {"original.png", "reconstruction.png", "comparison.png"}
    assert set(os.listdir(folder)) == names
    original, made = pixels(folder / "original.png"), pixels(folder / "reconstruction.png")
    assert original.shape == made.shape == (16, 16, 3)
    psnr = 20 * math.log10(255 / math.sqrt(np.mean((original - made) ** 2)))
    assert psnr == pytest.approx(outcome.json["best"]["psnr_db"], abs=0.5)
    both = pixels(folder / "comparison.png")
    assert both.shape == (16, 16 + 4 + 16, 3)
    assert (both[:, :16] == original).all()
    assert (both[:, 16:20] == 255).all()
    assert (both[:, 20:] == made).all()


def test_the_files_that_were_written_are_named(searched, tmp_path, monkeypatch):
    monkeypatch.chdir(searched[1])
    folder = tmp_path / "made"
    names = ("original", "reconstruction", "comparison")
    lines = call(f"{TINY} -o {folder} --quiet").out.splitlines()[-3:]
    assert lines == [f"wrote {folder}/{name}.png" for name in names]
    told = call(f"{TINY} -o {folder} --json")
    assert told.err.splitlines()[-3:] == lines
    assert told.json["best"]


def test_an_output_folder_that_cannot_be_made_is_refused(searched, broken_files, monkeypatch):
    monkeypatch.chdir(searched[1])
    outcome = call(f"{TINY} --quiet -o {broken_files}/notes.db/made")
    assert_one_line(outcome, 3)
    assert "notes.db' is not a folder; choose another" in outcome.err
