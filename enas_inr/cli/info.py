"""`enas-inr info`: describe a model file or an archive, and compare it with ordinary codecs."""

from __future__ import annotations

from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say_json
from enas_inr.errors import ExitCode, SpecError


def info(
    context: typer.Context,
    model: arguments.ModelOrFolder,
    original: Annotated[
        str | None, typer.Option(help="Original signal, to measure the model again.")
    ] = None,
    signal_option: arguments.SignalOptions = None,
    name: arguments.ModelName = None,
    as_json: arguments.Json = False,
) -> int:
    """Show a model, its quality, and the size of the same signal in ordinary codecs.

    For an archive, list its models; --name shows one of them. For a folder, show a table of all
    models in it and below it.
    """
    from enas_inr.api.info import describe
    from enas_inr.cli.model_tables import print_archive, print_info

    catalog = arguments.load_catalog(context)
    options = arguments.parse_options(signal_option, "--signal-option")
    if model.is_dir():
        from enas_inr.cli.folders import list_folder

        if original is not None or options or name is not None:
            raise SpecError(
                "--original and --name are not for a folder", "give a .inr file, or leave them out"
            )
        return list_folder(model, as_json=as_json)
    described = describe(model, original, catalog, options, name)
    if as_json:
        say_json(described)
    elif "signals" in described:
        print_archive(described)
    else:
        print_info(described)
    return ExitCode.OK
