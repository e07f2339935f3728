"""A search that is told to end at any moment of Ray's life ends in one line, with its code."""

import subprocess
import sys

import pytest

pytest.importorskip("ray")

SEARCH = (
    "search sample:photo --size 8 --grid 1 --widths 4 --depths 1 --steps 1 --strategy exhaustive "
    "--no-racing --executor ray --study s"
)
MOMENTS = """
import os, signal, sys
import ray, ray._raylet as library
import enas_inr.executors.ray.pool as pool

moment, number = sys.argv.pop(1), getattr(signal, sys.argv.pop(1))
OWNERS = {"CoreWorker": library, "_assign": pool.Pool, "shutdown": ray}
before = getattr(OWNERS[moment], moment)
told = False

def function(*arguments, **named):
    global told
    result = before(*arguments, **named)
    if not told:
        told = True
        os.kill(os.getpid(), number)
    return result

setattr(OWNERS[moment], moment, function)
from enas_inr.cli.main import main
main()
"""


def drive(folder, cluster, moment, name):
    """Run the command in a process that sends itself a signal right after a call."""
    address = ["--ray-address", cluster.address, "--storage", f"{folder}/study.db"]
    return subprocess.run(
        [sys.executable, "-c", MOMENTS, moment, name, *SEARCH.split(), *address],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("moment", ["CoreWorker", "_assign", "shutdown"])
def test_a_signal_ends_a_search_in_one_line_whatever_ray_does(tmp_path, cluster, moment, name):
    """`CoreWorker` installs a handler with a stack trace, `shutdown` that of the system."""
    ended = drive(tmp_path, cluster, moment, name)
    word, code = {"SIGTERM": ("terminated", 143), "SIGINT": ("interrupted", 130)}[name]
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    count = "1 trial" if moment == "shutdown" else "0 trials"
    assert ended.stderr.splitlines()[-1] == (
        f"{word}: {count} stored in study s (sqlite:///{tmp_path}/study.db); "
        "run the same command again to resume"
    )
    for trace in ("***", "Traceback", "@  ", "logging.cc", "SystemExit"):
        assert trace not in ended.stderr
