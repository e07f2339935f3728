"""A race from the command line to the report, on this machine and with workers of Ray."""

import json

import pytest

from enas_inr.cli.main import run
from enas_inr.plugins.catalog import load_catalog
from enas_inr.studies.record import load_record

SEARCH = [
    *["search", "sample:photo", "--size", "32", "--grid", "4", "--strategy", "race"],
    *["--strategy-option", "samples=64"],
    *["--widths", "4,8,16", "--depths", "1", "--search", "lr=1e-3,1e-2", "--steps", "20"],
]


def search(capsys, *options):
    code = run([*SEARCH, *options, "--json", "--quiet"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return json.loads(printed.out)


def facts(found):
    return [(t["width"], t["recipe"], t["cells"], round(t["psnr_db"], 3)) for t in found["trials"]]


def test_it_ends_with_a_winner_is_resumed_and_reported(capsys, tmp_path):
    storage = ["--storage", str(tmp_path / "a.db")]
    found = search(capsys, *storage)
    shares = [trial["cells"] for trial in found["trials"]]
    assert shares[:6] == [0.25] * 6  # at least four of sixteen cells
    assert max(shares) > 0.25
    assert found["best"]["cells"] == max(shares)
    assert found["best"]["interval_db"] <= 0.3
    assert facts(search(capsys, *storage)) == facts(found)
    file = tmp_path / "report.html"
    assert run(["report", found["study"], *storage, "-o", str(file)]) == 0
    assert file.exists()
    record = load_record(found["study"], storage[1], load_catalog())
    assert len({result.key for result in record.results}) == len(record.results) == 6
    assert [len(step.candidates) for step in record.trace] == [
        len(step["candidates"]) for step in found["trace"]
    ]
    assert run([*SEARCH, *storage, "--quiet", "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "reconstruction.png").exists()
    assert "4 of 16 cells" in capsys.readouterr().out


def test_in_the_papers_profile_the_winner_equals_that_of_a_search_in_full(capsys, tmp_path):
    options = ["--profile", "paper", "--repeats", "2"]
    found = search(capsys, *options, "--storage", str(tmp_path / "a.db"))
    full = search(
        capsys,
        *options,
        "--strategy",
        "exhaustive",
        "--no-racing",
        "--storage",
        str(tmp_path / "b.db"),
    )
    (same,) = (
        trial
        for trial in full["trials"]
        if (trial["width"], trial["recipe"]) == (found["best"]["width"], found["best"]["recipe"])
    )
    assert found["best"]["cells"] == 1
    assert found["best"]["psnr_db"] == pytest.approx(same["psnr_db"], abs=1e-3)
    assert found["best"]["score"] >= full["best"]["score"] - 1
