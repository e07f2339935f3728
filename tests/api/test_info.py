import pytest

import enas_inr
from enas_inr.api.info import describe
from enas_inr.errors import ModelError, SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.pictures.image import ImageModality
from enas_inr.signals.signal import Signal

CATALOG = load_catalog(plugins=False)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("info") / "m.inr"
    enas_inr.fit(
        "sample:photo",
        size="12x10",
        architecture={"grid": 2, "depth": 1, "width": 8},
        training={"steps": 5},
        output=path,
    )
    return path


def test_it_counts_the_numbers_and_the_bytes(path):
    said = describe(path, None, CATALOG)
    assert (said["cells"], said["bytes"]) == (4, path.stat().st_size)
    assert said["bits_per_sample"] == 8 * said["bytes"] / 120
    layers = [(2 + 1) * 8, (8 + 1) * 8, (8 + 1) * 3]
    assert sum(layer["numbers"] for layer in said["layers"]) == sum(layers)
    assert said["parameters"] == 4 * sum(layers)
    assert said["flops"] == 120 * said["flops_per_sample"] == 2 * 120 * (2 * 8 + 8 * 8 + 8 * 3)


def test_with_the_original_it_measures_again_what_was_measured(path):
    stored = describe(path, None, CATALOG)
    again = describe(path, "sample:photo", CATALOG)
    assert stored["codecs"]["of"] == "rendering"
    assert again["codecs"]["of"] == "original"
    assert again["metrics"]["psnr_db"] == pytest.approx(stored["metrics"]["psnr_db"], abs=1e-3)


def test_another_signal_is_refused(path, tmp_path):
    gray = Signal(enas_inr.load(path).render().values[..., :1], "image", "gray", meta={"mode": "L"})
    ImageModality().write(gray, tmp_path / "gray.png")
    with pytest.raises(ModelError, match=r"has shape \(10, 12, 1\), the model \(10, 12, 3\)"):
        describe(path, str(tmp_path / "gray.png"), CATALOG)


def test_options_without_an_original_are_refused(path):
    with pytest.raises(SpecError, match=r"without an original; give --original, too"):
        describe(path, None, CATALOG, {"start": 1})
