import json
import subprocess
import sys

import pytest

from tests.scripts import BENCHMARKS, script


@pytest.fixture(scope="module")
def performance():
    with script(BENCHMARKS / "performance.py") as module:
        yield module


def test_parts_of_a_page_are_replaced_and_the_rest_is_kept(performance):
    page = "a\n<!-- begin: one -->\nold\n<!-- end: one -->\nb\n"
    made = performance.filled(page, {"one": "new"})
    assert made == "a\n<!-- begin: one -->\n\nnew\n\n<!-- end: one -->\nb\n"
    assert performance.filled(made, {"one": "new"}) == made
    with pytest.raises(ValueError, match="begin: two"):
        performance.filled(page, {"two": "new"})


def test_the_page_has_a_place_for_every_part(performance, monkeypatch):
    for name in ("machine_line", "search_table"):
        monkeypatch.setattr(performance, name, lambda: "text")
    for name in ("training_table", "growth_table"):
        monkeypatch.setattr(performance, name, lambda *asked: "text")
    page = performance.PAGE.read_text()
    assert performance.filled(page, performance.measure_all()) != page


def test_tables_hold_what_other_processes_measured(performance, monkeypatch):
    found = {"seconds": 0.5, "others": 0.25, "early": 2e6, "peak": 3e6, "sampled": 4e6}
    found |= {"trained": 20, "trials": 4}
    monkeypatch.setattr(performance, "ask", lambda **asked: found)
    made = performance.training_table("side", {"8": performance.Training(8, 2, 2, 1)})
    assert made.splitlines()[2] == "| 8 | 500.0 | 0.00 | 3 | 0.2 |"
    grown = performance.growth_table([performance.Training(8, 2, 1, 2000, 5)])
    assert grown.splitlines()[2] == "| 8x8, M = 2 | 500.0 | 2 (5 steps) | 3 (2,000 steps) |"
    assert performance.search_table().splitlines()[3] == "| 2 | 0.5 | 8.00 | 5.00 | 4 |"


def test_the_memory_of_a_child_counts(performance):
    pytest.importorskip("psutil")
    hold = "import sys; held = bytes(range(256)) * 400_000; print(len(held)); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        size = int(child.stdout.readline())
        assert performance.tree_bytes(child.pid) > size
        child.communicate("")


def test_a_training_is_measured_in_a_process_of_its_own():
    pytest.importorskip("torch")
    asked = {"side": 8, "grid": 2, "repeats": 2, "steps": 2, "early": 1}
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "performance.py"), "--measure", json.dumps(asked)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["seconds"] > 0
    assert 0 < found["early"] <= found["peak"]
