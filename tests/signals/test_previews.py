from io import BytesIO

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from enas_inr.signals.pictures.image import ImageModality
from enas_inr.signals.previews import picture_of
from enas_inr.signals.signal import Signal
from tests.present import present


def signal(*shape, modality="image", **details):
    generator = torch.Generator().manual_seed(0)
    return Signal(torch.rand(shape, generator=generator) * 2 - 1, modality, "noise", **details)


def opened(picture):
    return Image.open(BytesIO(picture.content))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_small_image_is_the_png_that_its_modality_writes(tmp_path, channels):
    noise = signal(7, 9, channels)
    picture = present(picture_of(noise))
    assert (picture.suffix, picture.mimetype) == (".png", "image/png")
    ImageModality().write(noise, tmp_path / "noise.png")
    with Image.open(tmp_path / "noise.png") as written:
        assert (np.asarray(written) == np.asarray(opened(picture))).all()


@pytest.mark.parametrize(
    ("rows", "columns", "size"), [(600, 1200, (512, 256)), (1500, 3, (1, 512))]
)
def test_a_large_image_is_made_smaller_and_keeps_its_shape(rows, columns, size):
    image = opened(picture_of(signal(rows, columns, 3)))
    assert (image.format, image.size) == ("PNG", size)


def test_a_deep_image_becomes_8_bits():
    assert opened(picture_of(signal(4, 4, 1, meta={"mode": "I;16"}))).mode == "L"


def test_a_sound_is_a_wav_of_16_bits():
    noise = signal(50, 2, modality="audio", sample_rate=8000)
    picture = present(picture_of(noise))
    assert (picture.suffix, picture.mimetype) == (".wav", "audio/wav")
    assert soundfile.info(BytesIO(picture.content)).subtype == "PCM_16"
    levels, rate = soundfile.read(BytesIO(picture.content), dtype="int16")
    assert rate == 8000
    expected = (noise.values * 2**15).round().clamp(-(2**15), 2**15 - 1)
    assert (levels == expected.numpy()).all()


def test_of_a_long_sound_the_first_30_seconds_are_kept():
    picture = present(picture_of(signal(41 * 100, 1, modality="audio", sample_rate=100)))
    assert soundfile.info(BytesIO(picture.content)).duration == 30


@pytest.mark.parametrize(
    ("shape", "middle"), [((5, 7, 9, 1), (2,)), ((2, 7, 9, 3), (1,)), ((3, 4, 7, 9, 1), (1, 2))]
)
def test_of_more_than_two_axes_the_middle_slice_is_shown(shape, middle):
    noise = signal(*shape, modality="any", sample_rate=25, meta={"mode": "I;16"})
    expected = picture_of(Signal(noise.values[middle], "image", "noise"))
    assert picture_of(noise) == expected


@pytest.mark.parametrize(
    "other",
    [
        signal(4, 4, 4, 2, modality="volume"),
        signal(4, 4, 2),
        signal(4, 1, modality="audio"),
        signal(4, 2000, modality="audio", sample_rate=8000),
        Signal(torch.full((4, 4, 1), torch.nan), "image", "broken"),
    ],
    ids=["a volume of two colors", "two colors", "no sample rate", "too many channels", "NaN"],
)
def test_what_these_files_cannot_hold_has_no_picture(other):
    assert picture_of(other) is None
