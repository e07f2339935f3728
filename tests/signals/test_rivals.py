"""A signal in ordinary codecs at the quality of a model."""

import pytest
import soundfile
import torch

from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.codecs import flac_bytes, jpeg_reaching, png_bytes
from enas_inr.signals.loading import load_signal
from enas_inr.signals.rivals import rivals
from enas_inr.signals.signal import Signal

CATALOG = load_catalog(plugins=False)


def test_a_picture_has_png_and_the_smallest_files_that_suffice():
    photo = load_signal(CATALOG, "sample:photo", {"size": [64, 64]})
    found = {rival.codec: rival for rival in rivals(photo, 30.0)}
    assert found["PNG"].bytes == png_bytes(photo)
    assert found["PNG"].psnr_db is None
    lossy = [rival for rival in found.values() if rival.psnr_db is not None]
    assert len(lossy) >= 2
    assert all((rival.psnr_db or 0) >= 30.0 for rival in lossy)
    jpeg = jpeg_reaching(photo, 30.0)
    assert jpeg is not None
    assert found["JPEG"].psnr_db == pytest.approx(jpeg.psnr_db)


def test_a_codec_that_does_not_reach_the_psnr_is_left_out():
    photo = load_signal(CATALOG, "sample:photo", {"size": [32, 32]})
    assert [rival.codec for rival in rivals(photo, 100.0)] == ["PNG"]


@pytest.mark.skipif(
    "OPUS" not in soundfile.available_subtypes("OGG"), reason="libsndfile without Opus"
)
def test_a_sound_has_flac_and_opus():
    time = torch.arange(16_000) / 8000
    values = (0.5 * torch.sin(2 * torch.pi * 440 * time))[:, None]
    tone = Signal(values, "audio", "tone", sample_rate=8000)
    found = {rival.codec: rival for rival in rivals(tone, 15.0)}
    assert found["FLAC"].bytes == flac_bytes(tone)
    assert (found["Opus"].psnr_db or 0) >= 15.0
    assert found["Opus"].bytes < found["FLAC"].bytes


def test_other_signals_have_no_rivals():
    assert list(rivals(Signal(torch.zeros(4, 4, 4, 1), "volume", "v"), 30.0)) == []


@pytest.mark.parametrize(("columns", "beyond"), [(20_000, {"WebP"}), (70_000, {"WebP", "JPEG"})])
def test_a_codec_that_cannot_hold_such_long_sides_is_left_out(columns, beyond):
    panorama = Signal(torch.zeros(1, columns, 3), "image", "panorama", meta={"mode": "RGB"})
    found = {rival.codec for rival in rivals(panorama, 20.0)}
    assert "PNG" in found
    assert not found & beyond
    assert ("JPEG" in found) == ("JPEG" not in beyond)
