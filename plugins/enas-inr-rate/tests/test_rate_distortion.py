"""Tests of `rate_distortion`: the conformance suite, its mathematics, and a real search."""

import json
import math

import pytest
from enas_inr_rate.rate_distortion import RateDistortion, RateDistortionOptions

from enas_inr.cli.main import run
from enas_inr.errors import SpecError
from enas_inr.spec import PSNR_OFFSET_DB, Cost, SignalInfo
from enas_inr.testing import ObjectiveSuite, installed, toy_result

PHOTO = SignalInfo(name="photo", modality="image", shape=(112, 96), channels=3)


class TestRateDistortion(ObjectiveSuite):
    @pytest.fixture(
        params=[{}, {"slope": 0.0}, {"slope": 50.0, "bits_per_number": 8}, {"samples": 1000}],
        ids=["default", "quality-alone", "thrifty", "samples-given"],
    )
    def plugin(self, request):
        return installed("objective", "rate_distortion", **request.param)


def made(signal=PHOTO, **options):
    return RateDistortion(RateDistortionOptions(**options).resolve(signal, 8))


def stored(numbers, psnr_db):
    """Return a result with the given number of stored numbers and PSNR."""
    cost = Cost(flops=1, parameters=numbers, bytes=4 * numbers)
    return toy_result(cost, (psnr_db - PSNR_OFFSET_DB,))


def test_the_rate_by_hand():
    # COIN's bits per pixel: parameters x bits / pixels.
    result = stored(14_000, 30.0)
    assert made(bits_per_number=16).rate(result) == pytest.approx(14_000 * 16 / (112 * 96))
    assert made(bits_per_number=32).rate(result) == 2 * made(bits_per_number=16).rate(result)
    assert made(bits_per_number=8).rate(result) == made(bits_per_number=16).rate(result) / 2


def test_the_score_by_hand():
    result = stored(2 * 112 * 96 // 16, 30.0)  # two bits for each sample
    assert made(slope=5.0).score(result) == pytest.approx(30.0 - 5.0 * 2)
    assert made(slope=0.0).score(result) == pytest.approx(30.0)


def test_the_same_network_on_four_times_as_many_samples_has_a_quarter_of_the_rate():
    large = PHOTO.model_copy(update={"shape": (224, 192)})
    result = stored(5000, 30.0)
    assert made(large).rate(result) == pytest.approx(made().rate(result) / 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_default_slope_is_half_that_of_an_ideal_code_of_a_gaussian_source(channels):
    # D(R) = sigma^2 2^(-2R) in each channel: on this curve twice the slope finds no rate better.
    signal = PHOTO.model_copy(update={"channels": channels})
    slope = RateDistortionOptions().resolve(signal, 8).slope
    assert slope is not None
    ideal = made(signal, slope=2 * slope)
    scores = [
        ideal.score(stored(bits * channels * 112 * 96 // 16, 10 * math.log10(4 * 4**bits)))
        for bits in (1, 2, 3, 4)
    ]
    assert scores == pytest.approx([scores[0]] * 4, abs=0.01)


CURVE = [(1000, 20.0), (2000, 25.0), (4000, 29.0), (5000, 29.2), (8000, 33.5), (16000, 34.0)]
"""Stored numbers and PSNR; (5000, 29.2) is below the line from its left to its right neighbour."""


def best(slope):
    return max(CURVE, key=lambda point: made(slope=slope).score(stored(*point)))


def test_a_steeper_slope_never_chooses_a_higher_rate():
    chosen = [best(slope)[0] for slope in (0, 0.3, 0.6, 1, 3, 6, 9)]
    assert chosen == sorted(chosen, reverse=True)
    assert (chosen[0], chosen[-1]) == (16000, 1000)


def test_the_choice_lies_on_the_convex_hull_of_the_curve():
    assert (5000, 29.2) not in {best(slope / 100) for slope in range(1000)}


def test_given_options_are_kept():
    given = RateDistortionOptions(samples=7, slope=0)
    assert given.resolve(PHOTO, 8) == given
    resolved = RateDistortionOptions().resolve(PHOTO, 8)
    assert resolved.samples == 112 * 96
    assert resolved.slope == pytest.approx(3.01 / 3)


def test_unresolved_options_are_refused_with_what_to_do():
    with pytest.raises(SpecError, match=r"needs samples and slope, not None, None; fill them in"):
        RateDistortion(RateDistortionOptions())


def test_unsupported_bits_are_refused():
    with pytest.raises(SpecError, match=r"bits_per_number: .*32, 16 or 8 \(received 12\)"):
        installed("objective", "rate_distortion", bits_per_number=12).create()


SEARCH = (
    "search sample:photo --size 16 --grid 2 --widths 4,16 --depths 1 --repeats 1 --steps 60 "
    "--lr 1e-3 --objective rate_distortion --floor -99 --json --quiet"
)


def search(capsys, slope):
    assert run(f"{SEARCH} --objective-option slope={slope}".split()) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_on_the_command_line_scores_by_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lavish, thrifty = search(capsys, 0), search(capsys, 100)
    assert (lavish["best"]["width"], thrifty["best"]["width"]) == (16, 4)
    for trial in thrifty["trials"]:
        rate = trial["parameters"] * 16 / (16 * 16)
        assert trial["score"] == pytest.approx(trial["psnr_db"] - 100 * rate)
