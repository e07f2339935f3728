"""Names of storages: paths, URLs, and how they are shown without their passwords."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, unquote_plus

VARIABLE = "ENAS_INR_STORAGE"
"""Environment variable with the storage that is used where none is given."""

DEFAULT_STORAGE = "sqlite:///enas-inr.db"
"""The storage of studies if none is given, and none by the environment."""

DEFAULT_SHOWN = f"${VARIABLE}, or {DEFAULT_STORAGE}"
"""The default of `--storage` in help texts."""

SQLITE = "sqlite:///"
JOURNAL = "journal:"
HIDDEN = "***"
SERVERS = ("postgresql", "mysql", "mariadb")
PATIENCE_SECONDS = 300.0
"""Seconds for which a storage that has answered before is asked again."""

_URL = re.compile(r"([A-Za-z][\w+.-]*)://(.*)", re.DOTALL)
_ALMOST_URL = re.compile(rf"((?:sqlite|postgres|{'|'.join(SERVERS)})(?:\+\w+)?):/?(.*)", re.DOTALL)
_WITH_SLASH = re.compile(r"([A-Za-z][\w+.-]*):/{1,2}(.*)", re.DOTALL)  # a Path keeps only one slash
_IN_TEXT = re.compile(r"[A-Za-z][\w+.-]*:/[^\s'\"]+")
_SECRET_KEY = re.compile(r"pass(?!file)|pwd|secret|token|odbc_connect", re.IGNORECASE)


class Storage(str):
    """A storage as text that may be shown anywhere: its passwords are hidden.

    A path without a scheme means that file, whatever its name contains. A leading `~` is the home
    folder.

    Args:
        given: a URL, a path of an SQLite file, or `journal:PATH`; None for that of the environment
            variable `ENAS_INR_STORAGE`, or else `enas-inr.db` in the current folder.

    Attributes:
        url: the URL with its passwords, or `journal:PATH`.
        path: path of the file, if it was given as such.
        patience: seconds for which it is asked again while it does not answer.
    """

    url: str
    path: str | None
    patience: float

    def __new__(cls, given: str | os.PathLike[str] | None = None) -> Self:
        """Read what a user has given; see the class."""
        if isinstance(given, cls):
            return given
        if given is None:
            given = os.environ.get(VARIABLE) or DEFAULT_STORAGE
        url, path = _read(os.fspath(given))
        shown = path if path is not None and set(path) & set("?%") else masked(url)
        made = super().__new__(cls, shown)
        made.url, made.path, made.patience = url, path, 0.0
        return made

    def __getnewargs__(self) -> tuple[str]:
        """Return what a copy is made from: the text as it is shown."""
        return (str(self),)

    def answered(self) -> Self:
        """Return the same storage, which has answered once and is waited for from now on."""
        made = str.__new__(type(self), self)
        made.__dict__.update(self.__dict__)
        made.patience = PATIENCE_SECONDS
        return made

    @property
    def is_journal(self) -> bool:
        """Whether it is a journal of Optuna's."""
        return self.url.startswith(JOURNAL)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is an SQLite database, in a file or in memory."""
        return self.url.startswith("sqlite")

    @cached_property
    def file(self) -> Path | None:
        """The file, without links; None if there is none (a server, or memory).

        It stays the same when the current folder changes or is deleted.

        Raises:
            ValueError: no file is named.
        """
        if is_almost_url(self.url):
            return None
        if self.is_journal:
            name = self.url.removeprefix(JOURNAL)
        elif self.path is not None:
            name = self.path
        elif self.is_sqlite:
            name = _sqlite_file(self.url)
        else:
            return None
        if not name:
            raise ValueError("no file is named")
        return None if name == ":memory:" else Path(os.path.realpath(name))

    def hide(self, text: str) -> str:
        """Return a text, such as the message of a database, without the passwords."""
        for secret in sorted(_secrets(self.url), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return without_passwords(text)

    @property
    def has_password(self) -> bool:
        """Whether there is something to hide."""
        return any(_secrets(self.url))


def _read(text: str) -> tuple[str, str | None]:
    """Return the URL, and the path if the text is one."""
    if text.startswith(JOURNAL):
        return JOURNAL + os.path.expanduser(text.removeprefix(JOURNAL)), None
    if text.startswith(SQLITE + "~"):
        return SQLITE + os.path.expanduser(text.removeprefix(SQLITE)), None
    if _URL.match(text) or _ALMOST_URL.match(text):
        return text, None
    path = os.path.expanduser(text)
    return SQLITE + path, path


def is_almost_url(text: str) -> bool:
    """Whether a text looks like the URL of a database without its slashes."""
    return not _URL.match(text) and bool(_ALMOST_URL.match(text))


def masked(url: str) -> str:
    """Return a URL with its passwords hidden, even if it is not a valid one."""
    scheme, login, rest = _split(url)
    user, colon, password = login.partition(":")
    shown = f"{user}:{HIDDEN}@" if colon and password else f"{login}@" * bool(login)
    place, mark, query = rest.partition("?")
    parts = []
    for part in re.split("([&;])", query):
        key, equals, value = part.partition("=")
        hidden = equals and value and _SECRET_KEY.search(unquote_plus(key))
        parts.append(f"{key}={HIDDEN}" if hidden else part)
    return f"{scheme}{shown}{place}{mark}{''.join(parts)}"


def without_passwords(text: str) -> str:
    """Return a text with the passwords of all URLs in it hidden."""
    return _IN_TEXT.sub(lambda found: masked(found[0]), text)


def _secrets(url: str) -> Iterator[str]:
    """Iterate over the passwords in a URL, as they are written and as they are meant."""
    _, login, rest = _split(url)
    found = [login.partition(":")[2]]
    for part in re.split("[&;]", rest.partition("?")[2]):
        key, _, value = part.partition("=")
        if _SECRET_KEY.search(unquote_plus(key)):
            found.append(value)
    for secret in filter(None, found):
        meant = unquote(secret)
        yield from {secret, meant, unquote_plus(secret), quote(meant), quote(meant, safe="")}


def _split(url: str) -> tuple[str, str, str]:
    """Return the scheme with its slashes, what is before the last @, and the rest.

    A password may contain any character, also those that should be percent-encoded.
    """
    found = _WITH_SLASH.match(url) or _ALMOST_URL.match(url)
    if not found or (url.startswith("sqlite") and found[2].startswith("/")):
        return "", "", url  # paths may contain @
    login, at, rest = found[2].rpartition("@")
    return url[: found.start(2)], login if at else "", rest


def _sqlite_file(url: str) -> str:
    """Return the path in the URL of an SQLite file; `:memory:` if it is none."""
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    name = parsed.database or ""
    if parsed.query.get("uri") not in ("true", "1") or not name.startswith("file:"):
        return name
    name, _, query = name.removeprefix("file:").partition("?")
    in_memory = "mode=memory" in query or parsed.query.get("mode") == "memory"
    return ":memory:" if in_memory else re.sub("^//[^/]*", "", unquote(name))
