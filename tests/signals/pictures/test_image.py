from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from enas_inr.errors import SignalError
from tests.signals.pictures.picture_files import pixels, png_header, read, signal_of, write

LOSSLESS = [".png", ".tif", ".tiff", ".bmp", ".webp"]
LOSSY = [".jpg", ".jpeg"]


def smooth(rows=40, columns=56):
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([4 * x, 4 * y, x + y], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_lossless_formats_give_every_pixel_back(tmp_path, suffix, channels, mode):
    if (suffix, mode) in [(".bmp", "RGBA")]:
        pytest.skip("BMP has no transparency")
    original = pixels(7, 5, channels)
    first, second = tmp_path / "a.png", tmp_path / f"b{suffix}"
    Image.fromarray(original.squeeze(-1) if channels == 1 else original).save(first)
    signal = read(first)
    assert signal.meta == {"mode": mode}
    assert signal.name == "a"
    assert signal.values.dtype == torch.float32
    np.testing.assert_allclose(signal.values, original / 127.5 - 1, atol=1e-6)
    write(signal, second)
    again = read(second)
    if (suffix, mode) == (".webp", "L"):  # WebP has no gray
        assert again.meta == {"mode": "RGB"}
        assert torch.equal(again.values, signal.values.expand(7, 5, 3))
    else:
        assert again.meta == signal.meta
        assert torch.equal(again.values, signal.values)


@pytest.mark.parametrize("suffix", LOSSY)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_gives_a_smooth_image_nearly_back(tmp_path, suffix, mode):
    original = Image.fromarray(smooth()).convert(mode)
    original.save(tmp_path / "a.png")
    signal = read(tmp_path / "a.png")
    write(signal, tmp_path / f"b{suffix}")
    again = read(tmp_path / f"b{suffix}")
    assert again.meta == {"mode": mode}
    assert (again.values - signal.values).abs().mean() < 0.02


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
def test_16_bit_gray_stays_exact(tmp_path, suffix):
    original = pixels(9, 4, dtype=np.uint16)
    original[0, :2] = 0, 65535
    Image.fromarray(original).save(tmp_path / "a.png")
    signal = read(tmp_path / "a.png")
    assert signal.meta == {"mode": "I;16"}
    assert signal.values.shape == (9, 4, 1)
    assert (signal.values.min(), signal.values.max()) == (-1, 1)
    write(signal, tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(image), original)
    assert torch.equal(read(tmp_path / f"b{suffix}").values, signal.values)


def test_16_bit_big_endian_tiff_holds_the_same_values(tmp_path):
    original = pixels(9, 4, dtype=np.uint16)
    big = Image.frombytes("I;16B", (4, 9), original.astype(">u2").tobytes())
    big.save(tmp_path / "a.tif")
    signal = read(tmp_path / "a.tif")
    assert signal.meta == {"mode": "I;16"}
    np.testing.assert_allclose(signal.values[..., 0], original / 32767.5 - 1, atol=1e-6)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".webp"])
def test_16_bit_gray_becomes_8_bit_where_the_format_has_no_16(tmp_path, suffix):
    write(signal_of(np.linspace(-1, 1, 64).reshape(8, 8, 1), mode="I;16"), tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}").meta["mode"] in ("L", "RGB")


@pytest.mark.parametrize(
    ("mode", "suffix", "becomes"),
    [
        ("LA", ".png", "RGBA"),
        ("PA", ".tif", "RGBA"),
        ("P", ".png", "RGB"),
        ("1", ".png", "L"),
        ("CMYK", ".jpg", "RGB"),
        ("YCbCr", ".tif", "RGB"),
    ],
)
def test_other_modes_are_converted(tmp_path, mode, suffix, becomes):
    Image.fromarray(smooth()).convert(mode).save(tmp_path / f"a{suffix}")
    signal = read(tmp_path / f"a{suffix}")
    assert signal.meta == {"mode": becomes}
    assert signal.values.shape == (40, 56, {"L": 1, "RGB": 3, "RGBA": 4}[becomes])


def test_a_palette_with_transparency_becomes_rgba(tmp_path):
    image = Image.fromarray(smooth()).convert("P")
    image.save(tmp_path / "a.png", transparency=bytes(256))
    signal = read(tmp_path / "a.png")
    assert signal.meta == {"mode": "RGBA"}
    assert (signal.values[..., 3] == -1).all()


