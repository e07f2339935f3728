"""Names from files, studies and plugins are text in every table, page and file, never markup."""

import csv
import json
import re
from io import StringIO

import pytest

from enas_inr.cli.report import print_report
from enas_inr.cli.tables import console, table
from enas_inr.errors import SpecError, StudyError
from enas_inr.plain_text import csv_cell, json_object, markdown_cell, printable, read_json
from enas_inr.reports import text
from enas_inr.reports.figures import draw_figures
from enas_inr.reports.page import render_page
from enas_inr.reports.rows import Results
from enas_inr.studies.reading import read_study
from enas_inr.studies.record import Report, StudyRecord
from enas_inr.studies.store import Store
from tests.command_line import call
from tests.studies.stored import SPEC, complete

TORN = "=[bold]T[/sample] <script>alert(1)</script> \x1b[31m $\\frac$ |*x* \u202e"
LONG = "A" * 100_000
STUDY = 'title = {0}\n[[searches]]\nname = "a"\nrows = [{{name={0},grid=2,depth=1,width=4}}]\n'


def controls(shown: str) -> set[str]:
    """The control characters in a text, but for the ends of its lines."""
    return set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown))


@pytest.fixture(scope="module")
def results():
    spec = SPEC.model_copy(
        update={"signal": SPEC.signal.model_copy(update={"name": TORN + "\nB" + LONG[:300]})}
    )
    trials = (complete(0), complete(1, width=8))
    names = {trials[0].key: TORN, trials[1].key: "-" + TORN}
    study = StudyRecord(name=TORN, spec=spec, results=trials, names=names, label=TORN)
    return Results.of(Report(title=TORN, studies=(study,), summary=TORN, reduced=TORN))


def test_tables_and_lines_of_the_terminal(results, capsys):
    print_report(results.report)
    shown = capsys.readouterr().out
    assert "[bold]T[/sample]" in shown
    assert "\\x1b[31m" in shown
    assert not controls(shown)


def test_a_table_shows_text_and_shortens_it(capsys):
    made = table("[red]name", title="[bold]t\x1b")
    made.add_row(TORN)
    made.add_row(LONG)
    console().print(made)
    shown = capsys.readouterr().out
    assert "[red]name" in shown
    assert "[bold]t\\x1b" in shown
    assert "[/sample]" in shown
    assert "100,000 characters" in shown
    assert len(shown) < 3_000
    assert not controls(shown)


def test_the_page_has_no_markup_of_names(results):
    page = render_page(results, draw_figures(results, "reconstructions"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\\x1b[31m" in page
    assert not controls(page)


def test_markdown_has_none_either(results):
    made = text.as_markdown(results)
    assert "<script" not in made.replace("\\<script", "")
    assert "\\[bold\\]T" in made
    assert not controls(made)
    (row,) = [line for line in made.splitlines() if line.startswith("| \\-") or "(best)" in line][
        :1
    ]
    cells = re.split(r"(?<!\\)\|", row)
    heads = next(line for line in made.splitlines() if line.startswith("|"))
    assert len(cells) == len(heads.split("|"))


def test_csv_has_no_formulas_and_its_numbers_are_numbers(results):
    rows = list(csv.reader(StringIO(text.as_csv(results))))
    for cell in [cell for row in rows[1:] for cell in row]:
        assert not controls(cell)
        if cell[:1] in "=+-@" and cell:
            float(cell)
    column = rows[0].index("score")
    assert rows[1][column] == "-12.5"
    assert any(cell.startswith("'=") for cell in rows[1])


def test_json_is_ascii(results):
    made = text.as_json(results)
    assert made.isascii()
    assert read_json(made)["title"] == TORN


def test_study_files(tmp_path):
    for number, name in enumerate((TORN, LONG)):
        (tmp_path / f"{number}.toml").write_text(STUDY.format(json.dumps(name)))
    listed = call(f"study list {tmp_path}")
    assert listed.code == 0, listed.err
    assert "[bold]T[/sample]" in listed.out
    assert len(listed.out) < 10_000
    assert not controls(listed.out)
    assert call(f"study list {tmp_path} --json").json["studies"][0]["title"] == TORN


def test_messages_are_one_line_of_bounded_length(tmp_path):
    for name in (TORN, LONG, "a\nb", "\x7f\x9b"):
        said = str(SpecError(f"unknown {name!r} or {name}", f"choose {name}"))
        assert said.isprintable()
        assert len(said) < 2_200
    with Store("s", SPEC, f"sqlite:///{tmp_path}/s.db"), pytest.raises(StudyError) as caught:
        read_study(TORN + LONG, f"sqlite:///{tmp_path}/s.db")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("\tx", "\\tx"),
        ("-1.5", "-1.5"),
        (-1.5, -1.5),
        ("a=1", "a=1"),
        (None, None),
    ],
)
def test_cells_of_csv(value, cell):
    assert csv_cell(value) == cell


def test_texts():
    assert printable("a\x1b\u2028b\ud800") == "a\\x1b\\u2028b\\ud800"
    assert printable("Grüße, 日本 🎉") == "Grüße, 日本 🎉"
    assert len(printable(LONG)) < 1_050
    assert markdown_cell("a_b *c* [d](e)\nf") == "a_b \\*c\\* \\[d\\](e) f"
    assert json_object({"a": float("nan"), "b": [float("-inf")]}) == (
        '{\n  "schema": 1,\n  "a": null,\n  "b": [\n    null\n  ]\n}'
    )
    for wrong in ("NaN", "[1e999]", '{"a": 1, "a": 2}', "[" * 200 + "]" * 200):
        with pytest.raises(ValueError, match=r"JSON|given twice|deeper"):
            read_json(wrong)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json("[" * 100_000)
