"""Databases behind storages: their drivers, and how connections to them are made."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import sqlalchemy
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from enas_inr.errors import StudyError
from enas_inr.studies.location import SERVERS, SQLITE, Storage, is_almost_url

DRIVERS = {
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("mysqldb", "pymysql"),
    "mariadb": ("mysqldb", "pymysql"),
}
"""Drivers by the kind of database; the first that is installed is used if the URL names none."""

_MODULES = {"mysqldb": "MySQLdb", "mysqlconnector": "mysql.connector"}
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}
_EXTRA_OF = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
_FORM = "write postgresql://USER@HOST:PORT/DATABASE, or mysql://USER@HOST:PORT/DATABASE"
_SECONDS_TO_CONNECT = 10
_SECONDS_TO_ANSWER = 120


def database_url(storage: Storage) -> URL:
    """Return the URL of a database, with a driver that is installed.

    Raises:
        StudyError: it is not the URL of a database that is known here, or has no driver.
    """
    if storage.path is not None:
        return _url_of_file(storage)
    if is_almost_url(storage.url):
        scheme = storage.partition(":")[0]
        form = f"{scheme}:///PATH" if scheme == "sqlite" else f"{scheme}://..."
        hint = f"write {form}, or ./{storage} if that is a file"
        raise _refused(storage, "it lacks the slashes after the colon", hint)
    try:
        url = make_url(storage.url)
    except (ArgumentError, ValueError):  # whose messages may repeat it
        raise _refused(storage, "it is not the URL of a database", _FORM) from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url
    if kind not in SERVERS:
        known = f"{', '.join(('sqlite', *SERVERS))} or journal:PATH"
        hint = "write postgresql://..." if kind == "postgres" else f"use {known}"
        raise _refused(storage, f"{kind} is not a supported database", hint)
    if "@" in f"{url.host}{url.database}":
        hint = "in a password, write @ as %40, : as %3A, / as %2F and ? as %3F"
        raise _refused(storage, "it has more than one @", hint)
    driver = url.drivername.partition("+")[2]
    return url if _is_installed(driver) else _with_driver(storage, url, kind, driver)


def engine_settings(url: URL) -> dict[str, Any]:
    """Return arguments of `create_engine` with which no connection hangs for long.

    What the URL gives has precedence.
    """
    kind, _, driver = url.drivername.partition("+")
    wanted: dict[str, Any] = {}
    if driver in ("psycopg", "psycopg2"):
        wanted = {
            "connect_timeout": _SECONDS_TO_CONNECT,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 1000 * _SECONDS_TO_ANSWER,
        }
    elif driver in ("pymysql", "mysqldb"):
        wanted = {"connect_timeout": _SECONDS_TO_CONNECT}
        if driver == "pymysql":
            wanted |= dict.fromkeys(("read_timeout", "write_timeout"), _SECONDS_TO_ANSWER)
    elif kind == "sqlite":
        return {}
    arguments = {key: value for key, value in wanted.items() if key not in url.query}
    return {"pool_pre_ping": True, "connect_args": arguments}


def unpooled(storage: Storage) -> sqlalchemy.Engine:
    """Return a database that keeps no connections: each ends, with its locks, when it is closed.

    Raises:
        StudyError: it is not the URL of a database that is known here, or has no driver.
    """
    url = database_url(storage)
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, **engine_settings(url))


def widen(engine: sqlalchemy.Engine) -> None:
    """Let attributes in new tables have any length, as they can in other databases.

    In MySQL, Optuna's columns take 64 kB. The settings of a study about many signals, and results
    with long learning curves, need more.
    """
    if engine.dialect.name not in ("mysql", "mariadb"):
        return
    with engine.begin() as connection:
        for of in ("study", "trial"):
            for kind in ("user", "system"):
                table = f"{of}_{kind}_attributes"
                change = f"ALTER TABLE {table} MODIFY value_json MEDIUMTEXT"
                connection.execute(sqlalchemy.text(change))


def _url_of_file(storage: Storage) -> URL:
    assert storage.path is not None
    url = URL.create("sqlite", database=storage.path)
    # Versions of SQLAlchemy differ in what they escape.
    for text in (SQLITE + storage.path, url.render_as_string()):
        if make_url(text).database == storage.path:
            return make_url(text)
    raise _refused(storage, "this version of SQLAlchemy cannot open it", "choose a plainer name")


def _with_driver(storage: Storage, url: URL, kind: str, driver: str) -> URL:
    """Return the URL with a driver that is installed, if it names none.

    Raises:
        StudyError: there is none.
    """
    if not driver:
        for name in DRIVERS[kind]:
            if _is_installed(name):
                return url.set(drivername=f"{kind}+{name}")
    named = driver or next(name for name in DRIVERS[kind] if name in _EXTRAS)
    if named in _EXTRAS:
        hint = f"install it: pip install 'enas-inr[{_EXTRA_OF[kind]}]'"
    else:
        usual = next(name for name in DRIVERS[kind] if name in _EXTRAS)
        hint = f"install it, or use {kind}+{usual}://... with pip install "
        hint += f"'enas-inr[{_EXTRA_OF[kind]}]'"
    raise _refused(storage, f"its driver {named} is not installed", hint)


def _is_installed(driver: str) -> bool:
    try:
        return bool(driver) and find_spec(_MODULES.get(driver, driver)) is not None
    except (ImportError, ValueError):
        return False


def _refused(storage: Storage, why: str, hint: str) -> StudyError:
    return StudyError(f"storage {storage} cannot be used: {why}", hint)
