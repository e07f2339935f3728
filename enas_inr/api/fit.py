"""The function behind `enas-inr fit`: train an ensemble, measure it and write its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

from pydantic import Field, SkipValidation

from enas_inr.api.fit_spec import fit_specs
from enas_inr.api.keywords import takes
from enas_inr.api.observing import told_observers, watched_fit
from enas_inr.api.outputs import checkpoint_beside, fit_outputs, inputs_of, model_output
from enas_inr.api.reading import take_signal
from enas_inr.api.rounding import rounded
from enas_inr.api.settings import FitSettings
from enas_inr.api.starting import given_start
from enas_inr.api.watching import watched
from enas_inr.display import html
from enas_inr.errors import SignalError, SpecError
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.states import states_folder
from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.outputs import check_outputs
from enas_inr.studies.location import Storage
from enas_inr.studies.setting import Settings
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from enas_inr.api.reading import Given
    from enas_inr.model.fitting import Fitted
    from enas_inr.model.model import Model
    from enas_inr.signals.rivals import Rival
    from enas_inr.signals.signal import Signal

PRECISIONS: tuple[str, ...] = get_args(Precision)


@dataclass(frozen=True)
class FitResult:
    """The result of `fit`.

    Attributes:
        model: the model, with its numbers at the precision of the file.
        path: the file.
        finished: False if the fit was stopped; there is a checkpoint then, but no file.
        checkpoint: the checkpoint of an interrupted fit.
        metrics: the values that `enas-inr fit --json` prints.
        signal: the signal, if the fit has ended.
    """

    model: Model
    path: Path
    finished: bool
    checkpoint: Path
    metrics: dict[str, Any]
    signal: Signal | None = None

    def rivals(self) -> tuple[Rival, ...]:
        """Return the same signal in ordinary codecs, at the PSNR of the model."""
        from enas_inr.signals.rivals import rivals

        if self.signal is None or not self.finished:
            return ()
        return tuple(rivals(self.signal, float(self.metrics["psnr_db"])))

    def __repr__(self) -> str:
        state = "" if self.finished else ", interrupted"
        return f"<FitResult: {self.model!r}, {str(self.path)!r}{state}>"

    def _repr_html_(self) -> str:
        known = {name: self.metrics.get(name) for name in ("bytes", "bits_per_sample", "seconds")}
        note = f"written to {self.path}" if self.finished else "interrupted: the model so far"
        return html.stacked(
            self.model._repr_html_(), html.titled("", note), html.facts(known.items())
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the rendering of the model with matplotlib, and return the axes."""
        return self.model.plot(ax)


class FitObjects(Settings, arbitrary_types_allowed=True):
    """The objects that take part in a call of `fit` or `fit_many`."""

    catalog: Annotated[
        SkipValidation[Catalog | None], Field(description="The plugins; None: all installed ones.")
    ] = None
    should_stop: Annotated[
        Callable[[], bool],
        Field(
            description="Called every few seconds; True stops the fit with a checkpoint, "
            "from which the same call resumes."
        ),
    ] = lambda: False
    states: Annotated[
        Path | None,
        Field(
            description="Folder in which searches keep the weights of cells; those that were "
            "trained in the same way are not trained again. With a study: the usual folder."
        ),
    ] = None
    on_progress: Annotated[
        Callable[[TrialProgress], None], Field(description="Called with the progress.")
    ] = lambda progress: None
    progress: Annotated[
        bool | None,
        Field(
            description="Whether to show a bar; None: in notebooks and interactive interpreters."
        ),
    ] = None


class FitCall(FitObjects, FitSettings):
    """The settings of a fit, and the objects that take part in a call."""

    most_bytes: Annotated[
        int | None,
        Field(
            description="Largest size of a file in which leaves are stored more finely than "
            "`precision` says, below that of `MOST_GROWTH`. None: that of the study, if it has one."
        ),
    ] = None


@takes(FitCall)
def fit(signal: Given, call: FitCall) -> FitResult:
    """Train one ensemble on a signal and write it to a `.inr` file.

    `signal` is a file, a sample such as `sample:photo`, a picture as a NumPy array, or a Signal. An
    image keeps its size unless `size` is given. In a notebook or an interactive interpreter, Ctrl-C
    returns what is trained so far, with `finished` False; repeat the call to resume.

    Raises:
        SpecError, SignalError, StudyError, TrainingError, ModelError, PluginError: as their
            names say.
    """
    with watched(call) as watched_call:
        return _fit(signal, watched_call)


