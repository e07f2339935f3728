"""Shapes in type annotations are checked in tests, in the rooms that work with tensors.

Where torch is not installed, a test that imports it is skipped (see `make test-without-torch`).
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

import pytest
from jaxtyping import install_import_hook

from tests import type_checks

ROOMS = ["signals", "backbones", "training", "executors", "model", "reports"]

install_import_hook([f"enas_inr.{room}" for room in ROOMS], f"{type_checks.__name__}.checked")


class SkipWithoutTorch(MetaPathFinder):
    """Skips the test, or the file of tests, that imports torch."""

    def find_spec(self, fullname, path, target=None):
        if fullname == "torch":
            pytest.skip("torch is not installed", allow_module_level=True)


if find_spec("torch") is None:
    sys.meta_path.append(SkipWithoutTorch())
