"""`enas-inr report`: a study as a page, a table or figures."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import partial
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
        typer.Argument(
            metavar="STUDY",
            help="Name of a study in the storage, or a study file, or the name of one that comes "
            "with enas-inr.",
        ),
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
            metavar="FOLDER",
            help="Folder for the figures as PNG and SVG files, in addition to the report.",
        ),
    ] = None,
    signal: arguments.Signals = None,
    quick: arguments.Reduced = False,
    changes: arguments.Changes = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write a self-contained page of a study: settings, table, figures and reconstructions.

    For a study file, give the same --signal, --quick and --set with which it was run.
    """  # fmt: skip
    from enas_inr.api.outputs import inputs_of
    from enas_inr.api.study import prepare, report_of
    from enas_inr.studies.location import Storage
    from enas_inr.studies.shipped import find_study_file, is_shipped

    with arguments.stop_of(context).ends():
        form = form or _format_of(output)
        catalog = arguments.load_catalog(context)
        is_file = study.endswith(".toml") or Path(study).is_file() or is_shipped(study)
        if output is None and form is Format.HTML:
            output = _usual(study, is_file, quick)
        read = inputs_of(find_study_file(study) if is_file else None, storage=Storage(storage))
        check = partial(_check, output=output, figures=figures, read=read, force=force)
        check()
        if not is_file and (signal or quick or changes):
            raise SpecError(
                "--signal, --quick and --set are for study files", f"{study!r} is a study's name"
            )
        if is_file:
            options = arguments.parse_options(changes, "--set")
            file = prepare(
                study, signals=signal or (), quick=quick, changes=options, catalog=catalog
            )
        reported = file.report(storage) if is_file else report_of(study, storage, catalog)
        check(reported)
        _write(reported, output, form, figures)


def _write(reported: Report, output: Path | None, form: Format, figures: Path | None) -> None:
    from enas_inr.reports import text
    from enas_inr.reports.figures import draw_figures, write_figures
    from enas_inr.reports.page import render_page
    from enas_inr.reports.rows import Results
    from enas_inr.signals.files import STANDARD, make_folder, replace_bytes

    made = Results.of(reported)
    makers = {Format.MD: text.as_markdown, Format.CSV: text.as_csv, Format.JSON: text.as_json}
    # A page shows reconstructions in its own way.
    is_page, without = form is Format.HTML, "" if figures else "reconstructions"
    drawn = draw_figures(made, without) if figures or is_page else {}
    content = render_page(made, drawn) if is_page else makers[form](made)
    piped = output in (None, STANDARD)
    if output is None or piped:
        print(content, end="")
    else:
        replace_bytes(output, content.encode())
        say(f"wrote {output}")
    if figures:
        make_folder(figures)
        for path in write_figures(drawn, figures):
            say(f"wrote {path}", error=piped)


def _check(
    report: Report | None = None,
    *,
    output: Path | None,
    figures: Path | None,
    read: Iterable[Path],
    force: bool,
) -> None:
    """Refuse files that cannot be written: the figures once it is known which ones there are."""
    from enas_inr.reports.figures import figure_paths
    from enas_inr.signals.outputs import Output, check_folder, check_outputs

    outputs = [Output(output, "the report")] if output else []
    check_outputs(outputs, force=force, inputs=read)
    if figures and report is None:
        check_folder(figures)
    elif figures and report:
        outputs += [Output(path, "a figure") for path in figure_paths(report, figures)]
        check_outputs(outputs, force=force, inputs=read, make_folders=True)


def _usual(study: str, is_file: bool, quick: bool) -> Path:
    """Return the path of the page of a study, in this folder whatever the study's name."""
    from enas_inr.signals.outputs import file_name

    suffix = "-quick" if quick else ""
    return Path(file_name(Path(study).stem if is_file else study, f"{suffix}.html"))


def _format_of(output: Path | None) -> Format:
    """Return the format that the suffix of a file stands for."""
    from enas_inr.signals.files import is_stream

    suffix = output.suffix.removeprefix(".").lower() if output else "html"
    if output and not suffix and is_stream(output):
        suffix = "html"
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
