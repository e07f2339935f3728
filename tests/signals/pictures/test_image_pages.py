"""A file of several pictures says so, and an option chooses among them."""

import struct

import numpy as np
import pytest
from PIL import Image

from enas_inr.errors import SignalError, SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from tests.signals.pictures.picture_files import RGB, chunk, levels_of, pixels, png, put, read

COLOURS = [(200, 30, 40), (30, 200, 40), (30, 40, 200)]
LOSSLESS = {".webp": {"lossless": True}}


def several(path, **how):
    pages = [Image.new("RGB", (32, 24), colour) for colour in COLOURS]
    how = LOSSLESS.get(path.suffix, {}) | how
    pages[0].save(path, save_all=True, append_images=pages[1:], **how)
    return path


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png", ".apng", ".mpo", ".avif"])
def test_the_first_of_several_pictures_is_read_and_said(tmp_path, suffix, caplog):
    path = several(tmp_path / f"a{suffix}")
    if suffix == ".mpo":
        path = path.rename(tmp_path / "a.jpg")
    assert np.abs(levels_of(read(path))[0, 0] - COLOURS[0]).max() <= 4
    assert caplog.messages == [
        f"'{path}' holds 3 pictures, of which number 1 is read; choose another with"
        " --signal-option page=N"
    ]


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png", ".mpo", ".avif"])
def test_a_page_is_chosen(tmp_path, suffix, caplog):
    path = several(tmp_path / f"a{suffix}")
    for page, colour in enumerate(COLOURS, start=1):
        assert np.abs(levels_of(read(path, page=page))[12, 16, :3] - colour).max() <= 4
    with pytest.raises(
        SignalError, match=r"no page 4, since it holds 3 pictures.*page=1 to page=3"
    ):
        read(path, page=4)
    assert not caplog.messages


def test_a_page_of_a_deep_stack_is_chosen(tmp_path, caplog):
    tifffile = pytest.importorskip("tifffile")
    stack = pixels(4, 5, 7, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    read(tmp_path / "a.tif")
    assert "holds 4 pictures, of which number 1 is read" in caplog.text
    for page in range(1, 5):
        found = levels_of(read(tmp_path / "a.tif", page=page), 65535)
        np.testing.assert_array_equal(found[..., 0], stack[page - 1])
    with pytest.raises(SignalError, match="no page 5"):
        read(tmp_path / "a.tif", page=5)


def test_a_page_of_floats_that_pillow_cannot_open_is_chosen(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    stack = np.random.default_rng(0).random((3, 5, 7, 3)).astype(np.float32)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in stack:
            file.write(page, photometric="rgb")
    signal = read(tmp_path / "a.tif", page=2)
    assert signal.meta["range"] == [float(stack[1].min()), float(stack[1].max())]


def test_of_an_animation_of_16_bits_the_first_picture_is_read(tmp_path, caplog):
    original = pixels(4, 4, 3, dtype=np.uint16)
    before = (
        chunk(b"acTL", struct.pack(">II", 2, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4, 4, 0, 0, 1, 10, 0, 0)),
    )
    path = put(tmp_path / "a.png", png(original, RGB, 16, *before))
    np.testing.assert_array_equal(levels_of(read(path), 65535), original)
    assert "holds 2 pictures, of which number 1 is read" in caplog.text
    with pytest.raises(SignalError, match="only the first picture is read; give page=1"):
        read(path, page=2)


def test_a_single_picture_has_one_page(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", page=1).values.shape == (4, 4, 3)
    with pytest.raises(SignalError, match=r"no page 2, since it holds 1 picture; give page=1$"):
        read(tmp_path / "a.png", page=2)


def test_the_page_is_an_option_of_the_signal(tmp_path):
    path = several(tmp_path / "a.gif")
    catalog = load_catalog()
    found = levels_of(load_signal(catalog, str(path), {"page": 3, "size": [8, 8]}))
    assert found.shape == (8, 8, 3)
    assert np.abs(found[0, 0] - COLOURS[2]).max() <= 4
    with pytest.raises(SpecError, match="page"):
        load_signal(catalog, str(path), {"page": 0})


def test_an_animation_that_is_cut_off_gives_the_pictures_that_it_has(tmp_path):
    path = several(tmp_path / "a.gif")
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    assert levels_of(read(path, page=1))[0, 0].tolist() == list(COLOURS[0])
    with pytest.raises(SignalError):
        read(path, page=3)


def test_a_stack_that_points_at_itself_ends(tmp_path):
    path = several(tmp_path / "a.tif")
    content = bytearray(path.read_bytes())
    with Image.open(path) as image:
        offsets = []
        for page in range(3):
            image.seek(page)
            offsets.append(image.tag_v2._offset)  # type: ignore[attr-defined]
    first = int.from_bytes(content[4:8], "little")
    entries = int.from_bytes(content[first : first + 2], "little")
    at = first + 2 + 12 * entries
    content[at : at + 4] = first.to_bytes(4, "little")
    path.write_bytes(bytes(content))
    assert levels_of(read(path))[0, 0].tolist() == list(COLOURS[0])
