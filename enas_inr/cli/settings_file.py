"""Defaults of options from settings files.

The file that `ENAS_INR_SETTINGS` names is the only one (empty for none). Otherwise there are two:
`enas-inr.toml`, or a `pyproject.toml` with `[tool.enas-inr]`, in this folder or one above it, up to
the root of a repository or the home folder; and `config.toml` in the folder of this user. Options
of the command line and environment variables take precedence over both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enas_inr.errors import SpecError, reason_of
from enas_inr.plain_text import check_depth

Check = Callable[[Any, Any], None]

VARIABLE = "ENAS_INR_SETTINGS"
NAME, PROJECT, OF_USER = "enas-inr.toml", "pyproject.toml", "config.toml"


@dataclass(frozen=True)
class SettingsFile:
    """A settings file that applies.

    Attributes:
        path: the file.
        values: values of options by their long names, without the dashes in front, for all commands
            that have them; and tables with those of a single command.
    """

    path: Path
    values: Mapping[str, Any]

    def of(self, command: str) -> dict[str, Any]:
        """Return the values for a command such as `search` or `study run`, by option."""
        common = {name: v for name, v in self.values.items() if not isinstance(v, Mapping)}
        return common | dict(self.own(command))

    def own(self, command: str) -> Mapping[str, Any]:
        """Return the values for this command alone."""
        table: Any = self.values
        for word in command.split():
            table = table.get(word, {}) if isinstance(table, Mapping) else {}
        return table if isinstance(table, Mapping) else {}


def find_settings(environment: Mapping[str, str] = os.environ) -> tuple[SettingsFile, ...]:
    """Return the settings files that apply, the one that takes precedence first.

    Raises:
        SpecError: one cannot be read.
    """
    named = environment.get(VARIABLE)
    if named is not None:
        path = Path(named).expanduser()
        return (SettingsFile(path, _read(path)),) if named else ()
    beside = (_found(path) for path in _candidates(Path.cwd()))
    nearest = next((file for file in beside if file), None)
    of_user = _found(user_file())
    return tuple(file for file in (nearest, of_user) if file)


def _found(path: Path) -> SettingsFile | None:
    """Read a file; None if it does not exist, or is a pyproject.toml without settings."""
    if not path.is_file():
        return None
    if path.name != PROJECT:
        return SettingsFile(path, _read(path))
    try:
        if b"enas-inr" not in path.read_bytes():
            return None  # what is wrong with it is for other programs to say
    except OSError:
        return None
    tool = _read(path).get("tool")
    values = tool.get("enas-inr") if isinstance(tool, Mapping) else None
    return SettingsFile(path, values) if values and isinstance(values, Mapping) else None


def _candidates(folder: Path) -> Iterator[Path]:
    """Iterate over the files beside one's work, the nearest first.

    Outside of a repository and of the home folder only the folder itself counts, because anybody
    may have written a file above it, such as /tmp/enas-inr.toml.
    """
    above, home = [folder, *folder.parents], Path(os.path.expanduser("~"))
    ends = [n for n, one in enumerate(above) if one == home or (one / ".git").exists()]
    for parent in above[: ends[0] + 1 if ends else 1]:
        yield parent / NAME
        yield parent / PROJECT


def user_file() -> Path:
    """Return the settings file of this user, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("enas-inr") / OF_USER


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        check_depth(values)
        return values
    except RecursionError:
        raise SpecError(
            f"settings file {str(path)!r} is nested too deeply", "write it flat"
        ) from None
    except (OSError, ValueError) as error:
        raise SpecError(
            f"settings file {str(path)!r} cannot be read: {reason_of(error)}",
            f"correct it, or set {VARIABLE}= to ignore it",
        ) from None


def defaults_of(
    file: SettingsFile, command: str, options: Mapping[str, Any], check: Check
) -> dict[str, Any]:
    """Return the values of the options of a command, by the names of its parameters.

    Args:
        file: the settings file.
        command: its words without the program, such as `search`.
        options: its options (of typer), by their long names without dashes in front.
        check: raises SpecError if an option cannot have a value.

    Raises:
        SpecError: an own value of the command is for no option of it, or a value is wrong.
    """
    from enas_inr.validation import nearest

    found = {}
    for key, value in file.of(command).items():
        name = key.replace("_", "-")
        option = options.get(name)
        if option is None:
            if key in file.own(command):
                raise SpecError(
                    f"settings file {str(file.path)!r}: {command} has no option {key!r}",
                    nearest(name, options),
                )
            continue
        given = _value(file, key, value, option)
        try:
            check(option, given)
        except SpecError as error:
            what = f"settings file {str(file.path)!r}: {key}: {error.what}"
            raise SpecError(what, error.hint) from None
        found[option.name] = given
    return found


def _value(file: SettingsFile, key: str, value: Any, option: Any) -> Any:
    """Return a value as the option takes it: text, a flag, or for KEY=VALUE a list of these."""
    what = f"settings file {str(file.path)!r}: {key}"
    if option.multiple:
        if isinstance(value, Mapping):
            return [f"{name}={_text(one)}" for name, one in value.items()]
        return [_text(one) for one in (value if isinstance(value, list) else [value])]
    if option.is_flag:
        if not isinstance(value, bool):
            raise SpecError(f"{what} is {value!r}", "give true or false")
        return value
    if isinstance(value, bool):
        raise SpecError(f"{what} is {_text(value)}", "give a value")
    if isinstance(value, list):
        return ",".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        raise SpecError(f"{what} is a table", "give a single value")
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_names(file: SettingsFile, known: Iterable[str], options: Callable[[], set[str]]) -> None:
    """Refuse tables of commands that do not exist, and options that no command has.

    Args:
        file: the settings file.
        known: the commands, and the options of the one that is run.
        options: returns the options of all commands; asked only if that is needed.

    Raises:
        SpecError: a table or an option has another name.
    """
    from enas_inr.validation import nearest

    names = set(known)
    for name, value in file.values.items():
        if name.replace("_", "-") in names:
            continue
        if isinstance(value, Mapping):
            raise SpecError(
                f"settings file {str(file.path)!r}: there is no command {name!r}",
                nearest(name, names),
            )
        if name.replace("_", "-") not in options():
            raise SpecError(
                f"settings file {str(file.path)!r}: no command has an option {name!r}",
                nearest(name.replace("_", "-"), options()),
            )
