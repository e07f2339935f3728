"""The command lines of a page run, one after the other, as a reader would type them.

The signals are small and the trainings short: options that say how much work there is are replaced,
and a settings file gives the rest.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

pytest.importorskip("torch")

from enas_inr.cli.main import run
from tests.docs.command_lines import PAGES, ROOT, lines_of

SETTINGS = """
[search]
grid = 2
widths = [2, 3]
depths = [1]
steps = 2
repeats = 1
floor = -99

[make]
grid = 2
widths = [2, 3]
depths = [1]
steps = 2
repeats = 1
floor = -99

[fit]
steps = 2
"""

# Options that say how much work there is, and their values here.
LESS = {
    "--steps": "2",
    "--repeats": "1",
    "--trials": "3",
    "--widths": "2,3",
    "--depths": "1",
    "--target-psnr": "5",
    "--limit": "2",
    "--timeout": "1min",
}

# The settings file gives the architecture, so that other axes have to be given.
AXES = {"grid=4,8,16": "margin=1,2", "grid=8,16": "margin=1,2", "width=16,32,64": "warmup=0,0.1"}

# Words that need what a page does not have here, and where they are tested.
ELSEWHERE = {
    "--executor": "Ray and Dask: tests/executors, plugins/enas-inr-dask/tests",
    "--jobs": "Ray: tests/executors/ray",
    "ray": "Ray Tune: tests/executors/ray",
    "dashboard": "serves until it is stopped: tests/dashboard",
    "--install-completion": "changes the shell's settings: tests/cli",
    "plugins": "needs a package to be installed: tests/plugins, tests/docs/test_tutorial.py",
    "my-backbone": "needs a package to be installed: tests/plugins",
    "sinc": "needs a package to be installed: tests/docs/test_tutorial.py",
    "table1_image": "takes a minute: tests/studies, `make studies`",
    "mountain_lake_128.png": "the paper's picture: tests/system",
    "-": "reads stdin: tests/cli",
}

# What a page presupposes.
BEFORE = {
    "docs/format.md": [
        "fit photos/ --grid 2 --width 4 -o models/",
        "archive models/ -o models.inrs",
    ],
    "docs/shared-start.md": [
        "fit frame-1.png --grid 2 --width 4 -o frame-1.inr",
        "fit photo.jpg --grid 2 --width 4 -o photo.inr",
        "fit photos/ --grid 2 --width 4 -o models/",
        "archive models/ -o photos.inrs",
        "search photo.jpg --study portrait",
    ],
    "docs/write-a-backbone.md": ["fit sample:photo --size 48x32 --grid 2 --width 4 -o photo.inr"],
}

SIZE = (48, 32)
LARGER = {"docs/guides/my-photograph.md": (256, 160)}  # which renders a window


def picture(path, size=SIZE):
    rows, columns = np.indices(size[::-1])
    red, green = np.sin(rows / 9 + len(path.stem)), np.cos(columns / 7)
    values = np.stack([red, green, red * green], axis=-1)
    Image.fromarray((values * 127 + 128).astype(np.uint8)).save(path)


def pictures(path):
    path.mkdir()
    for name in ("cat.png", "otter.png", "elephant.png"):
        picture(path / name, (96, 64))


def stack(path):
    pages = [Image.new("RGB", (8, 8), (number, 0, 0)) for number in range(4)]
    pages[0].save(path, save_all=True, append_images=pages[1:])


def sound(path):
    soundfile.write(path, np.sin(np.arange(400) / 5), 8000)


def volume(path):
    nibabel = pytest.importorskip("nibabel")
    values = np.sin(np.indices((8, 6, 5)).sum(axis=0) / 3).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)


def video(path):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as opened:
        stream = opened.add_stream("mpeg4", rate=10, width=32, height=16, pix_fmt="yuv420p")
        for level in range(4):
            frame = np.full((16, 32, 3), 40 * level, np.uint8)
            opened.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        opened.mux(stream.encode())


# The signals that pages name.
SIGNALS = dict.fromkeys(
    ("photo.png", "photo.jpg", "retina.jpg", "frame-1.png", "frame-2.png"), picture
) | {
    "photos/": pictures,
    "stack.tif": stack,
    "clip.wav": sound,
    "scan.nii.gz": volume,
    "head.nii.gz": volume,
    "walk.mp4": video,
}


def shorter(words):
    """A command line with as little work as there can be."""
    kept = words[:1]
    for before, word in pairwise(words):
        if before == "--size" and words[0] != "render" and "photos/" not in words:
            kept.append("48x32")
        else:
            kept.append(LESS.get(before, AXES.get(word, word)))
    is_large = any(word.startswith(("sample:photo", "samples:")) for word in words)
    if words[0] in ("search", "fit", "make", "oracle") and is_large and "--size" not in words:
        kept += ["--size", "48x32"]
    return kept


def is_elsewhere(words):
    return any(word in ELSEWHERE for word in words)


def given(lines):
    """The signals that are there before the first command: those that no command writes."""
    for name in SIGNALS:
        uses = [words for words in lines if name in words]
        if uses and (name not in uses[0] or uses[0][uses[0].index(name) - 1] != "-o"):
            yield name


RUN = {
    str(page.relative_to(ROOT)): [words for words in lines_of(page) if not is_elsewhere(words)]
    for page in PAGES
}


@pytest.mark.parametrize("page", [page for page, lines in RUN.items() if lines])
def test_the_command_lines_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    lines = [*(line.split() for line in BEFORE.get(page, ())), *map(shorter, RUN[page])]
    (tmp_path / "settings.toml").write_text(SETTINGS)
    monkeypatch.setenv("ENAS_INR_SETTINGS", str(tmp_path / "settings.toml"))
    monkeypatch.chdir(tmp_path)
    for name in given(lines):
        if page in LARGER and SIGNALS[name] is picture:
            picture(Path(name), LARGER[page])
        else:
            SIGNALS[name](Path(name))
    for words in lines:
        code = run(words)
        assert code == 0, f"{' '.join(words)}\n{capsys.readouterr().err}"
