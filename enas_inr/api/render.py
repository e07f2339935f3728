"""Render a model, given as such or by its file, in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.api.reading import refused_type
from enas_inr.plugins.catalog import Catalog, load_catalog

if TYPE_CHECKING:
    from enas_inr.model.model import Model
    from enas_inr.signals.signal import Signal


def render(
    model: Model | str | os.PathLike[str],
    *,
    size: Sequence[int] | None = None,
    scale: float | None = None,
    window: Sequence[tuple[float, float]] | None = None,
    blend: bool | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    catalog: Catalog | None = None,
    on_progress: Callable[[float], None] = lambda done: None,
) -> Signal:
    """Evaluate a model on a regular grid, by default on that of the original.

    Args:
        model: a model, or its `.inr` file.
        size: number of samples along each axis.
        scale: instead of `size`, a factor on the number of samples.
        window: (start, stop) along each axis in samples of the original; None for all.
        blend: crossfade neighbouring cells between their outer samples; None to do so if the
            members were trained beyond their borders, as those of the profile `smooth` are.
        output: a picture, sound or other file to write as well.
        force: whether an existing file may be overwritten.
        catalog: the plugins; None for all installed ones.
        on_progress: called with the share that is done.

    Returns:
        The signal; `numpy()` has the type and the range of the original.

    Raises:
        SpecError: `model` is neither, or the size, the scale or the window is not valid.
        SignalError: the file cannot be written, or the values do not fit in the memory.
        ModelError, PluginError: the model file cannot be read.
    """
    from enas_inr.model.model import Model, load
    from enas_inr.signals.loading import check_format, save_signal
    from enas_inr.signals.outputs import Output, check_outputs

    plugins = catalog or load_catalog()
    inputs: list[Path] = []
    if isinstance(model, (str, os.PathLike)):
        inputs = [Path(model)]
        model = load(Path(model), catalog=plugins)
    if not isinstance(model, Model):
        raise refused_type("a model", model, "give an enas_inr.Model or a .inr file")
    asked = model.parts(size=size, scale=scale, window=window, blend=blend, on_progress=on_progress)
    if output is not None:
        check_outputs([Output(Path(output), "the rendering")], force=force, inputs=inputs)
        check_format(plugins, asked, Path(output))
    rendered = asked.whole()
    if output is not None:
        save_signal(plugins, rendered, Path(output))
    return rendered
