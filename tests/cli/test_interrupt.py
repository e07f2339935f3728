"""What signals do to a command; see tests/system/test_signals.py for the commands themselves."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from enas_inr.cli.interrupt import CODES, Interrupted, stopping
from enas_inr.errors import ExitCode
from tests.command_line import call_process

WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_signal_raises_and_decides_the_exit_code(number):
    before = signal.getsignal(number)
    with stopping() as stop, pytest.raises(Interrupted):
        signal.raise_signal(number)
    assert (stop.code, stop.word) == (128 + number, WORDS[number.name])
    assert signal.getsignal(number) is before


def test_a_signal_that_was_ignored_stays_ignored():
    """So `nohup` lets a search go on when the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping() as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.received is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_the_handlers_alone():
    found: list[object] = []

    def work():
        with stopping() as stop:
            found.extend([stop.received, signal.getsignal(signal.SIGTERM)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None, signal.getsignal(signal.SIGTERM)]


def test_a_held_signal_waits_for_the_end_of_the_outer_block():
    done = []

    def store(stop):
        with stop.held():
            with stop.held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with stopping() as stop, pytest.raises(Interrupted):
        store(stop)
    assert done == ["inner", "outer"]


def test_a_noted_signal_raises_nothing():
    with stopping() as stop, stop.noted() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGTERM)
        assert should_stop()


def test_what_python_ignores_is_raised_again():
    """An exception in a finalizer or in a callback would otherwise be lost, with the signal."""

    class Finalized:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    def finalize():
        Finalized()
        threading.Event().wait(60)

    with stopping(), pytest.raises(Interrupted):
        finalize()


def test_what_a_plugin_catches_is_raised_again_with_the_next_progress():
    with stopping() as stop:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException:
            assert stop.received
        with pytest.raises(Interrupted):
            stop.check()


def test_a_forked_child_dies_as_usual():
    with stopping() as stop:
        if (child := os.fork()) == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        assert stop.received is None


TWICE = """
import signal, threading
from enas_inr.cli import interrupt
interrupt.PATIENCE_SECONDS = {patience}
interrupt.SAME_SECONDS = {same}
with interrupt.stopping() as stop, stop.noted():
    for _ in range({times}):
        signal.raise_signal(signal.{name})
    print("still here", flush=True)
    threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("values", "code", "out", "said"),
    [
        ((60, 0, 2, "SIGINT"), 130, "", "interrupted, ended at once"),
        ((60, 0, 2, "SIGTERM"), 143, "", "terminated, ended at once"),
        ((0.2, 60, 2, "SIGTERM"), 143, "still here\n", "terminated, ended after 0.2 s"),
        ((0.2, 60, 1, "SIGHUP"), 129, "still here\n", "hung up, ended after 0.2 s"),
    ],
)
def test_the_second_signal_or_the_end_of_patience_ends_the_process(values, code, out, said):
    """A second signal that comes with the first one, as `timeout` sends it, is the same one."""
    fields = dict(zip(("patience", "same", "times", "name"), values, strict=True))
    ended = python(TWICE.format(**fields))
    assert (ended.returncode, ended.stdout) == (code, out)
    line = f"enas-inr: {said}; run the same command again to go on from what is stored\n"
    assert ended.stderr == line


AT_START = """
import os, signal
from enas_inr.cli import app
def die(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
app.run = die
from enas_inr.cli.main import main
main()
"""


def test_as_process_1_it_ends_as_well():
    """The kernel does not deliver a signal to process 1 of a container that does not handle it."""
    isolated = ["unshare", "--pid", "--fork", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*isolated, "true"], check=False).returncode:
        pytest.skip("no permission for a PID namespace")
    command = [*isolated, sys.executable, "-c", "import os; assert os.getpid() == 1" + AT_START]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (143, "enas-inr: terminated\n")


IMPORTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "enas_inr.cli.search":
            os.kill(os.getpid(), signal.SIGHUP)
sys.meta_path.insert(0, Finder())
from enas_inr.cli.main import main
main()
"""


def test_a_signal_during_the_first_imports_is_one_line():
    ended = python(IMPORTING)
    assert (ended.returncode, ended.stderr) == (ExitCode.HUNG_UP, "enas-inr: hung up\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(tmp_path, closed):
    code = (
        "import os; from enas_inr.cli.process import open_streams; open_streams(); "
        "file = os.open('file', os.O_CREAT | os.O_RDWR); print('text', flush=True); "
        "os.write(1, b'raw'); assert file > 2; assert not os.pread(file, 9, 0)"
    )
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], cwd=tmp_path, check=False
    )
    assert ended.returncode == 0


def test_output_on_a_full_disk_is_an_error_in_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        ended = call_process("--version", tmp_path, stdout=full)
    assert ended.code == ExitCode.SIGNAL
    assert (
        ended.err == "enas-inr: output cannot be written: No space left on device; check the disk\n"
    )
