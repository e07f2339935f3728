import json
import shlex
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from enas_inr_video import video as videos
from enas_inr_video.containers import container_of, is_cut_off
from enas_inr_video.options import VideoOptions
from enas_inr_video.video import VideoModality

import enas_inr
from enas_inr.cli.main import run
from enas_inr.errors import SignalError
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import Signal
from enas_inr.testing import ModalitySuite, installed, toy_signal

FORMATS = {  # suffix: muxer, codec, pixel format
    ".mp4": ("mp4", "libx264", "yuv420p"),
    ".mov": ("mov", "libx264", "yuv420p"),
    ".mkv": ("matroska", "ffv1", "bgr0"),
    ".webm": ("webm", "libvpx-vp9", "yuv420p"),
    ".avi": ("avi", "mpeg4", "yuv420p"),
}


class TestVideo(ModalitySuite):
    @pytest.fixture
    def plugin(self):
        return installed("modality", "video")


def read(path, **options):
    return VideoModality(VideoOptions(**options)).read(path)


def write(signal, path):
    VideoModality().write(signal, path)
    return path


def clip(frames=6, rows=18, columns=20, rate="24"):
    rate = Fraction(rate)
    signal = toy_signal(
        (frames, rows, columns), 3, modality="video", sample_rate=max(1, round(rate))
    )
    return replace(signal, meta={"rate": str(rate)})


def pixels_of(signal):
    return ((signal.values + 1) * 127.5).round().byte().numpy()


def encode(path, pixels, *, rate=24, rotation=None, times=None, metadata=None, gop=4):
    """Write 8-bit frames with any of the formats; `times` are in milliseconds."""
    muxer, codec, pixel_format = FORMATS[path.suffix]
    with av.open(str(path), "w", format=muxer) as opened:
        stream = opened.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = gop
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, frame in enumerate(pixels):
            made = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pixel_format)
            if times is not None:
                made.pts, made.time_base = times[index], Fraction(1, 1000)
            opened.mux(stream.encode(made))
        opened.mux(stream.encode(None))
    return path


def refused(path, **options):
    with pytest.raises(SignalError) as caught:
        read(path, **options)
    assert path.name in str(caught.value)
    return str(caught.value)


def same_frame(a, b):
    return torch.equal(a, b)


def test_every_8_bit_value_comes_back_from_matroska(tmp_path):
    for rows, columns in ((18, 20), (17, 19)):
        noise = np.random.default_rng(0).integers(0, 256, (5, rows, columns, 3), dtype=np.uint8)
        signal = Signal(torch.from_numpy(noise / 127.5 - 1).float(), "video", "a", 24)
        assert (pixels_of(read(write(signal, tmp_path / "a.mkv"))) == noise).all()


@pytest.mark.parametrize(("rows", "columns"), [(18, 20), (17, 20), (18, 19), (17, 19), (1, 1)])
def test_mp4_takes_even_and_odd_sizes(tmp_path, rows, columns):
    signal = clip(4, rows, columns)
    again = read(write(signal, tmp_path / "a.mp4"))
    assert again.values.shape == signal.values.shape
    assert psnr_db(again.values, signal.values) > 30
    with av.open(str(tmp_path / "a.mp4")) as opened:
        even = not (rows % 2 or columns % 2)
        assert opened.streams.video[0].codec_context.name == "h264"
        assert opened.streams.video[0].pix_fmt == ("yuv420p" if even else "yuv444p")


@pytest.mark.parametrize(("rows", "columns"), [(18, 20), (17, 19)])
def test_without_h264_mp4_is_mpeg4(tmp_path, monkeypatch, rows, columns):
    muxer, codecs = videos._WRITTEN[".mp4"]
    codecs = {"no-such-codec": {}, "mpeg4": codecs["mpeg4"]}
    monkeypatch.setitem(videos._WRITTEN, ".mp4", (muxer, codecs))
    signal = clip(4, rows, columns)
    again = read(write(signal, tmp_path / "a.mp4"))
    assert psnr_db(again.values, signal.values) > 25
    monkeypatch.setitem(videos._WRITTEN, ".mp4", (muxer, {"no-such-codec": {}}))
    with pytest.raises(SignalError, match=r"cannot be written: .*no-such-codec.*; use another"):
        write(signal, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_values_beyond_the_range_are_clamped(tmp_path):
    signal = clip()
    bright = replace(signal, values=signal.values * 0 + 3)
    assert (read(write(bright, tmp_path / "a.mkv")).values == 1).all()


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_container_is_read(tmp_path, suffix):
    signal = clip(9, 32, 48)
    again = read(encode(tmp_path / f"a{suffix}", pixels_of(signal)))
    assert (again.name, again.modality, again.sample_rate) == ("a", "video", 24)
    assert again.meta == {"rate": "24"}
    assert again.values.shape == (9, 32, 48, 3)
    assert psnr_db(again.values, signal.values) > 20


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path, suffix):
    whole = encode(tmp_path / f"a{suffix}", pixels_of(clip(9, 32, 48)))
    container = container_of(whole)
    assert container is not None
    assert not is_cut_off(whole, container)
    content, cut = whole.read_bytes(), tmp_path / f"b{suffix}"
    for share in (0.001, 0.01, 0.3, 0.6, 0.9, 0.999):
        cut.write_bytes(content[: int(len(content) * share)])
        assert any(word in refused(cut) for word in ("truncated", "not a video", "0 bytes"))


