"""Options that several commands share, and the parsing of their text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli.interrupt import Stop
from enas_inr.errors import SpecError
from enas_inr.plain_text import read_json, shortened
from enas_inr.studies.location import DEFAULT_SHOWN

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

NoPlugins = Annotated[bool, typer.Option("--no-plugins", help="Ignore installed plugins.")]
StrictPlugins = Annotated[
    bool,
    typer.Option(
        "--strict-plugins",
        help="For authors of plugins: stop with a traceback if a plugin is broken.",
    ),
]

Signal = Annotated[
    str,
    typer.Argument(
        metavar="SIGNAL",
        help="A picture, a sound or another file, or a sample: sample:photo, sample:chord.",
    ),
]
SignalNames = Annotated[
    list[str],
    typer.Argument(
        metavar="SIGNAL...",
        help="A picture, a sound or another file, or a sample such as sample:photo. Several of "
        "them, a folder, a pattern, a text file of paths, and samples:photos are sets.",
    ),
]
SignalOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--signal-option",
        metavar="KEY=VALUE",
        help="An option of the modality that reads the signal, such as page=2 of a TIFF stack.",
    ),
]
ModelFile = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A .inr file that `fit` wrote, or an archive of models."),
]
ModelOrFolder = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A .inr file that `fit` wrote, an archive of models, or a folder of them.",
    ),
]
ModelName = Annotated[
    str | None, typer.Option("--name", help="Name of one model of an archive.", show_default=False)
]
Backbone = Annotated[str, typer.Option(help="Kind of sub-network; see `enas-inr plugins list`.")]
BackboneOptions = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="An option of the backbone, such as omega_first=60."),
]
Grid = Annotated[int, typer.Option(help="Cells along each spatial axis, M.")]
TRAINING = "Training"
OUTPUT = "Output"
DEVICES = "Device: auto, cpu, cuda, cuda:N, mps or xpu."
DEVICE_VARIABLE = "ENAS_INR_DEVICE"
Device = Annotated[str, typer.Option(help=DEVICES, envvar=DEVICE_VARIABLE)]
TrainingDevice = Annotated[
    str, typer.Option(help=DEVICES, envvar=DEVICE_VARIABLE, rich_help_panel=TRAINING)
]
Executor = Annotated[str, typer.Option(help="Where trials are trained.")]
ExecutorOptions = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="An option of the executor, such as workers=4."),
]
OutputJson = Annotated[
    bool, typer.Option("--json", help="Print JSON to stdout.", rich_help_panel=OUTPUT)
]
OutputQuiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=OUTPUT)
]
Storage = Annotated[
    str | None,
    typer.Option(
        help="Where studies are kept: an Optuna URL, or the path of an SQLite file.",
        show_default=DEFAULT_SHOWN,
    ),
]
StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A study file, in TOML, or the name of one that comes with enas-inr; see `enas-inr "
        "study list`.",
    ),
]
Signals = Annotated[
    list[str] | None,
    typer.Option(
        "--signal", help="Signal to study instead of those in the file; can be given several times."
    ),
]
Reduced = Annotated[
    bool, typer.Option("--quick", help="Run the reduced version that the file defines.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a value of the file, such as training.steps=100 or repeats=1.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@dataclass(frozen=True)
class Common:
    """What all commands have in common, from the options before their names.

    Attributes:
        installed: whether to load plugins of other distributions.
        strict: whether to refuse broken plugins.
        stop: receives signals.
    """

    installed: bool
    strict: bool
    stop: Stop


def stop_of(context: typer.Context) -> Stop:
    """Return what receives the signals that end a command."""
    common: Common = context.obj
    return common.stop


def load_catalog(context: typer.Context) -> Catalog:
    """Load the plugins that a command is to use; raises as `plugins.catalog.load_catalog`."""
    from enas_inr.plugins import catalog

    chosen: Common = context.obj
    return catalog.load_catalog(plugins=chosen.installed, strict=chosen.strict)


def parse_options(pairs: list[str] | None, option: str) -> dict[str, Any]:
    """Read `KEY=VALUE` pairs. A value that is not valid JSON is text.

    Raises:
        SpecError: a pair has no `=`, a key is given twice, or JSON cannot be carried (NaN, nested
            too deeply).
    """
    values: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, text = pair.partition("=")
        if not equals:
            raise SpecError(f"{option} {pair!r} has no value", f"write it like {option} key=value")
        if key in values:
            raise SpecError(f"{option} {key} is given twice", "give it once")
        try:
            values[key] = read_json(text)
        except json.JSONDecodeError:
            values[key] = text
        except ValueError as error:
            raise SpecError(
                f"{option} {key}: {shortened(text, 100)!r} cannot be used: {error}", "change it"
            ) from None
    return values