def test_one_bit_becomes_black_and_white(tmp_path):
    Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("1").save(
        tmp_path / "a.png"
    )
    assert read(tmp_path / "a.png").values.flatten().tolist() == [-1, 1, 1, -1]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_the_exif_orientation_is_applied(tmp_path, suffix, orientation):
    upright = Image.fromarray(smooth())
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    upright.transpose(turn).save(tmp_path / f"a{suffix}", exif=exif, **options)
    levels = (read(tmp_path / f"a{suffix}").values.numpy() + 1) * 127.5
    assert levels.shape == (40, 56, 3)
    assert np.abs(levels - smooth()).mean() < (3 if suffix == ".jpg" else 1e-3)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_resizing_is_pillows_bilinear_filter_at_8_bits(tmp_path, mode):
    image = Image.fromarray(smooth()).convert(mode)
    image.save(tmp_path / "a.png")
    wanted = np.asarray(image.resize((16, 12), Image.Resampling.BILINEAR))
    values = read(tmp_path / "a.png", size=(16, 12)).values
    assert values.shape[:2] == (12, 16)
    np.testing.assert_allclose(values.squeeze(-1), wanted / 127.5 - 1, atol=1e-6)


def test_16_bit_gray_is_resized_without_losing_bits(tmp_path):
    ramp = np.arange(64, dtype=np.uint16)[None].repeat(8, axis=0) * 3 + 40_000
    Image.fromarray(ramp).save(tmp_path / "a.png")
    values = read(tmp_path / "a.png", size=(32, 8)).values[..., 0].double()
    levels = (values + 1) * 32767.5
    pairs = ramp.reshape(8, 32, 2).mean(-1)
    np.testing.assert_allclose(levels[:, 1:-1], pairs[:, 1:-1], atol=0.02)


def test_resizing_to_its_own_size_changes_nothing(tmp_path):
    Image.fromarray(pixels(6, 9, 3)).save(tmp_path / "a.png")
    same = read(tmp_path / "a.png", size=(9, 6))
    assert torch.equal(same.values, read(tmp_path / "a.png").values)


def test_values_are_clamped_and_rounded_to_the_nearest_level(tmp_path):
    half_up = (100.6 / 127.5) - 1
    half_down = (100.4 / 127.5) - 1
    write(signal_of([[[-7.0], [7.0], [half_up], [half_down]]]), tmp_path / "a.png")
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == [[0, 255, 101, 100]]


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_refused_where_the_format_has_none(tmp_path, suffix):
    with pytest.raises(SignalError, match=r"RGBA.*use \.png"):
        write(signal_of(torch.zeros(4, 4, 4)), tmp_path / f"a{suffix}")


def test_an_unknown_suffix_lists_the_valid_ones(tmp_path):
    with pytest.raises(SignalError, match=r"'\.gif'.*\.bmp.*\.jpg.*\.png.*\.tif.*\.webp"):
        write(signal_of(torch.zeros(4, 4, 3)), tmp_path / "a.gif")


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2), (4, 4, 4, 3)])
def test_what_is_not_an_image_is_not_written(tmp_path, shape):
    with pytest.raises(SignalError, match="not an image"):
        write(signal_of(torch.zeros(shape)), tmp_path / "a.png")


def test_nan_is_not_written(tmp_path):
    values = torch.zeros(4, 4, 1)
    values[1, 2] = torch.nan
    with pytest.raises(SignalError, match="1 NaN or infinite value among 16"):
        write(signal_of(values), tmp_path / "a.png")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(b"old")
    with pytest.raises(SignalError, match="WEBP has at most 16383 pixels along a side, not 20000"):
        write(signal_of(torch.zeros(1, 20_000, 3)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", [(60_000, 60_000), (13_000, 10_000), (100_000_001, 1)])
def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, size, recwarn):
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(*size))
    with pytest.raises(SignalError, match=f"{size[0]}x{size[1]} .*limit is 100 million"):
        read(path)
    assert not recwarn.list


def test_a_huge_target_size_is_refused(tmp_path):
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    with pytest.raises(SignalError, match="20000x20000"):
        read(tmp_path / "a.png", size=(20_000, 20_000))


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    whole, cut = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(pixels(40, 40, 3)).save(whole)
    content = whole.read_bytes()
    for share in (0.02, 0.5, 0.9):
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(SignalError, match=f"b{suffix}"):
            read(cut)


@pytest.mark.parametrize("content", [b"this is only text\n" * 20, b"\x89PNG\r\n\x1a\n", b"\0" * 99])
def test_what_is_not_an_image_is_refused(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(SignalError, match="not an image") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_an_empty_file_a_missing_one_and_a_directory_are_refused(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    for name, reason in {"empty": "0 bytes", "missing": "No such", "folder": "directory"}.items():
        with pytest.raises(SignalError, match=reason):
            read(tmp_path / f"{name}.png")


def test_a_forbidden_file_is_refused(tmp_path):
    path = Path(tmp_path, "a.png")
    Image.fromarray(smooth()).save(path)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        with pytest.raises(SignalError, match=r"Permission denied.*check the permissions"):
            read(path)
    else:
        pytest.skip("this user may read everything")
