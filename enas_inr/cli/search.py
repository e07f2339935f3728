"""`enas-inr search`: find the best ensemble for a signal under a budget."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from enas_inr.api.settings import SearchSettings
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.result import SearchResult
    from enas_inr.signals.signal import Signal


PARETO = "pareto.png"
"""The picture of the Pareto front in the folder of `--output`."""


def search(
    context: typer.Context,
    signals: arguments.SignalNames,
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
    trace: Annotated[
        bool,
        typer.Option(
            "--trace",
            help="Print all candidates of each decision, as is done for a pipe.",
            rich_help_panel=arguments.OUTPUT,
        ),
    ] = False,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Search for the best ensemble, train it, and keep every trial in a study.

    Run the same command again to resume an interrupted search. --profile paper reproduces the
    paper.
    """
    from enas_inr.api.reading import is_one
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.cli.setting_options import spell
    from enas_inr.signals.files import make_folder

    catalog = arguments.load_catalog(context)
    settings = settings.settled(catalog, partial(spell, type(settings)))
    one = len(signals) == 1 and is_one(signals[0])
    if output and not one:
        raise SpecError("--output is for a single signal", "leave it out, and fit the set")
    if output:
        _check_folder(catalog, signals[0], settings, output)
        make_folder(output)
    stop = arguments.stop_of(context)
    with (
        SearchProgress(quiet=quiet, stop=stop) as progress,
        stop.ends(progress.insist, progress.kept),
    ):
        said = (
            _search_one(signals[0], settings, catalog, progress, output)
            if one
            else _search_set(signals, settings, catalog, progress)
        )
    if as_json:
        say_json(said.result.to_dict() | said.figures)
    else:
        _print(said, everything=trace or not sys.stdout.isatty())
    if not (as_json and quiet):
        for path in said.written:
            say(f"wrote {path}", error=as_json)
    return ExitCode.OK


def _check_folder(catalog: Catalog, source: str, settings: SearchSettings, folder: Path) -> None:
    """Refuse a folder that cannot be written, or whose files the search reads."""
    from enas_inr.api.outputs import inputs_of
    from enas_inr.signals.loading import modality_of
    from enas_inr.signals.outputs import Output, check_folder, check_outputs
    from enas_inr.signals.side_by_side import comparison_paths
    from enas_inr.studies.location import Storage

    check_folder(folder)
    paths = [*comparison_paths(catalog, modality_of(catalog, source), folder), folder / PARETO]
    read = inputs_of(source, storage=Storage(settings.storage))
    outputs = [Output(path, "a file of --output") for path in paths]
    check_outputs(outputs, force=True, inputs=read, make_folders=True)


@dataclass(frozen=True)
class _Said:
    """What is printed at the end of a search.

    Attributes:
        result: its result.
        figures: what is printed as JSON besides it, with `warnings` and the `next` command.
        lines: lines about what it has trained, and what its winner is worth.
        written: the files that were written.
    """

    result: SearchResult
    figures: dict[str, Any]
    lines: tuple[str, ...]
    written: tuple[Path, ...] = ()


def _search_one(
    source: str,
    settings: SearchSettings,
    catalog: Catalog,
    progress: SearchProgress,
    output: Path | None,
) -> _Said:
    from enas_inr.api.reading import refuse_set_settings, take_signal
    from enas_inr.api.search import search as run_search
    from enas_inr.api.worth import spent_of, warnings, worth_of
    from enas_inr.cli.signals import described, words
    from enas_inr.signals.loading import original_size
    from enas_inr.studies.settings import SignalSettings

    refuse_set_settings(settings, "hold_out")
    read = take_signal(catalog, source, settings, default=settings.usual_size)
    original = original_size(catalog, source, settings.signal_options)
    progress.announce(described(source, read, original))
    asked = _without(settings, SignalSettings.marks())  # they were for the file
    result = run_search(read, **asked, catalog=catalog, observer=progress)
    written = _write(catalog, result, read, output, settings.device, progress) if output else []
    worth, spent = worth_of(result, read), spent_of(result, catalog)
    named = words(source, settings, original, read)
    advice = list(warnings(result, worth, shlex.join(["enas-inr", "suggest", *named])))
    figures = {
        "worth": worth.to_dict(),
        "spent": spent.to_dict(),
        "warnings": advice,
        "next": shlex.join(["enas-inr", "fit", *named, *_study(result, settings)]),
    }
    return _Said(result, figures, (spent.text(), worth.text()), tuple(written))


def _search_set(
    named: list[str], settings: SearchSettings, catalog: Catalog, progress: SearchProgress
) -> _Said:
    from enas_inr.api.reading import take_set
    from enas_inr.api.search import search as run_search
    from enas_inr.api.worth import diverged, spent_of
    from enas_inr.cli.sets import described_set, set_words
    from enas_inr.studies.settings import SetSettings

    found = take_set(
        catalog, named, settings, settings.usual_size, progress.say, progress.progressed
    )
    progress.announce(described_set(named, found.infos))
    asked = _without(settings, SetSettings.marks())  # they were for the files
    result = run_search(found, **asked, catalog=catalog, observer=progress)
    spent = spent_of(result, catalog)
    words = [*set_words(named, settings), *_study(result, settings), "-o", "models"]
    figures = {
        "spent": spent.to_dict(),
        "warnings": list(diverged(result)),
        "next": shlex.join(["enas-inr", "fit", *words]),
    }
    return _Said(result, figures, (spent.text(),))


def _without(settings: SearchSettings, names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.given().items() if name not in names}


def _print(said: _Said, *, everything: bool) -> None:
    from enas_inr.cli.sets import print_held_out, print_signals
    from enas_inr.cli.trace import print_result

    print_result(said.result, everything=everything)
    print_signals(said.result)
    print_held_out(said.result.held_out)
    for line in said.lines:
        say(line)
    for line in said.figures["warnings"]:
        say(f"warning: {line}")
    say(f"next: {said.figures['next']}", command=True)


def _study(result: SearchResult, settings: SearchSettings) -> list[str]:
    """Return the options of `fit` that name a study."""
    from enas_inr.studies.location import Storage

    if settings.storage is None:
        return ["--study", result.study]
    place = Storage(settings.storage)
    return ["--study", result.study, "--storage", place.path or str(place)]


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
    from enas_inr.signals.files import make_folder, replace_bytes
    from enas_inr.signals.side_by_side import write_comparison

    make_folder(folder)  # it may have gone since the search began
    made = reconstruct(ExecutionContext(catalog, signal, device, progress.progressed), result.best)
    written = write_comparison(catalog, signal, made, folder)
    if len(result.spec.objectives) > 1:
        written.append(folder / PARETO)
        replace_bytes(written[-1], image_of(pareto_figure(result), "png"))
    return written
