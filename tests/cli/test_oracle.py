"""`enas-inr oracle`, and what `compare` knows of oracles."""

import shutil

import pytest

from enas_inr.studies.reading import read_study
from tests.command_line import assert_one_line, call
from tests.present import present

TINY = "--size 16 --grid 4 --widths 4,8 --depths 1,2 --repeats 2 --steps 6 --json --quiet"
SEARCH = f"search sample:photo {TINY} --profile paper --floor -99"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Two studies: `one` has trained a line of the space, `race` all of it a little."""
    path = tmp_path_factory.mktemp("oracle") / "enas-inr.db"
    start = "--strategy-option max_iterations=1 --study one"
    only = "--strategy race --strategy-option samples=64 --study race"
    for options in (start, only):
        assert call(f"{SEARCH} {options} --storage {path}").code == 0
    return path


@pytest.fixture
def storage(searched, tmp_path):
    shutil.copy(searched, tmp_path / "enas-inr.db")
    return "enas-inr.db"


def test_it_trains_what_is_missing_and_prints_the_regret(storage, monkeypatch):
    before = {result.key: result for result in read_study("race", storage)[1]}
    found = call("oracle race --json --quiet").json
    assert (found["study"], found["oracle"], found["configurations"]) == ("race", "race-oracle", 4)
    spec, trials = read_study("race-oracle", storage)
    assert spec.strategy.name == "exhaustive"
    assert found["best"]["score"] == max(present(trial.score) for trial in trials)
    assert found["regret"] == found["best"]["score"] - found["winner"]["score"] >= 0
    assert 0 < found["share"] < 1
    # The winner of the race was trained in full; nothing of it is trained again.
    winners = [trial for trial in trials if before[trial.key].fidelity.cells == 1]
    assert winners
    assert all(trial.psnr_db == before[trial.key].psnr_db for trial in winners)
    assert all(trial.seconds == before[trial.key].seconds for trial in winners)

    def train(*asked, **settings):
        raise AssertionError("everything is known")

    monkeypatch.setattr("enas_inr.executors.local.train", train)
    assert call("oracle race --json --quiet").json == found
    printed = call("oracle race -q").out
    assert f"regret: {found['regret']:.2f} in score" in printed
    assert "of all 4 configurations in full" in printed


def test_a_share_of_the_cells_gives_estimates(storage):
    found = call("oracle one --fidelity 1/4 --json --quiet").json
    low, high = found["regret_interval"]
    assert found["oracle"] == "one-oracle-0.25"
    assert 0 <= low <= found["regret"] <= high
    trials = read_study("one-oracle-0.25", storage)[1]
    assert {(trial.amount, trial.trial.repeats) for trial in trials} == {("4 of 16 cells", 2)}


def test_compare_shows_regret_and_cost_where_there_is_an_oracle(storage):
    assert call("compare one race --json").json["oracles"] == [None, None]
    assert "regret" not in call("compare one race").out
    found = call("oracle race --json --quiet").json
    del found["study"], found["schema"]
    assert call("compare one race --json").json["oracles"] == [None, found]
    shown = call("compare one race").out
    assert f"{found['share']:.1%}" in shown
    assert "regret" in shown


def test_the_finest_oracle_counts_once_it_has_ended_and_an_interrupted_one_resumes(
    storage, monkeypatch
):
    call("oracle race --fidelity 1/4 -q")
    assert call("compare one race --json").json["oracles"][1]["fidelity"] == 0.25

    def interrupt(*asked, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("enas_inr.executors.local.train", interrupt)
        assert call("oracle race -q").code == 130  # with the trials that were known
    assert call("compare one race --json").json["oracles"][1] is None
    known = read_study("race-oracle", storage)[1]
    assert 0 < len(known) < 4
    assert call("oracle race -q").code == 0
    trials = read_study("race-oracle", storage)[1]
    assert trials[: len(known)] == known
    assert len({trial.key for trial in trials}) == len(trials) == 4
    assert call("compare one race --json").json["oracles"][1]["fidelity"] == 1


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("one --fidelity 2", 2, "fidelity '2' is not a share of the cells; write 1, 1/4"),
        ("one --fidelity 1/0", 2, "fidelity '1/0' is not a share"),
        ("one --fidelity some", 2, "fidelity 'some' is not a share"),
        ("two", 6, "no study 'two'"),
        ("one sample:chord", 6, "sample:chord is not the signal of study 'one', 'photo'"),
        ("one sample:photo --size 8", 6, "sample:photo is not the signal of study 'one'"),
        ("one nothing.png", 3, "nothing.png"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(storage, line, code, said):
    outcome = call(f"oracle {line} -q")
    assert_one_line(outcome, code)
    assert said in outcome.err


def test_the_signal_of_a_file_has_to_be_given(broken_files, storage):
    options = TINY.replace("16", "none", 1)
    assert call(f"search {broken_files / 'good.png'} {options} --study mine").code == 0
    outcome = call("oracle mine -q")
    assert_one_line(outcome, 2)
    assert "does not keep its signal, 'good'; give its file: enas-inr oracle mine" in outcome.err
    assert call(f"oracle mine {broken_files / 'good.png'} -q").code == 0
