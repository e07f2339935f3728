"""`enas-inr report`: a study as a page, a table or figures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say
from enas_inr.errors import SpecError

if TYPE_CHECKING:
    from enas_inr.studies.record import Report


class Format(StrEnum):
    """Formats of a report."""

    HTML = "html"
    MD = "md"
    CSV = "csv"
    JSON = "json"


def report(
    context: typer.Context,
    study: Annotated[
        str,
        typer.Argument(metavar="STUDY", help="Name of a study in the storage, or a study file."),
    ],
    storage: arguments.Storage = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write.",
            show_default="STUDY.html for html, else stdout",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Format of the report.",
            show_default="by the suffix of FILE, else html",
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder in which to write each figure, too, as PNG and SVG."
        ),
    ] = None,
    signal: arguments.Signals = None,
    quick: arguments.Reduced = False,
    changes: arguments.Changes = None,
) -> None:
    """Write a self-contained page of a study: settings, table, figures and reconstructions.

    For a study file, give the same --signal, --quick and --set with which it was run.
    """  # fmt: skip
    from enas_inr.api.study import prepare, report_of
    from enas_inr.cli.interrupt import complain, whole_files
    from enas_inr.reports import text
    from enas_inr.reports.figures import draw_figures, write_figures
    from enas_inr.reports.page import render_page
    from enas_inr.reports.rows import Results
    from enas_inr.signals.files import make_folder, replace_bytes

    with arguments.stop_of(context).ends(complain, whole_files):
        form = form or _format_of(output)
        catalog = arguments.load_catalog(context)
        is_file = study.endswith(".toml") or Path(study).is_file()
        if is_file:
            options = arguments.parse_options(changes, "--set")
            reported = prepare(
                study, signals=signal or (), quick=quick, changes=options, catalog=catalog
            ).report(storage)
        elif signal or quick or changes:
            raise SpecError(
                "--signal, --quick and --set are for study files", f"{study!r} is a study's name"
            )
        else:
            reported = report_of(study, storage, catalog)
        made = Results.of(reported)
        makers = {Format.MD: text.as_markdown, Format.CSV: text.as_csv, Format.JSON: text.as_json}
        # A page shows reconstructions in its own way.
        is_page, without = form is Format.HTML, "" if figures else "reconstructions"
        drawn = draw_figures(made, without) if figures or is_page else {}
        content = render_page(made, drawn) if is_page else makers[form](made)
        if output is None and is_page:
            suffix = "-quick" if quick else ""
            output = Path(f"{Path(study).stem if is_file else study}{suffix}.html")
        if output is None:
            print(content, end="")
        else:
            replace_bytes(output, content.encode())
            say(f"wrote {output}")
        if figures:
            make_folder(figures)
            for path in write_figures(drawn, figures):
                say(f"wrote {path}", error=output is None)


def _format_of(output: Path | None) -> Format:
    """Return the format that the suffix of a file stands for."""
    suffix = output.suffix.removeprefix(".").lower() if output else "html"
    known = {"htm": Format.HTML, **{form.value: form for form in Format}}
    if suffix not in known:
        raise SpecError(
            f"{output} does not end in {' or '.join(Format)}", "rename it, or give --format"
        )
    return known[suffix]


def print_report(made: Report) -> None:
    """Print the title, the settings and the table of a report."""
    from enas_inr.cli.tables import console, table
    from enas_inr.reports.findings import findings
    from enas_inr.reports.rows import Results
    from enas_inr.reports.settings import brief_settings
    from enas_inr.reports.text import brief_columns

    results = Results.of(made)
    columns = brief_columns(results)
    right = tuple(column.title for column in columns if column.numeric)
    printed = table(*(column.title for column in columns), "", right=right)
    for row in results.rows:
        mark, style = ("<- best", "bold") if row.best else ("", None)
        printed.add_row(*(column.text(row) for column in columns), mark, style=style)
    out = console()
    say(made.title)
    for setting in brief_settings(made):
        say(f"  {setting}")
    if made.reduced:
        say(f"  REDUCED: {made.reduced}")
    out.print(printed)
    for finding in findings(results):
        say(finding)
    for row in results.rows:
        if row.result.message:
            say(f"{row.label}: {row.result.message}")
