"""Notes about colours survive, or colours are converted and it is said."""

import struct
import zlib

import numpy as np
import OpenImageIO
import pytest
from PIL import Image, ImageCms

from enas_inr.errors import SignalError
from enas_inr.signals.pictures.colour import profile_from
from tests.signals.pictures.picture_files import (
    GRAY_ALPHA,
    PALETTE,
    RGB,
    chunk,
    levels_of,
    pixels,
    png,
    put,
    read,
    write,
)

DEEP = 65535
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile(space):
    """Return a profile that is complete enough to say what its colours are."""
    return SRGB[:16] + space + SRGB[20:]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_a_colour_profile_is_kept_and_written_again(tmp_path, suffix):
    Image.new("RGB", (16, 16), (200, 30, 40)).save(tmp_path / f"a{suffix}", icc_profile=SRGB)
    signal = read(tmp_path / f"a{suffix}")
    assert profile_from(signal.meta) == SRGB
    write(signal, tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.info["icc_profile"] == SRGB
    assert read(tmp_path / f"b{suffix}").meta == signal.meta


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_deep_picture_keeps_its_profile_and_resolution(tmp_path, suffix):
    original = pixels(5, 7, 3, dtype=np.uint16)
    before = (
        chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB)),
        chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
    )
    signal = read(put(tmp_path / "a.png", png(original, RGB, 16, *before)))
    write(signal, tmp_path / f"b{suffix}")
    again = read(tmp_path / f"b{suffix}")
    assert profile_from(again.meta) == SRGB
    np.testing.assert_allclose(again.meta["dpi"], [300, 150], atol=0.02)
    np.testing.assert_array_equal(levels_of(again, DEEP), original)


def test_a_profile_for_other_colours_is_left_out_and_said(tmp_path, caplog):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=profile(b"CMYK"))
    assert read(tmp_path / "a.png").meta == {"mode": "RGB"}
    assert "its colour profile is for CMYK and is left out" in caplog.text


def test_a_damaged_profile_is_left_out_and_said(tmp_path, caplog):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=b"\0" * 200)
    assert read(tmp_path / "a.png").meta == {"mode": "RGB"}
    assert "its colour profile is damaged or too large and is left out" in caplog.text


def test_a_format_without_profiles_says_what_is_lost(tmp_path, caplog):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=SRGB)
    write(read(tmp_path / "a.png"), tmp_path / "b.bmp")
    assert "BMP does not hold its colour profile" in caplog.text


def test_cmyk_is_converted_and_said(tmp_path, caplog):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    signal = read(tmp_path / "a.tif")
    assert levels_of(signal)[0, 0].tolist() == [255, 0, 0]
    assert "CMYK has no colour profile, so its conversion to RGB is approximate" in caplog.text


