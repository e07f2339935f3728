from dataclasses import replace

import pytest

from enas_inr.reports.findings import findings
from enas_inr.reports.rows import Results
from enas_inr.reports.statistics import Difference
from enas_inr.result import TrialStatus
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Published
from tests.present import present
from tests.reports.report_data import OTHER, report, results, study


def rows(made):
    return Results.of(made).rows


def by_name(made):
    return {row.name: row for row in rows(made)}


def test_a_row_has_the_mean_of_its_repeats_and_their_interval():
    for row in rows(report(study())):
        assert present(row.psnr).mean == pytest.approx(row.result.psnr_db)
        assert present(row.psnr).half_width == pytest.approx(4.302653 * 0.5 / 3**0.5, rel=1e-6)


def test_named_rows_come_first_and_in_their_order_the_others_by_flops():
    made = report(study(named=["b", "a"]))
    assert [row.name for row in rows(made)][:2] == ["b", "a"]
    costs = [row.result.trial.cost.flops for row in rows(made)][2:]
    assert costs == sorted(costs)


def test_the_front_is_of_rows_on_the_same_signal():
    alone = {row.name for row in rows(report(study())) if row.front}
    beside = rows(report(study("s"), study("t", info=OTHER, widths=(64, 128))))
    assert {row.name for row in beside if row.front and row.study.name == "s"} == alone
    for row in rows(report(study())):
        others = [r.result for r in rows(report(study()))]
        beaten = any(
            present(o.psnr_db) >= present(row.result.psnr_db)
            and o.trial.cost.flops <= row.result.trial.cost.flops
            and o.key != row.result.key
            for o in others
        )
        assert row.front != beaten


def test_gain_and_passing_step_are_against_the_baseline_of_the_same_signal():
    made = report(study(named=["base", "next"]), baseline="base")
    found = by_name(made)
    base, other = found["base"], found["next"]
    assert base.gain is None
    assert base.passes is None
    values = base.result.psnr_db_repeats, other.result.psnr_db_repeats
    assert other.gain == Difference.of(*values)
    widest = rows(made)[-1]
    step, psnr = next(p for p in widest.curve if p[1] > base.result.psnr_db)
    assert widest.passes == step
    assert psnr > base.result.psnr_db
    elsewhere = report(study(named=["base"]), study("t", info=OTHER), baseline="base")
    assert all(row.gain is None for row in rows(elsewhere) if row.study.name == "t")


def test_the_published_stand_beside_ours_in_the_papers_convention():
    made = report(study(named=["x"], published={"x": Published(30.0, 5)}))
    row = by_name(made)["x"]
    assert row.difference_db == pytest.approx(row.result.psnr_db - PSNR_OFFSET_DB - 30)
    assert row.to_dict()["published_flops"] == 5
    assert by_name(report(study(named=["x"])))["x"].difference_db is None


def test_what_a_paper_says_of_one_study_is_not_said_of_another_with_the_same_row():
    made = report(
        study("s", "one", named=["x"], published={"x": Published(30.0)}),
        study("t", "two", named=["x"]),
    )
    named = [row for row in rows(made) if row.name == "x"]
    assert [row.published for row in named] == [Published(30.0), None]


def test_the_baselines_architecture_in_another_study_is_compared_with_it_too():
    made = report(study("s", "slow", named=["base"]), study("t", "fast"), baseline="base")
    base = next(row for row in rows(made) if row.name == "base")
    twin = next(
        row for row in rows(made) if row.study.name == "t" and row.result.key == base.result.key
    )
    assert base.gain is None
    assert present(twin.gain).mean == pytest.approx(0)


def test_a_failed_baseline_gives_way_to_a_complete_one():
    record = study(named=["base"])
    failed = record.results[0].model_copy(update={"status": TrialStatus.FAILED, "score": None})
    both = replace(record, results=(failed, *record.results))
    found = rows(report(both, baseline="base"))
    assert [row.best for row in found].count(True) == 1
    assert all(row.gain is not None for row in found if row.name != "base")


