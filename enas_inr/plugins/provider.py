"""What plugins provide, and the problems that can be found when a plugin is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from enas_inr.errors import PluginError
from enas_inr.hookspecs import Description

DISABLE_VARIABLE = "ENAS_INR_DISABLE_PLUGINS"


@dataclass(frozen=True)
class Origin:
    """The distribution and entry point of a plugin."""

    distribution: str
    version: str
    entry_point: str

    @property
    def is_ours(self) -> bool:
        """Whether the plugin is part of enas-inr itself."""
        return self.distribution == "enas-inr"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Provider:
    """A backbone, a modality or another kind of plugin, and the distribution that provides it."""

    description: Description
    origin: Origin

    def __str__(self) -> str:
        return f"{self.description.kind} {self.description.name!r} of {self.origin}"


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded, with the reason and a hint."""

    origin: Origin
    reason: str
    traceback: str
    hint: str = ""

    def error(self) -> PluginError:
        """Return the problem as an error, with the traceback as its note."""
        entry = self.origin.entry_point
        error = PluginError(
            f"plugin {self.origin} (entry point {entry!r}) is broken: {self.reason}", self.hint
        )
        error.add_note(self.traceback)
        return error


@dataclass(frozen=True)
class Conflict:
    """A name that several plugins provide."""

    kind: str
    name: str
    origins: tuple[Origin, ...]

    def error(self) -> PluginError:
        """Return the problem as an error."""
        theirs = [origin.distribution for origin in self.origins if not origin.is_ours]
        return PluginError(
            f"{self.kind} {self.name!r} is provided by " + " and by ".join(map(str, self.origins)),
            f"uninstall {' or '.join(theirs)}, or leave one out: {DISABLE_VARIABLE}={theirs[-1]}",
        )


@dataclass(frozen=True)
class Slow:
    """A plugin that imports heavy modules when it is loaded."""

    origin: Origin
    seconds: float
    modules: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.origin} took {self.seconds:.1f} s to load: it imports "
            f"{', '.join(self.modules)} in its entry point; name the target as text"
        )
