"""What a found model is worth, and what is said about it."""

from dataclasses import replace

import pytest
import torch

import enas_inr
from enas_inr.api.worth import Encoded, Worth, spent_of, warnings, worth_of
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialStatus
from enas_inr.signals.codecs import flac_bytes, jpeg_sizes, png_bytes
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB

WORTH = Worth(200, 100, 40.0, 12.0, None)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A tiny search, whose result can be changed."""
    return enas_inr.search(
        picture(), grid=2, widths=[4], depths=[1], repeats=1, steps=2, pictures=False,
        storage=str(tmp_path_factory.mktemp("worth") / "s.db"),
    )  # fmt: skip


def picture():
    rows = torch.linspace(-1, 1, 16)
    levels = ((rows[:, None, None] + rows[None, :, None]).expand(16, 16, 3) * 60).round()
    return Signal(levels / 127.5 - 0.5 / 127.5, "image", "ramp")


def with_psnr(result, psnr_db):
    (repeat,) = result.best.repeats
    paper = psnr_db - PSNR_OFFSET_DB
    repeat = repeat.model_copy(update={"psnr_paper_db": paper})
    return replace(result, best=result.best.model_copy(update={"repeats": (repeat,)}))


def test_a_picture_is_compared_with_jpeg_of_its_quality_or_else_with_png(found):
    signal = picture()
    worth = worth_of(with_psnr(found, 20.0), signal)
    assert worth.raw_bytes == 16 * 16 * 3
    assert worth.model_bytes == found.best.trial.cost.bytes
    assert worth.codec is not None
    assert worth.codec.name.startswith("JPEG of quality ")
    assert worth.codec.psnr_db is not None
    assert worth.codec.psnr_db >= 20.0
    assert worth.codec.bytes <= jpeg_sizes(signal)[-1].bytes
    better = worth_of(with_psnr(found, 90.0), signal)
    assert better.codec == Encoded("PNG", png_bytes(signal))


def test_a_sound_is_compared_with_flac_and_silence(found):
    wave = 0.5 * torch.sin(torch.arange(4000) / 5).unsqueeze(1)
    signal = Signal(wave, "audio", "s", sample_rate=8000, meta={"subtype": "PCM_16"})
    worth = worth_of(found, signal)
    assert worth.codec == Encoded("FLAC", flac_bytes(signal) or 0)
    assert worth.raw_bytes == 2 * 4000
    assert worth.constant_psnr_db == pytest.approx(15.05, abs=0.01)  # 10 log10(4 / 0.125)


def test_a_large_picture_or_another_signal_has_no_codec(found, monkeypatch):
    monkeypatch.setattr("enas_inr.api.worth.MOST_PIXELS", 100)
    assert worth_of(found, picture()).codec is None
    assert worth_of(found, Signal(torch.zeros(4, 4, 4, 1), "volume", "v")).codec is None


@pytest.mark.parametrize(
    ("psnr", "constant", "silent"),
    [(23.1, 22.9, True), (22.0, 22.9, True), (24.0, 22.9, False), (120.0, 380.0, False)],
)
def test_a_model_near_a_constant_is_silent_unless_the_signal_is_constant(psnr, constant, silent):
    assert replace(WORTH, psnr_db=psnr, constant_psnr_db=constant).silent is silent


def test_the_line_says_how_large_the_model_is():
    jpeg = Encoded("JPEG of quality 75", 40, 41.5)
    assert WORTH.text() == "200B as float32 are 2.0 times the raw samples (100B)"
    assert replace(WORTH, model_bytes=50, codec=jpeg).text() == (
        "50B as float32 are 50% of the raw samples (100B); JPEG of quality 75 has 40B at 41.50 dB"
    )
    assert replace(WORTH, codec=Encoded("PNG", 70)).text().endswith("; PNG has 70B without loss")


def test_a_good_result_has_no_warnings(found):
    assert list(warnings(found, replace(WORTH, model_bytes=90), "suggest it")) == []


def test_what_is_wrong_is_said_with_advice(found):
    worth = replace(WORTH, psnr_db=12.5)
    diverged = found.best.model_copy(update={"status": TrialStatus.DIVERGED, "learning_rate": 0.01})
    result = replace(found, trials=(diverged, found.best))
    silent, trials, larger = warnings(result, worth, "suggest it")
    assert silent.startswith("the model is near a constant: PSNR 12.50 dB, a constant has 12.00; ")
    assert "raise omega_first or the grid" in silent
    assert "`suggest it`" in silent
    assert trials.startswith("1 of 2 trials diverged; give a learning rate below 0.01")
    assert larger.startswith("the model is larger than the raw samples: 200B for 100B; ")


def test_what_was_trained_is_a_share_of_all_in_full(tmp_path):
    found = enas_inr.search(
        "sample:photo",
        size="24",
        grid=4,
        widths=[4, 8],
        depths=[1],
        steps=5,
        repeats=2,
        strategy="exhaustive",
        racing=False,
        floor_db=-99,
        storage=f"sqlite:///{tmp_path / 's.db'}",
    )
    spent = spent_of(found, load_catalog())
    steps = 3 * 5 * 2
    assert spent.full_flops == sum(steps * trial.trial.cost.flops for trial in found.trials)
    assert (spent.flops, spent.configurations) == (spent.full_flops, 2)
    assert "100.0% of the" in spent.text()
    half = replace(found, trials=found.trials[:1])
    share = found.trials[0].trial.cost.flops * steps / spent.full_flops
    assert f"{share:.1%}" in spent_of(half, load_catalog()).text()
