"""SIGTERM and SIGHUP in each command that works for long: what is finished is kept."""

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from PIL import Image

pytest.importorskip("torch")

from enas_inr.cli.main import run
from enas_inr.errors import ExitCode, SignalError
from enas_inr.model import fit_checkpoint, fit_training
from enas_inr.model.fit_checkpoint import Checkpoint
from enas_inr.signals.files import replace_bytes
from enas_inr.studies.store import Store
from enas_inr.training.trainer import train
from tests.command_line import MAIN, call

TERM, HUP = signal.SIGTERM, signal.SIGHUP
SIZES = "--grid 2 --depth 1 --width 4"
SEARCH = "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 --repeats 1 --steps 2"
FIT = f"fit sample:photo --size 16 {SIZES} --steps 60 -o {{}}.inr"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def signalled(monkeypatch, target, after=0, number=TERM):
    """Let a function send a signal, instead of doing its work, after some calls of it."""
    calls = []
    module, _, name = target.rpartition(":")
    original = getattr(sys.modules.get(module) or __import__(module, fromlist=[name]), name)

    def send(*args, **kwargs):
        calls.append(args)
        if len(calls) == after + 1:
            signal.raise_signal(number)
        return original(*args, **kwargs)

    monkeypatch.setattr(f"{module}.{name}", send)


def counted(monkeypatch):
    """Count the trials that are trained together, in a list."""
    trained: list[int] = []

    def see(jobs, *args, **kwargs):
        trained.append(len(jobs))
        return train(jobs, *args, **kwargs)

    monkeypatch.setattr("enas_inr.executors.local.train", see)
    return trained


def test_a_search_keeps_its_trials_and_goes_on(monkeypatch):
    with monkeypatch.context() as patch:
        signalled(patch, "enas_inr.executors.local:train", after=1)
        stopped = call(f"{SEARCH} -q")
    assert (stopped.code, stopped.out) == (ExitCode.TERMINATED, "")
    (line,) = stopped.err.splitlines()
    assert line.startswith("terminated: 1 trial stored in study photo-siren-M2-")
    assert line.endswith("; run the same command again to resume")
    trained = counted(monkeypatch)
    again = call(f"{SEARCH} --json -q")
    assert (again.code, len(again.json["trials"]), trained) == (0, 2, [1])


def test_trials_that_were_trained_together_are_all_stored(monkeypatch):
    """The signal comes while the first of them is stored."""
    alike = SEARCH.replace("4,8", "4") + " --search siren.omega_first=20,30,40 --no-racing"
    with monkeypatch.context() as patch:
        trained = counted(patch)
        add, left = Store.add, [TERM]

        def add_and_send(*args):
            if left:
                signal.raise_signal(left.pop())
            add(*args)

        patch.setattr(Store, "add", add_and_send)
        stopped = call(f"{alike} --strategy exhaustive -q")
    assert trained == [3]
    assert stopped.code == ExitCode.TERMINATED
    assert "terminated: 3 trials stored" in stopped.err


def test_a_plugin_that_catches_everything_cannot_keep_a_search_alive(monkeypatch):
    """Its trial goes on, and the search ends at the next progress."""

    def grasping(*args, **kwargs):
        try:
            signal.raise_signal(TERM)
        except BaseException:
            return train(*args, **kwargs)

    monkeypatch.setattr("enas_inr.executors.local.train", grasping)
    assert call(f"{SEARCH} -q").code == ExitCode.TERMINATED


COMMANDS = {
    "render model.inr -o out.png": ("enas_inr.cli.render:_render", "enas-inr: terminated: no file"),
    "render models -o out": ("enas_inr.cli.render:_render", "terminated: 1 of 2 files are in out;"),
    "archive models -o a.inrs": ("enas_inr.api.archive:pack", "enas-inr: terminated: no file is"),
    "export model.inr --format npz": ("enas_inr.api.archive:one_of", "enas-inr: terminated: no f"),
    "report s": ("enas_inr.reports.page:render_page", "enas-inr: terminated: no file is left inc"),
    "study run study.toml -q": ("enas_inr.executors.local:train", "terminated: 0 trials stored in"),
    "compare s s": ("enas_inr.reports.comparison:compare", "enas-inr: terminated"),
    "oracle s -q": ("enas_inr.api.oracle:regret", "terminated: 1 trial stored in study s-orac"),
    "bench --quick": ("enas_inr.api.bench:matrix_peak", "terminated: measurements are not kept"),
    "suggest sample:photo": ("enas_inr.api.suggest:suggest", "enas-inr: terminated"),
    "dashboard --port 0 --storage s.db --no-open": (
        "enas_inr.api.dashboard:make_server",
        "enas-inr: terminated",
    ),
    "make sample:photo --size 16 --steps 2 -q": (
        "enas_inr.executors.local:train",
        "terminated: 0 trials stored in study photo-",
    ),
    "info model.inr": ("enas_inr.api.info:describe", "enas-inr: terminated"),
}

