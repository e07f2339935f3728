"""An interrupted fit of many signals goes on, and loses nothing."""

import json
import signal
import subprocess
import sys

import pytest

import enas_inr
from enas_inr.api import fit_plan
from enas_inr.api.fit import hand_over
from enas_inr.api.fit_summary import FitStatus
from enas_inr.errors import ExitCode
from enas_inr.model import fit_training
from enas_inr.training.checkpoint import restore_jobs
from tests.api.fitted import OPTIONS, SETTINGS, same_numbers, statuses
from tests.command_line import MAIN, call


@pytest.mark.parametrize("rounds", [0, 1, 4, 9, 15])
def test_a_call_that_was_stopped_goes_on(photos, tmp_path, small_groups, rounds):
    """It stops while the signals are read, or in a group, or between two."""
    whole = enas_inr.fit_many([photos], output=tmp_path / "whole", **SETTINGS)
    folder, left = tmp_path / "models", iter(range(rounds))
    stopped = enas_inr.fit_many(
        [photos], output=folder, should_stop=lambda: next(left, None) is None, **SETTINGS
    )
    assert not stopped.finished
    done = stopped.count(FitStatus.FITTED)
    assert done < 6
    result = enas_inr.fit_many([photos], output=folder, **SETTINGS)
    assert statuses(result).count("kept") == done
    assert statuses(result).count("fitted") == 6 - done
    assert not list(folder.rglob("*.checkpoint"))
    for ours, undisturbed in zip(result.rows, whole.rows, strict=True):
        assert same_numbers(ours.path, undisturbed.path)


KILLED = """
import os, signal
from enas_inr.api import fit_group
from enas_inr.model import fit_training

fit_training.CHECKPOINT_SECONDS = 0.0  # after each round
written = []
hand_over = fit_group.hand_over

def hand_over_and_die(*given, **more):
    made = hand_over(*given, **more)
    written.append(made.path)
    if len(written) == {count}:
        os.kill(os.getpid(), signal.SIGKILL)
    return made

fit_group.hand_over = hand_over_and_die
"""


def test_after_a_kill_nothing_is_fitted_twice_and_nothing_is_lost(photos, tmp_path, monkeypatch):
    """It is killed when half of a group is written, also the one that names the checkpoint."""
    line = ["fit", str(photos), "-o", str(tmp_path / "models"), *OPTIONS.split()]
    code = KILLED.format(count=3) + MAIN
    died = subprocess.run([sys.executable, "-c", code, *line], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "models").rglob("*.inr"))) == 3
    assert (tmp_path / "models" / "0.inr").exists()
    assert (tmp_path / "models" / "0.inr.checkpoint").exists()
    restored = []

    def see(run, states, best):
        restored.append((len(states), int(states[0]["done"])))
        restore_jobs(run, states, best)

    monkeypatch.setattr(fit_training, "restore_jobs", see)
    assert call(" ".join(line)).code == 0
    ((signals, steps),) = restored
    assert signals == 3
    assert 0 < steps < 40
    assert not list((tmp_path / "models").rglob("*.checkpoint"))
    stored = json.loads((tmp_path / "models" / "summary.json").read_text())
    assert (stored["kept"], stored["fitted"], stored["left"]) == (3, 3, 0)
    whole = enas_inr.fit_many([photos], output=tmp_path / "whole", **SETTINGS)
    for row in whole.rows:
        assert same_numbers(row.path, tmp_path / "models" / f"{row.name}.inr")


def test_a_checkpoint_of_files_that_are_written_is_removed(photos, tmp_path):
    """That is what a kill after the last file of a group leaves."""
    enas_inr.fit_many(
        [photos], output=tmp_path, should_stop=stops_after_reading(photos), **SETTINGS
    )
    (checkpoint,) = tmp_path.glob("*.checkpoint")
    content = checkpoint.read_bytes()
    enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)
    checkpoint.write_bytes(content)
    assert statuses(enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)) == ["kept"] * 6
    assert not checkpoint.exists()


