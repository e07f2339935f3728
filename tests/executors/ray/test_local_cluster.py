"""A cluster that a search starts on this machine: who can reach it, and how it ends."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")

CODE = "from enas_inr.cli.main import main; main()"
SEARCH = (
    "search sample:photo --size 64 --grid 4 --widths 64,96 --depths 2,3 --steps 99999 "
    "--strategy exhaustive --no-racing --executor ray --workers 1"
)


def in_session(leader):
    """Return the processes of a session, of which some may end meanwhile."""
    found = []
    for one in psutil.process_iter():
        with suppress(ProcessLookupError):
            if os.getsid(one.pid) == leader:
                found.append(one)
    return found


def test_it_listens_on_this_machine_only_and_ends_with_the_search(tmp_path):
    """Its processes are in the session of the search, also those that have lost their parents."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *SEARCH.split()],
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
    ours = in_session(process.pid)
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
