import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from enas_inr.errors import SignalError
from enas_inr.reports.figures.picture_figure import picture_figure
from enas_inr.reports.figures.sounds import sound_figure
from enas_inr.reports.preview import write_preview
from enas_inr.signals.partition import cut
from enas_inr.signals.quality import border_psnr_db, psnr_db, ssim
from enas_inr.signals.signal import Signal
from tests.present import present


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def pair(*shape, rate=None, error=0.1):
    """A signal and its reconstruction, with an error of the same size everywhere."""
    values = noise(*shape) * 0.8
    signs = noise(*shape, seed=1).sign()
    original = Signal(values, "any", "a $ and \\frac", sample_rate=rate)
    return original, replace(original, values=values + error * signs)


def preview(path, *shape, grid, rate=None, error=0.1):
    original, made = pair(*shape, rate=rate, error=error)
    write_preview(original, made, cut(original.values, grid), path)
    return path


def words(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def captions(figure):
    return [text for axes in figure.axes for text in axes.texts]


PICTURES = [
    ((16, 16, 3), (4, 4)),
    ((1, 1, 1), (1, 1)),
    ((30, 20, 4), (30, 20)),
    ((9, 90, 3), (1, 10)),
    ((90, 9, 1), (10, 1)),
    ((12, 10, 2), (3, 2)),
    ((5, 12, 10, 1), (2, 3, 2)),
    ((3, 2, 9, 8, 3), (1, 2, 3, 4)),
]
SOUNDS = [((1, 1), (1,)), ((50, 2), (5,)), ((9000, 1), (100,)), ((5000, 3), (5000,))]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("shape", "grid"), [*PICTURES, *SOUNDS])
@pytest.mark.parametrize("error", [0.1, 0.0])
def test_a_preview_of_any_size(tmp_path, shape, grid, error):
    path = preview(tmp_path / "a.png", *shape, grid=grid, error=error, rate=8000)
    with Image.open(path) as image:
        image.load()
        assert min(image.size) > 300
    assert [child.name for child in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(("shape", "grid"), [PICTURES[0], SOUNDS[1]])
@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_suffix_decides_the_format(tmp_path, shape, grid, name, start):
    assert preview(tmp_path / name, *shape, grid=grid).read_bytes().startswith(start)


def test_a_picture_is_enlarged_evenly_and_shown_as_it_is():
    original, made = pair(20, 30, 3)
    partition = cut(original.values, (2, 3))
    figure = picture_figure(original, made, partition)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())
    window = figure.axes[0].get_window_extent()
    scale = window.width / 30
    assert scale == pytest.approx(round(scale))
    for row, column in [(0, 0), (19, 29), (7, 11)]:
        x = int(window.x0 + (column + 0.5) * scale)
        y = int(len(drawn) - window.y1 + (row + 0.5) * scale)
        expected = (original.values[row, column] + 1) * 127.5
        assert np.abs(drawn[y, x, :3] - expected.numpy()).max() <= 1


def test_a_picture_says_how_good_it_is():
    original, made = pair(20, 30, 3)
    partition = cut(original.values, (2, 3))
    text = "\n".join(words(picture_figure(original, made, partition)))
    beside = border_psnr_db(partition, original.values, made.values)
    for part in (
        "30x20 RGB",
        f"PSNR {psnr_db(original.values, made.values):.2f} dB",
        f"SSIM {ssim(original.values, made.values):.4f}",
        "3x2 cells",
        f"beside borders {beside.border_db:.2f} dB, inside {beside.interior_db:.2f} dB",
        "mean 12.75, largest 12.8 of 255 levels",
        "levels of 255",
    ):
        assert part in text


def test_the_error_is_drawn_in_8_bit_levels_and_outliers_do_not_darken_it():
    original, made = pair(40, 40, 1)
    made.values[0, 0] = original.values[0, 0] + 1
    image = picture_figure(original, made, cut(original.values, (2, 2))).axes[3].images[0]
    levels = (made.values - original.values).abs()[..., 0] * 127.5
    assert np.allclose(present(image.get_array()), levels, atol=1e-4)
    assert image.get_clim() == pytest.approx((0, 12.75), abs=1e-3)


@pytest.mark.parametrize(("shape", "grid"), [*PICTURES, *SOUNDS])
def test_captions_lie_in_the_figure_and_apart(shape, grid):
    original, made = pair(*shape, rate=8000)
    draw = sound_figure if len(shape) == 2 else picture_figure
    figure = draw(original, made, cut(original.values, grid))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in captions(figure) if text.get_text()]
    boxes += [axes.get_window_extent() for axes in figure.axes]
    for index, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_a_sound_says_how_good_it_is():
    original, made = pair(4000, 2, rate=8000)
    text = "\n".join(words(sound_figure(original, made, cut(original.values, (8,)))))
    for part in (
        "0.5 s at 8000 Hz, 4000 samples, mean of 2 channels",
        "PSNR 26.02 dB",
        "8 cells; beside borders 26.02 dB, inside 26.02 dB",
        "time (ms)",
        "frequency (kHz)",
    ):
        assert part in text


