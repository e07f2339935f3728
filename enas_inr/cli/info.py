"""`enas-inr info`: describe a model file or an archive, and compare it with ordinary codecs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from enas_inr.cli import arguments


def info(
    context: typer.Context,
    model: arguments.ModelFile,
    original: Annotated[
        str | None, typer.Option(help="Original signal, to measure the model again.")
    ] = None,
    signal_option: arguments.SignalOptions = None,
    name: arguments.ModelName = None,
    as_json: arguments.Json = False,
) -> None:
    """Show a model, its quality, and the size of the same signal in ordinary codecs.

    Of an archive, list the models; --name shows one of them.
    """
    from enas_inr.api.info import describe
    from enas_inr.cli.model_tables import print_archive, print_info

    described = describe(
        model,
        original,
        arguments.load_catalog(context),
        arguments.parse_options(signal_option, "--signal-option"),
        name,
    )
    if as_json:
        print(json.dumps(described, indent=2))
    elif "signals" in described:
        print_archive(described)
    else:
        print_info(described)
