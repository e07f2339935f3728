"""Workers that fit into a cluster, and attempts after the death of a worker; without Ray."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from enas_inr.errors import SpecError, TrainingError
from enas_inr.executors.options import RayOptions
from enas_inr.executors.ray.cluster import connect, was_told_to_end
from enas_inr.executors.ray.pool import Attempt
from enas_inr.executors.ray.room import Needs, settle
from enas_inr.executors.ray.surroundings import check_socket_paths, described, kept_handlers
from enas_inr.spec import Cost, EnsembleSpec, TrainingSpec, TrialSpec
from tests.command_line import MAIN, assert_one_line, call


def node(cpus: float, gpus: float = 0, alive: bool = True) -> dict[str, object]:
    return {"Alive": alive, "Resources": {"CPU": cpus} | ({"GPU": gpus} if gpus else {})}


@pytest.mark.parametrize(
    ("options", "nodes", "needs", "workers"),
    [
        ({}, [node(2)], Needs(1, 0), 2),
        ({}, [node(8, 2)], Needs(1, 1), 2),
        ({"gpus_per_trial": 0}, [node(8, 2)], Needs(1, 0), 8),
        ({"gpus_per_trial": 0.5}, [node(8, 2), node(1, 1)], Needs(1, 0.5), 5),
        ({"gpus_per_trial": 1 / 3}, [node(8, 1)], Needs(1, 1 / 3), 3),
        ({"cpus_per_trial": 3}, [node(4), node(8), node(8, alive=False)], Needs(3, 0), 3),
        ({"cpus_per_trial": 0, "gpus_per_trial": 0.25}, [node(1, 1)], Needs(0, 0.25), 4),
        ({"workers": 1}, [node(4)], Needs(1, 0), 1),
    ],
)
def test_as_many_workers_as_have_room(options, nodes, needs, workers):
    assert settle(RayOptions(**options), nodes) == (needs, workers)


@pytest.mark.parametrize(
    ("options", "nodes", "said"),
    [
        ({"workers": 5}, [node(4)], r"1 node \(4 CPU 0 GPU\); give at most --workers 4"),
        ({"gpus_per_trial": 1}, [node(4)], "--gpus-per-trial"),
        ({"cpus_per_trial": 3}, [node(2), node(2)], r"2 nodes \(2 CPU 0 GPU; 2 CPU 0 GPU\)"),
        ({"cpus_per_trial": 0}, [node(2)], "0 CPUs and 0 GPUs"),
    ],
)
def test_what_a_cluster_does_not_have_is_refused_with_what_it_has(options, nodes, said):
    with pytest.raises(SpecError, match=said):
        settle(RayOptions(**options), nodes)


def first_attempt():
    trial = TrialSpec(
        number=3,
        ensemble=EnsembleSpec(width=128),
        cost=Cost(flops=1, parameters=1, bytes=1),
        training=TrainingSpec(),
        repeats=1,
        seed=0,
    )
    return Attempt(trial, share=0.5)


def test_a_trial_that_lacked_memory_gets_smaller_chunks():
    first = first_attempt()
    assert first.again(RuntimeError("the node went away")) == replace(first, deaths=1)
    killed = RuntimeError("The actor was killed due to the node running low on memory.")
    assert first.again(killed).again(killed) == replace(first, share=0.125, deaths=2)


def test_without_ray_it_says_what_to_install(tmp_path):
    code = f"import sys; sys.modules['ray'] = None\n{MAIN}"
    line = "search sample:photo --size 8 --grid 1 --widths 4 --depths 1 --steps 1"
    command = [sys.executable, "-c", code, *line.split(), "--storage", f"{tmp_path}/s.db"]
    asked = subprocess.run([*command, "--executor", "ray"], capture_output=True, text=True)
    assert asked.returncode == 5
    assert asked.stderr.splitlines()[-1].startswith("enas-inr: ")
    assert "pip install 'enas-inr[ray]'" in asked.stderr
    assert "Traceback" not in asked.stderr
    without = subprocess.run([*command, "--quiet"], capture_output=True, text=True)
    assert without.returncode == 0


def test_a_cluster_that_wants_a_token_says_so(tmp_path):
    pytest.importorskip("ray")
    line = "search sample:photo --size 8 --grid 1 --widths 4 --depths 1 --steps 1 --executor ray"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = ["--ray-address", f"127.0.0.1:{server.getsockname()[1]}"]
        asked = subprocess.run(
            [sys.executable, "-c", MAIN, *line.split(), *address, "--storage", f"{tmp_path}/s.db"],
            capture_output=True,
            text=True,
            env=os.environ | {"HOME": str(tmp_path), "RAY_AUTH_MODE": "token"},
        )
    assert asked.returncode == 7
    assert "RAY_AUTH_MODE=token" in asked.stderr.splitlines()[-1]
    assert "Traceback" not in asked.stderr


def test_a_folder_too_long_for_the_sockets_is_named_with_the_lengths():
    """The longest path is that of the object store, with the number of the process."""
    process = len(str(os.getpid()))
    folder = "/" + 59 * "f"
    with pytest.raises(SpecError) as caught:
        check_socket_paths({"RAY_TMPDIR": folder})
    used = 60 + 61 + process
    assert f"RAY_TMPDIR={folder!r}: its 60 bytes make paths of {used} bytes" in str(caught.value)
    assert "the system allows 107; set RAY_TMPDIR" in str(caught.value)
    fits = "/" + (107 - 61 - process - 1) * "f"
    check_socket_paths({"RAY_TMPDIR": fits})
    check_socket_paths({"RAY_TMPDIR": "/tmp", "TMPDIR": folder})
    with pytest.raises(SpecError, match="TMPDIR='/f"):
        check_socket_paths({"TMPDIR": fits + "f"})
    with pytest.raises(SpecError, match="RAY_TMPDIR='' is not an absolute path"):
        check_socket_paths({"RAY_TMPDIR": ""})
    check_socket_paths({})


def test_a_folder_too_long_for_the_sockets_ends_a_search_with_its_code(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_TMPDIR", "/" + 59 * "f")
    line = "search sample:photo --size 8 --grid 1 --widths 4 --depths 1 --steps 1 --executor ray -q"
    asked = call(f"{line} --storage {tmp_path}/s.db")
    assert_one_line(asked, 2)
    assert asked.err.startswith("enas-inr: Ray cannot put its sockets into RAY_TMPDIR='/fff")


def test_the_logs_of_a_start_that_failed_are_where_ray_puts_them(monkeypatch):
    ray = pytest.importorskip("ray")

    def fail(**options):
        raise RuntimeError("no raylet\nand more")

    monkeypatch.setattr(ray, "init", fail)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_TMPDIR", "/scratch")
    with pytest.raises(TrainingError) as caught, ExitStack() as at_end:
        connect(RayOptions(), "tests", at_end)
    assert str(caught.value) == (
        "Ray cannot be started on this machine: no raylet; "
        "see the logs in /scratch/ray/session_latest/logs, or use --executor local"
    )


class Dashboard(BaseHTTPRequestHandler):
    wants_token = True

    def do_GET(self):
        self.send_response(401 if self.wants_token else 200)
        self.end_headers()

    def log_message(self, format, *args):
        """Print nothing."""


class Open(Dashboard):
    wants_token = False


@pytest.mark.parametrize(("handler", "said"), [(Dashboard, "token: "), (Open, "warning: whoever")])
def test_a_dashboard_without_a_token_is_a_warning(handler, said):
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        look = "its Task Table has the fits"
        line = described(f"127.0.0.1:{server.server_port}", "01000000", look)
        server.shutdown()
    assert said in line
    assert f"http://127.0.0.1:{server.server_port}" in line
    assert ("/#/jobs/01000000 " in line) == handler.wants_token
    assert line.endswith(f"; {look}") == handler.wants_token


def test_the_end_of_a_node_is_not_the_fault_of_the_architecture():
    """The words are those of Ray 2.60, of a raylet that got SIGTERM and of one that got SIGKILL."""
    ended = RuntimeError("The actor's node was terminated expectedly: received SIGTERM")
    assert was_told_to_end(ended)
    died = RuntimeError("Worker unexpectedly exits with a connection error code 2. End of file.")
    assert not was_told_to_end(died)
    first = first_attempt()
    assert first.again(ended) == first
    assert first.again(died).deaths == 1


def replaced(number, frame):
    """Do what Ray does at SIGTERM while it starts."""
    sys.exit(number)


def told_to_end():
    with kept_handlers():
        signal.signal(signal.SIGTERM, replaced)
        signal.raise_signal(signal.SIGTERM)


def test_the_handlers_of_the_command_line_are_kept():
    """The handler may only note the signal; the start of Ray does not go on in any case."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    ours = signal.getsignal(signal.SIGTERM)
    try:
        with kept_handlers():
            signal.signal(signal.SIGTERM, replaced)
        assert signal.getsignal(signal.SIGTERM) is ours
        with pytest.raises(KeyboardInterrupt):
            told_to_end()
        assert heard == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with kept_handlers():
            signal.signal(signal.SIGTERM, replaced)
        assert signal.getsignal(signal.SIGTERM) is replaced
    finally:
        signal.signal(signal.SIGTERM, before)
