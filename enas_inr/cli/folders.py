"""Render or list all models of a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rich.text import Text

from enas_inr.api.info import describe_all, models_in
from enas_inr.cli.interrupt import Stop
from enas_inr.cli.progress import Display
from enas_inr.cli.saying import say, say_json
from enas_inr.cli.tables import console, table
from enas_inr.errors import EnasInrError, ExitCode, ModelError
from enas_inr.executors.base import TrialProgress
from enas_inr.hookspecs import Modality
from enas_inr.model.file import SUFFIX, read_header
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.files import make_folder
from enas_inr.signals.outputs import Output, check_folder, check_outputs
from enas_inr.spec import EnsembleSpec
from enas_inr.validation import counted


def render_folder(
    catalog: Catalog,
    models: Path,
    output: Path,
    render: Callable[[Path, Path], object],
    suffix: str | None,
    *,
    force: bool,
    quiet: bool,
    stop: Stop,
) -> int:
    """Render all models below a folder into another one; return the exit code.

    Args:
        catalog: the plugins.
        models: the folder of the models.
        output: the folder of what is rendered, which is made.
        render: renders a model into a file.
        suffix: suffix of the files; None for the first one of each modality.
        force: whether to overwrite files.
        quiet: whether to show no progress.
        stop: receives the signals that end the command.

    Raises:
        ModelError: there are no models, or files are in the way.
        SignalError: the folder cannot be made.
    """
    targets: dict[Path, Path] = {}
    failed: dict[Path, EnasInrError] = {}
    for path in models_in(models):
        try:
            ending = suffix if suffix is not None else _suffix(catalog, path)
        except EnasInrError as error:
            failed[path] = error
            continue
        below = path.relative_to(models)
        name = below.name[: -len(SUFFIX)] + "." + ending.removeprefix(".")
        targets[path] = output / below.with_name(name)
    check_folder(output)
    outputs = [Output(target, f"the rendering of {path}") for path, target in targets.items()]
    check_outputs(outputs, force=force, inputs=targets, make_folders=True)
    written: list[Path] = []

    def kept() -> str:
        again = "run the same command again with --force"
        return f": {len(written)} of {counted(len(targets), 'file')} are in {output}; {again}"

    with Display(quiet=quiet, stop=stop) as progress, stop.ends(progress.insist, kept):
        what = f"rendering of {counted(len(targets), 'model')}"
        for number, (path, target) in enumerate(targets.items()):
            progress.progressed(TrialProgress(None, what, number / len(targets), 0, None))
            try:
                make_folder(target.parent)
                render(path, target)
                written.append(target)
            except EnasInrError as error:
                failed[path] = error
    _tell(failed)
    if not quiet:
        say(f"wrote {counted(len(targets.keys() - failed.keys()), 'file')} to {output}")
    return ExitCode.INCOMPLETE if failed else ExitCode.OK


def _suffix(catalog: Catalog, path: Path) -> str:
    """Return the suffix of what a model is rendered to."""
    modality = read_header(path).signal.modality
    described = catalog.describe("modality", modality)
    if not isinstance(described, Modality) or not described.suffixes:
        raise ModelError(f"files of {modality} have no usual suffix", "give a --format")
    return described.suffixes[0]


def list_folder(folder: Path, *, as_json: bool) -> int:
    """Print a table of the models below a folder; return the exit code.

    Raises:
        ModelError: there are none.
    """
    rows = describe_all(folder)
    failed = {Path(row["file"]): ModelError(row["error"]) for row in rows if "error" in row}
    if as_json:
        say_json({"models": rows})
    else:
        right = ("PSNR dB", "bytes", "bits per sample", "steps")
        shown = table("model", "architecture", "signal", *right, right=right)
        for row in rows:
            if "error" in row:
                continue
            metrics = row["metrics"]
            shown.add_row(
                Text(str(Path(row["file"]).relative_to(folder))),
                EnsembleSpec(**row["ensemble"]).label(),
                f"{row['signal']['modality']} {'x'.join(map(str, row['signal']['shape']))}",
                f"{metrics['psnr_db']:.2f}" if metrics.get("psnr_db") is not None else "",
                f"{row['bytes']:,}",
                f"{row['bits_per_sample']:.2f}",
                str(metrics.get("steps", "")),
            )
        console().print(shown)
        total = sum(row.get("bytes", 0) for row in rows)
        say(f"{counted(len(rows) - len(failed), 'model')}, {total:,} bytes")
    _tell(failed)
    return ExitCode.INCOMPLETE if failed else ExitCode.OK


def _tell(failed: Mapping[Path, EnasInrError]) -> None:
    for path, error in failed.items():
        say(f"failed: {path}: {error}", error=True)