def test_a_checkpoint_of_other_settings_is_not_overwritten(photos, tmp_path):
    """It is that of the first signal alone, so the others are fitted."""
    enas_inr.fit_many(
        [photos], output=tmp_path, should_stop=stops_after_reading(photos), **SETTINGS
    )
    other = SETTINGS | {"seed": 1}
    found = enas_inr.fit_many([photos], output=tmp_path, **other)
    assert statuses(found) == ["failed"] + ["fitted"] * 5
    assert "0.inr.checkpoint' belongs to another fit; remove it" in found.rows[0].message
    forced = enas_inr.fit_many([photos], output=tmp_path, force=True, **other)
    assert statuses(forced) == ["fitted"] + ["kept"] * 5
    assert not list(tmp_path.glob("*.checkpoint"))


def test_ctrl_c_says_what_is_left_and_the_same_command_goes_on(photos, tmp_path):
    line = ["fit", str(photos), "-o", str(tmp_path / "m"), *OPTIONS.split()[:-1], "--json"]
    watcher = (
        "import enas_inr.cli.progress as p, os, signal\n"
        "seen, pressed = p.Display.progressed, []\n"
        "def press(self, progress):\n"
        "    seen(self, progress)\n"
        "    if progress.label.startswith('fit of') and progress.done >= 0.2 and not pressed:\n"
        "        pressed.append(os.kill(os.getpid(), signal.SIGINT))\n"
        "p.Display.progressed = press\n"
    )
    command = [sys.executable, "-c", watcher + MAIN, *line]
    stopped = subprocess.run(command, capture_output=True, text=True, check=False)
    assert stopped.returncode == ExitCode.INTERRUPTED
    assert json.loads(stopped.stdout)["left"] == 6
    assert "interrupted: 6 of 6 signals left to fit; run the same command again" in stopped.stderr
    assert (tmp_path / "m" / "0.inr.checkpoint").exists()
    again = call(" ".join(line))
    assert again.code == 0
    assert again.json["fitted"] == 6


@pytest.mark.parametrize("most_bytes", [0, 110_000, 2**28])
def test_groups_are_as_large_as_the_memory_and_equal_shapes_are_together(
    photos, tmp_path, monkeypatch, most_bytes
):
    from enas_inr.api import fit_group

    monkeypatch.setattr(fit_plan, "GROUP_BYTES", most_bytes)
    groups: list[list[str]] = []
    fit = fit_group.fit_group

    def see(recipe, group, *others):
        groups.append([member.name for member in group.members])
        sizes = [member.bytes for member in group.members]
        assert len(sizes) == 1 or sum(sizes) <= most_bytes
        return fit(recipe, group, *others)

    monkeypatch.setattr(fit_group, "fit_group", see)
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **SETTINGS)
    assert statuses(result) == ["fitted"] * 6
    assert [name for group in groups for name in group] == ["0", "2", "4", "1", "3", "5"]
    assert len(groups) == {0: 6, 110_000: 3, 2**28: 1}[most_bytes]


def test_the_checkpoint_is_there_until_the_files_are(photos, tmp_path, monkeypatch):
    """A kill in between would otherwise lose what was trained."""
    from enas_inr.api import fit_group

    enas_inr.fit_many(
        [photos], output=tmp_path, should_stop=stops_after_reading(photos), **SETTINGS
    )
    (checkpoint,) = tmp_path.glob("*.checkpoint")
    write = hand_over
    there: list[bool] = []

    def see(*given, **more):
        made = write(*given, **more)
        there.append(checkpoint.exists())
        return made

    monkeypatch.setattr(fit_group, "hand_over", see)
    assert statuses(enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)) == ["fitted"] * 6
    assert there == [True] * 6
    assert not checkpoint.exists()


def stops_after_reading(folder):
    """Stops after the signals were read, the group has begun, and two rounds are trained."""
    left = iter(range(len(list(folder.rglob("*.png"))) + 3))
    return lambda: next(left, None) is None
