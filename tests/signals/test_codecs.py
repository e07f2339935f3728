import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from enas_inr.errors import SignalError
from enas_inr.signals.codecs import (
    codec_sizes,
    flac_bytes,
    jpeg_at,
    jpeg_reaching,
    jpeg_sizes,
    png_bytes,
    raw_bytes,
)
from enas_inr.signals.pictures.image import ImageModality
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal
from enas_inr.signals.sounds.audio import AudioModality
from tests.present import present


def picture(rows=40, columns=56, channels=3, kind="smooth", **meta):
    generator = np.random.default_rng(0)
    y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
    levels = np.stack([200 * x, 200 * y, 100 * (x + y), 255 * (x > 0.2)][:channels], axis=-1)
    if kind == "noise":
        levels = generator.uniform(0, 255, (rows, columns, channels))
    if kind == "flat":
        levels = np.full((rows, columns, channels), 77.0)
    values = torch.from_numpy(levels.round().astype(np.float32)).div_(127.5).sub_(1)
    return Signal(values, "image", "test", meta=meta)


def sound(frames=2000, channels=1, rate=8000, **meta):
    time = torch.arange(frames)[:, None] / 8000
    values = 0.5 * torch.sin(6.28 * 440 * time * torch.arange(1, channels + 1))
    return Signal(values, "audio", "test", sample_rate=rate, meta=meta)


def jpeg(signal, quality):
    """Return the size and the decoded levels, computed with Pillow only."""
    buffer = BytesIO()
    Image.fromarray(levels(signal)).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.tell(), np.asarray(Image.open(buffer))


def levels(signal):
    return ((signal.values + 1) * 127.5).round().numpy().astype(np.uint8).squeeze()


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_sizes_are_those_of_pillow_with_the_usual_psnr(channels):
    signal = picture(channels=channels)
    files = jpeg_sizes(signal)
    assert [file.quality for file in files] == [75, 95]
    for file in files:
        size, decoded = jpeg(signal, file.quality)
        mse = np.mean((decoded.astype(float) - levels(signal)) ** 2)
        assert file.bytes == size
        assert file.psnr_db == pytest.approx(10 * np.log10(255**2 / mse), abs=1e-3)


def test_jpeg_leaves_the_transparency_away():
    with_alpha = picture(channels=4)
    assert jpeg_sizes(with_alpha) == jpeg_sizes(picture(channels=3))
    assert jpeg_at(with_alpha, 2000) == jpeg_at(picture(channels=3), 2000)


@pytest.mark.parametrize("kind", ["smooth", "noise", "flat"])
@pytest.mark.parametrize("rows", [8, 40])
def test_jpeg_at_finds_the_highest_quality_within_the_bytes(kind, rows):
    signal = picture(rows, kind=kind)
    sizes = {quality: jpeg(signal, quality)[0] for quality in range(1, 96)}
    for budget in {0, *sizes.values(), sizes[1] - 1, sizes[50] + 1, 10**6}:
        fitting = [quality for quality, size in sizes.items() if size <= budget]
        found = jpeg_at(signal, budget)
        if not fitting:
            assert found is None
        else:
            assert (present(found).quality, present(found).bytes) == (
                fitting[-1],
                sizes[fitting[-1]],
            )


def test_png_is_the_size_of_a_file_that_holds_every_level(tmp_path):
    deep = torch.arange(0, 2**16, 37, dtype=torch.float32)[: 40 * 44].reshape(40, 44, 1)
    signal = Signal(deep / 32767.5 - 1, "image", "deep", meta={"mode": "I;16"})
    path = tmp_path / "deep.png"
    ImageModality().write(signal, path)
    assert 0 < png_bytes(signal) <= path.stat().st_size
    assert png_bytes(signal) > png_bytes(Signal(signal.values, "image", "shallow"))


def test_jpeg_holds_no_16_bits():
    deep = picture(channels=1, mode="I;16")
    assert jpeg_sizes(deep) == ()
    assert jpeg_at(deep, 10**6) is None
    assert codec_sizes(deep, 10**6)["jpeg_at_model_bytes"] is None


