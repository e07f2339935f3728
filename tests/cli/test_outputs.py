"""What commands write: checked before the work, streams, and the standard output."""

import os
import stat
import threading
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import enas_inr
from enas_inr.api import fit as fits
from enas_inr.cli.main import run
from enas_inr.errors import ExitCode, SignalError
from enas_inr.signals.signal import Signal
from tests.command_line import assert_one_line, call

TINY = "--grid 2 --width 4 --depth 1 --steps 2 -q"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a picture, a model of it, and a model of a sound."""
    folder = tmp_path_factory.mktemp("made")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    settings: Any = {"grid": 2, "width": 4, "depth": 1, "steps": 2}
    enas_inr.fit(folder / "a.png", output=folder / "a.inr", **settings)
    sound = Signal(torch.rand(64, 1), "audio", "sound", sample_rate=8000)
    enas_inr.fit(sound, output=folder / "sound.inr", **settings)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A folder of its own, with links to the files."""
    for path in made.iterdir():
        os.link(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def never(*given, **more):
    raise AssertionError("the work has begun")


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("fit a.png -o missing/x.inr", ExitCode.SIGNAL, "there is no folder"),
        ("fit a.png -o p.png", ExitCode.SIGNAL, "cannot write a model as '.png'"),
        ("fit a.png -o .", ExitCode.SIGNAL, "is a directory"),
        ("fit a.png -o new/", ExitCode.SIGNAL, "cannot write a model without a suffix"),
        ("fit a.png -o ''", ExitCode.SIGNAL, "is a directory"),
        ("fit a.png -o x.inr --preview a.xyz", ExitCode.SIGNAL, "cannot write a preview as '.xyz'"),
        ("fit a.png -o x.inr --preview missing/x.png", ExitCode.SIGNAL, "there is no folder"),
        (
            "fit a.png -o x.inr --preview a.png --force",
            ExitCode.USAGE,
            "is read, and would be overwritten",
        ),
        ("fit a.png -o x.inr --preview x.inr", ExitCode.SIGNAL, "cannot write a preview as '.inr'"),
        ("fit a.png -o a.inr", ExitCode.MODEL, "'a.inr' exists already"),
        ("fit a.png -o start.inr --init-from a.inr --force", ExitCode.USAGE, "is read"),
        ("fit a.png -o - --json", ExitCode.USAGE, "both go to the standard output"),
        ("render a.inr -o x.gif9", ExitCode.SIGNAL, "cannot write images as '.gif9'"),
        ("render sound.inr -o x.png", ExitCode.SIGNAL, "cannot write audio as '.png'"),
        ("render a.inr -o missing/x.png", ExitCode.SIGNAL, "there is no folder"),
        ("render a.inr -o a.inr --force", ExitCode.USAGE, "is read, and would be overwritten"),
        ("render a.inr -o hard.png --force", ExitCode.USAGE, "is read, and would be overwritten"),
        ("render a.inr -o a.png", ExitCode.MODEL, "'a.png' exists already"),
        ("render a.inr -o x.png --size 0x4", ExitCode.USAGE, "cannot be rendered"),
        ("render a.inr -o x.png --size -4x4", ExitCode.USAGE, "is not a size"),
        ("render a.inr -o x.png --size 99999x99999", ExitCode.USAGE, "cannot be rendered"),
        ("render a.inr -o x.png --scale 0", ExitCode.USAGE, "is not a positive number"),
        ("render a.inr -o x.png --scale -1", ExitCode.USAGE, "is not a positive number"),
        ("render a.inr -o x.png --scale nan", ExitCode.USAGE, "is not a positive number"),
        ("render a.inr -o x.png --scale inf", ExitCode.USAGE, "is not a positive number"),
        ("render a.inr -o x.png --scale 1e9", ExitCode.USAGE, "makes more than"),
        ("render a.inr -o x.png --scale 1e308", ExitCode.USAGE, "makes more than"),
        ("render a.inr -o x.png --format jpg", ExitCode.USAGE, "--format is for a folder"),
        ("export a.inr --format npz -o x.png", ExitCode.SIGNAL, "cannot write a model as npz"),
        ("export a.inr --format inr -o a.inr --force", ExitCode.USAGE, "is read"),
        ("export a.inr --format npz -o missing/x.npz", ExitCode.SIGNAL, "there is no folder"),
        ("archive a.inr -o a.inr --force", ExitCode.SIGNAL, "cannot write an archive as '.inr'"),
        ("archive a.inr -o missing/x.inrs", ExitCode.SIGNAL, "there is no folder"),
        ("archive a.inr -o - --json", ExitCode.USAGE, "both go to the standard output"),
        ("search a.png -o a.png", ExitCode.SIGNAL, "folder 'a.png' cannot be written"),
        ("search a.png -o a.png/below", ExitCode.SIGNAL, "cannot be written"),
        ("search a.png -o -", ExitCode.SIGNAL, "is the standard output, not a folder"),
        ("search original.png -o .", ExitCode.USAGE, "'original.png' is read"),
        ("fit a.png b.png -o a.inr", ExitCode.SIGNAL, "folder 'a.inr' cannot be written"),
    ],
)
def test_commands_refuse_outputs_before_their_work(here, monkeypatch, line, code, reason):
    os.link("a.inr", "hard.png")
    Path("start.inr").symlink_to("a.inr")
    for name in ("original.png", "b.png"):
        Image.open("a.png").rotate(90).save(name)
    monkeypatch.setattr("enas_inr.model.fitting.fit", never)
    monkeypatch.setattr("enas_inr.api.search.search", never)
    monkeypatch.setattr("enas_inr.model.rendering.render_grid", never)
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    outcome = call(line)
    assert_one_line(outcome, code)
    assert reason in outcome.err
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_make_refuses_outputs_before_the_search(here, monkeypatch):
    monkeypatch.setattr("enas_inr.api.make.search", never)
    os.mkfifo("p")
    for output, reason in (
        ("p.png", "cannot write a model as '.png'"),
        ("missing/x.inr", "there is no folder"),
        ("p", "is not a file"),
        ("-", "is not a file"),
    ):
        outcome = call(f"make a.png -o {output} -q")
        assert outcome.code in (ExitCode.SIGNAL, ExitCode.USAGE)
        assert reason in outcome.err


