import json

import pytest

from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.local import LocalExecutor
from enas_inr.plugins.catalog import load_catalog
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.testing.lookup import MemoryRecords
from tests.present import present
from tests.scripts import BENCHMARKS, script

CATALOG = load_catalog(plugins=False)
SETTINGS = {
    "profile": "paper",
    "steps": 8,
    "repeats": 2,
    "size": "16",
    "widths": (4, 8),
    "depths": (1,),
}


@pytest.fixture(scope="module")
def search():
    with script(BENCHMARKS / "search.py") as module:
        yield module


@pytest.fixture(scope="module")
def pair(search):
    (made,) = search.pairs(CATALOG, ["photo"], [4], SETTINGS)
    return made


@pytest.fixture(scope="module")
def executor(pair):
    return LocalExecutor(ExecutionContext(CATALOG, pair.signal, "cpu"))


@pytest.fixture
def lines(search, pair, executor, tmp_path):
    path = tmp_path / "lines.jsonl"
    search.train(pair, executor, {}, path)
    return path


@pytest.mark.parametrize("cells", [1, 2, 3, 4, 6, 16, 64, 100, 256])
def test_parts_are_all_of_the_cells_and_the_first_sixteenth_is_halved(cells):
    with script(BENCHMARKS / "cell_tables.py") as tables:
        edges = tables.edges(cells)
    assert edges[0] == 0
    assert edges[-1] == cells
    assert edges == sorted(set(edges))
    if cells == 64:
        assert edges[:5] == [0, 2, 4, 8, 12]


@pytest.mark.parametrize("strategy", ["race samples=64", "coordinate"])
def test_a_replay_is_the_search(search, pair, executor, lines, strategy):
    replayed = search.replay(pair, strategy, search.read(lines), CATALOG)
    name, *options = strategy.split()
    made = CATALOG.create("strategy", name, pair.space, options=search.parse_options(options, ""))
    objective = search.make_objective(CATALOG, pair.spec)
    trained = run_loop(
        Gathering(pair.spec, pair.space, objective), made, executor, MemoryRecords(), Observer()
    )
    assert [(r.key, r.fidelity) for r in replayed] == [(r.key, r.fidelity) for r in trained]
    for ours, theirs in zip(replayed, trained, strict=True):
        assert ours.score == pytest.approx(present(theirs.score), abs=1e-4)
        assert ours.interval_db == pytest.approx(theirs.interval_db, rel=1e-4)


def test_it_goes_on_from_its_lines(search, pair, executor, lines):
    kept = lines.read_text().splitlines()
    lines.write_text("\n".join(kept[:5]) + "\n")
    search.train(pair, executor, search.read(lines), lines)
    again = lines.read_text().splitlines()
    assert again[:5] == kept[:5]
    results = [[json.loads(line)["result"]["repeats"] for line in all] for all in (kept, again)]
    assert results[0] == results[1]


def test_the_tables_have_a_row_for_each_pair_and_for_each_strategy(search, pair, lines):
    strategies = ("race", "coordinate")
    judged = [search.judge(pair, strategies, search.read(lines), CATALOG)]
    assert judged[0].ahead > 0
    row = search.table(judged, strategies).splitlines()[2]
    assert row.startswith("| photo | 4 | d=1 w=")
    assert [line.split("|")[1].strip() for line in search.summary(judged, strategies).splitlines()][
        2:
    ] == ["`race`", "`coordinate`"]
    assert "1 of 1" in search.summary(judged, ["coordinate"])


def test_the_page_has_a_place_for_every_table(search):
    page = search.PAGE.read_text()
    for name in ("paper-summary", "paper-pairs"):
        assert search.filled(page, {name: "text"}) != page
