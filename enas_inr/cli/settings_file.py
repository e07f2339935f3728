"""Defaults of options from a settings file.

The first of these applies: the file that `ENAS_INR_SETTINGS` names (empty for none);
`enas-inr.toml`, or a `pyproject.toml` with `[tool.enas-inr]`, in this folder or one above it, up to
the root of a repository or the home folder; `config.toml` in the folder of this user. Options of
the command line and environment variables take precedence.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enas_inr.errors import SpecError

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


def find_settings(environment: Mapping[str, str] = os.environ) -> SettingsFile | None:
    """Return the settings file that applies; None if there is none.

    Raises:
        SpecError: it cannot be read.
    """
    named = environment.get(VARIABLE)
    if named is not None:
        return SettingsFile(Path(named), _read(Path(named))) if named else None
    for path in _candidates(Path.cwd()):
        if not path.is_file():
            continue
        values = _read(path)
        if path.name == PROJECT:
            values = values.get("tool", {}).get("enas-inr", {})
            if not values:
                continue
        return SettingsFile(path, values)
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    home = Path.home()
    for parent in (folder, *folder.parents):
        yield parent / NAME
        yield parent / PROJECT
        if parent == home or (parent / ".git").exists():
            break
    yield user_file()


def user_file() -> Path:
    """Return the settings file of this user, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("enas-inr") / OF_USER


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise SpecError(
            f"settings file {str(path)!r} cannot be read: {said}",
            f"correct it, or set {VARIABLE}= to ignore it",
        ) from None


def defaults_of(file: SettingsFile, command: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options of a command, by the names of its parameters.

    Args:
        file: the settings file.
        command: its words without the program, such as `search`.
        options: its options (of typer), by their long names without dashes in front.

    Raises:
        SpecError: an own value of the command is for no option of it, or of a wrong type.
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
        found[option.name] = _value(file, key, value, option)
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
    if isinstance(value, list):
        return ",".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        raise SpecError(f"{what} is a table", "give a single value")
    return _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_names(file: SettingsFile, known: Mapping[str, object]) -> None:
    """Refuse tables of commands that do not exist.

    Args:
        file: the settings file.
        known: the commands.

    Raises:
        SpecError: a table has another name.
    """
    from enas_inr.validation import nearest

    for name, value in file.values.items():
        if isinstance(value, Mapping) and name not in known:
            raise SpecError(
                f"settings file {str(file.path)!r}: there is no command {name!r}",
                nearest(name, known),
            )
