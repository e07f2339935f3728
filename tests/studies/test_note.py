import sqlite3
from contextlib import closing

import optuna

import enas_inr
from enas_inr.estimate import Sample
from enas_inr.studies.note import (
    SECONDS_BETWEEN,
    Noting,
    code_span,
    fit_command,
    is_ours,
    marked,
    note_attributes,
    note_in,
    note_text,
)
from enas_inr.studies.store import Store
from tests.optuna_studies import plain_optuna
from tests.studies.stored import SPEC, complete


def search(folder, widths=(4, 8), name="portrait", **changes):
    return enas_inr.search(
        "sample:photo", size=16, grid=2, widths=list(widths), depths=[1], repeats=1,
        training={"steps": 2}, study=name, storage=f"{folder}/runs.db", **changes,
    )  # fmt: skip


def attributes(folder):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = plain_optuna(f"sqlite:///{folder}/runs.db", "portrait")
    return study, study._storage.get_study_system_attrs(study._study_id)


def test_the_note_of_a_study_leads_with_the_best(tmp_path):
    result = search(tmp_path)
    study, noted = attributes(tmp_path)
    text = note_in(noted)
    label = result.spec.space.label(result.best.trial.configuration)
    assert text.startswith(f"# {label}")
    assert f"{result.best.psnr_db:.2f} dB" in text
    assert f"enas-inr fit FILE --study portrait --storage {tmp_path}/runs.db" in text.replace(
        "sqlite:///", ""
    )
    number = study.trials[result.best.trial.number]._trial_id
    assert f"![reconstruction](/artifacts/1/{number}/" in text
    assert "{" not in text


def test_a_note_is_no_wider_than_its_longest_word(tmp_path):
    """The lines of a code block would not break, and a phone would show a part of the page."""
    result = search(tmp_path, strategy="coordinate", strategy_options={"racing": False})
    text = note_in(attributes(tmp_path)[1])
    assert "\n    " not in text
    assert "\n`enas-inr fit FILE --study portrait" in text
    label = result.spec.space.label(result.best.trial.configuration)
    assert f"| 1 width | 4, 8 | {label} |" in text


def test_a_note_says_how_much_of_the_best_is_trained():
    best = complete(0).model_copy(
        update={"sample": Sample(cells=1, of=4, samples=64, curve="", ends="")}
    )
    for result, said in ((complete(0), False), (best, True)):
        text = note_text(SPEC, "fit x", [result], [], lambda trial: None, ended=False)
        assert ("| trained | 1 of 4 cells |" in text) is said


def test_code_in_a_line_may_have_backticks():
    assert code_span("fit x") == "`fit x`"
    assert code_span("fit '`x``'") == "``` fit '`x``' ```"


def test_curves_are_in_the_usual_convention_and_say_so(tmp_path):
    result = search(tmp_path)
    study, _ = attributes(tmp_path)
    trial = study.trials[result.best.trial.number]
    assert trial.intermediate_values == result.best.psnr_curve_db
    assert "usual" in study.user_attrs["curves"]


def test_the_note_of_a_person_is_kept(tmp_path):
    search(tmp_path)
    study, noted = attributes(tmp_path)
    mine = note_in(noted).replace("best", "worst")
    for key, value in note_attributes(mine, noted).items():
        study._storage.set_study_system_attr(study._study_id, key, value)
    search(tmp_path)
    assert note_in(attributes(tmp_path)[1]) == mine


def test_a_note_of_any_length_is_cut_into_pieces_and_joined():
    text = marked("x" * 4500)
    before = note_attributes(text, {})
    assert max(len(str(value)) for value in before.values()) <= 2045
    assert note_in(before) == text
    after = note_attributes("short", before)
    assert note_in(after) == "short"
    assert after["dashboard:note_ver"] == 2


def test_only_an_unchanged_note_is_ours():
    assert is_ours("")
    assert is_ours(marked("a note"))
    assert not is_ours("a note")
    assert not is_ours(marked("a note").replace("a note", "my note"))


def test_notes_are_few_however_many_trials_end(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("enas_inr.studies.note.time.monotonic", lambda: now[0])
    written: list[object] = []
    noting = Noting(written.append)
    for _ in range(1000):
        noting([])
        now[0] += SECONDS_BETWEEN / 100
    assert len(written) == 10


def test_the_command_of_a_study_is_quoted():
    assert "--study 'my study'" in fit_command("my study", "runs.db")


def test_a_study_of_an_earlier_version_goes_on_in_its_convention(tmp_path):
    with Store("s", SPEC, f"{tmp_path}/runs.db"):
        pass
    with closing(sqlite3.connect(f"{tmp_path}/runs.db")) as connection, connection:
        connection.execute("delete from study_user_attributes where key = 'curves'")
    result = complete(0)
    with Store("s", SPEC, f"{tmp_path}/runs.db") as store:
        store.add(result)
    (trial,) = plain_optuna(f"sqlite:///{tmp_path}/runs.db").trials
    assert trial.intermediate_values == result.curve.mean()
