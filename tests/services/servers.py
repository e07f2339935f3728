"""Database servers on loopback, each with its data in a temporary folder."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sql

from tests.present import present

USER = "enas"
PASSWORD = "SECRET p@ss/w:rd?&{0}%"  # whatever a URL must escape, and what Optuna would format
DATABASE = "studies"
SECONDS_TO_START = 60.0


class Server:
    """A server that can be killed and started again.

    Attributes:
        driver: the scheme of URLs.
        owner: the user who runs it if this process is root's, whom servers refuse.
    """

    driver = owner = ""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="enas-inr-services-"))
        self.data = self.folder / "data"
        self.process = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.as_owner: dict[str, Any] = {}
        if os.getuid() == 0:
            found = pwd.getpwnam(self.owner)
            self.as_owner = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
            os.chown(self.folder, found.pw_uid, found.pw_gid)
        self.prepare()
        self.start()

    def prepare(self):
        """Make the data folder."""
        raise NotImplementedError

    def command(self):
        """Return the command that runs the server in the foreground."""
        raise NotImplementedError

    def run(self, *command):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self.as_owner
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        """Start the server, and return when it answers."""
        last = time.monotonic() + SECONDS_TO_START
        while True:
            if self.process is None or self.process.poll() is not None:
                # It may refuse as long as children of a killed one are there.
                self.process = self.started()
            if self.answers():
                return
            assert time.monotonic() < last, (self.folder / "log").read_text()
            time.sleep(0.05)

    def started(self):
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=self.folder, **self.as_owner
            )

    def answers(self):
        engine = self.engine()
        try:
            with engine.connect():
                return True
        except sql.exc.SQLAlchemyError:
            return False

    def engine(self):
        return sql.create_engine(self.url(), poolclass=sql.NullPool)

    def execute(self, statement, **values):
        with self.engine().begin() as connection:
            found = connection.execute(sql.text(statement), values)
            return found.all() if found.returns_rows else []

    def kill(self):
        """Kill the server, as a crash would."""
        process = present(self.process)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self):
        process = present(self.process)
        process.send_signal(signal.SIGQUIT if self.owner == "postgres" else signal.SIGTERM)
        process.wait()
        shutil.rmtree(self.folder)

    def url(self, host="127.0.0.1", database=DATABASE, login=f"{USER}:{quote(PASSWORD, safe='')}"):
        return f"{self.driver}://{login}@{host}:{self.port}/{database}"

    def fresh(self, name):
        """Return the URL of a new, empty database."""
        with self.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sql.text(f"CREATE DATABASE {name}"))
        return self.url(database=name)


class PostgreSQL(Server):
    driver, owner = "postgresql+psycopg", "postgres"

    @staticmethod
    def binary(name):
        """Return the path of a program, which Debian does not put on the PATH."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        return str(found[-1]) if found else shutil.which(name)

    @classmethod
    def missing(cls):
        return "" if cls.binary("initdb") and cls.binary("postgres") else "postgresql"

    def prepare(self):
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self.run(
            present(self.binary("initdb")), "-D", str(self.data), "-U", USER, "-A", "scram-sha-256",
            f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        self.start_with("postgres")
        self.execute_in("postgres", f"CREATE DATABASE {DATABASE}")

    def start_with(self, database):
        self.process = self.started()
        last = time.monotonic() + SECONDS_TO_START
        while not self.answers_in(database):
            assert time.monotonic() < last, (self.folder / "log").read_text()
            time.sleep(0.05)

    def answers_in(self, database):
        try:
            self.execute_in(database, "SELECT 1")
        except sql.exc.SQLAlchemyError:
            return False
        return True

    def execute_in(self, database, statement):
        engine = sql.create_engine(self.url(database=database), poolclass=sql.NullPool)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sql.text(statement))

    def command(self):
        return [
            self.binary("postgres"), "-D", str(self.data), "-p", str(self.port), "-F",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ]  # fmt: skip


class MariaDB(Server):
    driver, owner = "mysql+pymysql", "mysql"

    @classmethod
    def missing(cls):
        there = shutil.which("mariadbd") and shutil.which("mariadb-install-db")
        return "" if there else "mariadb-server"

    def prepare(self):
        secret = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        (self.folder / "first.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n"
            f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{secret}';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'%';\n"
            f"DROP USER IF EXISTS ''@'localhost';\n"
        )
        (self.folder / "first.sql").chmod(0o644)
        self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
            "--auth-root-authentication-method=normal", "--skip-name-resolve", "--force",
        )  # fmt: skip

    def command(self):
        return [
            "mariadbd", "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
            "--bind-address=127.0.0.1", f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}", f"--init-file={self.folder / 'first.sql'}",
            "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
        ]  # fmt: skip
