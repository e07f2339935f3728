"""Fit an ensemble, measure it as it is stored, and write the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from enas_inr.api.reading import read_signal
from enas_inr.errors import SpecError, StudyError
from enas_inr.executors.base import TrialProgress
from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import best_of
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.studies.search import DEFAULT_STORAGE
from enas_inr.validation import nearest, parse

if TYPE_CHECKING:
    from enas_inr.model.fitting import Fitted
    from enas_inr.model.model import Model
    from enas_inr.signals.signal import Signal

PRECISIONS: tuple[str, ...] = get_args(Precision)


@dataclass(frozen=True)
class FitResult:
    """What `fit` made.

    Attributes:
        model: as it is in the file, with its numbers at the file's precision.
        path: the file.
        finished: False if it was asked to stop; there is a checkpoint then, and no file.
        checkpoint: where an interrupted fit is kept.
        metrics: what `enas-inr fit --json` prints.
    """

    model: Model
    path: Path
    finished: bool
    checkpoint: Path
    metrics: dict[str, Any]


def fit(
    signal: str | Path | Signal,
    *,
    study: str | None = None,
    storage: str = DEFAULT_STORAGE,
    architecture: Mapping[str, Any] | None = None,
    size: str = "none",
    signal_options: Mapping[str, Any] | None = None,
    profile: str | None = None,
    training: Mapping[str, Any] | None = None,
    target_psnr_db: float | None = None,
    repeats: int = 1,
    seed: int = 0,
    device: str = "auto",
    output: str | Path | None = None,
    precision: str = "float32",
    preview: str | Path | None = None,
    force: bool = False,
    catalog: Catalog | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
) -> FitResult:
    """Train one ensemble on a signal and write it to a `.inr` file.

    Args:
        signal: a file, `sample:photo`, `sample:chord`, or a Signal.
        study: fit this study's best architecture, with its training settings.
        storage: where that study is.
        architecture: instead, fields of an EnsembleSpec, such as `{"grid": 16, "width": 32}`.
        size: as in `search`; the default is the file's own size.
        signal_options: as in `search`.
        profile: a named set of training settings; None: the study's own, or `smooth`.
        training: changes to it (or to the study's), such as `{"steps": 2000}`.
        target_psnr_db: stop when this usual PSNR is reached.
        repeats: trainings from different seeds; the best is kept.
        seed: of everything random.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        output: the model file; None: the signal's name with `.inr`.
        precision: `float32`, `float16` or `int8`.
        preview: a picture to draw.
        force: overwrite `output` and `preview`.
        catalog: the plugins; None: all that are installed.
        should_stop: asked every few seconds; True keeps a checkpoint, from which the same call
            goes on.
        on_progress: is told how far it is.

    Raises:
        SpecError, SignalError, StudyError, TrainingError, ModelError, PluginError: as their
            names say.
    """
    from enas_inr.model import fitting
    from enas_inr.model.file import SUFFIX, check_absent
    from enas_inr.studies.reading import read_study

    if precision not in PRECISIONS:
        raise SpecError(f"unknown precision {precision!r}", nearest(precision, PRECISIONS))
    catalog = catalog or load_catalog()
    if isinstance(signal, (str, Path)):
        asked_size = None if size == "none" else size
        signal = read_signal(catalog, str(signal), asked_size, "none", signal_options)
    elif signal_options:
        raise SpecError("signal_options do not apply to a Signal", "give a file, or leave them out")
    path = Path(output) if output else Path(signal.name + SUFFIX)
    check_absent(path, force=force)
    if preview:
        check_absent(Path(preview), force=force)
    given = {name: value for name, value in (training or {}).items() if value is not None}
    if study:
        asked, results = read_study(study, storage)
        best = best_of(results)
        if best is None:
            raise StudyError(f"study {study!r} has no complete trial", "let the search go on")
        base = best.trial.ensemble.model_dump()
    else:
        base = dict(architecture or {})
    if study and profile is None:
        settings = parse(TrainingSpec, asked.training.model_dump() | given, "training")
    else:
        settings = TrainingSpec.from_profile(profile or "smooth", **given)
    spec = parse(
        fitting.FitSpec,
        {
            "ensemble": parse(EnsembleSpec, base, "architecture"),
            "training": settings,
            "repeats": repeats,
            "seed": seed,
            "target_psnr_db": target_psnr_db,
        },
        "fit",
    )
    checkpoint = path.with_name(path.name + ".checkpoint")
    fitted = fitting.fit(
        signal,
        spec,
        catalog=catalog,
        device=device,
        checkpoint=checkpoint,
        should_stop=should_stop,
        on_progress=on_progress,
    )
    if not fitted.finished:
        metrics = {"steps": fitted.steps}
        return FitResult(fitted.model, path, False, checkpoint, metrics)
    return _hand_over(fitted, signal, path, checkpoint, catalog, precision, preview)


def _hand_over(
    fitted: Fitted,
    signal: Signal,
    path: Path,
    checkpoint: Path,
    catalog: Catalog,
    precision: str,
    preview: str | Path | None,
) -> FitResult:
    """Measure the model with its numbers as they are stored, then write it."""
    from enas_inr.model.file import decode, encode
    from enas_inr.model.measure import measure
    from enas_inr.model.model import Model

    content = encode(fitted.model.header, fitted.model.blocks, cast(Precision, precision))
    stored = Model.of(decode(content, catalog, str(path)))
    measured = measure(stored, signal)
    if precision != "float32":
        measured["psnr_db_float32"] = measure(fitted.model, signal)["psnr_db"]
    model = replace(
        stored,
        header=stored.header.model_copy(update={"metrics": stored.header.metrics | measured}),
    )
    size = model.save(path, force=True)
    if preview:
        from enas_inr.reports.preview import write_preview
        from enas_inr.signals.partition import cut

        partition = cut(signal.values, model.layout.grid)
        write_preview(signal, model.render(), partition, Path(preview))
    metrics = {
        **model.header.metrics,
        "seconds": round(fitted.seconds, 3),
        **cost_of(model),
        "bytes": size,
        "bits_per_sample": 8 * size / model.header.signal.samples,
        "path": str(path),
    }
    return FitResult(model, path, True, checkpoint, metrics)


def cost_of(model: Model) -> dict[str, int]:
    """FLOPs of rendering the original size, and parameters."""
    from enas_inr.cost import ensemble_cost

    net = model.backbone.cost(model.shape)
    cost = ensemble_cost(net, model.header.ensemble.grid, model.header.signal)
    return {"flops": cost.flops, "parameters": cost.parameters}
