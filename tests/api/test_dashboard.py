import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

import enas_inr
from enas_inr.cli.main import run
from enas_inr.errors import PluginError, SpecError, StudyError
from enas_inr.signals.loading import load_signal

pytest.importorskip("optuna_dashboard")

from enas_inr.api import dashboard
from enas_inr.api.dashboard import DashboardServer, make_server
from enas_inr.api.readable import trial_note
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.previews import picture_of
from tests.present import present

MAIN = "from enas_inr.cli.main import main; main()"


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A folder with two studies of the same search, in two kinds of storage."""
    folder = tmp_path_factory.mktemp("searched")
    for storage in (f"sqlite:///{folder}/runs.db", f"journal:{folder}/runs.log"):
        enas_inr.search(
            "sample:photo", size=16, grid=2, widths=[4, 8], depths=[1], repeats=1,
            training={"steps": 2}, study="portrait", storage=storage,
        )  # fmt: skip
    return folder


@pytest.fixture(params=["sqlite", "journal"])
def storage(request, searched):
    urls = {"sqlite": f"sqlite:///{searched}/runs.db", "journal": f"journal:{searched}/runs.log"}
    return urls[request.param]


@pytest.fixture
def serving():
    """Runs the servers until the test has ended."""
    servers = []

    def serve(server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server.page

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(page, path=None, method="GET"):
    """Return the status, type and content of the response for a page."""
    address = urlsplit(page)
    connection = HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request(method, address.path if path is None else path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers.get_content_type(), content


def ask_json(page, path):
    status, kind, content = ask(page, path)
    assert (status, kind) == (200, "application/json")
    return json.loads(content)


def api(page):
    """Return the address of the JSON data of a study."""
    return urlsplit(page).path.removesuffix("/note").replace("/dashboard", "/api") + "?after=0"


def test_a_study_is_shown_with_the_picture_of_each_trial(storage, serving, capfd):
    page = serving(make_server(storage, study="portrait", port=0))
    assert page.startswith("http://127.0.0.1:")
    assert ask(page)[:2] == (200, "text/html")
    study = ask_json(page, api(page))
    assert study["name"] == "portrait"
    number = page.removesuffix("/note").rpartition("/")[2]
    for trial in study["trials"]:
        (artifact,) = trial["artifacts"]
        place = f"/artifacts/{number}/{trial['trial_id']}/{artifact['artifact_id']}"
        status, kind, content = ask(page, place)
        assert (status, kind) == (200, "image/png")
        assert content.startswith(b"\x89PNG")
    (original,) = study["artifacts"]
    expected = picture_of(
        load_signal(load_catalog(plugins=False), "sample:photo", {"size": [16, 16]})
    )
    place = f"/artifacts/{number}/{original['artifact_id']}"
    assert ask(page, place) == (200, "image/png", present(expected).content)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_a_trial_leads_with_its_architecture_unless_a_person_has_written_a_note(storage, serving):
    page = serving(make_server(storage, study="portrait", port=0))
    trials = ask_json(page, api(page))["trials"]
    for trial in trials:
        known = {one["key"]: one["value"] for one in trial["user_attrs"]}
        assert trial["note"]["version"] == 0
        assert trial["note"]["body"].startswith("## siren M=2 d=1 w=")
        assert f"**PSNR {float(known['psnr_db']):.2f} dB**" in trial["note"]["body"]
        assert trial["note"]["body"].endswith(", complete")


def test_the_note_of_a_trial_is_that_of_its_person(searched, tmp_path, serving):
    shutil.copy(searched / "runs.db", tmp_path / "runs.db")
    storage = f"sqlite:///{tmp_path}/runs.db"
    page = serving(make_server(storage, study="portrait", port=0))
    first, second = ask_json(page, api(page))["trials"]
    address = urlsplit(page)
    connection = HTTPConnection(address.hostname, address.port, timeout=30)
    place = f"/api/studies/{first['study_id']}/{first['trial_id']}/note"
    mine = json.dumps({"body": "mine", "version": first["note"]["version"] + 1})
    connection.request("PUT", place, mine, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 204
    connection.close()
    found = ask_json(page, api(page))["trials"]
    assert [trial["note"]["body"] for trial in found] == ["mine", second["note"]["body"]]


def test_the_note_of_a_trial_is_text_whatever_its_attributes_say():
    said = trial_note({"architecture": "<b>x</b> [a](b)", "psnr_db": "nan", "bytes": "many"})
    assert "<b>" not in said
    assert "[a](" not in said
    assert "PSNR" not in said
    assert trial_note({"lr": "0.1"}) == ""


def test_a_study_leads_with_its_note_and_hides_what_is_for_programs(storage, serving):
    page = serving(make_server(storage, study="portrait", port=0))
    assert page.endswith("/note")
    study = ask_json(page, api(page))
    assert study["note"]["body"].startswith("# siren M=2 d=1 w=")
    (picture,) = re.findall(r"!\[reconstruction\]\((.*)\)", study["note"]["body"])
    assert ask(page, picture)[:2] == (200, "image/png")
    shown = [attribute for trial in study["trials"] for attribute in trial["user_attrs"]]
    assert {"architecture", "psnr_db"} <= {attribute["key"] for attribute in shown}
    assert "enas_inr." not in json.dumps([study["user_attrs"], shown])


def test_without_a_study_the_list_of_all_is_opened(storage, serving):
    page = serving(make_server(storage, port=0))
    assert urlsplit(page).path == "/dashboard"
    (study,) = ask_json(page, "/api/studies")["study_summaries"]
    assert study["study_name"] == "portrait"


def test_a_deleted_original_stays_deleted_and_the_search_goes_on(searched, tmp_path, serving):
    shutil.copy(searched / "runs.db", tmp_path)
    shutil.copytree(searched / "runs.db.artifacts", tmp_path / "runs.db.artifacts")
    storage = f"sqlite:///{tmp_path}/runs.db"
    page = serving(make_server(storage, study="portrait", port=0))
    (original,) = ask_json(page, api(page))["artifacts"]
    number = page.removesuffix("/note").rpartition("/")[2]
    assert ask(page, f"/api/artifacts/{number}/{original['artifact_id']}", "DELETE")[0] == 204
    enas_inr.search(
        "sample:photo", size=16, grid=2, widths=[4, 8], depths=[1], repeats=1,
        training={"steps": 2}, study="portrait", storage=storage,
    )  # fmt: skip
    assert ask_json(page, api(page))["artifacts"] == []


def test_a_browser_that_has_gone_is_not_mentioned(storage, capsys):
    with make_server(storage, port=0) as server:
        for error in (ConnectionResetError(), ZeroDivisionError()):
            try:
                raise error
            except Exception:
                server.handle_error(None, ("127.0.0.1", 1))
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.err
    assert "ConnectionResetError" not in captured.err


def test_the_command_says_the_address_and_ends_quietly_with_ctrl_c(searched):
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "dashboard", "--study", "portrait", "--port", "0",
         "--storage", "runs.db", "--no-open"],
        cwd=searched, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        page = present(process.stdout).readline().strip()
        assert ask_json(page, api(page))["name"] == "portrait"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "GET" not in err


def test_a_missing_package_is_named_with_what_to_install(storage, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(PluginError, match=r"optuna_dashboard; .* 'enas-inr\[dashboard\]'"):
        make_server(storage, port=0)


def test_a_taken_port_is_named_with_what_to_do(storage):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SpecError, match=f"port {port} .* in use; choose another with --port"):
            make_server(storage, port=port)


def test_an_unknown_study_is_answered_with_the_nearest(storage):
    with pytest.raises(StudyError, match=r"no study 'portrai' in .*; did you mean 'portrait'"):
        make_server(storage, study="portrai", port=0)


@pytest.mark.parametrize("url", ["sqlite:///{}/none.db", "journal:{}/none.log", "{}/none.db"])
def test_a_storage_that_does_not_exist_is_not_made(tmp_path, url):
    with pytest.raises(StudyError, match="does not exist; give the --storage of the search"):
        make_server(url.format(tmp_path), port=0)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("--storage none.db", 6, "storage sqlite:///none.db does not exist"),
        ("--storage notes.db", 6, "storage sqlite:///notes.db cannot be used: file is not a"),
        ("--storage runs.db --study landscape", 6, "choose one of: portrait"),
        ("--storage runs.db --port 70000", 2, "70000 is not a port number; give one of 0 to 65535"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_documented_code(
    searched, monkeypatch, capsys, line, code, says
):
    monkeypatch.chdir(searched)
    (searched / "notes.db").write_text("these are my notes, and no database\n" * 100)
    assert run(["dashboard", *line.split()]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("enas-inr: ")
    assert len(captured.err.splitlines()) == 1
    assert says in captured.err


@pytest.mark.parametrize(
    ("display", "option", "opened"),
    [("", [], 0), (":0", [], 1), ("", ["--open"], 1), (":0", ["--no-open"], 0)],
)
def test_a_browser_is_opened_where_there_is_a_display(
    searched, monkeypatch, capsys, display, option, opened
):
    def interrupted(server):
        raise KeyboardInterrupt

    pages: list[str] = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr(DashboardServer, "serve_forever", interrupted)
    storage = f"{searched}/runs.db"
    assert run(["dashboard", "--storage", storage, "--port", "0", *option]) == 130
    page = capsys.readouterr().out.strip()
    assert page.endswith("/dashboard")
    assert pages == [page] * opened
    assert dashboard.HOST in page
