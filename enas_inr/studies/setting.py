"""What a setting is: a field of a model with a name, a type and a default, and its description.

`Setting` adds help, group and the spelling on the command line. The options of the command line,
the keywords of `enas_inr.search` and `enas_inr.fit`, and the keys of a study file are made from the
models in `enas_inr.studies.settings` and `enas_inr.api.settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    StrictFloat,
    StrictInt,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from enas_inr.errors import EnasInrError, SpecError
from enas_inr.studies.location import Storage
from enas_inr.validation import Frozen

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog


class Group(StrEnum):
    """Headings of the options on the command line, in their order."""

    MAIN = "Options"
    SAMPLED = "Strategies optuna and ray"
    BUDGET = "Budget and score"
    TRAINING = "Training"
    EXECUTOR = "Executor"
    STUDY = "Study"
    OUTPUT = "Output"


@dataclass(frozen=True)
class Setting:
    """The description of a setting for users, besides its name, type and default.

    Attributes:
        help: description in one line.
        group: heading under which the command line lists it.
        flags: spellings on the command line; by default the name with dashes, without the final s
            of a mapping.
        shown: text that the help shows as the default, if that depends on other settings.
        value: what stands for the value in help; by default the last word of the name.
        sets: key of a mapping for which the setting is a shortcut, such as `training.steps`.
        on_command_line: False if only Python and study files have the setting.
    """

    help: str
    group: Group = Group.MAIN
    flags: tuple[str, ...] = ()
    shown: str = ""
    value: str = ""
    sets: str = ""
    on_command_line: bool = True

    def but(self, **changes: Any) -> Setting:
        """Return a copy with changes."""
        return replace(self, **changes)


def _tuple_of(value: Any) -> Any:
    is_several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    return tuple(value) if is_several else value


def _as_storage(value: Any, read: ValidatorFunctionWrapHandler) -> Storage | None:
    if value is None or isinstance(value, Storage):
        return value  # pydantic would make plain text of it, without the password
    return Storage(read(value))


Options = Mapping[str, Any] | None
"""Options that a plugin defines; KEY=VALUE on the command line."""
Text = Annotated[str | StrictInt | StrictFloat, AfterValidator(str)]
"""Text that may be written as a number, such as the size 128 or the limit 1e9."""
StorageText = Annotated[str | None, WrapValidator(_as_storage)]
"""The name of a storage, see `enas_inr.studies.location.Storage`."""
Integers = Annotated[Sequence[int], BeforeValidator(_tuple_of)]
Names = Annotated[Sequence[str], BeforeValidator(_tuple_of)]


class Settings(Frozen, allow_inf_nan=True):
    """Base class of settings. Ranges are checked by the specifications that receive the values."""

    FIRST: ClassVar[tuple[str, ...]] = ()
    """The settings that the help of a command shows first; empty for all."""

    @classmethod
    def marks(cls) -> dict[str, Setting]:
        """Return the settings of the model by name, in the order of their groups."""
        found = {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Setting)
        }
        groups = list(Group)
        return dict(sorted(found.items(), key=lambda pair: groups.index(pair[1].group)))

    def given(self) -> dict[str, Any]:
        """Return the settings that were given explicitly."""
        return {name: getattr(self, name) for name in self.marks() if name in self.model_fields_set}

    def chosen(self, kind: str) -> str:
        """Return the name of the plugin chosen for a kind, such as the strategy."""
        return str(getattr(self, kind))

    def settled(self, catalog: Catalog, spell: Callable[[str], str] = str) -> Self:
        """Move every shortcut (see `Setting.sets`) into the mapping to which it belongs.

        Args:
            catalog: provides the options of each plugin.
            spell: returns the spelling of a setting in messages.

        Raises:
            SpecError: a shortcut is for an option that the chosen plugin does not take, or
                contradicts the mapping.
        """
        changes: dict[str, Any] = {}
        for name, mark in self.marks().items():
            value = getattr(self, name)
            if not mark.sets or value is None:
                continue
            target, _, key = mark.sets.partition(".")
            kind = target.removesuffix("_options")
            if kind != target:
                self._check_option(catalog, kind, key, spell(name), spell(kind))
            held = dict(changes.get(target, getattr(self, target)) or {})
            if held.get(key, value) != value:
                raise SpecError(
                    f"{spell(name)} {value!r} and {spell(target)} {key}={held[key]!r} differ",
                    "give one of them",
                )
            changes |= {target: held | {key: value}, name: None}
        return self.model_copy(update=changes)

    def _check_option(
        self, catalog: Catalog, kind: str, key: str, name: str, kind_name: str
    ) -> None:
        chosen = self.chosen(kind)
        if key in catalog.option_names(kind, chosen):
            return
        takers = []
        for description in catalog.descriptions(kind):
            with suppress(EnasInrError):  # broken plugins are skipped here
                if key in catalog.option_names(kind, description.name):
                    takers.append(description.name)
        raise SpecError(
            f"{name} does not apply to {kind} {chosen!r}",
            f"add {kind_name} {' or '.join(sorted(takers))}, or drop it",
        )
