import sys
from pathlib import Path

import pytest

from enas_inr.plugins.catalog import STRICT_VARIABLE
from enas_inr.plugins.provider import DISABLE_VARIABLE
from tests.plugins.plugin_site import Site


@pytest.fixture
def site(tmp_path_factory, monkeypatch):
    """A folder for distributions, from which this process imports."""
    folder = tmp_path_factory.mktemp("site")
    for variable in (DISABLE_VARIABLE, STRICT_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(folder)
    yield Site(folder)
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent == folder:
            del sys.modules[name]
