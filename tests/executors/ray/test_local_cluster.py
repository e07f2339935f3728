"""A cluster that a search starts on this machine: who can reach it, and how it ends."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("ray")
pytest.importorskip("psutil")

import psutil

from tests.command_line import MAIN
from tests.soak.processes import alive

SEARCH = (
    "search sample:photo --size 64 --grid 4 --widths 64,96 --depths 2,3 --steps 99999 "
    "--strategy exhaustive --no-racing --executor ray --workers 1"
)


def test_it_listens_on_this_machine_only_and_ends_with_the_search(tmp_path):
    """Its processes are in the session of the search, also those that have lost their parents."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *SEARCH.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"RAY_TMPDIR": "/tmp"},
        start_new_session=True,
    )
    assert process.stderr
    for line in process.stderr:
        if "dashboard" in line:
            break
    ours = alive(process.pid)
    assert {"gcs_server", "raylet"} <= {one.name() for one in ours}
    ports = [
        port.laddr
        for one in ours
        for port in one.net_connections("inet")
        if port.status == psutil.CONN_LISTEN
    ]
    assert len(ports) > 5
    assert {port.ip for port in ports} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    os.kill(process.pid, signal.SIGTERM)
    out, said = process.communicate()
    assert (process.returncode, out) == (143, "")
    assert said.splitlines()[-1].startswith("terminated: 0 trials stored in study photo-")
    assert "***" not in said
    _, left = psutil.wait_procs(ours, timeout=60)
    assert left == []
