import csv
import io
import json
from dataclasses import replace

from enas_inr.reports import text
from enas_inr.reports.settings import settings
from enas_inr.spec import TrainingSpec
from enas_inr.studies.record import Published
from tests.reports.report_data import OTHER, results, study


def titles(columns):
    return {column.title for column in columns}


def test_columns_that_are_empty_everywhere_are_left_out():
    shown = titles(text.brief_columns(results(study())))
    assert not {"study", "name", "published", "PSNR, paper's", "gain"} & shown
    full = results(
        study("s", "one", named=["x", "y"], published={"y": Published(1.0)}),
        study("t", "two", info=OTHER),
        baseline="x",
    )
    shown = titles(text.brief_columns(full))
    assert {"study", "name", "published", "PSNR, paper's", "difference", "gain"} <= shown


def test_the_markdown_is_a_table_and_says_what_is_reduced():
    made = results(study(named=["a|b"], fail=lambda s: s.width == 32), reduced="tiny")
    lines = text.as_markdown(made).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert len(table) == 2 + 6
    assert "**Reduced:** tiny." in lines
    assert any("diverged" in line for line in lines)
    assert any(line.startswith("- training: profile paper, 500 steps") for line in lines)


def test_csv_and_json_hold_the_same_numbers():
    made = results(study(named=["x"]), baseline="x")
    table = list(csv.DictReader(io.StringIO(text.as_csv(made))))
    content = json.loads(text.as_json(made))
    assert len(table) == len(content["rows"]) == 6
    for line, row in zip(table, content["rows"], strict=True):
        assert float(line["psnr_db"]) == row["psnr_db"]
        assert json.loads(line["options"]) == row["options"]
    assert content["studies"][0]["spec"]["repeats"] == 3
    assert content["findings"]


def test_the_curves_are_one_line_for_each_step():
    table = list(csv.DictReader(io.StringIO(text.curves_as_csv(results(study())))))
    assert len(table) == 6 * 3
    assert {line["step"] for line in table} == {"1", "20", "40"}


def test_integers_with_a_gap_stay_integers_in_the_csv():
    made = results(study(named=["x"]), baseline="x")
    steps = [
        line["passes_baseline_at_step"] for line in csv.DictReader(io.StringIO(text.as_csv(made)))
    ]
    assert steps[0] == ""
    assert {"20"} <= set(steps) <= {"", "1", "20", "40"}


def test_the_settings_of_a_fitted_training_are_told_like_all_others():
    tuned = TrainingSpec.from_profile("tuned", optimizer="muon", optimizer_options={"factor": 2})
    made = study()
    made = replace(made, spec=made.spec.model_copy(update={"training": tuned}))
    told = settings(made)["training"]
    for part in ("profile tuned", "learning rate fitted", "schedule cosine", "betas 0.8, 0.9"):
        assert part in told
    assert "optimizer muon; optimizer options {'factor': 2}" in told
    assert "learning rate the backbone's" in settings(study())["training"]
    lines = text.as_markdown(results(made)).splitlines()
    assert any("500 steps, learning rate fitted, 3 repeats" in line for line in lines)
