import copy
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from enas_inr.api.settings import SearchSettings
from enas_inr.errors import StudyError
from enas_inr.studies.location import VARIABLE, Storage, without_passwords
from enas_inr.studies.reading import read_study
from enas_inr.studies.storage import open_storage
from enas_inr.studies.store import Store
from tests.studies.stored import SPEC, complete, refused

URL = "postgresql://u:SECRET@127.0.0.1:1/db"
SHOWN = "postgresql://u:***@127.0.0.1:1/db"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    "name",
    ["run_12:30.db", "q?x=1.db", "p%20q.db", "a b#c.db", "{x}.db", "a@b:c.db", "x:y", "new?{}%25"],
)
def test_a_path_means_that_file_whatever_its_name_contains(tmp_path, empty_database, name):
    if not name.startswith("new"):
        shutil.copy(empty_database, tmp_path / name)
    with Store("s", SPEC, name) as store:
        store.add(complete(0))
        shown = str(store.storage)
    visible = {file.name for file in tmp_path.iterdir() if not file.name.startswith(".")}
    assert visible == {name, "home"}
    for again in (name, f"./{name}", str(tmp_path / name), shown):
        assert read_study("s", again) == (SPEC, [complete(0)])


@pytest.mark.parametrize("prefix", ["", "sqlite:///", "journal:"])
def test_a_tilde_is_the_home_folder(tmp_path, prefix):
    with Store("s", SPEC, f"{prefix}~/x.db") as store:
        store.add(complete(0))
    assert (tmp_path / "home" / "x.db").is_file()
    assert [file.name for file in tmp_path.iterdir()] == ["home"]
    assert Storage(f"{prefix}~/x.db").file == tmp_path / "home" / "x.db"


def test_a_url_stays_a_url(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "q.db")
    with Store("s", SPEC, "sqlite:///q.db?timeout=3") as store:
        assert store.storage == "sqlite:///q.db?timeout=3"
    uri = f"sqlite:///file:{tmp_path}/q.db?mode=ro&uri=true"
    assert Storage(uri).file == tmp_path / "q.db"
    assert read_study("s", uri)[1] == []


def test_the_storage_of_the_environment_is_the_default(tmp_path, monkeypatch):
    assert Storage() == "sqlite:///enas-inr.db"
    monkeypatch.setenv(VARIABLE, "other.db")
    with Store("s", SPEC, None):
        pass
    assert (tmp_path / "other.db").is_file()
    assert Storage("given.db") == "sqlite:///given.db"
    monkeypatch.setenv(VARIABLE, "")
    assert Storage() == "sqlite:///enas-inr.db"
    assert Storage(Path("given.db")).file == tmp_path / "given.db"


@pytest.mark.parametrize(
    ("storage", "why", "hint"),
    [
        ("mysql+nodriver://host/runs", "its driver nodriver is not installed", "mysql+pymysql://"),
        ("nonsense://host/runs", "nonsense is not a supported database", "postgresql"),
        (
            "postgres://u@host/runs",
            "postgres is not a supported database",
            "write postgresql://...",
        ),
        ("postgresql:u@host/runs", "lacks the slashes", "or ./postgresql:u@host/runs if that"),
        ("sqlite:runs.db", "lacks the slashes", "write sqlite:///PATH, or ./"),
        ("postgresql://u:a@b@host/runs", "it has more than one @", "write @ as %40"),
        ("postgresql://u@host:port/runs", "it is not the URL of a database", "USER@HOST:PORT"),
        ("mysql://u:p@[::1/runs", "it is not the URL of a database", "USER@HOST:PORT"),
    ],
)
def test_what_names_no_database_is_refused_in_one_line(tmp_path, storage, why, hint):
    message = refused("s", SPEC, storage)
    assert message.startswith("storage ")
    assert "cannot be used: " in message
    assert why in message
    assert hint in message
    assert os.listdir(tmp_path) == ["home"]


@pytest.mark.parametrize(("kind", "extra"), [("mysql", "mysql"), ("postgresql", "postgresql")])
def test_a_missing_driver_is_named_with_the_extra_that_brings_it(monkeypatch, kind, extra):
    monkeypatch.setattr("enas_inr.studies.database.find_spec", lambda name: None)
    message = refused("s", SPEC, f"{kind}://x")
    driver = {"mysql": "pymysql", "postgresql": "psycopg"}[kind]
    assert f"its driver {driver} is not installed" in message
    assert f"pip install 'enas-inr[{extra}]'" in message


def test_a_password_is_part_of_no_form_of_a_storage():
    storage = Storage(URL)
    forms = [
        str(storage), repr(storage), f"{storage:>60}", "%s" % storage,  # noqa: UP031
        json.dumps({"storage": storage}), storage + "", "".join([storage]), ascii(storage),
        repr(SearchSettings(storage=URL)), SearchSettings(storage=URL).model_dump_json(),
    ]  # fmt: skip
    for form in forms:
        assert "SECRET" not in form
        assert "u:***@127.0.0.1:1/db" in form
    assert storage == SHOWN
    copies = [copy.deepcopy(storage), pickle.loads(pickle.dumps(storage)), storage.answered()]
    assert {
        one.url for one in [*copies, Storage(storage), SearchSettings(storage=URL).storage]
    } == {URL}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://u:S%45CRET@h/db", "mysql://u:***@h/db"),
        ("postgresql://:SECRET@h/db", "postgresql://:***@h/db"),
        ("postgresql://u:SE/CR?SECRET@SECRET@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db?password=SECRET", "postgresql://u@h/db?password=***"),
        ("postgresql://h/db?a=1&sslpassword=SECRET;b", "postgresql://h/db?a=1&sslpassword=***;b"),
        ("mysql://h/db?p%61sswd=SECRET", "mysql://h/db?p%61sswd=***"),
        (
            "postgresql://h/db?passfile=/home/u/.pgpass",
            "postgresql://h/db?passfile=/home/u/.pgpass",
        ),
        ("postgresql:u:SECRET@h/db", "postgresql:u:***@h/db"),
        ("nonsense://u:SECRET@h", "nonsense://u:***@h"),
        ("sqlite:////home/u:x@y/runs.db", "sqlite:////home/u:x@y/runs.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:@h/db", "postgresql://u:@h/db"),
    ],
)
def test_a_password_is_hidden_wherever_a_url_has_it(url, shown):
    assert Storage(url) == shown
    if "://" in url:
        assert without_passwords(f"no file '{url}' there") == f"no file '{shown}' there"


@pytest.mark.parametrize("storage", [URL, "mysql+pymysql://u:SECRET@127.0.0.1:1/db",
                                     "postgresql://u@127.0.0.1:1/db?password=SECRET"])  # fmt: skip
def test_errors_and_their_causes_have_no_password(storage):
    pytest.importorskip("psycopg")
    pytest.importorskip("pymysql")
    for use in (open_storage, lambda storage: Store("s", SPEC, storage).__enter__()):
        with pytest.raises(StudyError, match="cannot be used: ") as caught:
            use(storage)
        error = caught.value
        assert "SECRET" not in "".join(map(str, [error, *error.args]))
        assert error.__suppress_context__
        assert error.__cause__ is None


def test_what_a_database_says_is_shown_without_the_password():
    storage = Storage("postgresql://u:a%2Fb@h/db")
    assert storage.hide("no host a/b, a%2Fb") == "no host ***, ***"
