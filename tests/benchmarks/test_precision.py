"""The table of precisions has a row for each case and precision."""

import pytest

from tests.scripts import BENCHMARKS, script


def test_each_precision_is_measured(capsys, tmp_path):
    pytest.importorskip("skimage")
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: precision --><!-- end: precision -->")
    with script(BENCHMARKS / "precision.py") as module:
        module.main(["--cases", "1", "--steps", "2", "--page", str(page)])
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[1] for row in rows] == ["float16", "int8"]
    assert rows[0] in page.read_text()