def _fit(signal: Given, call: FitCall) -> FitResult:
    from enas_inr.model import fitting
    from enas_inr.model.fit_checkpoint import Checkpoint

    precision = checked_precision(call.precision)
    catalog = call.catalog or load_catalog()
    settings = call.settled(catalog)
    told = told_observers(settings, catalog)
    taken = take_signal(catalog, signal, settings, default="none")
    path = model_output(call.output, taken.name)
    storage = Storage(settings.storage) if settings.study else None
    check_outputs(
        fit_outputs(path, call.preview),
        force=call.force,
        # Not the model that is trained further: with `force`, the new one takes its place.
        inputs=inputs_of(signal, settings.init_from, storage=storage),
    )
    checkpoint = checkpoint_beside(path, taken.name)
    start = given_start(settings, catalog, call.states)
    specs = fit_specs(settings, catalog, start)
    spec = specs(taken.values.shape)
    with watched_fit(told, path, taken, spec, call.on_progress) as watched:
        fitted = fitting.fit(
            taken,
            spec,
            catalog=catalog,
            device=call.device,
            checkpoint=checkpoint,
            keeps=True,
            states=states_folder() if settings.study else call.states,
            start=start,
            should_stop=call.should_stop,
            on_progress=watched.progressed,
        )
        if not fitted.finished:
            metrics = {"steps": fitted.steps}
            return FitResult(fitted.model, path, False, checkpoint, metrics)
        preview = Path(call.preview) if call.preview is not None else None
        most = call.most_bytes
        if most is None and specs.limit:
            most = specs.limit.whole(taken.info().samples)
        made = hand_over(fitted, taken, path, catalog, precision, preview, most, rescue=True)
        watched.metrics = made.metrics
    Checkpoint(checkpoint).remove()
    return replace(made, checkpoint=checkpoint)


def checked_precision(name: str) -> Precision:
    """Return the name of a precision.

    Raises:
        SpecError: there is none of this name.
    """
    if name not in PRECISIONS:
        raise SpecError(f"unknown precision {name!r}", nearest(name, PRECISIONS))
    return cast(Precision, name)


def hand_over(
    fitted: Fitted,
    signal: Signal,
    path: Path,
    catalog: Catalog,
    precision: Precision,
    preview: Path | None = None,
    most_bytes: int | None = None,
    *,
    rescue: bool = False,
) -> FitResult:
    """Measure the model with its numbers at their stored precision, then write it.

    Args:
        fitted: what was trained.
        signal: the signal to which it was fitted.
        path: the model file, which is replaced.
        catalog: the plugins.
        precision: how the numbers are stored.
        preview: a picture to draw as well.
        most_bytes: limit of the file, beyond which numbers are rounded more; None for none.
        rescue: whether a model that cannot be written is kept as a temporary file.

    Raises:
        SignalError: a file cannot be written. The message says where a model was kept.
    """
    from enas_inr.model.fit_checkpoint import checkpoint_of
    from enas_inr.signals.files import make_folder

    model = rounded(fitted.model, signal, precision, catalog, most_bytes=most_bytes)
    try:
        make_folder(path.parent)  # it may have gone since the training began
        size = model.save(path, force=True)
    except SignalError as error:
        raise (_rescued(model, error) if rescue else error) from None
    if preview:
        draw_preview(model, signal, preview)
    metrics = {
        **model.header.metrics,
        "seconds": round(fitted.seconds, 3),
        "known_cells": fitted.known,
        "start": model.header.start.source if model.header.start else None,
        **cost_of(model),
        "bytes": size,
        "bits_per_sample": 8 * size / model.header.signal.samples,
        "path": str(path),
    }
    return FitResult(model, path, True, checkpoint_of(path), metrics, signal)


def draw_preview(model: Model, signal: Signal, path: Path) -> None:
    """Draw the original, the rendering of a model, its cells and its error."""
    from enas_inr.reports.preview import write_preview
    from enas_inr.signals.partition import cut

    write_preview(signal, model.render(), cut(signal.values, model.layout.grid), path)


def _rescued(model: Model, error: SignalError) -> SignalError:
    """Keep a model as a temporary file, since its training may have taken hours."""
    from enas_inr.model.file import SUFFIX

    try:
        with NamedTemporaryFile(prefix="enas-inr-", suffix=SUFFIX, delete=False) as file:
            kept = Path(file.name)
    except OSError:
        return error
    try:
        model.save(kept, force=True)
    except SignalError:
        kept.unlink(missing_ok=True)
        return error
    return SignalError(error.what, f"the model was kept as {str(kept)!r}")


def cost_of(model: Model) -> dict[str, int]:
    """Return the FLOPs of a rendering at the original size, and the number of parameters."""
    from enas_inr.cost import ensemble_cost

    net = model.backbone.cost(model.shape)
    cost = ensemble_cost(net, model.header.ensemble.grid, model.header.signal)
    return {"flops": cost.flops, "parameters": cost.parameters}
