"""Pictures to fit."""

import numpy as np
import pytest
from PIL import Image

from enas_inr.api import fit_plan


@pytest.fixture
def photos(tmp_path):
    """Six pictures of two sizes, one of them in a folder below."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, (rows, columns) in enumerate([(24, 20), (16, 16)] * 3):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        name = f"more/{number}.png" if number == 5 else f"{number}.png"
        Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC).save(
            folder / name
        )
    return folder


@pytest.fixture
def small_groups(monkeypatch):
    """At most two signals of the set are trained together."""
    within = fit_plan._within_memory
    monkeypatch.setattr(fit_plan, "_within_memory", lambda members, most: within(members, 2))
