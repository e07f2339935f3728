"""`enas-inr info`: what is in a model file, and where it stands."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from enas_inr.cli import arguments


def info(
    context: typer.Context,
    model: arguments.ModelFile,
    original: Annotated[
        str | None, typer.Option(help="The signal it was fitted to, to measure it again.")
    ] = None,
    signal_option: arguments.SignalOptions = None,
    as_json: arguments.Json = False,
) -> None:
    """Say what a model is, how good it is, and what ordinary codecs need for the same signal."""
    from enas_inr.api.info import describe
    from enas_inr.cli.model_tables import print_info

    described = describe(
        model,
        original,
        arguments.load_catalog(context),
        arguments.parse_options(signal_option, "--signal-option"),
    )
    if as_json:
        print(json.dumps(described, indent=2))
    else:
        print_info(described)
