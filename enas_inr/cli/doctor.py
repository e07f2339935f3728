"""`enas-inr doctor`: what is installed, what is used, and what is broken."""

from __future__ import annotations

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.cli.settings_file import find_settings, user_file
from enas_inr.errors import ExitCode, SpecError


def doctor(
    context: typer.Context,
    device: arguments.Device = "auto",
    storage: arguments.Storage = None,
    as_json: arguments.Json = False,
) -> int:
    """Show what is installed, what is used and what is broken, for a bug report.

    Passwords are not shown. The exit code is 1 if something is broken.
    """
    from enas_inr.api.doctor import diagnose

    try:
        file = find_settings()
        if file and storage is None:
            storage = file.of("search").get("storage")
        settings = str(file.path) if file else f"none; that of this user would be {user_file()}"
    except SpecError as error:
        settings = str(error)
    found = diagnose(arguments.load_catalog(context), device, storage, settings)
    if as_json:
        say_json(found.to_dict())
    else:
        width = max(len(finding.about) for finding in found.findings)
        for finding in found.findings:
            mark = "broken: " if finding.broken else ""
            say(f"{finding.about:{width}}  {mark}{finding.said}")
            if finding.advice:
                say(f"{'':{width}}  -> {finding.advice}")
    return ExitCode.INTERNAL if found.broken else ExitCode.OK
