"""Locks in a database server, which it releases when the connection of their owner ends.

They hold for all machines, however each of them names the server.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from enas_inr.studies.locks import HeldError

_SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Session:
    """The connection of an owner, as the server knows it.

    Attributes:
        number: number of the process or thread.
        begun: text that differs between sessions of one number, or empty.
        seen: when the session was begun, by the clock of this process.
    """

    number: int
    begun: str
    seen: float


class ServerLock:
    """A lock that is held as long as one connection lives.

    Args:
        engine: the database.
        name: what is locked; different databases on one server do not share it.
    """

    def __init__(self, engine: sql.Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._connection: sql.Connection | None = None
        self._session: Session | None = None
        self._kind: Any = _PostgreSQL() if engine.dialect.name == "postgresql" else _MySQL()

    def acquire(self, seconds: float = 0.0) -> None:
        """Take the lock.

        Args:
            seconds: how long to wait for another process.

        Raises:
            HeldError: another process holds it.
            SQLAlchemyError: the server does not answer.
        """
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._kind.prepare(connection)
            key = self._kind.key(connection, self._name)
            last = time.monotonic() + seconds
            while not self._kind.taken(connection, key):
                if self._end_former_session(connection, key):
                    last = max(last, time.monotonic() + _SECONDS_TO_END)
                if time.monotonic() >= last:
                    raise HeldError
                time.sleep(0.1)
            self._session = self._kind.session(connection)
        except BaseException:
            _close(connection)
            raise
        self._connection = connection

    def ensure(self) -> None:
        """Take the lock again if the connection has been lost, as by a restart of the server.

        Raises:
            HeldError: another process has taken it meanwhile.
            SQLAlchemyError: the server does not answer.
        """
        if self._connection is not None:
            try:
                self._connection.execute(sql.text("SELECT 1"))
            except SQLAlchemyError:
                _close(self._connection)
                self._connection = None
        if self._connection is None:
            self.acquire()

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._connection is not None:
            _close(self._connection)
        self._connection = self._session = None

    def _end_former_session(self, connection: sql.Connection, key: Any) -> bool:
        """End our own former session, if the server has not noticed yet that it is lost."""
        former, self._session = self._session, None
        if former is None or not self._kind.holds(connection, key, former):
            self._session = former
            return False
        self._kind.end(connection, former)
        return True


def _close(connection: sql.Connection) -> None:
    with suppress(SQLAlchemyError):
        connection.invalidate()  # closed, instead of kept in a pool with its locks
    with suppress(SQLAlchemyError):
        connection.close()


class _PostgreSQL:
    """Advisory locks of PostgreSQL, which belong to one database."""

    def prepare(self, connection: sql.Connection) -> None:
        """Let the session wait for days, but end soon if this machine disappears."""
        version = connection.dialect.server_version_info or (0,)
        for name, value in {
            "idle_session_timeout": 0 if version >= (14,) else None,
            "tcp_keepalives_idle": 60,
            "tcp_keepalives_interval": 15,
            "tcp_keepalives_count": 4,
        }.items():
            if value is not None:
                connection.execute(sql.text(f"SET {name} = {value}"))

    def key(self, connection: sql.Connection, name: str) -> int:
        schema = connection.execute(sql.text("SELECT current_schema()")).scalar()
        digest = hashlib.sha256(f"enas-inr|{schema}|{name}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)

    def taken(self, connection: sql.Connection, key: int) -> bool:
        asked = sql.text("SELECT pg_try_advisory_lock(:key)")
        return bool(connection.execute(asked, {"key": key}).scalar())

    def session(self, connection: sql.Connection) -> Session:
        asked = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        number, begun = connection.execute(sql.text(asked)).one()
        return Session(number, begun, time.monotonic())

    def holds(self, connection: sql.Connection, key: int, session: Session) -> bool:
        asked = (
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
            "AND classid::bigint = :high AND objid::bigint = :low "
            "AND pid = :pid AND backend_start::text = :begun"
        )
        high, low = divmod(key % 2**64, 2**32)
        named = {"high": high, "low": low, "pid": session.number, "begun": session.begun}
        return bool(connection.execute(sql.text(asked), named).scalar())

    def end(self, connection: sql.Connection, session: Session) -> None:
        asked = sql.text("SELECT pg_terminate_backend(:pid)")
        connection.execute(asked, {"pid": session.number})


class _MySQL:
    """The locks of GET_LOCK in MySQL and MariaDB, which belong to the whole server."""

    def prepare(self, connection: sql.Connection) -> None:
        """Let the session wait for days."""
        connection.execute(sql.text("SET SESSION wait_timeout = 2147483"))  # 24 days

    def key(self, connection: sql.Connection, name: str) -> str:
        database = connection.execute(sql.text("SELECT DATABASE()")).scalar()
        digest = hashlib.sha256(f"{database}|{name}".encode()).hexdigest()
        return f"enas-inr-{digest[:40]}"

    def taken(self, connection: sql.Connection, key: str) -> bool:
        return connection.execute(sql.text("SELECT GET_LOCK(:key, 0)"), {"key": key}).scalar() == 1

    def session(self, connection: sql.Connection) -> Session:
        number = connection.execute(sql.text("SELECT CONNECTION_ID()")).scalar_one()
        return Session(number, "", time.monotonic())

    def holds(self, connection: sql.Connection, key: str, session: Session) -> bool:
        owner = connection.execute(sql.text("SELECT IS_USED_LOCK(:key)"), {"key": key}).scalar()
        # A server that was restarted gives the same numbers to others.
        _, uptime = connection.execute(sql.text("SHOW GLOBAL STATUS LIKE 'Uptime'")).one()
        return owner == session.number and int(uptime) > time.monotonic() - session.seen

    def end(self, connection: sql.Connection, session: Session) -> None:
        connection.execute(sql.text(f"KILL {session.number:d}"))
