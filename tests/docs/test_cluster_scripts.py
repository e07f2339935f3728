"""The example scripts for clusters, with stand-ins for the programs of Slurm."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.command_line import MAIN, call

CLUSTER = Path(__file__).parents[2] / "docs" / "cluster"
FIT = "fit sample:photo --size 16 --grid 2 --depth 1 --width 4 --steps 60 -q -o {}.inr"

PROGRAM = f"""#!{sys.executable}
import os, signal
if "FIRST" in os.environ:
    # At its first progress, it says that it trains, and waits for a signal.
    import enas_inr.cli.progress as progress
    told = progress.Display.progressed
    def tell(self, event):
        told(self, event)
        print("training", flush=True)
        while self._stop.received is None:
            signal.pause()
    progress.Display.progressed = tell
{MAIN}
"""
SCONTROL = '#!/bin/sh\necho "$@" > requeued\n'


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder in which `enas-inr` and `scontrol` are found."""
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    pytest.importorskip("torch")
    for name, text in (("enas-inr", PROGRAM), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(**environment):
    command = ["bash", str(CLUSTER / "slurm.sh"), *FIT.format("job").split()]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )


def test_a_job_of_slurm_that_is_terminated_is_requeued_and_goes_on_to_the_same_model(slurm):
    """Slurm sends SIGTERM to the script alone (`--signal=B:TERM@60`)."""
    first = job(FIRST="1")
    assert first.stdout
    assert first.stdout.readline() == "training\n"
    first.terminate()
    first.communicate()
    assert first.returncode == 143
    assert (slurm / "requeued").read_text() == "requeue 7\n"
    assert (slurm / "job.inr.checkpoint").exists()
    (slurm / "requeued").unlink()
    second = job()
    second.communicate()
    assert second.returncode == 0
    assert not (slurm / "requeued").exists()
    assert call(FIT.format("whole")).code == 0
    assert (slurm / "job.inr").read_bytes() == (slurm / "whole.inr").read_bytes()


def test_the_script_asks_slurm_for_a_requeue_and_for_a_signal():
    asked = re.findall(r"^#SBATCH --(\S+)$", (CLUSTER / "slurm.sh").read_text(), re.MULTILINE)
    assert {"requeue", "signal=B:TERM@60", "open-mode=append"} <= set(asked)


def test_the_job_of_kubernetes_waits_long_enough_and_starts_the_program_itself():
    from enas_inr.cli.interrupt import PATIENCE_SECONDS

    job = yaml.safe_load((CLUSTER / "job.yaml").read_text())["spec"]
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] > PATIENCE_SECONDS
    (container,) = pod["containers"]
    program, *line = container["command"]
    assert program == "enas-inr"
    ignored = [rule["onExitCodes"]["values"] for rule in job["podFailurePolicy"]["rules"][1:]]
    assert ignored == [[143], [2, 3, 4, 5]]
    wrong = call(shlex.join(line))  # the picture is not here, and everything else is as it should
    assert wrong.code == 3
    assert "/models/photo.png" in wrong.err
