"""`enas-inr render`: a model as a picture or sound, at any size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.errors import SpecError


def render(
    context: typer.Context,
    model: arguments.ModelFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file; its suffix says the format.")
    ],
    size: Annotated[str | None, typer.Option(help="WxH of a picture.")] = None,
    scale: Annotated[float | None, typer.Option(help="Times the original's size.")] = None,
    crop: Annotated[
        str | None, typer.Option(help="x,y,w,h of a picture, in pixels of the original.")
    ] = None,
    sample_rate: Annotated[int | None, typer.Option(help="Of sound, in Hz.")] = None,
    start: Annotated[float | None, typer.Option(help="Of sound, in seconds.")] = None,
    end: Annotated[float | None, typer.Option(help="Of sound, in seconds.")] = None,
    blend: Annotated[
        bool, typer.Option("--blend", help="Crossfade neighbouring cells at their border.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Evaluate a model on a regular grid: the original one, or a larger, smaller or cut one."""
    from enas_inr.model.file import check_absent, read_model
    from enas_inr.signals.loading import save_signal
    from enas_inr.training.device import resolve_device

    catalog = arguments.load_catalog(context)
    check_absent(output, force=force)
    loaded = read_model(model, catalog).to(resolve_device(device))
    signal = loaded.header.signal
    if signal.sample_rate is None:
        _refuse({"--sample-rate": sample_rate, "--start": start, "--end": end}, "a picture")
        window = _crop(crop, signal.shape) if crop else None
        wanted = _size(size) if size else None
    else:
        _refuse({"--size": size, "--crop": crop}, "sound")
        seconds = signal.shape[0] / signal.sample_rate
        first = 0.0 if start is None else start
        last = seconds if end is None else end
        if not 0 <= first < last <= seconds:
            raise SpecError(
                f"--start {first:g} and --end {last:g} are not inside 0 to {seconds:.3f} seconds",
                "choose others",
            )
        window = [(first * signal.sample_rate, min(last * signal.sample_rate, signal.shape[0]))]
        wanted = [max(1, round((last - first) * sample_rate))] if sample_rate else None
    if wanted and scale:
        raise SpecError("--scale and a size or sample rate are both given", "give one of them")
    rendered = loaded.render(size=wanted, scale=scale, window=window, blend=blend)
    save_signal(catalog, rendered, output)
    if not quiet:
        shape = "x".join(map(str, reversed(rendered.values.shape[:-1])))
        print(f"wrote {output} ({shape} samples)")


def _refuse(options: dict[str, object], what: str) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise SpecError(f"{', '.join(given)} does not apply: the model is {what}", "leave it out")


def _size(text: str) -> list[int]:
    """Read WxH as rows and columns."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 7 for part in parts):
        raise SpecError(f"size {text!r} is not a size", "write it like 640x480")
    return [int(parts[1]), int(parts[0])]


def _crop(text: str, shape: tuple[int, ...]) -> list[tuple[float, float]]:
    """Read x,y,w,h as windows of rows and columns."""
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        raise SpecError(f"crop {text!r} is not a crop", "write it like 10,20,64,48") from None
    if len(shape) != 2:
        raise SpecError("--crop is for pictures", "leave it out")
    return [(y, y + h), (x, x + w)]
