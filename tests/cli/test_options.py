import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
import typer

from enas_inr.api.settings import FitSettings, SearchSettings
from enas_inr.cli.options import field_parameters, spread
from enas_inr.cli.setting_options import parameters, read, spell
from enas_inr.errors import SpecError
from enas_inr.studies.setting import Integers, Names, Setting, Settings, Text

if TYPE_CHECKING:
    Unknown = int  # imported for type checkers only, as for settings


class Every(Settings):
    """Settings of all types."""

    number: Annotated[int, Setting("A number.")] = 3
    rate: Annotated[float | None, Setting("A rate.", flags=("--lr", "-l"))] = None
    some_name: Annotated[str | None, Setting("A name.", shown="none of them")] = None
    size: Annotated[Text | None, Setting("A size.")] = None
    place: Annotated[str | Path | None, Setting("A file.")] = None
    on: Annotated[bool, Setting("Whether.")] = True
    force: Annotated[bool, Setting("Whether by force.", flags=("--force",))] = False
    widths: Annotated[Integers, Setting("Numbers.")] = (1, 2)
    aims: Annotated[Names, Setting("Names.")] = ()
    box_options: Annotated[Mapping[str, Any] | None, Setting("Options of the box.")] = None
    hidden: Annotated[int, Setting("Of Python alone.", on_command_line=False)] = 5


def run(*words):
    """Return the settings that a command receives from these arguments."""
    got = []

    def command(settings: "Unknown", last: Annotated[int, typer.Option()] = 1) -> None:
        got.append((settings, last))

    app = typer.Typer(add_completion=False)
    make = spread(
        command, "settings", parameters(Every), lambda **given: read(Every, given, "command")
    )
    app.command()(make)
    app(list(words), standalone_mode=False)
    return got[0]


def test_without_options_nothing_is_given():
    settings, last = run()
    assert (settings, settings.given(), last) == (Every(), {}, 1)


def test_what_is_written_becomes_values_of_the_settings_types():
    line = (
        "--number 4 -l 1e-3 --some-name x --size 16 --place a/b --no-on --force --widths 4,8 "
        "--aims psnr,flops --box-option a=1 --box-option b=text --last 2"
    )
    settings, last = run(*line.split())
    assert last == 2
    assert settings.given() == {
        "number": 4,
        "rate": 1e-3,
        "some_name": "x",
        "size": "16",
        "place": Path("a/b"),
        "on": False,
        "force": True,
        "widths": (4, 8),
        "aims": ("psnr", "flops"),
        "box_options": {"a": 1, "b": "text"},
    }


def test_a_python_only_setting_is_not_an_option():
    assert "hidden" not in [parameter.name for parameter in parameters(Every)]
    assert spell(Every, "hidden") == "hidden"


@pytest.mark.parametrize(
    ("model", "name", "written"),
    [
        (SearchSettings, "learning_rate", "--lr"),
        (SearchSettings, "strategy_options", "--strategy-option"),
        (SearchSettings, "cpus_per_trial", "--cpus-per-trial"),
        (SearchSettings, "widths", "--widths"),
        (SearchSettings, "pictures", "--pictures"),
        (FitSettings, "target_psnr_db", "--target-psnr"),
        (FitSettings, "output", "--output"),
    ],
)
def test_how_settings_are_spelt(model, name, written):
    assert spell(model, name) == written


def test_an_empty_list_of_names_is_kept():
    assert run("--aims", "")[0].aims == ()


def test_an_invalid_list_names_the_option():
    with pytest.raises(SpecError, match="--widths: 'a' is not a list of integers"):
        run("--widths", "a")
    with pytest.raises(SpecError, match="--box-option 'a' has no value"):
        run("--box-option", "a")


@dataclass(frozen=True)
class Window:
    """Two options as one object."""

    left: Annotated[int, typer.Option(help="From.")] = 0
    right: Annotated[int | None, typer.Option("--to")] = None


def test_a_dataclass_becomes_options_in_the_place_of_a_parameter():
    def command(first: int, window: Window, last: int = 1) -> tuple[int, Window, int]:
        """Say it."""
        return first, window, last

    made = spread(command, "window", field_parameters(Window), Window)
    assert list(inspect.signature(made).parameters) == ["first", "left", "right", "last"]
    assert (made.__name__, made.__doc__) == ("command", "Say it.")
    assert made(first=1, left=2, right=3, last=4) == (1, Window(2, 3), 4)