STUDY = """
title = "t"
signals = ["sample:photo"]
size = 16
repeats = 1
[training]
steps = 2
[[searches]]
name = "all"
grid = 2
widths = [4]
depths = [1]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a model, a folder of models, a study and a study file."""
    made = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        fit = f"fit sample:photo --size 16 {SIZES} --steps 1 -q"
        assert call(f"{fit} -o model.inr").code == 0
        os.mkdir("models")
        for name in ("a", "b"):
            shutil.copyfile("model.inr", f"models/{name}.inr")
        one = SEARCH.replace("4,8", "4")
        assert call(f"{one} -q --study s --storage s.db").code == 0
        (made / "study.toml").write_text(STUDY)
    return made


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_ends_with_the_code_and_one_line(finished, folder, monkeypatch, line):
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    target, said = COMMANDS[line]
    signalled(monkeypatch, target, after="models -o out" in line)
    if line.startswith(("report", "compare", "oracle")):
        line += " --storage s.db"
    ended = call(line)
    assert ended.code == ExitCode.TERMINATED, ended.err
    assert ended.err.splitlines()[-1].startswith(said), ended.err
    assert "Traceback" not in ended.err
    there = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not {name for name in there if name.endswith(".tmp")}
    assert not there & {"out.png", "s.html", "a.inrs", "model.npz"}


WATCHED = """
import enas_inr.cli.progress as progress
told = progress.Display.progressed
def tell(self, event):
    told(self, event)
    print("training", flush=True)
progress.Display.progressed = tell
"""


