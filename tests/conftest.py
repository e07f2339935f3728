"""What all tests have in common.

With `make shapes`, the shapes and types in annotations are checked at every call in the rooms that
work with tensors, which takes half as long again. Where torch is not installed, a test that imports
it is skipped (see `make test-without-torch`).
"""

import gc
import os
import signal
import sys
import tempfile
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

import pytest

from tests import type_checks

ROOMS = ["signals", "backbones", "training", "executors", "model", "reports"]

if type_checks.ASKED:
    from jaxtyping import install_import_hook

    install_import_hook([f"enas_inr.{room}" for room in ROOMS], f"{type_checks.__name__}.checked")

# A shell starts a job in the background with SIGINT ignored, `nohup` one with SIGHUP ignored, and
# programs inherit that: those that tests stop with such a signal would run on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Searches keep states of trainings there, which should not be those of the user.
CACHE = tempfile.TemporaryDirectory(prefix="enas-inr-tests-")
os.environ["ENAS_INR_CACHE"] = CACHE.name
os.environ["ENAS_INR_SETTINGS"] = ""  # no settings file of the user
os.environ.pop("ENAS_INR_STORAGE", None)


# All modules and tests stay until the end, and searching them for garbage again and again takes a
# third of the time in which they are collected.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_unconfigure():
    gc.unfreeze()  # so that extension modules find nothing left at the end


def pytest_configure():
    """Read Optuna's revisions once, as each process does, and not for each new storage."""
    from alembic.script import ScriptDirectory

    read = ScriptDirectory.from_config
    known: dict[str | None, ScriptDirectory] = {}

    def from_config(config):
        folder = config.get_main_option("script_location")
        return known.get(folder) or known.setdefault(folder, read(config))

    ScriptDirectory.from_config = from_config  # type: ignore[method-assign]


RAY = "tests/executors/ray/"


def pytest_collection_modifyitems(items):
    """The tests of Ray come first: they take longest, one after the other, and mostly wait."""
    items.sort(key=lambda item: not item.nodeid.startswith(RAY))


def pytest_runtest_setup(item):
    """All other tests, which never wait, leave the processor to those of Ray.

    Each begins with the same random numbers, whatever ran before it in its process.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(RAY):
        os.nice(max(0, 10 - os.nice(0)))


def pytest_xdist_make_scheduler(config, log):
    """The tests of a file run in one process, and those of a Ray cluster, of which there is one."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class RayTogether(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return RAY if nodeid.startswith(RAY) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # which is by the number of tests
    return RayTogether(config, log)


class SkipWithoutTorch(MetaPathFinder):
    """Skips the test, or the file of tests, that imports torch."""

    def find_spec(self, fullname, path, target=None):
        if fullname == "torch":
            pytest.skip("torch is not installed", allow_module_level=True)


if find_spec("torch") is None:
    sys.meta_path.append(SkipWithoutTorch())


@pytest.fixture
def threads():
    """Sets the number of torch's threads, and restores it afterwards."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