def test_cmyk_of_jpeg_is_converted_the_right_way_up(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(levels_of(read(tmp_path / "a.jpg"))[0, 0] - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize("how", [{"compression": "jpeg"}, {}], ids=["JPEG", "raw"])
def test_ycbcr_in_a_tiff_becomes_rgb(tmp_path, how):
    image = Image.new("RGB", (32, 32), (200, 30, 40))
    if not how:
        image = image.convert("YCbCr")
    image.save(tmp_path / "a.tif", **how)
    assert np.abs(levels_of(read(tmp_path / "a.tif")) - (200, 30, 40)).max() <= 2


def test_cielab_is_converted(tmp_path, caplog):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    red = Image.new("RGB", (8, 8), (200, 30, 40))
    made = ImageCms.profileToProfile(red, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    assert made is not None
    made.save(tmp_path / "a.tif")
    signal = read(tmp_path / "a.tif")
    assert np.abs(levels_of(signal)[0, 0] - (200, 30, 40)).max() <= 3
    assert "CIELab is converted to sRGB" in caplog.text


def test_gray_with_alpha_and_a_profile_is_converted(tmp_path, caplog):
    gray = pixels(4, 4, 2)
    before = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile(b"GRAY")))
    signal = read(put(tmp_path / "a.png", png(gray, GRAY_ALPHA, 8, before)))
    assert signal.values.shape == (4, 4, 4)
    assert "profile" in caplog.text
    np.testing.assert_array_equal(levels_of(signal)[..., 3], gray[..., 1])


@pytest.mark.parametrize("bits", [8, 16])
def test_the_chunks_about_colours_survive(tmp_path, bits):
    original = pixels(5, 7, 3, dtype=np.uint16 if bits == 16 else np.uint8)
    before = (
        chunk(b"cICP", bytes([9, 16, 0, 1])),
        chunk(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"cHRM", struct.pack(">8I", *range(30_000, 38_000, 1000))),
    )
    signal = read(put(tmp_path / "a.png", png(original, RGB, bits, *before)))
    assert signal.meta["png"]["cICP"] == "09100001"
    write(signal, tmp_path / "b.png")
    again = read(tmp_path / "b.png")
    assert again.meta == signal.meta
    np.testing.assert_array_equal(levels_of(again, DEEP if bits == 16 else 255), original)
    assert all(each in (tmp_path / "b.png").read_bytes() for each in before)


@pytest.mark.parametrize("suffix", [".heic", ".avif"])
def test_colours_beyond_srgb_of_a_photograph_are_noted_in_a_png(tmp_path, suffix, caplog):
    image = Image.new("RGB", (16, 16), (200, 30, 40))
    if suffix == ".heic":
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.from_pillow(image).save(
            tmp_path / "a.heic", color_primaries=9, transfer_characteristics=16
        )
    else:
        image.save(tmp_path / "a.avif")
        content = (tmp_path / "a.avif").read_bytes()
        usual, wide = (b"colrnclx" + struct.pack(">HH", *codes) for codes in ((1, 13), (9, 16)))
        assert usual in content
        put(tmp_path / "a.avif", content.replace(usual, wide))
    signal = read(tmp_path / f"a{suffix}")
    assert signal.meta["png"] == {"cICP": "09100001"}
    write(signal, tmp_path / "b.png")
    assert chunk(b"cICP", bytes([9, 16, 0, 1])) in (tmp_path / "b.png").read_bytes()
    write(signal, tmp_path / "b.jpg")
    assert "JPEG does not hold its cICP (.png does)" in caplog.text


def test_the_usual_colours_of_a_photograph_need_no_note(tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.avif")
    assert read(tmp_path / "a.avif").meta == {"mode": "RGB"}


def test_16_bit_cielab_is_refused_rather_than_cut(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    original = pixels(8, 8, 3, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", original, photometric="cielab")
    with pytest.raises(SignalError, match="CIELAB of 16 bits; convert it to RGB"):
        read(tmp_path / "a.tif")


def test_16_bit_cmyk_is_converted_at_16_bits_and_said(tmp_path, caplog):
    tifffile = pytest.importorskip("tifffile")
    original = np.zeros((4, 4, 4), np.uint16)
    original[..., 1:3] = 65535
    tifffile.imwrite(tmp_path / "a.tif", original, photometric="separated")
    signal = read(tmp_path / "a.tif")
    assert levels_of(signal, DEEP)[0, 0].tolist() == [DEEP, 0, 0]
    assert signal.meta["dtype"] == "uint16"
    assert "CMYK is converted to RGB without its colour profile" in caplog.text


def test_what_another_format_loses_of_the_colours_is_said(tmp_path, caplog):
    before = chunk(b"gAMA", struct.pack(">I", 100_000))
    signal = read(put(tmp_path / "a.png", png(pixels(4, 4, 3), RGB, 8, before)))
    write(signal, tmp_path / "b.tif")
    assert "TIFF does not hold its gAMA" in caplog.text


def test_a_palette_keeps_its_profile(tmp_path):
    before = (
        chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB)),
        chunk(b"PLTE", pixels(256, 3).tobytes()),
    )
    signal = read(put(tmp_path / "a.png", png(pixels(4, 4), PALETTE, 8, *before)))
    assert profile_from(signal.meta) == SRGB


def test_the_primaries_of_an_exr_are_noted_in_a_png(tmp_path, caplog):
    wide = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)
    usual = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
    numbers = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    for primaries in (usual, wide):
        spec = OpenImageIO.ImageSpec(5, 4, 3, "float")
        spec.attribute("chromaticities", OpenImageIO.TypeDesc("float[8]"), primaries)
        file = OpenImageIO.ImageOutput.create(str(tmp_path / "a.exr"))
        assert file is not None
        assert file.open(str(tmp_path / "a.exr"), spec)
        assert file.write_image(numbers)
        assert file.close()
        signal = read(tmp_path / "a.exr")
        assert ("png" in signal.meta) is (primaries is wide)
    write(signal, tmp_path / "b.png")
    in_order = [round(n * 100_000) for n in (*wide[6:], *wide[:6])]
    assert chunk(b"cHRM", struct.pack(">8I", *in_order)) in (tmp_path / "b.png").read_bytes()
