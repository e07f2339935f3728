"""The content of a file decides how it is read, and hostile files are refused in one line."""

import builtins
import struct
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from enas_inr.errors import SignalError
from enas_inr.hookspecs import Modality
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.pictures.decoding import size_of
from enas_inr.signals.pictures.encoding import FORMATS
from enas_inr.signals.pictures.kinds import SUFFIXES
from enas_inr.signals.pictures.raster import damaged
from tests.signals.pictures.picture_files import (
    RGB,
    levels_of,
    oiio_write,
    pixels,
    png,
    png_header,
    put,
    read,
)

BLOCKS = np.kron(pixels(5, 7, 3), np.ones((8, 8, 1), np.uint8))  # of few enough colours for GIF


def saved(name, suffix, **how):
    buffer = BytesIO()
    Image.fromarray(BLOCKS).save(buffer, name, **how)
    return buffer.getvalue()


def heif(numbers, mode="RGB", **how):
    pillow_heif = pytest.importorskip("pillow_heif")
    rows, columns = numbers.shape[:2]
    file = pillow_heif.from_bytes(mode=mode, size=(columns, rows), data=numbers.tobytes())
    buffer = BytesIO()
    file.save(buffer, quality=-1, chroma=444, matrix_coefficients=0, **how)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "suffix", "how"),
    [("GIF", ".gif", {}), ("AVIF", ".avif", {"quality": 100, "subsampling": "4:4:4"})],
)
def test_formats_that_people_have_are_read(tmp_path, name, suffix, how):
    path = put(tmp_path / f"a{suffix}", saved(name, suffix, **how))
    levels = levels_of(read(path))
    assert levels.shape == (40, 56, 3)
    assert np.abs(levels - BLOCKS).mean() < 6
    assert size_of(path) == (56, 40)


@pytest.mark.parametrize(
    ("suffix", "numbers"),
    [
        (".jxl", pixels(5, 7, 3, dtype=np.uint16)),
        (".jxl", pixels(5, 7, 3)),
        (".exr", np.ones((5, 7, 3), np.float32)),
        (".hdr", np.ones((5, 9, 3), np.float32)),
        (".ppm", pixels(5, 7, 3)),
        (".pfm", np.ones((5, 7, 3), np.float32)),
    ],
)
def test_formats_of_openimageio_are_read(tmp_path, suffix, numbers):
    path = oiio_write(tmp_path / f"a{suffix}", numbers)
    signal = read(path)
    rows, columns, _ = numbers.shape
    assert signal.values.shape == numbers.shape
    if numbers.dtype.kind == "u":
        np.testing.assert_array_equal(levels_of(signal, np.iinfo(numbers.dtype).max), numbers)
    assert size_of(path) == (columns, rows)


@pytest.mark.parametrize(("orientation", "size"), [(1, (7, 5)), (6, (5, 7)), (9, (7, 5))])
def test_the_size_of_an_exr_is_that_of_the_upright_picture(tmp_path, orientation, size):
    path = tmp_path / "a.exr"
    oiio_write(path, np.ones((5, 7, 3), np.float32), Orientation=orientation)
    assert size_of(path) == size
    assert read(path).values.shape[1::-1] == size


def test_a_small_jpeg_xl_keeps_the_colours_under_its_alpha(tmp_path):
    original = pixels(2, 3, 4)
    original[0] = 200, 100, 50, 128
    path = oiio_write(tmp_path / "a.jxl", original, oiio__UnassociatedAlpha=1)
    np.testing.assert_array_equal(levels_of(read(path)), original)
    flat = oiio_write(tmp_path / "b.jxl", np.full((2, 3, 1), 77, np.uint8))
    assert flat.stat().st_size < 128
    assert (levels_of(read(flat)) == 77).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_jpeg_2000_is_read(tmp_path, mode):
    image = Image.fromarray(BLOCKS).convert(mode)
    if mode == "RGBA":
        image.putalpha(128)
    image.save(tmp_path / "a.jp2", irreversible=False)
    expected = np.asarray(image).reshape(40, 56, -1)
    np.testing.assert_array_equal(levels_of(read(tmp_path / "a.jp2")), expected)


def test_a_heic_of_8_bits_is_read(tmp_path):
    original = np.kron(pixels(4, 4, 3), np.ones((16, 16, 1), np.uint8))
    path = put(tmp_path / "a.heic", heif(original))
    np.testing.assert_allclose(levels_of(read(path)), original, atol=2)
    assert size_of(path) == (64, 64)


