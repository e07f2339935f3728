"""The observer `jsonl` writes one line for each event."""

import json

import pytest

from enas_inr.observers.base import loss_of
from enas_inr.observers.json_lines import JsonLines
from enas_inr.observers.options import JsonLinesOptions
from enas_inr.result import best_of, psnr_paper_db
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.testing.observer import tell_fit, tell_search, toy_results


def told(path, tell, **options):
    tell(JsonLines(JsonLinesOptions(path=str(path), **options)))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_search_is_a_line_for_each_event(tmp_path):
    results = toy_results()[:2]
    lines = told(tmp_path / "new" / "log", lambda o: tell_search(o, results), every=0)
    trial = ["trial_started", *["trial_progressed"] * 3, "trial_finished"]
    assert [line["event"] for line in lines] == ["search_started", *trial, *trial, "search_ended"]
    assert lines[0]["study"] == "toy"
    assert lines[0]["settings"]["signal"]["shape"] == [128, 128]
    assert lines[2]["psnr_db"] is lines[2]["loss"] is None  # before the first step
    assert lines[3]["loss"] == pytest.approx(10**-1.5)  # of 15 dB
    assert lines[3]["psnr_db"] == pytest.approx(15 + PSNR_OFFSET_DB)
    assert [line["score"] for line in lines if line["event"] == "trial_finished"] == [
        result.score for result in results
    ]
    best = best_of(results)
    assert best is not None
    assert lines[-1]["best"]["psnr_db"] == best.psnr_db


def test_a_fit_is_added_to_the_same_file(tmp_path):
    told(tmp_path / "log", tell_fit, every=0)
    lines = told(tmp_path / "log", tell_fit, every=0)
    fit = ["fit_started", *["fit_progressed"] * 3, "fit_ended"]
    assert [line["event"] for line in lines] == fit * 2
    assert lines[4]["metrics"] == {"psnr_db": 31.0, "bytes": 1234, "path": "toy.inr", "start": None}


def test_progress_is_written_only_so_often(tmp_path):
    lines = told(tmp_path / "log", tell_fit, every=3600)
    assert [line["step"] for line in lines if line["event"] == "fit_progressed"] == [0]


def test_the_loss_is_that_of_the_psnr():
    assert psnr_paper_db(loss_of(31.5)) == pytest.approx(31.5)
