"""`enas-inr study`: run studies that a file describes, such as the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enas_inr.cli import arguments, commands
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode, SpecError, TrainingError

if TYPE_CHECKING:
    from enas_inr.api.study import PreparedStudy

app = typer.Typer(
    cls=commands.Group,
    help="Run studies that a file describes, such as the tables and figures of the paper.",
)


@app.callback(invoke_without_command=True)
def _help_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list", cls=commands.Command)
def list_studies(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of study files to list instead of those that come with enas-inr and those "
            "in the folder `studies`.",
            show_default=False,
        ),
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """List the study files that come with enas-inr, or those of a folder."""
    from enas_inr.cli.tables import console, table
    from enas_inr.studies.file import load_study_file
    from enas_inr.validation import counted

    listed: list[dict[str, Any]] = []
    broken: list[str] = []
    for name, path in _study_files(folder).items():
        try:
            file = load_study_file(path).file
        except SpecError as error:
            broken.append(str(error))
            continue
        rows = sum(len(search.rows) for search in file.searches)
        searches = sum(0 if search.rows else len(search.each_grid) for search in file.searches)
        listed.append(
            {
                "name": name,
                "file": str(path),
                "title": file.title,
                "signals": list(file.signals),
                "rows": rows,
                "searches": searches,
                "repeats": file.repeats,
            }
        )
    if as_json:
        say_json({"studies": listed, "refused": broken})
    else:
        made = table("study", "title", "signals", "each", "repeats", right=("repeats",))
        for line in listed:
            parts = [counted(line["rows"], "row")] * bool(line["rows"])
            parts += [counted(line["searches"], "search", "searches")] * bool(line["searches"])
            made.add_row(
                line["name"],
                line["title"],
                ", ".join(line["signals"]),
                " and ".join(parts),
                str(line["repeats"]),
            )
        console().print(made)
        if folder is None and listed:
            say(f"run one: enas-inr study run {listed[-1]['name']} --quick", command=True)
    for message in broken:
        say(f"enas-inr: {message}", error=True)


def _study_files(folder: Path | None) -> dict[str, Path]:
    """Return the study files to list by what other commands take for them: a name or a path.

    Raises:
        SpecError: the folder has none.
    """
    from enas_inr.studies.shipped import FOLDER, shipped_folder, shipped_studies

    found = {} if folder else shipped_studies()
    own = folder or FOLDER
    if folder or not (own.is_dir() and own.resolve() == shipped_folder().resolve()):
        found |= {str(path): path for path in sorted(own.glob("*.toml"))}
    if not found:
        raise SpecError(f"folder {own} has no study files", "give the folder that has them")
    return found


@app.command(cls=commands.Command)
def validate(
    context: typer.Context,
    file: arguments.StudyFile,
    signal: arguments.Signals = None,
    quick: arguments.Reduced = False,
    changes: arguments.Changes = None,
) -> None:
    """Check a study file, and show what it would train at what cost, without training."""
    from enas_inr.backbones.feasibility import feasible_space
    from enas_inr.cli.tables import console, table
    from enas_inr.validation import format_quantity

    prepared = _prepare(context, file, signal, quick, changes)
    made = table(
        "study", "signal", "strategy", "trials at most", "FLOPs at most", "training steps",
        right=("trials at most", "FLOPs at most", "training steps"),
    )  # fmt: skip
    for study in prepared.planned:
        feasible = feasible_space(study.spec, prepared.catalog).feasible
        made.add_row(
            study.label or study.name,
            study.spec.signal.name,
            study.spec.strategy.name,
            str(len(feasible)),
            format_quantity(max(candidate.cost.flops for candidate in feasible)),
            f"{study.spec.repeats} x {study.spec.training.steps}",
        )
    console().print(made)
    say(f"{file} is valid" + (f"; {prepared.loaded.reduced}" if prepared.loaded.reduced else ""))


@app.command(cls=commands.Command)
def run(
    context: typer.Context,
    file: arguments.StudyFile,
    signal: arguments.Signals = None,
    quick: arguments.Reduced = False,
    changes: arguments.Changes = None,
    storage: arguments.Storage = None,
    executor: arguments.Executor = "local",
    executor_option: arguments.ExecutorOptions = None,
    device: arguments.TrainingDevice = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for the results: table and curves as CSV, figures, page, environment.",
        ),
    ] = None,
    as_json: arguments.OutputJson = False,
    quiet: arguments.OutputQuiet = False,
) -> int:
    """Run or resume a study file. Trials that the storage has already are not trained again."""
    from enas_inr.api.study import write_record
    from enas_inr.cli.progress import SearchProgress
    from enas_inr.cli.report import print_report
    from enas_inr.reports.rows import Results
    from enas_inr.reports.text import as_json as to_json
    from enas_inr.signals.files import make_folder
    from enas_inr.signals.outputs import check_folder
    from enas_inr.spec import Choice
    from enas_inr.studies.shipped import find_study_file

    if output:
        check_folder(output)
    file = find_study_file(file)
    prepared = _prepare(context, file, signal, quick, changes)
    if output:
        _check_record(prepared, output, file, storage)
        make_folder(output)
    options = arguments.parse_options(executor_option, "--executor-option")
    stop = arguments.stop_of(context)
    with (
        SearchProgress(quiet=quiet, stop=stop) as progress,
        stop.ends(progress.insist, progress.kept),
    ):
        if prepared.loaded.reduced:
            progress.say(f"reduced: {prepared.loaded.reduced}")
        failure = None
        try:
            report = prepared.run(
                storage,
                executor=Choice(name=executor, options=options),
                device=device,
                observer=progress,
                on_study=lambda number, study: progress.say(
                    f"study {number + 1} of {len(prepared.planned)}: {study.label or study.name}"
                ),
            )
        except TrainingError as error:  # the others are worth a report
            failure, report = error, prepared.report(storage)
        written = write_record(report, output) if output else []
    if as_json:
        print(to_json(Results.of(report)), end="")
    else:
        print_report(report)
    if not (as_json and quiet):
        for path in written:
            say(f"wrote {path}", error=as_json)
    if failure:
        raise failure
    return ExitCode.OK


def _check_record(prepared: PreparedStudy, folder: Path, file: Path, storage: str | None) -> None:
    """Refuse a folder for the record whose files the study reads."""
    from enas_inr.api.outputs import inputs_of
    from enas_inr.api.study import RECORD
    from enas_inr.signals.outputs import Output, check_outputs
    from enas_inr.studies.location import Storage

    read = inputs_of(file, *prepared.loaded.file.signals, storage=Storage(storage))
    outputs = [Output(folder / name, "the record") for name in RECORD]
    check_outputs(outputs, force=True, inputs=read, make_folders=True)


def _prepare(
    context: typer.Context,
    file: Path,
    signals: list[str] | None,
    quick: bool,
    changes: list[str] | None,
) -> PreparedStudy:
    from enas_inr.api.study import prepare

    return prepare(
        file,
        signals=signals or (),
        quick=quick,
        changes=arguments.parse_options(changes, "--set"),
        catalog=arguments.load_catalog(context),
    )