def test_data_after_a_complete_file_is_ignored(tmp_path):
    path = write(clip(), tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes() + bytes(50))
    assert read(path).values.shape[0] == 6


def test_a_recording_whose_length_was_never_written_is_read(tmp_path):
    path = write(clip(), tmp_path / "a.mkv")
    content = bytearray(path.read_bytes())
    segment = content.index(b"\x18\x53\x80\x67") + 4
    length = 9 - content[segment].bit_length()
    content[segment : segment + length] = bytes([0xFF >> (length - 1)]) + b"\xff" * (length - 1)
    path.write_bytes(content)
    assert read(path).values.shape[0] == 6


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\0\0\0\x08moov", "mov"),
        (b"RIFF\x10\0\0\0AVI LIST", "avi"),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"#EXTM3U\nfile:///etc/passwd", None),
        (b"ffconcat version 1.0", None),
        (b"", None),
    ],
)
def test_the_container_is_detected_from_the_first_bytes(tmp_path, head, container):
    (tmp_path / "a").write_bytes(head)
    assert container_of(tmp_path / "a") == container


def test_a_playlist_opens_no_other_file(tmp_path):
    write(clip(), tmp_path / "secret.mp4")
    (tmp_path / "a.avi").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    assert "not a video; give an MP4" in refused(tmp_path / "a.avi")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("rate", "rounded"),
    [("25", 25), ("30000/1001", 30), ("60000/1001", 60), ("25/2", 12), ("1/2", 1), ("240", 240)],
)
def test_a_frame_rate_is_an_exact_fraction(tmp_path, suffix, rate, rounded):
    again = read(write(clip(rate=rate), tmp_path / f"a{suffix}"))
    assert (again.meta, again.sample_rate) == ({"rate": rate}, rounded)


def fitted(signal, folder):
    return enas_inr.fit(
        signal,
        architecture={"grid": 2, "depth": 1, "width": 8},
        training={"steps": 2},
        output=folder / "m.inr",
        force=True,
    ).model


def test_a_rendering_scales_the_exact_rate(tmp_path):
    model = fitted(clip(6, 12, 14, rate="30000/1001"), tmp_path)

    def rate_of(**asked):
        return read(write(model.render(**asked), tmp_path / "r.mkv")).meta["rate"]

    assert rate_of() == "30000/1001"
    assert rate_of(scale=2) == "60000/1001"
    assert rate_of(size=(3, 12, 14)) == "15000/1001"
    assert rate_of(window=[(2, 4), (0, 12), (0, 14)]) == "30000/1001"
    assert rate_of(window=[(1.5, 4), (0, 12), (0, 14)], size=(5, 12, 14)) == "60000/1001"


def test_a_sample_rate_that_was_changed_by_hand_counts(tmp_path):
    faster = replace(clip(rate="30000/1001"), sample_rate=50)
    assert read(write(faster, tmp_path / "a.mkv")).meta["rate"] == "50"
    plain = toy_signal((3, 8, 8), 3, modality="video", sample_rate=12)
    assert read(write(plain, tmp_path / "a.mkv")).meta["rate"] == "12"


def test_frames_of_a_variable_rate_are_taken_one_by_one(tmp_path):
    signal = clip(4, 16, 24)
    times = [0, 100, 200, 900]
    again = read(encode(tmp_path / "a.mp4", pixels_of(signal), times=times))
    assert again.values.shape[0] == 4
    with av.open(str(tmp_path / "a.mp4")) as opened:
        assert again.meta["rate"] == str(opened.streams.video[0].average_rate)
    assert psnr_db(again.values, signal.values) > 20


@pytest.mark.parametrize("suffix", FORMATS)
def test_start_is_the_first_frame_at_that_time_or_after(tmp_path, suffix):
    path = encode(tmp_path / f"a{suffix}", pixels_of(clip(25, 32, 48)))
    whole = read(path).values
    for start, first in ((0.25, 6), (0.26, 7), (0.5, 12), (1.0, 24)):
        part = read(path, start=start, max_frames=3).values
        assert same_frame(part, whole[first : first + 3])
    assert "has no frame 1.1 s after its start" in refused(path, start=1.1)


def test_max_frames_keeps_the_first(tmp_path):
    path = write(clip(6), tmp_path / "a.mkv")
    assert same_frame(read(path, max_frames=2).values, read(path).values[:2])
    assert read(path, max_frames=99).values.shape[0] == 6


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [
        ((20, 40), 20, (10, 20)),
        ((40, 20), 20, (20, 10)),
        ((20, 40), 40, (20, 40)),
        ((20, 40), 99, (20, 40)),
        ((2, 64), 16, (1, 16)),
    ],
)
def test_max_side_makes_frames_smaller_and_keeps_their_shape(tmp_path, size, most, expected):
    path = write(clip(2, *size), tmp_path / "a.mkv")
    assert read(path, max_side=most).values.shape == (2, *expected, 3)


