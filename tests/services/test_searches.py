import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import optuna
import pytest

import enas_inr
from enas_inr.errors import ExitCode, StudyError
from enas_inr.studies import unsaved
from enas_inr.studies.location import VARIABLE, Storage
from enas_inr.studies.loop import Observer
from enas_inr.studies.outages import Waiting
from enas_inr.studies.storage import open_storage
from enas_inr.studies.store import Store
from tests.command_line import MAIN, call
from tests.present import present
from tests.services.searches import (
    LINE,
    SEARCH,
    SPACE,
    outcome,
    restarted_when_missed,
    secret_in,
    stored,
)
from tests.studies.stored import SPEC, complete


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The trials of the search in an SQLite file, which nothing has disturbed."""
    file = tmp_path_factory.mktemp("alone") / "runs.db"
    result = enas_inr.search("sample:photo", **SPACE, **SEARCH, study="s", storage=str(file))
    return [outcome(trial) for trial in result.trials]


def test_a_killed_search_goes_on_and_ends_as_one_that_was_left_alone(server, alone):
    command = [sys.executable, "-u", "-c", MAIN, *LINE.split(), "killed"]
    environment = os.environ | {VARIABLE: server.url("localhost")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        said = []
        for line in present(process.stderr):
            said.append(line)
            if line.startswith("trial 2 "):
                process.send_signal(signal.SIGKILL)
                break
    assert not secret_in("".join(said))
    before = stored(server, "killed")
    assert 2 <= len(before) < len(alone)
    outcome = call(f"{LINE} killed --storage '{server.url()}' --json")
    assert outcome.code == 0, outcome.err
    after = stored(server, "killed")
    assert after[: len(before)] == before
    assert after == alone
    assert not secret_in(outcome.out + outcome.err)


def test_the_storage_of_a_result_can_be_used_again(server, tmp_path):
    result = enas_inr.search("sample:photo", **SPACE, **SEARCH, storage=server.url())
    assert not secret_in(repr(result) + json.dumps(result.to_dict()))
    enas_inr.fit(
        "sample:photo", study=result.study, storage=result.storage, size=8, steps=2,
        output=tmp_path / "fit.inr",
    )  # fmt: skip
    assert (tmp_path / "fit.inr").is_file()


def test_a_server_that_is_killed_in_mid_search_costs_no_trial(server, alone):
    class Killer(Observer):
        def finished(self, result):
            if result.trial.number in (1, 3):
                server.kill()

    with restarted_when_missed(server) as said:
        result = enas_inr.search(
            "sample:photo", **SPACE, **SEARCH, study="restarted", storage=server.url(),
            observer=Killer(),
        )  # fmt: skip
    assert [outcome(trial) for trial in result.trials] == stored(server, "restarted") == alone
    assert sum("trying again for up to 5 minutes" in line for line in said) == 2
    assert sum("answers again" in line for line in said) == 2
    assert not secret_in("".join(said))
    numbers = server.execute(
        "SELECT count(*), count(DISTINCT number) FROM trials JOIN studies USING (study_id) "
        "WHERE study_name = 'restarted'"
    )
    assert numbers == [(len(alone), len(alone))]


def test_a_trial_that_an_outage_has_cost_is_taken_up_by_the_next_run(server, alone, monkeypatch):
    class Killer(Observer):
        def finished(self, result):
            if result.trial.number == 1:
                server.kill()

    place = Storage(server.url())
    ask = {**SPACE, **SEARCH, "study": "cut", "storage": place}
    with monkeypatch.context() as impatient:
        impatient.setattr(Store.__init__, "__defaults__", (Waiting(0.5),))
        with pytest.raises(StudyError, match=r"cannot be used: .*; 1 trial kept in .*") as caught:
            enas_inr.search("sample:photo", **ask, observer=Killer())
    assert not secret_in(str(caught.value))
    server.start()
    before = stored(server, "cut")
    assert before == alone[:2]
    (file,) = (place_of_unsaved := present(unsaved._file(place, "cut"))).parent.iterdir()
    assert file == place_of_unsaved
    kept = json.loads(file.read_text())
    result = enas_inr.search("sample:photo", **ask)
    assert [outcome(trial) for trial in result.trials] == alone
    assert result.trials[2].seconds == kept["seconds"]  # not trained again
    assert not file.exists()


def test_a_study_that_is_deleted_during_its_search_is_an_error_in_one_line(server):
    class Deleter(Observer):
        def finished(self, result):
            optuna.delete_study(study_name="deleted", storage=open_storage(server.url()))

    with pytest.raises(StudyError, match=r"study 'deleted' in .* was deleted meanwhile") as caught:
        enas_inr.search(
            "sample:photo", **SPACE, **SEARCH, study="deleted", storage=server.url(),
            observer=Deleter(),
        )  # fmt: skip
    assert caught.value.exit_code == ExitCode.STUDY
    assert server.execute("SELECT count(*) FROM trials WHERE study_id NOT IN "
                          "(SELECT study_id FROM studies)") == [(0,)]  # fmt: skip


def test_commands_show_a_study_and_never_the_password(server, tmp_path, monkeypatch):
    files = tmp_path / "files"
    files.mkdir()
    monkeypatch.chdir(files)
    monkeypatch.setenv(VARIABLE, server.url())
    lines = [
        f"{LINE} shown --json", f"{LINE} shown -o search", f"{LINE} second",
        "fit sample:photo --study shown --size 8 --steps 2 -o fit.inr",
        "report shown -o shown.html", "report shown --format md", "report shown --format json",
        "compare shown second --json", "compare shown second", "oracle shown --json",
        "oracle second", "make sample:photo --study made --size 8 --grid 2 --widths 4 --depths 1 "
        "--steps 2 --repeats 1 --floor -99 -o made.inr", "info made.inr --json",
    ]  # fmt: skip
    for line in lines:
        outcome = call(line)
        assert outcome.code == 0, f"{line}: {outcome.err}"
        assert not secret_in(outcome.out + outcome.err), line
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not secret_in(path.read_bytes().decode("latin-1")), path
    assert (files / "shown.html").is_file()


def test_the_dashboard_shows_a_study_and_never_the_password(server):
    from enas_inr.api.dashboard import make_server

    pytest.importorskip("optuna_dashboard")
    with Store("page", SPEC, server.url()) as store:
        store.add(complete(0))
        with make_server(server.url(), study="page", port=0) as pages:
            threading.Thread(target=pages.serve_forever, daemon=True).start()
            root = f"http://127.0.0.1:{pages.server_port}"
            number = pages.page.rstrip("/").removesuffix("/note").rpartition("/")[-1]
            text = {
                path: urllib.request.urlopen(root + path).read().decode()
                for path in ("/dashboard", "/api/meta", "/api/studies", f"/api/studies/{number}")
            }
            pages.shutdown()
    assert "page" in text["/api/studies"]
    assert json.loads(text[f"/api/studies/{number}"])["trials"][0]["state"] == "Complete"
    assert not secret_in("".join(text.values()))