def test_a_trial_that_diverged_has_a_row_and_no_numbers():
    made = report(study(fail=lambda spec: spec.width == 32, named=["base"]), baseline="base")
    failed = [row for row in rows(made) if row.result.psnr_db is None]
    assert len(failed) == 2
    assert all(row.psnr is None and row.gain is None and not row.front for row in failed)
    assert failed[0].to_dict()["status"] == "diverged"


def test_a_wider_network_that_is_worse_is_a_finding_with_its_test():
    record = study(depths=(1,))
    worse = [
        r.model_copy(
            update={
                "repeats": tuple(
                    x.model_copy(update={"psnr_paper_db": x.psnr_paper_db - 20}) for x in r.repeats
                )
            }
        )
        if r.trial.ensemble.width == 32
        else r
        for r in record.results
    ]
    (line,) = findings(Results.of(report(replace(record, results=tuple(worse)))))
    assert line.startswith("M=8 d=1: a wider sub-network is not always better: width 16 is 16.00")
    assert "above width 32" in line
    assert "p = " in line
    (line,) = findings(results(record))
    assert line == "M=8 d=1: the mean PSNR is the highest at the largest width, 32"


def test_a_search_says_where_it_ended():
    (line,) = [x for x in findings(results(study(coordinate=True))) if "search" in x]
    assert "visited 6 architectures in 2 iterations" in line
    assert "siren M=8 d=1 w=" in line or "siren M=8 d=2 w=" in line


def test_the_baseline_and_the_paper_are_findings():
    made = report(
        study(
            named=["base", "x"],
            depths=(1,),
            widths=(8, 32),
            published={"x": Published(30.0, 1)},
        ),
        baseline="base",
    )
    lines = findings(Results.of(made))
    assert any(line.startswith("x: 6.00 ± 1.13 dB against base (Welch's") for line in lines)
    assert "passes its PSNR by step 20" in lines[0]
    assert "against the published PSNR: -1.90 to -1.90 dB" in lines
    assert "FLOPs equal to the published ones: 0 of 1 rows" in lines


def test_the_rows_are_computed_once_for_all_that_is_written(tmp_path, monkeypatch):
    from enas_inr.api.study import write_record
    from enas_inr.reports import rows as module

    calls = []
    compute = module._rows

    def counted(*arguments):
        calls.append(arguments)
        return compute(*arguments)

    monkeypatch.setattr(module, "_rows", counted)
    write_record(report(study(coordinate=True), baseline="base"), tmp_path)
    assert len(calls) == 1


def test_each_figure_is_drawn_once_for_the_page_and_the_files(tmp_path, monkeypatch):
    from enas_inr.api.study import write_record
    from enas_inr.reports import figures

    calls = []

    def counted(name):
        def draw(results):
            calls.append(name)
            return known[name](results)

        return draw

    known = figures.FIGURES
    monkeypatch.setattr(figures, "FIGURES", {name: counted(name) for name in known})
    written = write_record(report(study(coordinate=True)), tmp_path)
    assert {path.name for path in written} >= {"report.html", "curves.png", "curves.svg"}
    assert calls == list(known)


def test_many_lines_of_architectures_are_told_in_one_sentence():
    record = study(widths=range(4, 34), depths=(1, 2, 3))
    lines = findings(results(record))
    assert len(lines) == 4  # of three lines along the width, and of thirty along the depth
    assert lines[-1] == (
        "of 30 lines along which only the depth changes, the largest has the highest mean PSNR on "
        "30, a smaller one on 0, on 0 of these significantly (Welch's t-test)"
    )
    worse = [
        r.model_copy(update={"repeats": study(widths=(100,), depths=(1,)).results[0].repeats})
        if r.trial.ensemble.depth == 1
        else r
        for r in record.results
    ]
    (*_, line) = findings(Results.of(report(replace(record, results=tuple(worse)))))
    assert line.endswith("on 0, a smaller one on 30, on 30 of these significantly (Welch's t-test)")
