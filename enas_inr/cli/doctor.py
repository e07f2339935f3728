"""`enas-inr doctor`: what is installed, what is used, and what is broken."""

from __future__ import annotations

import os

import typer

from enas_inr.cli import arguments
from enas_inr.cli.commands import check_settings
from enas_inr.cli.saying import say, say_json
from enas_inr.cli.settings_file import find_settings, user_file
from enas_inr.errors import ExitCode, SpecError
from enas_inr.studies.location import VARIABLE


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

    wrong = None
    settings = f"none; that of this user would be {user_file()}"
    try:
        files = find_settings()
        if files:
            settings = ", ".join(str(file.path) for file in files)
        for file in files:
            check_settings(file, context.find_root())
        for file in files if storage is None and not os.environ.get(VARIABLE) else ():
            storage = storage or file.of("search").get("storage")
    except SpecError as error:
        wrong = error
    found = diagnose(arguments.load_catalog(context), device, storage, wrong or settings)
    if as_json:
        say_json(found.to_dict())
    else:
        width = max(len(finding.about) for finding in found.findings)
        for finding in found.findings:
            mark = "broken: " if finding.broken else ""
            say(f"{finding.about:{width}}  {mark}{finding.said}", indent=width + 2)
            if finding.advice:
                say(f"{'':{width}}  -> {finding.advice}", indent=width + 5)
    return ExitCode.INTERNAL if found.broken else ExitCode.OK
