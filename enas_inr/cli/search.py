"""`enas-inr search`: find the best ensemble for a signal under a budget."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.errors import ExitCode

if TYPE_CHECKING:
    from enas_inr.api.settings import SearchSettings
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.result import SearchResult
    from enas_inr.signals.signal import Signal


def search(
    context: typer.Context,
    signal: arguments.Signal,
    settings: SearchSettings,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for the original, the best reconstruction and the Pareto front.",
            rich_help_panel=arguments.OUTPUT,
        ),
    ] = None,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Search for the best ensemble, train it, and keep every trial in a study.

    Run the same command again to resume an interrupted search. The defaults are the paper's.
    """
    from enas_inr.api.reading import take_signal
    from enas_inr.api.search import search as run_search
    from enas_inr.api.worth import spent_of, warnings, worth_of
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.cli.setting_options import spell
    from enas_inr.cli.signals import described, words
    from enas_inr.cli.trace import print_result
    from enas_inr.signals.files import make_folder
    from enas_inr.signals.loading import original_size
    from enas_inr.studies.settings import SignalSettings

    catalog = arguments.load_catalog(context)
    settings = settings.settled(catalog, partial(spell, type(settings)))
    if output:
        make_folder(output)
    with SearchProgress(quiet=quiet) as progress:
        try:
            read = take_signal(catalog, signal, settings, default=settings.usual_size)
            original = original_size(catalog, signal)
            progress.announce(described(signal, read, original))
            asked = settings.given()
            for name in SignalSettings.marks():  # they were for the file
                asked.pop(name, None)
            result = run_search(read, **asked, catalog=catalog, observer=progress)
            written = (
                _write(catalog, result, read, output, settings.device, progress) if output else []
            )
        except KeyboardInterrupt:
            progress.interrupted()
            return ExitCode.INTERRUPTED
    worth, spent = worth_of(result, read), spent_of(result, catalog)
    source = words(signal, settings, original, read)
    advice = list(warnings(result, worth, shlex.join(["enas-inr", "suggest", *source])))
    further = shlex.join(["enas-inr", "fit", *source, *_study(result, settings)])
    if as_json:
        figures = {"worth": worth.to_dict(), "spent": spent.to_dict()}
        said = {"warnings": advice, "next": further}
        print(json.dumps(result.to_dict() | figures | said, indent=2))
    else:
        print_result(result)
        print(spent.text())
        print(worth.text())
        for line in advice:
            print(f"warning: {line}")
        print(f"next: {further}")
    if not (as_json and quiet):
        for path in written:
            print(f"wrote {path}", file=sys.stderr if as_json else sys.stdout)
    return ExitCode.OK


def _study(result: SearchResult, settings: SearchSettings) -> list[str]:
    """Return the options of `fit` that name a study."""
    from enas_inr.studies import DEFAULT_STORAGE

    elsewhere = settings.storage != DEFAULT_STORAGE
    return ["--study", result.study, *(["--storage", settings.storage] if elsewhere else [])]


def _write(
    catalog: Catalog,
    result: SearchResult,
    signal: Signal,
    folder: Path,
    device: str,
    progress: SearchProgress,
) -> list[Path]:
    """Write the signal, the reconstruction of the best trial and the front; return the paths."""
    from enas_inr.executors.base import ExecutionContext
    from enas_inr.executors.reconstruct import reconstruct
    from enas_inr.reports.figures.cost_charts import pareto_figure
    from enas_inr.reports.figures.drawing import image_of
    from enas_inr.signals.files import replace_bytes
    from enas_inr.signals.side_by_side import write_comparison

    made = reconstruct(ExecutionContext(catalog, signal, device, progress.progressed), result.best)
    written = write_comparison(catalog, signal, made, folder)
    if len(result.spec.objectives) > 1:
        written.append(folder / "pareto.png")
        replace_bytes(written[-1], image_of(pareto_figure(result), "png"))
    return written
