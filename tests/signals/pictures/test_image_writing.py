"""Pictures are written with the depth of the original, and what a format loses is said."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import JsonValue

from enas_inr.errors import SignalError
from enas_inr.signals.codecs import jpeg_sizes, png_bytes, png_psnr_db, raw_bytes
from enas_inr.signals.signal import Signal
from tests.signals.pictures.picture_files import (
    RGB,
    RGBA,
    levels_of,
    numbers_of,
    oiio_read,
    oiio_write,
    pixels,
    png,
    put,
    read,
    signal_of,
    write,
)

DEEP = 65535


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("channels", "colour"), [(3, RGB), (4, RGBA)])
def test_16_bits_are_written_as_they_were(tmp_path, suffix, channels, colour):
    original = pixels(9, 40, channels, dtype=np.uint16)
    signal = read(put(tmp_path / "a.png", png(original, colour, 16)))
    write(signal, tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(oiio_read(tmp_path / f"b{suffix}"), original)
    again = read(tmp_path / f"b{suffix}")
    assert again.meta == signal.meta
    assert torch.equal(again.values, signal.values)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float32", "float64"])
def test_a_tiff_keeps_its_type_and_range(tmp_path, dtype, caplog):
    tifffile = pytest.importorskip("tifffile")
    original = np.linspace(3, 20_000, 35).reshape(5, 7).astype(dtype)
    if dtype.startswith(("int", "float")):
        original -= 10_000
    tifffile.imwrite(tmp_path / "a.tif", original, photometric="minisblack")
    signal = read(tmp_path / "a.tif")
    write(signal, tmp_path / "b.tif")
    written = tifffile.imread(tmp_path / "b.tif")
    assert written.dtype == original.dtype
    np.testing.assert_allclose(written, original, atol=0 if "int" in dtype else 2e-3)
    assert "becomes" not in caplog.text


@pytest.mark.parametrize("names", [("Y",), ("R", "G", "B"), ("R", "G", "B", "A")])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_exr_keeps_floats_their_range_and_premultiplied_alpha(tmp_path, names, dtype):
    original = np.random.default_rng(0).random((5, 7, len(names))) * 40 - 3
    if len(names) == 4:
        original[..., 3] = np.linspace(0, 1, 35).reshape(5, 7)  # with light where it is clear
    path = oiio_write(tmp_path / "a.exr", original.astype(dtype), *names)
    signal = read(path)
    assert signal.meta["dtype"] == dtype
    assert signal.meta.get("premultiplied", False) is (len(names) == 4)
    np.testing.assert_allclose(
        numbers_of(signal)[..., :3], original[..., :3], atol=0.02 if dtype == "float16" else 1e-5
    )
    write(signal, tmp_path / "b.exr")
    written = oiio_read(tmp_path / "b.exr")
    assert written.dtype == dtype
    np.testing.assert_allclose(
        written, original.astype(dtype), atol=1e-5 if dtype == "float32" else 0.02
    )
    assert read(tmp_path / "b.exr").meta.keys() == signal.meta.keys()


def test_equal_signals_give_equal_files(tmp_path):
    signal = signal_of(torch.linspace(-1, 1, 35).reshape(5, 7, 1), mode="L", dtype="float32")
    for suffix in (".exr", ".tif"):
        write(signal, tmp_path / f"a{suffix}")
        write(signal, tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_radiance_is_read_and_written_within_its_precision(tmp_path, caplog):
    original = np.random.default_rng(0).random((5, 9, 3)).astype(np.float32) * 500
    signal = read(oiio_write(tmp_path / "a.hdr", original))
    assert signal.meta["mode"] == "RGB"
    assert signal.meta["dtype"] == "float32"
    np.testing.assert_allclose(numbers_of(signal), original, atol=4)
    write(signal, tmp_path / "b.hdr")
    np.testing.assert_allclose(oiio_read(tmp_path / "b.hdr"), original, atol=8)
    assert "Radiance keeps 8 bits for each colour" in caplog.text


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        (".png", "float32 from -4 to 12 becomes levels of 16 bits (.tif and .exr keep it)"),
        (".jpg", "float32 from -4 to 12 becomes levels of 8 bits (.tif and .exr keep it)"),
        (".webp", "becomes levels of 8 bits"),
        (".tif", ""),
        (".exr", ""),
    ],
)
def test_what_a_format_loses_of_floats_is_said(tmp_path, suffix, said, caplog):
    signal = signal_of(
        torch.linspace(-1, 1, 48).reshape(4, 4, 3), mode="RGB", dtype="float32", range=[-4, 12]
    )
    write(signal, tmp_path / f"a{suffix}")
    if said:
        assert said in caplog.text
    else:
        assert not caplog.text
    if suffix == ".png":
        expected = np.rint(np.linspace(0, DEEP, 48)).reshape(4, 4, 3)
        np.testing.assert_allclose(oiio_read(tmp_path / "a.png"), expected, atol=1)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".webp", ".avif"])
def test_what_a_format_loses_of_16_bits_is_said(tmp_path, suffix, caplog):
    signal = signal_of(torch.zeros(16, 16, 3), mode="RGB", dtype="uint16")
    write(signal, tmp_path / f"a{suffix}")
    assert "16 bits become levels of 8 bits (.png and .tif keep them)" in caplog.text


def test_levels_written_as_floats_are_said(tmp_path, caplog):
    write(signal_of([[[-1.0], [1.0]]], mode="L"), tmp_path / "a.exr")
    assert oiio_read(tmp_path / "a.exr").flatten().tolist() == [0, 1]
    assert "8 bits become floats from 0 to 1, without a change of their transfer" in caplog.text


def test_exr_with_alpha_becomes_a_png_whose_colours_are_not_multiplied(tmp_path, caplog):
    original = np.array([[[0.25, 0.1, 0.05, 0.5], [0.3, 0.1, 0.3, 0.4]]], np.float32)
    signal = read(oiio_write(tmp_path / "a.exr", original, "R", "G", "B", "A"))
    write(signal, tmp_path / "b.png")
    levels = oiio_read(tmp_path / "b.png")
    # The largest number of the file is 0.3, which divided by alpha becomes 0.75.
    expected = np.array([[[0.5, 0.2, 0.1, 0.5], [0.75, 0.25, 0.75, 0.4]]]) * DEEP
    np.testing.assert_allclose(levels, expected, atol=1)
    assert "colours are divided by alpha, and cut off beyond 0 and 1" in caplog.text


def test_colours_under_clear_pixels_are_not_lost_in_exr(tmp_path):
    with pytest.raises(SignalError, match=r"multiplied by alpha.*use \.png or \.tif"):
        write(signal_of(torch.zeros(4, 4, 4), mode="RGBA"), tmp_path / "a.exr")


def test_a_float_tiff_keeps_its_alpha_as_it_was(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    original = np.random.default_rng(0).random((5, 7, 4)).astype(np.float32)
    for alpha in ("unassalpha", "assocalpha"):
        tifffile.imwrite(tmp_path / "a.tif", original, photometric="rgb", extrasamples=[alpha])
        signal = read(tmp_path / "a.tif")
        assert signal.meta.get("premultiplied", False) is (alpha == "assocalpha")
        write(signal, tmp_path / "b.tif")
        np.testing.assert_allclose(tifffile.imread(tmp_path / "b.tif"), original, atol=1e-6)
        assert read(tmp_path / "b.tif").meta.get("premultiplied") == signal.meta.get(
            "premultiplied"
        )


def test_a_rendering_of_twice_the_size_has_twice_the_resolution(tmp_path):
    values = torch.zeros(8, 12, 3)
    meta: dict[str, JsonValue] = {"mode": "RGB", "dpi": [300, 150]}
    signal = Signal(values, "image", "a", meta=meta, window=((0.0, 4.0), (0.0, 6.0)))
    write(signal, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_allclose(image.info["dpi"], (600, 300), atol=0.02)


@pytest.mark.parametrize(
    "meta",
    [
        {"dtype": "object"},
        {"dtype": "float32", "range": [0, "x"]},
        {"dtype": "float32", "range": [1]},
        {"dtype": "float32", "range": "ab"},
        {"dtype": ["uint8"]},
        {"icc": "no base64!"},
        {"icc": "AAAA"},
        {"icc": 7},
        {"png": {"gAMA": "xyz", "IDAT": "00"}},
        {"png": [1]},
        {"dpi": [0, 0]},
        {"dpi": ["a", "b"]},
        {"dpi": 300},
        {"premultiplied": "yes"},
        {"mode": 7},
    ],
    ids=str,
)
def test_wrong_metadata_of_a_model_do_not_prevent_its_picture(tmp_path, meta):
    for suffix in (".png", ".tif"):
        write(signal_of(torch.zeros(4, 5, 3), **meta), tmp_path / f"a{suffix}")
        assert oiio_read(tmp_path / f"a{suffix}").shape == (4, 5, 3)


def test_the_codecs_know_how_deep_a_picture_is():
    values = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    deep = signal_of(values, mode="RGB", dtype="uint16", dpi=[300, 300])
    floats = signal_of(values, mode="RGB", dtype="float32", range=[0.0, 9.0])
    plain = signal_of(values, mode="RGB")
    assert [raw_bytes(one) for one in (plain, deep, floats)] == [768, 1536, 3072]
    assert png_bytes(deep) > 1.8 * png_bytes(plain)
    assert png_bytes(floats) == png_bytes(deep)
    assert [len(jpeg_sizes(one)) for one in (plain, deep, floats)] == [2, 0, 0]


def test_png_is_lossless_for_integers_alone():
    values = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert png_psnr_db(signal_of(values, mode="RGB")) is None
    assert png_psnr_db(signal_of(values, mode="RGB", dtype="uint16")) is None
    assert png_psnr_db(signal_of(values, mode="L", dtype="int16", range=[-5, 5])) is None
    # Rounding to steps of 2 / 65535 has the variance of a step squared, over 12.
    expected = 10 * math.log10(4 / ((2 / 65535) ** 2 / 12))
    lost = png_psnr_db(signal_of(values, mode="RGB", dtype="float32"))
    assert lost == pytest.approx(expected, abs=0.5)


def test_avif_is_written_and_read(tmp_path):
    y, x = np.mgrid[0:40, 0:56]
    original = np.stack([4 * x, 4 * y, x + y], axis=-1).astype(np.uint8)
    Image.fromarray(original).save(tmp_path / "a.png")
    write(read(tmp_path / "a.png"), tmp_path / "b.avif")
    again = read(tmp_path / "b.avif")
    assert again.meta == {"mode": "RGB"}
    assert np.abs(levels_of(again) - original).mean() < 3


def test_an_encoder_that_fails_without_a_word_is_named_by_its_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(SignalError, match="4x3 pixels cannot be written as PNG: MemoryError; use"):
        write(signal_of(torch.zeros(3, 4, 3)), tmp_path / "a.png")
