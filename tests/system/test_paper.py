"""The paper's figures on its own signals, which we may not distribute: skipped without them.

Set ENAS_INR_PAPER_DATA to a folder with mountain_lake_128.png and gt_bach.wav.
"""

import os
from pathlib import Path

import pytest

import enas_inr

DATA = Path(os.environ.get("ENAS_INR_PAPER_DATA", Path(__file__).parents[3] / "shared" / "data"))
IMAGE, CLIP = DATA / "mountain_lake_128.png", DATA / "gt_bach.wav"


@pytest.mark.skipif(not IMAGE.exists(), reason="the paper's image is not here")
@pytest.mark.parametrize(
    ("name", "grid", "depth", "width", "psnr", "tolerance"),
    [("S1", 4, 2, 64, 36.5, 1.5), ("S2", 8, 1, 128, 67.5, 3.5)],
)
def test_the_psnr_of_table_1(tmp_path, name, grid, depth, width, psnr, tolerance):
    result = enas_inr.search(
        IMAGE,
        strategy="exhaustive",
        grid=grid,
        widths=[width],
        depths=[depth],
        repeats=1,
        profile="paper",
        storage=f"sqlite:///{tmp_path / 'study.db'}",
    )
    assert result.best.psnr_paper_db == pytest.approx(psnr, abs=tolerance), name


@pytest.mark.skipif(not CLIP.exists(), reason="the paper's clip is not here")
def test_the_papers_clip_is_searched(tmp_path):
    result = enas_inr.search(
        CLIP,
        grid=8,
        widths=[8, 16],
        depths=[1],
        repeats=1,
        training={"steps": 5},
        profile="paper",
        storage=f"sqlite:///{tmp_path / 'study.db'}",
    )
    assert result.spec.signal.samples == 308_207
    assert result.best.trial.ensemble.options["omega_first"] == 3000