class Reader(threading.Thread):
    """Reads what is written to a pipe."""

    def __init__(self, path):
        os.mkfifo(path)
        super().__init__()
        self.path, self.content = Path(path), b""
        self.start()

    def run(self):
        self.content = self.path.read_bytes()

    def end(self):
        self.join()
        assert stat.S_ISFIFO(self.path.lstat().st_mode)
        return self.content


def test_a_fit_goes_into_a_pipe(here):
    reader = Reader("p")
    outcome = call(f"fit a.png {TINY} -o p --force")
    assert outcome.code == 0, outcome.err
    Path("from-pipe.inr").write_bytes(reader.end())
    assert enas_inr.load("from-pipe.inr").header == enas_inr.load("a.inr").header
    assert not list(here.glob("*.checkpoint"))


def test_a_rendering_goes_into_a_pipe_in_the_usual_or_the_given_format(here):
    for option, kind in (("", "PNG"), ("--format jpg", "JPEG"), ("--format .bmp", "BMP")):
        reader = Reader("p")
        assert call(f"render a.inr -o p {option} -q").code == 0
        assert Image.open(BytesIO(reader.end())).format == kind
        Path("p").unlink()


@pytest.mark.parametrize("line", ["fit a.png {TINY} -o -", "export a.inr --format inr -o -"])
def test_a_model_goes_to_the_standard_output_with_nothing_else(here, capfdbinary, line):
    assert run(line.replace("{TINY}", TINY).split()) == 0
    Path("out.inr").write_bytes(capfdbinary.readouterr().out)
    assert enas_inr.load("out.inr").header.signal == enas_inr.load("a.inr").header.signal


def test_an_archive_goes_to_the_standard_output(here, capfdbinary):
    assert run(["archive", "a.inr", "-o", "-"]) == 0
    Path("out.inrs").write_bytes(capfdbinary.readouterr().out)
    with enas_inr.open_archive("out.inrs") as archive:
        assert list(archive) == ["a"]


def test_a_picture_and_a_sound_go_to_the_standard_output(here, capfdbinary):
    assert run(["render", "a.inr", "-o", "-"]) == 0
    picture = np.asarray(Image.open(BytesIO(capfdbinary.readouterr().out)))
    assert run(["render", "a.inr", "-o", "a2.png", "-q"]) == 0
    assert np.array_equal(picture, np.asarray(Image.open("a2.png")))
    assert run(["render", "sound.inr", "-o", "-", "--format", "flac"]) == 0
    with soundfile.SoundFile(BytesIO(capfdbinary.readouterr().out)) as file:
        assert (file.format, file.frames, file.samplerate) == ("FLAC", 64, 8000)


