"""Metadata never refuse pixels; transparency, orientation and resolution survive."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from enas_inr.errors import SignalError
from enas_inr.signals.pictures.decoding import size_of
from tests.signals.pictures.picture_files import (
    GRAY,
    RGB,
    chunk,
    levels_of,
    oiio_write,
    pixels,
    png,
    put,
    read,
    tiff,
    write,
)

DEEP = 65535
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def jpeg_segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


@pytest.mark.parametrize(
    "exif", [b"\0\x08\0\x02\x01\x12\0\x03", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"\0"]
)
@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_damaged_exif_data_do_not_refuse_the_pixels(tmp_path, suffix, exif):
    original = Image.new("RGB", (32, 32), (255, 0, 255))
    how: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    original.save(tmp_path / f"a{suffix}", exif=exif, **how)
    assert np.abs(levels_of(read(tmp_path / f"a{suffix}")) - (255, 0, 255)).max() <= 2


def test_damaged_exif_data_are_said(tmp_path, caplog):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", exif=b"\0\x08\0\x02\x01\x12\0\x03")
    read(tmp_path / "a.png")
    assert "its EXIF data cannot be read and are left out" in caplog.text


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000))),  # a bomb
        chunk(b"iTXt", b"key"),
        chunk(b"zTXt", b"key\0\x07abc"),
        chunk(b"pHYs", b"\0"),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(20_000_000))),
        chunk(b"iCCP", b"nothing"),
        chunk(b"gAMA", b""),
        chunk(b"cHRM", b"\0\0\0\1"),
        chunk(b"sRGB", b""),
        chunk(b"tEXt", b"key\0value")[:-4] + b"\0\0\0\0",  # a wrong check sum
        chunk(b"eXIf", b"II*\0" + bytes(4) + b"\xff" * 40),
    ],
    ids=lambda broken: broken[4:8].decode(),
)
def test_a_damaged_chunk_does_not_refuse_a_png(tmp_path, broken):
    original = pixels(5, 7, 3)
    signal = read(put(tmp_path / "a.png", png(original, RGB, 8, broken)))
    np.testing.assert_array_equal(levels_of(signal), original)


@pytest.mark.parametrize(
    "segment",
    [
        jpeg_segment(0xE1, b"Exif\0\0MM\0*" + b"\xff" * 30),
        jpeg_segment(0xE2, b"ICC_PROFILE\0\1\2" + SRGB),  # one of two parts
        jpeg_segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
        jpeg_segment(0xE0, b"JFIF\0"),
        jpeg_segment(0xED, b"Photoshop 3.0\x008BIM\x04"),
        jpeg_segment(0xEE, b"Ado"),
    ],
    ids=["EXIF", "ICC", "MPF", "JFIF", "Photoshop", "Adobe"],
)
def test_a_damaged_segment_does_not_refuse_a_jpeg(tmp_path, segment):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (32, 32), (200, 30, 40)).save(path)
    content = path.read_bytes()
    put(path, content[:2] + segment + content[2:])
    assert np.abs(levels_of(read(path)) - (200, 30, 40)).max() <= 3


BROKEN_TAGS = {
    "EXIF outside": (34665, 4, 1, 0xFFFFFFF0),
    "EXIF in the pixels": (34665, 4, 1, 10),
    "endless XMP": (700, 1, 0x7FFFFFFF, 10),
    "profile outside": (34675, 7, 3000, 0xFFFFFF00),
    "profile of pixels": (34675, 7, 200, 8),
    "text outside": (270, 2, 1000, 0xFFFFF000),
    "resolution outside": (282, 5, 1, 0xFFFFFFF0),
    "orientation 99": (274, 3, 1, 99),
    "orientation as text": (274, 2, 4, 0x41414141),
    "unknown type": (65000, 99, 5, 7),
    "GPS in the pixels": (34853, 4, 1, 3),
    "pictures outside": (330, 4, 1, 0xFFFFFF00),
}


@pytest.mark.parametrize("tag", BROKEN_TAGS.values(), ids=list(BROKEN_TAGS))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_damaged_tag_does_not_refuse_a_tiff(tmp_path, tag, dtype):
    original = pixels(8, 8, 3, dtype=dtype)
    signal = read(put(tmp_path / "a.tif", tiff(original, tag)))
    np.testing.assert_array_equal(levels_of(signal, np.iinfo(dtype).max), original)


@pytest.mark.parametrize(
    "how",
    [
        {"t279": 0},
        {"t279": 100},
        {"t279": 10**6},
        {"leave_out": (279,)},
        {"leave_out": (278,)},
        {"leave_out": (259,)},
        {"t278": 2**32 - 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_header_is_wrong_by_a_little_is_read(tmp_path, how, dtype):
    original = pixels(8, 8, 3, dtype=dtype)
    signal = read(put(tmp_path / "a.tif", tiff(original, **how)))
    np.testing.assert_array_equal(levels_of(signal, np.iinfo(dtype).max), original)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_that_lacks_rows_or_colours_is_refused(tmp_path, dtype):
    original = pixels(8, 8, 3, dtype=dtype)
    with pytest.raises(SignalError, match="it has 1 of its 2 strips of rows"):
        read(put(tmp_path / "a.tif", tiff(original, t278=4)))
    with pytest.raises(SignalError, match="1 channel"):
        read(put(tmp_path / "b.tif", tiff(original, leave_out=(277,))))


@pytest.mark.parametrize(
    ("name", "suffix", "change"),
    [
        ("PNG", ".png", lambda c: c + b"x" * 99),
        ("JPEG", ".jpg", lambda c: c + b"x" * 99),
        ("GIF", ".gif", lambda c: c[:-1]),
        ("WEBP", ".webp", lambda c: c[:4] + struct.pack("<I", len(c) + 100) + c[8:]),
        ("WEBP", ".webp", lambda c: c[:4] + struct.pack("<I", len(c) - 20) + c[8:]),
        ("BMP", ".bmp", lambda c: c[:2] + bytes(4) + c[6:]),
        ("BMP", ".bmp", lambda c: c[:34] + bytes(4) + c[38:]),
        ("AVIF", ".avif", lambda c: c + b"xx"),
    ],
    ids=["after PNG", "after JPEG", "GIF's end", "long WebP", "short WebP", "BMP", "BMP 2", "AVIF"],
)
def test_what_surrounds_pixels_may_be_wrong_by_a_little(tmp_path, name, suffix, change):
    image = Image.new("RGB", (32, 32), (200, 30, 40))
    image.save(tmp_path / f"a{suffix}", **({"lossless": True} if name == "WEBP" else {}))  # type: ignore[arg-type]
    expected = levels_of(read(tmp_path / f"a{suffix}"))
    content = change((tmp_path / f"a{suffix}").read_bytes())
    np.testing.assert_array_equal(levels_of(read(put(tmp_path / f"b{suffix}", content))), expected)


def test_a_webp_with_damaged_metadata_keeps_its_pixels_and_its_alpha(tmp_path):
    original = pixels(8, 8, 4)
    Image.fromarray(original).save(
        tmp_path / "a.webp", lossless=True, exact=True, icc_profile=b"\0" * 40, exif=b"nonsense"
    )
    np.testing.assert_array_equal(levels_of(read(tmp_path / "a.webp")), original)


def test_a_png_without_its_end_is_read_and_one_without_its_last_rows_is_not(tmp_path):
    original = pixels(40, 40, 3)
    content = png(original, RGB)
    whole = put(tmp_path / "whole.png", content[: -len(chunk(b"IEND", b""))])
    np.testing.assert_array_equal(levels_of(read(whole)), original)
    with pytest.raises(SignalError, match="check that the file is complete"):
        read(put(tmp_path / "part.png", content[:-100]))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_is_read_only_if_all_pixels_are_there(tmp_path, progressive):
    Image.fromarray(pixels(40, 40, 3)).save(tmp_path / "a.jpg", progressive=progressive)
    expected = levels_of(read(tmp_path / "a.jpg"))
    content = (tmp_path / "a.jpg").read_bytes()
    whole = put(tmp_path / "whole.jpg", content[:-2])
    np.testing.assert_array_equal(levels_of(read(whole)), expected)
    for missing in (8, 40, 400):
        with pytest.raises(SignalError, match="check that the file is complete"):
            read(put(tmp_path / "part.jpg", content[:-missing]))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_of_png_becomes_alpha(tmp_path, bits):
    original = pixels(5, 7, 3, dtype=np.uint16 if bits == 16 else np.uint8)
    original[1, 2] = original[0, 0]
    key = chunk(b"tRNS", original[0, 0].astype(">u2").tobytes())
    signal = read(put(tmp_path / "a.png", png(original, RGB, bits, key)))
    assert signal.meta["mode"] == "RGBA"
    levels = levels_of(signal, DEEP if bits == 16 else 255)
    np.testing.assert_array_equal(levels[..., :3], original)
    clear = levels[..., 3] == 0
    assert clear[0, 0]
    assert clear[1, 2]
    assert (clear == (original == original[0, 0]).all(axis=-1)).all()
    assert (levels[~clear][:, 3] == (DEEP if bits == 16 else 255)).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_gray_of_png_becomes_alpha(tmp_path, bits):
    if bits == 16:
        rows = np.array([[0, 1, 300, 65535]], np.uint16)
        content = png(rows, GRAY, 16, chunk(b"tRNS", struct.pack(">H", 300)))
        shown = [255, 255, 0, 255]
    elif bits == 8:
        rows = np.array([[0, 1, 200, 255]], np.uint8)
        content = png(rows, GRAY, 8, chunk(b"tRNS", struct.pack(">H", 200)))
        shown = [255, 255, 0, 255]
    else:
        levels = {1: [0, 1, 1, 0], 2: [0, 1, 2, 3], 4: [0, 1, 2, 15]}[bits]
        packed = sum(level << bits * (3 - at) for at, level in enumerate(levels))
        size = max(1, 4 * bits // 8)
        packed <<= 8 * size - 4 * bits
        content = png(
            [packed.to_bytes(size, "big")],
            GRAY,
            bits,
            chunk(b"tRNS", struct.pack(">H", 1)),
            size=(4, 1),
        )
        shown = [0 if level == 1 else 255 for level in levels]
    signal = read(put(tmp_path / "a.png", content))
    assert (levels_of(signal)[0, :, 3]).tolist() == shown


def test_the_transparent_colour_of_a_gif_becomes_alpha(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50, 7, 8, 9])
    image.save(tmp_path / "a.gif", transparency=1)
    levels = levels_of(read(tmp_path / "a.gif"))
    assert levels[..., 3].tolist() == [[255, 0], [255, 255]]
    assert levels[0, 0, :3].tolist() == [10, 20, 30]
    assert levels[1, 0, :3].tolist() == [7, 8, 9]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg", ".avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path, suffix, orientation):
    upright = np.kron(pixels(3, 5, 3), np.ones((8, 8, 1), np.uint8))
    image = Image.fromarray(upright)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    how: dict[str, Any] = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    how[".avif"] = {"quality": 100, "subsampling": "4:4:4"}
    stored = image if turn is None else image.transpose(turn)
    stored.save(tmp_path / f"a{suffix}", exif=exif, dpi=(100, 50), **how.get(suffix, {}))
    signal = read(tmp_path / f"a{suffix}")
    assert size_of(tmp_path / f"a{suffix}") == upright.shape[1::-1]
    levels = levels_of(signal)
    assert levels.shape == upright.shape
    assert np.abs(levels - upright).mean() < (3 if suffix in (".jpg", ".avif") else 1e-9)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_deep_png_is_turned_upright(tmp_path, orientation):
    upright = pixels(3, 5, 3, dtype=np.uint16)
    stored = np.rot90(upright, {3: 2, 6: 1, 8: -1}[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    before = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    signal = read(put(tmp_path / "a.png", png(stored, RGB, 16, before)))
    np.testing.assert_array_equal(levels_of(signal, DEEP), upright)


def test_damaged_exif_data_of_a_deep_png_are_said(tmp_path, caplog):
    original = pixels(3, 5, 3, dtype=np.uint16)
    path = put(tmp_path / "a.png", png(original, RGB, 16, chunk(b"eXIf", b"nonsense")))
    np.testing.assert_array_equal(levels_of(read(path), DEEP), original)
    assert "its EXIF data cannot be read and are left out" in caplog.text


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_deep_tiff_is_turned_upright_with_its_resolution(tmp_path, orientation):
    upright = pixels(3, 5, 3, dtype=np.uint16)
    stored = np.rot90(upright, {3: 2, 6: 1, 8: -1}[orientation])
    path = oiio_write(
        tmp_path / "a.tif",
        np.ascontiguousarray(stored),
        Orientation=orientation,
        XResolution=100.0,
        YResolution=50.0,
        PixelAspectRatio=0.5,
        ResolutionUnit="in",
    )
    signal = read(path)
    np.testing.assert_array_equal(levels_of(signal, DEEP), upright)
    assert signal.meta["dpi"] == ([100, 50] if orientation == 3 else [50, 100])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_the_resolution_survives(tmp_path, suffix):
    Image.new("RGB", (8, 8)).save(tmp_path / f"a{suffix}", dpi=(300, 150))
    signal = read(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(signal.meta["dpi"], [300, 150], atol=0.02)
    write(signal, tmp_path / f"b{suffix}")
    assert read(tmp_path / f"b{suffix}").meta == signal.meta


def test_nonsense_about_the_resolution_is_ignored(tmp_path):
    before = chunk(b"pHYs", struct.pack(">IIB", 0, 2**32 - 1, 1))
    assert read(put(tmp_path / "a.png", png(pixels(4, 4, 3), RGB, 8, before))).meta == {
        "mode": "RGB"
    }


@pytest.mark.parametrize(("stored", "kept"), [((2**32 - 1, 1), None), ((300, 1), [300, 300])])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_resolution_of_a_tiff_that_makes_no_sense_is_ignored(tmp_path, dtype, stored, kept):
    original = pixels(8, 8, 3, dtype=dtype)
    original.reshape(-1).view(np.uint8)[:8] = np.array(stored, "<u4").view(np.uint8)
    tags = (282, 5, 1, 8), (283, 5, 1, 8), (296, 3, 1, 2)  # whose fractions are the first pixels
    signal = read(put(tmp_path / "a.tif", tiff(original, *tags)))
    assert signal.meta.get("dpi") == kept
