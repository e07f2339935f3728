"""A `.inr` file is read back exactly, or refused with one line."""

import json
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import enas_inr
from enas_inr.errors import EnasInrError, ModelError
from enas_inr.model.file import decode, encode
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

CATALOG = load_catalog(plugins=False)


def smooth() -> Signal:
    rows, columns = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in (26, 22)], indexing="ij")
    values = torch.stack([rows * columns, torch.sin(3 * rows), torch.cos(2 * columns)], dim=-1)
    return Signal(values * 0.9, "image", "smooth", meta={"mode": "RGB"})


@pytest.fixture(scope="module")
def model():
    training = TrainingSpec(steps=300, learning_rate=1e-3)
    spec = FitSpec(ensemble=EnsembleSpec(grid=3, depth=1, width=16), training=training)
    return fit(smooth(), spec, catalog=CATALOG).model


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
def test_a_reload_gives_equal_bits(tmp_path, backbone):
    spec = FitSpec(
        ensemble=EnsembleSpec(backbone=backbone, grid=3, depth=1, width=8),
        training=TrainingSpec(steps=3),
    )
    model = fit(smooth(), spec, catalog=CATALOG).model
    model.save(tmp_path / "m.inr")
    again = enas_inr.load(tmp_path / "m.inr")
    assert torch.equal(model.render().values, again.render().values)
    assert again.header == model.header
    assert encode(again.header, again.blocks) == (tmp_path / "m.inr").read_bytes()


def test_precisions_cost_what_they_say(model):
    source = smooth().values
    quality = {}
    for precision in ("float32", "float16", "int8"):
        asked = model.at_precision(precision, psnr_db=psnr_db(source, model.render().values))
        content = encode(asked.header, asked.blocks)
        stored = Model.of(decode(content, CATALOG, "m"))
        quality[precision] = (psnr_db(source, stored.render().values), len(content))
        assert encode(stored.header, stored.blocks) == content  # storing it again loses nothing
    assert quality["float32"][0] > 40
    assert quality["float32"][0] - quality["float16"][0] < 0.1
    assert quality["float32"][0] - quality["int8"][0] < 1
    assert quality["int8"][1] < quality["float16"][1] < quality["float32"][1]


def explains(content: bytes) -> str:
    """Decode invalid content, and return the message of the error."""
    with pytest.raises(ModelError) as caught:
        decode(content, CATALOG, "'m.inr'")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def attempt(content: bytes) -> tuple[str, Model | None]:
    """Decode content that may be invalid; an unexpected error fails the test."""
    try:
        decoded = decode(content, CATALOG, "'m.inr'")
    except EnasInrError as error:
        return str(error), None
    assert isinstance(decoded, Model)
    return "", decoded


def test_a_thousand_random_bit_flips_are_all_noticed(model):
    content = encode(model.header, model.blocks)
    generator = random.Random(0)
    expected = model.render().values
    for _ in range(1000):
        damaged = bytearray(content)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        message, again = attempt(bytes(damaged))
        assert "\n" not in message
        if again is not None:  # a flipped bit in the padding of the index is harmless
            assert torch.equal(again.render().values, expected)


def test_a_file_cut_off_anywhere_is_noticed(model):
    content = encode(model.header, model.blocks)
    for length in [*range(20), *range(20, len(content), 997), len(content) - 1]:
        assert "'m.inr'" in explains(content[:length])


def test_other_files_are_no_models(model):
    png = b"\x89PNG\r\n\x1a\n" + bytes(1000)
    assert "not a model" in explains(png)
    assert "not a model" in explains(b"hello")
    assert "not a model" in explains((10**12).to_bytes(8, "little") + bytes(100))
    empty = json.dumps({"__metadata__": {"a": "b"}}).encode()
    assert "not a model" in explains(len(empty).to_bytes(8, "little") + empty)


def test_a_newer_format_says_to_update(model):
    newer = model.header.model_copy(update={"format_version": 3})
    content = encode(newer, model.blocks)
    assert "update enas-inr" in explains(content)


def test_a_missing_plugin_is_named(model):
    wire = model.header.ensemble.model_copy(update={"backbone": "wire"})
    header = model.header.model_copy(
        update={"ensemble": wire, "backbone_from": ("enas-inr-wire", "1.2")}
    )
    message = explains(encode(header, model.blocks))
    assert "pip install enas-inr-wire" in message
    assert "'wire'" in message


def test_an_architecture_that_is_not_its_numbers_allocates_nothing(model):
    huge = model.header.ensemble.model_copy(update={"width": 1_000_000, "depth": 1000})
    header = model.header.model_copy(update={"ensemble": huge})
    assert "do not fit" in explains(encode(header, model.blocks))


def test_a_file_is_not_overwritten_unless_forced(model, tmp_path):
    path = tmp_path / "m.inr"
    path.write_bytes(b"precious")
    with pytest.raises(ModelError, match="--force"):
        model.save(path)
    assert path.read_bytes() == b"precious"
    assert model.save(path, force=True) == path.stat().st_size


def test_a_write_that_fails_leaves_the_old_file_whole(model, tmp_path, monkeypatch):
    path = tmp_path / "m.inr"
    model.save(path)
    before = path.read_bytes()

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("enas_inr.signals.files.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        model.save(path, force=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.inr"]


def test_killed_in_the_middle_of_the_write_it_is_the_old_one(model, tmp_path):
    path = tmp_path / "m.inr"
    model.save(path)
    before = path.read_bytes()
    code = (
        "import os, signal, sys, enas_inr\n"
        "def killed(file): os.kill(os.getpid(), signal.SIGKILL)\n"
        "model = enas_inr.load(sys.argv[1])\n"
        "os.fsync = killed\n"
        "model.save(sys.argv[1], precision='int8', force=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == before


def test_another_program_can_read_it(model, tmp_path):
    """The file follows docs/format.md: safetensors with a JSON header."""
    from safetensors import safe_open

    model.save(tmp_path / "m.inr")
    with safe_open(tmp_path / "m.inr", "np") as file:
        header = json.loads(file.metadata()["enas_inr"])
        weight = file.get_tensor("blocks.0.layers.0.weight")
    assert header["ensemble"]["width"] == 16
    assert weight.dtype == np.float32
    assert weight.shape[1:] == (16, 2)


def test_an_empty_catalog_still_explains(model):
    with pytest.raises(ModelError, match="needs the backbone"):
        decode(encode(model.header, model.blocks), Catalog(()), "m")
