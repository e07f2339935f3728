"""`enas-inr render`: evaluate a model at any size, as a picture, a sound or a volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say
from enas_inr.errors import ExitCode, SpecError

if TYPE_CHECKING:
    from enas_inr.model.model import Model
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.spec import SignalInfo

_OFFSETS, _EXTENTS = "xyzt", "whdl"  # of the axes, the last one first


@dataclass(frozen=True)
class Asked:
    """What to render of a signal, at which resolution, and how; None if not given."""

    size: Annotated[
        str | None, typer.Option(help="Size: WxH of a picture or of frames, WxHxD of a volume.")
    ] = None
    scale: Annotated[
        float | None, typer.Option(help="Scale factor relative to the original, along every axis.")
    ] = None
    crop: Annotated[
        str | None,
        typer.Option(
            help="Part to render, in samples of the original: x,y,w,h, or x,y,z,w,h,d of a volume."
        ),
    ] = None
    sample_rate: Annotated[
        int | None,
        typer.Option(min=1, help="Sample rate of a sound, or frame rate of a video, in Hz."),
    ] = None
    start: Annotated[float | None, typer.Option(help="Start on the time axis, in seconds.")] = None
    end: Annotated[float | None, typer.Option(help="End on the time axis, in seconds.")] = None
    blend: Annotated[
        bool | None,
        typer.Option(
            help="Crossfade neighbouring cells at their borders.",
            show_default="if the model was trained with a margin, as by `smooth`",
        ),
    ] = None


def render(
    context: typer.Context,
    model: arguments.ModelOrFolder,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write, whose suffix determines the format, or - for the standard output; "
            "for an archive or a folder of models, a folder.",
        ),
    ],
    asked: Asked,
    name: arguments.ModelName = None,
    device: arguments.Device = "auto",
    suffix: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Suffix, such as .jpg, of the files in a folder or of what goes to a pipe or -.",
            show_default="the first one of the modality, such as .png",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    quiet: arguments.Quiet = False,
) -> int:
    """Evaluate a model on the grid of the original, or on a larger, smaller or cropped one.

    For the time axis of sounds and videos use --sample-rate, --start and --end. --size and --crop
    are for the other axes, with the last axis first (the columns of a picture). All models of an
    archive, or below a folder, are rendered into a folder; those of a folder that fail do not end
    the others. --name renders one model of an archive to a file.
    """
    from enas_inr.api.archive import opened, rendered_paths
    from enas_inr.model.archive import Archive
    from enas_inr.model.model import load
    from enas_inr.signals.files import is_stream, make_folder
    from enas_inr.signals.outputs import Output, check_folder, check_outputs, is_standard_output

    catalog = arguments.load_catalog(context)
    draw = partial(_render, catalog, asked=asked, device=device)
    if model.is_dir():
        from enas_inr.cli.folders import render_folder

        if name is not None:
            raise SpecError(f"--name {name!r} is for an archive", f"give a file in {model}")

        def draw_file(path: Path, to: Path) -> None:
            draw(load(path, catalog=catalog), to, quiet=True)

        stop = arguments.stop_of(context)
        return render_folder(
            catalog, model, output, draw_file, suffix, force=force, quiet=quiet, stop=stop
        )
    ending = "" if suffix is None else "." + suffix.removeprefix(".").lower()
    if ending and not is_stream(output):
        raise SpecError(
            "--format is for a folder of models, a pipe or -", f"end the name of {output} with it"
        )
    stopped = arguments.stop_of(context).ends()
    with stopped, opened(model, name, catalog) as found:
        several = isinstance(found, Archive)
        if several:
            check_folder(output)
        paths = rendered_paths(found, output) if isinstance(found, Archive) else {"": output}
        outputs = [Output(path, "a rendering") for path in paths.values()]
        check_outputs(outputs, force=force, inputs=[model], make_folders=several)
        for one, path in paths.items():
            if isinstance(found, Archive):
                make_folder(path.parent)
            loaded = found[one] if isinstance(found, Archive) else found
            size = draw(loaded, path, suffix=ending, quiet=quiet)
            if not quiet and not is_standard_output(path):
                say(f"wrote {path} ({size} samples)")
    return ExitCode.OK


def _render(
    catalog: Catalog,
    model: Model,
    output: Path,
    asked: Asked,
    device: str,
    *,
    suffix: str = "",
    quiet: bool,
) -> str:
    """Render one model into a file, and return its size for people."""
    from enas_inr.cli.progress import Display
    from enas_inr.executors.base import TrialProgress
    from enas_inr.signals.loading import check_format, save_signal
    from enas_inr.training.device import resolve_device

    loaded = model.to(resolve_device(device))
    window = _window(asked, loaded.header.signal)
    wanted = _wanted(asked, loaded.header.signal, window)
    if wanted and asked.scale:
        raise SpecError("--scale and a size or sample rate are both given", "give one of them")
    with Display(quiet=quiet) as progress:
        parts = loaded.parts(
            size=wanted,
            scale=asked.scale,
            window=window,
            blend=asked.blend,
            on_progress=lambda done: progress.progressed(
                TrialProgress(None, "rendering", done, 0, None)
            ),
        )
        check_format(catalog, parts, output, suffix)
        save_signal(catalog, parts, output, suffix)
    return parts.size


def _window(asked: Asked, signal: SignalInfo) -> list[tuple[float, float]]:
    """Return the part to render along each axis, in samples of the original.

    Raises:
        SpecError: an option cannot be read, or the signal does not have its axis.
    """
    rate = signal.sample_rate
    what = f"the model is of {signal.modality} {signal.name!r}"
    if rate is None:
        given = {"--sample-rate": asked.sample_rate, "--start": asked.start, "--end": asked.end}
        _refuse(given, f"{what}, without a time axis")
        return _crop(asked.crop, signal.shape)
    if len(signal.shape) == 1:
        _refuse({"--size": asked.size, "--crop": asked.crop}, f"{what}, whose one axis is time")
    seconds = signal.shape[0] / rate
    first = 0.0 if asked.start is None else asked.start
    last = seconds if asked.end is None else asked.end
    if not 0 <= first < last <= seconds:
        raise SpecError(
            f"--start {first:g} and --end {last:g} are not inside 0 to {seconds:.3f} seconds",
            "choose others",
        )
    time = (first * rate, min(last * rate, float(signal.shape[0])))
    return [time, *_crop(asked.crop, signal.shape[1:])]


def _wanted(
    asked: Asked, signal: SignalInfo, window: list[tuple[float, float]]
) -> list[int] | None:
    """Return the number of samples to render along each axis; None for that of the window."""
    if asked.size is None and asked.sample_rate is None:
        return None
    wanted = [max(1, round(stop - start)) for start, stop in window]
    if asked.sample_rate is not None and signal.sample_rate is not None:
        start, stop = window[0]
        wanted[0] = max(1, round((stop - start) / signal.sample_rate * asked.sample_rate))
    if asked.size is not None:
        timed = signal.sample_rate is not None
        wanted[timed:] = _size(asked.size, len(signal.shape) - timed)
    return wanted


def _refuse(options: Mapping[str, object], why: str) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        verb = "does" if len(given) == 1 else "do"
        raise SpecError(f"{', '.join(given)} {verb} not apply: {why}", "leave it out")


def _size(text: str, axes: int) -> list[int]:
    """Read a size, last axis first: `WxH` becomes rows, columns."""
    parts = text.lower().split("x")
    if len(parts) != axes or not all(part.isdecimal() and len(part) < 7 for part in parts):
        example = "x".join(("640", "480", "120", "40")[:axes])
        raise SpecError(f"size {text!r} is not a size of {_axes(axes)}", f"write it like {example}")
    return [int(part) for part in reversed(parts)]


def _crop(text: str | None, shape: tuple[int, ...]) -> list[tuple[float, float]]:
    """Read offsets and sizes, last axis first: `x,y,w,h` becomes windows of rows, columns."""
    if text is None:
        return [(0.0, float(n)) for n in shape]
    axes = len(shape)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 2 * axes:
        letters = ",".join([*_OFFSETS[:axes], *_EXTENTS[:axes]])
        example = ",".join([*("10", "20", "5", "0")[:axes], *("64", "48", "16", "4")[:axes]])
        raise SpecError(
            f"crop {text!r} is not a crop of {_axes(axes)}", f"write {letters}, as in {example}"
        )
    pairs = zip(numbers[:axes], numbers[axes:], strict=True)
    return [(offset, offset + extent) for offset, extent in pairs][::-1]


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count} axes"