def test_a_heic_of_10_bits_keeps_them_and_its_white(tmp_path):
    original = np.zeros((64, 64, 3), np.uint16)
    original[:, :32] = 65535
    original[32:] = 514 * 64  # level 514 of 1023
    signal = read(put(tmp_path / "a.heic", heif(original, "RGB;16")))
    assert signal.meta == {"mode": "RGB", "dtype": "uint16"}
    levels = levels_of(signal, 1023)
    assert levels[0, 0].tolist() == [1023] * 3
    assert levels[-1, -1].tolist() == [514] * 3


def test_a_heic_without_pillow_heif_names_the_extra(tmp_path, monkeypatch):
    path = put(tmp_path / "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    really = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pillow_heif":
            raise ImportError(name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SignalError, match=r"pip install 'enas-inr\[heif\]'"):
        read(path)


@pytest.mark.parametrize(
    ("name", "suffix", "said"),
    [
        ("AVIF", ".jpg", "holds AVIF, not JPEG, and is read as that"),
        ("PNG", ".tif", "holds PNG, not TIFF"),
        ("JPEG", ".heic", "holds JPEG, not HEIF"),
        ("WEBP", ".png", "holds WEBP, not PNG"),
        ("TIFF", ".exr", "holds TIFF, not EXR"),
    ],
)
def test_content_decides_and_a_wrong_suffix_is_said(tmp_path, name, suffix, said, caplog):
    path = put(tmp_path / f"a{suffix}", saved(name, suffix))
    assert np.abs(levels_of(read(path)) - BLOCKS).mean() < 25
    assert said in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,value\n1,2\n" * 20, "a text"),
        ("Grüße\n".encode() * 3000, "a text"),
        (b"%PDF-1.7\n" + bytes(40), "a PDF document"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a WAV sound"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "a video or sound of the MP4 family"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<!DOCTYPE html><html></html>", "a page of HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"\x5c\x01\0\0" + bytes(344), "a header of an Analyze or NIfTI volume"),
        (b"BM is a text as well, whatever it begins with", "a text"),
        (b"\0" * 300, "not an image, or damaged"),
    ],
    ids=range(13),
)
def test_a_file_that_is_no_picture_is_named(tmp_path, content, said):
    with pytest.raises(SignalError, match="not an image") as caught:
        read(put(tmp_path / "a.png", content))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def tiff_header(width, height, channels=3, bits=16):
    """Return a TIFF that declares a size and has almost no data."""
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2 if channels > 2 else 1),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, 100),
    ]
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + packed + bytes(200)


def exr_header(width, height):
    def attribute(name, kind, data):
        return name + b"\0" + kind + b"\0" + struct.pack("<I", len(data)) + data

    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channel = b"Y\0" + struct.pack("<iIii", 2, 0, 1, 1) + b"\0"
    return b"".join(
        [
            b"\x76\x2f\x31\x01\x02\0\0\0",
            attribute(b"channels", b"chlist", channel),
            attribute(b"compression", b"compression", b"\0"),
            attribute(b"dataWindow", b"box2i", box),
            attribute(b"displayWindow", b"box2i", box),
            attribute(b"lineOrder", b"lineOrder", b"\0"),
            attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            attribute(b"screenWindowCenter", b"v2f", bytes(8)),
            attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)),
            b"\0" * 500,
        ]
    )


