"""Shapes in type annotations are checked in tests, in the rooms that work with tensors."""

import pytest
from jaxtyping import install_import_hook

install_import_hook(
    ["enas_inr.signals", "enas_inr.backbones", "enas_inr.training"], "beartype.beartype"
)


def pytest_collection_modifyitems(config, items):
    """Keep a file's tests in one process, for its fixtures, and all that need a cluster in one."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "cluster" if item.path.parent.name == "executors" else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))
