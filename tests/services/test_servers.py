import gc
import threading

import optuna
import pytest
import sqlalchemy as sql

from enas_inr.errors import ExitCode, StudyError
from enas_inr.result import Curve
from enas_inr.studies.reading import find_pictures, read_study
from enas_inr.studies.server_locks import ServerLock
from enas_inr.studies.storage import open_storage
from enas_inr.studies.store import Store
from tests.command_line import assert_one_line, call
from tests.present import present
from tests.services.searches import secret_in
from tests.services.servers import DATABASE, PASSWORD, USER, MariaDB, PostgreSQL
from tests.studies.stored import SPEC, complete, diverged, failed, refused


def lock_of(store: Store) -> ServerLock:
    lock = store._owner._lock
    assert isinstance(lock, ServerLock)
    return lock


def session_of(store):
    return present(lock_of(store)._session).number


def test_results_come_back_and_plain_optuna_reads_them(server):
    results = [complete(0), failed(1), diverged(2), complete(3, width=8, depth=2)]
    with Store("read", SPEC, server.url()) as store:
        for result in results:
            store.add(result)
        assert store.results() == results
        assert store.count() == 4
    assert read_study("read", server.url()) == (SPEC, results)
    study = optuna.load_study(study_name="read", storage=open_storage(server.url()))
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
    assert [trial.state.name for trial in study.trials] == [
        "COMPLETE",
        "FAIL",
        "PRUNED",
        "COMPLETE",
    ]
    assert study.trials[3].params == {"width": 8, "depth": 2}
    assert study.trials[3].intermediate_values == pytest.approx({2: 16.5206, 4: 36.5206}, abs=1e-4)
    assert present(study.trials[3].duration).total_seconds() == pytest.approx(1.23456, abs=1)
    added = study.ask()
    assert added.number == 4


def test_a_study_has_one_owner_from_all_machines(server):
    # One machine names the server by its address, the other one by its name.
    with Store("owned", SPEC, server.url("127.0.0.1")) as store:
        store.add(complete(0))
        for host in ("localhost", "127.0.0.1"):
            message = refused("owned", SPEC, server.url(host))
            assert "study 'owned' in " in message
            assert "is in use by another process; wait until that process ends" in message
            assert not secret_in(message)
        with Store("another", SPEC, server.url("localhost")):
            pass
        assert len(read_study("owned", server.url("localhost"))[1]) == 1
        outcome = call(f"search sample:photo --size 8 --study owned --storage '{server.url()}'")
        assert_one_line(outcome, ExitCode.STUDY)
    with Store("owned", SPEC, server.url("localhost")) as store:
        assert store.results() == [complete(0)]
    other = server.fresh("other_one")
    with Store("owned", SPEC, server.url()), Store("owned", SPEC, other):
        pass  # studies of one name in two databases


def test_the_lock_is_taken_again_after_its_connection_was_lost(server):
    with Store("lost", SPEC, server.url()) as store:
        number = session_of(store)
        if isinstance(server, PostgreSQL):
            server.execute(f"SELECT pg_terminate_backend({number})")
        else:
            server.execute(f"KILL {number}")
        store.add(complete(0))
        assert session_of(store) != number
        assert "is in use by another process" in refused("lost", SPEC, server.url())


def test_a_session_that_the_server_takes_as_alive_is_ended_by_its_owner(server):
    with Store("half", SPEC, server.url()) as store:
        half_open = present(lock_of(store)._connection)
        lock_of(store)._connection = None  # the server has not noticed that it is lost
        store.add(complete(0))
        with pytest.raises(sql.exc.DBAPIError):
            half_open.execute(sql.text("SELECT 1"))
        assert "is in use by another process" in refused("half", SPEC, server.url())


def test_a_study_that_another_process_took_over_is_left_to_it(server):
    with Store("taken", SPEC, server.url()) as store:
        lock_of(store).release()  # as if the server had been away
        with Store("taken", SPEC, server.url("localhost")) as other:
            with pytest.raises(StudyError, match=r"was taken over by another process .*1 trial"):
                store.add(complete(0))
            other.add(failed(0))
    assert read_study("taken", server.url())[1] == [failed(0)]


# A filter of warnings holds for all threads.
@pytest.mark.filterwarnings("ignore:.*experimental")
def test_processes_that_make_the_tables_at_once_do_not_make_them_twice(server):
    url, errors = server.fresh("at_once"), []
    together = threading.Barrier(4)

    def use(number):
        together.wait()
        try:
            with Store(f"study {number}", SPEC, url) as store:
                store.add(complete(0))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(optuna.get_all_study_names(storage=open_storage(url))) == 4


def test_results_and_settings_may_be_long(server):
    steps = tuple(range(1, 5001))
    curve = Curve(steps=steps, psnr_paper_db=((20.123,) * 5000,) * 2)
    long = complete(0).model_copy(update={"curve": curve})
    name = "x" * 200
    signals = tuple(SPEC.signal.model_copy(update={"fingerprint": f"{n}" * 64}) for n in range(900))
    spec = SPEC.model_copy(update={"signals": signals})
    with Store(name, spec, server.url()) as store:
        store.add(long)
    assert len(long.model_dump_json()) > 2**16 < len(spec.model_dump_json())
    assert read_study(name, server.url()) == (spec, [long])


def test_reading_and_ending_leave_no_connections(server):
    asked = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE user = 'enas'",
    }[server.engine().dialect.name]
    with Store("few", SPEC, server.url()) as store:
        store.add(complete(0))
    gc.collect()
    ((before,),) = server.execute(asked)
    gc.disable()
    try:
        for _ in range(5):
            read_study("few", server.url())
            find_pictures("few", server.url())
            with Store("few", SPEC, server.url()):
                pass
        assert server.execute(asked) == [(before,)]
    finally:
        gc.enable()


def test_a_reader_makes_no_tables(server):
    url = server.fresh("empty_one")
    with pytest.raises(StudyError, match="holds no studies yet"):
        open_storage(url)
    assert sql.inspect(sql.create_engine(url)).get_table_names() == []


def test_a_wrong_password_is_refused_at_once_and_not_shown(server):
    message = refused("s", SPEC, server.url(login=f"{USER}:SECRET-but-wrong"))
    assert "cannot be used: " in message
    assert "check that its server runs, and that user, password and database are right" in message
    assert not secret_in(message)
    unknown = refused("s", SPEC, server.url(database="nowhere"))
    assert "nowhere" in unknown


def test_the_password_may_come_from_the_environment_or_a_file(server, tmp_path, monkeypatch):
    file = tmp_path / "password"
    if isinstance(server, MariaDB):
        file.write_text(f'[client]\nuser={USER}\npassword="{PASSWORD}"\n')
        url = server.url(login="").replace("@", "") + f"?read_default_file={file}"
        with Store("by file", SPEC, url):
            return
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with Store("by variable", SPEC, server.url(login=USER)):
        pass
    monkeypatch.delenv("PGPASSWORD")
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"127.0.0.1:{server.port}:{DATABASE}:{USER}:{escaped}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    with Store("by file", SPEC, server.url(login=USER)):
        pass
    with Store("by file", SPEC, server.url(login=USER).replace("+psycopg", "")) as store:
        assert store.storage == f"postgresql://{USER}@127.0.0.1:{server.port}/{DATABASE}"
