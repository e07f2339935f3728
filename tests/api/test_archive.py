"""From files to an archive and back, as commands."""

from pathlib import Path

import pytest
import soundfile
from PIL import Image

import enas_inr
from tests.command_line import assert_one_line, call, modules_after

FIT = "fit sample:photo --grid 2 --depth 1 --width 8 --steps 2 --quiet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two models of pictures of two sizes, and one of another architecture."""
    made = tmp_path_factory.mktemp("models")
    (made / "models" / "more").mkdir(parents=True)
    for size, name in (("20x24", "models/cat"), ("16x18", "models/more/dog"), ("16x18", "other")):
        width = "--width 9" if name == "other" else ""
        assert call(f"{FIT} --size {size} {width} -o {made}/{name}.inr").code == 0
    assert call(f"archive {made}/models -o {made}/m.inrs").code == 0
    return made


def test_a_folder_becomes_an_archive(folder, tmp_path):
    outcome = call(f"archive {folder}/models -o {tmp_path}/m.inrs --json")
    assert outcome.json == {
        "schema": 1,
        "path": f"{tmp_path}/m.inrs",
        "models": 2,
        "bytes": (tmp_path / "m.inrs").stat().st_size,
        "file_bytes": sum(file.stat().st_size for file in (folder / "models").rglob("*.inr")),
    }
    again = f"archive {folder}/models/cat.inr {folder}/models -o {tmp_path}/m.inrs"
    assert_one_line(call(again), 8)
    assert "2 models" in call(f"{again} --force --precision int8").out  # the cat is there once
    assert enas_inr.open_archive(tmp_path / "m.inrs").names == ("cat", "dog")


def test_info_lists_the_models(folder):
    said = call(f"info {folder}/m.inrs --json").json
    assert (said["models"], said["grid"], said["width"], said["cells"]) == (2, 2, 8, 4)
    assert [(one["name"], one["shape"]) for one in said["signals"]] == [
        ("cat", [24, 20]),
        ("dog", [18, 16]),
    ]
    cat = enas_inr.load(folder / "models" / "cat.inr")
    assert said["signals"][0]["metrics"] == cat.header.metrics
    assert said["bits_per_sample"] == 8 * said["bytes"] / (24 * 20 + 18 * 16)
    printed = call(f"info {folder}/m.inrs").out
    assert "2 models, siren M=2 d=1 w=8, 4 cells, float32" in printed
    assert f"{cat.header.metrics['psnr_db']:.2f}" in printed


def test_info_of_one_model_is_that_of_its_file(folder):
    said = call(f"info {folder}/m.inrs --name cat --json").json
    alone = call(f"info {folder}/models/cat.inr --json").json
    assert said | {"file": ""} == alone | {"file": ""}


def test_all_models_are_rendered_with_their_names(folder, tmp_path):
    assert call(f"render {folder}/m.inrs -o {tmp_path}/out --scale 2").code == 0
    sizes = {p.name: Image.open(p).size for p in (tmp_path / "out").iterdir()}
    assert sizes == {"cat.png": (40, 48), "dog.png": (32, 36)}
    refused = call(f"render {folder}/m.inrs -o {tmp_path}/out")
    assert_one_line(refused, 8)
    assert "cat.png" in refused.err
    assert call(f"render {folder}/m.inrs -o {tmp_path}/out --force --quiet").out == ""
    assert call(f"render {folder}/m.inrs --name dog -o {tmp_path}/d.jpg").code == 0
    assert Image.open(tmp_path / "d.jpg").size == (16, 18)


def test_sounds_get_the_suffix_of_sounds(tmp_path):
    line = "fit sample:chord --grid 4 --depth 1 --width 8 --steps 1 --quiet"
    assert call(f"{line} -o {tmp_path}/c.inr").code == 0
    assert call(f"archive {tmp_path}/c.inr -o {tmp_path}/s.inrs").code == 0
    assert call(f"render {tmp_path}/s.inrs -o {tmp_path}/out --sample-rate 8000").code == 0
    assert soundfile.info(tmp_path / "out" / "c.wav").samplerate == 8000


def test_a_model_is_taken_out_again(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(f"export {folder}/m.inrs --name cat --format inr").code == 0
    assert Path("cat.inr").read_bytes() == (folder / "models" / "cat.inr").read_bytes()
    assert call(f"export {folder}/m.inrs --name cat --format npz -o cat.npz").code == 0
    assert Path("cat.npz").stat().st_size > 0


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("archive {0} -o {1}/x.inrs", 8, "'other' is siren M=2 d=1 w=9"),
        ("archive {1} -o {1}/x.inrs", 8, "has no .inr files"),
        ("archive {1}/none.inr -o {1}/x.inrs", 3, "cannot be read"),
        ("archive {0}/m.inrs -o {1}/x.inrs", 8, "is an archive of models"),
        ("archive {0}/models -o {1}/x.inrs --precision int4", 2, "did you mean 'int8'"),
        ("archive {0}/models -o {1}/none/x.inrs", 3, "cannot be written"),
        ("info {0}/m.inrs --name cet", 8, "did you mean 'cat'"),
        ("info {0}/m.inrs --original sample:photo", 2, "--name"),
        ("info {0}/other.inr --name cat", 2, "is not an archive"),
        ("render {0}/m.inrs --name cow -o {1}/x.png", 8, "has no model 'cow'"),
        ("render {0}/m.inrs -o {1}/out --size 3", 2, "is not a size"),
        ("export {0}/m.inrs --format npz", 2, "such as --name cat"),
    ],
)
def test_what_cannot_be_is_one_clear_line(folder, tmp_path, line, code, says):
    outcome = call(line.format(folder, tmp_path))
    assert_one_line(outcome, code)
    assert says in outcome.err
    assert not (tmp_path / "x.inrs").exists()


def test_help_imports_nothing_heavy(tmp_path):
    modules = modules_after("archive", "--help", cwd=tmp_path)
    assert not {"torch", "safetensors", "optuna"} & set(modules)