def test_smaller_frames_are_averages_of_areas(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    signal = Signal(torch.from_numpy(noise / 127.5 - 1).float(), "video", "a", 24)
    small = read(write(signal, tmp_path / "a.mkv"), max_side=8).values
    means = signal.values.reshape(1, 8, 4, 8, 4, 3).mean((2, 4))
    assert (small - means).abs().max() < 0.03


@pytest.mark.parametrize(("rotation", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (270, (0, -1))])
def test_rotated_frames_are_turned_upright(tmp_path, rotation, corner):
    pixels = np.zeros((2, 32, 48, 3), np.uint8)
    pixels[:, :16, :16] = 255
    values = read(encode(tmp_path / "a.mp4", pixels, rotation=rotation)).values
    assert values.shape[1:3] == ((32, 48) if rotation == 180 else (48, 32))
    assert values[0][corner].min() > 0.8  # counterclockwise
    assert values[0].mean() < 0


def test_too_many_numbers_are_refused(tmp_path, monkeypatch):
    path = write(clip(6, 18, 20), tmp_path / "a.mkv")
    monkeypatch.setattr(videos, "MAX_NUMBERS", 4 * 18 * 20 * 3)
    assert "over 4 frames of 20x18 pixels; read a part with max_frames" in refused(path)
    assert read(path, max_frames=4).values.shape[0] == 4
    assert read(path, max_side=10).values.shape[0] == 6
    monkeypatch.setattr(videos, "MAX_PIXELS", 100)
    assert "frames of 20x18 pixels" in refused(path)


def test_a_file_without_video_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as opened:
        stream = opened.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    assert "has no video stream" in refused(tmp_path / "a.mp4")


@pytest.mark.parametrize("channels", [1, 4])
def test_other_than_three_channels_are_refused(tmp_path, channels):
    signal = toy_signal((3, 8, 8), channels, modality="video", sample_rate=24)
    with pytest.raises(SignalError, match="three channels and a sample rate"):
        write(signal, tmp_path / "a.mkv")


@pytest.mark.parametrize("suffix", [".webm", ".avi", ".mov", ".gif"])
def test_other_suffixes_are_not_written(tmp_path, suffix):
    with pytest.raises(SignalError, match=r"cannot write a video as .*; use one of: \.mp4, \.mkv"):
        write(clip(), tmp_path / f"a{suffix}")


def call(line):
    return run(shlex.split(line))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_clip_goes_from_search_to_report_on_the_command_line(
    tmp_path, monkeypatch, capsys, suffix
):
    monkeypatch.chdir(tmp_path)
    write(clip(12, 36, 40, rate="30000/1001"), tmp_path / f"walk{suffix}")
    options = "--signal-option max_frames=6 --signal-option max_side=20"
    sizes = "--grid 2 --widths 4,8 --depths 1 --repeats 1 --steps 5 --study s --quiet"
    sizes += " --no-racing --strategy coordinate"
    assert call(f"search walk{suffix} {options} {sizes} -o out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "comparison.png",
        "original.mp4",
        "reconstruction.mp4",
    ]
    assert call(f"fit walk{suffix} {options} --study s -o m.inr --preview p.png --quiet") == 0

    def rendered(asked):
        assert call(f"render m.inr -o r{suffix} --force {asked}") == 0
        made = read(tmp_path / f"r{suffix}")
        return made.values.shape[:-1], made.meta["rate"]

    assert rendered("") == ((6, 18, 20), "30000/1001")
    assert rendered("--scale 2") == ((12, 36, 40), "60000/1001")
    assert rendered("--sample-rate 60 --size 32x24") == ((12, 24, 32), "60000/1001")
    assert rendered("--start 0.1 --crop 4,2,16,12") == ((3, 12, 16), "30000/1001")
    capsys.readouterr()
    assert call(f"info m.inr --original walk{suffix} {options} --json") == 0
    described = json.loads(capsys.readouterr().out)
    assert described["signal"]["shape"] == [6, 18, 20]
    assert (described["signal"]["sample_rate"], described["cells"]) == (30, 8)
    assert described["codecs"] == {"of": "original"}
    assert call(f"info m.inr --original walk{suffix}") == 8
    assert "read with the same options" in capsys.readouterr().err
    assert call("report s -o r.html") == 0
    assert "frame 4 of 6" in (tmp_path / "r.html").read_text()


def test_a_wrong_option_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(clip(), tmp_path / "a.mkv")
    for option, message in {
        "max_frame=3": "did you mean 'max_frames'",
        "max_frames=0": "modality 'video': max_frames: input should be greater than or equal to 1",
        "start=-1": "start: input should be greater than or equal to 0",
        "max_side=x": "max_side: input should be a valid integer",
    }.items():
        assert call(f"fit a.mkv --signal-option {option}") == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
