"""No bit of a picture is lost between the file and the signal."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from enas_inr.errors import SignalError
from tests.signals.pictures.picture_files import (
    GRAY,
    GRAY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    chunk,
    levels_of,
    numbers_of,
    oiio_write,
    pixels,
    png,
    put,
    read,
)

DEEP = 65535


def tiff(path, array, **how):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, array, **how)
    return path


def as_rgba(gray_alpha):
    return np.concatenate([gray_alpha[..., :1].repeat(3, axis=-1), gray_alpha[..., 1:]], axis=-1)


@pytest.mark.parametrize(
    ("channels", "colour", "mode"),
    [(1, GRAY, "I;16"), (3, RGB, "RGB"), (2, GRAY_ALPHA, "RGBA"), (4, RGBA, "RGBA")],
)
def test_a_png_of_16_bits_keeps_all_of_them(tmp_path, channels, colour, mode):
    original = pixels(9, 300, channels, dtype=np.uint16)
    signal = read(put(tmp_path / "a.png", png(original, colour, 16)))
    assert signal.meta == {"mode": mode} | ({} if channels == 1 else {"dtype": "uint16"})
    expected = as_rgba(original) if channels == 2 else original
    np.testing.assert_array_equal(levels_of(signal, DEEP), expected)
    assert (signal.values.min(), signal.values.max()) <= (-0.999, 1)


def test_an_interlaced_png_of_16_bits_keeps_its_bits(tmp_path):
    one = pixels(1, 1, 3, dtype=np.uint16)  # of one pixel, the first pass is all there is
    header = struct.pack(">IIBBBBB", 1, 1, 16, RGB, 0, 0, 1)
    content = png(one, RGB, 16)
    at = content.index(b"IHDR") - 4
    content = content[:at] + chunk(b"IHDR", header) + content[at + 25 :]
    np.testing.assert_array_equal(levels_of(read(put(tmp_path / "a.png", content)), DEEP), one)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_fill_the_range(tmp_path, bits):
    count = 2**bits
    packed = np.packbits(
        np.array([[level >> bit & 1 for bit in range(bits)][::-1] for level in range(count)])
        .astype(np.uint8)
        .reshape(1, -1),
        axis=1,
    )
    signal = read(put(tmp_path / "a.png", png([packed.tobytes()], GRAY, bits, size=(count, 1))))
    assert signal.meta == {"mode": "L"}
    assert levels_of(signal).flatten().tolist() == [
        level * 255 // (count - 1) for level in range(count)
    ]


@pytest.mark.parametrize("layout", ["plain", "planar", "tiled", "big", "deflated", "big-endian"])
def test_a_tiff_of_16_bits_keeps_all_of_them(tmp_path, layout):
    original = pixels(64, 80, 3, dtype=np.uint16)
    layouts: dict[str, dict[str, Any]] = {
        "plain": {},
        "planar": {"planarconfig": "separate"},
        "tiled": {"tile": (16, 16)},
        "big": {"bigtiff": True},
        "deflated": {"compression": "zlib", "predictor": True},
        "big-endian": {"byteorder": ">"},
    }
    stored = original.transpose(2, 0, 1) if layout == "planar" else original
    signal = read(tiff(tmp_path / "a.tif", stored, photometric="rgb", **layouts[layout]))
    assert signal.meta == {"mode": "RGB", "dtype": "uint16"}
    np.testing.assert_array_equal(levels_of(signal, DEEP), original)


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_a_tiff_of_16_bits_keeps_its_alpha(tmp_path, alpha):
    original = pixels(5, 7, 4, dtype=np.uint16)
    original[..., :3] = original[..., :3] // 2
    original[..., 3] = original[..., 3] // 2 + 32768
    signal = read(tiff(tmp_path / "a.tif", original, photometric="rgb", extrasamples=[alpha]))
    assert signal.meta == {"mode": "RGBA", "dtype": "uint16"}
    levels = levels_of(signal, DEEP)
    expected = original.astype(float)
    if alpha == "assocalpha":
        expected[..., :3] = np.minimum(expected[..., :3] / (expected[..., 3:] / DEEP), DEEP)
    np.testing.assert_allclose(levels, expected, atol=0.51)


def test_gray_with_alpha_of_16_bits_in_a_tiff_becomes_rgba(tmp_path):
    original = pixels(5, 7, 2, dtype=np.uint16)
    signal = read(
        tiff(
            tmp_path / "a.tif",
            original,
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unassalpha"],
        )
    )
    np.testing.assert_array_equal(levels_of(signal, DEEP), as_rgba(original))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_is_turned(tmp_path, dtype):
    original = pixels(5, 7, dtype=np.dtype(dtype))
    signal = read(tiff(tmp_path / "a.tif", original, photometric="miniswhite"))
    top = np.iinfo(dtype).max
    np.testing.assert_array_equal(levels_of(signal, top)[..., 0], top - original.astype(int))


def test_white_is_zero_is_turned_in_numbers_with_a_sign_and_floats(tmp_path):
    for original, expected in (
        (np.array([[-32768, 0, 32767]], np.int16), [32767, -1, -32768]),
        (np.array([[0, 0.25, 1]], np.float32), [1, 0.75, 0]),
    ):
        signal = read(tiff(tmp_path / "a.tif", original, photometric="miniswhite"))
        np.testing.assert_allclose(numbers_of(signal).flatten(), expected, atol=1e-3)


@pytest.mark.parametrize("dtype", ["int16", "int8", "int32", "float16", "float32"])
def test_numbers_with_a_sign_and_floats_keep_their_range(tmp_path, dtype):
    original = np.linspace(-100, 27, 35).reshape(5, 7).astype(dtype)
    signal = read(tiff(tmp_path / "a.tif", original, photometric="minisblack"))
    low, high = float(original.min()), float(original.max())
    assert signal.meta == {"mode": "L", "dtype": dtype, "range": [low, high]}
    assert (signal.values.min(), signal.values.max()) == (-1, 1)
    np.testing.assert_allclose(numbers_of(signal)[..., 0], original, atol=1e-5)


def test_a_32_bit_integer_beyond_float32_is_said(tmp_path, caplog):
    original = np.array([[0, 2**31]], dtype=np.uint32)
    signal = read(tiff(tmp_path / "a.tif", original, photometric="minisblack"))
    assert signal.meta["range"] == [0, 2**31]
    assert "holds 32 bits, which are fitted as float32" in caplog.text


def test_a_big_endian_tiff_with_nan_is_refused_with_their_number(tmp_path):
    original = np.ones((5, 7), dtype=np.float32)
    original[2, 3:5] = np.nan, np.inf
    path = tiff(tmp_path / "a.tif", original, byteorder=">", photometric="minisblack")
    with pytest.raises(SignalError, match="2 NaN or infinite values among 35"):
        read(path)


def test_a_constant_float_picture_is_zero_and_keeps_its_number(tmp_path):
    path = tiff(tmp_path / "a.tif", np.full((3, 4), 7.5, np.float32), photometric="minisblack")
    signal = read(path)
    assert (signal.values == 0).all()
    assert signal.meta["range"] == [7.5, 7.5]


def test_a_palette_of_16_bits_keeps_them(tmp_path):
    table = pixels(3, 256, dtype=np.uint16)
    indices = pixels(5, 7)
    signal = read(tiff(tmp_path / "a.tif", indices, photometric="palette", colormap=table))
    assert signal.meta["dtype"] == "uint16"
    np.testing.assert_array_equal(levels_of(signal, DEEP), table.T[indices])


@pytest.mark.parametrize("factor", [256, 257])
def test_a_palette_of_8_bits_in_16_has_8(tmp_path, factor):
    table = pixels(3, 256).astype(np.uint16) * factor
    indices = pixels(5, 7)
    signal = read(tiff(tmp_path / "a.tif", indices, photometric="palette", colormap=table))
    assert signal.meta == {"mode": "RGB"}
    np.testing.assert_array_equal(levels_of(signal), (table // factor).T[indices])


def test_a_palette_of_png_with_alpha_is_rgba(tmp_path):
    table, alphas = pixels(256, 3), pixels(256, seed=1)
    indices = pixels(5, 7)
    before = chunk(b"PLTE", table.tobytes()), chunk(b"tRNS", alphas.tobytes())
    signal = read(put(tmp_path / "a.png", png(indices, PALETTE, 8, *before)))
    expected = np.concatenate([table[indices], alphas[indices][..., None]], axis=-1)
    np.testing.assert_array_equal(levels_of(signal), expected)


def test_pictures_of_12_bits_fill_the_range(tmp_path):
    path = oiio_write(
        tmp_path / "a.tif", np.array([[[0], [65535]]], np.uint16), oiio__BitsPerSample=12
    )
    assert levels_of(read(path), DEEP).flatten().tolist() == [0, 65535]


def test_64_bit_integers_are_refused(tmp_path):
    path = tiff(tmp_path / "a.tif", np.ones((3, 4), np.int64), photometric="minisblack")
    with pytest.raises(SignalError, match="64"):
        read(path)


def test_doubles_are_read_and_said(tmp_path, caplog):
    original = np.linspace(-1e9, 3, 12).reshape(3, 4)
    signal = read(tiff(tmp_path / "a.tif", original, photometric="minisblack"))
    assert signal.meta == {"mode": "L", "dtype": "float64", "range": [-1e9, 3.0]}
    assert "float64, which are fitted as float32" in caplog.text


def test_many_channels_are_refused_before_their_pixels_are_read(tmp_path):
    original = pixels(4, 5, 7, dtype=np.uint16)
    path = tiff(tmp_path / "a.tif", original, photometric="minisblack", planarconfig="contig")
    with pytest.raises(SignalError, match="has 7 channels"):
        read(path)


def test_a_channel_without_a_meaning_is_left_out_and_said(tmp_path, caplog):
    original = pixels(4, 5, 4, dtype=np.uint16)
    path = tiff(tmp_path / "a.tif", original, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(levels_of(read(path), DEEP), original[..., :3])
    assert "of its 4 channels these are read: R, G, B" in caplog.text


def test_deep_pictures_are_resized_without_losing_bits(tmp_path):
    ramp = (np.arange(64, dtype=np.uint16) * 3 + 40_000)[None, :, None].repeat(8, axis=0)
    path = put(tmp_path / "a.png", png(ramp.repeat(3, axis=-1), RGB, 16))
    values = read(path, size=(32, 8)).values.double()
    pairs = ramp.reshape(8, 32, 2).mean(-1)
    for channel in range(3):
        levels = (values[..., channel] + 1) * 32767.5
        np.testing.assert_allclose(levels[:, 1:-1], pairs[:, 1:-1], atol=0.02)


def test_a_transparent_deep_pixel_does_not_bleed_when_it_is_resized(tmp_path):
    original = np.zeros((2, 4, 4), np.uint16)
    original[:, :2] = 60_000, 60_000, 60_000, DEEP
    path = put(tmp_path / "a.png", png(original, RGBA, 16))
    levels = levels_of(read(path, size=(2, 1)), DEEP)
    np.testing.assert_allclose(levels[0, 0, :3], 60_000, atol=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif", ".webp"])
def test_the_smallest_pictures_are_read(tmp_path, size, suffix):
    how: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    Image.new("RGB", size, (200, 30, 40)).save(tmp_path / f"a{suffix}", **how)
    levels = levels_of(read(tmp_path / f"a{suffix}"))
    assert levels.shape == (size[1], size[0], 3)
    assert (levels == (200, 30, 40)).all()


def test_a_netpbm_picture_of_10_bits_fills_the_range(tmp_path):
    body = b"P5\n2 1\n1023\n" + np.array([0, 1023], ">u2").tobytes()
    assert levels_of(read(put(tmp_path / "a.pgm", body)), DEEP).flatten().tolist() == [0, DEEP]


def test_a_stack_may_mix_depths(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    flat, deep = pixels(4, 4, 3), pixels(5, 5, 3, dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(flat, photometric="rgb")
        file.write(deep, photometric="rgb")
    np.testing.assert_array_equal(levels_of(read(tmp_path / "a.tif", page=1)), flat)
    np.testing.assert_array_equal(levels_of(read(tmp_path / "a.tif", page=2), DEEP), deep)


@pytest.mark.parametrize(
    "how", [{"planarconfig": "separate"}, {"tile": (16, 16)}, {"bigtiff": True}], ids=str
)
def test_layouts_of_8_bits_in_a_tiff_are_read(tmp_path, how):
    original = pixels(32, 48, 3)
    stored = original.transpose(2, 0, 1) if "planarconfig" in how else original
    signal = read(tiff(tmp_path / "a.tif", stored, photometric="rgb", **how))
    assert signal.meta == {"mode": "RGB"}
    np.testing.assert_array_equal(levels_of(signal), original)


def test_further_channels_of_8_bits_are_said(tmp_path, caplog):
    original = pixels(4, 6, 5)
    path = tiff(
        tmp_path / "a.tif",
        original,
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unspecified"] * 2,
    )
    np.testing.assert_array_equal(levels_of(read(path)), original[..., :3])
    assert "of its 5 channels these are read: R, G, B" in caplog.text


@pytest.mark.parametrize(("suffix", "channels"), [(".pgm", 1), (".ppm", 3)])
def test_netpbm_of_16_bits_is_read(tmp_path, suffix, channels):
    original = pixels(5, 7, channels, dtype=np.uint16)
    magic = b"P5" if channels == 1 else b"P6"
    body = magic + b"\n7 5\n65535\n" + original.astype(">u2").tobytes()
    signal = read(put(tmp_path / f"a{suffix}", body))
    np.testing.assert_array_equal(levels_of(signal, DEEP), original)
