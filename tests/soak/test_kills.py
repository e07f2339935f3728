"""The judgement of the script that kills commands; `make soak` runs it."""

import subprocess
import sys

import pytest

pytest.importorskip("psutil")
pytest.importorskip("optuna")

from tests.soak.kills import COMMANDS, Counts, check_end, shares, table

TERMINATED = "import os; os._exit(143)"
ENDED = "pass"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
STOPPED = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"


@pytest.mark.parametrize(
    ("code", "kind", "outside", "text", "faults"),
    [
        (TERMINATED, "TERM", False, "terminated: 3 trials stored", 0),
        (TERMINATED, "TERM", False, "Traceback (most recent call last):", 1),
        (TERMINATED, "TERM", False, "*** SIGTERM received at time=1795829500 on cpu 0 ***", 1),
        (TERMINATED, "INT", False, "", 1),
        (KILLED, "KILL", False, "", 0),
        (ENDED, "KILL", False, "", 1),
        (ENDED, "KILL", True, "", 0),
        (STOPPED, "TERM", False, "", 1),
        (STOPPED, "TERM", True, "", 0),
    ],
)
def test_how_a_command_ends_is_judged(code, kind, outside, text, faults):
    process = subprocess.Popen([sys.executable, "-S", "-c", code])
    process.wait()
    counts = Counts()
    check_end(process, kind, outside, text, counts)
    assert counts.faults == len(counts.remarks) == faults


def test_each_command_gets_its_share_and_its_row():
    assert dict(shares(200, list(COMMANDS))) == dict(
        zip(COMMANDS, (28, 29, 28, 29, 28, 29, 29), strict=True)
    )
    found = {"fit": Counts(kills=3, runs=2, lost=1), "search": Counts(kills=1, runs=1)}
    *_, last = table(found).splitlines()
    assert last == "| all | 4 | 3 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |"