def give(monkeypatch, path):
    """Let a file be the standard input."""
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(Path(path).read_bytes())))


def test_a_model_comes_from_the_standard_input(here, monkeypatch):
    give(monkeypatch, "a.inr")
    assert call("render - -o out.png -q").code == 0
    assert call("render a.inr -o same.png -q").code == 0
    assert Path("out.png").read_bytes() == Path("same.png").read_bytes()


def test_an_archive_cannot_come_from_the_standard_input(here, monkeypatch):
    assert call("archive a.inr -o a.inrs").code == 0
    give(monkeypatch, "a.inrs")
    outcome = call("render - -o out.png")
    assert_one_line(outcome, ExitCode.MODEL)
    assert "is an archive of models" in outcome.err


def test_names_of_255_bytes_work_with_their_checkpoints(here):
    name = "x" * 251 + ".inr"
    stopped = enas_inr.fit(
        "a.png", output=name, grid=2, width=4, depth=1, steps=9, should_stop=lambda: True
    )
    assert not stopped.finished
    assert stopped.checkpoint.exists()
    whole = enas_inr.fit("a.png", output=name, grid=2, width=4, depth=1, steps=9)
    assert whole.finished
    assert Path(name).exists()
    assert not list(here.glob("*.checkpoint"))


@pytest.mark.parametrize("name", ["../up", "a/b", "new\nline", "x" * 300])
def test_the_name_of_a_signal_stays_in_the_folder(here, name):
    inside = here / "inside"
    inside.mkdir()
    os.chdir(inside)
    before = set(here.iterdir())
    signal = Signal(torch.rand(8, 8, 1), "image", name)
    made = enas_inr.fit(signal, grid=2, width=4, depth=1, steps=2)
    assert set(here.iterdir()) == before
    assert [path.name for path in inside.iterdir()] == [str(made.path)]
    many = enas_inr.fit_many([signal], output="models", grid=2, width=4, depth=1, steps=2)
    assert many.rows[0].status == "fitted"
    assert (inside / "models").resolve() in Path(many.rows[0].path).resolve().parents


def test_a_pipe_in_the_folder_of_models_is_a_failure_of_its_signal(here):
    Path("models").mkdir()
    os.mkfifo("models/a.inr")
    Image.open("a.png").rotate(90).save("b.png")
    found = enas_inr.fit_many(
        ["a.png", "b.png"], output="models", force=True, grid=2, width=4, depth=1, steps=2
    )
    assert [row.status for row in found.rows] == ["failed", "fitted"]
    assert "is not a file" in found.rows[0].message
    assert stat.S_ISFIFO(os.lstat("models/a.inr").st_mode)


def test_a_model_that_cannot_be_written_in_the_end_is_kept(here, monkeypatch):
    """A file takes the place of the folder during the training."""
    Path("gone").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(here))
    hand_over = fits.hand_over

    def after(*given, **more):
        os.rmdir("gone")
        Path("gone").touch()
        return hand_over(*given, **more)

    monkeypatch.setattr(fits, "hand_over", after)
    with pytest.raises(SignalError, match=r"the model was kept as '.*enas-inr-") as error:
        enas_inr.fit("a.png", output="gone/a.inr", grid=2, width=4, depth=1, steps=2)
    kept = error.value.hint.split("'")[1]
    assert enas_inr.load(kept).header.metrics["steps"] == 2


def test_an_output_that_ends_in_a_slash_is_a_folder(here):
    with pytest.raises(SignalError, match="is the name of a folder"):
        enas_inr.fit("a.png", output="new.inr/")


def test_a_model_is_saved_by_name_and_by_link(here):
    model = enas_inr.load("a.inr")
    Path("link.inr").symlink_to("target.inr")
    model.save("link.inr")
    assert Path("link.inr").is_symlink()
    assert enas_inr.load("target.inr").header == model.header


def test_a_picture_with_a_side_beyond_its_format_is_not_rendered(here, monkeypatch):
    monkeypatch.setattr("enas_inr.signals.parts.SignalParts.whole", lambda parts: 1 / 0)
    outcome = call("render a.inr -o wide.webp --size 16384x2")
    assert outcome.code == 3
    assert "wide.webp': WEBP has at most 16383 pixels along a side, not 16384" in outcome.err