def test_a_fit_that_is_terminated_writes_its_checkpoint_and_says_so(folder):
    command = [sys.executable, "-c", WATCHED + MAIN, *FIT.format("m").split(), "--steps", "99999"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert process.stdout
    assert process.stdout.readline() == "training\n"
    process.terminate()
    _, said = process.communicate()
    assert process.returncode == ExitCode.TERMINATED
    (line,) = said.splitlines()
    assert line.startswith("terminated at step ")
    assert line.endswith("; checkpoint: m.inr.checkpoint; run the same command again to resume")
    assert (folder / "m.inr.checkpoint").exists()


class Gone(StringIO):
    """A terminal that was closed, or a pipe whose reader has ended."""

    def write(self, text):
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(("after", "code"), [(9, 0), (1, ExitCode.HUNG_UP)])
def test_a_search_whose_terminal_has_gone_keeps_its_trials(monkeypatch, after, code):
    signalled(monkeypatch, "enas_inr.executors.local:train", after=after, number=HUP)
    out = StringIO()
    with redirect_stderr(Gone()), redirect_stdout(out):
        assert run(shlex.split(f"{SEARCH} --strategy exhaustive --no-racing --json")) == code
    monkeypatch.undo()
    assert len(call(f"{SEARCH} --strategy exhaustive --no-racing --json -q").json["trials"]) == 2


def signal_at(monkeypatch, step, number=TERM, what=lambda: None):
    """Do something and send a signal when the fit has made so many steps."""
    from enas_inr.cli.progress import Display

    told = Display.progressed
    sent: list[int] = []

    def tell(self, progress):
        told(self, progress)
        if progress.step >= step and not sent:
            sent.append(number)
            what()
            signal.raise_signal(number) if number else None

    monkeypatch.setattr(Display, "progressed", tell)


def test_a_fit_that_was_terminated_twice_has_the_bytes_of_an_undisturbed_one(folder, monkeypatch):
    assert call(f"{FIT.format('whole')} -q").code == 0
    for number, step in ((TERM, 1), (HUP, 30)):
        with monkeypatch.context() as patch:
            signal_at(patch, step, number)
            assert call(f"{FIT.format('m')} -q").code == 128 + number
    assert call(f"{FIT.format('m')} -q").code == 0
    assert (folder / "m.inr").read_bytes() == (folder / "whole.inr").read_bytes()
    assert not (folder / "m.inr.checkpoint").exists()


def test_fits_of_many_keep_what_is_done(folder, monkeypatch):
    Image.new("RGB", (16, 16), "teal").save("teal.png")
    line = f"fit sample:photo teal.png --size 16 {SIZES} --steps 30 -o models --json -q"
    with monkeypatch.context() as patch:
        signal_at(patch, 0)
        stopped = call(line)
    assert stopped.code == ExitCode.TERMINATED
    assert "terminated: 2 of 2 signals left to fit; run the same command again" in stopped.err
    assert json.loads(stopped.out)["left"] == 2
    again = call(line)
    assert (again.code, again.json["fitted"]) == (0, 2)


def test_a_folder_that_goes_during_a_fit_is_made_again(folder, monkeypatch):
    monkeypatch.setattr(fit_training, "CHECKPOINT_SECONDS", 0.0)
    os.mkdir("out")
    with monkeypatch.context() as patch:
        signal_at(patch, 1, what=lambda: shutil.rmtree("out"))
        assert call(f"{FIT.format('out/m')} -q").code == ExitCode.TERMINATED
    assert (folder / "out" / "m.inr.checkpoint").exists()
    with monkeypatch.context() as patch:
        signal_at(patch, 30, number=0, what=lambda: shutil.rmtree("out"))
        assert call(f"{FIT.format('out/m')} -q").code == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["m.inr"]


def test_the_folder_of_a_search_that_goes_is_made_again(folder, monkeypatch):
    os.mkdir("out")
    signalled(monkeypatch, "shutil:rmtree", after=99)
    with monkeypatch.context() as patch:
        signal_at(patch, 0, number=0, what=lambda: shutil.rmtree("out"))
        assert call(f"{SEARCH} -o out -q").code == 0
    assert (folder / "out" / "reconstruction.png").exists()


def full_disk(times):
    """Return what fails to write a checkpoint as often."""
    write, left = replace_bytes, list(range(times))

    def fail(path, content):
        if left:
            left.pop()
            raise SignalError(f"{str(path)!r} cannot be written: No space left on device")
        write(path, content)

    return fail


def test_a_full_disk_does_not_end_a_training(folder, monkeypatch, caplog):
    monkeypatch.setattr(fit_training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(fit_checkpoint, "replace_bytes", full_disk(2))
    assert call(f"{FIT.format('m')} -q").code == 0
    assert (folder / "m.inr").exists()
    (record,) = caplog.records
    assert "goes on without a new checkpoint, since 'm.inr.checkpoint' cannot" in record.message


def test_a_stop_on_a_full_disk_says_that_nothing_was_kept(monkeypatch):
    monkeypatch.setattr(fit_checkpoint, "replace_bytes", full_disk(99))
    signal_at(monkeypatch, 1)
    ended = call(f"{FIT.format('m')} -q")
    assert ended.code == ExitCode.SIGNAL
    assert ended.err == (
        "enas-inr: 'm.inr.checkpoint' cannot be written: No space left on device\n"
    )


def test_the_checkpoint_stays_until_the_model_is_written(folder, monkeypatch):
    """A kill, or a full disk, while the model is measured and written must not lose the fit."""
    monkeypatch.setattr(fit_training, "CHECKPOINT_SECONDS", 0.0)

    def fail(*args):
        raise SignalError("'m.inr' cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("enas_inr.model.model.Model.save", lambda *args, **options: fail())
        assert call(f"{FIT.format('m')} -q").code == ExitCode.SIGNAL
    assert (folder / "m.inr.checkpoint").exists()
    steps = []
    with monkeypatch.context() as patch:
        from enas_inr.cli.progress import Display

        patch.setattr(Display, "progressed", lambda self, told: steps.append(told.step))
        assert call(f"{FIT.format('m')} -q").code == 0
    assert steps == [] or min(steps) >= 20
    assert not (folder / "m.inr.checkpoint").exists()


def test_after_a_long_round_there_is_a_checkpoint(folder, monkeypatch):
    """A process that is killed before such a round has ended then loses only that round."""
    monkeypatch.setattr(fit_training, "LONG_SECONDS", 0.0)
    saved = []
    save = Checkpoint.save

    def see(self, states):
        saved.append(int(next(iter(states.values()))["done"]))
        save(self, states)

    monkeypatch.setattr(Checkpoint, "save", see)
    assert call(f"{FIT.format('m')} -q").code == 0
    assert saved[0] == 1
    assert len(saved) > 2


def test_states_and_pictures_that_cannot_be_written_cost_no_trial(monkeypatch, caplog):
    from safetensors import SafetensorError

    from enas_inr.studies import pictures

    def full(*args, **kwargs):
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    def upload(picture, name, folder):
        if name.startswith("reconstruction"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return pictures.upload(picture, name, folder)

    monkeypatch.setattr("safetensors.torch.save_file", full)
    monkeypatch.setattr("enas_inr.studies.store.upload", upload)
    ended = call(f"{SEARCH} --strategy exhaustive --no-racing --json -q --storage full.db")
    assert (ended.code, len(ended.json["trials"])) == (0, 2)
    (record,) = caplog.records
    assert "pictures of trials are not kept in" in record.message
    assert "full.db.artifacts: No space left on device" in record.message
