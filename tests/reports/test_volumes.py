"""Reports of signals of three and four axes: their middle slices stand for them."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from enas_inr.hookspecs import Modality as Description
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.reports.figures import draw_figures
from enas_inr.reports.figures.reconstructions import reconstructions_figure
from enas_inr.reports.gallery import pictured
from enas_inr.reports.page import render_page
from enas_inr.reports.settings import settings
from enas_inr.reports.text import as_markdown
from enas_inr.signals.codecs import codec_sizes
from enas_inr.signals.files import replace_bytes
from enas_inr.signals.side_by_side import write_comparison
from enas_inr.signals.signal import Modality, Signal
from enas_inr.spec import SignalInfo
from tests.present import present
from tests.reports.report_data import results, signal_of, study

VOLUME = SignalInfo(name="skull", modality="volume", shape=(7, 12, 16), channels=1, fingerprint="v")
CLIP = VOLUME.model_copy(update={"name": "walk", "channels": 3, "sample_rate": 25})
SERIES = VOLUME.model_copy(update={"name": "beat", "shape": (3, 7, 12, 16)})
PLACES = {VOLUME: "slice 4 of 7", CLIP: "frame 4 of 7", SERIES: "slice 2 of 3, slice 4 of 7"}


class Raw(Modality):
    """A stranger's modality, of any number of axes."""

    def read(self, path):
        raise NotImplementedError

    def write(self, signal, path):
        replace_bytes(path, signal.values.numpy().tobytes())


@pytest.fixture
def catalog():
    raw = Description(
        name="volume", summary="raw", target=f"{__name__}:Raw", suffixes=(".raw",), axes=(3, 4)
    )
    provider = Provider(raw, Origin("test", "1", "test"))
    return Catalog((*load_catalog(plugins=False).providers, provider))


@pytest.mark.parametrize(("info", "place"), PLACES.items(), ids=lambda v: getattr(v, "name", v))
def test_a_page_shows_the_middle_slices_and_says_so(info, place):
    made = results(study(info=info))
    (shown,) = pictured(made, 8)
    assert shown.place == place
    middle = signal_of(info).values[tuple(n // 2 for n in info.shape[:-2])]
    levels = (middle.numpy() + 1) * 127.5
    assert np.abs(shown.original[1] - levels).max() <= 0.5 + 1e-3
    page = render_page(made, draw_figures(made))
    assert f"16x12 pixels, {place}" in page
    assert page.count('class="picture"') == 2 + 1 + 6  # two of them in the lead


def test_the_sheet_of_reconstructions_says_that_it_shows_slices():
    from matplotlib.text import Text

    def words(info):
        figure = present(reconstructions_figure(results(study(info=info))))
        return " ".join(text.get_text() for text in figure.findobj(Text))

    assert "the middle slice" in words(VOLUME)
    assert "the middle slice" not in words(VOLUME.model_copy(update={"shape": (12, 16)}))


def test_settings_name_the_samples_of_a_volume_and_of_a_clip():
    assert settings(study(info=VOLUME))["shape"] == "16x12x7 voxels, 1 channel"
    assert settings(study(info=CLIP))["shape"] == "16x12x7 samples, 3 channels, 25 Hz"
    assert "skull, 7x12x16 samples of 1 channel" in as_markdown(results(study(info=VOLUME)))


def test_a_comparison_has_both_whole_signals_and_the_middle_slices_side_by_side(catalog, tmp_path):
    values = torch.linspace(-1, 1, 5 * 6 * 8).reshape(5, 6, 8, 1)
    original = Signal(values, "volume", "a")
    paths = write_comparison(catalog, original, replace(original, values=-values), tmp_path)
    assert [path.name for path in paths] == ["original.raw", "reconstruction.raw", "comparison.png"]
    assert np.frombuffer(paths[0].read_bytes(), np.float32).size == values.numel()
    pixels = np.asarray(Image.open(BytesIO(paths[2].read_bytes()))).astype(int)
    assert pixels.shape == (6, 8 + 4 + 8)
    assert np.abs(pixels[:, :8] + pixels[:, -8:] - 255).max() <= 1
    assert np.abs(pixels[:, :8] - (values[2, ..., 0].numpy() + 1) * 127.5).max() <= 0.5 + 1e-3


def test_slices_that_no_picture_holds_are_not_compared(catalog, tmp_path):
    original = Signal(torch.zeros(2, 3, 4, 5), "volume", "a")
    paths = write_comparison(catalog, original, original, tmp_path)
    assert [path.name for path in paths] == ["original.raw", "reconstruction.raw"]


def test_no_codec_is_named_for_more_than_two_axes():
    assert codec_sizes(signal_of(VOLUME), 1000) == {}
    assert codec_sizes(signal_of(CLIP), 1000) == {}
