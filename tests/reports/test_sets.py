"""Reports of studies about sets of signals."""

import json
import statistics

import pytest
import torch

import enas_inr
from enas_inr.api.study import report_of
from enas_inr.plugins.catalog import load_catalog
from enas_inr.reports import text
from enas_inr.reports.figures import draw_figures
from enas_inr.reports.gallery import pictured
from enas_inr.reports.page import render_page
from enas_inr.reports.rows import Results
from enas_inr.reports.signals import signal_rows
from enas_inr.result import SearchResult
from enas_inr.signals.signal import Signal
from tests.present import present

COUNT = 6


def picture(seed):
    smooth = torch.rand(1, 3, 3 + seed, 3 + seed, generator=torch.Generator().manual_seed(seed))
    values = torch.nn.functional.interpolate(smooth, (16, 16), mode="bilinear")[0]
    return Signal(values.permute(1, 2, 0).contiguous() * 2 - 1, "image", f"picture {seed}")


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> tuple[SearchResult, Results]:
    """A search over a set, and its report."""
    storage = f"sqlite:///{tmp_path_factory.mktemp('sets')}/sets.db"
    result = enas_inr.search(
        [picture(seed) for seed in range(COUNT)],
        study="pictures",
        storage=storage,
        steps=30,
        widths=(4, 8),
        depths=(1,),
        floor_db=-99.0,
    )
    return result, Results.of(report_of("pictures", storage, load_catalog()))


def test_rows_are_those_of_the_search(found):
    result, made = found
    latest = {one.key: one for one in result.trials}
    assert {row.result.key: row.result.score for row in made.rows} == {
        key: one.score for key, one in latest.items()
    }
    (best,) = [row for row in made.rows if row.best]
    assert best.result == result.best


def test_each_signal_has_a_row_with_the_rank_of_the_best_one(found):
    result, made = found
    rows = signal_rows(made.report.studies[0])
    over = present(result.best.over)
    assert [row.psnr_db for row in rows] == sorted((row.psnr_db for row in rows), reverse=True)
    assert statistics.fmean(row.score for row in rows) == pytest.approx(present(result.best.score))
    assert {row.trial for row in rows} == {one.number for one in over.signals}
    for row in rows:
        assert 1 <= row.rank <= row.of
        assert (row.rank == 1) is (row.best == made.report.studies[0].name_of(result.best))


def test_the_table_as_text_has_the_signals(found):
    _, made = found
    table = text.as_markdown(made)
    for number in range(COUNT):
        assert f"| picture {number} " in table
    assert f"{COUNT} signals, aggregate: mean" in table
    row = next(r for r in json.loads(text.as_json(made))["rows"] if r["best"])
    assert len(row["psnr_db_signals"]) == COUNT
    assert statistics.fmean(row["psnr_db_signals"].values()) == pytest.approx(row["psnr_db"])
    assert row["signal"] == f"{COUNT} signals"
    assert text.as_csv(made).count("\n") == 1 + len(made.rows)


def test_the_page_shows_the_best_and_the_worst_signals(found):
    _, made = found
    shown = pictured(made, 8)
    rows = signal_rows(made.report.studies[0])
    ends = [*rows[:2], *rows[-2:]]
    assert [one.signal for one in shown] == [row.name for row in ends]
    for one, row in zip(shown, ends, strict=True):
        assert present(one.rows[0][0].psnr).mean == pytest.approx(row.psnr_db)
    drawn = draw_figures(made)
    assert "signals" in drawn
    page = render_page(made, drawn)
    assert rows[-1].name in page
    assert "PSNR on each signal of the set" in page
