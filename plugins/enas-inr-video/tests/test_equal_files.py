"""Equal clips give equal files, independent of the load of the machine."""

import os

import pytest
from enas_inr_video import video as videos
from enas_inr_video.video import VideoModality

from enas_inr.testing import toy_signal


def clip(*shape):
    return toy_signal(shape, 3, modality="video", sample_rate=24)


def write(signal, path):
    VideoModality().write(signal, path)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_equal_clips_give_equal_files(tmp_path, suffix):
    first, second = (write(clip(6, 18, 20), tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
    assert first == second


@pytest.fixture
def cores():
    """Sets the cores for new threads; libav starts one thread per core."""
    if not hasattr(os, "sched_setaffinity") or os.cpu_count() == 1:
        pytest.skip("needs several cores, and a system that lends them out")
    allowed = os.sched_getaffinity(0)
    yield lambda count: os.sched_setaffinity(0, sorted(allowed)[:count])
    os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("suffix", videos._WRITTEN)
def test_the_number_of_cores_does_not_matter(tmp_path, monkeypatch, cores, suffix):
    muxer, codecs = videos._WRITTEN[suffix]
    for codec, settings in codecs.items():
        monkeypatch.setitem(videos._WRITTEN, suffix, (muxer, {codec: settings}))
        files = []
        for count in (1, 2):
            cores(count)
            files.append(write(clip(6, 96, 80), tmp_path / f"a{suffix}").read_bytes())
        assert files[0] == files[1], codec
