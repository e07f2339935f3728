"""The function behind `enas-inr fit`: train an ensemble, measure it and write its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

from pydantic import Field, SkipValidation

from enas_inr.api.keywords import takes
from enas_inr.api.reading import take_signal
from enas_inr.api.settings import FitSettings
from enas_inr.api.starting import given_start
from enas_inr.errors import SpecError, StudyError
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.states import states_folder
from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import best_of, compared
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.recipe import PROFILES
from enas_inr.validation import nearest, parse

if TYPE_CHECKING:
    from enas_inr.model.fitting import FitSpec, Fitted
    from enas_inr.model.model import Model
    from enas_inr.model.start import Start
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
    """

    model: Model
    path: Path
    finished: bool
    checkpoint: Path
    metrics: dict[str, Any]


class FitCall(FitSettings, arbitrary_types_allowed=True):
    """The settings of a fit, and the objects that take part in a call."""

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


@takes(FitCall)
def fit(signal: str | Path | Signal, call: FitCall) -> FitResult:
    """Train one ensemble on a signal and write it to a `.inr` file.

    `signal` is a file, a sample such as `sample:photo`, or a Signal. An image keeps its size unless
    `size` is given.

    Raises:
        SpecError, SignalError, StudyError, TrainingError, ModelError, PluginError: as their
            names say.
    """
    from enas_inr.model import fitting
    from enas_inr.model.file import SUFFIX, check_absent

    if call.precision not in PRECISIONS:
        raise SpecError(
            f"unknown precision {call.precision!r}", nearest(call.precision, PRECISIONS)
        )
    catalog = call.catalog or load_catalog()
    settings = call.settled(catalog)
    taken = take_signal(catalog, signal, settings, default="none")
    path = Path(call.output) if call.output else Path(taken.name + SUFFIX)
    for file in (path, *([Path(call.preview)] if call.preview else [])):
        check_absent(file, force=call.force)
    checkpoint = path.with_name(path.name + ".checkpoint")
    start = given_start(settings, catalog, call.states)
    fitted = fitting.fit(
        taken,
        _fit_spec(settings, catalog, start),
        catalog=catalog,
        device=call.device,
        checkpoint=checkpoint,
        states=states_folder() if settings.study else call.states,
        start=start,
        should_stop=call.should_stop,
        on_progress=call.on_progress,
    )
    if not fitted.finished:
        metrics = {"steps": fitted.steps}
        return FitResult(fitted.model, path, False, checkpoint, metrics)
    return _hand_over(fitted, taken, path, checkpoint, catalog, settings)


def _fit_spec(settings: FitSettings, catalog: Catalog, start: Start | None = None) -> FitSpec:
    """Return the specification of a fit.

    Its architecture is that of the study if one is given; what is not given is that of the start,
    and so is the profile.

    Raises:
        SpecError: a setting is not valid, or there are two architectures.
        StudyError: the study cannot be read, or has no complete trial.
    """
    from enas_inr.model.fitting import FitSpec
    from enas_inr.studies.record import load_record

    architecture = dict(settings.architecture or {})
    changes = {name: v for name, v in (settings.training or {}).items() if v is not None}
    profile = changes.pop("profile", None)
    training = None
    if settings.study:
        if architecture:
            raise SpecError(
                f"study {settings.study!r} names an architecture, and so do "
                f"{', '.join(architecture)}",
                "give one of the two",
            )
        study = load_record(settings.study, settings.storage, catalog)
        best = best_of(compared(study.results, study.trace))
        if best is None:
            raise StudyError(
                f"study {settings.study!r} has no complete trial", "continue the search first"
            )
        architecture = best.trial.ensemble.model_dump()
        if profile is None:
            training = parse(TrainingSpec, best.trial.training.model_dump() | changes, "training")
    elif start:
        architecture = _like(start.ensemble, architecture)
        if profile is None:
            training = _of_start(start.training, settings.DEFAULT_PROFILE, changes)
    return parse(
        FitSpec,
        {
            "ensemble": parse(EnsembleSpec, architecture, "architecture"),
            "training": training
            or TrainingSpec.from_profile(profile or settings.DEFAULT_PROFILE, **changes),
            "repeats": settings.repeats,
            "seed": settings.seed,
            "target_psnr_db": settings.target_psnr_db,
        },
        "fit",
    )


def _like(ensemble: EnsembleSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return an architecture in which what is not given is that of another ensemble."""
    options = dict(given.get("options") or {})
    if given.get("backbone", ensemble.backbone) == ensemble.backbone:
        options = ensemble.options | options
    return ensemble.model_dump() | given | {"options": options}


def _of_start(training: TrainingSpec, default: str, changes: dict[str, Any]) -> TrainingSpec:
    """Return the profile of a start, with the coordinates that its weights are for."""
    profile = training.profile if training.profile in PROFILES else default
    kept = {name: getattr(training, name) for name in ("coordinates", "extent", "margin")}
    return TrainingSpec.from_profile(profile, **(kept | changes))


def _hand_over(
    fitted: Fitted,
    signal: Signal,
    path: Path,
    checkpoint: Path,
    catalog: Catalog,
    settings: FitSettings,
) -> FitResult:
    """Measure the model with its numbers at their stored precision, then write it."""
    from enas_inr.model.file import decode, encode
    from enas_inr.model.measure import measure
    from enas_inr.model.model import Model

    content = encode(fitted.model.header, fitted.model.blocks, cast(Precision, settings.precision))
    stored = Model.of(decode(content, catalog, str(path)))
    measured = measure(stored, signal)
    if settings.precision != "float32":
        measured["psnr_db_float32"] = measure(fitted.model, signal)["psnr_db"]
    model = replace(
        stored,
        header=stored.header.model_copy(update={"metrics": stored.header.metrics | measured}),
    )
    size = model.save(path, force=True)
    if settings.preview:
        from enas_inr.reports.preview import write_preview
        from enas_inr.signals.partition import cut

        partition = cut(signal.values, model.layout.grid)
        write_preview(signal, model.render(), partition, Path(settings.preview))
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
    return FitResult(model, path, True, checkpoint, metrics)


def cost_of(model: Model) -> dict[str, int]:
    """Return the FLOPs of a rendering at the original size, and the number of parameters."""
    from enas_inr.cost import ensemble_cost

    net = model.backbone.cost(model.shape)
    cost = ensemble_cost(net, model.header.ensemble.grid, model.header.signal)
    return {"flops": cost.flops, "parameters": cost.parameters}
