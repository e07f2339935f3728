import sys
from pathlib import Path
from typing import Any

import pytest

import enas_inr
from tests.scripts import BENCHMARKS, script


def test_patches_do_not_overlap_and_both_ways_are_measured():
    pytest.importorskip("skimage")
    with script(BENCHMARKS / "fit_many.py") as benchmark:
        signals = benchmark.patches(64, 70)  # of two photographs
        assert len({signal.info().fingerprint for signal in signals}) == 70
        assert {signal.values.shape for signal in signals} == {(64, 64, 3)}
        settings = {"profile": "tuned", "grid": 2, "width": 4, "steps": 2}
        measured = benchmark.measure("tiny", signals[:2], settings, None)
    assert (measured.signals, measured.difference_db) == (2, 0.0)
    assert measured.ratio == measured.one_by_one / measured.together
    assert measured.before is None


def test_another_interpreter_fits_the_same_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the models are written
    pytest.importorskip("skimage")
    settings: dict[str, Any] = {"grid": 2, "depth": 1, "width": 4, "steps": 2}
    with script(BENCHMARKS / "fit_many.py") as benchmark:
        signals = benchmark.patches(64, 2)
        seconds, psnr = benchmark.earlier(
            Path(sys.executable), signals, settings | {"device": "cpu"}
        )
    assert seconds > 0
    ours = [enas_inr.fit(signal, profile="smooth", **settings) for signal in signals]
    assert psnr == pytest.approx([one.metrics["psnr_db"] for one in ours])
