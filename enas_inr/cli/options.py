"""Commands whose options are declared by a model of settings or by a dataclass."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, get_type_hints

import typer

from enas_inr.cli import commands, help

Command = Callable[..., Any]


def add_command(app: typer.Typer, command: Command, model: str, heading: str) -> None:
    """Add a command with an option for each setting of a model, which fill its `settings`.

    The options are made when they are first needed, because importing pydantic takes time and the
    list of commands does not need it.

    Args:
        app: the application to which the command is added, under the name of its function.
        command: the function, whose parameter `settings` receives the model.
        model: the model, as `package.module:Class`.
        heading: the one under which the command is listed.
    """

    class Whole(commands.Command):
        def get_params(self, ctx: Any) -> list[Any]:
            if not self.params:
                whole, self.first = _whole(command, model)
                self.params, self.callback = whole.params, whole.callback
            return super().get_params(ctx)

        def check_setting(self, name: str, value: Any) -> None:
            """Check the value of one option; raises SpecError."""
            from enas_inr.cli.setting_options import check

            module, _, kind = model.partition(":")
            check(getattr(import_module(module), kind), name, value)

    def listed() -> None:
        """Represents the command in the list of commands."""

    listed.__doc__ = command.__doc__
    app.command(command.__name__, cls=Whole, rich_help_panel=heading)(listed)


def _whole(command: Command, model: str) -> tuple[Any, Sequence[str]]:
    """Return the command with the options of its model, and the names of those to show first."""
    from enas_inr.cli.setting_options import parameters, read

    module, _, name = model.partition(":")
    settings = getattr(import_module(module), name)
    alone = typer.Typer(add_completion=False)
    alone.command()(
        spread(
            command,
            "settings",
            [*parameters(settings), _HELP_ALL],
            lambda **given: read(settings, given, command.__name__),
        )
    )
    return typer.main.get_command(alone), settings.FIRST


_HELP_ALL = inspect.Parameter(
    "help_all", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=help.All
)


def spread(
    command: Command,
    name: str,
    parameters: Sequence[inspect.Parameter],
    make: Callable[..., Any],
) -> Command:
    """Replace the parameter `name` of a command by `parameters`, from which `make` makes it."""
    names = [parameter.name for parameter in parameters]

    def called(**given: Any) -> Any:
        made = make(**{name: given.pop(name) for name in names if name in given})
        return command(**given, **{name: made})

    # The type of `settings` may be imported only for type checkers.
    hints = get_type_hints(
        command, localns={str(command.__annotations__[name]): Any}, include_extras=True
    )
    whole = [
        part.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for own in inspect.signature(command).parameters.values()
        for part in (parameters if own.name == name else [own.replace(annotation=hints[own.name])])
    ]
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = inspect.Signature(whole)  # type: ignore[attr-defined]
    return called


def field_parameters(model: type[Any]) -> list[inspect.Parameter]:
    """Return a parameter for each field of a dataclass, with its type and default."""
    hints = get_type_hints(model, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(model)
    ]
