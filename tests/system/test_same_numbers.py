"""The same seed gives the same numbers on any number of threads."""

from typing import Any

import pytest
import torch

import enas_inr

SIZES: dict[str, Any] = {"grid": 2, "width": 8, "depth": 1, "steps": 30, "device": "cpu"}


@pytest.mark.parametrize("backbone", ["siren", "fourier"])
def test_a_fit_on_one_thread_and_on_two(threads, tmp_path, backbone):
    made = []
    for count in (1, 2):
        threads(count)
        path = tmp_path / f"{count}.inr"
        fitted = enas_inr.fit("sample:photo", size="16", backbone=backbone, output=path, **SIZES)
        made.append(fitted)
    assert torch.equal(made[0].model.vector(), made[1].model.vector())
    assert made[0].metrics["psnr_db"] == pytest.approx(made[1].metrics["psnr_db"], abs=1e-5)


def test_a_search_on_one_thread_and_on_two(threads, tmp_path):
    found = []
    for count in (1, 2):
        threads(count)
        result = enas_inr.search(
            "sample:photo",
            size="12",
            grid=2,
            widths=(4, 8),
            depths=(1,),
            steps=10,
            repeats=2,
            device="cpu",
            storage=f"sqlite:///{tmp_path}/{count}.db",
        )
        found.append([(one.key, one.score, one.psnr_db_repeats) for one in result.trials])
    assert found[0] == found[1]
