"""What tasks of the tests do, in a module of its own, since workers import it without torch."""

import os
import signal

from enas_inr.executors.base import TrialProgress


def divided(shared, content, should_stop, on_progress):
    on_progress(TrialProgress(None, "half", 0.5, 0, None))
    return shared / content


def dies_once(folder, content, should_stop, on_progress):
    try:
        (folder / f"{content}").touch(exist_ok=False)
    except FileExistsError:
        return content
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def dies(shared, content, should_stop, on_progress):
    os.kill(os.getpid(), signal.SIGKILL)


def waits(shared, content, should_stop, on_progress):
    """Ends when it is asked to stop, without a limit of time."""
    on_progress(TrialProgress(None, "begun", 0.1, 0, None))
    while not should_stop():
        os.sched_yield()  # lets the other thread hear of it
    return "stopped"
