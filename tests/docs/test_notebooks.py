"""The notebooks of the documentation run, and show what they promise."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def outputs(cell):
    return [output for output in cell.get("outputs", ()) if output.output_type != "stream"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_stored_without_outputs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    shown = [output.get("data", {}) for cell in code for output in outputs(cell)]
    assert any("text/html" in data for data in shown)
    if path.stem == "first-steps":
        last = [data["text/plain"] for data in shown if "text/plain" in data][-2:]
        assert [text.split(",")[0] for text in last] == ["(True", "(False"]
        assert last[1] == "(False, True)"
        assert any("image/png" in data for data in shown)
