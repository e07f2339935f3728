"""The values of clips: colours by their standards, what is lost is said, and damaged files."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from enas_inr_video.options import VideoOptions
from enas_inr_video.video import VideoModality
from PIL import Image

from enas_inr.errors import SignalError, warn_once
from enas_inr.testing import toy_signal

RED = (200, 30, 40)
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""The weights of red and blue in the luma of BT.709, BT.601 and BT.2020, by libav's numbers."""


def read(path, **options):
    return VideoModality(VideoOptions(**options)).read(path)


@pytest.fixture
def said(caplog):
    warn_once.cache_clear()
    return caplog


def luma_and_chroma(standard, full):
    red, green, blue = (level / 255 for level in RED)
    of_red, of_blue = WEIGHTS[standard]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    if full:
        return [round(255 * luma), *(round(128 + 255 * part) for part in chroma)]
    return [round(16 + 219 * luma), *(round(128 + 224 * part) for part in chroma)]


def encode(path, planes, *, standard=1, full=False, pixel_format="yuv444p", times=(0, 1), codec):
    """Write frames of one colour, given as the level of each plane."""
    with av.open(str(path), "w") as opened:
        stream = opened.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height = stream.width = 32
        stream.pix_fmt = pixel_format
        context = stream.codec_context
        context.time_base = Fraction(1, 25)
        context.colorspace, context.color_range = standard, 2 if full else 1
        for time in times:
            frame = av.VideoFrame(32, 32, pixel_format)
            for plane, level in zip(frame.planes, planes, strict=True):
                plane.update(np.full(plane.buffer_size // level.itemsize, level).tobytes())
            frame.colorspace, frame.color_range = standard, 2 if full else 1
            frame.pts, frame.time_base = time, Fraction(1, 25)
            opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("standard", WEIGHTS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_colours_are_those_of_the_standard_and_the_range(tmp_path, suffix, standard, full):
    levels = np.array(luma_and_chroma(standard, full), np.uint8)
    path = encode(tmp_path / f"a{suffix}", levels, standard=standard, full=full, codec="libx264")
    found = (read(path).values + 1) * 127.5
    assert found.shape == (2, 32, 32, 3)
    assert (found - torch.tensor(RED)).abs().max() <= 2  # rounding of the planes, and of the codec


def test_more_bits_are_said(tmp_path, said):
    levels = np.array([512, 512, 512], np.uint16)
    path = encode(tmp_path / "a.mkv", levels, pixel_format="yuv444p10le", codec="ffv1")
    read(path)
    (line,) = said.messages
    assert line.endswith("values of 10 bits are rounded to 8")


def test_a_variable_rate_is_said(tmp_path, said):
    levels = np.array([90, 128, 128], np.uint8)
    read(encode(tmp_path / "a.mkv", levels, times=(0, 1, 2, 10), codec="ffv1"))
    (line,) = said.messages
    assert "frames last from 0.04 to 0.32 s, and are taken as evenly spaced at " in line
    read(encode(tmp_path / "b.mkv", levels, times=(0, 1, 2, 3), codec="ffv1"))
    assert len(said.messages) == 1


def test_a_title_that_is_no_unicode_does_not_matter(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as opened:
        opened.metadata["title"] = "TITLETITLE"
        stream = opened.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height = stream.width = 8
        stream.pix_fmt = "bgr0"
        opened.mux(stream.encode(av.VideoFrame(8, 8, "bgr0")))
        opened.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"TITLETITLE", b"\xff\xfeTITLE\xf0\x28\x8c"))
    assert read(path).values.shape == (1, 8, 8, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_damaged_file_is_one_line(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    VideoModality().write(toy_signal((4, 16, 16), 3, modality="video", sample_rate=24), path)
    whole = path.read_bytes()
    random = np.random.default_rng(3)
    errors = []
    for _ in range(60):
        content = bytearray(whole)
        for place in random.integers(0, 1200, 8):
            content[place % len(content)] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            read(path)
        except SignalError as error:
            errors.append(str(error))
    assert len(errors) > 20
    assert not any("\n" in error or "NoneType" in error for error in errors)


def animation(path, colours, durations, **options):
    frames = [Image.new("RGBA", (6, 4), colour) for colour in colours]
    rest = {"save_all": True, "append_images": frames[1:], "duration": durations} | options
    frames[0].save(path, **rest)
    return path


COLOURS = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]


@pytest.mark.parametrize(
    ("suffix", "options"), [(".gif", {}), (".webp", {"lossless": True}), (".png", {})]
)
def test_an_animated_picture_is_a_clip(tmp_path, said, suffix, options):
    path = animation(tmp_path / f"a{suffix}", COLOURS, 40, **options)
    signal = read(path)
    assert (signal.values.shape, signal.sample_rate) == ((3, 4, 6, 3), 25)
    assert signal.meta == {"rate": "25"}
    for frame, colour in zip(signal.values, COLOURS, strict=True):
        wanted = torch.tensor(colour[:3]) / 127.5 - 1
        assert torch.equal(frame, wanted.expand(4, 6, 3))
    assert said.messages == []
    part = read(path, start=0.04, max_frames=1, max_side=3)
    assert torch.equal(part.values, signal.values[1:2, :2, :3])
    VideoModality().write(signal, tmp_path / "b.mkv")
    assert torch.equal(read(tmp_path / "b.mkv").values, signal.values)


def test_frames_of_other_durations_and_transparency_are_said(tmp_path, said):
    colours = [*COLOURS, (9, 9, 9, 0)]
    signal = read(animation(tmp_path / "a.png", colours, [20, 20, 20, 140]))
    assert signal.meta == {"rate": "20"}
    assert (signal.values[3] == -1).all()
    (line,) = said.messages
    assert "from 0.02 to 0.14 s, and are taken as evenly spaced at 20 a second" in line
    assert "transparent becomes black" in line


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_a_damaged_animation_is_one_line(tmp_path, suffix):
    path = animation(tmp_path / f"a{suffix}", COLOURS, 40)
    content = path.read_bytes()
    for size in (12, 20, len(content) // 2):
        path.write_bytes(content[:size])
        with pytest.raises(SignalError, match="not a video or is damaged"):
            read(path)