def test_a_tiny_difference_has_numbers_that_fit():
    original, made = pair(4000, 1, rate=8000, error=1.3e-5)
    figure = sound_figure(original, made, cut(original.values, (8,)))
    figure.canvas.draw()
    axis = figure.axes[2].yaxis
    assert axis.get_offset_text().get_text() == ""
    assert all(label.get_window_extent().x0 > 0 for label in axis.get_ticklabels())


def test_a_signal_of_one_axis_without_a_rate_is_drawn_by_its_samples():
    original, made = pair(300, 1)
    text = words(sound_figure(original, made, cut(original.values, (3,))))
    assert {"sample", "cycles per sample"} <= set(text)


def test_the_spectrogram_shows_a_tone_where_it_is():
    wave = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)[:, None]
    tone = Signal(wave, "audio", "tone", sample_rate=8000)
    for axes in sound_figure(tone, tone, cut(wave, (4,))).axes[3:5]:
        image = axes.images[0]
        power = np.asarray(image.get_array())
        _, _, bottom, top = image.get_extent()
        row = power.mean(axis=1).argmax()
        assert bottom + (row + 0.5) * (top - bottom) / len(power) == pytest.approx(1.0, abs=0.01)


def test_long_waves_keep_their_extremes():
    values = torch.zeros(20_000, 1)
    values[12_345], values[12_346] = 0.9, -0.8
    click = Signal(values, "audio", "click", sample_rate=8000)
    [drawn] = [
        child
        for child in sound_figure(click, click, cut(values, (1,))).axes[0].collections
        if child.get_paths()
    ]
    heights = np.asarray(drawn.get_paths()[0].vertices)[:, 1]
    assert (heights.max(), heights.min()) == pytest.approx((0.9, -0.8))


def test_what_is_not_finite_is_drawn_all_the_same(tmp_path):
    original, made = pair(16, 16, 3)
    made.values[3, 3] = torch.nan
    write_preview(original, made, cut(original.values, (2, 2)), tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpg"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(SignalError, match=r"use one of: \.pdf, \.png, \.svg"):
        preview(tmp_path / name, 8, 8, 1, grid=(2, 2))


def test_of_three_axes_the_middle_slice_is_drawn_with_its_cells_and_numbers():
    original, made = pair(7, 20, 30, 1)
    made.values[3] += 0.2  # the middle slice is worse than the whole
    figure = picture_figure(original, made, cut(original.values, (2, 4, 5)))
    text = "\n".join(words(figure))
    middle = psnr_db(original.values[3], made.values[3])
    whole = psnr_db(original.values, made.values)
    for part in (
        "Original, slice 4 of 7",
        "30x20 gray",
        f"PSNR {middle:.2f} dB (of all {whole:.2f} dB)",
        f"SSIM {ssim(original.values[3], made.values[3]):.4f}",
        "5x4 cells",
    ):
        assert part in text
    shown = present(figure.axes[0].images[0].get_array())
    assert np.allclose(shown, (original.values[3, ..., 0] + 1) / 2, atol=1e-6)


def test_of_four_axes_and_of_time_the_caption_says_which_slice():
    original, made = pair(4, 5, 6, 7, 1)
    text = words(picture_figure(original, made, cut(original.values, (1, 1, 2, 2))))
    assert "Original, slice 3 of 4, slice 3 of 5" in text
    clip, again = pair(9, 8, 10, 3, rate=25)
    assert "Original, frame 5 of 9" in words(
        picture_figure(clip, again, cut(clip.values, (3,) * 3))
    )


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(SignalError, match="cannot be written"):
        preview(tmp_path / "missing" / "a.png", 8, 8, 1, grid=(2, 2))
    (tmp_path / "a.png").mkdir()
    with pytest.raises(SignalError, match="cannot be written"):
        preview(tmp_path / "a.png", 8, 8, 1, grid=(2, 2))
    assert [child.name for child in tmp_path.iterdir()] == ["a.png"]


def test_pyplot_is_never_imported(tmp_path):
    code = f"""
import sys, torch
from pathlib import Path
from enas_inr.reports.preview import write_preview
assert "matplotlib" not in sys.modules
from enas_inr.signals.partition import cut
from enas_inr.signals.signal import Signal
signal = Signal(torch.zeros(8, 8, 1), "image", "a")
write_preview(signal, signal, cut(signal.values, (2, 2)), Path({str(tmp_path / "a.png")!r}))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
