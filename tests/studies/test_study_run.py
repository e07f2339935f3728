"""Study files from end to end, on a real picture of a few pixels."""

import json

import optuna
import pytest

from enas_inr.api.study import prepare
from enas_inr.cli.main import run as cli
from enas_inr.errors import StudyError, TrainingError
from enas_inr.studies.loop import Observer
from enas_inr.studies.storage import study_names
from tests.optuna_studies import plain_storage

TEXT = """
title = "Widths"
size = "16"
repeats = 2
baseline = "narrow"
training.steps = 6
[[searches]]
name = "SIREN"
rows = [
  { name = "narrow", grid = 2, depth = 1, width = 4 },
  { name = "wide", grid = 2, depth = 1, width = 8 },
]
[quick]
training.steps = 2
"""
WIDER = TEXT.replace(
    "]\n[quick]", '  { name = "wider", grid = 2, depth = 1, width = 12 },\n]\n[quick]'
)
ANOTHER = '\n[[searches]]\nname = "diverging"\nrows = [{ name = "x", grid = 2, depth = 1, '
ANOTHER += "width = 4 }]\ntraining.learning_rate = 1e30\n"


class Counting(Observer):
    def __init__(self):
        self.trained, self.finished_trials = set(), []

    def progressed(self, progress):
        self.trained.add(progress.label)

    def finished(self, result):
        self.finished_trials.append(result)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def run(file, storage="s.db", **settings):
    seen = Counting()
    report = prepare(file, **settings).run(storage, observer=seen)
    return report, seen


def test_finished_trials_are_not_repeated_even_if_the_file_grows(file):
    first, seen = run(file)
    assert len(seen.trained) == 2
    again, seen = run(file)
    assert not seen.trained
    assert again.studies[0].results == first.studies[0].results
    file.write_text(WIDER)
    more, seen = run(file)
    assert seen.trained == {"siren M=2 d=1 w=12"}
    known = {r.key: r.psnr_db for r in first.studies[0].results}
    assert known.items() <= {r.key: r.psnr_db for r in more.studies[0].results}.items()
    assert len(more.studies[0].pictures) == 3  # including those of known trials


def test_fewer_repeats_are_the_first_of_more_and_more_are_trained(file):
    two, _ = run(file)
    one, seen = run(file, changes={"repeats": 1})
    assert not seen.trained
    assert [r.repeats for r in one.studies[0].results] == [
        r.repeats[:1] for r in two.studies[0].results
    ]
    _, seen = run(file, changes={"repeats": 3})
    assert len(seen.trained) == 2


def test_another_training_is_another_study(file):
    run(file)
    report, seen = run(file, quick=True)
    assert len(seen.trained) == 2
    assert len(study_names("s.db")) == 2
    assert "quick version" in report.reduced


def test_a_study_that_fails_does_not_stop_the_others(file, capsys):
    file.write_text(TEXT.replace("[quick]", ANOTHER + "[quick]"))
    text = file.read_text()
    searches = text.index('[[searches]]\nname = "diverging"'), text.index("[quick]")
    block = text[slice(*searches)]
    file.write_text(
        text.replace(block, "").replace("[[searches]]", block + "[[searches]]", 1)
    )  # first of all
    with pytest.raises(TrainingError, match=r"1 of 2 studies failed, the first \(diverging\)"):
        run(file)
    assert len(study_names("s.db")) == 2
    assert cli(["study", "run", str(file), "--storage", "s.db", "--quiet"]) == 7
    shown = capsys.readouterr()
    assert "wide" in shown.out
    assert "diverged" in shown.out
    assert "studies failed" in shown.err


def test_a_report_before_the_run_says_so(file):
    prepared = prepare(file)
    run(file, storage="other.db", quick=True)
    with pytest.raises(StudyError, match="mine has not been run with these settings"):
        prepared.report("other.db")


def test_a_report_of_an_unfinished_run_says_what_is_missing(file):
    run(file)
    more = TEXT[TEXT.index("[[searches]]") : TEXT.index("[quick]")].replace("SIREN", "more")
    file.write_text(TEXT.replace("[quick]", more.replace("width = 4", "width = 6") + "[quick]"))
    report = prepare(file).report("s.db")
    assert len(report.studies) == 1
    assert report.reduced == "1 of 2 studies have not been run yet"


def test_trials_of_other_programs_are_not_reused(file):
    signal = prepare(file).signals[0].info()
    storage = plain_storage("sqlite:///s.db")
    study = optuna.create_study(storage=storage, study_name="theirs")
    spec = prepare(file).planned[0].spec.model_copy(update={"signal": signal})
    study.set_user_attr("enas_inr.spec", spec.model_dump_json())
    study.add_trial(optuna.trial.create_trial(value=1.0))
    optuna.create_study(storage=storage, study_name="newer").set_user_attr("enas_inr.spec", "{}")
    _, seen = run(file)
    assert len(seen.trained) == 2


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"figures": ["curve"]}, 2, "unknown figure 'curve'; did you mean 'curves'"),
        ({"searches.SIREN.objective": "psnr"}, 2, "objective 'psnr'"),
        ({"searches.SIREN.backbone": "sirn"}, 2, "did you mean 'siren'"),
        ({"searches.SIREN.max_flops": "1"}, 4, "none of the 2 configurations fits"),
    ],
)
def test_validate_finds_what_a_run_would(file, capsys, changes, code, says):
    given = [f"{key}={json.dumps(value)}" for key, value in changes.items()]
    for command in ("validate", "run"):
        assert cli(["study", command, str(file), "--set", *given]) == code
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1


def test_the_commands(file, capsys, tmp_path):
    assert cli(["study", "list", "."]) == 0
    assert "Widths" in capsys.readouterr().out
    assert cli(["study", "validate", str(file), "--quick"]) == 0
    assert "2 x 2" in capsys.readouterr().out
    arguments = [str(file), "--storage", "s.db"]
    assert cli(["study", "run", *arguments, "--quiet", "--set", "training.steps=3"]) == 0
    shown = capsys.readouterr().out
    assert "narrow" in shown
    assert "REDUCED: changed (training.steps 3)" in shown
    assert "against narrow" in shown
    assert cli(["study", "run", *arguments, "--quick", "--quiet", "-o", "out"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"results.csv", "curves.csv", "environment.json", "report.html", "figures"}
    assert cli(["report", *arguments, "--quick", "--format", "md"]) == 0
    text = capsys.readouterr().out
    assert "**Reduced:** quick version" in text
    assert "| 2 | 1 | 4 |" in " ".join(text.split())
    assert cli(["report", *arguments, "--quick", "-o", "r.html", "--figures", "f"]) == 0
    assert "REDUCED" in (tmp_path / "r.html").read_text().upper()
    assert any((tmp_path / "f").glob("*.svg"))
    assert cli(["report", *arguments]) == 6
    assert "has not been run with" in capsys.readouterr().err
    assert cli(["study", "run", "none.toml"]) == 2
    assert cli(["study", "list", "out"]) == 2


def test_two_studies_are_compared_with_a_test(file, capsys):
    run(file)
    run(file, changes={"training.learning_rate": 1e-2})
    capsys.readouterr()
    names = sorted(study_names("s.db"))
    assert cli(["compare", *names, "--storage", "s.db"]) == 0
    shown = capsys.readouterr().out
    assert "the studies differ in training.learning_rate" in shown
    assert "Welch's t-test" in shown
    assert "B - A" in shown
    assert cli(["compare", names[0], "none", "--storage", "s.db"]) == 6