HUGE = 60_000
BOMBS = {
    "a.png": png_header(HUGE, HUGE, bits=16),
    "b.tif": tiff_header(HUGE, HUGE),
    "c.exr": exr_header(HUGE, HUGE),
    "d.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (HUGE, HUGE) + bytes(500),
    "e.ppm": b"P6\n%d %d\n65535\n" % (HUGE, HUGE) + bytes(500),
    "f.pfm": b"PF\n%d %d\n-1.0\n" % (HUGE, HUGE) + bytes(500),
    "g.gif": b"GIF89a" + struct.pack("<HHBBB", HUGE, HUGE, 0, 0, 0) + bytes(50),
    "h.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 200, 0, 54, 40, HUGE, HUGE, 1, 24, *[0] * 6),
    "j.tif": tiff_header(9_000, 9_000, bits=8),  # not too large, but not in the file either
    "k.tif": tiff_header(9_000, 9_000),
    "l.ppm": b"P6\n9000 9000\n65535\n" + bytes(500),
    "m.bmp": b"BM" + struct.pack("<IIIIiiHHIIiiII", 200, 0, 54, 40, 9000, 9000, 1, 24, *[0] * 6),
    "i.tif": tiff_header(20_000, 4_000, channels=60_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_header_of_a_huge_picture_is_refused_without_its_memory(tmp_path, name):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SignalError) as caught:
        read(put(tmp_path / name, BOMBS[name]))
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_a_file_of_many_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # sparse
    with pytest.raises(SignalError, match=r"has 5\.0 GiB, the limit is 4"):
        read(path)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_deep_files_are_read_or_refused(tmp_path, seed):
    generator = np.random.default_rng(seed)
    files = {
        "a.png": png(pixels(6, 7, 3, dtype=np.uint16), RGB, 16),
        "a.exr": oiio_write(tmp_path / "x.exr", np.ones((6, 7, 3), np.float32)).read_bytes(),
        "a.hdr": oiio_write(tmp_path / "x.hdr", np.ones((6, 9, 3), np.float32)).read_bytes(),
        "a.tif": oiio_write(tmp_path / "x.tif", pixels(6, 7, 3, dtype=np.uint16)).read_bytes(),
        "a.jxl": oiio_write(tmp_path / "x.jxl", pixels(6, 7, 3, dtype=np.uint16)).read_bytes(),
    }
    for name, content in files.items():
        for _ in range(8):
            broken = bytearray(content)
            for _ in range(4):
                broken[generator.integers(len(broken))] = generator.integers(256)
            with suppress(SignalError):
                read(put(tmp_path / name, bytes(broken))).check()


def test_the_layers_of_an_exr_that_are_not_read_are_said(tmp_path, caplog):
    numbers = np.random.default_rng(0).random((5, 7, 5)).astype(np.float32)
    path = oiio_write(tmp_path / "a.exr", numbers, "R", "G", "B", "depth.Z", "normal.X")
    signal = read(path)
    assert signal.values.shape == (5, 7, 3)
    assert signal.meta["range"][1] == float(numbers[..., :3].max())
    assert "of its 5 channels these are read: R, G, B" in caplog.text


def test_a_layer_of_an_exr_is_read_where_there_are_no_plain_colours(tmp_path):
    numbers = np.random.default_rng(0).random((5, 7, 5)).astype(np.float32)
    names = ("left.R", "left.G", "left.B", "left.A", "left.Z")
    signal = read(oiio_write(tmp_path / "a.exr", numbers, *names))
    assert signal.values.shape == (5, 7, 4)
    assert signal.meta["premultiplied"] is True


def test_the_exposure_of_a_radiance_file_is_taken_out(tmp_path):
    body = b"\n\n-Y 1 +X 2\n" + bytes([128, 64, 32, 129, 10, 20, 30, 129])
    plain = read(put(tmp_path / "a.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe" + body))
    exposed = read(
        put(tmp_path / "b.hdr", b"#?RADIANCE\nEXPOSURE=2\nFORMAT=32-bit_rle_rgbe" + body)
    )
    low, high = plain.meta["range"]
    assert exposed.meta["range"] == [low / 2, high / 2]


def test_an_exr_without_gray_or_colours_is_refused(tmp_path):
    numbers = np.ones((5, 7, 2), np.float32)
    path = oiio_write(tmp_path / "a.exr", numbers, "velocity.X", "velocity.Y")
    with pytest.raises(SignalError, match=r"2 channels: velocity\.X, velocity\.Y"):
        read(path)


def test_the_kind_of_every_suffix_is_known():
    described = load_catalog().describe("modality", "image")
    assert isinstance(described, Modality)
    assert set(described.suffixes) == set(SUFFIXES)
    assert set(FORMATS) <= set(SUFFIXES)
    assert described.suffixes[0] == ".png"  # with which pictures are written without a name


def test_the_size_of_what_is_no_picture_is_unknown(tmp_path):
    assert size_of(put(tmp_path / "a.png", b"text")) is None
    assert size_of(put(tmp_path / "a.exr", b"\x76\x2f\x31\x01" + bytes(50))) is None
    assert size_of(tmp_path / "missing.png") is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (ValueError("  no pixels\nat all"), ": no pixels; check"),
        (ValueError(), ": ValueError; check"),
        ("", "; check"),  # as OpenImageIO, where its own message is not UTF-8
    ],
)
def test_what_a_library_says_of_a_damaged_picture_is_one_line(said, told):
    assert f"'a.tif': the image cannot be decoded{told}" in str(damaged("'a.tif'", said))