def test_jpeg_holds_no_endless_pictures():
    assert jpeg_sizes(picture(1, 65_501, 1)) == ()
    assert len(jpeg_sizes(picture(1, 65_500, 1))) == 2


@pytest.mark.parametrize(
    ("subtype", "written"),
    [("PCM_16", "PCM_16"), ("PCM_U8", "PCM_S8"), ("PCM_24", "PCM_24"), ("FLOAT", "PCM_24")],
)
def test_flac_has_the_depth_of_the_source(tmp_path, subtype, written):
    signal = sound(channels=2, subtype=subtype)
    path = tmp_path / "a.flac"
    AudioModality().write(Signal(**vars(signal) | {"meta": {"subtype": written}}), path)
    assert soundfile.info(str(path)).subtype == written
    assert flac_bytes(signal) == path.stat().st_size


def test_flac_of_a_16_bit_sound_is_smaller_than_of_floats():
    assert present(flac_bytes(sound(subtype="PCM_16"))) < present(flac_bytes(sound()))


def test_flac_cannot_hold_nine_channels_or_sound_without_a_rate():
    assert flac_bytes(sound(channels=8)) is not None
    assert flac_bytes(sound(channels=9)) is None
    assert flac_bytes(sound(rate=None)) is None


@pytest.mark.parametrize("signal", [picture(), picture(channels=4), sound(), sound(channels=9)])
def test_all_sizes_are_json(signal):
    sizes = codec_sizes(signal, 1500)
    assert json.loads(json.dumps(sizes)) == sizes


def test_sizes_by_the_kind_of_signal():
    signal = picture()
    sizes: dict[str, Any] = codec_sizes(signal, 1500)
    assert sizes["png_bytes"] == png_bytes(signal)
    assert [file["quality"] for file in sizes["jpeg"]] == [75, 95]
    assert sizes["jpeg_at_model_bytes"]["bytes"] <= 1500
    assert codec_sizes(sound(), 1500) == {"flac_bytes": flac_bytes(sound())}


@pytest.mark.parametrize("shape", [(4, 4, 4, 1), (6, 6, 2)])
def test_no_sizes_where_no_codec_is_known(shape):
    assert codec_sizes(Signal(torch.zeros(shape), "other", "test"), 100) == {}


@pytest.mark.parametrize("shape", [(6, 6, 3), (60, 1)])
def test_nan_is_refused(shape):
    signal = Signal(torch.full(shape, torch.nan), "other", "test", sample_rate=100)
    with pytest.raises(SignalError, match="NaN"):
        codec_sizes(signal, 100)


@pytest.mark.parametrize(
    ("meta", "size"),
    [
        ({"mode": "RGB"}, 1),
        ({"mode": "I;16"}, 2),
        ({"subtype": "PCM_16"}, 2),
        ({"subtype": "PCM_24"}, 3),
        ({"subtype": "FLOAT"}, 4),
        ({"subtype": "VORBIS"}, 4),
        ({"dtype": "int16"}, 2),
        ({}, 4),
    ],
)
def test_a_raw_value_has_as_many_bytes_as_in_the_file(meta, size):
    values = torch.rand(6, 5, 1, generator=torch.Generator().manual_seed(0))
    assert raw_bytes(Signal(values, "m", "s", meta=meta)) == 30 * size


def test_values_of_8_bits_have_one_byte_each():
    levels = torch.arange(256).reshape(16, 16, 1) / 127.5 - 1
    assert raw_bytes(Signal(levels, "video", "s")) == 256


def test_the_jpeg_that_reaches_a_psnr_has_the_lowest_quality():
    signal = picture()

    def psnr(quality):
        _, decoded = jpeg(signal, quality)
        values = torch.from_numpy(decoded.astype(np.float32)).div_(127.5).sub_(1)
        return psnr_db(signal.values, values)

    found = present(jpeg_reaching(signal, 35.0))
    assert found.psnr_db == pytest.approx(psnr(found.quality))
    assert psnr(found.quality) >= 35.0 > psnr(found.quality - 1)
    assert jpeg_reaching(signal, 100.0) is None
    assert jpeg_reaching(picture(channels=4), 10.0) is None
