import pytest

from tests.scripts import BENCHMARKS, script


def test_patches_do_not_overlap_and_both_ways_are_measured():
    pytest.importorskip("skimage")
    with script(BENCHMARKS / "fit_many.py") as benchmark:
        signals = benchmark.patches(64, 70)  # of two photographs
        assert len({signal.info().fingerprint for signal in signals}) == 70
        assert {signal.values.shape for signal in signals} == {(64, 64, 3)}
        settings = {"grid": 2, "width": 4, "steps": 2}
        measured = benchmark.measure("tiny", signals[:2], settings)
    assert (measured.signals, measured.difference_db) == (2, 0.0)
    assert measured.ratio == measured.one_by_one / measured.together
